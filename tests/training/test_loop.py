"""fit, evaluate and predict: the six lines that a student writes, and what they add to them.

That a run can be stopped and taken up again is in test_resume.py.
"""

from __future__ import annotations

import contextlib
import re
import threading

import matplotlib
import numpy
import pytest

import tinynet as tn
from tinynet.layers import (
    Add,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    Reshape,
)
from tinynet.layers.regularizers import L1, L2

matplotlib.use("Agg")

DATA = numpy.random.default_rng(5)
X = DATA.normal(size=(10, 4)).astype(numpy.float32)
Y = DATA.integers(0, 3, 10)
PICTURES = DATA.random((6, 5, 5, 1), dtype=numpy.float32)


def generator(seed=0):
    return numpy.random.default_rng(seed)


def small(outputs=3, **settings):
    return tn.Sequential([Dense(outputs, **settings)], input_shape=(4,), rng=generator())


def adam(model, lr=0.01):
    return tn.optim.Adam(model.parameters(), lr)


def fit(model, data, loss=tn.cross_entropy, epochs=1, optimizer=None, **settings):
    optimizer = optimizer or adam(model)
    return tn.fit(model, data, loss, optimizer, epochs, **({"progress": False} | settings))


def same(model, other):
    a, b = model.state_dict(), other.state_dict()
    assert a.keys() == b.keys()
    for name in a:
        assert a[name].tobytes() == b[name].tobytes(), name


# -- the loop --------------------------------------------------------------------------------------


def deep():
    layers = [
        Dense(8, activation="relu", kernel_regularizer=L2(0.05), activity_regularizer=L1(0.05)),
        BatchNormalization(momentum=0.9),
        Dropout(0.5),
        Dense(3, kernel_regularizer=L1(0.01)),
    ]
    return tn.Sequential(layers, input_shape=(4,), rng=generator(1))


def data_of(device="cpu", size=4):
    return tn.data.batches(X, Y, size=size, rng=generator(2), device=device)


def test_fit_is_the_loop_that_a_student_writes(device):
    model, twin = deep().to(device), deep().to(device)
    history = fit(model, data_of(device), epochs=3)

    optimizer, data, seen = adam(twin), data_of(device), []
    for _ in range(3):
        twin.train()
        sums = numpy.zeros(2)
        for x, target in data:
            optimizer.zero_grad()
            loss = tn.cross_entropy(twin(x), target)
            penalty = twin.penalty()
            (loss + penalty).backward()
            optimizer.step()
            sums += [loss.item() * len(target), penalty.item() * len(target)]
        seen.append(dict(zip(("loss", "penalty"), sums / 10, strict=True)))

    same(model, twin)
    assert history.epochs == seen
    assert model.device == device


def test_the_penalties_of_regularizers_are_added_to_the_loss_that_is_trained():
    model = small(kernel_regularizer=L2(0.5), bias_initializer="ones")
    kernel = model.layers[0].kernel.numpy().copy()
    loss = tn.cross_entropy(model(X), Y).item()
    history = fit(model, [(X, Y)], optimizer=tn.optim.SGD(model.parameters(), 0.1))
    assert history["loss"] == [pytest.approx(loss, rel=1e-6)]  # without, as in validation
    assert history["penalty"] == [pytest.approx(0.5 * (kernel**2).sum(), rel=1e-6)]
    assert history.names == ["loss", "penalty"]
    without = small(bias_initializer="ones")
    fit(without, [(X, Y)], optimizer=tn.optim.SGD(without.parameters(), 0.1))
    moved = model.layers[0].kernel.numpy() - without.layers[0].kernel.numpy()
    numpy.testing.assert_allclose(moved, -0.1 * 2 * 0.5 * kernel, atol=1e-6)


def words_model(outputs):
    """A number for each class at each step.  (N, T, 4) -> (N, T, outputs)"""
    return tn.Sequential([Dense(outputs)], input_shape=(6, 4), rng=generator())


def test_padded_labels_are_masked_in_the_loss(device):
    x = DATA.normal(size=(8, 6, 4)).astype(numpy.float32)
    labels, mask = tn.data.padded([x[n, : 2 + n % 5, 0] > 0 for n in range(8)], 0, 6)
    labels = numpy.where(mask, labels, -1)
    model = words_model(2).to(device)
    data = tn.data.batches(x, labels, size=4, rng=generator(), device=device)
    loss = lambda y, t: tn.cross_entropy(y, t, mask=t >= 0)
    history = fit(model, data, loss, 60, adam(model, 0.1), validation=data)
    assert history["loss"][0] > 2 * history["loss"][-1]
    right = tn.cross_entropy(tn.predict(model, x)[mask], labels[mask]).item()
    assert tn.evaluate(model, (x, labels), loss)["loss"] == pytest.approx(right, rel=1e-6)
    x[~mask] = 1e6  # what is padding does not matter
    assert tn.evaluate(model, (x, labels), loss)["loss"] == pytest.approx(right, rel=1e-6)


def test_labels_without_places_are_trained_by_ctc(device):
    words = [[1, 2], [2], [1, 1], [2, 1]]
    labels, _ = tn.data.padded(words, value=-1)
    x = DATA.normal(size=(4, 24)).astype(numpy.float32)
    model = tn.Sequential([Dense(18), Reshape((6, 3))], input_shape=(24,), rng=generator())
    model.to(device)
    data = tn.data.batches(x, labels, size=2, rng=generator(), device=device)
    loss = lambda y, t: tn.ctc_loss(y, t, label_lengths=(t >= 0).sum(axis=1))
    fit(model, data, loss, 60, adam(model, 0.1))
    assert tn.ctc_decode(tn.predict(model, x)) == words


def test_without_regularizers_there_is_no_penalty_in_the_history():
    assert fit(small(), [(X, Y)]).names == ["loss"]


def test_what_is_frozen_is_not_trained():
    model = tn.Sequential([Dense(4), Dense(3)], input_shape=(4,), rng=generator())
    everything = adam(model)  # made before: what has no gradient stays where it is
    model.layers[0].trainable = False
    before = model.state_dict()
    for optimizer in (everything, adam(model)):
        fit(model, data_of(), optimizer=optimizer)
        after = model.state_dict()
        assert [(after[name] == before[name]).all() for name in before] == [True] * 2 + [False] * 2


