"""Threads: the same bits for any number of them, and nothing left running after an error."""

from __future__ import annotations

import _thread
import contextlib
import gc
import hashlib
import os
import queue
import signal
import subprocess
import sys
import textwrap
import threading
import time
import traceback
import weakref
from pathlib import Path

import numpy
import pytest
import threadpoolctl

import tinynet as tn
from tinynet.devices import cpu
from tinynet.devices.cpu import blas, matrix, threads
from tinynet.devices.cpu.threads import each
from tinynet.layers import (
    BatchNormalization,
    Conv2D,
    Conv2DTranspose,
    Dense,
    Dropout,
    Flatten,
    MaxPooling2D,
)

from ..hostile.trials import interrupted

pytestmark = pytest.mark.fast_form

ROOT = Path(__file__).parents[2]
LONG = 20  # seconds that nothing here takes, unless it fails


@pytest.fixture(autouse=True)
def default_afterwards(monkeypatch):
    yield
    monkeypatch.undo()  # the environment first
    tn.set_threads(None)


@pytest.fixture
def crew(monkeypatch):
    """A crew of three that has not begun yet."""
    crew = threads._Crew()
    monkeypatch.setattr(threads, "_crew", crew)
    tn.set_threads(3)
    return crew


@pytest.fixture
def two_blas_threads():
    if not blas_threads():
        pytest.skip("threadpoolctl does not know the BLAS of this NumPy")
    with threadpoolctl.threadpool_limits(2, "blas"):
        yield


def blas_threads():
    """Of every BLAS that is loaded, how many threads it has now."""
    return {
        info["num_threads"]
        for info in threadpoolctl.threadpool_info()
        if info["user_api"] == "blas"
    }


def in_new_process(code, **environment):
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.strip()


# -- the same bits ---------------------------------------------------------------------------------


def training(count, steps=2):
    """Of some training steps by so many threads, the bits of every number that comes out."""
    rng = numpy.random.default_rng(0)
    layers = [
        Conv2D(8, 3, activation="relu"),  # 26 x 26
        Conv2D(16, 3, padding="same"),
        Conv2D(16, 3, strides=2, padding="same"),  # 13 x 13
        Conv2DTranspose(4, 4, strides=2, activation="relu"),  # 28 x 28
        BatchNormalization(),
        MaxPooling2D(),  # 14 x 14
        Flatten(),
        Dropout(0.3),
        Dense(1024, activation="relu"),  # from 784
        Dense(10),
    ]
    model = tn.Sequential(layers, input_shape=(28, 28, 1), rng=rng)
    optimizer = tn.optim.Adam(model.parameters())
    x = tn.Tensor(rng.random((48, 28, 28, 1), numpy.float32))
    labels = rng.integers(0, 10, 48)
    tn.set_threads(count)
    found = []
    for _ in range(steps):
        optimizer.zero_grad()
        y = model(x)
        tn.cross_entropy(y, labels).backward()
        found += [y.data.tobytes(), *(p.grad.tobytes() for p in model.parameters())]
        optimizer.step()
        found += [a.tobytes() for a in model.state_dict().values()]
    tn.set_threads(None)
    return found


def digest(count):
    return hashlib.sha256(b"".join(training(count))).hexdigest()


@pytest.fixture(scope="module")
def alone():
    return training(1)


@pytest.mark.parametrize("blas", [1, 2])
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_the_same_bits_come_out_for_any_number_of_threads(count, blas, alone):
    with threadpoolctl.threadpool_limits(blas, "blas"):
        assert training(count) == alone


def test_the_same_bits_come_out_of_many_small_parts(small_parts):
    alone = training(1, steps=1)
    for count in (2, 3, 4):
        assert training(count, steps=1) == alone


def test_several_parts_are_under_way_at_once(crew):
    meeting = threading.Barrier(3, timeout=LONG)
    each(lambda part: meeting.wait(), 3)  # nobody goes on before all three are there
    names = {thread.name for thread in threading.enumerate()}
    assert {"tinynet-1", "tinynet-2"} <= names


def test_every_part_is_done_once(crew):
    done = []
    each(done.append, 100)
    assert sorted(done) == list(range(100))
    each(done.append, 0)
    assert len(done) == 100


