"""The lessons keras_api, regularization and batch_size: what is special in each.

Claims and figures of every lesson are run by test_lessons.py.
"""

from __future__ import annotations

import math

import numpy
import pytest

import tinynet as tn
from lessons.classify import batch_size, keras_api, regularization
from lessons.pictures import Pictures
from tinynet.layers import Activation, BatchNormalization, Dense, Dropout


@pytest.fixture
def data(rng):
    """Forty pictures to learn and ten to test, of no meaning."""
    x = rng.random((50, 28, 28, 1), dtype=numpy.float32)
    y = rng.integers(10, size=50)
    return Pictures(x[:40], y[:40], x[40:], y[40:], tuple("0123456789"), "noise", False)


# -- keras_api -------------------------------------------------------------------------------------


def test_the_three_ways_are_three_networks_that_agree_and_that_learn(device, capsys):
    ways = keras_api.three_ways(0, device)
    assert capsys.readouterr().out.count("Total params: 33 ") == 3
    for when in ("before", "after"):
        first, *others = ways[when]
        assert len(others) == 2 and abs(first).min() > 0
        for y in others:
            numpy.testing.assert_array_equal(first, y)
    assert abs(ways["before"][0] - ways["after"][0]).min() > 0


def test_with_other_weights_the_three_ways_differ():
    x = numpy.ones((1, 3), numpy.float32)
    made = [keras_api.sequential, keras_api.functional]
    one, two = (make(numpy.random.default_rng(i))(x).numpy() for i, make in enumerate(made))
    assert abs(one - two).min() > 0


def test_the_graph_computes_what_its_layers_say(device, rng):
    network = keras_api.graph(rng).to(device)
    x = [rng.integers(256, size=(5, 784)).astype(numpy.float32) for _ in range(2)]
    w = network.state_dict()

    def dense(name, x):
        return x @ w[f"{name}.kernel"] + w[f"{name}.bias"]

    read = [numpy.maximum(dense("read", p / 255), 0) for p in x]
    joined = numpy.maximum(dense("dense", numpy.concatenate(read, axis=1)), 0)
    expected = [dense("digit", read[0]), dense("digit", read[1]), dense("larger", joined)]
    outputs = network([tn.Tensor(p).to(device) for p in x])
    for y, right in zip(outputs, expected, strict=True):
        numpy.testing.assert_allclose(y.numpy(), right, rtol=1e-4, atol=1e-5)


def test_both_uses_of_a_shared_layer_ask_for_something(device, rng):
    network = keras_api.graph(rng).to(device)
    x = [tn.Tensor(255 * rng.random((8, 784), numpy.float32)).to(device) for _ in range(2)]
    both, one, two = keras_api.shared_gradients(network, x)
    numpy.testing.assert_allclose(both, one + two, atol=1e-6)
    assert min(abs(one).max(), abs(two).max(), abs(one - two).max()) > 1e-3


def test_the_three_losses_are_added_and_each_has_its_own_labels(device):
    labels = tn.Tensor(numpy.array([[3, 1], [2, 5], [4, 4]])).to(device)
    one, two = numpy.zeros((3, 10), numpy.float32), numpy.zeros((3, 10), numpy.float32)
    one[range(3), [3, 2, 4]] = two[range(3), [1, 5, 4]] = 50
    larger = numpy.float32([[50], [-50], [-50]])  # 4 is not larger than 4
    right = [tn.Tensor(y).to(device) for y in (one, two, larger)]
    assert keras_api.three_losses(right, labels).item() == pytest.approx(0, abs=1e-6)
    assert keras_api.first_digit(right, labels) == 1
    for k, wrong in enumerate((50, 50, 50)):
        outputs = [-y if i == k else y for i, y in enumerate(right)]
        assert keras_api.three_losses(outputs, labels).item() >= wrong


