"""fit: the loop that every lesson writes by hand once, with what a long training needs besides.

    for x, target in data:
        optimizer.zero_grad()
        value = loss(model(x), target) + model.penalty()
        value.backward()
        optimizer.step()

`fit` adds progress, history, validation and callbacks to this loop.  A training can be stopped
after any batch, saved, and resumed: it then gives the same bits.
"""

from __future__ import annotations

import contextlib
import math
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from ..devices import on_gpu, out_of_memory
from ..engine.record import no_grad
from ..engine.tensor import Tensor
from ..io import load
from ..messages.arguments import boolean, whole
from ..messages.names import explained
from ..models.module import Module
from ..optim import Optimizer
from .callbacks import as_callbacks
from .checks import (
    Loss,
    Metrics,
    as_loss,
    dtype_of,
    fitting,
    inputs_and_target,
    not_finite,
    not_in_keras_order,
    one_number,
    refuse_not_finite,
)
from .evaluate import evaluate, measured
from .first_batch import look_at_first_batch, look_at_mask, look_at_schedule
from .history import History
from .progress import Progress
from .run import Run

MOST_KEPT = 2**16  # numbers of a batch's outputs, of up to 256 batches


def training_step(
    where: str,
    model: Module,
    loss: Callable[[Any, Any], Tensor],
    optimizer: Any,
    x: Any,
    target: Any,
    before_backward: Callable[[Tensor], Any],
) -> tuple[Any, Tensor, Any]:
    """Train on one batch.  Returns outputs, loss and penalty (0.0 without regularizers).

    before_backward: is called with loss + penalty, and may raise.  where: as errors have it.
    """
    try:
        optimizer.zero_grad()
        outputs = model(x)
        value = one_number(where, loss(outputs, target))
        penalty = model.penalty()
        total = value + penalty if isinstance(penalty, Tensor) else value
        before_backward(total)
        total.backward()
        optimizer.step()
    except MemoryError as error:
        raise out_of_memory(where, error, len(target)) from None
    return outputs, value, penalty


# The thread that trains a model, in the list that the call made which began it.
_trained_by: WeakKeyDictionary[Module, list[int]] = WeakKeyDictionary()


@not_in_keras_order
@explained
def fit(
    model: Module,
    data: Iterable[tuple],
    loss: Loss | str,
    optimizer: Optimizer,
    epochs: int,
    *,
    validation: Any = None,
    metrics: Metrics = (),
    callbacks: Sequence[Any] = (),
    resume: Any = None,
    progress: bool | str = True,
) -> History:
    """Train the model, and return the numbers of each epoch.

    data: tn.data.batches(x, target, size=32, rng=rng), or anything that gives tuples of tensors
        and can be gone through once for each epoch.  The target is last in a tuple; several inputs
        before it go to the model as a list.  float64 becomes the dtype of the model's weights.
    loss: a function (outputs, target) -> tensor of one number, for example tn.cross_entropy, or a
        name: "mse", "mae", "bce", "bce_with_logits", "cross_entropy".  The penalties of the model's
        regularizers are added to it.
    epochs: how often to go through the data in all, at least 0.  The epochs of a resumed run count.
    validation: batches, or (x, target): their loss and metrics are measured after each epoch.
    metrics: functions (outputs, target) -> number, or names such as "accuracy", in a list, or in a
        dictionary by name.  In training each is the mean over the batches.
    callbacks: those of tn.callbacks, or functions of the Run, which are called after each epoch.
    resume: a file of the callback SaveState: the training goes on where it was written.  All
        arguments but epochs must be as they were then; data other than tn.data.batches must give
        the same batches again.  A MistakeWarning says where the loss or the examples are others.
    progress: whether to show the progress on stderr; or a name, which stands in front of it.

    Loss plus penalties is minimized.  The history has the two apart, so that "loss" can be compared
    with "validation loss", which has no penalties.  (Keras adds them to both.)  The batches come in
    the order of data; with a generator, tn.data.batches shuffles them.

    One model is trained by one thread at a time; others may call predict and evaluate meanwhile.

    The model trains in training mode; validation and the callbacks after an epoch see it in
    inference mode.  Afterwards, also after an error, every part is in the mode in which it was
    before.  A new model is in training mode: call model.eval() before you call it yourself.

    FloatingPointError where the loss is not finite.  RuntimeError where another thread trains the
    model.  MistakeWarning where the first batch looks wrong, for example pictures not scaled to
    [0, 1], or sorted labels.
    """
    run = Run(model, data, optimizer, as_callbacks(callbacks), validation, metrics)
    run.loss = as_loss("fit", loss)
    run.metrics = fitting(run.metrics, run.loss)
    epochs = whole("fit", "epochs", epochs, least=0)
    name = progress if isinstance(progress, str) else ""
    shown = bool(name) or boolean("fit", "progress", progress)
    with _alone(model), _modes_kept(model):
        if resume is not None:
            load(resume, run)
        look_at_schedule(optimizer, epochs, _length(data))
        _run(run, epochs, Progress(epochs, name=name) if shown else None)
    return run.history


