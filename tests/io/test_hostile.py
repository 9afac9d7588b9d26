"""Files from strangers: cut off, altered or made to do harm.  Each is a clear error or harmless."""

from __future__ import annotations

import io
import json
import pickle
import re
import struct
import tracemalloc
import zipfile

import numpy
import pytest

from tinynet.io import load, save

from .test_io import FORMATS, Model, W, assert_same

TWICE = "belongs to no array, or to two. The file is damaged or was never right."
DAMAGED = "The file is damaged or was never right."
NEVER = "The file was never right."


@pytest.fixture
def refused(tmp_path):
    """A function: these bytes, in a file of this format, give this error and change nothing."""

    def check(suffix: str, data: bytes, message: str) -> None:
        path = tmp_path / f"hostile{suffix}"
        path.write_bytes(data)
        model = Model(w=W.copy())
        for thing in (None, model):
            with pytest.raises(
                ValueError, match=f"^{re.escape(f'load {str(path)!r}: {message}')}$"
            ):
                load(path, thing)
        assert_same(model.arrays["w"], W)

    return check


# -- .safetensors ----------------------------------------------------------------------------------


def tensors(header: object, buffer: bytes = b"", length: int | None = None) -> bytes:
    """A .safetensors file with this header, an object or the very text."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + buffer


def entry(dtype="F32", shape=(2,), offsets=(0, 8)) -> dict:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


EIGHT = bytes(8)
WHOLE = len(tensors({"a": entry()}, EIGHT))
NONE_SUCH = f"'a' has an impossible shape or data_offsets. {DAMAGED}"
FIELDS = f"'a' is not described by dtype, shape, data_offsets. {DAMAGED}"
KNOWN = (
    "Only F64, F32, F16, I64, I32, I16, I8, U64, U32, U16, U8, BOOL, BF16 are loaded: convert it "
    "where the file was made."
)
CUT_OFF = "It is cut off, or not a .safetensors file: copy it again."
APPENDED = "It is cut off, or something was appended: copy it again."


def size_error(needs: int, shape: str) -> str:
    return f"'a' has 8 bytes, and shape {shape} needs {needs}. {DAMAGED}"


def no_shape(shape: str) -> str:
    return f"'a' has shape {shape}, which is impossible. {DAMAGED}"


def unreadable(reason: str) -> str:
    return f"the header cannot be read: {reason}. {DAMAGED}"


HOSTILE_TENSORS = {
    "nothing": (b"", f"it has 0 bytes, and its header needs 8. {CUT_OFF}"),
    "seven bytes": (bytes(7), f"it has 7 bytes, and its header needs 8. {CUT_OFF}"),
    "no header": (bytes(8), unreadable("Expecting value: line 1 column 1 (char 0)")),
    "header past the end": (
        tensors({}, length=3),
        f"it has 10 bytes, and its header needs 11. {CUT_OFF}",
    ),
    "header of 2**64 - 1": (
        tensors({}, length=2**64 - 1),
        f"it has 10 bytes, and its header needs {2**64 + 7}. {CUT_OFF}",
    ),
    "not JSON": (tensors(b"{'a'}"), None),
    "not UTF-8": (tensors(b'{"\xff": 1}'), None),
    "UTF-16": (tensors("{}".encode("utf-16")), None),
    "NaN": (tensors(b'{"a": NaN}'), unreadable("NaN is not JSON")),
    "a list": (tensors([]), f"the header is not a dictionary. {DAMAGED}"),
    "deep": (tensors(b"[" * 100_000), unreadable("it is nested too deeply")),
    "deep dictionaries": (tensors(b'{"a":' * 100_000), unreadable("it is nested too deeply")),
    "a name twice": (
        tensors(b'{"a": {}, "a": {}}'),
        unreadable("'a' is there twice"),
    ),
    "a field twice": (
        tensors(b'{"a": {"dtype": "F32", "dtype": "F32"}}'),
        unreadable("'dtype' is there twice"),
    ),
    "a number of 5000 digits": (tensors(b'{"a": ' + b"9" * 5000 + b"}"), None),
    "a name that cannot be shown": (
        tensors({"\x1b[31m": entry()}, EIGHT),
        "the name '\\x1b[31m' is not printable. Where is this file from?",
    ),
    "metadata of numbers": (
        tensors({"__metadata__": {"a": 1}}),
        f"__metadata__ is not words by name. {DAMAGED}",
    ),
    "metadata of nothing": (
        tensors({"__metadata__": []}),
        f"__metadata__ is not words by name. {DAMAGED}",
    ),
    "entry is a list": (tensors({"a": []}), FIELDS),
    "entry is null": (tensors({"a": None}), FIELDS),
    "a field is missing": (tensors({"a": {"dtype": "F32", "shape": []}}), FIELDS),
    "a field too many": (tensors({"a": entry() | {"pickle": ""}}, EIGHT), FIELDS),
    "unknown dtype": (tensors({"a": entry("F8_E4M3")}, EIGHT), f"'a' is of F8_E4M3. {KNOWN}"),
    "object dtype": (tensors({"a": entry("O")}, EIGHT), f"'a' is of O. {KNOWN}"),
    "dtype is a number": (tensors({"a": entry(4)}, EIGHT), f"'a' is of int. {KNOWN}"),
    "dtype is a list": (tensors({"a": entry([[]])}, EIGHT), f"'a' is of list. {KNOWN}"),
    "shape is a number": (tensors({"a": entry(shape=2)}, EIGHT), NONE_SUCH),
    "shape of a word": (tensors({"a": entry(shape=["2"])}, EIGHT), no_shape("(str,)")),
    "shape of a list": (tensors({"a": entry(shape=[[[]]])}, EIGHT), no_shape("(list,)")),
    "shape of a boolean": (tensors({"a": entry(shape=[True, 2])}, EIGHT), no_shape("(bool, 2)")),
    "shape of a float": (tensors({"a": entry(shape=[2.0])}, EIGHT), no_shape("(float,)")),
    "negative shape": (tensors({"a": entry(shape=[-1, -2])}, EIGHT), no_shape("(-1, -2)")),
    "65 axes": (
        tensors({"a": entry(shape=[1] * 64 + [2])}, EIGHT),
        no_shape("(" + "1, " * 26 + "1..."),
    ),
    "shape too large": (tensors({"a": entry(shape=[3])}, EIGHT), size_error(12, "(3,)")),
    "shape too small": (tensors({"a": entry(shape=[])}, EIGHT), size_error(4, "()")),
    "shape of 2**62": (
        tensors({"a": entry(shape=[2**62])}, EIGHT),
        f"'a' has shape ({2**62},), more than any memory holds. {DAMAGED}",
    ),
    "product that wraps round to 2": (
        tensors({"a": entry(shape=[2**32, 2**32, 2])}, EIGHT),
        f"'a' has shape ({2**32}, {2**32}, 2), more than any memory holds. {DAMAGED}",
    ),
    "none times huge": (
        tensors({"a": entry(shape=[0, 2**64], offsets=[0, 0])}),
        f"'a' has shape (0, 0x10000000000000000), more than any memory holds. {DAMAGED}",
    ),
    "offsets are words": (tensors({"a": entry(offsets=["0", "8"])}, EIGHT), NONE_SUCH),
    "offsets are booleans": (tensors({"a": entry(offsets=[False, 8])}, EIGHT), NONE_SUCH),
    "offsets are three": (tensors({"a": entry(offsets=[0, 8, 8])}, EIGHT), NONE_SUCH),
    "offsets go back": (tensors({"a": entry(offsets=[8, 0])}, EIGHT), NONE_SUCH),
    "offset is negative": (tensors({"a": entry(offsets=[-8, 0])}, EIGHT), NONE_SUCH),
    "a hole": (
        tensors({"a": entry(), "b": entry(offsets=[12, 20])}, bytes(20)),
        f"'b' begins at byte 0xc, and 0x8 is next. {DAMAGED}",
    ),
    "an overlap": (
        tensors({"a": entry(), "b": entry(offsets=[4, 12])}, bytes(12)),
        f"'b' begins at byte 0x4, and 0x8 is next. {DAMAGED}",
    ),
    "the same bytes twice": (
        tensors({"a": entry(), "b": entry()}, EIGHT),
        f"'b' begins at byte 0x0, and 0x8 is next. {DAMAGED}",
    ),
    "a hole at the beginning": (
        tensors({"a": entry(offsets=[8, 16])}, bytes(16)),
        f"'a' begins at byte 0x8, and 0x0 is next. {DAMAGED}",
    ),
    "an end of 4000 digits": (tensors({"a": entry(offsets=[0, 10**4000])}, EIGHT), None),
    "cut off": (
        tensors({"a": entry()}, bytes(7)),
        f"it has {WHOLE - 1:#x} bytes, and {WHOLE:#x} by its header. {APPENDED}",
    ),
    "appended": (
        tensors({"a": entry()}, bytes(9)),
        f"it has {WHOLE + 1:#x} bytes, and {WHOLE:#x} by its header. {APPENDED}",
    ),
    "a bool of 2": (
        tensors({"a": entry("BOOL", [1], [0, 1])}, b"\2"),
        f"'a' is of bool, and holds bytes that are neither 0 nor 1. {DAMAGED}",
    ),
}


@pytest.mark.parametrize("name", HOSTILE_TENSORS)
def test_a_hostile_safetensors_file_is_refused(name, refused, tmp_path):
    data, message = HOSTILE_TENSORS[name]
    if message is not None:
        refused(".safetensors", data, message)
        return
    (tmp_path / "a.safetensors").write_bytes(data)  # the reason is Python's, or long
    with pytest.raises(ValueError, match=r"^load '.*a\.safetensors': (the header|it has) .*\.$"):
        load(tmp_path / "a.safetensors")


def test_arrays_in_any_order_and_empty_ones_between_them_are_right(tmp_path):
    header = {"b": entry(offsets=[8, 16]), "n": entry(shape=[0, 3], offsets=[8, 8]), "a": entry()}
    data = numpy.arange(4, dtype="<f4").tobytes()
    (tmp_path / "a.safetensors").write_bytes(tensors(header, data))
    state = load(tmp_path / "a.safetensors")
    assert list(state) == ["b", "n", "a"]
    assert [array.tolist() for array in state.values()] == [[2, 3], [], [0, 1]]


# -- .npz ------------------------------------------------------------------------------------------


def npy(
    descr="<f4", shape: object = (2,), data: bytes = EIGHT, header: bytes | None = None
) -> bytes:
    """A .npy file with this header, described or the very text."""
    if header is None:
        header = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape!r}, }}".encode()
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def archive(*members: tuple[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as written:
        for name, data in members:
            with pytest.warns() if name in written.namelist() else _nothing():
                written.writestr(zipfile.ZipInfo(name), data, compression)
    return file.getvalue()


def patched(data: bytes, at: int, form: str, value: int) -> bytes:
    """The archive with one field of its first entry in the directory changed.

    at: 8 for the flags, 10 the compression, 16 the checksum, 20 the size in the file, 24 the size,
        32 the length of a comment.
    """
    start = data.index(b"PK\1\2") + at
    return data[:start] + struct.pack(form, value) + data[start + struct.calcsize(form) :]


class _nothing:
    def __enter__(self): ...
    def __exit__(self, *_): ...


ONE = archive(("a.npy", npy()))
TWO = archive(("a.npy", npy()), ("b.npy", npy()))
EMPTY = archive()


def with_directory_of(data: bytes, first: int) -> bytes:
    """The archive of two with a directory that leaves the members before that one out."""
    start = data.index(b"PK\1\2")
    entries = data[start : data.index(b"PK\5\6")]
    kept = entries[first * len(entries) // 2 :]
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(kept), start, 0)
    return data[:start] + kept + end


def within(data: bytes) -> bytes:
    """The archive of two with an entry for the second that points to the one within the first."""
    second = data.rindex(b"PK\1\2")
    inside = data.index(b"PK\3\4", 4)
    return data[: second + 42] + struct.pack("<L", inside) + data[second + 46 :]


SIZE = len(npy())
HEADER = f"'a' has a header that NumPy does not write. {DAMAGED}"
NUMBERS = (
    "Only bool, int8 to int64, uint8 to uint64 and float16 to float64 are loaded. Nothing is "
    "unpickled."
)


def dtype_error(descr: str) -> str:
    return f"'a' is an array of {descr!r}. {NUMBERS}"


def of_header(header: bytes) -> bytes:
    return archive(("a.npy", npy(header=header)))


HOSTILE_NPZ = {
    "nothing": (
        b"",
        "it is not an .npz file, or not a whole one: File is not a zip file. Copy it again.",
    ),
    "not a zip": (
        npy(),
        "it is not an .npz file, or not a whole one: File is not a zip file. Copy it again.",
    ),
    "pickle": (
        pickle.dumps({"w": 1}),
        "it is not an .npz file, or not a whole one: File is not a zip file. Copy it again.",
    ),
    "not an array": (
        archive(("readme.txt", b"x")),
        "it holds 'readme.txt', which is not an array. Take it out of the archive.",
    ),
    "a name twice": (
        archive(("a.npy", npy()), ("a.npy", npy())),
        f"'a' is there twice. {DAMAGED}",
    ),
    "a name that cannot be shown": (
        archive(("\x1b.npy", npy())),
        "the name '\\x1b' is not printable. Where is this file from?",
    ),
    "encrypted": (
        patched(ONE, 8, "<H", 1),
        "'a' is encrypted. Unpack it, and pack it without a password.",
    ),
    "bzip2": (
        archive(("a.npy", npy()), compression=zipfile.ZIP_BZIP2),
        "'a' is compressed in a way that NumPy does not write. Use numpy.savez.",
    ),
    "unknown compression": (
        patched(ONE, 10, "<H", 77),
        "'a' is compressed in a way that NumPy does not write. Use numpy.savez.",
    ),
    "an entry that swallows the next": (
        patched(archive(("a.npy", npy()), ("b.npy", npy())), 32, "<H", 0x1000),
        f"it should have 2 members, and has 1. {DAMAGED}",
    ),
    "checksum": (
        patched(ONE, 16, "<L", 0),
        f"'a' cannot be read: Bad CRC-32 for file 'a.npy'. {DAMAGED}",
    ),
    "claims more than there is": (
        patched(ONE, 24, "<L", 10**9),
        f"'a' claims 1000000000 bytes, and {SIZE} are stored. {DAMAGED}",
    ),
    "claims more than the file": (
        patched(patched(ONE, 24, "<L", 10**9), 20, "<L", 10**9),
        f"its list of contents does not match the file: byte {len(ONE) - 22 - 51:#x} {TWICE}",
    ),
    "an end record of no members behind it": (
        ONE + EMPTY,
        f"its list of contents does not match the file: byte 0x0 {TWICE}",
    ),
    "a directory of the last member only": (
        with_directory_of(TWO, 1),
        f"its list of contents does not match the file: byte 0x0 {TWICE}",
    ),
    "a member that lies in another": (
        within(archive(("a.npy", npy() + ONE), ("b.npy", npy()))),
        f"its list of contents does not match the file: byte {35 + SIZE:#x} {TWICE}",
    ),
    "something in front": (
        b"#!/bin/sh\n" + bytes(99) + ONE,
        f"its list of contents does not match the file: byte 0x0 {TWICE}",
    ),
    "claims more than deflate holds": (
        patched(archive(("a.npy", npy()), compression=zipfile.ZIP_DEFLATED), 24, "<L", 10**9),
        None,
    ),
    "no .npy": (archive(("a.npy", b"x" * 99)), HEADER),
    "empty member": (archive(("a.npy", b"")), HEADER),
    "version 3": (archive(("a.npy", npy().replace(b"\x01\x00", b"\x03\x00", 1))), HEADER),
    "header of 60 kB": (of_header(b" " * 60_000), HEADER),
    "header of no end": (of_header(b'{"""'), HEADER),
    "names of two types": (of_header(b"{1: 2, 'shape': (2,), 'descr': '<f4'}"), HEADER),
    "header cut off": (archive(("a.npy", npy()[:20])), HEADER),
    "header no Python": (of_header(b"{"), HEADER),
    "header code": (of_header(b"__import__('os').abort()"), HEADER),
    "header a list": (of_header(b"[]"), HEADER),
    "header deep": (of_header(b"(" * 9000), HEADER),
    "header deep signs": (of_header(b"-" * 9000 + b"1"), HEADER),
    "header unhashable": (of_header(b"{[]: 1}"), HEADER),
    "header zeros": (of_header(bytes(50)), HEADER),
    "field missing": (of_header(b"{'descr': '<f4', 'shape': (2,)}"), HEADER),
    "field too many": (
        of_header(b"{'descr': '<f4', 'shape': (2,), 'fortran_order': False, 'x': 1}"),
        HEADER,
    ),
    "order a number": (of_header(b"{'descr': '<f4', 'shape': (2,), 'fortran_order': 0}"), HEADER),
    "shape a list": (archive(("a.npy", npy(shape=[2]))), HEADER),
    "dtype a list": (archive(("a.npy", npy([("x", "<f4")]))), dtype_error("|V4")),
    "dtype bytes": (archive(("a.npy", npy(b"<f4"))), HEADER),
    "objects": (archive(("a.npy", npy("|O"))), dtype_error("|O")),
    "words": (archive(("a.npy", npy("<U1"))), dtype_error("<U1")),
    "complex": (archive(("a.npy", npy("<c8", (1,)))), dtype_error("<c8")),
    "dates": (archive(("a.npy", npy("<M8[s]", (1,)))), dtype_error("<M8[s]")),
    "void of nothing": (archive(("a.npy", npy("|V0", (2**60,), b""))), dtype_error("|V0")),
    "no byte order": (archive(("a.npy", npy("!f4"))), HEADER),
    "no dtype": (archive(("a.npy", npy(""))), HEADER),
    "subarray": (archive(("a.npy", npy("(9,)<f4"))), dtype_error("|V36")),
    "negative shape": (archive(("a.npy", npy(shape=(-1, -2)))), no_shape("(-1, -2)")),
    "boolean shape": (archive(("a.npy", npy(shape=(True, 2)))), no_shape("(bool, 2)")),
    "shape too large": (archive(("a.npy", npy(shape=(3,)))), size_error(12, "(3,)")),
    "shape too small": (archive(("a.npy", npy(shape=()))), size_error(4, "()")),
    "shape of a terabyte": (
        archive(("a.npy", npy(shape=(10**12,)))),
        size_error(4 * 10**12, f"({10**12},)"),
    ),
    "shape of 2**62": (
        archive(("a.npy", npy(shape=(2**62,)))),
        f"'a' has shape ({2**62},), more than any memory holds. {DAMAGED}",
    ),
    "a bool of 2": (
        archive(("a.npy", npy("|b1", (1,), b"\2"))),
        f"'a' is of bool, and holds bytes that are neither 0 nor 1. {DAMAGED}",
    ),
    "text that is no bytes": (
        archive(("tinynet.json.npy", npy())),
        f"'tinynet.json' is (2,) float32, not text. {DAMAGED}",
    ),
}


