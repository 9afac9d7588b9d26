"""Elementwise mathematics.  (...) -> (...) unless said otherwise; several inputs broadcast."""

from __future__ import annotations

from typing import Any

import numpy

from ..devices import Array, is_array, xp
from ..engine.tensor import Tensor, differentiable
from ..messages.arguments import NUMBER, number


@differentiable
def exp(x):
    """e to the power x.  (...) -> (...)"""
    y = xp(x).exp(x)
    return y, lambda dy: dy * y


@differentiable
def log(x):
    """The natural logarithm; -infinity at 0 and NaN below, with a warning.  (...) -> (...)"""
    return xp(x).log(x), lambda dy: dy / x


@differentiable
def sqrt(x):
    """The square root.  At 0 the gradient is infinite.  (...) -> (...)"""
    y = xp(x).sqrt(x)
    return y, lambda dy: dy / (2 * y)


@differentiable(integers=True)
def abs(x):
    """The absolute value.  At 0 the gradient is 0.  (...) -> (...)"""
    return xp(x).abs(x), lambda dy: dy * xp(x).sign(x)


@differentiable(integers=True)
def maximum(x, y):
    """The larger of two.  Where they are equal, the gradient goes to x.  (...), (...) -> (...)"""
    first = x >= y
    return xp(x, y).maximum(x, y), (lambda dz: dz * first, lambda dz: dz * ~first)


@differentiable(integers=True)
def minimum(x, y):
    """The smaller of two.  Where they are equal, the gradient goes to x.  (...), (...) -> (...)"""
    first = x <= y
    return xp(x, y).minimum(x, y), (lambda dz: dz * first, lambda dz: dz * ~first)


def where(condition: Any, x: Any, y: Any) -> Tensor:
    """x where the condition is true, y elsewhere.  (...), (...), (...) -> (...)

    The three broadcast.  No gradient flows to the condition.
    """
    if not isinstance(condition, Tensor) and not is_array(condition):
        condition = numpy.asarray(condition)
    return _where(x, y, condition=condition)


@differentiable(integers=True)
def _where(x, y, condition: Array):
    z = xp(x, y).where(condition, x, y)
    return z, (
        lambda dz: xp(dz).where(condition, dz, 0),
        lambda dz: xp(dz).where(condition, 0, dz),
    )


@differentiable(integers=True)
def clip(x, low: float, high: float):
    """x, limited to [low, high].  Outside, the gradient is 0.  (...) -> (...)"""
    for name, limit in (("low", low), ("high", high)):
        number("", name, limit, NUMBER)
    if not low <= high:
        raise ValueError(f"low must be at most high, received low={low}, high={high}.")
    inside = (x >= low) & (x <= high)
    return xp(x).clip(x, low, high), lambda dy: dy * inside
