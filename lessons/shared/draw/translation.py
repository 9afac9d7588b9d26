"""The drawings of the lesson translation."""

from __future__ import annotations

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np

from ..session import figure
from . import boxes
from .style import GREY, NO, YES

GREEN = "#1e8449"
LINES = {"GRU": (NO, "-"), "plain RNN": ("#b9770e", "--"), "GRU with attention": (YES, "-")}


@figure
def network(english, portuguese):
    """The encoder and the decoder, unrolled, with the words of one number."""
    english, portuguese = english.split(), portuguese.split()
    said = [*portuguese, "(end)"]
    before = ["(start)", *portuguese]
    S, T, step = len(english), len(said), 1.28
    drawing, axes = boxes.paper(step * (S + T) + 0.1, 3.0)
    states = []
    for i in range(S + T):
        x = step * (i + 0.5)
        encoder = i < S
        name = f"$s_{{{i + 1}}}$" if encoder else f"$h_{{{i - S + 1}}}$"
        fed = english[i] if encoder else before[i - S]
        word = boxes.box(axes, (x, 0.4), fed, width=1.15)
        color = "#d6e5f3" if encoder else "#f7dcd8"
        states.append(boxes.box(axes, (x, 1.5), name, color=color, edge=NO if encoder else YES))
        boxes.arrow(axes, word, states[-1])
        if not encoder:
            answer = boxes.box(axes, (x, 2.6), said[i - S], width=1.15, edge=YES)
            boxes.arrow(axes, states[-1], answer)
    for i, (a, b) in enumerate(pairwise(states)):
        handed = i == S - 1
        boxes.arrow(axes, a, b, color=GREEN if handed else GREY, width=3.5 if handed else 1.8)
    style = {"ha": "center", "fontsize": 12, "va": "center"}
    axes.text(step * 1.5, 2.1, "the encoder reads", color=NO, **style)
    style["ha"] = "right"
    text = "the last state is\nall that is handed on"
    axes.text(step * S + 0.1, 2.1, text, color=GREEN, **style)
    drawing.suptitle("The encoder reads the English words, then the decoder writes the Portuguese")
    return drawing


def _curves(axes, curves, baseline):
    for name in [name for name in LINES if name in curves]:
        color, line = LINES[name]
        epochs = np.arange(1, len(curves[name]) + 1)
        axes.plot(epochs, curves[name], line, color=color, linewidth=2.2, label=name)
    axes.axhline(baseline, color=GREY, linestyle=":", linewidth=2, label="best dictionary")
    axes.set(xlabel="epoch", ylim=(-0.03, 1.03), ylabel="share of unseen numbers that are right")
    axes.grid(alpha=0.3)


@figure
def learning(curves, baseline):
    """The share of unseen numbers that are right, after each epoch."""
    drawing, axes = plt.subplots(figsize=(8.5, 4.4), layout="constrained")
    _curves(axes, curves, baseline)
    axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5))
    drawing.suptitle("The numbers that were never seen: how many are right in every word?")
    return drawing


def _beside(text, cloud, points, taken, page):
    """Put the text near its cloud, where it covers the fewest points and no other text (pixels)."""
    middle, best = np.median(cloud, axis=0), None
    for distance in range(15, 200, 5):
        for angle in np.pi / 2 + np.linspace(0, 2 * np.pi, 24, endpoint=False):
            place = middle + distance * np.array([np.cos(angle), np.sin(angle)])
            text.set_position(text.axes.transData.inverted().transform(place))
            box = text.get_window_extent().padded(9)
            inside = page.x0 < box.x0 and box.x1 < page.x1 and page.y0 < box.y0 and box.y1 < page.y1
            free = inside and not any(box.overlaps(other) for other in taken)
            covered = ((points > box.min) & (points < box.max)).all(axis=1).sum()
            cost = 1000 * covered + distance + 1e6 * (not free)
            if best is None or cost < best[0]:
                best = cost, text.get_position(), box
    text.set_position(best[1])
    taken.append(best[2])


