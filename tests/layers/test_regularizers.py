"""Regularizers: the formula, its gradient, and what training with it comes to."""

from __future__ import annotations

import math
import re

import numpy
import pytest

import tinynet as tn
from tinynet.layers.regularizers import L1, L1L2, L2

X = [[1.0, -2.0], [0.5, 3.0]]  # sum |x| = 6.5, sum x^2 = 14.25
VALUES = {
    "L1": (L1(0.1), 0.65),
    "L1, by default": (L1(), 0.065),
    "L2": (L2(0.1), 1.425),
    "L2, by default": (L2(), 0.1425),
    "both": (L1L2(0.1, 0.2), 0.65 + 2.85),
    "both, L1 only": (L1L2(l1=0.1), 0.65),
    "both, L2 only": (L1L2(l2=0.1), 1.425),
    "both, by default": (L1L2(), 0),
    "nothing": (L2(0), 0),
    "a whole factor": (L1(2), 13),
    "a factor of NumPy's": (L2(numpy.float64(0.1)), 1.425),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", VALUES)
def test_the_value_is_the_formula(name, dtype):
    regularizer, expected = VALUES[name]
    cost = regularizer(tn.Tensor(numpy.array(X, dtype)))
    assert (cost.shape, cost.dtype) == ((), dtype)
    assert cost.item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("shape", [(3, 4), (2, 2, 1, 3), (5,), ()], ids=str)
@pytest.mark.parametrize("name", VALUES)
def test_the_gradient_is_that_of_finite_differences(name, shape, rng):
    x = rng.uniform(0.5, 2, shape) * rng.choice([-1.0, 1.0], shape)  # away from the kink of |x|
    tn.gradcheck(VALUES[name][0], x)


@pytest.mark.parametrize(
    ("regularizer", "expected"),
    [
        (L1(0.5), [0.5, -0.5, 0]),  # at 0 it stays 0
        (L2(0.5), [2, -3, 0]),  # 2 * factor * w
        (L1L2(0.5, 0.5), [2.5, -3.5, 0]),
    ],
    ids=str,
)
def test_the_gradient_is_added_to_that_of_the_loss(regularizer, expected):
    w = tn.Tensor([2.0, -3.0, 0.0], requires_grad=True)
    ((w * 10).sum() + regularizer(w)).backward()
    numpy.testing.assert_allclose(w.grad, numpy.array(expected) + 10)


def test_l2_is_weight_decay_of_twice_the_factor():
    w, other = (tn.Tensor([1.0, -2.0], requires_grad=True) for _ in range(2))
    L2(0.05)(w).backward()
    tn.optim.SGD([w], lr=0.1).step()
    (other * 0).sum().backward()
    tn.optim.SGD([other], lr=0.1, weight_decay=2 * 0.05).step()
    numpy.testing.assert_allclose(w.data, other.data, rtol=1e-6)


def test_two_with_the_same_factors_are_equal_and_show_them():
    assert L2(0.1) == L2(0.1) != L1(0.1)
    assert repr(L1L2(0.1, 0.2)) == "L1L2(l1=0.1, l2=0.2)"
    assert len({L1(0.1), L1(0.1), L1(0.2)}) == 2


def test_the_factor_does_not_change():
    regularizer = L2(0.1)
    with pytest.raises(AttributeError):
        regularizer.factor = 0.2


@pytest.mark.parametrize("value", [-0.1, math.nan, math.inf, True, None, "0.1", [0.1]], ids=repr)
@pytest.mark.parametrize(
    ("make", "where", "name"),
    [
        (L1, "L1", "factor"),
        (L2, "L2", "factor"),
        (lambda value: L1L2(l1=value), "L1L2", "l1"),
        (lambda value: L1L2(l2=value), "L1L2", "l2"),
    ],
    ids=["L1", "L2", "L1L2 l1", "L1L2 l2"],
)
def test_a_factor_that_is_none_is_refused(make, where, name, value):
    message = f"{where}: {name} must be at least 0 and finite, received {value!r}."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        make(value)


@pytest.mark.parametrize("regularizer", [L1(), L2(), L1L2()], ids=repr)
def test_an_array_is_refused(regularizer):
    where = type(regularizer).__name__
    with pytest.raises(TypeError, match=rf"^{where}: x is ndarray\. Give a Tensor\.$"):
        regularizer(numpy.ones(3))
