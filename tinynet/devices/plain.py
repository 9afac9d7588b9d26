"""The kernels in their plain form: what each of them computes, in the fewest lines.

A kernel is a function that networks spend their time in.  (The weights of a convolution have the
same name in the field.)  With TINYNET_PLAIN=1 these compute everything.  Otherwise the faster forms
do, in cpu/, loops/ and gpu/; tests hold each of those to the plain form.  Noise, softmax, batch
normalization and the optimizers' rules have files of their own beside this one.

Shapes: pictures x (N, H, W, C), results y (N, OH, OW, O), kernels (KH, KW, C, O).  `ws` are the
windows over x.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy

from .arrays import Array, xp
from .batch_normalization import (
    column_sums,
    combine,
    moments,
    move_statistics,
    products_and_sums,
    scale_and_shift,
    scales,
    slopes,
)
from .checks import inside, labels_inside
from .noise import keep_mask, random_bits, standard_normal, uniform
from .optimizers import adam, gathered, rmsprop, sgd
from .softmax import cross_entropy_back, label_losses, log_softmax
from .windows import Windows

# -- elementwise, and sums: a formula computes number by number, from arrays of one shape ----------


def elementwise(formula: Any, *arrays: Array, results: int = 1, factor: Any = None) -> Any:
    """formula(*arrays); cpu/ computes it piece by piece, in pieces that fit in the cache.

    results: how many arrays the formula returns.  factor: a number that multiplies the one result.
    """
    return formula(*arrays) if factor is None else factor * formula(*arrays)


def total(formula: Callable[..., Array], *arrays: Array) -> Array:
    """The sum of formula(*arrays) over all numbers, in float32 at least."""
    return formula(*arrays).sum(dtype=numpy.result_type(arrays[0].dtype, numpy.float32))


def mean(formula: Callable[..., Array], *arrays: Array) -> Array:
    """The mean of formula(*arrays) over all numbers; float16 is summed in float32."""
    return formula(*arrays).mean()


def relu(x: Array) -> Array:
    """max(0, x).  (...) -> (...)"""
    return xp(x).maximum(x, 0)


def relu_back(dy: Array, y: Array) -> Array:
    """dy where y > 0, else 0.  (...), (...) -> (...)"""
    return dy * (y > 0)


def leaky_relu(x: Array, slope: float) -> Array:
    """x where x > 0, else slope * x.  (...) -> (...)"""
    return xp(x).where(x > 0, x, slope * x)


def leaky_relu_back(dy: Array, x: Array, slope: float) -> Array:
    """dy where x > 0, else slope * dy.  (...), (...) -> (...)"""
    return xp(x).where(x > 0, dy, slope * dy)


def masked(x: Array, mask: Array, scale: float) -> Array:
    """x * scale where the mask is True, else 0.  (...), (...) -> (...)"""
    return x * mask * scale


def owned(only: list[Array]) -> Array:
    """A copy of the array in the list; cpu/ skips the copy if nothing else holds the array."""
    return only[0].copy()


def add_at(target: Array, index: Any, values: Array) -> None:
    """target[index] += values; an index that occurs twice is added to twice."""
    xp(target).add.at(target, index, values)


def product(a: Array, b: Array, bias: Array | None = None, relu: bool = False) -> Array:
    """a @ b + bias, then max(0, ...) if relu.  (..., N, M), (..., M, O), (O,) -> (..., N, O)"""
    return finish(a @ b, bias, relu)


def finish(y: Array, bias: Array | None, through_relu: bool) -> Array:
    if bias is not None:
        y += bias
    return relu(y) if through_relu else y


# -- tasks that several threads can share, for example the pieces of an optimizer's step -----------


def each(task: Callable[[int], Any], count: int, most: int = 256) -> None:
    """task(0), ..., task(count - 1).  most: how many at once; here, one after the other."""
    for k in range(count):
        task(k)


# -- convolution -----------------------------------------------------------------------------------


def columns(x: Array, ws: Windows) -> Array:
    """Every window as a row (im2col).  (N, H, W, C) -> (N, OH, OW, KH * KW * C)"""
    return ws.patches(ws.pad(x)).reshape(len(x), *ws.output, math.prod(ws.size) * x.shape[3])


def sum_windows(rows: Array, ws: Windows) -> Array:
    """The transpose of columns: each pixel is the sum of all window entries that came from it.

    (N, OH, OW, KH * KW * C) -> (N, H, W, C)
    """
    KH, KW = ws.size
    parts = rows.reshape(len(rows), *ws.output, KH * KW, rows.shape[3] // (KH * KW))
    padded = ws.padded_zeros(parts[:, :, :, 0])
    for k, view in enumerate(ws.views(padded)):
        view += parts[:, :, :, k]
    return ws.crop(padded)


def convolve(x: Array, kernel: Array, bias: Array | None, ws: Windows, relu: bool = False) -> Array:
    """Every window times the kernel, summed.  x -> y"""
    y = matrix(columns(x, ws)) @ matrix(kernel)  # (N * OH * OW, O)
    return finish(y.reshape(len(x), *ws.output, kernel.shape[3]), bias, relu)


def convolve_transposed(
    y: Array, kernel: Array, bias: Array | None, ws: Windows, relu: bool = False
) -> Array:
    """The transpose of convolve: each number of y times the kernel, added up in x.  y -> x

    bias (C,).  Without bias and relu it is dx of convolve, for dy = y.
    """
    rows = matrix(y) @ matrix(kernel).T  # (N * OH * OW, KH * KW * C)
    return finish(sum_windows(rows.reshape(*y.shape[:3], rows.shape[1]), ws), bias, relu)


def kernel_gradient(x: Array, dy: Array, ws: Windows) -> Array:
    """dw of convolve, from x and dy.  -> (KH, KW, C, O)"""
    return (matrix(columns(x, ws)).T @ matrix(dy)).reshape(*ws.size, x.shape[3], dy.shape[3])


def column_bytes(N: int, itemsize: int, channels: int, outputs: int, ws: Windows) -> int:
    """The bytes of the columns of N pictures, in which these kernels compute.

    itemsize: the bytes of a number.  channels, outputs: C and O.
    """
    return N * math.prod(ws.output) * math.prod(ws.size) * channels * itemsize


convolve_workspace = convolve_transposed_workspace = column_bytes  # in cpu/ they differ


def matrix(x: Array) -> Array:
    """All axes but the last as one.  (..., M) -> (N', M)"""
    return x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


# -- pooling ---------------------------------------------------------------------------------------


def max_pool(x: Array, ws: Windows) -> Array:
    """The largest number of each window.  (N, H, W, C) -> (N, OH, OW, C)"""
    views = ws.views(ws.pad(x, -math.inf))
    y = next(views).copy()
    for view in views:
        xp(y).maximum(y, view, out=y)
    return y


def max_pool_back(dy: Array, x: Array, y: Array, ws: Windows) -> Array:
    """dy to the first pixel of each window that equals y, its maximum.  -> (N, H, W, C)

    NaN is larger than every number, as in NumPy.
    """
    dx = ws.padded_zeros(dy)
    free = xp(y).ones(y.shape, bool)  # the windows whose dy went to no pixel yet
    for view, part in zip(ws.views(ws.pad(x, -math.inf)), ws.views(dx), strict=True):
        first = ((view == y) | (view != view)) & free  # view != view: NaN
        part += xp(y).where(first, dy, 0)  # not dy * first: dy may be infinite
        free &= ~first
    return ws.crop(dx)


def sum_pool(x: Array, ws: Windows) -> Array:
    """The sum of each window.  (N, H, W, C) -> (N, OH, OW, C)"""
    views = ws.views(ws.pad(x))
    y = next(views).copy()
    for view in views:
        y += view
    return y


def sum_pool_back(dy: Array, ws: Windows) -> Array:
    """dy to every pixel of its window.  -> (N, H, W, C)"""
    dx = ws.padded_zeros(dy)
    for part in ws.views(dx):
        part += dy
    return ws.crop(dx)
