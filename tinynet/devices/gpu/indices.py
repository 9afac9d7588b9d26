"""Sums at indices that may occur twice."""

from __future__ import annotations

from typing import Any

from .. import plain
from ..arrays import Array, xp
from .launch import launch, takes


def add_at(target: Array, index: Any, values: Array) -> None:
    """The places are sorted, and one thread adds up all values for an element, in their order.

    CuPy's own way adds in any order: then the last bits differ between two runs.
    """
    if not takes(target) or not target.flags.c_contiguous or values.dtype != target.dtype:
        return plain.add_at(target, index, values)
    cupy = xp(target)
    places = cupy.arange(target.size).reshape(target.shape)[index]
    values = cupy.broadcast_to(values, places.shape).ravel()
    places = places.ravel()
    order = cupy.argsort(places, kind="stable")
    starts = cupy.searchsorted(places[order], cupy.arange(target.size + 1))
    launch("indices.add_runs", target.size, values[order], starts, target)
