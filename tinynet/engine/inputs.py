"""What an operation accepts, and what an error says of anything else.

Numbers, lists, arrays and mixtures of dtypes and devices are settled here, once for all operations.
The body of an operation sees arrays of one floating dtype on one device, and Python numbers.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy

from ..devices import Array, device_of, gpu, is_array, move
from ..messages.arguments import shown
from ..messages.engine import PROMOTED, UNEQUAL, no_gradient_flows, refuse_mask, two_dtypes
from .values import Values


def settle(
    values: Sequence[Any], names: Sequence[str], given: Sequence[Any], integers: bool
) -> tuple[list[Any], Any]:
    """The inputs as an operation's body sees them, and their floating dtype (None if none has one).

    values: the inputs, with arrays in the place of tensors.  given: the inputs as they were given;
    errors call them by `names`, and a tensor by its own name too.

    Integer and boolean arrays are cast to the floating dtype of the others, and among themselves to
    float32, unless the operation is for integers too.  Lists become arrays.  Numbers stay Python
    numbers, which promote nothing, unless there are no arrays.

    ValueError for two devices, TypeError for two floating dtypes or for anything but numbers:
    nothing is converted or moved in silence.
    """
    if gpu.alike(values):
        return list(values), values[0].dtype
    if len(given) > len(names):  # *tensors
        names = [f"{names[0]}[{i}]" for i in range(len(given))]
    names = [called(name, x) for name, x in zip(names, given, strict=False)]
    arrays = [_as_input(x, name) for x, name in zip(values, names, strict=True)]
    device = same_device(names, arrays)
    floats: dict[Any, str] = {}  # each floating dtype, and the input that has it first
    for x, name in zip(arrays, names, strict=True):
        if is_array(x) and x.dtype.kind == "f":
            floats.setdefault(x.dtype, name)
    if len(floats) > 1:
        raise two_dtypes(floats)
    lists = [isinstance(x, list | tuple) for x in arrays]
    dtype = next(iter(floats), None)
    if dtype is None and (not integers or device is None or any(lists)):
        dtype = numpy.dtype(numpy.float32)  # what lists become, and numbers among themselves
    for i, x in enumerate(arrays):
        if is_array(x) and dtype is not None and x.dtype.kind != "f":
            arrays[i] = x.astype(dtype)
        elif lists[i] or (not is_array(x) and device is None):
            arrays[i] = move(as_array(x, dtype), device or "cpu")
    return arrays, dtype


def _as_input(x: Any, name: str) -> Any:
    """An input as an array, a Python number or a list; TypeError for anything else."""
    x = x.item() if isinstance(x, numpy.generic) else x
    if is_array(x):
        if x.dtype.kind not in "fiub":
            raise TypeError(f"{name} has dtype {x.dtype}. Inputs are real numbers.")
        refuse_mask(name, x)
        return numpy.asarray(x) if device_of(x) == "cpu" else x  # no numpy.matrix
    if isinstance(x, list | tuple) and any(isinstance(part, Values) for part in x):
        raise TypeError(f"{name} is a {type(x).__name__} of {len(x)} tensors. Choose or stack.")
    if not isinstance(x, int | float | list | tuple):
        raise TypeError(f"{name} is {shown(x)}. Give a tensor, an array or numbers.")
    return x


def settle_settings(settings: dict, names: Sequence, given: Sequence, arrays: Sequence) -> dict:
    """The settings as an operation's body sees them: Python numbers, and arrays of tensors.

    names, given, arrays: of the operation's inputs.  An array on the host, for example the labels,
    goes to their device.
    """
    for key, value in settings.items():
        if isinstance(value, numpy.generic):
            settings[key] = value.item()  # a float64 scalar would promote
        elif type(value) not in (int, float, bool, str, tuple):
            refuse_mask(key, value)
            settings[key] = array = gpu.beside(arrays, without_gradient(value, key))
            same_device((*map(called, names, given), called(key, value)), (*arrays, array))
    return settings


def without_gradient(x: Any, name: str) -> Any:
    """The array of a tensor that stands where no gradient flows; anything else as it is."""
    if not isinstance(x, Values):
        return x
    if x.requires_grad:
        raise no_gradient_flows(name)
    return x.data


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
    return f"{parameter} {x.name!r}" if isinstance(getattr(x, "name", None), str) else parameter


def as_array(data: Any, dtype: Any = numpy.float32) -> Array:
    """Data as an array: a number or a rectangular (nested) list of numbers in that dtype.

    An array keeps its dtype; one of a subclass, for example numpy.matrix, becomes a plain one.
    """
    if isinstance(data, Values):
        raise TypeError("data is a Tensor already. Use it as it is, or its detach().")
    if device_of(data) == "gpu":
        return data
    refuse_mask("data", data)
    if isinstance(data, numpy.generic | numpy.ndarray):
        data = numpy.asarray(data)
        return data.astype(data.dtype.newbyteorder("="), copy=False)
    if isinstance(data, list | tuple) and any(isinstance(x, Values) for x in data):
        raise TypeError("data is a list of tensors. Use tn.stack(data).")
    try:
        array = numpy.asarray(data)
    except ValueError:
        raise ValueError(UNEQUAL) from None
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{shown(data)} is not numbers. Give a number or a list of numbers.")
    return array.astype(dtype)


def in_dtype(y: Array, dtype: Any) -> Array:
    """A floating result y of inputs of that dtype; TypeError if something promoted it.

    Inputs without a floating dtype (a mean of booleans) give float32, as a list does.
    """
    if dtype is None:
        return y.astype(numpy.float32)
    raise TypeError(f"{dtype} in, {y.dtype} out. {PROMOTED}")


def sort_out(
    signature: inspect.Signature, names: Sequence[str], args: tuple, settings: dict
) -> tuple[tuple, dict]:
    """Inputs by position and settings by name, however the caller wrote them."""
    found = signature.bind(*args, **settings).arguments
    inputs = [found.pop(name, None) for name in names]
    while inputs and inputs[-1] is None:
        inputs.pop()
    return tuple(inputs), found
