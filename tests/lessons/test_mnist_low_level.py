"""The lesson mnist_low_level: its weights and its network, against layers and formulas."""

from __future__ import annotations

import numpy
import pytest

import tinynet as tn
from lessons import parts

LESSON = parts("mnist_low_level")


def test_the_weights_are_normal_of_deviation_01_without_tails(rng):
    weights = LESSON.model(rng)
    w = weights["W_fc1"].numpy()
    assert abs(w).max() <= 0.2
    assert w.std() == pytest.approx(0.1 * tn.init.TRUNCATED_STD, rel=1e-3)
    for name, weight in weights.items():
        assert weight.requires_grad and weight.dtype == numpy.float32, name
        if name.startswith("b_"):
            assert (weight.numpy() == numpy.float32(0.1)).all()


def test_the_network_is_what_layers_compute(rng):
    """tf.layers beside tf.nn: the same weights in a Sequential give the same logits."""
    weights = LESSON.model(rng)
    layers = tn.Sequential(
        [
            tn.layers.Conv2D(32, 5, padding="same", activation="relu", name="conv1"),
            tn.layers.MaxPooling2D(2),
            tn.layers.Conv2D(64, 5, padding="same", activation="relu", name="conv2"),
            tn.layers.MaxPooling2D(2),
            tn.layers.Flatten(),
            tn.layers.Dense(1024, activation="relu", name="fc1"),
            tn.layers.Dropout(0.5),
            tn.layers.Dense(10, name="fc2"),
        ],
        input_shape=(28, 28, 1),
        rng=rng,
    )
    long = {"W": "kernel", "b": "bias"}
    layers.load_state_dict({f"{n[2:]}.{long[n[0]]}": w.numpy() for n, w in weights.items()})
    pictures = rng.random((7, 28, 28, 1), dtype=numpy.float32)
    numpy.testing.assert_allclose(
        LESSON.read(pictures, weights), tn.predict(layers, pictures), rtol=1e-4, atol=1e-4
    )


def test_dropout_stands_before_the_last_step_in_training_only(rng):
    weights = LESSON.model(rng)
    x = tn.Tensor(rng.random((5, 28, 28, 1), dtype=numpy.float32))
    with tn.no_grad():
        calm, _ = LESSON.network(x, weights)
        again, _ = LESSON.network(x, weights)
        noisy, _ = LESSON.network(x, weights, 0.5, numpy.random.default_rng(1))
    numpy.testing.assert_array_equal(calm.numpy(), again.numpy())
    assert abs(noisy.numpy() - calm.numpy()).max() > 0.1


def test_training_begins_with_the_model_and_goes_through_the_digits_in_order(rng, capsys):
    x, labels = tn.data.digits(2 * LESSON.BATCH, rng)
    x = x.astype(numpy.float32) / 255
    weights, losses = LESSON.train(1e-3, x, labels)
    assert len(losses) == 2 * LESSON.EPOCHS
    same = numpy.random.default_rng(LESSON.SEED)
    first = LESSON.model(same)
    some = slice(0, LESSON.BATCH)
    logits, _ = LESSON.network(tn.Tensor(x[some]), first, 0.5, same)
    assert losses[0] == pytest.approx(tn.cross_entropy(logits, labels[some]).item(), rel=1e-4)
    assert all(abs(w.numpy() - first[name].numpy()).max() > 0 for name, w in weights.items())
    assert capsys.readouterr().out.count("mean loss") == LESSON.EPOCHS
