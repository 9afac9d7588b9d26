"""The lessons autoencoder, deep_autoencoder and sparse_autoencoder: their formulas against loops.

Claims and figures of every lesson are run by test_lessons.py.
"""

from __future__ import annotations

import matplotlib
import numpy
import pytest

import tinynet as tn

matplotlib.use("Agg")

from lessons.autoencode import autoencoder, deep_autoencoder, sparse_autoencoder
from lessons.pictures import Pictures


@pytest.fixture
def some(rng):
    """Twenty pictures of noise."""
    x = rng.random((20, 28, 28, 1), dtype=numpy.float32)
    labels = numpy.arange(20) % 10
    return Pictures(x, labels, x, labels, tuple("0123456789"), "MNIST", True)


def kinds_and_shapes(network):
    return [(row.kind, row.shape) for row in network.rows()]


# -- autoencoder -----------------------------------------------------------------------------------


def test_the_class_flattens_codes_and_draws(rng):
    network = autoencoder.subclassed(rng)
    assert kinds_and_shapes(network.encoder) == [("Flatten", (784,)), ("Dense", (64,))]
    assert kinds_and_shapes(network.decoder) == [("Dense", (784,)), ("Reshape", (28, 28))]


def test_the_class_computes_the_two_formulas(rng, device):
    network = autoencoder.subclassed(rng).to(device)
    x = rng.random((3, 28, 28), dtype=numpy.float32)
    W, b, V, c = (p.numpy() for p in network.parameters())
    code = numpy.maximum(x.reshape(3, 784) @ W + b, 0)
    decoded = 1 / (1 + numpy.exp(-(code @ V + c)))
    assert (code == 0).any() and (code > 0).any()
    numpy.testing.assert_allclose(tn.predict(network.encoder, x), code, atol=1e-5)
    numpy.testing.assert_allclose(tn.predict(network, x), decoded.reshape(3, 28, 28), atol=1e-5)


def test_the_graph_is_784_32_784(rng):
    network, encoder, decoder = autoencoder.functional(rng)
    shapes = [row.shape for row in network.rows()]
    assert shapes == [(784,), (32,), (784,)]
    activations = [layer.activation for layer in network.layers]
    assert activations == [tn.relu, tn.sigmoid]
    assert [row.shape for row in encoder.rows()] == [(784,), (32,)]
    assert [row.shape for row in decoder.rows()] == [(32,), (784,)]


def test_training_the_autoencoder_trains_encoder_and_decoder(rng, device):
    network, encoder, decoder = autoencoder.functional(rng, encoding_dim=4)
    network.to(device)
    x = rng.random((8, 784), dtype=numpy.float32)
    before = tn.predict(encoder, x), tn.predict(decoder, tn.predict(encoder, x))
    autoencoder.train(network, x, x, 1, 4, numpy.random.default_rng(0), device)
    code = tn.predict(encoder, x)
    decoded = tn.predict(decoder, code)
    assert abs(code - before[0]).max() > 1e-4 and abs(decoded - before[1]).max() > 1e-4
    numpy.testing.assert_allclose(decoded, tn.predict(network, x), atol=1e-6)


def test_the_error_falls_by_training(rng):
    x = rng.random((16, 784), dtype=numpy.float32)
    network, _, _ = autoencoder.functional(rng)
    history = autoencoder.train(network, x, x, 20, 16, rng, "cpu")
    assert history["loss"][-1] < 0.95 * history["loss"][0]
    assert history["validation loss"][-1] == pytest.approx(
        float(((tn.predict(network, x) - x) ** 2).mean()), rel=1e-5
    )


def test_the_three_measures_are_the_formulas(rng):
    a, b = rng.random((2, 28, 28), dtype=numpy.float32)
    total = sum((float(p) - float(q)) ** 2 for p, q in zip(a.ravel(), b.ravel(), strict=True))
    measures = autoencoder.three_measures(a, b)
    assert list(measures) == ["half of the sum", "sum", "mean"]
    assert measures["half of the sum"] == pytest.approx(total / 2, rel=1e-5)
    assert measures["sum"] == pytest.approx(total, rel=1e-5)
    assert measures["mean"] == pytest.approx(total / 784, rel=1e-5)


@pytest.mark.parametrize(("kind", "same"), [("Adam", True), ("SGD", False)])
def test_the_measure_matters_to_sgd_and_not_to_adam(kind, same, rng):
    x = tn.Tensor(rng.random((4, 784), dtype=numpy.float32))
    steps = []
    for reduction in ("mean", "sum"):
        network, _, _ = autoencoder.functional(numpy.random.default_rng(0), 4)
        kernel = network.parameters()[0]
        before = kernel.numpy().copy()
        optimizer = getattr(tn.optim, kind)(network.parameters(), 0.001)
        tn.mse(network(x), x, reduction=reduction).backward()
        optimizer.step()
        steps.append(abs(kernel.numpy() - before).mean())
    ratio = steps[1] / steps[0]
    low, high = (1, 1.3) if same else (0.99 * 4 * 784, 1.01 * 4 * 784)  # epsilon is felt by Adam
    assert low <= ratio <= high


