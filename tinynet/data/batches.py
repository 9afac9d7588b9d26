"""Minibatches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy

from ..tensor import Tensor


def batches(
    *arrays: Any,
    size: int = 32,
    rng: numpy.random.Generator | None = None,
    device: str = "cpu",
) -> Iterator[tuple[Tensor, ...]]:
    """Go once through the examples in minibatches: tuples of tensors, (size, ...) each.

    arrays: arrays whose first axes are equally long: pictures and labels, for instance.
    size: examples a batch; the last batch holds what is left over, and is never dropped.
    rng: numpy.random.default_rng(seed) to shuffle (a new order each call); None keeps the order.
    device: where the batches are to be.

    ValueError for no arrays, no examples, different lengths, or a size that is not at least 1.
    """
    data = [a.numpy() if isinstance(a, Tensor) else numpy.asarray(a) for a in arrays]
    if not data or any(a.ndim == 0 for a in data):
        raise ValueError("batches: there is nothing to divide. Give arrays, (N, ...) each.")
    lengths = [len(a) for a in data]
    if len(set(lengths)) > 1:
        raise ValueError(
            f"batches: the arrays hold {', '.join(map(str, lengths))} examples. They must be "
            "equally many, one label for each picture."
        )
    if lengths[0] == 0:
        raise ValueError("batches: the arrays hold no examples. Check how they were loaded.")
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise ValueError(f"batches: size must be a whole number of at least 1, received {size!r}.")
    if rng is not None and not isinstance(rng, numpy.random.Generator):
        raise TypeError(
            f"batches: rng is {type(rng).__name__}. Give numpy.random.default_rng(0), or None."
        )
    return _batches(data, size, rng, device)


def _batches(
    data: list[numpy.ndarray], size: int, rng: numpy.random.Generator | None, device: str
) -> Iterator[tuple[Tensor, ...]]:
    n = len(data[0])
    order = None if rng is None else rng.permutation(n)
    for start in range(0, n, size):
        chosen = slice(start, start + size) if order is None else order[start : start + size]
        yield tuple(Tensor(a[chosen]).to(device) for a in data)
