"""Deforms pictures: every pixel of the result looks up its place in the picture.

Mapping backwards, from the result to the picture, leaves no holes.  Each place lies between four
pixels, which are interpolated (bilinear interpolation).  Nothing here is random: augment.py draws
the angles and shifts.
"""

from __future__ import annotations

from typing import Any

import numpy

from ..messages.arguments import choice

FILLS = ("nearest", "zeros", "reflect")


def warp(pictures: Any, matrices: Any, fill: str = "nearest") -> numpy.ndarray:
    """Pictures under affine maps, one matrix each.  (N, H, W, C), (N, 2, 3) -> (N, H, W, C)

    matrices: (N, 2, 3), or (2, 3) for all.  They map (row, column, 1) in the result to
        (row, column) in the picture, both in pixels from its center: a last column of (0, 3) moves
        the content by 3 pixels to the left.
    fill: outside the picture: its border goes on ("nearest"), zeros ("zeros"), or its mirror image
        ("reflect").

    The pictures are uint8, float32 or float64; uint8 is rounded and clipped at the end.
    """
    pictures = checked("warp", pictures, fill)
    try:
        matrices = numpy.asarray(matrices, dtype=numpy.float32)
    except (TypeError, ValueError):
        raise TypeError("warp: matrices are not numbers. Give an array, (N, 2, 3).") from None
    n, height, width, _ = pictures.shape
    if matrices.shape not in ((n, 2, 3), (2, 3)):
        raise ValueError(
            f"warp: {n} pictures and matrices of shape {matrices.shape}. Give ({n}, 2, 3), or "
            "(2, 3) for all pictures."
        )
    if not numpy.isfinite(matrices).all():
        raise ValueError("warp: the matrices hold nan or infinity. Check how they were computed.")
    matrices = numpy.broadcast_to(matrices, (n, 2, 3))
    row, column = from_middle(height), from_middle(width)
    # The product with (row, column, 1), written out: (N, H, 1) + (N, 1, W) -> (N, H, W)
    by_row = matrices[:, :, 0, None] * row + matrices[:, :, 2, None]  # (N, 2, H)
    by_column = matrices[:, :, 1, None] * column  # (N, 2, W)
    rows = by_row[:, 0, :, None] + (by_column[:, 0, None, :] + (height - 1) / 2)
    columns = by_row[:, 1, :, None] + (by_column[:, 1, None, :] + (width - 1) / 2)
    return look_up(pictures, rows, columns, fill)


def from_middle(length: int) -> numpy.ndarray:
    """The positions of a row of pixels, counted from its center.  -> (length,)"""
    return numpy.arange(length, dtype=numpy.float32) - (length - 1) / 2


def look_up(
    pictures: numpy.ndarray, rows: numpy.ndarray, columns: numpy.ndarray, fill: str
) -> numpy.ndarray:
    """The pictures at places between pixels.  (N, H, W, C), 2 of (N, H, W) -> (N, H, W, C)

    rows, columns: float32, counted from the first pixel; they are overwritten.
    """
    dtype = pictures.dtype
    values = pictures.astype(numpy.float32) if dtype == numpy.uint8 else pictures
    if fill == "zeros":  # one ring of zeros goes on beyond the border
        values = numpy.pad(values, ((0, 0), (1, 1), (1, 1), (0, 0)))
        rows += 1.0
        columns += 1.0
    n, height, width, channels = values.shape
    above, down = _between(rows, height, fill)  # (N, H, W) each: whole numbers, then fractions
    left, right = _between(columns, width, fill)

    # Pixel (i, row, column) has the index (i * height + row) * width + column.  In the last row and
    # column the fraction is 0, so that the next pixel does not count: its index is clipped.
    flat = values.reshape(-1, channels) if channels != 1 else values.reshape(-1)
    index = above
    index *= width
    index += left
    index += numpy.arange(n)[:, None, None] * (height * width)
    if channels != 1:
        down, right = down[..., None], right[..., None]
    result = _along(flat, index, right)  # (N, H, W, C), or (N, H, W) if C = 1
    index += width - 1
    below = _along(flat, index, right)
    below -= result
    below *= down
    result += below
    return rounded(result.reshape(*index.shape, channels), dtype)


def _between(places: numpy.ndarray, length: int, fill: str) -> tuple[numpy.ndarray, numpy.ndarray]:
    """The pixel before each place, and the distance from it, in [0, 1]."""
    if fill == "reflect":  # d c b a | a b c d | d c b a: the period is 2 * length
        places += 0.5
        places %= 2 * length
        numpy.minimum(places, 2 * length - places, out=places)
        places -= 0.5
    numpy.clip(places, 0, length - 1, out=places)
    before = places.astype(numpy.intp)  # rounds down, because no place is negative
    places -= before
    return before, places


def _along(flat: numpy.ndarray, index: numpy.ndarray, part: numpy.ndarray) -> numpy.ndarray:
    """Values a part of the way to the right neighbors; the index moves to these neighbors."""
    here = flat.take(index, axis=0, mode="clip")
    index += 1
    beside = flat.take(index, axis=0, mode="clip")
    beside -= here
    beside *= part
    here += beside
    return here


def rounded(values: numpy.ndarray, dtype: Any) -> numpy.ndarray:
    """Computed values in the pictures' dtype: uint8 is rounded and clipped."""
    if dtype == numpy.uint8:
        numpy.rint(values, out=values)
        numpy.clip(values, 0, 255, out=values)
    return values.astype(dtype, copy=False)


def checked(where: str, pictures: Any, fill: str) -> numpy.ndarray:
    """The pictures.  TypeError or ValueError if they are not an array (N, H, W, C), or for fill."""
    if not isinstance(pictures, numpy.ndarray):
        raise TypeError(
            f"{where}: pictures are {type(pictures).__name__}. Give a NumPy array, (N, H, W, C)."
        )
    if pictures.ndim != 4 or 0 in pictures.shape[1:]:
        raise ValueError(
            f"{where}: pictures have shape {pictures.shape}. They must be (N, H, W, C), with at "
            "least one pixel: gray pictures have C = 1."
        )
    if pictures.dtype not in (numpy.uint8, numpy.float32, numpy.float64):
        raise TypeError(f"{where}: pictures are {pictures.dtype}. Give uint8, float32 or float64.")
    choice(where, "fill", fill, FILLS)
    return pictures
