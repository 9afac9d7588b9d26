"""The drawings of the lesson variations."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from ..session import figure
from .style import COLORS, GREY, NO, YES


@figure
def rows(tests):
    """One digit of each class (a column) under each change (a row)."""
    sheet = np.full((30 * len(tests), 300), 1.0, np.float32)  # white lines between the pictures
    for i, (pictures, labels) in enumerate(tests.values()):
        for j in range(10):
            one = pictures[np.argmax(labels == j), :, :, 0]
            sheet[30 * i + 1 : 30 * i + 29, 30 * j + 1 : 30 * j + 29] = one
    drawing, axes = plt.subplots(figsize=(7.4, 8.2), layout="constrained")
    axes.imshow(sheet, cmap="gray", vmin=0, vmax=1)
    axes.set_yticks(30 * np.arange(len(tests)) + 15, list(tests))
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    drawing.suptitle(
        "Ten digits as they are, and changed in nine ways; below, usual and unusual hands"
    )
    return drawing


@figure
def shares(right):
    """For each change, how many digits each method reads."""
    names = list(right)
    drawing, axes = plt.subplots(figsize=(8.5, 5.6), layout="constrained")
    looks = {
        "least squares": (GREY, "v", -0.25), "nearest picture": (GREY, "s", 0.25),
        "plain": (NO, "o", 0), "large shift": (YES, "D", 0), "small shift": (COLORS[2], "^", 0),
    }  # fmt: skip
    height = np.arange(len(names))[::-1]
    for y, name in zip(height, names, strict=True):
        pair = [right[name]["plain"], right[name]["large shift"]]
        axes.plot(pair, [y, y], color="lightgrey", linewidth=6, zorder=0, solid_capstyle="round")
    for method, (color, marker, above) in looks.items():
        values = [right[name][method] for name in names]
        axes.plot(values, height + above, marker, color=color, markersize=8, label=method)
    axes.axvline(0.1, color="black", linestyle=":", linewidth=1)
    axes.text(0.1, height[0] + 0.4, " guessing", ha="left", va="bottom", fontsize=9)
    axes.set_yticks(height, names)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.7, len(names) + 0.1))
    axes.set_xlabel("share of test digits that is read rightly (bar: plain to large shift)")
    axes.grid(axis="x", alpha=0.3)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    drawing.suptitle(
        "A large shift helps with moved, smaller and bent digits, and costs with others"
    )
    return drawing
