"""Threads: one operation is cut into parts, and several parts are computed at once.

NumPy releases Python's lock while it copies, computes and multiplies, so Python's own threads keep
several processors busy.  Three rules hold everywhere:

1. The parts depend on shapes alone.  Each writes where no other does, and sums of parts are added
   in order: the bits are the same for any number of threads.
2. Inside a part, BLAS has one thread.  More would compete with ours for the processors, and BLAS
   would cut a product by their number.
3. An error ends the work: no further part begins, running parts finish, and the error is raised
   once, with the traceback of its part.  The same holds for Ctrl-C.
"""

from __future__ import annotations

import collections
import contextvars
import functools
import os
import queue
import threading
from collections.abc import Callable
from typing import Any

from ...messages.arguments import whole
from .blas import one_blas_thread

MOST = 256
Task = Callable[[int], Any]  # computes the part of that number; its result is ignored


# -- how many -------------------------------------------------------------------------------------

_count: int | None = None  # None: not decided yet


def set_threads(count: int | None) -> None:
    """How many threads compute at once: a number from 1 to 256, or None for the default.

    The default is TINYNET_THREADS, and without it every processor that this process may use.
    Results are the same, bit for bit, for any number of threads.
    """
    global _count
    cure = "Give None for the default."
    if count is not None:
        count = whole("set_threads", "count", count, most=MOST, cure=cure)
    _count = count


def get_threads() -> int:
    """How many threads compute at once.  ValueError if TINYNET_THREADS is not from 1 to 256."""
    global _count
    if _count is None:
        _count = _default()
    return _count


def _default() -> int:
    text = os.environ.get("TINYNET_THREADS", "")
    if not text:
        affinity = getattr(os, "sched_getaffinity", None)
        return min(len(affinity(0)) if affinity else os.cpu_count() or 1, MOST)
    count = int(text) if text.isascii() and text.isdigit() else text
    cure = "Correct it, or unset it to use every processor."
    return whole("", "TINYNET_THREADS", count, most=MOST, cure=cure)


# -- the work --------------------------------------------------------------------------------------


class _Job:
    """The parts still to do, and the errors of those done.

    Appending to a list and popleft() of a deque are one step each: no thread sees half of one.
    """

    def __init__(self, task: Task, count: int) -> None:
        self.task = task
        self.parts = collections.deque(range(count))
        self.errors: list[BaseException] = []  # the first one is raised
        self.context = contextvars.copy_context()  # all threads have the caller's numpy.errstate
        self._begun: list[None] = []  # an item for each thread of the crew
        self._ended: list[None] = []
        self._news: queue.SimpleQueue[None] = queue.SimpleQueue()

    def work(self) -> None:
        try:
            while True:
                try:
                    part = self.parts.popleft()
                except IndexError:
                    return
                self.task(part)
        except BaseException as error:  # the caller raises it
            self.stop(error)

    def help(self) -> None:
        """The work of a thread of the crew, which may come when all parts are taken."""
        self._begun.append(None)
        one_blas_thread.enter_thread()
        try:
            self.context.copy().run(self.work)  # a copy: two threads cannot be in one context
        finally:
            one_blas_thread.leave_thread()
            self._ended.append(None)
            self._news.put(None)

    def stop(self, error: BaseException) -> None:
        self.errors.append(error)
        self.parts.clear()

    def wait(self) -> None:
        """Until all threads that have begun have ended; one that begins later finds no part."""
        while len(self._ended) < len(self._begun):
            self._news.get()


class _Crew:
    """The threads beside the caller's.  They sleep until a job comes, and never end."""

    wait: Callable[[int], Any] | None = None  # see wait_by
    has_job: Callable[[bool], Any] | None = None

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """After a fork: the crew stayed behind in the other process."""
        self.busy = threading.Lock()
        self._inboxes: list[queue.SimpleQueue[_Job | None]] = []
        self._asleep: set[int] = set()
        self._wanted = 0  # how often work for `wait` came
        self._no_more = False

    def grow(self, count: int) -> None:
        """Up to `count` threads; fewer if the system gives no more (in a browser: none)."""
        while len(self._inboxes) < count and not self._no_more:
            inbox: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
            number = len(self._inboxes) + 1
            name = f"tinynet-{number}"
            serve = functools.partial(self._serve, inbox, number)
            try:
                threading.Thread(target=serve, name=name, daemon=True).start()
            except RuntimeError:
                self._no_more = True
            else:
                self._inboxes.append(inbox)

    def _serve(self, inbox: queue.SimpleQueue[_Job | None], number: int) -> None:
        while True:
            wanted = self._wanted
            if self.wait and inbox.empty():
                self.wait(number)
            self._asleep.add(number)
            if self._wanted != wanted:  # since it began to wait: work that it may have missed
                self._asleep.discard(number)
                if inbox.empty():
                    continue
            job = inbox.get()
            self._asleep.discard(number)
            if job:
                job.help()
                del job  # or it would be kept until the next one comes

    def wake(self, count: int) -> None:
        """Up to `count` threads, to wait as loops/workers.py wants it."""
        self._wanted += 1  # first: who falls asleep now, will see it
        if len(self._inboxes) < count:
            self.grow(count)
        for number in sorted(self._asleep) if self._asleep else ():
            if number <= count:
                self._inboxes[number - 1].put(None)

    def do(self, job: _Job, threads: int) -> None:
        self.grow(threads - 1)
        if self.has_job:
            self.has_job(True)
        try:
            for inbox in self._inboxes[: threads - 1]:
                inbox.put(job)
            job.work()
        except BaseException as error:  # Ctrl-C between two parts
            job.stop(error)
        while True:
            try:
                job.wait()
                break
            except BaseException as error:  # Ctrl-C while waiting: the others are stopped first
                job.stop(error)
        if self.has_job:
            self.has_job(False)
        del job.task  # a thread that comes late must not keep its arrays
        if job.errors:
            try:
                raise job.errors[0]
            finally:
                job.errors.clear()  # nor must an error, whose traceback leads back to itself


_crew = _Crew()


def wait_by(wait: Callable[[int], Any], has_job: Callable[[bool], Any]) -> None:
    """How the crew's threads wait: by wait(number), from 1 on, before they sleep.

    has_job(True) makes it return, when Python has a job, and has_job(False) tells that it is done.
    """
    _Crew.wait, _Crew.has_job = staticmethod(wait), staticmethod(has_job)


def wake(count: int) -> None:
    """The crew's first threads, which then wait for compiled work."""
    _crew.wake(count)


def asleep(count: int) -> bool:
    """Whether one of the crew's first threads sleeps, or was never started."""
    return bool(_crew._asleep) or len(_crew._inboxes) < count


def each(task: Task, count: int, most: int = MOST) -> None:
    """Do task(0), ..., task(count - 1), several at once, and return when all are done.

    most: the most parts at once, where each needs its own memory.

    Inside a part, and while another thread uses the crew, the caller does everything alone.  A part
    should last 50 us or more: waking a thread takes 30 us, and each call of NumPy takes Python's
    lock twice.
    """
    with one_blas_thread:
        threads = min(get_threads(), count, most)
        if threads > 1 and one_blas_thread.known and _crew.busy.acquire(blocking=False):
            busy = _crew.busy
            try:
                _crew.do(_Job(task, count), threads)
            finally:
                busy.release()
        else:
            for part in range(count):
                task(part)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_crew.forget)
