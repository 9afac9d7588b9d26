"""The record: how a tensor was made, so that gradients can find the way back.

The result of an operation has a record with edges.  An edge is a pair (input, pullback): the
pullback turns the gradient of the result into the gradient of that input.  The input is the record
of another operation, or a leaf, a tensor that no operation made.

A record holds no array.  What the way back needs is inside the pullbacks, so an array that no
pullback needs is free as soon as the person who computed it lets go of it.
"""

from __future__ import annotations

import contextlib
import inspect
import itertools
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from ..devices import Array

Pullback = Callable[[Array], Array]
Edge = tuple[Any, Pullback]  # the input, a Record or a leaf Tensor, and its pullback
numbers = itertools.count()  # each tensor takes one, see backward.py
USED: Any = object()  # takes the place of a record's edges once backward() has walked them


@dataclass(eq=False)
class Record:
    """How a tensor was made, and what its gradient must look like."""

    __slots__ = ("__weakref__", "_edges", "_order", "array_type", "dtype", "operation", "shape")

    operation: str
    _order: int
    _edges: Any  # list[Edge], or USED
    shape: tuple[int, ...]
    dtype: Any
    array_type: Any

    @property
    def label(self) -> str:
        """Errors call it so: the input of shape (3, 4)."""
        return f"of shape {self.shape}"


# Each thread has its own value of these two, and so has each task of asyncio.
paused = ContextVar("paused", default=0)  # how many no_grad() are open; 0: operations are recorded
current_observer: ContextVar[Any] = ContextVar("observer", default=None)  # see observer.py


class no_grad(contextlib.ContextDecorator):
    """Inside `with no_grad():` operations compute their value only, and keep nothing for backward.

    It is also a decorator, `@no_grad()`.  It holds for the thread that enters it.
    TypeError for a generator function, which would run after the decorator has ended.
    """

    def __enter__(self) -> None:
        paused.set(paused.get() + 1)

    def __exit__(self, *error: object) -> None:
        paused.set(max(0, paused.get() - 1))  # 0: a generator may end in another thread

    def __call__(self, function: Any) -> Any:
        if inspect.isgeneratorfunction(function):
            raise TypeError(
                f"no_grad: {function.__name__} is a generator, and runs after the decorator has "
                "ended. Write `with no_grad():` inside it."
            )
        return super().__call__(function)
