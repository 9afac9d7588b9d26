"""Softmax and the slope of cross-entropy as loops over the rows."""

from __future__ import annotations

import math

import numpy

from .. import cpu, plain
from . import parts
from .formulas import exp
from .loop import ZERO, Labels, Numbers, Rows, loop, ready
from .parts import cut, parts_of, takes

Array = numpy.ndarray


@loop
def log_softmax_loop(part: int, size: int, x: Rows, y: Rows) -> None:
    x, y = cut(x, part, size), cut(y, part, size)
    for n in range(x.shape[0]):
        place = 0  # of the largest
        for k in range(x.shape[1]):
            place = k if x[n, k] > x[n, place] else place
        largest, others = x[n, place], ZERO
        for k in range(x.shape[1]):
            y[n, k] = x[n, k] - largest
            others += ZERO if k == place else exp(y[n, k])
        log_sum = math.log1p(others)
        for k in range(x.shape[1]):
            y[n, k] -= log_sum


@loop
def cross_entropy_back_loop(
    part: int, size: int, log_p: Rows, labels: Labels, factor: Numbers, dz: Rows
) -> None:
    log_p, labels = cut(log_p, part, size), cut(labels, part, size)
    factor, dz = cut(factor, part, size), cut(dz, part, size)
    flat, p = log_p.reshape(-1), dz.reshape(-1)
    for i in range(flat.size):  # all rows at once: a row may be short
        p[i] = exp(flat[i])
    for n in range(log_p.shape[0]):
        dz[n, labels[n]] = ZERO
        others = ZERO
        for k in range(log_p.shape[1]):
            others += dz[n, k]
            dz[n, k] *= factor[n]
        dz[n, labels[n]] = -factor[n] * others  # p - 1 at the label


def log_softmax(x: Array, axis: int = -1) -> Array:
    if not takes(x) or axis not in (-1, x.ndim - 1) or x.ndim < 2:
        return cpu.log_softmax(x, axis)
    y = numpy.empty(x.shape, numpy.float32)
    log_softmax_loop(*_rows(x), plain.matrix(ready(x)), plain.matrix(y))
    return y


def cross_entropy_back(log_p: Array, labels: Array, losses: Array, factor: Array) -> Array:
    if not takes(log_p, losses, factor):
        return cpu.cross_entropy_back(log_p, labels, losses, factor)
    dz = numpy.empty(log_p.shape, numpy.float32)
    whole = ready(labels.astype(numpy.int64, copy=False)).reshape(-1)
    factors = ready(numpy.broadcast_to(factor, labels.shape).reshape(-1))
    cross_entropy_back_loop(
        *_rows(dz), plain.matrix(ready(log_p)), whole, factors, plain.matrix(dz)
    )
    return dz


def _rows(x: Array) -> tuple[int, int]:
    """The number of parts, and how many rows are a part."""
    size = max(1, parts.PIECE // x.shape[-1])
    return parts_of(x.size // x.shape[-1], size), size
