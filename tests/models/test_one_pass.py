"""Batch normalization and the relu after it, in one pass: when, and that it changes no number."""

import copy
import functools

import numpy
import pytest

import tinynet as tn
from tinynet.layers import Activation, BatchNormalization, Conv2D, Dense, Flatten, LeakyReLU

RELUS = [lambda: Activation("relu"), lambda: LeakyReLU(0.2)]


class Plain(BatchNormalization):
    """Another class: nobody knows what it computes."""


@pytest.fixture
def calls(monkeypatch):
    """The layers of activation that were called, and batch normalizations with the leak of each.

    Arrays are small here; whether a loop would compute them is not asked.
    """
    monkeypatch.setattr("tinynet.layers.normalization.loops_for", lambda array: True)
    found = []

    def noted(kind):
        forward = kind.forward

        @functools.wraps(forward)
        def noting(self, x, **given):
            found.append((kind.__name__, *given.values()))
            return forward(self, x, **given)

        monkeypatch.setattr(kind, "forward", noting)

    for kind in (BatchNormalization, Activation, LeakyReLU):
        noted(kind)
    return found


def sequential(activation, kind=BatchNormalization):
    parts = [Conv2D(3, 3), kind(), activation, Flatten(), Dense(2)]
    return tn.Sequential(parts, input_shape=(6, 6, 1), rng=numpy.random.default_rng(0))


def graph(activation, kind=BatchNormalization):
    x = tn.Input((6, 6, 1))
    y = Dense(2)(Flatten()(activation(kind()(Conv2D(3, 3)(x)))))
    return tn.Model(x, y, rng=numpy.random.default_rng(0))


def step(model, x):
    """The output, and every gradient and weight after a step of training."""
    y = model(x)
    (y * y).sum().backward()
    return [
        y.numpy(),
        *(p.grad for p in model.parameters()),
        *(w.data for w in model.weights().values()),
    ]


@pytest.mark.parametrize("make", [sequential, graph])
@pytest.mark.parametrize("relu", RELUS)
def test_one_pass_changes_no_number(make, relu, calls, device, rng):
    x = tn.Tensor(rng.standard_normal((4, 6, 6, 1)).astype("float32"), device=device)
    one, two = make(relu()).to(device), make(relu(), Plain).to(device)
    calls.clear()
    together = step(one, x)
    assert [name for name, *_ in calls] == ["BatchNormalization"]
    calls.clear()
    apart = step(two, x)
    assert len(calls) == 2
    for got, expected in zip(together, apart, strict=True):
        got, expected = tn.Tensor(got).numpy(), tn.Tensor(expected).numpy()
        numpy.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)
    for model in (one, two):
        model.eval()
    numpy.testing.assert_allclose(one(x).numpy(), two(x).numpy(), rtol=1e-5, atol=1e-5)


def once(model, calls, x):
    calls.clear()
    model(tn.Tensor(x))
    return len(calls)


def test_what_is_not_computed_in_one_pass(calls, rng):
    x = rng.standard_normal((4, 6, 6, 1)).astype("float32")
    relu, penalty = RELUS[0], tn.regularizers.L2(0.1)
    assert once(sequential(relu()), calls, x) == 1
    assert once(sequential(Activation("sigmoid")), calls, x) == 2
    assert once(sequential(LeakyReLU(1.5)), calls, x) == 2
    assert once(sequential(relu(), lambda: BatchNormalization(activity_regularizer=penalty)),
                calls, x) == 2  # fmt: skip
    assert once(sequential(Activation("relu", activity_regularizer=penalty)), calls, x) == 2

    inputs = tn.Input((6, 6, 1))
    normal = BatchNormalization()(inputs)
    active = Activation("relu")(normal)
    assert once(tn.Model(inputs, [active, normal]), calls, x) == 2  # it is an output
    assert once(tn.Model(inputs, tn.layers.Add()([active, normal])), calls, x) == 2  # used twice
    one = tn.Model(inputs, active)
    assert once(one, calls, x) == 1
    assert once(copy.deepcopy(one), calls, x) == 1  # its values are others


def test_a_copy_of_a_graph_has_its_own_values(calls, rng):
    """As the average of tn.ema has."""
    x = tn.Tensor(rng.standard_normal((4, 6, 6, 1)).astype("float32"))
    for relu in RELUS:
        model = graph(relu()).eval()
        numpy.testing.assert_array_equal(copy.deepcopy(model)(x).numpy(), model(x).numpy())


def test_who_looks_at_each_layer_sees_both(calls):
    model = sequential(Activation("relu"))
    calls.clear()
    assert "activation" in str(tn.cost(model, (6, 6, 1)))
    assert {name for name, *_ in calls} == {"BatchNormalization", "Activation"}


def test_without_loops_each_layer_computes_its_own(calls, monkeypatch, rng):
    monkeypatch.setattr("tinynet.layers.normalization.loops_for", lambda array: None)
    x = rng.standard_normal((4, 6, 6, 1)).astype("float32")
    assert once(sequential(Activation("relu")), calls, x) == 2
