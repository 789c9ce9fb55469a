"""Trained flows through the whole program: likelihoods above entropies, the same bits, kills, tables, trained fields."""

import time

import h5py
import numpy
import pytest
import xarray

from program import fermiac, kill_all_ranks, start
from test_run import OTHER, assert_same, done, wait_for

TRAINING = """
[study]
name = "moons"
kind = "flow_training"
seed = 8
replicates = 2

[neural]
hidden = "12, 12"

[data]
set = "two_moons"
training = 3000
validation = 300
test = 1000

[training]
iterations = {iterations}
batch = 100
rate = 0.02
check_every = 20
pack = 25

[report]
grid = 61
shown = 50
"""

GRADIENT = """
[study]
name = "gradients"
kind = "flow_gradient"
seed = 9

[[sweep]]
"gradient.adjoint" = ["discrete", "backsolve", "interpolated", "forward"]
[[sweep]]
"gradient.tolerance" = [1e-4, 1e-7]

[neural]
hidden = "6, 5"

[data]
samples = 20
"""

FLOW = """
[study]
name = "learned"
kind = "flow"
seed = 10

[flow]
field = "neural"
t1 = 0.5
tolerance = 1e-8

[neural]
hidden = "{hidden}"
from = "{path}"

[samples]
count = 2000

[grid]
lower = -8.0
upper = 8.0
"""