@pytest.mark.parametrize("name", HOSTILE_NPZ)
def test_a_hostile_npz_file_is_refused(name, refused, tmp_path):
    data, message = HOSTILE_NPZ[name]
    if message is not None:
        refused(".npz", data, message)
        return
    (tmp_path / "a.npz").write_bytes(data)  # deflate's sizes are zlib's business
    message = r"'a' claims 1000000000 bytes, and \d+ compressed bytes cannot hold them\."
    with pytest.raises(ValueError, match=message):
        load(tmp_path / "a.npz")


class Bomb:
    exploded = False

    def __reduce__(self):
        return setattr, (Bomb, "exploded", True)


def test_what_is_pickled_is_never_unpickled(tmp_path, refused):
    numpy.savez(tmp_path / "a.npz", a=numpy.array([Bomb()], dtype=object))
    refused(".npz", (tmp_path / "a.npz").read_bytes(), dtype_error("|O"))
    assert not Bomb.exploded
    with numpy.load(tmp_path / "a.npz", allow_pickle=True) as found:
        found["a"]
    assert Bomb.exploded  # the bomb was a real one


@pytest.mark.parametrize(("spaces", "fits"), [(50_000, True), (90_000, False)])
def test_a_text_that_needs_far_more_memory_than_its_file_is_refused(
    spaces, fits, tmp_path, monkeypatch, rng
):
    monkeypatch.setattr("tinynet.io.npz._SMALL_TEXT", 100)
    letters = rng.bytes(2000).hex()  # 4,000 letters in some 2,300 bytes: 20 times are 46,000
    text = f'{{"a":"{letters}"}}'.encode() + b" " * (spaces - 10_000)
    data = npy("|u1", (len(text),), text)
    path = tmp_path / "a.npz"
    path.write_bytes(archive(("tinynet.json.npy", data), compression=zipfile.ZIP_DEFLATED))
    if fits:
        assert load(path) == {"a": letters}
    else:
        message = r"'tinynet.json' has \d+ bytes, compressed to \d+, and a text that unpacks to"
        with pytest.raises(ValueError, match=message):
            load(path)


