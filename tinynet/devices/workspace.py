"""Workspace: the memory that a convolution computes in, and the tiles that keep it small.

The columns of a whole batch (im2col) are KH * KW times the pictures: 598 MiB for the second layer
of a 5 x 5 network on 1,000 digits.  A tile is some pictures, or some rows of windows of one
picture, whose columns fit in a core's cache; every thread has one in hand, so memory grows with the
threads and not with the batch.
"""

from __future__ import annotations

import re
import threading
from typing import NamedTuple

import numpy

TILE = 4 * 2**20  # bytes of columns: with 1 MiB a step of the Fashion CNN takes 5% longer
LEAST_WORK = 16_000_000  # multiply-adds; less, and NumPy is called so often that threads wait
_UNITS = {"B": 1, "KB": 1000, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}

_budget = 64 * 2**20


class workspace_budget:
    """The most memory that one convolution may compute in, beside its inputs and results.

    size: bytes, or a text such as "64 MiB" (the default), "500 KB".

    It holds for all threads of the process until it is set again; in `with workspace_budget(...):`
    until the end of the block.  Less memory means smaller tiles, or fewer threads at once.  Sums
    over other tiles round differently, so results agree to rounding, not to the bit.
    """

    def __init__(self, size: int | str) -> None:
        global _budget
        self._before = _budget
        _budget = _bytes(size)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *error: object) -> None:
        global _budget
        _budget = self._before


def budget() -> int:
    """The budget, in bytes."""
    return _budget


def _bytes(size: int | str) -> int:
    if isinstance(size, str):
        found = re.fullmatch(r"\s*(\d{1,18}(?:\.\d+)?)\s*((?:[KMG]i?)?B)\s*", size, re.IGNORECASE)
        count = int(float(found[1]) * _UNITS[found[2].upper()]) if found else 0
    else:
        whole = isinstance(size, int | numpy.integer) and not isinstance(size, bool)
        count = int(size) if whole else 0
    if count < 1:
        raise ValueError(
            "workspace_budget: size must be a positive number of bytes, or a text such as "
            f'"64 MiB"; received {size!r}.'
        )
    return count


def text_of(count: int) -> str:
    """Bytes as a person writes them, and workspace_budget reads them, rounded up: 33 KiB."""
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= 10 * size:
            return f"{-(-count // size)} {unit}"
    return f"{count} B"


class BudgetError(ValueError):
    """The workspace budget is too small."""


class Tile(NamedTuple):
    """Pictures [n0, n1), and of each the rows of windows [r0, r1)."""

    n0: int
    n1: int
    r0: int
    r1: int


class Tiles(NamedTuple):
    """How a batch is cut, and how many tiles may be in hand at once."""

    tiles: list[Tile]
    workspace: int  # bytes that a tile computes in
    most: int


def cut(pictures: int, rows: int, columns: int, memory: int, work: int, fixed: int = 0) -> Tiles:
    """Tiles for a batch with so many rows of windows in each picture.

    Of one row of windows: columns: the bytes of its columns.  memory: all the bytes that it is
    computed in.  work: its multiply-adds.  fixed: bytes beside, whatever the tile's size.

    The tiles depend on these numbers and on the budget alone, not on the threads.  BudgetError, a
    ValueError, where the budget is too small for one row.
    """
    if fixed + memory > _budget:
        needed = text_of(fixed + memory)
        raise BudgetError(
            f"the workspace budget is {text_of(_budget)}, and one row of windows needs {needed}. "
            f"Set tn.workspace_budget({needed!r}) or more."
        )
    fits = max(1, min(TILE // max(columns, 1), (_budget - fixed) // max(memory, 1)))  # rows
    if fits < rows:
        high = -(-rows // -(-rows // fits))  # equal ones
        tiles = [
            Tile(n, n + 1, r, min(r + high, rows))
            for n in range(pictures)
            for r in range(0, rows, high)
        ]
    else:
        high = rows
        worth = -(-LEAST_WORK // max(rows * work, 1))  # pictures
        wide = max(1, min(fits // max(rows, 1), max(worth, -(-pictures // 16)), pictures))
        wide = -(-pictures // -(-pictures // wide)) if pictures else 1
        tiles = [Tile(n, min(n + wide, pictures), 0, rows) for n in range(0, pictures, wide)]
        high *= wide
    size = fixed + high * memory
    return Tiles(tiles, size, max(1, _budget // max(size, 1)))


# -- the memory itself -----------------------------------------------------------------------------


class _Spare(threading.local):
    """Of each thread, the buffer that it computed in before: fresh memory is slow to the touch."""

    buffer: numpy.ndarray | None = None


_spare = _Spare()


class borrowed:
    """`with borrowed(size) as buffer:` at least so many bytes, this thread's alone in the block."""

    def __init__(self, size: int) -> None:
        self._size = size

    def __enter__(self) -> numpy.ndarray:
        buffer, _spare.buffer = _spare.buffer, None
        if buffer is None or not self._size <= buffer.nbytes <= max(self._size, _budget):
            buffer = numpy.empty(self._size, numpy.uint8)
        self._buffer = buffer
        return buffer

    def __exit__(self, *error: object) -> None:
        _spare.buffer = self._buffer
