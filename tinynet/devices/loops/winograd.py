"""3 x 3 and 5 x 5 convolutions by Winograd's way: a quarter or 36% of the multiplications.

A row of 6 pixels has m = 4 places for a kernel of 3 numbers, or m = 2 for one of 5.  Read both as
polynomials: the results are coefficients of their product, and a product can be computed from its
values at 6 points.  At a point, the values are simply multiplied.  So

    y = A^T [(G g) * (B^T d)],    d: 6 pixels, g: the kernel, y: m results

where B^T d and G g are the values at the points 0, 1, -1, 1/2, -1/2 and infinity, and A^T leads
back.  In two dimensions, it is done along the columns and then along the rows of each tile:

    y = A^T [(G g G^T) * (B^T d B)] A,    d: 6 x 6 pixels, y: m x m results

The sums over channels become 36 products of matrices, one for each of the 6 x 6 points.  Where a
pixel is NaN or infinite, all results of its tiles become NaN.

Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016.  There the points
are 0, 1, -1, 2, -2: with 1/2 the rounding errors are smaller.
"""

from __future__ import annotations

import math

import numpy

from ..cpu.blas import one_blas_thread
from ..cpu.tile_columns import ALIGN
from ..cpu.workspace import Tiles, cut
from ..settings import exact_convolution
from ..windows import Windows
from .gemm import multiply, sgemm
from .loop import ONE, ZERO, Numbers, Pictures, Places, Rows, Stack, loop, part_of_loop
from .matrix import product
from .parts import added_up, places, scratch, together

Array = numpy.ndarray


def _kernel_at_points(K: int) -> Array:
    """The matrix that gives G g G^T of a K x K kernel g, both as vectors: (36, K * K)"""
    powers = numpy.arange(K)
    rows = [scale * point**powers for scale, point in ((1, 0.0), (1 / 6, 1.0), (1 / 6, -1.0))]
    rows += [-4 / 3 * point**powers for point in (0.5, -0.5)]
    G = numpy.array([*rows, (powers == K - 1) / 4])  # at infinity, the highest power counts
    return numpy.kron(G, G).astype(numpy.float32)


KERNEL_AT_POINTS = {K: _kernel_at_points(K) for K in (3, 5)}
TWO, FOUR, FIVE = numpy.float32(2), numpy.float32(4), numpy.float32(5)
HALF, QUARTER, EIGHTH = numpy.float32(1 / 2), numpy.float32(1 / 4), numpy.float32(1 / 8)


@part_of_loop
def at_points(d0, d1, d2, d3, d4, d5):
    """B^T d"""
    even, odd = FOUR * d4 - d2, FOUR * d3 - d1
    half_even, half_odd = TWO * (d4 - d2), d3 - d1
    return (
        d0 - FIVE * d2 + FOUR * d4, even + odd, even - odd,
        half_even + half_odd, half_even - half_odd, d1 - FIVE * d3 + FOUR * d5,
    )  # fmt: skip


@part_of_loop
def from_points(m0, m1, m2, m3, m4, m5, m):
    """A^T m; of its 4 results, those of a 5 x 5 kernel are the first 2."""
    sum_1, difference_1, sum_half, difference_half = m1 + m2, m1 - m2, m3 + m4, m3 - m4
    return (
        m0 + sum_1 + sum_half, difference_1 + HALF * difference_half + (m5 if m == 2 else ZERO),
        sum_1 + QUARTER * sum_half, difference_1 + EIGHTH * difference_half + m5,
    )  # fmt: skip


@part_of_loop
def gradient_at_points(g0, g1, g2, g3, m):
    """A dy; of a 5 x 5 kernel, g2 and g3 are 0."""
    even, odd = g0 + g2, g1 + g3
    half_even, half_odd = g0 + QUARTER * g2, HALF * g1 + EIGHTH * g3
    last = g1 if m == 2 else g3
    return g0, even + odd, even - odd, half_even + half_odd, half_even - half_odd, last


