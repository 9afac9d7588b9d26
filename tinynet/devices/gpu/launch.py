"""How a kernel of the GPU is found, compiled and launched.

A kernel is a function in CUDA C++, in a file *.cu beside the Python that launches it.  Many threads
run it at once, and each computes one number of the result, or a few.  CUDA compiles it when it is
first launched.  The sizes of pictures and windows are constants in its text: then the compiler
turns divisions by them into multiplications, and unrolls loops over a window.
"""

from __future__ import annotations

import functools
import math
import sys
from pathlib import Path
from typing import Any

import numpy

from ..arrays import Array, xp

THREADS = 256  # in a block
# Numbers of an array: kernels count in 32 bits, which is much faster than in 64, and a loop over
# numbers counts a step too far.
MOST = 2**31 - 2**17


def takes(*arrays: Array) -> bool:
    """Whether kernels take these arrays: of float32, and not too long to be counted in 32 bits."""
    return all(a.dtype == numpy.float32 and 0 < a.size <= MOST for a in arrays)


def fits(*shape: int) -> bool:
    """Whether the numbers of an array of that shape can be counted in 32 bits."""
    return math.prod(shape) <= MOST


def launch(name: str, count: int, *values: Any, **constants: int | bool) -> None:
    """Launch the kernel "file.function" with a thread for each of count numbers.

    values: arrays, numbers, and None for no array, as its parameters ask for them; count is the
    last one.  constants: the names in its text, and their values.
    """
    if not count:
        return
    blocks = -(-count // THREADS)
    launch_blocks(name, (blocks,), (THREADS,), *values, count, **constants)


def launch_blocks(
    name: str, grid: tuple[int, ...], block: tuple[int, ...], *values: Any, **constants: int | bool
) -> None:
    """Launch the kernel with that grid of blocks, of so many threads each."""
    cupy = sys.modules["cupy"]
    kernel = _compiled(cupy, name, tuple((key, int(value)) for key, value in constants.items()))
    kernel(grid, block, tuple(map(_argument, values)))


@functools.cache
def _compiled(cupy: Any, name: str, constants: tuple[tuple[str, int], ...]) -> Any:
    file, function = name.split(".")
    options = ("-std=c++17", *(f"-D{key}={value}" for key, value in constants))
    return cupy.RawKernel(source(file), function, options)


@functools.cache
def source(file: str) -> str:
    """The text of that file with kernels."""
    return (Path(__file__).parent / f"{file}.cu").read_text(encoding="utf-8")


def _argument(value: Any) -> Any:
    """In the type that kernels have: CuPy would make int64 and float64 of Python's numbers."""
    if value is None:
        return numpy.uint64(0)  # no address
    if type(value) is int:
        return numpy.int32(value)
    return numpy.float32(value) if type(value) is float else value


def ready(x: Array) -> Array:
    """The array as kernels read it: its numbers in C order, without gaps."""
    return xp(x).ascontiguousarray(x)
