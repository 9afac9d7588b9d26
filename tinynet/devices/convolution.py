"""Convolution on the CPU: columns tile by tile, and one product of matrices for each tile.

A tile's columns are copied into a buffer that stays in the core's cache and multiplied straight
into the result; bias and relu follow while it is warm.  The columns of a batch are never there all
at once.  (Fashion CNN, second layer, forward: 34 ms by tiles on one thread, 16 on two.)
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy

from .field import ALIGN, Field, Grid, Pair, Phase, Room
from .pieces import finish
from .threads import each, get_threads
from .windows import Windows
from .workspace import Tiles, borrowed, budget, cut

Array = numpy.ndarray


# -- the three products ----------------------------------------------------------------------------


def convolve(x: Array, kernel: Array, bias: Array | None, ws: Windows, relu: bool = False) -> Array:
    y = numpy.empty((len(x), *ws.output, kernel.shape[3]), x.dtype)
    phase = Phase(_grid(ws), kernel.reshape(-1, kernel.shape[3]), y)
    _slide(x, [phase], ws.stride, bias, relu)
    return y


def spread(y: Array, kernel: Array, bias: Array | None, ws: Windows, relu: bool = False) -> Array:
    """Two ways of the same multiplications.  To scatter is to read and write what is added up; to
    gather is to copy columns and write once, but in products with C columns, and with few of them
    BLAS is slow.  (The faces' decoder: 40 ms gathered, 23 scattered with C = 3; 17 and 22 with 64.)
    """
    way = _scatter if _scatters(*kernel.shape[2:]) else _gather
    return way(y, kernel, bias, ws, relu)


def _scatters(C: int, O: int) -> bool:  # noqa: E741
    return C < 8 <= O


def _scatter(y: Array, kernel: Array, bias: Array | None, ws: Windows, relu: bool) -> Array:
    """What each window holds for its pixels, as columns, and added up where windows overlap.

    Added in runs of KW * C numbers: windows that are KW apart do not overlap, so every KW-th of a
    row is added at once, where pixel by pixel the runs would be of C.
    """
    (KH, KW), (SH, SW), (OH, OW) = ws.size, ws.stride, ws.output
    (top, _), (left, _) = ws.padding
    (H, W), C, O = ws.input, kernel.shape[2], y.shape[3]  # noqa: E741
    y = numpy.ascontiguousarray(y)
    x = numpy.empty((len(y), H, W, C), y.dtype)
    turned = numpy.ascontiguousarray(kernel.reshape(-1, O).T)  # (O, KH * KW * C)
    apart = _apart(ws)
    wide = _width(ws, C)
    tiles = _scatter_tiles(y.shape, x.itemsize, C, ws)

    def add(i: int) -> None:
        n0, n1, r0, r1 = tiles.tiles[i]
        h0, h1 = r0 * SH, min(r1 * SH, top + H)  # rows of the padded x
        i0, i1 = max(0, (h0 - KH) // SH + 1), min(OH, (h1 - 1) // SH + 1)  # of windows
        with borrowed(tiles.workspace) as buffer:
            room = Room(buffer)
            first, high = i0 * SH, (i1 - i0 - 1) * SH + KH
            sums = room.array((n1 - n0, max(high, h1 - first), wide), x.dtype)
            sums[...] = 0
            if i1 > i0:
                held = room.array(((n1 - n0) * (i1 - i0) * OW, KH * KW * C), x.dtype)
                numpy.matmul(y[n0:n1, i0:i1].reshape(-1, O), turned, out=held)
                parts = held.reshape(n1 - n0, i1 - i0, OW, KH, KW * C)
                for u in range(KH):
                    lines = sums[:, u : u + (i1 - i0 - 1) * SH + 1 : SH]
                    for a in range(min(apart, OW)):
                        part = parts[:, :, a::apart, u]
                        places = lines[:, :, a * SW * C :][:, :, : part.shape[2] * apart * SW * C]
                        s0, s1, s2 = places.strides
                        target = numpy.lib.stride_tricks.as_strided(
                            places, part.shape, (s0, s1, apart * SW * C * s2, s2)
                        )
                        target += part
            h2 = max(h0, top)
            if h2 < h1:
                inside = sums[:, h2 - first : h1 - first, left * C : (left + W) * C]
                x[n0:n1, h2 - top : h1 - top] = inside.reshape(n1 - n0, h1 - h2, W, C)
                if bias is not None or relu:
                    finish(x[n0:n1, h2 - top : h1 - top].reshape(-1, C), bias, relu)

    each(add, len(tiles.tiles), tiles.most)
    return x


def _apart(ws: Windows) -> int:
    """Windows so far apart in a row do not overlap."""
    return -(-ws.size[1] // ws.stride[1])


def _width(ws: Windows, C: int) -> int:
    """Of a row of x, in numbers, with a margin in which all that is added at once has room."""
    KW, SW, OW, apart = ws.size[1], ws.stride[1], ws.output[1], _apart(ws)
    return max(-(-OW // apart) * apart * SW * C + KW * C, (ws.padding[1][0] + ws.input[1]) * C)


def _scatter_tiles(shape: tuple[int, ...], size: int, C: int, ws: Windows) -> Tiles:
    """A tile is some rows of x; the windows that reach into it from above are computed again.

    shape: of y (N, OH, OW, O).  size: the bytes of a number.
    """
    (KH, KW), SH = ws.size, ws.stride[0]
    N, _, OW, O = shape  # noqa: E741
    rows = -(-(ws.padding[0][0] + ws.input[0]) // SH)
    columns = OW * KH * KW * C * size
    wide = _width(ws, C) * size
    return cut(
        pictures=N,
        rows=rows,
        columns=columns,
        memory=columns + (SH + KH) * wide,
        work=OW * KH * KW * C * O,
        fixed=-(-KH // SH) * columns + KH * wide + 3 * ALIGN,
    )


def _gather(y: Array, kernel: Array, bias: Array | None, ws: Windows, relu: bool = False) -> Array:
    """As windows again.  With stride S, the pixels a, a + S, a + 2S, ... of x see the same part of
    the kernel: they are a convolution of y with that part, turned over.  S * S such phases are x.

    Adding columns up where windows overlap would read and write x KH * KW times; here each pixel is
    written once.
    """
    x = numpy.empty((len(y), *ws.input, kernel.shape[2]), y.dtype)
    phases, gaps = _phases(x, kernel, ws)
    for gap in gaps:
        gap[...] = finish(numpy.zeros((1, x.shape[3]), x.dtype), bias, relu)
    if phases:
        _slide(y, phases, (1, 1), bias, relu)
    return x


def _phases(x: Array, kernel: Array, ws: Windows) -> tuple[list[Phase], list[Array]]:
    """The phases that fill x, and the parts of x that lie between the windows."""
    SH, SW = ws.stride
    phases, gaps = [], []
    for high in _parts(kernel.shape[0], SH, ws.padding[0][0], ws.input[0]):
        for wide in _parts(kernel.shape[1], SW, ws.padding[1][0], ws.input[1]):
            sink = x[:, high.first :: SH, wide.first :: SW]
            if not high.size or not wide.size:
                gaps.append(sink)
                continue
            part = kernel[high.phase :: SH, wide.phase :: SW][::-1, ::-1]  # (TH, TW, C, O)
            turned = part.transpose(0, 1, 3, 2).reshape(-1, x.shape[3])  # (TH * TW * O, C)
            grid = Grid((high.size, wide.size), (high.start, wide.start), sink.shape[1:3])
            phases.append(Phase(grid, turned, sink))
    return phases, gaps


def kernel_gradient(x: Array, dy: Array, ws: Windows) -> Array:
    """Up to 16 groups of tiles, each with a sum of its own; the sums are added in order.

    The first sum is the result.  The others take at most half of what a tile leaves of the budget.
    """
    dy = numpy.ascontiguousarray(dy)
    M, O = math.prod(ws.size) * x.shape[3], dy.shape[3]  # noqa: E741
    size = M * O * dy.itemsize  # of a sum
    field = Field(x, [_grid(ws)], ws.stride)
    tiles = field.cut(M * O, fixed=size)
    others = min(15, (budget() - tiles.workspace) // (2 * size))
    count = max(1, -(-len(tiles.tiles) // (1 + others)))  # tiles in a group
    groups = [tiles.tiles[i : i + count] for i in range(0, len(tiles.tiles), count)]
    dw = numpy.empty((M, O), dy.dtype) if groups else numpy.zeros((M, O), dy.dtype)
    sums = [dw, *numpy.empty((max(len(groups), 1) - 1, M, O), dy.dtype)]

    def group(g: int) -> None:
        with borrowed(tiles.workspace) as buffer:
            room = Room(buffer)
            term = room.array((M, O), dy.dtype)
            for i, tile in enumerate(groups[g]):
                mark = room.used
                rows = field.rows(0, tile, field.padded(tile, room), room)
                part = dy[tile.n0 : tile.n1, tile.r0 : tile.r1].reshape(-1, O)
                if i:
                    numpy.matmul(rows.T, part, out=term)
                    numpy.add(sums[g], term, out=sums[g])
                else:
                    numpy.matmul(rows.T, part, out=sums[g])
                room.used = mark

    each(group, len(groups), max(1, (budget() - (len(sums) - 1) * size) // tiles.workspace))
    for other in sums[1:]:
        dw += other
    return dw.reshape(*ws.size, x.shape[3], O)


class _Part(NamedTuple):
    """Along one axis: every S-th pixel of x from `first` on, and the kernel from `phase` on."""

    phase: int
    first: int
    size: int  # of that part of the kernel
    start: int  # where in y the window of the first of these pixels begins


def _parts(k: int, s: int, border: int, n: int) -> list[_Part]:
    """k: the kernel's size, s: the stride, border: the padding before x, n: the size of x."""
    found = []
    for phase in range(s):
        size = len(range(phase, k, s))
        place = max(0, -((phase - border) // s))  # of the first pixel that is inside
        first = s * place + phase - border
        if first < n:
            found.append(_Part(phase, first, size, place - size + 1))
    return found


# -- windows, tile by tile -------------------------------------------------------------------------


def _grid(ws: Windows) -> Grid:
    return Grid(ws.size, (-ws.padding[0][0], -ws.padding[1][0]), ws.output)


def _slide(
    source: Array, phases: list[Phase], stride: Pair, bias: Array | None, relu: bool
) -> None:
    """Lay each phase's kernel on its windows of the source (N, H, W, C), and fill its sink."""
    field = Field(source, [phase.grid for phase in phases], stride)
    direct = [phase.sink.flags.c_contiguous for phase in phases]
    tiles = field.cut_for(phases)

    def fill(i: int) -> None:
        tile = tiles.tiles[i]
        with borrowed(tiles.workspace) as buffer:
            room = Room(buffer)
            padded = field.padded(tile, room)
            mark = room.used
            for k, phase in enumerate(phases):
                sink = phase.sink[tile.n0 : tile.n1, tile.r0 : tile.r1]
                if not sink.size:
                    continue
                rows = field.rows(k, tile, padded, room)
                shape = (len(rows), sink.shape[3])
                y = sink.reshape(shape) if direct[k] else room.array(shape, sink.dtype)
                finish(numpy.matmul(rows, phase.kernel, out=y), bias, relu)
                if not direct[k]:
                    sink[...] = y.reshape(sink.shape)
                room.used = mark

    each(fill, len(tiles.tiles), tiles.most)


# -- how much memory it takes ----------------------------------------------------------------------


def workspace(shape: tuple[int, ...], dtype: numpy.dtype, outputs: int, ws: Windows) -> int:
    """The bytes that convolve computes in for x of that shape, all threads together."""
    few = min(shape[0], 2)  # pictures: how they lie is all that counts
    kernel = numpy.empty((math.prod(ws.size) * shape[3], outputs), dtype)
    sink = numpy.empty((few, *ws.output, outputs), dtype)
    return _workspace(shape, [Phase(_grid(ws), kernel, sink)], ws.stride)


def spread_workspace(shape: tuple[int, ...], dtype: numpy.dtype, channels: int, ws: Windows) -> int:
    """The bytes that spread computes in for y of that shape, all threads together.

    channels: of x.
    """
    if _scatters(channels, shape[3]):
        return _together(_scatter_tiles(shape, dtype.itemsize, channels, ws))
    x = numpy.empty((min(shape[0], 2), *ws.input, channels), dtype)
    kernel = numpy.empty((*ws.size, channels, shape[3]), dtype)
    return _workspace(shape, _phases(x, kernel, ws)[0], (1, 1))


def _workspace(shape: tuple[int, ...], phases: list[Phase], stride: Pair) -> int:
    if not phases:
        return 0
    none = numpy.empty((0, *shape[1:]), phases[0].sink.dtype)
    field = Field(none, [phase.grid for phase in phases], stride)
    field.pictures = shape[0]
    return _together(field.cut_for(phases))


def _together(tiles: Tiles) -> int:
    return tiles.workspace * min(get_threads(), tiles.most, len(tiles.tiles))
