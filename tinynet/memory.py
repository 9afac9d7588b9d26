"""Memory: which arrays the way back holds, whose memory they are, and how bytes are written."""

from __future__ import annotations

import contextlib
import functools
import types
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from .devices import Array, is_array

if TYPE_CHECKING:
    from .tensor import Tensor


def arrays_of(pullback: Any) -> list[Array]:
    """The arrays that a pullback holds: in its closure, its defaults, and in what stands there."""
    arrays, seen = [], set()
    waiting: list[Any] = [pullback]
    while waiting:
        held = waiting.pop()
        if id(held) in seen:
            continue
        seen.add(id(held))
        if is_array(held):
            arrays.append(held)
        elif isinstance(held, tuple | list):
            waiting.extend(held)
        elif isinstance(held, dict):
            waiting.extend(held.values())
        elif isinstance(held, functools.partial):
            waiting.extend((held.func, held.args, held.keywords))
        elif isinstance(held, types.MethodType):
            waiting.extend((held.__func__, held.__self__))
        elif isinstance(held, types.FunctionType):
            waiting.extend((held.__defaults__, held.__kwdefaults__))
            for cell in held.__closure__ or ():
                with contextlib.suppress(ValueError):  # a name that was never given a value
                    waiting.append(cell.cell_contents)
    return arrays


def owner(array: Array) -> Array:
    """The array whose memory this one looks at: itself, if it is no view."""
    found = base = array
    while base is not None:  # between a view of windows and its array, NumPy puts something else
        if is_array(base):
            found = base
        base = getattr(base, "base", None)
    return found


def new_bytes(y: Tensor, inputs: Iterable[Any]) -> int:
    """The memory of a result; 0 where it is a view of an input's, as that of reshape is."""
    given = (getattr(x, "data", x) for x in inputs)
    owners = {id(owner(x)) for x in given if is_array(x)}
    return 0 if id(owner(y.data)) in owners else y.data.nbytes


class Kept:
    """Counts what pullbacks hold, each array once: a view is its array, whole.

    without: tensors that are there anyway, the weights.
    given: the batch; of a view of a whole data set, the batch counts.

    It holds the arrays itself, so that no new one is taken for an old one: let go of it with the
    graph.
    """

    def __init__(self, without: Iterable[Tensor], given: Iterable[Tensor] = ()) -> None:
        self._seen = {id(whole): whole for whole in (owner(t.data) for t in without)}
        self._sizes = {id(owner(t.data)): t.data.nbytes for t in given}

    def added_by(self, y: Tensor) -> int:
        """The bytes that the pullbacks of y hold, and those of no tensor before it."""
        total = 0
        for _, pullback in y._record._edges if y._record else ():
            for whole in map(owner, arrays_of(pullback)):
                if id(whole) not in self._seen:
                    self._seen[id(whole)] = whole
                    total += self._sizes.get(id(whole), whole.nbytes)
        return total


def size_text(size: float) -> str:
    """A number of bytes to three digits: 598 MiB, 40.5 MiB; 0 is 0."""
    if not size:
        return "0"
    units = ["B", "KiB", "MiB", "GiB", "TiB"]
    while abs(size) >= 999.5 and len(units) > 1:
        size /= 1024
        units.pop(0)
    return f"{size:.3g} {units[0]}"