def test_pictures_on_a_plane_need_two_numbers(rng):
    plane = rng.normal(size=(2, 20)) * 0.02
    x, u = (0.5 + rng.normal(size=(50, 2)) @ plane for _ in range(2))
    numpy.testing.assert_allclose(autoencoder.by_pca(x, u, (2,))[2], u, atol=1e-12)
    # with one number, what the second direction holds is lost
    singular = numpy.linalg.svd(x - x.mean(axis=0), compute_uv=False)
    lost = ((autoencoder.by_pca(x, x, (1, 2))[1] - x) ** 2).sum()
    assert lost == pytest.approx(singular[1] ** 2, rel=1e-6)


def test_pca_is_clipped_as_a_sigmoid_is(rng):
    x = rng.normal(size=(50, 20))
    numpy.testing.assert_allclose(autoencoder.by_pca(x, x, (20,))[20], numpy.clip(x, 0, 1))


def results_of_autoencoder(data, error, full, real=True):
    history = tn.History([{"loss": 0.1, "validation loss": error}] * 2)
    codes = {64: numpy.ones((20, 64)), 32: numpy.ones((20, 32))}
    return {
        "full": full,
        "data": data._replace(real=real),
        "parameters": {64: [50240, 50960], 32: [25120, 25872]},
        "histories": {64: history, 32: history},
        "error": {64: error, 32: error},
        "linear": {64: 0.02, 32: 0.02},
        "codes": codes,
        "decoded": dict.fromkeys(codes, data.test[..., 0]),
        "apart": 0.0,
    }


def test_the_full_claim_is_0_0100_of_real_digits(some):
    for error, holds in ((0.01, True), (0.0101, False)):
        claims = autoencoder.claims(results_of_autoencoder(some, error, True))
        failed = [claim.what for claim in claims if not claim.holds]
        assert failed == ([] if holds else ["code of 32: test error, MNIST"])
    for full, real in ((False, True), (True, False)):
        claims = autoencoder.claims(results_of_autoencoder(some, 0.0101, full, real))
        assert all(claim.holds for claim in claims)


def test_codes_are_drawn_as_on_the_slides(some, monkeypatch):
    drawn = []
    monkeypatch.setattr(autoencoder.plot, "rows", lambda rows, *_, **__: drawn.append(rows))
    autoencoder.show(results_of_autoencoder(some, 0.01, False))
    for rows, count, shape in zip(drawn, (10, 20), ((8, 8), (8, 4)), strict=True):
        original, code, decoded = rows.values()
        assert original.shape == (count, 28, 28, 1) and decoded.shape == (count, 28, 28)
        assert code.shape == (count, *shape)


# -- deep_autoencoder ------------------------------------------------------------------------------


def test_deep_has_the_slides_layers(rng):
    network = deep_autoencoder.deep(rng)
    units = [784, 512, 256, 128, 64, 128, 256, 512, 784]
    assert [row.shape for row in network.rows()] == [(n,) for n in units]
    activations = [layer.activation for layer in network.layers]
    assert activations == [tn.relu] * 7 + [tn.sigmoid]


@pytest.mark.parametrize("latent", [64, 8])
def test_both_have_a_code_of_the_length_asked_for(latent, rng):
    for model in deep_autoencoder.NETWORKS.values():
        assert min(row.shape for row in model(rng, latent).rows()) == (latent,)


@pytest.mark.parametrize(
    ("curve", "other", "since"),
    [
        ([3, 2, 1], [2, 2, 2], 3),
        ([1, 3, 1, 1], [2, 2, 2, 2], 3),  # ahead, behind, ahead for good
        ([1, 1], [2, 2], 1),
        ([1, 2], [2, 2], None),  # as good is not ahead
        ([1, 3], [2, 2], None),
    ],
)
def test_ahead_since_is_the_epoch_of_the_last_overtaking(curve, other, since):
    assert deep_autoencoder.ahead_since(curve, other) == since


def test_curves_of_different_length_are_no_race():
    with pytest.raises(ValueError) as error:
        deep_autoencoder.ahead_since([1, 2], [1])
    assert str(error.value) == (
        "ahead_since: curve has 2 epochs and other has 1. Train both for as many."
    )


