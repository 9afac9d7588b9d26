"""Checks of numbers: at once on the CPU, and on the GPU without a wait.

To look at a number on the GPU, Python waits until all that was launched before is done.  So what a
check found stays there, and is looked at when Python waits anyhow: when numbers come to the host.
Each thread looks at its own checks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, NamedTuple

from . import capture
from .arrays import Array, on_gpu, xp

MOST = 100  # checks that nobody has looked at
LATE = " The GPU tells this late: it may be of an earlier call."


class Check(NamedTuple):
    """fine, facts: on the GPU.  error(facts) makes the error, or warns; it holds no large array."""

    fine: Array
    operation: str
    error: Callable[[Any], Exception | None]
    facts: Any


class _Waiting(threading.local):
    def __init__(self) -> None:
        self.checks: list[Check] = []


_waiting = _Waiting()


def inside(x: Array, low: float, high: float) -> Array:
    """Whether all numbers are in [low, high], as one boolean.  With a NaN they are not."""
    return (x.min() >= low) & (x.max() <= high)


def labels_inside(labels: Array, K: int) -> tuple[Any, Any]:
    """Whether all are in [0, K); and least, most, and whether negative ones differ."""
    least, most = labels.min(), labels.max()
    fine = (least >= 0) & (most < K)
    if not on_gpu(labels) and fine:
        return fine, None
    differ = ((labels < 0) & (labels != least)).any()
    facts = least, most, differ
    return fine, xp(labels).stack(facts) if on_gpu(labels) else facts


def check(
    operation: str, fine: Any, error: Callable[[Any], Exception | None], facts: Any = None,
    warning: bool = False,
) -> None:  # fmt: skip
    """Raise error(facts) unless fine; of the GPU later, with the operation's name in front.

    warning: whether error(facts) warns instead, and is None.  Replays do not warn again.
    """
    if on_gpu(fine) and capture.state.recording:
        if not warning:
            capture.state.recording.check(operation, fine)
    elif on_gpu(fine):
        _waiting.checks.append(Check(fine, operation, error, facts))
        if len(_waiting.checks) >= MOST:
            look()
    elif not fine and (found := error(facts)):
        raise found


def forget() -> None:
    """Leave out what this thread's checks have found so far."""
    _waiting.checks = []


def look() -> None:
    """Raise the error of this thread's first check on the GPU that found something.  It waits."""
    checks = _waiting.checks
    if not checks:
        return
    fine = [c.fine for c in checks]
    every = xp(*fine).stack(fine).get()
    forget()
    for fine, (_, operation, error, facts) in zip(every, checks, strict=True):
        if not fine and (found := error(facts.get().tolist() if on_gpu(facts) else facts)):
            late: Any = type(found)(f"{operation}: {found}{LATE}")
            late.located = True  # what runs now must not put its own name in front
            raise late
