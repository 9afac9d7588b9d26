"""The two lessons on MNIST: what each says beyond its claims, against formulas, Keras' and TF1's.

Claims and figures of every lesson are run by test_lessons.py.
"""

from __future__ import annotations

import numpy
import pytest

import tinynet as tn
from lessons.classify import mnist, mnist_low_level
from lessons.pictures import Pictures


@pytest.fixture
def few(rng):
    """Sixty drawn digits to learn from and fifty to be tested on: the sample is number 47."""
    (x, y), (u, v) = (tn.data.digits(count, rng) for count in (60, 50))
    x, u = (pictures.astype(numpy.float32) / 255 for pictures in (x, u))
    return Pictures(x, y, u, v, tuple("0123456789"), "drawn digits", False)


# -- mnist -----------------------------------------------------------------------------------------


def test_the_layers_stand_in_the_slides_order(rng):
    block = ["Conv2D", "BatchNormalization", "Activation"]
    dense = ["Flatten", "Dense", "BatchNormalization", "Activation", "Dropout", "Dense"]
    kinds = [row.kind for row in mnist.model(rng).rows()]
    assert kinds == [*block, *block, "MaxPooling2D"] * 2 + dense


def test_the_shapes_on_the_way_are_those_of_keras(rng):
    rows = mnist.model(rng).rows()
    shapes = [row.shape for row in rows if row.kind in ("Conv2D", "MaxPooling2D", "Dense")]
    assert shapes == [
        (26, 26, 32), (24, 24, 32), (12, 12, 32), (10, 10, 64), (8, 8, 64), (4, 4, 64),
        (512,), (10,),
    ]  # fmt: skip


def softmax(z):
    e = numpy.exp(z - z.max())
    return e / e.sum()


@pytest.mark.parametrize("lead", [-8.0, -1.0, 0.0, 2.0, 9.0])
def test_the_slopes_are_those_of_the_formulas(lead, device):
    z, y = numpy.zeros(10), numpy.zeros(10)
    z[0], y[0] = lead, 1
    p = softmax(z)
    dp = softmax(p) - y
    dz = p * (dp - (p * dp).sum())
    one, two = (mnist.slopes(loss, [lead], device)[0] for loss in (mnist.once, mnist.twice))
    assert one == pytest.approx(1 - p[0], rel=1e-9)
    assert two == pytest.approx(-dz[0], rel=1e-9)


def test_no_logits_bring_two_softmaxes_below_the_bound(rng):
    z = rng.standard_normal((2000, 10)) * 10.0 ** rng.uniform(-1, 3, (2000, 1))
    p = tn.softmax(tn.Tensor(z)).numpy()
    losses = tn.cross_entropy(p, z.argmax(axis=1), reduction="none").numpy()
    assert losses.min() == pytest.approx(mnist.LEAST, abs=1e-9)
    assert losses.min() >= mnist.LEAST - 1e-12


def test_each_row_of_augmented_digits_shows_one_setting(few):
    rows = mnist.augmented(few.train[:10], 3)
    assert list(rows) == [
        "as they are", "rotate 8", "shift 0.08", "shear 0.3", "zoom 0.08", "shear 17.2", "all four",
    ]  # fmt: skip
    alone = tn.data.augment.rotate(few.train[:10], numpy.random.default_rng(3), 8)
    numpy.testing.assert_array_equal(rows["rotate 8"], alone)
    together = mnist.augment(few.train[:10], numpy.random.default_rng(3))
    numpy.testing.assert_array_equal(rows["all four"], together)


def test_a_shear_of_radians_would_have_been_seen(few):
    rows = mnist.augmented(few.train[:10], 0)
    change = {name: abs(row - few.train[:10]).mean() for name, row in rows.items()}
    assert change["shear 17.2"] > 20 * change["shear 0.3"] > 0


def test_both_trainings_start_from_the_same_weights_and_see_the_same_batches(few, device):
    one, two = (mnist.train(few, loss, 1, 0.9, 5, device) for loss in (mnist.once, mnist.twice))
    start = mnist.model(numpy.random.default_rng(5)).to(device)
    batches = tn.data.batches(
        few.train, few.train_labels, size=64, rng=numpy.random.default_rng((5, 1)), device=device,
        augment=mnist.augment,
    )  # fmt: skip
    x, labels = next(iter(batches))
    z = start.train()(x)
    assert one["losses"] == pytest.approx([mnist.once(z, labels).item()], rel=1e-4)
    assert two["losses"] == pytest.approx([mnist.twice(z, labels).item()], rel=1e-4)


# -- mnist_low_level -------------------------------------------------------------------------------


def test_the_weights_are_normal_of_deviation_01_without_tails(rng):
    w = mnist_low_level.model(rng)["W_fc1"].numpy()
    assert abs(w).max() <= 0.2
    # a normal distribution cut at 2 deviations: 0.8796 of its deviation is left
    assert w.std() == pytest.approx(0.08796, rel=1e-3)
    assert abs(w.mean()) < 1e-3


