"""Checks of numbers: at once on the CPU, and on the GPU without a wait.

To look at a number on the GPU, Python waits until all that was launched before is done.  So what a
check found stays there, and is looked at when Python waits anyhow: when numbers come to the host.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from .arrays import Array, on_gpu

MOST = 100  # checks that nobody has looked at
_found: list[tuple[Array, str, Callable[[], Exception]]] = []


def inside(x: Array, low: float, high: float) -> Array:
    """Whether all numbers are in [low, high], as one boolean.  With a NaN they are not."""
    return (x.min() >= low) & (x.max() <= high)


def check(operation: str, fine: Any, error: Callable[[], Exception]) -> None:
    """Raise error() unless fine; of the GPU later, with the operation's name in front."""
    if on_gpu(fine):
        _found.append((fine, operation, error))
        if len(_found) >= MOST:
            look()
    elif not fine:
        raise error()


def forget() -> None:
    """Leave out what was found so far."""
    _found.clear()


def look() -> None:
    """Raise the error of the first check on the GPU that found something.  It waits."""
    if not _found:
        return
    found = _found.copy()
    _found.clear()
    every = sys.modules["cupy"].stack([fine for fine, _, _ in found]).get()
    for fine, (_, operation, error) in zip(every, found, strict=True):
        if not fine:
            raise type(error())(f"{operation}: {error()}")
