"""Cartoon faces: of the right form, seeded, and each attribute moves what it says and no more."""

from __future__ import annotations

import re
import sys

import numpy
import pytest

from tinynet.data import FACE_ATTRIBUTES, draw_faces, faces
from tinynet.data.drawn import portrait, shapes

FROWN_TO_GRIN = numpy.linspace(-1, 1, 9)
STYLES = range(len(portrait.STYLES))


def seeded(seed: int) -> numpy.random.Generator:
    return numpy.random.default_rng(seed)


@pytest.fixture(scope="module")
def drawn():
    return faces(300, seeded(0), size=32)


@pytest.mark.parametrize(("count", "size"), [(0, 64), (1, 64), (7, 16), (numpy.int64(3), 33)])
def test_pictures_and_attributes_have_their_form(count, size, rng):
    pictures, attributes = faces(count, rng, size=size)
    assert (pictures.shape, pictures.dtype) == ((count, size, size, 3), numpy.uint8)
    assert list(attributes) == list(FACE_ATTRIBUTES)
    for numbers in attributes.values():
        assert (numbers.shape, numbers.dtype) == ((count,), numpy.float32)


def test_pictures_have_64_pixels_a_side_unless_told_otherwise(rng):
    assert faces(1, rng)[0].shape == draw_faces({}).shape == (1, 64, 64, 3)


@pytest.mark.parametrize("name", FACE_ATTRIBUTES)
def test_attributes_fill_their_range_evenly(name, drawn):
    numbers, a = drawn[1][name], FACE_ATTRIBUTES[name]
    assert a.low <= numbers.min() and numbers.max() <= a.high
    assert a.low <= a.typical <= a.high
    if a.whole:
        values, counts = numpy.unique(numbers, return_counts=True)
        assert values.tolist() == list(range(int(a.low), int(a.high) + 1))
        assert counts.min() > 0.6 * len(numbers) / len(values)
    else:
        parts, _ = numpy.histogram(numbers, bins=5, range=(a.low, a.high))
        assert parts.min() > 35 and parts.max() < 90
        assert len(set(numbers.tolist())) > 290


def test_no_attribute_tells_anything_about_another(drawn):
    numbers = numpy.stack(list(drawn[1].values()))
    correlation = numpy.corrcoef(numbers) - numpy.eye(len(numbers))
    assert numpy.abs(correlation).max() < 0.25  # of 300: 4 standard deviations


def test_the_same_seed_draws_the_same_bytes():
    one, same, other = (faces(12, seeded(seed), size=24) for seed in (1, 1, 2))
    assert one[0].tobytes() == same[0].tobytes()
    assert all(one[1][name].tobytes() == same[1][name].tobytes() for name in FACE_ATTRIBUTES)
    assert one[0].tobytes() != other[0].tobytes()


def test_no_two_faces_are_alike_and_each_has_contrast(drawn):
    pictures, _ = drawn
    assert len({picture.tobytes() for picture in pictures}) == len(pictures)
    assert (numpy.ptp(pictures.reshape(len(pictures), -1), axis=1) > 120).all()


def test_what_is_drawn_together_does_not_matter(monkeypatch):
    """Chunks bound the memory, and change no picture; nor does the company of other faces."""
    pictures, attributes = faces(14, seeded(3), size=32)
    monkeypatch.setattr(sys.modules["tinynet.data.drawn.faces"], "PIXELS", 2 * 32 * 32)
    numpy.testing.assert_array_equal(draw_faces(attributes, 32), pictures)
    alone = [draw_faces({n: v[i] for n, v in attributes.items()}, 32)[0] for i in range(14)]
    numpy.testing.assert_array_equal(alone, pictures)


def test_a_large_face_is_the_small_one_with_more_pixels():
    attributes = faces(6, seeded(4), size=16)[1]
    small, large = (draw_faces(attributes, size).astype(float) for size in (64, 256))
    mean = large.reshape(6, 64, 4, 64, 4, 3).mean(axis=(2, 4))
    assert numpy.abs(mean - small).mean() < 4  # of 255; the edges are softer in the small one