@part_of_loop
def tiles_at_points(x, m, top, left, r0, r1, TW, V):
    """B^T d B of the tiles in rows [r0, r1) of tiles.  V (36, n * (r1 - r0) * TW, C)

    Tile (r, q) begins at pixel (m r - top, m q - left); around the picture are zeros.
    """
    n, H, W, C = x.shape
    d, t = numpy.empty((6, C), numpy.float32), numpy.empty((6, 6, C), numpy.float32)
    k = 0
    for i in range(n):
        for r in range(r0, r1):
            for q in range(TW):
                for v in range(6):
                    column = m * q + v - left
                    for u in range(6):
                        row = m * r + u - top
                        if 0 <= row < H and 0 <= column < W:
                            for c in range(C):
                                d[u, c] = x[i, row, column, c]
                        else:
                            for c in range(C):
                                d[u, c] = ZERO
                    for c in range(C):
                        t[0, v, c], t[1, v, c], t[2, v, c], t[3, v, c], t[4, v, c], t[5, v, c] = (
                            at_points(d[0, c], d[1, c], d[2, c], d[3, c], d[4, c], d[5, c])
                        )
                for u in range(6):
                    for c in range(C):
                        (
                            V[6 * u, k, c], V[6 * u + 1, k, c], V[6 * u + 2, k, c],
                            V[6 * u + 3, k, c], V[6 * u + 4, k, c], V[6 * u + 5, k, c],
                        ) = at_points(
                            t[u, 0, c], t[u, 1, c], t[u, 2, c], t[u, 3, c], t[u, 4, c], t[u, 5, c]
                        )  # fmt: skip
                k += 1


@part_of_loop
def tiles_from_points(M, m, bias, relu, r0, r1, TW, y):
    """A^T m A of the tiles, plus the bias, then relu.  M (36, n * (r1 - r0) * TW, O)"""
    n, OH, OW, O = y.shape  # noqa: E741
    t, s = numpy.empty((4, 6, O), numpy.float32), numpy.empty((4, O), numpy.float32)
    k = 0
    for i in range(n):
        for r in range(r0, r1):
            for q in range(TW):
                for v in range(6):
                    for o in range(O):
                        t[0, v, o], t[1, v, o], t[2, v, o], t[3, v, o] = from_points(
                            M[v, k, o], M[6 + v, k, o], M[12 + v, k, o],
                            M[18 + v, k, o], M[24 + v, k, o], M[30 + v, k, o], m,
                        )  # fmt: skip
                for u in range(min(m, OH - m * r)):
                    for o in range(O):
                        s[0, o], s[1, o], s[2, o], s[3, o] = from_points(
                            t[u, 0, o], t[u, 1, o], t[u, 2, o], t[u, 3, o], t[u, 4, o],
                            t[u, 5, o], m,
                        )  # fmt: skip
                    for v in range(min(m, OW - m * q)):
                        for o in range(O):
                            a = s[v, o] + bias[o]
                            y[i, m * r + u, m * q + v, o] = ZERO if relu and a <= 0 else a
                k += 1


@part_of_loop
def gradient_tiles_at_points(dy, m, r0, r1, TW, D):
    """A dy A^T of the tiles.  D (36, n * (r1 - r0) * TW, O)"""
    n, OH, OW, O = dy.shape  # noqa: E741
    g, t = numpy.zeros((4, O), numpy.float32), numpy.zeros((6, 4, O), numpy.float32)
    k = 0
    for i in range(n):
        for r in range(r0, r1):
            for q in range(TW):
                for v in range(m):
                    for u in range(m):
                        if m * r + u < OH and m * q + v < OW:
                            for o in range(O):
                                g[u, o] = dy[i, m * r + u, m * q + v, o]
                        else:
                            for o in range(O):
                                g[u, o] = ZERO
                    for o in range(O):
                        t[0, v, o], t[1, v, o], t[2, v, o], t[3, v, o], t[4, v, o], t[5, v, o] = (
                            gradient_at_points(g[0, o], g[1, o], g[2, o], g[3, o], m)
                        )
                for u in range(6):
                    for o in range(O):
                        (
                            D[6 * u, k, o], D[6 * u + 1, k, o], D[6 * u + 2, k, o],
                            D[6 * u + 3, k, o], D[6 * u + 4, k, o], D[6 * u + 5, k, o],
                        ) = gradient_at_points(
                            t[u, 0, o], t[u, 1, o], t[u, 2, o], t[u, 3, o], m
                        )  # fmt: skip
                k += 1


# -- the products of a convolution with stride 1 ---------------------------------------------------


@loop
def winograd_loop(
    worker: int, part: int, tiles: Places, x: Pictures, m: int, top: int, left: int, TW: int,
    U: Stack, bias: Numbers, relu: bool, sgemm: int, wide: bool, scratch: Rows, y: Pictures,
) -> None:  # fmt: skip
    """U: the kernel at the 36 points (36, C, O).  The part is a tile of the batch."""
    n0, n1, r0, r1 = tiles[part, 0], tiles[part, 1], tiles[part, 2], tiles[part, 3]
    T, C, O = (n1 - n0) * (r1 - r0) * TW, x.shape[3], y.shape[3]  # noqa: E741
    V = scratch[worker, : 36 * T * C].reshape(36, T, C)
    M = scratch[worker, 36 * T * C : 36 * T * (C + O)].reshape(36, T, O)
    tiles_at_points(x[n0:n1], m, top, left, r0, r1, TW, V)
    for k in range(36):
        multiply(sgemm, wide, V[k], False, U[k], False, ZERO, M[k])
    tiles_from_points(M, m, bias, relu, r0, r1, TW, y[n0:n1])


