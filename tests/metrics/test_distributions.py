"""Distances of two samples: by hand, by loops, and by closed forms of Gaussians."""

from __future__ import annotations

import itertools
import math
import re
import tracemalloc
from statistics import NormalDist

import numpy
import pytest

import tinynet as tn
from tinynet.metrics import distributions, energy_distance, frechet, total_variation


def forms(x, device):
    """The same numbers as what a metric may be given."""
    tensor = tn.Tensor(x, requires_grad=True).to(device)
    return [x, x.tolist(), tensor, tensor.data]


# -- the energy distance ---------------------------------------------------------------------------


def by_loops(a, b):
    def mean(u, v):
        return math.fsum(math.dist(x, y) for x in u for y in v) / (len(u) * len(v))

    return 2 * mean(a, b) - mean(a, a) - mean(b, b)


def test_the_energy_distance_by_hand(device):
    """a: 0 and 3 on a line, b: 3 alone.  2 (3 + 0) / 2 - (0 + 3 + 3 + 0) / 4 - 0 = 1.5"""
    a, b = numpy.float32([[0], [3]]), numpy.float32([[3]])
    for given in forms(a, device):
        assert energy_distance(given, b) == energy_distance(b, given) == 1.5
    assert type(energy_distance(a, b)) is float
    assert energy_distance([[0, 0]], [[3, 4]]) == 10  # of two points: twice their distance


@pytest.mark.parametrize(("N", "M", "D"), [(1, 1, 3), (5, 8, 1), (13, 6, 2), (7, 7, 10)])
@pytest.mark.parametrize("piece", [1, 20, distributions.PIECE])
def test_the_energy_distance_goes_through_all_pairs(N, M, D, piece, rng, monkeypatch):
    monkeypatch.setattr(distributions, "PIECE", piece)
    a, b = rng.normal(size=(N, D)), rng.normal(1, 2, (M, D))
    assert energy_distance(a, b) == pytest.approx(by_loops(a, b), rel=1e-8)


def test_in_one_dimension_it_is_twice_the_squared_difference_of_the_cumulative_shares(rng):
    a, b = rng.normal(size=20), rng.normal(0.5, 2, 31)
    steps = numpy.sort([*a, *b])
    F, G = (numpy.searchsorted(numpy.sort(x), steps, "right") / len(x) for x in (a, b))
    right = 2 * (numpy.square(F - G)[:-1] * numpy.diff(steps)).sum()
    assert energy_distance(a[:, None], b[:, None]) == pytest.approx(right, rel=1e-8)


def test_of_equal_distributions_it_is_as_large_as_the_docstring_says():
    """The mean over all samples, 3 and 2, of a fair coin, for which E|x - x'| = 1/2."""
    values = []
    for coins in itertools.product([0.0, 1.0], repeat=5):
        sample = numpy.reshape(coins, (5, 1))
        values.append(energy_distance(sample[:3], sample[3:]))
    assert numpy.mean(values) == pytest.approx(0.5 / 3 + 0.5 / 2)


def test_equal_shares_have_no_distance_and_rounding_never_makes_it_negative(rng):
    for _ in range(20):
        a = rng.normal(size=(50, 3))
        assert energy_distance(a, a) == 0
        mixed = rng.permutation(numpy.concatenate([a, a]))  # twice as often, in another order
        assert 0 <= energy_distance(a, mixed) < 1e-8


def test_far_from_the_origin_it_is_the_same(rng):
    a, b = rng.normal(size=(30, 2)), rng.normal(1, 1, (40, 2))
    assert energy_distance(a + 1e6, b + 1e6) == pytest.approx(energy_distance(a, b), rel=1e-8)


