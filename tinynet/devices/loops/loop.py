"""Loops that Numba compiles: the text of such a function is what runs, as machine code.

A loop computes one part of a kernel's work, and several threads compute parts at once, without
Python's lock (workers.py).  Its first parameter is the number of the part.  If each thread needs
memory of its own, the number of the thread comes before it.  Then come arrays of float32, sizes and
numbers; the annotations give the types: `Pictures` has four axes, `Rows` two, `Numbers` one.  An
integer literal or 0.5 would make the arithmetic float64, which is half as fast; so numbers that are
computed with have names, for example ZERO.  Nothing checks that an index is inside its array: ops/
checks all shapes first.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from typing import Any, TypeAlias

import numba
import numpy

from ..cpu.threads import MOST, asleep, get_threads, wake
from ..interrupt import ctrl_c_waits
from . import cache, machine, workers

# C-contiguous arrays of float32, with 1, 2, 3 and 4 axes; of booleans, with 1; of int64, 1 and 2
Numbers: TypeAlias = Any
Rows: TypeAlias = Any
Stack: TypeAlias = Any
Pictures: TypeAlias = Any
Marks: TypeAlias = Any
Labels: TypeAlias = Any
Places: TypeAlias = Any

ZERO = numpy.float32(0)
ONE = numpy.float32(1)

_AXES = {"Numbers": 1, "Rows": 2, "Stack": 3, "Pictures": 4, "Marks": 1, "Labels": 1, "Places": 2}
_DTYPES = {"Marks": "boolean", "Labels": "int64", "Places": "int64"}  # the others are float32
_TYPES = {"int": numba.int64, "float": numba.float64, "bool": numba.boolean}
# Sums may be added in another order, and a * b + c rounded once: then a loop over numbers can take
# 8 or 16 of them at once.  NaN and infinity keep their meaning.
_MATH = {"reassoc", "contract", "nsz", "arcp"}
_OPTIONS: dict[str, Any] = {"nogil": True, "fastmath": _MATH, "error_model": "numpy"}


LONG = 50e-6  # seconds


class Loop:
    """Call it: loop(number of parts, *its other arguments).  -> None"""

    def __init__(self, function: Callable[..., None]) -> None:
        self.name, self.function = function.__name__, function
        self._address = 0
        self._start: Any = None  # compiled
        self._took: dict[int, float] = {}  # seconds, by the number of parts

    def __call__(self, parts: int, *values: Any, most: int = MOST) -> None:
        """most: how many parts at once, where each needs memory of its own.

        Threads that are awake help.  To wake one, and to let it sleep again, takes some 0.1 ms of
        Python's time, so that is done for work that took long the last time.
        """
        threads = min(get_threads(), parts, most)
        if threads <= 1 or not asleep(threads - 1):
            self._start(workers.words.address, self._address, parts, threads, *values)
            return
        if self._took.get(parts, LONG) >= LONG:
            wake(threads - 1)
        start = time.perf_counter()
        self._start(workers.words.address, self._address, parts, threads, *values)
        self._took[parts] = time.perf_counter() - start

    @property
    def is_compiled(self) -> bool:
        return self._start is not None

    def compile(self) -> None:
        """Two functions.  `start` is called by Python: it lays down the loop's arguments in memory,
        for the threads, which call `work` for each part.
        """
        inner = numba.njit(**_OPTIONS)(self.function)
        names = list(inspect.signature(self.function).parameters)
        with_worker = names[0] == "worker"
        parameters = list(inspect.signature(self.function).parameters.values())[1 + with_worker :]
        writes, reads, types, k = [], [], [], 0
        for parameter in parameters:
            name, kind = parameter.name, str(parameter.annotation)
            axes = _AXES.get(kind)
            if axes is None:
                types.append(_TYPES[kind])
                words = "reals" if kind == "float" else "words"
                writes.append(f"{words}[{k}] = {name}")
                read = {"float": "float32({}[{}])", "bool": "{}[{}] != 0", "int": "{}[{}]"}[kind]
                reads.append(read.format(words, k))
            else:
                types.append(array(kind))
                writes.append(f"words[{k}] = {name}.ctypes.data")
                writes += [f"words[{k + 1 + i}] = {name}.shape[{i}]" for i in range(axes)]
                shape = ", ".join(f"words[{k + 1 + i}]" for i in range(axes))
                reads.append(
                    f"carray(pointer(words[{k}]), ({shape},), {_DTYPES.get(kind, 'float32')})"
                )
                k += axes
            k += 1
        worker = "worker, " * with_worker
        text = f"""
