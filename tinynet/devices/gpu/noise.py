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


def standard_normal(key: Key, count: int) -> Array:
    cupy = sys.modules["cupy"]
    y = cupy.empty(count, cupy.float32)
    launch("noise.standard_normal", -(-count // 8), *map(numpy.uint64, key), y, count)
    return y
