"""Run: a training and where it stands, so that it can be stopped after any batch and go on."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy

from .callbacks import Callback
from .data.batches import Batches
from .history import History
from .inference import Metrics, as_batches, by_name, iterable
from .inputs import shown
from .module import Module
from .optim import Optimizer
from .state import State, generator_state, restore_generator


class Run:
    """A training and where it stands: `tn.save(path, run)` keeps all of it.

    epoch: how many are finished.  batch: how many of the next one are.  stop: set it to True, in a
    callback, to end after this batch or epoch.
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
        if not isinstance(model, Module):
            raise TypeError(f"fit: model is {shown(model)}. Give a model, tn.Sequential say.")
        if not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"fit: optimizer is {shown(optimizer)}. Give tn.optim.Adam(model.parameters())."
            )
        moved = {id(p) for p in optimizer.parameters}
        weights = model.weights().items()
        left = [name for name, p in weights if p.requires_grad and id(p) not in moved]
        if left:
            shown_names = ", ".join(left[:3]) + (", ..." if len(left) > 3 else "")
            raise ValueError(
                f"fit: the optimizer lacks {len(left)} parameter(s) of the model: {shown_names}. "
                "Make it with model.parameters() once the model is complete; what is not to be "
                "trained is frozen with layer.trainable = False."
            )
        if not any(p.requires_grad for _, p in weights):
            raise ValueError("fit: the model has nothing to train. Set trainable = True.")
        self.model = model
        self.data = _repeatable("data", data)
        self.optimizer = optimizer
        self.callbacks = list(callbacks)
        self.validation = (
            None
            if validation is None
            else _repeatable("validation", as_batches("fit", "validation", validation, model))
        )
        self.metrics = by_name("fit", metrics)
        self.history = History()
        self.stop = False
        self.epoch = 0
        self.batch = 0
        self.examples = 0  # of the epoch that is running
        self.sums: dict[str, float] = {}  # of its losses and metrics, times the examples
        self._before_epoch: State = {}  # the state of the data

    @property
    def names(self) -> list[str]:
        """What the history holds for each epoch (and "penalty", where there are regularizers)."""
        seen = ["loss", *self.metrics]
        if self.validation is not None:
            seen += [f"validation {name}" for name in seen]
        return seen

    def remaining(self) -> Iterable[tuple]:
        """The batches of this epoch that are still to come."""
        if self.batch == 0:
            self.examples, self.sums = 0, {}
            self._before_epoch = _kept(self.data)
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
        self.data.load_state_dict(self._before_epoch)  # the same order again
        rest = self.data.start_at(self.batch)
        self.data.load_state_dict(now)
        return rest

    def count(self, examples: int, numbers: dict[str, float]) -> None:
        self.batch += 1
        self.examples += examples
        for name, value in numbers.items():
            self.sums[name] = self.sums.get(name, 0.0) + float(value) * examples

    def means(self) -> dict[str, float]:
        """The loss and metrics of this epoch so far, over its examples."""
        return {name: total / self.examples for name, total in self.sums.items()}

    def finish_epoch(self, numbers: dict[str, float]) -> None:
        self.history.append(numbers)
        self.epoch += 1

    def _generators(self) -> dict[str, numpy.random.Generator]:
        """Every generator that the model holds: a layer's rng, and whatever a module has made."""
        return {
            f"{path}.{name}" if path else name: value
            for path, part in self.model.named_modules()
            for name, value in vars(part).items()
            if isinstance(value, numpy.random.Generator)
        }

    def state_dict(self) -> State:
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generators": {name: generator_state(g) for name, g in self._generators().items()},
            "data": _kept(self.data),
            "data before the epoch": self._before_epoch,
            "validation": _kept(self.validation),
            "callbacks": [{"kind": c.kind, "state": c.state_dict()} for c in self.callbacks],
            "history": [dict(numbers) for numbers in self.history.epochs],
            "epoch": self.epoch,
            "batch": self.batch,
            "examples": self.examples,
            "sums": dict(self.sums),
        }

    def load_state_dict(self, state: State) -> None:
        """Go on where another run stood.  ValueError, and no change, where it does not fit."""
        wanted = self.state_dict()
        if not isinstance(state, Mapping) or state.keys() != wanted.keys():
            found = ", ".join(map(str, state)) if isinstance(state, Mapping) else shown(state)
            raise ValueError(
                "fit: this is not the state of a training run, whose parts are "
                f"{', '.join(wanted)}; received {found or 'nothing'}. Weights alone are "
                "loaded with tn.load(path, model)."
            )
        if not _sound(state, wanted):
            raise ValueError("fit: the state of the run is broken. Use another file.")
        try:
            self._take(state)
        except BaseException:
            self._take(wanted)
            raise

    def _take(self, state: State) -> None:
        """Take everything over.  ValueError that names all that does not fit."""
        steps: list[Callable[[], Any]] = [
            lambda: self.model.load_state_dict(state["model"]),
            lambda: self.optimizer.load_state_dict(state["optimizer"]),
            lambda: self._take_generators(state["generators"]),
            lambda: self._take_callbacks(state["callbacks"]),
            lambda: _restore("validation", self.validation, state["validation"]),
            lambda: self._take_place(state),
        ]
        faults = []
        for step in steps:
            try:
                step()
            except (ValueError, TypeError, LookupError, AttributeError) as error:
                faults.append(str(error))
        if faults:
            raise ValueError("\n".join(faults))

    def _take_generators(self, states: State) -> None:
        own = self._generators()
        if own.keys() != states.keys():
            raise ValueError(
                f"fit: the saved run has the generators {', '.join(states) or 'none'}, and this "
                f"one {', '.join(own) or 'none'}. Build the model as it was then."
            )
        for name, generator in own.items():
            restore_generator(f"fit: {name}", generator, states[name])

    def _take_callbacks(self, states: list[State]) -> None:
        own, found = [c.kind for c in self.callbacks], [kept["kind"] for kept in states]
        if own != found:
            raise ValueError(
                f"fit: the saved run has the callbacks {', '.join(map(str, found)) or 'none'}, and "
                f"this one {', '.join(own) or 'none'}. Give the same, in the same order."
            )
        for callback, kept in zip(self.callbacks, states, strict=True):
            callback.load_state_dict(kept["state"])

    def _take_place(self, state: State) -> None:
        begun = [name for name in state["sums"] if name != "penalty"]
        if state["batch"] and set(begun) != {"loss", *self.metrics}:
            raise ValueError(
                f"fit: the epoch was begun with {', '.join(begun)}, and now there is "
                f"{', '.join(['loss', *self.metrics])}. Give the same metrics."
            )
        if state["batch"]:
            _restore("data", self.data, state["data before the epoch"])  # whether it can be
        _restore("data", self.data, state["data"])
        self._before_epoch = state["data before the epoch"]
        self.history = History(state["history"])
        self.epoch, self.batch = state["epoch"], state["batch"]
        self.examples, self.sums = state["examples"], dict(state["sums"])


