"""One thread for BLAS: NumPy's products are computed by the thread that asks for them.

Inside a part of ours, more would compete for the processors.  And BLAS cuts a product by the number
of its threads, so the last bits would depend on it.
"""

from __future__ import annotations

import os
import threading
from typing import Any

Counts = list[tuple[Any, int]]  # libraries that had more than one thread, and how many


class _OneBlasThread:
    """`with one_blas_thread:` BLAS computes with the thread that calls it, and no other.

    Afterwards BLAS has as many threads as before.  Any thread may be inside, and several at once.
    Entering takes 3 us; a new threadpool_limits() would search all loaded libraries, for 240.  A
    BLAS that threadpoolctl does not know (Apple's) keeps its threads, without harm.  Without
    threadpoolctl, every BLAS does.
    """

    known = True  # whether threadpoolctl is installed

    def __init__(self) -> None:
        self._of_process: list[Any] | None = None  # one number of threads for all that call them
        self._of_thread: list[Any] = []  # each thread that calls them has its own number
        self._before: Counts = []
        self._inside = 0
        self._lock = threading.Lock()
        self._mine = _Mine()

    def _find(self) -> None:
        try:
            from threadpoolctl import ThreadpoolController
        except ModuleNotFoundError:
            self.known, self._of_process = False, []
            return
        found = ThreadpoolController().select(user_api="blas").lib_controllers
        self._of_thread = [library for library in found if _is_of_thread(library)]
        self._of_process = [library for library in found if not _is_of_thread(library)]

    def __enter__(self) -> None:
        counted = False
        try:
            with self._lock:
                if self._of_process is None:
                    self._find()
                if not self._inside:
                    _limit(self._of_process, self._before)
                self._inside, counted = self._inside + 1, True
            if self._of_thread:
                self._mine.enter(self._of_thread)
        except BaseException:  # Ctrl-C, after which nobody calls __exit__
            if counted:
                self._leave()
            raise

    def __exit__(self, *error: object) -> None:
        if self._of_thread:
            self._mine.leave()
        self._leave()

    def _leave(self) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                _restore(self._before)

    def before_fork(self) -> None:
        """No thread may be changing a count, holding locks, while the process is copied."""
        self._lock.acquire()

    def after_fork(self) -> None:
        self._lock.release()

    def after_fork_in_child(self) -> None:
        """The threads that were inside did not come along."""
        _restore(self._before)
        self._inside, self._mine = 0, _Mine()
        self._lock.release()


class _Mine(threading.local):
    """What each thread has changed of the libraries that count for each thread."""

    def __init__(self) -> None:
        self.inside = 0
        self.before: Counts = []

    def enter(self, libraries: list[Any]) -> None:
        if not self.inside:
            _limit(libraries, self.before)
        self.inside += 1

    def leave(self) -> None:
        self.inside -= 1
        if not self.inside:
            _restore(self.before)


def _is_of_thread(library: Any) -> bool:
    return library.internal_api == "blis" or library.threading_layer == "openmp"


def _limit(libraries: Any, before: Counts) -> None:
    for library in libraries:
        count = library.get_num_threads()
        if count is not None and count > 1:
            before.append((library, count))  # noted first: Ctrl-C may come between the two
            _set(library, 1)


def _restore(before: Counts) -> None:
    while before:
        _set(*before[-1])
        before.pop()


def _set(library: Any, count: int) -> None:
    """From threadpoolctl 3.8 on, the first thread that sets an OpenBLAS is the only one that can,
    and others are ignored in silence, until it is told that this thread is done.  Here every thread
    sets it in its turn, under one lock.
    """
    release = getattr(library, "clear_controlling_thread", None)
    if release:
        release(force=True)
    library.set_num_threads(count)
    if release:
        release(force=True)


one_blas_thread = _OneBlasThread()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=one_blas_thread.before_fork,
        after_in_parent=one_blas_thread.after_fork,
        after_in_child=one_blas_thread.after_fork_in_child,
    )
