"""Compiling happens once and is told in one line; what goes wrong with it never breaks tinynet."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
needs_numba = pytest.mark.skipif(
    importlib.util.find_spec("numba") is None, reason="numba is not installed"
)
posix = pytest.mark.skipif(os.name != "posix", reason="Windows has no such signal, and no fork")

LARGE = """
import os, signal, sys, threading, warnings
import numpy
import tinynet as tn

def relu():
    x = numpy.linspace(-1, 1, 100_000, dtype="float32")
    y = tn.relu(tn.Tensor(x)).numpy()
    assert (y == numpy.maximum(x, 0)).all()
    return y

"""
FEW_LOOPS = """
from tinynet.devices.loops import loop
loop._loops = {name: loop._loops[name] for name in ("masked_loop", "relu_loop", "relu_back_loop")}

"""
ONE_LOOP = """
from tinynet.devices.loops import loop
loop._loops = {"relu_loop": loop._loops["relu_loop"]}  # the others would take seconds

"""
LINE = re.compile(r"tinynet compiles \d+ loops, once: \.+ \d+ s\n")


def environment(cache=None, path=(), **settings):
    """That of this process, without what is set for tinynet or Numba."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TINYNET_", "NUMBA_"))}
    kept["PYTHONPATH"] = os.pathsep.join(map(str, [*path, ROOT]))
    if cache is not None:
        kept["TINYNET_CACHE"] = str(cache)
    return kept | settings


