"""Minibatches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy

from ..devices import move
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
    try:
        data = [_on_host(a) for a in arrays]
    except ValueError:
        raise ValueError(
            "batches: the rows of the list have different lengths. Give arrays, (N, ...) each."
        ) from None
    if not data or any(a.ndim == 0 for a in data):
        raise ValueError("batches: there is nothing to divide. Give arrays, (N, ...) each.")
    lengths = [len(a) for a in data]
    if len(set(lengths)) > 1:
        raise ValueError(
            f"batches: the arrays hold {' and '.join(map(str, lengths))} examples. They must be "
            "equally many, one label for each picture."
        )
    if lengths[0] == 0:
        raise ValueError("batches: the arrays hold no examples. Check how they were loaded.")
    for a in data:
        if a.dtype.kind not in "fiub":
            raise TypeError(f"batches: the arrays hold {a.dtype}. Give numbers.")
    if isinstance(size, bool) or not isinstance(size, int | numpy.integer) or size < 1:
        raise ValueError(f"batches: size must be a whole number of at least 1, received {size!r}.")
    if rng is not None and not isinstance(rng, numpy.random.Generator):
        raise TypeError(
            f"batches: rng is {type(rng).__name__}. Give numpy.random.default_rng(0), or None."
        )
    try:
        move(data[0][:0], device)
    except ValueError as error:
        raise ValueError(f"batches: {error}") from None
    return _batches(data, size, rng, device)


def _on_host(a: Any) -> numpy.ndarray:
    if isinstance(a, Tensor):
        return a.numpy()
    array = numpy.asarray(a)
    is_list_of_floats = array.dtype == numpy.float64 and not isinstance(a, numpy.ndarray)
    return array.astype(numpy.float32) if is_list_of_floats else array


def _batches(
    data: list[numpy.ndarray], size: int, rng: numpy.random.Generator | None, device: str
) -> Iterator[tuple[Tensor, ...]]:
    n = len(data[0])
    order = None if rng is None else rng.permutation(n)
    for start in range(0, n, size):
        chosen = slice(start, start + size) if order is None else order[start : start + size]
        yield tuple(Tensor(a[chosen]).to(device) for a in data)
