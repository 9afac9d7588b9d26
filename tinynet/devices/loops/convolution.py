"""Convolution: by Winograd where that serves, otherwise by columns, tile by tile.

The windows of a tile become the rows of a matrix, its columns, which stay in the core's cache.  In
the same part follow their product with the kernel, bias and relu.
"""

from __future__ import annotations

import math

import numpy

from .. import cpu, settings
from ..cpu.blas import one_blas_thread
from ..cpu.convolution import scatter_tiles
from ..cpu.workspace import Tiles, cut
from ..windows import Windows
from . import matrix, winograd
from .gemm import multiply, sgemm
from .loop import ONE, ZERO, Numbers, Pictures, Places, Rows, address, loop, part_of_loop, ready
from .machine import add_number_at, copy_numbers, number_at
from .parts import added_up, places, scratch, takes, together

Array = numpy.ndarray
TILE = 2**20  # bytes of columns
LEAST_WORK = 2_000_000  # multiply-adds of a tile
GROUPS = 8  # sums of a kernel's gradient


@part_of_loop
def padded_tile(x, n0, n1, h0, w0, memory):
    """memory (n, H, W, C) = pictures [n0, n1) from pixel (h0, w0) on, and zeros around them"""
    H, W = x.shape[1], x.shape[2]
    start, stop = max(0, -w0), min(memory.shape[2], W - w0)
    for n in range(n1 - n0):
        for i in range(memory.shape[1]):
            if 0 <= h0 + i < H and start < stop:
                memory[n, i, :start] = ZERO
                memory[n, i, start:stop] = x[n0 + n, h0 + i, w0 + start : w0 + stop]
                memory[n, i, stop:] = ZERO
            else:
                memory[n, i] = ZERO


@part_of_loop
def fill_columns(x, KH, KW, SH, SW, OH, OW, turned, columns):
    """The windows of padded pictures as rows (T, KH * KW * C); turned: as columns (KH * KW * C, T).

    Turned, the runs of numbers are as long as a row of windows; they serve where C is small.
    """
    N, H, W, C = x.shape
    source, target = address(x), address(columns)
    if not turned:
        for n in range(N):
            for i in range(OH):
                for j in range(OW):
                    for u in range(KH):
                        place = ((n * H + i * SH + u) * W + j * SW) * C
                        copy_numbers(source + 4 * place, target, KW * C)
                        target += 4 * KW * C
        return
    rows, step = columns.reshape(KH * KW * C, N * OH, OW), 4 * SW * C
    for u in range(KH):
        for v in range(KW):
            for c in range(C):
                lines = rows[(u * KW + v) * C + c]
                for n in range(N):
                    for i in range(OH):
                        place = source + 4 * (((n * H + i * SH + u) * W + v) * C + c)
                        line = lines[n * OH + i]
                        for j in range(OW):
                            line[j] = number_at(place + j * step)


@part_of_loop
def columns_of_tile(x, n0, n1, r0, r1, KH, KW, SH, SW, top, left, OW, turned, memory):
    """The windows in rows [r0, r1) of pictures [n0, n1), in that memory."""
    N, C, OH = n1 - n0, x.shape[3], r1 - r0
    T, K = N * OH * OW, KH * KW * C
    high, wide = (OH - 1) * SH + KH, (OW - 1) * SW + KW
    columns = memory[: T * K].reshape((K, T) if turned else (T, K))
    pictures = memory[T * K : T * K + N * high * wide * C].reshape(N, high, wide, C)
    padded_tile(x, n0, n1, r0 * SH - top, -left, pictures)
    fill_columns(pictures, KH, KW, SH, SW, OH, OW, turned, columns)
    return columns


@loop
def convolve_loop(
    worker: int, part: int, tiles: Places, x: Pictures, KH: int, KW: int, SH: int, SW: int,
    top: int, left: int, turned: bool, kernel: Rows, bias: Numbers, relu: bool, sgemm: int,
    wide: bool, scratch: Rows, y: Pictures,
) -> None:  # fmt: skip
    n0, n1, r0, r1 = tiles[part, 0], tiles[part, 1], tiles[part, 2], tiles[part, 3]
    OH, OW, O = y.shape[1:]  # noqa: E741
    rows = y.reshape(-1, O)[(n0 * OH + r0) * OW : (n0 * OH + r0) * OW + (n1 - n0) * (r1 - r0) * OW]
    columns = columns_of_tile(
        x, n0, n1, r0, r1, KH, KW, SH, SW, top, left, OW, turned, scratch[worker]
    )
    multiply(sgemm, wide, columns, turned, kernel, False, ZERO, rows)
    matrix.add_bias(rows, bias, relu)


