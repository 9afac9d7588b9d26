"""Optimizers: they read the gradients and write the parameters, never the other way round."""

from typing import TYPE_CHECKING

from ..messages.names import asked
from .optimizer import Optimizer
from .parameters import gradient_norm
from .rules import SGD, Adam, AdamW, RMSprop

__all__ = ["SGD", "Adam", "AdamW", "Optimizer", "RMSprop", "gradient_norm"]

if not TYPE_CHECKING:  # type checkers know the names
    __getattr__ = asked(__name__, __all__)
