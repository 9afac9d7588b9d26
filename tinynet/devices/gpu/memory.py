"""Arrays on the GPU: to it and back, what may be chosen of them, and how much memory they take."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy

from .. import checks
from ..arrays import Array, is_array, on_gpu, xp
from .availability import GPUNotAvailableError, gpu_unavailable_reason
from .checks import labels_inside


def from_host(array: numpy.ndarray) -> Any:
    reason = gpu_unavailable_reason()
    if reason:
        raise GPUNotAvailableError(f'to("gpu"): {reason}')
    import cupy

    return cupy.asarray(array)


def to_host(array: Any) -> numpy.ndarray:
    values = xp(array).asnumpy(array)
    checks.look()  # no wait more
    return values


def beside(inputs: Sequence[Any], setting: Any) -> Any:
    """A NumPy array that is to be where the inputs are, for example the labels."""
    if type(setting) is numpy.ndarray and any(map(on_gpu, inputs)):
        return from_host(setting)
    return setting


def alike(values: Sequence[Any]) -> bool:
    """Whether all are arrays on the GPU, of one floating dtype."""
    first: Any = values[0] if values else None
    if not on_gpu(first) or first.dtype.kind != "f":
        return False
    return all(type(x) is type(first) and x.dtype == first.dtype for x in values)


def peak_memory(step: Callable[[], Any]) -> int:
    """The most bytes on the GPU that a call of the step adds to those before it.

    CuPy keeps what is freed for the next array: what it holds afterwards is the most there was.
    """
    import cupy

    pool = cupy.get_default_memory_pool()
    pool.free_all_blocks()
    before = pool.total_bytes()
    step()
    return pool.total_bytes() - before


def out_of_memory(where: str, error: MemoryError, examples: int) -> MemoryError:
    """The error for a batch of so many examples, with a number that is likely to fit."""
    if getattr(error, "located", False):
        return error
    text, fitting = f"{error}." if str(error) else "out of memory.", examples // 2
    asked = re.search(r"allocating ([\d,]+) bytes", text)  # as CuPy says it
    if asked:
        import cupy

        size, pool = int(asked[1].replace(",", "")), cupy.get_default_memory_pool()
        free, total = cupy.cuda.runtime.memGetInfo()
        free, used = free + pool.free_bytes(), pool.used_bytes()
        fitting = min(fitting, int(examples * (used + free) / (used + size)))
        text = (
            f"out of memory on the GPU. It asked for {size / 2**30:.3g} GiB, and "
            f"{free / 2**30:.3g} of {total / 2**30:.3g} GiB are free."
        )
    if fitting:
        text += f" The batch has {examples} examples. Try {2 ** (fitting.bit_length() - 1)}."
    told: Any = MemoryError(f"{where}: {text}")
    told.located = True
    return told


# -- what CuPy does in silence, and NumPy refuses --------------------------------------------------


def check_power(x: Any, y: Any) -> None:
    """ValueError for integers to a negative power, where CuPy gives 0."""
    if on_gpu(x) and x.dtype.kind in "iu" and (xp(x).asarray(y) < 0).any():
        raise ValueError("Integers to negative integer powers are not allowed.")  # as NumPy says it


def checked_index(index: tuple[Any, ...], x: Array) -> tuple[Any, ...]:
    """The index of x[index], with lists and NumPy's arrays moved to the GPU if x is there.

    IndexError for a number in them that is out of range: CuPy would take another element.
    """
    if not on_gpu(x):
        return index
    parts = [numpy.asarray(i) if isinstance(i, list) else i for i in index]
    axes = [_axes_of(i) for i in parts]
    for k, i in enumerate(parts):
        if not is_array(i):
            continue
        dots = any(part is ... for part in parts[:k])
        axis = x.ndim - sum(axes[k:]) if dots else sum(axes[:k])
        if i.dtype.kind in "iu" and i.size and 0 <= axis < x.ndim:
            n = x.shape[axis]
            from_0 = i.astype("int64", copy=False) + n  # -n is the first, and 2 n - 1 the last
            inside = labels_inside if on_gpu(i) else checks.labels_inside
            fine, facts = inside(from_0, 2 * n)
            checks.check("getitem", fine, functools.partial(_out_of_bounds, axis, n), facts)
        parts[k] = i if on_gpu(i) else from_host(i if i.size else i.astype(int))
    return tuple(parts)


def _out_of_bounds(axis: int, n: int, facts: Any) -> IndexError:
    """As NumPy says it.  facts: the least and the most index, plus n."""
    least, most = int(facts[0]) - n, int(facts[1]) - n
    wrong = most if most >= n else least
    return IndexError(f"index {wrong} is out of bounds for axis {axis} with size {n}")


def _axes_of(i: Any) -> int:
    """How many axes that part of an index takes."""
    if i is None or i is ...:
        return 0
    return i.ndim if is_array(i) and i.dtype == bool else 1
