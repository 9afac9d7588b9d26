"""Points from known distributions: held to their densities and formulas."""

from __future__ import annotations

import math
import re
from statistics import NormalDist

import numpy
import pytest

from tinynet.data import rings, spiral, two_humps, two_humps_density

GENERATORS = {
    "two_humps": (two_humps, 1),
    "rings": (lambda *given: rings(*given)[0], 2),
    "spiral": (spiral, 2),
}
every_generator = pytest.mark.parametrize(("draw", "D"), GENERATORS.values(), ids=GENERATORS)


def seeded(seed: int) -> numpy.random.Generator:
    return numpy.random.default_rng(seed)


@every_generator
@pytest.mark.parametrize("count", [0, 1, numpy.int64(7)])
def test_points_have_their_form(draw, D, count, rng):
    points = draw(count, rng)
    assert (points.shape, points.dtype) == ((count, D), numpy.float32)


@every_generator
def test_the_same_seed_draws_the_same_points(draw, D):
    one, same, other = (draw(30, seeded(seed)).tobytes() for seed in (1, 1, 2))
    assert one == same != other


# -- two humps -------------------------------------------------------------------------------------


def test_the_density_is_that_of_two_gaussians(rng):
    x = rng.uniform(-4, 5, (3, 4))
    one, other = NormalDist(-1, 0.5), NormalDist(1.2, 0.8)
    for given in (x, x.tolist()):
        p = two_humps_density(given)
        assert p.shape == x.shape
        for at, found in zip(x.flat, p.flat, strict=True):
            assert found == pytest.approx(0.6 * one.pdf(at) + 0.4 * other.pdf(at), rel=1e-12)
    assert two_humps_density(x.astype(numpy.float32)).dtype == numpy.float32


def test_the_samples_have_the_shares_that_the_density_says():
    """In none of 30 bins is the count more than 4.5 standard deviations off."""
    N, edges = 100_000, numpy.linspace(-3, 4, 31)
    counts, _ = numpy.histogram(two_humps(N, seeded(0)), edges)
    one, other = NormalDist(-1, 0.5), NormalDist(1.2, 0.8)
    below = numpy.array([0.6 * one.cdf(e) + 0.4 * other.cdf(e) for e in edges])
    p = numpy.diff(below)
    assert (numpy.abs(counts - N * p) < 4.5 * numpy.sqrt(N * p * (1 - p))).all()


def test_the_samples_have_the_mean_and_variance_that_are_said():
    x = two_humps(200_000, seeded(1)).astype(float)
    assert x.mean() == pytest.approx(-0.12, abs=4 * math.sqrt(1.5676 / len(x)))
    assert x.var() == pytest.approx(1.5676, abs=0.02)


# -- rings -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("clusters", "radius"), [(8, 2.0), (6, 0.5), (1, 3)])
def test_without_spread_the_points_are_the_middles_of_the_gaussians(clusters, radius, rng):
    points, cluster = rings(200, rng, clusters, radius, 0)
    assert cluster.dtype == numpy.int64 and set(cluster.tolist()) == set(range(clusters))
    for (x, y), k in zip(points, cluster, strict=True):
        a = 2 * math.pi * k / clusters
        assert (x, y) == pytest.approx((radius * math.cos(a), radius * math.sin(a)), abs=1e-6)


def test_the_gaussians_are_equally_likely_and_equally_wide():
    points, cluster = rings(40_000, seeded(2))
    counts = numpy.bincount(cluster, minlength=8)
    assert (numpy.abs(counts - 5000) < 4.5 * math.sqrt(40_000 * 7 / 64)).all()
    assert numpy.hypot(*points.T).mean() == pytest.approx(2, abs=0.01)  # the default radius
    for k in range(8):
        ours = points[cluster == k].astype(float)
        numpy.testing.assert_allclose(numpy.cov(ours.T), 0.01 * numpy.eye(2), atol=1e-3)
    wide, cluster = rings(40_000, seeded(2), spread=0.3)
    assert wide[cluster == 0].std(axis=0) == pytest.approx([0.3, 0.3], rel=0.05)


# -- spiral ----------------------------------------------------------------------------------------


def test_without_noise_the_points_are_on_the_arm_evenly_in_the_angle():
    points = spiral(20_000, seeded(3), spread=0).astype(float)
    t = 7 * numpy.hypot(*points.T)
    numpy.testing.assert_allclose(points.T, t / 7 * [numpy.cos(t), numpy.sin(t)], atol=1e-5)
    part = numpy.sort((t / math.pi - 1.5) / 3)  # uniform in [0, 1]
    even = (numpy.arange(20_000) + 0.5) / 20_000
    assert numpy.abs(part - even).max() < 2 / math.sqrt(20_000)  # Kolmogorov: 1 in 1,500


@pytest.mark.parametrize(("given", "spread"), [((), 0.03), ((0.2,), 0.2)])
def test_the_noise_has_its_spread_in_both_directions(given, spread):
    arm, noisy = spiral(20_000, seeded(4), 0), spiral(20_000, seeded(4), *given)
    noise = noisy.astype(float) - arm
    numpy.testing.assert_allclose(noise.std(axis=0), spread, rtol=0.03)
    assert abs(numpy.corrcoef(noise.T)[0, 1]) < 0.03


# -- what they refuse ------------------------------------------------------------------------------

RNG = numpy.random.default_rng(0)
COUNT = "count must be a whole number of at least 0, received"
NO_RNG = "rng is int. Give a generator, numpy.random.default_rng(0)."
SPREAD = "spread must be at least 0 and finite, received"
TABLE = {
    "fewer than none": (lambda: two_humps(-1, RNG), ValueError, f"two_humps: {COUNT} -1."),
    "half a point": (lambda: rings(0.5, RNG), ValueError, f"rings: {COUNT} 0.5."),
    "a count of words": (lambda: spiral("8", RNG), ValueError, f"spiral: {COUNT} '8'."),
    "a seed for two humps": (lambda: two_humps(1, 0), TypeError, f"two_humps: {NO_RNG}"),
    "a seed for rings": (lambda: rings(1, 0), TypeError, f"rings: {NO_RNG}"),
    "a seed for a spiral": (lambda: spiral(1, 0), TypeError, f"spiral: {NO_RNG}"),
    "no clusters": (
        lambda: rings(1, RNG, clusters=0),
        ValueError,
        "rings: clusters must be a whole number of at least 1, received 0.",
    ),
    "a ring without a radius": (
        lambda: rings(1, RNG, radius=0),
        ValueError,
        "rings: radius must be positive and finite, received 0.",
    ),
    "a negative spread": (lambda: rings(1, RNG, spread=-1), ValueError, f"rings: {SPREAD} -1."),
    "noise of NaN": (lambda: spiral(1, RNG, math.nan), ValueError, f"spiral: {SPREAD} nan."),
}


@pytest.mark.parametrize("name", TABLE)
def test_what_cannot_be_drawn_is_refused(name):
    call, error, message = TABLE[name]
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        call()
