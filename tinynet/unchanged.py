"""unchanged: try something with a model, and have it as it was afterwards."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy

from .devices import Array, is_array
from .module import Module
from .optim import Optimizer
from .state import generator_state
from .tensor import Tensor


@contextlib.contextmanager
def unchanged(model: Module, optimizer: Optimizer | None = None) -> Iterator[None]:
    """Put model and optimizer back after the block, also after an error, to the same bits.

    Weights and gradients, statistics, modes, generators, what modules keep as attributes (penalties
    that wait to be taken, too), the optimizer's slots and its number of steps.  Arrays are filled
    again in place, since others may have views of them.
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
    """Append what puts a value back, and all that it holds; modules are the caller's."""
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
        stood = generator_state(value)
        restore.append(lambda: setattr(value.bit_generator, "state", stood))
    elif isinstance(value, Tensor) and value.is_leaf:  # a result is never written into
        data, grad = value.data.copy(), value.grad
        restore.append(lambda: _fill(value, data, grad))
        _keep(grad, restore, seen)
    elif is_array(value) and value.flags.writeable:
        before = value.copy()
        restore.append(lambda: value.__setitem__(..., before))


def _fill(x: Tensor, data: Array, grad: Array | None) -> None:
    """The numbers back into the array that x has now: an optimizer may have laid it elsewhere."""
    if x.data.shape == data.shape and type(x.data) is type(data):
        x.data[...] = data
    else:
        x.data = data
    x.grad = grad
