"""The drawings of the lesson gradient_descent."""

from __future__ import annotations

import itertools

import matplotlib.pyplot as plt
import numpy as np

from ..session import figure
from .style import COLORS, NO, YES

WAYS = (COLORS[0], COLORS[2], COLORS[1])  # all examples, a few, a single one


def _ground(loss, x, y, across=(-1.7, 3.2), up=(-0.4, 4.6)):
    """The loss over the plane of the two weights, as _contours wants it."""
    w0, w1 = np.linspace(*across, 61), np.linspace(*up, 61)
    return w0, w1, np.array([[loss((a, b), x, y) for a in w0] for b in w1])


def _contours(axes, ground, lowest=None):
    """Lines of equal loss."""
    w0, w1, height = ground
    levels = np.geomspace(height.min() * 1.02, height.max(), 14)
    axes.contourf(*ground, levels=levels, cmap="Greys", alpha=0.35, extend="both")
    axes.contour(*ground, levels=levels, colors="0.6", linewidths=0.6)
    if lowest is not None:
        axes.plot(*lowest, "*", color="gold", markeredgecolor="black", markersize=13, zorder=5)
    axes.set(xlim=w0[[0, -1]], ylim=w1[[0, -1]], xlabel="$w_0$", ylabel="$w_1$")


@figure
def landscape(loss, x, y, path, shown):
    """Left: the points and some lines.  Right: the same lines as places of the landscape."""
    drawing, (left, right) = plt.subplots(1, 2, figsize=(11, 4.8), layout="constrained")
    left.plot(x, y, ".", color="0.7", markersize=5)
    _contours(right, _ground(loss, x, y))
    right.plot(*path.T, "-", color="black", linewidth=1, marker=".", markersize=4)
    ends = np.array([-0.05, 2.25])
    colors = plt.get_cmap("plasma_r")(np.linspace(0.15, 0.95, len(shown)))
    sides = [(8, 6), (8, -4), (8, 5), (8, 5), (8, -12)]
    for step, color, side in zip(shown, colors, sides, strict=True):
        w0, w1 = path[step]
        left.plot(ends, w0 + w1 * ends, color=color, linewidth=2, label=f"step {step}")
        right.plot(w0, w1, "o", color=color, markeredgecolor="black", markersize=9, zorder=4)
        right.annotate(f"step {step}", (w0, w1), side, textcoords="offset points", fontsize=10,
                       zorder=6, bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.7,
                                       "pad": 1})  # fmt: skip
    left.set(xlabel="x", ylabel="y", title="The examples, and the line at some steps")
    left.legend(loc="upper left")
    right.set_title("Each line is a place; darker: a larger loss")
    drawing.suptitle("Down the landscape of the loss: the line turns until it fits the examples")
    return drawing


@figure
def rates(loss, x, y, walks, away, lowest):
    """A map for each rate, and the distances from the lowest place."""
    drawing, places = plt.subplot_mosaic(
        [[0, 1, "d"], [2, 3, "d"]],
        figsize=(12, 6.4),
        layout="constrained",
        width_ratios=[1, 1, 1.5],
    )
    ground = _ground(loss, x, y, (-3, 5), (-1.5, 5.5))
    for i, (share, walk) in enumerate(walks.items()):
        color = COLORS[i]
        _contours(places[i], ground, lowest)
        places[i].plot(*walk[:40].T, "-", color=color, linewidth=1, marker=".", markersize=5)
        places[i].set_title(f"{share:g} of the largest stable rate", color=color, fontsize=11)
        places["d"].semilogy(away[share], color=color, linewidth=2)
        places["d"].annotate(f"{share:g}", (100, away[share][-1]), (6, -4), color=color,
                             textcoords="offset points", fontsize=12)  # fmt: skip
    for i in (0, 1):
        places[i].set_xlabel("")
    for i in (1, 3):
        places[i].set_ylabel("")
    places["d"].set(xlabel="step", ylabel="$|w - w^*|$: distance from the lowest place",
                    xlim=(0, 112), title="The distance in each of 100 steps")  # fmt: skip
    drawing.suptitle("Four learning rates, 40 steps each: above the limit the path diverges")
    return drawing


