"""Points drawn from distributions that are known: what a generator learns can be held to them."""

from __future__ import annotations

import math
from typing import Any

import numpy

from ...messages.arguments import AT_LEAST_0, POSITIVE, generator, number, whole


def two_humps(count: int, rng: numpy.random.Generator) -> numpy.ndarray:
    """Samples of the density two_humps_density.  -> (count, 1), float32

    Six in ten are drawn from N(-1, 0.5^2), the others from N(1.2, 0.8^2).  The mean is -0.12, the
    variance 1.5676.

    count: at least 0.
    """
    count = whole("two_humps", "count", count, 0)
    second = generator("two_humps", rng).random(count) < 0.4
    mean, deviation = numpy.where(second, 1.2, -1.0), numpy.where(second, 0.8, 0.5)
    return (mean + deviation * rng.standard_normal(count)).astype(numpy.float32)[:, None]


def two_humps_density(x: Any) -> numpy.ndarray:
    """0.6 N(x; -1, 0.5^2) + 0.4 N(x; 1.2, 0.8^2), of which two_humps are samples.  (...) -> (...)

    x: an array or a list of numbers.
    """
    x = numpy.asarray(x)
    return 0.6 * _bell(x, -1.0, 0.5) + 0.4 * _bell(x, 1.2, 0.8)


def _bell(x: numpy.ndarray, mean: float, deviation: float) -> numpy.ndarray:
    return numpy.exp(-(((x - mean) / deviation) ** 2) / 2) / (deviation * math.sqrt(2 * math.pi))


def rings(
    count: int,
    rng: numpy.random.Generator,
    clusters: int = 8,
    radius: float = 2.0,
    spread: float = 0.1,
) -> tuple[numpy.ndarray, numpy.ndarray]:
    """Points of Gaussians that stand in a ring.

    -> points (count, 2), float32;
       clusters (count,), int64: the number of the Gaussian that each was drawn from

    All Gaussians are equally likely.  The middle of Gaussian k is radius (cos a, sin a) with
    a = 2 pi k / clusters, its standard deviation is spread in both directions.

    count: at least 0.  clusters: how many Gaussians, at least 1.  radius: of the ring, above 0.
    spread: at least 0.
    """
    count = whole("rings", "count", count, 0)
    clusters = whole("rings", "clusters", clusters)
    radius = number("rings", "radius", radius, POSITIVE)
    spread = number("rings", "spread", spread, AT_LEAST_0)
    cluster = generator("rings", rng).integers(0, clusters, count)
    angle = 2 * math.pi * cluster / clusters
    middle = radius * numpy.stack([numpy.cos(angle), numpy.sin(angle)], axis=1)
    points = middle + spread * rng.standard_normal((count, 2))
    return points.astype(numpy.float32), cluster


def spiral(count: int, rng: numpy.random.Generator, spread: float = 0.03) -> numpy.ndarray:
    """Points along one arm of a spiral.  -> (count, 2), float32

    The arm is (t cos t, t sin t) / 7, where t is uniform in [1.5 pi, 4.5 pi]: one and a half turns,
    at a distance of 0.67 to 2.02 from the middle.  Gaussian noise is added.

    count: at least 0.  spread: the standard deviation of the noise in both directions, at least 0.
    """
    count = whole("spiral", "count", count, 0)
    spread = number("spiral", "spread", spread, AT_LEAST_0)
    t = 1.5 * math.pi * (1 + 2 * generator("spiral", rng).random(count))
    arm = numpy.stack([t * numpy.cos(t), t * numpy.sin(t)], axis=1) / 7
    return (arm + spread * rng.standard_normal((count, 2))).astype(numpy.float32)
