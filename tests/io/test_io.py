"""Files: what is saved is what is loaded, to the bit, and no file does harm.

What a file may hold that `save` never wrote is in test_hostile.py.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import hypothesis.strategies as st
import numpy
import pytest
from hypothesis import given, settings

import tinynet as tn
from tinynet.io import load, save
from tinynet.io.arrays import DTYPES
from tinynet.io.atomic import replacing
from tinynet.io.state import generator_state, match, restore_generator

ROOT = Path(__file__).parents[2]
FORMATS = (".npz", ".safetensors")
W = numpy.arange(6, dtype=numpy.float32).reshape(2, 3)


class Model:
    """What offers a state and takes one, as models do."""

    def __init__(self, **arrays):
        self.arrays = arrays

    def state_dict(self):
        return dict(self.arrays)

    def load_state_dict(self, state):
        match("Model", self.arrays, state)
        for name, array in self.arrays.items():
            array[...] = state[name]


def assert_same(a, b, where="state"):
    """Equal in kind, in dtype and in every bit."""
    assert type(a) is type(b), where
    if isinstance(a, dict):
        assert a.keys() == b.keys(), where
        for key in a:
            assert_same(a[key], b[key], f"{where}/{key}")
    elif isinstance(a, list):
        assert len(a) == len(b), where
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            assert_same(x, y, f"{where}/{i}")
    elif isinstance(a, numpy.ndarray):
        assert (a.shape, a.dtype) == (b.shape, b.dtype), where
        assert a.dtype.isnative, where
        assert a.tobytes() == b.tobytes(), where
    else:
        assert repr(a) == repr(b), where  # tells -0.0 from 0.0, and nan is nan


@pytest.fixture(params=FORMATS)
def path(request, tmp_path):
    return tmp_path / f"weights{request.param}"


# -- there and back --------------------------------------------------------------------------------

keys = st.text(
    st.characters(codec="utf-8", exclude_characters="/\\"), min_size=1, max_size=6
).filter(str.isprintable)


@st.composite
def arrays(draw):
    """Any bits, NaNs of every kind too, in any memory layout."""
    dtype = numpy.dtype(draw(st.sampled_from("<>")) + draw(st.sampled_from(sorted(DTYPES))))
    shape = tuple(draw(st.lists(st.integers(0, 3), max_size=4)))
    count = int(numpy.prod(shape, dtype=int))
    data = draw(st.binary(min_size=count * dtype.itemsize, max_size=count * dtype.itemsize))
    if dtype.kind == "b":
        data = bytes(byte & 1 for byte in data)
    array = numpy.frombuffer(data, dtype).reshape(shape)
    layout = draw(st.sampled_from(["rows", "columns", "every other"]))
    if layout == "every other" and array.ndim:
        return array.repeat(2, axis=0)[::2]
    return array.T if layout == "columns" else array


leaves = st.one_of(
    arrays(),
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(0, 2**128),
    st.floats(),
    st.text(),
)
states = st.dictionaries(
    keys,
    st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(keys, inner, max_size=3)
        ),
        max_leaves=8,
    ),
    max_size=4,
)


def as_loaded(value):
    """What a state is after a file: arrays in rows and in the machine's byte order."""
    if isinstance(value, dict):
        return {key: as_loaded(part) for key, part in value.items()}
    if isinstance(value, list):
        return [as_loaded(part) for part in value]
    if isinstance(value, numpy.ndarray):
        return numpy.array(value, value.dtype.newbyteorder("="), order="C")
    return value


