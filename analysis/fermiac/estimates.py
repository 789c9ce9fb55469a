"""Figures of experiments on estimators: their performance beside theory, and all z-scores together."""

import statistics

import matplotlib
import matplotlib.ticker
import numpy
from matplotlib.figure import Figure

from .look import PALETTE, STYLE, value_of
from .tables import axes as swept_axes

MOST_ROWS = 3
MEASURES = {"bias": "|bias|", "variance": "variance", "mse": "mean squared error"}


def estimator_figures(data):
    """Figures that fit the study, as pairs of a function of data and path, and a name: one for every quantity that some
    estimator estimates, one of intervals where there are any, and one of the scores."""
    figures = []
    if swept_axes(data):
        for q, name in enumerate(data["quantity"].values):
            if numpy.isfinite(data["performance"].isel(quantity=q)).any():
                figures.append((lambda d, path, q=q: performance(d, path, q), str(name)))
        if data["interval_performance"].size and numpy.isfinite(data["interval_performance"]).any():
            figures.append((coverage, "coverage"))
    if numpy.isfinite(scores(data)).any():
        figures.append((score_figure, "scores"))
    return figures


def scores(data):
    """The z-scores by which the study is judged, but those of constants, which are no normal variables."""
    found = []
    for array, kept in (("performance", {"measure": ["bias", "variance", "mse"]}), ("interval_performance", {}), ("difference", {})):
        z, error = (data[array + suffix].sel(kept).values.ravel() for suffix in ("_z", "_error"))
        found.append(z[numpy.isfinite(z) & (error != 0)])
    return numpy.concatenate(found)


def along_and_rows(data):
    """The axis along which curves are drawn (the longest one of numbers, the later one of equals; the longest of names where
    there are no numbers), and labels and parts of `data` for at most MOST_ROWS evenly chosen points of the others."""
    swept = swept_axes(data)
    along = max(swept, key=lambda d: (data[d].dtype.kind in "if", data.sizes[d], swept.index(d)))
    others = [d for d in swept if d != along]
    shape = [data.sizes[d] for d in others]
    n = int(numpy.prod(shape))
    rows = []
    for i in sorted({int(k) for k in numpy.linspace(0, n - 1, min(n, MOST_ROWS)).round()}):
        place = dict(zip(others, (int(k) for k in numpy.unravel_index(i, shape)))) if others else {}
        rows.append((", ".join(f"{d} = {value_of(data, d, k)}" for d, k in place.items()), data.isel(place)))
    return along, rows


def look_of(i):
    color = PALETTE[i % len(PALETTE)]
    again = i >= len(PALETTE)
    return {"color": color, "marker": "s" if again else "o", "markerfacecolor": "white" if again else color,
            "markersize": 3.5, "linewidth": 0.9, "linestyle": "--" if again else "-"}


def draw_curve(axes, x, value, error, truth, i):
    """Markers with errors, and a line through exact values, which have dashes of their own where no neighbour is known."""
    look = look_of(i)
    shown = numpy.isfinite(value)
    if not shown.any():
        return
    axes.plot(x, truth, color=look["color"], linestyle=look["linestyle"], linewidth=look["linewidth"], marker="_", markersize=9)
    axes.errorbar(x[shown], value[shown], yerr=numpy.nan_to_num(error[shown]), **{**look, "linestyle": "none"}, elinewidth=0.8)


def set_along(axes, data, along, x):
    if data[along].dtype.kind not in "if":
        axes.set_xticks(x, [value_of(data, along, k) for k in range(len(x))])
        axes.margins(x=0.2)
    elif x.min() > 0 and x.max() >= 20 * x.min():
        axes.set_xscale("log")
        axes.set_xlim(x.min() / 1.3, x.max() * 1.3)
        axes.xaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())
        if len(x) <= 6:
            axes.set_xticks(x, [f"{v:g}" for v in x])


def legend(axes, names):
    axes.axis("off")
    handles = [matplotlib.lines.Line2D([], [], **look_of(i)) for i in range(len(names))]
    handles.append(matplotlib.lines.Line2D([], [], color="0.4", linewidth=0.9))
    axes.legend(handles, [*names, "lines: exact"], loc="center left", borderaxespad=0)


def positions(data, along):
    return data[along].values.astype(float) if data[along].dtype.kind in "if" else numpy.arange(data.sizes[along], dtype=float)


