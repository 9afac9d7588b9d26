"""The drawings of the lesson regularization."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from ..session import figure
from .style import COLORS, NO, YES

STRENGTH = {"L2": "lambda", "L1": "lambda", "dropout": "dropout rate", "augmentation": "strength"}


@figure
def by_heart(falling, rising):
    """Both losses after each epoch, and where the test loss is lowest."""
    drawing, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    epochs = np.arange(1, len(falling) + 1)
    axes.plot(epochs, rising, color=YES)
    axes.plot(epochs, falling, color=NO)
    axes.annotate("test digits", (epochs[-1], rising[-1]), (-4, 6), color=YES, ha="right",
                  textcoords="offset points")  # fmt: skip
    axes.annotate("training digits", (epochs[-1], falling[-1]), (-4, 6), color=NO, ha="right",
                  textcoords="offset points")  # fmt: skip
    low = int(np.argmin(rising))
    axes.plot(epochs[low], rising[low], "o", color=YES)
    axes.annotate(f"lowest: epoch {epochs[low]}", (epochs[low], rising[low]), (0, -16),
                  textcoords="offset points", ha="center", fontsize=9)  # fmt: skip
    axes.set(xlabel="epoch", ylabel="loss (cross-entropy)", ylim=0)
    drawing.suptitle("By heart: the training loss falls nearly to 0, the test loss does not")
    return drawing


@figure
def gains(gains):
    """The gain of each training, for each strength of each cure."""
    cures = {cure: [s for c, s in gains if c == cure] for cure in STRENGTH}
    drawing, row = plt.subplots(1, 4, figsize=(11, 4), layout="constrained", sharey=True)
    for axes, color, (cure, strengths) in zip(row, COLORS, cures.items(), strict=False):
        values = np.array([gains[cure, s] for s in strengths])
        places = np.arange(len(strengths))
        axes.axhline(0, color="black", linewidth=1, linestyle=":")
        axes.plot(places, values.mean(axis=1), color=color)
        axes.plot(places, values, "o", color=color, alpha=0.7)
        axes.set_xticks(places, [f"{s:g}" for s in strengths], fontsize=9)
        axes.set(title=cure, xlabel=STRENGTH[cure], xlim=(-0.5, len(strengths) - 0.5))
    row[0].set_ylabel("gain in test accuracy (percentage points)")
    drawing.suptitle("Gain over no cure: one dot for each start, the line is their mean")
    return drawing


@figure
def pixels(maps):
    """The sum of |w| of each pixel."""
    drawing, row = plt.subplots(1, len(maps), figsize=(11, 3.1), layout="constrained")
    top = max(picture.max() for picture in maps.values())
    for axes, (name, picture) in zip(row, maps.items(), strict=True):
        drawn = axes.imshow(picture, cmap="Greys", vmin=0, vmax=top)
        axes.set_title(name, fontsize=10)
        axes.set(xticks=[], yticks=[])
    drawing.colorbar(drawn, ax=row, label="sum of |w| of a pixel")
    drawing.suptitle("With a price, weights of pixels that say nothing become small (white: 0)")
    return drawing