@settings(max_examples=150, deadline=None, derandomize=True)
@given(state=states, suffix=st.sampled_from(FORMATS))
def test_what_is_saved_is_loaded_to_the_bit(state, suffix, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / f"any{suffix}"
    save(path, state)
    assert_same(load(path), as_loaded(state))


@pytest.mark.parametrize("dtype", sorted(DTYPES))
def test_every_dtype_comes_back(dtype, path):
    array = numpy.array([[0, 1, 1], [1, 0, 1]], dtype)
    save(path, {"a": array})
    assert_same(load(path), {"a": array})


def test_a_file_of_nothing_is_a_state_of_nothing(path):
    save(path, {})
    assert load(path) == {}


def test_dictionaries_and_lists_without_anything_in_them_come_back(path):
    state = {"slots": {}, "list": [], "deep": {"er": {"est": {}}}, "mixed": [[], {}, None]}
    save(path, state)
    assert_same(load(path), state)


def test_a_model_is_filled_by_what_a_model_was_saved_from(path):
    twin = Model(**{"dense.kernel": numpy.zeros_like(W), "dense.bias": numpy.ones(3)})
    save(path, Model(**{"dense.kernel": W, "dense.bias": numpy.zeros(3)}))
    assert load(path, twin) is twin
    numpy.testing.assert_array_equal(twin.arrays["dense.kernel"], W)
    numpy.testing.assert_array_equal(twin.arrays["dense.bias"], numpy.zeros(3))


def test_tensors_are_saved_as_their_values(path, device):
    tensor = tn.Tensor(W, requires_grad=True).to(device)
    save(path, {"w": tensor, "slots": [tensor.data]})
    assert_same(load(path), {"w": W, "slots": [W]})


def test_numbers_of_numpys_become_pythons(path):
    save(path, {"a": numpy.int64(3), "b": numpy.bool_(True), "c": numpy.float64(0.1)})
    assert_same(load(path), {"a": 3, "b": True, "c": 0.1})


@pytest.mark.parametrize("kind", ["PCG64", "MT19937", "Philox", "SFC64"])
def test_a_generator_goes_on_where_it_stopped(kind, path):
    rng, twin = (numpy.random.Generator(getattr(numpy.random, kind)(seed)) for seed in (1, 2))
    rng.random(7, dtype=numpy.float32)
    save(path, {"rng": generator_state(rng)})
    restore_generator("test", twin, load(path)["rng"])
    assert twin.random(5).tolist() == rng.random(5).tolist()


@pytest.mark.parametrize(
    ("kind", "change", "reason"),
    [
        ("PCG64", {"bit_generator": "SFC64"}, "state must be for a PCG64 RNG"),
        ("PCG64", {"state": {"state": -1, "inc": 1}}, "Python integer -1 out of bounds for uint64"),
        ("MT19937", {"state": {"key": numpy.zeros(3, numpy.uint32), "pos": 0}}, "index 3 is out"),
        (
            "MT19937",
            {"state": {"key": numpy.zeros(624, numpy.uint32), "pos": 10**6}},
            "pos is 1000000, not in 0 to 624",
        ),
        ("Philox", {"buffer_pos": -1}, "buffer_pos is -1, not in 0 to 4"),
    ],
    ids=["kind", "range", "length", "past the end", "before the beginning"],
)
def test_a_state_of_no_generator_leaves_it_as_it_was(kind, change, reason):
    rng, twin = (numpy.random.Generator(getattr(numpy.random, kind)(1)) for _ in range(2))
    message = f"^run: the saved state is not one of a {kind} generator .{re.escape(reason)}"
    with pytest.raises(ValueError, match=message):
        restore_generator("run", twin, generator_state(rng) | change)
    assert twin.random(5).tolist() == rng.random(5).tolist()


# -- the bytes -------------------------------------------------------------------------------------


def test_the_same_state_is_the_same_bytes(path):
    state = {"w": W, "v": numpy.arange(3), "rate": 0.1}
    save(path, state)
    first = path.read_bytes()
    save(path, state | {"w": numpy.asfortranarray(W).astype(">f4")})
    assert path.read_bytes() == first


def test_an_npz_bears_no_date_and_no_compression(tmp_path):
    with zipfile.ZipFile(save(tmp_path / "a.npz", {"w": W, "rate": 0.1})) as archive:
        assert [info.filename for info in archive.infolist()] == ["w.npy", "tinynet.json.npy"]
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}


def test_numpy_reads_our_npz(tmp_path):
    save(tmp_path / "a.npz", {"model": {"w": W}, "rate": 0.5, "é": W.T})
    with numpy.load(tmp_path / "a.npz", allow_pickle=False) as found:
        assert sorted(found) == ["model/w", "tinynet.json", "é"]
        assert_same(found["model/w"], W)
        assert found["tinynet.json"].tobytes() == b'{"rate":0.5}'


