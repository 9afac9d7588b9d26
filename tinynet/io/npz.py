"""The .npz format: a zip archive with a .npy file for each array, as numpy.savez writes it.

It is written without compression, which hardly shrinks float32 weights, and with a fixed date, so
that the same arrays give the same bytes.  Sizes are checked before reading: a few kilobytes of zip
can claim to be terabytes.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from types import SimpleNamespace
from typing import IO, Any, BinaryIO

import numpy

from ..devices import Array
from .arrays import DTYPES, TEXT_LIMIT, empty, fill, on_disk

_TEXT = "tinynet.json"
_DAMAGED = "The file is damaged or was never right."
_HEADER_LIMIT = 10_000  # bytes, NumPy's own limit: parsing a longer one may crash the interpreter
_HEADERS: dict[tuple[int, int], Any] = {
    (1, 0): numpy.lib.format.read_array_header_1_0,
    (2, 0): numpy.lib.format.read_array_header_2_0,
}
_INFLATION = 1032  # deflate makes at most 1032 bytes of one
_DESCRIPTOR = 24  # bytes that may follow a member: its sizes and checksum again
_SMALL_TEXT = 1_000_000  # bytes that any file may hold
_TEXT_RATIO = 20  # of the text to its compressed bytes; numbers reach 3
_ENCRYPTED = 0x1 | 0x20 | 0x40  # flags: encrypted, patched data, strongly encrypted

# The errors of zipfile for damaged archives.
_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, struct.error),
    *(OSError, UnicodeDecodeError, OverflowError),
)


def write(file: BinaryIO, arrays: dict[str, Array], text: str | None) -> None:
    """Write arrays, and JSON as an array of bytes."""
    entries: dict[str, Array] = dict(arrays)
    if text is not None:
        entries[_TEXT] = numpy.frombuffer(text.encode(), numpy.uint8)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in entries.items():
            info = zipfile.ZipInfo(f"{name}.npy")  # dated 1980, the first year of the zip format
            info.create_system = 3  # the same on Windows
            info.file_size = array.nbytes + _HEADER_LIMIT  # roughly: it decides on 64-bit sizes
            with archive.open(info, "w") as member:
                numpy.lib.format.write_array(member, on_disk(array), (1, 0), allow_pickle=False)


def read(file: BinaryIO, size: int) -> tuple[dict[str, numpy.ndarray], bytes | None]:
    """The arrays, and the JSON or None, of a file of size bytes.

    It can also be a file of numpy.savez or savez_compressed.  ValueError for everything wrong.
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
        if count not in (len(members), 0xFFFF):  # 0xFFFF: or more.  zipfile does not check
            raise ValueError(f"it should have {count} members, and has {len(members)}. {_DAMAGED}")
        _check_places(file, archive)
        for info in members:
            name = info.filename.removesuffix(".npy")
            _check(name, info)
            if name in arrays:
                raise ValueError(f"{name!r} is there twice. {_DAMAGED}")
            if name == _TEXT:
                _check_text(info)
            arrays[name] = _read_member(archive, name, info)
    text = arrays.pop(_TEXT, None)
    if text is None:
        return arrays, None
    if text.dtype != numpy.uint8:
        raise ValueError(f"{_TEXT!r} is {text.shape} {text.dtype}, not text. {_DAMAGED}")
    return arrays, text.tobytes()


def _check_places(file: BinaryIO, archive: zipfile.ZipFile) -> None:
    """ValueError unless the members fill the file up to the directory, one behind the other.

    A directory that leaves members out, or counts one twice, is told here.
    """
    end = 0
    for info in sorted(archive.infolist(), key=lambda info: info.header_offset):
        _check_place(end, info.header_offset)
        file.seek(info.header_offset + 26)  # the lengths of the name and of the extra field
        lengths = struct.unpack("<HH", file.read(4).ljust(4, b"\0"))
        end = info.header_offset + 30 + sum(lengths) + info.compress_size
    _check_place(end, archive.start_dir)


def _check_place(end: int, start: int) -> None:
    if not end <= start <= end + _DESCRIPTOR:
        raise ValueError(
            f"its list of contents does not match the file: byte {min(start, end):#x} belongs to "
            f"no array, or to two. {_DAMAGED}"
        )


def _check_text(info: zipfile.ZipInfo) -> None:
    """ValueError for a text that needs far more memory than its file: 1 byte may need 80."""
    most = min(max(_SMALL_TEXT, _TEXT_RATIO * info.compress_size), TEXT_LIMIT)
    if info.file_size > most:
        raise ValueError(
            f"{_TEXT!r} has {info.file_size} bytes, compressed to {info.compress_size}, and a text "
            "that unpacks to so much is not read. Save the file uncompressed, with tn.save."
        )


def _check(name: str, info: zipfile.ZipInfo) -> None:
    """Check a member without reading it.  ValueError."""
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
    """One array: exactly the bytes that its shape needs are read.  ValueError."""
    try:
        with archive.open(info) as member:
            shape, fortran, dtype = _header(name, member)
            size = info.file_size - member.tell()
            array = empty(name, shape[::-1] if fortran else shape, dtype, size)
            array = fill(name, array, member)  # the last byte compares the checksum
    except _DAMAGE as error:
        raise ValueError(f"{name!r} cannot be read: {error}. {_DAMAGED}") from None
    return array.T if fortran else array


def _header(name: str, member: IO[bytes]) -> tuple[tuple[int, ...], bool, numpy.dtype]:
    """Shape, whether the first axis runs fastest, and dtype, read by NumPy.  ValueError."""

    def read(count: int) -> bytes:
        if count > _HEADER_LIMIT:  # NumPy would read gigabytes before it refuses them
            raise ValueError
        return member.read(count)

    stream: Any = SimpleNamespace(read=read)
    try:
        version = numpy.lib.format.read_magic(stream)
        shape, fortran, dtype = _HEADERS[version](stream)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError):  # of the archive, or of the disk
        raise
    except Exception:  # NumPy's reader raises many kinds: TypeError, TokenError, RecursionError
        raise ValueError(f"{name!r} has a header that NumPy does not write. {_DAMAGED}") from None
    if dtype.str[1:] not in DTYPES:
        raise ValueError(
            f"{name!r} is an array of {dtype.str!r}. Only bool, int8 to int64, uint8 to uint64 "
            "and float16 to float64 are loaded. Nothing is unpickled."
        )
    return shape, fortran, dtype
