"""The drawings of the lesson backprop."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from ..session import figure
from . import boxes
from .style import COLORS, GREY, NO, YES

GREEN, PURPLE = COLORS[2], COLORS[4]  # green: what the walk back finds


@figure
def graph(values, gradients, factors):
    """The network: local factors on the arrows, below each box its value and its gradient."""
    drawing, axes = boxes.paper(10.4, 3.9)
    places = {"x": (0.8, 3.2), "w1": (0.8, 1.5), "z1": (3.5, 3.2), "w2": (3.5, 1.5),
              "y_hat": (6.5, 3.2), "y": (6.5, 1.5), "J": (9.5, 3.2)}  # fmt: skip
    texts = {"x": "$x$", "w1": "$w_1$", "w2": "$w_2$", "y": "$y$", "z1": "$z_1 = w_1 x$",
             "y_hat": r"$\hat{y} = w_2\, g(z_1)$",
             "J": r"$J = \frac{1}{2}(\hat{y} - y)^2$"}  # fmt: skip
    names = {"w1": "w_1", "z1": "z_1", "w2": "w_2", "y_hat": r"\hat{y}", "J": "J"}
    made = {}
    for name, place in places.items():
        lines = [f"{values[name]:.4g}"]
        if name in gradients:
            lines.append((f"$\\partial J/\\partial {names[name]}$ = {gradients[name]:.4f}", GREEN))
        width = 1.5 if len(texts[name]) > 6 else 0.7
        made[name] = boxes.box(axes, place, texts[name], lines, width=width)
    for start, end, slope, factor, color in (
        ("x", "z1", "", "", GREY),
        ("w1", "z1", r"\partial z_1/\partial w_1", "blue", NO),
        ("z1", "y_hat", r"\partial\hat{y}/\partial z_1", "red", YES),
        ("w2", "y_hat", r"\partial\hat{y}/\partial w_2", "g(z1)", GREY),
        ("y_hat", "J", r"\partial J/\partial\hat{y}", "purple", PURPLE),
        ("y", "J", "", "", GREY),
    ):
        label = f"${slope}$\n{factors[factor]:.4f}" if slope else ""
        boxes.arrow(axes, made[start], made[end], label, color)
    style = {"arrowstyle": "-|>", "color": GREEN, "linewidth": 2.5, "mutation_scale": 20}
    axes.annotate("", (0.4, 0.45), (9.9, 0.45), arrowprops=style)
    axes.text(5.2, 0.22, "the walk back: multiply by one local factor after another, from the "
              "right to the left", color=GREEN, ha="center", va="center", fontsize=11)  # fmt: skip
    drawing.suptitle(
        "On the arrows: local factors. Below a box: its value, and its gradient (green)"
    )
    return drawing


@figure
def descent(path, target):
    """The answer, the loss and the weights, step by step."""
    drawing, row = plt.subplots(1, 3, figsize=(11, 3.5), layout="constrained")
    steps = np.arange(len(path))
    row[0].axhline(target, color=GREY, linestyle="--")
    row[0].text(steps[-1], target, "target ", ha="right", va="bottom", color=GREY)
    row[0].plot(steps, path[:, 2], "o-", color="black", markersize=4)
    row[0].set(ylabel=r"answer $\hat{y}$")
    row[0].margins(y=0.12)
    row[1].semilogy(steps, path[:, 3], "o-", color="black", markersize=4)
    row[1].set(ylabel="loss J (logarithmic scale)")
    for i, (name, color) in enumerate((("$w_1$", NO), ("$w_2$", YES))):
        row[2].plot(steps, path[:, i], "o-", color=color, markersize=4)
        row[2].annotate(name, (steps[-1], path[-1, i]), (-4, -14), textcoords="offset points",
                        ha="right", color=color, fontsize=12)  # fmt: skip
    row[2].axhline(0, color=GREY, linewidth=0.5)
    row[2].set(ylabel="weight")
    for axes in row:
        axes.set_xlabel("step")
    drawing.suptitle("Each step moves both weights against their gradients")
    return drawing


@figure
def differences(h, errors):
    """How far a finite difference is from the derivative, for each step h."""
    drawing, axes = plt.subplots(figsize=(7.5, 4.4), layout="constrained")
    for (name, error), color in zip(errors.items(), (COLORS[3], COLORS[0]), strict=True):
        seen = error > 0
        axes.loglog(h[seen], error[seen], ".", color=color, label=name)
    axes.set(xlabel="step h by which the weight is changed",
             ylabel="distance from the chain rule's derivative")  # fmt: skip
    axes.legend(loc="upper center", title="tried out on")
    box = {"facecolor": "white", "edgecolor": GREY, "boxstyle": "round"}
    for x, words, side in ((0.03, "here the rounding\nis too large", "left"),
                           (0.97, "here the loss\nbends too much", "right")):  # fmt: skip
        axes.text(x, 0.06, words, transform=axes.transAxes, ha=side, bbox=box, fontsize=10)
    drawing.suptitle("A finite difference is best at a step that is neither large nor tiny")
    return drawing
