"""The table of a study: a line for every point, estimates with their errors beside truths, bounds and z-scores."""

import math

import numpy
import pandas

# Dimensions that are not axes of the sweep.
NOT_SWEPT = ("replicate", "item")


def concise(value, error=math.nan):
    """A value with its standard error, two digits of the error in brackets: 1.2345(67). "-" for NaN."""
    if math.isnan(value):
        return "-"
    if not (error > 0 and math.isfinite(error)):
        return f"{value:.7g}"

    def digits(decimals):
        return math.floor(error * 10.0**decimals + 0.5)

    decimals = 1 - math.floor(math.log10(error))
    if digits(decimals) >= 100:  # 9.96 is 10, not 99 and a bit
        decimals -= 1
    if decimals <= 0:
        return f"{value:.0f}({error:.0f})"
    if decimals == 1 and digits(1) >= 10:
        return f"{value:.1f}({error:.1f})"
    return f"{value:.{decimals}f}({digits(decimals)})"


def axes(data):
    """The dimensions that the study sweeps, in order."""
    if "done" in data:
        return [d for d in data["done"].dims if d not in NOT_SWEPT]
    return [d for d in data.coords if d in data.dims and d not in NOT_SWEPT]


def shown(data):
    """Names of the variables with one value a point that the study's kind wants shown (all there are where it does not say),
    without those that have no value in a complete study."""
    swept = axes(data)
    names = str(data.attrs.get("table", "")).split() or [n for n in data.data_vars if not str(n).endswith("_error")]
    complete = "summarised" in data and int(data["summarised"]) == 1
    return [n for n in names if n in data and list(data[n].dims) == swept and not (complete and data[n].isnull().all())]


def cells(data, name):
    """The texts of one column, point after point."""
    values = data[name].values.ravel()
    meanings = str(data[name].attrs.get("flag_meanings", "")).split()
    if meanings:
        return [meanings[int(v)] if numpy.isfinite(v) and 0 <= int(v) < len(meanings) else "-" for v in values]
    if not numpy.issubdtype(values.dtype, numpy.number):
        return [str(v) for v in values]
    if name + "_error" in data:
        return [concise(float(v), float(e)) for v, e in zip(values, data[name + "_error"].values.ravel())]
    if name.endswith("_z"):
        return ["-" if math.isnan(v) else f"{v:.2f}" for v in values]
    return [concise(float(v)) for v in values]


def table(data):
    """A pandas.DataFrame of texts: the coordinates of every point, then the variables that the study's kind wants shown,
    with their errors in the notation of `concise`. Units stand in brackets behind the names; print it with `to_string`."""
    swept = axes(data)
    places = numpy.indices([data.sizes[d] for d in swept]).reshape(len(swept), -1) if swept else numpy.zeros((0, 1), int)
    columns = {}
    auxiliary = [c for c in data.coords if c not in data.dims and set(data[c].dims) <= set(swept)]
    for name in [*swept, *auxiliary]:
        along = [places[swept.index(d)] for d in data[name].dims]
        values = data[name].values[tuple(along)].ravel().tolist()
        columns[titled(data, name)] = [f"{v:.7g}" if isinstance(v, float) else str(v) for v in values]
    for name in shown(data):
        columns[titled(data, name)] = cells(data, name)
    return pandas.DataFrame(columns)


def titled(data, name):
    units = data[name].attrs.get("units", "1")
    return name if units in ("", "1") else f"{name} [{units}]"
