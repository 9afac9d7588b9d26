"""Metrics of a score that tells two classes apart, whichever threshold one may choose for it."""

from __future__ import annotations

from typing import Any

import numpy

from .checks import as_scores, on_host


def roc_curve(scores: Any, labels: Any) -> tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]:
    """False and true positive rate at every threshold.  (N,), (N,) -> (T,), (T,), (T,), float64

    An example is said to be positive where its score is at least the threshold.  The thresholds
    fall from infinity, where nothing is positive, over the distinct scores, so that examples of
    equal score are one step of the curve, from (0, 0) to (1, 1).

    scores: (N,) or (N, 1), the higher the surer of class 1.  labels: 0 or 1, or booleans, of the
    same shape.  ValueError for shapes that do not fit, NaN, an empty batch, or one class only.
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


def auc(scores: Any, labels: Any) -> float:
    """How probable it is that a positive example scores higher than a negative one.  -> float

    Equal scores count half.  It is the area under the ROC curve: 1 for two classes well apart, 0.5
    for guessing, 0 where all is the wrong way round.  Computed from the ranks of the scores (the
    statistic of Mann and Whitney), so without a threshold.

    scores, labels: as roc_curve takes them, with the same errors.
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
            "column of the class in question."
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
