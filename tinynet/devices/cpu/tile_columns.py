"""The windows of a tile as the rows of a matrix, which convolution.py multiplies with kernels.

They are copied into a buffer that stays in the cache, with zeros where a window sticks out of its
picture.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy

from .workspace import Tile, Tiles, cut

Array = numpy.ndarray
ALIGN = 64  # bytes: a line of the cache


class WindowSet(NamedTuple):
    """Windows of one size over pictures.  The first begins at `start`, which may be outside."""

    size: tuple[int, int]  # KH, KW
    start: tuple[int, int]
    output: tuple[int, int]  # OH, OW


class TileColumns:
    """Several sets of windows over the same pictures, all of one stride.

    shape: of the pictures, (N, H, W, C).  itemsize: the bytes of a number.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        itemsize: int,
        window_sets: list[WindowSet],
        stride: tuple[int, int],
    ) -> None:
        self.pictures, self.H, self.W, self.channels = shape
        self.itemsize = itemsize
        self.window_sets = window_sets
        self.stride = SH, SW = stride
        self.rows_of_windows = max(s.output[0] for s in window_sets)
        self.top = min(s.start[0] for s in window_sets)
        self.left = min(s.start[1] for s in window_sets)
        self.right = max(s.start[1] + (s.output[1] - 1) * SW + s.size[1] for s in window_sets)
        bottom = max(s.start[0] + (s.output[0] - 1) * SH + s.size[0] for s in window_sets)
        self.inside = self.top >= 0 and self.left >= 0 and bottom <= self.H and self.right <= self.W

    def cut(self, work: int, outputs: int = 0, fixed: int = 0) -> Tiles:
        """The batch in tiles.

        work: multiply-adds of a window.
        outputs: the numbers of a window's result that pass through scratch memory; 0 if results
            are written in place.
        fixed: more bytes, for a tile of any size.
        """
        sets = self.window_sets
        numbers = max(s.output[1] * (math.prod(s.size) * self.channels) for s in sets)
        # rows of the padded pictures: from the beginning of the first set to the end of the last
        high = max(self.stride[0], max(s.start[0] + s.size[0] for s in sets) - self.top)
        border = 0 if self.inside else high * (self.right - self.left) * self.channels
        widest = max(s.output[1] for s in sets)
        size = self.itemsize
        return cut(
            pictures=self.pictures,
            rows=self.rows_of_windows,
            columns=numbers * size,
            memory=(numbers + border + widest * outputs) * size,
            work=widest * work,
            fixed=fixed + 3 * ALIGN,
        )

    def padded(self, source: Array, tile: Tile, scratch: Scratch) -> Array:
        """The part of the source that the tile's windows see, with zeros around it.

        All of the source, uncopied, if no window sticks out.
        """
        if self.inside:
            return source
        (n0, n1, r0, r1), SH = tile, self.stride[0]
        H, W = self.H, self.W
        first = self.top + r0 * SH
        end = max(
            s.start[0] + (min(r1, s.output[0]) - 1) * SH + s.size[0]
            for s in self.window_sets
            if s.output[0] > r0
        )
        shape = (n1 - n0, end - first, self.right - self.left, self.channels)
        padded = scratch.array(shape, source.dtype)
        h0, h1 = max(first, 0), max(min(end, H), max(first, 0))
        w0, w1 = max(self.left, 0), max(min(self.right, W), max(self.left, 0))
        up, down, before, after = h0 - first, h1 - first, w0 - self.left, w1 - self.left
        padded[:, :up] = 0
        padded[:, down:] = 0
        padded[:, up:down, :before] = 0
        padded[:, up:down, after:] = 0
        padded[:, up:down, before:after] = source[n0:n1, h0:h1, w0:w1]
        return padded

    def rows(self, k: int, tile: Tile, padded: Array, scratch: Scratch) -> Array:
        """The tile's windows of set k as rows of a matrix.  -> (windows, KH * KW * C)"""
        (KH, KW), start, (OH, OW) = self.window_sets[k]
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
            # NumPy copies in runs along the last axis.  Rows of few numbers are copied as columns,
            # in runs of OW: six times as fast for gray pictures of 28 x 28, 1.6 times for color.
            columns = scratch.array((KH, KW, C, n1 - n0, oh, OW), padded.dtype)
            numpy.copyto(columns, windows.transpose(3, 4, 5, 0, 1, 2))
            return columns.reshape(KH * KW * C, count).T
        columns = scratch.array(windows.shape, padded.dtype)
        numpy.copyto(columns, windows)
        return columns.reshape(count, KH * KW * C)


class Scratch:
    """Arrays in a buffer, one behind the other.  `used`: the bytes that they take."""

    def __init__(self, buffer: Array) -> None:
        self.buffer = buffer
        self.used = 0

    def array(self, shape: tuple[int, ...], dtype: numpy.dtype) -> Array:
        start = self.used
        self.used += -(-math.prod(shape) * dtype.itemsize // ALIGN) * ALIGN
        return numpy.ndarray(shape, dtype, self.buffer, start)
