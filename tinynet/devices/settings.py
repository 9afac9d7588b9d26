"""What decides whether a compiled loop computes, or NumPy: sizes, types and one setting."""

from __future__ import annotations

import os
from typing import Any

import numpy

from ..messages.arguments import choice, whole

_text = os.environ.get("TINYNET_COMPILED_FROM", "16384")
# Numbers: with fewer, a call of NumPy takes no longer, and Numba need not be loaded.  With
# TINYNET_COMPILED_FROM=1 in the environment, tests run every kernel on the loops.
LEAST = whole("", "TINYNET_COMPILED_FROM", int(_text) if _text.isdecimal() else _text)


def is_large(value: Any) -> bool:
    """Whether a loop would take it: an array of float32, and not small."""
    return isinstance(value, numpy.ndarray) and value.size >= LEAST and value.dtype == numpy.float32


_exact = False


def set_convolution(way: str) -> None:
    """How compiled loops compute convolutions of 3 x 3 or 5 x 5 with stride 1: "fast" or "exact".

    "fast", the default, is Winograd's way: 25% or 36% of the multiplications, and rounding errors
    about 20 times as large (docs/speed.md has both, and what it means for a training).  It serves
    in float32, from 16 or 32 channels on.  "exact" adds the products one by one.  So do all other
    convolutions, float64, and NumPy alone, always.  The setting holds for all threads of the
    process.  ValueError for another word.
    """
    global _exact
    _exact = choice("set_convolution", "way", way, ("fast", "exact")) == "exact"


def exact_convolution() -> bool:
    return _exact
