"""Memory: which arrays are kept for backward, who owns their memory, and how tables write bytes."""

from __future__ import annotations

import contextlib
import functools
import types
from collections.abc import Iterable
from typing import Any

from ..devices import Array, is_array
from ..engine.tensor import Tensor


def arrays_of(pullback: Any) -> list[Array]:
    """The arrays in a pullback's closure and defaults, and in what these hold."""
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
                with contextlib.suppress(ValueError):  # a name without a value
                    waiting.append(cell.cell_contents)
        elif type(held).__module__.startswith("tinynet.ops."):  # an operation's own object
            waiting.extend(vars(held).values())
    return arrays


def owner(array: Array) -> Array:
    """The array that owns the memory of this one: itself, if it is no view."""
    found = base = array
    while base is not None:  # the base of a view of windows is no array; its base is
        if is_array(base):
            found = base
        base = getattr(base, "base", None)
    return found


def new_bytes(y: Tensor, inputs: Iterable[Any]) -> int:
    """The bytes of a result; 0 where it is a view of an input, for example after reshape."""
    given = (getattr(x, "data", x) for x in inputs)
    owners = {id(owner(x)) for x in given if is_array(x)}
    return 0 if id(owner(y.data)) in owners else y.data.nbytes


class Kept:
    """Counts the bytes that pullbacks hold, each array once.  A view counts as its whole owner.

    without: tensors that do not count, the weights.
    given: the batch.  If it is a view of a whole data set, only the batch counts.

    It holds the arrays itself, so that no id is used twice: drop it together with the graph.
    """

    def __init__(self, without: Iterable[Tensor], given: Iterable[Tensor] = ()) -> None:
        self._seen = {id(whole): whole for whole in (owner(t.data) for t in without)}
        self._sizes = {id(owner(t.data)): t.data.nbytes for t in given}

    def added_by(self, y: Tensor) -> int:
        """The bytes that the pullbacks of y hold, and no pullbacks before it."""
        total = 0
        for _, pullback in y._record._edges if y._record else ():
            for whole in map(owner, arrays_of(pullback)):
                if id(whole) not in self._seen:
                    self._seen[id(whole)] = whole
                    total += self._sizes.get(id(whole), whole.nbytes)
        return total


def size_text(size: float) -> str:
    """A number of bytes to three digits: 598 MiB, 40.5 MiB, 0."""
    if not size:
        return "0"
    units = ["B", "KiB", "MiB", "GiB", "TiB"]
    while abs(size) >= 999.5 and len(units) > 1:
        size /= 1024
        units.pop(0)
    return f"{size:.3g} {units[0]}"
