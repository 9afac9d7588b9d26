"""An estimate of the least time of a training step on a card, from its bytes and its operations.

Operations are those of the products of matrices and of direct convolutions: two for each product,
forward and for each gradient that is wanted.  Bytes: the batch is read, what is kept for the way
back is written and read, and of each weight the step of Adam reads and writes the weight and its
two averages.  A small network's bytes may stay in the card's caches, and its launches take longer
than either.
"""

from __future__ import annotations

import sys
from typing import Any, NamedTuple

import numpy

from tinynet.diagnosis.dry_run import declared
from tinynet.diagnosis.kept_memory import Kept
from tinynet.engine.observer import Observer, observe
from tinynet.engine.tensor import Tensor

from ..twins.work import Row, Work, one_by_one
from .steps import seconds_of

SIDE = 8192  # of the square matrices
COPIED = 2**30  # bytes, far beyond the caches


class Least(NamedTuple):
    """Of a training step."""

    operations: int
    bytes: int


class Limits(NamedTuple):
    """What the card does in a second at best."""

    operations: float
    bytes: float

    def seconds(self, least: Least) -> float:
        return max(least.operations / self.operations, least.bytes / self.bytes)


def limits() -> Limits:
    """Of a large product of matrices, and of a large copy, timed by the card."""
    cupy: Any = sys.modules["cupy"]
    a, b = (cupy.full((SIDE, SIDE), value, numpy.float32) for value in (0.5, 0.25))
    source, target = (cupy.zeros(COPIED // 4, numpy.float32) for _ in range(2))
    product = seconds_of(lambda: a @ b)
    copy = seconds_of(lambda: cupy.add(source, 0, out=target))
    return Limits(2 * SIDE**3 / product, 2 * COPIED / copy)


def least(row: Row, batch: int) -> Least:
    """From the forward passes of two and of four examples: both grow by as much an example."""
    two, four = counted(row.make(2)), counted(row.make(4))
    return Least(*(a + (b - a) * (batch - 2) // 2 for a, b in zip(two, four, strict=True)))


def counted(work: Work) -> Least:
    """Of a step of it."""
    weights = list(work.network.parameters())
    batch = [Tensor(array) for array in work.batch]
    counts = _Counts(weights)
    work.network.train()
    with observe(counts):
        losses = list(one_by_one(work.ours(*batch)))
    numbers = sum(weight.size for weight in weights)
    bytes_read = sum(array.nbytes for array in work.batch)
    del losses  # its arrays were kept, so that each was counted once
    return Least(counts.operations, bytes_read + 2 * counts.kept + 6 * 4 * numbers)


class _Counts(Observer):
    """Observes a forward pass."""

    def __init__(self, weights: list[Tensor]) -> None:
        self.operations = self.kept = 0
        self._kept = Kept(weights)

    def after_forward(self, y: Tensor, inputs: tuple, settings: dict, work: Any) -> None:
        wanted = sum(isinstance(x, Tensor) and x.requires_grad for x in inputs[:2])
        done = declared(y, inputs, settings, work)
        self.operations += 2 * done.multiply_adds * (1 + wanted)
        self.kept += self._kept.added_by(y)
