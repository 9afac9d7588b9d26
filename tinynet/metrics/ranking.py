"""Metrics of a score that separates two classes, over all thresholds."""

from __future__ import annotations

from typing import Any

import numpy

from .checks import as_scores, of_all, on_host


def roc_curve(scores: Any, labels: Any) -> tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]:
    """False and true positive rate at every threshold.  (N,), (N,) -> (T,), (T,), (T,), float64

    An example is predicted positive if its score is at least the threshold.  The thresholds are
    infinity, where nothing is positive, and then the distinct scores, from the highest down.  The
    curve goes from (0, 0) to (1, 1); examples with equal scores are one step of it.

    scores: (N,) or (N, 1); a higher score means class 1 is surer.  labels: 0 or 1, or booleans,
        (N,) or (N, 1).
    ValueError for shapes that do not fit, NaN, an empty batch, or one class only.
    """
    score, positive = _two_classes("roc_curve", scores, labels)
    distinct, group = numpy.unique(-score, return_inverse=True)  # the highest score first
    hits = numpy.bincount(group[positive], minlength=len(distinct)).cumsum()
    alarms = numpy.bincount(group[~positive], minlength=len(distinct)).cumsum()
    return (
        numpy.concatenate([[0.0], alarms / alarms[-1]]),
        numpy.concatenate([[0.0], hits / hits[-1]]),
        numpy.concatenate([[numpy.inf], -distinct]),
    )


@of_all
def auc(scores: Any, labels: Any) -> float:
    """The probability that a positive example scores higher than a negative one.  -> float

    Equal scores count half.  It is the area under the ROC curve: 1 for separate classes, 0.5 for
    guessing, 0 if every order is wrong.  It is computed from the ranks of the scores (the statistic
    of Mann and Whitney), without a threshold.

    scores, labels: as for roc_curve, with the same errors.
    """
    score, positive = _two_classes("auc", scores, labels)
    _, group, count = numpy.unique(score, return_inverse=True, return_counts=True)
    last = count.cumsum()
    rank = (last - (count - 1) / 2)[group]  # from 1; equal scores share the mean of their ranks
    P, Q = int(positive.sum()), int((~positive).sum())
    return float((rank[positive].sum() - P * (P + 1) / 2) / (P * Q))


def _two_classes(where: str, scores: Any, labels: Any) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Scores (N,) in float64, and whether each example is positive."""
    score = as_scores(where, "scores", scores)
    if score.ndim == 2 and score.shape[1] != 1:
        raise ValueError(
            f"{where}: scores must be (N,), one for each example, received {score.shape}. Give the "
            "column of one class."
        )
    N = len(score)
    truth = on_host(where, "labels", labels)
    if truth.shape not in ((N,), (N, 1)):
        raise ValueError(
            f"{where}: labels must be 0 or 1, of shape ({N},), received {truth.shape}. Give one "
            "for each score."
        )
    if not ((truth == 0) | (truth == 1)).all():
        raise ValueError(
            f"{where}: labels must be 0 or 1, received {truth.min():g} to {truth.max():g}. Give "
            "labels == k for class k."
        )
    positive = truth.reshape(-1) == 1
    if positive.all() or not positive.any():
        raise ValueError(
            f"{where}: all {N} labels are {int(positive[0])}. Give examples of both classes."
        )
    return score.reshape(-1).astype(numpy.float64), positive
