"""Experiments on fitted densities, distances, nested expectations and collapse as whole studies: agreement with theory on three seeds."""

import numpy
import pytest
import xarray

from program import fermiac

# Name of the kind: replicates, and its sweeps.
SMALL = {
    "cov_mvn": (10000, '[[sweep]]\n"mvn.dimensions" = [2, 5]\n[[sweep]]\n"sample.n" = [12, 50]\n'),
    "fid_mmd": (3000, '[[sweep]]\n"features.shift" = [0.0, 1.0]\n[[sweep]]\n"features.dimensions" = [2, 5]\n'
                      '[[sweep]]\n"sample.n" = [8, 24]\n'),
    "nested_mc": (10000, '[[sweep]]\n"nested.draws" = [100, 1000]\n[[sweep]]\n"nested.allocation" = ["balanced", "fixed"]\n'),
    "beta_vae_linear": (10000, '[[sweep]]\n"objective.beta" = [0.5, 1.0, 3.0, 8.0]\n[[sweep]]\n"sample.n" = [10, 40]\n[sgd]\npasses = 1\n'),
}


def opened(path):
    return xarray.open_dataset(path, engine="h5netcdf")


def ran(folder, kind, seed=1, text=None, replicates=None):
    default, sweeps = SMALL[kind]
    study = folder / "s.toml"
    study.write_text(f'[study]\nname = "s"\nkind = "{kind}"\nseed = {seed}\nreplicates = {replicates or default}\n{text or sweeps}')
    result = fermiac("run", study, "--out", folder / "a.h5")
    assert result.returncode == 0, result.stderr
    return opened(folder / "a.h5")


@pytest.mark.stat
@pytest.mark.parametrize("kind", SMALL)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_cell_agrees_with_theory(tmp_path, kind, seed):
    """Each verdict is wrong in 2 of 1000 seeds; these three are right ones, and stay so."""
    data = ran(tmp_path, kind, seed)
    scores = numpy.concatenate([data[name].values.ravel() for name in
                                ("performance_z", "interval_performance_z", "difference_z") if name in data])
    scores = scores[~numpy.isnan(scores)]
    assert len(scores) >= 20 and abs(scores).max() < float(data.bonferroni_bound)
    assert float(data.ks_p) > 1e-3
    assert float(data.agrees) == 1


def test_moments_that_inverses_lack_are_flagged_and_not_averaged(tmp_path):
    data = ran(tmp_path, "cov_mvn", replicates=1000, text='[[sweep]]\n"sample.n" = [6, 8, 12, 40]\n[mvn]\ndimensions = 4\n')
    cell = data.performance.sel(estimator="sample", quantity="precision_dd")
    assert list(numpy.isnan(cell.sel({"measure": "bias"}))) == [True, False, False, False]
    assert list(numpy.isnan(cell.sel({"measure": "variance"}))) == [True, True, False, False]
    text = fermiac("show", tmp_path / "a.h5").stdout
    assert "sample (no mean)" in text and "sample (infinite variance)" in text and "(infinite 4th moment)" in text


def test_biases_of_the_frechet_distance_are_those_that_are_known(tmp_path):
    """d/N + d (d + 1)/(4 N) to first order; what extrapolation leaves is of the next one, negative here."""
    data = ran(tmp_path, "fid_mmd", replicates=500, text="[sample]\nn = 400\n[features]\ndimensions = 6\n")
    truth = data.performance_truth.sel(quantity="fid").sel({"measure": "bias"})
    law = 6 / 400 + 42 / 1600
    assert float(truth.sel(estimator="plug_in")) == pytest.approx(law, rel=0.02)
    assert -0.02 * law < float(truth.sel(estimator="extrapolated")) < 0
    assert float(data.performance_truth_error.sel(estimator="plug_in", quantity="fid").sel({"measure": "bias"})) < 1e-10


def test_single_terms_without_a_variance_are_flagged_and_not_averaged(tmp_path):
    data = ran(tmp_path, "nested_mc", replicates=1000, text='[[sweep]]\n"single_term.decay" = [1.2, 1.4, 1.6]\n')
    moments = data.moments_known.sel(estimator="single_term", quantity="positive_part")
    assert list(moments.values) == [2, 2, 1]
    bias = data.performance_error.sel(estimator="single_term", quantity="positive_part").sel({"measure": "bias"})
    assert list(numpy.isnan(bias)) == [False, False, True]
    assert "single_term (infinite variance)" in fermiac("show", tmp_path / "a.h5").stdout
    assert float(data.agrees) == 1


def test_beta_traces_the_rate_distortion_curve(tmp_path):
    """R(D) of the data's Gaussian by reverse water-filling, at the water level beta r."""
    betas = numpy.array([0.5, 1.0, 2.0, 4.0])
    data = ran(tmp_path, "beta_vae_linear", replicates=200,
               text=f'[[sweep]]\n"objective.beta" = {list(betas)}\n[sample]\nn = 2000\n[sgd]\npasses = 1\n')
    spectrum = numpy.array([4, 1.5, 0.5])[:, None]
    level = 0.5 * betas
    curve = {"rate": numpy.maximum(numpy.log(spectrum / level), 0).sum(0) / 2, "distortion": numpy.minimum(spectrum, level).sum(0)}
    for quantity, expected in curve.items():
        assert numpy.allclose(data.target.sel(quantity=quantity), expected, rtol=1e-14)
        found = data.performance.sel(estimator="known_axes", quantity=quantity).sel({"measure": "mean"})
        assert numpy.allclose(found, expected, atol=0.04)
