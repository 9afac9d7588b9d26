"""The drawings of the lesson numbers."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

from ..session import figure
from .style import YES

LUMA = np.float32([0.299, 0.587, 0.114])  # a color as grey


def _picture(axes, picture, title="", numbers=0, fontsize=11):
    """A grey or color picture without ticks.  numbers: their font size, if they are written"""
    shades = {} if picture.ndim == 3 else {"cmap": "gray", "vmin": 0, "vmax": 255}
    axes.imshow(np.asarray(picture), **shades)
    axes.set(xticks=[], yticks=[])
    axes.set_title(title, fontsize=fontsize)
    for (row, column), number in np.ndenumerate(picture) if numbers else ():
        color = "white" if number < 128 else "black"
        axes.text(
            column, row, f"{number:.0f}", ha="center", va="center", color=color, fontsize=numbers
        ).set_in_layout(False)


def _frame(axes, row, column, height=1, width=1):
    place = (column - 0.5, row - 0.5)
    axes.add_patch(Rectangle(place, width, height, fill=False, edgecolor=YES, linewidth=2.5))


@figure
def grid(table, stored, places):
    """The slide's face as a picture, as numbers, and with the misread number in 8 bits."""
    drawing, axes = plt.subplots(1, 3, figsize=(12, 5.9))
    drawing.subplots_adjust(0.005, 0.01, 0.995, 0.87, wspace=0.03)
    _picture(axes[0], table, "what we see")
    _picture(axes[1], table, "what the computer gets", 9)
    _picture(axes[2], stored, "the copy with 256, stored in 8 bits", 9)
    for row, column in places:
        _frame(axes[1], row, column)
        _frame(axes[2], row, column)
    drawing.suptitle("The slide's face is 16 x 12 numbers; in 8 bits a 256 turns black (framed)")
    return drawing


@figure
def shapes(vector, matrix, tensor, wide):
    """The same 64 numbers in four shapes; number 27 is framed."""
    drawing = plt.figure(figsize=(11, 7.6))
    rows = drawing.add_gridspec(
        3, 1, left=0.02, right=0.98, bottom=0.02, top=0.89, hspace=0.28, height_ratios=[1, 9, 6]
    )
    line = drawing.add_subplot(rows[0])
    _picture(line, vector[None], "vector (64,)")
    _frame(line, 0, 27)
    line.set_xlabel(f"number 27 is {vector[27]:g}", color=YES)
    middle = rows[1].subgridspec(1, 2, wspace=0.0)
    square = drawing.add_subplot(middle[0])
    _picture(square, matrix, "matrix (8, 8)", 10)
    _frame(square, 3, 3)
    slices = middle[1].subgridspec(2, 2, hspace=0.25, wspace=0.0).subplots()
    for d, axes in enumerate(slices.flat):
        _picture(axes, tensor[d], f"slice {d} of the tensor (4, 4, 4)", 9)
    _frame(slices[0, 1], 2, 3)
    long = drawing.add_subplot(rows[2])
    _picture(long, wide, "another matrix (4, 16): the wrong width", 10)
    _frame(long, 1, 11)
    drawing.suptitle("The same 64 numbers in four shapes: one shows the picture (frame: number 27)")
    return drawing


@figure
def magnified(photo, corner, size=16):
    """A photograph, a part of it, and a part of this part as numbers."""
    grey = (photo @ LUMA).round()
    top, left = corner
    around = 4 * size  # the part that is shown between
    above = min(max(top - (around - size) // 2, 0), len(grey) - around)
    before = min(max(left - (around - size) // 2, 0), grey.shape[1] - around)
    drawing, axes = plt.subplots(1, 3, figsize=(13, 5.4), width_ratios=[512 / 600, 1, 1])
    drawing.subplots_adjust(0.005, 0.01, 0.995, 0.87, wspace=0.03)
    _picture(axes[0], grey, f"{grey.shape[0]} x {grey.shape[1]} pixels")
    _frame(axes[0], above, before, around, around)
    part = grey[above : above + around, before : before + around]
    _picture(axes[1], part, f"{around} x {around} pixels")
    _frame(axes[1], top - above, left - before, size, size)
    part = grey[top : top + size, left : left + size]
    _picture(axes[2], part, f"{size} x {size} pixels: a table of numbers", 8)
    drawing.suptitle("The photograph in grey, magnified twice, until it is a table of numbers")
    return drawing


@figure
def channels(photo, top=492, left=384, size=10):
    """The three channels, and some pixels of each as numbers."""
    drawing, axes = plt.subplots(2, 4, figsize=(11.5, 6.9), height_ratios=[600 / 512, 1])
    drawing.subplots_adjust(0.005, 0.01, 0.995, 0.9, wspace=0.03, hspace=0.1)
    names = "color", "red: photo[:, :, 0]", "green: photo[:, :, 1]", "blue: photo[:, :, 2]"
    pictures = photo, *photo.transpose(2, 0, 1)
    for (above, below), name, picture in zip(axes.T, names, pictures, strict=True):
        _picture(above, picture, name, fontsize=13)
        part = picture[top : top + size, left : left + size]
        _picture(below, part, "", 0 if picture.ndim == 3 else 8.5)
    arrow = {"arrowstyle": "-|>", "color": "white", "linewidth": 2, "shrinkB": 0}
    axes[0, 0].annotate(
        "these 10 x 10 pixels", (left + size / 2, top + size / 2), (left + 110, 575),
        color="white", fontsize=12, ha="right", arrowprops=arrow,
    )  # fmt: skip
    axes[1, 0].set_title("the 10 x 10 pixels", fontsize=11)
    drawing.suptitle("A color photograph is three tables; a red ribbon is bright in one of them")
    return drawing


@figure
def changed(variants):
    """What arithmetic and another order make of a photograph."""
    drawing, axes = plt.subplots(2, 4, figsize=(11, 7.5))
    drawing.subplots_adjust(0.005, 0.005, 0.995, 0.91, wspace=0.03, hspace=0.11)
    for place, (name, picture) in zip(axes.flat, variants.items(), strict=True):
        _picture(place, picture.astype(np.uint8), name, fontsize=12)
    drawing.suptitle("What we do to the numbers, we do to the picture")
    return drawing