def frozen():
    model = small()
    model.trainable = False
    return model


def test_what_calls_before_the_training_left_behind_is_no_part_of_its_loss():
    model, twin = (small(activity_regularizer=L2(0.1)) for _ in range(2))
    model(X)  # in training mode, and nobody took its penalty
    assert fit(model, [(X, Y)]).epochs == fit(twin, [(X, Y)]).epochs
    same(model, twin)


def test_the_last_smaller_batch_counts_as_much_as_its_examples():
    model = small()
    frozen = tn.optim.SGD(model.parameters(), lambda step: 0.0)
    metric = {"first": lambda outputs, target: float(target.numpy()[0])}
    data = tn.data.batches(X, numpy.arange(10) % 3, size=4)
    history = fit(model, data, optimizer=frozen, metrics=metric, validation=data)
    whole = tn.cross_entropy(model(X), numpy.arange(10) % 3).item()
    assert history["loss"][0] == pytest.approx(whole, rel=1e-6)
    assert history["first"][0] == (0 * 4 + 1 * 4 + 2 * 2) / 10
    assert history["validation loss"][0] == pytest.approx(whole, rel=1e-6)
    assert history["validation first"] == history["first"]


def test_losses_of_the_batches_are_of_the_weights_before_their_step():
    model = small()
    before = tn.cross_entropy(model(X), Y).item()
    history = fit(model, [(X, Y)], epochs=2)
    assert history["loss"][0] == pytest.approx(before, rel=1e-6)
    assert history["loss"][1] < before


def test_no_epochs_train_nothing():
    model = small()
    assert len(fit(model, data_of(), epochs=0)) == 0
    same(model, small())


def test_a_number_of_numpys_is_a_number_of_epochs():
    assert len(fit(small(), data_of(), epochs=numpy.int64(2))) == 2


# -- what can be learned from ----------------------------------------------------------------------


def test_one_hot_targets():
    one, other = small(), small()
    fit(one, tn.data.batches(X, Y, size=4))
    fit(other, tn.data.batches(X, numpy.eye(3, dtype=numpy.float32)[Y], size=4))
    for name, w in one.state_dict().items():
        numpy.testing.assert_allclose(w, other.state_dict()[name], rtol=1e-4, atol=1e-6)


def test_pictures_are_targets_of_an_autoencoder():
    layers = [
        Conv2D(2, 3, activation="relu"),
        Flatten(),
        Dense(25, activation="sigmoid"),
        Reshape((5, 5, 1)),
    ]
    model = tn.Sequential(layers, input_shape=(5, 5, 1), rng=generator())
    history = fit(
        *(model, tn.data.batches(PICTURES, PICTURES, size=4), tn.mse),
        epochs=5,
        validation=(PICTURES, PICTURES),
    )
    assert history["loss"][-1] < history["loss"][0]
    assert tn.predict(model, PICTURES).shape == PICTURES.shape


def two_inputs_two_outputs():
    a, b = tn.Input((4,), name="a"), tn.Input((2,), name="b")
    both = Concatenate()([a, b])
    return tn.Model([a, b], [Dense(3)(both), Dense(1)(both)], rng=generator())


def test_several_inputs_go_to_the_model_as_a_list_and_the_target_is_last():
    model = two_inputs_two_outputs()
    seen = []

    def loss(outputs, target):
        seen.append((type(outputs), [y.shape for y in outputs], target.shape))
        return tn.cross_entropy(outputs[0], target) + tn.mse(outputs[1], [[0.0]] * len(target))

    data = tn.data.batches(X, X[:, :2], Y, size=6)
    history = fit(model, data, loss, validation=(X, X[:, :2], Y))
    assert seen == [
        (list, [(6, 3), (6, 1)], (6,)),
        (list, [(4, 3), (4, 1)], (4,)),
        (list, [(10, 3), (10, 1)], (10,)),
    ]
    assert history.names == ["loss", "validation loss"]


def test_metrics_by_list_and_by_name():
    metrics = [tn.metrics.accuracy, tn.metrics.top_k]
    by_list = fit(small(5), data_of(), metrics=metrics, validation=(X, Y))
    assert by_list.names == [
        *("loss", "accuracy", "top_k"),
        *("validation loss", "validation accuracy", "validation top_k"),
    ]
    by_name = fit(small(5), data_of(), metrics={"right": tn.metrics.accuracy})
    assert by_name["right"] == by_list["accuracy"]
    assert all(type(value) is float for value in by_list.epochs[0].values())


def test_metrics_see_what_the_model_gave_in_training_and_record_nothing():
    seen = []

    def metric(outputs, target):
        seen.append((outputs * 2).requires_grad)
        return 1.0

    fit(small(), data_of(), metrics=[metric])
    assert seen == [False] * 3


@pytest.mark.parametrize("name", ["mse", "mae", "bce", "bce_with_logits", "cross_entropy"])
def test_losses_by_name(name):
    activation = "sigmoid" if name == "bce" else None
    one, other = small(activation=activation), small(activation=activation)
    data = tn.data.batches(X, numpy.eye(3)[Y], size=4)
    by_name = fit(one, data, name, validation=data)
    assert by_name.epochs == fit(other, data, getattr(tn, name), validation=data).epochs
    same(one, other)
    assert tn.evaluate(one, data, name) == tn.evaluate(one, data, getattr(tn, name))


@pytest.mark.parametrize(
    "name", ["accuracy", "top_k", "log_loss", "auc", "psnr", "r2", "mse", "mae"]
)
def test_metrics_by_name(name):
    model = small(1 if name == "auc" else 5, activation="softmax" if name == "log_loss" else None)
    metric = getattr(tn.metrics, name, None) or getattr(tn, name)
    target = Y % 2 if name == "auc" else Y
    if name in ("psnr", "r2", "mse", "mae"):
        target = numpy.eye(5)[Y]
        model.add(tn.layers.Activation("sigmoid"))
    found = tn.evaluate(model, (X, target), metrics=[name])
    assert found == tn.evaluate(model, (X, target), metrics=[metric])
    assert list(found) == [name]
    assert tn.evaluate(model, (X, target), metrics={"own": name}) == {"own": found[name]}


