"""The drawings of the lesson dropout."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from ..session import figure
from .style import GREY, NO, YES


@figure
def networks(masks):
    """The same network with two masks: circles for units, crosses where they are switched off."""
    drawing, row = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    for axes, mask, title in zip(row, masks, ("one mask", "another mask"), strict=True):
        on = [np.ones(4, bool), *mask, np.ones(3, bool)]  # inputs, two layers, outputs
        heights = [np.linspace(1, -1, len(layer)) * (len(layer) - 1) / 4 for layer in on]
        for k in range(len(on) - 1):
            for a, y0 in enumerate(heights[k]):
                for b, y1 in enumerate(heights[k + 1]):
                    used = on[k][a] and on[k + 1][b]
                    axes.plot([k, k + 1], [y0, y1], color=GREY if used else "0.9", zorder=used,
                              linewidth=1.1 if used else 0.6)  # fmt: skip
        for k, (layer, places) in enumerate(zip(on, heights, strict=True)):
            shape = "o" if k in (1, 2) else "s"
            axes.scatter([k] * len(layer), places, 420, "white", marker=shape, zorder=3,
                         edgecolors=[NO if used else "0.7" for used in layer],
                         linewidths=1.8)  # fmt: skip
            off = places[~layer]
            axes.scatter([k] * len(off), off, 190, YES, marker="x", zorder=4, linewidths=2.5)
        for k, name in enumerate(("inputs", "units", "units", "outputs")):
            axes.text(k, -1.45, name, ha="center", fontsize=11)
        axes.set(xlim=(-0.4, 3.4), ylim=(-1.6, 1.3), title=title)
        axes.set_axis_off()
    drawing.suptitle("One network, and what two masks leave of it (cross: switched off)")
    return drawing


@figure
def rates(rates, read, losses):
    """Shares of other digits against the rate; and their loss against the epoch."""
    drawing, (left, right) = plt.subplots(1, 2, figsize=(12, 4.6), layout="constrained")
    for case, color in zip(dict.fromkeys(case for case, _ in read), (NO, YES), strict=True):
        left.plot(rates, [read[case, rate] for rate in rates], "o-", color=color, label=case)
        for rate, style in ((0.0, "-"), (0.5, "--")):
            curve = losses[case, rate]
            right.plot(range(1, len(curve) + 1), curve, style, color=color,
                       label=f"{case}, rate {rate:g}")  # fmt: skip
    left.axhline(0.1, color="black", linestyle=":")
    left.text(rates[0], 0.11, "guessing", va="bottom")
    left.set(xlabel="rate", ylabel="share of other digits read right", ylim=(0, 1))
    left.set_xticks(rates)
    left.legend(loc="lower left", bbox_to_anchor=(0.02, 0.2))
    right.set(xlabel="epoch", ylabel="loss of other digits", ylim=(0, None))
    right.legend(loc="upper right")
    drawing.suptitle(
        "How dropout changes the reading of other digits, after right labels and wrong ones"
    )
    return drawing


@figure
def removed(shares, trained):
    """The share of other digits read right against the share of units removed."""
    drawing, axes = plt.subplots(figsize=(7.5, 4.4), layout="constrained")
    for (name, curve), color in zip(trained.items(), (NO, YES), strict=True):
        axes.plot(shares, curve, "o-", color=color, linewidth=2, label=name)
    axes.axhline(0.1, color="black", linestyle=":")
    axes.text(0, 0.11, "guessing", va="bottom")
    axes.set(xlabel="share of the units that are removed", ylim=(0, 1),
             ylabel="share of other digits read right")  # fmt: skip
    axes.set_xticks(shares)
    axes.legend(loc="upper right")
    drawing.suptitle("What two trained networks still read when units are removed")
    return drawing
