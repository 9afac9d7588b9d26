"""What the arguments of layers may be."""

from __future__ import annotations

import difflib
import numbers
from collections.abc import Callable
from typing import Any

import numpy

from ..inputs import shown
from ..ops.activation import log_softmax, relu, sigmoid, softmax, softplus, tanh
from ..shapes import written
from ..tensor import Tensor

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
    """An activation by name, or the function itself; None and "linear" for none."""
    if activation is None or activation == "linear":
        return None
    if isinstance(activation, str):
        if activation not in ACTIVATIONS:
            near = difflib.get_close_matches(activation.lower(), ACTIVATIONS, n=1)
            hint = f"Did you mean {near[0]!r}? " if near else ""
            raise ValueError(
                f"{where}: there is no activation {activation!r}. {hint}There are "
                f"{', '.join(map(repr, ACTIVATIONS))}; any function of a tensor will do, "
                "tn.leaky_relu say."
            )
        return ACTIVATIONS[activation]
    if not callable(activation):
        raise TypeError(
            f"{where}: activation is {shown(activation)}. Give a name, 'relu' say, or a function."
        )
    return activation


def whole(where: str, name: str, value: Any) -> int:
    """A whole number of at least 1."""
    if isinstance(value, bool) or not isinstance(value, int | numpy.integer) or value < 1:
        raise ValueError(
            f"{where}: {name} must be a whole number of at least 1, received {shown(value)}."
        )
    return int(value)


def is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def pictures(shape: Any) -> tuple[int, int, int]:
    """The shape of a picture; ValueError for anything else."""
    if len(shape) != 3:
        hint = " A grey picture is (28, 28, 1)." if len(shape) == 2 else ""
        raise ValueError(f"input {written(shape)}, and it takes pictures, (N, H, W, C).{hint}")
    return shape


def no_pictures(shape: Any) -> numpy.ndarray:
    """A batch of no pictures of that shape: operations say what they would make of it, for free."""
    return numpy.empty((0, *pictures(shape)), numpy.float32)
