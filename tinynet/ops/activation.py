"""Activation functions.  (...) -> (...)"""

from __future__ import annotations

from collections.abc import Callable

from ..devices import Array, kernels, xp
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


def _step(x: Array, low: float) -> Array:
    """1 where x > 0, low elsewhere.  (where() chooses number by number, 5 times as slowly.)"""
    y = (x > 0).astype(x.dtype)
    if 0 <= low <= 1:
        return xp(x).maximum(y, xp(x).full_like(y, low))
    return low + (1 - low) * y


def before_relu(y: Array) -> Callable[[Array], Array]:
    """From dy of y = relu(z) to dz, for the pullbacks of an operation that ends with a relu.

    Several of them ask for the same dy; it is computed once.
    """
    made: list[Array] = []

    def dz(dy):
        if not made:
            # y > 0, not z > 0: the next operation keeps y anyway, and nobody z
            made.append(kernels(y).elementwise(_where_positive, dy, y))
        return made[0]

    return dz


def _where_positive(dy: Array, y: Array, out: Array | None) -> Array:
    """dy where y > 0, else 0.  A mask becomes numbers first: NumPy would do it in small buffers."""
    return xp(y).multiply(dy, (y > 0).astype(dy.dtype), out=out)


def unchanged(dy: Array) -> Array:
    return dy


@differentiable
def sigmoid(x):
    """1 / (1 + exp(-x)), through tanh, so that no x overflows.  (...) -> (...)"""
    by_pieces = kernels(x).elementwise
    y = by_pieces(lambda x, out: sigmoid_of(x), x)
    return y, lambda dy: by_pieces(lambda dy, y, out: dy * y * (1 - y), dy, y)


@differentiable
def tanh(x):
    """(exp(x) - exp(-x)) / (exp(x) + exp(-x)).  (...) -> (...)"""
    by_pieces = kernels(x).elementwise
    y = by_pieces(lambda x, out: xp(x).tanh(x, out=out), x)
    return y, lambda dy: by_pieces(lambda dy, y, out: dy * (1 - y * y), dy, y)


@differentiable(integers=True)
def relu(x):
    """max(0, x).  At x = 0 the gradient is 0.  (...) -> (...)"""
    y = kernels(x).relu(x)
    return y, before_relu(y)


@differentiable
def leaky_relu(x, slope: float = 0.3):
    """x where x > 0, slope * x elsewhere.  (...) -> (...)

    slope: a number; 0.3 is Keras' default, others use 0.01.
    """
    if not isinstance(slope, int | float):
        raise TypeError(f"slope must be a number, received {slope!r}.")
    device = kernels(x)
    if 0 < slope <= 1:  # the larger of the two, without a choice for each number; y has x's sign
        y = device.elementwise(lambda x, out: xp(x).maximum(x, slope * x, out=out), x)
        kept = y
    else:
        y = xp(x).where(x > 0, x, slope * x)
        kept = x

    def dx(dy):  # slope + (1 - slope) * (x > 0) is 1 or the slope
        return device.elementwise(
            lambda dy, x, out: xp(x).multiply(dy, _step(x, slope), out=out), dy, kept
        )

    return y, dx


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