def test_the_weights_are_trained_and_float32(rng, device):
    for name, weight in mnist_low_level.model(rng, device).items():
        assert weight.requires_grad and weight.is_leaf, name
        assert weight.dtype == numpy.float32
        assert weight.device == device
        if name.startswith("b_"):
            assert (weight.numpy() == numpy.float32(0.1)).all()


def test_the_network_is_what_layers_compute(rng, few):
    """tf.layers beside tf.nn: the same weights in a Sequential give the same logits."""
    weights = mnist_low_level.model(rng)
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
    layers.load_state_dict(
        {f"{n[2:]}.{long[n[0]]}": weight.numpy() for n, weight in weights.items()}
    )
    expected = tn.predict(layers, few.test)
    numpy.testing.assert_allclose(mnist_low_level.predict(few.test, weights), expected, rtol=1e-4)


def test_dropout_stands_between_the_dense_layers_in_training_only(rng, few):
    weights = mnist_low_level.model(rng)
    x = tn.Tensor(few.test[:5])
    with tn.no_grad():
        calm, _, fc1 = mnist_low_level.network(x, weights)
        noisy, *_ = mnist_low_level.network(x, weights, 0.5, numpy.random.default_rng(1))
    dropped = tn.dropout(fc1, 0.5, numpy.random.default_rng(1))
    expected = dropped @ weights["W_fc2"] + weights["b_fc2"]
    numpy.testing.assert_array_equal(noisy.numpy(), expected.numpy())
    assert abs(noisy.numpy() - calm.numpy()).max() > 0.1


@pytest.mark.parametrize("keep", [0.25, 0.5, 0.75])
def test_tf1_dropout_keeps_a_share_and_the_mean(keep, rng):
    h = mnist_low_level.tf1_dropout(numpy.ones((200, 500), numpy.float32), keep, rng)
    assert set(numpy.unique(h)) == {0, numpy.float32(1) / numpy.float32(keep)}
    assert (h > 0).mean() == pytest.approx(keep, abs=0.01)
    assert h.mean() == pytest.approx(1, abs=0.03)


def test_tf1_dropout_that_keeps_nothing_gives_nothing_but_nan(rng):
    hidden = rng.random((50, 1024), dtype=numpy.float32)
    hidden[:, ::2] = 0  # as relu leaves it
    weights = mnist_low_level.model(rng)
    labels = rng.integers(0, 10, 50)
    slide, right = mnist_low_level.dropouts(hidden, weights, labels)
    numpy.testing.assert_allclose(slide[:, 1], 1 - slide[:, 0], atol=0.02)
    numpy.testing.assert_allclose(right[:, 1], right[:, 0], atol=0.02)
    assert slide[-1].tolist() == [1, 0, (labels == 0).mean()]
    assert right[-1, 1] == 1


def test_order_f_changes_nothing_in_a_picture_that_is_flat_already(rng):
    picture = rng.random((28, 28))
    numpy.testing.assert_array_equal(mnist_low_level.as_on_the_slide(picture), picture.T)
    flat = picture.reshape(784)
    numpy.testing.assert_array_equal(mnist_low_level.as_on_the_slide(flat), picture)


def test_restored_weights_are_the_same_to_the_bit(rng, device):
    weights = mnist_low_level.model(rng, device)
    again = mnist_low_level.restored(weights, device)
    assert list(again) == list(weights)
    for name, weight in weights.items():
        assert again[name].device == device
        numpy.testing.assert_array_equal(again[name].numpy(), weight.numpy())


def test_the_batches_come_in_order_and_the_losses_of_the_first_is_that_of_the_start(few, device):
    run = mnist_low_level.train(few, 1e-3, 1, 30, 4, device)
    rng = numpy.random.default_rng(4)
    weights = mnist_low_level.model(rng, device)
    logits, *_ = mnist_low_level.network(tn.Tensor(few.train[:30]).to(device), weights, 0.5, rng)
    assert len(run["losses"]) == 2
    expected = tn.cross_entropy(logits, few.train_labels[:30]).item()
    assert run["losses"][0] == pytest.approx(expected, rel=1e-4)


def test_accuracy_is_read_before_and_after_every_fifth_step(few, device):
    fifth = slice(48, 60)
    four = few._replace(train=few.train[:48], train_labels=few.train_labels[:48])
    before, after = (mnist_low_level.train(d, 1e-3, 1, 12, 0, device) for d in (four, few))
    expected = [
        tn.metrics.accuracy(
            mnist_low_level.predict(few.train[fifth], run["weights"]), few.train_labels[fifth]
        )
        for run in (before, after)
    ]
    assert before["seen"] == []
    assert after["seen"] == [expected]
    assert expected[0] < expected[1]
