"""The arithmetic of an optimizer's step, as plain kernels; loops/ has it compiled."""

from __future__ import annotations

from .arrays import Array, xp


def adam(
    w: Array, dw: Array, m: Array, v: Array, beta_1: float, beta_2: float, alpha: float,
    epsilon: float, scratch: Array,
) -> None:  # fmt: skip
    """m = beta_1 m + (1 - beta_1) dw;  v = beta_2 v + (1 - beta_2) dw^2;

    w = w - alpha m / (sqrt(v) + epsilon).  In place.  All arrays (D,); scratch is overwritten.
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
