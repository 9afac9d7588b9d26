"""profile: the time and memory of a training step, layer by layer.

A clock measures each operation and each pullback in a few real steps.  A large share in the table
shows what to make faster.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any, NamedTuple

from ..data.batches import Batches, batches
from ..devices import is_array
from ..engine.record import no_grad
from ..engine.tensor import Tensor
from ..messages.arguments import boolean, shown, whole
from ..models.module import Module
from ..models.summary import aligned
from ..optim import Optimizer
from ..training.checks import as_loss, check_model, check_trainable, dtype_of, inputs_and_target
from .current_layer import Place
from .kept_memory import size_text
from .rollback import rolled_back
from .timed_step import Clock, Sizes, TimedStep

WARM_UP = 2  # steps that do not count: their pages, caches and buffers are new
ENGINE = Place("engine", "and all else")


class ProfileRow(NamedTuple):
    """A layer, or one of its operations.  Times are milliseconds in a step, medians over steps."""

    name: str
    kind: str  # the class of the layer
    operation: str  # "" where the row is the whole layer
    calls: int  # in a step
    forward: float
    backward: float
    update: float  # the optimizer's
    share: float  # of the step, in [0, 1]
    results: int  # bytes of new output arrays
    kept: int  # bytes kept for backward, without those in the rows above

    @property
    def milliseconds(self) -> float:
        return self.forward + self.backward + self.update


class Profile:
    """The time and memory of a step: rows, and a table when it is printed.

    step: milliseconds, the sum of the rows.  fastest, slowest: of the measured steps.
    peak: the most bytes that a step added to those before it; None if it was not measured.
    """

    def __init__(
        self,
        name: str,
        examples: int,
        rows: list[ProfileRow],
        seconds: list[float],
        peak: int | None,
    ) -> None:
        self.name = name
        self.examples = examples
        self.rows = rows
        self.steps = len(seconds)
        self.step = sum(row.milliseconds for row in self.layers)
        self.fastest, self.slowest = min(seconds) * 1e3, max(seconds) * 1e3
        self.kept = sum(row.kept for row in self.layers)
        self.peak = peak

    @property
    def layers(self) -> list[ProfileRow]:
        """The rows of whole layers, of the loss, the engine and the optimizer."""
        return [row for row in self.rows if not row.operation]

    @property
    def operations(self) -> list[ProfileRow]:
        """The rows of the operations in the layers."""
        return [row for row in self.rows if row.operation]

    def plot(self, title: str = "") -> Any:
        """A matplotlib figure: a bar for each layer, forward and backward."""
        from ..plot import profile as draw

        return draw(self, title)

    def __repr__(self) -> str:
        return (
            f"Profile({self.name!r}, {self.examples} examples: {self.step:.3g} ms a step, "
            f"{size_text(self.kept)} kept)"
        )

    def __str__(self) -> str:
        """The table."""
        digits = 2 if self.step >= 10 else 3
        cells = [["Layer (type)", "Operation", "Calls", "Forward ms", "Backward ms", "Sum ms"]]
        cells[0] += ["Share", "Results", "Kept"]
        of_layer: dict[Place, list[str]] = {}
        for row in self.operations:
            of_layer.setdefault(Place(row.name, row.kind), []).append(row.operation)
        for row in self.rows:
            inside = of_layer.get(Place(row.name, row.kind), [""])
            if row.operation and len(inside) == 1:  # the row of its layer shows the same
                continue
            cells.append(
                [
                    "" if row.operation else f"{row.name} ({row.kind})",
                    inside[0] if len(inside) == 1 else row.operation,
                    f"{row.calls}" if row.calls else "",
                    *(f"{t:.{digits}f}" if t else "" for t in (row.forward, row.backward)),
                    f"{row.milliseconds:.{digits}f}",
                    f"{row.share:.1%}",
                    *(size_text(size) if size else "" for size in (row.results, row.kept)),
                ]
            )
        lines = aligned(cells, left=2)
        across = max(map(len, lines))
        most = max(self.operations, key=lambda row: row.milliseconds)
        return "\n".join(
            [
                f'Profile of "{self.name}", batch of {self.examples}',
                "_" * across,
                lines[0],
                "=" * across,
                *lines[1:],
                "=" * across,
                f"A step: {self.step:.{digits}f} ms, medians of {self.steps} "
                f"({self.fastest:.{digits}f} to {self.slowest:.{digits}f})",
                f"Most of it: {most.operation} in {most.name} ({most.kind}), {most.share:.1%}",
                f"Kept for backward: {size_text(self.kept)}",
                *([] if self.peak is None else [f"Peak of a step: {size_text(self.peak)}"]),
                "_" * across,
            ]
        )


def profile(
    model: Module,
    batch: Any,
    loss: Callable[[Any, Any], Tensor],
    optimizer: Optimizer | None = None,
    *,
    steps: int = 10,
    peak: bool = False,
) -> Profile:
    """Train for a few steps, print their time and memory by layer, and return the table.

    Afterwards model and optimizer are as they were, to the same bits.

    batch: one batch (x, target), as tn.data.batches gives it.
    loss: a function (outputs, target) -> tensor of one number, as for fit.
    optimizer: its step is measured too; None leaves it out.
    steps: how many steps are measured, at least 1, after two that are not.
    peak: whether to measure the peak memory of a step, in one more step, which is slow.

    Times are medians over the steps.  The backward time of an operation is that of its pullbacks.
    The row "engine" is the rest: checks, the record, sums of gradients, and Python between the
    operations.  Results are the bytes of new output arrays.  Kept are the bytes kept for backward;
    each array counts once, in the first row that keeps it.  All that a layer calls is booked to it;
    operations in a forward of your own are booked to the model's own name.

    Changes inside the loss function are not undone, for example of its generators.  Inside
    `with tn.doctor():` the doctor's work counts as the engine's.  On a GPU, the clock waits for
    each operation.
    """
    check_model("profile", model)
    loss = as_loss("profile", loss)
    if optimizer is not None and not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"profile: optimizer is {shown(optimizer)}. Give tn.optim.Adam(model.parameters()), or "
            "None to leave it out."
        )
    steps = whole("profile", "steps", steps)
    peak = boolean("profile", "peak", peak)
    check_trainable("profile", model)
    x, target = _one_batch(batch, model)
    step = TimedStep(model, x, target, loss, optimizer)
    inputs = x if isinstance(x, list) else [x]
    sizes = Sizes(model, [t for t in (*inputs, target) if isinstance(t, Tensor)])
    clocks = [Clock(model) for _ in range(WARM_UP + steps)]
    with rolled_back(model, optimizer):
        model.train()
        with no_grad():
            model.penalty()  # drops the penalties of earlier calls
        step.take(sizes)
        seconds = [step.take(clock) for clock in clocks][WARM_UP:]
        most = step.peak(sizes) if peak else None
    rows = _rows(step, clocks[WARM_UP:], seconds, sizes)
    found = Profile(step.frame.name, len(inputs[0]), rows, [sum(parts) for parts in seconds], most)
    print(found)
    return found


def _one_batch(batch: Any, model: Module) -> tuple[Any, Any]:
    """Inputs and target.  Arrays become tensors on the model's device; tensors stay."""
    if isinstance(batch, Batches):
        raise TypeError(
            f"profile: batch is {len(batch)} batches. Give one of them, next(iter(data))."
        )
    if isinstance(batch, tuple) and all(is_array(a) or type(a) is list for a in batch):
        batch = next(iter(batches(*batch, size=max(len(batch[0]), 1), device=model.device)))
    return inputs_and_target("profile", batch, dtype_of(model))