@pytest.mark.parametrize("write", [numpy.savez, numpy.savez_compressed])
def test_we_read_numpys_npz(write, tmp_path):
    zeros = numpy.zeros((1000, 1000))  # compressed, a thousandth of its size
    write(tmp_path / "a.npz", w=W, t=W.T, s=numpy.array(2.5), e=W[:0], zeros=zeros)
    expected = {"w": W, "t": W.T, "s": numpy.array(2.5), "e": W[:0], "zeros": zeros}
    assert_same(load(tmp_path / "a.npz"), expected)


def test_a_safetensors_file_is_as_the_format_says(tmp_path):
    state = {"b": numpy.array([1, 2], numpy.uint8), "w": {"k": W[:1]}, "rate": 0.5}
    header = (
        b'{"__metadata__":{"tinynet":"{\\"rate\\":0.5}"},'
        b'"b":{"dtype":"U8","shape":[2],"data_offsets":[12,14]},'
        b'"w/k":{"dtype":"F32","shape":[1,3],"data_offsets":[0,12]}}'
    )
    header += b" " * (-len(header) % 8)
    data = len(header).to_bytes(8, "little") + header
    data += numpy.array([0, 1, 2], "<f4").tobytes() + bytes([1, 2])
    assert save(tmp_path / "a.safetensors", state).read_bytes() == data


def test_what_is_arrays_only_has_no_entry_of_ours(tmp_path):
    with numpy.load(save(tmp_path / "a", {"model": {"w": W}})) as found:
        assert list(found) == ["model/w"]
    assert b"metadata" not in save(tmp_path / "a.safetensors", {"w": W}).read_bytes()


def test_the_library_of_the_format_reads_what_we_write(tmp_path):
    theirs = pytest.importorskip("safetensors.numpy")
    state = {name: numpy.array([[1, 0, 1]], name) for name in DTYPES}
    state |= {"zero": numpy.array(1.5), "none": W[:0], "turned": W.T}
    save(tmp_path / "a.safetensors", state | {"rate": 0.1})
    assert_same(theirs.load_file(tmp_path / "a.safetensors"), as_loaded(state))


def test_we_read_what_the_library_of_the_format_writes(tmp_path):
    theirs = pytest.importorskip("safetensors.numpy")
    state = {name: numpy.array([[1, 0, 1]], name) for name in DTYPES}
    state |= {"zero": numpy.array(1.5), "none": W[:0]}
    theirs.save_file(state, tmp_path / "a.safetensors", metadata={"format": "np"})
    assert_same(load(tmp_path / "a.safetensors"), state)


def test_bfloat16_becomes_float32(tmp_path):
    header = b'{"a":{"dtype":"BF16","shape":[3],"data_offsets":[0,6]}}'
    data = len(header).to_bytes(8, "little") + header + bytes.fromhex("803f 20c0 807f")
    (tmp_path / "a.safetensors").write_bytes(data)
    expected = {"a": numpy.array([1.0, -2.5, numpy.inf], numpy.float32)}
    assert_same(load(tmp_path / "a.safetensors"), expected)


# -- the path --------------------------------------------------------------------------------------


def test_without_an_ending_it_is_npz_both_ways(tmp_path):
    assert save(str(tmp_path / "weights"), {"w": W}) == tmp_path / "weights.npz"
    assert_same(load(tmp_path / "weights"), {"w": W})


def test_the_ending_may_be_written_in_capitals(tmp_path):
    assert save(tmp_path / "A.NPZ", {"w": W}) == tmp_path / "A.NPZ"
    assert_same(load(tmp_path / "A.NPZ"), {"w": W})


def test_a_link_stays_a_link_and_its_target_is_replaced(tmp_path):
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real" / "a.npz", tmp_path / "latest.npz"
    try:
        link.symlink_to(target)
    except OSError:
        pytest.skip("no symbolic links here")
    for state in ({"w": W}, {"w": 2 * W}):  # the first time it points to nothing yet
        assert save(link, state) == link
        assert link.is_symlink()
        assert_same(load(target), state)
    assert [p.name for p in tmp_path.rglob("*.npz")] and not list(tmp_path.rglob("*.tmp"))


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_new_file_has_the_usual_permissions_and_an_old_one_keeps_its_own(path):
    usual = path.with_name("usual")
    usual.touch()
    save(path, {"w": W})
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(usual.stat().st_mode)
    for mode in (0o600, 0o640, 0o666):
        path.chmod(mode)
        save(path, {"w": W})
        assert stat.S_IMODE(path.stat().st_mode) == mode


