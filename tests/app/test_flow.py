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
        assert numpy.allclose(data["moment_truth"].sel(power="2"), 1.719052003451067, rtol=1e-4)
        assert data["path_position"].dims == ("replicate", "time", "component", "path")
        assert numpy.isfinite(data["path_position"]).all()
        assert numpy.isfinite(data["sample_log_density"]).all()
        assert (data["chi_square_freedom"] > 5).all() and abs(data["histogram_z"]) < 7
        assert (abs(data["integral"] - 1) <= data["integral_error"]).all()


@pytest.fixture(scope="module")
def baseline(tmp_path_factory):
    folder = tmp_path_factory.mktemp("flow")
    # Five packs of samples, probes, events, and a grid.
    write(folder, 'divergence = "hutchinson"\nprobes = 3\nevent = "z1 - 0.5"', count=17000)
    result = fermiac("run", folder / "flow.toml", "--out", folder / "a.h5")
    assert result.returncode == 0, result.stderr
    return folder


@pytest.mark.parametrize("ranks, threads, team",
                         [(1, 2, 1), (1, 3, 1), (2, 1, 1), (2, 2, 2), (3, 1, 1), (3, 1, 3), (4, 1, 1), (4, 1, 2), (4, 1, 4)])
def test_same_bits_on_any_ranks_threads_and_teams(baseline, tmp_path, ranks, threads, team):
    result = fermiac("run", baseline / "flow.toml", "--out", tmp_path / "b.h5", "--ranks-per-item", team, ranks=ranks,
                     threads=threads)
    assert result.returncode == 0, result.stderr
    assert_same(baseline / "a.h5", tmp_path / "b.h5")


@pytest.mark.parametrize("method", ["dop853", "dopri5"])
def test_no_sample_errs_by_more_than_the_tolerance(tmp_path, method):
    study = write(tmp_path, f'method = "{method}"', count=20000).read_text()
    study = study.replace("check = 100", "check = 20000").replace("points = 4", "points = 0")
    study += '[[sweep]]\n"flow.tolerance" = [1e-6, 1e-9, 1e-12]\n'
    (tmp_path / "flow.toml").write_text(study)
    result = fermiac("run", tmp_path / "flow.toml", "--out", tmp_path / "a.h5")
    assert result.returncode == 0, result.stderr
    with xarray.open_dataset(tmp_path / "a.h5", engine="h5netcdf") as data:
        assert (data["truth_is_closed"] == 1).all() and (data["failed"] == 0).all()
        assert (data["most_beyond"] == 0).all()
        for name in ("largest_error_state", "largest_error_log"):
            assert (data[name] <= data["flow_tolerance"]).all() and (data[name] > 0).all()


@pytest.mark.parametrize(
    "flow, more, says",
    [
        ("tolerance = 1e-15", "", "flow.tolerance"),
        ('method = "rk4"', "", "flow.steps"),
        ('field = "linear"\ndimension = 3', "", "linear.matrix"),
        ('field = "expression"', '[expression]\ncomponents = "z1; z5"', "expression.components"),
        ('event = "z1 +"', "", "flow.event"),
        ("t1 = 0.0", "", "flow.t1"),
        ("t1 = nan", "", "flow.t1"),
        ("dimension = 3", '[base]\nmean = "0, 1"', "base.mean"),
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


def test_a_table_of_another_dimension_is_refused(tmp_path):
    table = tmp_path / "samples.csv"
    for columns in (1, 3):
        numpy.savetxt(table, numpy.ones((200, columns)), delimiter=",")
        study = write(tmp_path, "", f'[base]\nkind = "table"\ntable = "{table}"', count=200)
        done = fermiac("run", study, "--out", tmp_path / "out.h5")
        assert done.returncode == 2 and len(done.stderr.strip().splitlines()) == 1
        assert f"{columns} columns, expected flow.dimension = 2" in done.stderr


def test_samples_that_blow_up_are_counted_as_failed(tmp_path):
    # z(t) = z / (1 - z t): infinite before t = 1/2 where a component begins above 2.
    study = write(tmp_path, 'field = "expression"', '[expression]\ncomponents = "z1^2; z2^2"').read_text()
    (tmp_path / "flow.toml").write_text(study.replace("points = 4", "points = 0"))
    result = fermiac("run", tmp_path / "flow.toml", "--out", tmp_path / "a.h5")
    assert result.returncode == 0, result.stderr
    with xarray.open_dataset(tmp_path / "a.h5", engine="h5netcdf") as data:
        failed = 9000 - data["status"].sel(fate="done")
        share = 1 - 0.9772498680518208**2  # 6 sigma: 2e-9 a replicate
        assert (abs(failed - 9000 * share) < 6 * numpy.sqrt(9000 * share * (1 - share))).all()
        assert data["failed"] == failed.sum()
        assert numpy.isfinite(data["moment"]).all() and numpy.isfinite(data["entropy"]).all()


def test_a_field_that_is_nowhere_finite_fails_the_item(tmp_path):
    study = write(tmp_path, 'field = "expression"', '[expression]\ncomponents = "z1; log(-1 - z2^2)"')
    result = fermiac("run", study, "--out", tmp_path / "a.h5")
    assert result.returncode == 1
    with xarray.open_dataset(tmp_path / "a.h5", engine="h5netcdf") as data:
        assert (data["done"] == 2).all()
        assert all("no samples come through the flow: not finite" in str(text) for text in data["error"].values.ravel())
