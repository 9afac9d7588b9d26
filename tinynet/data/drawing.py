"""What the generators of pictures share: chunks, random numbers, shapes with soft edges.

A shape is a signed distance: how far each pixel is outside it, less than 0 inside.  Shapes are put
together with minimum (both), maximum (what they share) and minus (what is outside), and become
ink by coverage(), which is soft at the edge, so that nothing looks like stairs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

CHUNK = 512  # pictures drawn at once: memory is bounded, and what is computed stays in the cache


def check(where: str, rng: Any, **numbers: tuple[Any, int]) -> None:
    """Each number, given with the least that it may be, is whole; rng is a generator."""
    for name, (value, least) in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int | numpy.integer) or value < least:
            raise ValueError(
                f"{where}: {name} must be a whole number of at least {least}, received {value!r}."
            )
    if not isinstance(rng, numpy.random.Generator):
        raise TypeError(f"{where}: rng is {type(rng).__name__}. Give numpy.random.default_rng(0).")


def draw_in_chunks(
    count: int,
    rng: numpy.random.Generator,
    shape: tuple[int, int, int],
    draw: Callable[[numpy.ndarray, numpy.random.Generator], numpy.ndarray],
) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Labels 0 to 9 by lot, and their pictures.  -> (count, H, W, C) uint8, (count,) int64

    draw: takes the labels of a chunk, gives its pictures, floats from 0 to 1.
    """
    labels = rng.integers(0, 10, count)
    pictures = numpy.empty((count, *shape), numpy.uint8)
    for start in range(0, count, CHUNK):
        chunk = slice(start, start + CHUNK)
        values = draw(labels[chunk], rng)
        pictures[chunk] = numpy.clip(values, 0, 1) * 255 + 0.5  # cut off: rounded to the nearest
    return pictures, labels


class Draw:
    """Random numbers, one for each of n pictures, shaped (n, 1, 1) to meet its pixels."""

    def __init__(self, n: int, rng: numpy.random.Generator):
        self.n, self.rng = n, rng

    def between(self, low: float, high: float) -> numpy.ndarray:
        return self.rng.uniform(low, high, (self.n, 1, 1)).astype(numpy.float32)

    def around(self, mean: float, deviation: float) -> numpy.ndarray:
        values = self.rng.standard_normal((self.n, 1, 1), dtype=numpy.float32)
        return mean + deviation * numpy.clip(values, -2.5, 2.5)

    def chance(self, probability: float) -> numpy.ndarray:
        """1 in that part of the pictures, 0 in the others."""
        return (self.rng.random((self.n, 1, 1)) < probability).astype(numpy.float32)


def coverage(distance: numpy.ndarray, softness: float = 1.0) -> numpy.ndarray:
    """How much of each pixel a shape covers: 1 inside, 0 outside, soft at the edge."""
    return numpy.clip(0.5 - distance / softness, 0, 1)


def to_segment(
    x: numpy.ndarray,
    y: numpy.ndarray,
    start: tuple[Any, Any],
    end: tuple[Any, Any],
) -> numpy.ndarray:
    """The distance of each place to the straight line between two points, numbers or arrays."""
    along_x, along_y = end[0] - start[0], end[1] - start[1]
    x, y = x - start[0], y - start[1]
    length = along_x * along_x + along_y * along_y + 1e-6
    part = numpy.clip(x * (along_x / length) + y * (along_y / length), 0, 1)
    return numpy.hypot(x - part * along_x, y - part * along_y)


def box(
    x: numpy.ndarray, y: numpy.ndarray, half_width: Any, half_height: Any, corner: Any = 0.0
) -> numpy.ndarray:
    """The signed distance to a box about (0, 0); corner: the radius of its corners."""
    beyond_x = numpy.abs(x) - (half_width - corner)
    beyond_y = numpy.abs(y) - (half_height - corner)
    outside = numpy.hypot(numpy.maximum(beyond_x, 0), numpy.maximum(beyond_y, 0))
    return outside + numpy.minimum(numpy.maximum(beyond_x, beyond_y), 0) - corner


def ellipse(x: numpy.ndarray, y: numpy.ndarray, half_width: Any, half_height: Any) -> numpy.ndarray:
    """The signed distance to an ellipse about (0, 0), to first order: right near its outline.

    With g = |(x / a, y / b)|, which is 1 on the ellipse, it is about (g - 1) / |gradient of g|.
    """
    u, v = x / half_width, y / half_height
    level = numpy.sqrt(u * u + v * v)
    u, v = u / half_width, v / half_height
    return level * (level - 1) / (numpy.sqrt(u * u + v * v) + 1e-6)


def smooth_minimum(one: numpy.ndarray, other: numpy.ndarray, width: float) -> numpy.ndarray:
    """Both shapes as one, without a crease where they meet; width: how far the seam is smoothed."""
    near = numpy.clip(0.5 + (other - one) / (2 * width), 0, 1)
    return other + (one - other) * near - width * near * (1 - near)
