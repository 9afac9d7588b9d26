"""Noise, drawn where it is needed: the same bits as on the CPU, and nothing is copied."""

from __future__ import annotations

import sys
from typing import Any

import numpy

from .. import plain
from ..arrays import Array, on_gpu, xp
from ..noise import Key
from .launch import launch, ready, takes


def _words(key: Any) -> tuple[Any, Any, Any]:
    """The key as kernels take it: two words, or the address of two, while a step is captured."""
    if on_gpu(key):
        return numpy.uint64(0), numpy.uint64(0), key
    first, second = map(numpy.uint64, key)
    return first, second, None


def keep_mask(key: Key, drop: int, count: int) -> Array:
    mask = sys.modules["cupy"].empty(count, bool)
    launch("noise.keep_mask", -(-count // 16), *_words(key), drop, mask, count)
    return mask


def dropout(x: Array, key: Key, drop: int, scale: float) -> Array:
    """masked(x, keep_mask(key, drop, x.size), scale), where no mask is kept."""
    if not takes(x):
        return plain.masked(x, keep_mask(key, drop, x.size).reshape(x.shape), scale)
    y = xp(x).empty(x.shape, x.dtype)
    launch("noise.dropout", -(-x.size // 16), ready(x), *_words(key), drop, float(scale), y, x.size)
    return y


def uniform(key: Key, count: int) -> Array:
    return _eight_each("noise.uniform", key, count)


def standard_normal(key: Key, count: int) -> Array:
    return _eight_each("noise.standard_normal", key, count)


def _eight_each(kernel: str, key: Key, count: int) -> Array:
    """(count,) numbers in float32, of which each thread draws 8."""
    y = sys.modules["cupy"].empty(count, numpy.float32)
    launch(kernel, -(-count // 8), *_words(key), y, count)
    return y
