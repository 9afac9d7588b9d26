"""Layers that join several inputs into one, for graphs with branches."""

from __future__ import annotations

import functools
import operator
from typing import Any

from ..engine.tensor import Tensor
from ..messages.arguments import is_whole, written
from ..ops.shape import concatenate
from .base import Layer


class Add(Layer):
    """The sum of several inputs of one shape, given as a list.  [(N, ...), ...] -> (N, ...)"""

    merges = True

    def shape_after(self, shape: Any) -> Any:
        if any(s != shape[0] for s in shape):
            raise ValueError(
                f"inputs {', '.join(map(written, shape))} must have equal shapes. Make them equal "
                "first, with Dense or a 1x1 Conv2D."
            )
        return shape[0]

    def forward(self, x: list[Tensor]) -> Tensor:
        return functools.reduce(operator.add, x)


class Concatenate(Layer):
    """Several inputs, given as a list, side by side along an axis.

    [(N, ..., C), (N, ..., D), ...] -> (N, ..., C + D + ...), for the last axis.

    axis: any but 0, which is the batch; -1 for the channels.
    """

    merges = True

    def __init__(self, axis: int = -1, **common: Any) -> None:
        super().__init__(**common)
        if not is_whole(axis) or axis == 0:
            raise ValueError(
                f"{self.label}: axis must be a whole number other than 0, received {axis!r}. Axis "
                "0 is the batch."
            )
        self.axis = int(axis)

    def shape_after(self, shape: Any) -> Any:
        rank = len(shape[0])
        k = self.axis - 1 if self.axis > 0 else self.axis + rank  # in a shape without the batch
        if not 0 <= k < rank:
            raise ValueError(f"inputs {', '.join(map(written, shape))} have no axis {self.axis}.")
        if any(s[:k] + s[k + 1 :] != shape[0][:k] + shape[0][k + 1 :] for s in shape):
            raise ValueError(
                f"inputs {', '.join(map(written, shape))} must be equal along every axis but "
                f"{self.axis}. Make them equal first."
            )
        return (*shape[0][:k], sum(s[k] for s in shape), *shape[0][k + 1 :])

    def forward(self, x: list[Tensor]) -> Tensor:
        return concatenate(x, axis=self.axis)
