"""The drawings of the lesson loss."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from ..session import figure
from .style import DIVERGING, GREY, NO, YES

PAIR = {"BCE": "black", "squared error": "#b9770e"}


@figure
def students(f, labels, losses):
    """The two branches of binary cross-entropy, and the slide's students on them."""
    drawing, axes = plt.subplots(figsize=(7, 4.4), layout="constrained")
    p = np.linspace(1e-3, 1 - 1e-3, 999)
    axes.plot(p, -np.log(p), color=YES, label="passed, y = 1:  -log f")
    axes.plot(p, -np.log(1 - p), color=NO, label="failed, y = 0:  -log(1 - f)")
    for i, (x, y, loss) in enumerate(zip(f, labels, losses, strict=True), 1):
        color = YES if y else NO
        axes.plot(x, loss, "o", color=color, markeredgecolor="black", markersize=9)
        axes.annotate(f"student {i}\nf = {x:g}: {loss:.2f}", (x, loss),
                      (12 if y else -12, 6), textcoords="offset points", va="bottom",
                      ha="left" if y else "right", fontsize=10)  # fmt: skip
    axes.set(xlabel="prediction f: the probability to pass", ylabel="loss", xlim=(0, 1))
    axes.set_ylim(0, max(4, max(losses) * 1.2))
    axes.legend(loc="upper center")
    drawing.suptitle("Binary cross-entropy of three students: small where f is near the label")
    return drawing


@figure
def punish(predictions, marked):
    """Both losses of a student who passed, and how fast they fall when z grows."""
    drawing, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4.2), layout="constrained")
    losses = {"BCE": lambda f: -np.log(f), "squared error": lambda f: (1 - f) ** 2}
    falls = {"BCE": lambda f: 1 - f, "squared error": lambda f: 2 * (1 - f) ** 2 * f}
    for axes, functions in ((left, losses), (right, falls)):
        for name, function in functions.items():
            axes.plot(predictions, function(predictions), color=PAIR[name], linewidth=2, label=name)
            y = function(marked)
            axes.plot(marked, y, "o", color=PAIR[name])
            up = 4 if name == "BCE" else -10 if axes is right else 6
            axes.annotate(f"f = {marked:g}: {y:.2f}", (marked, y), (10, up),
                          textcoords="offset points", color=PAIR[name])  # fmt: skip
        axes.set(xlabel="prediction f", xlim=(-0.02, 1))
        axes.legend(loc="upper right")
    left.set(title="loss of a student who passed (y = 1)", ylabel="loss", ylim=(0, 5.2))
    right.set(title="minus its slope: how fast it falls when z grows", ylabel="loss per unit of z")
    right.set_ylim(-0.08, 1.1)
    drawing.suptitle(
        "The worst predictions: BCE is large and falls fast, the squared error hardly falls"
    )
    return drawing


@figure
def training(histories, rule):
    """The BCE of four neurons while they learn."""
    drawing, axes = plt.subplots(figsize=(7.6, 4.4), layout="constrained")
    for name, history in histories.items():
        loss = name.split(",")[0]
        style = "--" if name.endswith("from 0") else "-"
        axes.plot(history, style, color=PAIR[loss], linewidth=2, label=f"trained with {name}")
    axes.axhline(rule, color=GREY, linestyle=":", label="the rule itself, for new students")
    axes.set(xlabel="step of training", ylabel="BCE of the students\n(logarithmic axis)",
             yscale="log")  # fmt: skip
    ticks = [0.5, 1, 2, 5, 10, 20]
    axes.set_yticks(ticks, [f"{t:g}" for t in ticks])
    axes.minorticks_off()
    drawing.legend(loc="outside lower center", ncols=2, fontsize=9)
    drawing.suptitle("Four neurons learn who passes: the start matters with one loss only")
    return drawing


@figure
def passing(x, passed, asked, answers, w, b):
    """The trained neuron's probabilities, some students, and the slide's three."""
    drawing, axes = plt.subplots(figsize=(7.6, 5.6), layout="constrained")
    lectures, hours = np.meshgrid(np.linspace(0, 6, 121), np.linspace(0, 10, 121))
    p = 1 / (1 + np.exp(-(w[0] * lectures + w[1] * hours + b)))
    colors = axes.contourf(lectures, hours, p, np.linspace(0, 1, 11), cmap=DIVERGING, alpha=0.7)
    drawing.colorbar(colors, label="predicted probability to pass")
    if p.min() < 0.5 < p.max():
        axes.contour(lectures, hours, p, levels=[0.5], colors="black", linewidths=2)
    for label, word, color in ((1, "passed", YES), (0, "failed", NO)):
        axes.plot(*x[:200][passed[:200] == label].T, "o", color=color, markeredgecolor="white",
                  markersize=5, label=word)  # fmt: skip
    for i, (place, answer) in enumerate(zip(asked, answers, strict=True), 1):
        axes.plot(*place, "*", color="gold", markeredgecolor="black", markersize=19)
        axes.annotate(f"student {i}: {answer:.2f}", place, (0, 13), textcoords="offset points",
                      ha="center", bbox={"facecolor": "white", "boxstyle": "round"})  # fmt: skip
    axes.plot([], [], "*", color="gold", markeredgecolor="black", markersize=12, linestyle="",
              label="the slide's three")  # fmt: skip
    axes.set(xlabel="lectures attended", ylabel="hours of work", xlim=(0, 6), ylim=(0, 10))
    drawing.legend(loc="outside lower center", ncols=3)
    axes.set_title("The rule was invented so that the slide's three most probably get 1, 0, 1",
                   fontsize=10)  # fmt: skip
    drawing.suptitle("Will I pass this class?  Learned from invented students (200 are shown)")
    return drawing
