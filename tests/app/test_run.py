"""The program as a whole: the same bits however it is run, killed or continued; what it refuses; what others read."""

import json
import math
import os
import random
import subprocess
import time

import h5py
import numpy
import pytest
import xarray

from fermiac import same_bits
from program import descendants, fermiac, kill_all_ranks, start, write_count

OTHER = os.environ.get("FERMIAC_OTHER", "")


@pytest.fixture(scope="module")
def baseline(tmp_path_factory):
    """A study computed by one rank with one thread."""
    folder = tmp_path_factory.mktemp("baseline")
    write_count(folder / "study.toml", replicates=50, draws=20000, per_item=4)
    assert fermiac("run", "study.toml", "--out", "a.h5", cwd=folder).returncode == 0
    return folder


def assert_same(a, b):
    assert same_bits(a, b) is None  # independent of the program
    result = fermiac("compare", a, b)
    assert result.returncode == 0, result.stdout


def assert_same_run(folder, elsewhere, *words, **how):
    """The study of a folder, run another way, gives the bits of its a.h5."""
    result = fermiac("run", folder / "study.toml", "--out", elsewhere / "b.h5", *words, **how)
    assert result.returncode == 0, result.stderr
    assert_same(folder / "a.h5", elsewhere / "b.h5")


# ------------------------------------------------------------------------------------------------ right answers


def test_the_counting_experiment_agrees_with_the_binomial_distribution(baseline):
    data = xarray.open_dataset(baseline / "a.h5", engine="h5netcdf")
    assert data.fraction.dims == ("probability", "replicate")
    p = data.probability.values[:, None]
    n = 20000
    # One z for each of 150 independent fractions; 5 sigma in any of them: 9e-5 by chance.
    assert (abs(data.fraction - p) < 5 * numpy.sqrt(p * (1 - p) / n)).all()
    # Their squares are chi-square with 150 degrees of freedom: 6 sigma on either side.
    chi_square = float((((data.fraction - p) ** 2) / (p * (1 - p) / n)).sum())
    assert abs(chi_square - 150) < 6 * math.sqrt(2 * 150)
    assert (abs(data.mean_z) < 5).all()
    assert numpy.allclose(data["mean"], data.fraction.mean("replicate"), rtol=1e-14)


def test_each_replicate_is_computed_alone_to_the_same_value(baseline):
    with h5py.File(baseline / "a.h5") as file:
        for point, replicate in ((0, 0), (1, 17), (2, 49)):
            result = fermiac("item", "study.toml", "--point", point, "--replicate", replicate, cwd=baseline)
            assert float(result.stdout.split()[1]) == file["fraction"][point, replicate]


# ---------------------------------------------------------------------------------------------- the same bits


@pytest.mark.parametrize("ranks", [1, 2, 3, 4])
@pytest.mark.parametrize("threads", [1, 2])
def test_same_bits_on_any_number_of_ranks_and_threads(baseline, tmp_path, ranks, threads):
    assert_same_run(baseline, tmp_path, ranks=ranks, threads=threads)


def test_same_bits_by_teams(baseline, tmp_path):
    assert_same_run(baseline, tmp_path, "--ranks-per-item", 2, ranks=4)


def test_same_bits_without_shared_memory(baseline, tmp_path):
    """Between nodes the counter is reached over the network: its owner must answer while it computes."""
    assert_same_run(baseline, tmp_path, ranks=3,
                    mca=["--mca", "btl", "self,tcp", "--mca", "osc", "^sm", "--mca", "btl_tcp_if_include", "lo"])


@pytest.mark.skipif(not OTHER, reason="there is no build of another mode or architecture")
def test_same_bits_of_another_build(baseline, tmp_path):
    assert_same_run(baseline, tmp_path, program=OTHER)


def test_compare_names_a_difference(baseline, tmp_path):
    other = tmp_path / "b.h5"
    assert fermiac("run", baseline / "study.toml", "--out", other).returncode == 0
    with h5py.File(other, "r+") as file:
        file["fraction"][1, 7] = numpy.nextafter(file["fraction"][1, 7], 1)
    result = fermiac("compare", baseline / "a.h5", other)
    assert result.returncode == 1 and "fraction" in result.stdout
    assert "fraction" in same_bits(baseline / "a.h5", other)


# --------------------------------------------------------------------------------------- stops, kills, continuing


def done(path):
    try:
        with h5py.File(path) as file:
            return numpy.array(file["done"])
    except OSError:
        return numpy.zeros(0)


