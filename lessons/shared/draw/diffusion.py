"""The drawings of the lesson diffusion."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from ..session import figure, film
from .style import COLORS, NO, YES

REACH = 2.6  # the figures show the plane from -REACH to REACH


def _plane(axes, title="", reach=REACH):
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", title=title)
    axes.set(xticks=[], yticks=[])


@figure
def one_step(data, began, before, place, mean, deviation, t):
    """Where the walkers that are at one place now began, and where they were one step before."""
    drawing, row = plt.subplots(1, 2, figsize=(10.5, 5.4), layout="constrained")
    for axes, walkers, color in zip(row, (began, before), (COLORS[2], NO), strict=True):
        axes.plot(*data.T, ".", color="0.85", markersize=2, zorder=0)
        axes.plot(*walkers[:1500].T, ".", color=color, markersize=4, alpha=0.35)
        axes.plot(*place, "x", color="black", markersize=11, markeredgewidth=3, zorder=5)
        _plane(axes)
    angle = np.linspace(0, 2 * np.pi, 100)
    circle = mean + 2 * deviation * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    row[1].plot(*circle.T, color=YES, linewidth=2)
    row[1].plot(*mean, "o", color=YES, markersize=6, zorder=6)
    row[0].set_title("where they began: two pieces of the spiral")
    row[1].set_title(f"where they were at t = {t - 1}: a round cloud")
    row[1].set_xlabel("red: the network's mean, and 2 standard deviations around it")
    row[0].set_xlabel("gray: the spiral")
    drawing.suptitle(f"All walkers that are at the black cross at t = {t}")
    return drawing


@figure
def there_and_back(forward, back, guess_noise):
    """Both chains at five times, and the learned arrows.  forward, back: (N, 2) for each t"""
    T = len(back) - 1
    times = [0, *(max(1, round(share * T)) for share in (0.08, 0.2, 0.5, 1))]
    drawing, rows = plt.subplots(2, len(times), figsize=(15, 6.9), layout="constrained")
    side = np.linspace(-REACH, REACH, 15)[1:-1]
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    for column, t in enumerate(times):
        above, below = rows[:, column]
        above.plot(*forward[t][:2000].T, ".", color=COLORS[2], markersize=2.5, alpha=0.6)
        shade = {"color": NO, "alpha": 0.6} if t == 0 else {"color": "#a9cce3"}
        below.plot(*back[t][:2000].T, ".", markersize=2.5, **shade)
        if t:
            arrows = -guess_noise(grid, t)
            long = np.hypot(*arrows.T)[:, None]
            arrows = arrows / long * long.clip(0.8, 2)  # all of them visible
            below.quiver(*grid.T, *arrows.T, color="black", angles="xy", pivot="middle",
                         scale=30, width=0.007, zorder=3)  # fmt: skip
        _plane(above, f"t = {t}")
        _plane(below)
    rows[0, 0].set_ylabel("the data dissolve", fontsize=12)
    rows[1, 0].set_ylabel("noise condenses", fontsize=12)
    drawing.suptitle(
        "Above, read to the right: the spiral dissolves. Below, read to the left: noise condenses "
        "along the learned arrows"
    )
    return drawing


@film
def condensing(walk, frames):
    """The sampling loop, from noise to the spiral; slower towards the end."""
    drawing, axes = plt.subplots(figsize=(4.6, 4.9), dpi=80, layout="constrained")
    drawing.suptitle("Noise condenses to a spiral")
    T = len(walk) - 1
    for t in np.unique((T * np.linspace(0, 1, frames) ** 2).round().astype(int))[::-1]:
        axes.clear()
        axes.plot(*walk[T - t][:2000].T, ".", color=NO, markersize=2.5)
        _plane(axes, f"t = {t}")
        yield drawing


@figure
def paths(walks, data):
    """The ways from the same five beginnings with each sampler, but for those with eta."""
    names = [name for name in walks if "eta" not in name]
    names.pop(2)  # DDPM with few steps
    walks = {name: walks[name] for name in names}
    drawing, row = plt.subplots(1, len(walks), figsize=(13, 4.9), layout="constrained")
    wanted = np.array([[0.3, 0.2], [-0.6, -0.3], [1.5, 1.4], [-1.7, 1.2], [0.4, -2.1]])[:, None]
    starts = next(iter(walks.values()))[0]
    chosen = ((starts - wanted) ** 2).sum(axis=2).argmin(axis=1)
    reach = max(REACH, 1.08 * max(abs(walk[:, chosen]).max() for walk in walks.values()))
    for axes, (name, walk) in zip(row, walks.items(), strict=True):
        axes.plot(*data.T, ".", color="0.88", markersize=2, zorder=0)
        for i, color in zip(chosen, COLORS, strict=False):
            axes.plot(*walk[:, i].T, color=color, marker=".", markersize=4, linewidth=1.2)
            edge = {"marker": "o", "markersize": 9, "zorder": 4}
            axes.plot(*walk[0, i], color="white", markeredgecolor=color, **edge)
            axes.plot(*walk[-1, i], color=color, markeredgecolor="black", **edge)
        _plane(axes, name, reach)
    drawing.suptitle(
        "From the same five beginnings (white) to the ends (filled): DDPM jumps about, DDIM goes "
        "smoothly"
    )
    return drawing
