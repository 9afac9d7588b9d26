"""Batch normalization as loops over rows (N, C): the inner loop runs along the channels."""

from __future__ import annotations

from typing import Any

import numpy

from .. import cpu
from ..cpu.blas import one_blas_thread
from . import parts
from .loop import ZERO, Loop, Numbers, Rows, Stack, loop, part_of_loop, ready
from .parts import cut, parts_of, takes

Array = numpy.ndarray


@loop
def moments_loop(part: int, size: int, x: Rows, moments: Stack) -> None:
    """Of each part of the rows: the mean, then the variance about it, while it is in the cache."""
    x = cut(x, part, size)
    share = numpy.float32(1 / x.shape[0])
    mean, variance = moments[part, 0], moments[part, 1]
    mean[:] = ZERO
    variance[:] = ZERO
    for n in range(x.shape[0]):
        for c in range(x.shape[1]):
            mean[c] += x[n, c]
    for c in range(x.shape[1]):
        mean[c] *= share
    for n in range(x.shape[0]):
        for c in range(x.shape[1]):
            variance[c] += (x[n, c] - mean[c]) * (x[n, c] - mean[c])
    for c in range(x.shape[1]):
        variance[c] *= share


@part_of_loop
def times(leak, value):
    """leak * value, and 0 for the leak of relu, whatever the value."""
    return leak * value if leak > ZERO else ZERO


@part_of_loop
def before(dy, y, leak):
    """dz, for y = z where z > 0, else leak * z"""
    return dy if y > ZERO else times(leak, dy)


@loop
def scale_and_shift_loop(
    part: int, size: int, x: Rows, scale: Numbers, shift: Numbers, leak: float, y: Rows
) -> None:
    x, y = cut(x, part, size), cut(y, part, size)
    for n in range(x.shape[0]):
        for c in range(x.shape[1]):
            z = x[n, c] * scale[c] + shift[c]
            y[n, c] = times(leak, z) if z <= ZERO else z  # a NaN stays


@loop
def products_and_sums_loop(
    part: int, size: int, dy: Rows, x: Rows, mean: Numbers, y: Rows, leak: float, sums: Stack
) -> None:
    dy, x, y = cut(dy, part, size), cut(x, part, size), cut(y, part, size)
    products, plain = sums[part, 0], sums[part, 1]
    products[:] = ZERO
    plain[:] = ZERO
    for n in range(x.shape[0]):
        for c in range(x.shape[1]):
            dz = before(dy[n, c], y[n, c], leak)
            products[c] += dz * (x[n, c] - mean[c])
            plain[c] += dz


@loop
def combine_loop(
    part: int, size: int, dy: Rows, a: Numbers, x: Rows, b: Numbers, c: Numbers, y: Rows,
    leak: float, dx: Rows,
) -> None:  # fmt: skip
    dy, x = cut(dy, part, size), cut(x, part, size)
    y, dx = cut(y, part, size), cut(dx, part, size)
    for n in range(x.shape[0]):
        for j in range(x.shape[1]):
            dx[n, j] = before(dy[n, j], y[n, j], leak) * a[j] + x[n, j] * b[j] + c[j]


def moments(x: Array) -> tuple[Array, Array]:
    """Of each part of the rows, then of all: joined as in Chan, Golub and LeVeque (1983)."""
    if not takes(x):
        return cpu.moments(x)
    (N, C), size = x.shape, _rows(x.shape[1])
    found = numpy.empty((parts_of(N, size), 2, C), numpy.float32)
    moments_loop(len(found), size, ready(x), found)
    shares = numpy.full(len(found), size / N, numpy.float32)
    shares[-1] = (N - size * (len(found) - 1)) / N
    with one_blas_thread:
        mean = shares @ found[:, 0]
        return mean, shares @ (found[:, 1] + numpy.square(found[:, 0] - mean))


def scale_and_shift(x: Array, mean: Array, scale: Array, shift: Array, leak: float = 1.0) -> Array:
    if not takes(x, mean, scale, shift):
        return cpu.scale_and_shift(x, mean, scale, shift, leak)
    return _by_rows(scale_and_shift_loop, x, scale, shift - mean * scale, leak)


def products_and_sums(
    dy: Array, x: Array, mean: Array, y: Any = None, leak: float = 1.0
) -> tuple[Array, Array]:
    y = dy if leak == 1 else y
    if not takes(x, dy, mean, y):
        return cpu.products_and_sums(dy, x, mean, y, leak)
    (N, C), size = x.shape, _rows(x.shape[1])
    sums = numpy.empty((parts_of(N, size), 2, C), numpy.float32)
    rows = map(ready, (dy, x, mean, y))
    products_and_sums_loop(len(sums), size, *rows, leak, sums)
    products, plain = sums.sum(axis=0)
    return products, plain


def combine(
    dy: Array, a: Array, x: Array, mean: Array, b: Array, c: Array, y: Any = None, leak: float = 1.0
) -> Array:
    y = dy if leak == 1 else y
    if not takes(x, dy, a, mean, b, c, y):
        return cpu.combine(dy, a, x, mean, b, c, y, leak)
    return _by_rows(combine_loop, dy, a, x, b, c - mean * b, y, leak)


def _rows(C: int) -> int:
    """How many rows of C numbers are a part."""
    return max(1, parts.PIECE // C)


def _by_rows(loop: Loop, *values: Any) -> Array:
    """loop(part, rows in a part, *values, result) for rows (..., C), vectors (C,) and a number.

    -> the result
    """
    shape, C = values[0].shape, values[0].shape[-1]
    result = numpy.empty(shape, numpy.float32)
    arrays = [ready(v) if isinstance(v, Array) else v for v in (*values, result)]
    flat = [v.reshape(-1, C) if numpy.ndim(v) > 1 else v for v in arrays]
    loop(parts_of(len(flat[0]), _rows(C)), _rows(C), *flat)
    return result
