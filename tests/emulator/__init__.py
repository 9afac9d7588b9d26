"""CuPy 14.2 itself, unmodified, on the CPU: `start()` before anything imports CuPy.

CuPy's compiled modules take the functions of CUDA from tables of each other.  Those of cuda.cpp are
put there first.  g++ with prelude.h stands in for CUDA's compiler, NumPy's OpenBLAS for cuBLAS, and
NumPy for Thrust, which sorts.  All else is CuPy's own: its checks of arguments, dtypes, indices and
strides, and the texts of its kernels.

What it does not have: CUB, cuRAND, complex numbers, templates by name, products of matrices
of whole numbers, and shared memory of a size that the launch says.  Threads do not
run at once, streams do not overlap, memory does not run out, the smallest numbers do not become 0,
and seconds say nothing.  It rests on private tables: it refuses other versions.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import importlib.metadata
import os
import re
import subprocess
import sys
import sysconfig
import types
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy

from ..strict_cupy import raw_kernel

HERE = Path(__file__).parent
PACKAGE, VERSION = "cupy-cuda12x", "14.2"
BLAS = "numpy.libs/libscipy_openblas64_*.so"  # beside NumPy
FLAGS = ("-fpermissive", "-fno-semantic-interposition")
KEPT: list[Any] = []  # names of capsules, which do not copy them
TYPES = {  # of C functions' parameters and results, as the tables name them
    "PyObject *": ctypes.py_object, "int": ctypes.c_int, "unsigned int": ctypes.c_uint,
    "intptr_t": ctypes.c_ssize_t, "size_t": ctypes.c_size_t, "float": ctypes.c_float,
}  # fmt: skip


def start() -> None:
    """From now on `import cupy` gives CuPy with CPU functions in the place of CUDA's."""
    if "cupy_backends" in sys.modules:
        raise RuntimeError("CuPy is loaded already: start the emulator before it.")
    check_version()
    if raw_kernel.compiler() is None:
        raise RuntimeError(f"{raw_kernel.NO_COMPILER}. Install it.")
    os.environ["CUPY_ACCELERATORS"] = ""  # no CUB: it is there for GPUs only
    from cupy_backends.cuda.api import driver, runtime

    library = functions()
    for module, prefix in ((runtime, "runtime"), (driver, "driver")):
        for name, capsule in list(module.__pyx_capi__.items()):
            if function := getattr(library, f"{prefix}_{name}", None):
                replace(module, name, capsule, function)
    importlib.import_module("cupy_backends.cuda.libs.cublas")  # before CuPy looks for CUDA's
    from cuda import pathfinder
    from cupy.cuda import compiler, thrust

    pathfinder.load_nvidia_dynamic_lib = lambda name: types.SimpleNamespace(abs_path=library._name)

    compiler._compile_module_with_cache = compile_module
    thrust.sort, thrust.argsort, thrust.lexsort = sort, argsort, lexsort


def check_version() -> None:
    try:
        found = importlib.metadata.version(PACKAGE)
    except importlib.metadata.PackageNotFoundError:
        found = "no version"
    if not found.startswith(f"{VERSION}."):
        raise RuntimeError(
            f"The emulator rests on the private tables of {PACKAGE} {VERSION}; found {found}. "
            f"Install it: pip install {PACKAGE}=={VERSION}.*"
        )


def package(name: str) -> Path:
    return Path(sys.modules[name].__file__).parent


def functions() -> ctypes.PyDLL:
    """cuda.cpp as a library, in the place of cuBLAS too."""
    backends = package("cupy_backends")
    (cublas,) = (backends / "cuda" / "libs").glob("cublas.*.so")
    listed = subprocess.run(["nm", "-D", "-u", cublas], capture_output=True, text=True, check=True)
    wanted = set(re.findall(r" U (cublas\w+)", listed.stdout))
    text = (HERE / "cuda.cpp").read_text()
    wanted -= set(re.findall(r"^int (cublas\w+)\(", text, re.MULTILINE))
    rest = "\n".join(f"NOT_HERE({name})" for name in sorted(wanted))
    (blas,) = package("numpy").parent.glob(BLAS)
    ctypes.CDLL(str(blas), mode=ctypes.RTLD_GLOBAL)
    include = f"-I{sysconfig.get_paths()['include']}"
    soname = ("-Wl,-soname,libcublas.so.12", f"-Wl,--version-script={HERE / 'cublas.map'}")
    made = raw_kernel.compiled(text.replace('#include "not_here.h"', rest), include, *soname)
    return ctypes.PyDLL(str(made), mode=ctypes.RTLD_GLOBAL)