def test_names_that_look_like_paths_are_names(tmp_path):
    names = ["../../up.npy", "/root.npy", "c:/x.npy", "a//b.npy", "./dot.npy"]
    folder = tmp_path / "deep" / "er"
    folder.mkdir(parents=True)
    (folder / "a.npz").write_bytes(archive(*((name, npy()) for name in names)))
    state = load(folder / "a.npz")
    assert state["a"][""]["b"].tolist() == state[".."][".."]["up"].tolist() == [0, 0]
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == ["a.npz"]


def test_a_member_that_inflates_to_less_than_it_claims_is_refused(tmp_path):
    whole = npy(shape=(1000,), data=bytes(4000))
    data = archive(("a.npy", whole[:-3000]), compression=zipfile.ZIP_DEFLATED)
    (tmp_path / "a.npz").write_bytes(patched(data, 24, "<L", len(whole)))
    with pytest.raises(ValueError, match=r"'a' (ends \d+ bytes too early|cannot be read)"):
        load(tmp_path / "a.npz")


def test_a_member_that_inflates_to_more_than_it_claims_is_refused(tmp_path):
    whole = npy(shape=(250,), data=bytes(10_000_000))
    data = archive(("a.npy", whole), compression=zipfile.ZIP_DEFLATED)
    (tmp_path / "a.npz").write_bytes(patched(data, 24, "<L", len(whole) - 9_999_000))
    with pytest.raises(ValueError, match=r"'a' cannot be read: Bad CRC-32"):
        load(tmp_path / "a.npz")