def test_names_of_metrics_name_their_numbers_in_a_history():
    history = fit(small(5), data_of(), metrics=["accuracy", tn.metrics.top_k], validation=(X, Y))
    assert history.names[:3] == ["loss", "accuracy", "top_k"]
    assert "validation accuracy" in history


@pytest.mark.parametrize("made", [lambda a: a, tn.Tensor], ids=["arrays", "tensors"])
def test_float64_becomes_the_dtype_of_the_weights(made):
    """Batches do so already; here what any other iterable gives."""
    x, target = X.astype(numpy.float64), numpy.eye(3)[Y]
    expected = tn.data.batches(x, target, size=10)
    data = [(made(x), made(target))]
    one, other = small(), small()
    assert fit(one, data, "mse").epochs == fit(other, expected, "mse").epochs
    same(one, other)
    assert tn.evaluate(one, data, "mse") == tn.evaluate(other, expected, "mse")


def test_what_is_not_float64_and_what_needs_a_gradient_is_taken_as_it_is():
    seen = []

    def loss(outputs, target):
        seen.append(target)
        return outputs.mean()

    needs_a_gradient = tn.Tensor(numpy.eye(3), requires_grad=True)
    targets = [Y, X, X.tolist(), tn.Tensor(X), needs_a_gradient, numpy.float16(X)]
    fit(small(), [(X, target) for target in targets], loss)
    assert [a is b for a, b in zip(seen, targets, strict=True)] == [True] * len(targets)


def test_a_model_in_float64_keeps_float64():
    model = small()
    for weight in model.weights().values():
        weight.data = weight.data.astype(numpy.float64)
    assert fit(model, [(X.astype(numpy.float64), numpy.eye(3)[Y])], "mse")["loss"]


def test_a_model_that_has_no_weights_yet_is_evaluated():
    model = tn.Sequential([Dense(3)], rng=generator())
    assert tn.evaluate(model, [(X, Y)], "cross_entropy")["loss"] > 0


def test_a_training_goes_through_the_data_once_for_each_epoch():
    class Counted:
        passes = 0

        def __iter__(self):
            self.passes += 1
            return iter([(X, Y)])

    data = Counted()
    fit(small(), data, epochs=3)
    assert data.passes == 3


# -- modes -----------------------------------------------------------------------------------------


class Modes(tn.Module):
    """Notes in which mode it was called."""

    def __init__(self):
        self.dense = Dense(3)
        self.seen = []

    def forward(self, x):
        self.seen.append("training" if self.training else "inference")
        return self.dense(x)


def noting():
    model = Modes().build((4,), rng=generator())
    model.seen.clear()
    return model


def test_batches_are_trained_and_validated_in_their_modes():
    model = noting()
    during = []

    class Look(tn.callbacks.Callback):
        def after_epoch(self, run):
            during.append([module.training for module in run.model.modules()])

        after_training = after_epoch

    fit(
        *(model, tn.data.batches(X, Y, size=5)),
        epochs=2,
        validation=(X, Y),
        callbacks=[Look()],
    )
    assert model.seen == ["training", "training", "inference"] * 2
    assert during == [[False, False]] * 3  # what a callback computes changes nothing


def raising(error, after=2):
    """A loss that fails at its call of that number."""
    calls = iter(range(1, 100))

    def loss(outputs, target):
        if next(calls) == after:
            raise error
        return tn.cross_entropy(outputs, target)

    return loss


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError], ids=lambda e: e.__name__)
def test_an_error_passes_through_and_leaves_everything_usable(error):
    model, twin = deep(), deep()
    optimizer, other = adam(model), adam(twin)
    with pytest.raises(error):
        fit(model, data_of(), raising(error), optimizer=optimizer)
    assert optimizer.steps == 1
    with contextlib.suppress(error):
        fit(twin, data_of(), raising(error), optimizer=other)
    assert fit(model, data_of(), optimizer=optimizer).epochs == (
        fit(twin, data_of(), optimizer=other).epochs
    )
    assert tn.predict(model, X).shape == (10, 3)


def test_after_an_error_the_thread_that_prepares_batches_is_gone():
    data = tn.data.batches(X, Y, size=2, prefetch=True)
    before = threading.active_count()
    for fails in (raising(KeyError), lambda outputs, target: outputs.sum() * float("nan")):
        with pytest.raises((KeyError, FloatingPointError)) as caught:
            fit(small(), data, fails)
        assert threading.active_count() == before
        assert caught.tb is not None  # which keeps the frames, and all that has a name in them
        with pytest.raises((KeyError, FloatingPointError, TypeError)) as caught:
            tn.evaluate(small(), data, raising(KeyError))
        assert threading.active_count() == before


def mixed():
    model = deep()
    model.train()
    model.layers[1].training = False
    return model, [module.training for module in model.modules()]


ENDS = {  # settings of fit, each with a loss that fails at its call of a number
    "well": {},
    "with no epochs": {"epochs": 0},
    "in a step": {"fails": 2},
    "in validation": {"fails": 4, "validation": (X, Y)},
    "in a callback": {"callbacks": [lambda run: 1 / 0]},
    "before the training": {"callbacks": [type("Before", (tn.callbacks.Callback,), {})()]},
}
ENDS["before the training"]["callbacks"][0].before_training = lambda run: 1 / 0


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt], ids=lambda e: e.__name__)
@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("mode", ["train", "eval", "mixed"])
def test_fit_gives_every_module_its_mode_back_however_it_ends(mode, end, error):
    model, _ = mixed()
    if mode != "mixed":
        getattr(model, mode)()
    modes = [module.training for module in model.modules()]
    settings = dict(ENDS[end])
    loss = raising(error, settings.pop("fails", None))
    with contextlib.suppress(ZeroDivisionError, KeyboardInterrupt):
        fit(model, data_of(), loss, **settings)
    assert [module.training for module in model.modules()] == modes


