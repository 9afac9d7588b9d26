"""Augmentation: exact where it can be exact, against naive loops, and random where it should be."""

from __future__ import annotations

import math
import re

import numpy
import pytest

from tinynet.data import augment

DTYPES = (numpy.uint8, numpy.float32, numpy.float64)
IDENTITY = numpy.array([[1.0, 0, 0], [0, 1, 0]])

# Every random function, with settings that change something.
FUNCTIONS = {
    "affine": lambda x, rng: augment.affine(x, rng, 20, 0.2, 15, 0.2),
    "rotate": lambda x, rng: augment.rotate(x, rng, 30),
    "shift": lambda x, rng: augment.shift(x, rng, 0.3),
    "shear": lambda x, rng: augment.shear(x, rng, 30),
    "zoom": lambda x, rng: augment.zoom(x, rng, 0.4),
    "flip": lambda x, rng: augment.flip(x, rng, vertical=True),
    "elastic": lambda x, rng: augment.elastic(x, rng, 1.5, 2),
    "brightness": lambda x, rng: augment.brightness(x, rng, 50),
    "contrast": lambda x, rng: augment.contrast(x, rng, 0.5),
    "cutout": lambda x, rng: augment.cutout(x, rng, 4),
}
every_function = pytest.mark.parametrize("function", FUNCTIONS.values(), ids=FUNCTIONS)


def pictures_of(shape, dtype=numpy.float32, seed=0):
    return (255 * numpy.random.default_rng(seed).random(shape)).astype(dtype)


def generator(seed=1):
    return numpy.random.default_rng(seed)


# -- warp, with given matrices ---------------------------------------------------------------------


def pixel(picture, row, column, fill):
    """A pixel of a picture, (H, W, C), that may lie outside of it."""
    height, width, _ = picture.shape
    if fill == "zeros" and not (0 <= row < height and 0 <= column < width):
        return numpy.zeros(picture.shape[2])
    if fill == "reflect":
        row, column = row % (2 * height), column % (2 * width)
        row, column = min(row, 2 * height - 1 - row), min(column, 2 * width - 1 - column)
    return picture[min(max(row, 0), height - 1), min(max(column, 0), width - 1)].astype(float)


def naive_warp(pictures, matrices, fill):
    n, height, width, _ = pictures.shape
    result = numpy.empty(pictures.shape)
    for i in range(n):
        for r in range(height):
            for c in range(width):
                middle = (height - 1) / 2, (width - 1) / 2
                row, column = matrices[i] @ (r - middle[0], c - middle[1], 1) + middle
                above, left = math.floor(row), math.floor(column)
                down, right = row - above, column - left
                result[i, r, c] = sum(
                    wr * wc * pixel(pictures[i], above + dr, left + dc, fill)
                    for dr, wr in ((0, 1 - down), (1, down))
                    for dc, wc in ((0, 1 - right), (1, right))
                )
    return result


@pytest.mark.parametrize("fill", ["nearest", "zeros", "reflect"])
@pytest.mark.parametrize(
    "shape", [(3, 5, 4, 1), (2, 4, 7, 3), (1, 1, 6, 2), (1, 5, 1, 1), (2,) * 4]
)
def test_warp_agrees_with_loops(fill, shape, rng):
    x = pictures_of(shape, numpy.float64) / 255
    matrices = IDENTITY + rng.uniform(-1, 1, (shape[0], 2, 3)) * [0.8, 0.8, 4]
    matrices = matrices.astype(numpy.float32)
    expected = naive_warp(x, matrices, fill)
    numpy.testing.assert_allclose(augment.warp(x, matrices, fill), expected, atol=1e-5)
    x32 = x.astype(numpy.float32)
    numpy.testing.assert_allclose(augment.warp(x32, matrices, fill), expected, atol=1e-5)
    bytes_ = (x * 255).round().astype(numpy.uint8)
    difference = augment.warp(bytes_, matrices, fill) - naive_warp(bytes_, matrices, fill)
    assert numpy.abs(difference).max() <= 0.51  # rounded to the nearest


