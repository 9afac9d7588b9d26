"""Backpropagation: the walk back from a result to the gradients of the leaves it came from.

The result of an operation has a record with its edges: pairs (input, pullback), where the pullback
turns the gradient of the result into the gradient of that input.  An input is a record again, or a
leaf: a tensor that no operation made.  Tensors are numbered as they are made, so an input's number
is smaller than its result's: the walk from the largest down meets each after all its uses.

A record holds no array.  What the way back needs is in the pullbacks; a value that none of them
needs is free as soon as the person who computed it lets go of it.
"""

from __future__ import annotations

import contextlib
import heapq
import inspect
import math
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy

from .devices import Array, BudgetError, device_of, is_array, kernels, move, xp
from .inputs import from_python

if TYPE_CHECKING:
    from .tensor import Tensor

Pullback = Callable[[Array], Array]
Edge = tuple["Tensor | Record", Pullback]
SMALL = 1024  # numbers: gradients that are sooner copied than asked for who has them
USED: Any = object()  # the edges of a record that a backward pass has gone through


class Record:
    """How a tensor was made, and what its gradient must look like."""

    __slots__ = ("__weakref__", "_edges", "_order", "array_type", "dtype", "operation", "shape")

    def __init__(self, operation: str, order: int, y: Array, edges: list[Edge]) -> None:
        self.operation = operation
        self._order = order
        self._edges: Any = edges
        self.shape: tuple[int, ...] = y.shape
        self.dtype: Any = y.dtype
        self.array_type: Any = type(y)

    @property
    def label(self) -> str:
        return f"of shape {self.shape}"


class _State(threading.local):
    recording = True  # whether operations keep their pullbacks
    observer: Any = None  # who watches, see observer.py


state = _State()


class no_grad(contextlib.ContextDecorator):
    """Inside `with no_grad():` operations compute their value only, and keep nothing for backward.

    Also a decorator, `@no_grad()`, of functions (not of generators, which run after it has ended:
    TypeError).  It holds for the thread that enters it.
    """

    def __init__(self) -> None:
        self._before: list[bool] = []

    def __enter__(self) -> None:
        self._before.append(state.recording)
        state.recording = False

    def __exit__(self, *error: object) -> None:
        state.recording = self._before.pop()

    def __call__(self, function: Any) -> Any:
        if inspect.isgeneratorfunction(function):
            raise TypeError(
                f"no_grad: {function.__name__} is a generator, and runs after the decorator has "
                "ended. Write `with no_grad():` inside it."
            )
        return super().__call__(function)


def upstream(root: Tensor, dy: Any) -> Array:
    """The gradient that backward() starts from, checked: dy, or 1 for a tensor of one element."""
    if not root.requires_grad:
        raise RuntimeError(
            "nothing to differentiate. No tensor that this one was computed from "
            "requires a gradient, or it was computed under no_grad. Make the leaves with "
            "Tensor(..., requires_grad=True)."
        )
    if dy is None:
        if root.size != 1:
            raise ValueError(
                f"a tensor of shape {root.shape} has no single gradient. Reduce it to "
                "one number first, .sum() or .mean(), or pass dy of this shape."
            )
        return xp(root.data).ones_like(root.data)
    if not is_array(dy):
        dy = move(from_python(dy, root.dtype), root.device)
    if dy.shape != root.shape or dy.dtype != root.dtype or device_of(dy) != root.device:
        raise ValueError(
            f"dy must have this tensor's shape {root.shape}, {root.dtype}, on "
            f"{root.device}; received {dy.shape}, {dy.dtype}, on {device_of(dy)}."
        )
    return dy


def walk(root: Tensor, dy: Array) -> None:
    """Add to each leaf's `.grad` its part of the gradient of `sum(root * dy)`.

    A heap instead of recursion: a chain of 1,000,000 operations needs no call stack.  (heapq pops
    the smallest, hence the minus: the last tensor comes first.)  Each tensor's
    gradient is dropped as it is consumed, and its edges, with the arrays that they saved, with it.
    Leaves receive theirs at the very end: if anything fails on the way, no `.grad` has changed.
    """
    frontier: list[tuple[int, Any]] = [(-root._order, root._record or root)]
    gradients = {root._order: dy}
    leaves = []
    observer = state.observer
    while frontier:
        _, y = heapq.heappop(frontier)
        dy = gradients.pop(y._order)
        edges = y._edges
        if edges is None:
            leaves.append((y, dy))
            continue
        dy = _read_only(dy)
        if edges is USED:
            raise RuntimeError(
                f"backward: this graph was already used, up to the result of {y.operation}. "
                "Its record is released as backward walks it: run the forward pass again, or add "
                "the losses that share it and call backward once."
            )
        y._edges = USED
        for x, pullback in edges:
            if observer:
                observer.before_pullback(y, pullback)
            try:
                dx = fit(pullback(dy), x, y.operation)
            except BudgetError as error:
                raise BudgetError(f"{y.operation}, on the way back: {error}") from None
            except ValueError as error:
                if "read-only" not in str(error):
                    raise
                raise RuntimeError(
                    f"{y.operation}: a pullback writes into dy, which other pullbacks use too. "
                    "Make a new array: dy * 2, not dy *= 2."
                ) from error
            if observer:
                observer.after_pullback(y, x, dx)
            if x._order in gradients:
                dx = _sum(gradients[x._order], dx)
            else:
                heapq.heappush(frontier, (-x._order, x))
            gradients[x._order] = dx
    y = x = edges = pullback = dx = dy = None  # nothing here holds a gradient any more
    while leaves:
        x, *only = leaves.pop()
        x.grad = _taken(only) if x.grad is None else _sum(x.grad, only[0])


