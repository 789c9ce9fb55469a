"""Opening results files, and their tables."""

import math
import subprocess
import sys

import h5py
import numpy
import pytest

import fermiac
from layout import GROUND, OMEGA, write_file, write_two_electrons


@pytest.fixture
def finished(tmp_path):
    return write_two_electrons(tmp_path / "study.h5")


@pytest.fixture
def running(tmp_path):
    return write_two_electrons(tmp_path / "study.h5", done=0.5)


def test_arrays_are_labelled(finished):
    data = fermiac.open_results(finished)
    assert data["energy"].dims == ("omega", "convention", "replicate")
    assert data["energy"].attrs["units"] == "Hartree"
    assert list(data["convention"].values) == ["sqrt_f", "f"]
    assert data["ground_state"].sel(omega=1.0, convention="f") == GROUND[-1]
    assert "start" not in data  # of the group /run


def test_the_file_is_closed_and_can_be_read_again_after_it_changed(finished):
    before = fermiac.open_results(finished)
    with h5py.File(finished, "r+") as file:
        file["energy"][0, 0, 0] = 7
    assert before["energy"][0, 0, 0] != 7
    assert fermiac.open_results(finished)["energy"][0, 0, 0] == 7


def test_a_running_study_opens_with_nan_for_what_is_missing(running):
    data = fermiac.open_results(running)
    assert numpy.isfinite(data["energy"].values).mean() == 0.5
    assert numpy.isnan(data["mean_energy"].values).all()


def test_what_is_no_results_file_is_refused_in_words(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no file"):
        fermiac.open_results(tmp_path / "none.h5")
    (tmp_path / "text.h5").write_text("hello")
    with pytest.raises(ValueError, match="text.h5"):
        fermiac.open_results(tmp_path / "text.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 1.0
    with pytest.raises(ValueError, match="schema"):
        fermiac.open_results(tmp_path / "other.h5")


@pytest.mark.parametrize("value, error, text", [
    (1.23456, 0.0067, "1.2346(67)"), (3.06504, 0.00019, "3.06504(19)"), (-0.5, 0.0123, "-0.500(12)"),
    (1.0, 0.00996, "1.000(10)"), (1.0, 0.0999, "1.00(10)"), (12.34, 1.5, "12.3(1.5)"), (12.34, 0.96, "12.34(96)"),
    (12.34, 0.996, "12.3(1.0)"), (1234.5, 67.2, "1234(67)"), (123456.0, 678.0, "123456(678)"),
    (1.25, 0.0, "1.25"), (1.25, math.nan, "1.25"), (1.25, math.inf, "1.25"), (math.nan, 1.0, "-"),
])
def test_a_value_carries_two_digits_of_its_error(value, error, text):
    assert fermiac.concise(value, error) == text


def test_the_table_has_a_line_for_every_point_with_coordinates_estimates_and_bounds(finished):
    data = fermiac.open_results(finished)
    table = fermiac.table(data)
    assert list(table.columns) == ["omega", "convention", "mean_energy [Hartree]", "mean_z", "ansatz_minimum [Hartree]",
                                   "ground_state [Hartree]", "energy_published [Hartree]", "contact"]
    assert len(table) == 2 * len(OMEGA)
    last = table.iloc[-1]
    point = data.isel(omega=-1, convention=-1)
    assert list(last[:3]) == ["1", "f", fermiac.concise(float(point["mean_energy"]), float(point["mean_energy_error"]))]
    assert last["mean_z"] == f"{float(point['mean_z']):.2f}"
    assert last["energy_published [Hartree]"] == "3.08030(10)"
    assert last["contact"] == "infinite_variance"
    assert list(table["omega"][:4]) == ["0.1", "0.1", "0.1666667", "0.1666667"]


def test_the_table_of_a_running_study_shows_what_is_not_known_as_a_dash(running):
    table = fermiac.table(fermiac.open_results(running))
    assert set(table["mean_energy [Hartree]"]) == {"-"} and set(table["contact"]) == {"-"}


def test_auxiliary_coordinates_and_studies_without_axes_have_tables_too(tmp_path):
    variables = {"h": (("n",), [0.5, 0.25], {}), "bias": (("n",), [1.0, 2.0], {"coordinates": "h"})}
    write_file(tmp_path / "a.h5", {"n": [1, 2]}, variables, {"table": "bias missing"})
    data = fermiac.open_results(tmp_path / "a.h5")
    table = fermiac.table(data)
    assert list(table.columns) == ["n", "h", "bias"] and list(table["h"]) == ["0.5", "0.25"]
    write_file(tmp_path / "b.h5", {"replicate": [0, 1]}, {"mean": ((), 3.5, {}), "mean_error": ((), 0.5, {}),
                                                          "value": (("replicate",), [3.0, 4.0], {})}, {"table": "mean"})
    assert fermiac.table(fermiac.open_results(tmp_path / "b.h5")).values.tolist() == [["3.50(50)"]]


def test_the_command_prints_the_table_and_names_the_figures(finished, tmp_path):
    result = subprocess.run([sys.executable, "-m", "fermiac", finished, "--figures", tmp_path / "out"], capture_output=True,
                            text=True)
    assert result.returncode == 0, result.stderr
    assert fermiac.table(fermiac.open_results(finished)).to_string(index=False) in result.stdout
    assert result.stdout.splitlines()[-1] == str(tmp_path / "out" / "study.png")
    assert (tmp_path / "out" / "study.png").exists()
    result = subprocess.run([sys.executable, "-m", "fermiac", finished, "--only", "table"], capture_output=True, text=True)
    assert "omega" in result.stdout and not (tmp_path / "study.png").exists()


def test_the_command_fails_with_one_line(tmp_path):
    result = subprocess.run([sys.executable, "-m", "fermiac", tmp_path / "none.h5"], capture_output=True, text=True)
    assert result.returncode == 1 and result.stdout == ""
    assert result.stderr == f"fermiac: there is no file {tmp_path / 'none.h5'}\n"
