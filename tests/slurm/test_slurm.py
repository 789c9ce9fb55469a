"""The job scripts under a real SLURM on this machine: launchers, arrays, requeueing, cancelling, two nodes."""

import pathlib
import sys
import time

import h5py
import numpy
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "app"))

from cluster import Cluster, has_namespaces, missing
from program import FERMIAC, fermiac, write_count
from test_run import assert_same

ROOT = pathlib.Path(__file__).parent.parent.parent
PROGRAM = str(pathlib.Path(FERMIAC).resolve())
WAIT_S = 120

pytestmark = [
    pytest.mark.stat,
    pytest.mark.skipif(bool(missing()), reason=f"no SLURM here: {', '.join(missing())} missing (`make deps-slurm` installs it)"),
]


@pytest.fixture(scope="module")
def cluster():
    with Cluster(cores=8) as cluster:  # more than there are: jobs run side by side
        yield cluster


@pytest.fixture(scope="module")
def coins(tmp_path_factory):
    """A study, and its results computed without SLURM."""
    folder = tmp_path_factory.mktemp("coins")
    write_count(folder / "coins.toml", replicates=40, draws=200_000, per_item=4)
    assert fermiac("run", "coins.toml", "--out", "a.h5", cwd=folder).returncode == 0
    return folder


@pytest.fixture(scope="module")
def long_coins(tmp_path_factory):
    """A study of some six seconds of one core, in items of a fiftieth of a second; its results, and how long they took."""
    folder = tmp_path_factory.mktemp("long_coins")
    write_count(folder / "coins.toml", replicates=100, draws=24_000_000)
    begin = time.monotonic()
    assert fermiac("run", "coins.toml", "--out", "a.h5", cwd=folder).returncode == 0
    return folder, time.monotonic() - begin


@pytest.fixture(scope="module", autouse=True)
def waiting(cluster, long_coins, tmp_path_factory):
    """Jobs that mostly wait to be started again, while the other tests run: their folders and numbers."""
    study, whole_s = long_coins[0] / "coins.toml", long_coins[1]
    limit_s = min(2, 0.3 + whole_s / 5)  # a fifth of the study, and time to start; a busy machine may be less so later
    jobs = {}
    for name, limit in (("requeued", limit_s), ("idle", 0)):
        folder = tmp_path_factory.mktemp(name)
        words = ["--time-limit", f"{limit:.2f}"]
        jobs[name] = folder, submit(cluster, folder, ["--ntasks=1"], study, *words, FERMIAC_OUT=str(folder / "b.h5"))
    return jobs


def submit(cluster, folder, *words, script="run.slurm", **environment):
    """A job of one of our scripts, from the folder of the project as a user has it, results and logs to `folder`."""
    return cluster.submit(f"--output={folder}/log-%x-%a.txt", *words[0], ROOT / "jobs" / script, *words[1:], cwd=ROOT,
                          FERMIAC=PROGRAM, **environment)


def logs(folder):
    return "\n".join(file.read_text() for file in folder.glob("log-*"))


@pytest.mark.parametrize("launcher", ["srun", "mpirun"])
def test_a_study_runs_through(cluster, coins, tmp_path, launcher):
    out = tmp_path / "b.h5"
    job = submit(cluster, tmp_path, ["--ntasks=2"], coins / "coins.toml", FERMIAC_OUT=str(out), FERMIAC_LAUNCHER=launcher)
    assert cluster.wait(job, WAIT_S) == ["COMPLETED"], logs(tmp_path)
    assert_same(coins / "a.h5", out)
    with h5py.File(out) as file:
        assert file["run/ranks"][0] == 2 and file["run/slurm_job"][0].decode() == job
    assert "2 ranks x 1 threads" in logs(tmp_path) and "stops after" in logs(tmp_path)  # SLURM's own time limit was seen


def test_an_array_runs_a_list_of_studies(cluster, tmp_path):
    studies = []
    for i, replicates in enumerate((3, 5, 7)):
        studies.append(write_count(tmp_path / f"coins{i}.toml", replicates=replicates))
    (tmp_path / "list.txt").write_text("".join(f"{study}\n" for study in studies))
    job = submit(cluster, tmp_path, ["--array=1-3%2", "--ntasks=1"], tmp_path / "list.txt", "--quiet", script="array.slurm",
                 FERMIAC_OUT="", FERMIAC_RESULTS=str(tmp_path))
    assert cluster.wait(job, WAIT_S) == ["COMPLETED"] * 3, logs(tmp_path)
    for i, study in enumerate(studies):
        assert fermiac("run", study, "--out", tmp_path / "alone.h5", "--overwrite").returncode == 0
        assert_same(tmp_path / "alone.h5", tmp_path / f"coins{i}.h5")


