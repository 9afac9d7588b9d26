"""Threads that wait inside compiled code: the parts of a loop are shared without Python's lock.

cpu/threads.py wakes a thread through Python, for 30 to 100 us.  Here the crew's threads wait in
`serve`, which looks for a new task 30 million times a second, so a task begins within 1 us.  After
half a millisecond without one, a thread goes back to sleep.  The rules are those of cpu/threads.py:
the parts depend on shapes alone, each writes where no other does, and BLAS has one thread.
"""

from __future__ import annotations

import os
from typing import Any

import numba
import numpy

from ..cpu import threads
from . import cache
from .machine import add, call, exchange, give_way, load, pause, store

# The words that all threads see, each in a line of the cache (64 bytes) of its own
TASK, INSIDE, NEXT, BUSY, LAST, FUNCTION, VALUES, PARTS, THREADS = range(0, 9 * 64, 64)
FOR_PYTHON = -1  # as TASK: leave, Python has work
LOOKS = 20_000  # for a new task, before a thread sleeps: half a millisecond
PATIENCE = 2_000  # pauses before another program gets the processor


@numba.njit(nogil=True)
def take_parts(words, worker):
    """Do the next part until none is left."""
    function, values, parts = load(words + FUNCTION), load(words + VALUES), load(words + PARTS)
    while True:
        part = add(words + NEXT, 1)
        if part >= parts:
            return
        call(function, worker, part, values)


@numba.njit(nogil=True)
def share(words, function, parts, threads, values):
    """function(worker, part, values) for every part, by the caller, who is worker 0, and the crew.

    Who comes late finds no part left.  While the crew is busy, the caller does everything alone.
    """
    if threads <= 1 or exchange(words + BUSY, 1) == 1:
        for part in range(parts):
            call(function, 0, part, values)
        return
    store(words + FUNCTION, function)
    store(words + VALUES, values)
    store(words + PARTS, parts)
    store(words + THREADS, threads)
    store(words + NEXT, 0)
    store(words + TASK, add(words + LAST, 1) + 1)
    take_parts(words, 0)
    store(words + TASK, 0)
    pauses = 0
    while load(words + INSIDE) != 0:  # one that is inside has seen the task, and may compute
        pause()
        pauses += 1
        if pauses > PATIENCE:
            give_way()
    store(words + BUSY, 0)


def serve(words, worker):
    """Help with each new task, until none comes for a while or Python has work."""
    done, looks = 0, 0
    while looks < LOOKS:
        task = load(words + TASK)
        if task == FOR_PYTHON:
            return
        if task != 0 and task != done:
            add(words + INSIDE, 1)
            # only now is it sure that the words below belong to the task
            if load(words + TASK) == task and worker < load(words + THREADS):
                take_parts(words, worker)
            add(words + INSIDE, -1)
            done, looks = task, 0
        pause()
        looks += 1


class _Words:
    """The memory of the words."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """After a fork, too: a thread of the other process may have been inside."""
        self._memory = numpy.zeros(10 * 64 // 8, numpy.int64)
        self.address = -(-self._memory.ctypes.data // 64) * 64
        self._task = self._memory[(self.address - self._memory.ctypes.data) // 8 :]

    def for_python(self, has_work: bool) -> None:
        self._task[0] = FOR_PYTHON if has_work else 0


words = _Words()
_serve: Any = None  # compiled


def ready_to_serve() -> None:
    """Compile `serve`, and let the crew wait in it."""
    global _serve
    if _serve is None:
        with cache.folder_for_numba() as kept:
            _serve = numba.njit("void(int64, int64)", nogil=True, cache=kept)(serve)
    threads.wait_by(wait, words.for_python)


def wait(worker: int) -> None:
    _serve(words.address, worker)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=words.forget)
