"""Energies that the shipped studies of quantum dots must reach, at omega = 1 in two dimensions: single items of these very studies."""

import itertools
import math
import pathlib
import tomllib

import pytest

from program import fermiac

STUDIES = pathlib.Path(__file__).parents[2] / "jobs/studies/vmc"


def point_of(study, **wanted):
    """Number of the one point of a study whose swept keys (by their last component) have the wanted values."""
    with open(study, "rb") as file:
        axes = tomllib.load(file)["sweep"]
    matches = []
    for axis in axes:
        keys = {key.split(".")[-1]: values for key, values in axis.items()}
        length = len(next(iter(keys.values())))
        matches.append([all(wanted.get(key, values[i]) == values[i] for key, values in keys.items()) for i in range(length)])
    points = [all(chosen) for chosen in itertools.product(*matches)]
    assert points.count(True) == 1
    return points.index(True)


def item(study, **wanted):
    study = STUDIES / study
    result = fermiac("item", study, "--point", point_of(study, omega=1.0, **wanted), "--replicate", 0, threads=2)
    assert result.returncode == 0, result.stderr
    values = {line.split()[0]: float(line.split()[1]) for line in result.stdout.splitlines() if len(line.split()) == 2}
    assert abs(values["stein_z"]) < 5 and abs(values["forms_z"]) < 5
    return values


def machine(hidden, sigma_trainable, convention, factors="rbm"):
    return {"factors": factors, "hidden": hidden, "sigma_trainable": sigma_trainable, "convention": convention, "dimensions": 2}


@pytest.mark.long
@pytest.mark.parametrize("wanted, energy, uncertainty", [
    (machine(2, False, "f"), 3.0786, 3e-4),
    (machine(2, False, "sqrt_f"), 3.0649, 3e-4),
    ({"factors": "gaussian * pade_jastrow", "dimensions": 2}, 3.00034, 3e-5),
])
def test_two_electrons_have_the_energies_of_their_wave_functions(wanted, energy, uncertainty):
    values = item("ansatz_comparison.toml", **wanted)
    assert abs(values["energy"] - energy) < 3 * math.hypot(values["energy_error"], uncertainty)
    assert abs(values["energy_z"]) < 5


@pytest.mark.long
@pytest.mark.parametrize("wanted, limit", [
    (machine(4, True, "f"), 3.053),
    (machine(2, True, "sqrt_f", "rbm * pade_jastrow"), 3.0001),
    ({"factors": "gaussian * pade_jastrow * symmetric_rbm", "dimensions": 2}, 3.00003),
])
def test_two_electrons_come_down_to(wanted, limit):
    values = item("ansatz_comparison.toml", **wanted)
    assert values["energy"] + 3 * values["energy_error"] <= limit
    assert values["energy"] > 3 - 4 * values["energy_error"]


@pytest.mark.long
@pytest.mark.parametrize("particles, honest, error, limit", [(6, 20.1808, 2e-4, 20.170), (12, 65.763, 1e-3, 65.73), (20, 156.006, 2e-3, 155.95)])
def test_closed_shells_come_down_to(particles, honest, error, limit):
    plain = item("shells_2d.toml", particles=particles, factors="slater * pade_jastrow")
    assert plain["energy"] < honest + 3 * math.hypot(plain["energy_error"], error)
    moved = item("shells_2d.toml", particles=particles, factors="backflow * pade_jastrow * symmetric_rbm")
    assert moved["energy"] + 3 * moved["energy_error"] <= limit
    for values in (plain, moved):
        assert values["energy_error"] < 2e-4 * values["energy"] / particles
