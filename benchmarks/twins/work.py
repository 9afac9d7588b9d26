"""What is timed of a model: the model itself, a batch, and its loss in both libraries.

And the drawn pictures that the batches are made of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy

import tinynet as tn

from .in_torch import Twin

Loss = Callable[..., Any]  # of the batch's tensors


class Work(NamedTuple):
    """A model, a batch, and the loss of both libraries.

    network: its parameters are trained.  batch: arrays, float32, or integers, which are labels.
    ours: the loss of the batch as tensors.  theirs: given a Twin, makes the twin's parts and
    returns its loss.  rng: what our loss draws its noise from, if any; to be compared, the twin
    draws from a copy of it, as it does from copies of its layers' own.  loss: the name of ours, for
    the twins in libraries beyond PyTorch, which know a few; None if they need not know it.
    squares: of the loss "vae", what the squared error of a picture is multiplied by, and what is
    added; None where the pictures are bits.  turns: networks that learn one after the other, as a
    GAN's; then ours and theirs yield a loss for each, and its step is made before the next.
    """

    network: tn.Module
    batch: tuple[numpy.ndarray, ...]
    ours: Loss
    theirs: Callable[[Twin], Loss]
    rng: numpy.random.Generator | None = None
    loss: str | None = None
    squares: tuple[float, float] | None = None
    turns: tuple[tn.Module, ...] = ()


class Row(NamedTuple):
    """batch: how many examples, as in the lecture.  make: the Work with so many.  about: a line."""

    batch: int
    make: Callable[[int], Work]
    about: str = ""


def one_by_one(losses: Any) -> Iterable[Any]:
    """What ours or theirs returned: the losses of a step."""
    return losses if isinstance(losses, Iterator) else (losses,)


def start() -> numpy.random.Generator:
    return numpy.random.default_rng(0)


def digits(count: int) -> numpy.ndarray:
    """Drawn digits, (N, 28, 28, 1) in [0, 1]"""
    return tn.data.digits(count, start())[0].astype(numpy.float32) / 255


def rows(count: int) -> numpy.ndarray:
    """(N, 784)"""
    return digits(count).reshape(count, 784)
