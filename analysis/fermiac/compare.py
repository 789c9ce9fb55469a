"""Whether two results files hold the same bits: written with h5py alone, independent of `fermiac compare`."""

import h5py
import numpy

# Addresses within the file; the scales that they stand for are compared by name.
ADDRESSES = {"DIMENSION_LIST", "REFERENCE_LIST"}


def same_bits(a, b):
    """None where everything outside the group /run is the same in the files `a` and `b`: objects, attributes, types, shapes,
    dimension scales and the bits of all elements (NaN equals NaN of the same bits; 0 and -0 differ). Otherwise the first
    difference, in order of name, as a text that names the object, the element and both values."""
    with h5py.File(a, "r") as file_a, h5py.File(b, "r") as file_b:
        return of_groups("", file_a, file_b)


def of_groups(path, a, b):
    difference = of_attributes(path or "the root", a, b)
    if difference:
        return difference
    names_a, names_b = ({name for name in group if path or name != "run"} for group in (a, b))
    for name in sorted(names_a ^ names_b):
        return f"{path}{name} is only in {(a if name in names_a else b).file.filename}"
    for name in sorted(names_a):
        difference = of_objects(path + name, a[name], b[name])
        if difference:
            return difference
    return None


def of_objects(path, a, b):
    if type(a) is not type(b):
        return f"{path} is a {type(a).__name__} and a {type(b).__name__}"
    if isinstance(a, h5py.Group):
        return of_groups(path + "/", a, b)
    difference = of_attributes(path, a, b)
    if difference or not isinstance(a, h5py.Dataset):
        return difference
    difference = of_types(path, a.id.get_type(), b.id.get_type())
    if difference:
        return difference
    if a.shape != b.shape:
        return f"{path} has the shapes {a.shape} and {b.shape}"
    scales_a, scales_b = ([[scale.name for scale in dimension.values()] for dimension in d.dims] for d in (a, b))
    if scales_a != scales_b:
        return f"{path} has the dimension scales {scales_a} and {scales_b}"
    return of_values(path, a[()], b[()])


def of_attributes(path, a, b):
    names_a, names_b = (set(object_.attrs) - ADDRESSES for object_ in (a, b))
    for name in sorted(names_a ^ names_b):
        return f"{path} has the attribute {name} only in {(a if name in names_a else b).file.filename}"
    for name in sorted(names_a):
        what = f"attribute {name} of {path}"
        difference = of_types(what, a.attrs.get_id(name).get_type(), b.attrs.get_id(name).get_type())
        difference = difference or of_values(what, a.attrs[name], b.attrs[name])
        if difference:
            return difference
    return None


def of_types(what, a, b):
    return None if a == b else f"{what} has the types {a.dtype} and {b.dtype}, or differs in byte order or padding"


def of_values(what, a, b):
    a, b = numpy.asarray(a), numpy.asarray(b)
    if a.shape != b.shape:
        return f"{what} has the shapes {a.shape} and {b.shape}"
    if a.size == 0:
        return None
    flat_a, flat_b = a.ravel(), b.ravel()
    if a.dtype.hasobject or a.dtype.kind == "U":  # texts of any length
        unequal = numpy.array([x != y for x, y in zip(flat_a, flat_b)], dtype=bool)
    else:
        bytes_a, bytes_b = (numpy.frombuffer(x.tobytes(), numpy.uint8).reshape(x.size, -1) for x in (flat_a, flat_b))
        unequal = (bytes_a != bytes_b).any(axis=1)
    if not unequal.any():
        return None
    first = int(unequal.argmax())
    place = list(map(int, numpy.unravel_index(first, a.shape))) if a.shape else ""
    x, y = flat_a[first], flat_b[first]
    detail = f" (bits {x.tobytes().hex()} and {y.tobytes().hex()})" if repr(x) == repr(y) else ""
    return f"{what}{place} is {x!r} and {y!r}{detail}"
