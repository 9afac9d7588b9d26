"""The neuron's lessons: what each says beyond its claims, against loops, formulas and torch.

Claims and figures of every lesson are run by test_lessons.py.
"""

from __future__ import annotations

import math

import numpy
import pytest

import tinynet as tn
from lessons.neuron import activations, dense, loss, perceptron

# -- perceptron ------------------------------------------------------------------------------------


def test_z_is_the_slides_sum_for_any_point(rng):
    points = rng.standard_normal((20, 2), dtype=numpy.float32)
    z = perceptron.z_of(tn.Tensor(points)).numpy()
    numpy.testing.assert_allclose(z, [1 + 3 * x1 - 2 * x2 for x1, x2 in points], atol=1e-5)


def test_the_line_is_where_z_is_0():
    x1 = numpy.linspace(-4, 4, 9, dtype=numpy.float32)
    points = numpy.stack([x1, perceptron.on_the_line(x1)], axis=-1)
    numpy.testing.assert_array_equal(perceptron.z_of(tn.Tensor(points)).numpy(), numpy.zeros(9))


def test_the_plane_has_x1_to_the_right_and_x2_upwards():
    y = perceptron.plane("cpu")  # origin="lower": row 0 is x2 = -4
    for row, column, x in (
        (0, 0, (-4, -4)),
        (0, 160, (4, -4)),
        (160, 0, (-4, 4)),
        (80, 80, (0, 0)),
    ):
        z = 1 + 3 * x[0] - 2 * x[1]
        assert y[row, column] == pytest.approx(1 / (1 + math.exp(-z)), abs=1e-6)


def test_the_walk_is_straight_over_the_line_and_y_is_mirrored_there(device):
    walk = perceptron.walk(device)
    step = walk["points"][-1] - walk["points"][0]
    assert step[0] * perceptron.W[1] == pytest.approx(step[1] * perceptron.W[0], abs=1e-5)
    numpy.testing.assert_allclose(walk["y"] + walk["y"][::-1], 1, atol=1e-5)


# -- activations -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", activations.FUNCTIONS)
def test_the_slopes_are_those_of_a_small_step(name, device):
    activation, value, _ = activations.FUNCTIONS[name]
    z = numpy.linspace(-3, 3, 20)  # without 0, the kink
    g, slopes = activations.curve(activation, z, device)
    numpy.testing.assert_allclose(g, value(z), atol=1e-12)
    numpy.testing.assert_allclose(slopes, (value(z + 1e-6) - value(z - 1e-6)) / 2e-6, atol=1e-8)


def test_gradient_norms_are_those_of_the_chain_rule_by_hand():
    layers, width, examples, seed = 3, 5, 4, 7
    rng = numpy.random.default_rng(seed)
    h, dh = rng.standard_normal((2, examples, width), dtype=numpy.float32)
    weights = [rng.standard_normal((width, width), dtype=numpy.float32) for _ in range(layers)]
    weights = [w / math.sqrt(width) for w in weights]  # Glorot, inputs = outputs
    hs = [h]
    for w in weights:
        hs.append(1 / (1 + numpy.exp(-hs[-1] @ w)))
    norms = []
    for i in reversed(range(layers)):
        dz = dh * hs[i + 1] * (1 - hs[i + 1])
        norms.insert(0, numpy.linalg.norm(hs[i].T @ dz))
        dh = dz @ weights[i].T
    got = activations.gradient_norms("sigmoid", layers, width, examples, seed, "cpu")
    numpy.testing.assert_allclose(got, norms, rtol=1e-4)


@pytest.mark.parametrize("seed", range(1, 5))  # seed 0 is among the claims
def test_the_gradient_vanishes_through_sigmoids_only(seed):
    arrives = {}
    for kind in activations.KINDS:
        norms = activations.gradient_norms(kind, 10, 64, 64, seed, "cpu")
        arrives[kind] = norms[0] / norms[-1]
    assert arrives["sigmoid"] < 1e-5
    assert arrives["tanh"] > 0.5 and arrives["ReLU"] > 0.5


# -- dense -----------------------------------------------------------------------------------------


def test_the_restored_weights_continue_the_count():
    numpy.testing.assert_array_equal(dense.restored_weights(), numpy.arange(1, 13).reshape(4, 3))


