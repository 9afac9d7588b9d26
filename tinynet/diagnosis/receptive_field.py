"""Receptive fields: how many pixels of the picture one number sees, and where the next one looks.

A window of K numbers that moves by S numbers changes them:

    size <- size + (K - 1) jump,    jump <- jump S

They start from size 1 and jump 1, the picture itself.  Sizes do not depend on the padding: at the
border, part of what a number sees is padding.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import Any, NamedTuple

from ..engine.observer import ALL, Work
from ..engine.tensor import Tensor

Number = Fraction | float
Both = tuple[Number, Number]  # (vertical, horizontal)


class ReceptiveField(NamedTuple):
    """Pixels, each (vertical, horizontal).

    size: how many one number sees.  jump: how far the fields of two neighbors are apart.
    """

    size: Both
    jump: Both

    def under(self, window: Both, stride: Both) -> ReceptiveField:
        """The field after a window that slides over numbers with this field."""
        (r, q), (j, k), (KH, KW), (SH, SW) = *self, window, stride
        return ReceptiveField((r + (KH - 1) * j, q + (KW - 1) * k), (j * SH, k * SW))


PIXEL = ReceptiveField((1, 1), (1, 1))
EVERYTHING = ReceptiveField((math.inf, math.inf), (0, 0))


class ReceptiveFields:
    """Follows the fields of values through a computation, from pictures (N, H, W, C)."""

    def __init__(self, pictures: Iterable[Tensor]) -> None:
        self._of = {x._order: PIXEL for x in pictures if x.ndim == 4}

    def of(self, x: Any) -> ReceptiveField | None:
        """The field of a value; None if it comes from no picture."""
        return self._of.get(x._order) if isinstance(x, Tensor) else None

    def after(self, y: Tensor, inputs: tuple, work: Work) -> ReceptiveField | None:
        """Note and return the field of a result.  Of several inputs, the largest counts."""
        known = [x for x in inputs if self.of(x)]
        if not known:
            return None
        fields = [self._of[x._order] for x in known]
        field = ReceptiveField(_largest(f.size for f in fields), _largest(f.jump for f in fields))
        if work.window != ALL:
            field = field.under(work.window, work.stride)
        elif not (y.ndim == 4 and y.shape[1:3] == known[0].shape[1:3]):  # not pixel by pixel
            field = EVERYTHING
        self._of[y._order] = field
        return field


def _largest(pairs: Iterable[Both]) -> Both:
    vertical, horizontal = zip(*pairs, strict=True)
    return max(vertical), max(horizontal)
