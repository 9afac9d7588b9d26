"""The rules of the optimizers as loops: every number of the flat arrays is read once."""

from __future__ import annotations

import math

import numpy

from .. import cpu
from . import parts
from .loop import ONE, Numbers, loop, ready
from .parts import cut, parts_of, takes

Array = numpy.ndarray


@loop
def rmsprop_loop(
    part: int, size: int, w: Numbers, dw: Numbers, square: Numbers, velocity: Numbers, rho: float,
    momentum: float, lr: float, epsilon: float,
) -> None:  # fmt: skip
    w, dw, square = cut(w, part, size), cut(dw, part, size), cut(square, part, size)
    velocity = cut(velocity, part, size)
    for i in range(w.size):
        square[i] = rho * square[i] + (ONE - rho) * dw[i] * dw[i]
    if velocity.size == 0:  # without momentum
        for i in range(w.size):
            w[i] -= lr * dw[i] / math.sqrt(square[i] + epsilon)
    else:
        for i in range(w.size):
            velocity[i] = momentum * velocity[i] + lr * dw[i] / math.sqrt(square[i] + epsilon)
            w[i] -= velocity[i]


@loop
def adam_loop(
    part: int, size: int, w: Numbers, dw: Numbers, m: Numbers, v: Numbers, beta_1: float,
    beta_2: float, alpha: float, epsilon: float,
) -> None:  # fmt: skip
    w, dw, m, v = cut(w, part, size), cut(dw, part, size), cut(m, part, size), cut(v, part, size)
    for i in range(w.size):
        m[i] = beta_1 * m[i] + (ONE - beta_1) * dw[i]
        v[i] = beta_2 * v[i] + (ONE - beta_2) * dw[i] * dw[i]
        w[i] -= alpha * m[i] / (math.sqrt(v[i]) + epsilon)


def rmsprop(
    w: Array, dw: Array, square: Array, velocity: Array | None, rho: float, momentum: float,
    lr: float, epsilon: float, scratch: Array,
) -> None:  # fmt: skip
    kept = w[:0] if velocity is None else velocity
    if takes(w, dw, square, kept):
        settings = (rho, momentum, lr, epsilon)
        rmsprop_loop(parts_of(w.size), parts.PIECE, w, ready(dw), square, kept, *settings)
    else:
        cpu.rmsprop(w, dw, square, velocity, rho, momentum, lr, epsilon, scratch)


def adam(
    w: Array, dw: Array, m: Array, v: Array, beta_1: float, beta_2: float, alpha: float,
    epsilon: float, scratch: Array,
) -> None:  # fmt: skip
    if takes(w, dw, m, v):
        settings = (beta_1, beta_2, alpha, epsilon)
        adam_loop(parts_of(w.size), parts.PIECE, w, ready(dw), m, v, *settings)
    else:
        cpu.adam(w, dw, m, v, beta_1, beta_2, alpha, epsilon, scratch)
