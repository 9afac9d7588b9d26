"""The mathematics of the lessons regularization and batch_size, against loops and closed forms."""

from __future__ import annotations

import math

import numpy
import pytest

import tinynet as tn
from lessons import parts
from tinynet.layers import Dense, Flatten


@pytest.fixture(scope="module")
def batch_size():
    return parts("batch_size")


@pytest.fixture
def pictures(rng):
    return rng.random((40, 28, 28, 1), dtype=numpy.float32), rng.integers(10, size=40)


@pytest.fixture
def network(rng):
    layers = [Flatten(), Dense(8, activation="relu"), Dense(10)]
    return tn.Sequential(layers, (28, 28, 1), rng)


def test_the_soft_threshold_moves_towards_0_and_stops_there():
    w = numpy.array([0.3, -0.3, 0.05, -0.05, 0.0])
    found = parts("regularization").soft_threshold(w, 0.1)
    numpy.testing.assert_allclose(found, [0.2, -0.2, 0, 0, 0])


def test_the_gradient_of_a_batch_is_the_mean_of_those_of_its_pictures(
    batch_size, network, pictures
):
    x, labels = pictures
    single = [batch_size.gradient(network, x[k : k + 1], labels[k : k + 1]) for k in range(6)]
    whole = batch_size.gradient(network, x[:6], labels[:6])
    numpy.testing.assert_allclose(whole, numpy.mean(single, axis=0), atol=1e-6)


def test_the_noise_is_the_deviation_of_single_gradients_over_the_root_of_the_size(
    batch_size, network, pictures, rng
):
    x, labels = pictures
    each = [batch_size.gradient(network, x[k : k + 1], labels[k : k + 1]) for k in range(40)]
    squares = [((g - numpy.mean(each, axis=0)) ** 2).sum() for g in each]
    for B in (1, 16):
        noise = batch_size.noise(network, x, labels, B, rng, draws=200)
        assert noise == pytest.approx(math.sqrt(numpy.mean(squares) / B), rel=0.15)


def test_one_step_goes_against_the_gradient_by_the_rate(batch_size, pictures):
    x, labels = (part[:1] for part in pictures)  # one picture: every batch is the same
    still, moved = (batch_size.train(x, labels, 4, 0.1, steps, 3) for steps in (0, 1))
    before, after = (numpy.concatenate([w.numpy().ravel() for w in network.parameters()])
                     for network in (still, moved))  # fmt: skip
    expected = before - 0.1 * batch_size.gradient(still, x, labels)
    numpy.testing.assert_allclose(after, expected, atol=1e-6)
