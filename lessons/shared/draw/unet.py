"""The drawings of the lesson unet."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import FancyArrowPatch, Rectangle

import tinynet as tn

from ..session import figure
from .style import GREY, NO, YES


def _maps(axes, x, y, side, maps, largest, color=NO):
    """A stack of maps as a bar: its height is their side, its width how many they are."""
    high, wide = 1.5 * side / largest, 0.15 + 0.012 * maps
    bar = Rectangle((x, y), wide, high, facecolor=color, edgecolor="black", alpha=0.75, zorder=3)
    axes.add_patch(bar)
    axes.text(x + wide / 2, y - 0.07, f"{maps}", ha="center", va="top", fontsize=11)
    return bar


def _arrow(axes, start, end, color, **more):
    style = {"arrowstyle": "-|>", "mutation_scale": 15, "color": color, "linewidth": 2}
    axes.add_patch(FancyArrowPatch(start, end, shrinkA=3, shrinkB=3, zorder=2, **(style | more)))


@figure
def shape(side, channels):
    """The U-Net: the way down on the left, the way up on the right, and the skips between."""
    drawing, axes = plt.subplots(figsize=(10.5, 5.6), layout="constrained")
    large, middle, small = channels
    levels = [3.6, 1.75, 0.45]  # where the maps of a level stand

    def maps(x, level, count, color=NO):
        return _maps(axes, x, levels[level], side / 2**level, count, side, color)

    given, a = maps(0.3, 0, 1, GREY), maps(1.7, 0, large)
    b, c, bottom = maps(2.6, 1, middle), maps(3.6, 2, small), maps(5.3, 2, small)
    from_b = maps(6.7, 1, middle, YES)
    from_c = maps(6.7 + from_b.get_width(), 1, small)
    up_b, from_a = maps(8.5, 1, middle), maps(9.0, 0, large, YES)
    from_up = maps(9.0 + from_a.get_width(), 0, middle)
    up_a, out = maps(10.9, 0, large), maps(12.2, 0, 1, GREY)

    def right(bar):
        return bar.get_x() + bar.get_width(), bar.get_y() + bar.get_height() / 2

    def left(bar):
        return bar.get_x(), bar.get_y() + bar.get_height() / 2

    def below(bar):
        return bar.get_x() + bar.get_width() / 2, bar.get_y() - 0.27

    def above(bar):
        return bar.get_x() + bar.get_width() / 2, bar.get_y() + bar.get_height()

    for start, end in ((given, a), (c, bottom), (from_c, up_b), (from_up, up_a), (up_a, out)):
        _arrow(axes, right(start), left(end), "black")
    for start, end in ((a, b), (b, c)):
        _arrow(axes, below(start), above(end), NO)
    for start, end in ((bottom, from_c), (up_b, from_up)):
        _arrow(axes, above(start), below(end), "#1e8449")
    for start, end in ((a, from_a), (b, from_b)):
        _arrow(axes, right(start), left(end), YES, linestyle="--")
    axes.text(5.5, levels[0] + 0.85, "skip connection", color=YES, ha="center", fontsize=12)
    axes.text(0.42, levels[0] + 1.62, "$x_t$", ha="center", fontsize=14)
    axes.text(12.32, levels[0] + 1.62, r"$\hat{x}_0$", ha="center", fontsize=14)
    for level, y in enumerate(levels):
        now = side // 2**level
        axes.text(-0.9, y + 0.7 / 2**level, f"{now} x {now}", ha="center", fontsize=12)
    for i, (color, words) in enumerate(
        (("black", "convolution 3 x 3"), (NO, "convolution 3 x 3, stride 2"),
         ("#1e8449", "upsampling"), (YES, "copied, put beside the others"))
    ):  # fmt: skip
        y = 1.5 - 0.33 * i
        _arrow(axes, (9.7, y), (10.5, y), color, linestyle="--" if color == YES else "-")
        axes.text(10.6, y, words, va="center", fontsize=11)
    axes.set(xlim=(-1.6, 13.6), ylim=(0, 5.6))
    axes.set_axis_off()
    drawing.suptitle("The U-Net: bars are stacks of maps, below each the number of its maps")
    return drawing


def _one_each(labels):
    """The first picture of each label."""
    return [int(np.flatnonzero(labels == label)[0]) for label in range(10)]


@figure
def guesses(test, labels, guesses):
    """A test picture of each label, with little noise, and what the networks make of it."""
    one = _one_each(labels)
    rows = {"test picture": test[one], "$x_t$ at t = 10": guesses["x_t itself"][one].clip(-1, 1)}
    networks = ("linear", "dense network", "without skips", "U-Net")
    rows |= {name: guesses[name][one].clip(-1, 1) for name in networks}
    return tn.plot.rows(rows, "Without skip connections, fine details are lost", limits=(-1, 1))


@figure
def lies(test, labels, noisy, told):
    """Pictures of one time, and the guesses of the U-Net that is told this time or another one."""
    one = _one_each(labels)
    rows = {"test picture": test[one], "$x_t$, really t = 50": noisy[one].clip(-1, 1)}
    rows |= {name + " (true)" * (name == "told t = 50"): x[one] for name, x in told.items()}
    title = "Told too little noise, the U-Net keeps it. Told too much, it guesses smooth clothes"
    return tn.plot.rows(rows, title, limits=(-1, 1))


def _sheet(axes, pictures, title):
    """Rows of ten pictures, one of each label in a row.  (10, rows, side, side)"""
    rows, side = pictures.shape[1:3]
    sheet = np.ones((rows, side + 1, 10, side + 1), np.float32)
    sheet[:, :side, :, :side] = pictures.transpose(1, 2, 0, 3)
    axes.imshow(sheet.reshape(rows * (side + 1), -1)[:-1, :-1], cmap="gray", vmin=-1, vmax=1,
                interpolation="nearest")  # fmt: skip
    axes.set_title(title)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


@figure
def clothes(made, test, labels, rows=5):
    """The first clothes of each label, of each network and of the test."""
    drawing, places = plt.subplots(2, 2, figsize=(11.5, 6.6), layout="constrained")
    side = test.shape[1]
    for axes, (name, x) in zip(places.flat, made.items(), strict=False):
        _sheet(axes, x.reshape(10, -1, side, side)[:, :rows], name)
    of_labels = [test[labels == label][:rows, ..., 0] for label in range(10)]
    _sheet(places[1, 1], np.stack(of_labels), "test pictures, not drawn by a network")
    drawing.suptitle("Clothes as asked, out of the same noise, by three networks")
    return drawing


@figure
def copies(made, real):
    """For each label the drawn picture that is most like a training picture."""
    x, y = made.reshape(len(made), -1), real.reshape(len(real), -1)
    squares = (x**2).sum(axis=1)[:, None] + (y**2).sum(axis=1) - 2 * x @ y.T
    of_labels = squares.min(axis=1).reshape(10, -1)
    suspects = np.arange(10) * of_labels.shape[1] + of_labels.argmin(axis=1)
    rows = {
        "by the U-Net": made[suspects],
        "nearest training picture": real[squares[suspects].argmin(axis=1)],
    }
    title = "For each label, the picture by the U-Net that is most like a training picture"
    return tn.plot.rows(rows, title, limits=(-1, 1))
