"""The lesson pooling: its kinds, their gradients, its change and its shifts, against loops."""

from __future__ import annotations

import itertools

import numpy
import pytest

from lessons import parts

pooling = parts("pooling")
STATISTICS = {
    "max": numpy.max,
    "min": numpy.min,
    "mean": numpy.mean,
    "sum": numpy.sum,
    "L2 norm": numpy.linalg.norm,
}


@pytest.mark.parametrize("kind", STATISTICS)
def test_each_kind_is_its_statistic_and_its_gradient_is_what_a_small_change_does(kind):
    statistic, step = STATISTICS[kind], 1e-6
    numbers, gradient = numpy.array(pooling.MAP, float), numpy.array([[10, 20], [30, 40]])
    pooled, back = pooling.there_and_back(pooling.KINDS[kind], numbers, gradient)
    for i, j in itertools.product(range(4), range(4)):
        window = numbers[i // 2 * 2 :, j // 2 * 2 :][:2, :2]
        assert pooled[i // 2, j // 2] == pytest.approx(statistic(window.ravel()), rel=1e-6)
        if kind == "min" and (i, j) in ((0, 0), (0, 1)):
            continue  # two are equal: the first one gets the gradient
        up, down = window.copy(), window.copy()
        up[i % 2, j % 2] += step
        down[i % 2, j % 2] -= step
        slope = (statistic(up.ravel()) - statistic(down.ravel())) / (2 * step)
        assert back[i, j] == pytest.approx(slope * gradient[i // 2, j // 2], abs=1e-3)
    if kind == "min":
        assert back[0, :2].tolist() == [10, 0]


def test_a_shift_smaller_than_the_window_is_seen_only_where_a_number_leaves_it():
    for n in (2, 4, 8):
        lit = numpy.eye(16, dtype=numpy.float32)[:, None, :, None]  # one lit pixel in 1 x 16
        lit = numpy.repeat(numpy.pad(lit, ((0, 0), (0, 0), (0, 16), (0, 0))), n, axis=1)
        here, there = pooling.max_of(lit, n), pooling.max_of(numpy.roll(lit, 1, axis=2), n)
        same = [pooling.change(a, b) == 0 for a, b in zip(here, there, strict=True)]
        assert numpy.mean(same) == (n - 1) / n


def test_digits_move_to_the_right_and_to_the_left(rng):
    x = rng.random((2, 5, 6, 1))
    assert numpy.array_equal(pooling.moved(x, 0), x)
    right, left = pooling.moved(x, 2), pooling.moved(x, -1)
    assert numpy.array_equal(right[:, :, 2:], x[:, :, :-2]) and not right[:, :, :2].any()
    assert numpy.array_equal(left[:, :, :-1], x[:, :, 1:]) and not left[:, :, -1:].any()


def test_three_networks_have_the_same_weights():
    shapes = {
        kind: [p.shape for p in pooling.network(kind).parameters()]
        for kind in ("no pooling", "mean", "max", "max, whole map")
    }
    assert shapes["no pooling"] == shapes["mean"] == shapes["max"]
    assert shapes["max"][-2] == (7 * 7 * 16, 10) and shapes["max, whole map"][-2] == (32, 10)
