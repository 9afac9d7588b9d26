"""Sums of columns, and batch normalization for each channel, as plain kernels."""

from __future__ import annotations

from .arrays import Array, xp


def column_sums(x: Array) -> Array:
    """The sum of each column, as a product with a row of ones: fast in BLAS.  (N, D) -> (D,)"""
    return xp(x).ones(len(x), x.dtype) @ x


def moments(x: Array) -> tuple[Array, Array]:
    """The mean and the variance, with 1 / N, of each column.  (N, C) -> (C,), (C,)"""
    mean = x.mean(axis=0)
    return mean, xp(x).square(x - mean).mean(axis=0)


def move_statistics(
    moving_mean: Array | None, moving_variance: Array | None, mean: Array, variance: Array,
    rest: float,
) -> None:  # fmt: skip
    """moving += rest * (batch - moving), in place.  A NaN would stay: then nothing moves."""
    if xp(variance).isfinite(variance).all():
        for moving, batch in ((moving_mean, mean), (moving_variance, variance)):
            if moving is not None:
                moving += rest * (batch - moving)


# The use of the next three stands in ops/normalization.py: y, the sums over the batch, and dx.


def scale_and_shift(x: Array, mean: Array, scale: Array, shift: Array) -> Array:
    """(x - mean) * scale + shift.  x (..., C), the others (C,)"""
    return (x - mean) * scale + shift


def products_and_sums(dy: Array, x: Array, mean: Array) -> tuple[Array, Array]:
    """Of each column the sum of dy * (x - mean), and of dy.  (N, C), (N, C), (C,) -> (C,), (C,)"""
    return column_sums(dy * (x - mean)), column_sums(dy)


def combine(dy: Array, a: Array, x: Array, mean: Array, b: Array, c: Array) -> Array:
    """dy * a + (x - mean) * b + c.  dy, x (..., C), the others (C,)"""
    return dy * a + (x - mean) * b + c
