"""Batch normalization as loops over rows (N, C): the inner loop runs along the channels."""

from __future__ import annotations

from typing import Any

import numpy

from .. import cpu
from ..cpu.blas import one_blas_thread
from ..cpu.pieces import PIECE, sharing
from ..cpu.threads import each
from .loop import ZERO, Numbers, Rows, loop, ready
from .parts import ranges, takes

Array = numpy.ndarray


@loop
def moments_loop(x: Rows, mean: Numbers, variance: Numbers) -> None:
    """Of the rows: the mean, then the variance about it, while they are in the cache."""
    N, C = x.shape
    share = numpy.float32(1 / N)
    mean[:] = ZERO
    variance[:] = ZERO
    for n in range(N):
        for c in range(C):
            mean[c] += x[n, c]
    for c in range(C):
        mean[c] *= share
    for n in range(N):
        for c in range(C):
            variance[c] += (x[n, c] - mean[c]) * (x[n, c] - mean[c])
    for c in range(C):
        variance[c] *= share


@loop
def scale_and_shift_loop(x: Rows, scale: Numbers, shift: Numbers, y: Rows) -> None:
    for n in range(x.shape[0]):
        for c in range(x.shape[1]):
            y[n, c] = x[n, c] * scale[c] + shift[c]


@loop
def products_and_sums_loop(dy: Rows, x: Rows, mean: Numbers, sums: Rows) -> None:
    sums[:] = ZERO
    for n in range(x.shape[0]):
        for c in range(x.shape[1]):
            sums[0, c] += dy[n, c] * (x[n, c] - mean[c])
            sums[1, c] += dy[n, c]


@loop
def combine_loop(dy: Rows, a: Numbers, x: Rows, b: Numbers, c: Numbers, dx: Rows) -> None:
    for n in range(x.shape[0]):
        for j in range(x.shape[1]):
            dx[n, j] = dy[n, j] * a[j] + x[n, j] * b[j] + c[j]


def moments(x: Array) -> tuple[Array, Array]:
    """Of each part of the rows, then of all: joined as in Chan, Golub and LeVeque (1983)."""
    if not takes(x):
        return cpu.moments(x)
    x, (N, C) = ready(x), x.shape
    parts = _parts(N, C)
    found = numpy.empty((len(parts), 2, C), numpy.float32)

    def part(i: int) -> None:
        moments_loop(x[slice(*parts[i])], *found[i])

    each(part, len(parts), sharing(x.size))
    shares = numpy.array([(stop - start) / N for start, stop in parts], numpy.float32)
    with one_blas_thread:
        mean = shares @ found[:, 0]
        return mean, shares @ (found[:, 1] + numpy.square(found[:, 0] - mean))


def scale_and_shift(x: Array, mean: Array, scale: Array, shift: Array) -> Array:
    if not takes(x, mean, scale, shift):
        return cpu.scale_and_shift(x, mean, scale, shift)
    return _by_rows(scale_and_shift_loop, x, scale, shift - mean * scale)


def products_and_sums(dy: Array, x: Array, mean: Array) -> tuple[Array, Array]:
    if not takes(x, dy, mean):
        return cpu.products_and_sums(dy, x, mean)
    dy, x, mean, (N, C) = ready(dy), ready(x), ready(mean), x.shape
    parts = _parts(N, C)
    sums = numpy.empty((len(parts), 2, C), numpy.float32)

    def part(i: int) -> None:
        rows = slice(*parts[i])
        products_and_sums_loop(dy[rows], x[rows], mean, sums[i])

    each(part, len(parts), sharing(x.size))
    products, plain = sums.sum(axis=0)
    return products, plain


def combine(dy: Array, a: Array, x: Array, mean: Array, b: Array, c: Array) -> Array:
    if not takes(x, dy, a, mean, b, c):
        return cpu.combine(dy, a, x, mean, b, c)
    return _by_rows(combine_loop, dy, a, x, b, c - mean * b)


def _parts(N: int, C: int) -> list[tuple[int, int]]:
    return ranges(N, max(1, PIECE // C))


def _by_rows(loop: Any, *values: Array) -> Array:
    """loop(*values, result) for parts of the rows (..., C); vectors (C,) are given whole."""
    shape, C = values[0].shape, values[0].shape[-1]
    result = numpy.empty(shape, numpy.float32)
    flat = [ready(v) if v.ndim == 1 else ready(v).reshape(-1, C) for v in (*values, result)]
    parts = _parts(len(flat[0]), C)

    def part(i: int) -> None:
        rows = slice(*parts[i])
        loop(*(v if v.ndim == 1 else v[rows] for v in flat))

    each(part, len(parts), sharing(result.size))
    return result
