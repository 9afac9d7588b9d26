"""Metrics: how good the answers are, as plain numbers.

They read tensors, arrays or lists of either device, and no gradient flows through them.  Each is of
one batch; for a whole data set give all outputs at once, or weight each batch by its size.
"""

from __future__ import annotations

from typing import Any

import numpy

from .devices import is_array, move
from .inputs import shown
from .tensor import Tensor


def accuracy(outputs: Any, labels: Any, threshold: float = 0.5) -> float:
    """The share of examples whose predicted class is the right one.  (N, K), labels -> float

    outputs: (N, K) scores, logits or probabilities: the largest wins, of equal ones the first.
        (N,) or (N, 1): a number for each example, class 1 where it is above the threshold.
    labels: integers (N,) in [0, K), or one-hot (N, K); for one number each, 0 or 1, (N,) or (N, 1).
    threshold: 0.5 for probabilities, 0 for logits.  Between 0 and 1, outputs must be in [0, 1].

    ValueError for shapes that do not fit, labels out of range, NaN, or an empty batch.
    """
    if isinstance(threshold, bool) or not isinstance(threshold, int | float | numpy.floating):
        raise ValueError(f"accuracy: threshold must be a number, received {threshold!r}.")
    scores = _scores("accuracy", "outputs", outputs)
    if scores.ndim == 2 and scores.shape[1] > 1:
        truth = _classes("accuracy", labels, *scores.shape)
        return float((scores.argmax(axis=1) == truth).mean())
    if scores.ndim == 2:
        scores = scores[:, 0]
    if 0 < threshold < 1 and not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError(
            f"accuracy: outputs must be in [0, 1] for threshold {threshold:g}, and lie in "
            f"[{scores.min():g}, {scores.max():g}]. For logits give threshold=0."
        )
    truth = _host("accuracy", "labels", labels)
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

    outputs: (N, K) scores, logits or probabilities.  Of equal ones the lower class number is taken
    to be better, so top_k(..., k=1) is the accuracy.
    labels: integers (N,) in [0, K), or one-hot (N, K).  k: 1 to K.

    ValueError for shapes that do not fit, labels or k out of range, NaN, or an empty batch.
    """
    scores = _matrix("top_k", "outputs", outputs)
    N, K = scores.shape
    if isinstance(k, bool) or not isinstance(k, int | numpy.integer) or not 1 <= k <= K:
        raise ValueError(
            f"top_k: k must be a whole number from 1 to K, which is {K}, received {k!r}."
        )
    truth = _classes("top_k", labels, N, K)[:, None]  # (N, 1)
    right = numpy.take_along_axis(scores, truth, axis=1)  # (N, 1)
    better = (scores > right) | ((scores == right) & (numpy.arange(K) < truth))  # (N, K)
    return float((better.sum(axis=1) < k).mean())


def log_loss(probabilities: Any, labels: Any) -> float:
    """-1/N of the sum of log(probability of the right class).  (N, K), labels -> float

    probabilities: (N, K), in [0, 1], with sum 1 in every row.  Nothing is clipped: a right class
    with probability 0 costs infinity, as the formula says.
    labels: integers (N,) in [0, K), or one-hot (N, K).

    ValueError for shapes that do not fit, labels or probabilities out of range, NaN, or an empty
    batch.  Slide: "Multi-class log loss"; guessing evenly among 120 breeds costs ln 120 = 4.7875.
    """
    p = _matrix("log_loss", "probabilities", probabilities).astype(numpy.float64)
    truth = _classes("log_loss", labels, *p.shape)
    if not (((p >= 0) & (p <= 1)).all() and (numpy.abs(p.sum(axis=1) - 1) < 1e-3).all()):
        raise ValueError(
            "log_loss: probabilities must be in [0, 1], with sum 1 in every row, and some row is "
            "not so. For logits use tn.cross_entropy, or tn.softmax first."
        )
    right = numpy.take_along_axis(p, truth[:, None], axis=1)
    with numpy.errstate(divide="ignore"):  # log 0 is meant
        return float(-numpy.log(right).mean()) + 0.0  # and -0 is not


def confusion_matrix(predictions: Any, labels: Any, classes: int | None = None) -> numpy.ndarray:
    """How often each class was taken for each.  (N, K) or (N,), labels -> (K, K), int64

    The rows are the true classes, the columns the predicted ones.  The right answers are on the
    diagonal, and the sum is N.

    predictions: (N, K) scores, logits or probabilities, of which the largest wins, of equal ones
        the first; or class numbers, integers (N,).
    labels: integers (N,), or one-hot (N, K).
    classes: K; None takes it from scores (N, K), or else from the largest class number that occurs.

    ValueError for shapes that do not fit, classes out of range, NaN, or an empty batch; TypeError
    for class numbers that are not integers.
    """
    where = "confusion_matrix"
    if classes is not None and (
        isinstance(classes, bool) or not isinstance(classes, int | numpy.integer) or classes < 1
    ):
        raise ValueError(
            f"{where}: classes must be a whole number of at least 1, received {classes!r}."
        )
    found = _host(where, "predictions", predictions)
    truth = _host(where, "labels", labels)
    _not_empty(where, found)
    if found.ndim != 1:
        found = _matrix(where, "predictions", found)
        if classes not in (None, found.shape[1]):
            raise ValueError(
                f"{where}: predictions {found.shape} have {found.shape[1]} classes, received "
                f"classes={classes}. Leave classes out."
            )
        classes = found.shape[1]
        found = found.argmax(axis=1)
    _whole(where, "predictions", found)
    if classes is None and truth.ndim == 2:
        classes = truth.shape[1]  # one-hot
    if classes is None:
        _whole(where, "labels", truth)
        classes = 1 + int(max(found.max(), truth.max(initial=0)))
    K = int(classes)
    truth = _classes(where, truth, len(found), K)
    found = _classes(where, found, len(found), K, "predictions")
    return numpy.bincount(truth * K + found, minlength=K * K).reshape(K, K).astype(numpy.int64)


def _host(where: str, name: str, values: Any) -> numpy.ndarray:
    """The values as a NumPy array of real numbers."""
    if isinstance(values, Tensor):
        values = values.data
    if is_array(values):
        array = move(values, "cpu")
    else:
        try:
            array = numpy.asarray(values)
        except ValueError:
            raise ValueError(
                f"{where}: the rows of {name} have different lengths. Make them equally long."
            ) from None
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"{where}: {name} is {shown(values)}, not numbers. Give a Tensor, an array or a list "
            "of numbers."
        )
    return array


def _not_empty(where: str, array: numpy.ndarray) -> None:
    if array.size == 0:
        raise ValueError(f"{where}: the batch is empty. Give at least one example.")


def _whole(where: str, name: str, array: numpy.ndarray) -> None:
    if array.dtype.kind not in "iub":
        raise TypeError(
            f"{where}: {name} are {array.dtype}, and class numbers are integers. Give an array of "
            "integers, array.astype(int); a list that became a Tensor is float32."
        )


def _scores(where: str, name: str, values: Any) -> numpy.ndarray:
    """(N,) or (N, K), not empty and without NaN."""
    array = _host(where, name, values)
    if array.ndim not in (1, 2):
        raise ValueError(f"{where}: {name} must be (N, K) or (N,), received {array.shape}.")
    _not_empty(where, array)
    if array.dtype.kind == "f" and numpy.isnan(array).any():
        row = int(numpy.isnan(array.reshape(len(array), -1)).any(axis=1).argmax())
        raise ValueError(
            f"{where}: {name} hold NaN, first in example {row}. Find out where it comes from with "
            "tn.doctor()."
        )
    return array


def _matrix(where: str, name: str, values: Any) -> numpy.ndarray:
    """(N, K), not empty and without NaN."""
    array = _host(where, name, values)
    if array.ndim != 2:
        raise ValueError(
            f"{where}: {name} must be (N, K), a number for each class, received {array.shape}."
        )
    return _scores(where, name, array)


def _classes(where: str, values: Any, N: int, K: int, name: str = "labels") -> numpy.ndarray:
    """Class numbers (N,), int64, from such, or from one-hot rows (N, K)."""
    array = _host(where, name, values)
    if array.shape == (N, K):
        if not (((array == 0) | (array == 1)).all() and (array.sum(axis=1) == 1).all()):
            raise ValueError(
                f"{where}: {name} (N, K) must be one-hot, a single 1 in every row and else 0, and "
                "some row is not."
            )
        return array.argmax(axis=1)
    if array.shape != (N,):
        raise ValueError(
            f"{where}: {name} must be integers of shape ({N},), or one-hot of shape ({N}, {K}), "
            f"received {array.shape}."
        )
    _whole(where, name, array)
    if array.size and (array.min() < 0 or array.max() >= K):
        raise ValueError(
            f"{where}: {name} must be in [0, {K}), received {int(array.min())} to "
            f"{int(array.max())}."
        )
    return array.astype(numpy.int64)