@pytest.mark.parametrize("fill", ["nearest", "zeros", "reflect"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_identity_changes_no_bit(dtype, fill):
    x = pictures_of((3, 5, 8, 2), dtype)
    assert augment.warp(x, IDENTITY, fill).tobytes() == x.tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("height", "width"), [(5, 5), (6, 6), (28, 28)])
def test_quarter_turns_and_mirrors_are_exact(dtype, height, width):
    x = pictures_of((2, height, width, 3), dtype)
    for turns in range(4):
        cos, sin = (1, 0, -1, 0)[turns], (0, 1, 0, -1)[turns]
        turned = augment.warp(x, [[cos, sin, 0], [-sin, cos, 0]])
        numpy.testing.assert_array_equal(turned, numpy.rot90(x, turns, (1, 2)))
    numpy.testing.assert_array_equal(augment.warp(x, [[1, 0, 0], [0, -1, 0]]), x[:, :, ::-1])
    numpy.testing.assert_array_equal(augment.warp(x, [[-1, 0, 0], [0, 1, 0]]), x[:, ::-1])


@pytest.mark.parametrize("dtype", DTYPES)
def test_whole_pixels_are_moved_exactly_and_what_comes_in_is_the_fill(dtype):
    x = pictures_of((1, 4, 5, 1), dtype)
    matrix = [[1, 0, -1], [0, 1, 2]]  # looks one row up and two columns to the right
    by_fill = {
        fill: augment.warp(x, matrix, fill)[0, :, :, 0] for fill in ("nearest", "zeros", "reflect")
    }
    old = x[0, :, :, 0]
    for new in by_fill.values():
        numpy.testing.assert_array_equal(new[1:, :3], old[:3, 2:])
    numpy.testing.assert_array_equal(by_fill["nearest"][0, :3], old[0, 2:])
    numpy.testing.assert_array_equal(by_fill["nearest"][1:, 3:], old[:3, [4, 4]])
    assert not by_fill["zeros"][0].any() and not by_fill["zeros"][:, 3:].any()
    numpy.testing.assert_array_equal(by_fill["reflect"][1:, 3:], old[:3, [4, 3]])


def test_each_picture_has_its_own_matrix():
    x = pictures_of((2, 6, 6, 1))
    matrices = numpy.stack([IDENTITY, [[1, 0, 0], [0, -1, 0]]])
    warped = augment.warp(x, matrices)
    numpy.testing.assert_array_equal(warped[0], x[0])
    numpy.testing.assert_array_equal(warped[1], x[1, :, ::-1])


# -- turned, moved, slanted, resized ---------------------------------------------------------------


class Fixed(numpy.random.Generator):
    """Draws the end of each range, so that the angle is the one asked for."""

    def __init__(self):
        super().__init__(numpy.random.PCG64(0))

    def uniform(self, low, high, shape):
        return numpy.full(shape, high, float)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_turn_by_90_degrees_is_that_of_numpy(dtype):
    x = pictures_of((2, 9, 9, 1), dtype)
    numpy.testing.assert_allclose(
        augment.rotate(x, Fixed(), 90), numpy.rot90(x, -1, (1, 2)).copy(), atol=1e-4
    )


def test_a_shift_by_a_fraction_moves_so_many_pixels():
    x = pictures_of((2, 8, 12, 1))
    moved = augment.shift(x, Fixed(), 0.25, fill="zeros")
    numpy.testing.assert_array_equal(moved[:, :6, :9], x[:, 2:, 3:])
    assert not moved[:, 6:].any() and not moved[:, :, 9:].any()


def test_zoom_enlarges_by_the_factor():
    x = numpy.zeros((1, 41, 41, 1), numpy.float32)
    x[:, 10:31, 10:31] = 1  # 21 pixels wide
    larger = augment.zoom(x, Fixed(), 0.5)
    assert larger.sum() == pytest.approx((21 * 1.5) ** 2, rel=0.02)


def test_affine_is_keras_product_of_matrices_and_looks_up_once():
    x = pictures_of((2, 10, 14, 1), numpy.float64)
    angle, lean = math.radians(20), math.radians(15)
    turn = [
        [math.cos(angle), -math.sin(angle), 0],
        [math.sin(angle), math.cos(angle), 0],
        [0, 0, 1],
    ]
    move = [[1, 0, 0.1 * 10], [0, 1, 0.1 * 14], [0, 0, 1]]
    slant = [[1, -math.sin(lean), 0], [0, math.cos(lean), 0], [0, 0, 1]]
    resize = numpy.diag([1 / 1.2, 1 / 1.2, 1])
    matrix = (numpy.array(turn) @ move @ slant @ resize)[:2]
    result = augment.affine(x, Fixed(), 20, 0.1, 15, 0.2)
    numpy.testing.assert_allclose(result, augment.warp(x, matrix), atol=1e-3)


def test_the_lectures_shear_of_0_3_degrees_is_no_shear():
    """Keras' shear_range is in degrees: no pixel of 28 x 28 moves by more than 0.08 pixels."""
    row, column = numpy.meshgrid(numpy.arange(28.0), numpy.arange(28.0), indexing="ij")
    places = numpy.stack([row, column], axis=-1)[None]  # each pixel says where it comes from
    for rng in (Fixed(), generator()):
        inner = augment.shear(places, rng, 0.3) - places
        assert 0 < numpy.abs(inner).max() < 0.08
    assert numpy.abs(augment.shear(places, Fixed(), 17) - places).max() > 3  # 0.3 in radians


@pytest.mark.parametrize("name", ["rotate", "shift", "shear", "zoom"])
def test_the_single_ones_are_affine_with_one_setting(name):
    x = pictures_of((5, 12, 12, 1))
    for fill in ("nearest", "zeros", "reflect"):
        one = getattr(augment, name)(x, generator(), 0.5, fill)
        same = augment.affine(x, generator(), **{name: 0.5}, fill=fill)
        assert one.tobytes() == same.tobytes()
        assert one.tobytes() != x.tobytes()


def test_all_settings_at_zero_change_nothing():
    x = pictures_of((4, 7, 9, 3))
    assert augment.affine(x, generator()).tobytes() == x.tobytes()


def test_angles_and_shifts_are_drawn_evenly_from_their_ranges():
    row, column = numpy.meshgrid(numpy.arange(21.0), numpy.arange(21.0), indexing="ij")
    places = numpy.repeat(numpy.stack([row, column], axis=-1)[None], 2000, axis=0)
    across = augment.rotate(places, generator(), 30)[:, 10, 12] - [10, 10]  # 2 pixels right of it
    angle = numpy.degrees(numpy.arctan2(across[:, 0], across[:, 1]))
    assert -30 <= angle.min() < -29 and 29 < angle.max() <= 30.01
    assert angle.std() == pytest.approx(30 / math.sqrt(3), rel=0.05)
    moved = augment.shift(places, generator(), 0.2)[:, 10, 10] - 10
    assert numpy.abs(moved).max() <= 4.2 + 1e-5
    assert moved.std(axis=0) == pytest.approx(4.2 / math.sqrt(3), rel=0.05)
    assert abs(numpy.corrcoef(moved.T)[0, 1]) < 0.1


# -- mirrored, bent --------------------------------------------------------------------------------


def test_half_of_the_pictures_are_mirrored_each_way():
    x = pictures_of((2000, 3, 3, 1))
    for horizontal, vertical in ((True, False), (False, True), (True, True), (False, False)):
        flipped = augment.flip(x, generator(), horizontal, vertical)
        kinds = {
            (left, up): (flipped == x[:, ::up, ::left]).all(axis=(1, 2, 3))
            for left in (1, -1)
            for up in (1, -1)
        }
        assert sum(kinds.values()).all()  # each is one of the four
        possible = (1 + horizontal) * (1 + vertical)
        for (left, up), found in kinds.items():
            allowed = (left == 1 or horizontal) and (up == 1 or vertical)
            assert found.mean() == pytest.approx(allowed / possible, abs=0.05)


@pytest.mark.parametrize("dtype", DTYPES)
def test_elastic_of_strength_zero_is_the_identity(dtype):
    x = pictures_of((3, 9, 7, 2), dtype)
    assert augment.elastic(x, generator(), 0, 4).tobytes() == x.tobytes()


def movements(strength, smoothness):
    row, column = numpy.meshgrid(numpy.arange(24.0), numpy.arange(24.0), indexing="ij")
    places = numpy.repeat(numpy.stack([row, column], axis=-1)[None], 400, axis=0)
    return (augment.elastic(places, generator(), strength, smoothness) - places)[:, 8:16, 8:16]


def test_elastic_moves_as_far_as_its_strength_whatever_the_smoothness():
    for strength, smoothness in ((0.5, 1), (0.5, 4), (1.0, 3)):
        moved = movements(strength, smoothness)
        assert moved.std(axis=(0, 1, 2)) == pytest.approx(strength, rel=0.07)
        assert abs(moved.mean()) < 0.1 * strength


def test_elastic_moves_neighbours_alike_as_the_gaussian_says():
    rough, smooth = (movements(0.5, s)[..., 0] for s in (1.5, 4))
    for moved, smoothness in ((rough, 1.5), (smooth, 4)):
        neighbours = numpy.corrcoef(moved[:, :, :-1].ravel(), moved[:, :, 1:].ravel())[0, 1]
        assert neighbours == pytest.approx(math.exp(-1 / (4 * smoothness**2)), abs=0.02)


# -- what they look like ---------------------------------------------------------------------------


def test_brightness_adds_one_number_to_a_picture():
    x = pictures_of((2000, 2, 3, 2), numpy.float64)
    change = augment.brightness(x, generator(), 0.5) - x
    assert numpy.ptp(change, axis=(1, 2, 3)).max() < 1e-9
    assert -0.5 <= change.min() < -0.49 and 0.49 < change.max() <= 0.5
    assert change.std() == pytest.approx(0.5 / math.sqrt(3), rel=0.05)


def test_uint8_is_clipped_and_rounded_and_floats_only_within_limits():
    x = numpy.array([0, 100, 255], numpy.uint8).reshape(1, 1, 3, 1)
    assert augment.brightness(x, Fixed(), 30.6).ravel().tolist() == [31, 131, 255]
    y = x.astype(numpy.float32) / 255
    assert augment.brightness(y, Fixed(), 0.5).max() == 1.5
    assert augment.brightness(y, Fixed(), 0.5, limits=(0, 1)).max() == 1
    assert augment.contrast(y, Fixed(), 1).min() < -0.3
    assert augment.contrast(y, Fixed(), 1, limits=(0, 1)).min() == 0


def test_contrast_keeps_the_mean_and_multiplies_the_deviation():
    x = pictures_of((2000, 4, 4, 3), numpy.float64)
    changed = augment.contrast(x, generator(), 0.4)
    numpy.testing.assert_allclose(changed.mean(axis=(1, 2, 3)), x.mean(axis=(1, 2, 3)))
    factor = changed.std(axis=(1, 2, 3)) / x.std(axis=(1, 2, 3))
    assert 0.6 <= factor.min() < 0.61 and 1.39 < factor.max() <= 1.4
    assert factor.mean() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 40])
