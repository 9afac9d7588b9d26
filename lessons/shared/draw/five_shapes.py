"""The drawings of the lesson five_shapes."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Patch

from ..session import figure
from .style import GREY, NO, YES

WIDE, COLUMN = 1.06, 1.16  # of a box, and from one column to the next, in inches
LEVELS = {"in": 0.55, "state": 1.35, "out": 2.1}  # the middle of each box above the row's foot
SHADES = {"in": ("#f7dcd8", YES), "state": ("#d8eddc", "#1e8449"), "out": ("#d6e5f3", NO)}
ROW = 2.9


@figure
def captions(pictures, truth, written):
    """A test face of each of the kinds, one with a wrong caption if there is one."""
    right = np.array(truth) == np.array(written)
    kinds = [np.flatnonzero(np.array(truth) == text) for text in dict.fromkeys(truth)]
    drawing, axes = plt.subplots(2, 4, figsize=(10, 6.6), layout="constrained")
    for place, faces in zip(axes.flat, kinds, strict=False):
        i = faces[right[faces].argmin()]  # the first wrong one; if there is none, the first
        words = written[i].split()
        lines = [" ".join(words[:4]), " ".join(words[4:])]
        place.imshow(pictures[i])
        place.set_title("\n".join(lines) if right[i] else "wrong:\n" + "\n".join(lines),
                        fontsize=11, color="black" if right[i] else YES)  # fmt: skip
    for place in axes.flat:
        place.set(xticks=[], yticks=[])
        place.spines[:].set_visible(False)
    share = f"{right.sum()} of {len(right)} captions are right"
    drawing.suptitle(f"One face of each kind that never occurred in training ({share})")
    return drawing


@figure
def opinions(pair, good):
    """What the network says of each beginning of two sentences.  good (2, T): p of "good"."""
    drawing, axes = plt.subplots(figsize=(10.5, 4.6), layout="constrained")
    words = [text.split() for text in pair]
    steps = np.arange(1, len(words[0]) + 1)
    for text, p, color, mark in zip(pair, good, (NO, YES), "os", strict=True):
        label = " ".join(text.split())
        axes.plot(steps, p[: len(steps)], color=color, marker=mark, linewidth=2, label=label)
    axes.axhline(0.5, color=GREY, linestyle=":")
    axes.set_xticks(steps, [a if a == b else "" for a, b in zip(*words, strict=True)], fontsize=12)
    for step, a, b in zip(steps, *words, strict=True):
        for word, color, below in ((a, NO, -16), (b, YES, -31)) * (a != b):
            place = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points"}
            axes.annotate(
                word, (step, 0), (0, below), color=color, ha="center", fontsize=12, **place
            )
    axes.set(ylim=(-0.04, 1.04), ylabel='probability of "good"', xlim=(0.6, len(steps) + 0.4))
    axes.set_xlabel("the sentence so far ends with this word", labelpad=22)
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=11, frameon=False)
    drawing.suptitle("The same words in another order: the network changes its opinion")
    return drawing


# -- the five shapes -------------------------------------------------------------------------------


def _box(axes, x, y, kind, content, color="black"):
    """A box with a word or a picture; the heights of its lower and its upper side."""
    fill, edge = SHADES[kind]
    if isinstance(content, str):
        corner, height = (x - WIDE / 2, y - 0.2), 0.4
        style = {"boxstyle": "round,pad=0,rounding_size=0.08", "facecolor": fill}
        axes.add_patch(FancyBboxPatch(corner, WIDE, height, edgecolor=edge, linewidth=1.4, **style))
        axes.text(x, y, content, ha="center", va="center", fontsize=10.5, color=color)
    else:
        H, W = content.shape[:2]
        width = WIDE if W > 2 * H else 0.86
        height = width * H / W
        extent = (x - width / 2, x + width / 2, y - height / 2, y + height / 2)
        axes.imshow(content, extent=extent, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
        frame = plt.Rectangle(extent[::2], width, height, fill=False, edgecolor=edge, linewidth=1.6)
        axes.add_patch(frame)
    return y - height / 2, y + height / 2


def _arrow(axes, start, end, color=GREY, **style):
    axes.add_patch(FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=11, color=color,
                                   shrinkA=1, shrinkB=1, linewidth=1.4, **style))  # fmt: skip


def _diagram(axes, x, foot, title, fed, read, writes, first):
    """One shape.  fed, read: {column: content}.  writes: whether what is read is fed in again.

    first: the number of the state in the first column; None where there is no state.
    """
    y = {level: foot + above for level, above in LEVELS.items()}
    name, _, told = title.partition(": ")
    axes.text(x - WIDE / 2, foot + 2.68, name, fontsize=13, weight="bold", va="center")
    axes.text(x - WIDE / 2, foot + 2.47, told, fontsize=10.5, color=GREY, va="center")
    steps = range(1 + max(*fed, *read))
    states = ["neurons" if first is None else f"$h_{{{first + t}}}$" for t in steps]
    for column, text in enumerate(states):
        here = x + column * COLUMN
        low, high = _box(axes, here, y["state"], "state", text)
        if column + 1 < len(states):
            _arrow(axes, (here + WIDE / 2, y["state"]), (here + COLUMN - WIDE / 2, y["state"]))
        if column in fed:
            below = _box(axes, here, y["in"], "in", fed[column])[1]
            _arrow(axes, (here, below), (here, low))
        if column in read:
            word, color = (
                read[column] if isinstance(read[column], tuple) else (read[column], "black")
            )
            above = _box(axes, here, y["out"], "out", word, color)[0]
            _arrow(axes, (here, high), (here, above))
            if writes and column + 1 < len(states):
                end = (here + COLUMN - 0.3 * WIDE, high)
                _arrow(axes, (here + 0.3 * WIDE, above), end, NO, linestyle=(0, (2, 2)))


@figure
def five_shapes(digit, face, opinion, number, film):
    """The slide's five diagrams, each with the input and the output of its experiment."""
    said = [*face[1], "(end)"]
    english, portuguese = number[0], [*number[1], "(end)"]
    frames, ways, truth = film
    columns = max(2.35 + len(said), len(opinion[0]), len(english) + len(portuguese), len(frames))
    wide, tall = COLUMN * columns + 0.1, 4 * ROW - 0.1
    drawing, axes = plt.subplots(figsize=(wide, tall + 0.4), layout="constrained")
    x, N, last = WIDE / 2 + 0.05, len(english), len(opinion[0]) - 1
    arrows = [f"{'←→'[way]} {('left', 'right')[way]}" for way in ways]
    labels = [
        (text, "black") if way == true else (f"✗ {text}", YES)
        for text, way, true in zip(arrows, ways, truth, strict=True)
    ]
    shapes = [
        (x, 3, None, "one to one: image in, label out",
         {0: digit[0][..., 0]}, {0: str(digit[1])}),
        (x + 1.35 * COLUMN, 3, 0, "one to many: image in (it makes $h_0$), a word out at each step",
         {0: face[0]}, dict(enumerate(said, 1))),
        (x, 2, 1, "many to one: a word in at each step, sentiment out after the last",
         dict(enumerate(opinion[0])), {last: "good" if opinion[1] > 0.5 else "bad"}),
        (x, 1, 1, "many to many: first all the English in, then a Portuguese word out at each step",
         dict(enumerate(english)), {N + t: word for t, word in enumerate(portuguese)}),
        (x, 0, 1, "many to many: a frame of a video in and a label out at each step",
         dict(enumerate(frames)), dict(enumerate(labels))),
    ]  # fmt: skip
    for number, (left, row, first, title, fed, read) in enumerate(shapes):
        _diagram(axes, left, row * ROW, title, fed, read, number in (1, 3), first)
    keys = {"out": "read out", "state": "state of the cell", "in": "fed in"}
    patches = [
        Patch(facecolor=SHADES[k][0], edgecolor=SHADES[k][1], label=v) for k, v in keys.items()
    ]
    back = plt.Line2D([], [], color=NO, linestyle=(0, (2, 2)), label="fed in at the next step")
    wrong = plt.Line2D([], [], marker="$✗$", color=YES, linestyle="", label="wrong")
    axes.legend(
        handles=[*patches, back, wrong],
        loc="upper left",
        bbox_to_anchor=(0, 0.01),
        ncols=5,
        fontsize=11,
        frameon=False,
    )
    axes.set(xlim=(0, wide), ylim=(0, tall), aspect="equal")
    axes.set_axis_off()
    drawing.suptitle("The slide's five shapes, each with a real input and what its network answers")
    return drawing
