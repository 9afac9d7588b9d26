"""Whether tinynet and PyTorch compute the same: losses and gradients from the same noise.

Where they do not, their times say nothing about each other, and the benchmark stops.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy

import tinynet as tn

from ..measure.pytorch import Disagreement
from .in_torch import LAYOUTS, Twin
from .steps import numpy_alone, running
from .work import Row, Work, one_by_one

# What may differ, relative.  In float64, on two examples, the functions are compared: the loss and
# the gradient of each parameter.  In float32, on the whole batch, there is rounding: the
# input of a ReLU that is as good as 0 falls on either side, and a whole plain background with it.
SAME = 1e-6
NEAR_LOSS, NEAR_GRADIENT = 1e-3, 1e-2  # the gradient of all parameters together
UNSEEN = 1e-6  # a gradient so much smaller than the largest is 0, but for rounding


class Differences(NamedTuple):
    """Of tinynet and its twin, relative."""

    loss: float
    gradient: float  # of all parameters together
    parameter: float  # the largest of a single one


def check(name: str, row: Row, torch: Any) -> dict[str, Any]:
    """Disagreement unless losses and gradients of all layouts agree, from the same noise."""
    found = {}
    for layout in LAYOUTS:
        exact = differences(name, in_float64(row.make(2)), Twin(torch, layout))
        near = differences(name, row.make(row.batch), Twin(torch, layout))
        for kind, got, allowed in (
            ("losses in float64", exact.loss, SAME),
            ("gradients in float64", exact.parameter, SAME),
            ("losses in float32", near.loss, NEAR_LOSS),
            ("gradients in float32", near.gradient, NEAR_GRADIENT),
        ):
            if not got <= allowed:  # NaN too
                raise Disagreement(
                    f"{name}: {kind} of tinynet and PyTorch ({layout}) differ by {got:.1e}, and "
                    f"{allowed:g} is allowed. They do not compute the same, so their times are "
                    "not compared."
                )
        found[layout] = {"float64": exact._asdict(), "float32": near._asdict()}
    return found


def differences(name: str, work: Work, twin: Twin) -> Differences:
    """Of one loss of the model of that name, and its gradients: same weights, batch and noise."""
    twin.draw_like(work.rng)
    theirs = _backward(work.theirs(twin)(*map(twin.batch, work.batch)))
    work.network.train()
    with running(numpy_alone()):
        ours = _backward(work.ours(*map(tn.Tensor, work.batch)))
    if {id(pair.ours) for pair in twin.pairs} != {id(w) for w in work.network.parameters()}:
        raise Disagreement(
            f"{name}: the twin and the model do not have the same parameters. Make each of the "
            "twin's with twin.module or twin.parameter."
        )
    sizes = [norm(pair.theirs.grad.numpy()) for pair in twin.pairs]
    apart = [norm(pair.turned(pair.ours.grad) - pair.theirs.grad.numpy()) for pair in twin.pairs]
    least = UNSEEN * max(sizes)
    return Differences(
        max(abs(a - b) / abs(b) for a, b in zip(ours, theirs, strict=True)),
        norm(apart) / norm(sizes),
        max(a / max(size, least) for a, size in zip(apart, sizes, strict=True)),
    )


def _backward(losses: Any) -> list[float]:
    """Adds the gradients of all losses; no step is made between them.  -> the losses"""
    values = []
    for loss in one_by_one(losses):
        loss.backward()
        values.append(loss.item())
    return values


def norm(numbers: Any) -> float:
    return float(numpy.linalg.norm(numpy.asarray(numbers, numpy.float64).ravel()))


def in_float64(work: Work) -> Work:
    """The same work, its weights and its batch in double precision."""
    for module in work.network.modules():
        for value in vars(module).values():
            if isinstance(value, tn.Tensor):
                value.data = value.data.astype(numpy.float64)
    return work._replace(
        batch=tuple(a.astype(numpy.float64) if a.dtype.kind == "f" else a for a in work.batch)
    )
