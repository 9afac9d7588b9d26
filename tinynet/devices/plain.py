"""The kernels in their plain form: what they compute, in the fewest lines.

A GPU computes these as they stand.  cpu.py has each of them again, in a form that is fast there,
and tests hold that form to this one.  Shapes: x (N, H, W, C), y (N, OH, OW, O), kernels
(KH, KW, C, O); `ws` are the windows of the pictures x.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from .arrays import Array, xp
from .windows import Windows

Formula = Callable[..., Array]  # of arrays of one shape, and last: where the result may be put


# -- elementwise, and sums -------------------------------------------------------------------------


def elementwise(formula: Formula, *arrays: Array) -> Array:
    """formula(*arrays, None): each number of it depends on the numbers in the same place alone."""
    return formula(*arrays, None)


def total(formula: Formula, *arrays: Array) -> Array:
    """The sum of formula(*arrays, None) over all numbers."""
    return formula(*arrays, None).sum()


def mean(formula: Formula, *arrays: Array) -> Array:
    """The mean of formula(*arrays, None) over all numbers, right in float16 too."""
    return formula(*arrays, None).mean()


def relu(x: Array) -> Array:
    """max(0, x).  (...) -> (...)"""
    return xp(x).maximum(x, 0)


def column_sums(x: Array) -> Array:
    """(N, D) -> (D,), as a product with a row of ones, which BLAS reads at memory speed."""
    return xp(x).ones(len(x), x.dtype) @ x


def product(a: Array, b: Array, bias: Array | None = None, relu: bool = False) -> Array:
    """a @ b + bias, and of it max(0, ...).  (N, M), (M, O), (O,) -> (N, O)"""
    return _finish(a @ b, bias, relu)


def _finish(y: Array, bias: Array | None, through_relu: bool) -> Array:
    if bias is not None:
        y += bias
    return relu(y) if through_relu else y


# -- what an optimizer's step does piece by piece --------------------------------------------------


def update_size(w: Array) -> int:
    """How many numbers a step moves at a time: here, all of them."""
    return max(w.size, 1)


def each_update(task: Callable[..., None], count: int, size: int, w: Array) -> None:
    """task(k, a, b) for each of so many pieces, with two scratch arrays of that size, as w is."""
    a, b = xp(w).empty(size, w.dtype), xp(w).empty(size, w.dtype)
    for k in range(count):
        task(k, a, b)


# -- convolution -----------------------------------------------------------------------------------


def columns(x: Array, ws: Windows) -> Array:
    """Every window as a row (im2col).  (N, H, W, C) -> (N, OH, OW, KH * KW * C)"""
    return ws.patches(ws.pad(x)).reshape(len(x), *ws.output, math.prod(ws.size) * x.shape[3])


def sum_windows(rows: Array, ws: Windows) -> Array:
    """The transpose of columns: each pixel gets the sum of what its windows hold for it.

    (N, OH, OW, KH * KW * C) -> (N, H, W, C)
    """
    KH, KW = ws.size
    parts = rows.reshape(len(rows), *ws.output, KH * KW, rows.shape[3] // (KH * KW))
    padded = ws.padded_zeros(parts[:, :, :, 0])
    for k, view in enumerate(ws.views(padded)):
        view += parts[:, :, :, k]
    return ws.crop(padded)


def convolve(x: Array, kernel: Array, bias: Array | None, ws: Windows, relu: bool = False) -> Array:
    """The kernel on every window.  x -> y"""
    O = kernel.shape[3]  # noqa: E741
    y = matrix(columns(x, ws)) @ kernel.reshape(-1, O)
    return _finish(y.reshape(len(x), *ws.output, O), bias, relu)


def spread(y: Array, kernel: Array, bias: Array | None, ws: Windows, relu: bool = False) -> Array:
    """The transpose of convolve: the kernel, times each number of y, added up.  y -> x

    bias (C,).  Without it and relu, dx of convolve for dy = y.
    """
    KH, KW, C, O = kernel.shape  # noqa: E741
    rows = matrix(y) @ kernel.reshape(-1, O).T  # (N*OH*OW, KH*KW*C)
    return _finish(sum_windows(rows.reshape(*y.shape[:3], KH * KW * C), ws), bias, relu)


def kernel_gradient(x: Array, dy: Array, ws: Windows) -> Array:
    """dw of convolve.  x, dy -> (KH, KW, C, O)"""
    dw = matrix(columns(x, ws)).T @ matrix(dy)
    return dw.reshape(*ws.size, x.shape[3], dy.shape[3])


def matrix(x: Array) -> Array:
    """All axes but the last as one.  (..., M) -> (N', M)"""
    return x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


# -- max pooling -----------------------------------------------------------------------------------


def max_pool(x: Array, ws: Windows) -> Array:
    """The largest number of each window.  (N, H, W, C) -> (N, OH, OW, C)"""
    views = ws.views(ws.pad(x, -math.inf))
    y = next(views).copy()
    for view in views:
        xp(y).maximum(y, view, out=y)
    return y


def max_pool_back(dy: Array, x: Array, y: Array, ws: Windows) -> Array:
    """dy to the first pixel of each window of x that equals y (or is NaN, as y is then)."""
    return to_first_equal(dy, ws.pad(x, -math.inf), y, ws)


def to_first_equal(dy: Array, padded: Array, y: Array, ws: Windows) -> Array:
    """dy to the first pixel of each window that equals y.  (N, OH, OW, C) -> (N, H, W, C)"""
    dx = ws.padded_zeros(dy)
    free = xp(y).ones(y.shape, bool)  # the windows that have given their gradient to no pixel yet
    for view, part in zip(ws.views(padded), ws.views(dx), strict=True):
        first = ((view == y) | (view != view)) & free  # NaN is the largest, as NumPy has it
        part += dy * first
        free &= ~first
    return ws.crop(dx)


# -- what batch normalization computes for each channel --------------------------------------------


def moments(x: Array) -> tuple[Array, Array]:
    """Mean and variance (with 1 / N) of the columns.  (N, C) -> (C,), (C,)"""
    mean = x.mean(axis=0)
    return mean, xp(x).square(x - mean).mean(axis=0)


def scale_and_shift(x: Array, mean: Array, scale: Array, shift: Array) -> Array:
    """(x - mean) * scale + shift.  x (..., C), the others (C,)"""
    return (x - mean) * scale + shift


def products_and_sums(dy: Array, x: Array, mean: Array) -> tuple[Array, Array]:
    """The columns' sums of dy * (x - mean), and of dy.  dy, x (N, C), mean (C,) -> (C,), (C,)"""
    return column_sums(dy * (x - mean)), column_sums(dy)


def combine(dy: Array, a: Array, x: Array, mean: Array, b: Array, c: Array) -> Array:
    """dy * a + (x - mean) * b + c.  dy, x (..., C), the others (C,)"""
    return dy * a + (x - mean) * b + c
