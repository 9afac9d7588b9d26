"""Training: the loop that every lesson writes by hand once, with what a long one needs besides.

    for x, target in data:
        optimizer.zero_grad()
        value = loss(model(x), target) + model.penalty()
        value.backward()
        optimizer.step()

`fit` is this loop, with progress, history, validation and callbacks; it can be stopped after any
batch, saved, and go on to the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy

from .autograd import no_grad
from .callbacks import as_callbacks
from .history import History
from .inference import Metrics, evaluate, measured, one_number, split
from .inputs import shown
from .io import load
from .module import Module
from .optim import Optimizer
from .progress import Progress
from .run import Run
from .tensor import Tensor


def fit(
    model: Module,
    data: Iterable[tuple],
    loss: Callable[[Any, Any], Tensor],
    optimizer: Optimizer,
    epochs: int,
    *,
    validation: Any = None,
    metrics: Metrics = (),
    callbacks: Sequence[Any] = (),
    resume: Any = None,
    progress: bool = True,
) -> History:
    """Train the model, and return what was seen in each epoch.

    data: tn.data.batches(x, target, size=32, rng=rng), or anything that gives tuples of tensors and
        can be gone through once for each epoch: the target is last, and several inputs before it
        go to the model as a list.
    loss: a function (outputs, target) -> tensor of one number, tn.cross_entropy say; penalties of
        the model's regularizers are added to it.
    epochs: how often to go through the data, in all, those before a resumed run's stop included.
    validation: batches, or (x, target), for the loss and metrics after each epoch.
    metrics: functions (outputs, target) -> number, [tn.metrics.accuracy] say, or such by name.
    callbacks: of tn.callbacks, or functions of the Run, called after each epoch.
    resume: the file of a SaveState callback, to go on where it was written.  All must be as it was
        then; data that is not tn.data.batches must give the same batches again.
    progress: whether to say on stderr how it goes.

    What is made small is the loss plus the penalties; the history has each for itself, so that
    "loss" can be compared with "validation loss", which has no penalties.  (Keras adds them to
    both.)  The batches come in the order of data: give it a generator, and they are shuffled.

    FloatingPointError where the loss is not finite.  The model is left in inference mode.
    """
    run = Run(model, data, optimizer, as_callbacks(callbacks), validation, metrics)
    if not callable(loss):
        raise TypeError(f"fit: loss is {shown(loss)}. Give a function (outputs, target).")
    if isinstance(epochs, bool) or not isinstance(epochs, int | numpy.integer) or epochs < 0:
        raise ValueError(f"fit: epochs must be a whole number of at least 0, received {epochs!r}.")
    if resume is not None:
        load(resume, run)
    said = Progress(int(epochs)) if progress else None
    try:
        with no_grad():
            model.penalty()  # forgets what calls before this training, or a failed one, left
        for callback in run.callbacks:
            callback.before_training(run)
        while run.epoch < epochs and not run.stop:
            _train(run, loss, said)
            model.eval()  # what a callback computes changes nothing
            if run.batch:  # stopped in the middle of the epoch
                break
            numbers = run.means()
            if run.validation is not None:
                seen = evaluate(model, run.validation, loss, run.metrics)
                numbers |= {f"validation {name}": value for name, value in seen.items()}
            run.finish_epoch(numbers)
            if said:
                said.end(numbers)
            for callback in run.callbacks:
                callback.after_epoch(run)
        for callback in run.callbacks:
            callback.after_training(run)
    finally:
        model.eval()
        if said:
            said.interrupted()
    return run.history


def _train(run: Run, loss: Any, said: Progress | None) -> None:
    """One epoch, or what is left of it."""
    model, optimizer = run.model, run.optimizer
    model.train()
    if said:
        said.start(run.epoch + 1, _length(run.data), "examples")
    for batch in run.remaining():  # it has no name here: an error ends it, and its thread
        x, target = split("fit", batch)
        optimizer.zero_grad()
        outputs = model(x)
        value = one_number("fit", loss(outputs, target))
        numbers = {"loss": value.item()}
        penalty = model.penalty()
        if isinstance(penalty, Tensor):
            numbers["penalty"] = penalty.item()
            value = value + penalty
        number = value.item()
        if not math.isfinite(number):
            cure = "Try a smaller learning rate or clip_norm=1.0"
            if not run.epoch and not run.batch:  # no step was made yet
                cure = "Check that the inputs are scaled, pictures to [0, 1]"
            raise FloatingPointError(
                f"fit: the loss is {number} in epoch {run.epoch + 1}, batch {run.batch + 1}. "
                f"{cure}; `with tn.doctor():` finds where it comes from."
            )
        value.backward()
        optimizer.step()
        n = len(target)
        with no_grad():
            run.count(n, numbers | measured(run.metrics, outputs, target))
        if said:
            said.unit = "images" if getattr(x, "ndim", 0) == 4 else "examples"
            said.batch(run.batch, n, run.means())
        for callback in run.callbacks:
            callback.after_batch(run)
        if run.stop and run.batch < (_length(run.data) or math.inf):
            return
    if not run.examples:
        raise ValueError("fit: the data holds no batches. Give something that can be repeated.")
    run.batch = 0


def _length(data: Any) -> int | None:
    return len(data) if hasattr(data, "__len__") else None