def test_the_printed_shapes_are_refused_and_the_message_says_how(device):
    assert dense.error_as_printed(device) == (
        "matmul: x (1, 4) @ w (3, 3): x has 4 columns and w has 3 rows. Make them equal: transpose "
        "or reshape one."
    )


def test_the_product_is_each_neurons_own_sum(rng, device):
    x, w, b = rng.normal(size=(6, 5)), rng.normal(size=(5, 3)), rng.normal(size=3)
    z = dense.dense(tn.Tensor(x).to(device), w, b).numpy()
    for n in range(6):
        numpy.testing.assert_allclose(z[n], [dense.neuron(i, x[n], w, b) for i in range(3)])


def test_the_bias_is_a_row_of_w_that_meets_a_1():
    """The lesson's Try."""
    w = [*dense.restored_weights(), dense.B]
    assert dense.dense(tn.Tensor([[*dense.COUNTING, 1]]), w, [0, 0, 0]).numpy().tolist() == [
        dense.slide_example(dense.COUNTING)
    ]


def test_the_last_layer_has_no_activation():
    zs = dense.network(tn.Tensor([[1.0]]), [([[-2.0]], [0.0]), ([[3.0]], [-1.0])])
    assert [z.item() for z in zs] == [-2, -1]


def test_the_keras_example_has_the_slides_shapes_for_any_seed():
    assert dense.keras_example(5) == ([(3, 2), (3, 3), (3, 4)], 33)


# -- loss ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("labels", [loss.LABELS, loss.TICKS_AS_LABELS, [0, 1, 0], [1, 1, 1]])
def test_bce_is_minus_the_log_of_what_the_truth_was_given(labels, device):
    given = [f if y else 1 - f for f, y in zip(loss.F, labels, strict=True)]
    expected = -sum(map(math.log, given)) / 3
    assert loss.slide_bce(labels, device) == pytest.approx(expected, rel=1e-6)


def test_the_printed_code_is_what_torch_computes_for_softmax_cross_entropy(rng):
    torch = pytest.importorskip("torch")
    f, y = rng.random((5, 3)), rng.random((5, 3))
    y /= y.sum(axis=1, keepdims=True)
    expected = torch.nn.functional.cross_entropy(torch.tensor(f), torch.tensor(y)).item()
    assert loss.printed_code(y, f) == pytest.approx(expected)


def test_the_printed_code_costs_nothing_in_a_column_whatever_is_predicted(rng, device):
    assert loss.printed_code(rng.integers(0, 2, (7, 1)), rng.normal(size=(7, 1)), device) == 0


def test_the_printed_code_never_calls_a_prediction_perfect():
    perfect = loss.readings_of_printed_code()["perfect"]
    assert perfect == pytest.approx(math.log(1 + math.exp(-1)), rel=1e-6)


def test_the_other_losses_against_sums_by_hand():
    assert loss.slide_mse([90, 20, 95]) == pytest.approx((60**2 + 60**2 + 10**2) / 3)
    assert loss.total_error((0, 1)) == pytest.approx((0.8**2 + 0.8**2) / 2)
    assert [loss.untrained_loss(10, k) for k in (0, 9)] == pytest.approx([math.log(10)] * 2)


def test_the_pushes_are_those_of_the_formulas(device):
    r = loss.curves(device)
    f = r["f"]
    numpy.testing.assert_allclose(r["push of bce"], 1 - f, atol=1e-12)
    numpy.testing.assert_allclose(r["push of squared"], 2 * (1 - f) ** 2 * f, atol=1e-12)
    numpy.testing.assert_allclose(r["printed"], numpy.log(1 + numpy.exp(1 - 2 * f)))
    numpy.testing.assert_allclose(r["bce, y = 0"], -numpy.log(1 - f))


def test_the_invented_students_pass_as_often_as_the_rule_says(rng):
    x, y = loss.students(20_000, rng)
    likely = loss.rule(x)
    assert x.min() >= 0 and x[:, 0].max() <= 6 and x[:, 1].max() <= 10
    for low in (0, 0.25, 0.5, 0.75):
        among = (low <= likely) & (likely < low + 0.25)
        assert y[among].mean() == pytest.approx(likely[among].mean(), abs=0.03)


@pytest.mark.parametrize("seed", range(1, 5))  # seed 0 is among the claims
def test_the_neuron_finds_the_rule_from_any_students(seed):
    results = loss.train(1000, 600, 0.05, seed, "cpu")
    assert abs(results["answer"] - loss.rule(loss.X)).max() < 0.05
