"""Formulas of activations and losses, in one launch each; their sums in two."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import plain
from ..arrays import Array, xp
from .launch import THREADS, launch, launch_blocks, ready, takes

BLOCKS = 256  # at most, of a sum

# By the name of the formula in ops/, as NumPy computes it
VALUES = {
    "activation.sigmoid_and_rest", "activation.sigmoid_slope_times", "activation.tanh_slope_times",
}  # fmt: skip
SCALED = {"loss.difference", "loss.bce_slope"}
SUMS = {"loss.squared_difference", "loss.bce_of"}


def _known(names: set[str], formula: Callable[..., Any], arrays: tuple[Any, ...]) -> str:
    """The kernel's name, if there is one for that formula and those arrays."""
    shapes = {getattr(a, "shape", None) for a in arrays}
    if len(shapes) > 1 or None in shapes or not takes(*arrays):
        return ""
    module = getattr(formula, "__module__", "")  # CuPy's own functions have none
    name = f"{module.removeprefix('tinynet.ops.')}.{formula.__name__}"
    return formula.__name__ if name in names else ""


def elementwise(
    formula: Callable[..., Any], *arrays: Array, results: int = 1, factor: Any = None
) -> Any:
    found = _known(VALUES if factor is None else SCALED, formula, arrays)
    if not found or (factor is not None and not takes(factor)):
        return plain.elementwise(formula, *arrays, results=results, factor=factor)
    x, more = arrays[0], () if factor is None else (factor,)
    made = [xp(x).empty(x.shape, x.dtype) for _ in range(results)]
    launch(f"formulas.{found}", x.size, *map(ready, (*arrays, *more)), *made)
    return tuple(made) if results > 1 else made[0]


def total(formula: Callable[..., Any], *arrays: Array) -> Array:
    found = _known(SUMS, formula, arrays)
    return _sum(found, arrays, 1.0) if found else plain.total(formula, *arrays)


def mean(formula: Callable[..., Any], *arrays: Array) -> Array:
    found = _known(SUMS, formula, arrays)
    return _sum(found, arrays, 1 / arrays[0].size) if found else plain.mean(formula, *arrays)


def _sum(name: str, arrays: tuple[Array, ...], factor: float) -> Array:
    """-> () on the GPU"""
    cupy, count = xp(arrays[0]), arrays[0].size
    blocks = min(BLOCKS, -(-count // (8 * THREADS)))
    sums, y = cupy.empty(blocks, cupy.float32), cupy.empty((), cupy.float32)
    launch_blocks(f"totals.{name}", (blocks,), (THREADS,), *map(ready, arrays), sums, count)
    launch_blocks("totals.add_sums", (1,), (THREADS,), sums, factor, y, blocks)
    return y