def start(code, *parts, **settings):
    return subprocess.Popen(
        [sys.executable, "-c", "".join(parts) + textwrap.dedent(code)],
        cwd=(*settings.get("path", ()), ROOT)[0],  # Python looks for packages here first
        env=environment(**settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process):
    """-> what it printed, and what it wrote to stderr"""
    try:
        printed, told = process.communicate(timeout=200)
    finally:
        process.kill()
    assert process.returncode == 0, told
    return printed.strip(), told


def run(code, *parts, **settings):
    return finish(start(code, *parts, **settings))


def error(code, *parts, **settings):
    """-> the last line of what stops it"""
    process = start(code, *parts, **settings)
    told = process.communicate(timeout=200)[1]
    assert process.returncode == 1
    return told.strip().splitlines()[-1]


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A folder with the machine code of ONE_LOOP."""
    folder = tmp_path_factory.mktemp("cache")
    assert LINE.fullmatch(run("relu()", LARGE, ONE_LOOP, cache=folder)[1])
    return folder


# -- once ------------------------------------------------------------------------------------------


@needs_numba
def test_importing_tinynet_and_small_arrays_leave_numba_alone(tmp_path):
    printed, told = run(
        """
        from tinynet.layers import Conv2D, Dense, Flatten
        model = tn.Sequential([Conv2D(4, 3, activation="relu"), Flatten(), Dense(2)])
        model.build((8, 8, 1), numpy.random.default_rng(0))
        model(numpy.ones((2, 8, 8, 1), "float32")).sum().backward()
        print(bool(tn.compiled()), tn.compiled(), "numba" in sys.modules)
        """,
        LARGE,
        cache=tmp_path,
    )
    assert re.fullmatch(
        r"True compiled loops, by Numba [\d.]+, from the first large array on\. False", printed
    )
    assert told == "" and not list(tmp_path.iterdir())


@needs_numba
@pytest.mark.slow
def test_the_first_process_compiles_every_loop_and_the_second_none(tmp_path):
    code = "relu()\nprint(tn.compiled())"
    printed, told = run(code, LARGE, cache=tmp_path)
    assert LINE.fullmatch(told), told
    assert re.fullmatch(
        rf"compiled loops, by Numba [\d.]+, kept in {re.escape(str(tmp_path))}.loops-\w+\.", printed
    )
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nbc")}
    assert len(before) == 2 * told.count(".") + 1 > 20  # with serve
    assert run(code, LARGE, cache=tmp_path) == (printed, "")
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.nbc")} == before


@needs_numba
@pytest.mark.slow
def test_two_processes_at_once_share_an_empty_cache(tmp_path):
    code = "relu()\nprint(bool(tn.compiled()))"
    for process in [start(code, LARGE, FEW_LOOPS, cache=tmp_path) for _ in range(2)]:
        printed, told = finish(process)
        assert printed == "True" and (told == "" or LINE.fullmatch(told))
    assert run(code, LARGE, FEW_LOOPS, cache=tmp_path) == ("True", "")


@needs_numba
@pytest.mark.parametrize("kind, left", [("nbi", 0), ("nbi", 30), ("nbc", 100)])
def test_a_damaged_file_is_made_anew(kind, left, tmp_path):
    code = "relu()\nprint(bool(tn.compiled()))"
    run(code, LARGE, ONE_LOOP, cache=tmp_path)
    paths = list(tmp_path.rglob(f"*.{kind}"))
    assert len(paths) == 3  # a loop's start and its work, and serve
    for path in paths:
        whole = path.read_bytes()
        path.write_bytes(whole[:left])
        assert run(code, LARGE, ONE_LOOP, cache=tmp_path) == ("True", "")
        assert path.stat().st_size == pytest.approx(len(whole), rel=0.1)


@needs_numba
def test_a_loop_whose_file_is_lost_is_compiled_and_told(tmp_path):
    run("relu()", LARGE, ONE_LOOP, cache=tmp_path)
    for path in tmp_path.rglob("*.nbc"):
        path.unlink()
    assert LINE.fullmatch(run("relu()", LARGE, ONE_LOOP, cache=tmp_path)[1])
    assert run("relu()", LARGE, ONE_LOOP, cache=tmp_path) == ("", "")


@needs_numba
def test_a_changed_loop_is_compiled_anew(tmp_path, monkeypatch):
    """Even if its file keeps its size and its time, which is all that Numba looks at."""
    monkeypatch.delenv("PYTHONPYCACHEPREFIX", raising=False)  # .ci/run sets it
    shutil.copytree(ROOT / "tinynet", tmp_path / "tinynet")
    code = """
        x = numpy.full(100_000, 3, "float32")
        print(tn.relu(tn.Tensor(x)).numpy()[0])
        """
    copied = {"cache": tmp_path / "cache", "path": [tmp_path]}
    assert run(code, LARGE, ONE_LOOP, **copied)[0] == "3.0"
    path = tmp_path / "tinynet" / "devices" / "loops" / "activation.py"
    text, times = path.read_text(), path.stat()
    changed = text.replace("x[i] <= 0", "x[i] <= 5")
    assert changed != text
    path.write_text(changed)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    shutil.rmtree(path.parent / "__pycache__", ignore_errors=True)  # Python looks at no more
    printed, told = run(code, LARGE, ONE_LOOP, **copied)
    assert printed == "0.0" and LINE.fullmatch(told)


@needs_numba
@pytest.mark.parametrize("change", ["another place", "another time"])
def test_another_installation_compiles_once_too(change, tmp_path):
    """Numba would compile it anew in each case, so the line must say so."""
    settings = {"cache": tmp_path / "cache"}
    for place in ("first", "second"):
        shutil.copytree(ROOT / "tinynet", tmp_path / place / "tinynet")
    run("relu()", LARGE, ONE_LOOP, path=[tmp_path / "first"], **settings)
    if change == "another place":
        settings["path"] = [tmp_path / "second"]
    else:
        settings["path"] = [tmp_path / "first"]
        os.utime(tmp_path / "first" / "tinynet" / "devices" / "loops" / "activation.py", (1, 1))
    assert LINE.fullmatch(run("relu()", LARGE, ONE_LOOP, **settings)[1])
    assert run("relu()", LARGE, ONE_LOOP, **settings) == ("", "")


@needs_numba
def test_settings_of_numba_have_machine_code_of_their_own(cache):
    for expected in (True, False):
        told = run("relu()", LARGE, ONE_LOOP, cache=cache, NUMBA_CPU_NAME="generic")[1]
        assert bool(LINE.fullmatch(told)) == expected and bool(told) == expected


@needs_numba
def test_a_cache_that_cannot_be_written_is_told_with_the_cure(tmp_path):
    (tmp_path / "file").touch()
    printed, told = run(
        "relu()\nprint(tn.compiled())", LARGE, ONE_LOOP, cache=tmp_path / "file" / "cache"
    )
    why = (
        f"{tmp_path / 'file' / 'cache'} cannot be written (Not a directory). "
        "Set TINYNET_CACHE to a folder where you may write"
    )
    assert f"in each process, because {why}: . " in told
    assert printed.endswith(f"compiled in each process: {why}.")


@needs_numba
def test_the_cache_may_begin_with_the_home_folder(tmp_path):
    settings = {"cache": "~/cache", "HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    run("relu()", LARGE, ONE_LOOP, **settings)
    assert list((tmp_path / "cache").rglob("*.nbc"))


@needs_numba
def test_a_closed_stderr_hides_the_line_alone(tmp_path):
    code = """
        sys.stderr.close()
        relu()
        print(bool(tn.compiled()))
        """
    assert run(code, LARGE, ONE_LOOP, cache=tmp_path) == ("True", "")


# -- Ctrl-C, a fork, threads -----------------------------------------------------------------------


@needs_numba
@posix
@pytest.mark.slow
def test_after_control_c_while_compiling_the_next_use_compiles_the_rest(tmp_path):
    process = start(
        """
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            relu()
        except KeyboardInterrupt:
            print("stopped")
        relu()
        print(bool(tn.compiled()))
        """,
        LARGE,
        cache=tmp_path,
    )
    told = ""
    while not told.endswith("."):  # one loop is done
        told += process.stderr.read(1)
    process.send_signal(signal.SIGINT)
    printed, rest = finish(process)
    assert printed.split() == ["stopped", "True"]
    first, second = (told + rest).splitlines(keepends=True)
    assert LINE.fullmatch(first) and LINE.fullmatch(second)
    assert first.count(".") < second.count(".")
    assert run("relu()", LARGE, cache=tmp_path) == ("", "")  # all of it was kept


@needs_numba
@posix
def test_control_c_while_numba_is_imported_comes_when_it_is_whole(cache):
    """Half an import of Numba cannot be repeated in the same process."""
    printed, _ = run(
        """
        class Stop:
            def find_spec(self, name, path=None, target=None):
                if name == "numba.core.typing.templates":
                    signal.raise_signal(signal.SIGINT)

        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.meta_path.insert(0, Stop())
        try:
            relu()
        except KeyboardInterrupt:
            print("stopped")
        del sys.meta_path[0]
        from tinynet.devices.loops import loop
        loop._loops = {"relu_loop": loop._loops["relu_loop"]}
        relu()
        print(bool(tn.compiled()), signal.getsignal(signal.SIGINT).__name__)
        """,
        LARGE,
        cache=cache,
    )
    assert printed.split() == ["stopped", "True", "default_int_handler"]


@needs_numba
@posix
def test_control_c_while_a_loop_runs_leaves_everything_usable(cache):
    printed, _ = run(
        """
        relu()
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        stopped = 0
        for trial in range(20):
            signal.setitimer(signal.ITIMER_REAL, 0.01 + 0.001 * trial)
            try:
                while True:
                    relu()
            except KeyboardInterrupt:
                stopped += 1
            relu()
        print(stopped, bool(tn.compiled()))
        """,
        LARGE,
        ONE_LOOP,
        cache=cache,
    )
    assert printed == "20 True"


@needs_numba
def test_arrays_that_share_their_numbers_or_may_not_be_written_are_read_alone(cache):
    run(
        """
        relu()
        from tinynet.devices import form, plain
        whole = numpy.linspace(-1, 1, 200_000, dtype="float32")
        whole.flags.writeable = False
        for x in (whole, whole[1:], whole[::2], whole[::-1], whole.reshape(400, 500).T):
            assert (form.chosen.relu(x) == plain.relu(x)).all()
            assert (form.chosen.relu_back(x[1:], x[:-1]) == plain.relu_back(x[1:], x[:-1])).all()
            assert not numpy.shares_memory(form.chosen.relu(x), whole)
        assert (whole == numpy.linspace(-1, 1, 200_000, dtype="float32")).all()
        """,
        LARGE,
        FEW_LOOPS,
        cache=cache,
    )


FORK = """
def child():
    number = os.fork()
    if number == 0:
        signal.alarm(20)  # it ends, whatever happens
        try:
            relu()
            print(tn.compiled(), flush=True)
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(number, 0)[1] == 0

warnings.simplefilter("ignore", DeprecationWarning)  # Python's word about forks and threads
"""


@needs_numba
@posix
@pytest.mark.parametrize("before", ["", "relu()"])
def test_a_fork_computes_before_and_after_the_loops_are_loaded(before, cache):
    printed, told = run(f"{before}\nchild()\nrelu()", LARGE, ONE_LOOP, FORK, cache=cache)
    assert "kept in" in printed and told == ""


@needs_numba
@posix
def test_a_fork_while_another_thread_compiles_computes_in_numpy(tmp_path):
    printed, _ = run(
        """
        from tinynet.devices import form
        begun, done = threading.Event(), threading.Event()

        class Slow(form._Progress):
            def step(self):
                begun.set()
                done.wait()

        form._Progress = Slow
        thread = threading.Thread(target=relu, daemon=True)
        thread.start()
        begun.wait()
        child()
        done.set()
        thread.join()
        relu()
        print(bool(tn.compiled()))
        """,
        LARGE,
        ONE_LOOP,
        FORK,
        cache=tmp_path,
    )
    assert printed.splitlines() == [
        "NumPy alone: this process was forked while loops were compiled.",
        "True",
    ]


@needs_numba
def test_threads_of_the_persons_own_may_all_come_first(tmp_path):
    printed, told = run(
        """
        ready, right = threading.Barrier(8), []

        def first():
            ready.wait()
            right.append(relu())

        threads = [threading.Thread(target=first) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(len(right), bool(tn.compiled()))
        """,
        LARGE,
        ONE_LOOP,
        cache=tmp_path,
    )
    assert printed == "8 True" and LINE.fullmatch(told)


# -- the environment, and a Numba that does not work -----------------------------------------------

FAST = 'pip install "tinynet-edu[fast]"'
SAY = "relu()\nprint(bool(tn.compiled()), tn.compiled())"
HIDE = "import sys\nsys.modules['numba'] = None\n"
HALF = "import sys, types\nsys.modules['numba'] = types.ModuleType('numba')\n"


@pytest.fixture
def numba_that(tmp_path):
    """A folder with a package `numba` that does what the code says."""

    def write(code, version="0.61.2"):
        (tmp_path / "numba").mkdir()
        (tmp_path / "numba" / "__init__.py").write_text(code)
        about = tmp_path / f"numba-{version}.dist-info"
        about.mkdir()
        text = f"Metadata-Version: 2.1\nName: numba\nVersion: {version}\n"
        (about / "METADATA").write_text(text if version else "")
        return {"path": [tmp_path]}

    return write


def test_zero_turns_compiling_off():
    printed, told = run(SAY, LARGE, TINYNET_COMPILED="0")
    assert printed == "False NumPy alone: TINYNET_COMPILED is 0." and told == ""


@needs_numba
def test_one_compiles_as_an_empty_setting_does(cache):
    for value in ("1", ""):
        printed, told = run(SAY, LARGE, ONE_LOOP, cache=cache, TINYNET_COMPILED=value)
        assert printed.startswith("True compiled loops, by Numba ") and told == ""


@pytest.mark.parametrize("value", ["yes", "fast", "2", " 1"])
def test_another_word_is_an_error_that_says_which_there_are(value):
    assert error(SAY, LARGE, TINYNET_COMPILED=value) == (
        f'ValueError: TINYNET_COMPILED must be "", "0" or "1", received \'{value}\'.'
    )


def test_the_plain_kernels_are_never_compiled():
    printed, told = run(SAY, LARGE, TINYNET_PLAIN="1")
    assert printed == "False plain kernels: TINYNET_PLAIN is 1." and told == ""


@pytest.mark.parametrize(
    "before, why",
    [
        (HIDE, f"numba is not installed. Install it: {FAST}"),
        (HALF, f"numba is only half installed. Install it: {FAST}"),
    ],
    ids=["missing", "half"],
)
def test_without_numba_numpy_computes_and_who_asks_for_numba_is_told(before, why):
    assert run(SAY, before, LARGE) == (f"False NumPy alone: {why}", "")
    last = error(SAY, before, LARGE, TINYNET_COMPILED="1")
    assert last == f"ImportError: TINYNET_COMPILED is 1, but {why}"


@pytest.mark.parametrize("version", ["0.50.1", "0.60.0rc1"])
def test_an_old_numba_is_not_even_imported(version, numba_that):
    old = numba_that("raise SystemExit('imported')", version)
    why = f"numba {version} is older than 0.61. Update it: {FAST}"
    assert run(SAY, LARGE, **old) == (f"False NumPy alone: {why}", "")
    last = error(SAY, LARGE, **old, TINYNET_COMPILED="1")
    assert last == f"ImportError: TINYNET_COMPILED is 1, but {why}"


def test_a_numba_without_a_version_is_half_installed(numba_that):
    printed, told = run(SAY, LARGE, **numba_that("raise SystemExit('imported')", version=""))
    assert printed == f"False NumPy alone: numba is only half installed. Install it: {FAST}"
    assert "imported" not in told


@pytest.mark.parametrize(
    "code, reason",
    [
        ("raise ImportError('Numba needs NumPy 2.3 or less')", "Numba needs NumPy 2.3 or less"),
        ("raise ImportError('first\\nsecond')", "first"),
        ("raise ImportError", "no reason given"),
    ],
)
def test_a_broken_numba_is_told_once_and_numpy_computes(code, reason, numba_that):
    broken = numba_that(code)
    why = f"numba does not work here: ImportError: {reason}"
    printed, told = run("relu()\nrelu()\n" + SAY, LARGE, **broken)
    assert printed == f"False NumPy alone: {why}"
    assert told.count("MistakeWarning") == 1 and f"MistakeWarning: {why}\nNumPy" in told
    assert "<string>:8: " in told  # the line of the person's code, in relu()
    last = error(SAY, LARGE, **broken, TINYNET_COMPILED="1")
    assert last == f"ImportError: TINYNET_COMPILED is 1, but {why}"


def test_numba_turned_off_for_all_is_no_mistake(numba_that):
    off = numba_that("raise SystemExit('imported')")
    printed, told = run(SAY, LARGE, **off, NUMBA_DISABLE_JIT="1")
    assert printed == "False NumPy alone: NUMBA_DISABLE_JIT turns Numba off. Unset it."
    assert told == ""
