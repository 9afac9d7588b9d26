"""Inference: what a trained model gives for examples, and how good that is."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy

from .autograd import no_grad
from .data.batches import batches
from .inputs import shown
from .module import Module
from .tensor import Tensor

Metric = Callable[[Any, Any], float]
Metrics = Sequence[Metric] | Mapping[str, Metric]


def evaluate(
    model: Module,
    data: Any,
    loss: Callable[[Any, Any], Tensor] | None = None,
    metrics: Metrics = (),
) -> dict[str, float]:
    """Loss and metrics over all examples, in inference mode, without the penalties.

    data: batches, or (x, target).  The mean over batches, weighted by their examples.
    """
    metrics = by_name("evaluate", metrics)
    total = 0
    sums: dict[str, float] = {}
    with _inference(model):
        for batch in as_batches("evaluate", "data", data, model):
            x, target = split("evaluate", batch)
            outputs = model(x)
            numbers: dict[str, float] = {}
            if loss is not None:
                numbers["loss"] = one_number("evaluate", loss(outputs, target)).item()
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
    several = isinstance(x, list | tuple) and all(hasattr(a, "shape") for a in x)
    inputs = tuple(x) if several else (x,)
    if not inputs or not all(hasattr(a, "shape") or isinstance(a, list) for a in inputs):
        raise TypeError(
            f"predict: x is {shown(x)}. Give an array (N, ...), or a list of them for a model of "
            "several inputs."
        )
    found = []
    with _inference(model):
        for batch in batches(*inputs, size=size, device=model.device):
            found.append(model(list(batch) if len(batch) > 1 else batch[0]))
    if isinstance(found[0], list | tuple):
        return [numpy.concatenate([y.numpy() for y in part]) for part in zip(*found, strict=True)]
    return numpy.concatenate([y.numpy() for y in found])


@contextlib.contextmanager
def _inference(model: Module) -> Iterator[None]:
    """Inference mode without recording; every module gets its own mode back at the end."""
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with no_grad():
            yield
    finally:
        for module, training in before:
            module.training = training


def split(where: str, batch: Any) -> tuple[Any, Any]:
    """A batch as inputs and target: the target is last."""
    if not isinstance(batch, tuple | list) or len(batch) < 2:
        raise TypeError(
            f"{where}: a batch is {shown(batch)}. It must be a tuple (x, target): "
            "tn.data.batches(x, x) for an autoencoder."
        )
    *inputs, target = batch
    return (inputs[0] if len(inputs) == 1 else inputs), target


def by_name(where: str, metrics: Metrics) -> dict[str, Metric]:
    if not isinstance(metrics, Mapping):
        if callable(metrics) or not isinstance(metrics, Iterable):
            raise TypeError(
                f"{where}: metrics is {shown(metrics)}. Give a list, [tn.metrics.accuracy]."
            )
        named: dict[str, Metric] = {}
        for metric in metrics:
            name = getattr(metric, "__name__", repr(metric))
            if name in named:
                raise ValueError(
                    f"{where}: two metrics are called {name!r}. Give them by name, "
                    '{"top 1": ..., "top 5": ...}.'
                )
            named[name] = metric
        metrics = named
    for name, metric in metrics.items():
        if not callable(metric):
            raise TypeError(
                f"{where}: the metric {shown(metric)} cannot be called. Give a function "
                "(outputs, target)."
            )
        if not isinstance(name, str) or not name.isprintable() or "/" in name or "\\" in name:
            raise ValueError(
                f"{where}: a metric is called {name!r}. Give it a name that a file can hold, "
                "without / and \\."
            )
    for name, what in (("loss", "the loss is"), ("penalty", "that of the regularizers is")):
        if name in metrics:
            raise ValueError(f"{where}: a metric is called {name!r}, as {what}. Rename it.")
    return dict(metrics)


def measured(metrics: dict[str, Metric], outputs: Any, target: Any) -> dict[str, float]:
    return {name: float(metric(outputs, target)) for name, metric in metrics.items()}


def one_number(where: str, value: Any) -> Tensor:
    if not isinstance(value, Tensor) or value.size != 1:
        seen = f"shape {value.shape}" if isinstance(value, Tensor) else type(value).__name__
        raise TypeError(
            f"{where}: the loss function returned {seen}. It must return a tensor of one number, "
            'as tn.mse and reduction="mean" do.'
        )
    return value


def as_batches(where: str, name: str, data: Any, model: Module) -> Iterable[tuple]:
    """Batches as they are; (x, target) in batches on the model's device."""
    arrays = isinstance(data, tuple) and all(hasattr(a, "shape") or type(a) is list for a in data)
    if arrays:
        return batches(*data, size=256, device=model.device)
    return iterable(where, name, data)


def iterable(where: str, name: str, data: Any) -> Any:
    if isinstance(data, tuple) or not isinstance(data, Iterable):
        raise TypeError(
            f"{where}: {name} is {type(data).__name__}. Give tn.data.batches(x, target, size=32, "
            "rng=numpy.random.default_rng(0))."
        )
    return data
