"""Which library computes: NumPy on the CPU, CuPy on the GPU.

An array says by its type where it lives, so there is no global switch: `xp(array)` is the module
whose functions take that array. Both devices are files with the same names in them (`from_host`,
`to_host`, `add_at`); gpu.py alone imports CuPy, and only when the GPU is asked for.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy

from . import cpu, gpu
from .gpu import GPUNotAvailableError, gpu_available, gpu_unavailable_reason

__all__ = [
    "Array",
    "GPUNotAvailableError",
    "add_at",
    "device_of",
    "gpu_available",
    "gpu_unavailable_reason",
    "is_array",
    "move",
    "xp",
]

Array = Any  # numpy.ndarray or cupy.ndarray: the same methods, no common base class

_DEVICES: dict[str, ModuleType] = {"cpu": cpu, "gpu": gpu}


def xp(*arrays: Array) -> Any:
    """The module, numpy or cupy, that computes with these arrays (all of one device)."""
    for array in arrays:
        if type(array) is numpy.ndarray:
            return numpy
        if gpu.owns(array):
            return gpu.xp()
    return numpy


def is_array(value: object) -> bool:
    """Whether value is an array of either library.  Asking never imports CuPy."""
    return isinstance(value, numpy.ndarray) or gpu.owns(value)


def device_of(array: Array) -> str:
    """Where an array lives: "cpu" or "gpu"."""
    return "gpu" if gpu.owns(array) else "cpu"


def move(array: Array, device: str) -> Array:
    """The array on that device: the array itself if it is there already, otherwise a copy.

    Raises ValueError for a device that does not exist, and GPUNotAvailableError, with the cause and
    the fix, where "gpu" cannot be had.
    """
    if device not in _DEVICES:
        raise ValueError(f'there is no device {device!r}. The devices are "cpu" and "gpu".')
    here = device_of(array)
    if here == device:
        return array
    return _DEVICES[device].from_host(_DEVICES[here].to_host(array))


def add_at(target: Array, index: Any, values: Array) -> None:
    """target[index] += values, where an index that occurs twice is added twice."""
    _DEVICES[device_of(target)].add_at(target, index, values)
