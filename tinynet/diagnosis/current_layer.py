"""Tracks the running layer of a model, so that each operation is booked to it."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..engine.observer import Observer
from ..layers.base import Layer
from ..models.module import Module
from ..models.names import snake_case


class Place(NamedTuple):
    """A layer, or another module that computes something itself, as tables name it."""

    name: str  # its path in the model, encoder.conv_1
    kind: str  # its class


class CurrentLayer(Observer):
    """Knows the layer that runs.  All that a layer calls is booked to it, its activation too.

    Other modules, for example a Sequential, hold layers, which are booked by themselves.  Only the
    operations in a module's own forward are booked to that module.
    """

    def __init__(self, model: Module) -> None:
        self._places = {
            id(module): place_of(module, path) for path, module in model.named_modules()
        }
        self._running: list[Module] = []  # the outermost first
        self.outside = Place("", "")  # where operations outside modules are booked

    @property
    def module(self) -> Module | None:
        """The outermost layer that runs; outside layers the innermost module, or None."""
        layers = (module for module in self._running if isinstance(module, Layer))
        return next(layers, self._running[-1] if self._running else None)

    def place(self, module: Module | None) -> Place:
        """How tables name it; a module that is no attribute of the model by its label."""
        if module is None:
            return self.outside
        known = self._places.get(id(module))
        return known or Place(module.name or module.label, type(module).__name__)

    def before_module(self, module: Module, x: Any) -> None:
        self._running.append(module)

    def after_module(self, module: Module, y: Any) -> None:
        while self._running.pop() is not module:  # modules inside that failed and were caught
            pass


def place_of(module: Module, path: str = "") -> Place:
    """path: of the module in its model, "" for the model itself."""
    kind = type(module).__name__
    return Place(path or module.name or snake_case(kind), kind)