def performance(data, path, quantity=0):
    """Bias by its size, variance and mean squared error of one quantity's estimators: markers with Monte Carlo errors where they
    are above two errors (a logarithm of noise says nothing), lines through exact values where these are known; nothing where these
    are zero. A row for each of at most MOST_ROWS points of the other axes.

    Raises ValueError where the study sweeps nothing.
    """
    if not swept_axes(data):
        raise ValueError("the study has one point only")
    along, rows = along_and_rows(data)
    x = positions(data, along)
    name = str(data["quantity"].values[quantity])
    estimators = [e for e in range(data.sizes["estimator"])
                  if any(numpy.isfinite(part["performance"].isel(quantity=quantity, estimator=e)).any() for _, part in rows)]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9.6, 0.6 + 2.3 * len(rows)), constrained_layout=True)
        grid = figure.add_gridspec(len(rows), 4, width_ratios=(1, 1, 1, 0.45))
        for r, (label, part) in enumerate(rows):
            for c, (measure, title) in enumerate(MEASURES.items()):
                axes = figure.add_subplot(grid[r, c])
                for i, e in enumerate(estimators):
                    value, error, truth = (part["performance" + suffix].isel(quantity=quantity, estimator=e).sel(measure=measure)
                                           .values.astype(float) for suffix in ("", "_error", "_truth"))
                    is_nothing = (numpy.abs(value) <= 2 * error) | (value == 0) | (truth == 0)
                    value = numpy.where(is_nothing, numpy.nan, numpy.abs(value))
                    draw_curve(axes, x, value, error, numpy.where(truth == 0, numpy.nan, numpy.abs(truth)), i)
                if axes.lines:
                    set_along(axes, data, along, x)
                    axes.set_yscale("log", nonpositive="mask")
                else:
                    axes.text(0.5, 0.5, "none", transform=axes.transAxes, ha="center", color="0.4")
                    axes.set(xticks=[], yticks=[])
                axes.set(xlabel=along if r == len(rows) - 1 else None, title=title if r == 0 else None)
                if c == 0:
                    axes.set_ylabel(label or name)
        legend(figure.add_subplot(grid[:, 3]), [str(data["estimator"].values[e]) for e in estimators])
        figure.suptitle(f"{data.attrs['kind']}: {name}", fontsize=9)
        figure.savefig(path)


def coverage(data, path):
    """Coverage of the rules for intervals along an axis, beside its exact value where that is known; a row for each of at most
    MOST_ROWS points of the other axes, a column for each quantity."""
    along, rows = along_and_rows(data)
    x = positions(data, along)
    found = data["interval_performance"].sel(interval_measure="coverage")
    quantities = [q for q in range(data.sizes["quantity"]) if numpy.isfinite(found.isel(quantity=q)).any()][:MOST_ROWS]
    with matplotlib.rc_context(STYLE):
        n = len(quantities)
        figure = Figure(figsize=(1.4 + 2.8 * n, 0.6 + 2.3 * len(rows)), constrained_layout=True)
        grid = figure.add_gridspec(len(rows), n + 1, width_ratios=(1,) * n + (0.45,))
        for r, (label, part) in enumerate(rows):
            for c, q in enumerate(quantities):
                axes = figure.add_subplot(grid[r, c])
                for i in range(data.sizes["interval"]):
                    value, error, truth = (part["interval_performance" + suffix].isel(quantity=q, interval=i)
                                           .sel(interval_measure="coverage").values.astype(float) for suffix in ("", "_error", "_truth"))
                    draw_curve(axes, x, value, error, truth, i)
                set_along(axes, data, along, x)
                axes.set(xlabel=along if r == len(rows) - 1 else None)
                if r == 0:
                    axes.set_title(f"coverage for {data['quantity'].values[q]}")
                if c == 0 and label:
                    axes.set_ylabel(label)
        legend(figure.add_subplot(grid[:, n]), [str(i) for i in data["interval"].values])
        figure.savefig(path)


def score_figure(data, path):
    """All z-scores of the study in order against the normal quantiles that as many independent ones have in the middle, with the
    Bonferroni bound. Scores share random numbers, and those of heavy tails stay below normal ones: only a score beyond
    the bound contradicts theory.

    Raises ValueError where there is no score.
    """
    z = numpy.sort(scores(data))
    if not len(z):
        raise ValueError("the study has no z-score")
    expected = numpy.array([statistics.NormalDist().inv_cdf((i + 0.5) / len(z)) for i in range(len(z))])
    bound = float(data["bonferroni_bound"])
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(3.8, 3.6), constrained_layout=True)
        axes = figure.subplots()
        reach = 1.1 * max(abs(expected[0]), abs(expected[-1]), 1)
        axes.plot([-reach, reach], [-reach, reach], color="0.6", linewidth=0.8, label="normal")
        for side in (-bound, bound):
            axes.axhline(side, color=PALETTE[1], linestyle="--", linewidth=1, label="bound at 1e-3" if side > 0 else None)
        axes.plot(expected, z, ".", color=PALETTE[0], markersize=3, label=f"{len(z)} scores")
        axes.set(xlabel="normal quantile", ylabel="z", xlim=(-reach, reach))
        axes.set_title(f"largest |z| {abs(float(data['largest_z'])):.2f}, bound {bound:.2f}; "
                       f"uniformity p = {float(data['ks_p']):.2g}", fontsize=8)
        axes.legend(loc="upper left", bbox_to_anchor=(0.0, 0.9))
        figure.savefig(path)