def test_a_pair_is_a_picture_and_the_one_before_it_with_both_labels(rng):
    digits = rng.integers(256, size=(4, 28, 28, 1)).astype(numpy.float32) / 255
    one, two, labels = keras_api.pairs(digits, numpy.arange(4))
    assert labels.tolist() == [[0, 3], [1, 0], [2, 1], [3, 2]]
    for i, (first, second) in enumerate(labels):
        numpy.testing.assert_array_equal(one[i], numpy.round(digits[first].ravel() * 255))
        numpy.testing.assert_array_equal(two[i], numpy.round(digits[second].ravel() * 255))
    assert one.max() > 100  # bytes: the graph rescales them


def test_the_losses_are_those_of_the_definition():
    bce, mse, hinge = keras_api.losses()
    pairs = [(0.6, 0), (0.4, 1), (0.4, 0), (0.6, 0)]  # (score, label)
    assert bce == round(sum(-math.log(p if y else 1 - p) for p, y in pairs) / 4, 4)
    assert mse == round(sum((p - y) ** 2 for p, y in pairs) / 4, 4)
    assert hinge == round(sum(max(0, 1 - (1 if y else -1) * p) for p, y in pairs) / 4, 4)


# -- regularization --------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["nothing", "L2", "L1", "dropout"])
def test_the_penalty_is_that_of_the_formula_and_spares_the_biases(way, rng):
    network = regularization.model(rng, way)
    for w in network.parameters():
        w.data[...] = 0.5
    size = 784 * 256 + 256 * 128 + 128 * 10
    cost = {"L2": regularization.LAMBDA_2 * 0.25, "L1": regularization.LAMBDA_1 * 0.5}
    assert float(network.penalty()) == pytest.approx(cost.get(way, 0) * size, rel=1e-4)


def test_dropout_is_never_on_the_outputs_and_batch_norm_stands_before_the_activation(rng):
    kinds = [type(layer) for layer in regularization.model(rng, "dropout").layers]
    assert kinds[1:] == [Dense, Activation, Dropout] * 2 + [Dense]
    kinds = [type(layer) for layer in regularization.model(rng, "batch-norm").layers]
    assert kinds[1:] == [Dense, BatchNormalization, Activation] * 2 + [Dense]


def test_the_soft_threshold_stops_at_0_where_gradient_descent_steps_over_it(device):
    layer = Dense(4).build((1,), numpy.random.default_rng(0))
    step = 0.1 / (1 - regularization.MOMENTUM) * regularization.LAMBDA_1
    kernel = numpy.float32([[0.4 * step, -0.4 * step, 3 * step, -3 * step]])
    layer.load_state_dict({"kernel": kernel, "bias": kernel[0]})
    model = tn.Sequential([layer]).to(device)

    class Run:
        optimizer = tn.optim.SGD(model.parameters(), 0.1)

    Run.model = model
    regularization.SoftThreshold().after_batch(Run)
    naive = [math.copysign(max(abs(w) - step, 0), w) for w in kernel[0].tolist()]
    numpy.testing.assert_allclose(layer.kernel.numpy()[0], naive, rtol=1e-5)
    assert (layer.kernel.numpy() == 0).sum() == 2
    numpy.testing.assert_array_equal(layer.bias.numpy(), kernel[0])
    assert (abs(kernel) - step != 0).all() and (kernel - numpy.sign(kernel) * step != 0).all()


def test_only_the_soft_threshold_makes_exact_zeros(data):
    zero = {way: regularization.train(way, data, 20, 0, "cpu")["zero"]
            for way in ("nothing", "L1", "L1, soft threshold")}  # fmt: skip
    assert zero["nothing"] < 0.001 and zero["L1"] < 0.001 < 0.01 < zero["L1, soft threshold"]


@pytest.mark.parametrize("way", ["nothing", "early stopping"])
def test_the_test_set_changes_nothing_of_the_training(way, data):
    other = data._replace(test=1 - data.test, test_labels=9 - data.test_labels)
    one, two = (regularization.train(way, d, 8, 0, "cpu") for d in (data, other))
    numpy.testing.assert_array_equal(one["w"], two["w"])
    assert one["epochs"] == two["epochs"]
    assert one["losses"]["test"] != two["losses"]["test"]


