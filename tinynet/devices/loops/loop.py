"""Loops that Numba compiles: the text of such a function is what runs, as machine code.

A loop takes arrays of float32 and writes its results into the last of them.  It holds no lock of
Python, so several threads can run it at once.  Its annotations give the types: `Pictures` has four
axes, `Rows` two, `Numbers` one.  An integer literal or 0.5 would make the arithmetic float64, which
is half as fast; so numbers that are computed with have names, for example ZERO.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable
from typing import Any, TypeAlias

import numba
import numpy

from ..interrupt import ctrl_c_waits
from . import cache

# C-contiguous arrays of float32, with 1, 2, 3 and 4 axes; and of booleans, with 1
Numbers: TypeAlias = Any
Rows: TypeAlias = Any
Stack: TypeAlias = Any
Pictures: TypeAlias = Any
Marks: TypeAlias = Any

ZERO = numpy.float32(0)
ONE = numpy.float32(1)

_AXES = {"Numbers": 1, "Rows": 2, "Stack": 3, "Pictures": 4}
_TYPES = {"int": numba.intp, "float": numba.float32, "bool": numba.boolean}
# Sums may be added in another order, and a * b + c rounded once: then a loop over numbers can take
# 8 or 16 of them at once.  NaN and infinity keep their meaning.
_MATH = {"reassoc", "contract", "nsz", "arcp"}

_loops: dict[str, tuple[Any, tuple[Any, ...]]] = {}  # by name: Ctrl-C may repeat an import


def loop(function: Callable[..., None]) -> Any:
    """Compile the function for the types of its annotations, when `compile_all` is called."""
    written = _written(function)
    parameters = inspect.signature(function).parameters.values()
    signature = tuple(_type(str(p.annotation), p.name in written) for p in parameters)
    with cache.folder_for_numba() as kept:
        compiled = numba.njit(nogil=True, cache=kept, fastmath=_MATH)(function)
    _loops[function.__name__] = compiled, signature
    return compiled


def _type(annotation: str, written: bool) -> Any:
    """An array that the loop only reads may be read-only, as the gradients of tinynet are."""
    if annotation in _TYPES:
        return _TYPES[annotation]
    dtype = numba.boolean if annotation == "Marks" else numba.float32
    return numba.types.Array(dtype, _AXES.get(annotation, 1), "C", readonly=not written)


def _written(function: Callable[..., None]) -> set[str]:
    """The names of the arrays that get new numbers: y[...] = ..., or y[...] += ..."""
    tree = ast.parse(inspect.getsource(function))
    targets = (n for n in ast.walk(tree) if isinstance(n, ast.Subscript))
    return {ast.unparse(n.value) for n in targets if isinstance(n.ctx, ast.Store)}


def part_of_loop(function: Callable[..., Any]) -> Any:
    """A function that loops call; it becomes part of their machine code."""
    return numba.njit(nogil=True, fastmath=_MATH)(function)


def compile_all(progress: Callable[[int, str], Any]) -> None:
    """Compile every loop, or read it from the cache.

    progress(count, how often): called if there is something to compile.
    """
    told = None
    if not cache.found.holds(len(_loops)):
        told = progress(len(_loops), cache.found.how_often())
    try:
        for name, (compiled, signature) in _loops.items():
            if not compiled.signatures:  # Ctrl-C may have ended an earlier call in the middle
                with ctrl_c_waits():
                    _compile(name, compiled, signature)
            if told:
                told.step()
        for compiled, _ in _loops.values():
            compiled.disable_compile()  # other types are an error, and no silent second form
    finally:
        if told:
            told.end()


def _compile(name: str, compiled: Any, signature: tuple[Any, ...]) -> None:
    try:
        compiled.compile(signature)
    except Exception:
        cache.found.remove(name)  # a file of it may be damaged
        compiled.compile(signature)  # where the disk is full, it is compiled already


def kept() -> str:
    """Where the machine code is."""
    folder = cache.found.folder
    return f"kept in {folder}" if folder else f"compiled in each process: {cache.found.why_not}"


def ready(x: numpy.ndarray) -> numpy.ndarray:
    """The array as loops take it: C-contiguous and aligned; a copy where it is not so."""
    flags = x.flags
    return x if flags.c_contiguous and flags.aligned else numpy.array(x, order="C")