def test_no_more_are_at_once_than_there_is_memory_for(crew):
    where = []
    each(lambda part: where.append(threading.get_ident()), 20, most=1)
    assert where == [threading.get_ident()] * 20 and not crew._inboxes
    meeting = threading.Barrier(2, timeout=LONG)
    each(lambda part: meeting.wait(), 2, most=2)
    assert len(crew._inboxes) == 1


# -- how many --------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, -1, 257, 1.5, True, "2"])
def test_set_threads_says_what_it_takes(count):
    tn.set_threads(3)
    with pytest.raises(ValueError) as caught:
        tn.set_threads(count)
    assert str(caught.value) == (
        f"set_threads: count must be a whole number from 1 to 256, received {count!r}. Give None "
        "for the default."
    )
    assert tn.get_threads() == 3


def test_none_gives_the_default_back(monkeypatch):
    monkeypatch.setenv("TINYNET_THREADS", "7")
    for count in (1, 256, numpy.int64(5)):
        tn.set_threads(count)
        assert tn.get_threads() == count
        assert type(tn.get_threads()) is int
    tn.set_threads(None)
    assert tn.get_threads() == 7


@pytest.mark.parametrize("way", ["sched_getaffinity", "cpu_count"])
@pytest.mark.parametrize("count", [3, 300])
def test_the_default_is_every_processor_that_the_process_may_use(way, count, monkeypatch):
    monkeypatch.delenv("TINYNET_THREADS", raising=False)
    if way == "cpu_count":
        monkeypatch.delattr(os, "sched_getaffinity", raising=False)
        monkeypatch.setattr(os, "cpu_count", lambda: count)
    else:
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(count)), raising=False)
    tn.set_threads(None)
    assert tn.get_threads() == min(count, 256)


def test_the_environment_says_how_many():
    code = """
        import threading
        import tinynet as tn
        from tinynet.devices.cpu.threads import each

        meeting = threading.Barrier(3, timeout=20)
        each(lambda part: meeting.wait(), 3)
        print(tn.get_threads(), threading.active_count())
    """
    assert in_new_process(code, TINYNET_THREADS="3") == "3 3"


@pytest.mark.parametrize("text", ["0", "x", "300", "-1", "1.5", " 2", "1_0", "\u0662"])
def test_a_number_in_the_environment_that_is_none_is_told(text, monkeypatch):
    monkeypatch.setenv("TINYNET_THREADS", text)
    tn.set_threads(None)
    received = text if text in ("0", "300") else repr(text)
    with pytest.raises(ValueError) as caught:
        each(print, 1)
    assert str(caught.value) == (
        f"TINYNET_THREADS must be a whole number from 1 to 256, received {received}. Correct it, "
        "or unset it to use every processor."
    )
    tn.set_threads(2)  # who says it here is not disturbed
    assert tn.get_threads() == 2


def test_an_empty_text_in_the_environment_is_the_default(monkeypatch):
    monkeypatch.delenv("TINYNET_THREADS", raising=False)
    tn.set_threads(None)
    default = tn.get_threads()
    monkeypatch.setenv("TINYNET_THREADS", "")
    tn.set_threads(None)
    assert tn.get_threads() == default


# -- errors ----------------------------------------------------------------------------------------


class Parts:
    """Three parts meet, one of them fails, and the others stay until the rest is called off.

    who: "caller" or "other", the thread in which it fails.
    """

    def __init__(self, who, fail, crew):
        self.fails, self.fail = who, fail
        self.meeting = threading.Barrier(3, timeout=LONG)
        self.caller = threading.get_ident()
        self.running, self.begun = [], []
        self.first = threading.Lock()
        work = crew.do
        crew.do = lambda job, count: (setattr(self, "job", job), work(job, count))

    def a_part_of_the_work(self, part):
        self.running.append(part)
        self.begun.append(part)
        try:
            self.meeting.wait()
            here = "caller" if threading.get_ident() == self.caller else "other"
            if here == self.fails and self.first.acquire(blocking=False):
                self.fail()
            end = time.monotonic() + LONG
            while self.job.parts and time.monotonic() < end:
                time.sleep(0.001)
            self.stayed()
        finally:
            self.running.remove(part)

    def stayed(self):
        """What the others do then."""

    def each(self):
        try:
            each(self.a_part_of_the_work, 50)
        finally:
            assert self.running == []
            assert sorted(self.begun) == [0, 1, 2]


