"""Metrics of two samples: how far the distribution of one is from that of the other.

Each is computed from the examples at hand.  So it is above 0 for two samples of one distribution
too, and the more so the fewer they are: compare it with the value for two samples of the data.
"""

from __future__ import annotations

from typing import Any

import numpy

from ..devices.cpu.blas import one_blas_thread
from ..messages.arguments import shown
from .checks import as_examples, as_line, of_all, on_host

PIECE = 1 << 18  # distances at once: 2 MiB, however many examples there are
POINTS = 100  # in each bin, at which a density is read


@of_all
def energy_distance(a: Any, b: Any) -> float:
    """2 mean |x - y| - mean |x - x'| - mean |y - y'|, over all pairs.  (N, D), (M, D) -> float

    x and x' go through the examples of a, y and y' through those of b, and |.| is the length.  It
    is never negative, and 0 if and only if every example has the same share in both.  In one
    dimension it is 2 integral (F - G)^2 of the cumulative shares F and G.

    As an estimate for the distributions that the samples come from it is too large: an example is
    paired with itself too, at distance 0.  On average that adds E|x - x'| / N + E|y - y'| / M, and
    this is all that is left where the distributions are equal.  (Without those pairs it would be
    right on average, and sometimes negative.)

    a, b: of equal D.  ValueError for other shapes, no examples, NaN or infinity.  Source: Székely
    and Rizzo, "Energy statistics: A class of statistics based on distances", 2013.  The function
    scipy.stats.energy_distance gives its square root.
    """
    x, y = _two_samples("energy_distance", a, b)
    middle = x.mean(axis=0)
    x, y = x - middle, y - middle  # small numbers lose less in the difference of squares below
    with one_blas_thread:  # the same bits with any number of threads
        both = 2 * _mean_distance(x, y) - _mean_distance(x, x) - _mean_distance(y, y)
    return max(0.0, both)  # rounding


