"""Flat arrays: all parameters in one array, so that a rule updates them in a few passes.

A network has a few large kernels and many small biases.  For a bias of 32 numbers, calling NumPy
costs more than the arithmetic.  Here `data` of every parameter is a view of one flat array, and so
are the arrays that a rule keeps (its slots).  Gradients are separate arrays: a gradient that you
keep must not change in the next step.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy

from ..devices import Array, device_of, kernels, loops_for, xp
from ..engine.tensor import Tensor

# Numbers.  Adam's step of 1,200,000 parameters takes 1.2 ms with two threads.  In pieces of 65,536
# numbers it takes 2.1, since the threads ask for Python's lock four times as often.
AT_ONCE = 262_144


class Piece(NamedTuple):
    """Numbers [start, stop) of the flat arrays, and the parameters that they belong to."""

    start: int
    stop: int
    parts: list[tuple[int, slice | None]]  # (index of the parameter, its numbers: None for all)


class Flat:
    """Parameters of one dtype on one device, and their slots.

    slots: for each parameter, the arrays that a rule keeps.  All are copied, and no parameter is
    changed: take `views` as their data.
    """

    def __init__(self, parameters: Sequence[Tensor], slots: Sequence[Sequence[Array]]) -> None:
        self.parameters = parameters
        like = parameters[0].data
        self.starts = [0, *itertools.accumulate(p.data.size for p in parameters)]
        total = self.starts[-1]
        self.xp = xp(like)
        self.size = AT_ONCE if device_of(like) == "cpu" else total  # of a piece
        self.w = self.xp.empty(total, like.dtype)
        # float16 cannot hold the square of a small gradient: there, rules compute in float32.  The
        # weights are rounded after each step: one below half of a weight's last bit is lost.
        self.dtype = numpy.result_type(like.dtype, numpy.float32)
        self.slots = [self.xp.empty(total, self.dtype) for _ in slots[0]]
        self.views = [self._view(self.w, i) for i in range(len(parameters))]
        self.slot_views = [[self._view(s, i) for s in self.slots] for i in range(len(parameters))]
        for i, p in enumerate(parameters):
            for view, slot in zip(self.slot_views[i], slots[i], strict=True):
                view[...] = slot
            self.views[i][...] = p.data
        in_numpy = functools.partial(numpy.concatenate, axis=None)
        self._joined = kernels(like).gathered if device_of(like) == "gpu" else in_numpy
        self._cut: tuple[list[int], bool, list[Piece]] = ([], False, [])

    def _view(self, flat: Array, i: int) -> Array:
        return flat[self.starts[i] : self.starts[i + 1]].reshape(self.parameters[i].data.shape)

    def move(self, rule: Callable[..., None], one_kernel: bool = False) -> None:
        """Call rule(w, dw, slots, a, b) for pieces of the flat arrays that have a gradient.

        a, b: scratch arrays of the size of the piece.  dw may be the array a.
        one_kernel: whether the rule's arithmetic is one kernel.  If that is a compiled loop, it
            shares its work itself, and a large parameter is one piece.
        """
        gradients: list[Any] = [p.grad for p in self.parameters]
        moving = [i for i, dw in enumerate(gradients) if dw is not None]
        whole = one_kernel and loops_for(self.w) is not None
        if self._cut[:2] != (moving, whole):
            self._cut = moving, whole, self._pieces(moving, whole)
        pieces = self._cut[2]

        def task(k: int) -> None:
            start, stop, parts = pieces[k]
            a, b = (self.xp.empty(stop - start, self.dtype) for _ in range(2))
            found = [
                gradients[i] if some is None else gradients[i].reshape(-1)[some]
                for i, some in parts
            ]
            alone = len(found) == 1 and self.dtype == self.w.dtype
            dw = found[0].reshape(-1) if alone else self._joined(found, out=a)
            own = self.w[start:stop]
            w = own.astype(self.dtype, copy=False)
            rule(w, dw, [s[start:stop] for s in self.slots], a, b)
            if w is not own:
                own[...] = w

        if whole or len(pieces) == 1:
            for k in range(len(pieces)):
                task(k)
        else:
            kernels(self.w).each(task, len(pieces))

    def _pieces(self, moving: list[int], whole: bool) -> list[Piece]:
        """Those parameters in pieces of at most `size` numbers; neighbors share a piece.

        whole: a parameter that is a quarter of that, or more, is one piece, whatever its size: its
            gradient need not be copied.
        """
        pieces: list[Piece] = []
        full = True  # whether the last piece takes no more
        for i in moving:
            start, stop = self.starts[i], self.starts[i + 1]
            if whole and stop - start >= self.size // 4:
                pieces.append(Piece(start, stop, [(i, None)]))
                full = True
                continue
            place = start
            while place < stop:
                if full or pieces[-1].stop != place:
                    pieces.append(Piece(place, place, []))
                last = pieces.pop()
                end = min(stop, last.start + self.size)
                some = None if end - place == stop - start else slice(place - start, end - start)
                pieces.append(Piece(last.start, end, [*last.parts, (i, some)]))
                place, full = end, end == last.start + self.size
        return pieces


def flat_groups(tensors: Sequence[Tensor]) -> list[list[int]]:
    """The indices of the tensors, in groups of one dtype and one device."""
    groups: dict[tuple, list[int]] = {}
    for i, t in enumerate(tensors):
        groups.setdefault((type(t.data), t.data.dtype), []).append(i)
    return list(groups.values())
