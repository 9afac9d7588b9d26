"""The drawings of the lesson stride_padding."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.patches import Rectangle

from ..session import figure
from .style import COLORS, NO, YES

GREEN = COLORS[2]


def _cells(axes, left, top, side, shade):
    """A square table of squares whose side is 1 everywhere, so that equal kernels look equal."""
    look = {"edgecolor": "0.5", "linewidth": 0.5}
    for row, column in np.ndindex(side, side):
        place = (left + column, top + row)
        axes.add_patch(Rectangle(place, 1, 1, facecolor=shade(row, column), **look))


def _kernel(axes, left, top, size, color, shift):
    """A frame of the kernel's size, a little shifted so that frames do not hide each other."""
    place = (left + shift, top + shift)
    look = {"facecolor": (*to_rgb(color), 0.13), "edgecolor": color, "linewidth": 2.5}
    axes.add_patch(Rectangle(place, size, size, **look))


def _example(axes, left, H, K, S, before, after):
    """The picture with three places of the kernel, and the map below.  -> its width"""
    side, inside = H + before + after, range(before, before + H)
    _cells(axes, left, 0, side, lambda i, j: "0.8" if i in inside and j in inside else "white")
    n = (side - K) // S + 1
    spots = [(0, 0, YES), *([(0, 1, NO), (1, 0, GREEN)] if n > 1 else [])]
    colors = {(i, j): color for i, j, color in spots}
    for number, (i, j, color) in enumerate(spots):
        _kernel(axes, left + j * S, i * S, K, color, 0.09 * (number - 1))
    _cells(axes, left + (side - n) / 2, side + 1, n, lambda i, j: colors.get((i, j), "#f5e9c8"))
    axes.text(left + side / 2, side + 1 + n + 0.3, f"{n} x {n}", ha="center", va="top", fontsize=11)
    return side


def _titled(axes, left, width, title):
    axes.text(left + width / 2, -0.4, title, ha="center", va="bottom", fontsize=11)


@figure
def places(examples):
    """Where the kernel stands; all pixels are drawn in one size."""
    widths = [max(case[0] + case[3] + case[4], 5) + 1.7 for case in examples.values()]
    tallest = max(
        (side := case[0] + case[3] + case[4]) + (side - case[1]) // case[2] + 1
        for case in examples.values()
    )
    total = sum(widths)
    drawing, axes = plt.subplots(figsize=(13, 13 * (tallest + 4.3) / total + 0.6))
    drawing.subplots_adjust(0.01, 0.01, 0.99, 0.9)
    left = 0.0
    for (name, case), width in zip(examples.items(), widths, strict=True):
        side, K = case[0] + case[3] + case[4], case[1]
        start = left + (width - side) / 2
        _titled(axes, start, side, f"{name}\n{K} x {K} weights")
        _example(axes, start, *case)
        left += width
    axes.set(xlim=(0, total), ylim=(tallest + 2.3, -2), aspect="equal")
    axes.axis("off")
    drawing.suptitle(
        "Where the kernel stands: first place red, the next one blue, the first of the next row "
        "green"
    )
    return drawing


@figure
def two_paddings():
    """Two paddings that give the same size."""
    drawing, axes = plt.subplots(figsize=(7, 5))
    drawing.subplots_adjust(0.01, 0.01, 0.99, 0.9)
    for left, title, before in ((1, '"same": below and right', 0), (9, "one all around", 1)):
        side = _example(axes, left, 4, 3, 2, before, 1)
        _titled(axes, left, side, title)
    axes.set(xlim=(0, 16), ylim=(10.5, -1.2), aspect="equal")
    axes.axis("off")
    drawing.suptitle("4 x 4 pixels, stride 2: the same size, but the kernel stands elsewhere")
    return drawing


def _grey(axes, picture, title, **shades):
    axes.imshow(picture, cmap="gray", **shades)
    axes.set(xticks=[], yticks=[])
    axes.set_title(title, fontsize=12)


@figure
def outside(face, zeros, edge, valid):
    """A blurred photograph with zeros, with the edge's values, and without padding."""
    size, small = len(face), len(valid)
    drawing, axes = plt.subplots(1, 4, figsize=(13, 4), width_ratios=[size, size, size, small])
    drawing.subplots_adjust(0.005, 0.01, 0.995, 0.84, wspace=0.03)
    titles = (f"{size} x {size} pixels", "mean of 21 x 21, zeros outside",
              "the values on the edge outside", f"no padding: {small} x {small}")  # fmt: skip
    for place, picture, title in zip(axes, (face, zeros, edge, valid), titles, strict=True):
        _grey(place, picture, title, vmin=0, vmax=255)
    drawing.suptitle("Zeros outside make the border dark, the values on the edge do not")
    return drawing


@figure
def strides(maps):
    """Feature maps of several strides."""
    drawing, axes = plt.subplots(1, len(maps), figsize=(3.25 * len(maps), 3.9))
    drawing.subplots_adjust(0.005, 0.01, 0.995, 0.82, wspace=0.03)
    for place, (S, y) in zip(np.atleast_1d(axes), maps.items(), strict=True):
        _grey(place, abs(y), f"stride {S}: {len(y)} x {len(y)}", vmin=0, vmax=400)
    drawing.suptitle("The edges of a face: a greater stride leaves numbers out")
    return drawing


@figure
def costs(names, parameters, multiplications):
    """Each layer's share of the parameters and of the multiplications."""
    drawing, axes = plt.subplots(figsize=(9, 4.2), layout="constrained")
    at = np.arange(len(names))
    for shift, numbers, color, label in (
        (-0.2, parameters, NO, "parameters"),
        (0.2, multiplications, YES, "multiplications"),
    ):
        shares = 100 * numbers / numbers.sum()
        bars = axes.bar(at + shift, shares, 0.38, color=color, label=label)
        axes.bar_label(bars, [f"{share:.1f}%" for share in shares], fontsize=9)
    axes.set_xticks(at, names)
    axes.set(ylabel="share of the network (%)", ylim=(0, 100))
    axes.legend(loc="upper left")
    drawing.suptitle("Convolutions do the work, the first dense layer holds the parameters")
    return drawing
