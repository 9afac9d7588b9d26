"""Which library computes: NumPy on the CPU, CuPy on the GPU.

An array says by its type where it lives, so there is no global switch: `xp(array)` is the module
whose functions take that array, and `kernels(array)` the file with what is hot in a form of its own
for each device.  Both devices are files with the same names in them; plain.py says what these
compute.  gpu.py alone imports CuPy, and only when the GPU is asked for.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy

from . import cpu, gpu
from .arrays import Array, device_of, is_array, on_gpu, xp
from .gpu import GPUNotAvailableError, gpu_available, gpu_unavailable_reason
from .threads import get_threads, set_threads
from .windows import Windows
from .workspace import BudgetError, workspace_budget

__all__ = [
    "Array",
    "BudgetError",
    "GPUNotAvailableError",
    "Windows",
    "add_at",
    "device_of",
    "get_threads",
    "gpu_available",
    "gpu_unavailable_reason",
    "is_array",
    "kernels",
    "move",
    "set_threads",
    "workspace_budget",
    "xp",
]

_DEVICES: dict[str, ModuleType] = {"cpu": cpu, "gpu": gpu}


def kernels(array: Array) -> Any:
    """The device's file, cpu or gpu, whose kernels take that array."""
    return cpu if type(array) is numpy.ndarray or not on_gpu(array) else gpu


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
    kernels(target).add_at(target, index, values)
