"""State: the values of a model, an optimizer or a generator that a stopped run needs to continue.

A state is a dictionary of arrays, numbers, words, None, lists of these, and further dictionaries.
`state_dict()` gives it, on the host, and `load_state_dict(state)` takes all of it or, with an error
that names every difference, nothing.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import numpy

State = dict[str, Any]


def match(where: str, own: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """Compare two flat dictionaries of arrays by name, shape and dtype.

    own: the arrays to be filled.  found: the loaded ones.  ValueError that lists every difference.
    """
    lines = []
    for name, a in own.items():
        b = found.get(name)
        if b is None:
            lines.append(f"missing: {name} {a.shape} {a.dtype}")
        elif not hasattr(b, "shape"):
            lines.append(f"kind: {name} is an array here, and {type(b).__name__} in what is loaded")
        elif a.shape != b.shape:
            lines.append(f"shape: {name} is {a.shape} here, and {b.shape} in what is loaded")
        elif a.dtype != b.dtype:
            lines.append(f"dtype: {name} is {a.dtype} here, and {b.dtype} in what is loaded")
    for name, b in found.items():
        if name not in own:
            kind = f"{b.shape} {b.dtype}" if hasattr(b, "shape") else type(b).__name__
            lines.append(f"unexpected: {name} {kind}")
    if lines:
        differences = "1 difference" if len(lines) == 1 else f"{len(lines)} differences"
        raise ValueError(
            f"{where}: the state does not fit, {differences}:\n  "
            + "\n  ".join(lines)
            + "\nNothing was loaded. Build it as it was when it was saved."
        )


def own_hash(function: Any) -> str:
    """A short hash of what a function of a person's own computes with: lambda step: 0.1.

    "" for other things, and for functions of tinynet, which their names tell apart.
    """
    code = getattr(function, "__code__", None)
    if code is None or function.__module__.startswith("tinynet."):
        return ""
    constants = [value for value in code.co_consts if not hasattr(value, "co_code")]
    return f" {zlib.crc32(repr((constants, code.co_names)).encode()):08x}"


def generator_state(rng: numpy.random.Generator) -> State:
    """The position of a generator in its sequence."""
    return dict(rng.bit_generator.state)


def restore_generator(where: str, rng: numpy.random.Generator, state: State) -> None:
    """Put a generator back to that position.  ValueError, and no change, if it is impossible."""
    before = rng.bit_generator.state
    try:
        rng.bit_generator.state = state
        for key, most in (("pos", 624), ("buffer_pos", 4)):  # else NumPy reads past the end
            place = state["state"].get(key, state.get(key, 0))
            if not 0 <= place <= most:
                raise ValueError(f"{key} is {place}, not in 0 to {most}")
    except (ValueError, TypeError, KeyError, IndexError, OverflowError) as error:
        rng.bit_generator.state = before
        raise ValueError(
            f"{where}: the saved state is not one of a {type(rng.bit_generator).__name__} "
            f"generator ({error}). Use the generator that the run was started with."
        ) from None
