"""The drawings of the lesson softmax."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_rgb

from ..session import figure
from .style import COLORS


@figure
def temperature(classes, scores, shares):
    """Scores, and their probabilities at each temperature, as bars."""
    drawing, row = plt.subplots(1, 1 + len(shares), figsize=(11, 3.4), layout="constrained")
    places = np.arange(len(classes))
    colors = COLORS[: len(classes)]
    for axes, (T, p) in zip(row[1:], shares.items(), strict=True):
        bars = axes.bar(places, p, color=colors)
        axes.bar_label(bars, [f"{share:.3f}" for share in p])
        axes.set(
            title=f"T = {T:g}", ylim=(0, 1.12), ylabel="probability" if axes is row[1] else None
        )
        axes.tick_params(labelleft=axes is row[1])
    bars = row[0].bar(places, scores, color=colors)
    row[0].bar_label(bars, [f"{score:g}" for score in scores])
    row[0].axhline(0, color="black", linewidth=0.8)
    row[0].margins(y=0.15)
    row[0].set(title="the scores", ylabel="score")
    for axes in row:
        axes.set_xticks(places, classes)
    drawing.suptitle("The same scores: a low temperature T favors the highest, a high T evens out")
    return drawing


@figure
def regions(grid, chances, line, points, labels, right):
    """The network's probabilities as mixed colors, beside the answers of least squares."""
    drawing, row = plt.subplots(1, 2, figsize=(10.5, 5.2), layout="constrained", sharey=True)
    side = round(len(grid) ** 0.5)
    tones = np.array([to_rgb(color) for color in COLORS[:3]])
    lines = np.eye(3)[line]
    names = ("Dense(3), softmax, cross-entropy", "least squares")
    for axes, p, name, share in zip(row, (chances, lines), names, right, strict=True):
        mixed = 1 - 0.6 * (1 - p @ tones)  # paler than the points
        extent = (grid.min(), grid.max()) * 2
        axes.imshow(mixed.reshape(side, side, 3), origin="lower", extent=extent)
        x1, x2 = grid.reshape(side, side, 2).transpose(2, 0, 1)
        for k in range(3):
            lead = (p[:, k] - np.delete(p, k, axis=1).max(axis=1)).reshape(side, side)
            if lead.min() < 0 < lead.max():
                axes.contour(x1, x2, lead, levels=[0], colors="black", linewidths=1.2)
        for k in range(3):
            axes.plot(*points[labels == k].T, "o", color=COLORS[k], markeredgecolor="white",
                      markersize=5, label=f"class {k}")  # fmt: skip
        axes.set(title=f"{name}: {share:.1%} right", xlabel="$x_1$", ylabel="$x_2$",
                 xlim=extent[:2], ylim=extent[2:])  # fmt: skip
        axes.label_outer()
    drawing.legend(*row[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    drawing.suptitle("Which class wins where: softmax gives the middle class its place")
    return drawing
