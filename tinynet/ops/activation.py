"""Activation functions.  (...) -> (...)"""

from __future__ import annotations

from ..devices import Array, xp
from ..tensor import differentiable


def sigmoid_of(x: Array) -> Array:
    """1 / (1 + exp(-x)) of an array, as (1 + tanh(x / 2)) / 2, in which no x overflows."""
    return 0.5 * xp(x).tanh(0.5 * x) + 0.5


def softplus_of(x: Array) -> Array:
    """log(1 + exp(x)) of an array, written so that no x overflows."""
    return xp(x).maximum(x, 0) + xp(x).log1p(xp(x).exp(-xp(x).abs(x)))


def log_softmax_of(x: Array, axis: int = -1) -> Array:
    """log(softmax(x)) of an array: the largest x is taken off first, so that none overflows."""
    if -x.ndim <= axis < x.ndim and x.shape[axis] == 0:
        raise ValueError(f"x has shape {x.shape}: there are no numbers along axis {axis}.")
    x = x - x.max(axis=axis, keepdims=True)
    return x - xp(x).log(xp(x).exp(x).sum(axis=axis, keepdims=True))


@differentiable
def sigmoid(x):
    """1 / (1 + exp(-x)), through tanh, so that no x overflows.  (...) -> (...)"""
    y = sigmoid_of(x)
    return y, lambda dy: dy * y * (1 - y)


@differentiable
def tanh(x):
    """(exp(x) - exp(-x)) / (exp(x) + exp(-x)).  (...) -> (...)"""
    y = xp(x).tanh(x)
    return y, lambda dy: dy * (1 - y * y)


@differentiable(integers=True)
def relu(x):
    """max(0, x).  At x = 0 the gradient is 0.  (...) -> (...)"""
    y = xp(x).maximum(x, 0)
    return y, lambda dy: dy * (y > 0)  # not x > 0: the next operation keeps y anyway, x nobody


@differentiable
def leaky_relu(x, slope: float = 0.3):
    """x where x > 0, slope * x elsewhere.  (...) -> (...)

    slope: a number; 0.3 is Keras' default, others use 0.01.
    """
    if not isinstance(slope, int | float):
        raise TypeError(f"slope must be a number, received {slope!r}.")
    return xp(x).where(x > 0, x, slope * x), lambda dy: xp(x).where(x > 0, dy, slope * dy)


@differentiable
def softplus(x):
    """log(1 + exp(x)), a smooth relu; written so that no x overflows.  (...) -> (...)"""
    return softplus_of(x), lambda dy: dy * sigmoid_of(x)


@differentiable
def softmax(x, axis: int = -1):
    """exp(x) / sum(exp(x)) along axis: positive, with sum 1.  (...) -> (...)

    Adding a constant to x changes nothing, so the largest x is taken off first: no x overflows.
    """
    y = xp(x).exp(log_softmax_of(x, axis))
    return y, lambda dy: y * (dy - (dy * y).sum(axis=axis, keepdims=True))


@differentiable
def log_softmax(x, axis: int = -1):
    """log(softmax(x)) along axis.  (...) -> (...)

    Exact where softmax rounds to 0: the logarithm is never taken of it.
    """
    y = log_softmax_of(x, axis)
    return y, lambda dy: dy - xp(y).exp(y) * dy.sum(axis=axis, keepdims=True)
