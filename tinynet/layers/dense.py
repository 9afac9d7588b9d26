"""Dense: every input reaches every output."""

from __future__ import annotations

from typing import Any

from ..engine.tensor import Tensor
from ..messages.arguments import whole, written
from ..ops.linear import linear
from .base import WithKernel


class Dense(WithKernel):
    """activation(x @ kernel + bias).  (N, ..., D) -> (N, ..., units)

    kernel (D, units), bias (units,).

    units: the features of the output.
    """

    keeps_mask = True

    def __init__(self, units: int, activation: Any = None, **others: Any) -> None:
        super().__init__(activation, **others)
        self.units = whole(self.label, "units", units)

    def shape_after(self, shape: Any) -> Any:
        if not shape:
            raise ValueError(
                "input (N,) has no features, and it takes (N, D). One example is x[None]; N of one "
                "feature each are x[:, None]."
            )
        return (*shape[:-1], self.units)

    def create(self, shape: Any) -> None:
        self.make_weights((shape[-1], self.units), self.units)

    def fits(self, shape: Any) -> None:
        D = self.kernel.shape[0]  # type: ignore[union-attr]
        if shape and shape[-1] != D:
            cure = "Put Flatten() before it." if len(shape) == 3 else f"Give it (N, ..., {D})."
            raise ValueError(
                f"input {written(shape)} has {shape[-1]} features, and its kernel takes {D}. {cure}"
            )

    def forward(self, x: Tensor) -> Tensor:
        return self.activated(linear, x)
