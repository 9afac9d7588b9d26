"""What an argument may be, and what an error says of one that may not: checked here, once for all.

Each check returns the value in its plain Python form.  `where` is who asks, "Dense 'out'" for
example, and stands in front of the message; "" where the caller puts it there itself.
"""

from __future__ import annotations

import difflib
import math
import numbers
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy

Shape = tuple[int, ...]  # of one example: the batch is left out


class Range(NamedTuple):
    """The numbers that an argument may be."""

    allows: Callable[[Any], bool]
    text: str  # after "must be"


NUMBER = Range(lambda n: n == n, "a number")  # infinity too
FINITE = Range(math.isfinite, "a finite number")
POSITIVE = Range(lambda n: 0 < n < math.inf, "positive and finite")
AT_LEAST_0 = Range(lambda n: 0 <= n < math.inf, "at least 0 and finite")
UNIT = Range(lambda n: 0 <= n <= 1, "in [0, 1]")
BELOW_1 = Range(lambda n: 0 <= n < 1, "in [0, 1)")
ABOVE_0 = Range(lambda n: 0 < n <= 1, "in (0, 1]")


# -- sequences -------------------------------------------------------------------------------------

PADDED = "Write x, mask = tn.data.padded(sequences)"


def ragged(values: Any) -> bool:
    """Whether it is a list, or an array of objects, with sequences of different lengths in it."""
    if isinstance(values, numpy.ndarray) and values.dtype == object:
        values = values.ravel().tolist()
    if not isinstance(values, list | tuple):
        return False
    parts = [s for s in values if isinstance(s, list | tuple) or bool(getattr(s, "ndim", 0))]
    axes = {getattr(s, "ndim", None) for s in parts}
    return len(axes) == 1 and len({len(s) for s in parts}) > 1


def with_its_mask(values: Any) -> bool:
    """Whether it is what tn.data.padded returns, x and its mask."""
    if not isinstance(values, list | tuple) or len(values) != 2:
        return False
    x, mask = values
    booleans = str(getattr(mask, "dtype", "")) == "bool"
    return booleans and mask.shape == getattr(x, "shape", ())[:2]


def several(values: Sequence[Any]) -> str:
    """What is said of a list where one input is expected."""
    if with_its_mask(values):
        return (
            f"it takes one input, received x and its mask. {PADDED}, and give x alone: "
            "Embedding(..., mask_zero=True) or Masking() finds the padding."
        )
    if ragged(values):
        return f"the sequences are not one array. {PADDED}, and give x."
    return join_first(len(values))


def join_first(count: int) -> str:
    """What is said of several inputs, or of their shapes."""
    return (
        f"it takes one input, received a list of {count}. Join them first, "
        "Concatenate()([a, b]). If a layer with return_state=True gave it, take [0], or leave "
        "return_state out."
    )


# -- numbers, words and functions ------------------------------------------------------------------


def is_whole(value: Any) -> bool:
    """Whether it is a whole number, of Python or of NumPy; True and False are none."""
    return isinstance(value, int | numpy.integer) and not isinstance(value, bool)


