"""Figures are drawn from finished, half finished, empty and incomplete studies, without a warning."""

import warnings

import matplotlib.image
import numpy
import pytest

import fermiac
from fermiac import figures
from layout import write_file, write_two_electrons

VARIABLES = ["energy_error", "energy_truth", "energy_z", "optimisation_energy", "mean_energy", "ansatz_minimum", "ground_state",
             "energy_published", "energy_published_error", "energy"]


@pytest.fixture(autouse=True)
def coarse(monkeypatch):
    monkeypatch.setitem(figures.STYLE, "savefig.dpi", 60)


def drawn(data, path):
    """The figure's pixels, grey."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figures.two_electrons(data, path)
    return matplotlib.image.imread(path)[..., :3].mean(axis=2)


@pytest.mark.parametrize("done", [1.0, 0.5, 0.05, 0.0])
def test_a_study_is_drawn_at_any_stage(tmp_path, done):
    data = fermiac.open_results(write_two_electrons(tmp_path / "s.h5", done=done))
    image = drawn(data, tmp_path / "s.png")
    assert image.shape[1] > 400 and image.min() < 0.2 and image.mean() > 0.7


def test_a_running_study_shows_energies_before_ground_states_and_minima_are_known(tmp_path):
    data = fermiac.open_results(write_two_electrons(tmp_path / "s.h5", done=0.5))
    assert numpy.isnan(data["ground_state"]).all() and numpy.isnan(data["ansatz_minimum"]).all()
    half = drawn(data, tmp_path / "half.png")
    empty = drawn(fermiac.open_results(write_two_electrons(tmp_path / "s.h5", done=0.0)), tmp_path / "empty.png")
    width = half.shape[1]
    assert (half != empty)[:, : width // 2].any() and (half != empty)[:, 2 * width // 3 :].any()


@pytest.mark.parametrize("missing", VARIABLES)
def test_a_missing_variable_is_left_out(tmp_path, missing):
    data = fermiac.open_results(write_two_electrons(tmp_path / "s.h5", without=[missing]))
    drawn(data, tmp_path / "s.png")


def test_energies_stand_where_they_belong(tmp_path):
    """Moving one energy changes the panels of energies on the left and nothing of the traces on the right."""
    data = fermiac.open_results(write_two_electrons(tmp_path / "s.h5"))
    before = drawn(data, tmp_path / "a.png")
    data["energy"][2, 0, 1] += 3e-4
    changed = numpy.argwhere(before != drawn(data, tmp_path / "b.png"))
    assert len(changed) > 0 and changed[:, 1].max() < 0.55 * before.shape[1]


def test_the_same_study_gives_the_same_picture(tmp_path):
    data = fermiac.open_results(write_two_electrons(tmp_path / "s.h5"))
    assert (drawn(data, tmp_path / "a.png") == drawn(data, tmp_path / "b.png")).all()


def test_one_omega_one_replicate_and_one_convention_are_enough(tmp_path):
    data = fermiac.open_results(write_two_electrons(tmp_path / "s.h5"))
    drawn(data.isel(omega=[2], replicate=[0]), tmp_path / "a.png")
    drawn(data.isel(convention=1, drop=True), tmp_path / "b.png")


def test_other_axes_are_refused_in_words(tmp_path):
    data = fermiac.open_results(write_two_electrons(tmp_path / "s.h5"))
    with pytest.raises(ValueError, match="hidden"):
        figures.two_electrons(data.expand_dims(hidden=[2, 4]), tmp_path / "a.png")
    with pytest.raises(ValueError, match="omega"):
        figures.two_electrons(data.isel(omega=0), tmp_path / "a.png")


def test_kinds_without_a_figure_have_none(tmp_path):
    write_file(tmp_path / "a.h5", {"n": [1, 2]}, {"mean": (("n",), [1.0, 2.0], {})}, {"kind": "count"})
    assert figures.draw(fermiac.open_results(tmp_path / "a.h5"), tmp_path / "none") == []
    assert not (tmp_path / "none").exists()