@figure
def noise(found, of_all, noise):
    """Left: gradients of batches.  Right: how far they are from the gradient of all."""
    drawing, (left, right) = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
    for size, color in ((1, YES), (16, COLORS[2])):
        left.plot(*found[size].T, ".", color=color, markersize=4, alpha=0.6, label=f"B = {size}")
    left.plot(*of_all, "*", color="gold", markeredgecolor="black", markersize=15, label="all")
    left.legend(title="gradient of")
    left.set(title="Each dot: the gradient of one batch", xlabel=r"$\partial J / \partial w_0$",
             ylabel=r"$\partial J / \partial w_1$")  # fmt: skip
    sizes = np.array(list(noise))
    right.loglog(
        sizes, noise[1] / np.sqrt(sizes), ":", color="black", label=r"falls as 1 / $\sqrt{B}$"
    )
    right.loglog(sizes, list(noise.values()), "o", color=NO, markersize=9, label="measured")
    right.set_xticks(sizes, [str(size) for size in sizes])
    ticks = [t for t in (0.5, 1, 2, 5, 10, 20) if min(noise.values()) / 1.5 < t < noise[1] * 1.5]
    right.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    right.minorticks_off()
    right.legend()
    right.set(title="The noise of the gradient", xlabel="B: examples in a batch", ylabel="noise")
    drawing.suptitle("More examples in a batch: its gradient is closer to the gradient of all")
    return drawing


def _smoothed(seen, values, parts=40):
    """The mean of the values in each of many parts of a logarithmic axis."""
    edges = np.unique(np.geomspace(1, len(values), parts).astype(int)) - 1
    pairs = list(itertools.pairwise(edges))
    return [seen[a:b].mean() for a, b in pairs], [values[a:b].mean() for a, b in pairs]


@figure
def three_ways(loss, x, y, ways, apart, lowest):
    """A map for each batch size, and the distances against the examples seen."""
    drawing, places = plt.subplot_mosaic(
        [[0, 1, 2], ["d", "d", "d"]], figsize=(11, 7.8), layout="constrained", height_ratios=[1, 1]
    )
    ground = _ground(loss, x, y)
    for i, (size, way) in enumerate(ways.items()):
        color, steps = WAYS[i], len(way) - 1
        name = {len(x): f"all {size} examples", 1: "a single example"}.get(size, f"{size} examples")
        _contours(places[i], ground, lowest)
        places[i].plot(*way[60:].T, ".", color=color, markersize=2, alpha=0.25)
        places[i].plot(*way[:60].T, "-", color=color, linewidth=1.2, marker=".", markersize=3)
        places[i].set_title(f"{name} a step: {steps:,} steps", color=color, fontsize=11)
        if i:
            places[i].set_ylabel("")
        seen = np.arange(1, steps + 1) * size
        places["d"].loglog(seen, apart[size][1:], color=color, linewidth=0.6, alpha=0.3)
        middle = _smoothed(seen, apart[size][1:])
        places["d"].loglog(*middle, color=color, linewidth=2.5, label=name, zorder=4)
    ticks = [1, 10, 100, 1000, 10_000]
    places["d"].set_xticks(ticks, [f"{tick:,}" for tick in ticks])
    places["d"].set_yticks([0.01, 0.1, 1], ["0.01", "0.1", "1"])
    places["d"].set(xlabel="examples seen", ylabel="$|w - w^*|$: distance from the lowest place",
                    title="The same work for each (thin: every step, thick: smoothed)")  # fmt: skip
    places["d"].legend(title="for each step", loc="lower left")
    drawing.suptitle(
        "Three ways down: all examples need long, a single one is never at rest "
        "(lines: the first 60 steps, dots: later)"
    )
    return drawing
