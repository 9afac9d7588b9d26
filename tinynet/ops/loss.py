"""Losses.  Each takes the mean over all elements (cross_entropy: over all examples), unless
reduction="sum" or "none" is given: the lectures use different ones, so it is part of the formula.

Prediction and target have equal shapes: nothing broadcasts in silence.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from ..devices import Array, xp
from ..tensor import differentiable
from .activation import log_softmax_of, sigmoid_of, softplus_of


@differentiable
def mse(prediction, target, reduction: str = "mean"):
    """Mean over all elements of (prediction - target)^2.  (...), (...) -> ()

    reduction="sum" or "none" for the sum, or for every element's.
    """
    equal_shapes(prediction=prediction, target=target)
    error = prediction - target
    loss, share = reduce(error * error, reduction)
    return loss, (lambda dy: share(dy) * 2 * error, lambda dy: share(dy) * -2 * error)


@differentiable
def mae(prediction, target, reduction: str = "mean"):
    """Mean over all elements of |prediction - target|; where it is 0, the gradient is 0.

    (...), (...) -> ()

    reduction="sum" or "none" for the sum, or for every element's.
    """
    equal_shapes(prediction=prediction, target=target)
    error = prediction - target
    loss, share = reduce(xp(error).abs(error), reduction)
    sign = xp(error).sign
    return loss, (lambda dy: share(dy) * sign(error), lambda dy: share(dy) * -sign(error))


@differentiable
def bce(probability, target, reduction: str = "mean"):
    """Mean over all elements of -target log p - (1 - target) log(1 - p).  (...), (...) -> ()

    probability, target: in [0, 1].  Exact at both ends: 0 where p = target = 0 or 1, infinite where
    p is sure and wrong.  Training is safer with bce_with_logits, which cannot become infinite.
    """
    p = probability
    equal_shapes(probability=p, target=target)
    in_unit_interval(probability=p, hint=" For logits use bce_with_logits.")
    in_unit_interval(target=target)
    where = xp(p).where

    def part(weight, q):  # -weight log(q), where 0 log 0 = 0
        log_q = where(q > 0, xp(p).log(where(q > 0, q, 1)), -math.inf)
        return -weight * where(weight > 0, log_q, 0)

    def ratio(weight, q):  # weight / q, where 0 / 0 = 0
        return where(weight > 0, where(q > 0, weight / where(q > 0, q, 1), math.inf), 0)

    loss, share = reduce(part(target, p) + part(1 - target, 1 - p), reduction)
    return loss, (
        lambda dy: share(dy) * (ratio(1 - target, 1 - p) - ratio(target, p)),
        lambda dy: share(dy) * (xp(p).log1p(-p) - xp(p).log(p)),
    )


@differentiable
def bce_with_logits(logits, target, reduction: str = "mean"):
    """Mean over all elements of the BCE of sigmoid(logits) and target.  (...), (...) -> ()

    Computed as max(z, 0) - z target + log(1 + exp(-|z|)): finite for every logit z.
    target: in [0, 1].  The gradient is sigmoid(z) - target.
    """
    z = logits
    equal_shapes(logits=z, target=target)
    in_unit_interval(target=target)
    # softplus(z) - z target, but with the large parts taken off each other first: no small loss is
    # rounded away
    losses = (xp(z).maximum(z, 0) - z * target) + softplus_of(-xp(z).abs(z))
    loss, share = reduce(losses, reduction)
    return loss, (
        lambda dy: share(dy) * (sigmoid_of(z) - target),
        lambda dy: share(dy) * -z,
    )


@differentiable
def cross_entropy(logits, labels: Array, reduction: str = "mean"):
    """Mean over the examples of -log(softmax(logits)[label]).  (..., K), labels -> ()

    labels: integers (...) in [0, K), or one-hot or soft labels (..., K), each row with sum 1.
    The gradient is softmax(logits) - labels, over the number of examples.

    ValueError for labels out of range, of another shape, or NaN; TypeError for float class numbers.
    """
    if logits.ndim == 0:
        raise ValueError("logits are one number. They must be (..., K), a number for each class.")
    K = logits.shape[-1]
    labels = xp(logits).asarray(labels)
    log_p = log_softmax_of(logits)  # (..., K)
    if labels.dtype.kind == "f" and xp(labels).isnan(labels).any():
        raise ValueError("labels hold NaN. Check how they were loaded.")
    if labels.shape == logits.shape:
        target = labels.astype(logits.dtype)
        sums = target.sum(axis=-1)
        if not ((target >= 0).all() and (xp(sums).abs(sums - 1) < 1e-3).all()):
            raise ValueError(
                "labels (..., K) must be one-hot, or at least 0 with sum 1 in every row, and some "
                "row is not. For logits and 0/1 labels of several classes use bce_with_logits."
            )
        losses = -(target * log_p).sum(axis=-1)
    elif labels.shape == logits.shape[:-1]:
        if labels.dtype.kind not in "iu":
            raise TypeError(
                f"labels are {labels.dtype}, and class numbers are integers. Give an array of "
                "integers, array.astype(int); a list that became a Tensor is float32."
            )
        if labels.size and (labels.min() < 0 or labels.max() >= K):
            raise ValueError(
                f"labels must be in [0, {K}) for logits {logits.shape}, received "
                f"{int(labels.min())} to {int(labels.max())}."
            )
        target = labels[..., None] == xp(logits).arange(K)  # (..., K)
        losses = -xp(logits).take_along_axis(log_p, labels[..., None], axis=-1)[..., 0]
    else:
        hint = ""
        if labels.ndim == 1 and logits.ndim > 2:
            hint = " For one label a picture, a Flatten is missing before the last layer."
        raise ValueError(
            f"logits {logits.shape} and labels {labels.shape} do not fit. Labels must be integers "
            f"of shape {logits.shape[:-1]}, or one-hot of shape {logits.shape}.{hint}"
        )
    loss, share = reduce(losses, reduction)
    weight = target.sum(axis=-1, keepdims=True, dtype=logits.dtype)  # 1, or as near as it was given
    return loss, lambda dy: share(dy)[..., None] * (xp(logits).exp(log_p) * weight - target)


def equal_shapes(**pair: Array) -> None:
    (a, x), (b, y) = ((name, getattr(value, "shape", ())) for name, value in pair.items())
    if x != y:
        raise ValueError(
            f"{a} {x} and {b} {y} have different shapes. Broadcasting them would compare what does "
            "not belong together: reshape one."
        )


def in_unit_interval(hint: str = "", **values: Array) -> None:
    for name, value in values.items():
        x = xp(value).asarray(value)
        inside = (x >= 0) & (x <= 1)  # False for NaN
        if not inside.all():
            outside = x[~inside].ravel()[0]
            raise ValueError(f"{name} must be in [0, 1], and holds {float(outside):g}.{hint}")


def reduce(losses: Array, reduction: str) -> tuple[Array, Callable[[Array], Array]]:
    """The reduced losses, and from the gradient of the result what each of them gets of it."""
    if losses.size == 0:
        raise ValueError("the batch is empty: there is no loss of no examples.")
    if reduction == "mean":
        return losses.mean(), lambda dy: dy * (1 / losses.size)
    if reduction == "sum":
        return losses.sum(), lambda dy: dy
    if reduction == "none":
        return losses, lambda dy: dy
    raise ValueError(f'reduction {reduction!r} does not exist. Use "mean", "sum" or "none".')
