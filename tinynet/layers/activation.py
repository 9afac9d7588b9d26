"""Activation functions as layers."""

from __future__ import annotations

from typing import Any

from ..engine.tensor import Tensor
from ..messages.arguments import AT_LEAST_0, is_whole, number
from ..ops.activation import leaky_relu, relu, softmax
from .activations import activation_of
from .base import Layer


class Activation(Layer):
    """An activation function as a layer.  (N, ...) -> (N, ...)

    activation: a name ("relu", "sigmoid", "softmax", ...), a function of a tensor, or None.
    """

    keeps_mask = True

    def __init__(self, activation: Any, **common: Any) -> None:
        super().__init__(**common)
        self.activation = activation_of(self.label, activation)

    def forward(self, x: Tensor) -> Tensor:
        return x if self.activation is None else self.activation(x)


class LeakyReLU(Layer):
    """x where x > 0, negative_slope * x elsewhere.  (N, ...) -> (N, ...)

    negative_slope: at least 0.
    """

    keeps_mask = True

    def __init__(self, negative_slope: float = 0.3, **common: Any) -> None:
        super().__init__(**common)
        self.negative_slope = number(self.label, "negative_slope", negative_slope, AT_LEAST_0)

    def forward(self, x: Tensor) -> Tensor:
        return leaky_relu(x, slope=self.negative_slope)


def leak_of(layer: Any) -> float | None:
    """Of a layer that is a relu or leaky relu and nothing more: its slope below 0.  Else None."""
    if not isinstance(layer, Layer) or not layer.built or layer.activity_regularizer is not None:
        return None
    if type(layer) is Activation:
        return 0.0 if layer.activation is relu else None
    return layer.negative_slope if type(layer) is LeakyReLU else None


class Softmax(Layer):
    """exp(x) / sum(exp(x)) along axis.  (N, ...) -> (N, ...)

    Losses on logits (tn.cross_entropy) need no such layer, and are exact where softmax rounds to 0.

    axis: the one along which the sum is 1; -1, the last, for classes.
    """

    def __init__(self, axis: int = -1, **common: Any) -> None:
        super().__init__(**common)
        if not is_whole(axis):
            raise ValueError(f"{self.label}: axis must be a whole number, received {axis!r}.")
        self.axis = int(axis)
        self.keeps_mask = self.axis == -1  # along the steps it would count padding

    def forward(self, x: Tensor) -> Tensor:
        return softmax(x, axis=self.axis)
