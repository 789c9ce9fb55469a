"""Products of factors, what is counted of them, and continuation from another study, through the whole program."""

import hashlib

import numpy
import pytest
import xarray

from program import fermiac, write_count
from test_run import assert_same

STUDY = """
[study]
name = "dot"
kind = "vmc"
seed = 7
replicates = 2
{sweep}
[system]
particles = {particles}

[ansatz]
factors = "{factors}"
{ansatz}
[sampler]
walkers = 128
pack = 32
burn_in = 60
sweeps = 400
keep_walkers = {keep}
keep_energies = {keep}
{sampler}
[observables]
every = {every}
planar_cells = 10

[optimiser]
starts = 1
iterations = {iterations}
rate = {rate}
"""
OMEGAS = '[[sweep]]\n"system.omega" = [0.5, 1.0]\n'


def write(path, factors="slater * pade_jastrow", particles=4, sweep="", ansatz="", every=0, keep=False, iterations=20, rate=0.3,
          sampler=""):
    path.write_text(STUDY.format(factors=factors, particles=particles, sweep=sweep, ansatz=ansatz, every=every,
                                 keep=str(keep).lower(), iterations=iterations, rate=rate,
                                 sampler=sampler))
    return path


def run(folder, name, *words, **options):
    study = write(folder / f"{name}.toml", **options)
    result = fermiac("run", study, "--out", folder / f"{name}.h5", *words, cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder / f"{name}.h5"


def opened(path):
    with xarray.open_dataset(path, engine="h5netcdf") as data:
        return data.load()


@pytest.fixture(scope="module")
def observed(tmp_path_factory):
    return run(tmp_path_factory.mktemp("dot"), "observed", sweep=OMEGAS, every=5, keep=True)


@pytest.mark.parametrize("factors, words", [
    ("slater * rmb", ["rmb", "rbm"]),
    ("slater * slater", ["slater", "twice"]),
    ("rbm", ["antisymmetric", "bosons"]),
    ("gaussian * pade_jastrow", ["antisymmetric", "bosons"]),
    ("pade_jastrow", ["antisymmetric"]),
    ("slater * linear_jastrow", ["linear_jastrow"]),
    ("slater *", ["factor"]),
])
def test_a_product_that_cannot_be_is_refused_in_one_line(tmp_path, factors, words):
    result = fermiac("run", write(tmp_path / "s.toml", factors), "--out", tmp_path / "a.h5")
    assert result.returncode == 2 and result.stdout == "" and not (tmp_path / "a.h5").exists()
    assert result.stderr.count("\n") == 1 and "s.toml:12: " in result.stderr and "ansatz.factors" in result.stderr
    for word in words:
        assert word in result.stderr


def test_gibbs_sampling_is_for_machines_alone(tmp_path):
    study = write(tmp_path / "s.toml", particles=2, factors="rbm")
    study.write_text(study.read_text().replace("[sampler]", '[sampler]\nmethod = "gibbs"'))
    assert fermiac("run", study, "--out", tmp_path / "a.h5").returncode == 0
    data = opened(tmp_path / "a.h5")
    assert (data.acceptance == 1).all() and (abs(data.energy_z) < 6).all() and (abs(data.stein_z) < 6).all()
    result = fermiac("run", study, "--set", 'ansatz.factors="slater * pade_jastrow"', "--out", tmp_path / "b.h5")
    assert result.returncode == 2 and "sampler.method" in result.stderr and result.stderr.count("\n") == 1


def test_a_wave_function_without_symmetry_is_flagged(tmp_path):
    raw = run(tmp_path, "raw", factors="slater * rbm")
    shown = fermiac("show", raw).stdout
    assert "none  infinite_variance" in shown and "symmetry: none means" in shown
    data = opened(raw)
    assert data.symmetry.attrs["flag_meanings"].split()[int(data.symmetry)] == "none"
    assert numpy.isnan(data.bound_z)  # the ground state of fermions is no floor for it
    exact = fermiac("show", run(tmp_path, "exact")).stdout
    assert "exact  regular" in exact


def test_columns_without_any_value_are_left_out_when_the_study_is_complete(observed):
    shown = fermiac("show", observed).stdout
    assert " mean_energy " in shown and " ansatz_minimum " not in shown and " ground_state " not in shown
    assert "ansatz_minimum" in fermiac("show", observed, "--csv").stdout


def test_published_energies_stand_beside_the_same_wave_function(tmp_path):
    data = opened(run(tmp_path, "six", particles=6))
    assert float(data.energy_published) == 20.1918 and float(data.energy_dmc) == 20.15932
    assert float(data.energy_dmc_error) == 8e-5
    assert abs(float(data.above_dmc) - (float(data.mean_energy) - 20.15932)) < 1e-12
    assert abs(float(data.above_dmc_error) - numpy.hypot(float(data.mean_energy_error), 8e-5)) < 1e-15
    four = opened(run(tmp_path, "four"))
    assert numpy.isnan(four.energy_published) and numpy.isnan(four.energy_dmc)


def test_densities_are_labelled_and_add_up_to_particles_and_pairs(observed):
    data = opened(observed)
    assert data.radial_density.dims == ("omega", "replicate", "spin", "radius_cell")
    assert list(data.spin.values) == ["up", "down"] and list(data.pair.values) == ["like", "unlike"]
    assert data.planar_density.shape[2:] == (2, 10, 10) and data.radius.dims == ("omega", "radius_cell")
    width = data.radius.diff("radius_cell").mean("radius_cell")
    number = (data.radial_density * 2 * numpy.pi * data.radius * width).sum("radius_cell")
    assert (abs(number - 2) < 1e-2).all()
    side = data.plane_x.diff("plane_x_cell").mean("plane_x_cell")
    assert (abs((data.planar_density.sum(["plane_x_cell", "plane_y_cell"]) * side**2) - 2) < 1e-2).all()
    width = data.separation.diff("separation_cell").mean("separation_cell")
    assert (abs((data.distance_density * width).sum("separation_cell") - [2, 4]) < 1e-2).all()
    assert (abs(data.angular_density.sum("angle_cell") * numpy.pi / data.sizes["angle_cell"] - [2, 4]) < 1e-2).all()
    # The mean distance is that of its distribution: cells of 0.1 lengths, half a cell at most.
    mean = (data.distance_density * data.separation).sum("separation_cell") / data.distance_density.sum("separation_cell")
    assert (abs(mean - data.mean_distance) < 0.02).all() and (data.mean_distance_error < 0.1 * data.mean_distance).all()
    assert (data.radial_density_error.sum("radius_cell") > 0).all()
    # The width is trained, so noise is all that is left (four ratios, 5 sigma: 2e-6), but for the way to go to the minimum after
    # 20 iterations, which is no more than the noise of 128 walkers.
    assert (data.virial_ratio_error < 0.02).all()
    assert (abs(data.virial_ratio - 1) < 5 * data.virial_ratio_error + 0.01).all()


def test_walkers_and_series_are_kept_where_they_are_asked_for(observed):
    data = opened(observed)
    assert data.walker_position.dims[-2:] == ("coordinate", "walker") and data.walker_position.shape[-2:] == (8, 128)
    assert numpy.allclose(data.energy_series.mean("measurement"), data.energy, rtol=1e-12)
    assert numpy.allclose(data.walker_energy.mean("walker"), data.energy, rtol=1e-12)


def test_what_is_counted_changes_nothing_else(observed, tmp_path):
    plain, data = opened(run(tmp_path, "plain", sweep=OMEGAS)), opened(observed)
    for name in ("energy", "energy_error", "parameters", "stein_z", "optimisation_energy"):
        assert (plain[name].values == data[name].values).all()
    for name in ("radial_density", "planar_density", "walker_position", "energy_series", "radius"):
        assert plain[name].size == 0
    assert numpy.isnan(plain.mean_distance).all()


@pytest.mark.parametrize("ranks, team, threads", [(2, 2, 1), (3, 3, 2), (1, 1, 2)])
def test_densities_have_the_same_bits_on_any_team(observed, tmp_path, ranks, team, threads):
    result = fermiac("run", observed.with_suffix(".toml"), "--out", tmp_path / "b.h5", "--ranks-per-item", team, ranks=ranks,
                     threads=threads)
    assert result.returncode == 0, result.stderr
    assert_same(observed, tmp_path / "b.h5")


def test_arrays_of_other_lengths_are_reused(observed, tmp_path):
    """A swept number of cells pads the arrays of items that are taken over."""
    sweep = OMEGAS + '[[sweep]]\n"observables.planar_cells" = [10, 14]\n'
    study = write(tmp_path / "s.toml", sweep=sweep, every=5, keep=True)
    study.write_text(study.read_text().replace("planar_cells = 10\n", ""))
    result = fermiac("run", study, "--out", tmp_path / "a.h5", "--reuse", observed)
    assert result.returncode == 0 and "4 of 8 items taken over" in result.stderr
    assert fermiac("run", study, "--out", tmp_path / "b.h5").returncode == 0
    assert_same(tmp_path / "a.h5", tmp_path / "b.h5")
    data = opened(tmp_path / "a.h5")
    small = data.planar_density.sel(planar_cells=10)
    assert (small[..., :10, :10].values == opened(observed).planar_density.values).all()
    assert numpy.isnan(small[..., 10:, :]).all() and numpy.isnan(small[..., 10:]).all()


START = 'start_from = "observed.h5"\n'


def test_a_study_goes_on_from_the_parameters_of_another(observed, tmp_path):
    source = opened(observed)
    (tmp_path / "observed.h5").write_bytes(observed.read_bytes())
    still = {"ansatz": START, "iterations": 1, "rate": 1e-9}
    best = source.parameters.isel(replicate=source.energy.argmin("replicate"))
    matched = opened(run(tmp_path, "matched", sweep=OMEGAS, **still))
    assert numpy.allclose(matched.parameters.values, best.values[:, None], atol=1e-6)
    assert not numpy.allclose(best[0], best[1], atol=1e-4)
    assert matched.attrs["inputs"] == f"{hashlib.sha256(observed.read_bytes()).hexdigest()} observed.h5\n"
    assert numpy.isfinite(matched.energy).all()
    # Another frequency takes the nearest (0.8 is nearer to 1 than to 0.5); another product what it has in common.
    near = opened(run(tmp_path, "near", sweep="", particles=6, factors="slater * symmetric_rbm * pade_jastrow",
                      **(still | {"ansatz": START + "\n[[sweep]]\n\"system.omega\" = [0.8]\n"})))
    ours = near.parameters.isel(omega=0)
    assert numpy.allclose(ours[:, [0, -2, -1]], best.sel(omega=1.0), atol=1e-6)


def test_lengths_go_with_the_trap(tmp_path):
    run(tmp_path, "observed", particles=2, factors="rbm", ansatz="hidden = 1\nsigma_trainable = true\n")
    there = opened(tmp_path / "observed.h5")
    here = opened(run(tmp_path, "weak", particles=2, factors="rbm * pade_jastrow", iterations=1, rate=1e-9,
                      ansatz=START + 'hidden = 1\nsigma_trainable = true\n[[sweep]]\n"system.omega" = [0.25]\n'))
    best = there.parameters.isel(replicate=int(there.energy.values.argmin())).values
    ours = here.parameters.isel(omega=0, replicate=0).values
    assert numpy.allclose(ours[:4], 2 * best[:4], atol=1e-6)  # a
    assert numpy.allclose(ours[4], best[4], atol=1e-6)  # b
    assert numpy.allclose(ours[5:9], 2 * best[5:9], atol=1e-6)  # W
    assert numpy.allclose(ours[9], best[9] + numpy.log(2), atol=1e-6)  # ln sigma


def refused(folder, **options):
    result = fermiac("run", write(folder / "s.toml", **options), "--out", folder / "out.h5", cwd=folder, ranks=2)
    assert result.returncode == 2 and not (folder / "out.h5").exists()
    assert result.stderr.count("\n") == 1 and "ansatz.start_from" in result.stderr
    return result.stderr


def test_files_that_cannot_be_started_from_are_named(observed, tmp_path):
    assert "no such file" in refused(tmp_path, ansatz=START)
    (tmp_path / "observed.h5").write_text("nothing")
    assert "observed.h5" in refused(tmp_path, ansatz=START)
    study = write_count(tmp_path / "count.toml")
    (tmp_path / "observed.h5").unlink()
    assert fermiac("run", study, "--out", tmp_path / "observed.h5").returncode == 0
    assert '"count"' in refused(tmp_path, ansatz=START)
    (tmp_path / "observed.h5").write_bytes(observed.read_bytes())
    assert "factors" in refused(tmp_path, particles=2, factors="rbm", ansatz=START)
    sweep = '[[sweep]]\n"system.particles" = [4, 6]\n'
    study = write(tmp_path / "swept.toml", sweep=sweep)
    study.write_text(study.read_text().replace("particles = 4\n", ""))
    assert fermiac("run", study, "--out", tmp_path / "observed.h5", "--overwrite").returncode == 0
    assert "system.particles = 12" in refused(tmp_path, particles=12, ansatz=START)


def test_a_file_that_changed_meanwhile_is_noticed_and_results_are_shown_without_it(observed, tmp_path):
    (tmp_path / "observed.h5").write_bytes(observed.read_bytes())
    run(tmp_path, "next", ansatz=START)
    (tmp_path / "observed.h5").write_bytes(run(tmp_path, "other").read_bytes())
    result = fermiac("run", "next.toml", "--out", "next.h5", "--resume", cwd=tmp_path)
    assert result.returncode == 2 and "input files" in result.stderr and result.stderr.count("\n") == 1
    (tmp_path / "observed.h5").unlink()
    assert fermiac("show", "next.h5", cwd=tmp_path).returncode == 0
    assert fermiac("status", "next.h5", cwd=tmp_path).returncode == 0


def test_the_template_names_every_factor_and_key():
    text = fermiac("template", "vmc").stdout
    for word in ("pade_jastrow", "[slater]", "start_from", "keep_walkers", "every", "gibbs"):
        assert word in text
    assert max(map(len, text.splitlines())) < 200
    shown = fermiac("list", "vmc").stdout
    assert "pade_jastrow: exp(" in shown and max(map(len, shown.splitlines()[1:])) < 160


def in_seconds(text):
    """Of "6 min 20 s"."""
    words = text.split()
    return sum(float(number) * {"h": 3600, "min": 60, "s": 1}[unit] for number, unit in zip(words[::2], words[1::2]))


def test_studies_that_observe_are_timed_by_check(tmp_path):
    """Pairs of twenty bosons take longer to count than their Gaussian takes to move them."""

    def seconds(every):
        study = write(tmp_path / "s.toml", factors="gaussian", particles=20, every=every)
        study.write_text(study.read_text().replace("particles = 20", 'particles = 20\nstatistics = "bosons"'))
        estimates = []
        for _ in range(3):
            result = fermiac("check", study, "--set", "sampler.sweeps=10000000")
            assert result.returncode == 0, result.stderr
            estimates.append(in_seconds(result.stdout.split("the longest item")[1]))
        return min(estimates)

    assert seconds(every=1) > 1.3 * seconds(every=0)


def test_a_name_that_is_missing_in_a_product_is_refused(tmp_path):
    result = fermiac("check", write(tmp_path / "s.toml", factors="slater * "))
    assert result.returncode == 2 and result.stderr.count("\n") == 1 and "missing" in result.stderr
