"""Activations and masks: every number is read once and written once."""

from __future__ import annotations

from typing import Any

from .. import plain
from ..arrays import Array, xp
from .launch import launch, ready, takes


def _each(name: str, *values: Any) -> Any:
    """The kernel of that name, for arrays of one shape.  -> the result"""
    values = tuple(ready(v) if hasattr(v, "shape") else v for v in values)
    result = xp(*values).empty(values[0].shape, values[0].dtype)
    launch(f"activation.{name}", result.size, *values, result)
    return result


def relu(x: Array) -> Array:
    return _each("relu", x) if takes(x) else plain.relu(x)


def relu_back(dy: Array, y: Array) -> Array:
    return _each("relu_back", dy, y) if takes(dy, y) else plain.relu_back(dy, y)


def leaky_relu(x: Array, slope: float) -> Array:
    return _each("leaky_relu", x, float(slope)) if takes(x) else plain.leaky_relu(x, slope)


def leaky_relu_back(dy: Array, x: Array, slope: float) -> Array:
    if not takes(dy, x):
        return plain.leaky_relu_back(dy, x, slope)
    return _each("leaky_relu_back", dy, x, float(slope))


def masked(x: Array, mask: Array, scale: float) -> Array:
    if not takes(x) or mask.shape != x.shape:
        return plain.masked(x, mask, scale)
    return _each("masked", x, mask, float(scale))
