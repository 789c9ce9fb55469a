"""Ranks, files and disks that fail in the middle of a study: what is done stays, and the study goes on to the same bits."""

import contextlib
import os
import random
import shutil
import signal
import subprocess
import time

import h5py
import numpy
import pytest

from program import FERMIAC, descendants, fermiac, kill_all_ranks, start, write_count
from test_run import assert_same, baseline, done, small_disk, wait_for  # noqa: F401

DEATH_S = 30  # orphans of a killed mpirun end within 3 s; this is what a loaded machine may take


def ranks_of(process):
    """Process ids of the ranks under an mpirun."""
    return [pid for pid in descendants(process.pid) if b"--out" in open(f"/proc/{pid}/cmdline", "rb").read()]


def kill(process, whom, chooser):
    """kill -9 of all ranks, of one, or of mpirun alone; then waits until nobody is left. No death may turn into a hang."""
    ranks = ranks_of(process)
    if whom == "all":
        kill_all_ranks(process)
    else:
        os.kill(chooser.choice(ranks) if whom == "rank" else process.pid, signal.SIGKILL)
        process.wait(timeout=DEATH_S)
    deadline = time.monotonic() + DEATH_S
    while any(is_alive(pid) for pid in ranks):
        assert time.monotonic() < deadline, "ranks outlive the run"
        time.sleep(0.05)


