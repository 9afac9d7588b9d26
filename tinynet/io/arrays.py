"""Shared by both formats: the dtypes of arrays, and reading an array without trusting its sizes.

Only numbers, in the widths that both formats have.  Objects would need pickle, which runs code from
the file.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy

from ..devices import Array, move

# NumPy's names of the dtypes, without the byte order, and those of .safetensors.
DTYPES = {
    "f8": "F64",
    "f4": "F32",
    "f2": "F16",
    "i8": "I64",
    "i4": "I32",
    "i2": "I16",
    "i1": "I8",
    "u8": "U64",
    "u4": "U32",
    "u2": "U16",
    "u1": "U8",
    "b1": "BOOL",
}
TEXT_LIMIT = 16_000_000  # bytes of JSON: 160,000 epochs of four numbers
_AT_ONCE = 1 << 20  # bytes read at a time


def check_dtype(name: str, array: Array) -> None:
    """TypeError for an array that the formats cannot hold."""
    if array.dtype.str[1:] not in DTYPES:
        raise TypeError(
            f"{name!r} is an array of {array.dtype}. Only bool, int8 to int64, uint8 to uint64 and "
            "float16 to float64 are stored: convert it, or leave it out. Nothing is pickled."
        )


def on_disk(array: Array) -> numpy.ndarray:
    """The array as it is in files: on the host, little-endian, row by row."""
    host = move(array, "cpu")
    return numpy.asarray(host, dtype="<" + host.dtype.str[1:], order="C")


def empty(name: str, shape: Sequence[Any], dtype: Any, size: int) -> numpy.ndarray:
    """Memory for an array, if its shape agrees with its number of bytes.

    size: the number of bytes, which the caller has compared with the file.  ValueError.
    """
    if any(type(n) is not int or n < 0 for n in shape) or len(shape) > 64:
        raise ValueError(
            f"{name!r} has shape {_short(shape)}, which is impossible. The file is damaged or was "
            "never right."
        )
    itemsize = numpy.dtype(dtype).itemsize
    if math.prod(n for n in shape if n) * itemsize >= 1 << 63:
        raise ValueError(
            f"{name!r} has shape {_short(shape)}, more than any memory holds. The file is damaged "
            "or was never right."
        )
    if math.prod(shape) * itemsize != size:
        raise ValueError(
            f"{name!r} has {size} bytes, and shape {_short(shape)} needs "
            f"{math.prod(shape) * itemsize}. The file is damaged or was never right."
        )
    try:
        return numpy.empty(tuple(shape), dtype)
    except MemoryError:
        raise ValueError(
            f"{name!r} needs {size} bytes of memory, which are not free. Close other programs, or "
            "load it on a larger machine."
        ) from None


def fill(name: str, array: numpy.ndarray, stream: Any) -> numpy.ndarray:
    """Read an array's bytes into it, and return it in the machine's byte order.  ValueError."""
    rest = array.reshape(-1).view(numpy.uint8).data
    while len(rest):
        count = stream.readinto(rest[:_AT_ONCE])
        if not count:
            raise ValueError(
                f"{name!r} ends {len(rest)} bytes too early. The file is cut off: copy it again."
            )
        rest = rest[count:]
    if array.dtype.kind == "b" and array.view(numpy.uint8).max(initial=0) > 1:
        raise ValueError(
            f"{name!r} is of bool, and holds bytes that are neither 0 nor 1. The file is damaged "
            "or was never right."
        )
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def parse(what: str, data: bytes) -> Any:
    """Standard JSON, each name once.  ValueError that says what is wrong with it."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            twice = Counter(name for name, _ in pairs).most_common(1)[0][0]
            raise ValueError(f"{twice[:80]!r} is there twice")
        return found

    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is not JSON")

    try:
        return json.loads(data.decode(), object_pairs_hook=once, parse_constant=refuse)
    except RecursionError:
        reason = "it is nested too deeply"
    except ValueError as error:
        reason = str(error)
    raise ValueError(f"{what} cannot be read: {reason}. The file is damaged or was never right.")


def _short(shape: Sequence[Any]) -> str:
    """A shape as errors show it, even if it holds other things than sizes."""
    sizes = (
        (str(n) if abs(n) < 1 << 64 else f"{n:#x}") if type(n) is int else type(n).__name__
        for n in shape[:65]
    )
    text = f"({', '.join(sizes)}{',' if len(shape) == 1 else ''})"
    return text if len(text) <= 80 else text[:80] + "..."
