"""The drawings of the lesson autograd."""

from __future__ import annotations

from ..session import figure
from . import boxes
from .style import COLORS, NO, YES

GREEN = COLORS[2]
RIGHT, WRONG = "#d5efd8", "#f6cccc"  # boxes


@figure
def record(steps, gradient, names):
    """The network of the lesson backprop: each value with its number and its gradient."""
    places = {3: (0.8, 3), 4: (4, 3), 2: (5.6, 3), 1: (0.8, 1.3)}  # the given ones; then the rest
    places |= {number: (1.6 * number - 5.6, 1.3) for number in range(5, 11)}
    drawing, axes = boxes.paper(11.2, 3.5)
    made = {}
    for value, _ in steps:
        text = value.operation if value.parents else f"${'_'.join(names[value])}$"
        lines = [f"{value.value:.4f}", (f"{gradient[value]:.4f}", GREEN)]
        made[value] = boxes.box(axes, places[value.number], text, lines, above=str(value.number))
    for value, _ in steps:
        for i, parent in enumerate(value.parents):
            bend = (0.35 if i else -0.35) if value.parents.count(parent) > 1 else 0
            boxes.arrow(axes, made[parent], made[value], bend=bend)
    style = {"arrowstyle": "-|>", "color": GREEN, "linewidth": 2.5, "mutation_scale": 20}
    axes.annotate("", (0.4, 0.35), (10.8, 0.35), arrowprops=style)
    axes.text(5.6, 0.13, "the walk back: from number 10 to number 1", color=GREEN, ha="center",
              va="center", fontsize=11)  # fmt: skip
    drawing.suptitle("The record: above a box its number, below it its value and gradient (green)")
    return drawing


@figure
def walks(walks):
    """e = c + d in three orders: whose turn it is, what is added, and what comes out."""
    places = {"e": (1.7, 4.4), "c": (0.75, 3.1), "d": (2.65, 3.1), "b": (1.7, 1.8), "a": (1.7, 0.5)}
    drawing, row = boxes.paper(3.4, 5.2, columns=len(walks))
    right: dict = {}
    for axes, (order, (names, gradient, steps)) in zip(row, walks.items(), strict=True):
        found = {names[value]: gradient[value] for value in gradient}
        right = right or found
        made = {}
        for name, place in places.items():
            color = RIGHT if found[name] == right[name] else WRONG
            made[name] = boxes.box(axes, place, f"{name}: {found[name]:g}", color=color)
        turns = [value for value, _ in steps]
        for turn, (value, then) in enumerate(steps):
            for parent, pullback in zip(value.parents, value.pullbacks, strict=True):
                label = f"turn {turn + 1}: +{pullback(then):g}"
                color = YES if turns.index(parent) < turn else NO
                boxes.arrow(axes, made[names[value]], made[names[parent]], label, color)
        axes.text(1.7, 5, order, fontsize=13, ha="center", va="center")
    drawing.suptitle("From e back to a. Red arrow: too late. Red box: gradient too small")
    return drawing