@pytest.mark.stat
def test_a_time_limit_stops_in_time_and_resume_goes_on(tmp_path):
    study = write_count(tmp_path / "study.toml", replicates=50, draws=40_000_000)
    assert fermiac("run", study, "--out", tmp_path / "a.h5", ranks=2).returncode == 0
    # On a busy machine a limit may pass before the first item is done: that is a stop in time too, with everything left.
    for limit_s in (0.5, 1, 2, 4, 8):
        first = fermiac("run", study, "--out", tmp_path / "b.h5", "--resume", "--time-limit", limit_s, ranks=2)
        assert first.returncode == 75, first.stderr
        count = int((done(tmp_path / "b.h5") == 1).sum())
        if count > 0:
            break
    assert 0 < count < 150
    status = json.loads(fermiac("status", tmp_path / "b.h5", "--json").stdout)
    assert status["done"] == count and status["pending"] == 150 - count and not status["running"]
    assert fermiac("run", study, "--out", tmp_path / "b.h5", "--resume", ranks=3).returncode == 0
    assert_same(tmp_path / "a.h5", tmp_path / "b.h5")


@pytest.mark.stat
@pytest.mark.parametrize("mca", [[], ["--mca", "btl", "self,tcp", "--mca", "osc", "^sm", "--mca", "btl_tcp_if_include", "lo"]],
                         ids=["shared_memory", "tcp"])
def test_a_signal_to_one_rank_stops_all_promptly(tmp_path, mca):
    study = write_count(tmp_path / "study.toml", replicates=400, draws=40_000_000)
    out = tmp_path / "a.h5"
    process = start("run", study, "--out", out, ranks=2, mca=mca)
    wait_for(lambda: (done(out) == 1).sum() >= 4, process)
    ranks = [pid for pid in descendants(process.pid) if b"--out" in open(f"/proc/{pid}/cmdline", "rb").read()]
    os.kill(ranks[-1], 10)  # SIGUSR1
    begin = time.monotonic()
    assert process.wait(timeout=60) == 75
    # An item takes a tenth of a second or so, mpirun a second or two to clean up.
    assert time.monotonic() - begin < 10
    assert 0 < (done(out) == 1).sum() < 1200


def wait_for(condition, process, limit_s=60):
    begin = time.monotonic()
    while not condition():
        assert process.poll() is None and time.monotonic() - begin < limit_s
        time.sleep(0.01)


@pytest.mark.stat
def test_twenty_kills_of_all_ranks_lose_nothing(tmp_path):
    """kill -9 at random instants inside the work, resumed on another number of ranks; nothing done is computed again."""
    study = write_count(tmp_path / "study.toml", replicates=150, draws=40_000_000)  # items long enough to be written at once
    assert fermiac("run", study, "--out", tmp_path / "a.h5", ranks=2).returncode == 0
    out = tmp_path / "b.h5"
    instants = random.Random(3)
    n_done = []
    for kill in range(20):
        before = done(out)
        n_done.append(int((before == 1).sum()))
        process = start("run", study, "--out", out, "--resume", "--quiet", ranks=1 + kill % 4)
        target = n_done[-1] + 1 + instants.randrange(8)
        wait_for(lambda: (done(out) == 1).sum() >= target, process)
        time.sleep(instants.random() * 0.02)
        kill_all_ranks(process)
        after = done(out)
        assert 0 < (after == 1).sum() < 450, "the kill must fall inside the work"
        assert (after[before == 1] == 1).all()
    final = fermiac("run", study, "--out", out, "--resume", ranks=3)
    assert final.returncode == 0, final.stderr
    assert f"{450 - (after == 1).sum()} to do" in final.stderr, "what is done is not computed again"
    assert_same(tmp_path / "a.h5", out)
    with h5py.File(out) as file:
        assert list(file["run/items_before"][:20]) == n_done


def test_more_ranks_than_items_and_nothing_left_to_do(tmp_path):
    study = write_count(tmp_path / "study.toml", replicates=1)
    assert fermiac("run", study, "--out", tmp_path / "a.h5").returncode == 0
    assert fermiac("run", study, "--out", tmp_path / "b.h5", ranks=4).returncode == 0
    assert_same(tmp_path / "a.h5", tmp_path / "b.h5")
    again = fermiac("run", study, "--out", tmp_path / "b.h5", "--resume", ranks=2)
    assert again.returncode == 0 and "0 to do" in again.stderr
    assert_same(tmp_path / "a.h5", tmp_path / "b.h5")


def test_no_time_at_all_stops_at_once_and_leaves_a_file_to_resume(baseline, tmp_path):
    stopped = fermiac("run", baseline / "study.toml", "--out", tmp_path / "b.h5", "--time-limit", 0, ranks=2)
    assert stopped.returncode == 75, stopped.stderr
    assert_same_run(baseline, tmp_path, "--resume")


def test_a_damaged_item_is_computed_again(baseline, tmp_path):
    out = tmp_path / "b.h5"
    assert fermiac("run", baseline / "study.toml", "--out", out).returncode == 0
    with h5py.File(out, "r+") as file:
        file["fraction"][2, 3] += 0.25
    assert fermiac("run", baseline / "study.toml", "--out", out, "--resume").returncode == 0
    assert_same(baseline / "a.h5", out)


