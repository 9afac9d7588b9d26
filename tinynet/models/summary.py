"""The table of a model's layers, as Keras prints it."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from ..engine.tensor import Tensor


class Row(NamedTuple):
    """One line of the table."""

    name: str
    kind: str  # the class of the layer
    shape: Any  # of the output, without the batch; a list for several outputs
    parameters: int
    sources: str = ""  # in a graph: the names of the inputs


def row(name: str, module: Any, shape: Any) -> Row:
    """The line of a module."""
    return Row(name, type(module).__name__, shape, count(module.weights().values()))


def table(name: str, rows: list[Row], weights: Collection[Tensor], graph: bool = False) -> str:
    """The table, with totals and their sizes in memory; with a column of sources for a graph."""
    cells = [["Layer (type)", "Output shape", "Param #", "Connected to"]]
    for r in rows:
        cells.append([f"{r.name} ({r.kind})", shape_text(r.shape), f"{r.parameters:,}", r.sources])
    wide = [max(len(line[i]) for line in cells) for i in range(4 if graph else 3)]
    across = sum(wide) + 3 * (len(wide) - 1)

    def line(texts: list[str]) -> str:
        left, shape, number, *sources = (text.ljust(w) for text, w in zip(texts, wide))  # noqa: B905
        return "   ".join([left, shape, number.strip().rjust(wide[2]), *sources]).rstrip()

    return "\n".join(
        [
            f'Model: "{name}"',
            "_" * across,
            line(cells[0]),
            "=" * across,
            *map(line, cells[1:]),
            "=" * across,
            f"Total params: {amount(weights)}",
            f"Trainable params: {amount(w for w in weights if w.requires_grad)}",
            f"Non-trainable params: {amount(w for w in weights if not w.requires_grad)}",
            "_" * across,
        ]
    )


def count(weights: Iterable[Tensor]) -> int:
    """The number of weights, in all tensors together."""
    return sum(w.size for w in weights)


def amount(weights: Iterable[Tensor]) -> str:
    """The number of weights and their memory: 1,770,128 (6.75 MB)."""
    found = list(weights)
    size: float = sum(w.size * w.dtype.itemsize for w in found)
    unit = min(int(math.log(size, 1024)), 3) if size else 0
    return f"{count(found):,} ({size / 1024**unit:.2f} {('B', 'KB', 'MB', 'GB')[unit]})"


def shape_text(shape: Any) -> str:
    """A shape as the table shows it, with None for the batch."""
    if shape is None:
        return "?"
    if isinstance(shape, list):
        return ", ".join(map(shape_text, shape))
    return f"({', '.join(['None', *map(str, shape)])})" if shape else "(None,)"


def aligned(rows: list[list[str]], left: int) -> list[str]:
    """Rows of cells as lines: the first `left` columns are flush left, the others flush right."""
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "   ".join(
            cell.ljust(w) if i < left else cell.rjust(w)
            for i, (cell, w) in enumerate(zip(row, wide, strict=True))
        ).rstrip()
        for row in rows
    ]
