"""A training step as CUDA graphs: what the GPU is told once, it does again at a word.

While a step is captured, nothing is computed: each launch becomes a node of a graph.  To replay it
is one launch, where Python took a hundred.  All addresses and numbers in it stay as they were, so

- its arrays live in a memory pool of their own, as long as the graph;
- what an optimizer does changes from step to step, and stays outside: it ends a graph, and the next
  one begins behind it;
- the keys of the noise are read from an array, which is filled anew before each replay;
- one flag on the GPU keeps what the checks found;
- the gradients that it computes are its own: none from before is added to.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy

from .. import capture
from ..arrays import Array
from ..capture import Draw
from . import cublaslt
from .launch import launch

KEYS = 4096  # noises in a step, at most
AT_ONCE = 128  # keys that a launch stores; as in noise.cu
SOME_KEYS = numpy.dtype([("words", "uint64", 2 * AT_ONCE)], align=True)


@contextmanager
def rehearsal() -> Iterator[None]:
    """An ordinary step, with the products of a captured one: CUDA loads their kernels."""
    cublaslt.library()
    capture.state.rehearsed = True
    try:
        yield
    finally:
        capture.state.rehearsed = False


class Recording:
    """A step in parts: graphs, and what Python does between them."""

    def __init__(self) -> None:
        self._cupy: Any = sys.modules["cupy"]
        self._pool = self._cupy.cuda.MemoryPool()
        self._stream = self._cupy.cuda.Stream(non_blocking=True)
        self._keys = self._cupy.empty((KEYS, 2), numpy.uint64)
        self._draws: list[Draw] = []
        self._parts: list[Callable[[], None]] = []
        self._before: dict[int, tuple[Any, Array, Any, Any]] = {}  # leaves as they were
        self._after: list[tuple[Any, Any, Any]] = []  # their gradients after the step
        self.fine = self._cupy.ones((), bool)  # what all checks of all replays have found
        self.fine &= self.fine  # compiled, before a capture needs it
        self.checked: list[str] = []  # operations
        self.optimizers = 0

    def replay(self) -> None:
        """One step."""
        for x, data, _, _ in self._before.values():
            if x.data is not data:
                raise RuntimeError(
                    f"capture: {x.label} is another array than when the step was captured, and the "
                    "graph does not see it. Call tn.capture again."
                )
        self._store([draw() for draw in self._draws])
        for part in self._parts:
            part()
        for x, gradient, spent in self._after:
            x.grad, x._spent = gradient, spent

    def _store(self, keys: list[tuple[int, int]]) -> None:
        """By launches that hold them: a copy from the host might wait."""
        for start in range(0, len(keys), AT_ONCE):
            some, held = keys[start : start + AT_ONCE], numpy.zeros((), SOME_KEYS)
            held["words"][: 2 * len(some)] = numpy.array(some, numpy.uint64).ravel()
            launch("noise.store", 2 * len(some), held[()], self._keys[start : start + len(some)])

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """What is launched in the block is captured, on a stream of its own."""
        self._cupy.cuda.get_current_stream().synchronize()
        collecting = gc.isenabled()
        gc.disable()  # it could free arrays of others in the middle
        try:
            with self._stream, self._cupy.cuda.using_allocator(self._pool.malloc):
                self._stream.begin_capture()
                capture.state.recording = self
                yield
                self._end()
            self._after = [(x, x.grad, x._spent) for x, *_ in self._before.values()]
        except BaseException:
            with suppress(Exception):  # that it is over: the first error says more
                self._stream.end_capture()
            for x, _, gradient, spent in self._before.values():
                x.grad, x._spent = gradient, spent
            raise
        finally:
            capture.state.recording = None
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

    def gradient(self, x: Any) -> None:
        """A leaf is about to get its gradient."""
        if id(x) in self._before:
            return
        if x.grad is not None:
            raise RuntimeError(
                f"{x.label} has a gradient from before the step, to which a graph cannot add. Call "
                "zero_grad() in the step, and set trainable = False where no optimizer moves it"
            )
        self._before[id(x)] = x, x.data, x.grad, x._spent

    def key(self, draw: Draw) -> Array:
        if len(self._draws) == KEYS:
            raise RuntimeError(f"it draws noise more than {KEYS:,} times")
        self._draws.append(draw)
        return self._keys[len(self._draws) - 1]

    def check(self, operation: str, fine: Array) -> None:
        self.checked.append(operation)
        self.fine &= fine
