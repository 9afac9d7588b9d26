"""A claim: what a slide or a lesson says, beside what came out."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy


class Claim(NamedTuple):
    """One row of a lesson's account."""

    what: str
    claimed: str
    got: str
    holds: bool


def equals(what: str, claimed: Any, got: Any) -> Claim:
    """The numbers are the same, to the last digit that is printed."""
    claimed, got = numpy.asarray(claimed), numpy.asarray(got)
    return Claim(what, _text(claimed), _text(got), bool(numpy.array_equal(claimed, got)))


def at_least(what: str, bound: float, got: float) -> Claim:
    return Claim(what, f"at least {bound:g}", f"{got:.4g}", got >= bound)


def at_most(what: str, bound: float, got: float) -> Claim:
    return Claim(what, f"at most {bound:g}", f"{got:.3g}", got <= bound)


def _text(numbers: numpy.ndarray) -> str:
    """All numbers if they are few, otherwise how many and the first of them."""
    flat = [f"{n:g}" if isinstance(n, float) else str(n) for n in numbers.ravel().tolist()]
    if len(flat) <= 9:
        return " ".join(flat)
    return f"{len(flat)} numbers: {' '.join(flat[:4])} ..."