# -- nothing or everything -------------------------------------------------------------------------


def test_a_model_that_does_not_fit_hears_every_difference_and_keeps_its_weights(path):
    save(path, {"kernel": W, "bias": numpy.ones(3), "extra": W, "word": "x", "gamma": 3})
    ones = numpy.ones(4)
    model = Model(kernel=numpy.zeros((2, 4), numpy.float32), bias=ones, beta=ones, gamma=ones)
    with pytest.raises(ValueError) as caught:
        load(path, model)
    said = str(caught.value)
    assert said.startswith(f"load {str(path)!r}: Model: the state does not fit, 6 differences:\n")
    for line in (
        "shape: kernel is (2, 4) here, and (2, 3) in what is loaded",
        "shape: bias is (4,) here, and (3,) in what is loaded",
        "missing: beta (4,) float64",
        "kind: gamma is an array here, and int in what is loaded",
        "unexpected: extra (2, 3) float32",
        "unexpected: word str",
    ):
        assert f"\n  {line}\n" in said
    assert not model.arrays["kernel"].any()


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_if_the_disk_fails_the_old_file_stays_and_nothing_else(failing, path, monkeypatch):
    save(path, {"w": W})

    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, failing, fail)
    message = (
        f"save {str(path)!r}: No space left on device. Is the disk full? The old file has not "
        "changed."
    )
    with pytest.raises(OSError, match=f"^{re.escape(message)}$") as caught:
        save(path, {"w": 2 * W})
    assert caught.value.errno == errno.ENOSPC
    assert_same(load(path), {"w": W})
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, OSError])
def test_whatever_stops_the_writing_the_old_file_stays(error, tmp_path):
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(error), replacing(tmp_path / "a") as file:
        file.write(b"new")
        raise error
    assert (tmp_path / "a").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def in_new_process(code: str, *arguments: object, **settings) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code), *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        **settings,
    )


def test_a_disk_that_takes_no_more_leaves_the_old_file(path):
    pytest.importorskip("resource")
    save(path, {"w": W})
    with in_new_process(
        """
        import resource, sys
        import numpy
        from tinynet.io import save

        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))
        try:
            save(sys.argv[1], {"v": numpy.zeros(1000), "w": numpy.zeros(1_000_000)})
        except OSError as error:
            print(error)
        """,
        path,
    ) as process:
        said = process.communicate()[0]
    assert process.returncode == 0
    assert said.startswith(f"save {str(path)!r}: File too large. Is the disk full?")
    assert_same(load(path), {"w": W})
    assert os.listdir(path.parent) == [path.name]


@pytest.mark.slow
def test_a_process_killed_while_saving_leaves_a_whole_file(path):
    size = 1_000_000
    interrupted = 0
    for moment in (0, 1, 0.3 * 4 * size, 0.6 * 4 * size, 0.9 * 4 * size, 4 * size):
        with in_new_process(
            """
            import itertools, sys
            import numpy
            from tinynet.io import save

            print(flush=True)
            for i in itertools.count():
                save(sys.argv[1], {"a": numpy.full(1_000_000, i, numpy.float32), "i": i})
                print(i, flush=True)
            """,
            path,
        ) as process:
            for _ in range(3):
                process.stdout.readline()
            while process.poll() is None:  # wait for a file that has been written so far
                with contextlib.suppress(FileNotFoundError):
                    if any(p.stat().st_size >= moment for p in path.parent.glob(".tinynet-*.tmp")):
                        break
            process.kill()
        for left in path.parent.glob(".tinynet-*.tmp"):
            interrupted += 1
            left.unlink()
        state = load(path)
        assert_same(state["a"], numpy.full(size, state["i"], numpy.float32))
        assert os.listdir(path.parent) == [path.name]
    assert interrupted  # it was killed on the way at least once, or this test tests nothing


# -- what is refused -------------------------------------------------------------------------------

