"""What an operation accepts, and how it says what it does not.

Numbers, lists, arrays and mixtures of dtypes and devices are settled here once, so that the body of
an operation sees arrays of one floating dtype on one device, beside Python numbers at most.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy

from .devices import Array, device_of, is_array, move


def settle(
    values: Sequence[Any], names: Sequence[str], given: Sequence[Any], integers: bool
) -> tuple[list[Any], Any]:
    """The inputs as an operation's body sees them, and their floating dtype (None if none has one).

    values: what was given, with arrays in the place of tensors; errors call them by the names of
    the operation's inputs, and by the tensors' own.

    Integer and boolean arrays are cast to the floating dtype of the others, and among themselves to
    float32, unless the operation is for integers too.  Lists become arrays; numbers, NumPy's
    scalars too, stay Python numbers, which promote nothing, unless there are no arrays.

    ValueError for two devices, TypeError for two floating dtypes or for what is not numbers:
    nothing is converted or moved in silence.
    """
    arrays = list(values)
    dtype: Any = None
    for x in arrays:
        if type(x) is numpy.ndarray:
            if dtype is None:
                dtype = x.dtype
            elif x.dtype is not dtype:
                break
        elif type(x) is not float and type(x) is not int:
            break
    else:
        if dtype is not None and dtype.kind == "f":
            return arrays, dtype  # the common case: NumPy arrays of one floating dtype, numbers

    if len(given) > len(names):  # *tensors
        names = [f"{names[0]}[{i}]" for i in range(len(given))]
    names = [called(name, x) for name, x in zip(names, given, strict=False)]
    floats: dict[Any, str] = {}  # each floating dtype, and the input that has it first
    for i, (x, name) in enumerate(zip(arrays, names, strict=True)):
        if isinstance(x, numpy.generic):
            x = arrays[i] = x.item()
        elif isinstance(x, numpy.ndarray) and device_of(x) == "cpu":
            x = arrays[i] = numpy.asarray(x)  # numpy.matrix would bring its own *
        if is_array(x):
            if x.dtype.kind not in "fiub":
                raise TypeError(f"{name} has dtype {x.dtype}. Inputs are real numbers.")
            if x.dtype.kind == "f":
                floats.setdefault(x.dtype, name)
        elif isinstance(x, list | tuple) and any(hasattr(part, "requires_grad") for part in x):
            raise TypeError(
                f"{name} is a {type(x).__name__} of {len(x)} tensors. Choose one of them; a model "
                "of several outputs gives them together."
            )
        elif not isinstance(x, int | float | list | tuple):
            raise TypeError(
                f"{name} is {shown(x)}. Give a Tensor, an array, a number or a list of numbers."
            )
    if len(floats) > 1:
        (one, x_name), (other, y_name) = list(floats.items())[:2]
        raise TypeError(
            f"{x_name} is {one} and {y_name} is {other}. Convert one of the arrays, "
            f'array.astype("{one}") or array.astype("{other}"), before it becomes a Tensor.'
        )
    device = same_device(names, arrays)
    dtype = next(iter(floats), None)
    if dtype is None and (
        not integers or device is None or any(isinstance(x, list | tuple) for x in arrays)
    ):
        dtype = numpy.dtype(numpy.float32)  # what lists become, and numbers among themselves
    for i, x in enumerate(arrays):
        if is_array(x) and dtype is not None and x.dtype.kind != "f":
            arrays[i] = x.astype(dtype)
        elif isinstance(x, list | tuple) or (isinstance(x, int | float) and device is None):
            arrays[i] = move(from_python(x, dtype), device or "cpu")
    return arrays, dtype


def same_device(names: Sequence[str], values: Sequence[Any]) -> str | None:
    """The device of the arrays among the values; ValueError if there are two, naming both."""
    places: dict[str, str] = {}
    for name, x in zip(names, values, strict=True):
        if is_array(x):
            places.setdefault(device_of(x), name)
    if len(places) > 1:
        (here, x_name), (there, y_name) = places.items()
        raise ValueError(
            f"{x_name} is on {here} and {y_name} is on {there}. Move one of them, with "
            f'.to("{here}") or .to("{there}").'
        )
    return next(iter(places), None)


def called(parameter: str, x: Any) -> str:
    """What errors call an input: x, or x 'weights' where the tensor has a name of its own."""
    own = getattr(x, "name", None)
    return f"{parameter} {own!r}" if isinstance(own, str) else parameter


def shown(x: Any) -> str:
    """A value as errors show it: in full if it is short."""
    text = repr(x)
    return text if len(text) <= 40 else f"{type(x).__name__} {text[:40]}..."


def from_python(data: Any, dtype: Any = numpy.float32) -> numpy.ndarray:
    """A number or a rectangular (nested) list of numbers as a NumPy array."""
    try:
        array = numpy.asarray(data)
    except ValueError:
        raise ValueError(
            "the rows of the list have different lengths. Make them equally long."
        ) from None
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{shown(data)} is not numbers. Give a number or a list of numbers.")
    return array.astype(dtype)


def in_dtype(y: Array, dtype: Any) -> Array:
    """A floating result y of inputs of that dtype: it has it too, or something promoted it.

    Inputs without a floating dtype (a mean of booleans) give float32, as a list does.
    """
    if dtype is None:
        return y.astype(numpy.float32)
    raise TypeError(
        f"{dtype} in, {y.dtype} out. Use Python floats and math.sqrt in the operation: a NumPy "
        "float64 scalar promotes everything that it touches."
    )


def sort_out(
    signature: inspect.Signature, names: Sequence[str], args: tuple, settings: dict
) -> tuple[tuple, dict]:
    """Inputs by position and settings by name, however the caller wrote them."""
    given = signature.bind(*args, **settings).arguments
    inputs = [given.pop(name, None) for name in names]
    while inputs and inputs[-1] is None:
        inputs.pop()
    return tuple(inputs), given


def located(operation: str, values: Sequence[Any], error: Exception) -> Exception:
    """The same error, saying where; and in symbols where NumPy speaks of operands."""
    message = str(error)
    if message.startswith("operands could not be broadcast"):
        *shapes, last = (str(numpy.shape(x)) for x in values)
        message = (
            f"shapes {', '.join(shapes)} and {last} do not broadcast. Counted from the right, "
            "sizes must be equal or 1: reshape one of them."
        )
    kind = type(error) if type(error) in (ValueError, TypeError, IndexError) else ValueError
    return kind(f"{operation}: {message}").with_traceback(error.__traceback__)
