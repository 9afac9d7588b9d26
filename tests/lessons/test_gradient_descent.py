"""Gradient descent by hand, beside loops and closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from lessons import parts

lesson = parts("gradient_descent")


@pytest.fixture
def points(rng):
    x = rng.uniform(0, 2, 32)
    return x, 1 + 2 * x + rng.normal(0, 0.5, 32)


@pytest.mark.parametrize("size", [1, 5, 32])
def test_descend_is_the_slides_algorithm_for_any_batch_size(size, points):
    x, y = points
    path = lesson.descend(x, y, 0.1, size, 2, np.random.default_rng(3), start=(-1.0, 4.0))
    w, order, step = np.array([-1.0, 4.0]), np.random.default_rng(3), 0
    for _ in range(2):
        shuffled = order.permutation(32)
        for first in range(0, 32, size):
            chosen = shuffled[first : first + size]
            change = np.zeros(2)
            for i in chosen:
                error = w[0] + w[1] * x[i] - y[i]
                change += 2 * error * np.array([1, x[i]]) / len(chosen)
            w = w - 0.1 * change
            step += 1
            np.testing.assert_allclose(path[step], w, rtol=1e-9)
    assert len(path) == step + 1


def test_downhill_is_descend_with_all_examples(points):
    all_at_once = lesson.descend(*points, 0.1, 32, 10, np.random.default_rng(0))
    np.testing.assert_allclose(lesson.downhill(*points, 0.1, 10), all_at_once, rtol=1e-9)


def test_gradients_of_single_examples_are_those_of_the_formula(points):
    x, y = points
    got = lesson.batch_gradients(x, y, 1, 400, np.random.default_rng(0), w=(-1.0, 4.0))
    error = -1 + 4 * x - y
    expected = np.stack([2 * error, 2 * error * x], axis=1)
    found = np.unique(got.round(9), axis=0)
    np.testing.assert_allclose(found, np.unique(expected.round(9), axis=0), atol=1e-8)


@pytest.mark.parametrize("share", [0.95, 1.05])
def test_a_step_multiplies_the_distance_along_the_steepest_direction(share, points):
    x, y = points
    rows = np.stack([np.ones(32), x], axis=1)
    curvatures, directions = np.linalg.eigh(2 / 32 * rows.T @ rows)
    lowest = np.linalg.lstsq(rows, y, rcond=None)[0]
    path = lesson.downhill(
        x, y, share * 2 / curvatures[-1], 5, start=tuple(lowest + directions[:, -1])
    )
    distances = np.linalg.norm(path - lowest, axis=1)
    np.testing.assert_allclose(distances, abs(1 - 2 * share) ** np.arange(6), rtol=1e-9)
