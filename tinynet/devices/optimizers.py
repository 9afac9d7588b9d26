"""The arithmetic of the optimizers' rules, as plain kernels; loops/ has it compiled.

All arrays are (D,), and change in place; dw is only read, and scratch is overwritten.
"""

from __future__ import annotations

from collections.abc import Sequence

from .arrays import Array, xp


def gathered(arrays: Sequence[Array], out: Array) -> Array:
    """All numbers of the arrays, one array after the other."""
    return xp(out).concatenate(arrays, axis=None, out=out)


def sgd(
    w: Array, dw: Array, velocity: Array | None, momentum: float, nesterov: bool, lr: float
) -> None:
    """velocity = momentum velocity + dw;  w = w - lr velocity

    nesterov: w = w - lr (dw + momentum velocity).  velocity: None without momentum, w = w - lr dw.
    """
    change = dw
    if velocity is not None:
        velocity *= momentum
        velocity += dw
        change = dw + momentum * velocity if nesterov else velocity
    w -= lr * change


def rmsprop(
    w: Array, dw: Array, square: Array, velocity: Array | None, rho: float, momentum: float,
    lr: float, epsilon: float, scratch: Array,
) -> None:  # fmt: skip
    """square = rho square + (1 - rho) dw^2;  velocity = momentum velocity + change;

    w = w - velocity, where change = lr dw / sqrt(square + epsilon).  velocity None: w = w - change.
    """
    part = xp(w).multiply(dw, dw, out=scratch)
    part *= 1 - rho
    square *= rho
    square += part
    root = xp(w).add(square, epsilon, out=scratch)
    xp(w).sqrt(root, out=root)
    change = xp(w).divide(dw, root, out=scratch)
    change *= lr
    if velocity is not None:
        velocity *= momentum
        velocity += change
        change = velocity
    w -= change


def adam(
    w: Array, dw: Array, m: Array, v: Array, beta_1: float, beta_2: float, alpha: float,
    epsilon: float, scratch: Array,
) -> None:  # fmt: skip
    """m = beta_1 m + (1 - beta_1) dw;  v = beta_2 v + (1 - beta_2) dw^2;

    w = w - alpha m / (sqrt(v) + epsilon)
    """
    m *= beta_1
    m += xp(w).multiply(dw, 1 - beta_1, out=scratch)
    part = xp(w).multiply(dw, dw, out=scratch)
    part *= 1 - beta_2
    v *= beta_2
    v += part
    root = xp(w).sqrt(v, out=scratch)
    root += epsilon
    change = xp(w).divide(m, root, out=scratch)
    change *= alpha
    w -= change
