"""Dense: every input reaches every output."""

from __future__ import annotations

from typing import Any

from ..ops.activation import relu
from ..ops.linear import linear
from ..shapes import written
from ..tensor import Tensor
from .arguments import whole
from .base import WithKernel


class Dense(WithKernel):
    """activation(x @ kernel + bias).  (N, ..., D) -> (N, ..., units)

    kernel (D, units), bias (units,); further arguments as for WithKernel and Layer.
    """

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
        self.make((shape[-1], self.units), self.units)

    def fits(self, shape: Any) -> None:
        D = self.kernel.shape[0]  # type: ignore[union-attr]
        if shape and shape[-1] != D:
            hint = f" Give it (N, ..., {D})."
            if len(shape) == 3:
                hint = " Put Flatten() before it."
            raise ValueError(
                f"input {written(shape)} has {shape[-1]} features, and its kernel takes {D}.{hint}"
            )

    def forward(self, x: Tensor) -> Tensor:
        fused = self.activation is relu  # in the same pass
        y = linear(x, self.kernel, self.bias, relu=fused)
        return y if fused or self.activation is None else self.activation(y)
