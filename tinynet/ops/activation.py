"""Activation functions.  (...) -> (...)"""

from __future__ import annotations

from collections.abc import Callable

import numpy

from ..devices import Array, kernels, xp
from ..engine.tensor import differentiable
from ..messages.arguments import number


def sigmoid_of(x: Array) -> Array:
    """1 / (1 + exp(-x)) of an array, as e / (1 + e), e = exp(x): exact also where it is small."""
    e = finite_exp(x)
    return (e / (1 + e)).astype(x.dtype, copy=False)


def sigmoid_and_rest(x: Array) -> tuple[Array, Array]:
    """y = sigmoid(x) and 1 - y.  Subtracted, 1 - y would lose its digits where y is nearly 1."""
    e = finite_exp(x)
    whole = 1 + e
    return (e / whole).astype(x.dtype, copy=False), (1 / whole).astype(x.dtype, copy=False)


def sigmoid_slope_times(dy: Array, y: Array, rest: Array) -> Array:
    return dy * y * rest


def tanh_slope_times(dy: Array, x: Array) -> Array:
    e = xp(x).exp(-2 * xp(x).abs(x))
    return dy * (4 * e / (1 + e) ** 2)


def finite_exp(x: Array) -> Array:
    """exp(x), where larger x count as 88 (float64: 709): there exp is still finite.

    float16 becomes float32: in its own range, exp(x) ends at x = 11.
    """
    x = x.astype(numpy.float32) if x.dtype.itemsize == 2 else x
    return xp(x).exp(xp(x).minimum(x, 88 if x.dtype.itemsize == 4 else 709))


def softplus_of(x: Array) -> Array:
    """log(1 + exp(x)) of an array, written so that no x overflows."""
    return xp(x).maximum(x, 0) + xp(x).log1p(xp(x).exp(-xp(x).abs(x)))


def log_softmax_of(x: Array, axis: int = -1) -> Array:
    """log(softmax(x)) of an array."""
    if -x.ndim <= axis < x.ndim and x.shape[axis] == 0:
        raise ValueError(f"x has shape {x.shape}: there are no numbers along axis {axis}.")
    return kernels(x).log_softmax(x, axis)


def relu_pullback(y: Array) -> Callable[[Array], Array]:
    """dy -> dz for y = relu(z), for an operation that ends with a relu.

    Several pullbacks need dz; it is computed once.  It depends on y > 0, not on z > 0: y is kept
    anyway; keeping z would cost memory.
    """
    computed: list[Array] = []

    def dz(dy):
        if not computed:
            computed.append(kernels(y).relu_back(dy, y))
        return computed[0]

    return dz


@differentiable
def sigmoid(x):
    """1 / (1 + exp(-x)), right to the last few bits for every x, as is its slope y (1 - y).

    (...) -> (...)
    """
    elementwise = kernels(x).elementwise
    y, rest = elementwise(sigmoid_and_rest, x, results=2)
    return y, lambda dy: elementwise(sigmoid_slope_times, dy, y, rest)


@differentiable
def tanh(x):
    """(exp(x) - exp(-x)) / (exp(x) + exp(-x)).  (...) -> (...)

    Its slope is 1 - y^2 = 4 e / (1 + e)^2, e = exp(-2 |x|): so it is right where y is nearly 1.
    """
    elementwise = kernels(x).elementwise
    return elementwise(xp(x).tanh, x), lambda dy: elementwise(tanh_slope_times, dy, x)


@differentiable(integers=True)
def relu(x):
    """max(0, x).  At x = 0 the gradient is 0.  (...) -> (...)"""
    y = kernels(x).relu(x)
    return y, lambda dy: kernels(y).relu_back(dy, y)


@differentiable
def leaky_relu(x, slope: float = 0.3):
    """x where x > 0, slope * x elsewhere.  (...) -> (...)

    slope: a number; 0.3 is Keras' default, others use 0.01.
    """
    slope = number("", "slope", slope)
    device = kernels(x)
    y = device.leaky_relu(x, slope)
    sign = y if slope > 0 else x  # y is kept anyway; with a slope above 0 it has the sign of x
    return y, lambda dy: device.leaky_relu_back(dy, sign, slope)


@differentiable
def softplus(x):
    """log(1 + exp(x)), a smooth relu; written so that no x overflows.  (...) -> (...)"""
    return softplus_of(x), lambda dy: dy * sigmoid_of(x)


@differentiable
def softmax(x, axis: int = -1):
    """exp(x) / sum(exp(x)) along axis: positive, with sum 1.  (...) -> (...)

    Adding a constant to x changes nothing, so the largest x is subtracted first: no x overflows.
    """
    y = xp(x).exp(log_softmax_of(x, axis))
    return y, lambda dy: y * (dy - (dy * y).sum(axis=axis, keepdims=True))


@differentiable
def log_softmax(x, axis: int = -1):
    """log(softmax(x)) along axis.  (...) -> (...)

    Exact where softmax rounds to 0, since it never takes the logarithm of softmax.
    """
    y = log_softmax_of(x, axis)
    return y, lambda dy: dy - xp(y).exp(y) * dy.sum(axis=axis, keepdims=True)
