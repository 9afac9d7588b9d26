"""Convolution on the CPU, tile by tile: each tile's columns, then one product of matrices.

The columns stay in the core's cache.  Their product goes straight into the result; bias and relu
follow while it is in the cache.  The columns of a whole batch never exist at once.  (Fashion CNN,
second layer, forward: 34 ms by tiles on one thread, 16 on two.)
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import numpy

from ..windows import Windows
from .matrix import finish
from .threads import each, get_threads
from .tile_columns import ALIGN, Scratch, TileColumns, WindowSet
from .workspace import Tiles, borrowed, cut

Array = numpy.ndarray


# -- the three products ----------------------------------------------------------------------------


class Phase(NamedTuple):
    """A set of windows, the kernel that is laid on them, and the array for the results."""

    windows: WindowSet
    kernel: Array  # (KH * KW * C, O)
    sink: Array  # (N, OH, OW, O)


def convolve(x: Array, kernel: Array, bias: Array | None, ws: Windows, relu: bool = False) -> Array:
    y = numpy.empty((len(x), *ws.output, kernel.shape[3]), x.dtype)
    phase = Phase(_window_set(ws), kernel.reshape(-1, kernel.shape[3]), y)
    _slide(x, [phase], ws.stride, True, bias, relu)
    return y


def convolve_transposed(
    y: Array, kernel: Array, bias: Array | None, ws: Windows, relu: bool = False
) -> Array:
    """By scattering or by gathering: the multiplications are the same.

    Scattering adds each window to x, so x is read and written many times.  Gathering copies columns
    and writes x once, but its products have C columns, and BLAS is slow if they are few.  (The
    faces' decoder: 40 ms gathered, 23 scattered with C = 3; 17 and 22 with 64.)
    """
    way = _scatter if _scatters(*kernel.shape[2:]) else _gather
    return way(y, kernel, bias, ws, relu)


def _scatters(C: int, O: int) -> bool:  # noqa: E741
    return C < 8 <= O


def _scatter(y: Array, kernel: Array, bias: Array | None, ws: Windows, relu: bool) -> Array:
    """The numbers for each window's pixels as columns, then added up where windows overlap.

    Windows that are KW apart do not overlap, so every KW-th window of a row is added at once, in
    runs of KW * C numbers.  Pixel by pixel, a run would be C numbers.
    """
    (KH, KW), (SH, SW), (OH, OW) = ws.size, ws.stride, ws.output
    (top, _), (left, _) = ws.padding
    (H, W), C, O = ws.input, kernel.shape[2], y.shape[3]  # noqa: E741
    y = numpy.ascontiguousarray(y)
    x = numpy.empty((len(y), H, W, C), y.dtype)
    turned = numpy.ascontiguousarray(kernel.reshape(-1, O).T)  # (O, KH * KW * C)
    apart = _apart(ws)
    wide = _width(ws, C)
    tiles = scatter_tiles(y.shape, x.itemsize, C, ws)

    def add(i: int) -> None:
        n0, n1, r0, r1 = tiles.tiles[i]
        h0, h1 = r0 * SH, min(r1 * SH, top + H)  # rows of the padded x
        i0, i1 = max(0, (h0 - KH) // SH + 1), min(OH, (h1 - 1) // SH + 1)  # of windows
        with borrowed(tiles.workspace) as buffer:
            scratch = Scratch(buffer)
            first, high = i0 * SH, (i1 - i0 - 1) * SH + KH
            sums = scratch.array((n1 - n0, max(high, h1 - first), wide), x.dtype)
            sums[...] = 0
            if i1 > i0:
                columns = scratch.array(((n1 - n0) * (i1 - i0) * OW, KH * KW * C), x.dtype)
                numpy.matmul(y[n0:n1, i0:i1].reshape(-1, O), turned, out=columns)
                parts = columns.reshape(n1 - n0, i1 - i0, OW, KH, KW * C)
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
    """How many windows apart two of a row must be to not overlap."""
    return -(-ws.size[1] // ws.stride[1])


def _width(ws: Windows, C: int) -> int:
    """The numbers of a row of x, with a margin for the windows that are added at once."""
    KW, SW, OW, apart = ws.size[1], ws.stride[1], ws.output[1], _apart(ws)
    return max(-(-OW // apart) * apart * SW * C + KW * C, (ws.padding[1][0] + ws.input[1]) * C)


def scatter_tiles(shape: tuple[int, ...], size: int, C: int, ws: Windows, *sizes: int) -> Tiles:
    """A tile is some rows of x.  Windows that reach into two tiles are computed for each.

    shape: of y (N, OH, OW, O).  size: the bytes of a number.  sizes: see cut.
    """
    (KH, KW), SH = ws.size, ws.stride[0]
    N, _, OW, O = shape  # noqa: E741
    rows = -(-(ws.padding[0][0] + ws.input[0]) // SH)
    columns = OW * KH * KW * C * size
    wide = _width(ws, C) * size
    memory, fixed = columns + (SH + KH) * wide, -(-KH // SH) * columns + KH * wide + 3 * ALIGN
    return cut(N, rows, columns, memory, OW * KH * KW * C * O, fixed, *sizes)


def _gather(y: Array, kernel: Array, bias: Array | None, ws: Windows, relu: bool = False) -> Array:
    """As convolutions of y.  With stride S, the pixels a, a + S, a + 2S, ... of x see the same part
    of the kernel: they are a convolution of y with that part, flipped.  S * S such phases are x.

    Adding columns up where windows overlap would read and write x KH * KW times.  Here each pixel
    is written once.
    """
    SH, SW = ws.stride
    x = numpy.empty((len(y), *ws.input, kernel.shape[2]), y.dtype)
    phases = []
    for high, wide in _axis_phases(ws):
        sink = x[:, high.first :: SH, wide.first :: SW]
        if not high.size or not wide.size:  # between the windows
            sink[...] = finish(numpy.zeros((1, x.shape[3]), x.dtype), bias, relu)
            continue
        part = kernel[high.phase :: SH, wide.phase :: SW][::-1, ::-1]  # (TH, TW, C, O)
        turned = part.transpose(0, 1, 3, 2).reshape(-1, x.shape[3])  # (TH * TW * O, C)
        phases.append(Phase(_phase_windows(high, wide), turned, sink))
    if phases:
        _slide(y, phases, (1, 1), ws.stride == (1, 1), bias, relu)
    return x


def kernel_gradient(x: Array, dy: Array, ws: Windows) -> Array:
    """Up to 16 groups of tiles, each with its own sum; the sums are added in order.

    The first sum is the result.  The others take at most half of the budget that a tile leaves.
    """
    dy = numpy.ascontiguousarray(dy)
    M, O = math.prod(ws.size) * x.shape[3], dy.shape[3]  # noqa: E741
    size = M * O * dy.itemsize  # of a sum
    x = numpy.ascontiguousarray(x)
    columns = TileColumns(x.shape, x.itemsize, [_window_set(ws)], ws.stride)
    tiles = columns.cut(M * O, fixed=size)
    others = min(15, (tiles.budget - tiles.workspace) // (2 * size))
    count = max(1, -(-len(tiles.tiles) // (1 + others)))  # tiles in a group
    groups = [tiles.tiles[i : i + count] for i in range(0, len(tiles.tiles), count)]
    dw = numpy.empty((M, O), dy.dtype) if groups else numpy.zeros((M, O), dy.dtype)
    sums = [dw, *numpy.empty((max(len(groups), 1) - 1, M, O), dy.dtype)]

    def group(g: int) -> None:
        with borrowed(tiles.workspace) as buffer:
            scratch = Scratch(buffer)
            term = scratch.array((M, O), dy.dtype)
            for i, tile in enumerate(groups[g]):
                mark = scratch.used
                rows = columns.rows(0, tile, columns.padded(x, tile, scratch), scratch)
                part = dy[tile.n0 : tile.n1, tile.r0 : tile.r1].reshape(-1, O)
                if i:
                    numpy.matmul(rows.T, part, out=term)
                    numpy.add(sums[g], term, out=sums[g])
                else:
                    numpy.matmul(rows.T, part, out=sums[g])
                scratch.used = mark

    each(group, len(groups), max(1, (tiles.budget - (len(sums) - 1) * size) // tiles.workspace))
    for other in sums[1:]:
        dw += other
    return dw.reshape(*ws.size, x.shape[3], O)


class _AxisPhase(NamedTuple):
    """Along one axis: every S-th pixel of x from `first` on, and the kernel from `phase` on."""

    phase: int
    first: int
    pixels: int
    size: int  # of that part of the kernel
    start: int  # the place in y where the first pixel's window begins


def _axis_phases(ws: Windows) -> list[tuple[_AxisPhase, _AxisPhase]]:
    """The phases that together are x, each as (vertical, horizontal)."""
    (top, _), (left, _) = ws.padding
    high = _phases_along(ws.size[0], ws.stride[0], top, ws.input[0])
    wide = _phases_along(ws.size[1], ws.stride[1], left, ws.input[1])
    return list(itertools.product(high, wide))


def _phases_along(k: int, s: int, border: int, n: int) -> list[_AxisPhase]:
    """k: the kernel's size, s: the stride, border: the padding before x, n: the size of x."""
    phases = []
    for phase in sorted({(i + border) % s for i in range(min(n, s))}):  # those of any pixel
        size = len(range(phase, k, s))
        place = max(0, -((phase - border) // s))  # of the first pixel that is inside
        first = s * place + phase - border
        count = len(range(first, n, s))
        phases.append(_AxisPhase(phase, first, count, size, place - size + 1))
    return phases


def _window_set(ws: Windows) -> WindowSet:
    return WindowSet(ws.size, (-ws.padding[0][0], -ws.padding[1][0]), ws.output)


def _phase_windows(high: _AxisPhase, wide: _AxisPhase) -> WindowSet:
    return WindowSet((high.size, wide.size), (high.start, wide.start), (high.pixels, wide.pixels))


# -- windows, tile by tile -------------------------------------------------------------------------


def _slide(
    source: Array,
    phases: list[Phase],
    stride: tuple[int, int],
    in_place: bool,
    bias: Array | None,
    relu: bool,
) -> None:
    """Lay each phase's kernel on its windows of the source (N, H, W, C), and fill its sink.

    in_place: whether the sinks are contiguous, so that products are written into them.  Other
        results pass through scratch memory.
    """
    source = numpy.ascontiguousarray(source)
    window_sets = [phase.windows for phase in phases]
    columns = TileColumns(source.shape, source.itemsize, window_sets, stride)
    outputs = phases[0].sink.shape[3]
    tiles = columns.cut(sum(p.kernel.size for p in phases), 0 if in_place else outputs)

    def fill(i: int) -> None:
        tile = tiles.tiles[i]
        with borrowed(tiles.workspace) as buffer:
            scratch = Scratch(buffer)
            padded = columns.padded(source, tile, scratch)
            mark = scratch.used
            for k, phase in enumerate(phases):
                sink = phase.sink[tile.n0 : tile.n1, tile.r0 : tile.r1]
                if not sink.size:
                    continue
                rows = columns.rows(k, tile, padded, scratch)
                shape = (len(rows), sink.shape[3])
                y = sink.reshape(shape) if in_place else scratch.array(shape, sink.dtype)
                finish(numpy.matmul(rows, phase.kernel, out=y), bias, relu)
                if not in_place:
                    sink[...] = y.reshape(sink.shape)
                scratch.used = mark

    each(fill, len(tiles.tiles), tiles.most)


# -- how much memory they take ---------------------------------------------------------------------


def convolve_workspace(N: int, itemsize: int, channels: int, outputs: int, ws: Windows) -> int:
    """The bytes of all threads together."""
    columns = TileColumns((N, *ws.input, channels), itemsize, [_window_set(ws)], ws.stride)
    return _together(columns.cut(math.prod(ws.size) * channels * outputs))


def convolve_transposed_workspace(
    N: int, itemsize: int, channels: int, outputs: int, ws: Windows
) -> int:
    """The bytes of all threads together."""
    shape = (N, *ws.output, outputs)
    if _scatters(channels, outputs):
        return _together(scatter_tiles(shape, itemsize, channels, ws))
    phases = [phase for phase in _axis_phases(ws) if phase[0].size and phase[1].size]
    if not phases:
        return 0
    window_sets = [_phase_windows(*phase) for phase in phases]
    work = sum(math.prod(s.size) for s in window_sets) * outputs * channels
    columns = TileColumns(shape, itemsize, window_sets, (1, 1))
    return _together(columns.cut(work, 0 if ws.stride == (1, 1) else channels))


def _together(tiles: Tiles) -> int:
    return tiles.workspace * min(get_threads(), tiles.most, len(tiles.tiles))
