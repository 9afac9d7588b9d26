"""MNIST, Fashion-MNIST and CIFAR-10: the published pictures, equal to the last bit, or an error.

The files are looked for in the given folder, in the one that the environment variable TINYNET_DATA
names, in the cache and, unless TINYNET_OFFLINE is set, on the mirrors.  A damaged or different file
is an error that names it; it is not skipped.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy

from ...messages.arguments import choice
from . import catalogue
from .download import DownloadError, fetch
from .reading import DataError, read_cifar, read_cifar_archive, read_idx

Folder = str | os.PathLike[str] | None
Arrays = tuple[numpy.ndarray, numpy.ndarray]


class DataNotFoundError(FileNotFoundError):
    """The data are in no folder and cannot be downloaded; the message lists what was tried."""


class _Place(NamedTuple):
    """A folder that may hold the files."""

    description: str
    folder: Path
    advice: str  # for a damaged file in it


def mnist(split: str, *, folder: Folder = None, download: bool = True) -> Arrays:
    """Handwritten digits: 60,000 pictures to train, 10,000 to test.

    -> pictures (N, 28, 28, 1), uint8, ink 255 on paper 0; labels (N,), int64, 0 to 9

    split: "train" or "test".
    folder: holds the published idx files, .gz or not, or a folder mnist with them.  Next come
        TINYNET_DATA, a folder that holds mnist; the cache, TINYNET_CACHE or ~/.cache/tinynet; and
        the mirrors, by pooch, unless download is False or TINYNET_OFFLINE is set.

    DataNotFoundError: the data are nowhere.  DataError: a file is damaged or not the published one,
    or folder or TINYNET_DATA is not a folder.

    Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits".
    """
    return _idx("mnist", split, folder, download)


def fashion_mnist(split: str, *, folder: Folder = None, download: bool = True) -> Arrays:
    """Pictures of clothes in ten equally large classes: 60,000 to train, 10,000 to test.

    -> pictures (N, 28, 28, 1), uint8, on black; labels (N,), int64, 0 to 9

    Everything else as for mnist; the folder in TINYNET_DATA is fashion-mnist.

    Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST", 2017.
    """
    return _idx("fashion_mnist", split, folder, download)


def cifar10(split: str, *, folder: Folder = None, download: bool = True) -> Arrays:
    """Small color photographs in ten classes: 50,000 to train, 10,000 to test.

    -> pictures (N, 32, 32, 3), uint8, red, green, blue; labels (N,), int64, 0 to 9

    Everything else as for mnist; the folder holds the published cifar-10-binary.tar.gz or its
    batches, data_batch_1.bin and so on, .gz or not.  If it holds only some of the five, these are
    returned, and a line on stderr says so.

    Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
    """
    _check("cifar10", split, folder)
    batches, archive = catalogue.CIFAR10_BATCHES[split], catalogue.CIFAR10_ARCHIVE
    tried = []
    for place in _places("cifar10", folder):
        with _named("cifar10", place):
            inside = place.folder / archive.folder  # the archive, unpacked
            paths = [_find(f, b) for b in batches for f in (place.folder, inside)]
            loose = {path.name.removesuffix(".gz"): path for path in paths if path}
            packed = _find(place.folder, archive.name)
            if packed and len(loose) < len(batches):
                return _cifar10_archive(packed, batches)
            if loose:
                count = catalogue.CIFAR10_COUNT
                parts = [read_cifar(loose[b], count, batches[b]) for b in loose]
                if len(parts) < len(batches):
                    print(
                        f"cifar10: {len(parts)} of {len(batches)} training batches in "
                        f"{place.folder}: {len(parts) * count:,} pictures.",
                        file=sys.stderr,
                    )
                return _joined(parts)
        tried.append(f"{place.description} ({place.folder})")
    _fetch("cifar10", archive.name, archive.size, archive.sha256, tried, download)
    with _named("cifar10", place):
        return _cifar10_archive(place.folder / archive.name, batches)


def class_names(name: str) -> tuple[str, ...]:
    """The names of the classes 0, 1, ...  name: "mnist", "fashion_mnist" or "cifar10"."""
    return catalogue.CLASSES[choice("class_names", "name", name, catalogue.CLASSES)]


def _idx(name: str, split: str, folder: Folder, download: bool) -> Arrays:
    _check(name, split, folder)
    images, labels = (
        _idx_file(name, file, folder, download) for file in catalogue.IDX[name, split]
    )
    return images[..., None], labels.astype(numpy.int64)  # (N, 28, 28, 1), (N,)


def _idx_file(name: str, file: catalogue.Idx, folder: Folder, download: bool) -> numpy.ndarray:
    classes = len(catalogue.CLASSES[name]) if len(file.shape) == 1 else 256
    tried = []
    for place in _places(name, folder):
        with _named(name, place):
            path = _find(place.folder, file.name)
            if path:
                return read_idx(path, file.shape, file.content, classes)
        tried.append(f"{place.description} ({place.folder})")
    _fetch(name, file.name + ".gz", file.size, file.sha256, tried, download)
    with _named(name, place):
        return read_idx(place.folder / f"{file.name}.gz", file.shape, file.content, classes)


def _cifar10_archive(path: Path, batches: dict[str, str]) -> Arrays:
    archive = catalogue.CIFAR10_ARCHIVE
    members = {f"{archive.folder}/{batch}": sha256 for batch, sha256 in batches.items()}
    count = catalogue.CIFAR10_COUNT
    return _joined(read_cifar_archive(path, archive.size, archive.sha256, members, count))


def _joined(parts: list[Arrays]) -> Arrays:
    if len(parts) == 1:
        return parts[0]
    pictures, labels = zip(*parts, strict=True)
    return numpy.concatenate(pictures), numpy.concatenate(labels)


def _check(where: str, split: str, folder: Folder) -> None:
    choice(where, "split", split, ("train", "test"))
    if folder is not None and not isinstance(folder, str | os.PathLike):
        raise TypeError(f"{where}: folder must be a path or None, received {folder!r}.")


def _places(name: str, folder: Folder) -> Iterator[_Place]:
    """The folders that may hold the files of a data set, in order.  The cache is the last."""
    subfolder = name.replace("_", "-")
    advice = "Put the published file in its place, or take it away."
    if folder is not None:
        root = _existing(name, "folder", folder)
        within = root / subfolder
        yield _Place("the folder given", within if within.is_dir() else root, advice)
    variable = os.environ.get("TINYNET_DATA")
    if variable:
        root = _existing(name, "TINYNET_DATA", variable)
        yield _Place("TINYNET_DATA", root / subfolder, advice)
    yield _Place("the cache", _cache() / subfolder, "Delete it, and it is downloaded anew.")


def _existing(where: str, name: str, folder: str | os.PathLike[str]) -> Path:
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise DataError(f"{where}: {name} is {root}, and there is no such folder. Correct it.")
    return root


def _cache() -> Path:
    return Path(os.environ.get("TINYNET_CACHE") or "~/.cache/tinynet").expanduser()


def _find(folder: Path, name: str) -> Path | None:
    """The file in the folder, .gz or not; DataError if the folder cannot be read."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataError(f"{folder} cannot be read: {error.strerror}.") from None
    return next((folder / n for n in (name, f"{name}.gz") if n in names), None)


@contextmanager
def _named(where: str, place: _Place) -> Iterator[None]:
    """Adds the data set and the advice to errors about files."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{where}: {error} {place.advice}") from None


def _fetch(where: str, file: str, size: int, sha256: str, tried: list[str], download: bool) -> None:
    """Download the file into the cache, or raise DataNotFoundError that lists what was tried."""
    subfolder = where.replace("_", "-")
    try:
        if not download:
            raise DownloadError("no mirror, as download=False", "allow the download")
        if os.environ.get("TINYNET_OFFLINE"):
            raise DownloadError("no mirror, as TINYNET_OFFLINE is set", "unset TINYNET_OFFLINE")
        fetch(_cache() / subfolder / file, catalogue.MIRRORS[where], size, sha256)
    except DownloadError as error:
        raise DataNotFoundError(
            f"{where}: {file} was not found. Tried {', '.join(tried)}, {error}. Set TINYNET_DATA "
            f"to a folder that holds {subfolder}/{file}, or {error.remedy}."
        ) from None