@figure
def states(places, hundreds):
    """The map of the encoder's last states: a point for each number, with the hundreds digit."""
    drawing, axes = plt.subplots(figsize=(8, 6.2), layout="constrained")
    axes.scatter(*places.T, c=hundreds, cmap="viridis", vmin=0, vmax=9, s=14)
    even = (np.arange(1000) % 100 == 0) & (hundreds > 0)
    axes.scatter(*places[even].T, s=45, color="none", edgecolor="black", label="100, 200, ..., 900")
    axes.set(xlabel="along the first direction", ylabel="along the second direction")
    axes.margins(x=0.08, y=0.1)
    axes.legend(loc="best")
    drawing.suptitle("The encoder's last state for the numbers from 0 to 999")
    drawing.canvas.draw()  # now the points have their places on the paper
    pixels, corners = axes.transData.transform(places), axes.get_window_extent()
    taken = [axes.get_legend().get_window_extent()]
    for digit in range(10):
        text = axes.text(0, 0, f"{digit}00s" if digit else "0 to 99", ha="center", va="center",
                         fontsize=11, bbox={"facecolor": "white", "boxstyle": "round,pad=0.2",
                         "edgecolor": plt.get_cmap("viridis")(digit / 9)})  # fmt: skip
        cloud = pixels[(hundreds == digit) & ~even]
        _beside(text, cloud, pixels, taken, corners)
    return drawing


@figure
def attention(english, portuguese, weights):
    """For each number: the weight of each English word, a row for each Portuguese word."""
    pictures = [
        (a.split(), b.split(), w) for a, b, w in zip(english, portuguese, weights, strict=True)
    ]
    sizes = [len(english) + 1.7 for english, _, _ in pictures]
    drawing, row = plt.subplots(1, len(pictures), figsize=(0.9 * sum(sizes), 6),
                                layout="constrained", width_ratios=sizes)  # fmt: skip
    tall = max(len(portuguese) for _, portuguese, _ in pictures) + 1
    for axes, (english, portuguese, weights) in zip(row, pictures, strict=True):
        said = [*portuguese, "(end)"]
        shown = weights[: len(said), : len(english)]
        image = axes.imshow(shown, cmap="Blues", vmin=0, vmax=1, aspect="equal")
        axes.set_xticks(range(len(english)), english, rotation=40, ha="left", fontsize=11)
        axes.set_yticks(range(len(said)), said, fontsize=11)
        axes.xaxis.tick_top()
        axes.tick_params(length=0)
        axes.set_ylim(tall - 0.5, -0.5)
        for t, j in np.ndindex(shown.shape):
            color = "white" if shown[t, j] > 0.55 else "black"
            axes.text(j, t, f"{shown[t, j]:.2f}", ha="center", va="center", color=color)
        axes.spines[:].set_visible(False)
    drawing.colorbar(image, ax=row, label="weight of the English word", shrink=0.7)
    drawing.suptitle("Where the decoder looks (columns) when it writes each Portuguese word (rows)")
    return drawing


@figure
def comparison(curves, baseline, sizes):
    """Left: right after each epoch.  Right: right in the end, for states of other sizes."""
    drawing, (left, right) = plt.subplots(1, 2, figsize=(12, 4.8), layout="constrained")
    _curves(left, curves, baseline)
    left.legend(loc="lower right")
    left.set_title("After each epoch")
    numbers = sorted(sizes)
    for i, name in enumerate(("GRU", "GRU with attention")):
        color, line = LINES[name]
        shares = [sizes[number][i] for number in numbers]
        right.plot(numbers, shares, line, color=color, marker="os"[i], linewidth=2.2, label=name)
    right.set_xscale("log")
    right.set_xticks(numbers, numbers)
    right.minorticks_off()
    right.set(xlabel="numbers in the state", ylim=(-0.03, 1.03), title="In the end")
    right.grid(alpha=0.3)
    right.legend(loc="lower right")
    drawing.suptitle(
        "Unseen numbers that are right: attention learns faster, and a smaller state is enough"
    )
    return drawing
