"""What the lesson receptive_field computes, against loops and numbers worked out by hand."""

from __future__ import annotations

import itertools

import numpy
import pytest

import tinynet as tn
from lessons import parts

lesson = parts("receptive_field")

# (size, jump) after each layer, worked out by hand: the lectures print none of these.
FIELDS = {
    "Keras, MNIST": [(3, 1), (5, 1), (6, 2), (10, 2), (14, 2), (16, 4)],
    "TensorFlow 1, MNIST": [(5, 1), (6, 2), (14, 2), (16, 4)],
    "Fashion-MNIST": [(3, 1), (5, 1), (6, 2)],
    "encoder of cartoon faces": [(3, 2), (7, 4), (15, 8), (31, 16), (63, 32)],
    "encoder of dogs": [(5, 2), (9, 4), (17, 8)],
}


@pytest.mark.parametrize("name", FIELDS)
def test_receptive_fields_computed_and_measured(name):
    layers = lesson.NETWORKS[name]
    assert lesson.fields(layers) == FIELDS[name]
    prefixes = [layers[: n + 1] for n in range(len(layers))]
    assert [lesson.measured(prefix) for prefix in prefixes] == FIELDS[name]


def test_the_gradient_is_the_share_of_the_ways_that_lead_to_a_pixel():
    ways = numpy.convolve([1, 1, 1], [1, 1, 1]) / 9
    expected = numpy.zeros((8, 8))
    expected[2:7, 2:7] = numpy.outer(ways, ways)
    found = lesson.gradient([(3, 1), (3, 1)], 8, 2)
    numpy.testing.assert_allclose(found, expected, rtol=1e-5)


def test_the_middle_square_is_the_smallest_that_holds_the_share():
    field = numpy.outer([1, 2, 4, 2, 1], [1, 2, 4, 2, 1]).astype(float)  # its sum is 100
    for share, side in ((0.16, 1), (0.17, 3), (0.64, 3), (0.65, 5)):
        assert lesson.middle_square(field, share) == side


def test_the_local_layer_has_a_filter_for_each_place(rng):
    layer = lesson.Local()
    model = tn.Sequential([layer], (16, 16, 1), numpy.random.default_rng(0))
    x = rng.standard_normal((2, 16, 16, 1), dtype=numpy.float32)
    y = tn.predict(model, x)
    assert y.shape == (2, 12, 12, 4)
    for i, j in ((0, 0), (3, 7), (11, 11)):
        patch = x[1, i : i + 5, j : j + 5, 0].ravel()
        expected = numpy.maximum(patch @ layer.kernel.numpy()[12 * i + j], 0)
        numpy.testing.assert_allclose(y[1, i, j], expected, atol=1e-5)


def test_patterns_stand_in_their_half_and_have_nine_bright_pixels(rng, monkeypatch):
    monkeypatch.setitem(lesson.pictures.__globals__, "NOISE", 0.0)
    for where, (first, last) in {"left": (0, 8), "right": (8, 16), "anywhere": (0, 16)}.items():
        x, labels = lesson.pictures(300, where, rng)
        assert (x.sum(axis=(1, 2, 3)) == 9).all() and set(labels) == {0, 1}
        columns = x[..., 0].any(axis=(0, 1))
        assert columns[first:last].all() and columns.sum() == last - first
        for picture, label in itertools.islice(zip(x[..., 0], labels, strict=True), 20):
            rows = picture.any(axis=1).argmax()
            assert (picture[rows].sum() == 1) == (label == 0)  # it begins with the hill's tip