@loop
def winograd_gradient_loop(
    worker: int, part: int, groups: int, tiles: Places, x: Pictures, dy: Pictures, m: int, top: int,
    left: int, TW: int, sgemm: int, wide: bool, scratch: Rows, sums: Pictures,
) -> None:  # fmt: skip
    """sums[part] = the sum over every groups-th tile, at the 36 points.  sums (groups, 36, C, O)"""
    C, O = x.shape[3], dy.shape[3]  # noqa: E741
    for i in range(part, tiles.shape[0], groups):
        n0, n1, r0, r1 = tiles[i, 0], tiles[i, 1], tiles[i, 2], tiles[i, 3]
        T = (n1 - n0) * (r1 - r0) * TW
        V = scratch[worker, : 36 * T * C].reshape(36, T, C)
        D = scratch[worker, 36 * T * C : 36 * T * (C + O)].reshape(36, T, O)
        tiles_at_points(x[n0:n1], m, top, left, r0, r1, TW, V)
        gradient_tiles_at_points(dy[n0:n1], m, r0, r1, TW, D)
        keep = ZERO if i == part else ONE
        for k in range(36):
            multiply(sgemm, wide, V[k], True, D[k], False, keep, sums[part, k])


def convolve(
    x: Array, kernel: Array, bias: Array | None, output: tuple[int, int], top: int, left: int,
    relu: bool,
) -> Array:  # fmt: skip
    """x (N, H, W, C), with top rows and left columns of zeros before it -> (N, *output, O)"""
    K, _, C, O = kernel.shape  # noqa: E741
    m = 7 - K
    tiles, TW = tiles_of(len(x), m, C, O, output)
    y = numpy.empty((len(x), *output, O), numpy.float32)
    bias = numpy.zeros(O, numpy.float32) if bias is None else bias
    memory = scratch(tiles)
    U = product(KERNEL_AT_POINTS[K], kernel.reshape(K * K, C * O)).reshape(36, C, O)
    with one_blas_thread:
        winograd_loop(
            len(tiles.tiles), places(tiles), x, m, top, left, TW, U, bias, relu, *sgemm,
            memory, y, most=len(memory),
        )  # fmt: skip
    return y


def kernel_gradient(x: Array, dy: Array, K: int, top: int, left: int) -> Array:
    """dw = G^T [the sum over all tiles of (B^T d B) (A dy A^T)] G.  -> (K, K, C, O)"""
    C, O, m = x.shape[3], dy.shape[3], 7 - K  # noqa: E741
    tiles, TW = tiles_of(len(x), m, C, O, dy.shape[1:3])
    groups = min(8, len(tiles.tiles))  # each adds up its own tiles, in order
    sums, memory = numpy.empty((groups, 36, C, O), numpy.float32), scratch(tiles)
    with one_blas_thread:
        winograd_gradient_loop(
            groups, groups, places(tiles), x, dy, m, top, left, TW, *sgemm, memory, sums,
            most=len(memory),
        )  # fmt: skip
    dw = product(KERNEL_AT_POINTS[K].T, added_up(sums).reshape(36, C * O))
    return dw.reshape(K, K, C, O)


def tiles_of(N: int, m: int, C: int, O: int, output: tuple[int, int]) -> tuple[Tiles, int]:  # noqa: E741
    """How the batch is cut, and the number of tiles of m x m results in a row."""
    TH, TW = -(-output[0] // m), -(-output[1] // m)
    row = 36 * TW * (C + O) * 4  # bytes
    return cut(N, TH, row, row, 36 * TW * C * O, 2 * ALIGN, TILE, LEAST_WORK), TW


def workspace(N: int, K: int, C: int, O: int, output: tuple[int, int]) -> int:  # noqa: E741
    """The bytes of all threads together."""
    tiles, _ = tiles_of(N, 7 - K, C, O, output)
    return together(tiles)


TILE = 2**21  # bytes of a tile at the 36 points
LEAST_WORK = 2_000_000  # multiply-adds of a tile

# With fewer channels, the tiles cost more than the products save.
LEAST_CHANNELS = {(3, 3): 16, (5, 5): 32}


def serves(C: int, O: int, ws: Windows) -> bool:  # noqa: E741
    return (
        min(C, O) >= LEAST_CHANNELS.get(ws.size, math.inf)
        and ws.stride == (1, 1)
        and math.prod(ws.output) >= 16
        and sgemm is not None
        and not exact_convolution()
    )
