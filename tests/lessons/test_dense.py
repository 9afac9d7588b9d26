"""The lesson dense: its product against sums, its best line against lines by hand."""

from __future__ import annotations

import numpy
import pytest

from lessons import parts

lesson = parts("dense")


def test_the_missing_row_continues_the_count():
    w = [*lesson.PRINTED_W, lesson.MISSING_ROW]
    numpy.testing.assert_array_equal(w, numpy.arange(1, 13).reshape(4, 3))


def test_the_product_is_each_neurons_own_sum(rng):
    x, w, b = rng.normal(size=(6, 5)), rng.normal(size=(5, 3)), rng.normal(size=3)
    sums = [[lesson.neuron(i, row, w, b) for i in range(3)] for row in x]
    numpy.testing.assert_allclose(lesson.dense(x, w, b).numpy(), sums)


def test_the_bias_is_one_more_row_of_w_whose_input_is_1(rng):
    x, w, b = rng.normal(size=(2, 4)), rng.normal(size=(4, 3)), rng.normal(size=3)
    longer, higher = numpy.hstack([x, numpy.ones((2, 1))]), numpy.vstack([w, b])
    sums = lesson.dense(longer, higher, numpy.zeros(3)).numpy()
    numpy.testing.assert_allclose(sums, lesson.dense(x, w, b).numpy())


@pytest.mark.parametrize("sign", [1, -1])
def test_the_best_line_separates_what_a_line_can(sign, rng):
    x = rng.uniform(-2, 2, (300, 2))
    margin = sign * (x @ [0.6, 0.8] - 0.3)
    x, yes = x[abs(margin) > 0.2], (margin > 0)[abs(margin) > 0.2, None]
    w, b = lesson.best_line(x, yes)
    assert ((x @ w + b > 0) == yes[:, 0]).all()


def test_the_spirals_are_each_others_mirror_image_and_no_line_separates_them():
    x, yes = lesson.spirals(4000, numpy.random.default_rng(0))
    numpy.testing.assert_allclose(x[yes[:, 0] == 1].mean(0), -x[yes[:, 0] == 0].mean(0), atol=0.15)
    w, b = lesson.best_line(x, yes)
    assert ((x @ w + b > 0) == yes[:, 0]).mean() < 0.75
