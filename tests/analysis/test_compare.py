"""The comparison of results files finds every kind of difference, and only those that count."""

import shutil

import h5py
import numpy
import pytest

from fermiac import same_bits
from layout import write_two_electrons


@pytest.fixture
def pair(tmp_path):
    a = write_two_electrons(tmp_path / "a.h5", iterations=5)
    return a, shutil.copy(a, tmp_path / "b.h5")


def test_a_file_and_its_copy_are_the_same(pair):
    assert same_bits(*pair) is None


def test_files_written_in_another_order_and_another_way_are_the_same(tmp_path):
    values = numpy.arange(12.0).reshape(3, 4)
    for name, order, options in (("a.h5", "xyz", {}), ("b.h5", "zyx", {"chunks": (2, 2), "compression": "gzip"})):
        with h5py.File(tmp_path / name, "w", track_order=True) as file:
            for dataset in order:
                file.create_dataset(dataset, data=values, track_times=False, **options)
    assert same_bits(tmp_path / "a.h5", tmp_path / "b.h5") is None


def test_arrays_without_elements_are_the_same_if_their_shapes_are(tmp_path):
    for name, shape in (("a.h5", (2, 0)), ("b.h5", (2, 0)), ("c.h5", (0, 2))):
        with h5py.File(tmp_path / name, "w") as file:
            file["x"] = numpy.zeros(shape)
            file["t"] = numpy.zeros(0, "S4")
    assert same_bits(tmp_path / "a.h5", tmp_path / "b.h5") is None
    assert same_bits(tmp_path / "a.h5", tmp_path / "c.h5") == "x has the shapes (2, 0) and (0, 2)"


def test_the_group_run_may_differ(pair):
    with h5py.File(pair[1], "r+") as file:
        file["run/start"][0] = b"another day"
        file["run/ranks"] = 3
        file["run"].attrs["x"] = 1
    assert same_bits(*pair) is None
    with h5py.File(pair[1], "r+") as file:
        del file["run"]
    assert same_bits(*pair) is None


def flip_last_bit(file):
    energy = file["energy"][()]
    energy.view(numpy.uint64)[1, 0, 2] ^= numpy.uint64(1)
    file["energy"][...] = energy


def negate_zero(file):
    file["done"].attrs["zero"] = -0.0


def other_nan(file):
    values = file["ground_state"][()]
    values.view(numpy.uint64)[0, 0] = 0x7FF8000000000001
    file["ground_state"][...] = values


def replace(file, name, **options):
    values, attributes = file[name][()], {key: file[name].attrs[key] for key in ("units",)}
    del file[name]
    file.create_dataset(name, data=values, **options).attrs.update(attributes)


CHANGES = {
    "one bit": (flip_last_bit, ["energy[1, 0, 2]"]),
    "a zero's sign": (negate_zero, ["attribute zero of done", "0.0 and -0.0"]),
    "a NaN's payload": (other_nan, ["ground_state[0, 0]", "nan"]),
    "a byte": (lambda f: f["done"].__setitem__((4, 1, 3), 2), ["done[4, 1, 3]", "1 and 2"]),
    "a text": (lambda f: f["convention"].__setitem__(0, b"other"), ["convention[0]", "sqrt_f", "other"]),
    "a root attribute": (lambda f: f.attrs.__setitem__("kind", "flow"), ["attribute kind of the root", "vmc", "flow"]),
    "a new attribute": (lambda f: f["energy"].attrs.__setitem__("note", "x"), ["energy", "note", "b.h5"]),
    "a lost dataset": (lambda f: f.__delitem__("energy_z"), ["energy_z is only in", "a.h5"]),
    "a new dataset": (lambda f: f.__setitem__("zeta", 1.0), ["zeta is only in", "b.h5"]),
    "a type": (lambda f: replace(f, "energy_truth", dtype="f4"), ["energy_truth", "float64", "float32"]),
    "a byte order": (lambda f: replace(f, "mean_z", dtype=">f8"), ["mean_z", "byte order"]),
    "an integer's sign": (lambda f: f["done"].attrs.__setitem__("one", numpy.uint8(1)), ["attribute one of done"]),
    "a scale": (lambda f: f["energy"].dims[0].detach_scale(f["omega"]), ["energy", "dimension scales"]),
    "a kind of object": (lambda f: (f.__delitem__("energy_z"), f.create_group("energy_z")), ["energy_z", "Dataset", "Group"]),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_difference_is_found_and_named(pair, name):
    change, words = CHANGES[name]
    for path in pair:
        with h5py.File(path, "r+") as file:
            file["done"].attrs["zero"] = 0.0
            file["done"].attrs["one"] = numpy.int8(1)
            file["ground_state"][0, 0] = numpy.nan
    assert same_bits(*pair) is None
    with h5py.File(pair[1], "r+") as file:
        change(file)
    difference = same_bits(*pair)
    assert difference is not None
    for word in words:
        assert word in difference


def test_a_shape_is_compared_before_values(tmp_path):
    for name, shape in (("a.h5", (2, 3)), ("b.h5", (3, 2))):
        with h5py.File(tmp_path / name, "w") as file:
            file["x"] = numpy.zeros(shape)
    assert same_bits(tmp_path / "a.h5", tmp_path / "b.h5") == "x has the shapes (2, 3) and (3, 2)"


def test_the_first_difference_in_order_of_name_is_reported(pair):
    with h5py.File(pair[1], "r+") as file:
        file["energy_z"][0, 0, 0] += 1
        file["ansatz_minimum"][2, 1] = 0
    assert same_bits(*pair).startswith("ansatz_minimum[2, 1] is 1.069668 and 0.0")