# -- the text beside the arrays --------------------------------------------------------------------


def absent(name: str) -> str:
    return f"tinynet's JSON needs something at {name!r} that is missing. {NEVER}"


def told(reason: str) -> str:
    return f"tinynet's JSON cannot be read: {reason}. {DAMAGED}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "tinynet's JSON is not a dictionary. The file was never right."),
        ("", told("Expecting value: line 1 column 1 (char 0)")),
        ('{"b":Infinity}', told("Infinity is not JSON")),
        ('{"b":1,"b":2}', told("'b' is there twice")),
        ("[" * 100_000, told("it is nested too deeply")),
        ('{"b":' * 70 + "1" + "}" * 70, "tinynet's JSON is nested more than 64 deep."),
        ("[" * 70 + "]" * 70, "tinynet's JSON is nested more than 64 deep."),
        ('{"w":1}', f"'w' is at a place that is already taken. {NEVER}"),
        ('{"w":{"b":{"/":"array"}}}', absent("w/b")),
        ('{"b":{"/":"array"}}', absent("b")),
        ('{"b":{"/":[]}}', absent("b")),
        ('{"b":{"/":"x","c":1}}', absent("b")),
        ('{"b":{"a/c":1}}', None),
        ('{"\\u0000":1}', "the name '\\x00' is not printable. Where is this file from?"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("suffix", FORMATS)
def test_a_hostile_text_is_refused(text, message, suffix, refused, tmp_path):
    if suffix == ".npz":
        code = npy("|u1", (len(text),), text.encode())
        data = archive(("w.npy", npy()), ("tinynet.json.npy", code))
    else:
        data = tensors({"w": entry(), "__metadata__": {"tinynet": text}}, EIGHT)
    if message is not None:
        refused(suffix, data, message)
        return
    path = tmp_path / f"a{suffix}"
    path.write_bytes(data)
    assert load(path)["b"] == {"a/c": 1}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "a/b"], f"'a/b' is at a place that is already taken. {NEVER}"),
        (["a/b", "a"], f"'a' is at a place that is already taken. {NEVER}"),
        (["a/" * 70 + "b"], f"'{'a/' * 20}'... is nested more than 64 deep."),
    ],
)
def test_names_that_contradict_each_other_are_refused(names, message, refused):
    header = {name: entry(offsets=[8 * i, 8 * i + 8]) for i, name in enumerate(names)}
    refused(".safetensors", tensors(header, EIGHT * len(names)), message)
    refused(".npz", archive(*((f"{name}.npy", npy()) for name in names)), message)