def _rows(
    step: TimedStep, clocks: list[Clock], seconds: list[tuple[float, float, float]], sizes: Sizes
) -> list[ProfileRow]:
    """Layers in the order of their first call, each followed by its operations."""
    layers: dict[Place, list[ProfileRow]] = {}
    for place, operation in dict.fromkeys(key for clock in clocks for key in clock.spans):
        key = place, operation
        spans = [clock.spans.get(key, [0, 0.0, 0.0]) for clock in clocks]
        calls, forward, backward = (statistics.median(part) for part in zip(*spans, strict=True))
        memory = sizes.sizes.get(key, (0, 0))
        row = _row(place, operation, round(calls), forward, backward, 0.0, *memory)
        layers.setdefault(place, []).append(row)

    rows: list[ProfileRow] = []
    for place, found in layers.items():
        rows += [_together(place, found), *found]
    left = [
        statistics.median(
            total[way] - sum(span[1 + way] for span in clock.spans.values())
            for clock, total in zip(clocks, seconds, strict=True)
        )
        for way in (0, 1)
    ]
    rows.append(_row(ENGINE, "", 0, left[0], left[1]))
    if step.optimizer is not None:
        update = statistics.median(total[2] for total in seconds)
        place = Place("optimizer", type(step.optimizer).__name__)
        rows.append(_row(place, "", 1, 0.0, 0.0, update))
    whole_step = sum(row.milliseconds for row in rows if not row.operation)
    return [row._replace(share=row.milliseconds / whole_step) for row in rows]


def _row(
    place: Place,
    operation: str,
    calls: int,
    forward: float,
    backward: float,
    update: float = 0.0,
    results: int = 0,
    kept: int = 0,
) -> ProfileRow:
    """A row from seconds; its share is not known yet."""
    times = forward * 1e3, backward * 1e3, update * 1e3
    return ProfileRow(*place, operation, calls, *times, 0.0, results, kept)


def _together(place: Place, rows: list[ProfileRow]) -> ProfileRow:
    """The row of a layer, from the rows of its operations."""
    return ProfileRow(
        *place,
        "",
        max(row.calls for row in rows),
        sum(row.forward for row in rows),
        sum(row.backward for row in rows),
        0.0,
        0.0,
        sum(row.results for row in rows),
        sum(row.kept for row in rows),
    )
