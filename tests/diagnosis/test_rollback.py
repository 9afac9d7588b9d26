"""After `with rolled_back(model, optimizer)` everything is as it was, to the same bits."""

from __future__ import annotations

import numpy
import pytest

import tinynet as tn
from tinynet.diagnosis.rollback import rolled_back
from tinynet.layers import BatchNormalization, Dense, Dropout


def network(rng):
    regularizer = tn.regularizers.L1(0.1)
    layers = [Dense(4, activity_regularizer=regularizer), BatchNormalization(), Dropout(0.5)]
    return tn.Sequential([*layers, Dense(2)], input_shape=(3,), rng=rng)


def step(model, optimizer, rng):
    optimizer.zero_grad()
    y = model(tn.Tensor(rng.random((8, 3), numpy.float32)))
    ((y * y).sum() + model.penalty()).backward()
    optimizer.step()


def bits(model, optimizer):
    slots = optimizer.state_dict()["slots"]
    weights = model.state_dict()
    gradients = [None if p.grad is None else p.grad.tobytes() for p in model.parameters()]
    generators = [repr(part.rng.bit_generator.state) for part in model.modules()]
    modes = [part.training for part in model.modules()]
    arrays = [array.tobytes() for array in (*weights.values(), *slots.values())]
    return arrays, gradients, generators, modes, optimizer.steps


def test_a_training_inside_leaves_no_trace(rng):
    model = network(rng)
    optimizer = tn.optim.Adam(model.parameters())
    step(model, optimizer, rng)
    model.layers[0].eval()
    before = bits(model, optimizer)
    with rolled_back(model, optimizer):
        model.parameters()[0].grad *= 2
        model.train()
        for _ in range(3):
            step(model, optimizer, numpy.random.default_rng(1))
        inside = bits(model, optimizer)
    assert all(a != b for a, b in zip(inside, before, strict=True))
    assert bits(model, optimizer) == before


def test_a_training_goes_on_to_the_same_bits(rng):
    results = []
    for disturbed in (False, True):
        data = numpy.random.default_rng(5)
        model = network(numpy.random.default_rng(0))
        optimizer = tn.optim.SGD(model.parameters(), 0.1, momentum=0.9)
        step(model, optimizer, data)
        if disturbed:
            with rolled_back(model, optimizer):
                step(model, optimizer, rng)
        step(model, optimizer, data)
        results.append(bits(model, optimizer))
    assert results[0] == results[1]


def test_after_an_error_too(rng):
    model = network(rng)
    optimizer = tn.optim.SGD(model.parameters(), 0.1)
    before = bits(model, optimizer)
    with pytest.raises(KeyboardInterrupt), rolled_back(model, optimizer):
        step(model, optimizer, rng)
        raise KeyboardInterrupt
    assert bits(model, optimizer) == before


def test_penalties_that_wait_still_wait(rng):
    model = network(rng)
    x = tn.Tensor(rng.random((8, 3), numpy.float32))
    model(x)
    expected = numpy.abs(model.layers[0](x).numpy()).sum() / 8 * 0.1
    model.penalty()
    model(x)
    for touch in (model.penalty, lambda: model(x), lambda: (model(x), model.penalty(), model(x))):
        with rolled_back(model):
            touch()
    assert model.penalty().item() == pytest.approx(expected, rel=1e-6)


class Odd(tn.Module):
    """Keeps what a module may keep: arrays, lists of generators, results, private weights."""

    def __init__(self):
        self.scale = [tn.Tensor([2.0], requires_grad=True)]
        self._hidden = {"w": tn.Tensor([3.0], requires_grad=True)}
        self.sums = numpy.zeros(2)
        self.dice = (numpy.random.default_rng(3),)
        self.seen = []

    def forward(self, x):
        self.sums += 1
        self.seen.append(len(x))
        self.dice[0].random()
        self.last = x * self.scale[0]
        self._hidden["w"].data += 1
        return self.last


def test_whatever_a_module_keeps_is_put_back():
    model = Odd()
    x = tn.Tensor([1.0, 2.0])
    array, number = model.sums, numpy.random.default_rng(3).random()
    with rolled_back(model):
        model(x).sum().backward()
        model._hidden["new"] = 1
    assert model.sums is array and not array.any()
    assert model.seen == [] and not hasattr(model, "last") and model.input_shape is None
    assert model.dice[0].random() == number
    assert list(model._hidden) == ["w"] and model._hidden["w"].data == [3]
    assert model.scale[0].grad is None


def test_an_array_that_was_laid_elsewhere_stays_there(rng):
    """As an optimizer does that lays all its parameters in one buffer."""
    model = tn.Sequential([Dense(2)], input_shape=(3,), rng=rng)
    kernel = model.layers[0].kernel
    values, buffer = kernel.data.copy(), numpy.zeros(6, numpy.float32)
    with rolled_back(model):
        kernel.data = buffer.reshape(3, 2)
    assert kernel.data.base is buffer
    numpy.testing.assert_array_equal(buffer.reshape(3, 2), values)
