"""Writes small results files in the layout of the engine, with h5py alone."""

import h5py
import numpy

OMEGA = [0.1, 1 / 6, 0.28, 0.5, 1.0]
GROUND = numpy.array([0.4407919, 0.6666667, 1.0216440, 1.6597721, 3.0])
MINIMUM = numpy.array([[0.46143, 0.467689], [0.69495, 0.703290], [1.05923, 1.069668], [1.70925, 1.721645], [3.06494, 3.078614]])
PUBLISHED = numpy.array([0.4728, 0.7036, 1.0705, 1.72293, 3.0803])
AXES = ("omega", "convention")


def write_file(path, scales, variables, attributes):
    """`scales`: name to coordinates; `variables`: name to (dimensions, values, attributes). With a group /run."""
    with h5py.File(path, "w") as file:
        file.attrs["schema"] = "fermiac/1"
        for name, value in attributes.items():
            file.attrs[name] = value
        for name, values in scales.items():
            values = numpy.asarray(values)
            file.create_dataset(name, data=values.astype("S16") if values.dtype.kind == "U" else values, track_times=False)
            if values.dtype.kind == "U":
                file[name].attrs["_Encoding"] = "utf-8"
            file[name].make_scale(name)
        for name, (dimensions, values, own) in variables.items():
            dataset = file.create_dataset(name, data=values, track_times=False)
            for i, dimension in enumerate(dimensions):
                dataset.dims[i].attach_scale(file[dimension])
            for key, value in own.items():
                dataset.attrs[key] = value
        file.create_dataset("run/start", data=numpy.array([b"2026-11-20T12:00:00Z"]))


def write_two_electrons(path, replicates=4, iterations=200, done=1.0, seed=1, without=()):
    """A study like two_electrons.toml with plausible numbers, the share `done` of its items done; point variables only
    where all are. Leaves out the variables `without`."""
    random = numpy.random.default_rng(seed)
    shape = (len(OMEGA), 2, replicates)
    finished = numpy.arange(numpy.prod(shape)).reshape(shape) < done * numpy.prod(shape)
    whole = bool(finished.all())

    def of_items(values):
        return numpy.where(finished.reshape(shape + (1,) * (values.ndim - 3)), values, numpy.nan)

    def of_points(values):
        return numpy.broadcast_to(values, shape[:2]) if whole else numpy.full(shape[:2], numpy.nan)

    error = numpy.full(shape, 1.5e-4) * (1 + MINIMUM[..., None])
    truth = MINIMUM[..., None] + random.exponential(1e-4, shape)
    truth[0, 1, -1] += 6e-3  # stuck in a local minimum
    energy = truth + error * random.standard_normal(shape)
    decay = numpy.exp(-numpy.arange(iterations) / 20.0)
    noise = 2e-3 * random.standard_normal(shape + (iterations,)) * (0.1 + decay)
    trace = truth[..., None] + 0.5 * decay * random.uniform(0.5, 1.5, shape)[..., None] + noise
    mean, mean_error = energy.mean(axis=2), error.mean(axis=2) / numpy.sqrt(replicates)
    hartree, one = {"units": "Hartree"}, {"units": "1"}
    items, points = (*AXES, "replicate"), AXES
    variables = {
        "energy": (items, of_items(energy), hartree),
        "energy_error": (items, of_items(error), hartree),
        "energy_truth": (items, of_items(truth), hartree),
        "energy_z": (items, of_items((energy - truth) / error), one),
        "optimisation_energy": ((*items, "iteration"), of_items(trace), hartree),
        "mean_energy": (points, of_points(mean), hartree),
        "mean_energy_error": (points, of_points(mean_error), hartree),
        "mean_z": (points, of_points((mean - truth.mean(axis=2)) / mean_error), one),
        "ansatz_minimum": (points, of_points(MINIMUM), hartree),
        "ground_state": (points, of_points(GROUND[:, None]), hartree),
        "energy_published": (points, of_points(PUBLISHED[:, None]), hartree),
        "energy_published_error": (points, of_points(1e-4), hartree),
        "contact": (points, of_points(2.0), {"flag_meanings": "regular finite_variance infinite_variance", "units": "1"}),
        "done": ((*AXES, "item"), finished.astype(numpy.uint8), {}),
    }
    scales = {"omega": OMEGA, "convention": ["sqrt_f", "f"], "replicate": numpy.arange(replicates),
              "item": numpy.arange(replicates), "iteration": numpy.arange(iterations)}
    attributes = {"kind": "vmc", "table": "mean_energy mean_z ansatz_minimum ground_state energy_published contact"}
    write_file(path, scales, {k: v for k, v in variables.items() if k not in without}, attributes)
    return path
