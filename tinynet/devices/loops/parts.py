"""Which arrays the loops take, and how an array is cut into parts that several threads share.

Whether a loop or NumPy computes, and where an array is cut, depends on shapes and types alone: the
bits are the same in every run, and for any number of threads.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from ..cpu.pieces import PIECE, sharing
from ..cpu.threads import each
from ..settings import is_large
from .loop import ready

Array = numpy.ndarray


def takes(*arrays: Array) -> bool:
    """Whether the loops take these arrays: of float32, and the first one not small."""
    return is_large(arrays[0]) and all(a.dtype == numpy.float32 for a in arrays[1:])


def by_numbers(loop: Callable[..., None], *values: Any) -> Array:
    """loop(*values, result), with parts of all arrays, which have one shape.  -> the result"""
    shape = values[0].shape
    result = numpy.empty(shape, numpy.float32)
    flat = [ready(v).reshape(-1) if isinstance(v, Array) else v for v in (*values, result)]

    def part(i: int) -> None:
        cut = slice(i * PIECE, (i + 1) * PIECE)
        loop(*(v[cut] if isinstance(v, Array) else v for v in flat))

    each(part, -(-result.size // PIECE), sharing(result.size))
    return result


def ranges(count: int, size: int) -> list[tuple[int, int]]:
    """[0, count) in ranges of `size` at most.  -> (start, stop) of each"""
    return [(start, min(start + size, count)) for start in range(0, count, size)]
