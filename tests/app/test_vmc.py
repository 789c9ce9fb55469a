"""The vmc kind through the whole program: right energies, the same bits, checkpoints, a speed-up with threads."""

import os
import random
import time

import h5py
import numpy
import pytest
import xarray

from program import fermiac, kill_all_ranks, start
from test_run import OTHER, assert_same, assert_same_run, done, wait_for

SMALL = """
[study]
name = "small"
kind = "vmc"
seed = 5
replicates = 3

[[sweep]]
"ansatz.convention" = ["sqrt_f", "f"]

[system]
omega = 0.5

[sampler]
walkers = 512
pack = 64
burn_in = 100
sweeps = {sweeps}

[optimiser]
starts = 2
iterations = 40
"""


@pytest.fixture(scope="module")
def baseline(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vmc")
    (folder / "study.toml").write_text(SMALL.format(sweeps=2000))
    result = fermiac("run", "study.toml", "--out", "a.h5", cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder


def test_energies_and_their_parts_agree_with_the_exact_ones_at_the_same_parameters(baseline):
    with xarray.open_dataset(baseline / "a.h5", engine="h5netcdf") as data:
        assert data.energy.dims == ("convention", "replicate") and list(data.convention.values) == ["sqrt_f", "f"]
        assert data.energy.attrs["units"] == "Hartree"
        # 6 items, 5 scores each: 5 sigma in one of them has a chance of 2e-5. (The interaction has no variance: no score.)
        for name in ("energy_z", "kinetic_z", "trap_z", "stein_z", "forms_z"):
            assert (abs(data[name]) < 5).all(), (name, data[name].values)
        assert (abs(data.energy_z) > 0).all() and (data.energy_error < 0.01).all()
        # Spread of the z-scores of all energies together: chi-square with 6 degrees of freedom, both tails at 1e-5.
        assert 0.03 < float((data.energy_z**2).sum()) < 33
        assert (data.bound_z > -4).all()
        # 1.70925 and 1.72165 (quadratures and closed forms, independent of this program).
        assert (abs(data.ansatz_minimum.values - [1.70925, 1.721645]) < 2e-5).all()
        assert abs(float(data.ground_state[0]) - 1.659772149994) < 1e-11
        assert (data.energy_truth >= data.ansatz_minimum - 1e-9).all()


def test_one_item_alone_is_the_same(baseline):
    result = fermiac("item", "study.toml", "--point", 1, "--replicate", 2, cwd=baseline)
    values = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines()}
    with h5py.File(baseline / "a.h5") as file:
        assert float(values["energy"][0]) == file["energy"][1, 2]
        parameters = [float(words[0]) for name, words in values.items() if name.startswith("parameters[")]
        assert parameters == list(file["parameters"][1, 2])


@pytest.mark.parametrize("ranks, threads", [(1, 2), (2, 1), (3, 2), (4, 1)])
def test_same_bits_on_any_number_of_ranks_and_threads(baseline, tmp_path, ranks, threads):
    assert_same_run(baseline, tmp_path, ranks=ranks, threads=threads)


@pytest.mark.parametrize("ranks, team", [(2, 2), (3, 3), (4, 2)])
def test_same_bits_by_teams(baseline, tmp_path, ranks, team):
    assert_same_run(baseline, tmp_path, "--ranks-per-item", team, ranks=ranks)


@pytest.mark.skipif(not OTHER, reason="there is no build of another mode or architecture")
def test_same_bits_of_another_build(baseline, tmp_path):
    assert_same_run(baseline, tmp_path, program=OTHER)


@pytest.mark.stat
@pytest.mark.parametrize("team", [1, 2])
def test_killed_long_items_go_on_from_their_checkpoints(tmp_path, team):
    study = tmp_path / "study.toml"
    study.write_text(SMALL.format(sweeps=40000))
    options = ["--checkpoint-interval", 0.05, "--ranks-per-item", team]
    assert fermiac("run", study, "--out", tmp_path / "a.h5", ranks=2).returncode == 0
    out = tmp_path / "b.h5"
    instants = random.Random(4)
    checkpoints = 0
    for kill in range(5):
        process = start("run", study, "--out", out, "--resume", "--quiet", *options, ranks=2)
        wait_for(lambda: list(tmp_path.glob("b.h5.item_*")), process)
        time.sleep(0.3 * instants.random())
        kill_all_ranks(process)
        checkpoints += bool(list(tmp_path.glob("b.h5.item_*")))
        if (done(out) == 1).all():
            break
    assert checkpoints >= 1
    result = fermiac("run", study, "--out", out, "--resume", *options, ranks=2)
    assert result.returncode == 0, result.stderr
    assert_same(tmp_path / "a.h5", out)
    assert not list(tmp_path.glob("b.h5.item_*"))


@pytest.mark.stat
def test_a_stop_in_time_keeps_the_state_of_a_long_item(tmp_path):
    study = tmp_path / "study.toml"
    study.write_text(SMALL.format(sweeps=120000).replace("replicates = 3", "replicates = 1"))
    begin = time.monotonic()
    assert fermiac("run", study, "--out", tmp_path / "a.h5").returncode == 0
    limit_s = max(0.4, (time.monotonic() - begin) / 6)
    stops = 0
    for attempt in range(100):
        result = fermiac("run", study, "--out", tmp_path / "b.h5", "--resume", "--time-limit", limit_s, ranks=1)
        if result.returncode == 0:
            break
        assert result.returncode == 75, result.stderr
        stops += 1
    # Each attempt goes on where the one before stopped: otherwise the longest item would never end.
    assert result.returncode == 0 and stops >= 2
    assert_same(tmp_path / "a.h5", tmp_path / "b.h5")


@pytest.mark.long  # a measurement, best on a machine that nobody else uses meanwhile
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_two_threads_and_two_ranks_are_almost_twice_as_fast_as_one(tmp_path):
    study = tmp_path / "study.toml"
    text = SMALL.format(sweeps=500_000).replace("replicates = 3", "replicates = 1")
    study.write_text(text.replace("walkers = 512", "walkers = 2048").replace("pack = 64", "pack = 256"))

    def seconds(copies=1, *options, **how):
        begin = time.monotonic()
        processes = [start("run", study, "--out", tmp_path / f"{i}.h5", "--overwrite", *options, **how) for i in range(copies)]
        assert [process.wait(timeout=900) for process in processes] == [0] * copies
        return time.monotonic() - begin

    # One process is timed beside a second one like it: it then has no more of a shared machine than each of two threads has.
    rounds = [(seconds(2), seconds(threads=2), seconds(1, "--ranks-per-item", 2, ranks=2)) for _ in range(3)]
    one, threads, ranks = (min(times) for times in zip(*rounds))
    assert one / threads >= 1.9 and one / ranks >= 1.9, rounds


def test_without_interaction_and_hidden_units_nothing_varies(tmp_path):
    study = tmp_path / "study.toml"
    study.write_text(SMALL.format(sweeps=100).replace("omega = 0.5", 'omega = 0.5\ninteraction = "none"') + "\n[ansatz]\nhidden = 0\n")
    result = fermiac("run", study, "--out", tmp_path / "a.h5")
    assert result.returncode == 0, result.stderr
    with xarray.open_dataset(tmp_path / "a.h5", engine="h5netcdf") as data:
        # Two electrons in the lowest level of the plane: 2 omega, whatever the walkers do.
        for name in ("energy", "energy_truth", "energy_plain", "ground_state", "ansatz_minimum", "mean_energy"):
            assert (abs(data[name] - 1) < 1e-12).all(), name
        for name in ("variance", "variance_plain", "energy_error", "interaction", "interaction_error"):
            assert (abs(data[name]) < 1e-12).all(), name
        assert (data.trap_error > 0).all() and (data.kinetic_error > 0).all()
        # Times and sizes of a correlation that is not there.
        undefined = {"autocorrelation_time", "effective_samples", "mean_distance", "mean_distance_error"}
        # What is not published of this dot, and what another wave function was not asked for.
        undefined |= {name for name in data if name.startswith(("energy_dmc", "above_dmc", "energy_published", "gain", "mean_gain",
                                                                "reweighted_energy", "overlap"))}
        for name, values in data.items():
            if values.dtype.kind == "f" and name not in undefined:
                assert numpy.isfinite(values).all(), name


def test_an_item_that_cannot_be_computed_is_recorded_and_the_study_goes_on(tmp_path):
    study = tmp_path / "study.toml"
    # A learning rate that throws every start to infinity, beside one that does not.
    study.write_text(SMALL.format(sweeps=100).replace("replicates = 3", "replicates = 1") + 'method = "gd"\n'
                     + '[[sweep]]\n"optimiser.rate" = [0.05, 1e300]\n')
    runs = [fermiac("run", study, "--out", tmp_path / "a.h5", ranks=2),
            fermiac("run", study, "--out", tmp_path / "a.h5", "--resume"),
            fermiac("run", study, "--out", tmp_path / "a.h5", "--resume", "--retry-failed", ranks=2)]
    assert [run.returncode for run in runs] == [1, 1, 1], [run.stderr for run in runs]
    assert [f"{n} to do" in run.stderr for n, run in zip((4, 0, 2), runs)] == [True] * 3
    with h5py.File(tmp_path / "a.h5") as file:
        assert numpy.array(file["done"]).squeeze().tolist() == [[1, 2], [1, 2]]
        assert file["error"][0, 1, 0] and not file["error"][0, 0, 0]
        assert numpy.isfinite(file["mean_energy"][:, 0]).all() and numpy.isnan(file["mean_energy"][:, 1]).all()
        assert file["summarised"][()] == 1