def works_again():
    done = []
    meeting = threading.Barrier(3, timeout=LONG)
    each(lambda part: (meeting.wait(), done.append(part)), 3)
    assert sorted(done) == [0, 1, 2]


def fail(*part):
    raise ArithmeticError("part of it")


def fail_not(part):
    pass


@pytest.mark.parametrize("who", ["caller", "other"])
def test_an_error_is_raised_once_where_it_was_and_ends_the_work(who, crew):
    with pytest.raises(ArithmeticError, match=r"^part of it$") as caught:
        Parts(who, fail, crew).each()
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert names[-2:] == ["a_part_of_the_work", "fail"]
    assert caught.value.__context__ is None
    works_again()


@pytest.mark.parametrize("who", ["caller", "other"])
def test_the_first_error_wins_whoever_meets_it(who, crew):
    class Twice(Parts):
        def stayed(self):
            raise ValueError("second")

    with pytest.raises(ArithmeticError, match=r"^part of it$"):
        Twice(who, fail, crew).each()
    works_again()


def test_an_error_keeps_no_array_once_it_was_handled(crew):
    array = numpy.ones(3)
    gone = weakref.ref(array)

    def part(i, array=array):
        raise ArithmeticError(array.shape)

    gc.disable()
    try:
        with contextlib.suppress(ArithmeticError):
            each(part, 9)
        del array, part
        assert gone() is None
    finally:
        gc.enable()


def test_a_thread_that_falls_asleep_looks_once_more_for_work():
    """Work that came while it gave up waiting would otherwise be done by the caller alone."""
    crew, waited = threads._Crew(), []

    def wait(number):
        waited.append(number)
        if len(waited) == 1:
            crew._wanted += 1  # as wake() does; the thread is not asleep yet

    crew.wait = wait  # its own: the threads of other tests may be falling asleep just now
    crew.grow(1)
    deadline = time.monotonic() + 10
    while (len(waited) < 2 or not crew._asleep) and time.monotonic() < deadline:
        time.sleep(0.001)
    assert waited == [1, 1] and crew._asleep == {1}


@pytest.mark.numpy_form  # only NumPy has numpy.errstate
def test_the_errors_of_one_thread_are_those_of_several(rng):
    x = rng.random(300_000, numpy.float32) * numpy.float32(1e30)
    for count in (1, 3):
        tn.set_threads(count)
        with (
            numpy.errstate(over="raise"),
            pytest.raises(FloatingPointError, match=r"overflow"),
        ):
            tn.mse(x, -x)


# -- Ctrl-C ----------------------------------------------------------------------------------------


@pytest.mark.skipif(
    threading.current_thread() is not threading.main_thread(), reason="signals need the main thread"
)
@pytest.mark.parametrize(
    ("who", "interrupt"),
    [
        ("caller", lambda: signal.raise_signal(signal.SIGINT)),
        ("other", _thread.interrupt_main),
    ],
)
def test_an_interrupt_ends_the_work_and_nothing_runs_on(who, interrupt, crew):
    with pytest.raises(KeyboardInterrupt):
        Parts(who, interrupt, crew).each()
    works_again()


@pytest.mark.parametrize("times", [1, 3])
def test_an_interrupt_while_the_caller_waits_is_raised_after_the_others_have_ended(times, crew):
    """The caller has done its part and sleeps until the two others are ready."""
    caller = threading.get_ident()
    meeting = threading.Barrier(3, timeout=LONG)
    heard = threading.Semaphore(0)
    running, starved = [], []

    class News:
        """Of a job, as the caller hears them: interrupted so many times, and once the news is lost,
        as where the signal comes when it has been taken and not yet looked at."""

        def __init__(self, news):
            self.news, self.times, self.put = news, 0, news.put

        def get(self):
            self.times += 1
            if self.times < times:
                raise KeyboardInterrupt
            try:
                if self.times == times:
                    heard.release(2)
                self.news.get(timeout=5)
            except queue.Empty:
                starved.append(True)
            if self.times == times:
                raise KeyboardInterrupt

    def part(i):
        running.append(i)
        meeting.wait()
        if threading.get_ident() != caller:
            heard.acquire(timeout=LONG)
        running.remove(i)

    work = crew.do

    def do(job, count):
        job._news = News(job._news)
        work(job, count)

    crew.do = do
    with pytest.raises(KeyboardInterrupt):
        each(part, 3)
    assert running == [] and not starved
    crew.do = work
    works_again()