def test_a_fit_inside_another_leaves_its_mode():
    model, seen = noting(), []

    class Inside(tn.callbacks.Callback):
        def after_batch(self, run):
            if len(model.seen) == 1:
                fit(model, [(X, Y)])
            seen.append(model.training)

    fit(model, data_of(), callbacks=[Inside()])
    assert seen == [True] * 3
    assert model.seen == ["training"] * 4


def test_evaluate_and_predict_give_every_module_its_mode_back():
    model, modes = mixed()
    tn.evaluate(model, (X, Y), tn.cross_entropy)
    assert [module.training for module in model.modules()] == modes
    tn.predict(model, X)
    assert [module.training for module in model.modules()] == modes
    with pytest.raises(ZeroDivisionError) as caught:
        tn.evaluate(model, (X, Y), raising(ZeroDivisionError, 1))
    assert [module.training for module in model.modules()] == modes, caught
    with pytest.raises(ValueError) as caught:
        tn.predict(model, X[:, :2])
    assert [module.training for module in model.modules()] == modes, caught


# -- evaluate and predict --------------------------------------------------------------------------


def test_evaluate_is_the_loss_and_the_metrics_over_all_examples(device):
    model = deep()
    fit(model, data_of())
    model.eval()
    before, drawn = model.state_dict(), model.layers[2].rng.bit_generator.state
    sums = {"loss": 0.0, "accuracy": 0.0}
    for start in range(0, 10, 4):
        x, y = X[start : start + 4], Y[start : start + 4]
        logits = model(x).numpy().astype(numpy.float64)  # in inference mode
        p = numpy.exp(logits) / numpy.exp(logits).sum(axis=1, keepdims=True)
        sums["loss"] -= numpy.log(p[numpy.arange(len(y)), y]).sum()
        sums["accuracy"] += (p.argmax(axis=1) == y).sum()
    model.train()
    model.to(device)
    data = tn.data.batches(X, Y, size=4, device=device)
    seen = tn.evaluate(model, data, tn.cross_entropy, [tn.metrics.accuracy])
    assert list(seen) == ["loss", "accuracy"]
    assert all(type(value) is float for value in seen.values())
    assert seen["loss"] == pytest.approx(sums["loss"] / 10, rel=1e-5)
    assert seen["accuracy"] == sums["accuracy"] / 10
    arrays = tn.evaluate(model, (X, Y), tn.cross_entropy)  # on the model's device
    assert arrays["loss"] == pytest.approx(seen["loss"], rel=1e-6)
    assert all((before[k] == v).all() for k, v in model.state_dict().items())
    assert model.layers[2].rng.bit_generator.state == drawn


def test_evaluate_takes_lists_metrics_alone_and_data_that_can_be_gone_through_once():
    model = small()
    expected = tn.evaluate(model, (X, Y), metrics=[tn.metrics.accuracy])
    assert list(expected) == ["accuracy"]
    lists = (X.tolist(), Y.tolist())
    assert tn.evaluate(model, lists, metrics=[tn.metrics.accuracy]) == expected
    once = iter([(X, Y)])
    assert tn.evaluate(model, once, metrics=[tn.metrics.accuracy]) == expected


def test_evaluate_takes_several_inputs_in_a_list():
    model = tn.Model([a := tn.Input((4,)), b := tn.Input((4,))], Add()([a, b]))
    flat = tn.evaluate(model, (X, X, 2 * X), tn.mse)
    assert flat == tn.evaluate(model, ([X, X], 2 * X), tn.mse) == {"loss": 0.0}
    for n in (3, 4):  # one array for each example, and of 4 numbers
        one, other = (
            tn.evaluate(small(), (x, Y[:n]), "cross_entropy") for x in (list(X[:n]), X[:n])
        )
        assert one == other


def test_predict_names_what_makes_sequences_one_array():
    words = [numpy.array([1, 2]), numpy.array([1])]
    model = tn.Sequential([tn.layers.Embedding(3, 2)], (2,), rng=numpy.random.default_rng(0))
    objects = numpy.array([[1, 2], [1]], object)
    for x in (words, [w.tolist() for w in words], objects, [X, X[:3]]):
        with pytest.raises(ValueError, match=r"Write x, mask = tn\.data\.padded\(sequences\)"):
            tn.predict(model, x)
    with pytest.raises(ValueError, match="the arrays hold 10 and 3 examples"):
        tn.predict(two_inputs_two_outputs(), [X, X[:3, :2]])


def test_evaluate_does_not_add_penalties_and_leaves_none():
    model = small(kernel_regularizer=L2(1.0), activity_regularizer=L2(1.0))
    plain = small()
    one = tn.evaluate(model, (X, Y), tn.cross_entropy)
    assert one == tn.evaluate(plain, (X, Y), tn.cross_entropy)
    kernel = model.layers[0].kernel.numpy()
    assert model.penalty().item() == pytest.approx((kernel**2).sum(), rel=1e-6)


@pytest.mark.parametrize("size", [1, 3, 10, 256])
def test_predict_is_the_model_on_all_examples(size, device):
    model = small().to(device)
    y = tn.predict(model, X, size=size)
    assert type(y) is numpy.ndarray
    assert y.dtype == numpy.float32
    numpy.testing.assert_allclose(
        y, model(tn.Tensor(X, device=device)).numpy(), rtol=1e-5, atol=1e-6
    )
    numpy.testing.assert_array_equal(tn.predict(model, tn.Tensor(X), size=size), y)


def test_predict_takes_nested_lists_as_one_input():
    model = small()
    numpy.testing.assert_array_equal(tn.predict(model, X.tolist()), tn.predict(model, X))


def test_predict_of_several_inputs_and_outputs():
    model = two_inputs_two_outputs()
    first, second = tn.predict(model, [X, X[:, :2]], size=4)
    assert (first.shape, second.shape) == ((10, 3), (10, 1))
    expected = model([tn.Tensor(X), tn.Tensor(X[:, :2])])
    numpy.testing.assert_allclose(first, expected[0].numpy(), rtol=1e-5, atol=1e-6)
    numpy.testing.assert_allclose(second, expected[1].numpy(), rtol=1e-5, atol=1e-6)


