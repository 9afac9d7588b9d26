"""Max pooling on the CPU: 2 x 2 windows side by side take half the passes over memory."""

from __future__ import annotations

import math
from typing import Any

import numpy

from .. import plain
from ..windows import Windows
from .pieces import PIECE
from .threads import each

Array = numpy.ndarray


def max_pool(x: Array, ws: Windows) -> Array:
    """The larger of two neighbors, first along the width, then along the height.

    This takes half the passes of four views, and the second pass reads whole rows.
    """
    if not _two_by_two(x, ws):
        return plain.max_pool(x, ws)
    y = numpy.empty((len(x), *ws.output, x.shape[3]), x.dtype)

    def pictures(part: slice) -> None:
        _, _, (up, down) = _pairs(x[part])
        numpy.maximum(up, down, out=y[part])

    _by_pictures(pictures, x)
    return y


def max_pool_back(dy: Array, x: Array, y: Array, ws: Windows) -> Array:
    """Of two neighbors, the first gets its share of dy and the second the rest, without a mask.

    Masks become numbers before they multiply: NumPy would convert them in small buffers.  The plain
    form takes an infinite dy, since 0 * inf is NaN.
    """
    if not _two_by_two(x, ws) or math.isnan(y.max(initial=0)) or not _finite(dy):
        return plain.max_pool_back(dy, x, y, ws)
    dx = numpy.empty(x.shape, dy.dtype)

    def pictures(part: slice) -> None:
        left, right, (up, down) = _pairs(x[part])
        halves = numpy.empty((*up.shape[:2], 2, *up.shape[2:]), dy.dtype)  # (n, OH, 2, OW, C)
        d_up = (up >= down).astype(dy.dtype)
        d_up *= dy[part]
        halves[:, :, 0] = d_up
        numpy.subtract(dy[part], d_up, out=halves[:, :, 1])
        d_left = (left >= right).astype(dy.dtype)
        d_left *= halves
        pairs = dx[part].reshape(*halves.shape[:4], 2, x.shape[3])
        pairs[..., 0, :] = d_left
        numpy.subtract(halves, d_left, out=pairs[..., 1, :])

    _by_pictures(pictures, x)
    return dx


def _finite(x: Array) -> bool:
    return -math.inf < x.min(initial=0) and x.max(initial=0) < math.inf


def _two_by_two(x: Array, ws: Windows) -> bool:
    """Whether the windows are 2 x 2, side by side, and cover the pictures."""
    return (
        ws.size == ws.stride == (2, 2)
        and ws.padding == ((0, 0), (0, 0))
        and ws.input == (2 * ws.output[0], 2 * ws.output[1])
        and x.flags.c_contiguous
    )


def _pairs(x: Array) -> tuple[Array, Array, tuple[Array, Array]]:
    """The left and the right pixels (n, OH, 2, OW, C), and the larger of both: (up, down)."""
    n, H, W, C = x.shape
    pairs = x.reshape(n, H // 2, 2, W // 2, 2, C)
    left, right = pairs[..., 0, :], pairs[..., 1, :]
    larger = numpy.maximum(left, right)
    return left, right, (larger[:, :, 0], larger[:, :, 1])


def _by_pictures(task: Any, x: Array) -> None:
    """task(slice of the batch), a few pictures at a time."""
    few = max(1, 2 * PIECE // max(math.prod(x.shape[1:]), 1))
    each(lambda i: task(slice(i * few, (i + 1) * few)), -(-len(x) // few))
