"""Observers: who watches a computation, operation by operation, pullback by pullback.

The engine tells `state.observer` of every operation and of every step of the walk back, and modules
tell it when they are called.  Where nobody observes, that costs a look at one attribute.  The
doctor, cost and profile are observers, and one may work inside another.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .autograd import Pullback, Record, state
from .devices import Array

if TYPE_CHECKING:
    from .module import Module
    from .tensor import Tensor


class Observer:
    """Is told everything and does nothing: a subclass overrides what it wants to see.

    An operation or a module that fails is begun and never ended.
    """

    def before_forward(
        self, operation: str, inputs: tuple[Any, ...], settings: dict[str, Any]
    ) -> None:
        """An operation is about to compute.  inputs, settings: as they were given."""

    def after_forward(self, y: Tensor, inputs: tuple[Any, ...], settings: dict[str, Any]) -> None:
        """It has computed y, whose record and pullbacks are made."""

    def before_pullback(self, y: Record, pullback: Pullback) -> None:
        """backward() is about to call a pullback of the operation that made y."""

    def after_pullback(self, y: Record, x: Tensor | Record, dx: Array) -> None:
        """It has given dx, the gradient of the input x."""

    def before_module(self, module: Module, x: Any) -> None:
        """A module is about to compute, for x."""

    def after_module(self, module: Module, y: Any) -> None:
        """It has computed y."""


class _Both(Observer):
    """The outer observer begins first and ends last, so that it does not count in the inner one."""

    def __init__(self, outer: Observer, inner: Observer) -> None:
        self.outer, self.inner = outer, inner

    def before_forward(self, *told: Any) -> None:
        self.outer.before_forward(*told)
        self.inner.before_forward(*told)

    def after_forward(self, *told: Any) -> None:
        self.inner.after_forward(*told)
        self.outer.after_forward(*told)

    def before_pullback(self, *told: Any) -> None:
        self.outer.before_pullback(*told)
        self.inner.before_pullback(*told)

    def after_pullback(self, *told: Any) -> None:
        self.inner.after_pullback(*told)
        self.outer.after_pullback(*told)

    def before_module(self, *told: Any) -> None:
        self.outer.before_module(*told)
        self.inner.before_module(*told)

    def after_module(self, *told: Any) -> None:
        self.inner.after_module(*told)
        self.outer.after_module(*told)


@contextlib.contextmanager
def observe(observer: Observer, alone: bool = False) -> Iterator[None]:
    """Tell the observer of everything inside the block, beside whoever observes already.

    alone: whether the others see nothing of it.  It holds for the thread that enters it.
    """
    before = state.observer
    state.observer = observer if alone or before is None else _Both(before, observer)
    try:
        yield
    finally:
        state.observer = before
