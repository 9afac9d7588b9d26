"""Damaged files: each loads or is a ValueError, at once, and an error changes nothing."""

from __future__ import annotations

import functools
import io
import json
import tempfile
import time
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy

import tinynet as tn

from ..io.test_io import assert_same
from ..training.test_resume import Witness, everything, run_of, train

SECONDS, MEMORY = 1.0, 200_000_000  # bytes: what loading a small file may take
ODD: list[Any] = [None, True, -1, 0, 2**31, 2**63, 2**64, 10**30, 1e308, 0.5, "", "x", "\ud800"]
ODD += [[], {}, [[]], {"/": "array"}, {"/": "nan"}, {"/": "inf"}, {"a/b": 1}, [0] * 70, {"\n": 1}]
TEXT = "tinynet.json.npy"
Rng = numpy.random.Generator


class File(NamedTuple):
    suffix: str
    data: bytes
    thing: Any  # what it is loaded into
    state: dict  # of the thing


@functools.cache
def files() -> list[File]:
    """Of a model, an optimizer and a whole run, in both formats; those of .npz compressed too."""
    run, found = run_of(everything()), []

    def save(trained: tn.Run) -> None:
        for name, thing in (("model", run.model), ("optimizer", run.optimizer), ("run", run)):
            for suffix in (".npz", ".safetensors", ".compressed.npz"):
                path = tn.save(Path(folder) / f"{name}{suffix}", getattr(trained, name, trained))
                if suffix == ".compressed.npz":
                    with numpy.load(path) as arrays:
                        numpy.savez_compressed(path, **arrays)
                found.append((path, thing))

    with tempfile.TemporaryDirectory() as folder:
        train("everything", Witness(5, save))
        for path, thing in found:
            tn.load(path, thing)
        return [File(p.suffix, p.read_bytes(), t, t.state_dict()) for p, t in found]


def trial(rng: Rng, folder: Path) -> None:
    """Damage a file in one to three ways, and load it alone, and into what it was saved from."""
    file, other = (files()[i] for i in rng.integers(len(files()), size=2))
    data = file.data
    way = inside if rng.random() < 0.6 else damaged
    for _ in range(rng.integers(1, 4)):
        data = way(rng, data, other.data)
    path = folder / f"damaged{file.suffix}"
    for thing in (None, file.thing):
        path.write_bytes(data)
        tracemalloc.start()
        start = time.thread_time()  # not the time that other programs take
        try:
            tn.load(path, thing)
            if thing:  # it takes the whole file all the same
                path.write_bytes(file.data)
                tn.load(path, thing)
        except ValueError as error:
            assert str(error).startswith(f"load {str(path)!r}: ")
        finally:
            seconds, memory = time.thread_time() - start, tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        if thing:
            assert_same(thing.state_dict(), file.state)
        assert seconds < SECONDS and memory < MEMORY, f"{seconds} s, {memory} bytes"


def damaged(rng: Rng, data: bytes, other: bytes) -> bytes:
    """Something else between two places, which are mostly near each other."""
    start = int(rng.integers(len(data) + 1))
    part = data[start : start + int((len(data) + 1) ** rng.random())]
    end = start + len(part)
    there = start if rng.random() < 0.5 else int(rng.integers(len(other) + 1))
    number = int(rng.choice([0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63 - 1]))
    width = int(rng.choice([1, 2, 4, 8]))
    flipped = bytearray(data)
    for place in rng.integers(len(data), size=rng.integers(1, 9) if data else 0):
        flipped[place] ^= int(rng.choice([1, 128, 255]))
    return [
        bytes(flipped),
        data[:start],
        data[end:],
        data[:start] + data[end:],
        data[:start] + part * int(rng.integers(2, 5)) + data[end:],
        data[:start] + other[there : there + len(part)] + data[end:],
        data[:start] + rng.bytes(len(part)) + data[end:],
        data[:start] + data[end : 2 * end - start] + part + data[2 * end - start :],
        data[:start] + number.to_bytes(8, "little")[:width] + data[start + width :],
    ][rng.integers(9)]


def inside(rng: Rng, data: bytes, other: bytes) -> bytes:
    """Damage behind the checksums and lengths, which are made right again."""
    if data[:2] != b"PK":
        return inside_tensors(rng, data, other)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    if TEXT in members and rng.random() < 0.7:
        text = rewritten(rng, members[TEXT].partition(b"\n")[2], other)
        numpy.save(file := io.BytesIO(), numpy.frombuffer(text, numpy.uint8))
        members[TEXT] = file.getvalue()
    else:
        name = str(rng.choice(list(members)))
        members[name] = damaged(rng, members[name], other)
    with zipfile.ZipFile(file := io.BytesIO(), "w", zipfile.ZIP_DEFLATED) as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return file.getvalue()


def inside_tensors(rng: Rng, data: bytes, other: bytes) -> bytes:
    """The same for .safetensors: in its header, or in the text that this holds."""
    end = 8 + int.from_bytes(data[:8], "little")
    text = data[8:end]
    try:
        header = json.loads(text)
        words = header["__metadata__"]["tinynet"].encode()
        header["__metadata__"]["tinynet"] = rewritten(rng, words, other).decode()
    except (ValueError, LookupError, TypeError, AttributeError):
        header = None
    text = (
        json.dumps(header).encode()
        if header and rng.random() < 0.5
        else rewritten(rng, text, other)
    )
    return len(text).to_bytes(8, "little") + text + data[end:]


def rewritten(rng: Rng, text: bytes, other: bytes) -> bytes:
    """JSON with one value left out, put somewhere else, or exchanged."""
    try:
        state = json.loads(text)
    except ValueError:
        return damaged(rng, text, other)
    waiting, places = [state], []  # places: (dictionary or list, key)
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict | list):
            keys = value if isinstance(value, dict) else range(len(value))
            places += [(value, key) for key in keys]
            waiting += [value[key] for key in keys]
    if not places:
        return text
    (value, key), (source, its) = (places[i] for i in rng.integers(len(places), size=2))
    how = rng.integers(4)
    if how == 0:
        del value[key]
    elif how == 1:
        value[key] = json.loads(json.dumps(source[its]))
    elif how == 2 and isinstance(value[key], int | float):
        n = value[key]
        value[key] = [-n, n + 1, n * 2**40, str(n)][rng.integers(4)]
    else:
        value[key] = ODD[rng.integers(len(ODD))]
    return json.dumps(state).encode()
