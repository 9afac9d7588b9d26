"""The drawings of the lesson pooling."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from ..session import figure
from .style import COLORS, DIVERGING, GREY, NO, YES


def _bare(axes, title="", fontsize=12):
    axes.set(xticks=[], yticks=[])
    axes.set_title(title, fontsize=fontsize)


def _grid(axes, numbers, fontsize, limit=np.inf):
    """Lines between the cells, and the number in each: white where the cell is dark."""
    rows, columns = numbers.shape
    axes.hlines(np.arange(rows - 1) + 0.5, -0.5, columns - 0.5, color="#999999", linewidth=0.6)
    axes.vlines(np.arange(columns - 1) + 0.5, -0.5, rows - 0.5, color="#999999", linewidth=0.6)
    for (row, column), value in np.ndenumerate(numbers):
        color = "white" if abs(value) > 0.6 * limit else "black"
        axes.text(column, row, f"{value:.3g}", ha="center", va="center",
                  fontsize=fontsize, color=color)  # fmt: skip


def _table(axes, numbers, title, limit, fontsize=13):
    """A table of numbers on colored squares: the larger, the darker."""
    axes.imshow(numbers, cmap=DIVERGING, vmin=-limit, vmax=limit)
    _grid(axes, numbers, fontsize, limit)
    _bare(axes, title)


def _frame(axes, row, column, side, color, inset=0.06, width=3):
    """A frame around side x side cells, a little inside their border."""
    place, length = (column - 0.5 + inset, row - 0.5 + inset), side - 2 * inset
    axes.add_patch(
        plt.Rectangle(place, length, length, fill=False, edgecolor=color, linewidth=width, zorder=3)
    )


@figure
def windows(numbers, by_two, by_one):
    """Where the windows of 2 x 2 lie on the map, and their maxima, with stride 2 and stride 1."""
    drawing, axes = plt.subplots(1, 4, figsize=(11.4, 3.9), width_ratios=[4, 2, 4, 3])
    drawing.subplots_adjust(0.01, 0.02, 0.99, 0.82, wspace=0.2)
    for pair, stride, pooled in ((axes[:2], 2, by_two), (axes[2:], 1, by_one)):
        for place, values in zip(pair, (numbers, pooled), strict=True):
            place.imshow(np.ones(values.shape), cmap="gray", vmin=0, vmax=1)
            _grid(place, values, 14)
            _frame(place, 0, 0, len(values), "#333333", 0, 1.5)
            middle = len(values) / 2 - 0.5
            place.set(ylim=(middle + 2.05, middle - 2.05))  # the cells are as large everywhere
            place.set(xlim=(-0.55, 2 * middle + 0.55))
            place.spines[:].set_visible(False)
        _bare(pair[0], f"stride {stride}: the windows")
        _bare(pair[1], "their maxima")
        shown = np.ndindex(2, 2) if stride == 2 else [(0, 0), (0, 1)]
        for color, (row, column) in zip(COLORS, shown, strict=False):
            inset = 0.06 + 0.08 * (stride == 1 and column)
            _frame(pair[0], row * stride, column * stride, 2, color, inset)
            _frame(pair[1], row, column, 1, color)
    drawing.suptitle(
        "The same map and the same window: 4 maxima with stride 2, 9 with stride 1 "
        "(two of its windows are drawn)",
        fontsize=12,
    )
    return drawing


@figure
def shifted(shift, pairs, changes):
    """Edges before and after a shift, and the same of their maxima.  pairs: {window: two maps}"""
    drawing, axes = plt.subplots(2, 3, figsize=(10.6, 7.9))
    drawing.subplots_adjust(0.005, 0.01, 0.995, 0.9, wspace=0.03, hspace=0.1)
    first, *_, last = pairs
    for row, n in zip(axes, (first, last), strict=True):
        what = "edges" if n == 1 else f"maxima of {n} x {n} edges"
        before, after = (one[0, :, :, 0] for one in pairs[n])
        shades = {"cmap": "gray", "vmin": 0, "vmax": 110 if n == 1 else 300}
        for place, picture, title in zip(
            row,
            (before, after, abs(after - before)),
            (f"{what}, before", f"{what}, after", "absolute difference"),
            strict=True,
        ):
            place.imshow(picture, **shades)
            _bare(place, title)
    drawing.suptitle(
        f"Shifted by {shift} px: the edges change by {changes[first][0]:.0%}, "
        f"the maxima of {last} x {last} by {changes[last][0]:.0%}",
        fontsize=14,
    )
    return drawing


@figure
def changes(by_shift):
    """How much the pooled maps change, for each shift."""
    drawing, axes = plt.subplots(figsize=(7.6, 4.6), layout="constrained")
    for color, (n, values) in zip(COLORS, by_shift.items(), strict=False):
        axes.plot(values, "o-", color=color, markersize=4)
        name = "not pooled" if n == 1 else f"{n} x {n}"
        axes.text(8.25, values[-1], name, color=color, va="center")
        axes.plot([n], [values[n]], "o", color=color, markersize=11, fillstyle="none")
    axes.set(xlabel="shift in pixels (ring: as many as the window is wide)",
             ylabel="change of the maxima", xlim=(-0.2, 9.6), ylim=(0, None))  # fmt: skip
    axes.set_xticks(range(9))
    axes.yaxis.set_major_formatter("{x:.0%}")
    axes.spines[["top", "right"]].set_visible(False)
    drawing.suptitle("The larger the window, the more slowly a shift changes the maxima")
    return drawing


@figure
def reading(shifts, right, tests):
    """The share of digits read, for each shift.  tests: shifted to the right, then to the left"""
    drawing, (left, axes) = plt.subplots(
        1, 2, figsize=(11.4, 5), width_ratios=[1, 2.1], layout="constrained"
    )
    half = len(tests[0]) // 2
    rows = [
        np.concatenate([np.pad(test[i, :, :, 0], 1, constant_values=0.4) for i in which], axis=1)
        for test in tests
        for which in [(0, 1, half, half + 1)]
    ]
    left.imshow(np.concatenate(rows), cmap="gray_r")
    left.set_yticks([15 + 30 * i for i in range(len(shifts))], [str(s) for s in shifts])
    left.set_xticks([30, 90], ["to the right", "to the left"])
    left.set_title("two digits, shifted")
    left.set_ylabel("shift in pixels")
    styles = {
        "nearest picture": (GREY, "x:"),
        "no pooling": (NO, "s--"),
        "mean": ("#b9770e", "^-."),
        "max": (YES, "o-"),
        "max, whole map": ("#1e8449", "D-"),
    }
    for name, shares in right.items():
        color, style = styles[name]
        label = f"{name} of 2 x 2" if name in ("mean", "max") else name
        axes.plot(np.abs(shifts), shares, style, markersize=5, color=color, label=label)
    axes.set(xlabel="shift in pixels", ylabel="digits read", ylim=(0, 1))
    axes.yaxis.set_major_formatter("{x:.0%}")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower left", frameon=False)
    drawing.suptitle(
        f"Of digits shifted by {abs(shifts[-1])} pixels, max of 2 x 2 reads "
        f"{right['max'][-1]:.0%}, max of the whole map {right['max, whole map'][-1]:.0%}"
    )
    return drawing


@figure
def gradients(numbers, kinds):
    """Each kind of pooling: its map, and where the gradient goes.  kinds: {name: (map, dx)}"""
    width = 1 + len(kinds)
    drawing, axes = plt.subplots(2, width, figsize=(2.2 * width, 5.2))
    drawing.subplots_adjust(0.005, 0.01, 0.995, 0.83, wspace=0.06, hspace=0.22)
    _table(axes[0, 0], np.array(numbers), "the map", 12)
    _table(axes[1, 0], np.array([[10, 20], [30, 40]]), "gradients, pooled map", 40)
    for column, (name, (pooled, back)) in zip(axes.T[1:], kinds.items(), strict=True):
        _table(column[0], pooled, f"{name} of 2 x 2", 12)
        _table(column[1], back, "gradients, map", 40, 11)
    drawing.suptitle(
        "Where the gradient goes: to the chosen number, to all alike, or to each by its size",
        fontsize=14,
    )
    return drawing
