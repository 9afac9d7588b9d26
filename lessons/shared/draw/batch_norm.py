"""The drawings of the lesson batch_norm."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from ..session import figure
from .style import COLORS, GREY, NO, YES

NAMES = ("without batch normalization", "with batch normalization")


@figure
def signals(sent):
    """The size of the signal after each layer, for each factor of the starting weights."""
    drawing, row = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained", sharey=True)
    for i, axes in enumerate(row):
        for (factor, sizes), color in zip(sent.items(), COLORS, strict=False):
            layers = np.arange(1, len(sizes[i]) + 1)
            axes.semilogy(layers, sizes[i], "o-", color=color, label=f"weights x {factor:g}")
            if not i:
                axes.annotate(f"x {factor:g}", (layers[-1], sizes[i][-1]), (7, -4), color=color,
                              textcoords="offset points", fontsize=11)  # fmt: skip
        axes.set(title=NAMES[i], xlabel="layer")
        axes.set_xticks(layers)
        axes.margins(x=0.14)
        axes.grid(alpha=0.3)
    middle = (layers.mean(), sizes[1][0])
    row[1].annotate("the three curves lie on each other", middle, (0, -30), ha="center",
                    textcoords="offset points", fontsize=11)  # fmt: skip
    row[1].legend(loc="upper right")
    row[0].set_ylabel("standard deviation of the outputs")
    drawing.suptitle("A signal on its way through an untrained network")
    return drawing


@figure
def maps(right):
    """Two heat maps, learning rate against starting weights: the share of digits read right."""
    factors, rates = (sorted(set(values)) for values in zip(*right, strict=True))
    drawing, row = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained", sharey=True)
    for i, axes in enumerate(row):
        shares = np.array([[right[factor, rate][i] for rate in rates] for factor in factors])
        colors = axes.imshow(shares, cmap="viridis", vmin=0, vmax=1, origin="lower", aspect="auto")
        for (y, x), share in np.ndenumerate(shares):
            text = f"{share:.3f}" if share else "stopped:\ninfinite loss"
            axes.text(x, y, text, ha="center", va="center", fontsize=12 if share else 9,
                      color="black" if share > 0.5 else "white")  # fmt: skip
        axes.set_xticks(range(len(rates)), [f"{rate:g}" for rate in rates])
        axes.set_yticks(range(len(factors)), [f"x {factor:g}" for factor in factors])
        axes.set(title=NAMES[i], xlabel="learning rate")
    row[0].set_ylabel("starting weights")
    drawing.colorbar(colors, ax=row, label="share of other digits read right")
    drawing.suptitle("For which rates and starting weights does the network learn?")
    return drawing


@figure
def lag(shares):
    """The shares read right after each epoch: of other digits, for two momenta, and in training."""
    drawing, axes = plt.subplots(figsize=(8.5, 4.4), layout="constrained")
    for (name, curve), look in zip(shares.items(), ("o-", "o-", "s--"), strict=True):
        color = {"o-": YES if "0.99" in name else NO, "s--": GREY}[look]
        epochs = range(1, len(curve) + 1)
        axes.plot(epochs, curve, look, color=color, label=name)
    axes.axhline(0.1, color="black", linestyle=":")
    axes.text(epochs[-1], 0.11, "guessing", ha="right", va="bottom")
    axes.set(xlabel="epoch", ylabel="share read right", ylim=(0, 1.02))
    axes.set_xticks(epochs)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 0.15))
    drawing.suptitle("The same weights, but with 0.99 the running averages lag behind")
    return drawing
