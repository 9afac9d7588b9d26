"""Noise on the CPU: several threads draw parts of one key's sequence at once.

A word depends on the key and its place alone, so the parts together are that sequence.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy

from ..noise import Key, even, kept, normal
from .threads import each

Array = numpy.ndarray
WORDS = 2**15  # in a part; a multiple of 4: 100 us


def keep_mask(key: Key, drop: int, count: int) -> Array:
    return _filled(numpy.empty(count, bool), key, 4, lambda bits: kept(bits, drop))


def uniform(key: Key, count: int) -> Array:
    return _filled(numpy.empty(count, numpy.float32), key, 2, even)


def standard_normal(key: Key, count: int) -> Array:
    return _filled(numpy.empty(count, numpy.float32), key, 2, normal)


def _filled(y: Array, key: Key, each_word: int, numbers: Callable[[Array], Array]) -> Array:
    """y, filled with numbers(words of bits).  each_word: how many numbers a word gives."""
    size = WORDS * each_word

    def part(i: int) -> None:
        piece = y[i * size : (i + 1) * size]
        words = -(-len(piece) // each_word)
        piece[...] = numbers(random_bits(key, words, i * WORDS))[: len(piece)]

    each(part, -(-len(y) // size))
    return y


class _Philox(threading.local):
    """A generator for each thread: setting its state takes 3 us, making a new one 12."""

    def __init__(self) -> None:
        self.generator = numpy.random.Philox(0)
        self.state: Any = self.generator.state
        self.state["buffer_pos"] = 4  # NumPy draws 4 words at once: none of them is left


_philox = _Philox()


def random_bits(key: Key, count: int, start: int = 0) -> Array:
    state, generator = _philox.state, _philox.generator
    state["state"]["counter"][:] = start // 4, 0, 0, 0
    state["state"]["key"][:] = key
    generator.state = state
    return generator.random_raw(count)
