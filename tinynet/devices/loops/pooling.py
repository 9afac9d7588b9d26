"""Pooling as loops over the windows; the inner loop runs along the channels."""

from __future__ import annotations

import math

import numpy

from .. import cpu
from ..windows import Windows
from . import parts
from .loop import ZERO, Pictures, loop, part_of_loop, ready
from .parts import cut, parts_of, takes

Array = numpy.ndarray
LOWEST = numpy.float32(-math.inf)


@part_of_loop
def larger(a, b):
    """NaN is larger than every number."""
    return a if (a > b) | (a != a) else b


@part_of_loop
def same(a, m):
    """Whether a is the maximum m, which is NaN if any number is."""
    return (a == m) | (a != a)


@loop
def max_pool_loop(
    part: int, size: int, x: Pictures, KH: int, KW: int, SH: int, SW: int, top: int, left: int,
    y: Pictures,
) -> None:  # fmt: skip
    x, y = cut(x, part, size), cut(y, part, size)
    N, OH, OW, C = y.shape
    for n in range(N):
        for i in range(OH):
            for j in range(OW):
                y[n, i, j] = LOWEST
                for r in range(max(0, i * SH - top), min(x.shape[1], i * SH - top + KH)):
                    for q in range(max(0, j * SW - left), min(x.shape[2], j * SW - left + KW)):
                        for c in range(C):
                            y[n, i, j, c] = larger(x[n, r, q, c], y[n, i, j, c])


@loop
def max_pool_back_loop(
    part: int, size: int, dy: Pictures, x: Pictures, y: Pictures, KH: int, KW: int, SH: int,
    SW: int, top: int, left: int, dx: Pictures,
) -> None:  # fmt: skip
    dy, x, y, dx = cut(dy, part, size), cut(x, part, size), cut(y, part, size), cut(dx, part, size)
    N, OH, OW, C = y.shape
    rest = numpy.empty(C, numpy.float32)  # dy until it has gone to a pixel, then 0
    for n in range(N):
        dx[n] = ZERO
        for i in range(OH):
            for j in range(OW):
                rest[:] = dy[n, i, j]
                for r in range(max(0, i * SH - top), min(x.shape[1], i * SH - top + KH)):
                    for q in range(max(0, j * SW - left), min(x.shape[2], j * SW - left + KW)):
                        for c in range(C):
                            largest = same(x[n, r, q, c], y[n, i, j, c])
                            dx[n, r, q, c] += rest[c] if largest else ZERO
                            rest[c] = ZERO if largest else rest[c]


@loop
def max_pool_2x2_loop(part: int, size: int, x: Pictures, y: Pictures) -> None:
    x, y = cut(x, part, size), cut(y, part, size)
    N, OH, OW, C = y.shape
    for n in range(N):
        for i in range(OH):
            for j in range(OW):
                for c in range(C):
                    a = larger(x[n, 2 * i, 2 * j, c], x[n, 2 * i, 2 * j + 1, c])
                    b = larger(x[n, 2 * i + 1, 2 * j, c], x[n, 2 * i + 1, 2 * j + 1, c])
                    y[n, i, j, c] = larger(a, b)


@loop
def max_pool_2x2_back_loop(
    part: int, size: int, dy: Pictures, x: Pictures, y: Pictures, dx: Pictures
) -> None:
    dy, x, y, dx = cut(dy, part, size), cut(x, part, size), cut(y, part, size), cut(dx, part, size)
    N, OH, OW, C = y.shape
    for n in range(N):
        for i in range(OH):
            for j in range(OW):
                for c in range(C):
                    d, m = dy[n, i, j, c], y[n, i, j, c]
                    first = same(x[n, 2 * i, 2 * j, c], m)
                    second = same(x[n, 2 * i, 2 * j + 1, c], m) & (not first)
                    third = same(x[n, 2 * i + 1, 2 * j, c], m) & (not (first | second))
                    dx[n, 2 * i, 2 * j, c] = d if first else ZERO
                    dx[n, 2 * i, 2 * j + 1, c] = d if second else ZERO
                    dx[n, 2 * i + 1, 2 * j, c] = d if third else ZERO
                    dx[n, 2 * i + 1, 2 * j + 1, c] = ZERO if first | second | third else d


