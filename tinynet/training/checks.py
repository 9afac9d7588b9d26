"""What fit, evaluate and profile may be given, and what an error says of anything else.

Only checks live here: a reader who follows a training may skip this file.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

import numpy

from ..data.batches import batches
from ..devices import is_array
from ..engine.tensor import Tensor
from ..messages.arguments import known, shown
from ..messages.mistakes import warn
from ..metrics import accuracy, auc, log_loss, psnr, r2, top_k
from ..models.module import Module
from ..ops.loss import bce, bce_with_logits, cross_entropy, mae, mse
from ..optim import Optimizer

P = ParamSpec("P")
R = TypeVar("R")
Loss = Callable[[Any, Any], Tensor]
Metric = Callable[[Any, Any], float]
Metrics = Sequence[Metric | str] | Mapping[str, Metric | str]

# What may be given by name: functions (outputs, target) -> a tensor of one number, or a number.
LOSSES = {f.__name__: f for f in (mse, mae, bce, bce_with_logits, cross_entropy)}
METRICS = {f.__name__: f for f in (accuracy, top_k, log_loss, auc, psnr, r2, mse, mae)}

_ON_LOGITS = "; it takes logits, so leave out the softmax at the end of the model"
_ON_PROBABILITIES = '; it takes probabilities, and "bce_with_logits" takes logits'
ELSEWHERE = {  # the names of Keras and PyTorch: ours, and what else there is to know
    "sparse_categorical_crossentropy": ("cross_entropy", _ON_LOGITS),
    "categorical_crossentropy": ("cross_entropy", _ON_LOGITS),
    "binary_crossentropy": ("bce", _ON_PROBABILITIES),
    "binary_cross_entropy": ("bce", _ON_PROBABILITIES),
    "mean_squared_error": ("mse", ""),
    "mean_absolute_error": ("mae", ""),
    "mse_loss": ("mse", ""),
    "l1_loss": ("mae", ""),
    "L1Loss": ("mae", ""),
    "acc": ("accuracy", ""),
}


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


def as_loss(where: str, loss: Any) -> Loss:
    """A loss function, also by its name."""
    if isinstance(loss, str):
        return _by_name(where, "loss", loss, LOSSES)
    check_loss(where, loss)
    outputs_come_first(where, loss)
    return loss


def outputs_come_first(where: str, function: Any) -> None:
    """Warn of a loss or metric of Keras' form, (y_true, y_pred)."""
    code = getattr(function, "__code__", None)
    first = code.co_varnames[: code.co_argcount][:1] if code else ()
    if first and first[0] in ("labels", "target", "targets", "true", "y_true"):
        warn(
            f"{where}: {function.__name__}({first[0]}, ...) has Keras' order. Here it is "
            "(outputs, target): swap the parameters."
        )


def _by_name(where: str, kind: str, name: str, values: dict[str, Any]) -> Any:
    """The loss or metric of that name; ValueError that names ours, or the nearest, for another."""
    ours, more = ELSEWHERE.get(name, ("", ""))
    if name not in values and ours in values:
        raise ValueError(f'{where}: there is no {kind} {name!r}. Give "{ours}"{more}.')
    return known(where, kind, name, values)


# -- data ------------------------------------------------------------------------------------------


def inputs_and_target(where: str, batch: Any, dtype: Any = None) -> tuple[Any, Any]:
    """The parts of a batch.  The target is last; several inputs before it become a list.

    dtype: what float64 among them becomes; None leaves it.
    """
    if not isinstance(batch, tuple | list) or len(batch) < 2:
        raise TypeError(
            f"{where}: a batch is {shown(batch)}. It must be a tuple (x, target): "
            "tn.data.batches(x, x) for an autoencoder."
        )
    *inputs, target = batch if dtype is None else [_in_dtype(part, dtype) for part in batch]
    return (inputs[0] if len(inputs) == 1 else inputs), target


def dtype_of(model: Module) -> Any:
    """The dtype of its first weight; None where there is none, or none yet."""
    try:
        weights = model.weights().values()
        return next((w.dtype for w in weights if w.dtype.kind == "f"), None)
    except ValueError:  # a part waits for its first input
        return None


def _in_dtype(part: Any, dtype: Any) -> Any:
    """A float64 array, or tensor that needs no gradient, in that dtype; anything else as it is."""
    if getattr(part, "dtype", dtype) == dtype or part.dtype != numpy.float64:
        return part
    if isinstance(part, Tensor):
        return part if part.requires_grad else Tensor(part.data.astype(dtype), name=part.name)
    return part.astype(dtype) if is_array(part) else part


def arrays_of(values: Any) -> list[Any]:
    """The arrays of a tensor, an array, numbers, or of a list of several inputs or outputs."""
    if isinstance(values, list | tuple) and any(hasattr(part, "shape") for part in values):
        return [array for part in values for array in arrays_of(part)]
    if isinstance(values, Tensor):
        return [values.data]
    return [values if is_array(values) else numpy.asarray(values)]


