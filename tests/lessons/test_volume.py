"""The lesson volume: its pictures, its filter of three slices and its parameters, against loops."""

from __future__ import annotations

import numpy
import pytest

from lessons import parts

volume = parts("volume")


def test_red_and_green_are_equally_bright_and_spots_change_brightness_alone(rng):
    ink = (rng.random((2, 9, 9, 1)) > 0.5).astype(numpy.float32)
    plain = volume.painted(ink, rng, 0.0)
    assert plain.shape == (2, 9, 9, 3) and 0 <= plain.min() < plain.max() <= 1
    numpy.testing.assert_allclose(volume.grey_of(plain), 0.41445, atol=1e-6)
    numpy.testing.assert_allclose(plain[ink[..., 0] == 1][0], volume.RED, atol=1e-6)
    spots = volume.painted(ink, rng) - plain
    assert abs(spots).max() <= volume.SPOTS + 1e-6 and abs(spots).max() > volume.SPOTS / 2
    numpy.testing.assert_allclose(spots[..., 0], spots[..., 1], atol=1e-6)
    numpy.testing.assert_allclose(spots[..., 0], spots[..., 2], atol=1e-6)


def test_a_filter_of_three_slices_adds_the_products_of_all_channels(rng):
    x = rng.standard_normal((2, 6, 7, 3), dtype=numpy.float32)
    w = rng.standard_normal((3, 3, 3, 2), dtype=numpy.float32)
    maps = volume.filtered(x, w)
    assert maps.shape == (2, 4, 5, 2)
    for n, i, j, o in ((0, 0, 0, 0), (1, 3, 4, 1), (1, 2, 0, 1)):
        terms = x[n, i : i + 3, j : j + 3] * w[..., o]
        assert maps[n, i, j, o] == pytest.approx(terms.sum(), abs=1e-4)


def test_the_mix_answers_to_red_and_not_to_brightness():
    assert sum(volume.MIX) == 0
    deep = numpy.float32([[0, 1, 0], [1, -4, 1], [0, 1, 0]])[:, :, None, None]
    deep = deep * numpy.float32(volume.MIX)[:, None]
    step = numpy.zeros((1, 3, 6, 3), numpy.float32)
    step[:, :, 3:] = 0.5  # black, then grey
    assert abs(volume.filtered(step, deep)).max() < 1e-6
    step[..., 1:] = 0  # black, then red
    assert volume.filtered(step, deep).ravel().tolist() == [0, 0.5, -0.5, 0]


def test_letters_stand_somewhere_and_the_networks_differ_in_their_depth_only(rng):
    pictures, labels = volume.letters(300, rng, 0.0)
    assert pictures.shape == (300, 14, 14, 3) and set(labels.tolist()) == {0, 1}
    red = pictures[..., 0] > 0.5
    assert red.any(axis=(0, 1)).all() and red.any(axis=(0, 2)).all()
    grey, color = volume.network(1), volume.network(3)
    assert grey[0].kernel.shape == (3, 3, 1, 8) and color[0].kernel.shape == (3, 3, 3, 8)
    after = [[p.shape for p in model.parameters()][1:] for model in (grey, color)]
    assert after[0] == after[1]
