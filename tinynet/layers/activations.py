"""Activation functions by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..engine.tensor import Tensor
from ..messages.arguments import function, is_number, known
from ..ops.activation import log_softmax, relu, sigmoid, softmax, softplus, tanh

Activation = Callable[[Tensor], Tensor]

ACTIVATIONS: dict[str, Activation] = {
    "log_softmax": log_softmax,
    "relu": relu,
    "sigmoid": sigmoid,
    "softmax": softmax,
    "softplus": softplus,
    "tanh": tanh,
}


def activation_of(where: str, activation: Any) -> Activation | None:
    """The activation of that name; a function as it is; None for None and "linear"."""
    if activation is None or activation == "linear":
        return None
    if activation == "leaky_relu":
        raise ValueError(f"{where}: activation 'leaky_relu' has a slope. Give tn.leaky_relu (0.3).")
    if isinstance(activation, str):
        more = "; any function of a tensor will do, for example tn.leaky_relu"
        return known(where, "activation", activation, ACTIVATIONS, more)
    cure = "Give a name, for example 'relu', or a function."
    if is_number(activation) and where.startswith("Dense"):  # PyTorch's Linear(784, 10)
        cure = f"Give the size of the output only, Dense({activation}): it sees its input."
    return function(where, "activation", activation, cure)
