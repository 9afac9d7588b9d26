"""Products of matrices on the CPU, in blocks that depend on the shapes alone."""

from __future__ import annotations

import numpy

from .blas import one_blas_thread
from .pieces import PIECE, SHARED, long_rows, relu_into, sum_dtype
from .threads import each

Array = numpy.ndarray

# Multiply-adds: with fewer, no BLAS that was tried takes a second thread.  Found by the time that
# the threads of OpenBLAS ran, in NumPy 2.0.0 and 2.4.6: two vectors of float64 take one from 10,001
# on (of float32, never), a matrix and a vector from 460,800 (in other builds, from 9,216), two
# matrices from 438,048 (blas.py).
ONE_THREAD = 9_216
MANY_ROWS = 512  # so many at most are added to one by one: 2 us for 256 rows of 32, instead of 5
BLOCK = 6_000_000  # multiply-adds for a thread: 120 us, where waking one takes 50 to 100


def product(a: Array, b: Array, bias: Array | None = None, relu: bool = False) -> Array:
    """In up to 8 blocks, cut along N, O or, if both are short, along M.  Stacks: see _stack.

    BLAS would cut by the number of its threads, and the last bits would depend on it.  The 24
    products of a step of the deep autoencoder take 20 ms in one block each, 12 with two threads.
    """
    if a.ndim > 2 or b.ndim > 2:
        return finish(_stack(a, b), bias, relu)
    (N, M), O = a.shape, b.shape[1]  # noqa: E741
    work = N * M * O
    if work < ONE_THREAD or (work <= one_blas_thread.alone and min(N, M, O) > 1):
        return a @ b if bias is None and not relu else finish(a @ b, bias, relu)
    rows, inner, columns = block_counts(N, M, O)
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


def block_counts(
    N: int,
    M: int,
    O: int,  # noqa: E741
    least: int | None = None,
) -> tuple[int, int, int]:
    """Into how many ranges N, M and O are cut: the longest is halved, one to three times.

    least: the multiply-adds from which there are two blocks; 2 * BLOCK if it is not given.
    M counts a quarter, since the results of its ranges must be added up.  With more blocks, BLAS
    rearranges the same numbers more often: sixteen took 20% longer.  Eight keep 8 threads busy.
    """
    work = N * M * O / BLOCK
    two = work >= 2 if least is None else least <= N * M * O
    count = 1 if not two else 2 if work < 16 else 4 if work < 64 else 8
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


def _stack(a: Array, b: Array) -> Array:
    """Large matrices one after the other, by product(); of smaller ones, each thread takes some.

    (..., N, M), (..., M, O) -> (..., N, O)
    """
    (N, M), O = a.shape[-2:], b.shape[-1]  # noqa: E741
    work = max(a.size * O, N * b.size)
    if work < ONE_THREAD:
        return a @ b
    if work < 2 * BLOCK:
        with one_blas_thread:
            return a @ b
    stack = numpy.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, b = (numpy.broadcast_to(x, (*stack, *x.shape[-2:])) for x in (a, b))
    y = numpy.empty((*stack, N, O), numpy.result_type(a, b))
    if N * M * O >= 2 * BLOCK:
        for i in numpy.ndindex(stack):
            y[i] = product(a[i], b[i])
        return y
    longest = stack.index(max(stack))
    parts = _ranges(max(stack), block_counts(work, 1, 1)[0])
    a, b, out = (x.swapaxes(0, longest) for x in (a, b, y))
    each(lambda i: numpy.matmul(a[parts[i]], b[parts[i]], out=out[parts[i]]), len(parts))
    return y


def _ranges(n: int, count: int) -> list[slice]:
    size = -(-n // count)
    return [slice(i, min(i + size, n)) for i in range(0, n, size)]


def column_sums(x: numpy.ndarray) -> numpy.ndarray:
    """As a product with a row of ones: BLAS reads at memory speed, x.sum(axis=0) at a third."""
    if x.size < 1024:  # so few that the second call costs more than the sums
        sums = numpy.add.reduce(x, dtype=sum_dtype(x.dtype))
        return sums if sums.dtype is x.dtype else sums.astype(x.dtype)
    if x.size < ONE_THREAD:
        return numpy.ones(len(x), x.dtype) @ x
    if x.size < SHARED:
        with one_blas_thread:
            return numpy.ones(len(x), x.dtype) @ x
    rows = max(1, PIECE // x.shape[1])
    count = -(-len(x) // rows)
    ones = numpy.ones(rows, x.dtype)
    sums = numpy.empty((count, x.shape[1]), x.dtype)

    def piece(i: int) -> None:
        part = x[i * rows : (i + 1) * rows]
        numpy.matmul(ones[: len(part)], part, out=sums[i])

    each(piece, count)
    with one_blas_thread:
        return numpy.ones(count, x.dtype) @ sums


def finish(y: numpy.ndarray, bias: numpy.ndarray | None, relu: bool) -> numpy.ndarray:
    """Add the bias to the rows of y (..., O), then take relu, in place, while y is in the cache."""
    if bias is not None and y.size:
        C = y.shape[-1]
        k = long_rows(y.shape) if y.size > MANY_ROWS * C and y.flags.c_contiguous else 1
        if k > 1:
            long = y.reshape(-1, k * C)
            long += numpy.broadcast_to(bias, (k, C)).reshape(-1)  # here it is copied
        else:
            y += bias
    return relu_into(y, y) if relu else y
