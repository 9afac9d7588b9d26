"""Products of matrices in blocks; bias and relu follow while a block is in the cache."""

from __future__ import annotations

import numpy

from .. import cpu, settings
from ..cpu.blas import one_blas_thread
from ..cpu.matrix import block_counts
from .gemm import multiply, sgemm
from .loop import ZERO, Numbers, Rows, loop, part_of_loop, ready
from .parts import takes

Array = numpy.ndarray
LEAST = 1_500_000  # multiply-adds, some 15 us: with fewer, one block
NO_BIAS = numpy.zeros(0, numpy.float32)


@part_of_loop
def add_bias(y, bias, relu):
    """y = relu(y + bias) of the rows, in place; no bias: it is empty"""
    for n in range(y.shape[0]):
        if bias.size:
            for o in range(y.shape[1]):
                y[n, o] += bias[o]
        if relu:
            for o in range(y.shape[1]):
                y[n, o] = ZERO if y[n, o] <= 0 else y[n, o]


@loop
def product_loop(
    part: int, rows: int, columns: int, a: Rows, a_turned: bool, b: Rows, b_turned: bool,
    bias: Numbers, relu: bool, sgemm: int, wide: bool, y: Rows,
) -> None:  # fmt: skip
    """y = relu(a @ b + bias); the part is a block of rows x columns numbers of y."""
    across = (y.shape[1] + columns - 1) // columns  # blocks
    r, c = part // across * rows, part % across * columns
    block = y[r : r + rows, c : c + columns]
    left = a[:, r : r + rows] if a_turned else a[r : r + rows, :]
    right = b[c : c + columns, :] if b_turned else b[:, c : c + columns]
    multiply(sgemm, wide, left, a_turned, right, b_turned, ZERO, block)
    add_bias(block, bias[c : c + columns], relu)


def product(a: Array, b: Array, bias: Array | None = None, relu: bool = False) -> Array:
    """Cut by shapes alone; where the sum itself is cut, NumPy computes."""
    small = a.size < settings.LEAST and b.size < settings.LEAST
    if small or a.ndim > 2 or b.ndim > 2 or sgemm is None or not (takes(a, b) or takes(b, a)):
        return cpu.product(a, b, bias, relu)
    (N, M), O = a.shape, b.shape[1]  # noqa: E741
    rows, inner, columns = block_counts(N, M, O, LEAST)
    if inner > 1 or not N * M * O:
        return cpu.product(a, b, bias, relu)
    y = numpy.empty((N, O), numpy.float32)
    high, wide = -(-N // rows), -(-O // columns)
    a_turned, b_turned = (not x.flags.c_contiguous and x.flags.f_contiguous for x in (a, b))
    with one_blas_thread:
        product_loop(
            -(-N // high) * -(-O // wide), high, wide,
            ready(a.T if a_turned else a), a_turned, ready(b.T if b_turned else b), b_turned,
            NO_BIAS if bias is None else ready(bias), relu, *sgemm, y,
        )  # fmt: skip
    return y
