"""The lesson autograd: its small engine beside the formulas, and its orders of the walk."""

from __future__ import annotations

import math

import pytest

from lessons import parts

autograd = parts("autograd")
Value = autograd.Value


def test_each_operation_has_its_value_and_its_derivatives():
    s = 1 / (1 + math.exp(-0.7))
    for operation, value, slopes in (
        (lambda x, y: x + y, -1.3, (1, 1)),
        (lambda x, y: x - y, 2.7, (1, -1)),
        (lambda x, y: x * y, -1.4, (-2, 0.7)),
        (lambda x, y: 3 * x, 2.1, (3, 0)),
        (lambda x, y: autograd.sigmoid(x), s, (s * (1 - s), 0)),
        (lambda x, y: x * x * x, 0.343, (3 * 0.49, 0)),
    ):
        x, y = Value(0.7), Value(-2.0)
        z = operation(x, y)
        gradient, _ = autograd.walk_back(z)
        assert z.value == pytest.approx(value, rel=1e-12)
        assert [gradient.get(v, 0) for v in (x, y)] == pytest.approx(slopes, rel=1e-12)


@pytest.mark.parametrize(
    ("order", "a"), [("newest first", 21), ("oldest first", 6), ("last found first", 15)]
)
def test_three_orders_of_the_two_routes(order, a):
    values = autograd.two_routes(Value(2.0))
    gradient, steps = autograd.walk_back(values[-1], autograd.ORDERS[order])
    assert [gradient[v] for v in values] == [a, 7, 1, 1, 1]
    assert {v for v, _ in steps} == set(values) and len(steps) == 5


def test_each_value_has_one_turn_and_only_after_all_that_were_computed_from_it(rng):
    for _ in range(20):
        formula = autograd.random_formula(rng, 30)
        result = autograd.compute(formula, Value(0.3), Value(-0.8), autograd.sigmoid)
        turns = {v: turn for turn, (v, _) in enumerate(autograd.walk_back(result)[1])}
        assert sorted(turns.values()) == list(range(len(autograd.walk_back(result)[1])))
        assert all(turns[v] < turns[parent] for v in turns for parent in v.parents)


def test_newest_first_gives_the_gradients_of_tinynet_from_another_seed():
    errors = autograd.try_formulas(20, seed=5)
    assert errors["newest first"].max() < 1e-12
    assert min(errors["oldest first"].mean(), errors["last found first"].mean()) > 0.01