HOLDS_ITSELF: dict = {}
HOLDS_ITSELF["x"] = HOLDS_ITSELF
KEY = (
    "A key is at least one printable letter, without / and \\, which stand between the keys in a "
    "file."
)
KINDS = "A state holds arrays, bool, int, float, str, None, and lists and dictionaries of these."
NUMBERS = (
    "Only bool, int8 to int64, uint8 to uint64 and float16 to float64 are stored: convert it, or "
    "leave it out. Nothing is pickled."
)


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        (
            [W],
            TypeError,
            "thing is list, and has no state_dict() that gives a dictionary. Give a model, an "
            "optimizer or a dictionary of arrays.",
        ),
        ({"a": (1, 2)}, TypeError, f"'a' is tuple. {KINDS}"),
        ({"a": [{"b": {1}}]}, TypeError, f"'a/0/b' is set. {KINDS}"),
        ({"a": 1j}, TypeError, f"'a' is complex. {KINDS}"),
        ({"a": b"x"}, TypeError, f"'a' is bytes. {KINDS}"),
        ({"a": numpy.array([None])}, TypeError, f"'a' is an array of object. {NUMBERS}"),
        ({"a": {"b": numpy.array(["x"])}}, TypeError, f"'a/b' is an array of <U1. {NUMBERS}"),
        ({"a": numpy.zeros(2, complex)}, TypeError, f"'a' is an array of complex128. {NUMBERS}"),
        ({1: W}, TypeError, "the state has the key 1, int. Keys are str."),
        ({"a": {None: W}}, TypeError, "'a' has the key None, NoneType. Keys are str."),
        ({"": W}, ValueError, f"the state has the key ''. {KEY}"),
        ({"a/b": W}, ValueError, f"the state has the key 'a/b'. {KEY}"),
        ({"a\\b": W}, ValueError, f"the state has the key 'a\\\\b'. {KEY}"),
        ({"a": {"\0": 1}}, ValueError, f"'a' has the key '\\x00'. {KEY}"),
        ({"\ud800": W}, ValueError, f"the state has the key '\\ud800'. {KEY}"),
        ({"tinynet.json": W}, ValueError, "the key 'tinynet.json' is the file's own. Rename it."),
        ({"__metadata__": W}, ValueError, "the key '__metadata__' is the file's own. Rename it."),
        (
            {"a" * 60_001: W},
            ValueError,
            f"the name '{'a' * 40}'... is too long. Choose shorter keys.",
        ),
        (
            HOLDS_ITSELF,
            ValueError,
            f"'{'x/' * 20}'... is nested more than 64 deep. Does it hold itself?",
        ),
        (
            {"a": 10**5000},
            ValueError,
            "a whole number has thousands of digits. Store it as text, hex(n).",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_saved_is_refused_and_the_old_file_stays(state, error, message, path):
    save(path, {"w": W})
    with pytest.raises(error, match=f"^{re.escape(f'save {str(path)!r}: {message}')}$"):
        save(path, state)
    assert_same(load(path), {"w": W})
    assert os.listdir(path.parent) == [path.name]


def test_text_that_no_header_holds_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("tinynet.io.tree.TEXT_LIMIT", 14)
    save(tmp_path / "a.npz", {"a": "123456", "w": W})
    monkeypatch.setattr("tinynet.io.tree.TEXT_LIMIT", 13)
    with pytest.raises(
        ValueError, match=r"everything except arrays takes 14 bytes as JSON, and 13 is the limit"
    ):
        save(tmp_path / "a.npz", {"a": "123456", "w": W})
    monkeypatch.undo()
    monkeypatch.setattr("tinynet.io.safetensors.TEXT_LIMIT", 10)
    with pytest.raises(
        ValueError, match=r"the header takes \d+ bytes, and 10 is the limit. Save it as"
    ):
        save(tmp_path / "a.safetensors", {"w": W})


PATH = "Give a str or a pathlib.Path; it comes first, tn.save(path, model)."


@pytest.mark.parametrize("act", [save, load])
@pytest.mark.parametrize(
    ("path", "error", "message"),
    [
        (3, TypeError, f": path is int. {PATH}"),
        (b"a.npz", TypeError, f": path is bytes. {PATH}"),
        (Model(), TypeError, f": path is Model. {PATH}"),
        (None, TypeError, f": path is NoneType. {PATH}"),
        ("", ValueError, " '': this names a folder. Add the file's name, weights.npz."),
        ("..", ValueError, " '..': this names a folder. Add the file's name, weights.npz."),
        *(
            (
                f"weights{suffix}",
                ValueError,
                f" 'weights{suffix}': the ending is {suffix}. Use .npz, which NumPy reads too, or "
                ".safetensors, which other frameworks read too.",
            )
            for suffix in (".h5", ".npy", ".5")
        ),
    ],
)
def test_a_path_of_neither_format_is_refused(act, path, error, message):
    with pytest.raises(error, match=f"^{act.__name__}{re.escape(message)}$"):
        act(path, Model())


@pytest.mark.parametrize(
    ("name", "act", "error", "message"),
    [
        (
            "none/a.npz",
            save,
            FileNotFoundError,
            "there is no such folder. Create it first, with os.makedirs.",
        ),
        (
            "none/a.npz",
            load,
            FileNotFoundError,
            "there is no such file. Check the name and the folder.",
        ),
        (
            "folder.npz",
            save,
            IsADirectoryError,
            "there is a folder of this name. Choose another name.",
        ),
        ("folder.npz", load, IsADirectoryError, "it is a folder. Give the file in it."),
        ("file/a.npz", load, NotADirectoryError, "Not a directory. Check the path and the disk."),
    ],
)
def test_where_there_is_no_file_the_error_says_so(name, act, error, message, tmp_path):
    (tmp_path / "folder.npz").mkdir()
    (tmp_path / "file").touch()
    path = tmp_path / name
    expected = f"{act.__name__} {str(path)!r}: {message}"
    with pytest.raises(error, match=f"^{re.escape(expected)}$"):
        act(path, Model())


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names are POSIX")
@pytest.mark.parametrize("act", [save, load])
def test_a_pipe_is_not_waited_for(act, tmp_path):
    os.mkfifo(tmp_path / "a.npz")
    with pytest.raises(ValueError, match=r"a.npz': it is not a regular file\."):
        act(tmp_path / "a.npz", Model())


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() == 0, reason="root may do everything")
@pytest.mark.parametrize(
    ("mode", "act", "message"),
    [
        (0o444, save, "it may not be written. Check the permissions, or save elsewhere."),
        (0o000, load, "it may not be read. Check the permissions of file and folder."),
    ],
)
def test_permissions_are_respected(mode, act, message, path):
    save(path, {"w": W})
    path.chmod(mode)
    with pytest.raises(PermissionError, match=f"{re.escape(message)}$"):
        act(path, Model())


