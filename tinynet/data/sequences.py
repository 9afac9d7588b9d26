"""Sequences of different lengths."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy

from ..devices import is_array, move
from ..engine.tensor import Tensor
from ..messages.arguments import NUMBER, number, shown, whole
from ..messages.engine import refuse_mask
from ..messages.names import explained


@explained
def padded(
    sequences: Iterable[Any], value: float = 0, length: int | None = None
) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Sequences of different lengths as one array, and a mask: True where data stand.

    N x (T_i, ...) -> (N, T, ...), booleans (N, T)

    sequences: lists of numbers, or arrays, equal in all axes but the first.  Integers stay
        integers; float64, and so floats in lists, become float32.
    value: what stands behind the data of a shorter sequence.
    length: T; None is the length of the longest sequence.

    mask.sum(axis=1) are the lengths.  (Keras' pad_sequences pads in front unless told otherwise.)
    ValueError for no sequences, an empty one, other axes that differ, a length below the longest,
    or a value that the integers cannot hold; TypeError for what is not numbers.
    """
    if not isinstance(sequences, Iterable) or isinstance(sequences, str):
        raise TypeError(f"padded: sequences is {shown(sequences)}. Give a list of sequences.")
    arrays = [_as_sequence(f"padded: sequence {i}", s) for i, s in enumerate(sequences)]
    if not arrays:
        raise ValueError("padded: there are no sequences. Give at least one.")
    for i, array in enumerate(arrays):
        if array.shape[1:] != arrays[0].shape[1:]:
            raise ValueError(
                f"padded: sequence 0 is {arrays[0].shape} and sequence {i} is {array.shape}. All "
                "axes but the first must be equal."
            )
    longest = max(map(len, arrays))
    cure = f"The longest sequence has {longest} steps: shorten it, or leave length out."
    T = longest if length is None else whole("padded", "length", length, longest, cure=cure)
    dtype = numpy.result_type(*arrays)
    dtype = numpy.dtype(numpy.float32) if dtype == numpy.float64 else dtype
    x = numpy.full((len(arrays), T, *arrays[0].shape[1:]), _filling(value, dtype), dtype)
    mask = numpy.arange(T) < numpy.array([len(array) for array in arrays])[:, None]
    x[mask] = numpy.concatenate(arrays)
    return x, mask


def _as_sequence(where: str, sequence: Any) -> numpy.ndarray:
    """An array (T, ...) of numbers, on the host."""
    refuse_mask(where, sequence)
    sequence = sequence.data if isinstance(sequence, Tensor) else sequence
    try:
        array = numpy.asarray(move(sequence, "cpu") if is_array(sequence) else sequence)
    except ValueError:
        raise ValueError(f"{where} has rows of different lengths. Make them equal.") from None
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"{where} is {shown(sequence)}, not numbers. Give numbers; for words, their places in "
            "a list of all words."
        )
    if array.ndim == 0:
        raise ValueError(f"{where} is one number. Give a list of sequences, [[1, 2], [3]].")
    if not len(array):
        raise ValueError(f"{where} is empty. Leave it out.")
    return array


def _filling(value: Any, dtype: numpy.dtype) -> float:
    """The value, if an array of that dtype can hold it."""
    if dtype.kind == "f":
        return number("padded", "value", value, NUMBER)
    ends = numpy.iinfo(dtype) if dtype.kind in "iu" else None
    low, high = (int(ends.min), int(ends.max)) if ends else (0, 1)
    return whole("padded", "value", value, low, high, f"The sequences hold {dtype}.")