# -- no memory for lies ----------------------------------------------------------------------------


def liar(kind: str, path) -> None:
    """Write a small file, or one that is mostly a hole, which claims to be large."""
    if kind == "header of 100 MB":
        with open(path, "wb") as file:
            file.write((150_000_000).to_bytes(8, "little"))
            file.truncate(200_000_000)  # nothing is written: a hole
    elif kind == "header past the end":
        path.write_bytes(tensors({}, length=90_000_000))
    elif kind == "array past the end":
        path.write_bytes(tensors({"a": entry(shape=[10**8], offsets=[0, 4 * 10**8])}, EIGHT))
    elif kind == "npz shape":
        path.write_bytes(archive(("a.npy", npy(shape=(10**8,)))))
    elif kind == "npz sizes":
        data = archive(("a.npy", npy(shape=(10**8,))))
        size = len(npy(shape=(10**8,))) - 8 + 4 * 10**8
        path.write_bytes(patched(patched(data, 24, "<L", size), 20, "<L", size))
    elif kind == "npz deflated":
        data = archive(("a.npy", npy(shape=(10**8,))), compression=zipfile.ZIP_DEFLATED)
        path.write_bytes(patched(data, 24, "<L", len(npy(shape=(10**8,))) - 8 + 4 * 10**8))
    elif kind == "npz header":  # of version 2, whose length has four bytes
        header = b"\x93NUMPY\x02\x00" + struct.pack("<L", 10**8) + bytes(10**8)
        path.write_bytes(archive(("a.npy", header), compression=zipfile.ZIP_DEFLATED))
    elif kind == "npz many for one":
        one = archive(("a.npy", npy(shape=(10**5,), data=bytes(4 * 10**5))))
        start = one.index(b"PK\1\2")
        end = one.index(b"PK\5\6")
        directory = one[start:end] * 1000
        last = struct.pack("<4sHHHHLLH", b"PK\5\6", 0, 0, 1000, 1000, len(directory), start, 0)
        path.write_bytes(one[:start] + directory + last)


