"""Callbacks: what else happens during a training."""

from __future__ import annotations

import difflib
import math
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..io import file_of, save
from ..io.state import State
from ..messages.arguments import boolean, choice, shown, whole
from ..messages.names import Explained, asked

# Keras' moments, and ours.
MOMENTS = {
    "batch_end": "after_batch",
    "train_batch_end": "after_batch",
    "train_begin": "before_training",
    "train_end": "after_training",
}


class Callback(Explained):
    """fit calls these methods with its Run.  They may use its model, history, epoch, batch, stop.

    A subclass overrides the moments that it needs.  TypeError where it has Keras' on_epoch_end.
    """

    def __init_subclass__(cls, **settings: Any) -> None:
        super().__init_subclass__(**settings)
        for name in vars(cls):
            if name.startswith("on_"):
                moment = name.removeprefix("on_")
                raise TypeError(
                    f"{cls.__name__}: fit calls no {name}. Write "
                    f"{MOMENTS.get(moment, 'after_epoch')}(self, run)."
                )

    @property
    def kind(self) -> str:
        """The name of its class, as saved runs have it."""
        return type(self).__name__.lstrip("_")

    def before_training(self, run: Any) -> None:
        """Once at the start.  The history is empty, or that of the run that is resumed."""

    def after_batch(self, run: Any) -> None:
        """After each step of the optimizer.  run.means() has the numbers of the epoch so far."""

    def after_epoch(self, run: Any) -> None:
        """After each epoch and its validation, in inference mode.  run.history has its numbers."""

    def after_training(self, run: Any) -> None:
        """Once at the end; not after an error."""

    def state_dict(self) -> State:
        """The state that a resumed run gives back to it."""
        return {}

    def load_state_dict(self, state: State) -> None:
        """Take over what state_dict() returned.  ValueError where it does not fit."""


