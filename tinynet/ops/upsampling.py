"""Upsampling: pictures made larger by whole factors, with nothing to learn.

Decoders use it where a transposed convolution would leave a checkered pattern.  It is linear: each
pixel's gradient is a sum over the pixels that it went into.
"""

from __future__ import annotations

from fractions import Fraction

from ..devices import Array, xp
from ..engine.observer import Work
from ..engine.tensor import differentiable
from ..messages.arguments import choice, pair
from .windows import Pair, height_and_width

INTERPOLATIONS = ("nearest", "bilinear")


def _upsample2d_work(y, x, size: Pair = 2, interpolation: str = "nearest"):
    """Each number of y reads one pixel, or two neighbors in each direction."""
    sizes = pair(size, "size")
    window = tuple(2 if interpolation == "bilinear" and s > 1 else 1 for s in sizes)
    return Work(0, window, tuple(Fraction(1, s) for s in sizes))


@differentiable(work=_upsample2d_work)
def upsample2d(x, size: Pair = 2, interpolation: str = "nearest"):
    """Pictures `size` times as high and wide.  (N, H, W, C) -> (N, H * SH, W * SW, C)

    size: a number for both directions or (vertical, horizontal), at least 1.
    interpolation: "nearest", where every pixel becomes a block of equal ones, or "bilinear", the
        mean of the nearest pixels, weighted by nearness.  Pixels are squares with their values at
        the centers; beyond the outermost centers the edge is repeated.

    Sizes and values are those of Keras' UpSampling2D.  ValueError for other shapes or arguments.
    """
    H, W = height_and_width(x)
    SH, SW = pair(size, "size")
    choice("", "interpolation", interpolation, INTERPOLATIONS)
    N, C = len(x), x.shape[3]
    larger = (N, H * SH, W * SW, C)
    blocks = (N, H, SH, W, SW, C)
    if interpolation == "nearest":
        y = xp(x).broadcast_to(x[:, :, None, :, None, :], blocks)
        return y.reshape(larger), lambda dy: dy.reshape(blocks).sum(axis=(2, 4))
    higher = _stretch(x.reshape(N, H, W * C), SH)  # (N, H*SH, W*C)
    y = _stretch(higher.reshape(N * H * SH, W, C), SW)  # (N*H*SH, W*SW, C)

    def dx(dy):
        d_higher = _gather(dy.reshape(N * H * SH, W * SW, C), SW)  # (N*H*SH, W, C)
        return _gather(d_higher.reshape(N, H * SH, W * C), SH).reshape(x.shape)

    return y.reshape(larger), dx


def _offsets(s: int) -> list[float]:
    """The centers of the s parts of a pixel, relative to its own; for s = 2: -1/4, 1/4."""
    return [(k + 0.5) / s - 0.5 for k in range(s)]


def _stretch(x: Array, s: int) -> Array:
    """Linear interpolation along the middle axis.  (A, M, B) -> (A, M * s, B)"""
    A, M, B = x.shape
    before = xp(x).concatenate((x[:, :1], x[:, :-1]), axis=1)  # each pixel's neighbor;
    after = xp(x).concatenate((x[:, 1:], x[:, -1:]), axis=1)  # at the edge, itself
    y = xp(x).empty((A, M, s, B), x.dtype)
    for k, offset in enumerate(_offsets(s)):
        neighbor = before if offset < 0 else after
        y[:, :, k] = (1 - abs(offset)) * x + abs(offset) * neighbor
    return y.reshape(A, M * s, B)


def _gather(dy: Array, s: int) -> Array:
    """The transpose of _stretch.  (A, M * s, B) -> (A, M, B)"""
    A, M, B = len(dy), dy.shape[1] // s, dy.shape[2]
    parts = dy.reshape(A, M, s, B)
    dx = xp(dy).zeros((A, M, B), dy.dtype)
    for k, offset in enumerate(_offsets(s)):
        dx += (1 - abs(offset)) * parts[:, :, k]
        lent = abs(offset) * parts[:, :, k]
        if offset < 0:  # to the neighbor before
            dx[:, :-1] += lent[:, 1:]
            dx[:, :1] += lent[:, :1]
        else:
            dx[:, 1:] += lent[:, :-1]
            dx[:, -1:] += lent[:, -1:]
    return dx
