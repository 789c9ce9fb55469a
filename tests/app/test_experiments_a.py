"""Gradient estimators and importance-weighted bounds as whole studies: agreement with theory on three seeds."""

import numpy
import pytest
import xarray

from program import fermiac

STUDIES = {
    "grad_gauss": '[[sweep]]\n"gauss.d" = [1, 3, 8]\n[[sweep]]\n"sample.k" = [4, 16]\n',
    "grad_bernoulli": '[[sweep]]\n"bernoulli.p" = [0.3, 0.5]\n[[sweep]]\n"relaxation.tau" = [0.1, 1, 10]\n'
                      '[integrand]\nlevel = 0.2\n',
    "grad_categorical": '[[sweep]]\n"categorical.classes" = [2, 3, 10]\n[[sweep]]\n"relaxation.tau" = [0.3, 1]\n'
                        '[integrand]\nlevel = 0.5\n[sample]\nk = 4\n',
    "iwae": '[[sweep]]\n"proposal.ratio" = [1.6, 0.8, 0.6, 0.4]\n[[sweep]]\n"sample.k" = [1, 4, 16, 64, 256, 1024]\n',
}
REPLICATES = {"grad_gauss": 40000, "grad_bernoulli": 40000, "grad_categorical": 40000, "iwae": 4000}


def opened(path):
    return xarray.open_dataset(path, engine="h5netcdf")


def run(folder, kind, seed, sweep, replicates, more=""):
    study = folder / "s.toml"
    study.write_text(f'[study]\nname = "s"\nkind = "{kind}"\nseed = {seed}\nreplicates = {replicates}\n{sweep}{more}')
    result = fermiac("run", study, "--out", folder / "s.h5")
    assert result.returncode == 0, result.stderr
    return opened(folder / "s.h5")


@pytest.mark.stat
@pytest.mark.parametrize("kind", STUDIES)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_cell_agrees_with_theory(tmp_path, kind, seed):
    """Each verdict is wrong in 2 of 1000 seeds; these three are right ones, and stay so."""
    data = run(tmp_path, kind, seed, STUDIES[kind], REPLICATES[kind])
    scores = numpy.concatenate([data[name].values.ravel() for name in ("performance_z", "difference_z")])
    scores = scores[~numpy.isnan(scores)]
    assert len(scores) >= 50 and abs(scores).max() < float(data.bonferroni_bound)
    assert int(data.n_independent) >= 5 and float(data.ks_p) > 1e-3
    assert float(data.agrees) == 1
    assert "Agreement with theory: yes" in fermiac("show", tmp_path / "s.h5").stdout


@pytest.mark.stat
def test_signals_rise_and_fall_with_the_number_of_weights(tmp_path):
    """Signal-to-noise slopes are those of theory at these numbers within 4 fitted errors (6e-5 by chance each); theory's lie within
    0.03 of +1/2, -1/2, +1/2 here and within 0.001 at many weights, where the fitted ones cannot be told from 1/2."""
    data = run(tmp_path, "iwae", 4, '[[sweep]]\n"sample.k" = [32, 64, 128, 256]\n[model]\nx = 3\n', 100000)
    last = data.isel(k=-1).sel(rate_measure="signal_to_noise")
    for estimator, quantity, slope in (("iwae", "d_w", 0.5), ("iwae", "d_a", -0.5), ("dreg", "d_a", 0.5)):
        cell = last.sel(estimator=estimator, quantity=quantity)
        fitted, error, truth = (float(cell[name]) for name in ("rate", "rate_error", "rate_truth"))
        assert error < 0.06 and float(cell.rate_asymptotic) == slope
        assert abs(fitted - truth) < 4 * error and abs(truth - slope) < 0.03
        assert abs(float(cell.rate_z)) < 4
    (tmp_path / "many").mkdir()
    data = run(tmp_path / "many", "iwae", 4, '[[sweep]]\n"sample.k" = [2048, 8192]\n[model]\nx = 3\n', 4000)
    last = data.isel(k=-1).sel(rate_measure="signal_to_noise")
    for estimator, quantity in (("iwae", "d_w"), ("dreg", "d_a")):
        cell = last.sel(estimator=estimator, quantity=quantity)
        assert float(cell.rate_error) < 0.02 and abs(float(cell.rate_truth) - 0.5) < 0.001
        assert abs(float(cell.rate) - 0.5) < 4 * float(cell.rate_error)


def test_weights_without_variance_are_flagged(tmp_path):
    data = run(tmp_path, "iwae", 5, '[[sweep]]\n"proposal.ratio" = [0.4, 0.6, 0.8, 0.9]\n', 2000)
    flags = data.moments_known.sel(estimator="iwae", quantity="evidence")
    assert [int(flag) for flag in flags] == [1, 2, 3, 4]
    cell = data.isel(ratio=0).sel(estimator="iwae", quantity="evidence")
    assert numpy.isfinite(cell.performance.sel(measure="bias"))
    assert numpy.isnan(cell.performance.sel(measure=["variance", "mse", "standard_error"])).all()
    assert numpy.isnan(cell.performance_z).all() and numpy.isnan(cell.performance_error).all()
    judged = data.performance_z.isel(ratio=2).sel(measure="variance", quantity="bound")  # by exact errors
    assert numpy.isfinite(judged.sel(estimator="iwae")) and numpy.isnan(judged.sel(estimator="iwae_controlled"))
    text = fermiac("show", tmp_path / "s.h5").stdout
    for flag in ("infinite variance", "infinite 4th moment", "rare large values"):
        assert f"iwae ({flag})" in text
