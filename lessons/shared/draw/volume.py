"""The drawings of the lesson volume."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

from ..session import figure
from .style import DIVERGING

CHANNELS = ("red", "green", "blue")


def _bare(axes, title="", fontsize=13):
    axes.set(xticks=[], yticks=[])
    axes.set_title(title, fontsize=fontsize)


def _color(axes, picture, title=""):
    axes.imshow(np.clip(picture, 0, 1))
    _bare(axes, title)


def _grey(axes, picture, title="", low=0.0, high=1.0, cmap="gray"):
    axes.imshow(picture, cmap=cmap, vmin=low, vmax=high)
    _bare(axes, title)


def _signed(axes, numbers, title="", limit=1.0):
    _grey(axes, numbers, title, -limit, limit, DIVERGING)


def _table(axes, numbers, title="", limit=1.0, fontsize=14, form="{:g}"):
    """A table of numbers on colored squares: red is positive, blue is negative."""
    _signed(axes, numbers, title, limit)
    rows, columns = numbers.shape
    axes.hlines(np.arange(rows - 1) + 0.5, -0.5, columns - 0.5, color="#999999", linewidth=0.6)
    axes.vlines(np.arange(columns - 1) + 0.5, -0.5, rows - 0.5, color="#999999", linewidth=0.6)
    for (row, column), value in np.ndenumerate(numbers + 0.0):
        color = "white" if abs(value) > 0.6 * limit else "black"
        axes.text(column, row, form.format(value), ha="center", va="center",
                  fontsize=fontsize, color=color)  # fmt: skip


@figure
def color_edge(color, grey, in_grey, in_color):
    """The letter, plain and with spots: in color, in grey, and the edges of both."""
    drawing, axes = plt.subplots(2, 4, figsize=(12, 6.7))
    drawing.subplots_adjust(0.03, 0.01, 0.995, 0.86, wspace=0.04, hspace=0.04)
    titles = "in color", "in grey", "edges in grey", "edges in color"
    for i, (row, name) in enumerate(zip(axes, ("plain", "with spots"), strict=True)):
        _color(row[0], color[i])
        _grey(row[1], grey[i, :, :, 0])
        _signed(row[2], in_grey[i, :, :, 0])
        _signed(row[3], in_color[i, :, :, 0])
        row[0].set_ylabel(name, fontsize=13)
    for place, title in zip(axes[0], titles, strict=True):
        place.set_title(title, fontsize=12.5)
    drawing.suptitle(
        "Red on an equally bright green: no edge in grey, a clear one in color", fontsize=15
    )
    return drawing


@figure
def slices(picture, deep, parts, total):
    """What each channel adds to the one map of a filter."""
    drawing = plt.figure(figsize=(11.4, 8.3))
    grid = drawing.add_gridspec(3, 4, left=0.01, right=0.99, bottom=0.01, top=0.9, wspace=0.06,
                                hspace=0.13, width_ratios=[1, 0.8, 1, 1.25])  # fmt: skip
    limit = 0.5
    for c, name in enumerate(CHANNELS):
        places = [drawing.add_subplot(grid[c, k]) for k in range(3)]
        _grey(places[0], picture[:, :, c], f"the channel {name}")
        _table(places[1], deep[:, :, c], f"the slice for {name}", 4)
        _signed(places[2], parts[c], f"what {name} adds", limit)
    last = drawing.add_subplot(grid[:, 3])
    _signed(last, total, "the sum: the filter's one map", limit)
    drawing.suptitle("Three slices, one map: the spots cancel, the letter stays", fontsize=15)
    return drawing


@figure
def demo(image, filters, bias, out, row=1, column=1):
    """One number of each map of the slide's demo, slice by slice.  image: with its padding"""
    limit = 4
    drawing, axes = plt.subplots(3, 6, figsize=(14.4, 7.9))
    drawing.subplots_adjust(0.005, 0.01, 0.995, 0.88, wspace=0.06, hspace=0.2)
    window = image[2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
    terms = np.zeros((2, 3))
    for c, name in enumerate(CHANNELS):
        _table(axes[c, 0], image[:, :, c], f"picture, {name}", limit, 11)
        _frame(axes[c, 0], 2 * row, 2 * column, 3)
        for o in (0, 1):
            product = window[:, :, c] * filters[:, :, c, o]
            terms[o, c] = product.sum()
            given = " (the slide's)" if o == 1 and c != 1 else ""
            _table(axes[c, 1 + 2 * o], filters[:, :, c, o], f"W{o}, slice {c}{given}", limit)
            _table(axes[c, 2 + 2 * o], product, f"products: sum {terms[o, c]:g}", limit)
    for o in (0, 1):
        _table(axes[o, 5], out[:, :, o], f"map {o}", limit)
        _frame(axes[o, 5], row, column, 1)
    axes[2, 5].set_axis_off()
    lines = []
    for o in (0, 1):
        added = " + ".join(f"({term:g})" if term < 0 else f"{term:g}" for term in terms[o])
        lines += [f"map {o}, the middle:", f"{added} + {bias[o]:g} = {out[row, column, o]:g}", ""]
    axes[2, 5].text(0, 0.5, "\n".join(lines), va="center", fontsize=11.5)
    drawing.suptitle(
        "The slide's demo: three windows, three slices, one number of each map "
        "(red: positive, blue: negative)",
        fontsize=15,
    )
    return drawing


def _frame(axes, row, column, side):
    axes.add_patch(
        Rectangle((column - 0.5, row - 0.5), side, side, fill=False, linewidth=3, zorder=5)
    )


@figure
def mixes(picture, mixed, names):
    """The maps of filters of 1 x 1.  names: with the weights of each"""
    drawing, axes = plt.subplots(1, 1 + len(names), figsize=(2.7 * (1 + len(names)), 3.75))
    drawing.subplots_adjust(0.005, 0.01, 0.995, 0.76, wspace=0.04)
    _color(axes[0], picture, "three channels")
    for k, (name, weights) in enumerate(names.items()):
        low, high = np.percentile(mixed[:, :, k], [1, 99])
        middle = (low + high) / 2
        title = f"{name}\n{', '.join(f'{w:g}' for w in weights)}"
        _grey(axes[k + 1], mixed[:, :, k], title, middle - 0.5, middle + 0.5)
    drawing.suptitle(
        "Filters of 1 x 1 x 3: each makes one map, another mix of the three channels", fontsize=14
    )
    return drawing


@figure
def learnt(kernels, picture, maps):
    """The learnt filters, slice by slice, and their maps of one letter."""
    order = np.argsort(-(kernels**2).sum(axis=(0, 1, 2)))
    drawing, axes = plt.subplots(4, 1 + len(order), figsize=(12.6, 6.5))
    drawing.subplots_adjust(0.005, 0.01, 0.995, 0.88, wspace=0.06, hspace=0.06)
    limit = np.abs(kernels).max()
    for place in axes[:3, 0]:
        place.set_axis_off()
    for c, name in enumerate(CHANNELS):
        axes[c, 0].text(0.95, 0.5, f"slice for\n{name}", ha="right", va="center", fontsize=12)
    _color(axes[3, 0], picture)
    for k, o in enumerate(order):
        for c in range(3):
            _signed(axes[c, k + 1], kernels[:, :, c, o], "", limit)
        axes[0, k + 1].set_title(f"filter {k + 1}", fontsize=11)
        map_ = maps[:, :, o] - np.median(maps[:, :, o])
        _signed(axes[3, k + 1], map_, "", np.abs(map_).max())
    drawing.suptitle(
        "The eight learnt filters, and below each its map of the letter (red: positive, "
        "blue: negative)",
        fontsize=13,
    )
    return drawing
