"""A dry run: a model computes on a few zeros, and what each layer takes is read from it.

Shapes, the arrays that pullbacks hold and the receptive fields are those of the run, not guessed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy

from .autograd import state
from .calls import Calls
from .devices import Windows, device_of, move
from .devices.convolution import spread_workspace, workspace
from .fields import MIXING, SLIDING, Field, Fields
from .layers.base import Layer
from .memory import Kept
from .module import Module
from .observer import observe
from .ops.convolution import windows_of_the_result
from .ops.windows import pair, windows
from .tensor import Tensor
from .unchanged import unchanged


class Slide(NamedTuple):
    """A convolution of so many pictures."""

    pictures: int
    columns: int  # bytes, if they were built whole
    workspace: Callable[[int], int]  # the bytes that it computes in, for any number of pictures


class Line:
    """A row in the making, for one batch."""

    def __init__(self, name: str, kind: str) -> None:
        self.name = name
        self.kind = kind
        self.shape: Any = None
        self.parameters = self.multiply_adds = self.kept = 0
        self.slides: list[Slide] = []
        self.field: Field | None = None


def dry_run(model: Module, shapes: list, several: bool, size: int) -> list[Line]:
    """The lines of a forward pass in training mode, of size examples; nothing has changed after it.

    shapes: of one example, for each input.  several: whether the model takes a list of inputs.
    """
    zeros = [
        Tensor(move(numpy.zeros((size, *shape), numpy.float32), model.device)) for shape in shapes
    ]
    lines = _Lines(model, zeros)
    recording, state.recording = state.recording, True
    try:
        with unchanged(model), observe(lines, alone=True), numpy.errstate(all="ignore"):
            model.train()(zeros if several else zeros[0])
    finally:
        state.recording = recording
    return lines.found


# -- what an operation takes, from its shapes ------------------------------------------------------


def _convolution(y: Tensor, inputs: tuple, settings: dict) -> tuple[int, Slide]:
    """y (N, OH, OW, O), w (KH, KW, C, O): each number of y is a sum over KH, KW and C."""
    (N, *picture), w = numpy.shape(inputs[0]), numpy.shape(inputs[1])
    row = math.prod(w[:3])
    x = numpy.broadcast_to(0, (N, *picture))
    ws = windows(x, w[:2], settings.get("stride", 1), settings.get("padding", "valid"))
    columns = y.size // w[3] * row * y.dtype.itemsize
    return y.size * row, _slide(y, N, columns, workspace, picture, w[3], ws)


def _transposed(y: Tensor, inputs: tuple, settings: dict) -> tuple[int, Slide]:
    """x (N, H, W, C), w (KH, KW, O, C): each pixel of x gives a row of KH, KW and O."""
    (N, *picture), w = numpy.shape(inputs[0]), numpy.shape(inputs[1])
    (H, W, C), row = picture, math.prod(w[:3])
    stride = pair(settings.get("stride", 1), "stride")
    ws = windows_of_the_result(H, W, w[:2], stride, settings.get("padding", "valid"))
    columns = N * H * W * row * y.dtype.itemsize
    return N * H * W * C * row, _slide(y, N, columns, spread_workspace, picture, w[2], ws)


def _slide(
    y: Tensor, N: int, columns: int, on_cpu: Callable, picture: list, outputs: int, ws: Windows
) -> Slide:
    if device_of(y.data) == "gpu":  # builds them whole
        return Slide(N, columns, lambda n: n * columns // N)
    return Slide(N, columns, lambda n: on_cpu((n, *picture), y.dtype, outputs, ws))


def _matmul(y: Tensor, inputs: tuple, settings: dict) -> tuple[int, None]:
    """(..., N, M) . (..., M, O): each number of y is a sum over M."""
    return y.size * numpy.shape(inputs[0])[-1], None


# The operations that multiply and add, and (multiply-adds, its windows if it has any) of each.
MULTIPLYING: dict[str, Callable[[Tensor, tuple, dict], tuple[int, Slide | None]]] = {
    "conv2d": _convolution,
    "conv2d_transpose": _transposed,
    "linear": _matmul,  # with its bias
    "matmul": _matmul,
}


class _Lines(Calls):
    """Writes a line for each call of a layer, and for each operation outside layers."""

    def __init__(self, model: Module, inputs: list[Tensor]) -> None:
        super().__init__(model)
        weights = list(model.weights().values())
        self.found: list[Line] = []
        self._line: Line | None = None  # of the layer that runs
        self._kept = Kept(weights)
        self._fields = Fields(inputs)
        self._new = {id(w): w for w in weights}  # that no line has counted yet
        self._names: dict[str, int] = {}  # of operations, how often they came

    def before_module(self, module: Module, x: Any) -> None:
        super().before_module(module, x)
        if self.module is module and isinstance(module, Layer):
            self._line = Line(*self.place(module))
            self.found.append(self._line)
            self._count(self._line, module.weights().values())

    def after_module(self, module: Module, y: Any) -> None:
        if self.module is module and self._line is not None:
            self._line.shape = _shape_of(y)
            self._line = None
        super().after_module(module, y)

    def after_forward(self, y: Tensor, inputs: tuple, settings: dict) -> None:
        line = self._line
        if line is None:
            line = Line(self._named(y.operation), "operation")
            line.shape = y.shape[1:]
            self.found.append(line)
            self._count(line, inputs)
        line.kept += self._kept.added_by(y)
        field = self._fields.after(y, inputs, settings)
        if y.operation in SLIDING or y.operation in MIXING:
            line.field = field
        if y.operation in MULTIPLYING:
            multiply_adds, slide = MULTIPLYING[y.operation](y, inputs, settings)
            line.multiply_adds += multiply_adds
            line.slides += [slide] if slide else []

    def _count(self, line: Line, tensors: Any) -> None:
        """The numbers of those weights among the tensors that were not counted before."""
        line.parameters += sum(t.size for t in tensors if self._new.pop(id(t), None) is not None)

    def _named(self, operation: str) -> str:
        """encoder.conv2d, encoder.conv2d_1: the names of operations in turn, as those of layers."""
        place = self.place(self.module) if len(self._running) > 1 else None
        name = f"{place.name}.{operation}" if place else operation
        self._names[name] = self._names.get(name, -1) + 1
        return f"{name}_{self._names[name]}" if self._names[name] else name


def _shape_of(y: Any) -> Any:
    if isinstance(y, list | tuple):
        return [_shape_of(part) for part in y]
    return tuple(y.shape[1:]) if hasattr(y, "shape") else None
