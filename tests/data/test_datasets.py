"""The published data sets: whole and right, or named and refused; downloaded once, resumed, shared.

Small files stand in for the published ones, with a table of their own; a server on this machine
stands in for the mirrors.  The real files are read where TINYNET_DATA says that there are some.
"""

from __future__ import annotations

import gzip
import hashlib
import http.server
import io
import os
import re
import struct
import subprocess
import sys
import tarfile
import textwrap
import threading
import tracemalloc
import zlib
from pathlib import Path

import numpy
import pytest

from tinynet import data
from tinynet.data.published import catalogue as published
from tinynet.data.published import download
from tinynet.data.published import reading as files
from tinynet.data.published.reading import DataError, read_cifar, read_cifar_archive, read_idx

REAL = os.environ.get("TINYNET_DATA")
RNG = numpy.random.default_rng(0)
PICTURES = RNG.integers(0, 256, (30, 28, 28), dtype=numpy.uint8)
LABELS = RNG.integers(0, 10, 30, dtype=numpy.uint8)
RECORDS = [
    numpy.hstack([RNG.integers(0, 10, (4, 1)), RNG.integers(0, 256, (4, 3072))]).astype("uint8")
    for _ in range(6)
]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def idx(numbers: numpy.ndarray) -> bytes:
    header = struct.pack(f">4B{numbers.ndim}I", 0, 0, 8, numbers.ndim, *numbers.shape)
    return header + numbers.tobytes()


def packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def tar(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, content in members.items():
            information = tarfile.TarInfo(name)
            information.size = len(content)
            archive.addfile(information, io.BytesIO(content))
    return file.getvalue()


def write(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


IMAGES_GZ, LABELS_GZ = "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"
SMALL = {IMAGES_GZ: packed(idx(PICTURES)), LABELS_GZ: packed(idx(LABELS))}
BATCHES = [f"data_batch_{i}.bin" for i in range(1, 6)]
ARCHIVE = tar(
    {"cifar-10-batches-bin/../../evil": b"x", "/etc/evil": b"x"}
    | {f"cifar-10-batches-bin/{b}": RECORDS[i].tobytes() for i, b in enumerate(BATCHES)}
    | {"cifar-10-batches-bin/test_batch.bin": RECORDS[5].tobytes()}
)


@pytest.fixture(autouse=True)
def nothing_of_this_machine(monkeypatch, tmp_path):
    """No data, no cache, no mirrors but those of a test."""
    monkeypatch.delenv("TINYNET_DATA", raising=False)
    monkeypatch.delenv("TINYNET_OFFLINE", raising=False)
    monkeypatch.setenv("TINYNET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(download, "_unreachable", {})
    monkeypatch.setattr(published, "MIRRORS", dict.fromkeys(published.MIRRORS, ()))


@pytest.fixture
def small(monkeypatch):
    """As if the small files had been published."""
    rows = tuple(
        published.Idx(name[:-3], a.shape, sha256(idx(a)), len(SMALL[name]), sha256(SMALL[name]))
        for name, a in ((IMAGES_GZ, PICTURES), (LABELS_GZ, LABELS))
    )
    monkeypatch.setitem(published.IDX, ("mnist", "train"), rows)
    hashes = [sha256(records.tobytes()) for records in RECORDS]
    monkeypatch.setattr(published, "CIFAR10_COUNT", 4)
    batches = {"train": dict(zip(BATCHES, hashes, strict=False)), "test": {}}
    batches["test"]["test_batch.bin"] = hashes[5]
    monkeypatch.setattr(published, "CIFAR10_BATCHES", batches)
    archive = published.CIFAR10_ARCHIVE._replace(size=len(ARCHIVE), sha256=sha256(ARCHIVE))
    monkeypatch.setattr(published, "CIFAR10_ARCHIVE", archive)


def is_small_mnist(arrays) -> bool:
    return numpy.array_equal(arrays[0], PICTURES[..., None]) and numpy.array_equal(
        arrays[1], LABELS
    )


# -- the formats -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a-idx3-ubyte", "a-idx3-ubyte.gz"])
def test_an_idx_file_is_read_packed_or_not(tmp_path, name):
    content = idx(PICTURES)
    path = write(tmp_path / name, packed(content) if name.endswith(".gz") else content)
    got = read_idx(path, (30, 28, 28), sha256(content))
    assert got.dtype == numpy.uint8 and got.flags.writeable
    assert numpy.array_equal(got, PICTURES)


@pytest.mark.parametrize("name", ["b.bin", "b.bin.gz"])
def test_cifar_records_become_pictures_with_the_channels_last(tmp_path, name):
    content = RECORDS[0].tobytes()
    path = write(tmp_path / name, packed(content) if name.endswith(".gz") else content)
    pictures, labels = read_cifar(path, 4, sha256(content))
    assert pictures.shape == (4, 32, 32, 3) and pictures.flags.c_contiguous
    assert labels.dtype == numpy.int64
    assert labels.tolist() == [content[3073 * n] for n in range(4)]
    for n, i, j, c in [(0, 0, 0, 0), (1, 2, 3, 1), (3, 31, 30, 2), (2, 0, 31, 0)]:
        assert pictures[n, i, j, c] == content[3073 * n + 1 + 1024 * c + 32 * i + j]


ONE = idx(LABELS)
CORRUPT = bytearray(SMALL[LABELS_GZ])
CORRUPT[10] |= 6  # a kind of block that does not exist
# What the file holds, whether it is read as .gz, and what is said after its name.
DAMAGED = {
    "empty": (b"", False, " is empty."),
    "empty, packed": (b"", True, " is empty."),
    "another format": (
        b"\x89PNG" + ONE,
        False,
        " is not an idx file of 1 axes: it begins with 89504e47, not 00000801.",
    ),
    "pictures for labels": (
        idx(PICTURES),
        False,
        " is not an idx file of 1 axes: it begins with 00000803, not 00000801.",
    ),
    "half a header": (ONE[:6], False, " ends after 6 bytes, within its header."),
    "fewer labels than pictures": (
        idx(LABELS[:29]),
        False,
        " says that it holds (29,), and (30,) is expected.",
    ),
    "two thousand million": (
        struct.pack(">4BI", 0, 0, 8, 1, 2**31),
        True,
        " says that it holds (2147483648,), and (30,) is expected.",
    ),
    "truncated": (ONE[:-1], False, " ends after 37 bytes, and 38 are expected."),
    "half of it": (ONE[:20], True, " ends after 20 bytes, and 38 are expected."),
    "too long": (ONE + b"\0", False, " goes on after the 38 bytes expected."),
    "too long, packed": (ONE + b"\0", True, " goes on after the 38 bytes expected."),
    "a label out of range": (
        idx(numpy.full(30, 10, "uint8")),
        False,
        " holds a label 10, and there are 10 classes.",
    ),
    "other content": (
        idx(9 - LABELS),
        True,
        " is not the published file: its content has the SHA-256 "
        f"{sha256(idx(9 - LABELS))[:12]}..., and not {sha256(ONE)[:12]}...",
    ),
}


@pytest.mark.parametrize("row", DAMAGED)
def test_a_damaged_idx_file_is_named_with_what_is_wrong(tmp_path, row):
    content, as_gzip, message = DAMAGED[row]
    path = tmp_path / ("labels.gz" if as_gzip else "labels")
    write(path, packed(content) if as_gzip and content else content)
    with pytest.raises(DataError) as caught:
        read_idx(path, (30,), sha256(ONE), classes=10)
    assert str(caught.value) == f"{path}{message}"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (packed(b""), " is empty."),
        (SMALL[LABELS_GZ][:-9], " is damaged: Compressed file ended before the end-of-stream"),
        (SMALL[LABELS_GZ][:-1], " is damaged: Compressed file ended before the end-of-stream"),
        (SMALL[LABELS_GZ][:5], " is damaged: Compressed file ended before the end-of-stream"),
        (bytes(CORRUPT), " is damaged: Error -3 while decompressing data: invalid block type."),
        (SMALL[LABELS_GZ][:-8] + bytes(8), " is damaged: CRC check failed"),
        (ONE, " is damaged: Not a gzipped file"),
        (bytes(100_000), " has 100,000 bytes, and at most 65,574 are expected."),
    ],
    ids=[
        "nothing",
        "truncated",
        "one byte short",
        "half a header",
        "corrupt",
        "crc",
        "not gzip",
        "large",
    ],
)
def test_a_damaged_gzip_file_is_named(tmp_path, content, message):
    path = write(tmp_path / "labels.gz", content)
    with pytest.raises(DataError, match=re.escape(f"{path}{message}")):
        read_idx(path, (30,), sha256(ONE), classes=10)


def test_what_is_not_a_file_is_named(tmp_path):
    (tmp_path / "folder.gz").mkdir()
    (tmp_path / "loop.gz").symlink_to("loop.gz")
    names = ["folder.gz", "loop.gz"]
    if hasattr(os, "mkfifo"):  # opening it would wait for a writer for ever
        os.mkfifo(tmp_path / "pipe.gz")
        names.append("pipe.gz")
    for name in names:
        with pytest.raises(DataError, match=f"{name} is not a file"):
            read_idx(tmp_path / name, (30,), sha256(ONE))


def test_a_file_without_permission_is_named(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    path = write(tmp_path / "labels", ONE)
    monkeypatch.setattr(Path, "open", refuse)  # the administrator may read everything
    with pytest.raises(DataError, match=r"labels cannot be read: Permission denied\.$"):
        read_idx(path, (30,), sha256(ONE))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", " ends after 0 bytes, and 12,292 are expected."),
        (RECORDS[0].tobytes()[:-1], " ends after 12,291 bytes, and 12,292 are expected."),
        (RECORDS[0].tobytes() + b"\0", " goes on after the 12,292 bytes expected."),
        (b"\x0a" + RECORDS[0].tobytes()[1:], " holds a label 10, and there are 10 classes."),
        (RECORDS[1].tobytes(), " is not the published file: its content has the SHA-256 "),
    ],
    ids=["empty", "short", "long", "label", "other"],
)
def test_damaged_cifar_records_are_named(tmp_path, content, message):
    path = write(tmp_path / "b.bin", content)
    with pytest.raises(DataError, match=re.escape(f"{path}{message}")):
        read_cifar(path, 4, sha256(RECORDS[0].tobytes()))


