"""Noise, drawn where it is needed: the same bits as on the CPU, and nothing is copied."""

from __future__ import annotations

import sys

import numpy

from .. import plain
from ..arrays import Array, xp
from ..noise import Key
from .launch import launch, ready, takes


def keep_mask(key: Key, drop: int, count: int) -> Array:
    mask = sys.modules["cupy"].empty(count, bool)
    launch("noise.keep_mask", -(-count // 16), *map(numpy.uint64, key), drop, mask, count)
    return mask


def dropout(x: Array, key: Key, drop: int, scale: float) -> Array:
    """masked(x, keep_mask(key, drop, x.size), scale), where no mask is kept."""
    if not takes(x):
        return plain.masked(x, keep_mask(key, drop, x.size).reshape(x.shape), scale)
    y, words = xp(x).empty(x.shape, x.dtype), map(numpy.uint64, key)
    launch("noise.dropout", -(-x.size // 16), ready(x), *words, drop, float(scale), y, x.size)
    return y


def uniform(key: Key, count: int) -> Array:
    return _eight_each("noise.uniform", key, count)


def standard_normal(key: Key, count: int) -> Array:
    return _eight_each("noise.standard_normal", key, count)


def _eight_each(kernel: str, key: Key, count: int) -> Array:
    """(count,) numbers in float32, of which each thread draws 8."""
    y = sys.modules["cupy"].empty(count, numpy.float32)
    launch(kernel, -(-count // 8), *map(numpy.uint64, key), y, count)
    return y
