"""Figures of densities and of optimisations, and the extrapolation to zero variance."""

import warnings

import matplotlib.image
import numpy
import pytest

import fermiac
from fermiac import figures, optimisation
from fermiac.densities import densities
from fermiac.look import STYLE
from layout import write_file

CELLS = {"radius_cell": 40, "separation_cell": 50, "angle_cell": 30, "plane_x_cell": 20, "plane_y_cell": 20}


@pytest.fixture(autouse=True)
def coarse(monkeypatch):
    monkeypatch.setitem(STYLE, "savefig.dpi", 60)


def write_dot(path, dimensions=2, omegas=(0.25, 1.0), replicates=3, done=True, observed=True, iterations=60, seed=2):
    """A study of six electrons in the layout of the program: Gaussian clouds of the size of the trap."""
    random = numpy.random.default_rng(seed)
    cells = {name: n if observed else 0 for name, n in CELLS.items()}
    if dimensions != 2:
        cells["angle_cell"] = 0
    if dimensions == 1:
        cells["plane_x_cell"] = cells["plane_y_cell"] = 0
    length = 1 / numpy.sqrt(numpy.array(omegas))[:, None]
    middle = {name: (numpy.arange(n) + 0.5) / max(n, 1) for name, n in cells.items()}
    coordinates = {"radius": ("radius_cell", 5 * length * middle["radius_cell"]),
                   "separation": ("separation_cell", 10 * length * middle["separation_cell"]),
                   "plane_x": ("plane_x_cell", 5 * length * (2 * middle["plane_x_cell"] - 1)),
                   "plane_y": ("plane_y_cell", 5 * length * (2 * middle["plane_y_cell"] - 1)),
                   "angle": ("angle_cell", numpy.pi * middle["angle_cell"] * numpy.ones_like(length))}
    shape = (len(omegas), replicates)

    def of_items(values):
        return values if done else numpy.full_like(values, numpy.nan)

    def cloud(x, scale):
        profile = numpy.exp(-((x / length) ** 2)) / length**dimensions
        both = numpy.stack([profile, scale * profile], axis=1)
        return numpy.repeat(both[:, None], replicates, axis=1)

    items = ("omega", "replicate")
    arrays = {"radial_density": ("spin", "radius_cell", cloud(coordinates["radius"][1], 1.0)),
              "pair_density": ("pair", "separation_cell", cloud(coordinates["separation"][1], 2.0)),
              "angular_density": ("pair", "angle_cell", 1 + 0 * cloud(coordinates["angle"][1], 1.0))}
    variables = {name: ((*items, *rest[:-1]), of_items(rest[-1]), {}) for name, rest in arrays.items()}
    plane = cloud(numpy.zeros_like(length), 1.0)[..., None] * numpy.exp(
        -((coordinates["plane_x"][1] / length) ** 2)[:, None, None, None, :] - ((coordinates["plane_y"][1] / length) ** 2)[:, None, None, :, None])
    variables["planar_density"] = ((*items, "spin", "plane_y_cell", "plane_x_cell"), of_items(plane), {})
    for name in list(variables):
        dims, values, own = variables[name]
        variables[f"{name}_error"] = (dims, 0.02 * values, own)
    for name, (dimension, values) in coordinates.items():
        variables[name] = (("omega", dimension), values if done else numpy.full_like(values, numpy.nan), {})
    variance = (0.5 + 3 * numpy.exp(-numpy.arange(iterations) / 10)) * random.uniform(0.9, 1.1, (*shape, iterations))
    energy = 20.0 + 0.1 * variance + 1e-3 * random.standard_normal(variance.shape)
    for name, values in (("energy", energy), ("variance", variance), ("energy_error", numpy.full_like(energy, 1e-3))):
        variables[f"optimisation_{name}"] = ((*items, "iteration"), of_items(values), {})
    for name, value in (("energy", 20.05), ("energy_error", 1e-4), ("variance", 0.5)):
        variables[name] = (items, of_items(numpy.full(shape, value)), {})
    variables["done"] = (("omega", "item"), numpy.full(shape, int(done), dtype=numpy.uint8), {})
    scales = {"omega": list(omegas), "replicate": numpy.arange(replicates), "item": numpy.arange(replicates),
              "iteration": numpy.arange(iterations), "spin": ["up", "down"], "pair": ["like", "unlike"],
              **{name: numpy.arange(n) for name, n in cells.items()}}
    write_file(path, scales, variables, {"kind": "vmc", "table": "energy"})
    return path