def test_typical_values_stand_in_for_what_is_not_given():
    typical = {name: a.typical for name, a in FACE_ATTRIBUTES.items()}
    numpy.testing.assert_array_equal(draw_faces({}, 32), draw_faces(typical, 32))
    several = draw_faces({"smile": [0.5, -1], "glasses": 1}, 32)
    assert several.shape == (2, 32, 32, 3)
    numpy.testing.assert_array_equal(several[0], draw_faces({"smile": 0.5, "glasses": 1}, 32)[0])
    assert draw_faces({"smile": []}, 32).shape == (0, 32, 32, 3)


def test_what_is_fixed_is_the_same_in_all_faces_and_leaves_the_others_as_they_were():
    _, free = faces(9, seeded(6), size=16)
    pictures, some = faces(9, seeded(6), size=16, fixed={"smile": 0.25, "glasses": 1})
    assert (some["smile"] == 0.25).all() and (some["glasses"] == 1).all()
    for name in set(FACE_ATTRIBUTES) - {"smile", "glasses"}:
        numpy.testing.assert_array_equal(some[name], free[name])
    numpy.testing.assert_array_equal(draw_faces(some, 16), pictures)


# -- the smile -------------------------------------------------------------------------------------


def heights(pictures: numpy.ndarray) -> numpy.ndarray:
    """How low the left end and the middle of the lips are, in pixels from the top.  (N, 2)"""
    found = []
    for picture in pictures.astype(float):
        lips = numpy.clip(picture[142:205, :, 0] - picture[142:205, :, 1] - 70, 0, None)  # red
        left = numpy.flatnonzero(lips[:, 90:128].max(axis=0))[0] + 90
        parts = [lips[:, left + 1 : left + 4], lips[:, 126:130]]
        found.append([(p.sum(axis=1) * numpy.arange(63)).sum() / p.sum() for p in parts])
    return numpy.array(found)


def test_the_smile_moves_pixels_of_the_mouth_only():
    for style in STYLES:
        pictures = draw_faces({"smile": FROWN_TO_GRIN, "hair_style": style}).astype(int)
        moved = numpy.argwhere(numpy.ptp(pictures, axis=0).max(axis=2) > 0)
        assert len(moved) > 60
        assert moved[:, 0].min() >= 38 and moved[:, 0].max() <= 51  # rows, of 64
        assert moved[:, 1].min() >= 22 and moved[:, 1].max() <= 41


def test_the_ends_of_the_mouth_rise_with_the_smile_and_its_middle_falls():
    pictures = draw_faces({"smile": FROWN_TO_GRIN, "mouth_open": 0, "skin": 0, "cheeks": 0}, 256)
    ends, middle = heights(pictures).T
    assert (numpy.diff(ends) < -0.5).all()  # the first row is the uppermost
    assert (numpy.diff(middle) > 0.5).all()
    assert abs(ends - middle)[4] < 1.5  # neither frown nor smile: straight
    assert (ends - middle)[0] > 8 and (ends - middle)[-1] < -8


def test_the_more_the_smiles_differ_the_more_the_pictures_do():
    pictures = draw_faces({"smile": FROWN_TO_GRIN, "mouth_open": 0.3}).astype(float)
    from_frown = numpy.abs(pictures - pictures[0]).mean(axis=(1, 2, 3))
    assert (numpy.diff(from_frown) > 0).all()


# -- the other attributes --------------------------------------------------------------------------


@pytest.mark.parametrize("name", FACE_ATTRIBUTES)
def test_every_attribute_is_seen(name):
    a = FACE_ATTRIBUTES[name]
    steps = int(a.high - a.low) + 1 if a.whole else 5
    pictures = draw_faces({name: numpy.linspace(a.low, a.high, steps)}).astype(float)
    change = numpy.abs(numpy.diff(pictures, axis=0)).max(axis=(1, 2, 3))
    assert (change > 10).all()  # of 255, from each step to the next


