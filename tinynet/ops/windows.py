"""What users say of windows (size, stride, padding), checked, and where they stand then.

The arithmetic of "valid" and "same" is Keras': an odd row of padding goes to the bottom, an odd
column to the right.
"""

from __future__ import annotations

from typing import Any

import numpy

from ..devices import Array, Windows

Pair = int | tuple[int, int]
Padding = str | int | tuple[int, int] | tuple[tuple[int, int], tuple[int, int]]


def windows(
    x: Array,
    size: Pair,
    stride: Pair,
    padding: Padding,
    ceil_mode: bool = False,
    only_inside: bool = False,
) -> Windows:
    """The windows of that size over pictures x, with every argument checked.

    size, stride: a number for both directions or (vertical, horizontal), at least 1.
    padding: "valid" (none), "same" (as many windows as ceil(input / stride)), a number of pixels, a
        pair (vertical, horizontal), or ((top, bottom), (left, right)).
    ceil_mode: whether a last window that starts inside the picture and reaches out of it counts.
    only_inside: whether every window must see a pixel of the picture, and not border alone.
    """
    H, W = height_and_width(x)
    KH, KW = size = pair(size, "size")
    SH, SW = stride = pair(stride, "stride")
    borders = (_same(H, KH, SH), _same(W, KW, SW)) if padding == "same" else _borders(padding)
    if only_inside and (max(borders[0]) >= KH or max(borders[1]) >= KW):
        raise ValueError(
            f"padding={padding!r} must be smaller than the window {size}, or some windows would "
            "see nothing but border."
        )
    if ceil_mode:
        borders = (_over_edge(H, KH, SH, borders[0]), _over_edge(W, KW, SW, borders[1]))
    if H + sum(borders[0]) < KH or W + sum(borders[1]) < KW:
        raise ValueError(
            f"input {symbols(x)} is smaller than the window ({KH}, {KW}) with "
            f"padding={padding!r}. Use padding='same', a smaller window, or one pooling less."
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
            "is x[None]; a grey one, (H, W), is x[None, :, :, None]."
        )
    H, W = x.shape[1:3]
    if H * W == 0:
        raise ValueError(f"input {symbols(x)} has no pixels.")
    return H, W


def pair(value: Any, name: str, least: int = 1) -> tuple[int, int]:
    """A whole number, or two of them, as two."""
    both = value if isinstance(value, tuple | list) else (value, value)
    if len(both) != 2 or not all(
        isinstance(n, int | numpy.integer) and not isinstance(n, bool) and n >= least for n in both
    ):
        raise ValueError(
            f"{name} must be a whole number of at least {least} or a pair of them, "
            f"received {value!r}."
        )
    return int(both[0]), int(both[1])


def _borders(padding: Padding) -> tuple[tuple[int, int], tuple[int, int]]:
    if padding == "valid":
        return (0, 0), (0, 0)
    try:
        if isinstance(padding, tuple | list) and isinstance(padding[0], tuple | list):
            rows, columns = padding
            return pair(rows, "padding", 0), pair(columns, "padding", 0)
        high, wide = pair(padding, "padding", 0)
        return (high, high), (wide, wide)
    except (ValueError, TypeError):
        raise ValueError(
            'padding must be "valid", "same", a number of pixels, (vertical, horizontal) or '
            f"((top, bottom), (left, right)), at least 0; received {padding!r}."
        ) from None


def _same(n: int, k: int, s: int) -> tuple[int, int]:
    total = max((-(-n // s) - 1) * s + k - n, 0)
    return total // 2, total - total // 2


def _over_edge(n: int, k: int, s: int, border: tuple[int, int]) -> tuple[int, int]:
    before, after = border
    left_over = (n + before + after - k) % s
    last = n + before + after - k - left_over + s  # where one more window would start
    if left_over and last < n + before:
        return before, after + s - left_over
    return border


def symbols(x: Array) -> str:
    """The shape of pictures as errors show it, whatever the batch."""
    return f"(N, {', '.join(map(str, x.shape[1:]))})"