def is_number(value: Any) -> bool:
    """Whether it is a real number, of Python or of NumPy; True and False are none."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def whole(
    where: str, name: str, value: Any, least: int = 1, most: float = math.inf, cure: str = ""
) -> int:
    """A whole number in [least, most]; ValueError for anything else.  cure: "Give ..."."""
    if not is_whole(value) or not least <= value <= most:
        allowed = f"of at least {least}" if most == math.inf else f"from {least} to {most}"
        raise ValueError(_message(where, name, f"a whole number {allowed}", value, cure))
    return int(value)


def number(where: str, name: str, value: Any, allowed: Range = FINITE, cure: str = "") -> float:
    """A real number in that range; ValueError for anything else.  cure: "Give ..."."""
    if not is_number(value) or not allowed.allows(value):
        raise ValueError(_message(where, name, allowed.text, value, cure))
    return float(value)


def boolean(where: str, name: str, value: Any) -> bool:
    """True or False; TypeError for anything else."""
    if not isinstance(value, bool | numpy.bool_):
        raise TypeError(_message(where, name, "True or False", value))
    return bool(value)


def choice(where: str, name: str, value: Any, choices: Iterable[str]) -> str:
    """One of several words; ValueError for another."""
    words = tuple(choices)
    if not isinstance(value, str) or value not in words:
        *first, last = (f'"{word}"' for word in words)
        raise ValueError(_message(where, name, f"{', '.join(first)} or {last}", value))
    return value


def known(where: str, kind: str, name: Any, values: dict[str, Any], more: str = "") -> Any:
    """The value of that name; ValueError that names the nearest one, and all of them."""
    if name not in values:
        near = difflib.get_close_matches(str(name).lower(), values, n=1)
        hint = f"Did you mean {near[0]!r}? " if near else ""
        there_are = ", ".join(map(repr, values))
        raise ValueError(
            f"{where}: there is no {kind} {name!r}. {hint}There are {there_are}{more}."
        )
    return values[name]


def function(where: str, name: str, value: Any, cure: str) -> Any:
    """Something that can be called, or None; TypeError for anything else.  cure: "Give ..."."""
    if value is not None and not callable(value):
        raise TypeError(f"{_prefix(where)}{name} is {shown(value)}. {cure}")
    return value


def generator(where: str, rng: Any) -> numpy.random.Generator:
    """A NumPy generator; TypeError for anything else."""
    if not isinstance(rng, numpy.random.Generator):
        raise TypeError(
            f"{_prefix(where)}rng is {type(rng).__name__}. Give a generator, "
            "numpy.random.default_rng(0)."
        )
    return rng


def layer_name(where: str, name: Any) -> str | None:
    """A name that errors, summaries and files can hold, or None; ValueError for another."""
    if name is not None and (
        not isinstance(name, str) or not name.isprintable() or not name or set(name) & set("./\\")
    ):
        raise ValueError(_message(where, "name", "a printable word without dots and slashes", name))
    return name


# -- shapes ----------------------------------------------------------------------------------------


def shape_of_example(where: str, shape: Any) -> Shape:
    """A shape without the batch as a tuple; one number, 784, is (784,)."""
    sizes = shape if isinstance(shape, tuple | list) else (shape,)
    if not all(is_whole(n) and n >= 1 for n in sizes):
        allowed = "whole numbers of at least 1 without the batch, for example (28, 28, 1)"
        cure = ""
        if sizes[0] is None:
            cure = "If None is the batch, leave it out. "
        if None in sizes and len(sizes) < 4:
            cure += "A length is a number, the longest; a Sequential takes shorter ones too."
        raise ValueError(_message(where, "input_shape", allowed, shape, cure))
    return tuple(int(n) for n in sizes)


def pair(value: Any, name: str, least: int = 1) -> tuple[int, int]:
    """A whole number for both directions, or two of them, as (vertical, horizontal)."""
    both = value if isinstance(value, tuple | list) else (value, value)
    if len(both) != 2 or not all(is_whole(n) and n >= least for n in both):
        allowed = f"a whole number of at least {least} or a pair of them"
        raise ValueError(_message("", name, allowed, value))
    return int(both[0]), int(both[1])


def borders(padding: Any, words: str = "") -> tuple[tuple[int, int], tuple[int, int]]:
    """A padding in pixels as ((top, bottom), (left, right)).  words: what else is allowed."""
    try:
        if isinstance(padding, tuple | list) and isinstance(padding[0], tuple | list):
            rows, columns = padding
            return pair(rows, "padding", 0), pair(columns, "padding", 0)
        high, wide = pair(padding, "padding", 0)
        return (high, high), (wide, wide)
    except (ValueError, TypeError, IndexError):
        allowed = (
            f"{words}a number of pixels, (vertical, horizontal) or ((top, bottom), (left, right)), "
            "at least 0"
        )
        raise ValueError(_message("", "padding", allowed, padding)) from None


def pictures(shape: Any) -> tuple[int, int, int]:
    """H, W, C of a picture, without the batch; ValueError for another shape."""
    if len(shape) != 3:
        cure = ""
        if len(shape) == 2:
            cure = " Give gray pictures a channel: x[..., None]."
            if shape[1] in (1, 3):
                cure = " One picture needs a batch axis: x[None]."
        elif len(shape) == 1:
            cure = " One gray picture is x[None, ..., None]."
        raise ValueError(f"input {written(shape)}, and it takes pictures, (N, H, W, C).{cure}")
    return shape


def channels_first(shape: Any) -> str:
    """What to say of pictures (N, C, H, W), which other libraries have; "" of others."""
    if len(shape) == 3 and shape[0] in (1, 3) and min(shape[1:]) >= 16:
        return "Channels are last here: x.transpose(0, 2, 3, 1)."
    return ""


# -- how errors write things -----------------------------------------------------------------------


def shown(value: Any) -> str:
    """A value as errors show it: in full if it is short."""
    if isinstance(value, type):
        return f"class {value.__name__}"
    text = repr(value)
    return text if len(text) <= 40 else f"{type(value).__name__} {text[:40]}..."


def written(shape: Any) -> str:
    """A shape without the batch as errors show it: (N, 28, 28, 1)."""
    if isinstance(shape, list):
        return "[" + ", ".join(written(s) for s in shape) + "]"
    return f"({', '.join(['N', *map(str, shape)])})"


def _message(where: str, name: str, allowed: str, value: Any, cure: str = "") -> str:
    return f"{_prefix(where)}{name} must be {allowed}, received {shown(value)}. {cure}".rstrip()


def _prefix(where: str) -> str:
    return f"{where}: " if where else ""
