"""The .npz format: a zip archive with a .npy file for each array, as numpy.savez writes it.

It is written without compression, which float32 weights do not repay, and with a fixed date, so
that the same arrays are the same bytes.  It is read with suspicion: a few kilobytes of zip can
claim to be terabytes.
"""

from __future__ import annotations

import ast
import struct
import zipfile
import zlib
from typing import Any, BinaryIO

import numpy

from ..devices import Array
from .arrays import DTYPES, TEXT_LIMIT, empty, fill, on_disk

_TEXT = "tinynet.json"
_DAMAGED = "The file is damaged or was never right."
_HEADER_LIMIT = 10_000  # NumPy's own: beyond it, parsing may take the interpreter down
_INFLATION = 1032  # deflate turns a byte into 1032 at most
_ENCRYPTED = 0x1 | 0x20 | 0x40  # flags for that, and for other things that nobody writes

# What zipfile raises for archives that are not whole.
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, struct.error),
    *(OSError, UnicodeDecodeError, OverflowError),
)


def write(file: BinaryIO, arrays: dict[str, Array], text: str | None) -> None:
    """Write arrays, and JSON as an array of its bytes."""
    entries: dict[str, Array] = dict(arrays)
    if text is not None:
        entries[_TEXT] = numpy.frombuffer(text.encode(), numpy.uint8)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in entries.items():
            info = zipfile.ZipInfo(f"{name}.npy")  # of 1980, the first year that a zip knows
            info.create_system = 3  # the same on Windows
            info.file_size = array.nbytes + _HEADER_LIMIT  # about, to decide on 64-bit sizes
            with archive.open(info, "w") as member:
                numpy.lib.format.write_array(member, on_disk(array), (1, 0), allow_pickle=False)


def read(file: BinaryIO, size: int) -> tuple[dict[str, numpy.ndarray], bytes | None]:
    """The arrays, and the JSON if there is any, of a file of that many bytes.

    numpy.savez and savez_compressed may have written it.  ValueError for everything that is wrong.
    """
    try:
        archive = zipfile.ZipFile(file)
    except _DAMAGE as error:
        raise ValueError(
            f"it is not an .npz file, or not a whole one: {error}. Copy it again."
        ) from None
    arrays: dict[str, numpy.ndarray] = {}
    with archive:
        members = archive.infolist()
        file.seek(size - 22 - len(archive.comment))  # the last record of a zip
        count = int.from_bytes(file.read(12)[10:], "little")
        if count not in (len(members), 0xFFFF):  # that many, or more; zipfile does not look
            raise ValueError(f"it should have {count} members, and has {len(members)}. {_DAMAGED}")
        if sum(info.compress_size for info in members) > size:
            raise ValueError(
                f"its members claim more than the {size} bytes of the file. {_DAMAGED}"
            )
        for info in members:
            name = info.filename.removesuffix(".npy")
            _check(name, info)
            if name in arrays:
                raise ValueError(f"{name!r} is there twice. {_DAMAGED}")
            arrays[name] = _read_member(archive, name, info)
    text = arrays.pop(_TEXT, None)
    if text is None:
        return arrays, None
    if text.dtype != numpy.uint8 or text.size > TEXT_LIMIT:
        raise ValueError(f"{_TEXT!r} is {text.shape} {text.dtype}, which is no text. {_DAMAGED}")
    return arrays, text.tobytes()


def _check(name: str, info: zipfile.ZipInfo) -> None:
    """What can be known of a member without reading it.  ValueError."""
    if not info.filename.endswith(".npy"):
        raise ValueError(f"it holds {name!r}, which is not an array. Take it out of the archive.")
    if info.flag_bits & _ENCRYPTED:
        raise ValueError(f"{name!r} is encrypted. Unpack it, and pack it without a password.")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(
            f"{name!r} is compressed in a way that NumPy does not write. Use numpy.savez."
        )
    stored = info.compress_type == zipfile.ZIP_STORED
    if stored and info.file_size != info.compress_size:
        raise ValueError(
            f"{name!r} claims {info.file_size} bytes, and {info.compress_size} are stored. "
            f"{_DAMAGED}"
        )
    if info.file_size > info.compress_size * _INFLATION:
        raise ValueError(
            f"{name!r} claims {info.file_size} bytes, and {info.compress_size} compressed bytes "
            f"cannot hold them. {_DAMAGED}"
        )


def _read_member(archive: zipfile.ZipFile, name: str, info: zipfile.ZipInfo) -> numpy.ndarray:
    """One array, of which exactly the bytes that its shape needs are read.  ValueError."""
    try:
        with archive.open(info) as member:
            start = member.read(8)  # \x93NUMPY and the version
            width = {b"\x93NUMPY\x01\x00": 2, b"\x93NUMPY\x02\x00": 4}.get(start, 0)
            length = int.from_bytes(member.read(width), "little")
            if not width or length > _HEADER_LIMIT:
                raise ValueError(f"{name!r} does not begin as an array does. {_DAMAGED}")
            shape, fortran, dtype = _header(name, member.read(length))
            size = info.file_size - 8 - width - length
            array = empty(name, shape[::-1] if fortran else shape, dtype, size)
            array = fill(name, array, member)  # at its last byte, the checksum is compared
    except _DAMAGE as error:
        raise ValueError(f"{name!r} cannot be read: {error}. {_DAMAGED}") from None
    return array.T if fortran else array


def _header(name: str, data: bytes) -> tuple[tuple[Any, ...], bool, numpy.dtype]:
    """Shape, whether the first axis runs fastest, and dtype.  ValueError.

    NumPy's reader would make any dtype, objects too, with warnings and errors of many kinds.
    """
    try:
        header = ast.literal_eval(data.decode("latin1").strip())
        shape, fortran, dtype = header["shape"], header["fortran_order"], header["descr"]
        kinds = type(shape), type(fortran), type(dtype)
        well_formed = len(header) == 3 and kinds == (tuple, bool, str)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError, KeyError):
        well_formed = False
    if not well_formed:
        raise ValueError(f"{name!r} has a header that NumPy does not write. {_DAMAGED}")
    if dtype[:1] not in "<>|=" or dtype[1:] not in DTYPES:
        raise ValueError(
            f"{name!r} is an array of {dtype[:20]!r}. Only bool, int8 to int64, uint8 to uint64 "
            "and float16 to float64 are loaded. Nothing is unpickled."
        )
    return shape, fortran, numpy.dtype(dtype)
