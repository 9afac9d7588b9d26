"""Batch normalization on the CPU: piece by piece, in rows long enough for NumPy to be fast."""

from __future__ import annotations

from typing import Any

import numpy

from ..batch_normalization import leaked, leaked_back
from .blas import one_blas_thread
from .matrix import MANY_ROWS, column_sums
from .pieces import PIECE, long_rows, sharing
from .threads import each

Array = numpy.ndarray


def moments(x: Array) -> tuple[Array, Array]:
    """In one pass over x: the moments of each piece while it is in the cache, then of all.

    Each piece's variance is about its own mean, and the pieces are joined as in Chan, Golub and
    LeVeque (1983): so a large mean costs no digits.
    """
    N, C = x.shape
    rows = max(2, PIECE // C)
    count = -(-N // rows)
    if count < 2:
        return _moments_of(x)
    moments = numpy.empty((count, 2, C), x.dtype)

    def piece(i: int) -> None:
        moments[i] = _moments_of(x[i * rows : (i + 1) * rows])

    each(piece, count, sharing(x.size))
    shares = numpy.full(count, rows / N, x.dtype)
    shares[-1] = (N - rows * (count - 1)) / N
    with one_blas_thread:
        mean = shares @ moments[:, 0]
        return mean, shares @ (moments[:, 1] + numpy.square(moments[:, 0] - mean))


def _moments_of(x: Array) -> tuple[Array, Array]:
    mean = column_sums(x) / len(x)
    squares = _per_channel(numpy.subtract, x, mean)
    numpy.square(squares, out=squares)
    return mean, column_sums(squares) / len(x)


def _per_channel(function: Any, x: Array, vector: Array, out: Array | None = None) -> Array:
    """function(x, vector) for x (..., C) and vector (C,), in rows of up to 8,192 numbers.

    NumPy's innermost loop runs along the last axis: in rows of 32 numbers it is mostly overhead.
    """
    few = x.size <= MANY_ROWS * x.shape[-1]
    if few or not x.flags.c_contiguous or (out is not None and not out.flags.c_contiguous):
        return function(x, vector, out=out)
    k = long_rows(x.shape)
    y = numpy.empty(x.shape, x.dtype) if out is None else out
    wide = (-1, k * x.shape[-1])
    function(x.reshape(wide), numpy.tile(vector, k), out=y.reshape(wide))
    return y


def scale_and_shift(x: Array, mean: Array, scale: Array, shift: Array, leak: float = 1.0) -> Array:
    """As x * scale + (shift - mean * scale): one pass less; it rounds no more than x is."""
    rest = shift - mean * scale

    def rows(x: Array, y: Array) -> None:
        _per_channel(numpy.multiply, x, scale, y)
        _per_channel(numpy.add, y, rest, y)

    return leaked(_by_rows(rows, x), leak)


def products_and_sums(
    dy: Array, x: Array, mean: Array, y: Any = None, leak: float = 1.0
) -> tuple[Array, Array]:
    """Both in one pass; the products never exist all at once."""
    dy, (N, C) = leaked_back(dy, y, leak), x.shape
    rows = max(1, PIECE // C)
    sums = numpy.empty((2, max(1, -(-N // rows)), C), x.dtype)

    def piece(i: int) -> None:
        part = slice(i * rows, (i + 1) * rows)
        products = _per_channel(numpy.subtract, x[part], mean)
        products *= dy[part]
        sums[0, i], sums[1, i] = column_sums(products), column_sums(dy[part])

    each(piece, sums.shape[1], sharing(x.size))
    return column_sums(sums[0]), column_sums(sums[1])


def combine(
    dy: Array, a: Array, x: Array, mean: Array, b: Array, c: Array, y: Any = None, leak: float = 1.0
) -> Array:
    rest = c - mean * b

    def rows(dy: Array, x: Array, dx: Array) -> None:
        _per_channel(numpy.multiply, dy, a, dx)
        dx += _per_channel(numpy.multiply, x, b)
        _per_channel(numpy.add, dx, rest, dx)

    return _by_rows(rows, leaked_back(dy, y, leak), x)


def _by_rows(task: Any, *arrays: Array) -> Array:
    """task(*arrays, result) on a piece of the rows (..., C) of each at a time.  -> the result"""
    C = arrays[0].shape[-1]
    result = numpy.empty(arrays[0].shape, arrays[0].dtype)
    flat = [a.reshape(-1, C) for a in (*arrays, result)]
    rows = -(-max(PIECE // C, 1) // 64) * 64  # so that long_rows finds a large divisor

    def piece(i: int) -> None:
        task(*(a[i * rows : (i + 1) * rows] for a in flat))

    each(piece, -(-len(flat[0]) // rows), sharing(result.size))
    return result