def test_predict_is_in_inference_mode_and_records_nothing():
    model = noting()
    given = []
    plain = model.forward
    model.forward = lambda x: given.append(plain(x)) or given[-1]
    model.train()
    tn.predict(model, X, size=5)
    assert model.seen == ["inference"] * 2
    assert not any(y.requires_grad for y in given)


def test_threads_predict_and_evaluate_with_one_model_whose_mode_another_one_switches():
    layers = [Dense(16), BatchNormalization(), Dropout(0.5), Dense(3)]
    model = tn.Sequential(layers, input_shape=(4,), rng=generator())
    x = numpy.tile(X, (20, 1))
    expected, loss = tn.predict(model, x, size=20), tn.evaluate(model, (x, x[:, :3]), tn.mse)
    before = model.state_dict()
    wrong, done = [], threading.Event()

    def call(work, right):
        for _ in range(60):
            numpy.testing.assert_equal(work(), right)

    def guarded(*given):
        try:
            call(*given)
        except AssertionError as error:
            wrong.append(error)

    def modes():  # what a training loop does to the model, without moving its statistics
        while not done.is_set():
            model.train()
            assert model.training
            model.eval()

    work = [(lambda: tn.predict(model, x, size=20), expected)] * 2
    work += [(lambda: tn.evaluate(model, (x, x[:, :3]), tn.mse), loss)]
    threads = [threading.Thread(target=guarded, args=pair) for pair in work]
    switching = threading.Thread(target=modes)
    for thread in (switching, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    done.set()
    switching.join()
    assert not wrong
    for name, w in model.state_dict().items():
        assert w.tobytes() == before[name].tobytes(), name


# -- what is refused -------------------------------------------------------------------------------


def test_a_loss_that_is_not_finite_says_where():
    def loss(outputs, target):
        value = tn.cross_entropy(outputs, target)
        return value * (float("nan") if next(calls) == 5 else 1.0)

    model, calls = small(), iter(range(1, 100))
    optimizer = adam(model)
    with pytest.raises(FloatingPointError) as caught:
        fit(model, data_of(), loss, epochs=4, optimizer=optimizer)
    assert str(caught.value) == (
        "fit: the loss is nan in epoch 2, batch 2. Try a smaller learning rate or clip_norm=1.0; "
        "`with tn.doctor():` finds where it comes from."
    )
    assert optimizer.steps == 4  # it did not move by it
    assert all(numpy.isfinite(a).all() for a in model.state_dict().values())


def test_a_loss_that_is_infinite_at_once_is_no_matter_of_the_rate():
    model = small()

    def loss(outputs, target):
        return tn.cross_entropy(outputs, target) * float("inf")

    with pytest.raises(FloatingPointError) as caught:
        fit(model, data_of(), loss, epochs=1, optimizer=adam(model))
    assert str(caught.value) == (
        "fit: the loss is inf in epoch 1, batch 1. Check that the inputs are scaled, pictures "
        "to [0, 1]; `with tn.doctor():` finds where it comes from."
    )


def holes(a, **places):
    """A copy with NaN and infinity in so many places."""
    a = numpy.array(a, numpy.float32)
    a.flat[: places.get("nan", 0)] = numpy.nan
    a.flat[a.size - places.get("inf", 0) :] = -numpy.inf
    return a


ONE_HOT = numpy.eye(3, dtype=numpy.float32)[Y]


@pytest.mark.parametrize(
    ("x", "target", "message"),
    [
        (holes(X, nan=12), ONE_HOT, "inputs of epoch 1, batch 3 hold 12 NaN. {x}"),
        (holes(X, inf=1), ONE_HOT, "inputs of epoch 1, batch 3 hold 1 inf. {both}"),
        (
            holes(X, nan=2, inf=3),
            ONE_HOT,
            "inputs of epoch 1, batch 3 hold 2 NaN and 3 inf. {both}",
        ),
        (X, holes(ONE_HOT, nan=1), "target of epoch 1, batch 3 holds 1 NaN. {target}"),
        (holes(X, nan=1).tolist(), ONE_HOT, "inputs of epoch 1, batch 3 hold 1 NaN. {x}"),
        (tn.Tensor(holes(X, nan=1)), ONE_HOT, "inputs of epoch 1, batch 3 hold 1 NaN. {x}"),
    ],
    ids=["NaN", "infinity", "both", "target", "list", "tensor"],
)
def test_a_loss_that_is_not_finite_because_of_the_data_says_so(x, target, message):
    model = small()
    data = [(X, ONE_HOT), (X, ONE_HOT), (x, target)]
    with pytest.raises(FloatingPointError) as caught, numpy.errstate(invalid="ignore"):
        fit(model, data, "mse")
    cure = "Clean them, for example numpy.nan_to_num({}), or leave those examples out."
    more = "x, posinf=0, neginf=0"
    cures = {"x": cure.format("x"), "target": cure.format("target"), "both": cure.format(more)}
    assert str(caught.value) == f"fit: the {message.format(**cures)}"


def test_inputs_that_are_no_arrays_are_not_looked_at():
    class OfWords(tn.Module):
        def __init__(self):
            self.dense = Dense(3)

        def forward(self, x):
            return self.dense(x["numbers"])

    model = OfWords()
    model.dense.build((4,), generator())
    with pytest.raises(FloatingPointError, match=r"^fit: the loss is inf in epoch 1, batch 1\. "):
        fit(model, [({"numbers": X}, Y)], lambda outputs, target: outputs.sum() + float("inf"))


def test_of_several_inputs_all_are_looked_at():
    model = two_inputs_two_outputs()
    loss = lambda outputs, target: outputs[0].sum() + outputs[1].sum()
    with pytest.raises(
        FloatingPointError, match=r"^fit: the inputs of epoch 1, batch 1 hold 3 NaN"
    ):
        fit(model, [(holes(X, nan=1), holes(X[:, :2], nan=2), Y)], loss)


def grown():
    """A model that has two layers more than its optimizer knows of: what fit takes."""
    model = small()
    optimizer = adam(model)
    model.add(Dense(3))
    model.add(Dense(3))
    return model, data_of(), tn.cross_entropy, 1, optimizer


MODEL = small()
TABLE = {
    "no model": (
        lambda: tn.fit(None, data_of(), tn.mse, adam(MODEL), 1),
        TypeError,
        "fit: model is None. Give a model, for example tn.Sequential.",
    ),
    "the loss in the optimizer's place": (
        lambda: tn.fit(MODEL, data_of(), adam(MODEL), len, 1),
        TypeError,
        "fit: optimizer is <built-in function len>. Give tn.optim.Adam(model.parameters()).",
    ),
    "a loss that is no function": (
        lambda: fit(MODEL, data_of(), 0.1),
        TypeError,
        "fit: loss is 0.1. Give a function (outputs, target).",
    ),
    "a loss that is called": (
        lambda: fit(MODEL, data_of(), tn.mse(X, X)),
        TypeError,
        r"fit: loss is Tensor Tensor\(0.*\. Give a function \(outputs, target\)\.",
    ),
    "a name of no loss": (
        lambda: fit(MODEL, data_of(), "crossentropy"),
        ValueError,
        "fit: there is no loss 'crossentropy'. Did you mean 'cross_entropy'? There are 'mse', "
        "'mae', 'bce', 'bce_with_logits', 'cross_entropy'.",
    ),
    "a loss' name of Keras'": (
        lambda: fit(MODEL, data_of(), "sparse_categorical_crossentropy"),
        ValueError,
        "fit: there is no loss 'sparse_categorical_crossentropy'. Give \"cross_entropy\"; it "
        "takes logits, so leave out the softmax at the end of the model.",
    ),
    "a loss' name of Keras' for probabilities": (
        lambda: tn.evaluate(MODEL, (X, Y), "binary_crossentropy"),
        ValueError,
        "evaluate: there is no loss 'binary_crossentropy'. Give \"bce\"; it takes "
        'probabilities, and "bce_with_logits" takes logits.',
    ),
    "a metric's name of Keras'": (
        lambda: fit(MODEL, data_of(), metrics=["acc"]),
        ValueError,
        "fit: there is no metric 'acc'. Give \"accuracy\".",
    ),
    "a loss that is no metric": (
        lambda: tn.evaluate(MODEL, (X, Y), metrics={"a": "binary_crossentropy"}),
        ValueError,
        "evaluate: there is no metric 'binary_crossentropy'. There are 'accuracy', 'top_k', "
        "'log_loss', 'auc', 'psnr', 'r2', 'mse', 'mae'.",
    ),
    "an optimizer by its name": (
        lambda: fit(MODEL, data_of(), optimizer="adam"),
        TypeError,
        "fit: optimizer is 'adam'. Give tn.optim.Adam(model.parameters()).",
    ),
    "the arrays in Keras' order": (
        lambda: tn.fit(MODEL, X, Y, "cross_entropy", adam(MODEL)),
        TypeError,
        "fit: data is one array, without its target. Give tn.data.batches(x, y, size=32, "
        "rng=numpy.random.default_rng(0)).",
    ),
    "the arrays in Keras' order, without the rest": (
        lambda: tn.fit(MODEL, X, Y, epochs=5, batch_size=32),
        TypeError,
        "fit: data is one array, without its target. Give tn.data.batches(x, y, size=32, "
        "rng=numpy.random.default_rng(0)).",
    ),
    "tensors in Keras' order": (
        lambda: tn.evaluate(MODEL, tn.Tensor(X), tn.Tensor(Y)),
        TypeError,
        "evaluate: data is one array, without its target. Give tn.data.batches(x, y, size=32, "
        "rng=numpy.random.default_rng(0)).",
    ),
    "an optimizer of another model": (
        lambda: fit(MODEL, data_of(), optimizer=adam(small())),
        ValueError,
        "fit: the optimizer lacks 2 parameter(s) of the model: dense.kernel, dense.bias. Make it "
        "with model.parameters() once the model is complete; what is not to be trained is frozen "
        "with layer.trainable = False.",
    ),
    "an optimizer without what was added": (
        lambda: fit(*grown()),
        ValueError,
        "fit: the optimizer lacks 4 parameter(s) of the model: dense_1.kernel, dense_1.bias, "
        "dense_2.kernel, .... Make it with model.parameters() once the model is complete; what is "
        "not to be trained is frozen with layer.trainable = False.",
    ),
    "a model that is frozen": (
        lambda: fit(frozen(), data_of(), optimizer=adam(MODEL)),
        ValueError,
        "fit: the model has nothing to train. Set trainable = True.",
    ),
    "a metric called penalty": (
        lambda: fit(MODEL, data_of(), metrics={"penalty": len}),
        ValueError,
        "fit: a metric is called 'penalty', a name that the history uses itself. Rename it.",
    ),
    "a negative number of epochs": (
        lambda: fit(MODEL, data_of(), epochs=-1),
        ValueError,
        "fit: epochs must be a whole number of at least 0, received -1.",
    ),
    "arrays as data": (
        lambda: fit(MODEL, (X, Y)),
        TypeError,
        "fit: data is tuple. Give tn.data.batches(x, target, size=32, "
        "rng=numpy.random.default_rng(0)).",
    ),
    "a number as data": (
        lambda: fit(MODEL, 3),
        TypeError,
        "fit: data is int. Give tn.data.batches(x, target, size=32, "
        "rng=numpy.random.default_rng(0)).",
    ),
    "a generator as data": (
        lambda: fit(MODEL, ((X, Y) for _ in range(3))),
        TypeError,
        "fit: data can be gone through only once. Give tn.data.batches(x, target).",
    ),
    "an iterator of batches": (
        lambda: fit(MODEL, iter(data_of())),
        TypeError,
        "fit: data can be gone through only once. Give tn.data.batches(x, target).",
    ),
    "a generator as validation": (
        lambda: fit(MODEL, data_of(), validation=((X, Y) for _ in range(3))),
        TypeError,
        "fit: validation can be gone through only once. Give tn.data.batches(x, target).",
    ),
    "a number as validation": (
        lambda: fit(MODEL, data_of(), validation=0.1),
        TypeError,
        "fit: validation is float. Give tn.data.batches(x, target, size=32, "
        "rng=numpy.random.default_rng(0)).",
    ),
    "data of nothing": (
        lambda: fit(MODEL, []),
        ValueError,
        "fit: the data holds no batches. Give something that can be repeated.",
    ),
    "a batch without a target": (
        lambda: fit(MODEL, tn.data.batches(X, size=10)),
        TypeError,
        r"fit: a batch is tuple \(Tensor\(.*\.\.\.\. It must be a tuple \(x, target\): "
        r"tn\.data\.batches\(x, x\) for an autoencoder\.",
    ),
    "a batch that is no tuple": (
        lambda: tn.evaluate(MODEL, [3], tn.mse),
        TypeError,
        "evaluate: a batch is 3. It must be a tuple (x, target): tn.data.batches(x, x) for an "
        "autoencoder.",
    ),
    "a loss of each example": (
        lambda: fit(MODEL, data_of(), lambda y, t: tn.cross_entropy(y, t, reduction="none")),
        TypeError,
        "fit: the loss function returned shape (4,). It must return a tensor of one number, as "
        'tn.mse and reduction="mean" do.',
    ),
    "a loss that is no tensor": (
        lambda: fit(MODEL, data_of(), lambda y, t: 1.0),
        TypeError,
        "fit: the loss function returned float. It must return a tensor of one number, as tn.mse "
        'and reduction="mean" do.',
    ),
    "a loss that is no tensor, in evaluate": (
        lambda: tn.evaluate(MODEL, (X, Y), lambda y, t: None),
        TypeError,
        "evaluate: the loss function returned NoneType. It must return a tensor of one number, as "
        'tn.mse and reduction="mean" do.',
    ),
    "one metric alone": (
        lambda: fit(MODEL, data_of(), metrics=tn.metrics.accuracy),
        TypeError,
        r"fit: metrics is <function accuracy at .*\. Give a list, \[\"accuracy\"\]\.",
    ),
    "one metric's name alone": (
        lambda: fit(MODEL, data_of(), metrics="accuracy"),
        TypeError,
        "fit: metrics is 'accuracy'. Give a list, [\"accuracy\"].",
    ),
    "a metric that cannot be called": (
        lambda: tn.evaluate(MODEL, (X, Y), metrics=[5]),
        TypeError,
        "evaluate: the metric 5 cannot be called. Give a function (outputs, target), or a name, "
        '"accuracy".',
    ),
    "two metrics of one name": (
        lambda: fit(MODEL, data_of(), metrics=[tn.metrics.accuracy, len, len]),
        ValueError,
        'fit: two metrics are called \'len\'. Give them by name, {"top 1": ..., "top 5": ...}.',
    ),
    "a metric called loss": (
        lambda: fit(MODEL, data_of(), metrics={"loss": len}),
        ValueError,
        "fit: a metric is called 'loss', a name that the history uses itself. Rename it.",
    ),
    "a metric whose name no file can hold": (
        lambda: fit(MODEL, data_of(), metrics={"top 1/5": len}),
        ValueError,
        "fit: a metric is called 'top 1/5'. Give it a name that a file can hold, without / and \\.",
    ),
    "a metric without a word": (
        lambda: fit(MODEL, data_of(), metrics={5: len}),
        ValueError,
        "fit: a metric is called 5. Give it a name that a file can hold, without / and \\.",
    ),
    "a callback's class": (
        lambda: fit(MODEL, data_of(), callbacks=[tn.callbacks.EarlyStopping]),
        TypeError,
        "fit: the callback class EarlyStopping cannot be called with a run. Give "
        "tn.callbacks.EarlyStopping(), or a function of one argument.",
    ),
    "no callback": (
        lambda: fit(MODEL, data_of(), callbacks=[3]),
        TypeError,
        "fit: the callback 3 cannot be called with a run. Give tn.callbacks.EarlyStopping(), or a "
        "function of one argument.",
    ),
    "a callback without a list": (
        lambda: fit(MODEL, data_of(), callbacks=None),
        TypeError,
        "fit: callbacks is None. Give a list of them.",
    ),
    "evaluate nothing": (
        lambda: tn.evaluate(MODEL, [], tn.mse),
        ValueError,
        "evaluate: the data holds no examples. Check how it was loaded.",
    ),
    "evaluate a number": (
        lambda: tn.evaluate(MODEL, 3, tn.mse),
        TypeError,
        "evaluate: data is int. Give tn.data.batches(x, target, size=32, "
        "rng=numpy.random.default_rng(0)).",
    ),
    "predict a number": (
        lambda: tn.predict(MODEL, 3),
        TypeError,
        "predict: x is 3. Give an array (N, ...), or a list of them for a model of several inputs.",
    ),
    "predict nothing": (
        lambda: tn.predict(MODEL, []),
        TypeError,
        "predict: x is []. Give an array (N, ...), or a list of them for a model of several "
        "inputs.",
    ),
    "predict batches": (
        lambda: tn.predict(MODEL, data_of()),
        TypeError,
        r"predict: x is Batches .*\. Give an array \(N, \.\.\.\), or a list of them for a model of "
        r"several inputs\.",
    ),
    "predict no examples": (
        lambda: tn.predict(MODEL, X[:0]),
        ValueError,
        "batches: the arrays hold no examples. Check how they were loaded.",
    ),
}
PATTERNS = {
    "a batch without a target",
    "a loss that is called",
    "one metric alone",
    "predict batches",
}


@pytest.mark.parametrize("case", TABLE)
def test_what_cannot_be_is_refused(case):
    call, error, message = TABLE[case]
    before = MODEL.state_dict()
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error
    pattern = message if case in PATTERNS else re.escape(message)
    assert re.fullmatch(pattern, str(caught.value), re.DOTALL), str(caught.value)
    assert all((before[name] == array).all() for name, array in MODEL.state_dict().items())


def test_data_that_gives_nothing_the_second_time_is_refused():
    class Once:
        def __init__(self):
            self.batches = iter([(X, Y)])

        def __iter__(self):
            return self.batches

    with pytest.raises(ValueError, match=r"^fit: the data holds no batches\. Give something that"):
        fit(small(), Once(), epochs=2)


# -- history ---------------------------------------------------------------------------------------


def history():
    return tn.History([{"loss": 2.0}, {"loss": 1.0, "validation loss": 3.0, "accuracy": 0.5}])


def test_a_history_gives_its_numbers_by_name():
    h = history()
    assert h["loss"] == [2.0, 1.0]
    assert h["validation loss"] == [3.0]
    assert h.names == ["loss", "validation loss", "accuracy"]
    assert len(h) == 2
    assert "accuracy" in h
    assert "error" not in h


def test_a_history_is_shown_in_a_line():
    assert repr(tn.History()) == "History(epochs: 0)"
    assert repr(history()) == (
        "History(epochs: 2, the last: loss 1.0000  validation loss 3.0000  accuracy 0.5000)"
    )


def cells_of(history):
    """The cells of its table in a notebook, row by row."""
    rows = re.findall(r"<tr>(.*?)</tr>", history._repr_html_())
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]


