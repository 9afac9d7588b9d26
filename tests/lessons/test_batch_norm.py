"""What the lesson batch_norm computes by hand, against tinynet's own layer and closed forms."""

from __future__ import annotations

import numpy
import pytest

import tinynet as tn
from lessons import parts
from tinynet.layers import Activation, BatchNormalization, Dense

lesson = parts("batch_norm")


def test_it_normalizes_as_the_layer_does(rng):
    x = rng.standard_normal((20, 7), dtype=numpy.float32) * 3 + 2
    gamma, beta = rng.standard_normal((2, 7), dtype=numpy.float32)
    layer = BatchNormalization().build((7,))
    layer.gamma.data[...], layer.beta.data[...] = gamma, beta
    by_hand = lesson.normalize(x, gamma, beta)
    numpy.testing.assert_allclose(layer(tn.Tensor(x)).numpy(), by_hand, rtol=1e-4, atol=1e-5)


def test_mean_is_beta_and_standard_deviation_gamma():
    y = lesson.normalize(numpy.array([1.0, 3.0, 5.0, 7.0]), 2.0, 10.0)
    assert y.mean() == pytest.approx(10) and y.std() == pytest.approx(2 * (5 / 5.001) ** 0.5)
    assert lesson.normalize(numpy.array([3.0, 3.0])).tolist() == [0, 0]


def test_ten_times_the_weights_give_the_same_output_and_a_tenth_of_the_gradient(rng):
    x, w = tn.Tensor(rng.standard_normal((30, 5))), rng.standard_normal((5, 3))
    outputs, gradients = [], []
    for factor in (1, 10):
        weights = tn.Tensor(factor * w, requires_grad=True)
        y = lesson.normalize(x @ weights, epsilon=1e-12)
        (y**3).mean().backward()
        outputs.append(y.numpy())
        gradients.append(weights.grad)
    numpy.testing.assert_allclose(outputs[1], outputs[0], rtol=1e-8)
    numpy.testing.assert_allclose(10 * gradients[1], gradients[0], rtol=1e-6)


def test_the_network_has_batch_norm_before_each_activation():
    layers = lesson.network(True, layers=3).layers[1:-1]
    kinds = [type(layer) for layer in layers]
    assert kinds == 3 * [Dense, BatchNormalization, Activation]
    assert BatchNormalization not in map(type, lesson.network(False, layers=3).layers)


def test_the_factor_multiplies_weights_only():
    usual, large = lesson.network(True, layers=2), lesson.network(True, 3.0, layers=2)
    for a, b in zip(usual.parameters(), large.parameters(), strict=True):
        factor = 3 if a.ndim == 2 else 1
        numpy.testing.assert_allclose(b.numpy(), factor * a.numpy(), rtol=1e-6)
