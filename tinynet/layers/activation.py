"""Activation functions as layers of their own."""

from __future__ import annotations

from typing import Any

from ..ops.activation import leaky_relu, softmax
from ..tensor import Tensor
from .arguments import activation_of, is_number
from .base import Layer


class Activation(Layer):
    """A function of every number, by name or any function of a tensor.  (N, ...) -> (N, ...)"""

    def __init__(self, activation: Any, **common: Any) -> None:
        super().__init__(**common)
        self.activation = activation_of(self.label, activation)

    def forward(self, x: Tensor) -> Tensor:
        return x if self.activation is None else self.activation(x)


class LeakyReLU(Layer):
    """x where x > 0, negative_slope * x elsewhere.  (N, ...) -> (N, ...)"""

    def __init__(self, negative_slope: float = 0.3, **common: Any) -> None:
        super().__init__(**common)
        if not is_number(negative_slope) or not negative_slope >= 0:
            raise ValueError(
                f"{self.label}: negative_slope must be at least 0, received {negative_slope!r}."
            )
        self.negative_slope = float(negative_slope)

    def forward(self, x: Tensor) -> Tensor:
        return leaky_relu(x, slope=self.negative_slope)


class Softmax(Layer):
    """exp(x) / sum(exp(x)) along axis.  (N, ...) -> (N, ...)

    Losses on logits (tn.cross_entropy) need no such layer, and are exact where this rounds to 0.
    """

    def __init__(self, axis: int = -1, **common: Any) -> None:
        super().__init__(**common)
        if isinstance(axis, bool) or not isinstance(axis, int):
            raise ValueError(f"{self.label}: axis must be a whole number, received {axis!r}.")
        self.axis = axis

    def forward(self, x: Tensor) -> Tensor:
        return softmax(x, axis=self.axis)