def test_a_wrong_study_is_not_requeued(cluster, tmp_path):
    study = write_count(tmp_path / "coins.toml", replicates=0)
    job = submit(cluster, tmp_path, ["--ntasks=1"], study, FERMIAC_OUT=str(tmp_path / "b.h5"))
    assert cluster.wait(job, WAIT_S) == ["FAILED"]
    assert cluster.job(job)["ExitCode"] == "2:0" and cluster.job(job)["Restarts"] == "0"
    assert "study.replicates" in logs(tmp_path)


def test_a_warning_of_the_time_limit_stops_all_ranks_in_time(cluster, long_coins, tmp_path):
    study = long_coins[0] / "coins.toml"
    out = tmp_path / "b.h5"
    job = submit(cluster, tmp_path, ["--ntasks=2"], study, FERMIAC_OUT=str(out), FERMIAC_MAX_RESTARTS="0")
    wait_until_done(out, 5)
    cluster.run("scancel", "--batch", "--signal=USR1", job)
    assert cluster.wait(job, WAIT_S) == ["FAILED"] and cluster.job(job)["ExitCode"] == "75:0", logs(tmp_path)
    assert "stopped in time" in logs(tmp_path)
    with h5py.File(out) as file:
        assert 0 < (file["done"][:] == 1).sum() < 300


def test_a_cancelled_job_can_be_submitted_again(cluster, long_coins, tmp_path):
    study = long_coins[0] / "coins.toml"
    out = tmp_path / "b.h5"
    job = submit(cluster, tmp_path, ["--ntasks=2"], study, FERMIAC_OUT=str(out))
    wait_until_done(out, 5)
    cluster.run("scancel", job)
    assert cluster.wait(job, WAIT_S) == ["CANCELLED"], logs(tmp_path)
    with h5py.File(out) as file:
        assert 0 < (file["done"][:] == 1).sum() < 300
    job = submit(cluster, tmp_path, ["--ntasks=1"], study, FERMIAC_OUT=str(out))
    assert cluster.wait(job, WAIT_S) == ["COMPLETED"], logs(tmp_path)
    assert_same(long_coins[0] / "a.h5", out)


@pytest.fixture(scope="module")
def two_nodes():
    with Cluster(n_nodes=2) as cluster:
        yield cluster


@pytest.mark.skipif(not has_namespaces(), reason="simulated nodes take root and the right to make namespaces")
@pytest.mark.parametrize("launcher", ["srun", "mpirun"])
def test_two_nodes_compute_the_same_bits(two_nodes, coins, tmp_path, launcher):
    out = tmp_path / "b.h5"
    job = submit(two_nodes, tmp_path, ["--nodes=2", "--ntasks=4"], coins / "coins.toml", "--ranks-per-item", "2", FERMIAC_OUT=str(out),
                 FERMIAC_LAUNCHER=launcher)
    assert two_nodes.wait(job, WAIT_S) == ["COMPLETED"], logs(tmp_path)
    assert_same(coins / "a.h5", out)
    with h5py.File(out) as file:
        assert file["run/hosts"][0].decode() == "node1 node2"


def test_a_job_that_makes_no_progress_is_not_requeued(cluster, waiting):
    folder, job = waiting["idle"]
    states = cluster.wait(job, WAIT_S)
    # The first run makes the file: that counts as progress. The second makes none.
    assert states == ["FAILED"] and cluster.job(job)["ExitCode"] == "75:0" and int(cluster.job(job)["Restarts"]) <= 1
    assert "no progress" in logs(folder)


def test_a_job_requeues_itself_until_its_study_is_complete(cluster, long_coins, waiting):
    """The study takes about five times what a run has."""
    folder, job = waiting["requeued"]
    assert cluster.wait(job, 4 * WAIT_S) == ["COMPLETED"], logs(folder)
    assert_same(long_coins[0] / "a.h5", folder / "b.h5")
    with h5py.File(folder / "b.h5") as file:
        runs = int((file["run/ranks"][:] > 0).sum())
        before, after = file["run/items_before"][:runs], file["run/items_after"][:runs]
    assert runs >= 3 and int(cluster.job(job)["Restarts"]) == runs - 1
    # Nothing is computed twice: each run begins with what the one before ended with.
    assert (before[1:] == after[:-1]).all() and after[-1] == 300 and (after > before).all()


def wait_until_done(out, n_items, limit_s=60):
    """Until so many items of the results file are done."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        try:
            with h5py.File(out) as file:
                if numpy.count_nonzero(file["done"][:]) >= n_items:
                    return
        except (OSError, KeyError):
            pass
        time.sleep(0.05)
    raise AssertionError(f"{out}: not {n_items} items after {limit_s} s")
