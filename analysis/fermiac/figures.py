"""Figures of studies: which there are, and that of two electrons."""

import pathlib

import matplotlib
import numpy
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .densities import densities
from .estimates import estimator_figures
from .findings import has_findings
from .flows import flow_figures
from .learned import gradient_errors, learned_density
from .look import STYLE
from .optimisation import optimisation
from .tables import axes as swept_axes

CONVENTIONS = {"sqrt_f": (r"$\Psi = \sqrt{F}$", "#0072B2", "o"), "f": (r"$\Psi = F$", "#D55E00", "s")}
OTHERS = ("#009E73", "#CC79A7", "#56B4E9")


def draw(data, folder, stem=None):
    """Draws the figures that fit the study into `folder` and returns their paths; none where there is none for its kind."""
    kind = data.attrs.get("kind")
    stem = stem or kind
    folder = pathlib.Path(folder)
    if has_findings(data):
        figures = [(figure, f"{stem}_{name}.png") for figure, name in estimator_figures(data)]
    else:
        figures = figures_of_vmc(data, stem) if kind == "vmc" else figures_of_flows(data, kind, stem)
    if figures:
        folder.mkdir(parents=True, exist_ok=True)
    for figure, name in figures:
        figure(data, folder / name)
    return [folder / name for _, name in figures]


def figures_of_flows(data, kind, stem):
    if kind == "flow":
        return [(figure, f"{stem}_{name}.png") for figure, name in flow_figures(data)]
    if kind == "flow_training" and data["density"].size and numpy.isfinite(data["negative_log"].values).any():
        return [(learned_density, f"{stem}.png")]
    if kind == "flow_gradient" and any(d.endswith(("tolerance", "steps")) for d in swept_axes(data)):
        return [(gradient_errors, f"{stem}.png")]
    return []


def figures_of_vmc(data, stem):
    swept = set(swept_axes(data))
    figures = []
    if data.get("radial_density") is not None and data["radial_density"].size:
        figures.append((densities, f"{stem}_densities.png"))
    if data.get("optimisation_variance") is not None and data["optimisation_variance"].size:
        figures.append((optimisation, f"{stem}_optimisation.png"))
    if "omega" in swept <= {"omega", "convention"}:
        figures.append((two_electrons, f"{stem}.png"))
    return figures


def two_electrons(data, path):
    """Energies of a quantum dot over the trap's frequency, and how its optimisations converged.

    (a) Sampled energies above the exact ground state, a cluster of replicates for each omega and convention, with the exact
    minimum of the ansatz and published values. (b) The same energies above the ansatz' minimum, with their errors, beside the
    exact energy at the same parameters; the band is 1e-3 wide. (c) Energy during the optimisation above the ansatz'
    minimum, median over replicates.

    What is missing or still NaN is left out; while ground states or minima are not known yet, the lowest energy so far at that
    omega (and convention) stands in for them, and the axes say so.
    Raises ValueError where the study has no axis `omega`, or axes beside `omega` and `convention` (select one value first).
    """
    if "omega" not in data.dims:
        raise ValueError("the study does not sweep omega")
    quantities = Quantities(data)
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.4, 4.6), constrained_layout=True)
        grid = figure.add_gridspec(2, 2, height_ratios=(1.35, 1), width_ratios=(1.15, 1))
        above_ground = figure.add_subplot(grid[0, 0])
        above_minimum = figure.add_subplot(grid[1, 0], sharex=above_ground)
        traces = figure.add_subplot(grid[:, 1])
        draw_above_ground(above_ground, quantities)
        draw_above_minimum(above_minimum, quantities)
        draw_traces(traces, quantities)
        for axes, letter in ((above_ground, "a"), (above_minimum, "b"), (traces, "c")):
            axes.set_title(f"({letter})", loc="left", fontweight="bold", pad=3)
        figure.savefig(path)