def is_alive(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def killed_to_the_end(folder, n_kills, seed):
    """A study killed so often, at random instants inside the work, each time one of three ways, and resumed each time."""
    replicates = 40 * n_kills // 3  # ranks work on for up to 3 s after the death of their mpirun
    study = write_count(folder / "study.toml", replicates=replicates, draws=120_000_000)
    assert fermiac("run", study, "--out", folder / "a.h5", ranks=2, time_limit_s=60 * n_kills).returncode == 0
    out = folder / "b.h5"
    chooser = random.Random(seed)
    n_items = 3 * replicates
    for attempt in range(n_kills):
        before = done(out)
        process = start("run", study, "--out", out, "--resume", "--quiet", ranks=2 + attempt % 3)
        target = int((before == 1).sum()) + 1 + chooser.randrange(8)
        wait_for(lambda: (done(out) == 1).sum() >= target, process)
        time.sleep(chooser.random() * 0.02)
        kill(process, ("rank", "mpirun", "all")[attempt % 3], chooser)
        after = done(out)
        assert 0 < (after == 1).sum() < n_items, "the kill must fall inside the work"
        assert (after[before == 1] == 1).all()
    final = fermiac("run", study, "--out", out, "--resume", ranks=3, time_limit_s=60 * n_kills)
    assert final.returncode == 0, final.stderr
    assert_same(folder / "a.h5", out)


@pytest.mark.stat
def test_kills_of_a_rank_of_mpirun_and_of_all_lose_nothing(tmp_path):
    killed_to_the_end(tmp_path, 9, 1)


@pytest.mark.long
def test_a_hundred_kills_lose_nothing(tmp_path):
    killed_to_the_end(tmp_path, 100, 2)


# ------------------------------------------------------------------------------------------------ files that are wrong


def cut(path):
    with open(path, "r+b") as file:
        file.truncate(path.stat().st_size // 2)


def from_the_future(path):
    with h5py.File(path, "r+") as file:
        file.attrs["schema"] = "fermiac/2"


def foreign(path):
    path.unlink()
    with h5py.File(path, "w") as file:
        file["x"] = numpy.arange(3)


def no_hdf5(path):
    path.write_bytes(b"not HDF5 at all\n" * 100)


@pytest.mark.parametrize("damage", [cut, from_the_future, foreign, no_hdf5])
@pytest.mark.parametrize("words", [["run", "--resume"], ["status"], ["show"], ["run", "--reuse"]])
def test_a_wrong_results_file_is_refused_in_one_line_and_left_alone(baseline, tmp_path, damage, words):
    path = tmp_path / "a.h5"
    shutil.copy(baseline / "a.h5", path)
    damage(path)
    bytes_before = path.read_bytes()
    study = baseline / "study.toml"
    if words == ["run", "--resume"]:
        result = fermiac("run", study, "--out", path, "--resume", ranks=2)
    elif words == ["run", "--reuse"]:
        result = fermiac("run", study, "--out", tmp_path / "new.h5", "--reuse", path)
    else:
        result = fermiac(*words, path)
    lines = result.stderr.splitlines()
    assert result.returncode in (1, 2) and len(lines) == 1 and lines[0].startswith("fermiac: ") and "a.h5" in lines[0], result.stderr
    assert path.read_bytes() == bytes_before and not (tmp_path / "new.h5").exists()


LONG = """
[study]
name = "long"
kind = "vmc"
seed = 5
[sampler]
walkers = 256
burn_in = 50
sweeps = 400000
[optimiser]
starts = 1
iterations = 5
choose_sweeps = 8
"""


def start_with_checkpoint(study, out):
    """Starts a long item and returns once it has a checkpoint."""
    process = start("run", study, "--out", out, "--resume", "--checkpoint-interval", 0.2, "--quiet", ranks=1)
    checkpoint = out.with_name(out.name + ".item_0")
    wait_for(checkpoint.exists, process)
    return process, checkpoint


def test_a_checkpoint_of_another_study_is_not_taken_up(tmp_path):
    study, other = tmp_path / "study.toml", tmp_path / "other.toml"
    study.write_text(LONG.replace("400000", "20000"))
    other.write_text(LONG.replace("seed = 5", "seed = 6"))
    process, checkpoint = start_with_checkpoint(other, tmp_path / "b.h5")
    kill_all_ranks(process)
    assert fermiac("run", study, "--out", tmp_path / "a.h5").returncode == 0
    shutil.copy(checkpoint, tmp_path / "c.h5.item_0")
    assert fermiac("run", study, "--out", tmp_path / "c.h5", "--resume").returncode == 0
    assert_same(tmp_path / "a.h5", tmp_path / "c.h5")
    # Nor one that is cut off, or no checkpoint at all.
    for content in (checkpoint.read_bytes()[:-100], b"", b"nothing of the kind"):
        (tmp_path / "d.h5").unlink(missing_ok=True)
        assert fermiac("run", study, "--out", tmp_path / "d.h5", "--time-limit", 0).returncode == 75
        (tmp_path / "d.h5.item_0").write_bytes(content)
        assert fermiac("run", study, "--out", tmp_path / "d.h5", "--resume").returncode == 0
        assert_same(tmp_path / "a.h5", tmp_path / "d.h5")


# ------------------------------------------------------------------------------------- disks that fail in the middle


def test_a_folder_removed_in_the_middle_ends_the_run_with_one_message(tmp_path):
    (tmp_path / "results").mkdir()
    study = tmp_path / "study.toml"
    study.write_text(LONG)
    out = tmp_path / "results" / "a.h5"
    log = open(tmp_path / "log", "w")
    process = subprocess.Popen([os.path.realpath(FERMIAC), "run", study, "--out", out, "--checkpoint-interval", "0.2", "--quiet"],
                               stderr=log, stdin=subprocess.DEVNULL)
    wait_for((tmp_path / "results" / "a.h5.item_0").exists, process)
    shutil.rmtree(tmp_path / "results")
    assert process.wait(timeout=DEATH_S) == 1
    text = (tmp_path / "log").read_text()
    assert text.count("fermiac: ") == 1 and "a.h5.item_0" in text, text


def test_a_disk_that_fills_in_the_middle_leaves_what_was_done(tmp_path, small_disk):
    """A results file is whole before work starts, so that only checkpoints can meet a full disk."""
    study = tmp_path / "study.toml"
    study.write_text(LONG.replace("walkers = 256", "walkers = 16\npack = 16").replace("400000", "8000000"))
    out = small_disk / "a.h5"
    log = open(tmp_path / "log", "w")
    process = subprocess.Popen([os.path.realpath(FERMIAC), "run", study, "--out", out, "--checkpoint-interval", "0.2", "--quiet"],
                               stderr=log, stdin=subprocess.DEVNULL)
    wait_for((small_disk / "a.h5.item_0").exists, process)
    with open(small_disk / "filler", "wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(b"x" * 4096)
    assert process.wait(timeout=DEATH_S) == 1
    text = (tmp_path / "log").read_text()
    assert text.count("fermiac: ") == 1 and "item_0" in text, text
    (small_disk / "filler").unlink()
    # The checkpoint before is whole: the item goes on from there.
    assert fermiac("status", out).returncode == 0
    stopped = fermiac("run", study, "--out", out, "--resume", "--time-limit", 1)
    assert stopped.returncode == 75, stopped.stderr
