"""The confusion matrix: which classes a network takes for which."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy

from ..metrics import confusion_matrix
from .host import on_host

SMALLEST = 6  # points: what is smaller cannot be read


def confusion(
    prediction: Any, target: Any, names: Sequence[str] | None = None, title: str = ""
) -> Any:
    """A figure of the confusion matrix: the rows are the true classes, the columns the predicted.

        plot.confusion(tn.predict(model, x), labels, names=["cat", "dog"])

    prediction: (N, K) scores, logits or probabilities: the largest wins; or class numbers (N,).
    target: integers (N,), or one-hot (N, K).
    names: of the K classes; by default their numbers.
    title: stands above the accuracy.

    Each cell holds the number of its examples, where that can be read.  Its color is their share of
    the row: blue where the prediction is right, red where it is wrong.  The color follows the
    square root of the share, so that one mistake in a hundred is seen.

    ValueError for shapes that do not fit, classes out of range or without a name, NaN, or no
    examples; TypeError for class numbers that are not integers.
    """
    import matplotlib.pyplot as plt

    counts = _counts(on_host(prediction), on_host(target), names)
    K, right, N = len(counts), int(counts.trace()), int(counts.sum())
    share = counts / counts.sum(axis=1, keepdims=True).clip(1)
    color = numpy.sqrt(share) * (1 - 2 * numpy.eye(K))  # below 0, blue, on the diagonal

    called = [str(name) for name in (range(K) if names is None else names)]
    side = min(max(0.55 * K, 2.4), 9)  # of the matrix, in inches
    cell = 72 * side / K  # in points, 72 to the inch
    room = 0.09 * max(map(len, called))  # for the names, in inches
    turned = 72 * room > cell
    wide = max(side + room + 1, 4.5, 0.1 * len(title))
    high = side + (0.7 * room if turned else 0) + 1.6
    figure, axes = plt.subplots(figsize=(wide, high), layout="constrained")
    axes.imshow(color, cmap="RdBu_r", vmin=-1, vmax=1)
    digits = len(f"{counts.max():,}")
    points = min(11, 0.7 * cell, 0.9 * cell / (0.6 * digits))
    for (i, j), n in numpy.ndenumerate(counts):
        if n and points >= SMALLEST:
            ink = "white" if abs(color[i, j]) > 0.7 else "black"
            axes.text(j, i, f"{n:,}", ha="center", va="center", color=ink, fontsize=points)
    step = math.ceil(SMALLEST / (0.6 * cell))  # where names would overlap, some are left out
    points = min(10, 0.6 * step * cell)
    axes.set_xticks(range(0, K, step), called[::step], fontsize=points)
    axes.set_yticks(range(0, K, step), called[::step], fontsize=points)
    if turned:
        plt.setp(axes.get_xticklabels(), rotation=45, ha="right", rotation_mode="anchor")
    axes.set(xlabel="predicted class", ylabel="true class")
    colors = "blue: right, red: wrong; the darker, the larger the share of its row"
    figure.supxlabel(colors, fontsize=8)
    accuracy = f"accuracy {right / N:.1%}: {right:,} of {N:,} right"
    figure.suptitle(f"{title}\n{accuracy}" if title else accuracy, fontsize=11)
    return figure


def _counts(
    prediction: numpy.ndarray, target: numpy.ndarray, names: Sequence[str] | None
) -> numpy.ndarray:
    """The confusion matrix (K, K), with a row and a column for each name."""
    prediction, target = (
        x[:, 0] if x.ndim == 2 and x.shape[1] == 1 else x for x in (prediction, target)
    )
    if prediction.ndim == 1 and prediction.dtype.kind == "f" and prediction.size:
        raise TypeError(
            "confusion: prediction is one float for each example, and must be class numbers or K "
            "scores. Give p > 0.5 for probabilities of class 1, z > 0 for logits."
        )
    if target.ndim == 2 and not numpy.isin(target, (0, 1)).all():
        raise ValueError(
            "confusion: target holds scores, and must hold classes. The prediction comes first: "
            "confusion(prediction, target)."
        )
    counts = confusion_matrix(prediction, target)
    if names is None:
        return counts
    more = len(names) - len(counts)
    if more < 0 or (more and prediction.ndim == 2):
        raise ValueError(
            f"confusion: names must be one for each of {len(counts)} classes, received "
            f"{len(names)}. Name them in the order of their numbers."
        )
    return numpy.pad(counts, (0, more))  # classes that the examples do not have
