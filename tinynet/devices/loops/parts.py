"""Which arrays the loops take, and how an array is cut into parts that several threads share.

Whether a loop or NumPy computes, and where an array is cut, depends on shapes and types alone: the
bits are the same in every run, and for any number of threads.
"""

from __future__ import annotations

from typing import Any

import numpy

from ..cpu.threads import get_threads
from ..cpu.tile_columns import ALIGN
from ..cpu.workspace import Tiles
from ..settings import is_large
from .loop import ZERO, Loop, Numbers, Rows, loop, part_of_loop, ready

Array = numpy.ndarray
PIECE = 32_768  # numbers in a part: 128 KiB stay in a core's cache, and last 5 us or more


@part_of_loop
def cut(x, part, size):
    """What the part of that number has of an array: `size` numbers, rows or pictures of it.

    A loop over range(x.size) is fast: nobody need ask whether an index is negative.
    """
    return x[part * size : (part + 1) * size]


def takes(*arrays: Array) -> bool:
    """Whether the loops take these arrays: of float32, and the first one not small."""
    return is_large(arrays[0]) and all(a.dtype == numpy.float32 for a in arrays[1:])


def by_numbers(loop: Loop, *values: Any, results: int = 1) -> Any:
    """loop(part, size of a part, *values, *results), for arrays of one shape.  -> the results"""
    shape = next(v.shape for v in values if isinstance(v, Array))
    found = tuple(numpy.empty(shape, numpy.float32) for _ in range(results))
    flat = [ready(v).reshape(-1) if isinstance(v, Array) else v for v in (*values, *found)]
    loop(parts_of(found[0].size), PIECE, *flat)
    return found if results > 1 else found[0]


def places(tiles: Tiles) -> Array:
    """For loops: a row (n0, n1, r0, r1) for each tile."""
    return numpy.array(tiles.tiles, numpy.int64).reshape(-1, 4)


def together(tiles: Tiles) -> int:
    """The bytes of scratch memory of all threads."""
    return tiles.workspace * _threads(tiles)


def _threads(tiles: Tiles) -> int:
    return min(get_threads(), tiles.most, len(tiles.tiles))


def scratch(tiles: Tiles) -> Array:
    """A row of float32 for each thread that may compute one of the tiles."""
    threads = _threads(tiles)
    width = -(-tiles.workspace // ALIGN) * ALIGN // 4
    numbers = numpy.empty(threads * width + ALIGN // 4, numpy.float32)
    start = -(numbers.ctypes.data // 4) % (ALIGN // 4)
    return numbers[start : start + threads * width].reshape(threads, width)


def parts_of(count: int, size: int | None = None) -> int:
    return -(-count // (size or PIECE))


@loop
def added_up_loop(part: int, size: int, terms: Rows, sums: Numbers) -> None:
    total = cut(sums, part, size)
    for i in range(total.size):
        total[i] = ZERO
    for n in range(terms.shape[0]):
        term = cut(terms[n], part, size)
        for i in range(total.size):
            total[i] += term[i]


def added_up(terms: Array) -> Array:
    """terms[0] + terms[1] + ..., in that order"""
    shape = terms.shape[1:]
    if len(terms) == 1:
        return terms[0]
    sums = numpy.empty(shape, numpy.float32)
    added_up_loop(parts_of(sums.size), PIECE, terms.reshape(len(terms), -1), sums.reshape(-1))
    return sums
