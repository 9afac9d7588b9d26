"""A dry run: a model computes on ones, and each layer's costs are read from that run.

Shapes, kept arrays and receptive fields are those of the run, not guessed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy

from ..engine.observer import Declared, Work, observe
from ..engine.record import paused
from ..engine.tensor import Tensor
from ..layers.base import Layer
from ..models.module import Module
from ..models.parts import trial
from .current_layer import CurrentLayer
from .kept_memory import Kept
from .receptive_field import ReceptiveField, ReceptiveFields
from .rollback import rolled_back


class Scratch(NamedTuple):
    """The memory that one convolution computes in."""

    pictures: int  # of the dry run
    columns: int  # bytes, if they were built in one piece
    workspace: Callable[[int], int]  # bytes, for any number of pictures


class Line:
    """The costs of a layer, or of an operation outside layers, for the batch of the dry run."""

    def __init__(self, name: str, kind: str) -> None:
        self.name = name
        self.kind = kind
        self.shape: Any = None
        self.parameters = self.multiply_adds = self.kept = 0
        self.scratch: list[Scratch] = []
        self.field: ReceptiveField | None = None


def dry_run(model: Module, shapes: list, several: bool, size: int) -> list[Line]:
    """The lines of a forward pass in training mode of size examples.  The model does not change.

    shapes: of one example, for each input.  several: whether the model takes a list of inputs.
    """
    ones = [
        Tensor(numpy.ones((size, *shape), numpy.float32), device=model.device) for shape in shapes
    ]
    lines = _Lines(model, ones)
    before, tried = paused.set(0), trial.set(True)
    try:
        with rolled_back(model), observe(lines, alone=True), numpy.errstate(all="ignore"):
            model.train()(ones if several else ones[0])
    finally:
        paused.reset(before)
        trial.reset(tried)
    return lines.found


class _Lines(CurrentLayer):
    """Writes a line for each call of a layer, and for each operation outside layers."""

    def __init__(self, model: Module, inputs: list[Tensor]) -> None:
        super().__init__(model)
        weights = list(model.weights().values())
        self.found: list[Line] = []
        self._line: Line | None = None  # of the layer that runs
        self._kept = Kept(weights)
        self._fields = ReceptiveFields(inputs)
        self._new = {id(w): w for w in weights}  # not counted in a line yet
        self._names: dict[str, int] = {}  # of operations: how often each came

    def before_module(self, module: Module, x: Any) -> None:
        super().before_module(module, x)
        if self.module is module and isinstance(module, Layer):
            self._line = Line(*self.place(module))
            self.found.append(self._line)
            self._count(self._line, module.weights().values())

    def after_module(self, module: Module, y: Any) -> None:
        if self.module is module and self._line is not None:
            self._line.shape = _shape_of(y)
            if self._line.field:  # the field of y, not of a penalty that the layer also computed
                first = y[0] if isinstance(y, list | tuple) and y else y
                self._line.field = self._fields.of(first)
            self._line = None
        super().after_module(module, y)

    def after_forward(self, y: Tensor, inputs: tuple, settings: dict, work: Declared) -> None:
        line = self._line
        if line is None:
            line = Line(self._named(y.operation), "operation")
            line.shape = y.shape[1:]
            self.found.append(line)
            self._count(line, inputs)
        line.kept += self._kept.added_by(y)
        done = declared(y, inputs, settings, work)
        field = self._fields.after(y, inputs, done)
        if work is not None:
            line.field = field or line.field
        line.multiply_adds += done.multiply_adds
        if done.workspace is not None:
            line.scratch.append(Scratch(numpy.shape(inputs[0])[0], done.columns, done.workspace))

    def _count(self, line: Line, tensors: Any) -> None:
        """Add the numbers of those tensors that are weights and were not counted before."""
        line.parameters += sum(t.size for t in tensors if self._new.pop(id(t), None) is not None)

    def _named(self, operation: str) -> str:
        """encoder.conv2d, encoder.conv2d_1: operations are numbered as layers are."""
        place = self.place(self.module) if len(self._running) > 1 else None
        name = f"{place.name}.{operation}" if place else operation
        self._names[name] = self._names.get(name, -1) + 1
        return f"{name}_{self._names[name]}" if self._names[name] else name


def declared(y: Tensor, inputs: tuple, settings: dict, work: Declared) -> Work:
    """The Work that an operation declares; Work() if it declares none."""
    if work is None:
        return Work()
    arrays = (x.data if isinstance(x, Tensor) else x for x in inputs)
    arrays = (numpy.asarray(x) if isinstance(x, list | tuple) else x for x in arrays)
    where = f"{y.operation}: the function work of its @differentiable"
    try:
        found = work(y.data, *arrays, **settings)
    except Exception as error:
        raise TypeError(
            f"{where} failed: {error}. Its parameters are y and those of {y.operation}."
        ) from error
    if not isinstance(found, Work):
        raise TypeError(f"{where} returned {type(found).__name__}. Return tn.Work(...).")
    for name in ("window", "stride"):
        if numpy.shape(getattr(found, name)) != (2,):
            raise TypeError(
                f"{where} gave {name}={getattr(found, name)!r}. Give (vertical, horizontal)."
            )
    return found


def _shape_of(y: Any) -> Any:
    if isinstance(y, list | tuple):
        return [_shape_of(part) for part in y]
    return tuple(y.shape[1:]) if hasattr(y, "shape") else None