def peak_of(call) -> int:
    tracemalloc.start()
    try:
        with pytest.raises(DataError):
            call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_hostile_file_takes_no_memory(tmp_path):
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = squeeze.compress(ONE)
    for _ in range(64):
        bomb += squeeze.compress(bytes(1 << 20))
    bomb = write(tmp_path / "bomb.gz", bomb + squeeze.flush())
    assert bomb.stat().st_size < 100_000  # 64 MiB inside; it would pass as a file of 64 KB
    read_idx_with_little = peak_of(lambda: read_idx(bomb, (40_000,), sha256(ONE)))
    assert read_idx_with_little < 1 << 20

    liar = write(tmp_path / "liar", struct.pack(">4B3I", 0, 0, 8, 3, 2**31, 28, 28))
    assert peak_of(lambda: read_idx(liar, (60_000, 28, 28), sha256(ONE))) < 1 << 20
    assert peak_of(lambda: read_idx(bomb, (30,), sha256(ONE))) < 1 << 20
    assert peak_of(lambda: read_cifar(bomb, 20, sha256(ONE))) < 1 << 20


# -- the archive -----------------------------------------------------------------------------------

INSIDE = {"cifar-10-batches-bin/data_batch_2.bin": sha256(RECORDS[1].tobytes())}


def read_archive(path: Path, content: bytes, members=INSIDE):
    write(path, content)
    return read_cifar_archive(path, len(content), sha256(content), members, 4)


def test_batches_come_out_of_the_archive_and_nothing_is_written(tmp_path):
    [(pictures, labels)] = read_archive(tmp_path / "a.tar.gz", ARCHIVE)
    assert labels.tolist() == RECORDS[1][:, 0].tolist()
    assert (
        pictures[3, 4, 5].tolist()
        == RECORDS[1][3, [1 + 4 * 32 + 5 + 1024 * c for c in range(3)]].tolist()
    )
    assert os.listdir(tmp_path) == ["a.tar.gz"]


def test_an_archive_that_is_not_the_published_one_is_not_looked_into(tmp_path, monkeypatch):
    path = write(tmp_path / "a.tar.gz", ARCHIVE)
    monkeypatch.setattr(files.tarfile, "open", None)
    with pytest.raises(DataError, match=r"a\.tar\.gz has [\d,]+ bytes, and 1 are expected\.$"):
        read_cifar_archive(path, 1, sha256(ARCHIVE), INSIDE, 4)
    with pytest.raises(DataError, match=r"a\.tar\.gz is not the published file: its content"):
        read_cifar_archive(path, len(ARCHIVE), sha256(b""), INSIDE, 4)


def test_a_damaged_archive_is_named(tmp_path):
    path = tmp_path / "a.tar.gz"
    for content in (ARCHIVE[:16000], ONE, packed(ONE * 100)):
        with pytest.raises(DataError, match=re.escape(f"{path} is damaged: ")):
            read_archive(path, content)
    link = io.BytesIO()
    with tarfile.open(fileobj=link, mode="w:gz") as archive:
        information = tarfile.TarInfo(next(iter(INSIDE)))
        information.type, information.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(information)
    for content in (link.getvalue(), tar({"data_batch_2.bin": RECORDS[1].tobytes()})):
        with pytest.raises(
            DataError, match=r"has no file cifar-10-batches-bin/data_batch_2\.bin in it\.$"
        ):
            read_archive(path, content)
    with pytest.raises(DataError, match=r"a\.tar\.gz: cifar.*data_batch_2\.bin ends after 5 bytes"):
        read_archive(path, tar({next(iter(INSIDE)): b"short"}))


# -- where the files are ---------------------------------------------------------------------------


@pytest.mark.parametrize("unpacked", [False, True])
@pytest.mark.parametrize("subfolder", ["", "mnist"])
def test_a_folder_is_read(small, tmp_path, subfolder, unpacked):
    for name, content in SMALL.items():
        if unpacked:
            write(tmp_path / "my" / subfolder / name[:-3], gzip.decompress(content))
        else:
            write(tmp_path / "my" / subfolder / name, content)
    pictures, labels = data.mnist("train", folder=str(tmp_path / "my"))
    assert pictures.shape == (30, 28, 28, 1) and pictures.dtype == numpy.uint8
    assert labels.shape == (30,) and labels.dtype == numpy.int64
    assert is_small_mnist((pictures, labels))


