"""Schedules: the learning rate of each step.

A schedule is a function of the number of the step, counted from 0: `tn.optim.SGD(parameters,
schedule)`.  It has no state, so a resumed run needs only the number of its step.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..messages.arguments import ABOVE_0, POSITIVE, Range, number, whole
from ..messages.names import asked


@dataclass(frozen=True)
class Step:
    """lr, multiplied by factor after every `every` steps.

    lr: positive.  every: at least 1.  factor: in (0, 1].
    """

    lr: float
    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        _keep(
            self,
            lr=number("Step", "lr", self.lr, POSITIVE),
            every=whole("Step", "every", self.every),
            factor=number("Step", "factor", self.factor, ABOVE_0),
        )

    def __call__(self, step: int) -> float:
        return self.lr * self.factor ** (_number("Step", step) // self.every)


@dataclass(frozen=True)
class Cosine:
    """Half a cosine wave, from lr at step 0 down to `end` at step `steps`, and `end` afterwards.

    end + (lr - end) (1 + cos(pi step / steps)) / 2

    lr: positive.  steps: at least 1.  end: in [0, lr].
    Loshchilov and Hutter 2017, arXiv 1608.03983, without the restarts.
    """

    lr: float
    steps: int
    end: float = 0.0

    def __post_init__(self) -> None:
        lr = number("Cosine", "lr", self.lr, POSITIVE)
        up_to_lr = Range(lambda end: 0 <= end <= lr, "in [0, lr]")
        _keep(
            self,
            lr=lr,
            steps=whole("Cosine", "steps", self.steps),
            end=number("Cosine", "end", self.end, up_to_lr),
        )

    def __call__(self, step: int) -> float:
        if _number("Cosine", step) >= self.steps:
            return self.end
        return self.end + (self.lr - self.end) * (1 + math.cos(math.pi * step / self.steps)) / 2


@dataclass(frozen=True)
class Warmup:
    """A straight line up to the first rate of `then`, and `then` afterwards.

    Steps 0 to steps - 1 have 1/steps, 2/steps, ... 1 of that rate.  After them `then` starts with
    its step 0: Warmup(500, Cosine(0.001, 9500)) ends after 10,000 steps.

    steps: at least 1.  then: a positive number, or a schedule.
    """

    steps: int
    then: float | Callable[[int], float]

    def __post_init__(self) -> None:
        _keep(self, steps=whole("Warmup", "steps", self.steps))
        if not callable(self.then):
            rate = POSITIVE._replace(text="a schedule, or positive and finite")
            _keep(self, then=number("Warmup", "then", self.then, rate))

    def __call__(self, step: int) -> float:
        after = _number("Warmup", step) - self.steps
        rate = self.then(max(after, 0)) if callable(self.then) else self.then
        return rate if after >= 0 else rate * ((step + 1) / self.steps)


def _keep(schedule: Any, **values: float) -> None:
    """Checked values in the place of those given: NumPy's scalars have another repr."""
    for name, value in values.items():
        object.__setattr__(schedule, name, value)


def _number(where: str, step: Any) -> int:
    """The number of a step.  Steps count from 0."""
    return whole(where, "step", step, least=0)


if not TYPE_CHECKING:  # type checkers know the names
    __getattr__ = asked(__name__, ["Cosine", "Step", "Warmup"])