def test_what_takes_no_state_is_refused_before_the_file_is_read():
    message = (
        "load 'none.npz': thing is dict, and has no load_state_dict(). Give a model or an "
        "optimizer, or leave it out to get the state as a dictionary."
    )
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        load("none.npz", {})


@pytest.mark.parametrize("ending", [".npz", ".safetensors"])
def test_a_name_of_60_000_bytes_is_not_too_long(tmp_path, ending):
    state = {"a" * 60_000: numpy.ones(2, "float32")}
    path = tn.save(tmp_path / f"long{ending}", state)
    assert tn.load(path).keys() == state.keys()


def test_an_npz_has_headers_of_version_1(tmp_path):
    """What every NumPy reads."""
    with zipfile.ZipFile(tn.save(tmp_path / "w.npz", {"w": W})) as archive:
        assert archive.read("w.npy").startswith(b"\x93NUMPY\x01\x00")


def test_ctrl_c_as_the_new_file_is_made_leaves_no_file(path, monkeypatch):
    def opened(*given):
        open(*given).close()
        raise KeyboardInterrupt

    monkeypatch.setattr("tinynet.io.atomic.open", opened, raising=False)
    with pytest.raises(KeyboardInterrupt):
        save(path, {"w": W})
    assert os.listdir(path.parent) == []


def test_ctrl_c_that_zipfile_turns_into_another_error_stays_ctrl_c(tmp_path, monkeypatch):
    def interrupted(*given):
        try:
            raise KeyboardInterrupt
        finally:
            raise ValueError(
                "Can't close the ZIP file while there is an open writing handle on it."
            )

    monkeypatch.setattr("tinynet.io.npz.write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save(tmp_path / "a.npz", {"w": W})
    assert os.listdir(tmp_path) == []