def test_early_stopping_does_not_learn_from_the_fifth_that_it_watches(data, monkeypatch):
    seen = {}

    def fit(network, batches, *others, validation=None, **settings):
        seen.update(learnt=batches.arrays[0], watched=validation[0])
        return fit.real(network, batches, *others, validation=validation, **settings)

    fit.real = tn.fit
    monkeypatch.setattr(tn, "fit", fit)
    regularization.train("early stopping", data, 2, 0, "cpu")
    assert len(seen["watched"]) == 8 and len(seen["learnt"]) == 32
    together = numpy.concatenate([seen["watched"], seen["learnt"]])
    numpy.testing.assert_array_equal(together, data.train)


def test_only_augmentation_changes_the_pictures(data, monkeypatch):
    calls = []
    real = regularization.AUGMENT
    monkeypatch.setattr(regularization, "AUGMENT", lambda *a: calls.append(len(a[0])) or real(*a))
    for way in ("nothing", "dropout"):
        regularization.train(way, data, 1, 0, "cpu")
    assert calls == []
    regularization.train("augmentation", data, 2, 0, "cpu")
    assert sum(calls) == 2 * len(data.train)


def test_dropout_on_the_outputs_costs_half_of_log_10(device):
    cost = regularization.dropped_outputs(1, device)
    assert cost == pytest.approx(math.log(10) / 2, rel=0.05)


def test_the_mean_is_over_the_trainings_of_one_way():
    results = {"runs": {"L1": [{"test": 0.25}, {"test": 0.75}], "L2": [{"test": 9}]}}
    assert regularization.mean(results, "L1", "test") == 0.5


# -- batch_size ------------------------------------------------------------------------------------


def test_the_gradient_of_a_batch_is_the_mean_of_those_of_its_pictures(data, device, rng):
    network = batch_size.model(rng).to(device)

    def of(rows):
        x = tn.Tensor(data.train[rows]).to(device)
        return batch_size.gradient(network, x, data.train_labels[rows])

    single = numpy.mean([of([k]) for k in range(6)], axis=0)
    numpy.testing.assert_allclose(of(range(6)), single, atol=1e-6)
    assert len(single) == 784 * 64 + 64 + 64 * 10 + 10


def test_the_noise_is_the_deviation_of_single_gradients_over_the_root_of_the_size(data, rng):
    network = batch_size.model(rng)
    each = [batch_size.gradient(network, data.train[k : k + 1], data.train_labels[k : k + 1])
            for k in range(40)]  # fmt: skip
    g = numpy.mean(each, axis=0)
    deviation = math.sqrt(numpy.mean([((e - g) ** 2).sum() for e in each]))
    found = batch_size.noise(network, data, 100, rng, "cpu")
    assert found["length"] == pytest.approx(numpy.linalg.norm(g), rel=1e-4)
    for B, noise in zip(batch_size.SIZES, found["noise"], strict=True):
        assert noise == pytest.approx(deviation / math.sqrt(B), rel=0.2)
    assert found["bias"] < 1e-5


def test_the_rules_agree_at_32_and_grow_with_the_batch():
    same, scaled, bold = batch_size.RULES.values()
    assert same(32) == scaled(32) == 0.02 and same(512) == 0.02
    assert scaled(512) == pytest.approx(16 * scaled(32)) and bold(1) == pytest.approx(0.05 / 32)


def test_one_batch_of_all_is_one_step_of_gradient_descent(data, device):
    run = batch_size.train(40, 0.1, data, 3, device)
    start = batch_size.model(numpy.random.default_rng(3))
    g = batch_size.gradient(start, data.train, data.train_labels)
    before = numpy.concatenate([w.numpy().ravel() for w in start.parameters()])
    after = numpy.concatenate([w.numpy().ravel() for w in run["network"].parameters()])
    numpy.testing.assert_allclose(after, before - 0.1 * g, atol=1e-6)
    assert len(run["curve"]) == 1 and run["loss"] < run["curve"][0]


@pytest.mark.parametrize("B, steps", [(1, 40), (8, 5), (32, 2)])
def test_an_epoch_is_as_many_steps_as_batches(B, steps, data):
    assert len(batch_size.train(B, 0.01, data, 0, "cpu")["curve"]) == steps