def test_the_energy_distance_takes_memory_for_a_piece_alone(rng):
    a = rng.normal(size=(3000, 2))
    tracemalloc.start()
    energy_distance(a, a + 1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 * 8 * distributions.PIECE < 8 * len(a) ** 2  # bytes; all pairs would be 72 MB


# -- total variation -------------------------------------------------------------------------------

EDGES = [0, 1, 2]
A, B = numpy.float32([0.5, 1.5, 1.7, 9]), numpy.float32([0.1, 0.9, 1, -3])


def uniform(x):
    """The density 1 on [0, 1)"""
    return ((x >= 0) & (x < 1)).astype(float)


def test_total_variation_by_hand(device):
    """Shares 1/4, 1/2 and outside 1/4; 1/2, 1/4 and outside 1/4."""
    for a, b in zip(forms(A, device), forms(B[:, None], device), strict=True):
        assert total_variation(a, b, EDGES) == total_variation(b, a, EDGES) == 0.25
    assert type(total_variation(A, B, tn.Tensor(EDGES))) is float
    assert total_variation([0.5], [1.5], EDGES) == 1
    assert total_variation([0.5], [5], EDGES) == 1  # outside is a bin too
    assert total_variation([0.5, 0.7], [0.1], EDGES) == 0  # what one bin hides
    assert total_variation([2], [1], EDGES) == 0  # the last edge belongs to the last bin


def test_it_is_the_most_by_which_the_probability_of_a_set_of_bins_differs(rng):
    edges = numpy.linspace(-1, 2, 6)
    a, b = rng.normal(0, 1, 40), rng.normal(0.5, 1, 70)

    def shares(x):
        inside = [numpy.mean((low <= x) & (x < high)) for low, high in itertools.pairwise(edges)]
        return [*inside, 1 - sum(inside)]

    p, q = shares(a), shares(b)
    most = max(
        sum(p[k] - q[k] for k in chosen)
        for size in range(7)
        for chosen in itertools.combinations(range(6), size)
    )
    assert total_variation(a, b, edges) == pytest.approx(most, abs=1e-12)


def test_the_integral_of_a_density_is_its_share():
    half = numpy.linspace(0, 0.499, 50)
    assert total_variation(half, uniform, [0, 0.5, 1]) == pytest.approx(0.5)
    assert total_variation(half, uniform, [0, 1]) == pytest.approx(0)
    assert total_variation(half, uniform, [0.5, 0.75]) == pytest.approx(0.25)  # nothing for 1/4
    assert total_variation(half + 7, uniform, [0, 1, 2]) == pytest.approx(1)
    rising = lambda x: 2 * x  # 1/4 lies in [0, 0.5)
    assert total_variation([0.2, 0.7, 0.8, 0.9], rising, [0, 0.5, 1]) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("shift", [0, 0.5, 2])
def test_of_two_gaussians_it_is_an_error_function(shift):
    """TV(N(0, 1), N(m, 1)) = erf(m / sqrt 8).  The sample: 10,000 quantiles of N(0, 1)."""
    bell = NormalDist()
    x = [bell.inv_cdf((i + 0.5) / 10_000) for i in range(10_000)]
    edges = numpy.linspace(-6, 8, 141)  # the densities cross at m / 2, which is an edge
    other = lambda x: numpy.exp(-((x - shift) ** 2) / 2) / math.sqrt(2 * math.pi)
    right = math.erf(shift / math.sqrt(8))
    assert total_variation(x, other, edges) == pytest.approx(right, abs=0.004)


@pytest.mark.parametrize(("bins", "N"), [(10, 1000), (50, 5000)])
def test_noise_is_as_large_as_the_docstring_says(bins, N, rng):
    edges = numpy.linspace(0, 1, bins + 1)
    values = [total_variation(rng.random(N), uniform, edges) for _ in range(100)]
    assert numpy.mean(values) == pytest.approx(0.4 * math.sqrt(bins / N), rel=0.1)


def test_samples_of_the_two_humps_are_near_to_their_density(rng):
    x = tn.data.two_humps(20_000, rng)
    found = total_variation(x, tn.data.two_humps_density, numpy.linspace(-4, 5, 61))
    assert found < 0.4 * math.sqrt(60 / 20_000)


# -- the Fréchet distance --------------------------------------------------------------------------


def sample(mean, covariance, rng, N=40):
    """N points of exactly this mean and covariance."""
    x = rng.normal(size=(N, len(mean)))
    x -= x.mean(axis=0)
    white = x @ numpy.linalg.inv(numpy.linalg.cholesky(x.T @ x / (N - 1))).T
    values, vectors = numpy.linalg.eigh(covariance)
    return white @ (vectors * numpy.sqrt(values.clip(0))).T + mean


def turn(D, rng):
    return numpy.linalg.qr(rng.normal(size=(D, D)))[0]


def test_the_frechet_distance_by_hand(device):
    """In one dimension (mean - mean)^2 + (deviation - deviation)^2, the variance over N - 1."""
    a, b = numpy.float32([[-1], [0], [1]]), numpy.float32([[2], [5], [8]])
    for given in forms(a, device):
        assert frechet(given, b) == frechet(b, given) == pytest.approx(5**2 + (3 - 1) ** 2)
    assert type(frechet(a, b)) is float


def test_gaussians_along_the_same_axes(rng):
    """Of covariances with common axes: the squares of the differences of the deviations."""
    Q, s, t = turn(4, rng), numpy.array([3, 1, 0.5, 2]), numpy.array([1, 1, 2, 0.1])
    mean = numpy.array([1.0, -2, 0, 0.5])
    a = sample(mean, Q @ numpy.diag(s**2) @ Q.T, rng)
    b = sample(0 * mean, Q @ numpy.diag(t**2) @ Q.T, rng, N=60)
    right = (mean**2).sum() + ((s - t) ** 2).sum()
    assert [frechet(a, b), frechet(b, a)] == pytest.approx([right, right], rel=1e-10)


def test_gaussians_across_each_other(rng):
    """Of 2 x 2 matrices, tr (C^1/2) = sqrt(tr C + 2 sqrt(det C))."""
    A, B = numpy.array([[4, 1], [1, 1]]), numpy.array([[1, -0.9], [-0.9, 2]])
    root = math.sqrt(numpy.trace(A @ B) + 2 * math.sqrt(numpy.linalg.det(A @ B)))
    found = frechet(sample([0, 0], A, rng), sample([0, 0], B, rng))
    assert found == pytest.approx(numpy.trace(A + B) - 2 * root, rel=1e-10)


def test_it_is_the_formula_by_eigenvalues(rng):
    a, b = rng.normal(size=(50, 6)) @ turn(6, rng), rng.gamma(2, size=(30, 6))

    def root(C):
        values, vectors = numpy.linalg.eigh(C)
        return vectors @ numpy.diag(numpy.sqrt(values)) @ vectors.T

    A, B = numpy.cov(a.T), numpy.cov(b.T)
    right = ((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum()
    right += numpy.trace(A + B - 2 * root(root(A) @ B @ root(A)))
    assert frechet(a, b) == pytest.approx(right, rel=1e-10)


def test_the_same_features_have_no_distance(rng):
    for _ in range(20):
        a = rng.normal(size=(30, 5)) @ turn(5, rng)
        assert 0 <= frechet(a, rng.permutation(a)) < 1e-12
        assert frechet(a, a + 1) == pytest.approx(5)


def test_a_feature_without_spread_is_no_obstacle(rng):
    flat = sample([0, 1, 5], numpy.diag([4.0, 1, 0]), rng)
    assert frechet(flat, sample([0, 1, 5], numpy.diag([1.0, 1, 9]), rng)) == pytest.approx(10)


def test_fewer_examples_are_further_apart(rng):
    """Of one distribution, so 0 would be right."""
    mean = {
        N: numpy.mean([frechet(*rng.normal(size=(2, N, 5))) for _ in range(30)]) for N in (20, 200)
    }
    assert mean[20] > 5 * mean[200] > 0


# -- in training, and what they refuse -------------------------------------------------------------


@pytest.mark.parametrize("metric", [energy_distance, frechet])
def test_evaluate_gives_that_of_all_examples_and_not_the_mean_of_batches(metric, rng):
    x, target = rng.normal(size=(2, 70, 2)).astype(numpy.float32)
    model = tn.Sequential([tn.layers.Dense(2)], input_shape=(2,), rng=rng)
    seen = tn.evaluate(model, tn.data.batches(x, target, size=32), tn.mse, [metric])[
        metric.__name__
    ]
    assert seen == pytest.approx(metric(tn.predict(model, x), target), rel=1e-6)


X = numpy.ones((4, 3))
NAN = numpy.array([[0.0, 1, 2], [numpy.nan, 1, 2]])
DOCTOR = "holds NaN or infinity. Find out where it comes from with tn.doctor()."
MANY = "and a covariance needs more examples than features. Give more examples, or fewer features."
RISE = "Give the borders of the bins, numpy.linspace(-4, 4, 41) for 40 of them."
DENSITY = (
    "total_variation: b must be a density, at least 0 and of integral 1 at most; it goes down to "
    "{}, its integral between the edges is {}. Divide it by its integral, or give narrower bins."
)
TABLE = {
    "numbers for examples": (
        lambda: energy_distance([1.0, 2], X),
        "energy_distance: a must be (N, D), a row of numbers for each example, received (2,). "
        "Reshape it: x.reshape(len(x), -1).",
    ),
    "pictures for features": (
        lambda: frechet(X, numpy.zeros((9, 2, 2))),
        "frechet: b must be (N, D), a row of numbers for each example, received (9, 2, 2). "
        "Reshape it: x.reshape(len(x), -1).",
    ),
    "other features": (
        lambda: energy_distance(X, X[:, :2]),
        "energy_distance: a (4, 3) and b (4, 2) must have equally many columns. Give the same "
        "features of both.",
    ),
    "no examples": (
        lambda: energy_distance(X, X[:0]),
        "energy_distance: b is empty. Give at least one example.",
    ),
    "NaN": (lambda: energy_distance(NAN, X), f"energy_distance: a {DOCTOR}"),
    "infinite features": (lambda: frechet(X, X * math.inf), f"frechet: b {DOCTOR}"),
    "as many examples as features": (
        lambda: frechet(X[:3], X),
        f"frechet: a has 3 examples and 3 features, {MANY}",
    ),
    "fewer examples than features": (
        lambda: frechet(X, X[:2]),
        f"frechet: b has 2 examples and 3 features, {MANY}",
    ),
    "points for numbers": (
        lambda: total_variation(X, B, EDGES),
        "total_variation: a must be (N,) or (N, 1), one number each, received (4, 3). Choose one "
        "column.",
    ),
    "no numbers": (
        lambda: total_variation(A, [], EDGES),
        "total_variation: b is empty. Give at least one example.",
    ),
    "infinity": (
        lambda: total_variation([math.inf], uniform, EDGES),
        f"total_variation: a {DOCTOR}",
    ),
    "a number of bins for edges": (
        lambda: total_variation(A, B, 10),
        f"total_variation: edges must be rising numbers, at least two, received array(10). {RISE}",
    ),
    "edges that fall": (
        lambda: total_variation(A, B, [1, 0]),
        "total_variation: edges must be rising numbers, at least two, received array([1, 0]). "
        + RISE,
    ),
    "one edge": (
        lambda: total_variation(A, B, [1]),
        f"total_variation: edges must be rising numbers, at least two, received array([1]). {RISE}",
    ),
    "a density of one number": (
        lambda: total_variation(A, lambda x: 0.5, EDGES),
        "total_variation: b gives () for x (2, 100). Give a density that keeps the shape.",
    ),
    "a density that is too large": (
        lambda: total_variation(A, lambda x: 0 * x + 0.75, EDGES),
        DENSITY.format("0.75", "1.5"),
    ),
    "a negative density": (
        lambda: total_variation(A, lambda x: 0 * x - 0.5, EDGES),
        DENSITY.format("-0.5", "-1"),
    ),
    "a density of NaN": (
        lambda: total_variation(A, lambda x: x * math.nan, EDGES),
        DENSITY.format("nan", "nan"),
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_what_cannot_be_compared_is_refused(name):
    call, message = TABLE[name]
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        call()
