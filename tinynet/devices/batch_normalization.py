"""Sums of columns, and batch normalization for each channel, as plain kernels."""

from __future__ import annotations

from typing import Any

from .arrays import Array, xp


def column_sums(x: Array) -> Array:
    """The sum of each column, as a product with a row of ones: fast in BLAS.  (N, D) -> (D,)"""
    return xp(x).ones(len(x), x.dtype) @ x


def moments(x: Array) -> tuple[Array, Array]:
    """The mean and the variance, with 1 / N, of each column.  (N, C) -> (C,), (C,)"""
    mean = x.mean(axis=0)
    return mean, xp(x).square(x - mean).mean(axis=0)


def scales(variance: Array, gamma: Array, epsilon: float) -> tuple[Array, Array]:
    """What x - mean is multiplied by: to be normal, and to be z.  (C,), (C,) -> (C,), (C,)"""
    scale = 1 / xp(variance).sqrt(variance + epsilon)
    return scale, gamma * scale


def move_statistics(
    moving_mean: Array | None, moving_variance: Array | None, mean: Array, variance: Array,
    rest: float,
) -> None:  # fmt: skip
    """moving += rest * (batch - moving), in place.  A NaN would stay: then nothing moves."""
    if xp(variance).isfinite(variance).all():
        for moving, batch in ((moving_mean, mean), (moving_variance, variance)):
            if moving is not None:
                moving += rest * (batch - moving)


# The use of the next four stands in ops/normalization.py: y, the sums over the batch, and dx.  A
# relu or leaky relu may follow, y = leaked(z, leak).


def leaked(z: Array, leak: float) -> Array:
    """z where z > 0, else leak * z: leaky relu; relu for 0, z itself for 1."""
    if leak == 1:
        return z
    return xp(z).where(z > 0, z, leak * z) if leak else xp(z).maximum(z, 0)  # 0 * infinity is NaN


def leaked_back(dy: Array, y: Array, leak: float) -> Array:
    """dz = dy where y > 0, else leak * dy, for y = leaked(z, leak)."""
    return dy if leak == 1 else xp(y).where(y > 0, dy, leak * dy)


def scale_and_shift(x: Array, mean: Array, scale: Array, shift: Array, leak: float = 1.0) -> Array:
    """leaked((x - mean) * scale + shift, leak).  x (..., C), the others (C,)"""
    return leaked((x - mean) * scale + shift, leak)


def products_and_sums(
    dy: Array, x: Array, mean: Array, y: Any = None, leak: float = 1.0
) -> tuple[Array, Array]:
    """Of each column the sum of dz * (x - mean), and of dz.  (N, C), (N, C), (C,) -> (C,), (C,)"""
    dz = leaked_back(dy, y, leak)
    return column_sums(dz * (x - mean)), column_sums(dz)


def slopes(
    products: Array, dbeta: Array, scale: Array, slope: Array, n: int
) -> tuple[Array, Array, Array]:
    """dgamma, and of dx the factor of x - mean and the last summand.  All (C,)"""
    dgamma = products * scale
    return dgamma, -slope * scale * dgamma / n, -slope * dbeta / n


def combine(
    dy: Array, a: Array, x: Array, mean: Array, b: Array, c: Array, y: Any = None, leak: float = 1.0
) -> Array:
    """dz * a + (x - mean) * b + c.  dy, x, y (..., C), the others (C,)"""
    return leaked_back(dy, y, leak) * a + (x - mean) * b + c
