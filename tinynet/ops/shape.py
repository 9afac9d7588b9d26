"""Joining, padding and flipping arrays."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy

from ..devices import kernels, xp
from ..engine.tensor import Tensor, differentiable
from ..messages.arguments import choice
from ..messages.names import explained


@explained
def concatenate(tensors: Sequence[Any], axis: int = 0) -> Tensor:
    """Tensors one after another along an existing axis.

    (..., A, ...), (..., B, ...) -> (..., A + B, ...)
    """
    return _concatenate(*_several("concatenate", tensors), axis=axis)


@differentiable(integers=True)
def _concatenate(*tensors, axis: int):
    y = xp(*tensors).concatenate(tensors, axis=axis)
    ends = list(itertools.accumulate(x.shape[axis] for x in tensors))

    def part(start, end):
        place = (slice(None),) * (axis % y.ndim) + (slice(start, end),)
        return lambda dy: dy[place]

    return y, tuple(part(start, end) for start, end in zip([0, *ends], ends, strict=False))


@explained
def stack(tensors: Sequence[Any], axis: int = 0) -> Tensor:
    """Tensors of one shape, one after another along a new axis.  n x (...) -> (n, ...)"""
    return _stack(*_several("stack", tensors), axis=axis)


@differentiable(integers=True)
def _stack(*tensors, axis: int):
    shapes = list(dict.fromkeys(x.shape for x in tensors))
    if len(shapes) > 1:
        raise ValueError(f"shapes {shapes[0]} and {shapes[1]} differ. Only equal ones are stacked.")
    y = xp(*tensors).stack(tensors, axis=axis)

    def part(i):
        place = (slice(None),) * (axis % y.ndim) + (i,)
        return lambda dy: dy[place]

    return y, tuple(part(i) for i in range(len(tensors)))


def _several(where: str, tensors: Sequence[Any]) -> list[Any]:
    if isinstance(tensors, Tensor) or not isinstance(tensors, Sequence):
        raise TypeError(
            f"{where}: tensors is {type(tensors).__name__}. Give a list of tensors, [x, y]."
        )
    if not tensors:
        raise ValueError(f"{where}: tensors is empty. Give a list of at least one tensor.")
    return [t if isinstance(t, Tensor) else Tensor(t) for t in tensors]


@differentiable(integers=True)
def pad(x, widths: Sequence[tuple[int, int]], mode: str = "constant", value: float = 0.0):
    """x with a border.  (D0, D1, ...) -> (before0 + D0 + after0, before1 + D1 + after1, ...)

    widths: (before, after) for each axis; at least 0.
    mode: the content of the border: "constant" the value, "edge" the nearest element, "symmetric"
        the picture mirrored with its edge repeated (b a | a b c | c b), "reflect" mirrored without
        (c b | a b c | b a).
    """
    if numpy.shape(widths) != (x.ndim, 2) or (x.ndim and numpy.min(widths) < 0):
        raise ValueError(
            f"widths must be {x.ndim} pairs (before, after) of at least 0 for shape {x.shape}, "
            f"received {widths}."
        )
    choice("", "mode", mode, ("constant", "edge", "symmetric", "reflect"))
    if mode == "constant":
        inside = tuple(slice(b, b + n) for (b, _), n in zip(widths, x.shape, strict=True))
        return xp(x).pad(x, widths, constant_values=value), lambda dy: dy[inside]

    # The other borders repeat elements of x: y = x[index], and dx sums the copies of each element.
    sources = [
        xp(x).asarray(numpy.pad(numpy.arange(n), pair, mode=mode))  # type: ignore[call-overload]
        for n, pair in zip(x.shape, widths, strict=True)
    ]
    index = xp(x).ix_(*sources)

    shape = x.shape

    def dx(dy):
        dx = xp(dy).zeros(shape, dy.dtype)
        kernels(dx).add_at(dx, index, dy)
        return dx

    return x[index], dx


@differentiable(integers=True)
def flip(x, axis: int | tuple[int, ...] | None = None):
    """x with the order of the elements reversed along axis, a tuple of axes, or all."""
    return xp(x).flip(x, axis), lambda dy: xp(dy).flip(dy, axis)
