"""The drawings of the lesson recurrent_cell."""

from __future__ import annotations

import itertools

import matplotlib.pyplot as plt
import numpy as np

from ..session import figure
from . import boxes
from .style import COLORS, GREY, NO, YES

GREEN = COLORS[2]  # what comes from the walk back
OF_CELL = {  # color and line of each cell
    "RNN": (COLORS[0], "-"),
    "RNN, radius 1.5": (COLORS[0], "--"),
    "GRU": (COLORS[3], "-"),
    "open GRU": (COLORS[3], "--"),
    "LSTM, bias 0": (COLORS[4], ":"),
    "LSTM": (COLORS[4], "-"),
    "open LSTM": (COLORS[4], "--"),
}
MARKS = dict(zip(OF_CELL, "oosD^sD", strict=True))


def _number(value, digits=5):
    return f"{np.round(value, digits) + 0.0:.{digits}f}".replace("-", "\N{MINUS SIGN}")  # no -0


def _pair(numbers):
    return "({}, {})".format(*(_number(value, 2) for value in np.ravel(numbers)))


@figure
def unrolled(x, h, W, U, b):
    """The same cell in each step, with its inputs and its states."""
    T = len(x)
    drawing, axes = boxes.paper(11, 4.1)
    places = [0.85 + 2.25 * t for t in range(T + 1)]
    states = [
        boxes.box(axes, (place, 2.75), f"$h_{t}$", color="#fdf2e9", width=1.15)
        for t, place in enumerate(places)
    ]
    for t, place in enumerate(places):
        axes.text(place, 3.17, _pair(h[t]), ha="center", va="bottom", fontsize=11)
        if t:
            entry = boxes.box(axes, (place, 1.05), f"$x_{t}$", color="#eaf2f8", width=1.15)
            axes.text(place, 0.62, f"({x[t - 1][0]:g}, {x[t - 1][1]:g})", ha="center", va="center",
                      fontsize=11)  # fmt: skip
            axes.text(place, 3.6, f"step {t}", ha="center", va="bottom", color=GREY, fontsize=11)
            boxes.arrow(axes, entry, states[t], "$W$", NO, width=2.5)
            boxes.arrow(axes, states[t - 1], states[t], "$U$", YES, width=2.5)
    named = (("W", W, NO, 0.2), ("U", U, YES, 4.1), ("b", b, "black", 8.0))
    for name, rows, color, left in named:
        what = "bias" if name == "b" else "rows of"
        numbers = "  ".join(_pair(row) for row in np.atleast_2d(rows))
        axes.text(left, 0.12, f"{what} ${name}$: {numbers}", color=color, fontsize=11, va="center")
    drawing.suptitle("Four steps of one cell: arrows of the same color are the same weights")
    return drawing


@figure
def backward(h, outside, later, dh, shares):
    """From the right to the left: what each state's gradient is made of."""
    outside, later, dh, T = outside[1:], later[1:], dh[1:], len(shares)
    drawing, axes = boxes.paper(11, 4.5)
    places = [1.3 + 2.75 * t for t in range(T)]
    states = [
        boxes.box(axes, (place, 2.45), f"$h_{t + 1}$ = {_pair(h[t + 1])}", color="#fdf2e9",
                  width=1.75)
        for t, place in enumerate(places)
    ]  # fmt: skip
    down = {"arrowstyle": "-|>", "color": GREY, "linewidth": 1.8, "mutation_scale": 15}
    for t, place in enumerate(places):
        axes.annotate("", (place, 2.74), (place, 3.5), arrowprops=down)
        axes.text(place, 3.55, f"from outside\n{_pair(outside[t])}", ha="center", va="bottom",
                  fontsize=10, color=GREY)  # fmt: skip
        axes.text(place, 2.0, f"$dh_{t + 1}$ = {_pair(dh[t])}", ha="center", va="center",
                  fontsize=11, color=GREEN)  # fmt: skip
        if t:
            boxes.arrow(axes, states[t], states[t - 1], color=GREEN, width=2.5)
            axes.text(place - 1.375, 2.72, _pair(later[t - 1]), ha="center", fontsize=10,
                      color=GREEN)  # fmt: skip
        axes.annotate("", (place, 1.02), (place, 1.78), arrowprops=down | {"color": YES})
        axes.text(place, 0.82, _number(shares[t]), ha="center",
                  va="center", fontsize=11, color=YES)  # fmt: skip
        if t < T - 1:
            axes.text(place + 1.375, 0.82, "+", ha="center", va="center", fontsize=12, color=YES)
    total = _number(sum(shares))
    axes.text(5.5, 0.25, f"The gradient of the first weight of $U$: the sum of four shares, "
              f"{total}", ha="center", va="center", fontsize=11.5, color=YES)  # fmt: skip
    drawing.suptitle(
        "Read from the right: a state adds what comes from outside and from the step after"
    )
    return drawing


