"""Shapes without the batch: how they are given, and how errors write them."""

from __future__ import annotations

from typing import Any

import numpy

Shape = tuple[int, ...]  # of one example: the batch is left out


def as_shape(where: str, shape: Any) -> Shape:
    """A shape without the batch as a tuple; one number, 784, is (784,)."""
    sizes = shape if isinstance(shape, tuple | list) else (shape,)
    if not all(isinstance(n, int | numpy.integer) and not isinstance(n, bool) for n in sizes) or (
        any(n < 1 for n in sizes)
    ):
        raise ValueError(
            f"{where}: input_shape must be whole numbers of at least 1 without the batch, "
            f"(28, 28, 1) say; received {shape!r}."
        )
    return tuple(int(n) for n in sizes)


def written(shape: Any) -> str:
    """A shape without the batch as errors show it: (N, 28, 28, 1)."""
    if isinstance(shape, list):
        return "[" + ", ".join(written(s) for s in shape) + "]"
    return f"({', '.join(['N', *map(str, shape)])})"