def test_a_race_is_of_the_same_pictures_in_the_same_order(some, monkeypatch):
    seen = []

    def train(network, x, test, epochs, size, rng, device):
        seen.append((x.sum(), epochs, size, rng.random()))
        return tn.History([{"loss": 1.0, "validation loss": 1.0}] * epochs)

    monkeypatch.setattr(deep_autoencoder, "train", train)
    monkeypatch.setattr(deep_autoencoder.pictures, "mnist", lambda count, test, seed: some)
    guesses = {64: some.test.reshape(-1, 784) - 0.5, 8: some.test.reshape(-1, 784)}
    monkeypatch.setattr(deep_autoencoder, "by_pca", lambda x, u, sizes: guesses)
    results = deep_autoencoder.main(epochs=3, short_epochs=2)
    assert seen[0] == seen[1] and seen[2] == seen[3]
    assert [run[1] for run in seen] == [3, 3, 2, 2]
    assert set(results["runs"]) == {(64, "shallow"), (64, "deep"), (8, "shallow"), (8, "deep")}
    assert [linear["test"] for linear in results["linear"].values()] == pytest.approx([0.25, 0])


def test_the_pictures_stand_by_length_of_code_with_pca_last(some, monkeypatch):
    drawn = []
    monkeypatch.setattr(deep_autoencoder.plot, "rows", lambda rows, *_, **__: drawn.append(rows))
    run = {"test": [0.5, 0.25], "decoded": some.test[:10]}
    runs = {(k, name): run for name in deep_autoencoder.NETWORKS for k in (64, 8)}
    linear = {k: {"test": 0.125, "decoded": some.test[:10]} for k in (64, 8)}
    deep_autoencoder.draw_pictures({"data": some, "runs": runs, "linear": linear})
    errors = {"shallow": "0.2500", "deep": "0.2500", "PCA": "0.1250"}
    labels = [f"{who}, {k}\n{error}" for k in (64, 8) for who, error in errors.items()]
    assert list(drawn[0]) == ["original", *labels]


# -- sparse_autoencoder ----------------------------------------------------------------------------


def test_sparse_has_the_slides_layers_and_its_encoder_stops_at_the_code(rng):
    network, encoder = sparse_autoencoder.model(rng)
    assert [row.shape for row in network.rows()] == [(784,)] + [(1024,)] * 5 + [(784,)]
    activations = [layer.activation for layer in network.layers]
    assert activations == [tn.relu] * 5 + [tn.sigmoid]
    penalties = [layer.activity_regularizer for layer in network.layers]
    assert penalties == [None, None, tn.regularizers.L1(1e-5), None, None, None]
    assert encoder.layers == network.layers[:3]


def test_the_penalty_is_the_sum_over_units_and_the_mean_over_examples(rng):
    network, encoder = sparse_autoencoder.model(rng, 0.01)
    x = rng.random((3, 784), dtype=numpy.float32)
    codes = tn.predict(encoder, x)
    network.train()
    network(tn.Tensor(x))
    expected = 0.01 * numpy.mean([sum(abs(float(a)) for a in code) for code in codes])
    assert network.penalty().item() == pytest.approx(expected, rel=1e-5)
    network(tn.Tensor(numpy.concatenate([x, x])))  # the same pictures twice cost the same
    assert network.penalty().item() == pytest.approx(expected, rel=1e-5)


def test_a_negative_penalty_is_refused(rng):
    with pytest.raises(ValueError) as error:
        sparse_autoencoder.model(rng, -1.0)
    assert str(error.value) == "L1: factor must be at least 0 and finite, received -1.0."


def test_a_unit_is_on_above_0():
    codes = numpy.array([[0.0, 1e-6, 2.0], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    numpy.testing.assert_array_equal(sparse_autoencoder.units_on(codes), [2, 0, 3])


def test_smaller_codes_pay_less_for_the_same_pictures(rng):
    network, encoder = sparse_autoencoder.model(rng, 0.01)
    x = rng.random((2, 784), dtype=numpy.float32)
    before = tn.predict(network, x), tn.predict(encoder, x)
    code, after = network.layers[2], network.layers[3]
    code.kernel.data[...] /= 16
    code.bias.data[...] /= 16
    after.kernel.data[...] *= 16
    numpy.testing.assert_allclose(tn.predict(network, x), before[0], rtol=1e-5)
    codes = tn.predict(encoder, x)
    numpy.testing.assert_allclose(codes, before[1] / 16, rtol=1e-5)
    on = sparse_autoencoder.units_on
    numpy.testing.assert_array_equal(on(codes), on(before[1]))


def test_what_a_unit_responds_to_is_a_weighted_mean(rng):
    codes = numpy.maximum(rng.normal(size=(6, 3)), 0)
    codes[:, 1] = 0  # never on
    x = rng.random((6, 784))
    found = sparse_autoencoder.responds_to(codes, x)
    for k in (0, 2):
        mean = sum(codes[n, k] * x[n] for n in range(6)) / codes[:, k].sum()
        numpy.testing.assert_allclose(found[k], mean - x.mean(axis=0), atol=1e-12)
    assert (found[1] == 0).all()
