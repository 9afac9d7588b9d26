"""Softmax and the slope of cross-entropy, as plain kernels; loops/softmax.py has them compiled."""

from __future__ import annotations

from .arrays import Array, xp


def log_softmax(x: Array, axis: int = -1) -> Array:
    """log(softmax(x)); the largest x is subtracted first, so that none overflows.  (...) -> (...)

    The largest is exp(0) = 1, and would hide smaller numbers in the sum; log1p adds it anyway.
    """
    x = x - x.max(axis=axis, keepdims=True)
    e = xp(x).exp(x)
    xp(x).put_along_axis(e, x.argmax(axis=axis, keepdims=True), 0, axis)
    return x - xp(x).log1p(e.sum(axis=axis, keepdims=True))


def label_losses(log_p: Array, labels: Array) -> Array:
    """-log_p at the label.  (..., K), (...) -> (...)"""
    return -xp(log_p).take_along_axis(log_p, labels[..., None], axis=-1)[..., 0]


def cross_entropy_back(log_p: Array, labels: Array, losses: Array, factor: Array) -> Array:
    """(softmax - one-hot) * factor.  log_p (..., K), labels and losses (...), factor (...) or ()

    losses: -log_p at the label.  There p - 1 is expm1(log p), exact where p is nearly 1.
    """
    p = xp(log_p).exp(log_p)
    at_label = xp(p).expm1(-losses)[..., None]
    xp(p).put_along_axis(p, labels[..., None], at_label, axis=-1)
    return factor[..., None] * p
