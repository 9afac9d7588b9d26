"""Observers: who watches a computation, operation by operation, pullback by pullback.

The engine tells `current_observer` of every operation and of every pullback, and modules tell it
when they are called.  Where nobody observes, that costs one look at a variable.  The doctor, cost
and profile are observers, and one may work inside another.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from ..devices import Array
from .record import Pullback, Record, current_observer

ALL = (math.inf, math.inf)


class Work(NamedTuple):
    """What an operation declares about its work on the way out, see `differentiable`.

    multiply_adds: how many products it adds up.  For x @ w that is y.size * len(w).
    window: how many numbers of the first input one number of the result depends on, (vertical,
        horizontal): (3, 3) for a 3 x 3 convolution.  ALL if it depends on every number, as in a
        dense layer.  (If the result still has the height and width of the input, ALL is taken to
        be along the channels: a dense layer on each pixel.)
    stride: the distance between the windows of two neighbors; below 1 where pictures grow.
    columns: the bytes of the im2col matrix, if it were built in one piece.
    workspace: the bytes that it computes in, as a function of the number of examples.
    """

    multiply_adds: int = 0
    window: tuple[Any, ...] = (1, 1)
    stride: tuple[Any, ...] = (1, 1)
    columns: int = 0
    workspace: Callable[[int], int] | None = None


Declared = Callable[..., Work] | None  # (y, *inputs, **settings) -> Work, all of them arrays


class Observer:
    """Sees everything and does nothing: a subclass overrides what it wants to see.

    For an operation or a module that fails, `before` is called and `after` is not.
    """

    def before_forward(self, operation: str, inputs: tuple, settings: dict) -> None:
        """An operation is about to compute.  inputs, settings: as they were given."""

    def after_forward(self, y: Any, inputs: tuple, settings: dict, work: Declared) -> None:
        """It has computed the tensor y.  work: what it declares, see `differentiable`."""

    def before_pullback(self, y: Record, pullback: Pullback) -> None:
        """backward() is about to call a pullback of the operation that made y."""

    def after_pullback(self, y: Record, x: Any, dx: Array) -> None:
        """It has given dx, the gradient of the input x, a Record or a leaf."""

    def before_module(self, module: Any, x: Any) -> None:
        """A module is about to compute, for x."""

    def after_module(self, module: Any, y: Any) -> None:
        """It has computed y."""


class _Both(Observer):
    """The outer observer begins first and ends last, so that it does not count in the inner one."""

    def __init__(self, outer: Observer, inner: Observer) -> None:
        for what in ("forward", "pullback", "module"):
            before, after = f"before_{what}", f"after_{what}"
            setattr(self, before, _in_turn(getattr(outer, before), getattr(inner, before)))
            setattr(self, after, _in_turn(getattr(inner, after), getattr(outer, after)))


def _in_turn(first: Callable[..., None], second: Callable[..., None]) -> Callable[..., None]:
    def both(*told: Any) -> None:
        first(*told)
        second(*told)

    return both


@contextlib.contextmanager
def observe(observer: Observer, alone: bool = False) -> Iterator[None]:
    """Tell the observer of everything inside the block, beside whoever observes already.

    alone: whether the others see nothing of it.  It holds for the thread that enters it.
    """
    before = current_observer.get()
    current_observer.set(observer if alone or before is None else _Both(before, observer))
    try:
        yield
    finally:
        current_observer.set(before)
