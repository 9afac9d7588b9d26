"""Parameters one behind the other in one array, so that a rule moves all of them in a few passes.

A network has a few large kernels and many small biases; each pass of a rule over a bias of 32
numbers is all overhead.  Here `data` of every parameter is a view of one flat array, and what a
rule keeps (its slots) is flat too.  Gradients are not: who keeps an old one must not see it change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from ..devices import Array, kernels, xp
from ..tensor import Tensor


class Piece(NamedTuple):
    """Numbers [start, stop) of the flat arrays, and the parameters' numbers that they are."""

    start: int
    stop: int
    parts: list[tuple[int, int, int]]  # (parameter, from, to), of its own numbers


class Flat:
    """Parameters of one dtype on one device, and their slots.

    slots: of each parameter, the arrays that a rule keeps; copied.
    """

    def __init__(self, parameters: Sequence[Tensor], slots: Sequence[Sequence[Array]]) -> None:
        self.parameters = parameters
        like = parameters[0].data
        self.starts = [0]
        for p in parameters:
            self.starts.append(self.starts[-1] + p.data.size)
        count = len(slots[0])
        self.w = xp(like).empty(self.starts[-1], like.dtype)
        self.slots = [xp(like).empty(self.starts[-1], like.dtype) for _ in range(count)]
        self.views = [self._views(self.w, i) for i in range(len(parameters))]
        self.slot_views = [[self._views(s, i) for s in self.slots] for i in range(len(parameters))]
        for i, p in enumerate(parameters):
            for view, slot in zip(self.slot_views[i], slots[i], strict=True):
                view[...] = slot
            self.views[i][...] = p.data
            p.data = self.views[i]
        self._cut: tuple[list[int], int, list[Piece]] = ([], 0, [])

    def _views(self, flat: Array, i: int) -> Array:
        return flat[self.starts[i] : self.starts[i + 1]].reshape(self.parameters[i].data.shape)

    def intact(self) -> bool:
        """Whether all parameters are still the views of before: `p.data = ...` replaces one."""
        return all(p.data is view for p, view in zip(self.parameters, self.views, strict=True))

    def move(self, moving: list[int], rule: Callable[..., None]) -> None:
        """rule(w, dw, slots, a, b) on pieces of the flat arrays, for the parameters in `moving`.

        a, b: scratch arrays of the piece's size.  dw may be a.
        """
        device = kernels(self.w)
        size = device.update_size(self.w)
        if self._cut[:2] != (moving, size):
            self._cut = (moving, size, self._pieces(moving, size))
        pieces = self._cut[2]
        gradients = [p.grad if p.grad is None else p.grad.reshape(-1) for p in self.parameters]

        def task(k: int, a: Array, b: Array) -> None:
            start, stop, parts = pieces[k]
            n = stop - start
            a, b = a[:n], b[:n]
            if len(parts) == 1:  # of one large parameter
                i, first, last = parts[0]
                dw = gradients[i][first:last]  # type: ignore[index]
            else:
                dw = xp(a).concatenate(
                    [gradients[i][first:last] for i, first, last in parts],  # type: ignore[index]
                    out=a,
                )
            rule(self.w[start:stop], dw, [s[start:stop] for s in self.slots], a, b)

        device.each_update(task, len(pieces), size, self.w)

    def _pieces(self, moving: list[int], size: int) -> list[Piece]:
        """Neighbours go together, up to so many numbers; what does not move is left out."""
        pieces: list[Piece] = []
        for i in moving:
            done, count, start = 0, self.parameters[i].data.size, self.starts[i]
            while done < count:
                last = pieces[-1] if pieces else None
                if last and last.stop == start + done and last.stop - last.start < size:
                    room = size - (last.stop - last.start)
                    taken = min(room, count - done)
                    parts = [*last.parts, (i, done, done + taken)]
                    pieces[-1] = Piece(last.start, last.stop + taken, parts)
                else:
                    taken = min(size, count - done)
                    pieces.append(
                        Piece(start + done, start + done + taken, [(i, done, done + taken)])
                    )
                done += taken
        return pieces


def flat_groups(tensors: Sequence[Tensor]) -> list[list[int]]:
    """The numbers of the tensors that are of one dtype and one kind of array."""
    groups: dict[tuple, list[int]] = {}
    for i, t in enumerate(tensors):
        groups.setdefault((type(t.data), t.data.dtype), []).append(i)
    return list(groups.values())
