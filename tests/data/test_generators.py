"""Digits, clothes and color pictures: of the right form, seeded, varied, and about as hard as said.

What can be learned on them is measured with a least-squares classifier, which has no randomness of
its own: none of the three may be trivial for it.
"""

from __future__ import annotations

import re

import numpy
import pytest

import tinynet as tn
from tinynet.data.drawn import shapes as drawing

GENERATORS = {
    "digits": (tn.data.digits, (28, 28, 1)),
    "clothes": (tn.data.clothes, (28, 28, 1)),
    "color_pictures": (tn.data.color_pictures, (32, 32, 3)),
}
every_generator = pytest.mark.parametrize(
    ("generate", "shape"), GENERATORS.values(), ids=GENERATORS
)


def seeded(seed: int) -> numpy.random.Generator:
    return numpy.random.default_rng(seed)


@pytest.fixture(scope="module")
def drawn():
    """1500 pictures of each, drawn once."""
    return {name: generate(1500, seeded(0)) for name, (generate, _) in GENERATORS.items()}


@every_generator
@pytest.mark.parametrize("count", [0, 1, 7, numpy.int64(20)])
def test_pictures_and_labels_have_the_form_of_the_real_ones(generate, shape, count, rng):
    pictures, labels = generate(count, rng)
    assert (pictures.shape, pictures.dtype) == ((count, *shape), numpy.uint8)
    assert (labels.shape, labels.dtype) == ((count,), numpy.int64)
    assert set(labels.tolist()) <= set(range(10))


@pytest.mark.parametrize("size", [16, 33, 48])
def test_color_pictures_have_any_size(size, rng):
    assert tn.data.color_pictures(20, rng, size=size)[0].shape == (20, size, size, 3)


@every_generator
def test_the_same_seed_draws_the_same_bytes(generate, shape):
    one, same, other = (generate(30, seeded(seed)) for seed in (1, 1, 2))
    assert one[0].tobytes() == same[0].tobytes()
    assert one[1].tobytes() == same[1].tobytes()
    assert one[0].tobytes() != other[0].tobytes()


@every_generator
def test_more_than_one_chunk_is_filled_to_its_end(generate, shape, monkeypatch):
    monkeypatch.setattr(drawing, "CHUNK", 8)
    pictures, labels = generate(21, seeded(3))
    assert len(labels) == 21
    assert (numpy.ptp(pictures.reshape(21, -1), axis=1) > 50).all()  # something is drawn in each
    assert len({picture.tobytes() for picture in pictures}) == 21


def outlines(pictures: numpy.ndarray, labels: numpy.ndarray) -> numpy.ndarray:
    """How much each pixel differs from the one before it, on average in each class.  (10, D)"""
    edges = (
        numpy.abs(numpy.diff(pictures.astype(float), axis=2)).sum(axis=3).reshape(len(labels), -1)
    )
    return numpy.stack([edges[labels == k].mean(axis=0) for k in range(10)])


@every_generator
def test_every_chunk_shows_what_its_labels_say(generate, shape, drawn, monkeypatch):
    """The outlines of each class look like those of the same class drawn in one chunk or two."""
    monkeypatch.setattr(drawing, "CHUNK", 100)
    found, expected = outlines(*generate(1500, seeded(5))), outlines(*drawn[generate.__name__])
    distance = numpy.linalg.norm(found[:, None] - expected, axis=2)
    assert distance.argmin(axis=1).tolist() == list(range(10))


@every_generator
def test_each_class_comes_up_about_equally_often(generate, shape, drawn):
    _, labels = drawn[generate.__name__]
    counts = numpy.bincount(labels, minlength=10)
    assert counts.min() > 100 and counts.max() < 200


@every_generator
def test_no_two_pictures_are_alike(generate, shape, drawn):
    pictures, _ = drawn[generate.__name__]
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)


@pytest.mark.parametrize("name", ["digits", "clothes"])
def test_the_paper_is_black_and_the_border_is_empty(name, drawn):
    pictures, _ = drawn[name]
    assert (pictures == 0).mean() > 0.4
    assert pictures.max() > 240
    assert pictures[:, 0].mean() < 6  # nothing is cut off at the top
    assert (pictures.max(axis=(1, 2, 3)) > 60).all()


def test_digits_fill_a_box_of_20_pixels_about_the_middle(drawn):
    pictures, _ = drawn["digits"]
    ink = pictures[..., 0] > 100
    height = ink.any(axis=2).sum(axis=1)
    width = ink.any(axis=1).sum(axis=1)
    largest = numpy.maximum(height, width)
    assert 17 <= largest.mean() <= 20 and largest.max() <= 22
    weight = pictures[..., 0] / pictures.sum(axis=(1, 2, 3))[:, None, None]
    for axis in (1, 2):
        middle = (weight.sum(axis=3 - axis) * numpy.arange(28)).sum(axis=1)
        assert numpy.abs(middle - 13.5).max() < 2
        assert middle.std() > 0.3


