"""Callbacks: what else is to happen during a training."""

from __future__ import annotations

import difflib
import math
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy

from .inputs import shown
from .io import file_of, save
from .state import State


class Callback:
    """Called by fit with its Run, whose model, history, epoch, batch and stop it may use."""

    @property
    def kind(self) -> str:
        """What it is called where a run is saved."""
        return type(self).__name__.lstrip("_")

    def before_training(self, run: Any) -> None:
        """Once, when the run is ready; its history is empty, or that of the run it resumes."""

    def after_batch(self, run: Any) -> None:
        """When the parameters have moved; run.means() is of the epoch so far."""

    def after_epoch(self, run: Any) -> None:
        """When run.history has the epoch's numbers, validation included; in inference mode."""

    def after_training(self, run: Any) -> None:
        """Once at the end, not after an error."""

    def state_dict(self) -> State:
        """What it must remember when a run is resumed."""
        return {}

    def load_state_dict(self, state: State) -> None:
        """Take over what state_dict() returned; ValueError where it does not fit."""


class _Function(Callback):
    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function

    def after_epoch(self, run: Any) -> None:
        self.function(run)


def as_callback(value: Any) -> Callback:
    """A callback, or a function of the run, which is called after each epoch."""
    if isinstance(value, Callback):
        return value
    if isinstance(value, type) or not callable(value):
        raise TypeError(
            f"fit: the callback {shown(value)} cannot be called with a run. Give "
            "tn.callbacks.EarlyStopping(), or a function of one argument."
        )
    return _Function(value)


def as_callbacks(values: Any) -> list[Callback]:
    """The callbacks of a training, SaveState last: it is to save what the others have become."""
    if not isinstance(values, Iterable) or isinstance(values, str):
        raise TypeError(f"fit: callbacks is {shown(values)}. Give a list of them.")
    return sorted(map(as_callback, values), key=lambda callback: isinstance(callback, SaveState))


_LOWER = ("loss", "error", "mse", "mae", "bce", "cross_entropy", "perplexity")
_HIGHER = ("accuracy", "top", "precision", "recall", "f1", "auc", "psnr", "r2")


class _Watch(Callback):
    """Keeps the best value of one number of the history."""

    def __init__(self, watch: str, better: str | None) -> None:
        if not isinstance(watch, str):
            raise TypeError(
                f"{type(self).__name__}: watch is {shown(watch)}. Give the name of a number of the "
                'history, "validation loss" say.'
            )
        if better not in (None, "lower", "higher"):
            raise ValueError(
                f'{type(self).__name__}: better must be "lower" or "higher", received {better!r}.'
            )
        known = [word for word in (*_LOWER, *_HIGHER) if word in watch]
        if better is None and not known:
            raise ValueError(
                f"{type(self).__name__}: is {watch!r} better lower or higher? Give better=, "
                '"lower" or "higher".'
            )
        self.watch = watch
        self.lower = better == "lower" if better else known[0] in _LOWER
        self.best: float | None = None

    def before_training(self, run: Any) -> None:
        if not len(run.history):  # another training than that which it watched before
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
        """Whether the last epoch is the best so far; it is then remembered."""
        value = run.history.epochs[-1][self.watch]
        if math.isnan(value):
            return False
        if self.best is None or (value < self.best if self.lower else value > self.best):
            self.best = value
            return True
        return False

    def state_dict(self) -> State:
        better = "lower" if self.lower else "higher"
        return {"watch": self.watch, "better": better, "best": self.best}

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
    """End the training when a number has not become better for some epochs.

    watch: a number of the history.  patience: how many epochs without a better one, at least 1.
    restore_best: whether the model gets its weights of the best epoch back at the end.
    better: "lower" or "higher"; known for losses, errors, accuracies and the like, and asked for
        where the name does not tell.
    """

    def __init__(
        self,
        watch: str = "validation loss",
        patience: int = 3,
        restore_best: bool = True,
        better: str | None = None,
    ) -> None:
        super().__init__(watch, better)
        if not _is_count(patience):
            raise ValueError(
                "EarlyStopping: patience must be a whole number of at least 1, received "
                f"{patience!r}."
            )
        self.patience = patience
        self.restore_best = restore_best
        self.waited = 0
        self.weights: State = {}

    def before_training(self, run: Any) -> None:
        super().before_training(run)
        if not len(run.history):
            self.waited, self.weights = 0, {}
        if self.waited >= self.patience:  # a resumed run that had come to its end
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
    """Save the model's weights whenever a number is better than ever before.

    path: .npz or .safetensors, written whole or not at all.  watch, better: as for EarlyStopping.
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
    every: save after so many batches too; None for epochs only.
    """

    def __init__(self, path: str | os.PathLike, every: int | None = None) -> None:
        if every is not None and not _is_count(every):
            raise ValueError(
                f"SaveState: every must be a whole number of at least 1, received {every!r}."
            )
        self.path = _writable("SaveState", path)
        self.every = every

    def after_batch(self, run: Any) -> None:
        if self.every and run.batch % self.every == 0:
            save(self.path, run)

    def after_epoch(self, run: Any) -> None:
        save(self.path, run)


def _writable(where: str, path: Any) -> Path:
    """Where a file can be saved; ValueError now, and not after the first epoch."""
    path = file_of(where, path)
    if not path.parent.is_dir():
        raise ValueError(f"{where}: there is no folder {str(path.parent)!r}. Make it first.")
    return path


def _is_count(value: Any) -> bool:
    whole = isinstance(value, int | numpy.integer) and not isinstance(value, bool)
    return whole and value >= 1
