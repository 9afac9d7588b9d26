"""Workspace: the memory that a convolution computes in, and the tiles that keep it small.

The columns of a whole batch (im2col) are KH * KW times as large as the pictures: 598 MiB for the
second layer of a 5 x 5 network on 1,000 digits.  A tile is some pictures, or some rows of windows
of one picture, whose columns fit in a core's cache.  Each thread works on one tile, so memory grows
with the threads and not with the batch.
"""

from __future__ import annotations

import re
import threading
from typing import NamedTuple

import numpy

from ...messages.arguments import is_whole, shown

TILE = 4 * 2**20  # bytes of columns: with 1 MiB a step of the Fashion CNN takes 5% longer
LEAST_WORK = 16_000_000  # multiply-adds: with less, threads wait for each other's calls of NumPy
_UNITS = {"B": 1, "KB": 1000, "MB": 10**6, "GB": 10**9, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}

_DEFAULT = 64 * 2**20


class workspace_budget:
    """The most memory that one convolution may compute in, beside its inputs and results.

    size: bytes, or a text, for example "64 MiB" (the default) or "500 KB".

    It holds for all threads of the process until it is set again; in `with workspace_budget(...):`
    until the end of the block.  If several threads have blocks open, the one opened last counts.
    Inside a block, only another block changes the budget.  Less memory means smaller tiles, or
    fewer threads at once.  Sums over other tiles round differently, so results agree to rounding,
    not to the bit.
    """

    def __init__(self, size: int | str) -> None:
        global _set
        self._bytes = _bytes(size)
        self._before, _set = _set, self._bytes

    def __enter__(self) -> None:
        global _set
        with _lock:
            _set = self._before  # it is for this block only
            _blocks.append(self)

    def __exit__(self, *error: object) -> None:
        with _lock:
            last = max(i for i, block in enumerate(_blocks) if block is self)
            del _blocks[last]


_set = _DEFAULT
_blocks: list[workspace_budget] = []  # those that are open; the last one counts
_lock = threading.Lock()


def budget() -> int:
    """The budget, in bytes."""
    try:
        return _blocks[-1]._bytes
    except IndexError:
        return _set


def _bytes(size: int | str) -> int:
    if isinstance(size, str):
        found = re.fullmatch(r"\s*(\d{1,18}(?:\.\d+)?)\s*((?:[KMG]i?)?B)\s*", size, re.IGNORECASE)
        count = int(float(found[1]) * _UNITS[found[2].upper()]) if found else 0
    else:
        count = int(size) if is_whole(size) else 0
    if count < 1:
        raise ValueError(
            "workspace_budget: size must be a positive number of bytes or a text, for example "
            f'"64 MiB", received {shown(size)}.'
        )
    return count


def text_of(count: int) -> str:
    """Bytes as workspace_budget reads them, rounded up, for example 33 KiB."""
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= 10 * size:
            return f"{-(-count // size)} {unit}"
    return f"{count} B"


class Tile(NamedTuple):
    """Pictures [n0, n1), and of each the rows of windows [r0, r1)."""

    n0: int
    n1: int
    r0: int
    r1: int


class Tiles(NamedTuple):
    """How a batch is cut."""

    tiles: list[Tile]
    workspace: int  # the bytes that a tile computes in
    most: int  # how many tiles may be computed at once
    budget: int  # that they were cut for: another thread may set another one


def cut(
    pictures: int,
    rows: int,
    columns: int,
    memory: int,
    work: int,
    fixed: int = 0,
    tile: int | None = None,
    least: int | None = None,
) -> Tiles:
    """Tiles for a batch.  rows: the rows of windows in each picture.

    columns, memory, work: for one row of windows the bytes of its columns, all the bytes that it is
    computed in, and its multiply-adds.  fixed: more bytes, for a tile of any size.
    tile, least: a tile's most bytes of columns and fewest multiply-adds, if not the usual ones.

    The tiles depend on these numbers and the budget, not on the threads.  ValueError if the
    budget is too small for one row.
    """
    limit = budget()
    if fixed + memory > limit:
        needed = text_of(fixed + memory)
        raise ValueError(
            f"the workspace budget is {text_of(limit)}, and one row of windows needs {needed}. "
            f"Set tn.workspace_budget({needed!r}) or more."
        )
    most = max(1, min((tile or TILE) // max(columns, 1), (limit - fixed) // max(memory, 1)))  # rows
    if most < rows:
        high = -(-rows // -(-rows // most))  # tiles of equal height
        tiles = [
            Tile(n, n + 1, r, min(r + high, rows))
            for n in range(pictures)
            for r in range(0, rows, high)
        ]
    else:
        high = rows
        fewest = -(-(least or LEAST_WORK) // max(rows * work, 1))  # pictures
        count = max(1, min(most // max(rows, 1), max(fewest, -(-pictures // 16)), pictures))
        count = -(-pictures // -(-pictures // count)) if pictures else 1  # tiles of equal size
        tiles = [Tile(n, min(n + count, pictures), 0, rows) for n in range(0, pictures, count)]
        high *= count
    size = fixed + high * memory
    return Tiles(tiles, size, max(1, limit // max(size, 1)), limit)


# -- the memory itself -----------------------------------------------------------------------------


class _Spare(threading.local):
    """Each thread's last buffer, kept for its next tile: new memory is slow at its first use."""

    buffer: numpy.ndarray | None = None


_spare = _Spare()


class borrowed:
    """`with borrowed(size) as buffer:` size bytes or more, for this thread alone in the block."""

    def __init__(self, size: int) -> None:
        self._size = size

    def __enter__(self) -> numpy.ndarray:
        buffer, _spare.buffer = _spare.buffer, None
        if buffer is None or not self._size <= buffer.nbytes <= max(self._size, budget()):
            buffer = numpy.empty(self._size, numpy.uint8)
        self._buffer = buffer
        return buffer

    def __exit__(self, *error: object) -> None:
        _spare.buffer = self._buffer
