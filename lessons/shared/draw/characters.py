"""The drawings of the lesson characters."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle

from ..session import figure
from .style import DIVERGING, NO, YES


@figure
def perplexities(counted, network, both):
    """The perplexity of the n-grams against n, and lines for the network and the mean of both."""
    drawing, axes = plt.subplots(figsize=(9, 4.6), layout="constrained")
    axes.semilogy(range(len(counted)), counted, "s-", color=NO, linewidth=2, label="n-grams")
    best = int(np.argmin(counted))
    axes.plot(best, counted[best], "o", color="none", markeredgecolor="black", markersize=15)
    for value, name, color in ((network, "the network", YES), (both, "mean of both", "black")):
        axes.axhline(value, color=color, linestyle="--", label=f"{name}: {value:.2f}")
    axes.annotate(f"the best: {counted[best]:.2f}", (best, counted[best]), (0, 14), ha="center",
                  color=NO, textcoords="offset points")  # fmt: skip
    ticks = [tick for tick in (1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 50, 100) if tick > both / 1.5]
    axes.set_yticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.set(
        xlabel="n: the n-gram sees n - 1 characters before it guesses",
        ylabel="perplexity (logarithmic axis)",
    )
    axes.legend()
    drawing.suptitle("Perplexity on held-out text: longer n-grams help only up to a point")
    return drawing


@figure
def quotations(text, values, inside):
    """The passage with the most quotations, each character on the color of a number."""
    begins = range(0, max(1, len(values) - 700), 50)
    begin = max(begins, key=lambda i: np.diff(inside[i : i + 700]).sum())
    begin = 1 + text.rfind("\n", 0, begin + 1)  # of its line
    here = slice(begin, begin + 700)
    lines, x, y = [], 0, 0
    for letter, value, is_inside in zip(text[here], values[here], inside[here], strict=False):
        if letter == "\n" or x == 80:
            x, y = 0, y + 1
        if letter != "\n":
            lines.append((x, y, letter, value, is_inside))
            x += 1
    wide, tall = 1 + max(line[0] for line in lines), y + 1
    drawing, axes = plt.subplots(figsize=(11, 0.36 * tall + 1.3), layout="constrained")
    colors = plt.get_cmap(DIVERGING)
    for x, y, letter, value, is_inside in lines:
        axes.add_patch(Rectangle((x, y), 1, 1, color=colors((value + 1) / 2), linewidth=0))
        white = abs(value) > 0.65
        axes.text(x + 0.5, y + 0.55, letter, ha="center", va="center", fontsize=10.5,
                  family="monospace", color="white" if white else "black")  # fmt: skip
        if is_inside:
            axes.plot([x, x + 1], [y + 0.96] * 2, color="black", linewidth=1.6)
    axes.set(xlim=(0, wide), ylim=(tall, 0))
    axes.set_axis_off()
    label = "the number after the character (its sign is chosen so that red is inside)"
    scale = plt.cm.ScalarMappable(plt.Normalize(-1, 1), colors)
    drawing.colorbar(scale, ax=axes, location="bottom", shrink=0.5, fraction=0.06,
                     pad=0.02, label=label)  # fmt: skip
    drawing.suptitle("One number of the state: where a quotation is open (underlined), it is red")
    return drawing