@contextlib.contextmanager
def _alone(model: Module) -> Iterator[None]:
    """RuntimeError where another thread is inside."""
    own = [threading.get_ident()]
    first = _trained_by.setdefault(model, own)
    if first != own:
        raise RuntimeError(
            "fit: another thread trains this model. Wait until it ends. Or make a copy before, "
            "with an optimizer of its own."
        )
    try:
        yield
    finally:
        if first is own:  # and not a fit inside another
            del _trained_by[model]


@contextlib.contextmanager
def _modes_kept(model: Module) -> Iterator[None]:
    """Afterwards each module is in the mode in which it was before."""
    modes = [(module, module._training) for module in model.modules()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def _run(run: Run, epochs: int, display: Progress | None) -> None:
    model = run.model
    try:
        model.drop_penalties()  # of calls before this training
        for callback in run.callbacks:
            callback.before_training(run)
        while run.epoch < epochs and not run.stop:
            _train(run, display)
            run.read()  # also where the epoch was stopped
            if display:
                display.stop_clock()
            model.eval()  # so that a callback's computation changes nothing
            if run.batch:  # stopped in the middle of the epoch
                break
            numbers = run.means()
            if run.validation is not None:
                seen = evaluate(model, run.validation, run.loss, run.metrics)
                numbers |= {f"validation {name}": value for name, value in seen.items()}
            run.finish_epoch(numbers)
            if display:
                display.end(numbers)
            for callback in run.callbacks:
                callback.after_epoch(run)
        for callback in run.callbacks:
            callback.after_training(run)
    finally:
        if display:
            display.interrupted()


def _train(run: Run, display: Progress | None) -> None:
    """Train for one epoch, or for the rest of it."""
    run.model.train()
    dtype = dtype_of(run.model)
    if display:
        display.start(run.epoch + 1, _length(run.data), "examples")
    # The iterator gets no name here: so an error ends it, and the thread that prepares its batches.
    for batch in run.remaining():
        x, target = inputs_and_target("fit", batch, dtype)
        if not (run.epoch or run.batch):
            look_at_mask(x, target)
        check = lambda total: _check_finite(run, total, x, target)  # noqa: B023
        outputs, value, penalty = training_step(
            "fit", run.model, run.loss, run.optimizer, x, target, check
        )
        if not (run.epoch or run.batch):
            look_at_first_batch(run, x, target, outputs)
        numbers = {"loss": value.data.reshape(())}
        if isinstance(penalty, Tensor):
            numbers["penalty"] = penalty.data.reshape(())
        later = _to_measure_later(outputs, target) if run.epoch or run.batch else ()
        if not later:
            with no_grad():
                numbers |= measured(run.metrics, outputs, target)
        run.count(len(target), numbers, later)
        if display:
            display.unit = "images" if getattr(x, "ndim", 0) == 4 else "examples"
            display.batch(run.batch, len(target), run.means)
        for callback in run.callbacks:
            callback.after_batch(run)
        if run.stop and run.batch < (_length(run.data) or math.inf):
            return
    if not run.examples:
        raise ValueError("fit: the data holds no batches. Give something that can be repeated.")
    run.batch = 0


def _to_measure_later(outputs: Any, target: Any) -> tuple[Tensor, ...]:
    """Outputs and target on a GPU, if they are few numbers: to measure them now would wait."""
    both = outputs, target
    if all(isinstance(t, Tensor) and on_gpu(t.data) and t.size <= MOST_KEPT for t in both):
        return outputs.detach(), target.detach()
    return ()


def _check_finite(run: Run, total: Tensor, x: Any, target: Any) -> None:
    """Of a GPU's losses, the first one here.  The others are read later, see Run.count."""
    if on_gpu(total.data) and (run.epoch or run.batch):
        return
    loss = total.item()
    if math.isfinite(loss):
        return
    refuse_not_finite("fit", f"epoch {run.epoch + 1}, batch {run.batch + 1}", x, target)
    raise not_finite(loss, run.epoch, run.batch + 1)


def _length(data: Any) -> int | None:
    return len(data) if hasattr(data, "__len__") else None