def replace(module: Any, name: str, capsule: Any, function: Any) -> None:
    """The function for those who call it from C, and for those who call it from Python."""
    name_of, new = ctypes.pythonapi.PyCapsule_GetName, ctypes.pythonapi.PyCapsule_New
    name_of.argtypes, name_of.restype = [ctypes.py_object], ctypes.c_char_p
    new.argtypes, new.restype = [ctypes.c_void_p] * 3, ctypes.py_object
    signature = ctypes.create_string_buffer(name_of(capsule))
    KEPT.append(signature)
    address = ctypes.cast(function, ctypes.c_void_p)
    module.__pyx_capi__[name] = new(address, ctypes.addressof(signature), None)
    result, parameters = re.fullmatch(r"(.+?) ?\((.*)\)", signature.value.decode()).groups()
    types = [TYPES.get(kind) for kind in parameters.split(", ")[:-1]]
    if hasattr(module, name) and None not in types:
        function.argtypes, function.restype = [*types, ctypes.c_int], TYPES[result]
        setattr(module, name, lambda *values: function(*values, 0))


def compile_module(
    source: str, options: tuple[str, ...] = (), *, name_expressions: Any = None, **_: Any
) -> Any:
    """What CuPy calls to compile a kernel, by g++."""
    from cupy.cuda import function

    if name_expressions:
        raise NotImplementedError("the emulator has no templates by name.")
    source = source.replace("#include <cupy/complex.cuh>", "")  # it needs more of CUDA's headers
    defined = [option for option in options if option.startswith("-D")]
    text = f'#include "prelude.h"\n{source}\n{raw_kernel.launches(source)}'
    module = function.Module()
    module.load(os.fsencode(raw_kernel.compiled(text, *FLAGS, *defined, *includes())))
    return module


@functools.cache
def includes() -> tuple[str, ...]:
    """Where the headers are.  prelude.h is translated once: g++ reads it sooner for each kernel."""
    cupy = f"-I{package('cupy') / '_core' / 'include'}"
    text = raw_kernel.HEADER.read_text() + (HERE / "prelude.h").read_text()
    header = raw_kernel.made("prelude.h.gch", "prelude.h", text, *FLAGS, cupy, "-xc++-header")
    return f"-I{header.parent}", cupy


# -- Thrust sorts ----------------------------------------------------------------------------------


def array_at(address: int, dtype: Any, shape: Sequence[int]) -> numpy.ndarray:
    size = numpy.dtype(dtype).itemsize * numpy.prod(shape, dtype=int)
    memory = (ctypes.c_char * size).from_address(address)
    return numpy.frombuffer(memory, dtype).reshape(shape)


def refuse_in_a_capture() -> None:
    """Thrust waits for what it sorts."""
    from cupy.cuda import get_current_stream

    if get_current_stream().is_capturing():
        raise RuntimeError("cudaErrorStreamCaptureUnsupported: Thrust waits in a capture.")


def sort(dtype: Any, data: int, keys: int, shape: Sequence[int]) -> None:
    refuse_in_a_capture()
    array_at(data, dtype, shape).sort(kind="stable")


def argsort(dtype: Any, indices: int, data: int, keys: int, shape: Sequence[int]) -> None:
    refuse_in_a_capture()
    array_at(indices, "intp", shape)[...] = array_at(data, dtype, shape).argsort(kind="stable")


def lexsort(dtype: Any, indices: int, keys: int, count: int, length: int) -> None:
    refuse_in_a_capture()
    found = numpy.lexsort(array_at(keys, dtype, (count, length)))
    array_at(indices, "intp", (length,))[...] = found
