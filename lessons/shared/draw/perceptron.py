"""The drawings of the lesson perceptron."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from ..session import figure
from .style import DIVERGING, NO, YES


def _colored(axes, grid, answers):
    """The answers as colors, and the line where they are 1/2."""
    size = round(len(grid) ** 0.5)
    x1, x2 = grid.reshape(size, size, 2).transpose(2, 0, 1)
    y = answers.reshape(size, size)
    extent = (x1.min(), x1.max(), x2.min(), x2.max())
    colors = axes.imshow(y, cmap=DIVERGING, vmin=0, vmax=1, origin="lower", extent=extent)
    if y.min() < 0.5 < y.max():
        axes.contour(x1, x2, y, levels=[0.5], colors="black", linewidths=1.2)
    axes.set(xlabel="$x_1$", ylabel="$x_2$")
    return colors


@figure
def plane(grid, sums, answers, point, weights):
    """The answers as colors, the line where the sum is 0, the arrow of the weights, the point."""
    drawing, axes = plt.subplots(figsize=(7, 5.6), layout="constrained")
    colors = _colored(axes, grid, answers)
    drawing.colorbar(colors, label="y: the neuron's answer", ticks=[0, 0.25, 0.5, 0.75, 1])
    for mask, word, color in ((sums > 0, "yes\ny > 1/2", YES), (sums < 0, "no\ny < 1/2", NO)):
        if mask.any():
            box = {"facecolor": "white", "edgecolor": color, "boxstyle": "round"}
            axes.text(*(grid[mask].mean(axis=0) * 1.5), word, ha="center", va="center",
                      fontsize=13, color=color, bbox=box)  # fmt: skip
    on_line = grid[np.argmin(abs(sums) + 0.1 * abs(grid).sum(axis=1))]
    arrow = np.array(weights) / np.hypot(*weights) * 1.3
    style = {"arrowstyle": "-|>", "linewidth": 2.5, "color": "black", "mutation_scale": 20}
    axes.annotate("", on_line + arrow, on_line, arrowprops=style)
    beside = on_line + arrow * 0.7 + arrow[::-1] * np.array([-0.45, 0.45])
    axes.text(*beside, "$(w_1, w_2)$", color="black", fontsize=12, va="center",
              bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8})  # fmt: skip
    here = np.argmin(((grid - np.array(point)) ** 2).sum(axis=1))
    label = f"({point[0]:g}, {point[1]:g}): z = {sums[here]:g}, y = {answers[here]:.3f}"
    axes.plot(*point, "o", color="gold", markeredgecolor="black", markersize=11)
    axes.annotate(
        label, point, (0, 14), textcoords="offset points", ha="center", fontsize=11,
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8},
    )  # fmt: skip
    drawing.suptitle("One neuron divides the plane by one straight line (black: y = 1/2)")
    return drawing


@figure
def walk(way, sums, answers, places):
    """The sum and the answer on a straight walk over the line."""
    drawing, rows = plt.subplots(2, 1, figsize=(7, 4.6), layout="constrained", sharex=True)
    for axes, values, name in zip(rows, (sums, answers), ("sum z", "answer y"), strict=True):
        axes.plot(way, values, color="black")
        axes.axvline(way[50], color="black", linestyle=":")
        axes.plot(way[0], values[0], "o", color=NO if answers[0] < 0.5 else YES, markersize=9)
        axes.plot(way[-1], values[-1], "o", color=YES if answers[-1] > 0.5 else NO, markersize=9)
        axes.set_ylabel(name)
        axes.margins(y=0.15)
    rows[0].axhline(0, color="black", linewidth=0.5)
    rows[0].text(way[50], sums.min(), f" the line, {abs(way[50]):.3f} from the start", va="bottom")
    rows[1].axhline(0.5, color="black", linewidth=0.5)
    for i, side in ((0, "left"), (-1, "right")):
        up = 14 if answers[i] < 0.5 else -18
        x1, x2 = places[i]
        rows[1].annotate(f"at ({x1:.2f}, {x2:.2f}): y = {answers[i]:.3f}", (way[i], answers[i]),
                         (0, up), textcoords="offset points", ha=side, fontsize=9)  # fmt: skip
    rows[1].set_xlabel("distance walked in the direction of the weights")
    drawing.suptitle("A straight walk over the line: z grows evenly, y mostly near the line")
    return drawing


@figure
def variants(grid, answers):
    """The same plane for neurons with other numbers."""
    drawing, row = plt.subplots(
        1, len(answers), figsize=(12, 2.9), layout="constrained", sharey=True
    )
    for axes, (name, y) in zip(row, answers.items(), strict=True):
        colors = _colored(axes, grid, y)
        axes.set_title(name, fontsize=10)
        axes.plot(0, 0, "o", color="white", markeredgecolor="black", markersize=6)
        axes.label_outer()
    drawing.colorbar(colors, ax=row, label="y", ticks=[0, 0.5, 1])
    drawing.suptitle("The bias moves the line away from (0, 0) (white dot), a weight turns it")
    return drawing
