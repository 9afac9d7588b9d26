"""RawKernel on the CPU: g++ compiles the CUDA C++, with on_cpu.h in the place of CUDA's headers.

It runs the text of the very kernels, and is stricter than a GPU: an argument of another type than
the parameter's is an error, and so is an array with gaps.  What it does not find: races between
threads, which here take turns, and addresses that are not aligned.

The constants of a kernel (-DKH=3) are variables here, so that each file is compiled once.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy

HEADER = Path(__file__).parent / "on_cpu.h"
NO_COMPILER = "g++ is not installed, and compiles the GPU's kernels for the CPU"
DTYPES = {
    "float": "float32", "bool": "bool", "int": "int32", "long long": "int64", "word": "uint64",
}  # fmt: skip


def compiler() -> str | None:
    return shutil.which("g++")


class RawKernel:
    """Call it: kernel(grid, block, arguments)."""

    def __init__(self, code: str, name: str, options: tuple[str, ...] = ()) -> None:
        given = [option[2:].split("=") for option in options if option.startswith("-D")]
        self.constants = {name: int(value) for name, value in given}
        self.name, self.library = name, built(code, tuple(self.constants))
        self.parameters = parameters_of(code, name)

    def __call__(self, grid: tuple[int, ...], block: tuple[int, ...], arguments: tuple) -> None:
        from . import counts

        if 0 in grid or numpy.prod(block) > 1024:
            raise ValueError(f"{self.name}: a launch of {grid} blocks of {block} threads.")
        if len(arguments) != len(self.parameters):
            raise TypeError(
                f"{self.name} has {len(self.parameters)} parameters, received {len(arguments)}."
            )
        held = [
            self._argument(a, *parameter)
            for a, parameter in zip(arguments, self.parameters, strict=True)
        ]
        for name, value in self.constants.items():
            ctypes.c_int.in_dll(self.library, f"constant_{name}").value = value
        addresses = (ctypes.c_void_p * len(held))(*[h.ctypes.data for h in held])
        sizes = [(ctypes.c_uint * 3)(*(*size, 1, 1)[:3]) for size in (grid, block)]
        self.library[f"{self.name}_launch"](addresses, *sizes)
        counts["launches"] += 1

    def _argument(self, value: Any, kind: str, pointer: bool, name: str) -> numpy.ndarray:
        """What the parameter is to read: the number, or the address, in an array of one."""
        if isinstance(value, numpy.void):  # a struct; its fields are those of its dtype
            return numpy.array([value])
        expected = numpy.dtype(DTYPES[kind])
        where = f"{self.name}, parameter {name}"
        if not pointer:
            if not isinstance(value, numpy.generic) or value.dtype != expected:
                raise TypeError(f"{where} is {expected}, received {value!r}.")
            return numpy.array([value])
        if isinstance(value, numpy.uint64) and not value:
            return numpy.array([value])  # null
        if value.dtype != expected or not value.flags.c_contiguous:
            raise TypeError(f"{where} points to {expected} in C order, received {value.dtype}.")
        return numpy.array([value.data.ptr], numpy.uint64)


def parameters_of(code: str, name: str) -> list[tuple[str, bool, str]]:
    """The type of each parameter, whether it is a pointer to that, and its name."""
    text = re.search(rf'extern "C" __global__ void {name}\((.*?)\)', code, re.DOTALL)[1]
    found = []
    for parameter in text.split(","):
        kind, star, own = re.fullmatch(r"(?:const )?(.*?)(\*?) (\w+)", parameter.strip()).groups()
        found.append((kind, bool(star), own))
    return found


@functools.cache
def built(code: str, constants: tuple[str, ...]) -> ctypes.CDLL:
    """The file with kernels as a library."""
    lines = [HEADER.read_text()]
    for name in constants:
        lines += [f'extern "C" {{ int constant_{name}; }}', f"#define {name} constant_{name}"]
    return ctypes.CDLL(str(compiled("\n".join([*lines, code, launches(code)]))))


def launches(code: str) -> str:
    """The functions that launch its kernels, which come after its text."""
    kernels = re.findall(r'extern "C" __global__ void (\w+)', code)
    barriers = str(bool(re.search("__sync|__shfl", code))).lower()
    return "\n".join(f"ON_CPU({kernel}, {barriers})" for kernel in kernels)


def compiled(text: str, *options: str) -> Path:
    """The text in C++ as a library."""
    return made("kernels.so", "kernels.cpp", text, "-shared", "-Wl,-Bsymbolic", *options)


def made(name: str, source: str, text: str, *options: str) -> Path:
    """The file which g++ makes of the text.  It is kept for the next process."""
    command = [compiler(), "-std=c++17", "-O2", "-w", "-fPIC", *options, source, "-o", name]
    key = hashlib.sha256("\n".join([*map(str, command), text]).encode()).hexdigest()[:24]
    folder = Path(tempfile.gettempdir()) / f"tinynet_kernels_{os.getuid()}"
    if not (folder / key).exists():
        folder.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as own:
            begun = Path(own) / key
            begun.mkdir()
            (begun / source).write_text(text)
            result = subprocess.run(command, cwd=begun, capture_output=True, text=True)
            if result.returncode:
                raise RuntimeError(f"CompileException: {result.stderr[:2000]}")
            with contextlib.suppress(OSError):  # another process was first
                begun.rename(folder / key)
    return folder / key / name
