"""Backpropagation: the walk back from a result to the gradients of the leaves it came from.

Tensors are numbered as they are made, so the number of an input is smaller than that of its result.
(An optimizer gives each parameter that it moves a new number: an older result is then out of date.)
The walk always takes the largest number next: it reaches a tensor after everything that used it,
when all parts of its gradient are there.
"""

from __future__ import annotations

import math
from heapq import heappop, heappush
from typing import Any

from numpy import asarray, generic, ndarray, ones

from ..devices import Array, capture, device_of, is_array, kernels, move, xp
from ..messages import engine as messages
from .inputs import as_array, without_gradient
from .record import USED, current_observer

COPY_BELOW = 1024  # numbers: copying fewer is cheaper than the check in devices/ownership.py


def upstream(root: Any, dy: Any) -> Array:
    """The gradient that backward() starts from, checked: dy, or 1 for a tensor of one element."""
    y = root.data
    if not root.requires_grad:
        raise messages.no_way_back()
    if dy is None:
        if y.size != 1:
            raise ValueError(f"shape {y.shape} is not one number. Use .sum(), or pass dy.")
        return ones(y.shape, y.dtype) if type(y) is ndarray else xp(y).ones_like(y)
    dy = without_gradient(dy, "dy")
    if not is_array(dy):
        dy = move(as_array(dy, y.dtype).astype(y.dtype), root.device)
    if dy.shape != y.shape or dy.dtype != y.dtype or device_of(dy) != root.device:
        raise messages.other_array("dy", y, root.device, dy, device_of(dy))
    return dy


def walk(root: Any, dy: Array) -> None:
    """Add to the `.grad` of each leaf the gradient of the root, a loss for example, where dy is 1.

    For a root of several numbers, that is the gradient of `sum(root * dy)`.

    A heap takes the place of recursion: a chain of 1,000,000 operations needs no call stack.
    (heapq pops the smallest, hence the minus signs.)  Each gradient is dropped as soon as it is
    used, and the edges with the arrays that they hold, too.  The leaves receive their gradients at
    the very end: if anything fails on the way, no `.grad` has changed.
    """
    pending: dict[int, tuple[Any, Array]] = {root._order: (root._record or root, dy)}
    frontier = [-root._order]
    leaves = []
    observer = current_observer.get()
    while frontier:
        y, dy = pending.pop(-heappop(frontier))
        edges = y._edges
        if edges is None:
            leaves.append((y, dy))
            continue
        if edges is USED:
            raise messages.used_graph(y.operation)
        y._edges = USED
        if type(dy) is ndarray:  # a read-only view: a pullback that writes into dy fails
            dy = dy.view()
            dy.setflags(False)
        for x, pullback in edges:
            if observer:
                observer.before_pullback(y, pullback)
            try:
                dx = pullback(dy)
            except ValueError as error:
                raise messages.failed_pullback(y.operation, error) from error
            leaf = x._edges is None
            wanted = x.data if leaf else x  # has the shape and dtype that dx must have
            kind = type(wanted) if leaf else x.array_type
            if type(dx) is not kind or dx.shape != wanted.shape or dx.dtype is not wanted.dtype:
                dx = like(dx, wanted, kind, x, y.operation)
            if observer:
                observer.after_pullback(y, x, dx)
            order = x._order
            if order > y._order:  # step() gave it a new number
                raise messages.moved_too_early(x.label, y.operation)
            if order in pending:
                dx = _sum(pending[order][1], dx)
            else:
                heappush(frontier, -order)
            pending[order] = x, dx
    # owned() counts who holds a gradient: from here on, only the lists below do
    y = x = edges = pullback = dx = dy = None
    while leaves:
        x, *only = leaves.pop()
        if capture.state.recording:
            capture.state.recording.gradient(x)
        if x.grad is not None:
            x._spent = x._spent and "kept"  # step() will warn
            x.grad = _sum(x.grad, only[0])
            continue
        x._spent = False
        small = only[0].size < COPY_BELOW and type(only[0]) is ndarray
        x.grad = only[0].copy() if small else kernels(only[0]).owned(only)


def like(dx: Any, wanted: Any, kind: Any, x: Any, operation: str) -> Array:
    """What a pullback returned, summed where broadcasting had repeated the input.

    TypeError unless it then has the wanted shape and dtype and is an array of that kind.
    x, operation: the input and the operation, for the error.
    """
    if isinstance(dx, generic):
        dx = asarray(dx)  # NumPy makes scalars of 0-d arrays
    if type(dx) is kind and dx.dtype == wanted.dtype:
        summed = sum_to(dx, wanted.shape)
        if summed is not None:
            return summed
    there = device_of(dx) if is_array(dx) else None
    home = "cpu" if kind is ndarray else "gpu"
    raise messages.unlike_input(operation, x.label, dx, there, wanted, home)


def sum_to(dx: Array, shape: tuple[int, ...]) -> Array | None:
    """Undo broadcasting: what was repeated on the way out is summed on the way back.

    None where an array of that shape does not broadcast to dx.
    """
    extra = dx.ndim - len(shape)
    if extra > 0 and shape and dx.shape[extra:] == shape:  # a bias, for example
        if dx.ndim > 2:
            dx = dx.reshape(math.prod(dx.shape[:extra]), math.prod(shape))
        return kernels(dx).column_sums(dx).reshape(shape)
    if extra < 0 or any(n not in (1, m) for m, n in zip(dx.shape[extra:], shape, strict=True)):
        return None
    stretched = (i for i, n in enumerate(shape, extra) if dx.shape[i] != n)
    return xp(dx).asarray(dx.sum(axis=(*range(extra), *stretched))).reshape(shape)


def _sum(a: Array, b: Array) -> Array:
    return xp(a).asarray(a + b)  # always a new array; NumPy makes a scalar of two 0-d ones
