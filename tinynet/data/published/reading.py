"""Reads data files that may be damaged, half-written or hostile.

Everything is compared with what is expected before it is used: first the header, so that a false
one costs no memory; then the length, reading at most one byte past it; then the labels; last the
SHA-256 of the decompressed bytes, which does not depend on the compression.
"""

from __future__ import annotations

import gzip
import hashlib
import math
import os
import struct
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy

_AT_ONCE = 1 << 20  # bytes that are read and then hashed, while they are in the processor's cache
_RECORD = 1 + 3 * 32 * 32  # bytes of one CIFAR-10 picture and its label


class DataError(ValueError):
    """A data file is damaged or not the published one, or a setting does not name a folder."""


def read_idx(path: Path, shape: tuple[int, ...], sha256: str, classes: int = 256) -> numpy.ndarray:
    """The uint8 numbers of an idx file, MNIST's format, plain or .gz.  -> shape

    shape: the one that the header must have.  sha256: of the decompressed file with its header.
    classes: every number must be less.  DataError, which names the file, for anything else.

    Format: two zero bytes, 8 for uint8, the number of axes, the size of each (4 bytes, big-endian),
    then the numbers.  Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database".
    """
    axes = len(shape)
    length = 4 + 4 * axes
    with _opened(path, length + math.prod(shape)) as file:
        header = file.read(length)
        if not header:
            raise DataError(f"{path} is empty.")
        if header[:4] != bytes([0, 0, 8, axes]):
            raise DataError(
                f"{path} is not an idx file of {axes} axes: it begins with {header[:4].hex()}, not "
                f"{bytes([0, 0, 8, axes]).hex()}."
            )
        if len(header) < length:
            raise DataError(f"{path} ends after {len(header)} bytes, within its header.")
        claimed = struct.unpack(f">{axes}I", header[4:])
        if claimed != shape:
            raise DataError(f"{path} says that it holds {claimed}, and {shape} is expected.")
        numbers, digest = _rest(file, path, math.prod(shape), header)
    _check_labels(path, numbers, classes)
    _check_hash(path, digest, sha256)
    return numbers.reshape(shape)


def read_cifar(path: Path, count: int, sha256: str) -> tuple[numpy.ndarray, numpy.ndarray]:
    """The records of one CIFAR-10 file in the binary version, plain or .gz.

    -> pictures (count, 32, 32, 3), uint8, channels last; labels (count,), int64

    sha256: of the decompressed file.  DataError, which names the file, for anything else.

    Format: a label of one byte, then 32 x 32 bytes each of red, green and blue, row by row.
    Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
    """
    with _opened(path, count * _RECORD) as file:
        return _records(file, str(path), count, sha256)


def read_cifar_archive(
    path: Path, size: int, sha256: str, members: dict[str, str], count: int
) -> list[tuple[numpy.ndarray, numpy.ndarray]]:
    """The same from the published .tar.gz, for each of the members.  Nothing is written to disk,
    so a path in the archive does no harm.

    size, sha256: of the archive, which is not opened unless both are right.
    members: the SHA-256 by name.  count: records in each.  DataError for anything else.
    """
    found = {}
    with _opened(path, size, compressed=False) as file:
        actual = os.fstat(file.fileno()).st_size
        if actual != size:
            raise DataError(f"{path} has {actual:,} bytes, and {size:,} are expected.")
        digest = hashlib.sha256()
        while piece := file.read(_AT_ONCE):
            digest.update(piece)
        _check_hash(path, digest.hexdigest(), sha256)
        file.seek(0)
        with tarfile.open(fileobj=file, mode="r:gz") as archive:
            for member in archive:
                wanted = member.name in members and member.isreg()  # no links
                if wanted and (stream := archive.extractfile(member)):
                    where = f"{path}: {member.name}"
                    found[member.name] = _records(stream, where, count, members[member.name])
                if len(found) == len(members):
                    break
    for name in members:
        if name not in found:
            raise DataError(f"{path} has no file {name} in it.")
    return [found[name] for name in members]


@contextmanager
def _opened(path: Path, size: int, compressed: bool | None = None) -> Iterator[IO[bytes]]:
    """The bytes of a file, decompressed if its name ends in .gz; every failure is a DataError.

    size: expected number of decompressed bytes; a much larger file is not opened.
    """
    try:
        if not path.is_file():  # a folder, or a pipe, which would wait forever
            raise DataError(f"{path} is not a file.")
        with path.open("rb") as file:
            if not (path.suffix == ".gz" if compressed is None else compressed):
                yield file
                return
            # Incompressible bytes grow by 5 in 16,000; the header holds a file name.
            actual, most = os.fstat(file.fileno()).st_size, size + size // 1000 + 65536
            if actual > most:
                raise DataError(f"{path} has {actual:,} bytes, and at most {most:,} are expected.")
            with gzip.GzipFile(fileobj=file) as stream:
                yield stream  # type: ignore[misc]
    except (EOFError, zlib.error, gzip.BadGzipFile, tarfile.TarError) as error:
        raise DataError(f"{path} is damaged: {str(error).rstrip('.')}.") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}.") from None


def _rest(
    file: IO[bytes], where: Path | str, size: int, header: bytes = b""
) -> tuple[numpy.ndarray, str]:
    """The size bytes up to the end of the file, and the SHA-256 of header and bytes."""
    numbers = numpy.empty(size, numpy.uint8)
    digest = hashlib.sha256(header)
    done = 0
    while piece := file.read(min(_AT_ONCE, size - done)):
        numbers[done : done + len(piece)] = numpy.frombuffer(piece, numpy.uint8)
        digest.update(piece)
        done += len(piece)
    if done < size:
        raise DataError(
            f"{where} ends after {len(header) + done:,} bytes, and {len(header) + size:,} are "
            "expected."
        )
    if file.read(1):
        raise DataError(f"{where} goes on after the {len(header) + size:,} bytes expected.")
    return numbers, digest.hexdigest()


def _records(
    file: IO[bytes], where: str, count: int, sha256: str
) -> tuple[numpy.ndarray, numpy.ndarray]:
    numbers, digest = _rest(file, where, count * _RECORD)
    records = numbers.reshape(count, _RECORD)
    labels = records[:, 0]
    _check_labels(where, labels, 10)
    _check_hash(where, digest, sha256)
    pictures = records[:, 1:].reshape(count, 3, 32, 32).transpose(0, 2, 3, 1)  # (N, 32, 32, 3)
    return numpy.ascontiguousarray(pictures), labels.astype(numpy.int64)


def _check_labels(where: Path | str, labels: numpy.ndarray, classes: int) -> None:
    if labels.size and labels.max() >= classes:
        raise DataError(f"{where} holds a label {labels.max()}, and there are {classes} classes.")


def _check_hash(where: Path | str, actual: str, expected: str) -> None:
    if actual != expected:
        raise DataError(
            f"{where} is not the published file: its content has the SHA-256 {actual[:12]}..., and "
            f"not {expected[:12]}..."
        )
