"""What trained flows learned: densities beside data, and errors of gradients against what they cost."""

import matplotlib
import numpy
from matplotlib.figure import Figure

from .look import PALETTE, STYLE, value_of
from .tables import axes as swept_axes


def learned_density(data, path):
    """The first point's best replicate: (a) test data, (b) the learned density, (c) loss of the batches and of the validation
    data over iterations, with the exact entropy where it is known.

    Raises ValueError where no replicate is done or no density was stored.
    """
    part = data.isel({d: 0 for d in swept_axes(data)})
    score = part["negative_log"].values
    if not numpy.isfinite(score).any() or not part["density"].size:
        raise ValueError("no replicate with a density is done")
    one = part.isel(replicate=int(numpy.nanargmin(score)))
    grid = one["grid"].values
    shown = one["shown_data"].values
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8.4, 2.9), constrained_layout=True)
        left, middle, right = figure.subplots(1, 3)
        left.plot(shown[:, 0], shown[:, 1], ".", color="black", markersize=1.2, alpha=0.6)
        left.set(title="(a) data", xlabel="$x_1$", ylabel="$x_2$")
        density = one["density"].values
        image = middle.pcolormesh(grid, grid, density, cmap="magma", vmin=0, vmax=numpy.nanquantile(density, 0.999),
                                  shading="nearest", rasterized=True)
        figure.colorbar(image, ax=middle, shrink=0.85)
        middle.set(title=f"(b) learned density, integral {float(one['integral']):.6f}", xlabel="$x_1$")
        for axes in (left, middle):
            axes.set(xlim=(grid[0], grid[-1]), ylim=(grid[0], grid[-1]), aspect="equal")
        loss = one["loss"].values
        iterations = numpy.arange(1, len(loss) + 1)
        right.plot(iterations, loss, color="0.75", linewidth=0.6, label="batches")
        validation = one["validation"].values
        # A check ends each stretch of iterations, the last one perhaps a shorter one.
        every = int(numpy.ceil(len(loss) / len(validation)))
        at = numpy.minimum(every * numpy.arange(1, len(validation) + 1), len(loss))
        right.plot(at, validation, color=PALETTE[0], linewidth=1, label="validation")
        entropy = float(one["negative_log_bound"])
        if numpy.isfinite(entropy):
            right.axhline(entropy, color=PALETTE[1], linestyle="--", linewidth=1, label="entropy")
        low = min(value for value in (numpy.nanmin(validation), entropy) if numpy.isfinite(value))
        right.set(title="(c) training", xlabel="iteration", ylabel=r"mean of $-\log p$ [nat]",
                  ylim=(low - 0.1, low + 1.2))
        right.legend(loc="upper right")
        figure.savefig(path)


def gradient_errors(data, path):
    """Relative error of the gradient (largest over replicates) for each way and method: (a) against what is swept, the tolerance
    or the number of steps, (b) against the evaluations that forward and reverse solve took together.

    Raises ValueError where neither tolerance nor steps are swept.
    """
    swept = swept_axes(data)
    along = next((d for d in swept if d.endswith(("tolerance", "steps"))), None)
    if along is None:
        raise ValueError("the study sweeps neither tolerance nor steps")
    others = [d for d in swept if d != along]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.4, 3.4), constrained_layout=True)
        left, right = figure.subplots(1, 2, sharey=True)
        shape = [data.sizes[d] for d in others]
        for n, place in enumerate(numpy.ndindex(*shape)):
            part = data.isel(dict(zip(others, place)))
            label = ", ".join(value_of(data, d, k) for d, k in zip(others, place))
            error = part["largest_error"].values
            cost = part["mean_forward"].values + part["mean_backward"].values
            look = {"color": PALETTE[(place[0] if others else 0) % len(PALETTE)], "marker": "osv^D"[place[-1] % 5 if others else 0],
                    "linestyle": "-" if len(others) < 2 or place[-1] % 2 == 0 else "--", "markersize": 3.5, "linewidth": 0.9}
            known = error > 0
            left.loglog(part[along].values[known], error[known], label=label, **look)
            right.loglog(cost[known], error[known], **look)
        left.set(title="(a)", xlabel=along.split("_")[-1], ylabel="relative error of the gradient")
        right.set(title="(b)", xlabel="evaluations of a sample, forward and back")
        low, high = right.get_xlim()
        right.set_xticks([tick for tick in (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000) if low <= tick <= high])
        right.xaxis.set_major_formatter("{x:.0f}")
        right.minorticks_off()
        if along.endswith("tolerance"):
            x = data[along].values
            left.loglog(x, x, color="0.6", linewidth=0.8, linestyle=":", label="tolerance")
        left.legend(fontsize=6.5, ncol=1 if numpy.prod(shape) < 6 else 2)
        figure.savefig(path)