@pytest.mark.parametrize("dtype", DTYPES)
def test_cutout_clears_one_square_that_the_border_may_cut(size, dtype):
    x = numpy.ones((500, 9, 7, 2), dtype)
    cut = augment.cutout(x, generator(), size)
    assert cut.dtype == dtype
    assert set(numpy.unique(cut)) == {0, 1} if size < 40 else not cut.any()
    rows, columns = (cut == 0).any(axis=(2, 3)), (cut == 0).any(axis=(1, 3))
    square = rows[:, :, None] & columns[:, None, :]
    numpy.testing.assert_array_equal((cut == 0).all(axis=3), square)  # a rectangle, all channels
    whole = (rows.sum(axis=1) == size) & (columns.sum(axis=1) == size)
    if size == 1:
        assert whole.all()
        assert (cut == 0).any(axis=0).all()  # every pixel has its turn
    elif size < 7:
        inside = (9 - size + 1) / 9 * (7 - size + 1) / 7
        assert whole.mean() == pytest.approx(inside, abs=0.08)
        assert rows.sum(axis=1).max() == columns.sum(axis=1).max() == size


def test_cutout_takes_any_value():
    cut = augment.cutout(pictures_of((1, 5, 5, 1)), generator(), 20, value=-1)
    assert (cut == -1).all()


