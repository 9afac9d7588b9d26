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
def seen(stacks):
    """From one number of the last layer down to its pixels, for layers of 3 in one dimension."""
    widths = [after[-1][0] + 9 for after in stacks.values()]
    drawing, row = plt.subplots(1, len(stacks), figsize=(12, 4.1), width_ratios=widths)
    drawing.subplots_adjust(0.01, 0.0, 0.99, 0.86, wspace=0.06)
    for axes, (name, after), width in zip(row, stacks.items(), widths, strict=True):
        levels = [(1, 1), *after]
        field = after[-1][0]
        dots = np.array([(field - 1) / 2])  # the number of the last layer, above the middle
        for layer in range(len(after), -1, -1):
            words = "the pixels"
            if layer:
                size, jump = levels[layer]
                words = f"layer {layer}: size {size}, jump {jump}"
                ends = dots[:, None] + np.array([-1, 0, 1]) * levels[layer - 1][1]
                for start, three in zip(dots, ends, strict=True):
                    axes.plot([[start] * 3, three], [[layer] * 3, [layer - 1] * 3], color=NO,
                              linewidth=1, zorder=1)  # fmt: skip
            axes.scatter(dots, [layer] * len(dots), s=50, color=YES)
            axes.text(field - 0.2, layer, words, va="center", fontsize=11)
            dots = np.unique(ends) if layer else dots
        axes.text((field - 1) / 2, len(after) + 0.3, f"{name}: {field} pixels", ha="center",
                  va="bottom", fontsize=12)  # fmt: skip
        axes.set(xlim=(-1, width - 1), ylim=(-0.4, len(after) + 0.6))
        axes.axis("off")
    drawing.suptitle("The pixels that one number of the third layer sees")
    return drawing


@figure
def nested(face, fields):
    """The fields of a number in each layer of the encoder, around the middle of a photograph."""
    drawing, (whole, near) = plt.subplots(1, 2, figsize=(10, 5.4))
    drawing.subplots_adjust(0.01, 0.1, 0.99, 0.88, wspace=0.03)
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
    drawing, axes = plt.subplots(figsize=(9, 5), layout="constrained")
    for i, (name, after) in enumerate(fields.items()):
        sizes = [1, *(size for size, _ in after)]
        axes.plot(sizes, color=COLORS[i], marker="osDv^P"[i], markersize=11 - i,
                  linewidth=4 - 0.5 * i, linestyle="--" if name == "yours" else "-",
                  label=f"{name}: {sizes[-1]} pixels")  # fmt: skip
    axes.set_yscale("log", base=2)
    axes.set_yticks([1, 2, 4, 8, 16, 32, 64], ["1", "2", "4", "8", "16", "32", "64"])
    axes.set(xlabel="after layer (0: the pixels)", ylabel="pixels that one number sees, in a row")
    axes.legend(loc="lower right", title="at the end, in a row")
    drawing.suptitle("With stride 2 in every layer the field about doubles from layer to layer")
    return drawing


