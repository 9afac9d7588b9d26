"""The drawings of the lesson mode_collapse."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from ..session import figure, film
from .style import COLORS, DIVERGING, GREY

FAKES = {"s": 9, "color": "#f7dc6f", "edgecolors": "black", "linewidths": 0.4, "zorder": 3}
LEVELS = np.linspace(0.2, 0.8, 13)


def _plain(axes, title=""):
    axes.set(xlim=(-3, 3), ylim=(-3, 3), aspect="equal", xticks=[-2, 0, 2], yticks=[-2, 0, 2])
    axes.set_title(title, fontsize=10.5)


def _circles(axes, middles):
    """Three sigma around each cluster."""
    for middle in middles:
        axes.add_patch(plt.Circle(middle, 0.3, fill=False, color="black", linewidth=1, zorder=4))


@figure
def baselines(points, middles):
    """What the numbers of the first table look like."""
    N = len(points)
    drawing, row = plt.subplots(1, N, figsize=(3 * N, 3.5), layout="constrained", sharey=True)
    for axes, (name, x) in zip(row, points.items(), strict=True):
        axes.scatter(*x[:600].T, s=5, color=COLORS[0], alpha=0.5)
        _circles(axes, middles)
        _plain(axes, name)
    drawing.suptitle("What to compare with: 600 of the samples each, and circles of 3 sigma")
    return drawing


def _moment(axes, made, said, real, side, title):
    """What D says as a color, some real points, and what G makes."""
    said = said.reshape(len(side), len(side)).clip(LEVELS[0], LEVELS[-1])
    colors = axes.contourf(side, side, said, LEVELS, cmap=DIVERGING)
    axes.scatter(*real[:300].T, s=3, color=GREY, zorder=2)
    axes.scatter(*made[:300].T, **FAKES)
    _plain(axes, title)
    return colors


@figure
def collapse(steps, healthy, slow, real, side):
    """The healthy run above, the collapsed one below, at some steps."""
    N = len(steps)
    drawing, grid = plt.subplots(
        2, N, figsize=(2.5 * N + 1, 5.8), layout="constrained", sharex=True, sharey=True
    )
    for row, (made, said, *_), name in zip(
        grid, (healthy, slow), ("healthy", "slow D"), strict=True
    ):
        for axes, step in zip(row, steps, strict=True):
            colors = _moment(axes, made[step], said[step], real, side, f"{name}, step {step:,}")
    bar = drawing.colorbar(colors, ax=grid, label="$D$: probability of fake", ticks=[0.2, 0.5, 0.8])
    bar.ax.set_yticklabels(["≤ 0.2\nreal", "0.5", "≥ 0.8\nfake"])
    drawing.suptitle("Fakes (yellow) and data (gray): all eight clusters above, a collapse below")
    return drawing


@film
def wandering(steps, healthy, slow, real, side):
    """Both runs at all times that were watched."""
    drawing, row = plt.subplots(1, 2, figsize=(7.6, 4.2), dpi=80, layout="constrained")
    drawing.suptitle("Healthy, and with a slow D: the clump wanders")
    for step in steps:
        for axes, (made, said, *_), name in zip(
            row, (healthy, slow), ("healthy", "slow D"), strict=True
        ):
            axes.clear()
            _moment(axes, made[step], said[step], real, side, f"{name}, step {step:,}")
        yield drawing


@figure
def counts(steps, counts):
    """How many clusters are found, a line for each run."""
    N = len(counts)
    drawing, row = plt.subplots(1, N, figsize=(3.9 * N, 3.5), layout="constrained", sharey=True)
    marks = ("o", "s", "^", "D", "v", "P")
    for axes, (name, runs) in zip(row, counts.items(), strict=True):
        for i, (seed, run) in enumerate(runs.items()):
            axes.plot(steps, run, marks[i % 6] + "-", color=COLORS[i % 8], markersize=4,
                      linewidth=1.2, alpha=0.8, label=f"seed {seed}")  # fmt: skip
        axes.axhline(8, color="black", linewidth=0.8, linestyle=":")
        axes.set(title=name, xlabel="step", ylim=(-0.3, 8.5), yticks=range(0, 9, 2))
    row[0].set_ylabel("clusters found")
    row[0].legend(loc="lower right")
    drawing.suptitle("How many of the eight clusters does G find at each time?")
    return drawing


@figure
def ends(made, middles, seed):
    """What each kind of run makes at its end, and how it is divided among the clusters."""
    N = len(made)
    white = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
    drawing, row = plt.subplots(1, N, figsize=(3.9 * N, 4.1), layout="constrained", sharey=True)
    for axes, (name, x) in zip(row, made.items(), strict=True):
        axes.scatter(*x[:1000].T, s=5, color=COLORS[0], alpha=0.5)
        _circles(axes, middles)
        for middle in middles:
            share = (np.linalg.norm(x - middle, axis=1) < 0.3).mean()
            axes.text(*(middle * 1.36), f"{share:.0%}", ha="center", va="center", fontsize=9,
                      bbox=white, zorder=5)  # fmt: skip
        _plain(axes, name)
        axes.set(xlim=(-3.3, 3.3), ylim=(-3.3, 3.3))
        outside = (abs(x) > 3.3).any(axis=1).mean()
        axes.set_xlabel(f"{outside:.0%} are outside the frame" if outside else "")
    drawing.suptitle(f"The end, seed {seed}: samples, circles of 3 sigma, and the share in each")
    return drawing
