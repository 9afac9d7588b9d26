"""Resume: the state of a run, and a run that goes on from it to the same bits."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy

from ..data.batches import Batches
from ..devices import move
from ..io.state import State, generator_state, own_hash, restore_generator
from ..messages.arguments import shown
from ..messages.mistakes import warn
from ..models.module import Module
from ..models.parts import within
from .history import History


def state_of(run: Any) -> State:
    """The state of a Run: weights, optimizer, generators, callbacks, history, place in the data."""
    return {
        "model": run.model.state_dict(),
        "optimizer": run.optimizer.state_dict(),
        "generators": {name: generator_state(g) for name, g in generators(run.model).items()},
        "data": state_of_data(run.data),
        "data before the epoch": run.before_epoch,
        "validation": state_of_data(run.validation),
        "callbacks": [{"kind": c.kind, "state": c.state_dict()} for c in run.callbacks],
        "history": [dict(numbers) for numbers in run.history.epochs],
        "epoch": run.epoch,
        "batch": run.batch,
        "examples": run.examples,
        "sums": dict(run.sums),
        "loss": "" if run.loss is None else _called(run.loss),
        "data hash": run.data_hash,
    }


# Entries that older files lack; "" where nothing is known.
LATER: State = {"loss": "", "data hash": ""}
HASHED = 2**20  # bytes of the examples, about, and at least one of them


def fingerprint(data: Any) -> str:
    """A short hash of shapes, dtypes, and rows all over the arrays of tn.data.batches.

    "" for other data: it may be drawn anew each time.
    """
    if not isinstance(data, Batches):
        return ""
    found = hashlib.sha256()
    room = HASHED // len(data.arrays)
    for array in data.arrays:
        found.update(f"{array.shape} {array.dtype}".encode())
        rows = min(len(array), room // max(array[:1].nbytes, 1) + 1)
        chosen = array[numpy.arange(rows) * len(array) // rows]
        found.update(move(chosen, "cpu").tobytes())
    return found.hexdigest()[:16]


def _called(function: Any) -> str:
    return getattr(function, "__name__", type(function).__name__) + own_hash(function)


def state_of_data(data: Any) -> State:
    """The state of tn.data.batches; other data has none."""
    return data.state_dict() if isinstance(data, Batches) else {}


def generators(model: Module) -> dict[str, numpy.random.Generator]:
    """Every generator among the attributes of the model and its parts, by its path: dropout.rng.

    Those in lists and dictionaries too: noise.0.
    """
    return {
        f"{path}.{name}" if path else name: value
        for path, part in model.named_modules()
        for name, value in within(vars(part), numpy.random.Generator)
    }


def restore(run: Any, state: State) -> None:
    """Put a Run into that state.  ValueError, and no change, where it does not fit."""
    own = state_of(run)
    given = LATER | dict(state) if isinstance(state, Mapping) else {}
    if given.keys() != own.keys():
        found = ", ".join(map(str, state)) if isinstance(state, Mapping) else shown(state)
        raise ValueError(
            "fit: this is not the state of a training run, whose parts are "
            f"{', '.join(own)}; received {found or 'nothing'}. Weights alone are loaded with "
            "tn.load(path, model)."
        )
    if not _intact(given, own):
        raise ValueError("fit: the state of the run is broken. Use another file.")
    try:
        _restore_parts(run, given)
        _warn_of_others(own, given)
    except BaseException:
        _restore_parts(run, own)
        raise


def _restore_parts(run: Any, state: State) -> None:
    """Restore each part.  ValueError that names every part that does not fit."""
    steps: list[Callable[[], Any]] = [
        lambda: run.model.load_state_dict(state["model"]),
        lambda: run.optimizer.load_state_dict(state["optimizer"]),
        lambda: _restore_generators(run.model, state["generators"]),
        lambda: _restore_callbacks(run.callbacks, state["callbacks"]),
        lambda: _restore_data("validation", run.validation, state["validation"]),
        lambda: _restore_place(run, state),
    ]
    faults = []
    for step in steps:
        try:
            step()
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            faults.append(str(error))
    if faults:
        raise ValueError("\n".join(faults))


def _warn_of_others(own: State, state: State) -> None:
    """MistakeWarnings of what a run can go on with, and was not begun with."""
    if own["loss"] and state["loss"] and own["loss"] != state["loss"]:
        warn(
            f"fit: the loss is {shown(own['loss'])}, and the saved run had {shown(state['loss'])}. "
            "Give the same, unless you mean to go on with another."
        )
    if own["data hash"] and state["data hash"] and own["data hash"] != state["data hash"]:
        warn(
            "fit: the examples are not those of the saved run. Give the same, unless you mean to "
            "go on with others (or another machine has rounded them otherwise)."
        )


def _restore_generators(model: Module, states: State) -> None:
    own = generators(model)
    if own.keys() != states.keys():
        raise ValueError(
            f"fit: the saved run has the generators {', '.join(states) or 'none'}, and this "
            f"one {', '.join(own) or 'none'}. Build the model as it was then."
        )
    for name, generator in own.items():
        restore_generator(f"fit: {name}", generator, states[name])


def _restore_callbacks(callbacks: list, states: list[State]) -> None:
    own, found = [c.kind for c in callbacks], [kept["kind"] for kept in states]
    if own != found:
        raise ValueError(
            f"fit: the saved run has the callbacks {', '.join(map(str, found)) or 'none'}, and "
            f"this one {', '.join(own) or 'none'}. Give the same, in the same order."
        )
    for callback, kept in zip(callbacks, states, strict=True):
        callback.load_state_dict(kept["state"])


def _restore_data(name: str, data: Any, state: State) -> None:
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


def _restore_place(run: Any, state: State) -> None:
    if state["batch"]:
        begun = [name for name in state["sums"] if name != "penalty"]
        if set(begun) != {"loss", *run.metrics}:
            raise ValueError(
                f"fit: the epoch was begun with {', '.join(begun)}, and now there is "
                f"{', '.join(['loss', *run.metrics])}. Give the same metrics."
            )
        # remaining() will need this state: find out now whether it can be restored
        _restore_data("data", run.data, state["data before the epoch"])
    _restore_data("data", run.data, state["data"])
    run.before_epoch = state["data before the epoch"]
    run.history = History(state["history"])
    run.epoch, run.batch = state["epoch"], state["batch"]
    run.examples, run.sums = state["examples"], dict(state["sums"])


def _intact(state: State, own: State) -> bool:
    """Whether the entries have the types that the functions above rely on."""
    return (
        all(type(state[name]) is type(part) for name, part in own.items())
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
