"""What the lesson stride_padding computes, against loops and against the layers of tinynet."""

from __future__ import annotations

import contextlib
import io
import itertools

import numpy
import pytest

import tinynet as tn
from lessons import parts

lesson = parts("stride_padding")


@pytest.mark.parametrize(("H", "K"), [*itertools.product((4, 5, 8, 11), (1, 2, 3, 4))])
def test_the_formula_counts_the_places_where_the_kernel_stands(H, K):
    for S, P in itertools.product((1, 2, 3), (0, 1, 2)):
        places = [i for i in range(-P, H + P, S) if i + K <= H + P]
        assert lesson.output_size(H, K, S, P) == lesson.counted(H, K, S, P) == len(places)
        assert lesson.measured(H, K, S, P) == len(places)


def test_the_rows_of_same_are_as_many_as_the_formula_says():
    for H, K, S in itertools.product((4, 7, 28), (1, 2, 3, 4, 5), (1, 2, 3)):
        total = max((-(-H // S) - 1) * S + K - H, 0)
        above, below = lesson.padded_rows(H, K, S)
        if K >= S:  # else the last place ends before the picture does
            assert (above, below) == (total // 2, total - total // 2)


def test_unseen_pixels_are_those_that_no_window_covers():
    for H, K, S in ((7, 2, 3), (8, 3, 2), (9, 3, 2), (6, 4, 1)):
        seen = numpy.zeros((H, H), bool)
        for i, j in itertools.product(range(0, H - K + 1, S), repeat=2):
            seen[i : i + K, j : j + K] = True
        assert lesson.unseen(H, K, S) == (~seen).sum()


def test_costs_are_those_of_the_layers():
    layers = [
        tn.layers.Conv2D(5, 3, strides=2, padding=1),
        tn.layers.Conv2D(4, 2),
        tn.layers.Flatten(),
        tn.layers.Dense(7),
    ]
    model = tn.Sequential(layers, (9, 9, 2), numpy.random.default_rng(0))
    with contextlib.redirect_stdout(io.StringIO()):
        rows = [row for row in tn.cost(model).rows if row.parameters]
    expected = [lesson.cost(9, 3, 2, 5, 2, 1), lesson.cost(5, 2, 5, 4), lesson.cost(4, 4, 4, 7)]
    assert [(row.parameters, row.multiply_adds) for row in rows] == expected
