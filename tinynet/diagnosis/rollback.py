"""rolled_back: try something with a model, and undo it afterwards."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy

from ..devices import Array, is_array
from ..engine.tensor import Tensor
from ..io.state import generator_state
from ..models.module import Module
from ..optim import Optimizer


@contextlib.contextmanager
def rolled_back(model: Module, optimizer: Optimizer | None = None) -> Iterator[None]:
    """Put model and optimizer back after the block to the same bits, also after an error.

    This covers weights, gradients, statistics, modes, generators, all other attributes of modules
    (also the penalties of earlier calls), the optimizer's slots and its number of steps.  Arrays
    are filled again in place, since others may have views of them.
    """
    restore: list[Callable[[], Any]] = []
    seen: set[int] = set()
    for module in model.modules():
        _keep(vars(module), restore, seen)
    if optimizer is not None:
        _keep(list(optimizer.parameters), restore, seen)
        state = optimizer.state_dict()
        restore.append(lambda: optimizer.load_state_dict(state))
    try:
        yield
    finally:
        for step in restore:
            step()


def _keep(value: Any, restore: list[Callable[[], Any]], seen: set[int]) -> None:
    """Append steps that put back a value and all that it holds; modules are the caller's."""
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, dict):
        entries = dict(value)
        restore += [value.clear, lambda: value.update(entries)]
        for item in entries.values():
            _keep(item, restore, seen)
    elif isinstance(value, list):
        items = list(value)
        restore.append(lambda: value.__setitem__(slice(None), items))
        for item in items:
            _keep(item, restore, seen)
    elif isinstance(value, tuple):
        for item in value:
            _keep(item, restore, seen)
    elif isinstance(value, numpy.random.Generator):
        state = generator_state(value)
        restore.append(lambda: setattr(value.bit_generator, "state", state))
    elif isinstance(value, Tensor) and value.is_leaf:  # results are never written to
        data, grad = value.data.copy(), value.grad
        restore.append(lambda: _fill(value, data, grad))
        _keep(grad, restore, seen)
    elif is_array(value) and getattr(value.flags, "writeable", True):
        before = value.copy()
        restore.append(lambda: value.__setitem__(..., before))


def _fill(x: Tensor, data: Array, grad: Array | None) -> None:
    """Write into the array that x has now: an optimizer may have moved x to its own buffer."""
    if x.data.shape == data.shape and type(x.data) is type(data):
        x.data[...] = data
    else:
        x.data = data
    x.grad = grad
