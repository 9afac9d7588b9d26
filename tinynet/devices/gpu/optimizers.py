"""The rules of the optimizers: every number of the flat arrays is read once."""

from __future__ import annotations

from .. import optimizers
from ..arrays import Array
from .launch import launch, ready, takes


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
