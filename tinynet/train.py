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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy

from .autograd import no_grad
from .callbacks import Callback, as_callback
from .data.batches import Batches, batches
from .history import History
from .inputs import shown
from .io import load
from .module import Module
from .optim import Optimizer
from .progress import Progress
from .state import State, generator_state, restore_generator
from .tensor import Tensor

Metric = Callable[[Any, Any], float]
Metrics = Sequence[Metric] | Mapping[str, Metric]


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
    resume: the file of a SaveState callback, to go on where it was written.
    progress: whether to say on stderr how it goes.

    FloatingPointError where the loss is not finite.  The model is left in inference mode.
    """
    run = Run(model, data, optimizer, [as_callback(c) for c in callbacks])
    if not callable(loss):
        raise TypeError(f"fit: loss is {shown(loss)}. Give a function (outputs, target).")
    if isinstance(epochs, bool) or not isinstance(epochs, int | numpy.integer) or epochs < 0:
        raise ValueError(f"fit: epochs must be a whole number, received {epochs!r}.")
    metrics = _by_name("fit", metrics)
    held_out = None if validation is None else _batches(validation, model, "validation")
    if resume is not None:
        load(resume, run)
    said = Progress(int(epochs)) if progress else None
    try:
        for callback in run.callbacks:
            callback.before_training(run)
        while run.epoch < epochs and not run.stop:
            _train(run, loss, metrics, said)
            if run.batch:  # stopped in the middle of the epoch
                break
            numbers = run.means()
            if held_out is not None:
                seen = evaluate(model, held_out, loss, metrics)
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


def _train(run: Run, loss: Any, metrics: dict[str, Metric], said: Progress | None) -> None:
    """One epoch, or what is left of it."""
    model, optimizer = run.model, run.optimizer
    model.train()
    remaining = run.remaining()
    if said:
        said.start(run.epoch + 1, _length(run.data), "examples")
    for batch in remaining:
        x, target = split(batch)
        optimizer.zero_grad()
        outputs = model(x)
        value = _one_number(loss(outputs, target)) + model.penalty()
        if not math.isfinite(value.item()):
            raise FloatingPointError(
                f"fit: the loss is {value.item()} in epoch {run.epoch + 1}, batch {run.batch + 1}. "
                "Try a smaller learning rate or clip_norm=1.0; `with tn.doctor():` finds where it "
                "comes from."
            )
        value.backward()
        optimizer.step()
        n = len(target)
        with no_grad():
            run.count(n, {"loss": value.item()} | measured(metrics, outputs, target))
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
    ) -> None:
        if not isinstance(model, Module):
            raise TypeError(f"fit: model is {shown(model)}. Give a model, tn.Sequential say.")
        if not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"fit: optimizer is {shown(optimizer)}. Give tn.optim.Adam(model.parameters())."
            )
        if iter(_iterable(data)) is data:
            raise TypeError(
                "fit: data can be gone through only once. Give tn.data.batches(x, target)."
            )
        trained = {id(p) for p in model.parameters()}
        if trained.isdisjoint(id(p) for p in optimizer.parameters):
            raise ValueError(
                "fit: the optimizer has none of this model's parameters. Give it "
                "model.parameters(), after the model was built."
            )
        self.model = model
        self.data = data
        self.optimizer = optimizer
        self.callbacks = list(callbacks)
        self.history = History()
        self.stop = False
        self.epoch = 0
        self.batch = 0
        self.examples = 0  # of the epoch that is running
        self.sums: dict[str, float] = {}  # of its losses and metrics, times the examples
        self._before_epoch: State = {}  # the state of the data

    def remaining(self) -> Iterable[tuple]:
        """The batches of this epoch that are still to come."""
        if self.batch == 0:
            self.examples, self.sums = 0, {}
            self._before_epoch = self.data.state_dict() if isinstance(self.data, Batches) else {}
            return iter(self.data)
        if not isinstance(self.data, Batches):
            every = iter(self.data)
            for _ in range(self.batch):
                next(every)
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
        parts = self.model._walk("", set())
        return {path or "model": part.rng for path, part in parts if part.rng is not None}

    def state_dict(self) -> State:
        return {
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "generators": {name: generator_state(g) for name, g in self._generators().items()},
            "data": self.data.state_dict() if isinstance(self.data, Batches) else {},
            "data before the epoch": self._before_epoch,
            "callbacks": [callback.state_dict() for callback in self.callbacks],
            "history": self.history.epochs,
            "epoch": self.epoch,
            "batch": self.batch,
            "examples": self.examples,
            "sums": self.sums,
        }

    def load_state_dict(self, state: State) -> None:
        """Go on where another run stood.  ValueError, and no change, where it does not fit."""
        wanted = self.state_dict()
        if state.keys() != wanted.keys():
            raise ValueError(
                "fit: this is not the state of a training run, whose parts are "
                f"{', '.join(wanted)}; received {', '.join(state) or 'nothing'}. Weights alone are "
                "loaded with tn.load(path, model)."
            )
        own = self._generators()
        if own.keys() != state["generators"].keys():
            raise ValueError(
                f"fit: the saved run has generators for {', '.join(state['generators']) or 'none'} "
                f"and this one for {', '.join(own) or 'none'}. Build it as it was then."
            )
        if len(self.callbacks) != len(state["callbacks"]):
            raise ValueError(
                f"fit: the saved run has {len(state['callbacks'])} callback(s), and this one "
                f"{len(self.callbacks)}. Give the same, in the same order."
            )
        try:
            self._take(state, own)
        except BaseException:
            self._take(wanted, own)
            raise

    def _take(self, state: State, own: dict[str, numpy.random.Generator]) -> None:
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        for name, generator in own.items():
            restore_generator(f"fit: {name}", generator, state["generators"][name])
        if isinstance(self.data, Batches):
            self.data.load_state_dict(state["data"])
        for callback, kept in zip(self.callbacks, state["callbacks"], strict=True):
            callback.load_state_dict(kept)
        self._before_epoch = state["data before the epoch"]
        self.history = History(state["history"])
        self.epoch, self.batch = state["epoch"], state["batch"]
        self.examples, self.sums = state["examples"], dict(state["sums"])


def evaluate(
    model: Module,
    data: Any,
    loss: Callable[[Any, Any], Tensor] | None = None,
    metrics: Metrics = (),
) -> dict[str, float]:
    """Loss and metrics over all examples, in inference mode, without the penalties.

    data: batches, or (x, target).  The mean over batches, weighted by their examples.
    """
    metrics = _by_name("evaluate", metrics)
    total = 0
    sums: dict[str, float] = {}
    for outputs, target in _outputs(model, _batches(data, model, "data")):
        numbers = {} if loss is None else {"loss": _one_number(loss(outputs, target)).item()}
        for name, value in (numbers | measured(metrics, outputs, target)).items():
            sums[name] = sums.get(name, 0.0) + value * len(target)
        total += len(target)
    if not total:
        raise ValueError("evaluate: the data holds no examples. Check how it was loaded.")
    return {name: value / total for name, value in sums.items()}


def predict(model: Module, x: Any, size: int = 256) -> Any:
    """What the model gives for examples x (N, ...), in inference mode, as an array on the host.

    x: an array, or a list of them for a model of several inputs; several outputs give a list.
    size: examples a batch, for the sake of memory.
    """
    inputs = tuple(x) if isinstance(x, list | tuple) and hasattr(x[0], "shape") else (x,)
    found = [y for y, _ in _outputs(model, _batches((*inputs, inputs[0]), model, "x", size))]
    if isinstance(found[0], list | tuple):
        return [numpy.concatenate([y.numpy() for y in part]) for part in zip(*found, strict=True)]
    return numpy.concatenate([y.numpy() for y in found])


def _outputs(model: Module, data: Iterable[tuple]) -> Iterator[tuple[Any, Any]]:
    """Outputs and targets, batch by batch; every module gets its mode back at the end."""
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        for batch in data:
            x, target = split(batch)
            with no_grad():
                outputs = model(x)
            yield outputs, target
    finally:
        for module, training in before:
            module.training = training


def split(batch: Any) -> tuple[Any, Any]:
    """A batch as inputs and target: the target is last."""
    if not isinstance(batch, tuple | list) or len(batch) < 2:
        raise TypeError(
            f"fit: a batch is {shown(batch)}. It must be a tuple (x, target): "
            "tn.data.batches(x, x) for an autoencoder."
        )
    *inputs, target = batch
    return (inputs[0] if len(inputs) == 1 else inputs), target


def _by_name(where: str, metrics: Metrics) -> dict[str, Metric]:
    if not isinstance(metrics, Mapping):
        if callable(metrics) or not isinstance(metrics, Iterable):
            raise TypeError(
                f"{where}: metrics is {shown(metrics)}. Give a list, [tn.metrics.accuracy]."
            )
        named = [(getattr(metric, "__name__", repr(metric)), metric) for metric in metrics]
        metrics = dict(named)
        if len(metrics) < len(named):
            raise ValueError(
                f"{where}: two metrics are called {named[0][0]!r}. Give them by name, "
                '{"top 1": ..., "top 5": ...}.'
            )
    if "loss" in metrics:
        raise ValueError(f"{where}: a metric is called 'loss', as the loss is. Rename it.")
    return dict(metrics)


def measured(metrics: dict[str, Metric], outputs: Any, target: Any) -> dict[str, float]:
    return {name: float(metric(outputs, target)) for name, metric in metrics.items()}


def _one_number(value: Any) -> Tensor:
    if not isinstance(value, Tensor) or value.size != 1:
        seen = f"shape {value.shape}" if isinstance(value, Tensor) else type(value).__name__
        raise TypeError(
            f"fit: the loss function returned {seen}. It must return a tensor of one number, as "
            'tn.mse and reduction="mean" do.'
        )
    return value


def _batches(data: Any, model: Module, name: str, size: int = 256) -> Iterable[tuple]:
    arrays = isinstance(data, tuple) and all(hasattr(a, "shape") or type(a) is list for a in data)
    return batches(*data, size=size, device=model.device) if arrays else _iterable(data, name)


def _iterable(data: Any, name: str = "data") -> Any:
    if isinstance(data, tuple) or not isinstance(data, Iterable):
        raise TypeError(
            f"fit: {name} is {type(data).__name__}. Give tn.data.batches(x, target, size=32, "
            "rng=numpy.random.default_rng(0))."
        )
    return data


def _length(data: Any) -> int | None:
    return len(data) if hasattr(data, "__len__") else None
