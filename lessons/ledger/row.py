"""A row of the ledger: one number of a slide, and the code that computes it.

There are six verdicts, and a function for each, so that a chapter's rows read as what they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

VERDICTS = {  # as the ledger explains them to its reader
    "reproduced": "The printed number comes out when the code runs.",
    "misread": "A program read the slides for us, and here it read wrongly. The right number, if "
    "there is one, follows from the rest.",
    "erratum": "The slide itself is wrong.",
    "convention": 'The slide makes one choice. "comes out" shows what another choice gives.',
    "computed": "The slide does not print this result. It follows from what the slide prints, and "
    'the column "printed" may show that.',
    "lost": "The text of the slides does not have what one would need to compute it.",
}
HOLDS = "holds"  # what comes out of a statement that is true


@dataclass(frozen=True, eq=False)
class Row:
    id: str
    place: str  # "001:232": lecture 001, line 232 of its text.  For order; nobody prints it
    what: str
    printed: Any  # as the slide prints it; None if it does not
    right: Any  # what must come out; None if nobody can know
    compute: Callable[[], Any] | None  # calls tinynet, or a lesson
    verdict: str
    decimals: int | None = None  # as many as are compared; None: all
    why: str = ""
    as_printed: Callable[[], Any] | None = None  # how the printed number comes about
    gives: Any = None  # what as_printed gives, where it is not the printed number itself

    @property
    def statement(self) -> bool:
        return isinstance(self.right, str) and self.right == HOLDS


def reproduced(id, place, what, printed, compute, decimals=None, why=""):
    return Row(id, place, what, printed, printed, compute, "reproduced", decimals, why)


def statement(id, place, what, printed, compute, why=""):
    """The slide says it, in words or in a formula, and trying it out gives True."""
    return Row(id, place, what, printed, HOLDS, compute, "reproduced", None, why)


def misread(id, place, what, printed, right, compute, why, decimals=None, **how):
    """right and compute are None where the right number does not follow from the rest."""
    return _other("misread", id, place, what, printed, right, compute, why, decimals, **how)


def erratum(id, place, what, printed, right, compute, why, decimals=None, **how):
    return _other("erratum", id, place, what, printed, right, compute, why, decimals, **how)


def convention(id, place, what, printed, right, compute, why, decimals=None, **how):
    """right: what another choice gives."""
    return _other("convention", id, place, what, printed, right, compute, why, decimals, **how)


def computed(id, place, what, right, compute, decimals=None, why="", printed=None):
    """printed: what goes in."""
    return Row(id, place, what, printed, right, compute, "computed", decimals, why)


def lost(id, place, what, printed, why):
    return Row(id, place, what, printed, None, None, "lost", None, why)


def _other(
    verdict, id, place, what, printed, right, compute, why, decimals, as_printed=None, gives=None
):
    """What comes out is not what is printed."""
    gives = printed if gives is None and as_printed else gives
    return Row(id, place, what, printed, right, compute, verdict, decimals, why, as_printed, gives)


# -- does it hold? ---------------------------------------------------------------------------------


def check(row: Row) -> tuple[Any, bool]:
    """(what came out, whether the row holds).  Without a computation a row holds."""
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
