"""Results files as other programs see them: h5py and xarray, also while a study writes or after it was killed.

The files are made by the test programs of module io (`-- FILE` behind the name of a case), which lie beside the program
that the environment variable FERMIAC names.
"""

import os
import pathlib
import random
import signal
import subprocess
import time
import warnings

import h5py
import numpy
import pytest
import xarray

PROGRAMS = pathlib.Path(os.environ.get("FERMIAC", "build/release/fermiac")).parent / "tests"


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    path = tmp_path_factory.mktemp("io") / "sample.h5"
    subprocess.run([PROGRAMS / "io_test", "--run_test=results_file/sample_for_other_readers", "--", path], check=True,
                   stdout=subprocess.DEVNULL, timeout=60)
    return path


def opened(path, group=None):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return xarray.open_dataset(path, engine="h5netcdf", group=group)


def test_xarray_shows_labelled_arrays(sample):
    with opened(sample) as data:
        assert dict(data.sizes) == {"omega": 3, "scheme": 2, "replicate": 4, "walker": 5}
        assert data.energy.dims == ("omega", "scheme", "replicate")
        assert data.energy.attrs == {"units": "hartree", "long_name": "energy"}
        assert data.omega.attrs == {"units": "hartree", "long_name": "trap frequency"}
        assert set(data.energy.coords) == {"omega", "scheme", "replicate", "n_hidden", "label"}
        assert data.scheme.values.tolist() == ["gibbs", "Padé-Jastrow"]
        assert data.label.values.tolist() == ["first", "zweite"]
        assert data.positions.sel(omega=0.28, scheme="gibbs", replicate=3, walker=-1).item() == 56
        assert data.positions.dtype == numpy.float64 and data.counts.dtype == numpy.int64 and data.done.dtype == numpy.uint8
        assert data.total.dims == () and numpy.isnan(data.total)
        assert data.energy.isnull().sum() == 4
        assert data.error.values.ravel()[3] == "does not converge: λ → ∞"
        assert data.note.item() == ""


def test_xarray_keeps_the_order_of_creation(sample):
    with opened(sample) as data:
        assert list(data.data_vars)[:3] == ["energy", "energy_truth", "positions"]


def test_xarray_shows_attributes(sample):
    with opened(sample) as data:
        assert data.attrs["schema"] == "fermiac/1" and data.attrs["seed"] == 20230427 and data.attrs["tolerance"] == 0.125
        assert data.attrs["ladder"].tolist() == [1, 2.5, -3]
        assert data.attrs["study"] == "x" * 100000 + "π" and data.attrs["empty"] == ""


def test_xarray_shows_the_executions(sample):
    with opened(sample, "run") as data:
        assert data.start.dims == ("execution",) and data.start.attrs == {"long_name": "start"}
        assert data.seconds.dims == ("execution", "omega")
        assert data.hosts.values[:2].tolist() == ["localhost", ""]


def test_every_dimension_is_a_scale_of_its_name(sample):
    with h5py.File(sample) as file:
        for name, dataset in file.items():
            if isinstance(dataset, h5py.Dataset) and not h5py.h5ds.is_scale(dataset.id):
                assert all(len(dimension) == 1 for dimension in dataset.dims), name
        assert [dimension[0].name for dimension in file["energy"].dims] == ["/omega", "/scheme", "/replicate"]
        assert all(h5py.h5ds.is_scale(file[name].id) for name in ("omega", "scheme", "replicate", "walker", "run/execution"))


def test_layout_is_plain_and_old_readers_can_follow(sample):
    with h5py.File(sample) as file:
        assert file["energy"].chunks is None and file["energy"].compression is None
        assert file["energy"].id.get_offset() is not None
        assert file["done"].dtype == "uint8" and file["counts"].dtype == "<i8" and file["energy"].dtype == "<f8"
        assert file["error"].dtype == "S256"
    assert sample.read_bytes()[8] == 0  # version of the superblock: no flags of consistency that a kill would leave set


def test_reader_does_not_keep_the_writer_out(sample, tmp_path):
    path = tmp_path / "rounds.h5"
    with started(path, n_ranks=2) as writer:
        wait_for(path)
        for _ in range(20):
            with h5py.File(path) as file, opened(path) as data:
                assert file["positions"].shape == (3, 2, 4, 5)
                assert data.positions.dims == ("omega", "scheme", "replicate", "walker")
            time.sleep(0.01)
        assert writer.poll() is None


class started:
    """The writer of the MPI test, in a session of its own so that all its ranks can be killed at once."""

    def __init__(self, path, n_ranks):
        environment = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
                           OMPI_MCA_rmaps_base_oversubscribe="1", OMPI_MCA_hwloc_base_binding_policy="none",
                           OMPI_MCA_mpi_yield_when_idle="1", ASAN_OPTIONS="detect_leaks=0")
        command = ["mpirun", "-q", "-np", str(n_ranks), PROGRAMS / "io/results_file_mpi_test",
                   "--run_test=shared_results_file/round_after_round", "--", path]
        self.process = subprocess.Popen(command, env=environment, start_new_session=True, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self):
        return self.process

    def __exit__(self, *_):
        kill_tree(self.process.pid)
        self.process.wait()


def descendants(process):
    found = [process]
    for candidate in found:
        for task in pathlib.Path(f"/proc/{candidate}/task").glob("*/children"):
            try:
                found += map(int, task.read_text().split())
            except OSError:
                pass
    return found


def kill_tree(process):
    # Open MPI puts each rank into a process group of its own.
    for victim in reversed(descendants(process)):
        try:
            os.kill(victim, signal.SIGKILL)
        except ProcessLookupError:
            pass


def wait_for(path):
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.mark.parametrize("n_ranks", [1, 2, 3])
def test_file_opens_after_all_ranks_are_killed_at_any_instant(tmp_path, n_ranks):
    generator = random.Random(n_ranks)
    n_inside = 0
    for trial in range(4):
        path = tmp_path / f"{trial}.h5"
        with started(path, n_ranks):
            wait_for(path)
            time.sleep(generator.uniform(0, 0.3))
        with h5py.File(path) as file:
            done = file["done"][...].ravel()
            positions = file["positions"][...].reshape(24, 5)
        with opened(path) as data:
            assert data.positions.dims == ("omega", "scheme", "replicate", "walker")
        assert set(done) <= {0, 1}
        written = positions[done == 1]
        assert (written >= 1).all() and (written == written.round()).all()  # NaN would fail
        n_inside += done.any()
    assert n_inside >= 1
