"""Experiments on estimators as whole studies: agreement with theory on several seeds, stopping, the same bits, what readers see."""

import json
import os
import pathlib

import h5py
import numpy
import pytest
import xarray

from fermiac import findings, same_bits
from program import fermiac, kill_all_ranks, start

STUDY = """
[study]
name = "g"
kind = "gauss_mean"
seed = {seed}
replicates = {replicates}

[[sweep]]
"sample.n" = [10, 100]

[replicates]
per_item = {per_item}
{more}
"""
OTHER = os.environ.get("FERMIAC_OTHER", "")


def write(path, seed=1, replicates=20000, per_item=1000, more=""):
    path.write_text(STUDY.format(seed=seed, replicates=replicates, per_item=per_item, more=more))
    return path


def run(study, out, *words, **options):
    result = fermiac("run", study, "--out", out, *words, **options)
    assert result.returncode == 0, result.stderr
    return out


def opened(path):
    return xarray.open_dataset(path, engine="h5netcdf")


@pytest.fixture(scope="module")
def baseline(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gauss")
    run(write(folder / "s.toml"), folder / "a.h5")
    return folder


# ------------------------------------------------------------------------------------------------ agreement with theory


@pytest.mark.stat
@pytest.mark.parametrize("kind", ["gauss_mean", "rates", "mcse_validity"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_cell_agrees_with_theory(tmp_path, kind, seed):
    """Each verdict is wrong in 2 of 1000 seeds; these three are right ones, and stay so."""
    sweep = {"gauss_mean": '[[sweep]]\n"sample.n" = [10, 100, 1000]\n',
             "rates": '[[sweep]]\n"rates.family" = ["normal", "uniform", "exponential", "density", "entropy", "shrinkage"]\n'
                      '[[sweep]]\n"sample.n" = [9, 27]\n',
             "mcse_validity": '[[sweep]]\n"law.name" = ["normal", "uniform", "gamma", "laplace"]\n[[sweep]]\n"sample.r" = [100, 300]\n'}
    study = tmp_path / "s.toml"
    study.write_text(f'[study]\nname = "s"\nkind = "{kind}"\nseed = {seed}\nreplicates = 20000\n{sweep[kind]}')
    data = opened(run(study, tmp_path / "s.h5"))
    scores = numpy.concatenate([data[name].values.ravel() for name in
                                ("performance_z", "interval_performance_z", "difference_z") if name in data])
    scores = scores[~numpy.isnan(scores)]
    assert len(scores) >= 20 and abs(scores).max() < float(data.bonferroni_bound)
    assert float(data.ks_p) > 1e-3
    assert float(data.agrees) == 1
    assert "Agreement with theory: yes" in fermiac("show", tmp_path / "s.h5").stdout


def test_the_verdict_is_that_of_an_independent_reading(baseline):
    data = opened(baseline / "a.h5")
    z = [data.performance_z.sel(measure=["bias", "variance", "mse"]), data.interval_performance_z, data.difference_z]
    z = numpy.concatenate([values.values.ravel() for values in z])
    z = z[~numpy.isnan(z)]
    assert int(data.n_scores) == len(z)
    assert abs(z).max() == abs(float(data.largest_z))
    assert int(data.n_independent) == 6


def test_measures_are_those_of_the_replicates_themselves(tmp_path):
    data = opened(run(write(tmp_path / "s.toml", replicates=5000, per_item=700, more="keep = true"), tmp_path / "a.h5"))
    x = data.value.sel(output="map mu").values
    found = data.performance.sel(estimator="map", quantity="mu")
    assert numpy.allclose(found.sel({"measure": "bias"}), x.mean(1) - 2, rtol=1e-12)
    assert numpy.allclose(found.sel({"measure": "variance"}), x.var(1, ddof=1), rtol=1e-12)
    assert numpy.allclose(found.sel({"measure": "mse"}), ((x - 2) ** 2).mean(1), rtol=1e-12)
    errors = data.performance_error.sel(estimator="map", quantity="mu")
    squares = (x - 2) ** 2
    assert numpy.allclose(errors.sel({"measure": "mse"}), squares.std(1, ddof=1) / numpy.sqrt(5000), rtol=1e-10)
    low, high = data.value.sel(output="low t mu").values, data.value.sel(output="high t mu").values
    coverage = data.interval_performance.sel(interval="t", quantity="mu").sel({"interval_measure": "coverage"})
    assert numpy.array_equal(coverage, ((low <= 2) & (2 <= high)).mean(1))
    pair = data.value.sel(output="map mu").values - data.value.sel(output="mle mu").values
    difference = data.difference.sel(estimator="map", quantity="mu").sel({"difference_measure": "bias"})
    assert numpy.allclose(difference, pair.mean(1), rtol=1e-10)
    assert numpy.all(data["count"].sel(estimator="mle", quantity="mu") == 5000)


def test_any_replicate_is_computed_alone_to_the_same_bits(tmp_path):
    study = write(tmp_path / "s.toml", replicates=3000, per_item=700, more="keep = true")
    run(study, tmp_path / "a.h5")
    data = opened(tmp_path / "a.h5")
    without = write(tmp_path / "t.toml", replicates=3000, per_item=700)  # what files do not keep is printed too
    for point, replicate in ((0, 0), (1, 17), (0, 2999)):
        text = fermiac("item", study, "--point", point, "--replicate", replicate).stdout
        values = {line.rsplit(maxsplit=1)[0].rstrip(): float(line.rsplit(maxsplit=1)[1]) for line in text.splitlines()}
        kept = data.value.isel(n=point, replicate=replicate)
        assert values == {f"value[{output}]": float(kept.sel(output=output)) for output in kept.output.values
                          if numpy.isfinite(kept.sel(output=output))}
        assert "value[mle mu]" in values and "value[low t mu]" in values
        assert fermiac("item", without, "--point", point, "--replicate", replicate).stdout == text


# ---------------------------------------------------------------------------------------------------------- the same bits


@pytest.mark.parametrize("ranks, threads, words", [(1, 2, ()), (3, 1, ()), (4, 1, ("--ranks-per-item", "2"))])
def test_same_bits_on_any_ranks_threads_and_teams(baseline, tmp_path, ranks, threads, words):
    run(baseline / "s.toml", tmp_path / "b.h5", *words, ranks=ranks, threads=threads)
    assert same_bits(baseline / "a.h5", tmp_path / "b.h5") is None


@pytest.mark.skipif(not OTHER, reason="there is no build of another mode or architecture")
def test_same_bits_of_another_build(baseline, tmp_path):
    run(baseline / "s.toml", tmp_path / "b.h5", program=OTHER)
    assert same_bits(baseline / "a.h5", tmp_path / "b.h5") is None


# --------------------------------------------------------------------------------------------------------------- stopping

STOPPING = "target_mcse = 0.004\nminimum = 2000"


def states(path):
    with h5py.File(path) as file:
        return numpy.array(file["done"])


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stopped")
    run(write(folder / "s.toml", replicates=200000, more=STOPPING), folder / "a.h5")
    return folder


def test_a_point_stops_at_the_end_of_a_round_that_reached_the_error(stopped):
    """sigma2's unbiased estimate has deviation 2.357 at n = 10 and 0.711 at n = 100: 347,000 and 31,600 replicates."""
    done = states(stopped / "a.h5")
    assert (done[0] == 1).all()  # never reached: everything is computed
    assert (done[1] == 1).sum() == 32 and (done[1][:32] == 1).all() and (done[1][32:] == 3).all()
    data = opened(stopped / "a.h5")
    errors = data.performance_error.sel({"measure": "bias"}).isel(n=1)
    assert float(errors.max()) <= 0.004
    assert float(data["count"].isel(n=1).max()) == 32000
    assert "168 not needed" in fermiac("status", stopped / "a.h5").stdout


@pytest.mark.parametrize("ranks, threads", [(2, 1), (3, 2)])
def test_stopping_gives_the_same_bits_on_any_ranks(stopped, tmp_path, ranks, threads):
    run(stopped / "s.toml", tmp_path / "b.h5", ranks=ranks, threads=threads)
    assert same_bits(stopped / "a.h5", tmp_path / "b.h5") is None


def test_stopping_gives_the_same_bits_after_kills_and_damage(tmp_path):
    study = write(tmp_path / "s.toml", replicates=4000000, per_item=2000, more="target_mcse = 0.0015\nminimum = 4000")
    run(study, tmp_path / "a.h5", ranks=2)
    assert (states(tmp_path / "a.h5") == 3).any()
    killed = 0
    for delay in (0.7, 0.9, 1.2):
        process = start("run", study, "--out", tmp_path / "b.h5", "--resume", ranks=2)
        try:
            process.wait(timeout=delay)
        except Exception:
            kill_all_ranks(process)
            killed += 1
    run(study, tmp_path / "b.h5", "--resume", ranks=2)
    assert killed > 0
    assert same_bits(tmp_path / "a.h5", tmp_path / "b.h5") is None
    with h5py.File(tmp_path / "b.h5", "r+") as file:  # an item of the first round no longer is what was written
        file["partial_estimates"][1, 1, 0, 0, 1] += 1
    run(study, tmp_path / "b.h5", "--resume", ranks=2)
    assert same_bits(tmp_path / "a.h5", tmp_path / "b.h5") is None


@pytest.mark.stat
def test_errors_hold_after_stopping(tmp_path):
    """1000 points that differ in nothing but their random numbers stop at 800 or 1600 skewed estimates (skewness 2, kurtosis 10)."""
    study = tmp_path / "s.toml"
    study.write_text('[study]\nname = "s"\nkind = "rates"\nseed = 1\nreplicates = 12800\n[[sweep]]\n'
                     '"shrinkage.theta" = { linear = [0.001, 1, 1000] }\n[rates]\nfamily = "exponential"\n[sample]\nn = 9\n'
                     '[replicates]\nper_item = 100\nper_pack = 100\nminimum = 200\ntarget_mcse = 0.0155\n')
    data = opened(run(study, tmp_path / "a.h5"))
    cell = dict(estimator="reciprocal", quantity="estimand")
    assert set(numpy.unique(data["count"].sel(cell))) == {800, 1600}
    bias, error, truth = (data[name].sel(cell).sel({"measure": "bias"}) for name in
                          ("performance", "performance_error", "performance_truth"))
    z = ((bias - truth) / error).values
    # 2.5 % a tail and what skewness moves at 800 estimates, a percent: each bound lies 3.5 binomial errors or more beyond.
    assert 0.010 < (z < -1.96).mean() < 0.055 and 0.003 < (z > 1.96).mean() < 0.045
    assert abs(z.mean()) < 0.2  # stopping where errors happen to look small draws it down, by less than this


# ---------------------------------------------------------------------------------------------------------- what readers see


def test_show_says_the_same_as_text_csv_and_json(baseline):
    text = fermiac("show", baseline / "a.h5").stdout
    assert "mu, intervals" in text and "map - mle" in text and "rate along sample.n" in text
    assert text.splitlines()[-1].startswith("Agreement with theory: yes")
    rows = json.loads(fermiac("show", baseline / "a.h5", "--json").stdout)
    csv = fermiac("show", baseline / "a.h5", "--csv").stdout.splitlines()
    assert csv[0] == "n,table,line,measure,value,error,truth,z" and len(csv) == len(rows) + 1
    data = opened(baseline / "a.h5")
    row = next(r for r in rows if (r["n"], r["table"], r["line"], r["measure"]) == (10, "mu", "map", "variance"))
    cell = dict(estimator="map", quantity="mu")
    assert row["value"] == float(data.performance.sel(n=10, **cell).sel({"measure": "variance"}))
    assert row["truth"] == pytest.approx(0.32, rel=1e-12)


def test_python_reads_the_same_findings(baseline):
    frame = findings(opened(baseline / "a.h5"))
    row = frame[(frame.n == 10) & (frame.quantity == "mu") & (frame.method == "map") & (frame.measure == "variance")].iloc[0]
    rows = json.loads(fermiac("show", baseline / "a.h5", "--json").stdout)
    shown = next(r for r in rows if (r["n"], r["table"], r["line"], r["measure"]) == (10, "mu", "map", "variance"))
    assert all(row[part] == shown[part] for part in ("value", "error", "truth", "z"))
    assert set(frame.measure) >= {"bias", "coverage", "difference in mse", "rate of variance", "kurtosis"}


def test_rates_stand_at_the_last_point_of_their_line(baseline):
    data = opened(baseline / "a.h5")
    rate = data.rate.sel(estimator="mle", quantity="mu").sel({"rate_measure": "variance"})
    assert numpy.isnan(rate[0])
    v = data.performance.sel(estimator="mle", quantity="mu").sel({"measure": "variance"}).values
    assert float(rate[1]) == pytest.approx(numpy.log10(v[1] / v[0]), rel=1e-10)
    assert float(data.rate_asymptotic.sel(estimator="mle", quantity="mu").sel({"rate_measure": "variance"})[0]) == -1


def test_infinite_moments_are_flagged_and_not_averaged(tmp_path):
    study = tmp_path / "s.toml"
    study.write_text('[study]\nname = "s"\nkind = "rates"\nseed = 1\nreplicates = 2000\n[[sweep]]\n"sample.n" = [1, 2, 4, 9]\n'
                     '[rates]\nfamily = "exponential"\n')
    data = opened(run(study, tmp_path / "a.h5"))
    cell = data.performance.sel(estimator="reciprocal", quantity="estimand")
    assert list(numpy.isnan(cell.sel({"measure": "bias"}))) == [True, False, False, False]
    assert list(numpy.isnan(cell.sel({"measure": "variance"}))) == [True, True, False, False]
    assert numpy.isnan(data.performance_error.sel(estimator="reciprocal", quantity="estimand").sel({"measure": "variance"})[2])
    text = fermiac("show", tmp_path / "a.h5").stdout
    assert "reciprocal (no mean)" in text and "reciprocal (infinite variance)" in text and "(infinite 4th moment)" in text


@pytest.mark.parametrize("study", sorted(pathlib.Path("jobs/studies/estimator").glob("*.toml")), ids=lambda path: path.stem)
def test_the_study_files_are_valid(study):
    result = fermiac("check", study)
    assert result.returncode == 0, result.stderr
    assert f"{study}: valid" in result.stdout


def test_list_names_question_and_truth():
    text = fermiac("list", "estimator").stdout
    for name in ("gauss_mean", "rates", "mcse_validity", "count"):
        line = next(line for line in text.splitlines() if line.startswith(name))
        assert "truth: " in line


@pytest.mark.parametrize("setting, key", [("replicates.target_mcse=-1", "replicates.target_mcse"), ("sample.n=1", "sample.n"),
                                          ("prior.scale_is=deviation", "prior.scale_is"), ("gauss.sigma2=0", "gauss.sigma2")])
def test_wrong_settings_are_refused_with_their_key(tmp_path, setting, key):
    study = tmp_path / "s.toml"
    study.write_text('[study]\nname = "s"\nkind = "gauss_mean"\nseed = 1\n')
    result = fermiac("run", study, "--out", tmp_path / "a.h5", "--set", setting)
    assert result.returncode == 2 and key in result.stderr
    assert not (tmp_path / "a.h5").exists()
