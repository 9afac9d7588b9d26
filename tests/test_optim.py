"""SGD, step by step by hand, and what it refuses."""

from __future__ import annotations

import re

import numpy
import pytest

import tinynet as tn


def parameter(*values: float, name: str | None = None) -> tn.Tensor:
    return tn.Tensor(numpy.float64(values), requires_grad=True, name=name)


def step(sgd: tn.optim.SGD, *gradients: list[float]) -> None:
    for p, gradient in zip(sgd.parameters, gradients, strict=True):
        p.grad = numpy.asarray(gradient, p.dtype)
    sgd.step()


# -- the rule --------------------------------------------------------------------------------------


def test_a_plain_step_goes_down_the_gradient():
    w = parameter(1, 2)
    sgd = tn.optim.SGD([w], lr=0.1)
    step(sgd, [10, -20])
    numpy.testing.assert_allclose(w.data, [0, 4])
    step(sgd, [1, 1])
    numpy.testing.assert_allclose(w.data, [-0.1, 3.9])


def test_momentum_carries_the_velocity_on():
    w = parameter(0)
    sgd = tn.optim.SGD([w], lr=0.1, momentum=0.5)
    step(sgd, [1])  # velocity 1
    numpy.testing.assert_allclose(w.data, [-0.1])
    step(sgd, [1])  # velocity 1.5
    numpy.testing.assert_allclose(w.data, [-0.25])
    step(sgd, [0])  # velocity 0.75
    numpy.testing.assert_allclose(w.data, [-0.325])


def test_weight_decay_pulls_towards_zero():
    w = parameter(10, -10)
    sgd = tn.optim.SGD([w], lr=0.1, weight_decay=0.5)
    step(sgd, [0, 0])  # 10 - 0.1 * 0.5 * 10
    numpy.testing.assert_allclose(w.data, [9.5, -9.5])
    step(sgd, [1, 1])  # 9.5 - 0.1 * (1 + 4.75)
    numpy.testing.assert_allclose(w.data, [8.925, -9.125])


def test_momentum_and_weight_decay_together():
    w = parameter(1)
    sgd = tn.optim.SGD([w], lr=0.1, momentum=0.9, weight_decay=0.1)
    step(sgd, [1])  # velocity 1 + 0.1
    numpy.testing.assert_allclose(w.data, [0.89])
    step(sgd, [1])  # velocity 0.9 * 1.1 + 1 + 0.089
    numpy.testing.assert_allclose(w.data, [0.89 - 0.1 * 2.079])


def test_every_parameter_has_its_own_velocity():
    a, b = parameter(0), parameter(0)
    sgd = tn.optim.SGD([a, b], lr=1, momentum=0.5)
    step(sgd, [1], [10])
    step(sgd, [1], [10])
    numpy.testing.assert_allclose([a.data[0], b.data[0]], [-2.5, -25])


def test_the_step_size_may_change_on_the_way():
    w = parameter(0)
    sgd = tn.optim.SGD([w], lr=1)
    step(sgd, [1])
    sgd.lr = 0.1
    step(sgd, [1])
    numpy.testing.assert_allclose(w.data, [-1.1])


@pytest.mark.parametrize("shape", [(), (1,), (2, 3)], ids=str)
def test_parameters_of_any_shape_move_and_stay_arrays(shape):
    w = tn.Tensor(numpy.ones(shape, numpy.float32), requires_grad=True)
    sgd = tn.optim.SGD([w], lr=0.5, momentum=0.9, weight_decay=0.1)
    for _ in range(2):
        sgd.zero_grad()
        (w * w).sum().backward()
        sgd.step()
    assert type(w.data) is numpy.ndarray
    assert w.data.dtype == numpy.float32
    assert w.shape == shape
    assert (w.data < 1).all()


def test_float32_stays_float32_whatever_the_settings_are():
    w = tn.Tensor([1.0, 2.0], requires_grad=True)
    sgd = tn.optim.SGD([w], numpy.float64(0.1), numpy.float64(0.9), numpy.float64(0.01))
    (w * w).sum().backward()
    sgd.step()
    assert w.data.dtype == numpy.float32


def test_a_small_network_learns(device, rng):
    x = rng.normal(size=(32, 3)).astype(numpy.float32)
    truth = numpy.float32([[1], [-2], [0.5]])
    start = tn.Tensor(numpy.zeros((3, 1), numpy.float32)).to(device)
    w = tn.Tensor(start.data, requires_grad=True)
    target = tn.Tensor(x @ truth).to(device)
    sgd = tn.optim.SGD([w], lr=0.1, momentum=0.9)
    for _ in range(200):
        sgd.zero_grad()
        tn.mse(tn.Tensor(x).to(device) @ w, target).backward()
        sgd.step()
    numpy.testing.assert_allclose(w.numpy(), truth, atol=1e-3)


# -- what it reads and what it writes --------------------------------------------------------------


