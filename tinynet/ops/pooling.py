"""Pooling: one number for each window of each channel.  (N, H, W, C) -> (N, OH, OW, C)"""

from __future__ import annotations

import math
from typing import Any

from ..devices import Array, Windows, kernels, xp
from ..engine.observer import Work
from ..engine.tensor import differentiable
from .windows import Padding, Pair, height_and_width, pair, windows


def _pool_work(y, x, size: Pair = 2, stride: Pair | None = None, **others: Any):
    size = pair(size, "size")
    return Work(0, size, size if stride is None else pair(stride, "stride"))


@differentiable(work=_pool_work)
def max_pool2d(
    x,
    size: Pair = 2,
    stride: Pair | None = None,
    padding: Padding = "valid",
    ceil_mode: bool = False,
):
    """The largest number of each window.  (N, H, W, C) -> (N, OH, OW, C)

    size, stride: a number for both directions or (vertical, horizontal), at least 1; the stride is
        the size unless it is given.
    padding: as for conv2d, and less than the size; the border never counts.
    ceil_mode: whether a last window that reaches over the edge counts: 7 pixels pool to 4, not 3.

    Among equals, the gradient goes to the first.  ValueError if a window is larger than the
    picture.
    """
    ws = _windows(x, size, stride, padding, ceil_mode)
    y = kernels(x).max_pool(x, ws)
    return y, lambda dy: kernels(x).max_pool_back(dy, x, y, ws)


@differentiable(work=_pool_work)
def min_pool2d(
    x,
    size: Pair = 2,
    stride: Pair | None = None,
    padding: Padding = "valid",
    ceil_mode: bool = False,
):
    """The smallest number of each window.  Among equals, the gradient goes to the first.

    (N, H, W, C) -> (N, OH, OW, C); arguments and errors as for max_pool2d.
    """
    ws = _windows(x, size, stride, padding, ceil_mode)
    device = kernels(x)
    y = -device.max_pool(-x, ws)
    return y, lambda dy: device.max_pool_back(dy, -x, -y, ws)


@differentiable(work=_pool_work)
def sum_pool2d(
    x,
    size: Pair = 2,
    stride: Pair | None = None,
    padding: Padding = "valid",
    ceil_mode: bool = False,
):
    """The sum of each window.

    (N, H, W, C) -> (N, OH, OW, C); arguments and errors as for max_pool2d.
    """
    ws = _windows(x, size, stride, padding, ceil_mode)
    device = kernels(x)
    return device.sum_pool(x, ws), lambda dy: device.sum_pool_back(dy, ws)


@differentiable(work=_pool_work)
def average_pool2d(
    x,
    size: Pair = 2,
    stride: Pair | None = None,
    padding: Padding = "valid",
    ceil_mode: bool = False,
):
    """The mean of each window, over its pixels inside the picture (as Keras counts).

    (N, H, W, C) -> (N, OH, OW, C); arguments and errors as for max_pool2d.
    """
    ws = _windows(x, size, stride, padding, ceil_mode)
    device = kernels(x)
    count = math.prod(ws.size)
    if any(map(any, ws.padding)):  # windows at the edge have fewer pixels inside
        count = device.sum_pool(xp(x).ones_like(x[:1, :, :, :1]), ws)  # (1, OH, OW, 1)
    y = device.sum_pool(x, ws)
    y /= count
    return y, lambda dy: device.sum_pool_back(dy / count, ws)


@differentiable(work=_pool_work)
def l2_pool2d(
    x,
    size: Pair = 2,
    stride: Pair | None = None,
    padding: Padding = "valid",
    ceil_mode: bool = False,
):
    """The length of each window as a vector, sqrt(sum x^2).  Where it is 0, the gradient is 0.

    (N, H, W, C) -> (N, OH, OW, C); arguments and errors as for max_pool2d.
    """
    ws = _windows(x, size, stride, padding, ceil_mode)
    device = kernels(x)
    y = xp(x).sqrt(device.sum_pool(x * x, ws))
    return y, lambda dy: x * device.sum_pool_back(dy / xp(y).where(y == 0, 1, y), ws)


def _windows(
    x: Array, size: Pair, stride: Pair | None, padding: Padding, ceil_mode: bool
) -> Windows:
    if stride is None:
        stride = size
    return windows(height_and_width(x), size, stride, padding, ceil_mode, only_inside=True)
