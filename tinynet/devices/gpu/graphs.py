"""A training step as CUDA graphs: what the GPU is told once, it does again at a word.

While a step is captured, nothing is computed: each launch becomes a node of a graph.  To replay it
is one launch, where Python took a hundred.  All addresses and numbers in it stay as they were, so

- its arrays live in a memory pool of their own, as long as the graph;
- what an optimizer does changes from step to step, and stays outside: it ends a graph, and the next
  one begins behind it;
- the keys of the noise are read from an array, which is filled anew before each replay;
- one flag on the GPU keeps what the checks found.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy

from .. import capture
from ..arrays import Array
from ..capture import Draw
from . import cublaslt

KEYS = 4096  # noises in a step, at most


@contextmanager
def rehearsal() -> Iterator[None]:
    """An ordinary step, with the products of a captured one: CUDA loads their kernels."""
    cublaslt.library()
    capture.rehearsed = True
    try:
        yield
    finally:
        capture.rehearsed = False


class Recording:
    """A step in parts: graphs, and what Python does between them."""

    def __init__(self) -> None:
        self._cupy: Any = sys.modules["cupy"]
        self._pool = self._cupy.cuda.MemoryPool()
        self._stream = self._cupy.cuda.Stream(non_blocking=True)
        self._keys = self._cupy.empty((KEYS, 2), numpy.uint64)
        self._draws: list[Draw] = []
        self._parts: list[Callable[[], None]] = []
        self.fine = self._cupy.ones((), bool)  # what all checks of all replays have found
        self.fine &= self.fine  # compiled, before a capture needs it
        self.optimizers = 0

    def replay(self) -> None:
        """One step."""
        if self._draws:
            keys = numpy.array([draw() for draw in self._draws], numpy.uint64)
            self._keys[: len(keys)].set(keys)
        for part in self._parts:
            part()

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """What is launched in the block is captured, on a stream of its own."""
        self._cupy.cuda.get_current_stream().synchronize()
        collecting = gc.isenabled()
        gc.disable()  # it could free arrays of others in the middle
        try:
            with self._stream, self._cupy.cuda.using_allocator(self._pool.malloc):
                self._stream.begin_capture()
                capture.recording = self
                try:
                    yield
                finally:
                    capture.recording = None
                    self._end()
        finally:
            if collecting:
                gc.enable()

    def _end(self) -> None:
        self._parts.append(self._stream.end_capture().launch)

    # -- what the engine asks for while a step is captured -----------------------------------------

    def between(self, work: Callable[[], None]) -> None:
        self._end()
        self._parts.append(work)
        self.optimizers += 1
        self._stream.begin_capture()

    def key(self, draw: Draw) -> Array:
        self._draws.append(draw)
        return self._keys[len(self._draws) - 1]

    def check(self, fine: Array) -> None:
        self.fine &= fine