def {self.name}_start(shared, function, parts, threads, {", ".join(p.name for p in parameters)}):
    words = empty({k}, int64)
    reals = words.view(float64)
    {"; ".join(writes)}
    share(shared, function, parts, threads, words.ctypes.data)

def {self.name}_work(worker, part, values):
    words, reals = carray(pointer(values), {k}, int64), carray(pointer(values), {k}, float64)
    loop({worker}part, {", ".join(reads)})
"""
        path = inspect.getfile(self.function)  # Numba keeps machine code for files only
        found: dict[str, Any] = {
            "__name__": self.function.__module__, "empty": numpy.empty, "int64": numpy.int64,
            "float64": numpy.float64, "float32": numpy.float32, "boolean": numpy.bool_,
            "carray": numba.carray, "pointer": machine.pointer, "share": workers.share,
            "loop": inner,
        }  # fmt: skip
        exec(compile(text, path, "exec"), found)
        with cache.folder_for_numba() as kept:
            signature = numba.void(numba.int64, numba.int64, numba.int64)
            work = numba.cfunc(signature, cache=kept)(found[f"{self.name}_work"])
            start = numba.njit(nogil=True, cache=kept)(found[f"{self.name}_start"])
            start.compile((numba.int64,) * 4 + tuple(types))
        start.disable_compile()  # other types are an error, and no silent second form
        self._address, self._start, self._work = work.address, start, work


def array(kind: str, readonly: bool = True) -> Any:
    """The type of such an annotation.  What Python gives may be read-only, as gradients are."""
    dtype = getattr(numba, _DTYPES.get(kind, "float32"))
    return numba.types.Array(dtype, _AXES[kind], "C", readonly=readonly)


_loops: dict[str, Loop] = {}  # by name: Ctrl-C may repeat an import


def loop(function: Callable[..., None]) -> Loop:
    """Compiled for the types of its annotations, when `compile_all` is called."""
    return _loops.setdefault(function.__name__, Loop(function))


def part_of_loop(function: Callable[..., Any]) -> Any:
    """A function that loops call; it becomes part of their machine code."""
    return numba.njit(**_OPTIONS)(function)


@part_of_loop
def address(x):
    """Of an array's first number."""
    return numpy.int64(x.ctypes.data)


def compile_all(progress: Callable[[int, str], Any]) -> None:
    """Compile every loop, or read it from the cache.

    progress(count, how often): called if there is something to compile.
    """
    told = None
    if not cache.found.holds(2 * len(_loops) + 1):
        told = progress(len(_loops), cache.found.how_often())
    try:
        for found in _loops.values():
            if not found.is_compiled:  # Ctrl-C may have ended an earlier call in the middle
                with ctrl_c_waits():
                    _compile(found.name, found.compile)
            if told:
                told.step()
        with ctrl_c_waits():
            _compile("serve", workers.ready_to_serve)
    finally:
        if told:
            told.end()


def _compile(name: str, compile: Callable[[], None]) -> None:
    try:
        compile()
    except Exception:
        cache.found.remove(name)  # a file of it may be damaged
        compile()


def kept() -> str:
    """Where the machine code is."""
    folder = cache.found.folder
    return f"kept in {folder}" if folder else f"compiled in each process: {cache.found.why_not}"


def ready(x: numpy.ndarray) -> numpy.ndarray:
    """The array as loops take it: C-contiguous and aligned; a copy where it is not so."""
    flags = x.flags
    return x if flags.c_contiguous and flags.aligned else numpy.array(x, order="C")