class _Function(Callback):
    """A function of the run, called after each epoch."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function

    def after_epoch(self, run: Any) -> None:
        self.function(run)


def as_callbacks(values: Any) -> list[Callback]:
    """The callbacks of a training.  SaveState comes last: it saves the new state of the others."""
    if not isinstance(values, Iterable) or isinstance(values, str):
        raise TypeError(f"fit: callbacks is {shown(values)}. Give a list of them.")
    found = [_as_callback(value) for value in values]
    writers: dict[str, Callback] = {}
    for callback in found:
        if isinstance(callback, BestModel | SaveState):
            first = writers.setdefault(os.path.realpath(callback.path), callback)
            if first is not callback:
                raise ValueError(
                    f"fit: {first.kind} and {callback.kind} both write {str(callback.path)!r}, "
                    "each over the file of the other. Give each a file of its own."
                )
    return sorted(found, key=lambda callback: isinstance(callback, SaveState))


def _as_callback(value: Any) -> Callback:
    if isinstance(value, Callback):
        return value
    if isinstance(value, type) or not callable(value):
        raise TypeError(
            f"fit: the callback {shown(value)} cannot be called with a run. Give "
            "tn.callbacks.EarlyStopping(), or a function of one argument."
        )
    return _Function(value)


_LOWER = ("loss", "error", "mse", "mae", "bce", "cross_entropy", "perplexity")
_HIGHER = ("accuracy", "top", "precision", "recall", "f1", "auc", "psnr", "r2")


class _Watch(Callback):
    """Keeps the best value of one number of the history."""

    def __init__(self, watch: str, better: str | None) -> None:
        kind = type(self).__name__
        if not isinstance(watch, str):
            raise TypeError(
                f"{kind}: watch is {shown(watch)}. Give the name of a number of the history, for "
                'example "validation loss".'
            )
        if better is None:
            known = [word for word in (*_LOWER, *_HIGHER) if word in watch]
            if not known:
                raise ValueError(
                    f'{kind}: is {watch!r} better lower or higher? Give better=, "lower" or '
                    '"higher".'
                )
            better = "lower" if known[0] in _LOWER else "higher"
        self.watch = watch
        self.better = choice(kind, "better", better, ("lower", "higher"))
        self.best: float | None = None

    def before_training(self, run: Any) -> None:
        if not len(run.history):  # a new training: forget the best of the one before
            self.best = None
        if self.watch not in run.names:
            near = difflib.get_close_matches(
                self.watch.replace("val_", "validation "), run.names, 1
            )
            hint = f"Did you mean {near[0]!r}? " if near else ""
            raise ValueError(
                f"{type(self).__name__}: there is no {self.watch!r} to watch. {hint}There is "
                f"{', '.join(map(repr, run.names))}; give fit validation= or metrics= for more."
            )

    def improved(self, run: Any) -> bool:
        """Whether the last epoch is the best so far.  If so, its number is kept."""
        value = run.history.epochs[-1][self.watch]
        if math.isnan(value):
            return False
        lower = self.better == "lower"
        if self.best is None or (value < self.best if lower else value > self.best):
            self.best = value
            return True
        return False

    def state_dict(self) -> State:
        return {"watch": self.watch, "better": self.better, "best": self.best}

    def load_state_dict(self, state: State) -> None:
        own = self.state_dict()
        if state.keys() != own.keys() or not isinstance(state["best"], float | int | None):
            raise ValueError(f"{type(self).__name__}: its saved state is broken. Use another file.")
        for name in ("watch", "better"):
            if state[name] != own[name]:
                raise ValueError(
                    f"{type(self).__name__}: {name} is {own[name]!r} here, and {state[name]!r} in "
                    "what is loaded. Give what was given then."
                )
        self.best = state["best"]


class EarlyStopping(_Watch):
    """End the training when a number has not improved for some epochs.

    watch: the name of a number of the history.
    patience: how many epochs without improvement end the training, at least 1.
    restore_best: whether the model gets the weights of its best epoch back at the end.
    better: "lower" or "higher".  Left out, it follows from the name: losses and errors are better
        lower, accuracies and the like higher.  ValueError for a name that does not tell.
    """

    def __init__(
        self,
        watch: str = "validation loss",
        patience: int = 3,
        restore_best: bool = True,
        better: str | None = None,
    ) -> None:
        super().__init__(watch, better)
        self.patience = whole("EarlyStopping", "patience", patience)
        self.restore_best = boolean("EarlyStopping", "restore_best", restore_best)
        self.waited = 0
        self.weights: State = {}

    def before_training(self, run: Any) -> None:
        super().before_training(run)
        if not len(run.history):
            self.waited, self.weights = 0, {}
        if self.waited >= self.patience:  # the resumed run had already been ended
            run.stop = True

    def after_epoch(self, run: Any) -> None:
        if self.improved(run):
            self.waited = 0
            if self.restore_best:
                self.weights = run.model.state_dict()
            return
        self.waited += 1
        if self.waited >= self.patience:
            run.stop = True

    def after_training(self, run: Any) -> None:
        if self.weights and not run.batch:
            run.model.load_state_dict(self.weights)

    def state_dict(self) -> State:
        return super().state_dict() | {"waited": self.waited, "weights": self.weights}

    def load_state_dict(self, state: State) -> None:
        if type(state.get("waited")) is not int or not isinstance(state.get("weights"), dict):
            raise ValueError("EarlyStopping: its saved state is broken. Use another file.")
        super().load_state_dict(state)
        self.waited, self.weights = state["waited"], state["weights"]


class BestModel(_Watch):
    """Save the model's weights after each epoch that is the best so far.

    path: .npz or .safetensors, written whole or not at all.
    watch, better: as for EarlyStopping.
    """

    def __init__(
        self,
        path: str | os.PathLike,
        watch: str = "validation loss",
        better: str | None = None,
    ) -> None:
        super().__init__(watch, better)
        self.path = _writable("BestModel", path)

    def after_epoch(self, run: Any) -> None:
        if self.improved(run):
            save(self.path, run.model)


class SaveState(Callback):
    """Save the whole run after each epoch, for `fit(..., resume=path)`.

    path: .npz or .safetensors, written whole or not at all.
    every: save after this number of batches too, at least 1; None: after epochs only.
    """

    def __init__(self, path: str | os.PathLike, every: int | None = None) -> None:
        self.every = None if every is None else whole("SaveState", "every", every)
        self.path = _writable("SaveState", path)

    def after_batch(self, run: Any) -> None:
        if self.every and run.batch % self.every == 0:
            save(self.path, run)

    def after_epoch(self, run: Any) -> None:
        save(self.path, run)


def _writable(where: str, path: Any) -> Path:
    """The path of a file in an existing folder; ValueError now, not after the first epoch."""
    path = file_of(where, path)
    if not path.parent.is_dir():
        raise ValueError(f"{where}: there is no folder {str(path.parent)!r}. Make it first.")
    return path


if not TYPE_CHECKING:  # type checkers know the names
    __getattr__ = asked(__name__, ["BestModel", "Callback", "EarlyStopping", "SaveState"])