@pytest.mark.parametrize(
    ("kind", "suffix"),
    [
        ("header of 100 MB", ".safetensors"),
        ("header past the end", ".safetensors"),
        ("array past the end", ".safetensors"),
        ("npz shape", ".npz"),
        ("npz sizes", ".npz"),
        ("npz deflated", ".npz"),
        ("npz header", ".npz"),
        ("npz many for one", ".npz"),
    ],
)
def test_no_memory_is_taken_for_a_lie(kind, suffix, tmp_path):
    path = tmp_path / f"a{suffix}"
    liar(kind, path)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=r"^load '.*a\.(npz|safetensors)': "):
            load(path)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000  # of the 400 MB that are claimed
    finally:
        tracemalloc.stop()


def test_an_array_is_read_without_a_second_copy_of_it(tmp_path):
    array = numpy.zeros(5_000_000, numpy.float32)
    for suffix in FORMATS:
        path = save(tmp_path / f"a{suffix}", {"a": array})
        tracemalloc.start()
        load(path)
        assert tracemalloc.get_traced_memory()[1] < 1.3 * array.nbytes
        tracemalloc.stop()


# -- every byte ------------------------------------------------------------------------------------

STATE = {"model": {"w": W, "b": numpy.array([True, False])}, "rate": 0.1, "slots": [W[:1], None]}


