"""The ledger on a terminal, at most 100 columns wide: all rows with errata and totals, or some."""

from __future__ import annotations

import dataclasses
import difflib
import itertools
import re
import textwrap
from typing import Any

import numpy as np

from .errata import ERRATA
from .row import Row, check

WIDTHS = (5, 8, 31, 17, 19, 10)  # of the columns; with two blanks between them 100
ROWS = " / "  # between the rows of a matrix
HEAD = ("row", "slide", "what", "printed", "right", "verdict")


def print_ledger(chapters: dict[str, list[Row]]) -> bool:
    """Everything, and whether it holds."""
    _print_cells(HEAD)
    print("-" * 100)
    failed = []
    for chapter, rows in chapters.items():
        print(chapter)
        for row in rows:
            got, holds = check(row)
            cells = [row.id, row.place, row.what, text(row.printed, row), text(row.right, row)]
            _print_cells([*cells, _verdict(row) if holds else "FAILS"])
            if not holds:
                _print_wrapped(f"got {text(got, row, whole=True)}", "       ")
                failed.append(row.id)
    rows = [row for rows in chapters.values() for row in rows]
    _print_errata(rows)
    _print_lost(rows)
    _print_totals(rows, failed)
    return not failed


def print_rows(rows: list[Row]) -> bool:
    """Some rows in full, and whether they hold."""
    all_hold = True
    for number, row in enumerate(rows):
        got, holds = check(row)
        all_hold &= holds
        lines = {
            "slide": row.slide,
            "what": row.what,
            "printed": text(row.printed, row, whole=True),
            "right": text(row.right, row, whole=True),
            "came out": text(got, dataclasses.replace(row, decimals=None), whole=True),
            "verdict": _verdict(row) if holds else "FAILS",
        }
        if row.decimals:
            lines["right"] += f"  (to {row.decimals} decimal{'s' * (row.decimals > 1)})"
        if row.compute is None:
            del lines["came out"]
        if row.right is None:
            del lines["right"]
        if row.erratum:
            lines["erratum"] = ERRATA[row.erratum]
        if row.as_printed:
            lines["as printed"] = f"it gives {text(row.gives, row, whole=True)}"
        if row.why:
            lines["why"] = row.why
        print(("\n" if number else "") + row.id)
        for name, line in lines.items():
            _print_wrapped(line, f"  {name:<10}  ")
    return all_hold


def matching(wanted: str, rows: list[Row]) -> list[Row]:
    """The row of that name; all of B06a, B06b, ... for B06.  Upper or lower case."""
    wanted = wanted.casefold()
    return [row for row in rows if wanted in (row.id.casefold(), _number(row.id).casefold())]


def nearest(wanted: str, rows: list[Row]) -> str | None:
    known = list(dict.fromkeys(name for row in rows for name in (_number(row.id), row.id)))
    near = difflib.get_close_matches(wanted.upper(), known, n=1, cutoff=0.4)
    return near[0] if near else None


def _number(id: str) -> str:
    """B06a -> B06"""
    return id[:3]


# -- a number as text ------------------------------------------------------------------------------


def text(value: Any, row: Row, whole: bool = False) -> str:
    """A printed, right or computed value.  whole: all of a long list too."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if isinstance(value, tuple):  # a shape
        return " x ".join(str(n) for n in value)
    if isinstance(value, list | np.ndarray) and len(value) and _nested(value[0]):
        return ROWS.join(text(line, row, whole) for line in value)
    if isinstance(value, list | np.ndarray):
        lines = [text(n, row) for n in value]
        words = any(isinstance(n, str) for n in value)
        if len(lines) > 11 and not whole:
            return f"{len(lines)} numbers: {' '.join(lines[:4])} ..."
        return (", " if words else " ").join(lines)
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    return _number_as_text(float(value), row.decimals)


def _nested(value: Any) -> bool:
    return isinstance(value, list | tuple | np.ndarray)


def _number_as_text(n: float, decimals: int | None) -> str:
    if not np.isfinite(n):
        return str(n)
    if n == int(n) and abs(n) < 1e15:
        return f"{int(n):,}"
    return f"{n:.8g}" if decimals is None else f"{n:.{decimals}f}".rstrip("0")


# -- lines -----------------------------------------------------------------------------------------


def _verdict(row: Row) -> str:
    return f"erratum {row.erratum}" if row.verdict == "erratum" else row.verdict


def _print_cells(cells: Any) -> None:
    wrapped = [_lines(c, w) for c, w in zip(cells, WIDTHS, strict=True)]
    for line in itertools.zip_longest(*wrapped, fillvalue=""):
        print("  ".join(f"{c:<{w}}" for c, w in zip(line, WIDTHS, strict=True)).rstrip())


def _lines(cell: str, width: int) -> list[str]:
    """A cell that is too wide: a matrix row by row, a long name after its dots and underscores."""
    if len(cell) <= width:
        return [cell]
    lines = []
    for part in cell.split(ROWS):
        for word in textwrap.wrap(part, width, break_long_words=False):
            lines.append("")
            for piece in re.findall(r"[^_.]*[_.]?", word) if len(word) > width else [word]:
                if len(lines[-1] + piece) > width:
                    lines.append("")
                lines[-1] += piece
    return lines


def _print_wrapped(line: str, first: str) -> None:
    print(textwrap.fill(line, 100, initial_indent=first, subsequent_indent=" " * len(first)))


def _print_errata(rows: list[Row]) -> None:
    print("\nErrata: what is wrong, and why")
    for number, why in ERRATA.items():
        places = dict.fromkeys(row.id for row in rows if row.erratum == number)
        _print_wrapped(why, f"{number:>4}  {' '.join(places):<11}  ")
    missing = [n for n in range(1, max(ERRATA) + 1) if n not in ERRATA]
    if missing:
        numbers = ", ".join(map(str, missing))
        print(textwrap.fill(f"Of chapters that are still to come: {numbers}.", 100))


def _print_lost(rows: list[Row]) -> None:
    print("\nWhat cannot be reproduced, and why")
    for row in rows:
        if row.verdict == "lost":
            _print_wrapped(row.why, f"      {row.id:<11}  ")


def _print_totals(rows: list[Row], failed: list[str]) -> None:
    count = {v: sum(row.verdict == v for row in rows) for v in _MEANING}
    parts = [f"{count[v]} {meaning}" for v, meaning in _MEANING.items()]
    print(f"\n{len(rows)} rows: {', '.join(parts)}.")
    _print_wrapped(f"These FAIL: {' '.join(failed)}." if failed else "All hold.", "")


_MEANING = {
    "reproduced": "reproduced",
    "erratum": "errata",
    "computed": "computed from what is printed",
    "lost": "cannot be reproduced",
}
