"""Optimisers: they read the gradients and write the parameters, never the other way round."""

from __future__ import annotations

import math
import numbers
from collections.abc import Iterable
from typing import Any

from .devices import Array, xp
from .tensor import Tensor


class SGD:
    """Stochastic gradient descent, with momentum and weight decay.

    velocity = momentum * velocity + gradient + weight_decay * parameter
    parameter = parameter - lr * velocity

    parameters: tensors that require a gradient; each once.
    lr: the step size, positive.  momentum: in [0, 1).  weight_decay: at least 0.
    """

    def __init__(
        self,
        parameters: Iterable[Tensor],
        lr: float,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
    ) -> None:
        self.parameters = _trainable(parameters)
        value: Any
        for name, value, good, allowed in (
            ("lr", lr, lambda n: 0 < n < math.inf, "positive and finite"),
            ("momentum", momentum, lambda n: 0 <= n < 1, "in [0, 1)"),
            ("weight_decay", weight_decay, lambda n: 0 <= n < math.inf, "at least 0"),
        ):
            if isinstance(value, bool) or not isinstance(value, numbers.Real) or not good(value):
                raise ValueError(f"SGD: {name} must be {allowed}, received {value!r}.")
        self.lr = float(lr)
        self.momentum = float(momentum)
        self.weight_decay = float(weight_decay)
        self._velocity: list[Array | None] = [None] * len(self.parameters)

    def zero_grad(self) -> None:
        """Forget the gradients, before the next backward() adds its own."""
        for p in self.parameters:
            p.grad = None

    def step(self) -> None:
        """Move every parameter that has a gradient.  RuntimeError if none has one."""
        if not any(p.grad is not None for p in self.parameters):
            raise RuntimeError(
                "SGD: no parameter has a gradient. Call loss.backward() before step(), with a loss "
                "that is computed from these parameters."
            )
        for i, p in enumerate(self.parameters):
            if p.grad is None:
                continue
            gradient = p.grad
            if self.weight_decay:
                gradient = gradient + self.weight_decay * p.data
            if self.momentum:
                velocity = self._velocity[i]
                if velocity is None:
                    velocity = self._velocity[i] = xp(p.data).zeros_like(p.data)
                velocity *= self.momentum
                velocity += gradient
                gradient = velocity
            p.data -= self.lr * gradient


def _trainable(parameters: Iterable[Tensor]) -> list[Tensor]:
    if isinstance(parameters, Tensor):
        raise TypeError("SGD: parameters is one Tensor. Give a list of them, [w].")
    if not isinstance(parameters, Iterable):
        raise TypeError(f"SGD: parameters is {type(parameters).__name__}. Give a list of Tensors.")
    found = list(parameters)
    if not found:
        raise ValueError(
            "SGD: there are no parameters. Give at least one Tensor with requires_grad=True."
        )
    for i, p in enumerate(found):
        if not isinstance(p, Tensor):
            raise TypeError(f"SGD: parameter {i} is {type(p).__name__}. Give Tensors.")
        if not (p.requires_grad and p.is_leaf):
            raise ValueError(
                f"SGD: parameter {i}, {p.label}, gets no gradient of its own. Make it with "
                "Tensor(..., requires_grad=True), not as the result of an operation."
            )
    if len({id(p) for p in found}) < len(found):
        raise ValueError("SGD: a parameter is listed twice, and would move twice. List it once.")
    return found
