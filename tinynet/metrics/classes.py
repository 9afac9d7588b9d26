"""Metrics of classification: how often the right class was predicted, and how surely."""

from __future__ import annotations

from typing import Any

import numpy

from ..messages.arguments import number, whole
from .checks import as_classes, as_matrix, as_scores, on_host, refuse_empty, refuse_fractions


def accuracy(outputs: Any, labels: Any, threshold: float = 0.5) -> float:
    """The share of examples whose predicted class is the right one.  (N, K), labels -> float

    outputs: (N, K) scores, logits or probabilities: the largest wins, the first of equal ones.
        (N,) or (N, 1): one number for each example, class 1 where it is above the threshold.
    labels: integers (N,) in [0, K), or one-hot (N, K).  For outputs (N,) or (N, 1): 0 or 1, (N,) or
        (N, 1).
    threshold: 0.5 for probabilities, 0 for logits.  Between 0 and 1, outputs must be in [0, 1].

    ValueError for shapes that do not fit, labels out of range, NaN, an empty batch, or a threshold
    that is not a finite number.
    """
    cure = "Give 0.5 for probabilities, 0 for logits."
    threshold = number("accuracy", "threshold", threshold, cure=cure)
    scores = as_scores("accuracy", "outputs", outputs)
    if scores.ndim == 1 and scores.max(initial=0) > 1 and (scores % 1 == 0).all():
        raise ValueError(
            "accuracy: outputs are class numbers, and must be scores (N, K). Leave argmax out; of "
            "class numbers it is (numbers == labels).mean()."
        )
    if scores.ndim == 2 and scores.shape[1] > 1:
        truth = as_classes("accuracy", labels, *scores.shape)
        return float((scores.argmax(axis=1) == truth).mean())
    if scores.ndim == 2:
        scores = scores[:, 0]
    if 0 < threshold < 1 and not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError(
            f"accuracy: outputs must be in [0, 1] for threshold {threshold:g}, and lie in "
            f"[{scores.min():g}, {scores.max():g}]. For logits give threshold=0."
        )
    truth = on_host("accuracy", "labels", labels)
    if truth.shape not in (scores.shape, (*scores.shape, 1)):
        raise ValueError(
            f"accuracy: outputs {numpy.shape(outputs)} and labels {truth.shape} do not fit. With "
            f"one output for each example, labels must be 0 or 1, of shape {scores.shape}."
        )
    truth = truth.reshape(-1)
    if not ((truth == 0) | (truth == 1)).all():
        raise ValueError(
            "accuracy: labels must be 0 or 1 for one output for each example, received "
            f"{truth.min():g} to {truth.max():g}. For K classes give outputs (N, K)."
        )
    return float(((scores > threshold) == (truth == 1)).mean())


def top_k(outputs: Any, labels: Any, k: int = 5) -> float:
    """The share of examples whose right class is among the k best.  (N, K), labels -> float

    outputs: (N, K) scores, logits or probabilities.  Of equal ones the lower class number is the
        better one, so top_k(..., k=1) is the accuracy.
    labels: integers (N,) in [0, K), or one-hot (N, K).  k: 1 to K.

    ValueError for shapes that do not fit, labels or k out of range, NaN, or an empty batch.
    """
    scores = as_matrix("top_k", "outputs", outputs)
    N, K = scores.shape
    k = whole("top_k", "k", k, most=K, cure="Give 1 for the best class alone.")
    truth = as_classes("top_k", labels, N, K)[:, None]  # (N, 1)
    right = numpy.take_along_axis(scores, truth, axis=1)  # (N, 1)
    better = (scores > right) | ((scores == right) & (numpy.arange(K) < truth))  # (N, K)
    return float((better.sum(axis=1) < k).mean())


def log_loss(probabilities: Any, labels: Any) -> float:
    """The mean of -log(probability of the right class).  (N, K), labels -> float

    probabilities: (N, K), in [0, 1], with sum 1 in every row.  Nothing is clipped: a right class
        with probability 0 costs infinity, as in the formula.
    labels: integers (N,) in [0, K), or one-hot (N, K).

    ValueError for shapes that do not fit, labels or probabilities out of range, NaN, or an empty
    batch.  Slide: "Multi-class log loss"; guessing evenly among 120 breeds costs ln 120 = 4.7875.
    """
    p = as_matrix("log_loss", "probabilities", probabilities).astype(numpy.float64)
    truth = as_classes("log_loss", labels, *p.shape)
    if not (((p >= 0) & (p <= 1)).all() and (numpy.abs(p.sum(axis=1) - 1) < 1e-3).all()):
        raise ValueError(
            "log_loss: probabilities must be in [0, 1], with sum 1 in every row, and some row is "
            "not so. For logits use tn.cross_entropy, or tn.softmax first."
        )
    right = numpy.take_along_axis(p, truth[:, None], axis=1)
    with numpy.errstate(divide="ignore"):  # log 0 is -infinity, on purpose
        return float(-numpy.log(right).mean()) + 0.0  # 0, not -0


def confusion_matrix(predictions: Any, labels: Any, classes: int | None = None) -> numpy.ndarray:
    """How often each class was predicted for each class.  (N, K) or (N,), labels -> (K, K), int64

    The rows are the true classes, the columns the predicted ones.  The right answers are on the
    diagonal, and the sum is N.

    predictions: (N, K) scores, logits or probabilities: the largest wins, the first of equal ones;
        or class numbers, integers (N,).
    labels: integers (N,), or one-hot (N, K).
    classes: K.  None takes it from scores or one-hot labels (N, K), or else from the largest class
        number.

    ValueError for shapes that do not fit, classes out of range, NaN, or an empty batch; TypeError
    for class numbers that are not integers.
    """
    where = "confusion_matrix"
    if classes is not None:
        cure = "Leave it out, or give how many there are."
        classes = whole(where, "classes", classes, cure=cure)
    found = on_host(where, "predictions", predictions)
    truth = on_host(where, "labels", labels)
    refuse_empty(where, found)
    if found.ndim != 1:
        found = as_matrix(where, "predictions", found)
        if classes not in (None, found.shape[1]):
            raise ValueError(
                f"{where}: predictions {found.shape} have {found.shape[1]} classes, received "
                f"classes={classes}. Leave classes out."
            )
        classes = found.shape[1]
        found = found.argmax(axis=1)
    refuse_fractions(where, "predictions", found)
    if classes is None and truth.ndim == 2:
        classes = truth.shape[1]  # one-hot
    if classes is None:
        refuse_fractions(where, "labels", truth)
        classes = 1 + int(max(found.max(), truth.max(initial=0)))
    K = int(classes)
    truth = as_classes(where, truth, len(found), K)
    found = as_classes(where, found, len(found), K, "predictions")
    return numpy.bincount(truth * K + found, minlength=K * K).reshape(K, K).astype(numpy.int64)
