"""Turns a nested state into named arrays and a JSON text for the rest, and back.

{"model": {"w": array}, "rate": 0.1} is the array "model/w" and the text {"rate": 0.1}.  The text
leaves arrays out, because their names say where they belong; only in lists, {"/": "array"} stands
for them.  No key holds a "/", so that this is never mistaken for a dictionary.
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy

from ..devices import Array, is_array
from ..engine.tensor import Tensor
from .arrays import TEXT_LIMIT, check_dtype, parse
from .state import State

_DEPTH = 64  # of dictionaries and lists; stops at one that contains itself
_NAME_LIMIT = 60_000  # bytes; a zip archive has 16 bits for it
_RESERVED = ("tinynet.json", "__metadata__")  # names of the formats' own entries
_IMPLIED = object()  # left out of the text: the names of the arrays say it
_SPECIAL = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}  # floats that JSON lacks


def flat(state: State) -> tuple[dict[str, Array], str | None]:
    """The arrays of a state by name, and everything else as JSON, or None.

    TypeError or ValueError, which names the place, for values that no file can hold.
    """
    for key in _RESERVED:
        if key in state:
            raise ValueError(f"the key {key!r} is the file's own. Rename it.")
    arrays: dict[str, Array] = {}
    rest = _taken_apart(state, (), arrays, in_list=False)
    if rest is _IMPLIED or not rest:
        return arrays, None
    try:
        text = json.dumps(rest, allow_nan=False, separators=(",", ":"))
    except ValueError:
        raise ValueError(
            "a whole number has thousands of digits. Store it as text, hex(n)."
        ) from None
    if len(text) > TEXT_LIMIT:
        raise ValueError(
            f"everything except arrays takes {len(text)} bytes as JSON, and {TEXT_LIMIT} is the "
            "limit. Make arrays of the long lists."
        )
    return arrays, text


def _taken_apart(value: Any, keys: tuple[str, ...], arrays: dict[str, Array], in_list: bool) -> Any:
    """The part of a value for the text; its arrays are put into `arrays`."""
    name = "/".join(keys)
    if len(keys) > _DEPTH:
        raise ValueError(
            f"{name[:40]!r}... is nested more than {_DEPTH} deep. Does it hold itself?"
        )
    if isinstance(value, Tensor):
        value = value.data
    if is_array(value):
        check_dtype(name, value)
        if len(name.encode()) > _NAME_LIMIT:
            raise ValueError(f"the name {name[:40]!r}... is too long. Choose shorter keys.")
        arrays[name] = value
        return {"/": "array"} if in_list else _IMPLIED
    if isinstance(value, numpy.bool_ | numpy.integer | numpy.float16 | numpy.float32):
        value = value.item()  # numpy.float64 is a float
    if isinstance(value, dict):
        rest = {}
        for key, part in value.items():
            _check_key(name, key)
            left = _taken_apart(part, (*keys, key), arrays, in_list)
            if left is not _IMPLIED:
                rest[key] = left
        return rest if rest or not value else _IMPLIED
    if isinstance(value, list):
        return [_taken_apart(v, (*keys, str(i)), arrays, True) for i, v in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        return {"/": "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(
        f"{name!r} is {type(value).__name__}. A state holds arrays, bool, int, float, str, None, "
        "and lists and dictionaries of these."
    )


def _check_key(name: str, key: Any) -> None:
    place = repr(name) if name else "the state"
    if not isinstance(key, str):
        raise TypeError(f"{place} has the key {key!r}, {type(key).__name__}. Keys are str.")
    if not key or not key.isprintable() or "/" in key or "\\" in key:
        raise ValueError(
            f"{place} has the key {key[:80]!r}. A key is at least one printable letter, without / "
            "and \\, which stand between the keys in a file."
        )


def nested(arrays: dict[str, numpy.ndarray], text: bytes | None) -> State:
    """Undoes flat.  ValueError if the names and the text contradict each other."""
    left = dict(arrays)
    state = {} if text is None else _put_together(parse("tinynet's JSON", text), (), left)
    if not isinstance(state, dict):
        raise ValueError("tinynet's JSON is not a dictionary. The file was never right.")
    for name, array in left.items():
        _check_printable(name)
        *above, last = name.split("/")
        if len(above) > _DEPTH:
            raise ValueError(f"{name[:40]!r}... is nested more than {_DEPTH} deep.")
        place: Any = state
        for key in above:
            place = place.setdefault(key, {})
            if not isinstance(place, dict):
                break
        if not isinstance(place, dict) or last in place:
            raise ValueError(
                f"{name!r} is at a place that is already taken. The file was never right."
            )
        place[last] = array
    return state


def _check_printable(name: str) -> None:
    """ValueError for a name in a file that cannot be printed."""
    if not name.isprintable():
        raise ValueError(f"the name {name[:80]!r} is not printable. Where is this file from?")


def _put_together(value: Any, keys: tuple[str, ...], left: dict[str, numpy.ndarray]) -> Any:
    """A value of the text with its arrays, which are taken out of `left`."""
    if len(keys) > _DEPTH:
        raise ValueError(f"tinynet's JSON is nested more than {_DEPTH} deep.")
    if isinstance(value, list):
        return [_put_together(v, (*keys, str(i)), left) for i, v in enumerate(value)]
    if not isinstance(value, dict):
        return value
    if "/" not in value:
        for key in value:
            _check_printable(key)
        return {k: _put_together(v, (*keys, k), left) for k, v in value.items()}
    kind = value["/"]
    if kind == "array" and "/".join(keys) in left:
        return left.pop("/".join(keys))
    if isinstance(kind, str) and kind in _SPECIAL:
        return _SPECIAL[kind]
    raise ValueError(
        f"tinynet's JSON needs something at {'/'.join(keys)!r} that is missing. The file was never "
        "right."
    )