def test_resume_without_a_file_starts_afresh(baseline, tmp_path):
    assert_same_run(baseline, tmp_path, "--resume")


def test_reuse_takes_over_what_is_common(baseline, tmp_path):
    text = (baseline / "study.toml").read_text().replace("replicates = 50", "replicates = 72").replace("[0.1, 0.5, 0.75]", "[0.25, 0.5, 0.1]")
    (tmp_path / "study.toml").write_text(text)
    fresh = fermiac("run", "study.toml", "--out", "fresh.h5", cwd=tmp_path)
    grown = fermiac("run", "study.toml", "--out", "grown.h5", "--reuse", baseline / "a.h5", cwd=tmp_path, ranks=2)
    assert fresh.returncode == 0 and grown.returncode == 0, grown.stderr
    assert "24 of 54 items taken over" in grown.stderr  # two points, 12 whole items of 4 replicates each
    assert_same(tmp_path / "fresh.h5", tmp_path / "grown.h5")


# ------------------------------------------------------------------------------------------- what others read


@pytest.mark.stat
def test_xarray_reads_names_units_and_truths_while_the_study_runs(tmp_path):
    study = write_count(tmp_path / "study.toml", replicates=400, draws=40_000_000)
    out = tmp_path / "a.h5"
    process = start("run", study, "--out", out, ranks=2)
    try:
        wait_for(lambda: (done(out) == 1).sum() >= 3, process)
        with xarray.open_dataset(out, engine="h5netcdf") as data:
            assert data.fraction.dims == ("probability", "replicate")
            assert list(data.probability.values) == [0.1, 0.5, 0.75]
            assert data.fraction.attrs["units"] == "1" and "hits" in data.fraction.attrs["long_name"]
            assert int(data.fraction.notnull().sum()) >= 3
            assert "mean_truth" in data and data.attrs["schema"] == "fermiac/1"
        status = json.loads(fermiac("status", out, "--json").stdout)
        assert status["running"] and 0 < status["done"] < 1200
        assert process.poll() is None, "the study must still be running"
    finally:
        kill_all_ranks(process)
    with xarray.open_dataset(out, engine="h5netcdf", group="run") as run:
        assert run.ranks.values[0] == 2


def test_show_prints_estimates_beside_truths(baseline):
    text = fermiac("show", baseline / "a.h5").stdout
    assert "mean_truth" in text and "0.75" in text and "binomial" in text
    rows = json.loads(fermiac("show", baseline / "a.h5", "--json").stdout)
    assert [row["probability"] for row in rows] == [0.1, 0.5, 0.75] and all(abs(row["mean_z"]) < 5 for row in rows)
    header, *lines = fermiac("show", baseline / "a.h5", "--csv").stdout.splitlines()
    assert header.startswith("probability,mean,mean_error,mean_truth") and len(lines) == 3


def test_a_template_is_a_study_of_its_kind(tmp_path):
    for kind in ("count", "vmc"):
        text = fermiac("template", kind).stdout
        (tmp_path / "study.toml").write_text(text)
        result = fermiac("check", "study.toml", cwd=tmp_path)
        assert result.returncode == 0 and kind in result.stdout, result.stderr


# ------------------------------------------------------------------------------------------- hostile machines


@pytest.fixture
def small_disk(tmp_path):
    """A file system with 300 kB of space."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("needs the right to mount")
    yield folder
    subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_a_full_disk_is_met_before_work_starts(tmp_path, small_disk, ranks):
    study = write_count(tmp_path / "study.toml", replicates=20000)
    result = fermiac("run", study, "--out", small_disk / "a.h5", ranks=ranks)
    assert result.returncode == 1
    assert len(result.stderr.strip().splitlines()) == 1 and "a.h5" in result.stderr
    assert list(small_disk.glob("*.h5*")) == list(small_disk.glob("*.lock"))


@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_a_folder_that_cannot_be_written_is_refused(tmp_path, ranks):
    study = write_count(tmp_path / "study.toml")
    result = fermiac("run", study, "--out", "/proc/a.h5", ranks=ranks)
    assert result.returncode == 1
    assert len(result.stderr.strip().splitlines()) == 1 and "/proc/a.h5" in result.stderr


@pytest.mark.stat
@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_a_second_writer_is_refused_and_the_first_goes_on(tmp_path, ranks):
    study = write_count(tmp_path / "study.toml", replicates=800, draws=40_000_000)
    out = tmp_path / "a.h5"
    process = start("run", study, "--out", out)
    try:
        wait_for(lambda: (done(out) == 1).sum() >= 1, process)
        for option in ("--resume", "--overwrite"):
            result = fermiac("run", study, "--out", out, option, ranks=ranks)
            assert result.returncode == 1
            assert len(result.stderr.strip().splitlines()) == 1 and "a.h5" in result.stderr
        assert process.poll() is None
    finally:
        kill_all_ranks(process)
    assert 0 < (done(out) == 1).sum() < 2400
