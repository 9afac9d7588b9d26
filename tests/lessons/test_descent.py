"""The lessons on gradient descent and backpropagation: their formulas beside naive loops.

That their claims hold and their figures are drawn is tested with all lessons, in test_lessons.py.
"""

from __future__ import annotations

import itertools
import math

import numpy
import pytest

import tinynet as tn
from lessons.neuron import backprop, gradient_descent
from tinynet.diagnosis import gradcheck as check

# -- gradient descent ------------------------------------------------------------------------------


@pytest.fixture
def data(device):
    return gradient_descent.examples(32, 0, device)


@pytest.mark.parametrize("size", [1, 5, 32])
def test_descend_is_the_slides_algorithm_for_any_batch_size(size, data):
    x, y = (a.numpy().astype(float) for a in data[:2])
    path = gradient_descent.descend(gradient_descent.line, *data[:2], (-1, 4), 0.1, size, 2, seed=3)
    w, rng, step = numpy.array([-1.0, 4.0]), numpy.random.default_rng(3), 0
    for _ in range(2):
        order = rng.permutation(32)
        for start in range(0, 32, size):
            gradient = numpy.zeros(2)
            chosen = order[start : start + size]
            for i in chosen:
                error = w[0] + w[1] * x[i] - y[i]
                gradient += 2 * error * numpy.array([1, x[i]]) / len(chosen)
            w = w - 0.1 * gradient
            step += 1
            numpy.testing.assert_allclose(path[step], w, rtol=2e-5, atol=2e-5)
    assert len(path) == step + 1


def test_many_starts_descend_as_each_would_alone(data):
    starts = numpy.array([[0.5, -1], [2, 0.1], [-1, -1]])
    z, t = data[2:]
    together = gradient_descent.descend(gradient_descent.network, z, t, starts, 0.1, 32, 20)
    for i, start in enumerate(starts):
        alone = gradient_descent.descend(gradient_descent.network, z, t, start, 0.1, 32, 20)
        numpy.testing.assert_allclose(together[:, i], alone, rtol=1e-4, atol=1e-5)


def test_the_loss_of_each_pair_of_weights_is_the_mean_square_over_the_examples(data):
    z, t = (a.numpy().astype(float) for a in data[2:])
    weights = numpy.array([[[0.5, -1], [2, 0.1]], [[-1, -1], [0, 0]]])
    got = gradient_descent.losses(gradient_descent.network, *data[2:], weights)
    for place in numpy.ndindex(2, 2):
        w1, w2 = weights[place]
        expected = sum((w2 * math.tanh(w1 * a) - b) ** 2 for a, b in zip(z, t, strict=True)) / 32
        assert got[place] == pytest.approx(expected, rel=1e-5)


def test_the_mirrored_weights_are_the_same_network(data):
    w = tn.Tensor([1.5, 2.0]).to(data[2].device)
    there, mirrored = (gradient_descent.network(data[2], v).numpy() for v in (w, -w))
    numpy.testing.assert_array_equal(there, mirrored)


def test_the_bowl_has_its_minimum_and_its_curvature_where_numpy_finds_them(data):
    bowl = gradient_descent.bowl(*data[:2])
    x, y = (a.numpy().astype(float) for a in data[:2])
    numpy.testing.assert_allclose(bowl["minimum"], numpy.polyfit(x, y, 1)[::-1], rtol=1e-4)

    def loss(a, b):
        return ((a + b * x - y) ** 2).mean()

    # of a quadratic, second differences are exact at any step
    h_aa = loss(1, 0) - 2 * loss(0, 0) + loss(-1, 0)
    h_bb = loss(0, 1) - 2 * loss(0, 0) + loss(0, -1)
    h_ab = (loss(1, 1) - loss(1, -1) - loss(-1, 1) + loss(-1, -1)) / 4
    largest = numpy.linalg.eigvalsh([[h_aa, h_ab], [h_ab, h_bb]])[-1]
    assert bowl["stable"] == pytest.approx(2 / largest, rel=1e-4)


@pytest.mark.parametrize("share", [0.95, 1.05])
def test_a_step_multiplies_the_distance_along_an_eigenvector_by_1_minus_lr_c(share, data):
    x, y = data[:2]
    bowl = gradient_descent.bowl(x, y)
    rows = numpy.stack([numpy.ones(32), x.numpy()], axis=1)
    steepest = numpy.linalg.eigh(rows.T @ rows)[1][:, -1]
    start = bowl["minimum"] + steepest
    path = gradient_descent.descend(
        gradient_descent.line, x, y, start, share * bowl["stable"], 32, 5
    )
    distances = gradient_descent.distance(path, bowl["minimum"])
    numpy.testing.assert_allclose(distances, abs(1 - 2 * share) ** numpy.arange(6), rtol=1e-3)


