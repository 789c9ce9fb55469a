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
}
REPLICATES = {"grad_gauss": 40000, "grad_bernoulli": 40000, "grad_categorical": 40000}


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