def _kept(data: Any) -> State:
    return data.state_dict() if isinstance(data, Batches) else {}


def _restore(name: str, data: Any, state: State) -> None:
    if isinstance(data, Batches):
        try:
            data.load_state_dict(state)
        except ValueError as error:
            raise ValueError(f"fit: {name}: {error}") from None
    elif state:
        raise ValueError(
            f"fit: {name} was tn.data.batches when the run was saved, and is "
            f"{type(data).__name__} now. Give the same."
        )


def _sound(state: State, wanted: State) -> bool:
    """Whether what a file holds is of the right kinds, down to where others look."""
    return (
        all(type(state[name]) is type(part) for name, part in wanted.items())
        and min(state["epoch"], state["batch"], state["examples"]) >= 0
        and all(isinstance(numbers, dict) for numbers in state["history"])
        and all(
            isinstance(value, int | float)
            for numbers in (state["sums"], *state["history"])
            for value in numbers.values()
        )
        and all(
            isinstance(kept, dict)
            and kept.keys() == {"kind", "state"}
            and isinstance(kept["state"], dict)
            for kept in state["callbacks"]
        )
        and all(isinstance(generator, dict) for generator in state["generators"].values())
    )


def _repeatable(name: str, data: Any) -> Any:
    if isinstance(iterable("fit", name, data), Iterator):
        raise TypeError(
            f"fit: {name} can be gone through only once. Give tn.data.batches(x, target)."
        )
    return data
