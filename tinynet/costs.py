"""cost: what a model takes, layer by layer, before anything is trained.

The model runs on two examples of zeros, and on three.  What it takes grows with the batch along a
line, so two points tell how much any batch takes.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from .devices import get_threads
from .devices.workspace import budget
from .dry_run import Line, dry_run
from .inputs import shown
from .layers.arguments import whole
from .memory import size_text
from .module import Module
from .names import snake_case
from .shapes import as_shape
from .summary import aligned, amount, count, shape_text
from .tensor import Tensor


class CostRow(NamedTuple):
    """What one layer takes, or one operation outside layers.  Bytes are those of the batch."""

    name: str
    kind: str  # the class of the layer; "operation"
    shape: Any  # of what comes out, without the batch
    parameters: int
    multiply_adds: int  # of the forward pass
    kept: int  # bytes that the way back holds, and no row above does
    columns: int  # bytes of the largest column matrix of a convolution, if it were built whole
    workspace: int  # bytes that a convolution computes in on the way out, all threads together
    receptive_field: tuple[Any, Any] | None  # pixels (vertical, horizontal); infinite: all
    jump: tuple[Any, Any] | None  # pixels from one number's field to the next one's


class Cost:
    """The cost of a model for a batch: rows, their totals, and a table when it is printed.

    threads, budget: with how many, and within how many bytes, the workspace is; on a GPU None.
    """

    def __init__(
        self, name: str, batch: int, weights: list[Tensor], rows: list[CostRow], device: str
    ) -> None:
        self.name = name
        self.batch = batch
        self.threads = get_threads() if device == "cpu" else None
        self.budget = budget() if device == "cpu" else None
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
            return f"{size_text(self.workspace)}, the columns in one piece, as a GPU has them"
        threads = f"{self.threads} thread{'s' if self.threads != 1 else ''}"
        return (
            f"{size_text(self.workspace)} ({threads}, budget {size_text(self.budget)}); in one "
            f"piece {size_text(self.columns)}"
        )


def cost(model: Module, input_shape: Any = None, batch: int = 1) -> Cost:
    """Print what each layer of a model takes, and return it; nothing is trained, nothing changes.

    input_shape: of one example, without the batch; a list of shapes for several inputs.  Left out,
        it is what the model was built for.
    batch: how many examples at a time.  All numbers are for so many.

    Multiply-adds are those of the forward pass, in convolutions and products of matrices (where
    padding is multiplied, too); elementwise operations count none.  Backward takes about twice as
    many.  Kept is what the way back holds, in training, besides the weights: each array once, in
    the first row that holds it, the input too.  Columns are im2col's, if they were built whole.
    Workspace is the memory that a convolution really computes in, forward: on the CPU tiles of them
    (and their borders), one for each thread, within tn.workspace_budget.  The field is the
    receptive field: how many pixels a number of this layer sees, and the jump how far apart two
    neighbours look.

    What a layer computes, its activation too, is one row; an operation in a forward of your own is
    a row by itself.  A layer that is called twice has two rows, and its parameters count once.

    ValueError for a model that has not made its weights yet, or shapes that do not fit.
    """
    if not isinstance(model, Module):
        raise TypeError(f"cost: model is {shown(model)}. Give a model, tn.Sequential say.")
    batch = whole("cost", "batch", batch)
    shapes, several = _shapes(model, input_shape)
    weights = model.weights()
    two, three = (dry_run(model, shapes, several, size) for size in (2, 3))
    if [line.name for line in two] != [line.name for line in three]:
        raise ValueError(
            f"cost: {model.label} computes something else for 3 examples than for 2, so nothing "
            "follows for a batch. Give a model whose operations do not depend on the batch."
        )
    rows = [_row(a, b, batch) for a, b in zip(two, three, strict=True)]
    name = model.name or snake_case(type(model).__name__)
    found = Cost(name, batch, list(weights.values()), rows, model.device)
    print(found)
    return found


def _shapes(model: Any, input_shape: Any) -> tuple[list[tuple[int, ...]], bool]:
    """The shapes of the inputs, and whether the model takes a list of them."""
    if input_shape is None:
        several = getattr(model, "takes_list", False)
        symbols = getattr(model, "inputs", ())
        input_shape = [s.shape for s in symbols] if several else model.input_shape
        if symbols and not several:
            input_shape = symbols[0].shape
    if input_shape is None:
        raise ValueError(
            f"cost: {model.label} was built for no shape. Give input_shape, (28, 28, 1) say, the "
            "shape of one example without the batch."
        )
    if isinstance(input_shape, list) and any(isinstance(s, tuple | list) for s in input_shape):
        return [as_shape("cost", shape) for shape in input_shape], True
    return [as_shape("cost", input_shape)], getattr(model, "takes_list", False)


def _row(two: Line, three: Line, batch: int) -> CostRow:
    def grown(a: int, b: int) -> int:
        return a + (b - a) * (batch - 2)

    slides = [
        (grown(a.columns, b.columns), a.workspace(grown(a.pictures, b.pictures)))
        for a, b in zip(two.slides, three.slides, strict=True)
    ]
    return CostRow(
        two.name,
        two.kind,
        two.shape,
        two.parameters,
        grown(two.multiply_adds, three.multiply_adds),
        grown(two.kept, three.kept),
        max((columns for columns, _ in slides), default=0),
        max((workspace for _, workspace in slides), default=0),
        two.field and two.field.size,
        two.field and two.field.jump,
    )


def _pixels(pair: tuple[Any, Any] | None) -> str:
    """Pixels as the table shows them: 5, 5x3, 1/2, all.  A jump of 0 has no meaning."""
    if pair is None or not any(pair):
        return ""
    words = ["all" if math.isinf(n) else str(n) for n in pair]
    return words[0] if words[0] == words[1] else "x".join(words)
