"""Softmax along the last axis, and the slope of cross-entropy."""

from __future__ import annotations

from typing import Any

from .. import softmax
from ..arrays import Array, xp
from .launch import launch, ready, takes

MOST_CLASSES = 512  # a thread computes a row; longer ones are faster by CuPy's sums


def log_softmax(x: Array, axis: int = -1) -> Array:
    if not takes(x) or axis not in (-1, x.ndim - 1) or x.shape[-1] > MOST_CLASSES:
        return softmax.log_softmax(x, axis)
    y, K = xp(x).empty(x.shape, x.dtype), x.shape[-1]
    launch("softmax.log_softmax", x.size // K, ready(x), y, K)
    return y


def label_losses(log_p: Array, labels: Array) -> Array:
    if not takes(log_p):
        return softmax.label_losses(log_p, labels)
    labels = ready(labels.astype("int64", copy=False))
    losses = xp(log_p).empty(labels.shape, log_p.dtype)
    launch("softmax.label_losses", losses.size, ready(log_p), labels, losses, log_p.shape[-1])
    return losses


def cross_entropy_back(log_p: Array, labels: Array, losses: Array, factor: Any) -> Array:
    if not takes(log_p, losses, factor):
        return softmax.cross_entropy_back(log_p, labels, losses, factor)
    labels = ready(labels.astype("int64", copy=False))
    dx, K = xp(log_p).empty(log_p.shape, log_p.dtype), log_p.shape[-1]
    launch(
        "softmax.cross_entropy_back", dx.size, ready(log_p), labels, ready(losses), ready(factor),
        int(factor.ndim > 0), dx, K,
    )  # fmt: skip
    return dx
