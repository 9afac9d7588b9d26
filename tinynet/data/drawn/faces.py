"""Cartoon faces drawn by formulas: the smile of each face is known exactly.

A face is painted from back to front, in coordinates from -1 to 1, as signed distances that become
ink with soft edges, so that any size shows the same face.  Only the attributes are random: the same
attributes give the same picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy

from ...messages.arguments import generator, known, whole
from .portrait import STYLES, portrait


class Attribute(NamedTuple):
    """One attribute of a face: a number from low to high, or a whole number."""

    low: float
    high: float
    typical: float  # the default
    whole: bool = False


FACE_ATTRIBUTES: dict[str, Attribute] = {
    "smile": Attribute(-1, 1, 0.5),  # the mouth, from a frown to a grin
    "mouth_open": Attribute(0, 1, 0.2),
    "skin": Attribute(0, 1, 0.3),  # from light to dark
    "hair_style": Attribute(0, len(STYLES) - 1, 0, whole=True),  # short, fringe, long, ...
    "hair_color": Attribute(0, 1, 0.3),  # black, brown, chestnut, ginger, blond, ash
    "eye_size": Attribute(0, 1, 0.5),
    "eye_color": Attribute(0, 1, 0.7),  # brown, hazel, green, blue
    "gaze": Attribute(-1, 1, 0),  # of the eyes, from left to right
    "brows": Attribute(-1, 1, 0),  # from worried to angry
    "nose": Attribute(0, 1, 0.5),  # its size
    "cheeks": Attribute(0, 1, 0.5),  # how red they are
    "glasses": Attribute(0, 1, 0, whole=True),  # 0 without, 1 with
    "face_width": Attribute(0, 1, 0.5),
    "turn": Attribute(-1, 1, 0),  # of the head, from left to right
    "tilt": Attribute(-1, 1, 0),  # of the head to a shoulder
    "shirt": Attribute(0, 1, 0.6),  # its color, around a circle
    "background": Attribute(0, 1, 0.6),  # its color, from coral through green to violet
}

PIXELS = 1 << 17  # pixels drawn at once: memory is bounded, and the arrays stay in the cache


def faces(
    count: int,
    rng: numpy.random.Generator,
    size: int = 64,
    fixed: Mapping[str, float] | None = None,
) -> tuple[numpy.ndarray, dict[str, numpy.ndarray]]:
    """Cartoon faces and their attributes.

    -> pictures (count, size, size, 3), uint8; attributes {name: (count,) float32}

    The attributes are independent, each uniform over its range in FACE_ATTRIBUTES.  These are
    cartoons: what a network learns here says nothing about photographs of people.

    count: at least 0.  size: pixels a side, at least 16.
    fixed: values that are the same in all faces, for example {"turn": 0, "tilt": 0}; they do not
        change the other attributes.
    """
    count, size = whole("faces", "count", count, 0), whole("faces", "size", size, 16)
    generator("faces", rng)
    attributes = {
        name: (
            rng.integers(int(a.low), int(a.high), count, endpoint=True)
            if a.whole
            else rng.uniform(a.low, a.high, count)
        ).astype(numpy.float32)
        for name, a in FACE_ATTRIBUTES.items()
    }
    same = {} if fixed is None else _given("faces", fixed, "fixed")
    for name, number in same.items():
        if number.ndim:
            raise ValueError(
                f"faces: fixed must hold one number for {name}, received shape {number.shape}. "
                "tn.data.draw_faces takes numbers (N,)."
            )
        attributes[name][:] = number
    return draw_faces(attributes, size), attributes


def draw_faces(attributes: Mapping[str, Any], size: int = 64) -> numpy.ndarray:
    """Faces with these attributes.  -> (N, size, size, 3), uint8

        draw_faces({"smile": numpy.linspace(-1, 1, 9), "glasses": 1})

    attributes: for names of FACE_ATTRIBUTES numbers (N,), or one number for all faces; the others
        have their typical values.  size: pixels a side, at least 16.

    ValueError for an unknown name, a number out of its range, or different lengths.
    """
    size = whole("draw_faces", "size", size, 16)
    values = _complete(attributes)
    count = len(values["smile"])
    pictures = numpy.empty((count, size, size, 3), numpy.uint8)
    step = max(PIXELS // size**2, 1)
    for style in range(len(STYLES)):  # faces with the same hair are drawn together
        of_style = numpy.flatnonzero(values["hair_style"] == style)
        for start in range(0, len(of_style), step):
            chosen = of_style[start : start + step]
            some = {name: numbers[chosen, None, None] for name, numbers in values.items()}
            canvas = portrait(some, style, size)
            pictures[chosen] = numpy.clip(canvas, 0, 1).transpose(0, 2, 3, 1) * 255 + 0.5
    return pictures


def _complete(attributes: Mapping[str, Any]) -> dict[str, numpy.ndarray]:
    """Every attribute, float32 (N,)."""
    given = _given("draw_faces", attributes, "attributes")
    lengths = {name: len(numbers) for name, numbers in given.items() if numbers.ndim}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{length} of {name}" for name, length in lengths.items())
        raise ValueError(
            f"draw_faces: all attributes must have equally many numbers, received {shown}."
        )
    count = next(iter(lengths.values()), 1)
    values = {
        name: given.get(name, numpy.float32(a.typical)) for name, a in FACE_ATTRIBUTES.items()
    }
    return {name: numpy.broadcast_to(numbers, (count,)) for name, numbers in values.items()}


def _given(where: str, attributes: Mapping[str, Any], argument: str) -> dict[str, numpy.ndarray]:
    """Attributes by name, float32, () or (N,).  ValueError for a wrong name or number."""
    if not isinstance(attributes, Mapping):
        raise TypeError(
            f"{where}: {argument} is {type(attributes).__name__}. Give a dict of numbers by name, "
            'for example {"smile": 0.5}.'
        )
    for name in attributes:
        known(where, "attribute", name, FACE_ATTRIBUTES)
    return {name: _numbers(where, name, value) for name, value in attributes.items()}


def _numbers(where: str, name: str, value: Any) -> numpy.ndarray:
    """One attribute: float32, () or (N,), each number in its range."""
    attribute = FACE_ATTRIBUTES[name]
    numbers = numpy.asarray(value)
    if numbers.dtype.kind not in "iuf" or numbers.ndim > 1:
        raise ValueError(
            f"{where}: {name} must be a number or (N,) numbers, received {numbers.dtype} of shape "
            f"{numbers.shape}."
        )
    numbers = numbers.astype(numpy.float32)
    wrong = ~((numbers >= attribute.low) & (numbers <= attribute.high))  # NaN is wrong too
    if attribute.whole:
        wrong |= numbers != numpy.rint(numbers)
    if wrong.any():
        kind = "a whole number" if attribute.whole else "a number"
        first = numbers[wrong].flat[0]
        raise ValueError(
            f"{where}: {name} must be {kind} from {attribute.low:g} to {attribute.high:g}, "
            f"received {first:g}."
        )
    return numbers
