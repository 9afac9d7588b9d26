"""Parameters: which tensors can be trained, and the norm of all their gradients together."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy
from numpy.lib.array_utils import byte_bounds

from ..devices import Array, kernels, xp
from ..engine.tensor import Tensor


def trainable(where: str, parameters: Any) -> list[Tensor]:
    """The parameters as a list.  TypeError or ValueError where one cannot be trained."""
    if isinstance(parameters, Tensor):
        raise TypeError(f"{where}: parameters is one Tensor. Give a list of them, [w].")
    model = hasattr(parameters, "parameters") or callable(parameters)
    if model or not isinstance(parameters, Iterable):
        cure = "Give model.parameters()." if model else "Give a list of Tensors."
        raise TypeError(f"{where}: parameters is {type(parameters).__name__}. {cure}")
    found = list(parameters)
    if not found:
        raise ValueError(
            f"{where}: there are no parameters. Give at least one Tensor with requires_grad=True."
        )
    for i, p in enumerate(found):
        if not isinstance(p, Tensor):
            cure = "Give model.parameters()." if isinstance(p, tuple) else "Give Tensors."
            raise TypeError(f"{where}: parameter {i} is {type(p).__name__}. {cure}")
        if not (p.requires_grad and p.is_leaf):
            raise ValueError(
                f"{where}: parameter {i}, {p.label}, gets no gradient of its own. Make it with "
                "Tensor(..., requires_grad=True), not as the result of an operation."
            )
    if len({id(p) for p in found}) < len(found):
        raise ValueError(
            f"{where}: a parameter is listed twice, and would move twice. List it once."
        )
    return found


def refuse_shared_memory(where: str, parameters: list[Tensor]) -> None:
    """ValueError if two parameters have numbers in common.  (On a GPU it is not looked for.)"""
    bounds = [
        (*byte_bounds(p.data), i)
        for i, p in enumerate(parameters)
        if type(p.data) is numpy.ndarray and p.data.size
    ]
    before: list[tuple[int, int]] = []  # the ends of the memory that reaches to here, and whose
    for first, end, i in sorted(bounds):
        before = [(other_end, j) for other_end, j in before if other_end > first]
        for _, j in before:
            if numpy.shares_memory(parameters[i].data, parameters[j].data):
                (j, p), (k, q) = ((n, parameters[n]) for n in sorted((i, j)))
                raise ValueError(
                    f"{where}: parameters {j}, {p.label}, and {k}, {q.label}, are views of the "
                    "same memory. The optimizer would separate them. To tie weights, use one "
                    "Tensor in both places: decoder.kernel = encoder.kernel, or encoder.kernel.T "
                    "in forward."
                )
        before.append((end, i))


def gradient_norm(parameters: Iterable[Tensor]) -> float:
    """The global L2 norm: the root of the sum of the squares of all gradients.

    Parameters without a gradient are left out; RuntimeError if no parameter has one.  The norm is
    NaN or infinite only if a gradient holds NaN or infinity.
    """
    found = trainable("gradient_norm", parameters)
    if not any(p.grad is not None for p in found):
        raise RuntimeError(
            "gradient_norm: no parameter has a gradient. Call loss.backward() before, with a loss "
            "that is computed from these parameters."
        )
    return global_norm(found)


def global_norm(parameters: Sequence[Tensor]) -> float:
    gradients = [p.grad.reshape(-1) for p in parameters if p.grad is not None]
    squares = _sum_of_squares(gradients, 1.0)
    if 1e-30 < squares < math.inf:
        return math.sqrt(squares)
    if math.isnan(squares):
        return squares
    # the squares leave float32's range, above or below: measure in units of the largest
    largest = max((float(xp(g).abs(g).max()) for g in gradients if g.size), default=0.0)
    if largest in (0, math.inf):
        return largest
    return largest * math.sqrt(_sum_of_squares(gradients, largest))


def norm_on_gpu(gradients: Sequence[Array]) -> Array:
    """The same norm, as a number that stays on the GPU: nobody waits for it.

    The squares are added in float64, which holds those of every float32.  -> () float64
    """
    cupy, dtype = xp(*gradients), numpy.result_type(*(g.dtype for g in gradients))
    flat = cupy.empty(sum(g.size for g in gradients), dtype)
    flat = kernels(flat).gathered(gradients, flat)
    return cupy.sqrt(cupy.square(flat, dtype="float64").sum())


def _sum_of_squares(gradients: list[Array], unit: float) -> float:
    """The sum over all gradients of (gradient / unit)^2, the same for any number of threads."""
    square = (lambda g: g * g) if unit == 1.0 else (lambda g: (g / unit) ** 2)
    with numpy.errstate(over="ignore", under="ignore", invalid="ignore"):
        sums = [kernels(g).total(square, g) for g in gradients]
    return sum(float(s) for s in sums)  # on a GPU, read only after all sums were started
