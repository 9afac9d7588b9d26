"""Checks of the arguments of metrics, which become NumPy arrays on the host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

from ..devices import is_array, move
from ..engine.tensor import Tensor
from ..messages.arguments import shown


def of_all(metric: Callable[..., float]) -> Callable[..., float]:
    """Mark a metric whose value for a set is not the mean over its batches.

    evaluate then computes it once, of all outputs and targets.
    """
    metric.of_all = True  # type: ignore[attr-defined]
    return metric


def on_host(where: str, name: str, values: Any) -> numpy.ndarray:
    """The values as a NumPy array of real numbers.  ValueError or TypeError for anything else."""
    if isinstance(values, Tensor):
        values = values.data
    if is_array(values):
        array = move(values, "cpu")
    else:
        try:
            array = numpy.asarray(values)
        except ValueError:
            raise ValueError(
                f"{where}: the rows of {name} have different lengths. Make them equally long."
            ) from None
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"{where}: {name} is {shown(values)}, not numbers. Give a Tensor, an array or a list "
            "of numbers."
        )
    return array


def refuse_empty(where: str, array: numpy.ndarray) -> None:
    if array.size == 0:
        raise ValueError(f"{where}: the batch is empty. Give at least one example.")


def refuse_nan(where: str, name: str, array: numpy.ndarray) -> None:
    if array.dtype.kind == "f" and numpy.isnan(array).any():
        row = int(numpy.isnan(array.reshape(len(array), -1)).any(axis=1).argmax())
        raise ValueError(
            f"{where}: {name} hold NaN, first in example {row}. Find out where it comes from with "
            "tn.doctor()."
        )


def refuse_fractions(where: str, name: str, array: numpy.ndarray) -> None:
    if array.dtype.kind not in "iub":
        raise TypeError(
            f"{where}: {name} are {array.dtype}, and class numbers are integers. Give an array of "
            "integers, array.astype(int); a list that became a Tensor is float32."
        )


def as_scores(where: str, name: str, values: Any) -> numpy.ndarray:
    """An array (N,) or (N, K), not empty and without NaN."""
    array = on_host(where, name, values)
    if array.ndim not in (1, 2):
        raise ValueError(
            f"{where}: {name} must be (N, K) or (N,), received {array.shape}. Give a row, or one "
            f"number, for each example.{_of_steps(where, array)}"
        )
    refuse_empty(where, array)
    refuse_nan(where, name, array)
    return array


def _of_steps(where: str, array: numpy.ndarray) -> str:
    """What to write for outputs (N, T, K)."""
    if array.ndim != 3:
        return ""
    return f" For steps, where 0 is padding: lambda o, q: tn.metrics.{where}(o[q != 0], q[q != 0])."


def as_matrix(where: str, name: str, values: Any) -> numpy.ndarray:
    """An array (N, K), not empty and without NaN."""
    array = on_host(where, name, values)
    if array.ndim != 2:
        raise ValueError(
            f"{where}: {name} must be (N, K), a number for each class, received {array.shape}. "
            f"Give a row for each example.{_of_steps(where, array)}"
        )
    return as_scores(where, name, array)


def as_classes(where: str, values: Any, N: int, K: int, name: str = "labels") -> numpy.ndarray:
    """Class numbers (N,), int64, from class numbers or from one-hot rows (N, K)."""
    array = on_host(where, name, values)
    if array.shape == (N, K):
        if not (((array == 0) | (array == 1)).all() and (array.sum(axis=1) == 1).all()):
            raise ValueError(
                f"{where}: {name} (N, K) must be one-hot, with one 1 and otherwise 0 in every row, "
                "and some row is not."
            )
        return array.argmax(axis=1)
    if array.shape != (N,):
        raise ValueError(
            f"{where}: {name} must be integers of shape ({N},), or one-hot of shape ({N}, {K}), "
            f"received {array.shape}. Give one for each example; reshape(-1) for a column."
        )
    refuse_fractions(where, name, array)
    if array.size and (array.min() < 0 or array.max() >= K):
        raise ValueError(
            f"{where}: {name} must be in [0, {K}), received {int(array.min())} to "
            f"{int(array.max())}. Count them from 0, or give more than {K} classes."
        )
    return array.astype(numpy.int64)


def as_equals(where: str, names: tuple[str, str], values: tuple[Any, Any]) -> list[numpy.ndarray]:
    """Two arrays of one shape, float64, not empty and without NaN."""
    one, other = (on_host(where, name, x) for name, x in zip(names, values, strict=True))
    if one.shape != other.shape:
        raise ValueError(
            f"{where}: {names[0]} {one.shape} and {names[1]} {other.shape} must have equal shapes. "
            "Reshape one of them."
        )
    refuse_empty(where, one)
    for name, x in zip(names, (one, other), strict=True):
        refuse_nan(where, name, numpy.atleast_1d(x))
    return [one.astype(numpy.float64), other.astype(numpy.float64)]


def as_examples(where: str, name: str, values: Any) -> numpy.ndarray:
    """An array (N, D) in float64, not empty, of finite numbers."""
    array = on_host(where, name, values)
    if array.ndim != 2:
        raise ValueError(
            f"{where}: {name} must be (N, D), a row of numbers for each example, received "
            f"{array.shape}. Reshape it: x.reshape(len(x), -1)."
        )
    return _finite(where, name, array)


def as_line(where: str, name: str, values: Any) -> numpy.ndarray:
    """An array (N,) in float64, not empty, of finite numbers, from (N,) or (N, 1)."""
    array = on_host(where, name, values)
    if array.ndim != 1 and array.shape[1:] != (1,):
        raise ValueError(
            f"{where}: {name} must be (N,) or (N, 1), one number each, received {array.shape}. "
            "Choose one column."
        )
    return _finite(where, name, array.reshape(-1))


def _finite(where: str, name: str, array: numpy.ndarray) -> numpy.ndarray:
    if not array.size:
        raise ValueError(f"{where}: {name} is empty. Give at least one example.")
    if not numpy.isfinite(array).all():
        raise ValueError(
            f"{where}: {name} holds NaN or infinity. Find out where it comes from with tn.doctor()."
        )
    return array.astype(numpy.float64)
