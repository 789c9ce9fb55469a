"""How figures look: made for print, in black, grey and the colour-blind safe palette of Okabe and Ito."""

import numpy

STYLE = {
    "font.size": 9, "axes.labelsize": 9, "axes.titlesize": 9, "legend.fontsize": 8, "xtick.labelsize": 8, "ytick.labelsize": 8,
    "font.family": "sans-serif", "mathtext.fontset": "dejavusans", "axes.linewidth": 0.7, "xtick.direction": "in",
    "ytick.direction": "in", "xtick.top": True, "ytick.right": True, "legend.frameon": False, "savefig.dpi": 200,
}
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")


def shown_points(data, swept, most=len(PALETTE)):
    """Labels and parts of `data`, one for each point of the sweep; evenly chosen ones, first and last among them, where there
    are more than `most`."""
    shape = [data.sizes[d] for d in swept]
    n = int(numpy.prod(shape))
    for i in sorted({int(k) for k in numpy.linspace(0, n - 1, min(n, most)).round()}):
        place = dict(zip(swept, (int(k) for k in numpy.unravel_index(i, shape)))) if swept else {}
        symbols = {"omega": r"$\omega$", "particles": "$N$", "hidden": "$H$"}
        labels = [f"{symbols.get(d, d)} = {value_of(data, d, k)}" for d, k in place.items()]
        yield ", ".join(labels), data.isel(place)


def value_of(data, dimension, place):
    value = data[dimension].values[place] if dimension in data.coords else place
    if isinstance(value, bytes):
        return value.decode()
    return f"{value:.4g}" if isinstance(value, (float, numpy.floating)) else str(value)


def over_replicates(part, name):
    """Mean of a variable over the replicates that have it, and its error from theirs."""
    if name not in part:
        return None, None
    values = part[name].values if "replicate" in part[name].dims else part[name].values[None]
    errors = part[name + "_error"].values.reshape(values.shape) if name + "_error" in part else numpy.full(values.shape, numpy.nan)
    done = numpy.isfinite(values.reshape(len(values), -1)).any(axis=1) if values.size else numpy.zeros(len(values), bool)
    if not done.any():
        return numpy.full(values.shape[1:], numpy.nan), numpy.full(values.shape[1:], numpy.nan)
    return values[done].mean(axis=0), numpy.sqrt((errors[done] ** 2).sum(axis=0)) / done.sum()
