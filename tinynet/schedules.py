"""Schedules: the learning rate of each step.

A schedule is a callable of the number of the step, counted from 0.  It remembers nothing, so a run
that goes on from its step number goes on at the right rate.  `tn.optim.SGD(parameters, schedule)`
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Step:
    """lr, times factor after every `every` steps.

    lr: positive.  every: at least 1.  factor: in (0, 1].
    """

    lr: float
    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        _keep(self, lr=_positive("Step: lr", self.lr), every=_count("Step: every", self.every))
        if not _is_number(self.factor) or not 0 < self.factor <= 1:
            raise ValueError(f"Step: factor must be in (0, 1], received {self.factor!r}.")
        _keep(self, factor=float(self.factor))

    def __call__(self, step: int) -> float:
        return self.lr * self.factor ** (_number("Step", step) // self.every)


@dataclass(frozen=True)
class Cosine:
    """Half a cosine wave, from lr at step 0 down to `end` at step `steps`, and `end` from there on.

    end + (lr - end) (1 + cos(pi step / steps)) / 2

    lr: positive.  steps: at least 1.  end: in [0, lr].
    Loshchilov and Hutter 2017, arXiv 1608.03983, without the restarts.
    """

    lr: float
    steps: int
    end: float = 0.0

    def __post_init__(self) -> None:
        _keep(self, lr=_positive("Cosine: lr", self.lr), steps=_count("Cosine: steps", self.steps))
        if not _is_number(self.end) or not 0 <= self.end <= self.lr:
            raise ValueError(f"Cosine: end must be in [0, lr], received {self.end!r}.")
        _keep(self, end=float(self.end))

    def __call__(self, step: int) -> float:
        if _number("Cosine", step) >= self.steps:
            return self.end
        return self.end + (self.lr - self.end) * (1 + math.cos(math.pi * step / self.steps)) / 2


@dataclass(frozen=True)
class Warmup:
    """A straight line up to the first rate of `then`, and `then` from there on.

    Steps 0 to steps - 1 have 1/steps, 2/steps, ... 1 of that rate.  `then` counts from 0 when the
    warm-up is over: Warmup(500, Cosine(0.001, 9500)) ends after 10,000 steps.

    steps: at least 1.  then: a positive number, or a schedule.
    """

    steps: int
    then: float | Callable[[int], float]

    def __post_init__(self) -> None:
        _keep(self, steps=_count("Warmup: steps", self.steps))
        if not callable(self.then):
            _keep(self, then=_positive("Warmup: then", self.then, "a schedule, or "))

    def __call__(self, step: int) -> float:
        after = _number("Warmup", step) - self.steps
        rate = self.then(max(after, 0)) if callable(self.then) else self.then
        return rate if after >= 0 else rate * ((step + 1) / self.steps)


def _keep(schedule: Any, **values: float) -> None:
    """Checked values in the place of those given: NumPy's scalars have another repr."""
    for name, value in values.items():
        object.__setattr__(schedule, name, value)


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _positive(where: str, value: Any, other: str = "") -> float:
    if not _is_number(value) or not 0 < value < math.inf:
        raise ValueError(f"{where} must be {other}positive and finite, received {value!r}.")
    return float(value)


def _count(where: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < 1:
        raise ValueError(f"{where} must be a whole number of at least 1, received {value!r}.")
    return int(value)


def _number(where: str, step: Any) -> int:
    if isinstance(step, bool) or not isinstance(step, numbers.Integral) or step < 0:
        raise ValueError(
            f"{where}: step must be a whole number of at least 0, received {step!r}. Steps count "
            "from 0."
        )
    return int(step)
