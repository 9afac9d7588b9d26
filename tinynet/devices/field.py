"""Pictures under grids of windows, whose windows become the rows of a matrix, tile by tile.

What convolution.py multiplies with kernels: a tile's windows, copied into a buffer that stays in
the cache, with zeros around the pictures where a window sticks out.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy

from .workspace import Tile, Tiles, cut

Array = numpy.ndarray
Pair = tuple[int, int]
ALIGN = 64  # bytes: a line of the cache


class Grid(NamedTuple):
    """Windows of one size over pictures.  The first begins at `start`, which may be outside."""

    size: Pair  # KH, KW
    start: Pair
    output: Pair  # OH, OW


class Phase(NamedTuple):
    """A grid of windows, the kernel that is laid on them, and where the results go."""

    grid: Grid
    kernel: Array  # (KH * KW * C, O)
    sink: Array  # (N, OH, OW, O)


class Field:
    """Pictures under grids of windows, all of one stride; gives a tile's windows as rows."""

    def __init__(self, source: Array, grids: list[Grid], stride: Pair) -> None:
        self.source = numpy.ascontiguousarray(source)
        self.pictures = len(source)
        self.grids = grids
        self.stride = stride
        (SH, SW), (_, H, W, self.channels) = stride, source.shape
        self.rows_of_windows = max(g.output[0] for g in grids)
        self.top = min(g.start[0] for g in grids)
        self.left = min(g.start[1] for g in grids)
        self.right = max(g.start[1] + (g.output[1] - 1) * SW + g.size[1] for g in grids)
        bottom = max(g.start[0] + (g.output[0] - 1) * SH + g.size[0] for g in grids)
        self.inside = self.top >= 0 and self.left >= 0 and bottom <= H and self.right <= W

    def cut_for(self, phases: list[Phase]) -> Tiles:
        """Results that do not lie one behind the other are kept for a moment, and then copied."""
        direct = all(phase.sink.flags.c_contiguous for phase in phases)
        widest = max(phase.kernel.shape[1] for phase in phases)
        return self.cut(sum(phase.kernel.size for phase in phases), 0 if direct else widest)

    def cut(self, work: int, outputs: int = 0, fixed: int = 0) -> Tiles:
        """work: multiply-adds of a window.  outputs: numbers of it that are kept for a moment."""
        numbers = max(g.output[1] * (math.prod(g.size) * self.channels) for g in self.grids)
        # rows of the padded pictures: from where the first grid begins to where the last ends
        high = max(self.stride[0], max(g.start[0] + g.size[0] for g in self.grids) - self.top)
        border = 0 if self.inside else high * (self.right - self.left) * self.channels
        widest = max(g.output[1] for g in self.grids)
        size = self.source.itemsize
        return cut(
            pictures=self.pictures,
            rows=self.rows_of_windows,
            columns=numbers * size,
            memory=(numbers + border + widest * outputs) * size,
            work=widest * work,
            fixed=fixed + 3 * ALIGN,
        )

    def padded(self, tile: Tile, room: Room) -> Array:
        """The part of the pictures that the tile's windows see, with zeros around it."""
        if self.inside:
            return self.source
        (n0, n1, r0, r1), SH = tile, self.stride[0]
        H, W = self.source.shape[1:3]
        first = self.top + r0 * SH
        end = max(
            g.start[0] + (min(r1, g.output[0]) - 1) * SH + g.size[0]
            for g in self.grids
            if g.output[0] > r0
        )
        shape = (n1 - n0, end - first, self.right - self.left, self.channels)
        there = room.array(shape, self.source.dtype)
        h0, h1 = max(first, 0), max(min(end, H), max(first, 0))
        w0, w1 = max(self.left, 0), max(min(self.right, W), max(self.left, 0))
        up, down, before, after = h0 - first, h1 - first, w0 - self.left, w1 - self.left
        there[:, :up] = 0
        there[:, down:] = 0
        there[:, up:down, :before] = 0
        there[:, up:down, after:] = 0
        there[:, up:down, before:after] = self.source[n0:n1, h0:h1, w0:w1]
        return there

    def rows(self, k: int, tile: Tile, padded: Array, room: Room) -> Array:
        """The tile's windows of grid k as rows of a matrix.  -> (windows, KH * KW * C)"""
        (KH, KW), start, (OH, OW) = self.grids[k]
        (n0, n1, r0, r1), (SH, SW), C = tile, self.stride, self.channels
        oh = min(r1, OH) - r0
        s0, s1, s2, s3 = padded.strides
        if self.inside:
            offset = n0 * s0 + (start[0] + r0 * SH) * s1 + start[1] * s2
        else:
            offset = (start[0] - self.top) * s1 + (start[1] - self.left) * s2
        windows: Array = numpy.ndarray(
            (n1 - n0, oh, OW, KH, KW, C),
            padded.dtype,
            padded,
            offset,
            (s0, SH * s1, SW * s2, s1, s2, s3),
        )
        count = (n1 - n0) * oh * OW
        if KW * C <= 16 < OW:
            # NumPy copies in runs along the last axis: rows of few numbers are copied as columns,
            # in runs of OW.  Of 28 x 28 grey pictures, six times as fast; of colour, 1.6 times.
            columns = room.array((KH, KW, C, n1 - n0, oh, OW), padded.dtype)
            numpy.copyto(columns, windows.transpose(3, 4, 5, 0, 1, 2))
            return columns.reshape(KH * KW * C, count).T
        columns = room.array(windows.shape, padded.dtype)
        numpy.copyto(columns, windows)
        return columns.reshape(count, KH * KW * C)


class Room:
    """A buffer out of which arrays are cut, one behind the other."""

    def __init__(self, buffer: Array) -> None:
        self.buffer = buffer
        self.used = 0

    def array(self, shape: tuple[int, ...], dtype: numpy.dtype) -> Array:
        start = self.used
        self.used += -(-math.prod(shape) * dtype.itemsize // ALIGN) * ALIGN
        return numpy.ndarray(shape, dtype, self.buffer, start)