def test_every_digit_has_its_forms_and_every_curve_is_made_of_its_points():
    from tinynet.data.drawn.digits import FORMS, _forms

    forms, curves, first, number = _forms()
    assert sorted(FORMS) == list(range(10))
    assert number.sum() == len(forms) == len(curves)
    numpy.testing.assert_array_equal(first, [sum(number[:k]) for k in range(10)])
    numpy.testing.assert_allclose(curves.sum(axis=2), 1, rtol=1e-5)  # means of the points


def test_a_curve_goes_through_its_points():
    from tinynet.data.drawn.digits import CURVE, _smooth

    unit = numpy.eye(5)
    numpy.testing.assert_allclose(_smooth([2, 0, 4], 5)[::CURVE], unit[[2, 0, 4]])
    numpy.testing.assert_allclose(_smooth([0, 1, 2, 0], 5)[::CURVE], unit[[0, 1, 2, 0]])


def test_a_curve_is_that_of_catmull_and_rom():
    """Halfway between b and c it is (-a + 9 b + 9 c - d) / 16; at the ends, a is b and d is c."""
    from tinynet.data.drawn.digits import CURVE, _smooth

    halfway = _smooth([0, 1, 2, 3], 4)[CURVE // 2 :: CURVE]
    expected = numpy.array([[8, 9, -1, 0], [-1, 9, 9, -1], [0, -1, 9, 8]]) / 16
    numpy.testing.assert_allclose(halfway, expected)
    closed = _smooth([0, 1, 2, 3, 0], 4)[CURVE // 2 :: CURVE]
    expected = numpy.array([[9, 9, -1, -1], [-1, 9, 9, -1], [-1, -1, 9, 9], [9, -1, -1, 9]]) / 16
    numpy.testing.assert_allclose(closed, expected)


def test_things_have_every_color(drawn):
    """Each channel is often the strongest in the middle, and often the weakest."""
    pictures, _ = drawn["color_pictures"]
    order = pictures[:, 12:20, 12:20].mean(axis=(1, 2)).argsort(axis=1)
    orders, counts = numpy.unique(order, axis=0, return_counts=True)
    assert len(orders) == 6
    assert counts.min() > 0.5 * counts.max()


def test_the_names_of_the_classes():
    assert len(set(tn.data.COLOR_CLASSES)) == 10
    assert tn.data.class_names("fashion_mnist") == tn.data.CLOTHES


def test_short_sleeves_leave_the_sides_empty_where_long_ones_do_not(drawn):
    """T-shirts and pullovers differ where the arms hang, and trousers are open in the middle."""
    pictures, labels = drawn["clothes"]
    arms = pictures[:, 14:19, 3:9].mean(axis=(1, 2, 3))
    assert arms[labels == 0].mean() < 0.5 * arms[labels == 2].mean()
    legs = pictures[labels == 1]
    assert legs[:, 22:26, 13:15].mean() < 0.6 * legs[:, 22:26, 9:18].mean()


def linear_accuracy(pictures: numpy.ndarray, labels: numpy.ndarray, train: int) -> float:
    """Of least squares with a little weight decay, on what it was not fitted to."""
    x = pictures.reshape(len(pictures), -1) / 255.0
    x = numpy.concatenate([x, numpy.ones((len(x), 1))], axis=1)
    known, target = x[:train], numpy.eye(10)[labels[:train]]
    weight = numpy.linalg.solve(known.T @ known + 10 * numpy.eye(x.shape[1]), known.T @ target)
    return float(((x[train:] @ weight).argmax(axis=1) == labels[train:]).mean())


@pytest.mark.parametrize(("name", "low", "high"), [("digits", 0.6, 0.93), ("clothes", 0.7, 0.93)])
def test_a_linear_classifier_learns_them_but_not_perfectly(name, low, high, drawn):
    assert low < linear_accuracy(*drawn[name], train=1000) < high


def test_colors_alone_do_not_tell_the_class(drawn):
    pictures, labels = drawn["color_pictures"]
    colors = numpy.concatenate(
        [
            pictures.mean(axis=(1, 2)),
            pictures.std(axis=(1, 2)),
            pictures[:, 12:20, 12:20].mean((1, 2)),
        ],
        axis=1,
    )
    assert linear_accuracy(colors, labels, train=1000) < 0.4


@every_generator
@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"count": -1}, ValueError, "count must be a whole number of at least 0, received -1."),
        ({"count": 2.0}, ValueError, "count must be a whole number of at least 0, received 2.0."),
        (
            {"rng": None},
            TypeError,
            "rng is NoneType. Give a generator, numpy.random.default_rng(0).",
        ),
    ],
    ids=str,
)
def test_what_cannot_be_drawn_is_refused(generate, shape, settings, error, message, rng):
    with pytest.raises(error, match=f"^{re.escape(f'{generate.__name__}: {message}')}$"):
        generate(**({"count": 1, "rng": rng} | settings))


@pytest.mark.parametrize("size", [15, 32.0])
def test_color_pictures_need_16_pixels(size, rng):
    message = f"color_pictures: size must be a whole number of at least 16, received {size!r}."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        tn.data.color_pictures(1, rng, size=size)