@pytest.mark.parametrize("settings", [{}, {"momentum": 0.9}, {"weight_decay": 0.1}], ids=str)
def test_a_step_does_not_write_into_the_gradient(settings):
    w = parameter(1, 2)
    sgd = tn.optim.SGD([w], lr=0.1, **settings)
    gradient = numpy.array([3.0, 4.0])
    for _ in range(3):
        w.grad = gradient
        sgd.step()
    assert w.grad is gradient
    numpy.testing.assert_array_equal(gradient, [3, 4])


def test_a_step_changes_the_data_in_place():
    w = parameter(1, 2)
    data = w.data
    step(tn.optim.SGD([w], lr=0.1, momentum=0.9), [1, 1])
    assert w.data is data


def test_a_step_is_not_recorded():
    w = parameter(1, 2)
    step(tn.optim.SGD([w], lr=0.1), [1, 1])
    assert w.is_leaf


def test_zero_grad_forgets_every_gradient():
    a, b = parameter(1), parameter(2)
    sgd = tn.optim.SGD([a, b], lr=0.1)
    (a * b).sum().backward()
    sgd.zero_grad()
    assert a.grad is None
    assert b.grad is None


def test_a_parameter_without_a_gradient_stays_where_it_is():
    a, b = parameter(1), parameter(2)
    sgd = tn.optim.SGD([a, b], lr=0.1, momentum=0.9, weight_decay=0.5)
    (a * 3).sum().backward()
    sgd.step()
    numpy.testing.assert_array_equal(b.data, [2])
    assert a.data[0] < 1


def test_a_step_without_any_gradient_is_an_error():
    sgd = tn.optim.SGD([parameter(1), parameter(2)], lr=0.1)
    with pytest.raises(
        RuntimeError,
        match=r"^SGD: no parameter has a gradient\. Call loss\.backward\(\) before step\(\), "
        r"with a loss that is computed from these parameters\.$",
    ):
        sgd.step()


# -- what it is made of ----------------------------------------------------------------------------


def test_parameters_may_come_from_a_generator():
    a, b = parameter(1), parameter(2)
    assert tn.optim.SGD((p for p in (a, b)), lr=0.1).parameters == [a, b]


@pytest.mark.parametrize("lr", [1e-8, 1, 1000.0, numpy.float32(0.1)])
@pytest.mark.parametrize("momentum", [0, 0.999])
@pytest.mark.parametrize("weight_decay", [0, 5])
def test_settings_in_their_ranges_are_taken(lr, momentum, weight_decay):
    sgd = tn.optim.SGD([parameter(1)], lr, momentum, weight_decay)
    assert (sgd.lr, sgd.momentum, sgd.weight_decay) == (lr, momentum, weight_decay)


@pytest.mark.parametrize(
    ("name", "allowed", "values"),
    [
        ("lr", "positive and finite", [0, -0.1, numpy.nan, numpy.inf]),
        ("momentum", "in [0, 1)", [-0.1, 1, 1.5, numpy.nan]),
        ("weight_decay", "at least 0", [-0.1, numpy.nan, numpy.inf]),
    ],
)
def test_settings_out_of_range_are_refused(name, allowed, values):
    for value in values:
        settings = {"lr": 0.1, name: value}
        message = f"SGD: {name} must be {allowed}, received {value}."
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            tn.optim.SGD([parameter(1)], **settings)


@pytest.mark.parametrize("value", [None, "0.1", [0.1]], ids=repr)
@pytest.mark.parametrize("name", ["lr", "momentum", "weight_decay"])
def test_settings_that_are_no_numbers_are_refused(name, value):
    settings = {"lr": 0.1, name: value}
    with pytest.raises((TypeError, ValueError), match=rf"^SGD: {name} must be .*, received "):
        tn.optim.SGD([parameter(1)], **settings)


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ([], ValueError, "there are no parameters. Give at least one Tensor with requires_grad"),
        (iter(()), ValueError, "there are no parameters. Give at least one Tensor with require"),
        (parameter(1), TypeError, "parameters is one Tensor. Give a list of them, [w]."),
        (None, TypeError, "parameters is NoneType. Give a list of Tensors."),
        ([parameter(1), numpy.ones(2)], TypeError, "parameter 1 is ndarray. Give Tensors."),
        ([None], TypeError, "parameter 0 is NoneType. Give Tensors."),
        (
            [parameter(1), tn.Tensor([1.0, 2.0])],
            ValueError,
            "parameter 1, of shape (2,), gets no gradient of its own. Make it with "
            "Tensor(..., requires_grad=True), not as the result of an operation.",
        ),
        (
            [parameter(1, name="w") * 2],
            ValueError,
            "parameter 0, of shape (1,), gets no gradient of its own.",
        ),
        ([parameter(1)] * 2, ValueError, "a parameter is listed twice, and would move twice."),
    ],
    ids=[
        *("empty list", "empty iterator", "tensor", "None", "array", "list of None"),
        *("no gradient", "result", "twice"),
    ],
)
def test_what_cannot_be_trained_is_refused(parameters, error, message):
    with pytest.raises(error, match=f"^{re.escape('SGD: ' + message)}"):
        tn.optim.SGD(parameters, lr=0.1)
