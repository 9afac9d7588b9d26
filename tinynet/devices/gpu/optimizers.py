"""The rules of the optimizers: every number of the flat arrays is read once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy

from .. import optimizers
from ..arrays import Array
from .launch import launch, ready, takes

MOST = 60  # arrays that a launch gathers; as in optimizers.cu
PARTS = numpy.dtype([("arrays", "uint64", MOST), ("starts", "int32", MOST + 1)], align=True)


def gathered(arrays: Sequence[Array], out: Array) -> Array:
    arrays = [ready(a) for a in arrays]
    if not takes(out, *arrays):
        return optimizers.gathered(arrays, out)
    start = 0
    for first in range(0, len(arrays), MOST):
        some, parts = arrays[first : first + MOST], numpy.zeros((), PARTS)
        ends = numpy.cumsum([a.size for a in some])
        parts["arrays"][: len(some)] = [a.data.ptr for a in some]
        parts["starts"][1:] = ends[-1]
        parts["starts"][1 : len(some) + 1] = ends
        stop = start + int(ends[-1])
        launch("optimizers.gather", stop - start, parts[()], out[start:stop])
        start = stop
    return out


def sgd(
    w: Array, dw: Array, velocity: Array | None, momentum: float, nesterov: bool, lr: float
) -> None:
    if not takes(w, dw):
        return optimizers.sgd(w, dw, velocity, momentum, nesterov, lr)
    settings = float(momentum), int(nesterov), float(lr)
    launch("optimizers.sgd", w.size, w, ready(dw), velocity, *settings)


def adam(
    w: Array, dw: Array, m: Array, v: Array, beta_1: float, beta_2: float, alpha: float,
    epsilon: float, scratch: Array,
) -> None:  # fmt: skip
    if not takes(w, dw, m, v):
        return optimizers.adam(w, dw, m, v, beta_1, beta_2, alpha, epsilon, scratch)
    settings = map(float, (beta_1, beta_2, 1 - beta_1, 1 - beta_2, alpha, epsilon))
    launch("optimizers.adam", w.size, w, ready(dw), m, v, *settings)


def rmsprop(
    w: Array, dw: Array, square: Array, velocity: Array | None, rho: float, momentum: float,
    lr: float, epsilon: float, scratch: Array,
) -> None:  # fmt: skip
    if not takes(w, dw, square):
        return optimizers.rmsprop(w, dw, square, velocity, rho, momentum, lr, epsilon, scratch)
    settings = map(float, (rho, 1 - rho, momentum, lr, epsilon))
    launch("optimizers.rmsprop", w.size, w, ready(dw), square, velocity, *settings)
