"""A row of the ledger: one number of a slide, and the code that computes it.

There are four kinds, and a function for each, so that a chapter's rows read as what they are:
reproduced, erratum, computed (no slide prints it) and lost (it cannot be reproduced).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

SLIDES = {
    "000": "000_fcdcaffc17ab1b77.txt",
    "001": "001_2cc8296d8a649d23.txt",
    "002": "002_cc530217572c2621.txt",
    "003": "003_05cde12013bfe355.txt",
    "004": "004_df52dc64b05a94d5.txt",
}
HOLDS = "holds"  # what is right about a statement that is true


@dataclass(frozen=True, eq=False)
class Row:
    id: str
    place: str  # "001:232": file 001, line 232 of its text
    what: str
    printed: Any  # as the slide prints it; None if it does not, or if it is lost
    right: Any
    compute: Callable[[], Any] | None  # calls the lesson, or tinynet; gives what is right
    verdict: str
    decimals: int | None = None  # as many as are compared; None: all
    why: str = ""
    erratum: int | None = None  # its number in ERRATA
    as_printed: Callable[[], Any] | None = None  # how the wrong number comes about
    gives: Any = None  # what as_printed gives, where it is not the printed number itself

    @property
    def statement(self) -> bool:
        return isinstance(self.right, str) and self.right == HOLDS

    @property
    def slide(self) -> str:
        file, line = self.place.split(":")
        return f"{SLIDES[file]}, line {line}"


def reproduced(id, place, what, printed, compute, decimals=None, why=""):
    """The slide prints it, and it is right."""
    return Row(id, place, what, printed, printed, compute, "reproduced", decimals, why)


def statement(id, place, what, printed, compute, why=""):
    """The slide says it, in words or in a formula, and trying it out gives True."""
    return Row(id, place, what, printed, HOLDS, compute, "reproduced", None, why)


def erratum(
    number, id, place, what, printed, right, compute, decimals=None, why="", as_printed=None,
    gives=None,
):  # fmt: skip
    """The slide prints it, and it is wrong.  compute=None: a slip of the pen, and why says so."""
    verdict = "erratum"
    gives = printed if gives is None and as_printed else gives
    return Row(id, place, what, printed, right, compute, verdict, decimals, why, number,
               as_printed, gives)  # fmt: skip


def computed(id, place, what, right, compute, decimals=None, why=""):
    """No slide prints it, but it follows from what is printed."""
    return Row(id, place, what, None, right, compute, "computed", decimals, why)


def lost(id, place, what, printed, why, erratum=None):
    """It cannot be reproduced, and why."""
    return Row(id, place, what, printed, None, None, "lost", None, why, erratum)


# -- does it hold? ---------------------------------------------------------------------------------


def check(row: Row) -> tuple[Any, bool]:
    """(what came out, whether the row holds).  A lost row holds, and nothing comes out."""
    if row.compute is None:
        return None, True
    try:
        got = row.compute()
        if row.statement:
            true = isinstance(got, bool | np.bool_) and bool(got)
            return (HOLDS if true else got), true
        good = same(got, row.right, row.decimals)
        if good and row.as_printed:
            gives = row.as_printed()
            if not same(gives, row.gives, row.decimals):
                return f"as printed: {gives}", False
        return got, good
    except Exception as error:  # one broken lesson must not hide what the others say
        return f"{type(error).__name__}: {error}", False


def same(got: Any, right: Any, decimals: int | None = None) -> bool:
    """Whether two numbers, lists or words are the same, rounded as the slide rounds."""
    got, right = np.asarray(got), np.asarray(right)
    if got.shape != right.shape:
        return False
    if got.dtype.kind == "U" or right.dtype.kind == "U":
        return got.dtype.kind == right.dtype.kind and bool((got == right).all())
    got, right = got.astype(np.float64), right.astype(np.float64)
    if decimals is not None:
        got, right = got.round(decimals), right.round(decimals)
    return bool((got == right).all())
