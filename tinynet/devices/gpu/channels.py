"""What belongs to a channel meets the rows of an array: bias and relu, and batch normalization."""

from __future__ import annotations

from .. import plain
from ..arrays import Array, xp
from .launch import launch, ready, takes


def finish(y: Array, bias: Array | None, through_relu: bool) -> Array:
    """Add the bias to the rows of y (..., C), then take relu, in place."""
    if bias is None and not through_relu:
        return y
    bias = None if bias is None else ready(bias)
    launch("channels.add_bias", y.size, bias, int(through_relu), y, C=y.shape[-1])
    return y


def product(a: Array, b: Array, bias: Array | None = None, relu: bool = False) -> Array:
    y = a @ b
    last = () if bias is None else (bias,)
    if not takes(y, *last) or not y.flags.c_contiguous:
        return plain.finish(y, bias, relu)
    return finish(y, bias, relu)


def scale_and_shift(x: Array, mean: Array, scale: Array, shift: Array) -> Array:
    if not takes(x, mean, scale, shift):
        return plain.scale_and_shift(x, mean, scale, shift)
    return _by_channel("scale_and_shift", x, mean, scale, shift)


def combine(dy: Array, a: Array, x: Array, mean: Array, b: Array, c: Array) -> Array:
    if not takes(dy, a, x, mean, b, c):
        return plain.combine(dy, a, x, mean, b, c)
    return _by_channel("combine", dy, a, x, mean, b, c)


def _by_channel(name: str, *values: Array) -> Array:
    result = xp(values[0]).empty(values[0].shape, values[0].dtype)
    values = tuple(map(ready, values))
    launch(f"channels.{name}", result.size, *values, result, C=result.shape[-1])
    return result