@pytest.mark.parametrize("size", [1, 2, 3, 6])
def test_the_noise_formula_is_exact_over_all_batches_of_six(size, rng):
    gradients = rng.standard_normal((6, 2))
    true = gradients.mean(axis=0)

    def noise(size):
        batches = itertools.combinations(range(6), size)
        means = numpy.array([gradients[list(batch)].mean(axis=0) for batch in batches])
        return numpy.sqrt(((means - true) ** 2).sum(axis=1).mean())

    expected = gradient_descent.expected_noise(size, 6, noise(1))
    assert noise(size) == pytest.approx(expected, abs=1e-12)


def test_gradients_of_single_examples_are_those_of_the_formula(data):
    x, y = (a.numpy() for a in data[:2])
    got = gradient_descent.gradients(1, *data[:2], count=32)
    w0, w1 = gradient_descent.START
    expected = numpy.stack([2 * (w0 + w1 * x - y), 2 * (w0 + w1 * x - y) * x], axis=1)
    numpy.testing.assert_allclose(
        sorted(got.tolist()), sorted(expected.tolist()), rtol=1e-4, atol=1e-4
    )


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 5))  # seed 0 is among the claims
def test_what_gradient_descent_claims_holds_from_any_seed(seed):
    claims = gradient_descent.claims(gradient_descent.main(seed=seed))
    assert [claim for claim in claims if not claim.holds] == []


# -- backpropagation -------------------------------------------------------------------------------


def test_by_hand_and_by_engine_agree_at_any_numbers(rng, device):
    for x, y, w1, w2 in rng.normal(0, 1, (20, 4)):
        hand = backprop.by_hand(x, y, w1, w2)
        for what, number in backprop.by_engine(x, y, w1, w2, device).items():
            assert hand[what] == pytest.approx(number, rel=1e-12), what


def test_by_hand_is_what_small_changes_say():
    x, y, w1, w2 = 0.7, -0.3, 1.1, 0.9
    hand = backprop.by_hand(x, y, w1, w2)
    h = 1e-6

    def J(w1, w2):
        return backprop.by_hand(x, y, w1, w2)["J"]

    assert hand["J"] == (w2 * math.tanh(w1 * x) - y) ** 2
    assert hand["dJ/dw1"] == pytest.approx((J(w1 + h, w2) - J(w1 - h, w2)) / (2 * h), rel=1e-8)
    assert hand["dJ/dw2"] == pytest.approx((J(w1, w2 + h) - J(w1, w2 - h)) / (2 * h), rel=1e-8)


def test_three_orders_of_the_same_edges_give_three_gradients():
    cb, ba = ("c", "b"), ("b", "a")
    assert backprop.newest_first() == [cb, cb, ba, ba]
    assert backprop.depth_first() == [cb, ba, ba, cb]
    assert backprop.at_each_arrival() == [cb, ba, ba, cb, ba, ba]
    assert backprop.walk(backprop.newest_first()) == {"c": 1, "b": 2, "a": 4}
    assert backprop.walk(backprop.depth_first()) == {"c": 1, "b": 2, "a": 2}
    assert backprop.walk(backprop.at_each_arrival()) == {"c": 1, "b": 2, "a": 6}


def test_newest_first_is_right_where_a_is_used_by_b_and_by_c(monkeypatch):
    monkeypatch.setattr(backprop, "INPUTS", {"c": ("b", "a"), "b": ("a", "a"), "a": ()})
    a = tn.Tensor(1.0, requires_grad=True)
    (a + a + a).backward()
    assert backprop.walk(backprop.newest_first())["a"] == float(a.grad) == 3


def test_the_wrong_pullback_is_off_by_as_much_as_its_mistake():
    h = backprop.by_hand()["h"]
    report, caught = backprop.checked(backprop.wrong_tanh)
    assert caught
    assert report.rows[0].error == pytest.approx(abs((1 - h) / (1 - h**2) - 1), rel=1e-6)
    assert not backprop.checked(tn.tanh)[1]


def test_the_step_in_the_figure_is_the_one_that_gradcheck_takes():
    assert check._STEP * max(1, abs(backprop.W1)) == 1e-5
    assert backprop.differences()["h"][80] == pytest.approx(1e-5)


def test_a_difference_errs_by_its_bend_at_large_steps_and_by_rounding_at_small_ones():
    d = backprop.differences()
    hand = backprop.by_hand()
    w2, x, y, h = (hand[name] for name in ("w2", "x", "y", "h"))
    bend = 2 * x**2 * w2 * (1 - h**2) * (w2 * (1 - h**2) - 2 * h * (w2 * h - y))  # J'' by w1
    step = d["h"][90]  # 1e-4
    assert d["one"][90] == pytest.approx(abs(bend * step / 2 / hand["dJ/dw1"]), rel=1e-2)
    assert numpy.median(d["both"][:10]) > 1e-5 > 1e5 * numpy.median(d["both"][70:80])
