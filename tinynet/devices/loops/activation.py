"""Activations and masks as loops: every number is read once and written once."""

from __future__ import annotations

import numpy

from .. import cpu
from .loop import ZERO, Marks, Numbers, loop
from .parts import by_numbers, cut, takes

Array = numpy.ndarray


@loop
def relu_loop(part: int, size: int, x: Numbers, y: Numbers) -> None:
    x = cut(x, part, size)
    y = cut(y, part, size)
    for i in range(x.size):
        y[i] = ZERO if x[i] <= 0 else x[i]  # a NaN stays


@loop
def relu_back_loop(part: int, size: int, dy: Numbers, y: Numbers, dx: Numbers) -> None:
    dy = cut(dy, part, size)
    y = cut(y, part, size)
    dx = cut(dx, part, size)
    for i in range(y.size):
        dx[i] = dy[i] if y[i] > 0 else ZERO


@loop
def leaky_relu_loop(part: int, size: int, x: Numbers, slope: float, y: Numbers) -> None:
    x = cut(x, part, size)
    y = cut(y, part, size)
    for i in range(x.size):
        y[i] = x[i] if x[i] > 0 else slope * x[i]


@loop
def leaky_relu_back_loop(
    part: int, size: int, dy: Numbers, x: Numbers, slope: float, dx: Numbers
) -> None:
    dy = cut(dy, part, size)
    x = cut(x, part, size)
    dx = cut(dx, part, size)
    for i in range(x.size):
        dx[i] = dy[i] if x[i] > 0 else slope * dy[i]


@loop
def masked_loop(part: int, size: int, x: Numbers, mask: Marks, scale: float, y: Numbers) -> None:
    x = cut(x, part, size)
    mask = cut(mask, part, size)
    y = cut(y, part, size)
    for i in range(x.size):
        y[i] = x[i] * scale if mask[i] else ZERO


def relu(x: Array) -> Array:
    return by_numbers(relu_loop, x) if takes(x) else cpu.relu(x)


def relu_back(dy: Array, y: Array) -> Array:
    return by_numbers(relu_back_loop, dy, y) if takes(y, dy) else cpu.relu_back(dy, y)


def leaky_relu(x: Array, slope: float) -> Array:
    return by_numbers(leaky_relu_loop, x, slope) if takes(x) else cpu.leaky_relu(x, slope)


def leaky_relu_back(dy: Array, x: Array, slope: float) -> Array:
    if not takes(x, dy):
        return cpu.leaky_relu_back(dy, x, slope)
    return by_numbers(leaky_relu_back_loop, dy, x, slope)


def masked(x: Array, mask: Array, scale: float) -> Array:
    if not takes(x) or mask.shape != x.shape:
        return cpu.masked(x, mask, scale)
    return by_numbers(masked_loop, x, mask, scale)
