"""The drawings of the lesson dense."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn
from tinynet import plot

from ..session import figure
from .style import DIVERGING, GREY, NO, YES


@figure
def arithmetic(w, b, inputs, sums):
    """W, and for each input all the numbers that are added up."""
    drawing, row = plt.subplots(1, 1 + len(inputs), figsize=(10, 4.6), layout="constrained")
    plot.matrix(row[0], np.array(w), "W: the last row is missing in the notes")
    frame = {"fill": False, "edgecolor": "black", "linewidth": 3, "clip_on": False}
    row[0].add_patch(plt.Rectangle((-0.5, len(w) - 1.5), len(w[0]), 1, **frame))
    for axes, x, z in zip(row[1:], inputs.values(), sums, strict=True):
        terms = np.array(x)[:, None] * np.array(w)
        plot.matrix(axes, np.vstack([terms, b, z]), f"x = {x}")
        names = [f"$x_{j + 1} w_{{{j + 1},i}}$" for j in range(len(x))]
        axes.set_yticks(range(len(x) + 2), [*names, "bias $b_i$", "sum $z_i$"], fontsize=11)
        axes.set_xticks(range(len(b)), [f"neuron {i + 1}" for i in range(len(b))], fontsize=9)
        axes.tick_params(length=0)
        axes.axhline(len(x) + 0.5, color="black", linewidth=3)
    drawing.suptitle("Each neuron adds up its own column: four products and a bias")
    return drawing


@figure
def network(units, counts):
    """A circle for each input and neuron, and a line for each weight."""
    drawing, axes = plt.subplots(figsize=(9, 4.4), layout="constrained")
    heights = [np.arange(n, 0, -1) - (n + 1) / 2 for n in units]
    for left in range(len(units) - 1):
        for start in heights[left]:
            for end in heights[left + 1]:
                axes.plot([left, left + 1], [start, end], color=GREY, linewidth=1, zorder=1)
    for at, column in enumerate(heights):
        color = "white" if at else "0.85"
        axes.scatter([at] * len(column), column, s=900, color=color, edgecolor="black", zorder=2)
        for number, height in enumerate(column, 1):
            name = f"$x_{number}$" if not at else f"$z_{number}$"
            axes.text(at, height, name, ha="center", va="center", fontsize=12, zorder=3)
        axes.text(at, 2.15, f"Dense({units[at]})" if at else "inputs", ha="center", fontsize=12)
        if at:
            axes.text(at, -2.3, f"{counts[at - 1]}", ha="center", fontsize=12)
    axes.text(0, -2.3, "weights + biases:", ha="center", fontsize=12)
    axes.set(xlim=(-0.5, len(units) - 0.5), ylim=(-2.5, 2.5))
    axes.set_axis_off()
    drawing.suptitle("Every input reaches every neuron: each line is one weight")
    return drawing


def _answers(axes, model, x, yes, title):
    """A network's answers as colors, the border where they are 1/2, and the points."""
    reach = 3.6
    side = np.linspace(-reach, reach, 161, dtype=np.float32)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    y = tn.sigmoid(tn.Tensor(tn.predict(model, grid))).numpy().reshape(len(side), len(side))
    extent = (-reach, reach, -reach, reach)
    colors = axes.imshow(y, cmap=DIVERGING, vmin=0, vmax=1, origin="lower", extent=extent,
                         alpha=0.6)  # fmt: skip
    if y.min() < 0.5 < y.max():
        axes.contour(side, side, y, levels=[0.5], colors="black", linewidths=2)
    for kind, color in ((0, NO), (1, YES)):
        dots = {"s": 14, "color": color, "edgecolor": "white", "linewidth": 0.4}
        axes.scatter(*x[yes[:, 0] == kind].T, **dots)
    axes.set(xlim=(-reach, reach), ylim=(-reach, reach), xlabel="$x_1$", ylabel="$x_2$")
    axes.set_title(title)
    axes.label_outer()
    return colors


@figure
def planes(models, shares, x, yes, width):
    """The same network without and with an activation function."""
    drawing, row = plt.subplots(1, 2, figsize=(11, 5), layout="constrained", sharey=True)
    for axes, (name, model) in zip(row, models.items(), strict=True):
        title = f"{name}: {shares[name]:.1%} of new points right"
        colors = _answers(axes, model, x, yes, title)
    label = "y: the network's answer (1 yes, 0 no)"
    drawing.colorbar(colors, ax=row, label=label, ticks=[0, 0.5, 1])
    drawing.suptitle(
        f"Twice {width} neurons: the border (black) is straight without activation function"
    )
    return drawing


@figure
def sizes(models, shares, x, yes):
    """Networks with ReLU, from few neurons to more."""
    drawing, row = plt.subplots(
        1, len(models), figsize=(3.6 * len(models), 4.2), layout="constrained", sharey=True
    )
    for axes, (width, model) in zip(np.atleast_1d(row), models.items(), strict=True):
        _answers(axes, model, x, yes, f"2 x {width} neurons: {shares[width]:.1%} right")
    drawing.suptitle("With ReLU, more neurons give the border more corners")
    return drawing