# -- all of them -----------------------------------------------------------------------------------


@every_function
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(6, 12, 10, 1), (3, 8, 8, 3), (0, 8, 8, 1), (2, 1, 1, 1)])
def test_shape_and_dtype_are_kept_and_the_input_is_not_changed(function, dtype, shape):
    x = pictures_of(shape, dtype)
    before = x.copy()
    x.flags.writeable = False
    result = function(x, generator())
    assert (result.shape, result.dtype) == (shape, dtype)
    assert result.flags.writeable and not numpy.shares_memory(result, x)
    numpy.testing.assert_array_equal(x, before)


@every_function
def test_the_same_seed_gives_the_same_pictures(function):
    x = pictures_of((6, 12, 12, 1))
    one, same, other = (function(x, generator(seed)).tobytes() for seed in (1, 1, 2))
    assert one == same != other


@every_function
def test_every_picture_draws_its_own_numbers(function):
    x = numpy.repeat(pictures_of((1, 16, 16, 1)), 8, axis=0)
    assert len({picture.tobytes() for picture in function(x, generator())}) >= 4


@every_function
def test_pictures_may_lie_in_memory_in_any_order(function):
    x = pictures_of((6, 12, 10, 3), numpy.float64)
    expected = function(x, generator())
    for view in (
        numpy.ascontiguousarray(x.transpose(3, 1, 2, 0)).transpose(3, 1, 2, 0),
        numpy.repeat(x, 2, axis=0)[::2],
        numpy.ascontiguousarray(x[:, ::-1])[:, ::-1],
    ):
        numpy.testing.assert_allclose(function(view, generator()), expected, rtol=1e-9)


