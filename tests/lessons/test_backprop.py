"""The lesson backprop: its chain rule by hand beside finite differences and the engine."""

from __future__ import annotations

import numpy
import pytest

import tinynet as tn
from lessons import parts

backprop = parts("backprop")


def test_gradients_by_hand_are_what_small_changes_say(rng):
    h = 1e-6
    for x, y, w1, w2 in rng.normal(0, 1, (20, 4)):
        _, _, of_w1, of_w2 = backprop.gradients(x, y, w1, w2)

        def loss(w1, w2, x=x, y=y):
            return backprop.forward(x, y, w1, w2)[2]

        by_w1 = (loss(w1 + h, w2) - loss(w1 - h, w2)) / (2 * h)
        by_w2 = (loss(w1, w2 + h) - loss(w1, w2 - h)) / (2 * h)
        assert (of_w1, of_w2) == pytest.approx((by_w1, by_w2), rel=1e-6, abs=1e-8)


def test_the_gradient_of_the_first_weight_is_the_product_of_the_three_bars(rng):
    for numbers in rng.normal(0, 1, (20, 4)):
        of_y_hat, of_z1, of_w1, _ = backprop.gradients(*numbers)
        purple, red, blue = backprop.local_factors(*numbers)
        assert of_y_hat == purple
        assert of_z1 == pytest.approx(purple * red, rel=1e-12)
        assert of_w1 == pytest.approx(purple * red * blue, rel=1e-12)


def test_the_network_of_many_hidden_neurons_is_a_loop_over_them(rng):
    weights, x, y = rng.normal(0, 1, (2, 5)), 0.7, -0.3
    y_hat = sum(w2 / (1 + numpy.exp(-w1 * x)) for w1, w2 in weights.T)
    assert backprop.network_loss(tn.Tensor(weights), x, y).item() == pytest.approx(
        (y_hat - y) ** 2 / 2, rel=1e-12
    )


def test_trying_out_finds_the_derivatives_of_a_cube():
    weights = numpy.array([[1.0, 2.0], [-3.0, 0.5]])
    found = backprop.try_out(lambda w: (w**3).sum(), weights)
    numpy.testing.assert_allclose(found, 3 * weights**2, rtol=1e-8)


def test_a_forward_pass_is_counted_for_each_side_of_each_weight():
    weights, trying, once, off = backprop.count_passes(7)
    assert (weights, trying, once) == (14, 28, 1) and off < 1e-8
