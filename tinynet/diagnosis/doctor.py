"""doctor: find where a computation first goes wrong, and name it."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Iterator
from typing import Any
from weakref import WeakKeyDictionary

import numpy

from ..devices import Array, is_array, move
from ..engine.observer import Observer, observe
from ..engine.record import Pullback, Record
from ..engine.tensor import Tensor
from .kept_memory import arrays_of


@contextlib.contextmanager
def doctor() -> Iterator[None]:
    """Examine every operation inside `with tn.doctor():`, forward and backward.

    FloatingPointError at the first operation whose result or gradient is NaN or infinite, with the
    range of its inputs.  RuntimeError where an array that an operation saved for backward() was
    changed before it was used: the gradient would be wrong without a warning.

    Every array is read twice more.  That is slow: use it to find a fault, not for training.
    """
    with observe(_Doctor()):
        yield


class _Doctor(Observer):
    def __init__(self) -> None:
        # for each living record: the range of its values, and the arrays that its pullbacks saved
        self._ranges: WeakKeyDictionary[Record, str] = WeakKeyDictionary()
        self._saved: WeakKeyDictionary[Record, dict[int, list[tuple[Array, int]]]] = (
            WeakKeyDictionary()
        )

    def after_forward(self, y: Tensor, inputs: tuple, settings: dict, work: Any) -> None:
        fault = _fault(y.data)
        if fault:
            ranges = "; ".join(_range(x) for x in inputs if isinstance(x, Tensor) or is_array(x))
            raise FloatingPointError(f"{y.operation}: the result holds {fault}. Inputs: {ranges}.")
        if y._record is not None:
            self._ranges[y._record] = _range(y)
            self._saved[y._record] = {
                id(pullback): [(array, _fingerprint(array)) for array in arrays_of(pullback)]
                for _, pullback in y._record._edges
            }

    def before_pullback(self, y: Record, pullback: Pullback) -> None:
        for array, fingerprint in self._saved.get(y, {}).pop(id(pullback), []):
            if _fingerprint(array) != fingerprint:
                raise RuntimeError(
                    f"{y.operation}: an array {array.shape} that it saved for backward() was "
                    "changed after the forward pass, so its gradient would be wrong. Change data "
                    "(an optimizer's step, too) after backward()."
                )

    def after_pullback(self, y: Record, x: Any, dx: Array) -> None:
        fault = _fault(dx)
        if fault:
            seen = _range(x) if isinstance(x, Tensor) else self._ranges.get(x, x.label)
            raise FloatingPointError(
                f"{y.operation}: the gradient for the input {x.label} holds {fault}. Input: {seen}."
            )


def _fingerprint(array: Array) -> int:
    return zlib.crc32(numpy.ascontiguousarray(move(array, "cpu")).tobytes())


def _fault(array: Array) -> str:
    """The number of NaN and infinite elements, in words; "" if there are none."""
    host = move(array, "cpu")
    if host.dtype.kind != "f" or numpy.isfinite(host).all():
        return ""
    nans, infinities = int(numpy.isnan(host).sum()), int(numpy.isinf(host).sum())
    return f"{nans} NaN and {infinities} infinite of {host.size} numbers"


def _range(x: Any) -> str:
    """'activations' in [-2, 3]"""
    label = x.label if isinstance(x, Tensor) else f"of shape {x.shape}"
    host = x.numpy() if isinstance(x, Tensor) else move(x, "cpu")
    if not host.size:
        return f"{label}, empty"
    return f"{label} in [{host.min():.4g}, {host.max():.4g}]"
