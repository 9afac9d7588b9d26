"""Sums of columns, and the moments of batch normalization."""

from __future__ import annotations

from typing import Any

from .. import plain
from ..arrays import Array, xp
from .launch import launch, launch_blocks, ready, takes

CHUNKS = 256  # at most; a chunk has 256 rows or more


def column_sums(x: Array) -> Array:
    return _summed("column_sums", 1, x)[0] if takes(x) else plain.column_sums(x)


def products_and_sums(
    dy: Array, x: Array, mean: Array, y: Any = None, leak: float = 1.0
) -> tuple[Array, Array]:
    y = dy if leak == 1 else y
    if not takes(dy, x, mean, y):
        return plain.products_and_sums(dy, x, mean, y, leak)
    products, sums = _summed("products_and_sums", 2, dy, x, mean, y, float(leak))
    return products, sums


def moments(x: Array) -> tuple[Array, Array]:
    if not takes(x):
        return plain.moments(x)
    (rows, C), chunks = x.shape, _chunks(len(x))
    found, y = xp(x).empty((2, chunks, C), x.dtype), xp(x).empty((2, C), x.dtype)
    launch_blocks("sums.moments", _grid(C, chunks), (32, 8), ready(x), found, rows, C=C)
    launch("sums.join_moments", C, found, chunks, rows, y, C=C)
    return y[0], y[1]


def move_statistics(
    moving_mean: Array | None, moving_variance: Array | None, mean: Array, variance: Array,
    rest: float,
) -> None:  # fmt: skip
    moving = [a for a in (moving_mean, moving_variance) if a is not None]
    if not takes(mean, variance, *moving) or not all(a.flags.c_contiguous for a in moving):
        return plain.move_statistics(moving_mean, moving_variance, mean, variance, rest)
    values = moving_mean, moving_variance, ready(mean), ready(variance), float(rest)
    launch_blocks("sums.move_statistics", (1,), (256,), *values, C=len(mean))


def _summed(name: str, sets: int, *values: Any) -> Array:
    """(sets, C): the sums over the rows that the kernel computes."""
    (rows, C), chunks = values[0].shape, _chunks(len(values[0]))
    cupy, dtype = xp(values[0]), values[0].dtype
    parts, y = cupy.empty((sets, chunks, C), dtype), cupy.empty((sets, C), dtype)
    target = y if chunks == 1 else parts
    given = [value if type(value) is float else ready(value) for value in values]
    launch_blocks(f"sums.{name}", _grid(C, chunks), (32, 8), *given, target, rows, C=C)
    if chunks > 1:
        launch("sums.add_chunks", sets * C, parts, chunks, y, C=C)
    return y


def _chunks(rows: int) -> int:
    return max(1, min(CHUNKS, rows // 256))


def _grid(C: int, chunks: int) -> tuple[int, int]:
    return -(-C // 32), chunks
