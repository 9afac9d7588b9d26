"""The drawings of the lesson optimizers."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from ..session import figure
from .style import COLORS

RULES = dict(zip(("SGD", "momentum", "RMSprop", "Adam"), COLORS, strict=False))
MARKS = dict(zip(RULES, ("o", "s", "^", "D"), strict=True))


def _ground(axes, landscape, across, up, levels):
    """Lines of equal height."""
    w1, w2 = np.meshgrid(np.linspace(*across, 61), np.linspace(*up, 61))
    height = landscape(np.stack([w1, w2]))
    axes.contourf(w1, w2, height, levels=levels, cmap="Greys", alpha=0.35, extend="both")
    axes.contour(w1, w2, height, levels=levels, colors="0.6", linewidths=0.6)
    axes.set(xlim=across, ylim=up, xlabel="$w_1$", ylabel="$w_2$")


@figure
def valley(landscape, paths, best, rates):
    """The four paths on one map, each with its best rate, and the distance after each step."""
    drawing, (left, right) = plt.subplots(1, 2, figsize=(12, 5.2), layout="constrained",
                                          width_ratios=[1.4, 1])  # fmt: skip
    paths = {name: path[:, :, best[name]] for name, path in paths.items()}
    everything = np.concatenate(list(paths.values()))
    low, high = everything.min(axis=0), everything.max(axis=0)
    room = 0.08 * (high - low) + 0.1
    box = [(a - r, b + r) for a, b, r in zip(low, high, room, strict=True)]
    _ground(left, landscape, *box, np.geomspace(0.05, 80, 14))
    for name, path in paths.items():
        style = {"color": RULES[name], "marker": MARKS[name], "markersize": 4, "linewidth": 1.3}
        left.plot(*path.T, alpha=0.85, label=f"{name}, rate {rates[best[name]]:g}", **style)
        distance = np.hypot(*path.T)
        right.semilogy(distance, color=RULES[name], linewidth=2)
        right.annotate(name, (len(path) - 1, distance[-1]), (5, -4), color=RULES[name],
                       textcoords="offset points", fontsize=11)  # fmt: skip
    left.plot(*path[0], "o", color="black", markersize=9, zorder=5)
    left.annotate("start", path[0], (-9, 5), textcoords="offset points", fontsize=11, ha="right")
    left.plot(0, 0, "*", color="gold", markeredgecolor="black", markersize=16, zorder=5)
    left.legend(loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=2)
    left.set_title("100 steps down the valley, each rule with its best rate of five")
    right.set(xlabel="step", ylabel="distance from the lowest place", xlim=(0, 132),
              title="The distance after each step")  # fmt: skip
    right.set_xticks([0, 25, 50, 75, 100])
    drawing.suptitle("A long valley: which rules arrive within 100 steps?")
    return drawing


@figure
def saddle(landscape, paths):
    """The four paths near a saddle, and how w2 grows."""
    drawing, (left, right) = plt.subplots(1, 2, figsize=(12, 4.8), layout="constrained")
    _ground(left, landscape, (-0.75, 1.25), (-0.25, 1.35), np.linspace(-0.25, 0.8, 15))
    for name, both in paths.items():
        path = both[:, :, 1]  # from the smaller distance
        style = {"color": RULES[name], "marker": MARKS[name], "markersize": 4, "linewidth": 1.3}
        left.plot(*path.T, label=name, **style)
        right.semilogy(path[:, 1].clip(1e-7), color=RULES[name], linewidth=2, label=name)
    left.plot(*path[0], "o", color="black", markersize=9, zorder=5)
    left.annotate("start", path[0], (0, -19), textcoords="offset points", fontsize=11, ha="center")
    left.plot(0, 0, "X", color="white", markeredgecolor="black", markersize=11, zorder=5)
    left.annotate("saddle", (0, 0), (-10, -16), textcoords="offset points", fontsize=11, ha="right")
    left.plot(0, 1, "*", color="gold", markeredgecolor="black", markersize=16, zorder=5)
    left.legend(loc="upper right")
    left.set_title("A dot for each step")
    right.axhline(0.5, color="black", linestyle=":")
    right.text(85, 0.4, "0.5: here we stop counting", va="top", ha="center", fontsize=9)
    right.set(xlabel="step", ylabel="$w_2$", xlim=(0, 150), title="How $w_2$ grows")
    right.legend(loc="lower right")
    drawing.suptitle(f"A saddle, from $w_2$ = {path[0, 1]:f}: SGD waits, the adaptive rules do not")
    return drawing


@figure
def digits(rates, right):
    """The accuracy against the learning rate, a line for each rule."""
    drawing, axes = plt.subplots(figsize=(9.5, 4.8), layout="constrained")
    for name, row in right.items():
        axes.semilogx(rates, row, color=RULES[name], marker=MARKS[name],
                      markersize=6, linewidth=2, label=name)  # fmt: skip
    axes.axhline(0.1, color="black", linestyle=":")
    axes.text(rates[1], 0.06, "guessing", va="center", ha="center")
    for name, rate in (("SGD", 0.01), ("RMSprop", 0.001), ("Adam", 0.001)):
        label = "the default rate\nof SGD, RMSprop\nand Adam in Keras" if name == "SGD" else None
        axes.plot(rate, right[name][rates.index(rate)], "o", color="none", markeredgecolor="black",
                  markersize=15, label=label)  # fmt: skip
    axes.set_xticks(rates, [f"{rate:g}" for rate in rates])
    axes.minorticks_off()
    axes.set(xlabel="learning rate", ylabel="share of digits read right", ylim=(0, 1))
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    drawing.suptitle("Accuracy against the learning rate: how wide is the range that works?")
    return drawing
