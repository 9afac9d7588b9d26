"""The ledger on a terminal, at most 100 columns wide: all rows, or some of them in full."""

from __future__ import annotations

import dataclasses
import difflib
import itertools
import re
import textwrap
from typing import Any

import numpy as np

from .row import VERDICTS, Row, check
from .slides import lecture_and_slide

WIDTHS = (5, 38, 19, 20, 10)  # of the columns; with two blanks between them 100
ROWS = " / "  # between the rows of a matrix
HEAD = ("row", "what", "printed", "comes out", "verdict")
EXPLAINED = {  # the verdicts whose rows need a sentence, and what stands above these
    "misread": "Misread: what went wrong when a program read the slides",
    "erratum": "Errata: what is wrong on a slide",
    "convention": "Conventions: where another choice is possible, too",
    "lost": "Lost: what cannot be computed again",
}


def print_ledger(chapters: dict[str, list[Row]]) -> bool:
    """Everything, and whether it holds."""
    print("What the slides print, and what comes out.  The verdicts:\n")
    for verdict, meaning in VERDICTS.items():
        _print_wrapped(meaning, f"  {verdict:<10}  ")
    print()
    _print_cells(HEAD)
    print("-" * 100)
    failed = []
    for chapter, rows in chapters.items():
        print(f"CHAPTER {chapter}")
        places: list[tuple[str, str]] = []
        for row in rows:
            places.append(lecture_and_slide(row.place))
            _print_place(places)
            got, holds = check(row)
            cells = [row.id, row.what, text(row.printed, row), text(row.right, row)]
            _print_cells([*cells, row.verdict if holds else "FAILS"])
            if not holds:
                _print_wrapped(f"got {text(got, row, whole=True)}", "       ")
                failed.append(row.id)
        print()
    rows = [row for rows in chapters.values() for row in rows]
    _print_reasons(rows)
    _print_totals(rows, failed)
    return not failed


def print_rows(rows: list[Row]) -> bool:
    """Some rows in full, and whether they hold."""
    all_hold = True
    for number, row in enumerate(rows):
        got, holds = check(row)
        all_hold &= holds
        lecture, slide = lecture_and_slide(row.place)
        right = "or else" if row.verdict == "convention" else "right"
        lines = {
            "lecture": lecture,
            "slide": slide,
            "what": row.what,
            "printed": text(row.printed, row, whole=True),
            right: text(row.right, row, whole=True),
            "came out": text(got, dataclasses.replace(row, decimals=None), whole=True),
            "verdict": row.verdict if holds else "FAILS",
            "that is": VERDICTS[row.verdict] if holds else "",
        }
        if row.decimals:
            lines[right] += f"  (to {row.decimals} decimal{'s' * (row.decimals > 1)})"
        if row.compute is None:
            del lines["came out"]
        if row.right is None:
            del lines[right]
        if row.as_printed:
            lines["as printed"] = f"it gives {text(row.gives, row, whole=True)}"
        if row.why:
            lines["why"] = row.why
        print(("\n" if number else "") + row.id)
        for name, line in lines.items():
            if line:
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


def _print_place(places: list[tuple[str, str]]) -> None:
    """The lecture and the slide of the last place, as far as they are not those before."""
    (lecture, slide), before = places[-1], places[-2] if len(places) > 1 else ("", "")
    if lecture != before[0]:
        print(f"\n{lecture}")
    if (lecture, slide) != before:
        _print_wrapped(f'"{slide}"', "  ")


def _print_reasons(rows: list[Row]) -> None:
    for verdict, title in EXPLAINED.items():
        print(title)
        found = [row for row in rows if row.verdict == verdict]
        for why in dict.fromkeys(row.why for row in found):
            ids = " ".join(row.id for row in found if row.why == why)
            _print_wrapped(why, f"  {ids:<10}  ")
        print()


def _print_totals(rows: list[Row], failed: list[str]) -> None:
    counts = {verdict: sum(row.verdict == verdict for row in rows) for verdict in VERDICTS}
    print(f"{len(rows)} rows: {', '.join(f'{n} {verdict}' for verdict, n in counts.items())}.")
    _print_wrapped(f"These FAIL: {' '.join(failed)}." if failed else "All hold.", "")
