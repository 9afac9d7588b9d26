"""Which library computes: NumPy on the CPU, CuPy on the GPU.

The type of an array says where it lives, so there is no global switch.  `xp(array)` is the module,
numpy or cupy, that computes with it.  `kernels(array)` holds the functions that networks spend
their time in: plain.py has each of them in the fewest lines, cpu/ in a faster form, and loops/ as
the loop of the text book, compiled by Numba.  form.py chooses.  gpu/ has them in CUDA C++.  With
TINYNET_PLAIN=1 in the environment, plain.py computes everything.
"""

from __future__ import annotations

from typing import Any

import numpy

from . import form, gpu, plain
from .arrays import Array, device_of, is_array, on_gpu, xp
from .checks import check
from .cpu.threads import get_threads, set_threads
from .cpu.workspace import workspace_budget
from .form import compiled, loops_for
from .gpu import GPUNotAvailableError, gpu_available, gpu_unavailable_reason, out_of_memory
from .settings import set_convolution
from .windows import Windows

form.choose()


def kernels(array: Array) -> Any:
    """The kernels that compute with that array."""
    on_cpu = type(array) is numpy.ndarray or not on_gpu(array)
    return form.chosen if on_cpu or form.chosen is plain else gpu


def device_named(name: str) -> str:
    """ "cpu" or "gpu"; "cuda", PyTorch's word, is "gpu".  ValueError for another name."""
    if type(name) is not str or name not in ("cpu", "gpu", "cuda"):
        raise ValueError(f'there is no device {name!r}. The devices are "cpu" and "gpu".')
    return "gpu" if name == "cuda" else name


def move(array: Array, device: str) -> Array:
    """The array on that device: the same array if it is there already, otherwise a copy.

    ValueError for a device that does not exist.  GPUNotAvailableError, with the cause and the
    cure, where "gpu" does not work.
    """
    there = device_named(device)
    if device_of(array) == there:
        return array
    return gpu.from_host(array) if there == "gpu" else gpu.to_host(array)