def loaded(path, data: bytes):
    """What is loaded, or None where that is refused; any other error fails the test."""
    path.write_bytes(data)
    try:
        return load(path)
    except ValueError as error:
        assert str(error).startswith(f"load {str(path)!r}: ")
        return None


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_file_cut_off_anywhere_is_refused(suffix, tmp_path):
    data = save(tmp_path / f"whole{suffix}", STATE).read_bytes()
    for end in range(len(data)):
        assert loaded(tmp_path / f"a{suffix}", data[:end]) is None, end


@pytest.mark.slow
@pytest.mark.parametrize("compressed", [False, True], ids=["stored", "compressed"])
def test_a_byte_of_an_npz_changed_anywhere_is_refused_or_does_not_matter(compressed, tmp_path):
    path = save(tmp_path / "whole.npz", STATE)
    if compressed:
        with numpy.load(path) as found:
            numpy.savez_compressed(path, **found)
    data, whole = path.read_bytes(), load(path)
    refusals = 0
    for i in range(len(data)):
        for byte in {data[i] ^ 1, 0xFF} - {data[i]}:
            found = loaded(tmp_path / "a.npz", data[:i] + bytes([byte]) + data[i + 1 :])
            if found is None:
                refusals += 1
            else:
                assert_same(found, whole, f"byte {i} is {byte}")
    assert refusals > len(data)


