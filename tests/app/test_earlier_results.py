"""What a study takes from the results of another one: parameters to begin with, wave functions to compare with."""

import hashlib

import numpy
import pytest

from program import fermiac
from test_run import assert_same
from test_wave_functions import OMEGAS, opened, run, write

START = 'start_from = "{}.h5"\n'
COMPARE = 'compare_with = "{}.h5"\n'


def refused(folder, key, line, ranks=None, **options):
    study = write(folder / "s.toml", **options)
    result = fermiac("run", study, "--out", folder / "out.h5", cwd=folder, ranks=ranks)
    assert result.returncode == 2 and not (folder / "out.h5").exists(), result.stderr
    number = 1 + [text.startswith(line) for text in study.read_text().splitlines()].index(True)
    assert result.stderr.count("\n") == 1 and f"s.toml:{number}: {key}" in result.stderr, result.stderr
    return result.stderr


def test_parameters_are_named_where_all_points_have_the_same(tmp_path):
    factors = '[[sweep]]\n"ansatz.factors" = ["slater * pade_jastrow", "slater * simple_jastrow"]\n'
    names = opened(run(tmp_path, "one", sweep=OMEGAS, iterations=1)).parameter.values
    assert list(names) == ["slater.ln_alpha", "pade_jastrow.ln_beta_unlike", "pade_jastrow.ln_beta_like"]
    study = write(tmp_path / "s.toml", sweep=factors, iterations=1)
    study.write_text(study.read_text().replace('factors = "slater * pade_jastrow"\n', ""))
    assert fermiac("run", study, "--out", tmp_path / "two.h5").returncode == 0
    assert list(opened(tmp_path / "two.h5").parameter.values) == [0, 1, 2]


