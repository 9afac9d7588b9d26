"""The drawings of the lesson pooling."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from ..session import figure
from .style import COLORS, DIVERGING, GREY, NO, YES


def _bare(axes, title="", fontsize=12):
    axes.set(xticks=[], yticks=[])
    axes.set_title(title, fontsize=fontsize)


def _table(axes, numbers, title, limit, fontsize=13):
    """A table of numbers on colored squares: red is positive, blue is negative."""
    axes.imshow(numbers, cmap=DIVERGING, vmin=-limit, vmax=limit)
    rows, columns = numbers.shape
    axes.hlines(np.arange(rows - 1) + 0.5, -0.5, columns - 0.5, color="#999999", linewidth=0.6)
    axes.vlines(np.arange(columns - 1) + 0.5, -0.5, rows - 0.5, color="#999999", linewidth=0.6)
    for (row, column), value in np.ndenumerate(numbers):
        color = "white" if abs(value) > 0.6 * limit else "black"
        axes.text(column, row, f"{value:.3g}", ha="center", va="center",
                  fontsize=fontsize, color=color)  # fmt: skip
    _bare(axes, title)


@figure
def shifted(shift, pairs, changes):
    """Edges before and after a shift, and the same of their maxima.  pairs: {window: two maps}"""
    drawing, axes = plt.subplots(2, 3, figsize=(10.6, 7.9))
    drawing.subplots_adjust(0.005, 0.01, 0.995, 0.87, wspace=0.03, hspace=0.1)
    for row, (n, maps) in zip(axes, pairs.items(), strict=True):
        what = "the edges" if n == 1 else f"the largest of each {n} x {n} edges"
        before, after = (one[0, :, :, 0] for one in maps)
        shades = {"cmap": "gray", "vmin": 0, "vmax": 110 if n == 1 else 300}
        for place, picture, title in zip(
            row,
            (before, after, abs(after - before)),
            (what, "after the shift", f"the difference: {changes[n][0]:.1%}"),
            strict=True,
        ):
            place.imshow(picture, **shades)
            _bare(place, title)
    first, last = pairs
    drawing.suptitle(
        f"A shift by {shift} px moves most lines off their old places: the edges change by "
        f"{changes[first][0]:.0%}.\n{changes[last][2]:.0%} of the {last} x {last} windows keep "
        f"their largest number: the maxima change by {changes[last][0]:.0%}.",
        fontsize=13,
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
    """The share of digits read, for each shift."""
    drawing, (left, axes) = plt.subplots(
        1, 2, figsize=(11.4, 5), width_ratios=[1, 2.6], layout="constrained"
    )
    sheet = np.stack([test[:3, :, :, 0] for test in tests[: len(shifts)]])
    rows = [
        np.concatenate([np.pad(d, 1, constant_values=0.4) for d in row], axis=1) for row in sheet
    ]
    left.imshow(np.concatenate(rows), cmap="gray_r")
    left.set_yticks([15 + 30 * i for i in range(len(shifts))], [str(s) for s in shifts])
    left.set_xticks([])
    left.set_title("three digits, shifted")
    left.set_ylabel("shift in pixels")
    styles = {
        "nearest picture": (GREY, "--"),
        "least squares": (GREY, "-."),
        "always the commonest digit": (GREY, ":"),
        "no pooling": (NO, "-"),
        "mean": ("#b9770e", "-"),
        "max": (YES, "-"),
        "max, whole map": ("#1e8449", "-"),
    }
    for name, shares in right.items():
        color, style = styles[name]
        axes.plot([abs(s) for s in shifts], shares, style, marker="o", markersize=4, color=color,
                  label=name)  # fmt: skip
    axes.set(xlabel="shift in pixels", ylabel="digits read", ylim=(0, 1))
    axes.yaxis.set_major_formatter("{x:.0%}")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    drawing.suptitle(
        "With max pooling a shift costs less; with max pooling over the whole map it costs little"
    )
    return drawing


@figure
def gradients(numbers, kinds):
    """Each kind of pooling: its map, and where the gradient goes.  kinds: {name: (map, dx)}"""
    width = 1 + len(kinds)
    drawing, axes = plt.subplots(2, width, figsize=(2.2 * width, 5.2))
    drawing.subplots_adjust(0.005, 0.01, 0.995, 0.83, wspace=0.06, hspace=0.22)
    _table(axes[0, 0], np.array(numbers), "the map", 12)
    _table(axes[1, 0], np.array([[10, 20], [30, 40]]), "gradient that comes in", 40)
    for column, (name, (pooled, back)) in zip(axes.T[1:], kinds.items(), strict=True):
        _table(column[0], pooled, f"{name} of 2 x 2", 12)
        _table(column[1], back, "gradient of the map", 40, 11)
    drawing.suptitle(
        "Where the gradient goes: to the winner, to all alike, or to each by its size", fontsize=14
    )
    return drawing
