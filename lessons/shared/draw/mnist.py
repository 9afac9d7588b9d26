"""The drawings of the lesson mnist."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from ..session import figure
from .style import GREY, NO, YES

UNITS = {"rotate": "±{}°", "shift": "±{} of the width", "shear": "±{}°", "zoom": "±{} of the size"}

TILE = 32  # a picture of 28 x 28 pixels, and the gap to the next


def tiled(pictures, columns, below=TILE):
    """One picture of many, on white.  below: from the top of a row to that of the next."""
    down = -(-len(pictures) // columns)
    sheet = np.ones((below * (down - 1) + 28, TILE * columns - 4))
    for i, one in enumerate(pictures):
        y, x = below * (i // columns), TILE * (i % columns)
        sheet[y : y + 28, x : x + 28] = one[..., 0]
    return sheet


def bare(axes):
    axes.set_xticks([])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


@figure
def augmentation(digits, names, settings, changed):
    """Ten digits as they are, and below them what each kind of augmentation makes of them."""
    labels = ["as they are"]
    for name, setting in zip(names, settings, strict=True):
        kind, amount = next(iter(setting.items()))
        alone = len(setting) == 1
        labels.append(f"{name}:\n{UNITS[kind].format(amount)}" if alone else "all four at once")
    labels[1 + names.index("shear")] += ":\nno visible change"
    drawing, axes = plt.subplots(figsize=(9.8, 5.5), layout="constrained")
    axes.imshow(
        tiled([*digits, *np.concatenate(changed)], columns=10), cmap="gray", interpolation="nearest"
    )
    axes.set_yticks(14 + TILE * np.arange(len(labels)), labels)
    bare(axes)
    drawing.suptitle("What the slide's augmentation does to ten digits")
    return drawing


@figure
def lag(running, estimated, left, training, test_running, test_estimated):
    """The averages of the last batch normalization after epoch 1, and what they do to reading."""
    drawing, axes = plt.subplots(1, 3, figsize=(12.5, 4.2), layout="constrained")
    number = max(name for name in running if name.endswith("moving_mean"))
    for place, word, name, start in (
        (axes[0], "mean", number, 0),
        (axes[1], "variance", number.replace("moving_mean", "moving_variance"), 1),
    ):
        x, y = estimated[name], running[name]
        low, high = min(0, x.min()), x.max()
        place.plot([low, high], [low, high], color="black", label="no lag")
        lagging = [left * start + (1 - left) * end for end in (low, high)]
        place.plot(
            [low, high], lagging, ":", color="black", label="if the weights stood still", zorder=3
        )
        place.plot(x, y, ".", color=YES, alpha=0.5, label="one neuron")
        place.set(
            title=f"{word} of 512 neurons, after epoch 1",
            xlabel=f"{word} with 500 training digits",
            ylabel="running average",
        )
        place.legend()
    epochs = np.arange(1, len(training) + 1)
    bars = (
        (training, GREY, "training, mean over the epoch"),
        (test_running, YES, "test, running averages"),
        (test_estimated, NO, "test, averages of 500 training digits"),
    )
    for i, (shares, color, label) in enumerate(bars):
        drawn = axes[2].bar(epochs + 0.27 * (i - 1), shares, 0.25, color=color, label=label)
        form = "{:.0%}" if len(epochs) < 4 else ""
        axes[2].bar_label(drawn, [form.format(share) for share in shares], fontsize=9)
    axes[2].set(xlabel="epoch", ylabel="share read correctly", ylim=(0, 1.45), xticks=epochs)
    axes[2].set_yticks(np.linspace(0, 1, 6))
    axes[2].legend(loc="upper left", fontsize=9)
    drawing.suptitle(
        "The same weights with running averages, and with the averages of 500 training digits"
    )
    return drawing


@figure
def mistakes(pictures, p, labels):
    """The 21 pictures whose right answer has the smallest probability."""
    right = p[np.arange(len(p)), labels]
    worst = np.argsort(right)[:21]
    drawing, axes = plt.subplots(figsize=(9.5, 5.7), layout="constrained")
    axes.imshow(tiled(pictures[worst], columns=7, below=42), cmap="gray", interpolation="nearest")
    for n, i in enumerate(worst):
        text = f"is {labels[i]} ({right[i]:.0%})\nread as {p[i].argmax()} ({p[i].max():.0%})"
        axes.text(14 + TILE * (n % 7), 42 * (n // 7) - 2, text, ha="center", va="bottom")
    bare(axes)
    axes.set_yticks([])
    axes.set_ylim(top=-16)  # room for the words above the first row
    wrong = (p.argmax(axis=1) != labels).sum()
    title = f"The 21 hardest digits, with their probabilities ({wrong} of {len(p):,} are misread)"
    drawing.suptitle(title)
    return drawing


@figure
def softmaxes(leads, pulls, pairs):
    """The pull on the right logit, and the test accuracy of each pair."""
    drawing, (left, right) = plt.subplots(1, 2, figsize=(10.5, 4.2), layout="constrained")
    for (name, pull), color in zip(pulls.items(), (NO, YES), strict=True):
        left.semilogy(leads, pull, color=color, label=name)
    left.set(
        title="pull on the right logit",
        xlabel="right logit, minus the nine others (all equal)",
        ylabel="$-dL/dz$ of the right logit",
    )
    left.legend()
    for pair in pairs:
        right.plot([0, 1], pair, color=GREY, zorder=1)
    for i, color in enumerate((NO, YES)):
        right.plot(np.full(len(pairs), i), pairs[:, i], "o", color=color, markersize=9)
    right.set(
        title="test accuracy; a line joins the same first weights",
        ylabel="share read correctly",
        xlim=(-0.4, 1.4),
    )
    right.set_xticks([0, 1], list(pulls))
    right.grid(axis="y", alpha=0.4)
    drawing.suptitle("One softmax or two: how hard a mistake pulls, and how well the networks read")
    return drawing