def where_seen(name: str, low: float, high: float) -> numpy.ndarray:
    """The pixels that an attribute changes.  (64, 64) of truths"""
    one, other = draw_faces({name: [low, high]}).astype(int)
    return numpy.abs(one - other).max(axis=2) > 2


@pytest.mark.parametrize("name", ["gaze", "eye_size", "eye_color"])
def test_eyes_are_where_glasses_are(name):
    a = FACE_ATTRIBUTES[name]
    eyes, glasses = where_seen(name, a.low, a.high), where_seen("glasses", 0, 1)
    rows = numpy.flatnonzero(glasses.any(axis=1))
    assert eyes.sum() > 30
    assert not eyes[: rows[0]].any() and not eyes[rows[-1] + 1 :].any()


def test_the_background_is_all_around_and_the_shirt_is_below():
    background, shirt = where_seen("background", 0, 1), where_seen("shirt", 0.2, 0.6)
    assert background[:8, :8].all() and background[:8, -8:].all()
    assert not background[30:40, 28:36].any()
    assert shirt[-3:, 25:40].all() and not shirt[:50].any()


def test_skin_and_hair_are_darker_and_lighter_as_said():
    skin = draw_faces({"skin": [0, 0.5, 1], "cheeks": 0})[:, 37, 31].astype(int).sum(axis=1)
    assert skin[0] > skin[1] + 50 > skin[2] + 100
    hair = draw_faces({"hair_color": [0, 0.5, 1]})[:, 11, 26].astype(int).sum(axis=1)
    assert hair[0] + 100 < hair[1] + 50 < hair[2]


def test_a_turn_to_the_right_is_the_mirror_of_one_to_the_left_without_hair_and_light():
    """Brows, eyes and mouth go to the side that the head turns to."""
    pictures = draw_faces({"turn": [-1, 0, 1], "skin": 0, "cheeks": 0, "hair_style": 4}, 128)
    dark = 255.0 - pictures[:, 45:75, 35:95, 0]  # about the eyes
    middle = (dark.sum(axis=1) * numpy.arange(60)).sum(axis=1) / dark.sum(axis=(1, 2))
    assert middle[0] + 0.5 < middle[1] < middle[2] - 0.5


@pytest.mark.parametrize("style", STYLES)
def test_every_hair_style_is_its_own_shape(style):
    pictures = draw_faces({"hair_style": list(STYLES)}, 32).astype(int)
    others = [k for k in STYLES if k != style]
    differ = numpy.abs(pictures[others] - pictures[style]).max(axis=3) > 30
    assert (differ.sum(axis=(1, 2)) > 20).all()


# -- shapes ----------------------------------------------------------------------------------------


def test_an_ellipse_is_0_on_its_outline_and_a_distance_near_it():
    angle = numpy.linspace(0, 2 * numpy.pi, 200)
    x, y = 0.5 * numpy.cos(angle), 0.3 * numpy.sin(angle)
    assert numpy.abs(shapes.ellipse(x, y, 0.5, 0.3)).max() < 1e-5
    out_x, out_y = numpy.cos(angle) / 0.5, numpy.sin(angle) / 0.3
    length = numpy.hypot(out_x, out_y)
    for step in (-0.01, 0.01):
        moved = shapes.ellipse(x + step * out_x / length, y + step * out_y / length, 0.5, 0.3)
        numpy.testing.assert_allclose(moved, step, atol=1e-3)
    numpy.testing.assert_allclose(shapes.ellipse(3.0, 4.0, 2.0, 2.0), 3, rtol=1e-5)


def test_a_smooth_minimum_is_the_minimum_away_from_the_seam():
    one = numpy.array([0.0, 1.0, 0.3, 0.3])
    other = numpy.array([1.0, 0.0, 0.3, 0.35])
    merged = shapes.smooth_minimum(one, other, 0.1)
    numpy.testing.assert_allclose(merged[:3], [0, 0, 0.3 - 0.1 / 4])
    assert 0.27 < merged[3] < 0.3


