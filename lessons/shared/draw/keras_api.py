"""The drawings of the lesson keras_api."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from tinynet import plot

from ..session import figure
from .style import NO, YES


@figure
def graph(model):
    """A box for each layer; a shared one has a box for each use."""
    return plot.graph(model, "Two inputs, three outputs: a box for each use of a layer")


@figure
def pairs(first, second, said, truths):
    """Eight pairs whose three answers agree, and four whose answers contradict each other."""
    contradict = (said[:, 0] > said[:, 1]) != said[:, 2]
    chosen = [*np.flatnonzero(~contradict)[:8], *np.flatnonzero(contradict)[:4]]
    drawing, grid = plt.subplots(3, 4, figsize=(10, 6.4), layout="constrained")
    for axes in grid.flat:
        axes.set_axis_off()
    for axes, i in zip(grid.flat, chosen, strict=False):
        answer, truth = said[i], truths[i]
        gap = np.ones((28, 4))
        both = np.hstack([first[i].reshape(28, 28), gap, second[i].reshape(28, 28)])
        axes.imshow(both, cmap="gray", interpolation="nearest")
        axes.set_xlim(-6, 66)  # a gap to the next pair
        words = (
            f"{answer[0]}",
            f"{answer[1]}",
            "the first is larger" if answer[2] else "not larger",
        )
        for x, word, wrong in zip((14, 46, 30), words, answer != truth, strict=True):
            down = 35 if x == 30 else -1.5
            color = YES if wrong else NO
            axes.text(x, down, word, ha="center", color=color, fontsize=12)
    drawing.suptitle(
        "Unseen pairs, three answers to each (blue: right, red: wrong); last row: contradictions"
    )
    return drawing
