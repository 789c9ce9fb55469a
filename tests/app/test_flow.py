"""Kind `flow` through the whole program."""

import numpy
import pytest
import xarray

from program import fermiac
from test_run import assert_same

STUDY = """
[study]
name = "flow"
kind = "flow"
seed = 11
replicates = 2
[flow]
{flow}
[samples]
count = {count}
check = 100
keep = 5
paths = 3
[grid]
cells = 16
points = 4
lower = -8.0
upper = 8.0
{more}
"""


def write(folder, flow="", more="", count=9000):
    path = folder / "flow.toml"
    path.write_text(STUDY.format(flow=flow, more=more, count=count))
    return path


def test_the_file_holds_the_density_and_its_truths(tmp_path):
    out = tmp_path / "flow.h5"
    assert fermiac("run", write(tmp_path), "--out", out).returncode == 0
    with xarray.open_dataset(out, engine="h5netcdf") as data:
        assert (data["status"].sel(fate="done") == 9000).all()
        assert (data["beyond"] == 0).all()
        assert numpy.allclose(data["second_truth"], 1.719052003451067, rtol=1e-4)
        assert data["path_position"].dims == ("replicate", "time", "component", "path")
        assert numpy.isfinite(data["path_position"]).all()
        assert numpy.isfinite(data["sample_log_density"]).all()
        assert (data["chi_square_freedom"] > 5).all() and abs(data["histogram_z"]) < 7
        assert (abs(data["integral"] - 1) <= data["integral_error"]).all()


def test_threads_change_no_bits(tmp_path):
    study = write(tmp_path)
    for n in (1, 2):
        assert fermiac("run", study, "--out", tmp_path / f"{n}.h5", threads=n).returncode == 0
    assert_same(tmp_path / "1.h5", tmp_path / "2.h5")


@pytest.mark.parametrize(
    "flow, more, says",
    [
        ("tolerance = 1e-15", "", "flow.tolerance"),
        ('method = "rk4"', "", "flow.steps"),
        ('field = "linear"\ndimension = 3', "", "linear.matrix"),
        ('field = "expression"', '[expression]\ncomponents = "z1; z5"', "expression.components"),
        ('event = "z1 +"', "", "flow.event"),
        ("t1 = 0.0", "", "flow.t1"),
        ("", '[base]\nkind = "table"', "base.table"),
        ("", '[base]\nkind = "table"\ntable = "absent.csv"', "absent.csv: there is no such file"),
        ('divergence = "hutch_pp"\nrank = 5', "", "flow.rank"),
    ],
)
def test_wrong_inputs_are_one_line(tmp_path, flow, more, says):
    done = fermiac("run", write(tmp_path, flow, more), "--out", tmp_path / "out.h5")
    assert done.returncode == 2
    assert says in done.stderr and len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out.h5").exists()


def test_tables_are_read_and_their_gaps_refused(tmp_path):
    table = tmp_path / "samples.csv"
    rows = numpy.random.default_rng(1).normal(size=(50, 2))
    numpy.savetxt(table, rows, delimiter=",", header="x,y", comments="")
    more = f'[base]\nkind = "table"\ntable = "{table}"'
    out = tmp_path / "out.h5"
    study = write(tmp_path, "", more, count=50).read_text().replace("check = 100", "check = 10")
    (tmp_path / "flow.toml").write_text(study)
    assert fermiac("run", tmp_path / "flow.toml", "--out", out).returncode == 0
    with xarray.open_dataset(out, engine="h5netcdf") as data:
        start = data["path_position"].isel(replicate=0, time=0).transpose("path", "component")
        assert numpy.allclose(start, rows[:3], rtol=1e-15)
    table.write_text("x,y\n1,2\n3,\n")
    done = fermiac("run", tmp_path / "flow.toml", "--out", out, "--overwrite")
    assert done.returncode == 2 and "line 3, column 2: a value is missing" in done.stderr