@every_function
def test_numpys_global_generator_is_left_alone(function):
    numpy.random.seed(0)  # noqa: NPY002
    expected = numpy.random.random()  # noqa: NPY002
    numpy.random.seed(0)  # noqa: NPY002
    function(pictures_of((2, 8, 8, 1)), generator())
    assert numpy.random.random() == expected  # noqa: NPY002


X = numpy.zeros((2, 4, 4, 1), numpy.float32)
RNG = numpy.random.default_rng(0)
AT_LEAST_0 = "must be at least 0 and finite"
FILLS = 'must be "nearest", "zeros" or "reflect"'


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: augment.rotate([[1]], RNG, 8), TypeError,
         "rotate: pictures are list. Give a NumPy array, (N, H, W, C)."),
        (lambda: augment.shift(X[0], RNG, 0.1), ValueError,
         "shift: pictures have shape (4, 4, 1). They must be (N, H, W, C), with at least one "
         "pixel: gray pictures have C = 1."),
        (lambda: augment.flip(X[:, :0], RNG), ValueError,
         "flip: pictures have shape (2, 0, 4, 1). They must be (N, H, W, C), with at least one "
         "pixel: gray pictures have C = 1."),
        (lambda: augment.cutout(X.astype(int), RNG, 2), TypeError,
         "cutout: pictures are int64. Give uint8, float32 or float64."),
        (lambda: augment.zoom(X, 0, 0.1), TypeError,
         "zoom: rng is int. Give a generator, numpy.random.default_rng(0)."),
        (lambda: augment.elastic(X, None, 1, 4), TypeError,
         "elastic: rng is NoneType. Give a generator, numpy.random.default_rng(0)."),
        (lambda: augment.rotate(X, RNG, -8), ValueError,
         f"rotate: degrees {AT_LEAST_0}, received -8."),
        (lambda: augment.rotate(X, RNG, True), ValueError,
         f"rotate: degrees {AT_LEAST_0}, received True."),
        (lambda: augment.shift(X, RNG, "0.1"), ValueError,
         f"shift: fraction {AT_LEAST_0}, received '0.1'."),
        (lambda: augment.zoom(X, RNG, 1.0), ValueError,
         "zoom: fraction must be in [0, 1), received 1.0."),
        (lambda: augment.shear(X, RNG, 90), ValueError,
         "shear: degrees must be in [0, 90), received 90."),
        (lambda: augment.affine(X, RNG, shift=math.nan), ValueError,
         f"affine: shift {AT_LEAST_0}, received nan."),
        (lambda: augment.affine(X, RNG, zoom=2), ValueError,
         "affine: zoom must be in [0, 1), received 2."),
        (lambda: augment.affine(X, RNG, fill="wrap"), ValueError,
         f"affine: fill {FILLS}, received 'wrap'."),
        (lambda: augment.affine(X, RNG, rotate=-1), ValueError,
         f"affine: rotate {AT_LEAST_0}, received -1."),
        (lambda: augment.affine(X, RNG, shear=90), ValueError,
         "affine: shear must be in [0, 90), received 90."),
        (lambda: augment.elastic(X, RNG, 1, 0), ValueError,
         "elastic: smoothness must be positive and finite, received 0. Neighboring pixels move "
         "together."),
        (lambda: augment.elastic(X, RNG, math.inf, 4), ValueError,
         f"elastic: strength {AT_LEAST_0}, received inf."),
        (lambda: augment.brightness(X, RNG, None), ValueError,
         f"brightness: amount {AT_LEAST_0}, received None."),
        (lambda: augment.brightness(X, RNG, 0.1, limits=(1, 0)), ValueError,
         "brightness: limits must be the least and the greatest value, received (1, 0). Give "
         "(0, 1), or None."),
        (lambda: augment.contrast(X, RNG, 1.5), ValueError,
         "contrast: amount must be in [0, 1], received 1.5. More would invert the picture."),
        (lambda: augment.cutout(X, RNG, 0), ValueError,
         "cutout: size must be a whole number of at least 1, received 0."),
        (lambda: augment.cutout(X, RNG, True), ValueError,
         "cutout: size must be a whole number of at least 1, received True."),
        (lambda: augment.cutout(X, RNG, 2, value=math.nan), ValueError,
         "cutout: value must be a finite number, received nan."),
        (lambda: augment.cutout(X.astype(numpy.uint8), RNG, 2, value=-1), ValueError,
         "cutout: value must be in [0, 255] for uint8, received -1."),
        (lambda: augment.warp(X, IDENTITY, None), ValueError,
         f"warp: fill {FILLS}, received None."),
        (lambda: augment.warp(X, numpy.zeros((3, 2, 3))), ValueError,
         "warp: 2 pictures and matrices of shape (3, 2, 3). Give (2, 2, 3), or (2, 3) for all "
         "pictures."),
        (lambda: augment.warp(X, "turn"), TypeError,
         "warp: matrices are not numbers. Give an array, (N, 2, 3)."),
        (lambda: augment.warp(X, IDENTITY * math.nan), ValueError,
         "warp: the matrices hold nan or infinity. Check how they were computed."),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(call, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        call()