@pytest.mark.parametrize("there, here, words", [
    # As many parameters, 1 + 2 6 + 6 + 2 and 1 + 2 9 + 2, of which the last ones mean other things.
    ({"factors": "backflow * pade_jastrow", "ansatz": '[backflow]\nform = "pair"\nterms = 5\n'},
     {"factors": "backflow * pade_jastrow", "ansatz": START.format("there") + '[backflow]\nform = "pair"\nterms = 8\ncentral = false\n'},
     ["backflow", "central_ln_kappa (19 of them) there", "unlike_ln_kappa (19 of them) here"]),
    ({"factors": "slater * pade_jastrow", "particles": 2, "up": 2},
     {"factors": "slater * pade_jastrow", "particles": 2, "ansatz": START.format("there")},
     ["pade_jastrow", "ln_beta_unlike here", "ln_beta_like there"]),
    ({"factors": "rbm", "particles": 2, "ansatz": "hidden = 1\n"},
     {"factors": "rbm", "particles": 2, "ansatz": START.format("there") + "hidden = 1\nsigma_squared = 0.7\n"},
     ["rbm", "sigma^2 = 0.7 / omega here", "sigma^2 = 0.5 / omega there"]),
    ({"factors": "rbm", "particles": 2, "ansatz": "hidden = 1\n"},
     {"factors": "rbm", "particles": 2, "ansatz": START.format("there") + 'hidden = 1\nconvention = "f"\n'},
     ["rbm", "Psi = F", "Psi = sqrt(F)"]),
    ({"factors": "slater * pade_jastrow", "particles": 2},
     {"factors": "slater * pade_jastrow", "particles": 6, "ansatz": START.format("there")},
     ["pade_jastrow", "ln_beta_unlike, ln_beta_like here and ln_beta_unlike there"]),
    ({"factors": "gaussian * symmetric_rbm", "particles": 2, "ansatz": '[symmetric_rbm]\ninputs = "power_sums"\nhidden = 2\n'},
     {"factors": "gaussian * symmetric_rbm", "particles": 2,
      "ansatz": START.format("there") + '[symmetric_rbm]\ninputs = "pairs"\nhidden = 2\n'},
     ["symmetric_rbm", "b_unlike_0", "w_0_centre"]),
])
def test_parameters_of_another_meaning_are_not_taken_over(tmp_path, there, here, words):
    up = there.pop("up", None)
    study = write(tmp_path / "there.toml", iterations=1, **there)
    if up:
        study.write_text(study.read_text().replace("[system]", f"[system]\nup = {up}"))
    result = fermiac("run", study, "--out", tmp_path / "there.h5", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    message = refused(tmp_path, "ansatz.start_from", "start_from", **here)
    for word in words:
        assert word in message


def test_factors_that_are_not_there_and_fixed_ones_begin_afresh(tmp_path):
    """The width of the machine there does not hinder where there is no machine here; the envelope is off beside one."""
    there = opened(run(tmp_path, "there", factors="slater * pade_jastrow"))
    here = opened(run(tmp_path, "here", factors="slater * pade_jastrow * rbm", iterations=1, rate=1e-9,
                      ansatz=START.format("there")))
    best = there.parameters[int(there.energy.values.argmin())].values
    assert numpy.allclose(here.parameters[:, :2], best[1:], atol=1e-6)
    assert list(here.parameter.values[:3]) == ["pade_jastrow.ln_beta_unlike", "pade_jastrow.ln_beta_like", "rbm.a_0x"]


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    return run(tmp_path_factory.mktemp("plain"), "plain", sweep=OMEGAS)


def test_a_gain_is_stored_and_shown_and_changes_nothing_else(plain, tmp_path):
    (tmp_path / "plain.h5").write_bytes(plain.read_bytes())
    better = {"factors": "slater * pade_jastrow * symmetric_rbm", "sweep": OMEGAS}
    alone = opened(run(tmp_path, "alone", **better))
    path = run(tmp_path, "better", sampler=COMPARE.format("plain"), **better)
    data = opened(path)
    for name in ("energy", "energy_error", "parameters", "stein_z", "acceptance", "optimisation_energy"):
        assert (alone[name].values == data[name].values).all()
    assert numpy.isnan(alone.gain).all() and numpy.isfinite(data.gain).all() and (data.gain_error > 0).all()
    assert numpy.allclose(data.reweighted_energy - data.gain, data.energy, rtol=1e-10)
    assert ((data.overlap_share > 0.3) & (data.overlap_share <= 1)).all()
    # Its own sampling of the other wave function agrees (6 errors, 2e-9 each), with larger errors of the difference.
    source = opened(plain)
    best = source.isel(replicate=source.energy.argmin("replicate"))
    unpaired = numpy.hypot(best.energy_error, data.energy_error)
    assert (abs(best.energy - data.reweighted_energy) < 6 * numpy.hypot(best.energy_error, data.reweighted_energy_error)).all()
    assert (data.gain_error < unpaired).all()
    assert numpy.allclose(data.mean_gain, data.gain.mean("replicate"), rtol=1e-12)
    assert data.attrs["inputs"] == f"{hashlib.sha256(plain.read_bytes()).hexdigest()} plain.h5\n"
    shown = fermiac("show", path).stdout
    assert " mean_gain " in shown and " overlap " in shown
    assert " mean_gain " not in fermiac("show", plain).stdout
    result = fermiac("run", "better.toml", "--out", "b.h5", "--ranks-per-item", 2, ranks=2, threads=2, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert_same(path, tmp_path / "b.h5")


def test_a_wave_function_gains_nothing_over_itself(plain, tmp_path):
    (tmp_path / "plain.h5").write_bytes(plain.read_bytes())
    data = opened(run(tmp_path, "same", sweep=OMEGAS, iterations=0, ansatz=START.format("plain"),
                      sampler=COMPARE.format("plain")))
    assert (data.gain == 0).all() and (data.gain_error == 0).all() and (data.overlap_share == 1).all()


def test_wave_functions_that_cannot_be_compared_with_are_named(plain, tmp_path):
    key, line = "sampler.compare_with", "compare_with"
    compare = COMPARE.format("plain")
    assert "no such file" in refused(tmp_path, key, line, ranks=2, sampler=compare)
    (tmp_path / "plain.h5").write_bytes(plain.read_bytes())
    assert "no finished point of this system" in refused(tmp_path, key, line, sampler=compare, particles=6)
    by_factors = compare + 'compare_factors = "{}"\n'
    message = refused(tmp_path, "sampler.compare_factors", "compare_factors", sampler=by_factors.format("backflow"), sweep=OMEGAS)
    assert '"slater * pade_jastrow"' in message
    refused(tmp_path, "sampler.compare_factors", "compare_factors", sampler='compare_factors = "slater"\n')
    sweep = '[[sweep]]\n"ansatz.factors" = ["slater * pade_jastrow", "slater * simple_jastrow"]\n'
    study = write(tmp_path / "two.toml", sweep=sweep, iterations=1)
    study.write_text(study.read_text().replace('factors = "slater * pade_jastrow"\n', ""))
    assert fermiac("run", study, "--out", tmp_path / "plain.h5", "--overwrite").returncode == 0
    assert "choose by sampler.compare_factors" in refused(tmp_path, key, line, sampler=compare)
    assert "has \"" in refused(tmp_path, key, line, sampler=compare)
    data = opened(run(tmp_path, "chosen", sampler=by_factors.format("slater*simple_jastrow")))
    assert numpy.isfinite(data.gain).all()
