"""The drawings of the lesson activations."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from tinynet import plot

from ..session import figure
from .style import COLORS

SHADES = {"sigmoid": COLORS[2], "tanh": COLORS[3], "ReLU": COLORS[4]}


@figure
def curves(z, functions, slopes):
    """Each function, and its slope."""
    drawing, row = plt.subplots(1, 3, figsize=(11, 3.8), layout="constrained", sharey=True)
    for axes, (name, g) in zip(row, functions.items(), strict=True):
        axes.axhline(0, color="black", linewidth=0.5)
        axes.axvline(0, color="black", linewidth=0.5)
        axes.plot(z, g(z), color=SHADES[name], linewidth=2.5, label="g(z)")
        for side in (z < 0, z > 0):  # apart: the slope of ReLU jumps
            label = "slope g'(z)" if side[0] else None
            axes.plot(z[side], slopes[name](z[side]), "--", color="black", label=label)
        steepest = slopes[name](z).max()
        axes.set(title=f"{name}: steepest slope {steepest:.2g}", xlabel="z", ylim=(-1.2, 2.2))
        axes.legend(loc="lower right")
    drawing.suptitle("Three activation functions (solid) and their slopes (dashed)")
    return drawing


@figure
def feature_map(before, after):
    """A table of numbers, before and after ReLU."""
    drawing, row = plt.subplots(1, 2, figsize=(6.4, 3.4), layout="constrained")
    plot.matrix(row[0], before, "input")
    plot.matrix(row[1], after, "max(0, input)")
    for axes in row:
        axes.set(xticks=[], yticks=[])
    drawing.suptitle("ReLU replaces the negative numbers (blue) by 0 (white)")
    return drawing


def _layers(axes, values, label):
    """A number for each layer of each network, on a scale of powers of ten."""
    for name, numbers in values.items():
        layer = np.arange(1, len(numbers) + 1)
        axes.semilogy(layer, np.maximum(numbers, 1e-9), "o-", color=SHADES[name], label=name)
    axes.minorticks_off()
    axes.set(xlabel="layer (1 is next to the input)", ylabel=label, xticks=layer)
    return layer


@figure
def vanishing(relative):
    """The gradient of each layer."""
    drawing, axes = plt.subplots(figsize=(7.5, 4.6), layout="constrained")
    layer = _layers(axes, relative, "size of the gradient (last layer: 1)")
    axes.plot(layer, 0.25 ** (layer[-1] - layer), ":", color="black", label="1/4 in each layer")
    axes.legend(loc="lower right")
    drawing.suptitle("The gradient of each layer, on its way back from the last layer to the first")
    return drawing


def _losses(axes, losses, colors):
    for name, values in losses.items():
        axes.plot(values, color=colors[name], linewidth=2, label=name)
    axes.axhline(np.log(2), color="black", linestyle=":", linewidth=1.2)
    axes.text(len(values) * 0.99, np.log(2) + 0.012, "always 1/2: 0.693", ha="right", va="bottom")
    axes.set(xlabel="step of training", ylabel="loss", ylim=(0, 1))


@figure
def training(losses, layers):
    """The loss of each network while it learns."""
    drawing, axes = plt.subplots(figsize=(8, 4.6), layout="constrained")
    _losses(axes, losses, SHADES)
    axes.legend(loc="center right", bbox_to_anchor=(1, 0.55))
    drawing.suptitle(f"Training with {layers} layers: who learns, and who does not?")
    return drawing


@figure
def reasons(changes, spreads):
    """How much each layer changed in training, and how much its outputs differed before."""
    drawing, row = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
    _layers(row[0], changes, "size of the change / size of the weights")
    _layers(row[1], spreads, "standard deviation over the points, before training")
    row[0].set_title("How much training changes the weights")
    row[1].set_title("How much the outputs differ between points")
    row[0].legend(loc="lower right")
    drawing.suptitle("Two reasons: what each layer learns, and what each layer can tell apart")
    return drawing


@figure
def depths(losses):
    """The loss of sigmoid networks with few and with many layers."""
    drawing, axes = plt.subplots(figsize=(8, 4.6), layout="constrained")
    shades = plt.get_cmap("viridis_r")(np.linspace(0.2, 0.95, len(losses)))
    _losses(axes, losses, dict(zip(losses, shades, strict=True)))
    axes.legend(title="sigmoid layers", loc="lower left")
    drawing.suptitle("Networks with sigmoids: each further layer makes learning slower")
    return drawing