def _taken(only: list[Array]) -> Array:
    """The array in a list, as somebody's own: itself if the list alone has it, otherwise a copy.

    It may be shared with another leaf, or be an array that an operation saved.  Python counts who
    holds what; without the copies a step of the widest dense network is 3% shorter.
    """
    if only[0].size < SMALL:
        return only[0].copy()
    holders = _holders(only)
    dx = only[0]
    if type(dx) is numpy.ndarray and dx.flags.c_contiguous and dx.flags.writeable:
        if dx.base is None and holders == _ALONE:
            return dx
        if type(dx.base) is numpy.ndarray and dx.base.size == dx.size and holders == _ALONE_VIEW:
            return dx
    return dx.copy()


def _holders(only: list[Array]) -> tuple[int, int]:
    """How many hold the array in the list, and the array whose memory it is."""
    owner = only[0] if only[0].base is None else only[0].base
    return sys.getrefcount(only[0]), sys.getrefcount(owner)


_ALONE, _ALONE_VIEW = _holders([numpy.zeros(1)]), _holders([numpy.zeros(1).reshape(1, 1)])


def _read_only(dy: Array) -> Array:
    if type(dy) is numpy.ndarray:  # CuPy has no such lock
        dy = dy.view()  # not dy itself: it may be an array that somebody else has
        dy.flags.writeable = False
    return dy


def fit(dx: Any, x: Tensor | Record, operation: str) -> Array:
    """What a pullback returned, as an array with the shape and dtype of x, on the device of x."""
    if type(dx) is x.array_type and dx.dtype == x.dtype:
        if dx.shape == x.shape:
            return dx
        if len(x.shape) and dx.shape[dx.ndim - len(x.shape) :] == x.shape:
            return sum_to(dx, x.shape)  # a bias, that was broadcast
    if isinstance(dx, numpy.generic):
        return fit(numpy.asarray(dx), x, operation)  # NumPy makes scalars of 0-d arrays
    where = f"{operation}: the pullback of the input {x.label} returned"
    if not is_array(dx):
        raise TypeError(f"{where} {type(dx).__name__}. It must return an array.")
    if type(dx) is not x.array_type:
        raise ValueError(
            f"{where} an array on {device_of(dx)}, and the input is on "
            f"{'gpu' if device_of(dx) == 'cpu' else 'cpu'}."
        )
    if dx.dtype != x.dtype:
        raise TypeError(
            f"{where} {dx.dtype}, and the input is {x.dtype}. Use Python floats and math.sqrt "
            "in the operation: a NumPy float64 scalar promotes everything that it touches."
        )
    try:
        return sum_to(dx, x.shape)
    except ValueError:
        raise ValueError(f"{where} shape {dx.shape}, and the input has {x.shape}.") from None


def sum_to(dx: Array, shape: tuple[int, ...]) -> Array:
    """Undo broadcasting: what was repeated on the way out is summed on the way back."""
    extra = dx.ndim - len(shape)
    if shape and extra >= 0 and dx.shape[extra:] == shape:
        columns = dx.reshape(math.prod(dx.shape[:extra]), math.prod(shape))
        return kernels(dx).column_sums(columns).reshape(shape)
    if extra < 0 or any(n not in (1, m) for m, n in zip(dx.shape[extra:], shape, strict=True)):
        raise ValueError(f"{shape} does not broadcast to {dx.shape}.")
    stretched = (i for i, n in enumerate(shape, extra) if dx.shape[i] != n)
    return xp(dx).asarray(dx.sum(axis=(*range(extra), *stretched))).reshape(shape)


def _sum(a: Array, b: Array) -> Array:
    return xp(a).asarray(a + b)  # always a new array; NumPy makes a scalar of two 0-d ones
