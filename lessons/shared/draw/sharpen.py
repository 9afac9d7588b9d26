"""The drawings of the lesson sharpen."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from ..session import figure
from .style import DIVERGING, GREY, NO, YES


def _shades(axes, picture, title="", low=0, high=255):
    """A grey or color picture without ticks."""
    if picture.ndim == 3:
        axes.imshow(np.clip(picture, 0, 255).astype(np.uint8))
    else:
        axes.imshow(picture, cmap="gray", vmin=low, vmax=high)
    axes.set_title(title, fontsize=13)
    axes.set(xticks=[], yticks=[])


def _numbers(axes, values, colors, fontsize=14, form="{:g}", **shades):
    """A table of numbers on colored squares."""
    axes.imshow(colors, **shades)
    rows, columns = values.shape
    axes.hlines(np.arange(rows - 1) + 0.5, -0.5, columns - 0.5, color="white", linewidth=1.5)
    axes.vlines(np.arange(columns - 1) + 0.5, -0.5, rows - 0.5, color="white", linewidth=1.5)
    axes.set(xticks=[], yticks=[])
    for (row, column), value in np.ndenumerate(values):
        dark = abs(colors[row, column]) > 0.6 * shades["vmax"]
        _text(axes, column, row, form.format(value), fontsize, "white" if dark else "black")


def _text(axes, x, y, words, fontsize, color, **where):
    where = {"ha": "center", "va": "center"} | where
    axes.text(x, y, words, fontsize=fontsize, color=color, **where)


@figure
def stills(image, kernel, feature_map):
    """The filter at its nine places, and the feature map that they give."""
    image, kernel = np.array(image), np.array(kernel)
    drawing = plt.figure(figsize=(9.9, 7))
    left = drawing.add_gridspec(3, 3, left=0.01, right=0.69, bottom=0.01, top=0.89, hspace=0.17)
    right = drawing.add_gridspec(2, 1, left=0.73, right=0.99, bottom=0.03, top=0.87)
    for (i, j), axes in np.ndenumerate(left.subplots()):
        tint = np.zeros(image.shape)
        tint[i : i + 3, j : j + 3] = np.where(kernel, 0.6, 0.25)
        _numbers(axes, image, tint, 12, cmap="Oranges", vmin=0, vmax=2)
        for (a, b), weight in np.ndenumerate(kernel):
            place, color = (j + b + 0.46, i + a + 0.46), YES if weight else GREY
            _text(axes, *place, f"x{weight}", 7.5, color, ha="right", va="bottom")
        axes.set_title(f"row {i}, column {j}: sum {feature_map[i, j]:g}", fontsize=12)
    top, bottom = right.subplots()
    _numbers(top, kernel, kernel * 0.6, 20, cmap="Oranges", vmin=0, vmax=2)
    top.set_title("the filter", fontsize=14)
    _numbers(bottom, feature_map, feature_map, 20, cmap="Greens", vmin=0, vmax=8)
    bottom.set_title("the feature map", fontsize=14)
    drawing.suptitle("The filter stands at nine places, and each place gives one number")
    return drawing


@figure
def photograph(grey, sharp, edges, brighter, color, sharp_color, edges_color):
    """Both kernels on the whole photograph; and on a part of it, in color."""
    drawing, (above, below) = plt.subplots(2, 4, figsize=(12, 7.1), height_ratios=[600 / 512, 1])
    drawing.subplots_adjust(0.005, 0.01, 0.995, 0.9, wspace=0.03, hspace=0.08)
    names = "grey", "sharpened", "edges", "edges + 100, at most 255"
    for axes, name, picture in zip(above, names, (grey, sharp, edges, brighter), strict=True):
        _shades(axes, picture, name)
    part = slice(60, 260), slice(150, 350)
    sharp_color, edges_color = sharp_color.transpose(1, 2, 0), edges_color.transpose(1, 2, 0)
    names = "a part in color", "each channel sharpened", "edges of each channel", "edges + 100"
    pictures = color, sharp_color, edges_color, edges_color + 100
    for axes, name, picture in zip(below, names, pictures, strict=True):
        _shades(axes, picture[part], name)
    drawing.suptitle("Two kernels of nine numbers on a photograph", fontsize=15)
    return drawing


@figure
def borders(grey, zeros, mirrored):
    """A corner of the photograph, sharpened with two kinds of padding."""
    drawing, all_axes = plt.subplots(1, 3, figsize=(10.5, 4.1))
    drawing.subplots_adjust(0.005, 0.01, 0.995, 0.83, wspace=0.04)
    titles = "photograph", "sharpened, zeros outside", "sharpened, mirrored outside"
    for axes, picture, title in zip(all_axes, (grey, zeros, mirrored), titles, strict=True):
        _shades(axes, picture[:20, -20:], title, low=50)
    drawing.suptitle(
        "20 x 20 pixels at the top right: zeros outside draw a border that is not there"
    )
    return drawing


@figure
def film(steps, kernels, made, errors, wanted, copy):
    """The kernel, step by step, above the picture that it makes."""
    names = [f"step {step}" for step in steps] + ["wanted"]
    drawing, (above, below) = plt.subplots(2, len(names), figsize=(2.5 * len(names), 5.9))
    drawing.subplots_adjust(0.02, 0.05, 0.995, 0.87, wspace=0.04, hspace=0.05)
    limit = np.abs(wanted).max()
    for axes, name, kernel in zip(above, names, [*kernels, wanted], strict=True):
        shown = kernel.round(2) + 0.0  # no -0
        shades = {"cmap": DIVERGING, "vmin": -limit, "vmax": limit}
        _numbers(axes, shown, shown, 14, "{:.2f}" if name != "wanted" else "{:g}", **shades)
        axes.set_title(name, fontsize=15, fontweight="bold" if name == "wanted" else "normal")
    for axes, picture in zip(below, [*made, copy], strict=True):
        _shades(axes, picture[60:170, 30:140])
    for axes, error in zip(below, errors, strict=False):
        axes.set_xlabel(f"error {error:.2f}", fontsize=13)
    above[0].set_ylabel("the kernel", fontsize=14)
    below[0].set_ylabel("the picture that it makes", fontsize=14)
    drawing.suptitle(
        "A kernel learns: it starts as noise, and sees only a photograph and the wanted picture",
        fontsize=16,
    )
    return drawing


@figure
def learning(errors, kernels, kept, wanted):
    """The error and the nine weights, step by step."""
    drawing, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2))
    drawing.subplots_adjust(0.07, 0.12, 0.99, 0.84, wspace=0.16)
    left.semilogy(errors, color="black")
    left.axhline(kept, color=GREY, linestyle="--")
    left.text(len(errors), kept * 1.15, "leave the picture as it is", ha="right", color=GREY)
    left.set(title="how wrong the picture is", xlabel="step", ylabel="error in grey levels")
    left.set_ylim(top=errors.max() * 2)
    weights = kernels.reshape(len(kernels), 9)
    groups = ("middle", YES, [4]), ("sides", NO, [1, 3, 5, 7]), ("corners", GREY, [0, 2, 6, 8])
    for name, color, places in groups:
        drawn = right.plot(weights[:, places], color=color, linewidth=1.2)
        drawn[0].set_label(name)
        for value in set(wanted.ravel()[places].tolist()):
            right.axhline(value, color=color, linestyle=":", linewidth=1)
    right.legend(loc="center right")
    right.set(title="the nine weights (dotted: wanted)", xlabel="step", ylabel="weight")
    drawing.suptitle("The kernel learns: its error and its nine weights, step by step")
    return drawing