def test_the_folder_comes_first_then_tinynet_data_then_the_cache(small, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TINYNET_DATA", "~/env")
    monkeypatch.setenv("TINYNET_CACHE", "~/cache")
    (tmp_path / "env").mkdir()
    places = ["my", "env/mnist", "cache/mnist"]
    for place in places:
        for name, content in SMALL.items():
            write(tmp_path / place / name, content)
    for place in places:
        assert is_small_mnist(data.mnist("train", folder=Path("~/my")))
        write(tmp_path / place / LABELS_GZ, b"")
        with pytest.raises(DataError, match=f"{place}/{LABELS_GZ} is empty"):
            data.mnist("train", folder=Path("~/my"))
        (tmp_path / place / LABELS_GZ).unlink()  # what is not there is looked for further on
    with pytest.raises(data.DataNotFoundError):
        data.mnist("train", folder=Path("~/my"))


def test_an_empty_variable_is_none(small, tmp_path, monkeypatch):
    monkeypatch.setenv("TINYNET_DATA", "")
    monkeypatch.chdir(tmp_path)  # which is what Path("") means
    write(tmp_path / "mnist" / IMAGES_GZ, b"")
    for name, content in SMALL.items():
        write(tmp_path / "cache" / "mnist" / name, content)
    assert is_small_mnist(data.mnist("train"))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("TINYNET_CACHE", "")
    (tmp_path / ".cache").mkdir()
    (tmp_path / "cache").rename(tmp_path / ".cache" / "tinynet")
    assert is_small_mnist(data.mnist("train", download=False))


def loose(folder: Path, *numbers: int, suffix: str = "") -> None:
    for number in numbers:
        name = f"data_batch_{number}.bin{suffix}" if number < 6 else f"test_batch.bin{suffix}"
        content = RECORDS[number - 1].tobytes()
        write(folder / name, packed(content) if suffix else content)


def is_small_cifar(arrays, *numbers: int) -> bool:
    records = numpy.concatenate([RECORDS[n - 1] for n in numbers])
    planes = records[:, 1:].reshape(-1, 3, 32, 32)
    return numpy.array_equal(arrays[1], records[:, 0]) and all(
        numpy.array_equal(arrays[0][..., c], planes[:, c]) for c in range(3)
    )


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("subfolder", ["cifar10", "cifar10/cifar-10-batches-bin", ""])
def test_loose_batches_are_read_in_order(small, tmp_path, capsys, suffix, subfolder):
    loose(tmp_path / subfolder, 5, 3, 1, 2, 4, 6, suffix=suffix)
    assert is_small_cifar(data.cifar10("train", folder=tmp_path), 1, 2, 3, 4, 5)
    assert is_small_cifar(data.cifar10("test", folder=tmp_path), 6)
    assert capsys.readouterr().err == ""


def test_missing_training_batches_are_said_in_one_line(small, tmp_path, capsys):
    loose(tmp_path, 4, 2)
    assert is_small_cifar(data.cifar10("train", folder=tmp_path), 2, 4)
    said = f"cifar10: 2 of 5 training batches in {tmp_path}: 8 pictures.\n"
    assert capsys.readouterr().err == said


def test_the_archive_is_read_where_batches_are_missing(small, tmp_path, capsys):
    write(tmp_path / "cifar-10-binary.tar.gz", ARCHIVE)
    loose(tmp_path, 1)
    assert is_small_cifar(data.cifar10("train", folder=tmp_path), 1, 2, 3, 4, 5)
    assert is_small_cifar(data.cifar10("test", folder=tmp_path), 6)
    assert capsys.readouterr().err == ""


def test_batches_that_are_all_there_need_no_archive(small, tmp_path):
    write(tmp_path / "cifar-10-binary.tar.gz", b"")
    loose(tmp_path, 1, 2, 3, 4, 5)
    assert is_small_cifar(data.cifar10("train", folder=tmp_path), 1, 2, 3, 4, 5)
    with pytest.raises(DataError, match=r"binary\.tar\.gz has 0 bytes"):
        data.cifar10("test", folder=tmp_path)


def test_a_label_beyond_the_classes_is_named(small, tmp_path):
    write(tmp_path / IMAGES_GZ, SMALL[IMAGES_GZ])
    write(tmp_path / LABELS_GZ, packed(idx(LABELS + 1)))
    with pytest.raises(DataError, match="holds a label 10, and there are 10 classes"):
        data.mnist("train", folder=tmp_path)


def test_class_names_are_ten_each():
    assert data.class_names("fashion_mnist")[::9] == ("T-shirt/top", "Ankle boot")
    assert data.class_names("mnist") == tuple("0123456789")
    assert data.class_names("cifar10")[3] == "cat"
    assert {len(set(names)) for names in published.CLASSES.values()} == {10}


def test_the_table_holds_hashes():
    hashes = [h for row in published.IDX.values() for file in row for h in (file[2], file[4])]
    hashes += [h for split in published.CIFAR10_BATCHES.values() for h in split.values()]
    hashes.append(published.CIFAR10_ARCHIVE.sha256)
    assert all(re.fullmatch("[0-9a-f]{64}", h) for h in hashes)
    assert len(set(hashes)) == len(hashes) == 23


# -- errors ----------------------------------------------------------------------------------------

ERRORS = {
    "a split of no kind": (
        lambda folder: data.mnist("val"),
        ValueError,
        'mnist: split must be "train" or "test", received \'val\'.',
    ),
    "a split of another type": (
        lambda folder: data.cifar10(["train"]),
        ValueError,
        'cifar10: split must be "train" or "test", received [\'train\'].',
    ),
    "a folder of no kind": (
        lambda folder: data.fashion_mnist("train", folder=3),
        TypeError,
        "fashion_mnist: folder must be a path or None, received 3.",
    ),
    "names of no data set": (
        lambda folder: data.class_names("cifar"),
        ValueError,
        'class_names: name must be "mnist", "fashion_mnist" or "cifar10", received \'cifar\'.',
    ),
    "a folder that is not there": (
        lambda folder: data.mnist("train", folder=folder / "none"),
        DataError,
        "mnist: folder is {folder}/none, and there is no such folder. Correct it.",
    ),
    "a file for a folder": (
        lambda folder: data.cifar10("train", folder=write(folder / "file", b"")),
        DataError,
        "cifar10: folder is {folder}/file, and there is no such folder. Correct it.",
    ),
    "TINYNET_DATA that is not there": (
        lambda folder: with_tinynet_data(folder / "none", "fashion_mnist"),
        DataError,
        "fashion_mnist: TINYNET_DATA is {folder}/none, and there is no such folder. Correct it.",
    ),
    "a damaged file in the folder": (
        lambda folder: data.mnist("train", folder=write(folder / IMAGES_GZ, b"").parent),
        DataError,
        "mnist: {folder}/train-images-idx3-ubyte.gz is empty. Put the published file in its "
        "place, or take it away.",
    ),
    "a damaged file in the cache": (
        lambda folder: (write(folder / "cache/mnist" / IMAGES_GZ, b""), data.mnist("train")),
        DataError,
        "mnist: {folder}/cache/mnist/train-images-idx3-ubyte.gz is empty. Delete it, and it is "
        "downloaded anew.",
    ),
    "a file for the cache's folder": (
        lambda folder: (write(folder / "cache/mnist", b""), data.mnist("train")),
        DataError,
        "mnist: {folder}/cache/mnist cannot be read: Not a directory. Delete it, and it is "
        "downloaded anew.",
    ),
    "nothing, and no download": (
        lambda folder: data.mnist("test", folder=folder, download=False),
        data.DataNotFoundError,
        "mnist: t10k-images-idx3-ubyte.gz was not found. Tried the folder given ({folder}), the "
        "cache ({folder}/cache/mnist), no mirror, as download=False. Set TINYNET_DATA to a folder "
        "that holds mnist/t10k-images-idx3-ubyte.gz, or allow the download.",
    ),
    "nothing, and told to stay offline": (
        lambda folder: offline(),
        data.DataNotFoundError,
        "mnist: t10k-images-idx3-ubyte.gz was not found. Tried the cache ({folder}/cache/mnist), "
        "no mirror, as TINYNET_OFFLINE is set. Set TINYNET_DATA to a folder that holds "
        "mnist/t10k-images-idx3-ubyte.gz, or unset TINYNET_OFFLINE.",
    ),
    "nothing, and no pooch": (
        lambda folder: without_pooch(),
        data.DataNotFoundError,
        "cifar10: cifar-10-binary.tar.gz was not found. Tried the cache ({folder}/cache/cifar10), "
        "no mirror, as pooch is not installed. Set TINYNET_DATA to a folder that holds "
        "cifar10/cifar-10-binary.tar.gz, or install it: pip install pooch.",
    ),
}


def offline() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINYNET_OFFLINE", "1")
        data.mnist("test")


def with_tinynet_data(folder: Path, name: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TINYNET_DATA", str(folder))
        getattr(data, name)("train")


def without_pooch() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "pooch", None)
        data.cifar10("train")


@pytest.mark.parametrize("row", ERRORS)
def test_errors_say_where_what_and_what_to_do(tmp_path, row):
    call, error, message = ERRORS[row]
    with pytest.raises(error) as caught:
        call(tmp_path)
    assert type(caught.value) is error
    assert str(caught.value) == message.replace("{folder}", str(tmp_path))


def test_lessons_can_tell_the_two_errors_apart():
    assert issubclass(data.DataError, ValueError)
    assert issubclass(data.DataNotFoundError, FileNotFoundError)


# -- the download ----------------------------------------------------------------------------------


class Mirror(http.server.BaseHTTPRequestHandler):
    """Serves server.files; cuts the connection after so many bytes of it while server.cuts last."""

    def do_GET(self):
        ranges = self.headers.get("Range")
        self.server.asked.append((self.path, ranges))
        content = self.server.files.get(self.path.rpartition("/")[2])
        if content is None or self.server.status:
            self.send_error(self.server.status or 404)
            return
        start = int(ranges[len("bytes=") : -1]) if ranges and self.server.resumes else 0
        self.send_response(206 if start else 200)
        if self.server.encodes:
            self.send_header("Content-Encoding", "gzip")
        if start:
            end = f"bytes {start + self.server.shift}-{len(content) - 1}/{len(content)}"
            self.send_header("Content-Range", end)
        if self.server.announces:
            self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        stop = self.server.cuts.pop(0) if self.server.cuts else len(content)
        self.wfile.write(content[start:stop])

    def log_message(self, *_):
        pass


@pytest.fixture
def mirrors(monkeypatch):
    """Two servers; the addresses of both are what the table of mirrors holds."""
    pytest.importorskip("pooch")
    servers = []
    for _ in range(2):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
        server.files, server.asked, server.cuts = {}, [], []
        server.status, server.resumes, server.announces, server.shift = None, True, True, 0
        server.encodes = False
        server.files.update(SMALL)
        server.files["cifar-10-binary.tar.gz"] = ARCHIVE
        server.host = f"127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
    addresses = tuple(f"http://{server.host}/data/" for server in servers)
    monkeypatch.setattr(published, "MIRRORS", dict.fromkeys(published.MIRRORS, addresses))
    yield servers
    for server in servers:
        server.shutdown()
        server.server_close()


def asked(server) -> list[tuple[str, str | None]]:
    return [(path.rpartition("/")[2], ranges) for path, ranges in server.asked]


def in_cache(tmp_path: Path, name: str = "mnist") -> list[str]:
    return sorted(p.name for p in (tmp_path / "cache" / name).iterdir())


def test_a_download_is_kept_and_used_without_a_network_afterwards(small, mirrors, tmp_path, capsys):
    assert is_small_mnist(data.mnist("train"))
    assert "train-images-idx3-ubyte.gz: 100% of 0.0 MB\n" in capsys.readouterr().err
    assert in_cache(tmp_path) == [".lock", IMAGES_GZ, LABELS_GZ]
    assert (tmp_path / "cache" / "mnist" / IMAGES_GZ).read_bytes() == SMALL[IMAGES_GZ]
    assert asked(mirrors[0]) == [(IMAGES_GZ, None), (LABELS_GZ, None)]
    for server in mirrors:
        server.status = 500
    assert is_small_mnist(data.mnist("train"))
    assert len(mirrors[0].asked) == 2 and not mirrors[1].asked


def test_the_archive_is_downloaded_for_either_split(small, mirrors, tmp_path):
    assert is_small_cifar(data.cifar10("test"), 6)
    assert is_small_cifar(data.cifar10("train"), 1, 2, 3, 4, 5)
    assert in_cache(tmp_path, "cifar10") == [".lock", "cifar-10-binary.tar.gz"]
    assert len(mirrors[0].asked) == 1


def test_only_the_file_that_is_missing_is_downloaded(small, mirrors, tmp_path):
    write(tmp_path / IMAGES_GZ, SMALL[IMAGES_GZ])
    assert is_small_mnist(data.mnist("train", folder=tmp_path))
    assert asked(mirrors[0]) == [(LABELS_GZ, None)]


def test_a_cut_connection_is_resumed_where_it_stopped(small, mirrors):
    mirrors[0].cuts = [1000]
    mirrors[1].cuts = [5000]
    assert is_small_mnist(data.mnist("train"))
    assert asked(mirrors[0])[:2] == [(IMAGES_GZ, None), (IMAGES_GZ, "bytes=5000-")]
    assert asked(mirrors[1]) == [(IMAGES_GZ, "bytes=1000-")]


def test_a_later_call_goes_on_where_the_earlier_one_gave_up(small, mirrors, tmp_path):
    mirrors[0].cuts = [1000, 1000]
    mirrors[1].files.clear()
    size = f"{len(SMALL[IMAGES_GZ]):,}"
    with pytest.raises(data.DataNotFoundError) as caught:
        data.mnist("train")
    assert in_cache(tmp_path) == [".lock", f"{IMAGES_GZ}.part"]
    one, other = (server.host for server in mirrors)
    assert str(caught.value) == (
        f"mnist: {IMAGES_GZ} was not found. Tried the cache ({tmp_path}/cache/mnist), {one} (the "
        f"connection was cut after 1,000 of {size} bytes), {other} (HTTP 404). Set TINYNET_DATA "
        f"to a folder that holds mnist/{IMAGES_GZ}, or connect to the internet."
    )
    assert is_small_mnist(data.mnist("train"))
    assert asked(mirrors[0])[2] == (IMAGES_GZ, "bytes=1000-")
    assert in_cache(tmp_path) == [".lock", IMAGES_GZ, LABELS_GZ]


def test_a_mirror_that_cannot_resume_sends_all_again(small, mirrors):
    mirrors[0].resumes = False
    mirrors[0].cuts = [1000]
    mirrors[1].status = 503
    assert is_small_mnist(data.mnist("train"))
    assert asked(mirrors[0])[:2] == [(IMAGES_GZ, None), (IMAGES_GZ, "bytes=1000-")]


def test_a_mirror_without_a_length_is_believed_by_the_hash_alone(small, mirrors):
    mirrors[0].announces = False
    assert is_small_mnist(data.mnist("train"))
    assert not mirrors[1].asked


def test_a_mirror_without_a_length_is_resumed_too(small, mirrors):
    mirrors[0].announces = False
    mirrors[0].cuts = [1000]
    assert is_small_mnist(data.mnist("train"))
    assert asked(mirrors[1]) == [(IMAGES_GZ, "bytes=1000-")]


def test_a_mirror_that_calls_the_gz_an_encoding_sends_the_file_too(small, mirrors):
    mirrors[0].encodes = True
    assert is_small_mnist(data.mnist("train"))
    assert not mirrors[1].asked


def test_what_arrived_before_ctrl_c_is_kept(small, mirrors, tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    mirrors[0].cuts = [1000]
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(download, "_show", interrupt)
        data.mnist("train")
    assert in_cache(tmp_path) == [".lock", f"{IMAGES_GZ}.part"]
    assert is_small_mnist(data.mnist("train"))
    assert asked(mirrors[0])[1] == (IMAGES_GZ, "bytes=1000-")


def test_a_part_that_is_whole_is_checked_and_one_too_long_is_dropped(small, mirrors, tmp_path):
    write(tmp_path / "cache" / "mnist" / f"{IMAGES_GZ}.part", SMALL[IMAGES_GZ])
    write(tmp_path / "cache" / "mnist" / f"{LABELS_GZ}.part", SMALL[LABELS_GZ] + b"more")
    assert is_small_mnist(data.mnist("train"))
    assert asked(mirrors[0]) == [(LABELS_GZ, None)] and not mirrors[1].asked


def test_a_wrong_part_costs_one_attempt_and_not_the_file(small, mirrors, tmp_path):
    write(tmp_path / "cache" / "mnist" / f"{IMAGES_GZ}.part", b"<html>Please log in</html>")
    mirrors[1].status = 503
    assert is_small_mnist(data.mnist("train"))
    assert asked(mirrors[0])[:2] == [(IMAGES_GZ, "bytes=26-"), (IMAGES_GZ, None)]


def spoil(server, how: str) -> None:
    content = server.files[IMAGES_GZ]
    if how == "down":
        server.shutdown()
        server.server_close()
    elif how == "HTTP 503":
        server.status = 503
    elif how == "another SHA-256":
        server.files[IMAGES_GZ] = bytes(len(content))
    elif how == "a page to log in":
        server.files[IMAGES_GZ] = b"<html></html>"
    elif how == "no end":
        server.announces = False
        server.files[IMAGES_GZ] = content + bytes(100_000)


SAID = {
    "down": "no connection",
    "HTTP 503": "HTTP 503",
    "another SHA-256": "its file has another SHA-256 than the published one",
    "a page to log in": f"it sends 13 bytes where {len(SMALL[IMAGES_GZ])} are expected",
    "no end": f"it sends more than the {len(SMALL[IMAGES_GZ]):,} bytes expected",
}


@pytest.mark.parametrize("how", SAID)
def test_the_second_mirror_helps_where_the_first_fails(small, mirrors, tmp_path, how):
    spoil(mirrors[0], how)
    assert is_small_mnist(data.mnist("train"))
    assert IMAGES_GZ in [name for name, _ in asked(mirrors[1])]
    assert in_cache(tmp_path) == [".lock", IMAGES_GZ, LABELS_GZ]


@pytest.mark.parametrize("how", SAID)
def test_where_both_fail_one_line_says_what_was_tried(small, mirrors, tmp_path, how):
    for server in mirrors:
        spoil(server, how)
    with pytest.raises(data.DataNotFoundError) as caught:
        data.mnist("train")
    assert str(caught.value) == (
        f"mnist: {IMAGES_GZ} was not found. Tried the cache ({tmp_path}/cache/mnist), "
        f"{mirrors[0].host} ({SAID[how]}), {mirrors[1].host} ({SAID[how]}). Set TINYNET_DATA to a "
        f"folder that holds mnist/{IMAGES_GZ}, or connect to the internet."
    )
    left = tmp_path / "cache" / "mnist" / f"{IMAGES_GZ}.part"
    assert not (tmp_path / "cache" / "mnist" / IMAGES_GZ).exists()
    assert not left.exists() or left.stat().st_size <= len(SMALL[IMAGES_GZ])


def test_another_part_than_asked_for_is_refused(small, mirrors, tmp_path):
    write(tmp_path / "cache" / "mnist" / f"{IMAGES_GZ}.part", SMALL[IMAGES_GZ][:100])
    mirrors[0].shift = 1
    assert is_small_mnist(data.mnist("train"))
    assert asked(mirrors[1]) == [(IMAGES_GZ, "bytes=100-")]


def test_without_a_network_the_mirrors_are_tried_once(small, mirrors, monkeypatch):
    calls = []
    answer = download._answer
    monkeypatch.setattr(download, "_answer", lambda *a: (calls.append(a), answer(*a))[1])
    for server in mirrors:
        spoil(server, "down")
    for call in (data.mnist, data.mnist, data.cifar10):
        with pytest.raises(data.DataNotFoundError) as caught:
            call("train")
    assert len(calls) == 2
    hosts = ", ".join(f"{server.host} (no connection)" for server in mirrors)
    assert f", no mirror, as none was reached before: {hosts}. " in str(caught.value)
    assert str(caught.value).endswith("or connect to the internet and start Python anew.")


def test_a_mirror_that_does_not_answer_is_left_alone(small, mirrors, monkeypatch):
    import requests

    answers, get = threading.Event(), requests.get

    def silent(url, **settings):
        if mirrors[0].host in url:
            answers.wait()
        return get(url, **settings)

    monkeypatch.setattr(requests, "get", silent)
    monkeypatch.setattr(download, "ANSWER_SECONDS", 0.2)
    try:
        assert is_small_mnist(data.mnist("train"))
        mirrors[1].status = 404
        with pytest.raises(data.DataNotFoundError, match=r"\(no answer in 0\.2 s\)"):
            data.mnist("test")
    finally:
        answers.set()


def test_a_cache_that_cannot_be_written_is_said(small, mirrors, tmp_path, monkeypatch):
    monkeypatch.setenv("TINYNET_CACHE", str(write(tmp_path / "file", b"") / "cache"))
    with pytest.raises(data.DataError, match="file/cache/mnist cannot be read: Not a directory"):
        data.mnist("train")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setenv("TINYNET_CACHE", str(tmp_path / "full"))
    monkeypatch.setattr(download, "_append", full)
    with pytest.raises(data.DataNotFoundError) as caught:
        data.mnist("train")
    assert f"{tmp_path}/full/mnist cannot be written: No space left on device. " in str(
        caught.value
    )
    assert str(caught.value).endswith("or set TINYNET_CACHE to a folder with room.")


def test_threads_at_once_leave_one_whole_file(small, mirrors, tmp_path):
    got = []
    threads = [threading.Thread(target=lambda: got.append(data.mnist("train"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 4 and all(map(is_small_mnist, got))
    assert sorted(asked(mirrors[0])) == [(IMAGES_GZ, None), (LABELS_GZ, None)]
    assert in_cache(tmp_path) == [".lock", IMAGES_GZ, LABELS_GZ]


def test_processes_at_once_leave_one_whole_file(mirrors, tmp_path):
    content = SMALL[IMAGES_GZ]
    code = f"""
        from pathlib import Path
        from tinynet.data.published.download import fetch
        target = Path({str(tmp_path / "cache" / IMAGES_GZ)!r})
        fetch(target, ["http://{mirrors[0].host}/"], {len(content)}, {sha256(content)!r})
        assert target.stat().st_size == {len(content)}
    """
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(code)]
    root = Path(__file__).parents[2]
    children = [
        subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    for child in children:
        _, said = child.communicate()
        assert child.returncode == 0, said
    assert len(mirrors[0].asked) == 1
    assert sorted(os.listdir(tmp_path / "cache")) == [".lock", IMAGES_GZ]


# -- the real files --------------------------------------------------------------------------------


@pytest.fixture
def real(monkeypatch):
    if not REAL:
        pytest.skip("TINYNET_DATA is not set: no published files to read")
    monkeypatch.setenv("TINYNET_DATA", REAL)


def or_skip(load, split: str):
    try:
        return load(split, download=False)
    except data.DataNotFoundError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(
    ("load", "mean", "deviation"),
    [(data.mnist, 0.1307, 0.3081), (data.fashion_mnist, 0.2860, 0.3530)],
    ids=["mnist", "fashion_mnist"],
)
def test_the_real_training_pictures_have_their_mean_and_deviation(real, load, mean, deviation):
    pictures, labels = or_skip(load, "train")
    assert pictures.shape == (60000, 28, 28, 1) and pictures.dtype == numpy.uint8
    assert labels.shape == (60000,) and labels.dtype == numpy.int64
    counts = numpy.bincount(pictures.ravel(), minlength=256) / pictures.size
    shades = numpy.arange(256) / 255
    assert abs(counts @ shades - mean) < 5e-5
    assert abs((counts @ (shades - mean) ** 2) ** 0.5 - deviation) < 5e-5
    per_class = numpy.bincount(labels)
    if load is data.fashion_mnist:
        assert per_class.tolist() == [6000] * 10
    else:
        assert per_class.tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]


@pytest.mark.parametrize("load", [data.mnist, data.fashion_mnist, data.cifar10])
def test_the_real_test_pictures(real, load):
    pictures, labels = or_skip(load, "test")
    assert len(pictures) == len(labels) == 10000
    assert pictures.shape[1:] == ((32, 32, 3) if load is data.cifar10 else (28, 28, 1))
    if load is not data.mnist:
        assert numpy.bincount(labels).tolist() == [1000] * 10
    first = {data.mnist: [7, 2, 1, 0], data.fashion_mnist: [9, 2, 1, 1], data.cifar10: [3, 8, 8, 0]}
    assert labels[:4].tolist() == first[load]


def test_the_real_color_pictures(real, capsys):
    pictures, labels = or_skip(data.cifar10, "train")
    assert pictures.shape == (len(labels), 32, 32, 3) and len(labels) % 10000 == 0
    assert (len(labels) < 50000) == ("of 5 training batches" in capsys.readouterr().err)
    assert labels[:5].tolist() == [6, 9, 9, 4, 1]  # frog, two trucks, deer, automobile
    assert pictures[0, 0, 0].tolist() == [59, 62, 63]