def test_a_notebook_shows_a_history_as_a_table():
    assert cells_of(history()) == [
        ["epoch", "loss", "validation loss", "accuracy"],
        ["1", "2.0000", "", ""],
        ["2", "1.0000", "3.0000", "0.5000"],
    ]


def test_the_table_has_the_first_epoch_and_the_last_20_and_escapes_names():
    header, *rows = cells_of(tn.History([{"<b>&": i} for i in range(50)]))
    assert header == ["epoch", "&lt;b&gt;&amp;"]
    assert [int(row[0]) for row in rows] == [1, *range(31, 51)]
    assert cells_of(tn.History()) == [["epoch"]]


def test_a_run_is_shown_in_a_line():
    shown = []

    class Show(tn.callbacks.Callback):
        def after_batch(self, run):
            shown.append(repr(run))

    history = fit(small(), data_of(), epochs=2, callbacks=[Show()])
    assert shown[1] == "Run('Sequential', epochs: 0, batches of the next: 2)"
    assert shown[3] == (
        "Run('Sequential', epochs: 1, batches of the next: 1, the last: loss "
        f"{history['loss'][0]:.4f})"
    )


def test_a_history_says_what_there_is():
    with pytest.raises(KeyError) as caught:
        history()["val_loss"]
    assert caught.value.args == ("History: write history['validation loss'].",)
    with pytest.raises(KeyError) as caught:
        history()["error"]
    assert caught.value.args == (
        "History: there is no 'error'. There is loss, validation loss, accuracy.",
    )
    with pytest.raises(KeyError) as caught:
        tn.History()["loss"]
    assert caught.value.args == ("History: there is no 'loss'. There is nothing yet.",)
    with pytest.raises(TypeError):
        iter(history())


