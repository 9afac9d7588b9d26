"""What belongs to a channel meets the rows of an array: bias and relu, and batch normalization."""

from __future__ import annotations

from typing import Any

from .. import plain
from ..arrays import Array, xp
from .launch import launch, ready, takes
from .products import matmul


def finish(y: Array, bias: Array | None, through_relu: bool) -> Array:
    """Add the bias to the rows of y (..., C), then take relu, in place."""
    if bias is None and not through_relu:
        return y
    bias = None if bias is None else ready(bias)
    launch("channels.add_bias", y.size, bias, int(through_relu), y, C=y.shape[-1])
    return y


def product(a: Array, b: Array, bias: Array | None = None, relu: bool = False) -> Array:
    y = matmul(a, b)
    last = () if bias is None else (bias,)
    if not takes(y, *last) or not y.flags.c_contiguous:
        return plain.finish(y, bias, relu)
    return finish(y, bias, relu)


def scales(variance: Array, gamma: Array, epsilon: float) -> tuple[Array, Array]:
    if not takes(variance, gamma):
        return plain.scales(variance, gamma, epsilon)
    scale, slope = xp(gamma).empty((2, len(gamma)), gamma.dtype)
    values = ready(variance), ready(gamma), float(epsilon), scale, slope
    launch("channels.scales", len(gamma), *values, C=len(gamma))
    return scale, slope


def slopes(
    products: Array, dbeta: Array, scale: Array, slope: Array, n: int
) -> tuple[Array, Array, Array]:
    given = products, dbeta, scale, slope
    if not takes(*given):
        return plain.slopes(*given, n)
    dgamma, steepness, shift = xp(scale).empty((3, len(scale)), scale.dtype)
    values = *map(ready, given), float(n), dgamma, steepness, shift
    launch("channels.slopes", len(scale), *values, C=len(scale))
    return dgamma, steepness, shift


def scale_and_shift(x: Array, mean: Array, scale: Array, shift: Array, leak: float = 1.0) -> Array:
    if not takes(x, mean, scale, shift):
        return plain.scale_and_shift(x, mean, scale, shift, leak)
    return _by_channel("scale_and_shift", float(leak), x, mean, scale, shift)


def combine(
    dy: Array, a: Array, x: Array, mean: Array, b: Array, c: Array, y: Any = None, leak: float = 1.0
) -> Array:
    y = dy if leak == 1 else y
    if not takes(dy, a, x, mean, b, c, y):
        return plain.combine(dy, a, x, mean, b, c, y, leak)
    return _by_channel("combine", float(leak), dy, a, x, mean, b, c, y)


def _by_channel(name: str, leak: float, *values: Array) -> Array:
    result = xp(values[0]).empty(values[0].shape, values[0].dtype)
    values = tuple(map(ready, values))
    launch(f"channels.{name}", result.size, *values, leak, result, C=result.shape[-1])
    return result