@loop
def kernel_gradient_loop(
    worker: int, part: int, groups: int, tiles: Places, x: Pictures, dy: Pictures, KH: int, KW: int,
    SH: int, SW: int, top: int, left: int, turned: bool, sgemm: int, wide: bool, scratch: Rows,
    sums: Rows,
) -> None:  # fmt: skip
    """sums[part] = the sum over every groups-th tile"""
    OH, OW, O = dy.shape[1:]  # noqa: E741
    for i in range(part, tiles.shape[0], groups):
        n0, n1, r0, r1 = tiles[i, 0], tiles[i, 1], tiles[i, 2], tiles[i, 3]
        start, T = (n0 * OH + r0) * OW, (n1 - n0) * (r1 - r0) * OW
        columns = columns_of_tile(
            x, n0, n1, r0, r1, KH, KW, SH, SW, top, left, OW, turned, scratch[worker]
        )
        multiply(
            sgemm, wide, columns, not turned, dy.reshape(-1, O)[start : start + T], False,
            ZERO if i == part else ONE, sums[part].reshape(-1, O),
        )  # fmt: skip


@part_of_loop
def add_columns(columns, KH, KW, SH, SW, top, left, i0, i1, OW, h0, h1, x):
    """Windows in rows [i0, i1), as rows, are added to rows [h0, h1) of a picture x."""
    W, C = x.shape[1], x.shape[2]
    for i in range(i0, i1):
        for j in range(OW):
            first = j * SW - left
            start = max(0, -first)  # the pixels [start, stop) are inside
            stop = max(start, min(KW, W - first))
            window = columns[(i - i0) * OW + j]
            for u in range(max(0, h0 + top - i * SH), min(KH, h1 + top - i * SH)):
                line = x[i * SH - top + u].reshape(-1)[(first + start) * C :]
                run = window[(u * KW + start) * C : (u * KW + stop) * C]
                for c in range(run.size):
                    line[c] += run[c]


