"""What the lesson xo computes by hand, against loops."""

from __future__ import annotations

import numpy
import pytest

import tinynet as tn
from lessons import parts

xo = parts("xo")


def test_a_match_is_the_mean_of_the_products(rng):
    pictures = rng.standard_normal((2, 8, 9, 1), dtype=numpy.float32)
    for block in (1, 2):
        maps = xo.match(tn.Tensor(pictures), block).numpy()
        side = 3 * block
        assert maps.shape == (2, 9 - side, 10 - side, 3)
        for k, feature in enumerate(xo.FEATURES.values()):
            large = numpy.repeat(numpy.repeat(feature, block, axis=0), block, axis=1)
            for n, i, j in ((0, 0, 0), (1, 8 - side, 9 - side), (1, 1, 0)):
                patch = pictures[n, i : i + side, j : j + side, 0]
                assert maps[n, i, j, k] == pytest.approx((patch * large).mean(), abs=1e-6)


def test_numbers_are_cut_and_not_rounded():
    numbers = xo.cut(numpy.float32([7 / 9, -1 / 9, 5 / 9, 1, 0]))
    numpy.testing.assert_allclose(numbers, [0.77, -0.11, 0.55, 1, 0], rtol=1e-6)


def test_the_largest_match_does_not_depend_on_the_place():
    letter = numpy.full((2, 14, 14, 1), -1, numpy.float32)
    for i in range(5):
        letter[0, 2 + i, 2 + i] = letter[1, 6 + i, 7 + i] = 1
    found = xo.largest(letter, (1, 2))
    assert found.shape == (2, 6)
    numpy.testing.assert_allclose(found[0], found[1], atol=1e-6)
    assert found[0, 0] == pytest.approx(1)  # it falls


def test_each_letter_stands_somewhere_on_its_sheet(rng, monkeypatch):
    monkeypatch.setitem(xo.pictures.__globals__, "NOISE", 0.0)
    sheets, labels = xo.pictures(200, 20, rng)
    assert sheets.shape == (200, 20, 20, 1) and labels.shape == (200,)
    ink = sheets[..., 0] > -1
    for axes in ((0, 1), (0, 2)):
        assert ink.any(axis=axes).all()  # some letter reaches each row and each column
    for picture in ink:
        for axis in (0, 1):
            where = numpy.flatnonzero(picture.any(axis=axis))
            assert len(where) > 0 and where[-1] - where[0] < 9


def test_the_two_networks_differ_in_their_votes_only():
    anywhere, each_place = xo.network(xo.SHEET // 2), xo.network(2)
    shapes = [[p.shape for p in model.parameters()] for model in (anywhere, each_place)]
    assert shapes[0][:4] == shapes[1][:4] == [(3, 3, 1, 6), (6,), (3, 3, 6, 12), (12,)]
    assert shapes[0][4] == (12, 2) and shapes[1][4] == (12 * 64, 2)
