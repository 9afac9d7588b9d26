"""The .safetensors format: a JSON header, then the bytes of the arrays, one after the other.

8 bytes    the length of the header, little-endian
header     {"name": {"dtype": "F32", "shape": [3, 4], "data_offsets": [0, 48]}, ...}, and spaces
buffer     every byte of it belongs to exactly one array

Source: the format's description at huggingface.co/docs/safetensors.  There are no checksums, so
changed bytes of the buffer are not noticed.
"""

from __future__ import annotations

import json
from typing import Any, BinaryIO

import numpy

from ..devices import Array
from .arrays import DTYPES, TEXT_LIMIT, empty, fill, on_disk, parse

_OWN = "__metadata__"  # of the header: words by name, free for the writer
_DTYPE_OF = {theirs: f"<{ours}" for ours, theirs in DTYPES.items()} | {"BF16": "<u2"}
_DAMAGED = "The file is damaged or was never right."


def write(file: BinaryIO, arrays: dict[str, Array], text: str | None) -> None:
    """Write arrays, and JSON among the metadata.

    The widest numbers come first, so that each array begins at a multiple of its item size.
    """
    order = sorted(arrays, key=lambda name: -arrays[name].dtype.itemsize)
    places, end = {}, 0
    for name in order:
        places[name] = [end, end := end + arrays[name].nbytes]
    header: dict[str, Any] = {} if text is None else {_OWN: {"tinynet": text}}
    for name, array in arrays.items():
        dtype = DTYPES[array.dtype.str[1:]]
        header[name] = {"dtype": dtype, "shape": [*array.shape], "data_offsets": places[name]}
    data = json.dumps(header, separators=(",", ":")).encode()
    data += b" " * (-len(data) % 8)
    if len(data) > TEXT_LIMIT:
        raise ValueError(
            f"the header takes {len(data)} bytes, and {TEXT_LIMIT} is the limit. Save it as .npz."
        )
    file.write(len(data).to_bytes(8, "little") + data)
    for name in order:
        file.write(on_disk(arrays[name]).reshape(-1).view(numpy.uint8).data)


def read(file: BinaryIO, size: int) -> tuple[dict[str, numpy.ndarray], bytes | None]:
    """The arrays, and the JSON or None, of a file of size bytes.

    bfloat16, which NumPy lacks, becomes float32.  ValueError for everything wrong.
    """
    length = int.from_bytes(file.read(8), "little")
    if length > size - 8:
        raise ValueError(
            f"it has {size} bytes, and its header needs {length + 8}. It is cut off, or not a "
            ".safetensors file: copy it again."
        )
    if length > TEXT_LIMIT:
        raise ValueError(f"its header has {length} bytes, and {TEXT_LIMIT} is the limit.")
    header = parse("the header", file.read(length))
    if not isinstance(header, dict):
        raise ValueError(f"the header is not a dictionary. {_DAMAGED}")
    words = header.pop(_OWN, {})
    if not isinstance(words, dict) or not all(isinstance(word, str) for word in words.values()):
        raise ValueError(f"{_OWN} is not words by name. {_DAMAGED}")
    places = {name: _place(name, entry) for name, entry in header.items()}
    end = 0
    for name, (_, _, first, last) in sorted(places.items(), key=lambda item: item[1][2:]):
        if first != end:
            raise ValueError(
                f"{name!r} begins at byte {first:#x}, and {end:#x} is next. {_DAMAGED}"
            )
        end = last
    if 8 + length + end != size:
        raise ValueError(
            f"it has {size:#x} bytes, and {8 + length + end:#x} by its header. It is cut off, or "
            "something was appended: copy it again."
        )
    arrays = {}
    for name, (dtype, shape, first, last) in places.items():
        array = empty(name, shape, _DTYPE_OF[dtype], last - first)
        file.seek(8 + length + first)
        array = fill(name, array, file)
        if dtype == "BF16":  # the upper half of a float32
            array = (array.astype(numpy.uint32) << 16).view(numpy.float32)
        arrays[name] = array
    text = words.get("tinynet")
    return arrays, None if text is None else text.encode("utf-8", "surrogatepass")


def _place(name: str, entry: Any) -> tuple[str, list[Any], int, int]:
    """An array's entry in the header: dtype, shape, first byte, and the one after the last."""
    if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"{name!r} is not described by dtype, shape, data_offsets. {_DAMAGED}")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _DTYPE_OF:
        shown = ascii(dtype[:20])[1:-1] if isinstance(dtype, str) else type(dtype).__name__
        raise ValueError(
            f"{name!r} is of {shown}. "
            f"Only {', '.join(_DTYPE_OF)} are loaded: convert it where the file was made."
        )
    if not isinstance(shape, list) or not (
        isinstance(offsets, list)
        and len(offsets) == 2
        and all(type(n) is int for n in offsets)
        and 0 <= offsets[0] <= offsets[1]
    ):
        raise ValueError(f"{name!r} has an impossible shape or data_offsets. {_DAMAGED}")
    return dtype, shape, offsets[0], offsets[1]
