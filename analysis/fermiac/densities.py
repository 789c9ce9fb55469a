"""Where the particles of a quantum dot are, and how far from one another."""

import matplotlib
import numpy
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .look import PALETTE, STYLE, over_replicates, shown_points
from .tables import axes as swept_axes

LINES = {"up": "-", "down": "--", "like": "--", "unlike": "-"}


def densities(data, path):
    """Densities and pair densities of a study that counted them (`observables.every`), means over replicates, bands of one
    standard error.

    (a) Density of each spin over the distance from the centre. (b) Pairs per area (volume) of their distance vector, of like
    and of unlike spin. (c) Density in the plane of the last point that has one, both spins. (d) Pairs over the angle between
    them as seen from the centre; in two dimensions only. Lengths in 1 / sqrt(omega) where the study sweeps omega, so that traps
    can be compared.
    """
    points = list(shown_points(data, swept_axes(data)))
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(7.4, 5.6), constrained_layout=True)
        (radial, pairs), (plane, angles) = figure.subplots(2, 2)
        scaled = "omega" in data.coords and data["omega"].size > 1
        draw_curves(radial, points, "radial_density", "radius", "spin", scaled)
        draw_curves(pairs, points, "pair_density", "separation", "pair", scaled)
        draw_curves(angles, points, "angular_density", "angle", "pair", False)
        draw_plane(figure, plane, points)
        unit = r"\sqrt{\omega}" if scaled else ""
        radial.set(xlabel=f"$r{unit}$" + ("" if scaled else " (Bohr radii)"), ylabel="particles per volume")
        pairs.set(xlabel=f"$r_{{ij}}{unit}$" + ("" if scaled else " (Bohr radii)"), ylabel="pairs per volume")
        angles.set(xlabel=r"angle $\theta_{ij}$", ylabel="pairs per radian", xlim=(0, numpy.pi))
        angles.set_xticks([0, numpy.pi / 2, numpy.pi], ["0", r"$\pi/2$", r"$\pi$"])
        legend(radial, points, ("up", "down"))
        legend(pairs, [], ("unlike", "like"))
        for axes, letter in ((radial, "a"), (pairs, "b"), (plane, "c"), (angles, "d")):
            axes.set_title(f"({letter})", loc="left", fontweight="bold", pad=3)
        figure.savefig(path)


def draw_curves(axes, points, name, coordinate, kinds, scaled):
    drawn = 0
    for colour, (_, part) in zip(PALETTE, points):
        value, error = over_replicates(part, name)
        if value is None or coordinate not in part or not numpy.isfinite(value).any():
            continue
        unit = float(numpy.sqrt(part["omega"])) if scaled else 1.0
        x = part[coordinate].values * unit
        volume = unit ** dimensions_of(part) if name != "angular_density" else 1.0
        for k, kind in enumerate(part[kinds].values):
            kind = kind.decode() if isinstance(kind, bytes) else str(kind)
            y, band = value[k] / volume, error[k] / volume
            if not (y > 0).any():
                continue
            drawn = max(drawn, x[y > 1e-3 * y.max()].max())
            axes.plot(x, y, LINES[kind], color=colour, linewidth=0.9)
            axes.fill_between(x, y - band, y + band, color=colour, alpha=0.25, linewidth=0)
    if drawn:
        axes.set_xlim(0, drawn)
        axes.set_ylim(bottom=0)
    else:
        empty(axes)


def dimensions_of(part):
    """Of space: a plane is projected from three as well, angles there are in two alone."""
    if part.sizes.get("plane_x_cell", 0) == 0:
        return 1
    return 2 if part.sizes.get("angle_cell", 0) > 0 and numpy.isfinite(part["angle"]).any() else 3


def draw_plane(figure, axes, points):
    for label, part in reversed(points):
        value, _ = over_replicates(part, "planar_density")
        if value is None or "plane_x" not in part or not value.size or not numpy.isfinite(value).any():
            continue
        x, y = part["plane_x"].values, part["plane_y"].values
        both = value.sum(axis=0)
        seen = both.max(axis=0) > 1e-3 * both.max()
        reach = numpy.abs(x[seen]).max() if seen.any() else numpy.abs(x).max()
        image = axes.pcolormesh(x, y, both, cmap="viridis", shading="nearest", rasterized=True)
        axes.set(xlabel="$x$ (Bohr radii)", ylabel="$y$ (Bohr radii)", aspect="equal", xlim=(-reach, reach), ylim=(-reach, reach))
        axes.set_title(label, fontsize=8, pad=3)
        figure.colorbar(image, ax=axes, label="particles per area", shrink=0.9)
        return
    empty(axes)


def empty(axes):
    axes.set_xticks([])
    axes.set_yticks([])
    axes.text(0.5, 0.5, "nothing counted", transform=axes.transAxes, ha="center", va="center", color="0.4")


def legend(axes, points, kinds):
    handles = [Line2D([], [], color=colour, label=label) for colour, (label, _) in zip(PALETTE, points) if label]
    handles += [Line2D([], [], color="0.3", linestyle=LINES[kind], label=kind) for kind in kinds]
    axes.legend(handles=handles, loc="upper right", handlelength=1.8, labelspacing=0.3)
