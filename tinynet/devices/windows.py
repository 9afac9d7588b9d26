"""Where the windows of a convolution or a pooling stand, and views of the pixels in them.

Pictures are (N, H, W, C).  A window covers KH x KW pixels, moves by the stride, and stands at
OH x OW places.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .arrays import Array, xp


class Windows(NamedTuple):
    """The windows of one operation on pictures of one size."""

    size: tuple[int, int]  # KH, KW
    stride: tuple[int, int]
    padding: tuple[tuple[int, int], tuple[int, int]]  # (top, bottom), (left, right)
    output: tuple[int, int]  # OH, OW
    input: tuple[int, int]  # H, W

    def pad(self, x: Array, value: float = 0.0) -> Array:
        """(N, H, W, C) -> (N, top + H + bottom, left + W + right, C)"""
        if self.padding == ((0, 0), (0, 0)):
            return x
        return xp(x).pad(x, ((0, 0), *self.padding, (0, 0)), constant_values=value)

    def crop(self, padded: Array) -> Array:
        """Undoes pad.  (N, top + H + bottom, left + W + right, C) -> (N, H, W, C)"""
        (top, _), (left, _) = self.padding
        return padded[:, top : top + self.input[0], left : left + self.input[1]]

    def patches(self, padded: Array) -> Array:
        """The pixels of every window, (N, OH, OW, KH, KW, C): a view, nothing is copied."""
        N, C, (n, h, w, c), (SH, SW) = len(padded), padded.shape[3], padded.strides, self.stride
        shape, strides = (N, *self.output, *self.size, C), (n, SH * h, SW * w, h, w, c)
        return xp(padded).lib.stride_tricks.as_strided(padded, shape, strides)

    def views(self, padded: Array) -> Iterator[Array]:
        """KH * KW views (N, OH, OW, C): the first pixel of every window, the second, and so on."""
        (KH, KW), (SH, SW), (OH, OW) = self.size, self.stride, self.output
        for i in range(KH):
            for j in range(KW):
                yield padded[:, i : i + SH * (OH - 1) + 1 : SH, j : j + SW * (OW - 1) + 1 : SW]

    def padded_zeros(self, like: Array) -> Array:
        """Zeros in the padded size, to which the gradients of the views are added."""
        ((top, bottom), (left, right)), (H, W) = self.padding, self.input
        shape = (len(like), top + H + bottom, left + W + right, like.shape[3])
        return xp(like).zeros(shape, like.dtype)