@part_of_loop
def add_turned_columns(rows, KH, KW, SH, SW, top, left, i0, i1, OW, h0, h1, x):
    """The same, where windows are columns: in runs as long as a row of windows."""
    W, C = x.shape[1], x.shape[2]
    for u in range(KH):
        for v in range(KW):
            # windows [start, stop) of a row see a pixel there
            start = min(max(0, -((v - left) // SW)), OW)
            stop = max(start, min(OW, (W - 1 - v + left) // SW + 1))
            for c in range(C):
                for i in range(i0, i1):
                    h = i * SH - top + u
                    if h0 <= h < h1:
                        run = rows[
                            (u * KW + v) * C + c, (i - i0) * OW + start : (i - i0) * OW + stop
                        ]
                        place = address(x) + 4 * ((h * W + start * SW - left + v) * C + c)
                        for j in range(run.size):
                            add_number_at(place + 4 * SW * C * j, run[j])


@loop
def convolve_transposed_loop(
    worker: int, part: int, tiles: Places, y: Pictures, KH: int, KW: int, SH: int, SW: int,
    top: int, left: int, turned: bool, kernel: Rows, bias: Numbers, relu: bool, sgemm: int,
    wide: bool, scratch: Rows, x: Pictures,
) -> None:  # fmt: skip
    """The numbers for the pixels of each window, added up where windows overlap.

    kernel (KH * KW * C, O).  The part is [h0, h1) of the rows of x.
    """
    n0, n1 = tiles[part, 0], tiles[part, 1]
    H, W, C = x.shape[1:]
    OH, OW, O = y.shape[1:]  # noqa: E741
    h0, h1 = max(tiles[part, 2] * SH - top, 0), min(tiles[part, 3] * SH - top, H)
    # windows [i0, i1) reach into these rows
    i0, i1 = max(0, (h0 + top - KH) // SH + 1), min(OH, (h1 + top - 1) // SH + 1)
    if h1 <= h0:
        return
    for n in range(n0, n1):
        for h in range(h0, h1):
            for w in range(W):
                for c in range(C):
                    x[n, h, w, c] = bias[c]
        if i1 > i0:
            K, T = KH * KW * C, (i1 - i0) * OW
            windows, numbers = y[n, i0:i1].reshape(T, O), scratch[worker, : T * K]
            if turned:
                rows = numbers.reshape(K, T)
                multiply(sgemm, wide, kernel, False, windows, True, ZERO, rows)
                add_turned_columns(rows, KH, KW, SH, SW, top, left, i0, i1, OW, h0, h1, x[n])
            else:
                columns = numbers.reshape(T, K)
                multiply(sgemm, wide, windows, False, kernel, True, ZERO, columns)
                add_columns(columns, KH, KW, SH, SW, top, left, i0, i1, OW, h0, h1, x[n])
        if relu:
            for h in range(h0, h1):
                for w in range(W):
                    for c in range(C):
                        x[n, h, w, c] = ZERO if x[n, h, w, c] <= 0 else x[n, h, w, c]


def convolve(x: Array, kernel: Array, bias: Array | None, ws: Windows, relu: bool = False) -> Array:
    C, O = kernel.shape[2:]  # noqa: E741
    if not takes(x, kernel) or sgemm is None:
        return cpu.convolve(x, kernel, bias, ws, relu)
    (top, _), (left, _) = ws.padding
    x, bias = ready(x), numpy.zeros(O, numpy.float32) if bias is None else ready(bias)
    if winograd.serves(C, O, ws):
        return winograd.convolve(x, ready(kernel), bias, ws.output, top, left, relu)
    y = numpy.empty((len(x), *ws.output, O), numpy.float32)
    tiles = _tiles(len(x), C, O, ws)
    memory = scratch(tiles)
    with one_blas_thread:
        convolve_loop(
            len(tiles.tiles), places(tiles), x, *_numbers(ws), _turned(C, ws),
            ready(kernel).reshape(-1, O), bias, relu, *sgemm, memory, y, most=len(memory),
        )  # fmt: skip
    return y


def convolve_transposed(
    y: Array, kernel: Array, bias: Array | None, ws: Windows, relu: bool = False
) -> Array:
    """With stride 1, it is the convolution with the kernel turned by 180 degrees."""
    C, O = kernel.shape[2:]  # noqa: E741
    if not takes(y, kernel) or sgemm is None:
        return cpu.convolve_transposed(y, kernel, bias, ws, relu)
    y, bias = ready(y), numpy.zeros(C, numpy.float32) if bias is None else ready(bias)
    (top, _), (left, _) = ws.padding
    if winograd.serves(O, C, ws):
        turned = ready(kernel[::-1, ::-1].transpose(0, 1, 3, 2))
        edge = ws.size[0] - 1
        return winograd.convolve(y, turned, bias, ws.input, edge - top, edge - left, relu)
    x = numpy.empty((len(y), *ws.input, C), numpy.float32)
    tiles = scatter_tiles(y.shape, 4, C, ws, TILE, LEAST_WORK)
    memory = scratch(tiles)
    with one_blas_thread:
        convolve_transposed_loop(
            len(tiles.tiles), places(tiles), y, *_numbers(ws), ws.size[1] * C <= 8,
            ready(kernel).reshape(-1, O), bias, relu, *sgemm, memory, x, most=len(memory),
        )  # fmt: skip
    return x


def kernel_gradient(x: Array, dy: Array, ws: Windows) -> Array:
    C, O = x.shape[3], dy.shape[3]  # noqa: E741
    if not takes(dy, x) or sgemm is None:
        return cpu.kernel_gradient(x, dy, ws)
    (top, _), (left, _) = ws.padding
    x, dy = ready(x), ready(dy)
    if winograd.serves(C, O, ws):
        return winograd.kernel_gradient(x, dy, ws.size[0], top, left)
    tiles = _tiles(len(x), C, O, ws)
    groups, memory = min(GROUPS, len(tiles.tiles)), scratch(tiles)
    sums = numpy.empty((groups, math.prod(ws.size) * C * O), numpy.float32)
    with one_blas_thread:
        kernel_gradient_loop(
            groups, groups, places(tiles), x, dy, *_numbers(ws), _turned(C, ws), *sgemm,
            memory, sums, most=len(memory),
        )  # fmt: skip
    return added_up(sums).reshape(*ws.size, C, O)


def _numbers(ws: Windows) -> tuple[int, int, int, int, int, int]:
    return (*ws.size, *ws.stride, ws.padding[0][0], ws.padding[1][0])


def _turned(C: int, ws: Windows) -> bool:
    return ws.size[1] * C <= 16 < ws.output[1]


def _tiles(N: int, C: int, O: int, ws: Windows) -> Tiles:  # noqa: E741
    (OH, OW), (KH, KW), (SH, SW) = ws.output, ws.size, ws.stride
    columns, wide = OW * KH * KW * C * 4, ((OW - 1) * SW + KW) * C * 4  # bytes
    memory = columns + max(SH, KH) * wide
    return cut(N, OH, columns, memory, columns // 4 * O, 0, TILE, LEAST_WORK)


def convolve_workspace(N: int, itemsize: int, channels: int, outputs: int, ws: Windows) -> int:
    if not _large(N, itemsize, channels, ws.input):
        return cpu.convolve_workspace(N, itemsize, channels, outputs, ws)
    if winograd.serves(channels, outputs, ws):
        return winograd.workspace(N, ws.size[0], channels, outputs, ws.output)
    return together(_tiles(N, channels, outputs, ws))


def convolve_transposed_workspace(
    N: int, itemsize: int, channels: int, outputs: int, ws: Windows
) -> int:
    if not _large(N, itemsize, outputs, ws.output):
        return cpu.convolve_transposed_workspace(N, itemsize, channels, outputs, ws)
    if winograd.serves(outputs, channels, ws):
        return winograd.workspace(N, ws.size[0], outputs, channels, ws.input)
    return together(scatter_tiles((N, *ws.output, outputs), 4, channels, ws, TILE, LEAST_WORK))


def _large(N: int, itemsize: int, channels: int, size: tuple[int, int]) -> bool:
    large = N * math.prod(size) * channels >= settings.LEAST
    return itemsize == 4 and large and sgemm is not None
