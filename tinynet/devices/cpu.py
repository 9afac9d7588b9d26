"""The CPU: NumPy, made fast.  plain.py says what each kernel computes; here is how.

Four ideas: work on tiles that stay in a core's cache; let several threads take tiles in turn; write
results where they belong (`out=`), since a new large array costs more than the arithmetic; and keep
NumPy's innermost loops long.  At each trick stands what it does and what it bought, measured on 2
cores of a Zen 4, float32.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy

from . import plain
from .allocator import keep_memory
from .convolution import convolve, kernel_gradient, spread
from .pieces import (
    PIECE,
    SMALL,
    column_sums,
    elementwise,
    finish,
    long_rows,
    mean,
    relu_of,
    sharing,
    total,
)
from .threads import each, one_blas_thread
from .windows import Windows
from .workspace import borrowed

Array = numpy.ndarray

keep_memory()

__all__ = [
    "add_at", "column_sums", "combine", "convolve", "each_update", "elementwise", "from_host",
    "kernel_gradient", "max_pool", "max_pool_back", "mean", "moments", "product",
    "products_and_sums", "relu", "scale_and_shift", "spread", "to_host", "total", "update_size",
]  # fmt: skip


def from_host(array: Array) -> Array:
    return array


def to_host(array: Array) -> Array:
    return array


def add_at(target: Array, index: Any, values: Array) -> None:
    numpy.add.at(target, index, values)


def relu(x: Array) -> Array:
    return elementwise(relu_of, x)


# -- products of matrices --------------------------------------------------------------------------

BLOCK = 6_000_000  # multiply-adds worth a thread: 120 us, where to wake one takes 50 to 100


def product(a: Array, b: Array, bias: Array | None = None, relu: bool = False) -> Array:
    """In up to 8 blocks, by shape alone: cut along N, O, or, where both are short, along M.

    BLAS would cut by the number of its threads, and the last bits with it.  The 24 products of a
    step of the deep autoencoder take 20 ms in one block each, 12 with two threads.
    """
    (N, M), O = a.shape, b.shape[1]  # noqa: E741
    if N * M * O < SMALL:
        return a @ b if bias is None and not relu else finish(a @ b, bias, relu)
    rows, inner, columns = _grid(N, M, O)
    y = numpy.empty((N, O), numpy.result_type(a, b))
    if rows * inner * columns == 1:
        with one_blas_thread:
            return finish(numpy.matmul(a, b, out=y), bias, relu)
    blocks = [(r, c) for r in _ranges(N, rows) for c in _ranges(O, columns)]
    if inner == 1:

        def block(i: int) -> None:
            r, c = blocks[i]
            part = numpy.matmul(a[r], b[:, c], out=y[r, c])
            finish(part, None if bias is None else bias[c], relu)

        each(block, len(blocks))
        return y

    # y = sum of a[:, m] @ b[m], added in order
    ranges = _ranges(M, inner)
    terms = numpy.empty((len(ranges), N, O), y.dtype)
    parts = [(k, m, r, c) for k, m in enumerate(ranges) for r, c in blocks]

    def term(i: int) -> None:
        k, m, r, c = parts[i]
        numpy.matmul(a[r, m], b[m, c], out=terms[k][r, c])

    each(term, len(parts))
    for other in terms[1:]:
        terms[0] += other
    y[...] = terms[0]
    return finish(y, bias, relu)


def _grid(N: int, M: int, O: int) -> tuple[int, int, int]:  # noqa: E741
    """Into how many ranges N, M and O are cut: the longest is halved, one to three times.

    M counts a quarter, since sums over it have to be added up.  More blocks would keep more than 8
    threads busy, and make BLAS rearrange the same numbers more often: sixteen took 20% longer.
    """
    work = N * M * O / BLOCK
    count = 1 if work < 2 else 2 if work < 16 else 4 if work < 64 else 8
    rows = inner = columns = 1
    while rows * inner * columns < count:
        longest = max(N / rows, M / inner / 4, O / columns)
        if longest == N / rows:
            rows *= 2
        elif longest == O / columns:
            columns *= 2
        else:
            inner *= 2
    return rows, inner, columns


def _ranges(n: int, count: int) -> list[slice]:
    size = -(-n // count)
    return [slice(i, min(i + size, n)) for i in range(0, n, size)]


# -- what an optimizer's step does piece by piece --------------------------------------------------

# numbers: Adam's step of 1,200,000 parameters takes 1.2 ms with two threads; with 65,536, for which
# Python's lock is asked for four times as often, 2.1
UPDATE = 262_144


def update_size(w: Array) -> int:
    return UPDATE


def each_update(task: Callable[..., None], count: int, size: int, w: Array) -> None:
    def update(k: int) -> None:
        with borrowed(2 * size * w.itemsize) as buffer:
            task(k, *numpy.ndarray((2, size), w.dtype, buffer))

    if count == 1:
        update(0)
    else:
        each(update, count)


# -- max pooling -----------------------------------------------------------------------------------


def max_pool(x: Array, ws: Windows) -> Array:
    """Of two and two neighbours, first along the width, then along the height: half the passes of
    four views, and the second of them in runs of whole rows.
    """
    if not _halves(x, ws):
        return plain.max_pool(x, ws)
    y = numpy.empty((len(x), *ws.output, x.shape[3]), x.dtype)

    def pictures(part: slice) -> None:
        _, _, (up, down) = _pairs(x[part])
        numpy.maximum(up, down, out=y[part])

    _by_pictures(pictures, x)
    return y


def max_pool_back(dy: Array, x: Array, y: Array, ws: Windows) -> Array:
    """What is not the first's is the second's, dy - its part: no pass over masks, none over NaN.

    Masks become numbers before they multiply: NumPy would convert them in small buffers.
    """
    if not _halves(x, ws) or math.isnan(float(y.max(initial=0))):
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


def _halves(x: Array, ws: Windows) -> bool:
    """Whether the windows are 2 x 2, side by side, and cover the pictures."""
    return (
        ws.size == ws.stride == (2, 2)
        and ws.padding == ((0, 0), (0, 0))
        and ws.input == (2 * ws.output[0], 2 * ws.output[1])
        and x.flags.c_contiguous
    )


def _pairs(x: Array) -> tuple[Array, Array, tuple[Array, Array]]:
    """The left and the right of all pairs (n, OH, 2, OW, C), and the upper and lower larger one."""
    n, H, W, C = x.shape
    pairs = x.reshape(n, H // 2, 2, W // 2, 2, C)
    left, right = pairs[..., 0, :], pairs[..., 1, :]
    larger = numpy.maximum(left, right)
    return left, right, (larger[:, :, 0], larger[:, :, 1])


def _by_pictures(task: Any, x: Array) -> None:
    """task(slice of the batch), some pictures at a time."""
    some = max(1, 2 * PIECE // max(math.prod(x.shape[1:]), 1))
    each(lambda i: task(slice(i * some, (i + 1) * some)), -(-len(x) // some))


# -- batch normalization ---------------------------------------------------------------------------


def moments(x: Array) -> tuple[Array, Array]:
    """In one pass over x: mean and squares of each piece while it is in the cache, then together.

    The sums of squares are about a piece's own mean, and joined as Chan, Golub and LeVeque (1983)
    do, so that nothing is lost where the mean is large.
    """
    N, C = x.shape
    some = max(2, PIECE // C)
    count = -(-N // some)
    if count < 2:
        return _moments_of(x)
    found = numpy.empty((count, 2, C), x.dtype)

    def piece(i: int) -> None:
        found[i] = _moments_of(x[i * some : (i + 1) * some])

    each(piece, count, sharing(x.size))
    sizes = numpy.full(count, some / N, x.dtype)
    sizes[-1] = (N - some * (count - 1)) / N
    mean = sizes @ found[:, 0]
    return mean, sizes @ (found[:, 1] + numpy.square(found[:, 0] - mean))


def _moments_of(x: Array) -> tuple[Array, Array]:
    mean = column_sums(x) / len(x)
    centred = _per_channel(numpy.subtract, x, mean)
    numpy.square(centred, out=centred)
    return mean, column_sums(centred) / len(x)


def _per_channel(function: Any, x: Array, vector: Array, out: Array | None = None) -> Array:
    """function(x, vector) for x (..., C) and vector (C,), in rows of some 8,192 numbers.

    NumPy's innermost loop runs along the last axis: with 32 channels it would be all overhead.
    """
    if not x.flags.c_contiguous or (out is not None and not out.flags.c_contiguous):
        return function(x, vector, out=out)
    k = long_rows(x.shape)
    y = numpy.empty(x.shape, x.dtype) if out is None else out
    wide = (-1, k * x.shape[-1])
    function(x.reshape(wide), numpy.tile(vector, k), out=y.reshape(wide))
    return y


def scale_and_shift(x: Array, mean: Array, scale: Array, shift: Array) -> Array:
    """x * scale + rest, one pass less; what it rounds away is what x was rounded by, or less."""
    rest = shift - mean * scale

    def rows(x: Array, y: Array) -> None:
        _per_channel(numpy.multiply, x, scale, y)
        _per_channel(numpy.add, y, rest, y)

    return _by_rows(rows, x)


def products_and_sums(dy: Array, x: Array, mean: Array) -> tuple[Array, Array]:
    """Both in one pass; the products are never there all at once."""
    N, C = x.shape
    some = max(1, PIECE // C)
    sums = numpy.empty((2, max(1, -(-N // some)), C), x.dtype)

    def piece(i: int) -> None:
        part = slice(i * some, (i + 1) * some)
        products = _per_channel(numpy.subtract, x[part], mean)
        products *= dy[part]
        sums[0, i], sums[1, i] = column_sums(products), column_sums(dy[part])

    each(piece, sums.shape[1], sharing(x.size))
    return column_sums(sums[0]), column_sums(sums[1])


def combine(dy: Array, a: Array, x: Array, mean: Array, b: Array, c: Array) -> Array:
    rest = c - mean * b

    def rows(dy: Array, x: Array, dx: Array) -> None:
        _per_channel(numpy.multiply, dy, a, dx)
        dx += _per_channel(numpy.multiply, x, b)
        _per_channel(numpy.add, dx, rest, dx)

    return _by_rows(rows, dy, x)


def _by_rows(task: Any, *arrays: Array) -> Array:
    """task(*rows, rows of the result), some rows of (..., C) at a time."""
    C = arrays[0].shape[-1]
    result = numpy.empty(arrays[0].shape, arrays[0].dtype)
    flat = [a.reshape(-1, C) for a in (*arrays, result)]
    some = -(-max(PIECE // C, 1) // 64) * 64

    def piece(i: int) -> None:
        task(*(a[i * some : (i + 1) * some] for a in flat))

    each(piece, -(-len(flat[0]) // some), sharing(result.size))
    return result
