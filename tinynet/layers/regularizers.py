"""Regularizers: a cost of large weights, which is added to the loss.

A cost of the squares (L2) keeps all weights small; a cost of the absolute values (L1) pulls useless
weights to 0.  Each is a function of a tensor, so it can make activations sparse too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..engine.tensor import Tensor
from ..messages.arguments import AT_LEAST_0, number
from ..messages.names import asked
from ..ops.arithmetic import abs as absolute


@dataclass(frozen=True)
class L1:
    """factor * sum |x|.  (...) -> ()   Where an element is 0, its gradient is 0.

    factor: at least 0, finite; the default is Keras'.
    """

    factor: float = 0.01

    def __post_init__(self) -> None:
        number("L1", "factor", self.factor, AT_LEAST_0)

    def __call__(self, x: Tensor) -> Tensor:
        _check_tensor("L1", x)
        return self.factor * absolute(x).sum()


@dataclass(frozen=True)
class L2:
    """factor * sum x^2.  (...) -> ()   The gradient is 2 * factor * x.

    factor: at least 0, finite; the default is Keras'.
    """

    factor: float = 0.01

    def __post_init__(self) -> None:
        number("L2", "factor", self.factor, AT_LEAST_0)

    def __call__(self, x: Tensor) -> Tensor:
        _check_tensor("L2", x)
        return self.factor * (x * x).sum()


@dataclass(frozen=True)
class L1L2:
    """l1 * sum |x| + l2 * sum x^2.  (...) -> ()   l1, l2: at least 0, finite."""

    l1: float = 0.0
    l2: float = 0.0

    def __post_init__(self) -> None:
        number("L1L2", "l1", self.l1, AT_LEAST_0)
        number("L1L2", "l2", self.l2, AT_LEAST_0)

    def __call__(self, x: Tensor) -> Tensor:
        _check_tensor("L1L2", x)
        return self.l1 * absolute(x).sum() + self.l2 * (x * x).sum()


def _check_tensor(where: str, x: Any) -> None:
    if not isinstance(x, Tensor):
        raise TypeError(f"{where}: x is {type(x).__name__}. Give a Tensor.")


if not TYPE_CHECKING:  # type checkers know the names
    __getattr__ = asked(__name__, ["L1", "L1L2", "L2"])