@loop
def sum_pool_loop(
    part: int, size: int, x: Pictures, KH: int, KW: int, SH: int, SW: int, top: int, left: int,
    y: Pictures,
) -> None:  # fmt: skip
    x, y = cut(x, part, size), cut(y, part, size)
    N, OH, OW, C = y.shape
    for n in range(N):
        for i in range(OH):
            for j in range(OW):
                y[n, i, j] = ZERO
                for r in range(max(0, i * SH - top), min(x.shape[1], i * SH - top + KH)):
                    for q in range(max(0, j * SW - left), min(x.shape[2], j * SW - left + KW)):
                        for c in range(C):
                            y[n, i, j, c] += x[n, r, q, c]


@loop
def sum_pool_back_loop(
    part: int, size: int, dy: Pictures, KH: int, KW: int, SH: int, SW: int, top: int, left: int,
    dx: Pictures,
) -> None:  # fmt: skip
    dy, dx = cut(dy, part, size), cut(dx, part, size)
    N, OH, OW, C = dy.shape
    for n in range(N):
        dx[n] = ZERO
        for i in range(OH):
            for j in range(OW):
                for r in range(max(0, i * SH - top), min(dx.shape[1], i * SH - top + KH)):
                    for q in range(max(0, j * SW - left), min(dx.shape[2], j * SW - left + KW)):
                        for c in range(C):
                            dx[n, r, q, c] += dy[n, i, j, c]


def max_pool(x: Array, ws: Windows) -> Array:
    if not takes(x):
        return cpu.max_pool(x, ws)
    y = numpy.empty((len(x), *ws.output, x.shape[3]), numpy.float32)
    if _two_by_two(ws):
        max_pool_2x2_loop(*_pictures(x), ready(x), y)
    else:
        max_pool_loop(*_pictures(x), ready(x), *_numbers(ws), y)
    return y


def max_pool_back(dy: Array, x: Array, y: Array, ws: Windows) -> Array:
    if not takes(x, dy, y):
        return cpu.max_pool_back(dy, x, y, ws)
    dx = numpy.empty(x.shape, numpy.float32)
    dy, x, y = ready(dy), ready(x), ready(y)
    if _two_by_two(ws):
        max_pool_2x2_back_loop(*_pictures(x), dy, x, y, dx)
    else:
        max_pool_back_loop(*_pictures(x), dy, x, y, *_numbers(ws), dx)
    return dx


def sum_pool(x: Array, ws: Windows) -> Array:
    if not takes(x):
        return cpu.sum_pool(x, ws)
    y = numpy.empty((len(x), *ws.output, x.shape[3]), numpy.float32)
    sum_pool_loop(*_pictures(x), ready(x), *_numbers(ws), y)
    return y


def sum_pool_back(dy: Array, ws: Windows) -> Array:
    if not takes(dy):
        return cpu.sum_pool_back(dy, ws)
    dx = numpy.empty((len(dy), *ws.input, dy.shape[3]), numpy.float32)
    sum_pool_back_loop(*_pictures(dx), ready(dy), *_numbers(ws), dx)
    return dx


def _two_by_two(ws: Windows) -> bool:
    """Whether the windows are 2 x 2, side by side, and cover the pictures: the commonest case."""
    (OH, OW), none = ws.output, (0, 0)
    shapes = (ws.size, ws.stride, ws.padding, ws.input)
    return shapes == ((2, 2), (2, 2), (none, none), (2 * OH, 2 * OW))


def _numbers(ws: Windows) -> tuple[int, int, int, int, int, int]:
    return (*ws.size, *ws.stride, ws.padding[0][0], ws.padding[1][0])


def _pictures(x: Array) -> tuple[int, int]:
    """The number of parts, and how many pictures are a part."""
    size = max(1, parts.PIECE // max(math.prod(x.shape[1:]), 1))
    return parts_of(len(x), size), size