@pytest.fixture(scope="module")
def baseline(tmp_path_factory):
    folder = tmp_path_factory.mktemp("flow_training")
    (folder / "study.toml").write_text(TRAINING.format(iterations=80))
    result = fermiac("run", "study.toml", "--out", "a.h5", cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder


def test_training_lowers_the_loss_towards_the_entropy(baseline):
    with xarray.open_dataset(baseline / "a.h5", engine="h5netcdf") as data:
        assert data.negative_log.attrs["units"] == "nat"
        assert (data.validation.diff("check") < 0).all() and (data.validation[:, -1] < data.validation[:, 0] - 0.05).all()
        # Above the entropy, but for noise of paired differences (4.9 sigma: 1e-6 a replicate), and not far.
        assert (data.excess > -4.9 * data.excess_error).all() and (data.excess < 1.2).all()
        assert abs(float(data.entropy) - 2.393871) < 1e-6  # the mixture along the moons, by quadrature
        assert (abs(data.integral - 1) < 0.02).all()  # of a grid of 61 points a side
        assert data.density.dims == ("replicate", "y", "x") and (data.density >= 0).all()


@pytest.mark.parametrize("ranks, threads, team", [(1, 2, 1), (2, 1, 2), (3, 1, 1)])
def test_same_bits_on_any_ranks_threads_and_teams(baseline, tmp_path, ranks, threads, team):
    result = fermiac("run", baseline / "study.toml", "--out", tmp_path / "b.h5", "--ranks-per-item", team, ranks=ranks,
                     threads=threads)
    assert result.returncode == 0, result.stderr
    assert_same(baseline / "a.h5", tmp_path / "b.h5")


@pytest.mark.parametrize("memory_mb", [0.02, 0])
def test_memory_for_steps_changes_no_bits(baseline, tmp_path, memory_mb):
    (tmp_path / "study.toml").write_text(TRAINING.format(iterations=80) + f"[adjoint]\nmemory_mb = {memory_mb}\n")
    assert fermiac("run", "study.toml", "--out", "b.h5", cwd=tmp_path).returncode == 0
    with h5py.File(baseline / "a.h5") as plenty, h5py.File(tmp_path / "b.h5") as tight:
        for name in ("parameters", "loss", "negative_log"):
            assert (plenty[name][()] == tight[name][()]).all()


@pytest.mark.skipif(not OTHER, reason="there is no build of another mode or architecture")
def test_same_bits_of_another_build(baseline, tmp_path):
    assert fermiac("run", baseline / "study.toml", "--out", tmp_path / "b.h5", program=OTHER).returncode == 0
    assert_same(baseline / "a.h5", tmp_path / "b.h5")


def test_a_killed_training_goes_on_from_its_checkpoint(baseline, tmp_path):
    out = tmp_path / "b.h5"
    options = ["--checkpoint-interval", 0.02]
    process = start("run", baseline / "study.toml", "--out", out, "--resume", "--quiet", *options, ranks=1)
    wait_for(lambda: list(tmp_path.glob("b.h5.item_*")), process)
    time.sleep(0.05)
    kill_all_ranks(process)
    assert list(tmp_path.glob("b.h5.item_*")) and not (done(out) == 1).all()
    result = fermiac("run", baseline / "study.toml", "--out", out, "--resume", "--quiet", *options)
    assert result.returncode == 0, result.stderr
    assert_same(baseline / "a.h5", out)


def test_the_learned_density_integrates_to_one(baseline, tmp_path):
    (tmp_path / "flow.toml").write_text(FLOW.format(hidden="12, 12", path=baseline / "a.h5"))
    result = fermiac("run", "flow.toml", "--out", "flow.h5", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    with h5py.File(tmp_path / "flow.h5") as file:
        assert abs(file["total"][()] - 1).max() < 1e-6


def test_fields_that_nobody_trained_are_refused(baseline, tmp_path):
    for hidden, path, fragment in (("12, 12", "nothing.h5", "no such file"), ("12, 13", baseline / "a.h5", "no trained network"),
                                   ("12, 12", "", "results file of a training")):
        (tmp_path / "flow.toml").write_text(FLOW.format(hidden=hidden, path=path))
        result = fermiac("run", "flow.toml", "--out", "flow.h5", cwd=tmp_path)
        lines = result.stderr.strip().splitlines()
        assert result.returncode == 2 and len(lines) == 1, result.stderr
        assert "neural.from" in lines[0] and fragment in lines[0]
        assert not (tmp_path / "flow.h5").exists()


def test_a_users_table_is_learned_and_a_broken_one_refused(tmp_path):
    random = numpy.random.default_rng(3)
    rows = random.normal(size=(500, 3)) * [1, 2, 0.5]
    numpy.savetxt(tmp_path / "rows.csv", rows, delimiter=",")
    study = TRAINING.format(iterations=20).replace("3000", "1").replace("300", "100").replace("1000", "100")
    study = study.replace('"two_moons"', '"table"\ntable = "rows.csv"\ndimension = 3')
    (tmp_path / "study.toml").write_text(study)
    result = fermiac("run", "study.toml", "--out", "a.h5", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["shown_data"].shape[-1] == 3 and numpy.isfinite(file["negative_log"][()]).all()

    lines = (tmp_path / "rows.csv").read_text().splitlines()
    for broken, fragment in (([*lines[:7], "1.0,,2.0", *lines[8:]], "8"), (lines[:150], "150 rows"), ([l + ",1" for l in lines], "4 columns")):
        (tmp_path / "rows.csv").write_text("\n".join(broken) + "\n")
        result = fermiac("run", "study.toml", "--out", "b.h5", cwd=tmp_path)
        message = result.stderr.strip().splitlines()
        assert result.returncode == 2 and len(message) == 1, result.stderr
        assert "data.table" in message[0] and fragment in message[0]


def test_gradients_agree_with_that_of_high_accuracy(tmp_path):
    (tmp_path / "study.toml").write_text(GRADIENT)
    result = fermiac("run", "study.toml", "--out", "a.h5", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    with xarray.open_dataset(tmp_path / "a.h5", engine="h5netcdf") as data:
        error = data.largest_error.values
        assert (error[:, 0] < 1e-3).all() and (error[:, 1] < 1e-6).all()
        assert (error[:, 1] < error[:, 0]).all()
        assert (data.mean_backward.values > 0).all()


def test_wrong_settings_are_one_clear_line(tmp_path):
    for old, new, fragments in (("batch = 100", "batch = 0", ["training.batch", "at least 1"]),
                                ('hidden = "12, 12"', 'hidden = "12, x"', ["neural.hidden"]),
                                ("rate = 0.02", 'method = "rk4"', ["training.steps", "rk4"]),
                                ('set = "two_moons"', 'set = "table"', ["data.table"])):
        (tmp_path / "study.toml").write_text(TRAINING.format(iterations=5).replace(old, new))
        result = fermiac("run", "study.toml", "--out", "a.h5", cwd=tmp_path)
        lines = result.stderr.strip().splitlines()
        assert result.returncode == 2 and len(lines) == 1, result.stderr
        assert all(fragment in lines[0] for fragment in fragments), lines[0]
