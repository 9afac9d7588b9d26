"""What fit, evaluate and profile may be given, and what an error says of anything else.

Only checks live here: a reader who follows a training may skip this file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..data.batches import batches
from ..engine.tensor import Tensor
from ..messages.arguments import shown
from ..models.module import Module
from ..optim import Optimizer

Metric = Callable[[Any, Any], float]
Metrics = Sequence[Metric] | Mapping[str, Metric]


# -- model, optimizer and loss ---------------------------------------------------------------------


def check_model(where: str, model: Any) -> None:
    if not isinstance(model, Module):
        raise TypeError(
            f"{where}: model is {shown(model)}. Give a model, for example tn.Sequential."
        )


def check_optimizer(where: str, optimizer: Any, model: Module) -> None:
    """ValueError where it does not have all parameters of the model."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"{where}: optimizer is {shown(optimizer)}. Give tn.optim.Adam(model.parameters())."
        )
    moved = {id(p) for p in optimizer.parameters}
    weights = model.weights().items()
    left = [name for name, p in weights if p.requires_grad and id(p) not in moved]
    if left:
        names = ", ".join(left[:3]) + (", ..." if len(left) > 3 else "")
        raise ValueError(
            f"{where}: the optimizer lacks {len(left)} parameter(s) of the model: {names}. "
            "Make it with model.parameters() once the model is complete; what is not to be "
            "trained is frozen with layer.trainable = False."
        )


def check_trainable(where: str, model: Module) -> None:
    if not model.parameters():
        raise ValueError(f"{where}: the model has nothing to train. Set trainable = True.")


def check_loss(where: str, loss: Any) -> None:
    if not callable(loss):
        raise TypeError(f"{where}: loss is {shown(loss)}. Give a function (outputs, target).")


def one_number(where: str, value: Any) -> Tensor:
    """What a loss function returned."""
    if not isinstance(value, Tensor) or value.size != 1:
        seen = f"shape {value.shape}" if isinstance(value, Tensor) else type(value).__name__
        raise TypeError(
            f"{where}: the loss function returned {seen}. It must return a tensor of one number, "
            'as tn.mse and reduction="mean" do.'
        )
    return value


# -- data ------------------------------------------------------------------------------------------


def inputs_and_target(where: str, batch: Any) -> tuple[Any, Any]:
    """The parts of a batch.  The target is last; several inputs before it become a list."""
    if not isinstance(batch, tuple | list) or len(batch) < 2:
        raise TypeError(
            f"{where}: a batch is {shown(batch)}. It must be a tuple (x, target): "
            "tn.data.batches(x, x) for an autoencoder."
        )
    *inputs, target = batch
    return (inputs[0] if len(inputs) == 1 else inputs), target


def as_batches(where: str, name: str, data: Any, model: Module) -> Iterable[tuple]:
    """(x, target) in batches on the model's device; batches as they are."""
    if isinstance(data, tuple) and all(hasattr(a, "shape") or type(a) is list for a in data):
        return batches(*data, size=256, device=model.device)
    return iterable(where, name, data)


def iterable(where: str, name: str, data: Any) -> Iterable[tuple]:
    if isinstance(data, tuple) or not isinstance(data, Iterable):
        raise TypeError(
            f"{where}: {name} is {type(data).__name__}. Give tn.data.batches(x, target, size=32, "
            "rng=numpy.random.default_rng(0))."
        )
    return data


def repeatable(where: str, name: str, data: Any) -> Iterable[tuple]:
    """Data that gives its batches again in each epoch."""
    if isinstance(iterable(where, name, data), Iterator):
        raise TypeError(
            f"{where}: {name} can be gone through only once. Give tn.data.batches(x, target)."
        )
    return data


# -- metrics ---------------------------------------------------------------------------------------


def metrics_by_name(where: str, metrics: Any) -> dict[str, Metric]:
    """Metrics with their names: those of a dictionary, or of the functions in a list."""
    named = dict(metrics) if isinstance(metrics, Mapping) else _named(where, metrics)
    for name, metric in named.items():
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
        if name in ("loss", "penalty"):
            raise ValueError(
                f"{where}: a metric is called {name!r}, a name that the history uses itself. "
                "Rename it."
            )
    return named


def _named(where: str, metrics: Any) -> dict[str, Metric]:
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
    return named
