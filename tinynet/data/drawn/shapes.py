"""Shared by the generators of pictures: chunks, random numbers, shapes with soft edges.

A shape is a signed distance: the distance of each pixel from it, negative inside.  Shapes combine
by minimum (union), maximum (intersection) and minus (the outside).  coverage() makes ink of them,
soft at the edge, so that no edge looks like stairs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy

Plane = numpy.ndarray  # (n, H, W), one number for each pixel of each picture

CHUNK = 512  # pictures drawn at once: memory is bounded, and the arrays stay in the cache


def draw_in_chunks(
    count: int,
    rng: numpy.random.Generator,
    shape: tuple[int, int, int],
    draw: Callable[[numpy.ndarray, numpy.random.Generator], numpy.ndarray],
) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Random labels 0 to 9, and their pictures.  -> (count, H, W, C) uint8, (count,) int64

    draw: the labels of a chunk -> its pictures, floats from 0 to 1.
    """
    labels = rng.integers(0, 10, count)
    pictures = numpy.empty((count, *shape), numpy.uint8)
    for start in range(0, count, CHUNK):
        chunk = slice(start, start + CHUNK)
        values = draw(labels[chunk], rng)
        pictures[chunk] = numpy.clip(values, 0, 1) * 255 + 0.5  # truncation rounds to the nearest
    return pictures, labels


class Draw:
    """Random numbers (n, 1, 1), one for each of n pictures, to broadcast over its pixels."""

    def __init__(self, n: int, rng: numpy.random.Generator):
        self.n, self.rng = n, rng

    def between(self, low: float, high: float) -> numpy.ndarray:
        return self.rng.uniform(low, high, (self.n, 1, 1)).astype(numpy.float32)

    def around(self, mean: float, deviation: float) -> numpy.ndarray:
        values = self.rng.standard_normal((self.n, 1, 1), dtype=numpy.float32)
        return mean + deviation * numpy.clip(values, -2.5, 2.5)

    def chance(self, probability: float) -> numpy.ndarray:
        """1 with this probability, otherwise 0."""
        return (self.rng.random((self.n, 1, 1)) < probability).astype(numpy.float32)


def coverage(distance: Plane, softness: float = 1.0) -> Plane:
    """The part of each pixel that a shape covers: 1 inside, 0 outside, soft at the edge."""
    return numpy.clip(0.5 - distance / softness, 0, 1)


def to_segment(x: Plane, y: Plane, start: tuple[Any, Any], end: tuple[Any, Any]) -> Plane:
    """The distance of each place from the segment between two points, numbers or arrays."""
    along_x, along_y = end[0] - start[0], end[1] - start[1]
    x, y = x - start[0], y - start[1]
    length = along_x * along_x + along_y * along_y + 1e-6
    part = numpy.clip(x * (along_x / length) + y * (along_y / length), 0, 1)
    return numpy.hypot(x - part * along_x, y - part * along_y)


def box(x: Plane, y: Plane, half_width: Any, half_height: Any, corner: Any = 0.0) -> Plane:
    """The signed distance from a box around (0, 0).  corner: the radius of its corners."""
    beyond_x = numpy.abs(x) - (half_width - corner)
    beyond_y = numpy.abs(y) - (half_height - corner)
    outside = numpy.hypot(numpy.maximum(beyond_x, 0), numpy.maximum(beyond_y, 0))
    return outside + numpy.minimum(numpy.maximum(beyond_x, beyond_y), 0) - corner


def ellipse(x: Plane, y: Plane, half_width: Any, half_height: Any) -> Plane:
    """The signed distance from an ellipse around (0, 0), to first order: exact at its outline.

    With g = |(x / a, y / b)|, which is 1 on the ellipse, it is about (g - 1) / |gradient of g|.
    """
    u, v = x / half_width, y / half_height
    level = numpy.sqrt(u * u + v * v)
    u, v = u / half_width, v / half_height
    return level * (level - 1) / (numpy.sqrt(u * u + v * v) + 1e-6)


def smooth_minimum(one: Plane, other: Plane, width: float) -> Plane:
    """The union of two shapes, without a crease at the seam.  width: of the smoothed seam."""
    near = numpy.clip(0.5 + (other - one) / (2 * width), 0, 1)
    return other + (one - other) * near - width * near * (1 - near)
