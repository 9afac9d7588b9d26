"""Calls: to which layer of a model an operation belongs, while the model runs."""

from __future__ import annotations

from typing import Any, NamedTuple

from .layers.base import Layer
from .module import Module
from .names import snake_case
from .observer import Observer


class Place(NamedTuple):
    """A layer, or another module that computes something itself, as tables name it."""

    name: str  # its path in the model, encoder.conv_1
    kind: str  # its class


class Calls(Observer):
    """Knows the layer that computes.  What a layer calls belongs to it, its activation say.

    A module that is no layer is a frame: its layers stand for themselves, and the operations in
    its own forward belong to it.
    """

    def __init__(self, model: Module) -> None:
        self._places = {
            id(module): Place(path or module.name or snake_case(kind), kind)
            for path, module in model.named_modules()
            for kind in [type(module).__name__]
        }
        self._running: list[Any] = []  # modules and places, the outermost first

    @property
    def module(self) -> Any:
        """The outermost layer that runs; outside layers the innermost module, or None."""
        layers = (module for module in self._running if isinstance(module, Layer))
        return next(layers, self._running[-1] if self._running else None)

    def place(self, module: Any) -> Place:
        """How tables name it; a module that the model's attributes do not lead to, by its label."""
        known = self._places.get(id(module))
        return known or Place(module.name or module.label, type(module).__name__)

    def before_module(self, module: Module, x: Any) -> None:
        self._running.append(module)

    def after_module(self, module: Module, y: Any) -> None:
        while self._running.pop() is not module:  # modules inside that failed, and were forgiven
            pass