def test_an_interrupt_before_all_have_been_called_leaves_nobody_at_work(crew):
    """Where it comes between the call of a thread and the next line."""
    begun, running, jobs = threading.Event(), [], []

    def part(i):
        running.append(i)
        begun.set()
        while jobs and jobs[0].parts:
            time.sleep(0.001)
        running.remove(i)

    class Inbox:
        def put(self, job):
            jobs.append(job)
            inbox.put(job)
            begun.wait(LONG)
            raise KeyboardInterrupt

    each(part, 3)
    begun.clear()
    inbox, crew._inboxes[0] = crew._inboxes[0], Inbox()
    with pytest.raises(KeyboardInterrupt):
        each(part, 9)
    assert running == []
    crew._inboxes[0] = inbox
    works_again()


# -- who computes ----------------------------------------------------------------------------------


def test_inside_a_part_everything_is_done_by_the_thread_that_is_there(crew):
    meeting = threading.Barrier(3, timeout=LONG)
    inside = {}

    def part(i):
        meeting.wait()
        where = inside[threading.get_ident()] = []
        each(lambda j: where.append(threading.get_ident()), 4)

    here = threading.Thread(target=each, args=(part, 3), daemon=True)  # that nobody waits for ever
    here.start()
    here.join(LONG)
    assert len(inside) == 3
    assert all(where == [thread] * 4 for thread, where in inside.items())


