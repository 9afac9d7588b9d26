"""Where an array lives, and the module that computes with it.  Nothing here imports CuPy."""

from __future__ import annotations

import sys
from typing import Any

import numpy

Array = Any  # numpy.ndarray or cupy.ndarray: the same methods, no common base class


def on_gpu(value: object) -> bool:
    """Whether value is a CuPy array.  While CuPy is not imported, there is none."""
    return "cupy" in sys.modules and type(value).__module__.split(".")[0] == "cupy"


def xp(*arrays: Array) -> Any:
    """The module, numpy or cupy, that computes with these arrays (all on one device)."""
    for array in arrays:
        if type(array) is numpy.ndarray:
            return numpy
        if on_gpu(array):
            return sys.modules["cupy"]
    return numpy


def is_array(value: object) -> bool:
    """Whether value is an array of either library."""
    return isinstance(value, numpy.ndarray) or on_gpu(value)


def device_of(array: Array) -> str:
    """Where an array lives: "cpu" or "gpu"."""
    return "gpu" if on_gpu(array) else "cpu"