def test_a_history_holds_copies():
    numbers = {"loss": 1.0}
    h = tn.History([numbers])
    h.append(numbers)
    numbers["loss"] = 5.0
    assert h["loss"] == [1.0, 1.0]


def test_the_curves_stand_side_by_side_with_validation_beside_training():
    import matplotlib.pyplot as plt

    h = tn.History(
        [
            {"loss": 2.0, "accuracy": 0.1, "validation loss": 3.0},
            {"loss": 1.0, "accuracy": 0.2, "validation loss": 2.5},
        ]
    )
    figure = h.plot("two epochs")
    assert figure.get_suptitle() == "two epochs"
    assert [axes.get_ylabel() for axes in figure.axes] == ["loss", "accuracy"]
    drawn = {
        (axes.get_ylabel(), line.get_label()): list(line.get_xydata().ravel())
        for axes in figure.axes
        for line in axes.lines
    }
    plt.close(figure)
    assert drawn == {
        ("loss", "training"): [1, 2.0, 2, 1.0],
        ("loss", "validation"): [1, 3.0, 2, 2.5],
        ("accuracy", "training"): [1, 0.1, 2, 0.2],
    }


def test_a_history_of_nothing_has_no_curves():
    with pytest.raises(ValueError, match=r"^curves: the history is empty\. Train for at least"):
        tn.History().plot()