def _mean_distance(x: numpy.ndarray, y: numpy.ndarray) -> float:
    """The mean length of x_i - y_j, by |x - y|^2 = |x|^2 + |y|^2 - 2 x y.  (N, D), (M, D)"""
    squares, total = numpy.square(y).sum(axis=1), 0.0
    rows = max(1, PIECE // len(y))
    for start in range(0, len(x), rows):
        part = x[start : start + rows]
        squared = numpy.square(part).sum(axis=1, keepdims=True) + squares - 2 * part @ y.T
        total += float(numpy.sqrt(squared.clip(0)).sum())  # (rows, M); rounding may leave -1e-16
    return total / (len(x) * len(y))


def total_variation(a: Any, b: Any, edges: Any) -> float:
    """1/2 sum over bins |share of a - share of b|, in one dimension.  (N,), (M,) -> float

    It is in [0, 1]: the most by which the two disagree about the probability of a set of bins.
    Whatever lies outside the edges is one more bin.

        tn.metrics.total_variation(x, tn.data.two_humps_density, numpy.linspace(-4, 5, 46))

    a: a sample, (N,) or (N, 1).
    b: another sample, (M,) or (M, 1); or a density, a function (...) -> (...) of NumPy arrays.  Its
        share is its integral over the bin, by the values at 100 points of each.
    edges: of the bins, (bins + 1,), rising.  A number on an edge belongs to the bin on its right,
        one on the last edge to the last bin.

    Wide bins hide differences, narrow ones count noise: between a sample and its own density it is
    about 0.4 sqrt(bins / N), or less where some bins are nearly empty.

    ValueError for other shapes, no examples, NaN or infinity, edges that do not rise, or a function
    that is no density.
    """
    where = "total_variation"
    edges = on_host(where, "edges", edges)
    if edges.ndim != 1 or len(edges) < 2 or not (numpy.diff(edges) > 0).all():  # NaN too
        raise ValueError(
            f"{where}: edges must be rising numbers, at least two, received {shown(edges)}. Give "
            "the borders of the bins, numpy.linspace(-4, 4, 41) for 40 of them."
        )
    share = _share(as_line(where, "a", a), edges)
    other = _integral(where, b, edges) if callable(b) else _share(as_line(where, "b", b), edges)
    inside = share - other
    outside = -inside.sum()  # as all shares of a, and all of b, have the sum 1
    return float(numpy.abs(inside).sum() + abs(outside)) / 2


def _share(x: numpy.ndarray, edges: numpy.ndarray) -> numpy.ndarray:
    return numpy.histogram(x, edges)[0] / len(x)


def _integral(where: str, density: Any, edges: numpy.ndarray) -> numpy.ndarray:
    width = numpy.diff(edges)[:, None] / POINTS
    x = edges[:-1, None] + width * (numpy.arange(POINTS) + 0.5)  # (bins, POINTS)
    p = on_host(where, "b(x)", density(x))
    if p.shape != x.shape:
        raise ValueError(
            f"{where}: b gives {p.shape} for x {x.shape}. Give a density that keeps the shape."
        )
    if not ((p >= 0).all() and (p * width).sum() < 1.001):  # NaN too
        raise ValueError(
            f"{where}: b must be a density, at least 0 and of integral 1 at most; it goes down to "
            f"{p.min():g}, its integral between the edges is {(p * width).sum():g}. Divide it by "
            "its integral, or give narrower bins."
        )
    return (p * width).sum(axis=1)


@of_all
def frechet(a: Any, b: Any) -> float:
    """|mean_a - mean_b|^2 + tr(C_a + C_b - 2 (C_a C_b)^(1/2)).  (N, D), (M, D) -> float

    The Fréchet distance of the Gaussians that have the means and covariances C (divided by N - 1)
    of the two samples, squared.  It sees nothing but means and covariances.

    a, b: features of examples, of equal D, such as a hidden layer of a classifier gives.  The value
        depends on them: only numbers from the same features compare.  With those of the network
        Inception it is the "FID".  It also depends on how many examples there are: the fewer, the
        larger on average.  So compare equally many, and print the value of two samples of the data.

    ValueError for other shapes, not more examples than features (a covariance then has directions
    without any spread), NaN or infinity.  Sources: Dowson and Landau, "The Fréchet distance between
    multivariate normal distributions", 1982; Heusel and others, "GANs trained by a two time-scale
    update rule converge to a local Nash equilibrium", 2017.
    """
    x, y = _two_samples("frechet", a, b)
    for name, sample in (("a", x), ("b", y)):
        if len(sample) <= sample.shape[1]:
            raise ValueError(
                f"frechet: {name} has {len(sample)} examples and {sample.shape[1]} features, and a "
                "covariance needs more examples than features. Give more examples, or fewer "
                "features."
            )
    apart = x.mean(axis=0) - y.mean(axis=0)
    with one_blas_thread:
        root_a, root_b = _root(x), _root(y)
        # C_a C_b = Ra' Ra Rb' Rb has the eigenvalues of (Ra Rb') (Ra Rb')', which are the squares
        # of the singular values of Ra Rb'.  So the trace of its root is the sum of these values.
        shared = numpy.linalg.norm(root_a @ root_b.T, "nuc")
    spread = numpy.square(root_a).sum() + numpy.square(root_b).sum() - 2 * shared
    return float(numpy.square(apart).sum() + max(0.0, spread))  # rounding


def _root(x: numpy.ndarray) -> numpy.ndarray:
    """R (D, D) with R' R = the covariance of x (N, D)"""
    return numpy.linalg.qr(x - x.mean(axis=0), mode="r") / numpy.sqrt(len(x) - 1)


def _two_samples(where: str, a: Any, b: Any) -> tuple[numpy.ndarray, numpy.ndarray]:
    x, y = as_examples(where, "a", a), as_examples(where, "b", b)
    if x.shape[1] != y.shape[1]:
        raise ValueError(
            f"{where}: a {x.shape} and b {y.shape} must have equally many columns. Give the same "
            "features of both."
        )
    return x, y
