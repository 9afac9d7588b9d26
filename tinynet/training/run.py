"""Run: a training and its place in the data, so that it can stop after any batch and go on."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from ..data.batches import Batches
from ..devices import move, on_gpu, xp
from ..io.state import State
from ..models.module import Module
from ..optim import Optimizer
from .callbacks import Callback
from .checks import (
    Metrics,
    as_batches,
    check_model,
    check_optimizer,
    check_trainable,
    metrics_by_name,
    not_finite,
    repeatable,
)
from .evaluate import measured
from .history import History
from .progress import written
from .resume import fingerprint, restore, state_of, state_of_data

MOST_UNREAD = 256  # batches


class _Batch(NamedTuple):
    """A batch whose numbers nobody has read."""

    batch: int
    examples: int
    numbers: dict[str, Any]
    to_measure: tuple[Any, ...]


class Run:
    """A training and its place in the data.  `tn.save(path, run)` saves all of it.

    epoch: the number of finished epochs.  batch: the number of finished batches in the epoch that
    runs.  stop: a callback sets it to True to end the training after this batch or epoch.
    """

    def __init__(
        self,
        model: Module,
        data: Any,
        optimizer: Optimizer,
        callbacks: Sequence[Callback] = (),
        validation: Any = None,
        metrics: Metrics = (),
    ) -> None:
        check_model("fit", model)
        check_optimizer("fit", optimizer, model)
        check_trainable("fit", model)
        self.model = model
        self.data: Any = repeatable("fit", "data", data)
        self.optimizer = optimizer
        self.callbacks = list(callbacks)
        if validation is not None:
            validation = as_batches("fit", "validation", validation, model)
            repeatable("fit", "validation", validation)
        self.validation = validation
        self.metrics = metrics_by_name("fit", metrics)
        self.loss: Any = None  # the function, as fit was given it
        self.history = History()
        self.stop = False
        self.epoch = 0
        self.batch = 0
        self.examples = 0  # of this epoch so far
        self._sums: dict[str, float] = {}  # of this epoch: losses and metrics, times the examples
        self._unread: list[_Batch] = []
        self.before_epoch: State = {}  # the state of the data when this epoch began

    def __repr__(self) -> str:
        name = self.model.name or type(self.model).__name__
        last = f", the last: {written(self.history.epochs[-1])}" if len(self.history) else ""
        return f"Run({name!r}, epochs: {self.epoch}, batches of the next: {self.batch}{last})"

    @functools.cached_property
    def data_hash(self) -> str:
        """A hash of the examples; "" for data other than tn.data.batches."""
        return fingerprint(self.data)

    @property
    def names(self) -> list[str]:
        """The numbers of each epoch in the history, without "penalty" (only with regularizers)."""
        seen = ["loss", *self.metrics]
        if self.validation is not None:
            seen += [f"validation {name}" for name in seen]
        return seen

    def remaining(self) -> Iterable[tuple]:
        """The batches of this epoch that are still to come."""
        if self.batch == 0:
            self.examples, self.sums = 0, {}
            self.before_epoch = state_of_data(self.data)
            return iter(self.data)
        if not isinstance(self.data, Batches):
            every = iter(self.data)
            found = sum(1 for _ in itertools.islice(every, self.batch))
            if found < self.batch:
                raise ValueError(
                    f"fit: the run was stopped after batch {self.batch}, and the data holds "
                    f"{found} now. Give the same data."
                )
            return every
        now = self.data.state_dict()
        self.data.load_state_dict(self.before_epoch)  # the same order again
        rest = self.data.start_at(self.batch)
        self.data.load_state_dict(now)
        return rest

    def count(
        self, examples: int, numbers: dict[str, Any], to_measure: tuple[Any, ...] = ()
    ) -> None:
        """Add the numbers of one batch.  A GPU's are read later, many at once: reading waits.

        to_measure: outputs and target, if the metrics are to be measured then, too.
        """
        self.batch += 1
        self.examples += examples
        self._unread.append(_Batch(self.batch, examples, numbers, to_measure))
        if len(self._unread) >= MOST_UNREAD or not any(map(on_gpu, numbers.values())):
            self.read()

    def read(self) -> None:
        """Add the numbers that wait.  FloatingPointError where a GPU's loss is not finite."""
        there = [v for b in self._unread for v in b.numbers.values() if on_gpu(v)]
        came = iter(move(xp(*there).stack(there), "cpu").tolist() if there else ())
        unread, self._unread = self._unread, []  # after the wait, which Ctrl-C may end
        for batch, examples, numbers, to_measure in unread:
            for name, value in numbers.items():
                number = next(came) if on_gpu(value) else float(value)
                if on_gpu(value) and not math.isfinite(number):
                    raise not_finite(number, self.epoch, batch, late=True)
                self._sums[name] = self._sums.get(name, 0.0) + number * examples
            for name, number in measured(self.metrics, *to_measure).items() if to_measure else ():
                self._sums[name] = self._sums.get(name, 0.0) + number * examples

    @property
    def sums(self) -> dict[str, float]:
        """Of this epoch so far: losses and metrics, each times the examples of its batch."""
        self.read()
        return self._sums

    @sums.setter
    def sums(self, sums: dict[str, float]) -> None:
        self._sums, self._unread = sums, []

    def means(self) -> dict[str, float]:
        """The loss and metrics of this epoch so far, over its examples."""
        return {name: total / self.examples for name, total in self.sums.items()}

    def finish_epoch(self, numbers: dict[str, float]) -> None:
        """Move the place to the next epoch.  numbers: of this one, for the history."""
        self.history.append(numbers)
        self.epoch += 1

    def state_dict(self) -> State:
        """All that another process needs to go on to the same bits, see resume.py."""
        return state_of(self)

    def load_state_dict(self, state: State) -> None:
        """Go on where another run stopped.  ValueError, and no change, where it does not fit."""
        restore(self, state)
