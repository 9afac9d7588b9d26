"""A training step under a clock: who watches it, and what it measures."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from time import perf_counter
from typing import Any

from .autograd import Pullback, Record
from .calls import Calls, Place
from .devices import Array, device_of, xp
from .inference import one_number
from .memory import Kept, new_bytes
from .module import Module
from .names import snake_case
from .observer import observe
from .optim import Optimizer
from .tensor import Tensor

PENALTY = Place("penalty", "regularizers")

Key = tuple[Place, str]  # a layer, and an operation in it


class Frames(Calls):
    """Knows what an operation belongs to outside the model, too."""

    @contextlib.contextmanager
    def within(self, place: Place) -> Iterator[None]:
        self._running.append(place)
        yield
        self._running.pop()

    def place(self, module: Any) -> Place:
        return module if isinstance(module, Place) else super().place(module)


class Sizes(Frames):
    """Adds up the memory of results, and of what pullbacks hold."""

    def __init__(self, model: Module, given: list[Tensor]) -> None:
        super().__init__(model)
        self.sizes: dict[Key, tuple[int, int]] = {}
        self._kept: Kept | None = Kept(model.weights().values(), given)

    def after_forward(self, y: Tensor, inputs: tuple, settings: dict) -> None:
        if self._kept is None:  # the step was counted before
            return
        key = self.place(self.module), y.operation
        results, kept = self.sizes.get(key, (0, 0))
        self.sizes[key] = results + new_bytes(y, inputs), kept + self._kept.added_by(y)

    def before_pullback(self, y: Record, pullback: Pullback) -> None:
        self._kept = None


class Clock(Frames):
    """Measures one step: for each operation in each layer its calls, and seconds of both ways."""

    def __init__(self, model: Module) -> None:
        super().__init__(model)
        self.spans: dict[Key, list[float]] = {}  # calls, forward, backward
        self._begun: list[list[Any]] = []  # of operations that run: name, span, inside, start
        self._span_of: dict[int, list[float]] = {}  # by the number of a result
        self._start = 0.0

    def before_forward(self, operation: str, inputs: tuple, settings: dict) -> None:
        span = self.spans.setdefault((self.place(self.module), operation), [0, 0.0, 0.0])
        self._begun.append([operation, span, 0.0, perf_counter()])

    def after_forward(self, y: Tensor, inputs: tuple, settings: dict) -> None:
        _wait(y.data)
        now = perf_counter()
        operation = None
        while operation != y.operation:  # others inside have failed, and were forgiven
            operation, span, inside, start = self._begun.pop()
        span[0] += 1
        span[1] += now - start - inside
        if self._begun:  # an operation that calls operations
            self._begun[-1][2] += now - start
        self._span_of[y._order] = span

    def before_pullback(self, y: Record, pullback: Pullback) -> None:
        self._start = perf_counter()

    def after_pullback(self, y: Record, x: Tensor | Record, dx: Array) -> None:
        _wait(dx)
        now = perf_counter()
        if y._order in self._span_of:
            self._span_of[y._order][2] += now - self._start


def _wait(array: Array) -> None:
    """A GPU is told what to do and does it later: until it is done."""
    if device_of(array) == "gpu":
        xp(array).cuda.get_current_stream().synchronize()


class Step:
    """A training step that can be taken again and again."""

    def __init__(
        self, model: Module, x: Any, target: Any, loss: Any, optimizer: Optimizer | None
    ) -> None:
        kind = type(model).__name__
        self.frame = Place(model.name or snake_case(kind), kind)
        self.loss = Place("loss", getattr(loss, "__name__", type(loss).__name__))
        self.model, self.x, self.target, self.function = model, x, target, loss
        self.optimizer = optimizer
        self.parameters = model.parameters()

    def take(self, calls: Frames) -> tuple[float, float, float]:
        """Take it under an observer.  Seconds: forward, backward, update."""
        with observe(calls):
            begun = perf_counter()
            if self.optimizer is None:
                for p in self.parameters:
                    p.grad = None
            else:
                self.optimizer.zero_grad()
            cleared = perf_counter()
            with calls.within(self.frame):
                outputs = self.model(self.x)
            with calls.within(self.loss):
                value = one_number("profile", self.function(outputs, self.target))
            with calls.within(PENALTY):
                penalty = self.model.penalty()
                value = value + penalty if isinstance(penalty, Tensor) else value
            computed = perf_counter()
            value.backward()
            walked = perf_counter()
            if self.optimizer is not None:
                self.optimizer.step()
            _wait(self.parameters[0].data)
            ended = perf_counter()
        return computed - cleared, walked - computed, cleared - begun + ended - walked

    def peak(self, calls: Frames) -> int:
        """Take it, and measure the most bytes that it adds to what there is before it."""
        import tracemalloc

        running = tracemalloc.is_tracing()
        if not running:
            tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            tracemalloc.reset_peak()
            self.take(calls)
            return tracemalloc.get_traced_memory()[1] - before
        finally:
            if not running:
                tracemalloc.stop()
