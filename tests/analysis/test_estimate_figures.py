"""Figures of experiments on estimators."""

import matplotlib.image
import numpy
import pytest

import fermiac
from fermiac import estimates, figures
from fermiac.look import STYLE
from layout import write_file

MEASURES = ["bias", "variance", "mse", "signal_to_noise"]
N = [10, 100, 1000]
SCALES = {"n": N, "law": ["normal", "gamma"], "item": [0], "estimator": ["mle", "map", "never"], "quantity": ["mu"],
          "interval": ["z"], "measure": MEASURES, "interval_measure": ["coverage", "width"], "difference_measure": ["bias", "mse"]}


@pytest.fixture(autouse=True)
def coarse(monkeypatch):
    monkeypatch.setitem(STYLE, "savefig.dpi", 60)


def write_study(path, swept=("n", "law"), intervals=True, done=True):
    """Means whose bias and variance are 1/n, but those of mle: no bias; `never` estimates nothing."""
    shape = tuple(len(SCALES[d]) for d in swept)
    value = numpy.full((*shape, 3, 1, 4), numpy.nan)
    for place in numpy.ndindex(*shape):
        n = N[place[0]] if swept else 10
        value[place][0, 0, :3] = (1e-9, 1 / n, 1 / n)
        value[place][1, 0, :3] = (-1 / n, 1 / n, 1 / n + 1 / n**2)
    truth = numpy.where(value == 1e-9, 0.0, value)
    variables = {}
    for array, dims, of in (("performance", ("estimator", "quantity", "measure"), value),
                            ("interval_performance", ("interval", "quantity", "interval_measure"), numpy.full((*shape, 1, 1, 2), 0.95)),
                            ("difference", ("estimator", "quantity", "difference_measure"), numpy.full((*shape, 3, 1, 2), numpy.nan))):
        if array == "interval_performance" and not intervals:
            of = numpy.full_like(of, numpy.nan)
        if not done:
            of = numpy.full_like(of, numpy.nan)
        own = truth if array == "performance" and done else of
        for suffix, values in (("", of), ("_error", 0.01 * numpy.abs(of)), ("_truth", own), ("_z", (of - own) / (0.01 * numpy.abs(of)))):
            variables[array + suffix] = ((*swept, *dims), values, {})
    for name, number in (("bonferroni_bound", 4.0), ("largest_z", -1.0), ("ks_p", 0.5)):
        variables[name] = ((), number, {})
    variables["done"] = ((*swept, "item"), numpy.full((*shape, 1), int(done), dtype=numpy.uint8), {})
    write_file(path, SCALES, variables, {"kind": "gauss_mean"})
    return fermiac.open_results(path)


def names(data):
    return [name for _, name in estimates.estimator_figures(data)]


def test_draws_quantities_intervals_and_scores(tmp_path):
    data = write_study(tmp_path / "s.h5")
    paths = figures.draw(data, tmp_path / "figures", "s")
    assert [p.name for p in paths] == ["s_mu.png", "s_coverage.png", "s_scores.png"]
    for path in paths:
        image = matplotlib.image.imread(path)
        assert image[..., :3].min() < 0.5 and image.shape[0] > 100


@pytest.mark.parametrize("swept", [("n",), ("law",)])
def test_draws_along_numbers_and_along_names(tmp_path, swept):
    data = write_study(tmp_path / "s.h5", swept=swept)
    assert len(figures.draw(data, tmp_path, "s")) == 3


def test_draws_no_more_than_there_is(tmp_path):
    assert names(write_study(tmp_path / "a.h5", intervals=False)) == ["mu", "scores"]
    assert names(write_study(tmp_path / "b.h5", swept=())) == ["scores"]
    pending = write_study(tmp_path / "c.h5", done=False)
    assert names(pending) == []
    with pytest.raises(ValueError):
        estimates.score_figure(pending, tmp_path / "c.png")


def test_scores_are_those_of_what_varies(tmp_path):
    data = write_study(tmp_path / "s.h5")
    data["performance_error"][...] = 0
    # What is left are coverages and widths at six points.
    assert len(estimates.scores(data)) == 12


def test_curves_run_along_the_longest_axis_of_numbers(tmp_path):
    along, rows = estimates.along_and_rows(write_study(tmp_path / "s.h5"))
    assert along == "n"
    assert [label for label, _ in rows] == ["law = normal", "law = gamma"]