class Quantities:
    """Arrays [omega, convention, ...] of a data set, full of NaN where it lacks them."""

    def __init__(self, data):
        self.data = data if "convention" in data.dims else data.expand_dims("convention")
        swept = [d for d in data["energy"].dims if d != "replicate"] if "energy" in data else []
        strange = sorted(set(swept) - {"omega", "convention"})
        if strange:
            raise ValueError(f"the figure has no room for the axis {strange[0]}: select one of its values first")
        self.omega = numpy.asarray(self.data["omega"].values, dtype=float)
        names = self.data["convention"].values if "convention" in self.data.coords else [""] * self.data.sizes["convention"]
        self.conventions = [n.decode() if isinstance(n, bytes) else str(n) for n in names]
        self.units = data["energy"].attrs.get("units", "Hartree") if "energy" in data else "Hartree"
        self.unit_in_label = {"Hartree": r"$E_\mathrm{h}$"}.get(self.units, self.units)

    def __call__(self, name, *more):
        """The variable `name` over omega, convention and the dimensions `more`."""
        dimensions = ("omega", "convention", *more)
        sizes = [self.data.sizes.get(d, 0) for d in dimensions]
        if name not in self.data or not set(self.data[name].dims) <= set(dimensions):
            return numpy.full(sizes, numpy.nan)
        lacking = {d: self.data.sizes[d] for d in dimensions if d not in self.data[name].dims and d in self.data.sizes}
        return numpy.asarray(self.data[name].expand_dims(lacking).transpose(*dimensions).values, dtype=float)

    def reference(self, name):
        """The variable `name` and its symbol; where no value of it is known, the lowest known energies and theirs."""
        known = self(name)
        if numpy.isfinite(known).any():
            return known, {"ground_state": "E_0", "ansatz_minimum": r"E_\mathrm{min}"}[name]
        energy = self("energy_truth", "replicate")
        energy = numpy.where(numpy.isfinite(energy), energy, self("energy", "replicate"))
        lowest = numpy.fmin.reduce(energy, axis=2, initial=numpy.inf)
        if name == "ground_state":
            lowest = numpy.broadcast_to(lowest.min(axis=1, keepdims=True, initial=numpy.inf), lowest.shape)
        return numpy.where(numpy.isfinite(lowest), lowest, numpy.nan), r"E_\mathrm{lowest\ so\ far}"

    def look(self, c):
        """Label, colour and marker of convention number `c`."""
        name = self.conventions[c]
        return CONVENTIONS.get(name, (name or "RBM", OTHERS[c % len(OTHERS)], "o"))

    def cluster(self, c, n_replicates):
        """Factors on omega that set the replicates of convention `c` side by side, and half the cluster's width."""
        gaps = numpy.diff(numpy.log(numpy.sort(self.omega)))
        step = 0.8 * (gaps.min() if gaps.size else 0.5) / len(self.conventions)
        centre = (c - (len(self.conventions) - 1) / 2) * step
        places = centre + (numpy.arange(n_replicates) - (n_replicates - 1) / 2) * 0.66 * step / max(n_replicates, 1)
        return numpy.exp(places), numpy.exp(centre - 0.36 * step), numpy.exp(centre + 0.36 * step)


def handle(label, **look):
    return Line2D([], [], label=label, **{"linestyle": "", "markersize": 4, **look})


def points(axes, x, y, error, **look):
    """Points with error bars, of those that are known; without a bar where the error is not."""
    known = numpy.isfinite(y)
    if known.any():
        axes.errorbar(numpy.broadcast_to(x, y.shape)[known], y[known], numpy.nan_to_num(error[known]), linestyle="", **look)


def clusters(q):
    """Indices of omega and convention, colour, marker, and the places of that cluster's replicates and of its ends."""
    n_replicates = q("energy", "replicate").shape[2]
    for c in range(len(q.conventions)):
        _, colour, marker = q.look(c)
        factors, low, high = q.cluster(c, n_replicates)
        for o, omega in enumerate(q.omega):
            yield o, c, colour, marker, omega * factors, (omega * low, omega * high)


def draw_above_ground(axes, q):
    ground, symbol = q.reference("ground_state")
    energy, error = q("energy", "replicate"), q("energy_error", "replicate")
    minimum = q("ansatz_minimum") - ground
    for o, c, colour, marker, places, ends in clusters(q):
        points(axes, places, energy[o, c] - ground[o, c], error[o, c], marker=marker, color=colour, markersize=2.5,
               elinewidth=0.8)
        axes.plot(ends, [minimum[o, c]] * 2, color="black", linewidth=0.8, zorder=3)
    published, published_error = q("energy_published") - ground, q("energy_published_error")
    for o, omega in enumerate(q.omega):
        known = numpy.flatnonzero(numpy.isfinite(published[o]))[:1]  # the published value is the same for all conventions
        points(axes, omega, published[o, known], published_error[o, known], marker="D", color="0.4", markersize=3.5,
               markerfacecolor="white", elinewidth=0.8)
    axes.axhline(0, color="0.4", linewidth=0.8, linestyle=":")
    axes.set_xscale("log")
    axes.set_xlim(q.cluster(0, 1)[1] * q.omega.min() / 1.1, q.cluster(len(q.conventions) - 1, 1)[2] * q.omega.max() * 1.1)
    axes.set_ylabel(f"$E - {symbol}$ ({q.unit_in_label})")
    axes.tick_params(labelbottom=False)
    looks = [q.look(c) for c in range(len(q.conventions))]
    handles = [handle(label, color=colour, marker=marker) for label, colour, marker in looks]
    if numpy.isfinite(minimum).any():
        handles.append(handle("minimum of the ansatz", color="black", linestyle="-", linewidth=0.8))
    if numpy.isfinite(published).any():
        handles.append(handle("published", color="0.4", marker="D", markerfacecolor="white"))
    if numpy.isfinite(q("ground_state")).any():
        handles.append(handle("exact ground state", color="0.4", linestyle=":", linewidth=0.8))
    # Energies above the ground state grow with omega: the upper left is free, more so with some air above.
    low, high = axes.get_ylim()
    axes.set_ylim(low, low + 1.15 * (high - low))
    axes.legend(handles=handles, loc="upper left", handlelength=1.4, labelspacing=0.3)