def test_calls_from_two_threads_at_once_both_give_what_is_right(crew, rng):
    a = rng.standard_normal((300, 200), numpy.float32)
    b = rng.standard_normal((200, 400), numpy.float32)
    expected = cpu.product(a, b), cpu.product(b.T, a.T)
    found, inside = [], []
    start = threading.Barrier(2, timeout=LONG)
    apart = threading.Barrier(2, timeout=LONG)

    def compute():
        start.wait()
        for _ in range(5):
            found.append((cpu.product(a, b), cpu.product(b.T, a.T)))
        # and surely at the same time: each of the two waits for the other inside a part
        each(lambda part: (inside.append(threading.get_ident()), part or apart.wait()), 2)

    both = [threading.Thread(target=compute) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(LONG)
    assert len(found) == 10 and len(inside) == 4
    for pair in found:
        for y, right in zip(pair, expected, strict=True):
            numpy.testing.assert_array_equal(y, right)
    works_again()


def test_where_no_thread_can_be_had_one_computes_alone(crew, alone, monkeypatch):
    asked = []

    def none(thread):
        asked.append(thread)
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", none)
    assert training(3) == alone
    assert len(asked) == 1  # and never again


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_of_a_process_with_threads_computes_the_same():
    code = """
        import os, signal, threading
        import threadpoolctl
        from tests.devices.test_threads import blas_threads, digest
        from tinynet.devices.cpu import blas, threads

        bits = digest(3)  # it may load libraries that hold another BLAS
        threadpoolctl.threadpool_limits(2, "blas")
        assert threading.active_count() == 3
        held = threads._crew.busy.acquire(), blas.one_blas_thread.__enter__()  # as inside a part
        child = os.fork()
        if not child:
            signal.alarm(30)
            two = blas_threads() <= {2}
            same = digest(3) == bits and threading.active_count() == 3
            os._exit(0 if two and same and not blas.one_blas_thread._inside else 1)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status))
    """
    assert in_new_process(code, PYTHONWARNINGS="ignore") == "0"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_forks_beside_a_training_thread_compute_and_end():
    code = """
        import os, signal, threading, time
        import numpy, threadpoolctl
        from tests.devices.test_threads import blas_threads
        from tinynet.devices import cpu
        from tinynet.devices.cpu.threads import each

        threadpoolctl.threadpool_limits(2, "blas")
        a = numpy.ones((300, 300), numpy.float32)
        stop = threading.Event()

        def train():  # without products: a lock of OpenBLAS itself may be held at a fork
            while not stop.is_set():
                each(lambda part: None, 4)

        thread = threading.Thread(target=train)
        thread.start()
        found = []
        for _ in range(40):
            time.sleep(0.002)
            child = os.fork()
            if not child:
                signal.alarm(10)  # ends what hangs
                right = (cpu.product(a, a) == 300).all() and blas_threads() == {2}
                os._exit(0 if right else 1)
            found.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        stop.set()
        thread.join()
        assert blas_threads() == {2}
        print(set(found))
    """
    assert in_new_process(code, PYTHONWARNINGS="ignore") == "{0}"


def test_what_numpy_does_with_errors_is_the_callers_in_all_threads(crew):
    meeting = threading.Barrier(3, timeout=LONG)
    found = []
    with numpy.errstate(divide="raise", over="ignore"):
        each(lambda part: (meeting.wait(), found.append(numpy.geterr())), 3)
    assert [(state["divide"], state["over"]) for state in found] == [("raise", "ignore")] * 3


# -- BLAS ------------------------------------------------------------------------------------------


def test_blas_has_one_thread_inside_and_its_own_again_afterwards(crew, two_blas_threads):
    meeting = threading.Barrier(3, timeout=LONG)
    inside = []
    each(lambda part: (inside.append(blas_threads()), meeting.wait()), 3)
    assert inside == [{1}] * 3
    assert blas_threads() == {2}
    with pytest.raises(ArithmeticError):
        each(fail, 3)
    assert blas_threads() == {2}
    inside.clear()
    each(lambda part: (meeting.wait(), each(fail_not, 2), inside.append(blas_threads())), 3)
    assert inside == [{1}] * 3  # what is nested gives nothing back
    assert blas_threads() == {2}


def test_a_product_in_one_block_is_one_threads_too(two_blas_threads, monkeypatch):
    inside = []
    monkeypatch.setattr(matrix, "finish", lambda *given: inside.append(blas_threads()))
    a = numpy.ones((80, 90))
    cpu.product(a, a.T)
    assert inside == [{1}]
    assert blas_threads() == {2}
    with pytest.raises(ValueError):
        cpu.product(a, a)
    assert blas_threads() == {2}


def test_small_products_leave_blas_as_it_is(monkeypatch):
    monkeypatch.setattr(matrix, "one_blas_thread", None)
    a, few = numpy.ones((5, 30, 40)), numpy.ones((5, 3, 4))
    cpu.product(a[0], a[0, :6].T)
    cpu.product(few, few.swapaxes(1, 2))
    cpu.column_sums(a[0])
    with pytest.raises(TypeError):
        cpu.product(a, a.swapaxes(1, 2))


def test_only_what_openblas_would_share_is_held_to_one_thread(monkeypatch):
    class Guard:
        alone = 262_144  # as in blas.py, where all libraries are OpenBLAS

    monkeypatch.setattr(matrix, "one_blas_thread", Guard())
    a, row = numpy.ones((64, 64)), numpy.ones((1, 10_000))
    assert (cpu.product(a, a) == 64).all()
    for x, y in ((numpy.ones((65, 64)), a), (row, row.T)):  # one row too many; two vectors
        with pytest.raises((TypeError, AttributeError), match=r"context manager|__enter__"):
            cpu.product(x, y)


def test_how_many_blas_has_is_asked_each_time(crew, two_blas_threads):
    for count in (2, 1, 2):
        with threadpoolctl.threadpool_limits(count, "blas"):
            each(fail_not, 3)
            assert blas_threads() == {count}


def in_worker(work, *given):
    """What work returns in a thread of its own."""
    found = []
    thread = threading.Thread(target=lambda: found.append(work(*given)))
    thread.start()
    thread.join(60)
    return found[0]


@pytest.mark.parametrize("where", ["main", "worker"])
def test_a_worker_limits_blas_too_whoever_did_it_before(where, crew, two_blas_threads):
    each(fail_not, 3)  # from threadpoolctl 3.8 on, the first thread that sets it holds it

    def inside_and_after():
        inside = []
        each(lambda part: inside.append(blas_threads()), 3)
        return inside, blas_threads()

    found = in_worker(inside_and_after) if where == "worker" else inside_and_after()
    assert found == ([{1}] * 3, {2})


def test_whoever_leaves_last_gives_blas_its_threads_back(crew, two_blas_threads):
    entered, leave = threading.Event(), threading.Event()

    def stay():
        with blas.one_blas_thread:
            entered.set()
            leave.wait(LONG)

    with blas.one_blas_thread:
        thread = threading.Thread(target=stay)
        thread.start()
        assert entered.wait(LONG)
    assert blas_threads() == {1}  # the worker is inside
    leave.set()
    thread.join(LONG)
    assert blas_threads() == {2}


@pytest.mark.parametrize("count", [1, 4])
def test_a_training_in_a_worker_gives_the_same_bits(count, alone, two_blas_threads):
    training(2)  # in this thread first
    assert in_worker(training, count) == alone


class Library:
    """A BLAS as threadpoolctl shows it.  of_thread: whether each thread has its own number."""

    internal_api = "any"

    def __init__(self, of_thread):
        self.threading_layer = "openmp" if of_thread else "pthreads"
        self.counts = threading.local() if of_thread else self

    def get_num_threads(self):
        return getattr(self.counts, "count", 4)

    def set_num_threads(self, count):
        self.counts.count = count

    @property
    def library(self):
        return blas._Library(self.get_num_threads, lambda count: self.set_num_threads(count))


@pytest.mark.parametrize("of_thread", [False, True])
def test_a_blas_that_counts_for_each_thread_is_limited_in_each(of_thread, monkeypatch):
    guard, library = blas._OneBlasThread(), Library(of_thread)
    controller = type("", (), {"select": lambda self, **which: self, "lib_controllers": [library]})
    monkeypatch.setattr(threadpoolctl, "ThreadpoolController", controller)

    def nested():
        with guard:
            with guard:
                pass
            return library.get_num_threads()

    with guard:
        assert library.get_num_threads() == 1
        assert in_worker(nested) == 1
        assert in_worker(library.get_num_threads) == (4 if of_thread else 1)
        assert library.get_num_threads() == 1
    assert library.get_num_threads() == 4
    assert in_worker(nested) == 1
    assert library.get_num_threads() == 4


def test_the_crew_limits_a_blas_that_counts_for_each_thread(crew, monkeypatch):
    guard, library = blas._OneBlasThread(), Library(of_thread=True)
    guard._searched, guard._of_thread = True, [library.library]
    monkeypatch.setattr(threads, "one_blas_thread", guard)
    meeting = threading.Barrier(3, timeout=LONG)
    inside = []
    each(lambda part: (meeting.wait(), inside.append(library.get_num_threads())), 3)
    assert inside == [1] * 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-?threaded")
def test_no_fork_comes_while_a_thread_sets_the_count(monkeypatch):
    guard, library = blas.one_blas_thread, Library(of_thread=False)
    library.lock, entered = threading.Lock(), threading.Event()

    def slowly(count):
        with library.lock:  # as a BLAS, and threadpoolctl, hold theirs
            entered.set()
            time.sleep(0.2)
            library.count = count

    library.set_num_threads = slowly
    monkeypatch.setattr(guard, "_searched", True)
    monkeypatch.setattr(guard, "_of_process", [library.library])
    thread = threading.Thread(target=each, args=(fail_not, 1))
    thread.start()
    assert entered.wait(LONG)
    child = os.fork()
    if not child:
        free = library.lock.acquire(timeout=5)
        os._exit(0 if free else 1)
    thread.join(LONG)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("after", range(1, 18))
def test_ctrl_c_while_blas_is_limited_loses_no_count(after):
    guard, library = blas._OneBlasThread(), Library(of_thread=False)
    guard._searched, guard._of_process = True, [library.library]
    if not interrupted(guard.__enter__, after, blas.__file__):
        guard.__exit__()
    with guard:
        assert library.get_num_threads() == 1
    assert library.get_num_threads() == 4


def test_without_threadpoolctl_everything_works():
    code = """
        import sys, threading
        sys.modules["threadpoolctl"] = None
        import tinynet as tn
        from tinynet.devices.cpu import blas, threads

        tn.set_threads(3)
        threads.each(lambda part: None, 100)
        assert not blas.one_blas_thread.known
        assert threading.active_count() == 1, "BLAS' threads and ours would fight"
        w = tn.Tensor([[1.0, 2.0]], requires_grad=True)
        x = tn.Tensor([[float(i)] for i in range(3000)])
        tn.relu(x @ w).sum().backward()
        print(w.grad.tolist())
    """
    assert in_new_process(code) == "[[4498500.0, 4498500.0]]"
