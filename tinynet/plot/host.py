"""Tensors, arrays of either device and lists as NumPy arrays, for matplotlib."""

from __future__ import annotations

from typing import Any

import numpy

from ..devices import is_array, move
from ..engine.tensor import Tensor


def on_host(values: Any) -> numpy.ndarray:
    """The numbers as a NumPy array."""
    if isinstance(values, Tensor):
        values = values.data
    return numpy.asarray(move(values, "cpu") if is_array(values) else values)
