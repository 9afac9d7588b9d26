"""A training step under a clock, and the observers that measure its time and memory."""

from __future__ import annotations

import tracemalloc
from time import perf_counter
from typing import Any

from ..devices import Array, device_of, gpu, on_gpu, xp
from ..engine.observer import observe
from ..engine.record import Pullback, Record
from ..engine.tensor import Tensor
from ..models.module import Module
from ..optim import Optimizer
from ..training.loop import training_step
from .current_layer import CurrentLayer, Place, place_of
from .kept_memory import Kept, new_bytes

PENALTY = Place("penalty", "regularizers")

Key = tuple[Place, str]  # a layer, and an operation in it


class Sizes(CurrentLayer):
    """Adds up the bytes of results, and the bytes that pullbacks hold, in the first step."""

    def __init__(self, model: Module, given: list[Tensor]) -> None:
        super().__init__(model)
        self.sizes: dict[Key, tuple[int, int]] = {}
        self._kept: Kept | None = Kept(model.weights().values(), given)

    def after_forward(self, y: Tensor, inputs: tuple, settings: dict, work: Any) -> None:
        if self._kept is None:  # a later step
            return
        key = self.place(self.module), y.operation
        results, kept = self.sizes.get(key, (0, 0))
        self.sizes[key] = results + new_bytes(y, inputs), kept + self._kept.added_by(y)

    def before_pullback(self, y: Record, pullback: Pullback) -> None:
        self._kept = None  # lets go of the arrays


class Clock(CurrentLayer):
    """Measures one step: for each operation in each layer its calls and seconds, both ways."""

    def __init__(self, model: Module) -> None:
        super().__init__(model)
        self.spans: dict[Key, list[float]] = {}  # calls, forward, backward
        self._begun: list[list[Any]] = []  # operations that run: name, span, inside, start
        self._span_of: dict[int, list[float]] = {}  # by the number of a result
        self._start = 0.0

    def before_forward(self, operation: str, inputs: tuple, settings: dict) -> None:
        span = self.spans.setdefault((self.place(self.module), operation), [0, 0.0, 0.0])
        self._begun.append([operation, span, 0.0, perf_counter()])

    def after_forward(self, y: Tensor, inputs: tuple, settings: dict, work: Any) -> None:
        _wait(y.data)
        now = perf_counter()
        operation = None
        while operation != y.operation:  # operations inside that failed and were caught
            operation, span, inside, start = self._begun.pop()
        span[0] += 1
        span[1] += now - start - inside
        if self._begun:  # this one ran inside another operation
            self._begun[-1][2] += now - start
        self._span_of[y._order] = span

    def before_pullback(self, y: Record, pullback: Pullback) -> None:
        self._start = perf_counter()

    def after_pullback(self, y: Record, x: Any, dx: Array) -> None:
        _wait(dx)
        now = perf_counter()
        if y._order in self._span_of:
            self._span_of[y._order][2] += now - self._start


def _wait(array: Array) -> None:
    """Wait until a GPU has computed the array: calls return before their work is done."""
    if device_of(array) == "gpu":
        xp(array).cuda.get_current_stream().synchronize()


class TimedStep:
    """A training step that can be taken again and again, under a clock.

    It stands in for the optimizer, so that it can read the clock before and after its work.
    """

    def __init__(
        self, model: Module, x: Any, target: Any, loss: Any, optimizer: Optimizer | None
    ) -> None:
        self.frame = place_of(model)
        self.model, self.x, self.target, self.loss = model, x, target, loss
        self.optimizer = optimizer
        self.parameters = model.parameters()
        self._times: list[float] = []

    def take(self, current: CurrentLayer) -> tuple[float, float, float]:
        """Take the step under an observer.  Seconds: forward, backward, update."""

        def loss(outputs: Any, target: Any) -> Any:
            name = getattr(self.loss, "__name__", type(self.loss).__name__)
            current.outside = Place("loss", name)
            value = self.loss(outputs, target)
            current.outside = PENALTY  # which follows
            return value

        self._times = []
        current.outside = self.frame
        with observe(current):
            self._tick()
            training_step("profile", self.model, loss, self, self.x, self.target, self._tick)
            _wait(self.parameters[0].data)
            self._tick()
        begun, cleared, computed, walked, ended = self._times
        return computed - cleared, walked - computed, cleared - begun + ended - walked

    def _tick(self, *_: Any) -> None:
        self._times.append(perf_counter())

    def zero_grad(self) -> None:
        if self.optimizer is not None:
            self.optimizer.zero_grad()
        else:
            for p in self.parameters:
                p.grad = None
        self._tick()

    def step(self) -> None:
        self._tick()
        if self.optimizer is not None:
            self.optimizer.step()

    def peak(self, current: CurrentLayer) -> int:
        """Take the step, and measure the most bytes that it adds to what there is before it."""
        if on_gpu(self.parameters[0].data):
            return gpu.peak_memory(lambda: self.take(current))
        running = tracemalloc.is_tracing()
        if not running:
            tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            tracemalloc.reset_peak()
            self.take(current)
            return tracemalloc.get_traced_memory()[1] - before
        finally:
            if not running:
                tracemalloc.stop()