def _distance(axes):
    axes.set(xlabel="$k$: how many steps before the last input", xlim=(0, 40))
    axes.axhline(1, color=GREY, linewidth=0.8, zorder=0)
    axes.grid(alpha=0.25)


def _spread(values, least):
    """Heights for labels, so that none is nearer than the least distance to another."""
    order = np.argsort(values)
    heights = np.array(values, float)
    for _ in range(200):
        for low, high in itertools.pairwise(order):
            lacking = least - (heights[high] - heights[low])
            if lacking > 0:
                heights[low] -= lacking / 2
                heights[high] += lacking / 2
    return heights


@figure
def radii(quiet, real):
    """The gradient of a plain RNN against the distance in steps."""
    drawing, row = plt.subplots(1, 2, figsize=(10.5, 4.3), layout="constrained", sharey=True)
    k = np.arange(41)
    colors = dict(zip(quiet, (COLORS[0], COLORS[2], COLORS[3], COLORS[1]), strict=True))
    for axes, curves, title in (
        (row[0], quiet, "inputs near 0 (dotted: $r^k$)"),
        (row[1], real, "the symbols as inputs: smaller slopes of tanh"),
    ):
        heights = _spread([np.log10(there[40]) for there in curves.values()], 0.75)
        for (radius, there), height in zip(curves.items(), heights, strict=True):
            axes.semilogy(k, there, color=colors[radius], linewidth=2)
            if curves is quiet:
                axes.semilogy(k, float(radius) ** k, ":", color="black", linewidth=1)
            axes.annotate(f"$r$ = {radius:g}", (40, 10**height), (5, 0), va="center",
                          textcoords="offset points", color=colors[radius],
                          annotation_clip=False)  # fmt: skip
        _distance(axes)
        axes.set_title(title, fontsize=11)
    low = min(there.min() for there in (*quiet.values(), *real.values()))
    high = max(there.max() for there in (*quiet.values(), *real.values()))
    row[0].set(ylim=(low / 5, high * 20), ylabel="gradient, relative to $k = 0$")
    drawing.suptitle(
        "Plain RNN: the gradient is $r^k$ while the state stays near 0, and smaller elsewhere"
    )
    return drawing


@figure
def gates(curves):
    """The gradient of all cells against the distance in steps."""
    drawing, axes = plt.subplots(figsize=(8.6, 4.8), layout="constrained")
    heights = _spread([np.log10(there[-1]) for there in curves.values()], 0.62)
    for (name, there), height in zip(curves.items(), heights, strict=True):
        color, line = OF_CELL[name]
        axes.semilogy(there, line, color=color, linewidth=2)
        axes.annotate(name, (40, 10**height), (5, 0), textcoords="offset points", va="center",
                      color=color, annotation_clip=False)  # fmt: skip
    _distance(axes)
    axes.set_ylabel("gradient, relative to $k = 0$")
    drawing.suptitle("Of the gates, only those that are nearly open keep the past")
    return drawing


@figure
def learned(right, curves, guess):
    """What the cells recall, against the delay and against their gradient at the start."""
    drawing, (left, beside) = plt.subplots(
        1, 2, figsize=(11, 4.8), layout="constrained", sharey=True
    )
    for i, (name, row) in enumerate(right.items()):
        color, line = OF_CELL[name]
        delays, shares = list(row), np.array(list(row.values()))
        style = {"color": color, "marker": MARKS[name], "markersize": 7,
                 "markerfacecolor": color if line == "-" else "white"}  # fmt: skip
        ties = [sum(np.round(r[d] - row[d], 2) == 0 for r in right.values()) > 1 for d in delays]
        shift = 0.007 * (3 - i) * np.array(ties)  # equal lines lie beside each other
        left.plot(delays, shares + shift, linestyle=line, linewidth=1.8, label=name, **style)
        beside.plot(curves[name][delays], shares, linestyle="", **style)
    for axes in (left, beside):
        axes.axhline(guess, color=GREY, linewidth=0.8, linestyle=":")
        axes.grid(alpha=0.25)
        axes.set_ylim(0.1, 1.1)
    left.text(max(delays), 0.155, "guessing (dotted)", ha="right", color=GREY, fontsize=10)
    left.set_xscale("log")
    left.minorticks_off()
    left.set_xticks(delays, delays)
    left.set(
        xlabel="delay in steps", ylabel="share recalled right\n(equal values drawn a little apart)"
    )
    beside.set_xscale("log")
    beside.set_xlabel("gradient at this distance, before the training")
    drawing.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    drawing.suptitle("A cell recalls only what its gradient reached before the training")
    return drawing
