"""The pictures that lessons learn from: the real data sets, or drawn ones where they are not there.

Whichever it is, the lesson says so: `source` stands on the console and in the figures' titles.
"""

from __future__ import annotations

import functools
import sys
import textwrap
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

import tinynet as tn


class Pictures(NamedTuple):
    """Training and test examples: pictures float32 (N, H, W, C) in [0, 1], labels int64 (N,)."""

    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray
    names: tuple[str, ...]
    source: str
    real: bool


def mnist(train: int | None = None, test: int | None = None, seed: int = 0) -> Pictures:
    """Handwritten digits 28x28: the first `train` and `test` of MNIST (all, if None), or drawn."""
    return _pictures("MNIST", tn.data.mnist, tn.data.digits, _DIGITS, train, test, seed)


def fashion_mnist(train: int | None = None, test: int | None = None, seed: int = 0) -> Pictures:
    """Clothes 28x28: of Fashion-MNIST, or drawn."""
    names = tn.data.class_names("fashion_mnist")
    real, drawn = tn.data.fashion_mnist, tn.data.clothes
    return _pictures("Fashion-MNIST", real, drawn, names, train, test, seed)


def cifar10(train: int | None = None, test: int | None = None, seed: int = 0) -> Pictures:
    """Color pictures 32x32 of ten classes: of CIFAR-10, or drawn."""
    names = tn.data.class_names("cifar10")
    real, drawn = tn.data.cifar10, tn.data.color_pictures
    return _pictures("CIFAR-10", real, drawn, names, train, test, seed)


_DIGITS = tuple("0123456789")
_DRAWN = {"MNIST": "drawn digits", "Fashion-MNIST": "drawn clothes", "CIFAR-10": "drawn pictures"}


def _pictures(
    called: str,
    real: Callable[..., Any],
    draw: Callable[..., Any],
    names: tuple[str, ...],
    train: int | None,
    test: int | None,
    seed: int,
) -> Pictures:
    sets = _real(real)
    if isinstance(sets, str):
        _tell_once(called, sets)
        rng = np.random.default_rng((seed, 1))
        counts = (20_000 if train is None else train, 2_000 if test is None else test)
        sets = tuple(draw(count, rng) for count in counts)
        source, is_real = _DRAWN[called], False
        names = tn.data.COLOR_CLASSES if called == "CIFAR-10" else names
    else:
        source, is_real = called, True
    (x, y), (u, v) = (
        (pictures[:count], labels[:count])
        for (pictures, labels), count in zip(sets, (train, test), strict=True)
    )
    return Pictures(as_float(x), y, as_float(u), v, names, source, is_real)


_told: list[str] = []  # of these data sets


def _tell_once(called: str, why: str) -> None:
    """The whole reason once a run, however many lessons and data sets it has."""
    if called not in _told:
        reason = "too." if _told else why
        text = f"{_DRAWN[called]} in the place of {called}: {reason}"
        print(*textwrap.wrap(text, 100, break_long_words=False), sep="\n", file=sys.stderr)
        _told.append(called)


@functools.cache
def _real(load: Callable[..., Any]) -> Any:
    """The training and test set, or why they are not to be had."""
    try:
        return load("train"), load("test")
    except tn.data.DataNotFoundError as error:
        return str(error)


def as_float(pictures: np.ndarray) -> np.ndarray:
    """0 to 255 as 0 to 1, in float32."""
    return pictures.astype(np.float32) / 255
