"""The drawings of the lesson cycle_gan."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from ..session import figure
from .style import COLORS

UP = np.array([0, 4.6])  # from one level of the figure to the next
THREADS = 12  # of each cluster


@figure
def cycles(x, cluster, y, points, line, shown):
    """Points of X, their translations below them, and what comes back below these."""
    N = len(shown)
    drawing, row = plt.subplots(1, N, figsize=(3.1 * N, 6.6), layout="constrained", sharey=True)
    some = np.concatenate([np.flatnonzero(cluster == k)[:THREADS] for k in range(6)])
    for axes, (weight, seed) in zip(row, shown, strict=True):
        there, back = points[weight, seed]
        levels = [x + UP, there, back - UP]
        for i in some:
            way = np.array([level[i] for level in levels])
            axes.plot(*way.T, color=COLORS[cluster[i]], linewidth=0.6, alpha=0.45, zorder=1)
        axes.scatter(*y[:400].T, s=7, color="#cfd4d9", zorder=0.5)
        for level in levels:
            colors = [COLORS[k] for k in cluster[:400]]
            axes.scatter(*level[:400].T, s=7, c=colors, zorder=2)
        white = {"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.8}
        for k in range(6):
            middle = x[cluster == k].mean(axis=0)
            for place in (1.45 * middle + UP, 1.45 * middle - UP):
                axes.text(*place, k, ha="center", va="center", color=COLORS[k], bbox=white)
            axes.text(line[k, 0], -0.75, k, ha="center", va="center", bbox=white, zorder=3)
        axes.set(xlim=(-3.3, 3.3), ylim=(-8.1, 8.1), aspect="equal", xticks=[])
        axes.set_yticks([UP[1], 0, -UP[1]], ["$x$", "$G(x)$", "$F(G(x))$"], fontsize=12)
        axes.tick_params(length=0)
        name = f"with the cycle, seed {seed}" if weight else f"without the cycle, seed {seed}"
        axes.set_title(name, fontsize=11)
    drawing.suptitle("There and back: only with the cycle do the colors return to their places")
    return drawing


@figure
def clothes(shown, second, source):
    """Given pictures, the right answers, and the answer of each run."""
    bright = shown["kind"]["given"].mean(axis=(1, 2, 3))
    pieces = []
    for kind in (0, 1):  # the first four of each kind that are brighter than its median
        some = np.flatnonzero(second == kind)
        pieces += [*some[bright[some] > np.median(bright[some])][:4]]
    drawing, row = plt.subplots(1, len(shown), figsize=(11.5, 4.0), layout="constrained")
    for axes, (rule, pictures) in zip(row, shown.items(), strict=True):
        sheet = np.ones((16 * len(pictures) - 2, 16 * len(pieces) - 2, 3))
        for i, several in enumerate(pictures.values()):
            for j, one in enumerate(several[pieces]):
                sheet[16 * i : 16 * i + 14, 16 * j : 16 * j + 14] = one.clip(0, 1)
        axes.imshow(sheet, interpolation="nearest")
        axes.set_xticks([])
        axes.set_yticks(7 + 16 * np.arange(len(pictures)), list(pictures), fontsize=11)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        names = {
            "kind": "Colors by kind: the shape tells",
            "coin": "Colors by a coin: the shape tells nothing",
        }
        axes.set_title(names[rule])
    drawing.suptitle(f"{source} in new colors, by the runs with the cycle")
    return drawing
