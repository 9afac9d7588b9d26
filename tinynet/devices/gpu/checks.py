"""Whether numbers are in a range: one launch for labels, two for others."""

from __future__ import annotations

from .. import checks
from ..arrays import Array, xp
from .launch import THREADS, launch, launch_blocks, ready, takes

FEW = 2**16  # labels, which one block looks at


def inside(x: Array, low: float, high: float) -> Array:
    if not takes(x):
        return checks.inside(x, low, high)
    fine = xp(x).ones((), bool)
    launch("checks.inside", x.size, ready(x), float(low), float(high), fine)
    return fine


def labels_inside(labels: Array, K: int) -> tuple[Array, Array]:
    if labels.dtype != "int64" or labels.size > FEW:
        return checks.labels_inside(labels, K)
    fine, facts = xp(labels).empty((), bool), xp(labels).empty(3, "int64")
    values = ready(labels), int(K), fine, facts, labels.size
    launch_blocks("checks.labels_inside", (1,), (THREADS,), *values)
    return fine, facts