def not_finite(loss: float, epoch: int, batch: int, late: bool = False) -> FloatingPointError:
    """The error for such a loss.  epoch: the number of those that are finished.

    late: a GPU told it later, and nobody has looked at the batch.
    """
    cure = "Try a smaller learning rate or clip_norm=1.0"
    if late:
        cure = "Look for NaN in that batch. If there is none, try a smaller learning rate or "
        cure += "clip_norm=1.0"
    if not epoch and batch == 1:  # no step was made yet
        cure = "Check that the inputs are scaled, pictures to [0, 1]"
    return FloatingPointError(
        f"fit: the loss is {loss} in epoch {epoch + 1}, batch {batch}. {cure}; `with tn.doctor():` "
        "finds where it comes from."
    )


def refuse_not_finite(where: str, place: str, x: Any, target: Any) -> None:
    """FloatingPointError where the inputs or the target of a batch hold NaN or infinity."""
    for values, name, they_hold in (
        (x, "x", "inputs of {} hold"),
        (target, "target", "target of {} holds"),
    ):
        arrays = [a for a in arrays_of(values) if a.dtype.kind == "f"]
        nans = sum(int((a != a).sum()) for a in arrays)
        infinities = sum(int((abs(a) == numpy.inf).sum()) for a in arrays)
        found = [f"{n:,} {kind}" for n, kind in ((nans, "NaN"), (infinities, "inf")) if n]
        if found:
            more = ", posinf=0, neginf=0" if infinities else ""
            raise FloatingPointError(
                f"{where}: the {they_hold.format(place)} {' and '.join(found)}. Clean them, for "
                f"example numpy.nan_to_num({name}{more}), or leave those examples out."
            )


def as_batches(where: str, name: str, data: Any, model: Module) -> Iterable[tuple]:
    """(x, target) in batches on the model's device; batches as they are."""
    if isinstance(data, tuple) and len(data) == 2 and _several_inputs(*data):
        data = (*data[0], data[1])
    pair = isinstance(data, list) and len(data) == 2 and all(hasattr(a, "shape") for a in data)
    whole = isinstance(data, tuple) and all(hasattr(a, "shape") or type(a) is list for a in data)
    if pair or whole:
        return batches(*data, size=256, device=model.device)
    return iterable(where, name, data)


def _several_inputs(x: Any, target: Any) -> bool:
    """Whether x is a list of arrays, each with as many examples as the target."""
    if not isinstance(x, list | tuple) or not all(hasattr(a, "shape") for a in x):
        return False
    return len(x) != len(target) and {len(a) for a in x} == {len(target)}


def iterable(where: str, name: str, data: Any) -> Iterable[tuple]:
    if hasattr(data, "shape"):
        raise TypeError(
            f"{where}: {name} is one array, without its target. Give tn.data.batches(x, y, "
            "size=32, rng=numpy.random.default_rng(0))."
        )
    if isinstance(data, tuple) or not isinstance(data, Iterable):
        raise TypeError(
            f"{where}: {name} is {type(data).__name__}. Give tn.data.batches(x, target, size=32, "
            "rng=numpy.random.default_rng(0))."
        )
    return data


def not_in_keras_order(fit: Callable[P, R]) -> Callable[P, R]:
    """fit, with an error that helps where it is called as Keras' model.fit(x, y, ...) is."""

    @functools.wraps(fit)
    def checked(*args: P.args, **settings: P.kwargs) -> R:
        if len(args) > 1 and hasattr(args[1], "shape"):
            iterable("fit", "data", args[1])
        return fit(*args, **settings)

    return checked


def repeatable(where: str, name: str, data: Any) -> Iterable[tuple]:
    """Data that gives its batches again in each epoch."""
    if isinstance(iterable(where, name, data), Iterator):
        raise TypeError(
            f"{where}: {name} can be gone through only once. Give tn.data.batches(x, target)."
        )
    return data


# -- metrics ---------------------------------------------------------------------------------------


def metrics_by_name(where: str, metrics: Any) -> dict[str, Metric]:
    """Metrics with their names: those of a dictionary, or of the functions and names in a list."""
    given = dict(metrics) if isinstance(metrics, Mapping) else _named(where, metrics)
    named = {
        name: _by_name(where, "metric", metric, METRICS) if isinstance(metric, str) else metric
        for name, metric in given.items()
    }
    for name, metric in named.items():
        outputs_come_first(where, metric)
        if not callable(metric):
            raise TypeError(
                f"{where}: the metric {shown(metric)} cannot be called. Give a function "
                '(outputs, target), or a name, "accuracy".'
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


def fitting(metrics: dict[str, Metric], loss: Any) -> dict[str, Metric]:
    """The metrics for a model with that loss: the accuracy of logits has the threshold 0."""
    if loss is not bce_with_logits:
        return metrics
    of_logits = functools.partial(accuracy, threshold=0)
    return {name: of_logits if f is accuracy else f for name, f in metrics.items()}


def _named(where: str, metrics: Any) -> dict[str, Metric | str]:
    if callable(metrics) or isinstance(metrics, str) or not isinstance(metrics, Iterable):
        raise TypeError(f'{where}: metrics is {shown(metrics)}. Give a list, ["accuracy"].')
    named: dict[str, Metric | str] = {}
    for metric in metrics:
        name = metric if isinstance(metric, str) else getattr(metric, "__name__", repr(metric))
        if name in named:
            raise ValueError(
                f"{where}: two metrics are called {name!r}. Give them by name, "
                '{"top 1": ..., "top 5": ...}.'
            )
        named[name] = metric
    return named
