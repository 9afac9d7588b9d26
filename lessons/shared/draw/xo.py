"""The drawings of the lesson xo."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from tinynet import plot

from ..session import figure
from .style import NO, YES

LETTERS = "XO"
PAPER_AND_INK = (-1.2, 1.2)  # black and white: one scale for all letters


@figure
def pixels(letter, others):
    """A letter, and others with the pixels marked in which they differ from it."""
    drawing, axes = plt.subplots(1, 3, figsize=(8.4, 3.5), layout="constrained")
    counts = []
    plot.picture(axes[0], letter, "the X", (-1, 1))
    for place, (name, other) in zip(axes[1:], others.items(), strict=True):
        differs = np.argwhere(letter != other)
        counts.append(len(differs))
        plot.picture(place, other, f"{name}: {len(differs)} pixels differ", (-1, 1))
        place.plot(differs[:, 1], differs[:, 0], "x", color=YES, markersize=9, markeredgewidth=2)
    for place in axes:
        place.set_xticks(np.arange(8) + 0.5, minor=True)
        place.set_yticks(np.arange(8) + 0.5, minor=True)
        place.grid(which="minor", color="#555555", linewidth=0.5)
        place.tick_params(which="both", length=0)
    nearer = "closer" if counts[1] < counts[0] else "not closer"
    drawing.suptitle(f"In pixels an O is {nearer} to the X than the moved X is (red: differs)")
    return drawing


@figure
def by_hand(letter, features, steps):
    """Each feature through match, ReLU and pooling.  steps: of (H, W, 3)"""
    columns = ["the X", "feature", "match", "ReLU", "max pool", "max pool again"]
    drawing, axes = plt.subplots(3, 6, figsize=(14.4, 8.35), gridspec_kw=_close(0.915))
    for k, (name, feature) in enumerate(features.items()):
        images = [letter, np.array(feature), *(step[:, :, k] for step in steps)]
        for place, image, column in zip(axes[k], images, columns, strict=True):
            plot.matrix(place, image, name if column == "feature" else column)
    for place in axes[1:, 0]:  # the same X: its numbers stand above
        for number in list(place.texts):
            number.remove()
    drawing.suptitle("An X through three features (cut to two decimals, as on the slide)")
    return drawing


@figure
def nearest(unseen, found, truth, answers, count=10):
    """Unseen letters, and under each the training picture whose pixels differ least."""
    drawing, axes = plt.subplots(2, count, figsize=(1.25 * count, 3.3), layout="constrained")
    for i in range(count):
        color = NO if truth[i] == answers[i] else YES
        plot.picture(axes[0, i], unseen[i], f"an {LETTERS[truth[i]]}", PAPER_AND_INK)
        plot.picture(axes[1, i], found[i], "", PAPER_AND_INK)
        axes[1, i].set_title(f"says {LETTERS[answers[i]]}", color=color, fontsize=10)
    axes[0, 0].set_ylabel("unseen")
    axes[1, 0].set_ylabel("nearest")
    wrong = int((truth[:count] != answers[:count]).sum())
    drawing.suptitle(
        f"{count} unseen letters, and the training picture nearest to each: "
        f"{wrong} have another letter (red)"
    )
    return drawing


@figure
def kernels(learnt, pictures, maps):
    """The learnt kernels, and their maps of an X and of an O."""
    drawing, axes = plt.subplots(3, 7, figsize=(11, 5.4), gridspec_kw=_close(0.875))
    axes[0, 0].set_axis_off()
    for k, kernel in enumerate(learnt):
        plot.matrix(axes[0, k + 1], kernel.round(1) + 0.0, f"kernel {k + 1}")
        limits = (0, max(float(maps[..., k].max()), 1e-6))
        for row in (0, 1):
            plot.picture(axes[row + 1, k + 1], maps[row, :, :, k], f"map {k + 1}", limits)
    for row, name in enumerate(LETTERS):
        plot.picture(axes[row + 1, 0], pictures[row], f"an {name}", PAPER_AND_INK)
    drawing.suptitle("The six kernels that the network found, and what they see")
    return drawing


@figure
def mistakes(pictures, truth, p, most=30):
    """The letters of which the network is least sure.  p: of the true letter"""
    wrong = int((p < 0.5).sum())
    worst = np.argsort(p)[: min(max(10, -(-wrong // 10) * 10), most)]
    titles = [f"{LETTERS[truth[i]]}: {p[i]:.1%}" for i in worst]
    title = (
        f"The network mistakes {wrong} of {len(p):,} unseen letters. "
        "Lowest probability of the true letter first"
    )
    drawing = plot.grid(
        pictures[worst], titles, title, columns=10, width=1.25, limits=PAPER_AND_INK
    )
    for i, place in zip(worst, drawing.axes, strict=False):
        place.title.set_color(YES if p[i] < 0.5 else NO)
    return drawing


def _close(top):
    """Places for many small pictures; "constrained" needs a second for so many."""
    return {"left": 0.01, "right": 0.99, "bottom": 0.01, "top": top, "wspace": 0.05, "hspace": 0.18}