def test_evaluate_computes_auc_r2_and_psnr_once_of_the_whole_set():
    model = small(1, activation="sigmoid")
    target = (X[:, :1] > 0).astype(numpy.float32)
    outputs = tn.predict(model, X)
    metrics = [tn.metrics.r2, tn.metrics.auc, tn.metrics.accuracy]
    sorted_by_class = numpy.argsort(target[:, 0], kind="stable")  # so batches have one class only
    data = tn.data.batches(X[sorted_by_class], target[sorted_by_class], size=2)
    found = tn.evaluate(model, data, tn.mse, metrics)
    assert list(found) == ["loss", "r2", "auc", "accuracy"]
    numpy.testing.assert_allclose(found["auc"], tn.metrics.auc(outputs, target))
    numpy.testing.assert_allclose(found["r2"], tn.metrics.r2(outputs, target), rtol=1e-5)
    unit = 1 / (1 + numpy.exp(-X))
    found = tn.evaluate(small(4, activation="sigmoid"), (X, unit), None, [tn.metrics.psnr])
    expected = tn.metrics.psnr(tn.predict(small(4, activation="sigmoid"), X), unit)
    numpy.testing.assert_allclose(found["psnr"], expected, rtol=1e-5)


def test_two_threads_do_not_train_one_model():
    model, began, end = small(), threading.Event(), threading.Event()

    def wait(run):
        fit(model, data_of())  # inside another: it must not open the model to others
        began.set()
        assert end.wait(10)

    settings = {"callbacks": [wait]}
    thread = threading.Thread(target=fit, args=(model, data_of()), kwargs=settings)
    thread.start()
    assert began.wait(10)
    before = model.state_dict()
    with pytest.raises(
        RuntimeError, match=r"^fit: another thread trains this model\. Wait until it"
    ):
        fit(model, data_of())
    for name, w in model.state_dict().items():
        numpy.testing.assert_array_equal(w, before[name])
    end.set()
    thread.join()
    fit(model, data_of())