def draw_above_minimum(axes, q):
    minimum, symbol = q.reference("ansatz_minimum")
    minimum = minimum[..., None]
    energy, exact = (1e3 * (q(name, "replicate") - minimum) for name in ("energy", "energy_truth"))
    error = 1e3 * q("energy_error", "replicate")
    reach = numpy.abs(energy) + numpy.nan_to_num(error)
    reach = reach[numpy.isfinite(reach)]
    half = max(1.3, 1.2 * numpy.quantile(reach, 0.8)) if reach.size else 1.3
    axes.axhspan(-1, 1, color="0.93", zorder=0)
    axes.axhline(0, color="black", linewidth=0.8, zorder=1)
    for o, c, colour, marker, places, _ in clusters(q):
        points(axes, places, energy[o, c], error[o, c], marker=marker, color=colour, markersize=2.5, elinewidth=0.6, zorder=2)
        axes.plot(places, exact[o, c], "_", color="black", markersize=4.5, markeredgewidth=0.8, zorder=3)
        # Off the scale: replicates that ended in a local minimum, or below what is possible.
        for beyond, edge, arrow in ((energy[o, c] > half, 0.92, "^"), (energy[o, c] < -1.3 * half, -1.22, "v")):
            axes.plot(places[beyond], [edge * half] * int(beyond.sum()), arrow, color=colour, markersize=4,
                      markerfacecolor="white")
    axes.set_ylim(-1.3 * half, half)  # with a line for the legend
    axes.set_ylabel(rf"$E - {symbol}$ ($10^{{-3}}$ {q.unit_in_label})")
    axes.set_xlabel(r"trap frequency $\omega$ (atomic units)")
    axes.set_xticks(q.omega, [frequency(v) for v in q.omega])
    axes.set_xticks([], minor=True)
    handles = [handle("sampled", color="0.4", marker="o", markersize=3),
               handle("exact at the same parameters", color="black", marker="_", markersize=6)]
    axes.legend(handles=handles, loc="lower left", ncol=2, handlelength=1, columnspacing=1, handletextpad=0.3,
                borderaxespad=0.1)


def draw_traces(axes, q):
    minimum, symbol = q.reference("ansatz_minimum")
    trace = q("optimisation_energy", "replicate", "iteration") - minimum[..., None, None]
    iterations = numpy.arange(1, trace.shape[3] + 1)
    colours = matplotlib.colormaps["viridis"](numpy.linspace(0, 0.9, len(q.omega)))
    lines = ["-", "--", ":", "-."]
    drawn = []
    for o in range(len(q.omega)):
        for c in range(len(q.conventions)):
            middle = median(trace[o, c])
            if numpy.isfinite(middle).any():
                drawn.append(middle)
                axes.plot(iterations, numpy.where(middle > 0, middle, numpy.nan), color=colours[o], linestyle=lines[c % 4],
                          linewidth=0.9)
    axes.set_xlabel("iteration")
    axes.set_ylabel(f"$E - {symbol}$, median of replicates ({q.unit_in_label})")
    if not drawn:
        axes.set_xticks([])
        axes.set_yticks([])
        axes.text(0.5, 0.5, "no optimisation traces yet", transform=axes.transAxes, ha="center", va="center", color="0.4")
        return
    axes.set_yscale("log")
    axes.set_xlim(1, max(iterations[-1], 2))
    values = numpy.concatenate(drawn)
    # Noise reaches down to zero: the scale ends below nearly all of it.
    axes.set_ylim(bottom=0.5 * numpy.quantile(values[values > 0], 0.02) if (values > 0).any() else 1e-6)
    handles = [handle(rf"$\omega = {frequency(v)}$", color=colours[o], linestyle="-") for o, v in enumerate(q.omega)]
    if len(q.conventions) > 1:
        handles += [handle(q.look(c)[0], color="0.3", linestyle=lines[c % 4]) for c in range(len(q.conventions))]
    axes.legend(handles=handles, loc="upper right", handlelength=2, labelspacing=0.3)


def median(rows):
    """Along the first axis over what is finite, NaN where nothing is."""
    result = numpy.full(rows.shape[1], numpy.nan)
    some = numpy.isfinite(rows).any(axis=0)
    result[some] = numpy.nanmedian(rows[:, some], axis=0)
    return result


def frequency(omega):
    return "1/6" if abs(omega - 1 / 6) < 1e-6 else f"{omega:g}"
