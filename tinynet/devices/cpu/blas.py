"""One thread for BLAS: NumPy's products are computed by the thread that asks for them.

Inside a part of ours, more would compete for the processors.  And BLAS cuts a product by the number
of its threads, so the last bits would depend on it.
"""

from __future__ import annotations

import ctypes
import itertools
import os
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

# OpenBLAS' own limit (interface/gemm.c: SMP_THRESHOLD_MIN * GEMM_MULTITHREAD_THRESHOLD)
OPENBLAS_ALONE = 262_144


class _Library(NamedTuple):
    """How many threads a BLAS has: functions that tell it, and that set it."""

    get: Callable[[], int]
    set: Callable[[int], Any]


Counts = list[tuple[_Library, int]]  # libraries that had more than one thread, and how many


class _OneBlasThread:
    """`with one_blas_thread:` BLAS computes with the thread that calls it, and no other.

    Afterwards BLAS has as many threads as before.  Any thread may be inside, and several at once.
    Entering takes 2 us; a new threadpool_limits() would search all loaded libraries, for 240.  A
    BLAS that threadpoolctl does not know (Apple's) keeps its threads, without harm.  Without
    threadpoolctl, every BLAS does.  Ctrl-C in the very microsecond of leaving may leave BLAS at one
    thread: NumPy is then slower, and nothing is wrong.
    """

    known = True  # whether threadpoolctl is installed
    alone = 0  # multiply-adds: BLAS takes no second thread for two matrices that need no more

    def __init__(self) -> None:
        self._searched = False
        self._of_process: list[_Library] = []  # one count for all threads that call them
        self._of_thread: list[_Library] = []  # each thread that calls them has its own
        self._before: Counts = []
        self._inside = 0
        self._lock = threading.Lock()
        self._mine = _Mine()

    def _find(self) -> None:
        self._searched = True
        try:
            from threadpoolctl import ThreadpoolController
        except ModuleNotFoundError:
            self.known = False
            return
        found = ThreadpoolController().select(user_api="blas").lib_controllers
        self._of_thread = [_library(of) for of in found if _is_of_thread(of)]
        self._of_process = [_library(of) for of in found if not _is_of_thread(of)]
        self.alone = OPENBLAS_ALONE * all(of.internal_api == "openblas" for of in found)

    def search_again(self) -> None:
        """Numba may have loaded SciPy, which brings a BLAS of its own."""
        with self._lock:
            self._searched = False

    def __enter__(self) -> None:
        counted = False
        try:
            with self._lock:
                if not self._searched:
                    self._find()
                if not self._inside:
                    _limit(self._of_process, self._before)
                self._inside, counted = self._inside + 1, True
            self.enter_thread()
        except BaseException:  # Ctrl-C, after which nobody calls __exit__
            self._leave(counted)
            raise

    def __exit__(self, *error: object) -> None:
        try:
            self.leave_thread()
        finally:
            self._leave()

    def enter_thread(self) -> None:
        """For a thread that helps one that is inside: only counts of its own are left to limit."""
        if self._of_thread:
            self._mine.enter(self._of_thread)

    def leave_thread(self) -> None:
        if self._of_thread:
            self._mine.leave()

    def _leave(self, counted: bool = True) -> None:
        with self._lock:
            self._inside -= counted
            if not self._inside:
                _restore(self._before)

    def before_fork(self) -> None:
        """No thread may be changing a count, holding locks, while the process is copied."""
        self._lock.acquire()

    def after_fork(self) -> None:
        self._lock.release()

    def after_fork_in_child(self) -> None:
        """Nobody is inside: the parent's threads did not come along."""
        _restore(self._mine.before)
        _restore(self._before)
        self._inside, self._mine = 0, _Mine()
        self._lock.release()


class _Mine(threading.local):
    """The counts that this thread has changed, of libraries that have one for each thread."""

    def __init__(self) -> None:
        self.inside = 0
        self.before: Counts = []

    def enter(self, libraries: list[_Library]) -> None:
        if not self.inside:
            _limit(libraries, self.before)
        self.inside += 1

    def leave(self) -> None:
        self.inside -= 1
        if not self.inside:
            _restore(self.before)


def _is_of_thread(library: Any) -> bool:
    return library.internal_api == "blis" or library.threading_layer == "openmp"


def _library(of: Any) -> _Library:
    """OpenBLAS' own functions tell and set its count.  Since threadpoolctl 3.8, that of
    threadpoolctl sets it for the first thread that calls it, and does nothing for all others.
    """
    if of.internal_api == "openblas" and not _is_of_thread(of):
        names = itertools.product(("", "scipy_"), ("", "64_", "_64"))
        blas = ctypes.CDLL(of.filepath)
        for prefix, suffix in names:
            get, set = (
                getattr(blas, f"{prefix}openblas_{do}_num_threads{suffix}", None)
                for do in ("get", "set")
            )
            if get and set:
                return _Library(get, set)
    return _Library(of.get_num_threads, of.set_num_threads)


def _limit(libraries: list[_Library], before: Counts) -> None:
    for library in libraries:
        count = library.get()
        if count is not None and count > 1:
            before.append((library, count))  # noted first: Ctrl-C may come between the two
            library.set(1)


def _restore(before: Counts) -> None:
    while before:
        library, count = before[-1]
        library.set(count)
        before.pop()


one_blas_thread = _OneBlasThread()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=one_blas_thread.before_fork,
        after_in_parent=one_blas_thread.after_fork,
        after_in_child=one_blas_thread.after_fork_in_child,
    )
