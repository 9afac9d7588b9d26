"""The drawings of the lesson conditional_gan."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn

from ..session import figure, film
from .style import YES

TILE = 30  # a picture of 28 x 28 pixels, and the gap to the next


def _tiled(rows):
    """Rows of ten digits as one picture, with white gaps.  (R, 10, 784) -> (H, W)"""
    sheet = np.ones((len(rows), TILE, 10, TILE), np.float32)
    sheet[:, :28, :, :28] = rows.reshape(-1, 10, 28, 28).transpose(0, 2, 1, 3)
    return sheet.reshape(-1, 10 * TILE)[:-2, :-2]


def _sheet(axes, rows, names=(), above="Asked:"):
    """Draw rows of ten digits, one for each label.  Returns what imshow returns."""
    axes.set_xticks(14 + TILE * np.arange(10), range(10))
    axes.set_yticks(14 + TILE * np.arange(len(names)), names)
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xlabel(above, fontsize=11, labelpad=7)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    shown = axes.imshow(_tiled(rows), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set(xlim=(-3, 10 * TILE), ylim=(TILE * len(rows), -3))  # room for a frame at the edge
    return shown


def _of(made, columns):
    """Of 1,000 digits, in the order of their labels, those of some z.  -> (R, 10, 784)"""
    return made.reshape(10, 100, 784)[:, columns].transpose(1, 0, 2)


def slant(pictures):
    """By how many pixels a digit leans to the right for each pixel upward.  (N, 784) -> (N,)

    It is the slope of the straight line x = a y + b that fits the ink best.
    """
    ink = pictures / pictures.sum(axis=1, keepdims=True)
    right, up = np.tile(np.arange(28.0), 28), np.repeat(np.arange(28.0)[::-1], 28)
    x, y = ink @ right, ink @ up  # the middle of the ink
    return (ink @ (right * up) - x * y) / (ink @ up**2 - y**2)


@figure
def growth(seen):
    """A digit of each label, each of a z of its own, at some steps."""
    drawing, axes = plt.subplots(figsize=(7.4, 0.66 * len(seen) + 1), layout="constrained")
    ten = 101 * np.arange(10)  # the first 0, the second 1, ...
    rows = np.stack([made[ten] for made in seen.values()])
    _sheet(axes, rows, [f"step {step:,}" for step in seen])
    drawing.suptitle("Ten digits during the training, each from a z of its own")
    return drawing


@film
def training(seen):
    """Ten digits of each of four z, step by step."""
    drawing, axes = plt.subplots(figsize=(6.6, 3.5), dpi=80, layout="constrained")
    drawing.suptitle("A film of the training: each row has one z")
    steps = sorted(seen)
    shown = _sheet(axes, _of(seen[steps[0]], slice(4)), above="Step 0. Asked:")
    for _ in range(5):  # the layout settles
        drawing.canvas.draw()
    drawing.set_layout_engine("none")  # no frame moves it again
    for step in steps:
        shown.set_data(_tiled(_of(seen[step], slice(4))))
        axes.set_xlabel(f"Step {step:,}. Asked:")
        yield drawing


@figure
def hands(made, read, slants):
    """The digits of the first eight z, from the one that leans most to the left."""
    means = slants[:, :8].mean(axis=0)
    order = np.argsort(means)
    drawing, axes = plt.subplots(figsize=(7.4, 6.3), layout="constrained")
    _sheet(axes, _of(made, order), [f"slant {mean:.2f}" for mean in means[order]])
    says = read.reshape(10, 100)[:, order].T
    for row, label in np.argwhere(says != np.arange(10)):
        left, top = TILE * label - 1.5, TILE * row - 1.5
        axes.add_patch(plt.Rectangle((left, top), 30, 30, fill=False, color=YES, linewidth=2))
        box = {"facecolor": YES, "edgecolor": "none", "pad": 1.5}
        axes.text(left + 29, top + 1.5, says[row, label], color="white", fontsize=8, ha="right",
                  va="top", bbox=box)  # fmt: skip
    drawing.suptitle("Each row has one z: the same hand writes the ten digits")
    return drawing


@figure
def control(told, shuffled):
    """Ten digits of each of four z, with right labels in D, and with shuffled ones."""
    drawing, pair = plt.subplots(1, 2, figsize=(11.5, 3.3), layout="constrained")
    drawing.get_layout_engine().set(h_pad=0.13)
    for axes, made, name in zip(pair, (told, shuffled), ("the right", "shuffled"), strict=True):
        _sheet(axes, _of(made, slice(4)), above=f"D gets {name} labels. Asked:")
    drawing.suptitle("The digits are those asked for only if D knows the label (each row: one z)")
    return drawing


@figure
def cheats(means, noisy, made, real, distances):
    """Two cheats, and the generated digit of each label that is most like a training digit."""
    first = 100 * np.arange(10)  # of each label
    suspects = first + distances.min(axis=1).reshape(10, 100).argmin(axis=1)
    pictures = {
        "mean picture": means[first],
        "mean with noise": noisy[first],
        "generated digit": made[suspects],
        "nearest training digit": real[distances[suspects].argmin(axis=1)],
    }
    return tn.plot.rows(
        {name: row.reshape(-1, 28, 28) for name, row in pictures.items()},
        "Two cheats, and the generated digits that are most like a training digit",
        width=0.75,
        limits=(0, 1),
    )