@figure
def bells(kinds):
    """Gradients in the field: as pictures, and along a row.  kinds: name -> (equal, random)"""
    drawing, rows = plt.subplots(2, 3, figsize=(12, 7.4), layout="constrained",
                                 width_ratios=[1, 1, 1.5])  # fmt: skip
    for axes, (kind, both) in zip(rows, kinds.items(), strict=True):
        side = len(both[0])
        for place, field, name, color in zip(axes, both, ("equal", "random"), (NO, YES),
                                             strict=False):  # fmt: skip
            _bare(place, field, f"{kind}: {name} weights", cmap="magma", vmin=0)
            line = field.sum(axis=0)
            axes[2].plot(np.arange(side) - side // 2, 100 * line / line.sum(), color=color,
                         linestyle="-" if name == "equal" else "--",
                         label=f"{name} weights")  # fmt: skip
        axes[2].set(xlabel="pixels from the middle", ylabel="% of the gradient in this column",
                    xlim=(-side / 2, side / 2))  # fmt: skip
        axes[2].set_ylim(bottom=0)
        axes[2].set_title(f"{kind}: all {side} columns of the field", fontsize=11)
    rows[0, 2].legend(loc="upper right")
    drawing.suptitle(
        "How much each of 63 x 63 pixels counts: a bell with stride 1, far more even with stride 2"
    )
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
    """Hill and line without noise, and two fields; pictures to learn from, and of the test."""
    drawing, rows = plt.subplots(2, 2, figsize=(12, 4.6), width_ratios=[1.2, 6])
    drawing.subplots_adjust(0.01, 0.01, 0.99, 0.83, hspace=0.22, wspace=0.08)
    shades = {"cmap": "gray", "vmin": -0.6, "vmax": 1.4}
    hill, gap, line = [[0, 0, 1, 0, 0], [0, 1, 1, 1, 0]], [[0] * 5] * 2, [[1] * 5]
    names = "hill on top", "line on top"
    looks = {"5 x 5": (2, 2, 5, "orange", "-"), "3 x 3": (2, 2, 3, "cyan", "--"),
             "": (4, 4, 3, "cyan", "--")}  # fmt: skip
    for axes, pattern, name in zip(rows[:, 0], (hill + gap + line, line + gap + hill), names,
                                   strict=True):  # fmt: skip
        axes.imshow(np.pad(np.array(pattern), 2), **shades)
        axes.axis("off")
        axes.text(4, -0.8, name, ha="center", va="bottom")
        for what, (left, top, side, color, style) in looks.items():
            inside = 0.12 if side == 3 else -0.06  # so that no frame covers another
            axes.add_patch(Rectangle((left - 0.5 + inside, top - 0.5 + inside), side - 2 * inside,
                                     side - 2 * inside, fill=False, edgecolor=color,
                                     linestyle=style, linewidth=2))  # fmt: skip
            axes.text(1.5 if side == 5 else 6.5, 7.5, what, color=color, ha="center",
                      va="center")  # fmt: skip
    shown = (known, labels, "to learn from"), (asked, truth, "test, right half")
    for axes, (pictures, answers, kind) in zip(rows[:, 1], shown, strict=True):
        middles = _tiles(axes, pictures[None, ..., 0], 1, **shades)
        for middle, answer in zip(middles, answers, strict=True):
            axes.text(middle, -0.3, names[answer], ha="center", va="bottom")
        axes.text(-1, 8.5, kind, ha="right", va="center", rotation=90)
    drawing.suptitle(
        "A hill and a line in noise: a field of 5 x 5 sees both, one of 3 x 3 does not"
    )
    return drawing


@figure
def learned(shared, own, places=(0, 3, 8, 11)):
    """The kernels of the convolution, and those of the local layer at places of its row 5."""
    drawing, axes = plt.subplots(figsize=(8, 6.6))
    drawing.subplots_adjust(0.01, 0.01, 0.99, 0.84)
    shared = shared.kernel.numpy()[:, :, 0].transpose(2, 0, 1)  # (4, 5, 5)
    own = own.kernel.numpy().reshape(12, 12, 5, 5, 4)[5].transpose(0, 3, 1, 2)  # (12, 4, 5, 5)
    kernels = np.stack([shared, *(own[place] for place in places)], axis=1)  # (4, 5, 5, 5)
    kernels = kernels / abs(kernels).max(axis=(2, 3), keepdims=True)
    middles = _tiles(axes, kernels, 1, cmap=DIVERGING, vmin=-1, vmax=1)
    names = ["shared,\nat all places", *(f"local,\ncolumn {place}" for place in places)]
    for middle, name in zip(middles, names, strict=True):
        axes.text(middle, -0.2, name, ha="center", va="bottom", fontsize=11)
    drawing.suptitle(
        "Learned kernels: some shared ones show hill and line, those of one place do not"
    )
    return drawing
