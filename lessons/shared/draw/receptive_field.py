"""The drawings of the lesson receptive_field."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

from ..session import figure
from .style import COLORS, DIVERGING, NO, YES

BRIGHT = ["yellow", "lime", "cyan", "magenta", "red"]


def _bare(axes, picture, title="", **shades):
    axes.imshow(picture, **shades)
    axes.set(xticks=[], yticks=[])
    axes.set_title(title, fontsize=11)


def _frame(axes, first, side, color):
    place = (first - 0.5, first - 0.5)
    axes.add_patch(Rectangle(place, side, side, fill=False, edgecolor=color, linewidth=2.5))


@figure
def nested(face, fields):
    """The fields of a number in each layer of the encoder, around the middle of a photograph."""
    drawing, (whole, near) = plt.subplots(1, 2, figsize=(10, 5.4))
    drawing.subplots_adjust(0.01, 0.15, 0.99, 0.88, wspace=0.03)
    face = face.astype(np.uint8)
    middle, cut = len(face) // 2, 44
    _bare(whole, face, f"{len(face)} x {len(face)} pixels")
    _bare(near, face[middle - cut : middle + cut, middle - cut : middle + cut], "magnified")
    for number, ((side, _), color) in enumerate(zip(fields, BRIGHT, strict=True), 1):
        _frame(near, cut - side // 2, side, color)
        near.plot([], [], color=color, linewidth=2.5, label=f"layer {number}: {side} x {side}")
    _frame(whole, middle - side // 2, side, BRIGHT[-1])
    drawing.legend(*near.get_legend_handles_labels(), loc="lower center", ncols=5, fontsize=10,
                   frameon=False, labelcolor="black", facecolor="0.8")  # fmt: skip
    drawing.suptitle("What one number of the encoder sees: after five layers an eye, not a face")
    return drawing


@figure
def growth(fields):
    """The sizes of the fields, layer by layer."""
    drawing, axes = plt.subplots(figsize=(8, 4.4), layout="constrained")
    for (name, after), color in zip(fields.items(), COLORS, strict=False):
        sizes = [1, *(size for size, _ in after)]
        look = {"linestyle": "--", "marker": "s"} if name == "yours" else {"marker": "o"}
        axes.plot(sizes, color=color, label=name, **look)
        axes.annotate(f"{sizes[-1]}", (len(sizes) - 1, sizes[-1]), (6, 2), color=color,
                      textcoords="offset points")  # fmt: skip
    axes.set(xlabel="layer", ylabel="pixels that one number sees, in a row")
    axes.legend(loc="upper left")
    drawing.suptitle("With stride 2 in every layer the receptive field soon grows fastest")
    return drawing


@figure
def bells(equal, random):
    """Gradients in the field: as pictures, and along its middle row."""
    drawing, rows = plt.subplots(2, 3, figsize=(12, 7.4), layout="constrained",
                                 width_ratios=[1, 1, 1.5])  # fmt: skip
    for axes, kind in zip(rows, equal, strict=True):
        side = len(equal[kind])
        for place, field, name in zip(axes, (equal[kind], random[kind]), ("equal", "random"),
                                      strict=False):  # fmt: skip
            _bare(place, field, f"{kind}: {name} weights", cmap="magma", vmin=0)
            color = {"equal": NO, "random": YES}[name]
            offsets = np.arange(side) - side // 2
            line = field.sum(axis=0)
            axes[2].plot(offsets, 100 * line / line.sum(), color=color, label=f"{name} weights")
        axes[2].set(xlabel="pixels from the middle", ylabel="% of the gradient in this column",
                    xlim=(-32, 32))  # fmt: skip
        axes[2].set_ylim(bottom=0)
        axes[2].axvspan(-side / 2, side / 2, color="0.92", zorder=-1)
        axes[2].set_title(f"{kind}: the field (grey) has {side} columns", fontsize=11)
    rows[0, 2].legend(loc="upper right")
    drawing.suptitle(
        "How much each pixel counts: a bell with stride 1, far more even with stride 2"
    )
    return drawing


@figure
def as_dense(matrix):
    """A convolution as the matrix of a dense layer."""
    drawing, (left, right) = plt.subplots(1, 2, figsize=(13, 4), width_ratios=[2.6, 1],
                                          layout="constrained")  # fmt: skip
    limit = abs(matrix).max()
    shades = {"cmap": DIVERGING, "vmin": -limit, "vmax": limit, "interpolation": "nearest"}
    left.imshow(matrix.T, aspect="auto", **shades)
    left.set(xlabel="784 pixels of the picture", ylabel="169 numbers of the feature map")
    left.add_patch(Rectangle((0, -0.5), 120, 12, fill=False, edgecolor="black", linewidth=1.5))
    right.imshow(matrix.T[:12, :120], aspect="auto", **shades)
    right.set(xlabel="pixels 0 to 119", ylabel="the first 12 numbers", title="framed, magnified")
    drawing.suptitle("A convolution as a dense layer: white weights are 0, the others repeat")
    return drawing


def _tiles(axes, rows, gap, **shades):
    """Many small pictures in one.  rows: (rows, columns, H, W) -> the middle of each column"""
    rows = np.pad(rows, ((0, 0), (0, 0), (gap, gap), (gap, gap)), constant_values=np.nan)
    count, columns, height, width = rows.shape
    axes.imshow(rows.transpose(0, 2, 1, 3).reshape(count * height, columns * width), **shades)
    axes.axis("off")
    return width * (np.arange(columns) + 0.5) - 0.5


@figure
def examples(known, labels, asked, truth):
    """Pictures to learn from, and pictures of the test with the pattern at the right."""
    drawing, rows = plt.subplots(2, 1, figsize=(11.5, 3.9))
    drawing.subplots_adjust(0.03, 0.0, 0.99, 0.81, hspace=0.2)
    shown = (known, labels, "to learn from"), (asked, truth, "test")
    for axes, (pictures, answers, name) in zip(rows, shown, strict=True):
        middles = _tiles(axes, pictures[None, ..., 0], 1, cmap="gray", vmin=-1, vmax=1.6)
        for middle, answer in zip(middles, answers, strict=True):
            axes.text(middle, -0.3, ("upright", "slanted")[answer], ha="center", va="bottom")
        axes.text(-1, 8, name, ha="right", va="center", rotation=90)
    drawing.suptitle("One of two crosses, in noise: learn from one half, answer for the other")
    return drawing


@figure
def learnt(shared, own, places=(0, 3, 6, 8, 11)):
    """The kernels of the convolution, and those of the local layer at places of its row 5."""
    drawing, axes = plt.subplots(figsize=(8.6, 6.4))
    drawing.subplots_adjust(0.01, 0.01, 0.99, 0.84)
    shared = shared.kernel.numpy()[:, :, 0].transpose(2, 0, 1)  # (4, 5, 5)
    own = own.kernel.numpy().reshape(12, 12, 5, 5, 4)[5].transpose(0, 3, 1, 2)  # (12, 4, 5, 5)
    kernels = np.stack([shared, *(own[place] for place in places)], axis=1)  # (4, 6, 5, 5)
    kernels = kernels / abs(kernels).max(axis=(2, 3), keepdims=True)
    middles = _tiles(axes, kernels, 1, cmap=DIVERGING, vmin=-1, vmax=1)
    names = ["shared,\nat all places", *(f"local,\ncolumn {place}" for place in places)]
    for middle, name in zip(middles, names, strict=True):
        axes.text(middle, -0.2, name, ha="center", va="bottom", fontsize=11)
    drawing.suptitle("Learnt kernels: shared ones take the shape of the crosses, local ones hardly")
    return drawing
