"""MNIST, Fashion-MNIST and CIFAR-10: real pictures, the published ones to the last bit or none.

Looked for in a folder that is given, in the environment variable TINYNET_DATA, in the cache, and
at last, unless TINYNET_OFFLINE is set, on the mirrors.  A file that is damaged or another one is
named, and never passed over.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy

from . import published
from .download import DownloadError, fetch
from .files import DataError, read_cifar, read_cifar_archive, read_idx

Folder = str | os.PathLike[str] | None
Arrays = tuple[numpy.ndarray, numpy.ndarray]


class DataNotFoundError(FileNotFoundError):
    """The data are in no folder and cannot be downloaded; one line says what was tried."""


class _Place(NamedTuple):
    """A folder in which files may lie."""

    called: str
    folder: Path
    advice: str  # for a damaged file in it


def mnist(split: str, *, folder: Folder = None, download: bool = True) -> Arrays:
    """Handwritten digits: 60,000 pictures to train, 10,000 to test.

    -> pictures (N, 28, 28, 1), uint8, ink 255 on paper 0; labels (N,), int64, 0 to 9

    split: "train" or "test".
    folder: where the published idx files are, .gz or not; or a folder mnist in it has them.
        Then TINYNET_DATA is tried, a folder that holds mnist; then the cache, TINYNET_CACHE or
        ~/.cache/tinynet; then the mirrors, by pooch, unless download is False or TINYNET_OFFLINE is
        set.

    DataNotFoundError: the data cannot be had.  DataError: a file is damaged, or not the published
    one, or folder or TINYNET_DATA is no folder.

    Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits".
    """
    return _idx("mnist", split, folder, download)


def fashion_mnist(split: str, *, folder: Folder = None, download: bool = True) -> Arrays:
    """Pictures of clothes in ten classes: 60,000 to train, 10,000 to test, equally many of each.

    -> pictures (N, 28, 28, 1), uint8, on black; labels (N,), int64, 0 to 9

    All else as for mnist; the folder in TINYNET_DATA is called fashion-mnist.

    Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST", 2017.
    """
    return _idx("fashion_mnist", split, folder, download)


def cifar10(split: str, *, folder: Folder = None, download: bool = True) -> Arrays:
    """Small color photographs in ten classes: 50,000 to train, 10,000 to test.

    -> pictures (N, 32, 32, 3), uint8, red, green, blue; labels (N,), int64, 0 to 9

    All else as for mnist; the folder holds the published cifar-10-binary.tar.gz, or its batches,
    data_batch_1.bin and so on, .gz or not.  If it holds some of the five only, these are returned,
    and a line on stderr says so.

    Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
    """
    _check("cifar10", split, folder)
    batches, archive = published.CIFAR10_BATCHES[split], published.CIFAR10_ARCHIVE
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
                count = published.CIFAR10_COUNT
                parts = [read_cifar(loose[b], count, batches[b]) for b in loose]
                if len(parts) < len(batches):
                    print(
                        f"cifar10: {len(parts)} of {len(batches)} training batches in "
                        f"{place.folder}: {len(parts) * count:,} pictures.",
                        file=sys.stderr,
                    )
                return _joined(parts)
        tried.append(f"{place.called} ({place.folder})")
    _fetch("cifar10", archive.name, archive.size, archive.sha256, tried, download)
    with _named("cifar10", place):
        return _cifar10_archive(place.folder / archive.name, batches)


def class_names(name: str) -> tuple[str, ...]:
    """What the labels 0, 1, ... mean.  name: "mnist", "fashion_mnist" or "cifar10"."""
    if not isinstance(name, str) or name not in published.CLASSES:
        raise ValueError(
            f'class_names: name must be "mnist", "fashion_mnist" or "cifar10", received {name!r}.'
        )
    return published.CLASSES[name]


def _idx(name: str, split: str, folder: Folder, download: bool) -> Arrays:
    _check(name, split, folder)
    images, labels = (
        _idx_file(name, file, folder, download) for file in published.IDX[name, split]
    )
    return images[..., None], labels.astype(numpy.int64)  # (N, 28, 28, 1), (N,)


def _idx_file(name: str, file: published.Idx, folder: Folder, download: bool) -> numpy.ndarray:
    classes = len(published.CLASSES[name]) if len(file.shape) == 1 else 256
    tried = []
    for place in _places(name, folder):
        with _named(name, place):
            path = _find(place.folder, file.name)
            if path:
                return read_idx(path, file.shape, file.content, classes)
        tried.append(f"{place.called} ({place.folder})")
    _fetch(name, file.name + ".gz", file.size, file.sha256, tried, download)
    with _named(name, place):
        return read_idx(place.folder / f"{file.name}.gz", file.shape, file.content, classes)


def _cifar10_archive(path: Path, batches: dict[str, str]) -> Arrays:
    archive = published.CIFAR10_ARCHIVE
    members = {f"{archive.folder}/{batch}": sha256 for batch, sha256 in batches.items()}
    count = published.CIFAR10_COUNT
    return _joined(read_cifar_archive(path, archive.size, archive.sha256, members, count))


def _joined(parts: list[Arrays]) -> Arrays:
    if len(parts) == 1:
        return parts[0]
    pictures, labels = zip(*parts, strict=True)
    return numpy.concatenate(pictures), numpy.concatenate(labels)


def _check(where: str, split: str, folder: Folder) -> None:
    if split not in ("train", "test"):
        raise ValueError(f'{where}: split must be "train" or "test", received {split!r}.')
    if folder is not None and not isinstance(folder, str | os.PathLike):
        raise TypeError(f"{where}: folder must be a path or None, received {folder!r}.")


def _places(name: str, folder: Folder) -> Iterator[_Place]:
    """Where the files of a data set may lie, in order.  The cache is the last."""
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


def _existing(where: str, called: str, folder: str | os.PathLike[str]) -> Path:
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise DataError(f"{where}: {called} is {root}, and there is no such folder. Correct it.")
    return root


def _cache() -> Path:
    return Path(os.environ.get("TINYNET_CACHE") or "~/.cache/tinynet").expanduser()


def _find(folder: Path, name: str) -> Path | None:
    """The file in the folder, with .gz or without; DataError if the folder cannot be read."""
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataError(f"{folder} cannot be read: {error.strerror}.") from None
    return next((folder / n for n in (name, f"{name}.gz") if n in names), None)


@contextmanager
def _named(where: str, place: _Place) -> Iterator[None]:
    """Errors about files say which data set they belong to, and what to do."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{where}: {error} {place.advice}") from None


def _fetch(where: str, file: str, size: int, sha256: str, tried: list[str], download: bool) -> None:
    """Bring the file into the cache; if it does not come, say in one line what was tried."""
    subfolder = where.replace("_", "-")
    try:
        if not download:
            raise DownloadError("no mirror, as download=False", "let it be downloaded")
        if os.environ.get("TINYNET_OFFLINE"):
            raise DownloadError("no mirror, as TINYNET_OFFLINE is set", "unset TINYNET_OFFLINE")
        fetch(_cache() / subfolder / file, published.MIRRORS[where], size, sha256)
    except DownloadError as error:
        raise DataNotFoundError(
            f"{where}: {file} was not found. Tried {', '.join(tried)}, {error}. Set TINYNET_DATA "
            f"to a folder that holds {subfolder}/{file}, or {error.remedy}."
        ) from None
