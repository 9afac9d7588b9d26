"""Losses.  Each is the mean over all elements (cross_entropy: over all examples), unless
reduction="sum" or "none" is given.  The lectures use different ones, so it is part of the formula.

Prediction and target have equal shapes: nothing is broadcast in silence.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy

from ..devices import Array, check, is_array, kernels, on_gpu, xp
from ..engine.tensor import Tensor, differentiable
from ..messages.arguments import choice
from ..messages.mistakes import warn
from .activation import finite_exp, log_softmax_of
from .masks import as_mask, only_counted

Loss = Callable[..., Tensor]


def takes_logits(operation: str, cure: str) -> Callable[[Loss], Loss]:
    """A decorator: a loss warns where that operation has made its logits into probabilities."""

    def decorate(loss: Loss) -> Loss:
        @functools.wraps(loss)
        def told(logits: Any, *others: Any, **settings: Any) -> Tensor:
            if getattr(logits, "operation", "") == operation and logits.size:
                y = logits.data
                if y.min() >= 0 and y.max() <= 1:
                    warn(
                        f"{loss.__name__}: its input has been through {operation} already, and "
                        f"{loss.__name__} computes it too. {cure}"
                    )
            return loss(logits, *others, **settings)

        return told

    return decorate


@differentiable
def mse(prediction, target, reduction: str = "mean"):
    """Mean over all elements of (prediction - target)^2.  (...), (...) -> ()

    reduction="sum" or "none": their sum, or each element's.
    """
    equal_shapes(prediction=prediction, target=target)
    both = (prediction, target)
    loss, share = reduce(squared_difference, both, reduction)
    return loss, (
        lambda dy: scaled(dy * (2 * share), difference, both),
        lambda dy: scaled(dy * (-2 * share), difference, both),
    )


def squared_difference(a: Array, b: Array) -> Array:
    return (a - b) ** 2


def difference(a: Array, b: Array) -> Array:
    return a - b


@differentiable
def mae(prediction, target, reduction: str = "mean"):
    """Mean over all elements of |prediction - target|; where it is 0, the gradient is 0.

    (...), (...) -> ()

    reduction="sum" or "none": their sum, or each element's.
    """
    equal_shapes(prediction=prediction, target=target)
    both, sign = (prediction, target), xp(prediction).sign
    loss, share = reduce(lambda p, t: xp(p).abs(p - t), both, reduction)
    return loss, (
        lambda dy: scaled(dy * share, lambda p, t: sign(p - t), both),
        lambda dy: scaled(dy * share, lambda p, t: sign(t - p), both),
    )


@differentiable
def bce(probability, target, reduction: str = "mean"):
    """Mean over all elements of -target log p - (1 - target) log(1 - p).  (...), (...) -> ()

    probability, target: in [0, 1].  Exact at both ends: 0 where p = target = 0 or 1, infinite where
    p is 0 or 1 and wrong.  bce_with_logits cannot become infinite and is safer for training.
    """
    p = probability
    equal_shapes(probability=p, target=target)
    in_unit_interval("bce", probability=p, hint=" For logits use bce_with_logits.")
    in_unit_interval("bce", target=target)
    where = xp(p).where

    def part(weight, q):  # -weight log(q), where 0 log 0 = 0
        log_q = where(q > 0, xp(p).log(where(q > 0, q, 1)), -math.inf)
        return -weight * where(weight > 0, log_q, 0)

    def ratio(weight, q):  # weight / q, where 0 / 0 = 0
        return where(weight > 0, where(q > 0, weight / where(q > 0, q, 1), math.inf), 0)

    both = (p, target)
    loss, share = reduce(lambda p, t: part(t, p) + part(1 - t, 1 - p), both, reduction)
    return loss, (
        lambda dy: scaled(dy * share, lambda p, t: ratio(1 - t, 1 - p) - ratio(t, p), both),
        lambda dy: scaled(dy * share, lambda p, t: xp(p).log1p(-p) - xp(p).log(p), both),
    )


@takes_logits("sigmoid", "Leave sigmoid out of the model, or use tn.bce.")
@differentiable
def bce_with_logits(logits, target, reduction: str = "mean"):
    """Mean over all elements of the BCE of sigmoid(logits) and target.  (...), (...) -> ()

    Computed as max(z, 0) - z target + log(1 + exp(-|z|)): finite for every logit z.
    target: in [0, 1].  The gradient is sigmoid(z) - target.
    """
    equal_shapes(logits=logits, target=target)
    in_unit_interval("bce_with_logits", target=target)
    both = (logits, target)
    loss, share = reduce(bce_of, both, reduction)
    return loss, (
        lambda dy: scaled(dy * share, bce_slope, both),
        lambda dy: dy * share * -logits,
    )


def bce_of(z: Array, target: Array) -> Array:
    """softplus(z) - z target; subtracting the large parts first keeps small losses exact."""
    large = xp(z).maximum(z, xp(z).zeros_like(z))  # with the number 0 it takes 3 times as long
    return (large - z * target) + xp(z).log1p(xp(z).exp(-xp(z).abs(z)))


def bce_slope(z: Array, target: Array) -> Array:
    """sigmoid(z) - target, over one denominator: exact also where both are nearly 1."""
    e = finite_exp(z)
    return ((e * (1 - target) - target) / (1 + e)).astype(z.dtype, copy=False)


@takes_logits("softmax", "Leave softmax out of the model.")
@differentiable
def cross_entropy(logits, labels: Array, reduction: str = "mean", mask: Any = None):
    """Mean over the examples of -log(softmax(logits)[label]).  (..., K), labels -> ()

    labels: integers (...) in [0, K), or one-hot or soft labels (..., K), each row with sum 1.
    mask: booleans (...).  Only the examples where it is True count, and the mean is over those;
        elsewhere labels may be anything, the gradient is 0, and so is the loss with
        reduction="none".  None: all count.
    The gradient is (softmax(logits) - labels) / number of examples.

    ValueError for labels out of range, of another shape, or NaN, and for a mask that is False
    everywhere; TypeError for float class numbers.
    """
    if is_array(reduction):
        raise TypeError("reduction is an array. Give a mask by its name, mask=mask.")
    if logits.ndim == 0:
        raise ValueError("logits are one number. They must be (..., K), a number for each class.")
    labels = xp(logits).asarray(labels)
    if mask is None:
        padding = "give mask=labels >= 0"
        return cross_entropy_of(logits, labels, reduction, f" for logits {logits.shape}", padding)
    mask = _checked_mask(mask, logits, labels)
    if on_gpu(mask):
        return _weighted(logits, labels, reduction, mask)
    loss, pullback = cross_entropy_of(logits[mask], labels[mask], reduction, " where mask is True")
    shape, each = logits.shape, reduction == "none"

    def spread(values, shape):  # 0 where the mask is False
        y = xp(values).zeros(shape, values.dtype)
        y[mask] = values
        return y

    return spread(loss, mask.shape) if each else loss, (
        lambda dy: spread(pullback(dy[mask] if each else dy), shape)
    )


def _weighted(
    logits: Array, labels: Array, reduction: str, mask: Array
) -> tuple[Array, Callable[[Array], Array]]:
    """cross_entropy with a mask on a GPU, where logits[mask] waits for how many there are.

    All rows are computed, and those that do not count have weight 0.
    """
    logits = xp(logits).where(mask[..., None], logits, 0)  # they may be anything, even NaN
    labels = only_counted(labels, mask)
    losses, pullback = cross_entropy_of(logits, labels, "none", " where mask is True")
    weights = mask.astype(logits.dtype)
    if reduction == "none":
        return losses * weights, lambda dy: pullback(dy * weights)
    wide = numpy.result_type(logits.dtype, numpy.float32)  # float16 counts to 2,048
    n = mask.sum(dtype=wide) if reduction == "mean" else 1
    loss = (losses * weights).sum(dtype=wide) / n
    return loss.astype(logits.dtype), lambda dy: pullback((dy / n).astype(dy.dtype) * weights)


def cross_entropy_of(
    logits: Array, labels: Array, reduction: str, where: str, padding: str = ""
) -> tuple[Array, Callable[[Array], Array]]:
    """The cross-entropy of arrays, and its pullback.  where, padding: see check_class_numbers."""
    K = logits.shape[-1]
    log_p = log_softmax_of(logits)  # (..., K)
    if labels.dtype.kind == "f":
        fine = ~xp(labels).isnan(labels).any()
        text = "labels hold NaN. Check how they were loaded."
        check("cross_entropy", fine, lambda facts: ValueError(text))
    if labels.shape == logits.shape:
        target = labels.astype(logits.dtype, copy=False)
        sums = target.sum(axis=-1)
        fine = (target >= 0).all() & (xp(sums).abs(sums - 1) < 1e-3).all()
        check("cross_entropy", fine, _no_shares)
        losses = -(target * xp(logits).where(target > 0, log_p, 0)).sum(axis=-1)  # 0 log 0 = 0

        def pullback(dy):
            return (dy * share)[..., None] * (xp(logits).exp(log_p) * sums[..., None] - target)

    elif labels.shape == logits.shape[:-1]:
        if labels.dtype.kind in "iu":
            labels = labels.astype(numpy.int64, copy=False)
        check_class_numbers("cross_entropy", labels, K, where, padding=padding)
        losses = kernels(logits).label_losses(log_p, labels)

        def pullback(dy):
            return kernels(logits).cross_entropy_back(log_p, labels, losses, dy * share)

    else:
        raise _misfit(logits, labels)
    loss, share = reduce(lambda losses: losses, (losses,), reduction)
    return loss, pullback


def _no_shares(facts: Any) -> ValueError:
    return ValueError(
        "labels (..., K) must be one-hot, or at least 0 with sum 1 in every row, and some row is "
        "not. For logits and 0/1 labels of several classes use bce_with_logits."
    )


def _misfit(logits: Array, labels: Array) -> ValueError:
    hint = ""
    if labels.ndim == 1 and logits.ndim == 3:
        hint = (
            " For one label a sequence, give the last recurrent layer return_sequences=False; "
            "without one, a Flatten is missing."
        )
    elif labels.ndim == 1 and logits.ndim > 3:
        hint = " For one label a picture, a Flatten is missing before the last layer."
    return ValueError(
        f"logits {logits.shape} and labels {labels.shape} do not fit. Labels must be integers "
        f"of shape {logits.shape[:-1]}, or one-hot of shape {logits.shape}.{hint}"
    )


def _checked_mask(mask: Any, logits: Array, labels: Array) -> Array:
    shape = logits.shape[:-1]
    if labels.shape not in (logits.shape, shape):
        raise _misfit(logits, labels)
    what = f" for logits {logits.shape}, one for each label"
    mask = as_mask(mask, logits, shape, name="logits", what=what)
    text = "mask is False everywhere: there is no loss of no examples."
    check("cross_entropy", mask.size and mask.any(), lambda facts: ValueError(text))
    return mask


def check_class_numbers(
    operation: str, labels: Array, K: int, where: str = "", cure: str = "", padding: str = ""
) -> None:
    """TypeError where labels are no integers, ValueError where they are outside [0, K).

    padding: the cure where those outside are all one negative number.
    """
    if labels.dtype.kind not in "iu":
        raise TypeError(
            f"labels are {labels.dtype}, and class numbers are integers. Give an array of "
            "integers, array.astype(int); a list that became a Tensor is float32."
        )

    def error(facts: Any) -> ValueError:
        least, most, differ = map(int, facts)
        there_is = cure
        if padding and most < K and not differ:
            there_is = f" Where {least} is padding, {padding}."
        text = f"labels must be in [0, {K}){where}, received {least} to {most}.{there_is}"
        return ValueError(text)

    if labels.size:
        fine, facts = kernels(labels).labels_inside(labels, K)
        check(operation, fine, error, facts)


def equal_shapes(**pair: Array) -> None:
    one, other = pair.values()
    if getattr(one, "shape", ()) != getattr(other, "shape", ()):
        (a, x), (b, y) = ((name, tuple(getattr(v, "shape", ()))) for name, v in pair.items())
        cure = "Broadcasting them would compare what does not belong together: reshape one."
        if len(x) == 2 and x[-1] > 1 and y == x[:1]:
            cure = "For class numbers use tn.cross_entropy, or tn.one_hot(labels, classes)."
        raise ValueError(f"{a} {x} and {b} {y} have different shapes. {cure}")


def in_unit_interval(operation: str, hint: str = "", **values: Array) -> None:
    for name, value in values.items():
        x = xp(value).asarray(value)
        if x.size:
            # of a GPU's array, which may be gone when the error is raised, the error tells less
            error = functools.partial(_outside_unit_interval, name, hint)
            check(operation, kernels(x).inside(x, 0, 1), error, None if on_gpu(x) else x)


def _outside_unit_interval(name: str, hint: str, x: Any) -> ValueError:
    if x is None:
        return ValueError(f"{name} must be in [0, 1], and holds another number or NaN.{hint}")
    outside = float(x[~((x >= 0) & (x <= 1))].ravel()[0])
    hint = "" if outside != outside else hint  # NaN
    return ValueError(f"{name} must be in [0, 1], and holds {outside:g}.{hint}")


def reduce(
    formula: Callable[..., Array], inputs: tuple[Array, ...], reduction: str
) -> tuple[Array, float]:
    """The reduced losses, and the share of each in the result: its derivative.

    formula: inputs -> losses, element by element.
    """
    n = inputs[0].size
    if n == 0:
        raise ValueError("the batch is empty: there is no loss of no examples.")
    device = kernels(inputs[0])
    if reduction == "mean":
        return device.mean(formula, *inputs), 1 / n
    if choice("", "reduction", reduction, ("mean", "sum", "none")) == "sum":
        return device.total(formula, *inputs).astype(inputs[0].dtype), 1
    return device.elementwise(formula, *inputs), 1


def scaled(factor: Array, formula: Callable[..., Array], inputs: tuple[Array, ...]) -> Array:
    """factor * formula(*inputs).  factor: one number, or one for each element."""
    if factor.ndim:
        return factor * formula(*inputs)
    return kernels(inputs[0]).elementwise(formula, *inputs, factor=factor)
