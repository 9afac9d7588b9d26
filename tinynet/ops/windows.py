"""From size, stride and padding, as users give them, to checked windows.

"valid" and "same" are computed as in Keras: an odd row of padding goes to the bottom, an odd column
to the right.
"""

from __future__ import annotations

import numpy

from ..devices import Array, Windows
from ..messages.arguments import boolean, pair
from ..messages.arguments import borders as as_borders

Pair = int | tuple[int, int]
Padding = str | int | tuple[int, int] | tuple[tuple[int, int], tuple[int, int]]


def windows(
    height_width: tuple[int, int],
    size: Pair,
    stride: Pair,
    padding: Padding,
    ceil_mode: bool = False,
    only_inside: bool = False,
) -> Windows:
    """The windows of that size over pictures of H x W pixels.  ValueError for wrong arguments.

    height_width: (H, W).
    size, stride: a number for both directions or (vertical, horizontal), at least 1.
    padding: "valid" (none), "same" (ceil(input / stride) windows), a number of pixels, a pair
        (vertical, horizontal), or ((top, bottom), (left, right)).
    ceil_mode: whether a last window counts that starts inside the picture and reaches out of it.
    only_inside: whether every window must cover a pixel of the picture.
    """
    H, W = height_width
    KH, KW = size = pair(size, "size")
    SH, SW = stride = pair(stride, "stride")
    if padding == "same":
        borders = _same(H, KH, SH), _same(W, KW, SW)
    elif padding == "valid":
        borders = (0, 0), (0, 0)
    else:
        borders = as_borders(padding, '"valid", "same", ')
    if only_inside and (max(borders[0]) >= KH or max(borders[1]) >= KW):
        raise ValueError(
            f"padding={padding!r} must be smaller than the window {size}, or some windows would "
            "see nothing but border."
        )
    if boolean("", "ceil_mode", ceil_mode):
        borders = (_over_edge(H, KH, SH, borders[0]), _over_edge(W, KW, SW, borders[1]))
    if H + sum(borders[0]) < KH or W + sum(borders[1]) < KW:
        raise ValueError(
            f"input (N, {H}, {W}, C) is smaller than the window ({KH}, {KW}). "
            "Use padding='same', a smaller window, or one pooling less."
        )
    output = (
        (H + sum(borders[0]) - KH) // SH + 1,
        (W + sum(borders[1]) - KW) // SW + 1,
    )
    return Windows(size, stride, borders, output, (H, W))


def height_and_width(x: Array) -> tuple[int, int]:
    """H, W of pictures (N, H, W, C).  ValueError for another shape, or no pixels."""
    if getattr(x, "ndim", None) != 4:
        raise ValueError(
            f"x has shape {numpy.shape(x)}, and pictures are (N, H, W, C). One picture (H, W, C) "
            "is x[None]; a gray one, (H, W), is x[None, :, :, None]."
        )
    H, W = x.shape[1:3]
    if H * W == 0:
        raise ValueError(f"input {numpy.shape(x)} has no pixels.")
    return H, W


def _same(n: int, k: int, s: int) -> tuple[int, int]:
    total = max((-(-n // s) - 1) * s + k - n, 0)
    return total // 2, total - total // 2


def _over_edge(n: int, k: int, s: int, border: tuple[int, int]) -> tuple[int, int]:
    before, after = border
    left_over = (n + before + after - k) % s
    last = n + before + after - k - left_over + s  # the start of one more window
    if left_over and last < n + before:
        return before, after + s - left_over
    return border
