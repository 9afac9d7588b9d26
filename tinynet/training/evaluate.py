"""evaluate and predict: a trained model computes on examples, in inference mode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from ..data.batches import batches
from ..engine.tensor import Tensor
from ..messages.arguments import ragged, shown
from ..messages.names import explained
from ..models.module import Module, inference
from ..models.sequential import Sequential
from .checks import (
    Loss,
    Metric,
    Metrics,
    as_batches,
    as_loss,
    check_model,
    dtype_of,
    fitting,
    inputs_and_target,
    metrics_by_name,
    one_number,
)


@explained
def evaluate(
    model: Module,
    data: Any,
    loss: Loss | str | None = None,
    metrics: Metrics = (),
) -> dict[str, float]:
    """Loss and metrics over all examples, in inference mode, without the penalties.

    data: batches, or (x, target).  float64 becomes the dtype of the model's weights.
    loss: a function (outputs, target) -> tensor of one number, or its name, as in fit; None leaves
        it out.
    metrics: functions (outputs, target) -> number, or names, in a list, or in a dictionary by name.

    Each number is the mean over the batches, weighted by their examples.  auc, psnr and r2 are not
    such means: they are computed once, of all outputs, which are kept on the host for it.  So is a
    metric of your own with the attribute of_all = True, for example a function that calls auc.
    ValueError where the data holds no examples.
    """
    check_model("evaluate", model)
    data = as_batches("evaluate", "data", data, model)
    loss = None if loss is None else as_loss("evaluate", loss)
    metrics = fitting(metrics_by_name("evaluate", metrics), loss)
    of_all = {name: metric for name, metric in metrics.items() if getattr(metric, "of_all", False)}
    of_batch = {name: metric for name, metric in metrics.items() if name not in of_all}
    kept: list[tuple[Any, Any]] = []
    total = 0
    sums: dict[str, float] = {}
    dtype = dtype_of(model)
    with inference():
        for batch in data:
            x, target = inputs_and_target("evaluate", batch, dtype)
            outputs = model(x)
            numbers: dict[str, float] = {}
            if loss is not None:
                numbers["loss"] = one_number("evaluate", loss(outputs, target)).item()
            for name, value in (numbers | measured(of_batch, outputs, target)).items():
                sums[name] = sums.get(name, 0.0) + value * len(target)
            total += len(target)
            if of_all:
                kept.append((_on_host(outputs), _on_host(target)))
    if not total:
        raise ValueError("evaluate: the data holds no examples. Check how it was loaded.")
    found = {name: value / total for name, value in sums.items()}
    if of_all:
        found |= measured(of_all, *map(_joined, zip(*kept, strict=True)))
    return {name: found[name] for name in ("loss", *metrics) if name in found}


def _on_host(values: Any) -> Any:
    if isinstance(values, list | tuple):  # several outputs
        return [_on_host(part) for part in values]
    return values.numpy() if isinstance(values, Tensor) else numpy.asarray(values)


def _joined(batches: Sequence[Any]) -> Any:
    """The arrays of all batches as one tensor; of several outputs, a list of them."""
    if isinstance(batches[0], list):
        return [_joined(part) for part in zip(*batches, strict=True)]
    return Tensor(numpy.concatenate(batches))


def measured(metrics: dict[str, Metric], outputs: Any, target: Any) -> dict[str, float]:
    """The metrics of one batch."""
    return {name: float(metric(outputs, target)) for name, metric in metrics.items()}


@explained
def predict(model: Module, x: Any, size: int = 256) -> Any:
    """The model's outputs for examples x (N, ...), in inference mode, as an array on the host.

    x: an array, or a list of arrays for a model of several inputs.
    size: examples in a batch; a smaller one takes less memory.

    A model of several outputs gives a list of arrays.
    """
    check_model("predict", model)
    several = isinstance(x, list | tuple) and all(hasattr(a, "shape") for a in x)
    sequences = ragged(x) and (getattr(x[0], "ndim", 0) == 1 or isinstance(model, Sequential))
    inputs = tuple(x) if several and not sequences else (x,)
    if not inputs or not all(hasattr(a, "shape") or isinstance(a, list) for a in inputs):
        raise TypeError(
            f"predict: x is {shown(x)}. Give an array (N, ...), or a list of them for a model of "
            "several inputs."
        )
    found = []
    with inference():
        for batch in batches(*inputs, size=size, device=model.device):
            found.append(model(list(batch) if len(batch) > 1 else batch[0]))
    if isinstance(found[0], list | tuple):
        return [numpy.concatenate([y.numpy() for y in part]) for part in zip(*found, strict=True)]
    return numpy.concatenate([y.numpy() for y in found])