def drawn(figure, data, path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure(data, path)
    return matplotlib.image.imread(path)[..., :3].mean(axis=2)


@pytest.mark.parametrize("dimensions", [1, 2, 3])
@pytest.mark.parametrize("figure", [densities, optimisation.optimisation])
@pytest.mark.parametrize("done", [True, False])
def test_dots_are_drawn_in_any_dimension_and_before_they_are_done(tmp_path, figure, dimensions, done):
    data = fermiac.open_results(write_dot(tmp_path / "s.h5", dimensions, done=done))
    image = drawn(figure, data, tmp_path / "s.png")
    assert image.shape[1] > 400 and image.min() < 0.3 and image.mean() > 0.6


def test_a_study_gets_the_figures_that_it_has_data_for(tmp_path):
    data = fermiac.open_results(write_dot(tmp_path / "s.h5"))
    assert [p.name for p in figures.draw(data, tmp_path, "s")] == ["s_densities.png", "s_optimisation.png", "s.png"]
    without = fermiac.open_results(write_dot(tmp_path / "t.h5", observed=False))
    assert [p.name for p in figures.draw(without, tmp_path, "t")] == ["t_optimisation.png", "t.png"]
    other = data.rename(omega="hidden").assign_coords(hidden=[2, 4])
    assert [p.name for p in figures.draw(other, tmp_path, "u")] == ["u_densities.png", "u_optimisation.png"]
    assert [p.name for p in figures.draw(data.isel(omega=0, drop=True), tmp_path, "v")] == ["v_densities.png", "v_optimisation.png"]


def test_a_density_moves_its_curve_and_no_other(tmp_path):
    data = fermiac.open_results(write_dot(tmp_path / "s.h5"))
    before = drawn(densities, data, tmp_path / "a.png")
    data["radial_density"][0, :, 0, 5:10] *= 1.3
    changed = numpy.argwhere(before != drawn(densities, data, tmp_path / "b.png"))
    height, width = before.shape
    assert len(changed) > 0 and changed[:, 0].max() < 0.55 * height and changed[:, 1].max() < 0.55 * width


def test_the_line_of_energies_over_variances_ends_where_it_should():
    random = numpy.random.default_rng(3)
    variance = random.uniform(0.5, 2, 40)
    line = optimisation.variance_extrapolation(variance, 3 + 0.25 * variance, numpy.full(40, 1e-3))
    assert abs(line.value - 3) < 1e-12 and abs(line.slope - 0.25) < 1e-12 and 1e-4 < line.error < 1e-3
    scores, slopes = [], []
    for _ in range(400):
        own = random.uniform(1e-3, 1e-2, 40)
        noisy = 3 + 0.25 * variance + own * random.standard_normal(40)
        line = optimisation.variance_extrapolation(variance, noisy, own)
        scores.append((line.value - 3) / line.error)
        slopes.append((line.slope - 0.25) / line.slope_error)
    # 400 normal scores: their mean within 5 of 1/20, their squares' mean within 5 of sqrt(2/400).
    for scores in (scores, slopes):
        assert abs(numpy.mean(scores)) < 0.25 and abs(numpy.mean(numpy.square(scores)) - 1) < 0.354


@pytest.mark.parametrize("n", [0, 1, 2, 5, 100])
def test_blocks_hold_every_iteration_but_the_first_once(n):
    variance, energy, error = numpy.arange(n) + 1.0, 2.0 * numpy.arange(n), numpy.ones(n)
    means = optimisation.blocks(variance, energy, error)
    lengths = 1 / means[2] ** 2  # of means of values with error 1
    assert abs(lengths.sum() - max(n - 1, 0)) < 1e-9
    assert abs((lengths * means[1]).sum() - energy[1:].sum()) < 1e-9 and numpy.allclose(means[1], 2 * (means[0] - 1))


@pytest.mark.parametrize("variance, energy", [([], []), ([1, 2], [3, 4]), ([1, 1, 1], [3, 4, 5]), ([1, 2, numpy.nan], [3, 4, 5])])
def test_too_few_points_make_no_line(variance, energy):
    assert numpy.isnan(optimisation.variance_extrapolation(variance, energy, numpy.ones(len(energy)))).all()
