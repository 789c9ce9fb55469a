"""How the optimisations of a quantum dot went: energies over iterations, and over the variance of the local energy."""

import typing

import matplotlib
import numpy
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .look import PALETTE, STYLE, shown_points
from .tables import axes as swept_axes
from .tables import concise

FAR = 3  # times the final variance: beyond, energy and variance are no longer proportional


class Line(typing.NamedTuple):
    """energy = value + slope variance, with standard errors."""

    value: float = numpy.nan
    error: float = numpy.nan
    slope: float = numpy.nan
    slope_error: float = numpy.nan


def variance_extrapolation(variance, energy, error):
    """The straight line through energies over variances: its value is the energy of zero variance.

    Least squares weighted with 1 / error^2. Near an eigenstate the error of the energy and the variance are both quadratic in
    the error of the wave function: the line's end estimates the energy that better wave functions of the kind would have. It
    is neither a bound nor unbiased, and its error says only what noise does to it. NaN from fewer than three points.
    """
    variance, energy, error = (numpy.asarray(a, dtype=float).ravel() for a in (variance, energy, error))
    known = numpy.isfinite(variance) & numpy.isfinite(energy) & (error > 0)
    if known.sum() < 3 or numpy.ptp(variance[known]) == 0:
        return Line()
    weight = 1 / error[known]
    columns = numpy.stack([weight, weight * variance[known]], axis=1)
    (value, slope), *_ = numpy.linalg.lstsq(columns, weight * energy[known], rcond=None)
    covariance = numpy.linalg.inv(columns.T @ columns)
    return Line(float(value), float(covariance[0, 0] ** 0.5), float(slope), float(covariance[1, 1] ** 0.5))


def blocks(variance, energy, error, most=12):
    """Means over blocks of iterations, each longer than the one before, without the first iteration: in a single one, noise of
    energy and variance go together."""
    edges = numpy.unique(numpy.geomspace(1, max(len(energy), 2), most + 1).round().astype(int))
    parts = [slice(a, b) for a, b in zip(edges[:-1], edges[1:]) if b <= len(energy)]
    means = [numpy.array([a[part].mean() for part in parts]) for a in (variance, energy)]
    return (*means, numpy.array([numpy.sqrt((error[part] ** 2).sum()) / len(error[part]) for part in parts]))


def optimisation(data, path):
    """Energies during the optimisation: of the replicate of lowest energy of each point.

    (a) Energy over iterations; dotted, the energy that was sampled afterwards. (b) Energy over variance, means of blocks of
    iterations (those of at most three times the final variance) and, the large marker, of the sampling; and their extrapolation
    to zero variance (square) where the slope is significant and the variance fell to less than half. With more than one point,
    energies are above the sampled one of each.
    """
    points = [(label, best_replicate(part)) for label, part in shown_points(data, swept_axes(data))]
    points = [(colour, label, part) for colour, (label, part) in zip(PALETTE, points) if part is not None]
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.4, 3.4), constrained_layout=True)
        over_iterations, over_variance = figure.subplots(1, 2)
        late = [draw_point(over_iterations, over_variance, part, colour, len(points) > 1)
                for colour, _, part in points]
        if points:
            # The first iterations lie far off and would set the scale.
            low, high = min(e.min() for e in late), max(e.max() for e in late)
            room = 0.1 * max(high - low, 1e-9)
            over_iterations.set_ylim(low - room, high + 5 * room)
            base = "" if len(points) == 1 else r" - E_\mathrm{sampled}"
            for axes in (over_iterations, over_variance):
                axes.set_ylabel(rf"$E{base}$ ($E_\mathrm{{h}}$)")
            over_iterations.set_xlabel("iteration")
            over_variance.set_xlabel(r"variance of the local energy ($E_\mathrm{h}^2$)")
            over_iterations.legend(handles=[Line2D([], [], color=c, label=label or "one iteration each") for c, label, _ in points],
                                   loc="upper right", handlelength=1.4, labelspacing=0.3)
            if over_variance.get_legend_handles_labels()[1]:
                over_variance.legend(loc="upper left", handlelength=1.0, labelspacing=0.3, title="at zero variance")
            over_variance.set_xlim(left=0)
        else:
            for axes in (over_iterations, over_variance):
                axes.set_xticks([])
                axes.set_yticks([])
                axes.text(0.5, 0.5, "no optimisation traces yet", transform=axes.transAxes, ha="center", va="center", color="0.4")
        for axes, letter in ((over_iterations, "a"), (over_variance, "b")):
            axes.set_title(f"({letter})", loc="left", fontweight="bold", pad=3)
        figure.savefig(path)


def best_replicate(part):
    energy = part["energy"].values
    if not numpy.isfinite(energy).any() or not numpy.isfinite(part["optimisation_variance"].values).any():
        return None
    return part.isel(replicate=int(numpy.nanargmin(energy))) if "replicate" in part["energy"].dims else part


def draw_point(over_iterations, over_variance, part, colour, relative):
    """Draws one point; returns the energies of its later iterations as drawn."""
    base = float(part["energy"]) if relative else 0.0
    sampled = float(part["energy"]) - base
    energy, error, variance = (part[f"optimisation_{name}"].values for name in ("energy", "energy_error", "variance"))
    known = numpy.isfinite(energy)
    energy, error, variance = energy[known] - base, error[known], variance[known]
    iterations = numpy.arange(1, len(energy) + 1)
    over_iterations.plot(iterations, energy, color=colour, linewidth=0.8)
    over_iterations.fill_between(iterations, energy - error, energy + error, color=colour, alpha=0.25, linewidth=0)
    over_iterations.axhline(sampled, color="0.4", linewidth=0.7, linestyle=":")
    late = slice(len(energy) // 4, None)
    final = float(part["variance"]), sampled, float(part["energy_error"])
    averaged = blocks(variance, energy, error)
    near = averaged[0] < FAR * final[0]
    averaged = [a[near] for a in averaged]
    over_variance.errorbar(*averaged, linestyle="", marker=".", color=colour, markersize=4, elinewidth=0.6)
    over_variance.errorbar(*final, marker="o", color=colour, markersize=4, markeredgecolor="black", markeredgewidth=0.5,
                           elinewidth=0.8, zorder=3)
    line = variance_extrapolation(*(numpy.append(a, b) for a, b in zip(averaged, final)))
    # Not from noise, and no farther than the data reach: about the minimum of a family that does not hold the ground state the
    # variance still changes where the energy no longer does.
    if line.slope > 3 * line.slope_error and averaged[0].max() > 2 * final[0]:
        ends = numpy.array([0.0, averaged[0].max()])
        over_variance.plot(ends, line.value + line.slope * ends, color=colour, linewidth=0.8)
        over_variance.errorbar(0, line.value, line.error, marker="s", color=colour, markersize=3, markerfacecolor="white",
                               elinewidth=0.8, zorder=3, clip_on=False, linestyle="", label=concise(line.value + base, line.error))
    return energy[late]
