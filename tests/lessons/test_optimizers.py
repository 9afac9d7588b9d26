"""The four rules by hand, beside tinynet's optimizers and beside closed forms."""

from __future__ import annotations

import numpy as np
import pytest

import tinynet as tn
from lessons import parts

lesson = parts("optimizers")
SAME = {
    "sgd": lambda w, rate: tn.optim.SGD(w, lr=rate),
    "momentum": lambda w, rate: tn.optim.SGD(w, lr=rate, momentum=0.9),
    "rmsprop": lambda w, rate: tn.optim.RMSprop(w, lr=rate),
    "adam": lambda w, rate: tn.optim.Adam(w, lr=rate),
}


@pytest.mark.parametrize("rate", [0.003, 0.01])
@pytest.mark.parametrize("name", SAME)
def test_a_rule_by_hand_takes_the_steps_of_tinynets_optimizer(name, rate):
    path = lesson.walk(getattr(lesson, name), lesson.valley, [4.0, 1.0], rate, 50)
    w = tn.Tensor(np.array([4.0, 1.0]), requires_grad=True)
    optimizer = SAME[name]([w], rate)
    for place in path:
        np.testing.assert_allclose(w.numpy(), place, rtol=0, atol=1e-6)
        optimizer.zero_grad()
        lesson.valley(w).backward()
        optimizer.step()


@pytest.mark.parametrize("name", SAME)
def test_walks_at_once_are_the_walks_one_by_one(name):
    rule, rates = getattr(lesson, name), np.array([0.003, 0.01])
    together = lesson.walk(rule, lesson.saddle, np.array([[1.0, 2.0], [0.5, 0.1]]), rates, 20)
    for i, start in enumerate(([1.0, 0.5], [2.0, 0.1])):
        alone = lesson.walk(rule, lesson.saddle, start, rates[i], 20)
        np.testing.assert_allclose(together[:, :, i], alone, rtol=1e-12)


@pytest.mark.parametrize("angle", [0.0, 30.0])
def test_sgd_in_the_valley_shrinks_each_distance_by_its_curvature(angle):
    a = np.deg2rad(angle)
    along, across = np.array([np.cos(a), np.sin(a)]), np.array([-np.sin(a), np.cos(a)])
    path = lesson.walk(
        lesson.sgd, lambda w: lesson.valley(w, 100.0, angle), 4 * along + across, 0.015, 30
    )
    steps = np.arange(31)
    np.testing.assert_allclose(path @ along, 4 * (1 - 0.015) ** steps, rtol=1e-9)
    np.testing.assert_allclose(path @ across, (1 - 1.5) ** steps, atol=1e-12)


def test_what_the_worst_of_four_neighbors_loses():
    assert lesson.lost([0.1, 0.8, 0.9, 0.7, 0.75, 0.2]) == pytest.approx(0.2)
    assert lesson.lost([0.1, 0.9]) == pytest.approx(0.8)
