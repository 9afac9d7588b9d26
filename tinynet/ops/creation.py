"""Tensors made from a shape or from class numbers, without a list or an array to start from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from ..devices import device_named, xp
from ..engine.tensor import Tensor
from ..messages.arguments import is_whole, shown, whole
from ..messages.engine import located, refuse_mask
from ..messages.names import explained
from .loss import check_class_numbers


@explained
def zeros(
    *shape: Any, dtype: Any = "float32", device: str = "cpu", requires_grad: bool = False
) -> Tensor:
    """A tensor of zeros: tn.zeros(2, 3) or tn.zeros((2, 3)).

    dtype: as NumPy has it, of real numbers.  device, requires_grad: as for Tensor.
    ValueError for sizes that are not whole numbers of at least 0, or another device; TypeError for
    another dtype, or one that has no gradient.
    """
    return _made(numpy.zeros, "zeros", shape, dtype, device, requires_grad)


@explained
def ones(
    *shape: Any, dtype: Any = "float32", device: str = "cpu", requires_grad: bool = False
) -> Tensor:
    """A tensor of ones: tn.ones(2, 3) or tn.ones((2, 3)).  Arguments and errors as for zeros."""
    return _made(numpy.ones, "ones", shape, dtype, device, requires_grad)


@explained
def one_hot(labels: Any, classes: int) -> Tensor:
    """For each label a row with 1 in its place and 0 elsewhere.  (...) -> float32 (..., K)

    labels: integers in [0, classes); the result is on their device.  classes: K, at least 1.

    ValueError for labels out of range or classes below 1; TypeError for labels that are not
    integers.
    """
    K = whole("one_hot", "classes", classes, cure="Give how many classes there are.")
    refuse_mask("one_hot: labels", labels)
    labels = labels.data if isinstance(labels, Tensor) else labels
    labels = xp(labels).asarray(labels)
    try:
        check_class_numbers("one_hot", labels, K, cure=" Count them from 0, or give more classes.")
    except (ValueError, TypeError) as error:
        raise located("one_hot", (), error) from None
    return Tensor((labels[..., None] == xp(labels).arange(K)).astype("float32"))


def _made(
    make: Callable, where: str, shape: tuple, dtype: Any, device: str, requires_grad: bool
) -> Tensor:
    sizes = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape
    if not all(is_whole(n) and n >= 0 for n in sizes):
        raise ValueError(
            f"{where}: sizes must be whole numbers of at least 0, received {shown(shape)}. Write "
            f"tn.{where}(2, 3), and other arguments by their names."
        )
    try:
        kind = numpy.dtype(object if dtype is None else dtype).kind  # None would be float64
    except TypeError:
        kind = "O"
    if kind not in "fiub":
        raise TypeError(
            f"{where}: dtype must be one of real numbers, received {shown(dtype)}. Give "
            'dtype="float32".'
        )
    if requires_grad and kind != "f":
        raise TypeError(f'{where}: {numpy.dtype(dtype)} has no gradient. Give dtype="float32".')
    try:
        device = device_named(device)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    return Tensor(make(tuple(sizes), dtype), requires_grad, device=device)