def test_a_color_is_that_of_the_web():
    numpy.testing.assert_allclose(portrait._rgb("ff8000"), [1, 128 / 255, 0])
    colors = portrait._along(("000000", "ffffff", "ff0000"), numpy.array([0, 0.25, 0.5, 0.75, 1]))
    expected = [[0, 0, 0], [0.5] * 3, [1, 1, 1], [1, 0.5, 0.5], [1, 0, 0]]
    numpy.testing.assert_allclose(colors[:, :, 0, 0], expected)


# -- what cannot be drawn --------------------------------------------------------------------------

NO_GRIN = f"there is no attribute 'grin'. There are {', '.join(map(repr, FACE_ATTRIBUTES))}."
WRONG_FACES = [
    ({"count": -1}, ValueError, "count must be a whole number of at least 0, received -1."),
    ({"size": 15}, ValueError, "size must be a whole number of at least 16, received 15."),
    ({"fixed": {"grin": 1}}, ValueError, NO_GRIN),
    (
        {"fixed": {"smile": 2}},
        ValueError,
        "smile must be a number from -1 to 1, received 2.",
    ),
    (
        {"fixed": {"smile": [0.5]}},
        ValueError,
        "fixed must hold one number for smile, received shape (1,). tn.data.draw_faces takes "
        "numbers (N,).",
    ),
    (
        {"fixed": "smile"},
        TypeError,
        'fixed is str. Give a dict of numbers by name, for example {"smile": 0.5}.',
    ),
    ({"rng": 0}, TypeError, "rng is int. Give a generator, numpy.random.default_rng(0)."),
]
WRONG_ATTRIBUTES = [
    ({"size": 15}, ValueError, "size must be a whole number of at least 16, received 15."),
    (
        {"attributes": [0.5]},
        TypeError,
        'attributes is list. Give a dict of numbers by name, for example {"smile": 0.5}.',
    ),
    ({"attributes": {"grin": 1}}, ValueError, NO_GRIN),
    (
        {"attributes": {"smile": [0, 1.5]}},
        ValueError,
        "smile must be a number from -1 to 1, received 1.5.",
    ),
    (
        {"attributes": {"skin": float("nan")}},
        ValueError,
        "skin must be a number from 0 to 1, received nan.",
    ),
    (
        {"attributes": {"glasses": 0.5}},
        ValueError,
        "glasses must be a whole number from 0 to 1, received 0.5.",
    ),
    (
        {"attributes": {"hair_style": 6}},
        ValueError,
        "hair_style must be a whole number from 0 to 5, received 6.",
    ),
    (
        {"attributes": {"smile": "wide"}},
        ValueError,
        "smile must be a number or (N,) numbers, received <U4 of shape ().",
    ),
    (
        {"attributes": {"glasses": True}},
        ValueError,
        "glasses must be a number or (N,) numbers, received bool of shape ().",
    ),
    (
        {"attributes": {"smile": [[0.5]]}},
        ValueError,
        "smile must be a number or (N,) numbers, received float64 of shape (1, 1).",
    ),
    (
        {"attributes": {"smile": [0, 1], "skin": [0, 0, 0], "nose": 1}},
        ValueError,
        "all attributes must have equally many numbers, received 2 of smile, 3 of skin.",
    ),
]


@pytest.mark.parametrize(("settings", "error", "message"), WRONG_FACES, ids=str)
def test_faces_that_cannot_be_drawn_are_refused(settings, error, message, rng):
    with pytest.raises(error, match=f"^{re.escape(f'faces: {message}')}$"):
        faces(**({"count": 1, "rng": rng} | settings))


@pytest.mark.parametrize(("settings", "error", "message"), WRONG_ATTRIBUTES, ids=str)
def test_attributes_that_no_face_has_are_refused(settings, error, message):
    with pytest.raises(error, match=f"^{re.escape(f'draw_faces: {message}')}$"):
        draw_faces(**({"attributes": {}} | settings))
