"""Figures of flow studies: histograms beside the density, and work against error."""

import matplotlib
import numpy
from matplotlib.figure import Figure

from .look import STYLE

COLOURS = {"euler": "#999999", "heun": "#56B4E9", "rk4": "#009E73", "dopri5": "#D55E00", "dop853": "#0072B2"}


def flow_histogram(data, path):
    """Histogram of the first component of the samples with Poisson errors, beside the density by quadrature, and their
    difference in errors. Of the last point where the study sweeps anything."""
    for name in list(data.dims):
        if name not in ("component", "cell", "replicate", "node_1", "node_2", "sample", "path", "time", "fate", "item"):
            data = data.isel({name: -1})
    data = data.isel(component=0, replicate=0)
    x, y, error, truth = (numpy.asarray(data[name], dtype=float) for name in
                          ("position_of_cell", "histogram", "histogram_error", "histogram_truth"))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(5.2, 4.2), constrained_layout=True)
        grid = figure.add_gridspec(2, 1, height_ratios=(2.4, 1))
        top = figure.add_subplot(grid[0])
        bottom = figure.add_subplot(grid[1], sharex=top)
        top.errorbar(x, y, error, fmt="o", ms=2.5, lw=0.8, color="#0072B2", label="samples")
        top.step(x, truth, where="mid", color="#D55E00", lw=1, label="density, mean over cells")
        top.set_ylabel("density of $z_1$")
        top.set_ylim(bottom=0)
        top.legend(frameon=False)
        with numpy.errstate(divide="ignore", invalid="ignore"):
            pull = numpy.where(error > 0, (y - truth) / error, numpy.nan)
        bottom.axhline(0, color="#999999", lw=0.8)
        bottom.plot(x, pull, "o", ms=2.5, color="#0072B2")
        bottom.set_ylabel("difference / error")
        bottom.set_xlabel("$z_1$")
        figure.savefig(path)


def flow_work(data, path):
    """Largest error of log p against evaluations of the field for a sample: fixed steps open, steps chosen by error filled."""
    work = numpy.ravel(numpy.asarray(data["mean_evaluations"], dtype=float))
    error = numpy.ravel(numpy.asarray(data["largest_error_log"], dtype=float))
    method = [text.decode() if isinstance(text, bytes) else str(text) for text in numpy.ravel(data["flow_method"].values)]
    steps = numpy.ravel(data["flow_steps"].values)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(5.2, 4.0), constrained_layout=True)
        axes = figure.add_subplot()
        for name, colour in COLOURS.items():
            for fixed in (True, False):
                chosen = [i for i in range(len(work)) if method[i] == name and (steps[i] > 0) == fixed and error[i] > 0]
                if chosen:
                    axes.loglog(work[chosen], error[chosen], "o-" if not fixed else "s--", color=colour, lw=1, ms=4,
                                mfc="white" if fixed else colour, label=f"{name}, {'fixed steps' if fixed else 'by error'}")
        axes.set_xlabel("evaluations of the field a sample")
        axes.set_ylabel(r"largest error of $\log p$")
        axes.legend(frameon=False, fontsize=7)
        figure.savefig(path)


def flow_figures(data):
    """Which figures a flow study has: (function, name) pairs."""
    figures = []
    if "histogram_truth" in data and numpy.isfinite(data["histogram_truth"]).any():
        figures.append((flow_histogram, "histogram"))
    if "flow_method" in data and "largest_error_log" in data and data["largest_error_log"].size > 3:
        figures.append((flow_work, "work"))
    return figures
