"""Letters drawn by formulas: X and O."""

from __future__ import annotations

import numpy

from ...messages.arguments import AT_LEAST_0, generator, number, whole


def xo(
    count: int, rng: numpy.random.Generator, size: int = 16, noise: float = 0.2
) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Pictures of an X or an O: shifted, shrunk, rotated, thickened, deformed and noisy.

    -> pictures (count, size, size, 1), float32, ink near 1 on paper near -1;
       labels (count,), int64, 0 for X and 1 for O

    count: at least 0.  size: pixels a side, at least 8.  noise: standard deviation of the noise in
    each pixel, at least 0.
    """
    count, size = whole("xo", "count", count, 0), whole("xo", "size", size, 8)
    generator("xo", rng)
    noise = number("xo", "noise", noise, AT_LEAST_0)
    labels = rng.integers(0, 2, count)

    def draw(low: float, high: float) -> numpy.ndarray:  # (count, 1, 1), for (size, size)
        return rng.uniform(low, high, (count, 1, 1)).astype(numpy.float32)

    # Each pixel's place in the coordinates of the letter, which fills the square from -1 to 1:
    # shift, rotation and stretch are applied backwards, so that every pixel finds its place.
    side = numpy.linspace(-1, 1, size, dtype=numpy.float32)
    v, u = side[:, None], side[None, :]
    u, v = u - draw(-0.25, 0.25), v - draw(-0.25, 0.25)
    angle = draw(-0.5, 0.5)  # radians: 29 degrees to either side
    u, v = numpy.cos(angle) * u + numpy.sin(angle) * v, numpy.cos(angle) * v - numpy.sin(angle) * u
    u, v = u / draw(0.45, 0.75), v / draw(0.45, 0.75)
    bend_u, bend_v = draw(-0.25, 0.25), draw(-0.25, 0.25)
    phase_u, phase_v = draw(0, 2 * numpy.pi), draw(0, 2 * numpy.pi)
    u, v = u + bend_u * numpy.sin(2 * v + phase_u), v + bend_v * numpy.sin(2 * u + phase_v)

    x = numpy.minimum(_to_segment(u, v, 1), _to_segment(u, v, -1))
    o = numpy.abs(numpy.hypot(u, v) - 1)
    distance = numpy.where(labels[:, None, None] == 0, x, o)
    ink = numpy.clip(0.5 + (draw(0.15, 0.35) - distance) / 0.2, 0, 1)  # a soft edge
    pictures = 2 * ink - 1 + noise * rng.standard_normal(ink.shape, dtype=numpy.float32)
    return pictures[..., None].astype(numpy.float32), labels


def _to_segment(u: numpy.ndarray, v: numpy.ndarray, slope: int) -> numpy.ndarray:
    """The distance from the diagonal between (-1, -slope) and (1, slope)."""
    along = numpy.clip((u + slope * v) / 2, -1, 1)
    return numpy.hypot(u - along, v - slope * along)
