"""Noise, drawn where it is needed: the same bits as on the CPU, and nothing is copied."""

from __future__ import annotations

import sys

import numpy

from ..arrays import Array
from ..noise import Key
from .launch import launch


def keep_mask(key: Key, drop: int, count: int) -> Array:
    mask = sys.modules["cupy"].empty(count, bool)
    launch("noise.keep_mask", -(-count // 16), *map(numpy.uint64, key), drop, mask, count)
    return mask


def standard_normal(key: Key, count: int) -> Array:
    cupy = sys.modules["cupy"]
    y = cupy.empty(count, cupy.float32)
    launch("noise.standard_normal", -(-count // 8), *map(numpy.uint64, key), y, count)
    return y
