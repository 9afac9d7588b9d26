"""cost: the computation and memory that a model takes, layer by layer, before it is trained.

The model runs on two examples of ones, then on three.  Costs are linear in the batch size, so
these two points give the costs of any batch.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy

from ..devices import get_threads, kernels, plain
from ..devices.cpu.workspace import budget
from ..engine.tensor import Tensor
from ..messages.arguments import shape_of_example, whole
from ..models.module import Module
from ..models.names import snake_case
from ..models.summary import aligned, amount, count, shape_text
from ..training.checks import check_model
from .dry_run import Line, dry_run
from .kept_memory import size_text


class CostRow(NamedTuple):
    """The costs of one layer, or of one operation outside layers, for the whole batch."""

    name: str
    kind: str  # the class of the layer; "operation"
    shape: Any  # of the output, without the batch
    parameters: int
    multiply_adds: int  # of the forward pass
    kept: int  # bytes kept for backward, without those in the rows above
    columns: int  # bytes of the largest im2col matrix of a convolution, if it were built whole
    workspace: int  # bytes that a convolution computes in, forward, all threads together
    receptive_field: tuple[Any, Any] | None  # pixels (vertical, horizontal); infinite: all
    jump: tuple[Any, Any] | None  # pixels from one number's field to the next one's


class Cost:
    """The cost of a model for a batch: rows, their totals, and a table when it is printed.

    threads, budget: how many threads share the workspace, and its largest size in bytes.  None
    where convolutions build their columns in one piece: on a GPU, and with TINYNET_PLAIN=1.
    """

    def __init__(
        self, name: str, batch: int, weights: list[Tensor], rows: list[CostRow], device: str
    ) -> None:
        tiles = device == "cpu" and kernels(numpy.empty(0)) is not plain
        self.name = name
        self.batch = batch
        self.threads = get_threads() if tiles else None
        self.budget = budget() if tiles else None
        self.rows = rows
        self.parameters = count(weights)
        self.multiply_adds = sum(row.multiply_adds for row in rows)
        self.kept = sum(row.kept for row in rows)
        self.columns = max((row.columns for row in rows), default=0)
        self.workspace = max((row.workspace for row in rows), default=0)
        self._params = amount(weights)

    def __repr__(self) -> str:
        return (
            f"Cost({self.name!r}, batch={self.batch}: {self.parameters:,} parameters, "
            f"{self.multiply_adds:,} multiply-adds, {size_text(self.kept)} kept)"
        )

    def __str__(self) -> str:
        """The table."""
        slides = any(row.columns or row.receptive_field for row in self.rows)
        head = ["Layer (type)", "Output shape", "Param #", "Multiply-adds", "Kept"]
        cells = [head + ["Columns", "Workspace", "Field", "Jump"] * slides]
        for row in self.rows:
            line = [f"{row.name} ({row.kind})", shape_text(row.shape)]
            line += [f"{row.parameters:,}", f"{row.multiply_adds:,}", size_text(row.kept)]
            if slides:
                line += [size_text(n) if n else "" for n in (row.columns, row.workspace)]
                line += [_pixels(row.receptive_field), _pixels(row.jump)]
            cells.append(line)
        lines = aligned(cells, left=2)
        across = max(map(len, lines))
        return "\n".join(
            [
                f'Cost of "{self.name}", batch of {self.batch}',
                "_" * across,
                lines[0],
                "=" * across,
                *lines[1:],
                "=" * across,
                f"Total params: {self._params}",
                f"Multiply-adds, forward: {self.multiply_adds:,}",
                f"Kept for backward: {size_text(self.kept)}",
                *[f"Largest workspace: {self._workspace()}"] * bool(self.columns),
                *["Field: the pixels that a number sees; jump: from its field to the next"]
                * slides,
                "_" * across,
            ]
        )

    def _workspace(self) -> str:
        if self.budget is None:
            return f"{size_text(self.workspace)}, the columns in one piece"
        threads = f"{self.threads} thread{'s' if self.threads != 1 else ''}"
        return (
            f"{size_text(self.workspace)} ({threads}, budget {size_text(self.budget)}); in one "
            f"piece {size_text(self.columns)}"
        )


def cost(model: Module, input_shape: Any = None, batch: int = 1) -> Cost:
    """Print the costs of each layer of a model, and return them.  The model does not change.

    input_shape: of one example, without the batch; a list of shapes for several inputs.  Left out,
        it is the shape that the model was built for.
    batch: the number of examples in the batch that all costs are for, at least 1.

    Multiply-adds: those of the forward pass, in convolutions and products of matrices (products
        with padding count too).  Elementwise operations count none, and other operations those that
        they declare as tn.Work.  Backward takes about twice as many.
    Kept: the bytes that are kept for backward, besides the weights.  Each array counts once, in the
        first row that keeps it; the input counts too.
    Columns: the bytes of the im2col matrix, if it were built whole.
    Workspace: the memory that a convolution really computes in, forward.  On the CPU these are
        tiles of the columns (and their borders), one for each thread, within tn.workspace_budget.
    Field: the receptive field, the number of pixels that a number of this layer sees.
    Jump: how far the fields of two neighbors are apart.

    A layer is one row, with its activation; an operation in a forward of your own is a row by
    itself.  A layer that is called twice has two rows, and its parameters count once.

    ValueError for a model that has not made its weights yet, and for wrong shapes.
    """
    check_model("cost", model)
    batch = whole("cost", "batch", batch)
    shapes, several = _shapes(model, input_shape)
    weights = model.weights()
    two, three = (dry_run(model, shapes, several, size) for size in (2, 3))
    if [line.name for line in two] != [line.name for line in three]:
        raise ValueError(
            f"cost: {model.label} computes other operations for 3 examples than for 2, so the "
            "costs of a batch are unknown. Give a model whose operations do not depend on the "
            "batch."
        )
    rows = [_row(a, b, batch) for a, b in zip(two, three, strict=True)]
    name = model.name or snake_case(type(model).__name__)
    found = Cost(name, batch, list(weights.values()), rows, model.device)
    print(found)
    return found


def _shapes(model: Any, input_shape: Any) -> tuple[list[tuple[int, ...]], bool]:
    """The shapes of the inputs, and whether the model takes a list of them."""
    if input_shape is None:
        several = model.takes_list
        symbols = getattr(model, "inputs", ())
        input_shape = [s.shape for s in symbols] if several else model.input_shape
        if symbols and not several:
            input_shape = symbols[0].shape
    if input_shape is None:
        raise ValueError(
            f"cost: {model.label} was built for no shape. Give input_shape, the shape of one "
            "example without the batch, for example (28, 28, 1)."
        )
    if isinstance(input_shape, list) and any(isinstance(s, tuple | list) for s in input_shape):
        return [shape_of_example("cost", shape) for shape in input_shape], True
    return [shape_of_example("cost", input_shape)], model.takes_list


def _row(two: Line, three: Line, batch: int) -> CostRow:
    """The row of a batch, from the lines of two and of three examples."""

    def grown(a: int, b: int) -> int:
        return a + (b - a) * (batch - 2)

    scratch = [
        (grown(a.columns, b.columns), a.workspace(grown(a.pictures, b.pictures)))
        for a, b in zip(two.scratch, three.scratch, strict=True)
    ]
    return CostRow(
        two.name,
        two.kind,
        two.shape,
        two.parameters,
        grown(two.multiply_adds, three.multiply_adds),
        grown(two.kept, three.kept),
        max((columns for columns, _ in scratch), default=0),
        max((workspace for _, workspace in scratch), default=0),
        two.field and two.field.size,
        two.field and two.field.jump,
    )


def _pixels(pair: tuple[Any, Any] | None) -> str:
    """Pixels as the table shows them: 5, 5x3, 1/2, all; nothing for a jump of 0."""
    if pair is None or not any(pair):
        return ""
    words = ["all" if math.isinf(n) else str(n) for n in pair]
    return words[0] if words[0] == words[1] else "x".join(words)