def test_a_byte_of_a_safetensors_file_changed_anywhere_does_no_harm(tmp_path):
    data = save(tmp_path / "whole.safetensors", STATE).read_bytes()
    header = 8 + int.from_bytes(data[:8], "little")
    for i in range(len(data)):
        for byte in {data[i] ^ 1, 0xFF} - {data[i]}:
            found = loaded(tmp_path / "a.safetensors", data[:i] + bytes([byte]) + data[i + 1 :])
            if i >= header and found is not None:  # there is no checksum to notice it
                assert found["model"]["w"].shape == W.shape


@pytest.mark.parametrize("suffix", FORMATS)
def test_bytes_exchanged_repeated_or_left_out_do_no_harm(suffix, tmp_path, rng):
    data = save(tmp_path / f"whole{suffix}", STATE).read_bytes()
    for _ in range(150):
        i, j, k = sorted(rng.integers(0, len(data), 3).tolist())
        for changed in (
            data[:i] + data[j:k] + data[i:j] + data[k:],
            data[:j] + data[i:],
            data[:i] + data[j:],
            data[:i] + rng.bytes(j - i) + data[j:],
        ):
            loaded(tmp_path / f"a{suffix}", changed)


def test_metadata_that_is_no_text_is_refused(refused):
    reason = "'utf-8' codec can't decode byte 0xed in position 6: invalid continuation byte"
    text = '{"b":"\ud800"}'  # half of a pair, which JSON can write as \ud800
    refused(".safetensors", tensors({"__metadata__": {"tinynet": text}}), told(reason))
