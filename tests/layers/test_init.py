"""Initializers: the spread that their papers ask for, in the limits that Keras draws in."""

from __future__ import annotations

import math
import re

import numpy
import pytest

from tinynet import init

KERNEL = (3, 5, 20, 40)  # fan-in 300, fan-out 600
VARIANCES = {
    "glorot": 2 / (300 + 600),
    "he": 2 / 300,
    "lecun": 1 / 300,
}
SCALED = [f"{name}_{form}" for name in VARIANCES for form in ("uniform", "normal")]
TRUNCATED = [name for name in SCALED if name.endswith("normal")]


def drawn(how, shape, seed=0):
    return init.initializer(how)(shape, numpy.random.default_rng(seed))


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((784, 128), (784, 128)),
        ((3, 3, 1, 32), (9, 288)),
        ((5, 2, 8, 4), (80, 40)),  # a transposed convolution's, (KH, KW, O, C): by position too
        ((7,), (7, 7)),
        ((), (1, 1)),
    ],
)
def test_fans_are_counted_by_position_as_keras_counts_them(shape, expected):
    assert init.fans(shape) == expected


@pytest.mark.parametrize("name", SCALED)
def test_mean_and_variance_are_those_of_the_paper(name):
    x = drawn(name, KERNEL).astype(float)  # 12,000 numbers
    variance = VARIANCES[name.split("_")[0]]
    assert abs(x.mean()) < 4 * math.sqrt(variance / x.size)
    assert x.var() == pytest.approx(variance, rel=0.05)


@pytest.mark.parametrize("name", [name for name in SCALED if name not in TRUNCATED])
def test_uniform_numbers_fill_their_interval_and_no_more(name):
    x = drawn(name, KERNEL)
    limit = math.sqrt(3 * VARIANCES[name.split("_")[0]])
    assert 0.999 * limit < numpy.abs(x).max() <= limit * (1 + 1e-6)
    # as many in each fifth
    counts, _ = numpy.histogram(x, bins=5, range=(-limit, limit))
    numpy.testing.assert_allclose(counts, x.size / 5, rtol=0.1)


@pytest.mark.parametrize("name", TRUNCATED)
def test_normal_numbers_end_at_two_standard_deviations_before_they_are_stretched(name):
    x = drawn(name, KERNEL)
    std = math.sqrt(VARIANCES[name.split("_")[0]]) / 0.87962566103423978
    assert 1.95 * std < numpy.abs(x).max() <= 2 * std * (1 + 1e-6)
    # and are not piled up at the ends, as clipped ones would be: of the normal distribution between
    # -2 and 2, this share is inside 1
    inside = math.erf(1 / math.sqrt(2)) / math.erf(2 / math.sqrt(2))
    assert (numpy.abs(x) < std).mean() == pytest.approx(inside, abs=0.015)
    assert (numpy.abs(x) > 1.9 * std).mean() < 0.02


def test_the_stretching_makes_up_for_what_the_truncation_takes():
    # the variance of a standard normal number between -a and a
    a = 2.0
    density = math.exp(-a * a / 2) / math.sqrt(2 * math.pi)
    variance = 1 - 2 * a * density / math.erf(a / math.sqrt(2))
    assert pytest.approx(math.sqrt(variance), rel=1e-12) == init.TRUNCATED_STD


def test_normal_has_its_standard_deviation_and_is_not_truncated():
    x = drawn(init.normal(0.5), (20_000,))
    assert x.std() == pytest.approx(0.5, rel=0.03)
    assert numpy.abs(x).max() > 1.5
    assert drawn(init.normal(), (20_000,)).std() == pytest.approx(0.05, rel=0.03)


def test_uniform_has_its_limit():
    x = drawn(init.uniform(0.5), (20_000,))
    assert (x.min(), x.max()) == (pytest.approx(-0.5, rel=0.01), pytest.approx(0.5, rel=0.01))
    assert numpy.abs(drawn(init.uniform(), (20_000,))).max() == pytest.approx(0.05, rel=0.01)


@pytest.mark.parametrize(
    ("how", "value"), [("zeros", 0), ("ones", 1), (init.constant(0.25), 0.25), (init.normal(0), 0)]
)
def test_some_are_one_number_everywhere(how, value):
    numpy.testing.assert_array_equal(
        drawn(how, (2, 3)), numpy.full((2, 3), value, numpy.float32), strict=True
    )


MAKERS = {"normal(0.1)": init.normal(0.1), "uniform(1)": init.uniform(1), "3": init.constant(3)}
EVERY = init.INITIALIZERS | MAKERS


@pytest.mark.parametrize("shape", [(4, 4), (3, 7), (7, 3), (2, 3, 4), (5,)], ids=str)
def test_orthogonal_has_rows_or_columns_of_length_1_that_are_orthogonal(shape):
    x = drawn("orthogonal", shape).reshape(-1, shape[-1]).astype(float)
    product = x @ x.T if len(x) < x.shape[1] else x.T @ x
    numpy.testing.assert_allclose(product, numpy.eye(len(product)), atol=1e-6)


def test_orthogonal_prefers_no_direction():
    """The corner of 400 matrices has both signs, as often; QR alone gives one of them."""
    rng = numpy.random.default_rng(0)
    corners = [init.orthogonal((3, 3), rng)[0, 0] for _ in range(400)]
    assert 160 < sum(corner > 0 for corner in corners) < 240


@pytest.mark.parametrize("shape", [KERNEL, (4, 3), (3,), (), (0, 3), (3, 0), (0, 3, 2, 2)], ids=str)
@pytest.mark.parametrize("name", EVERY)
def test_every_one_gives_a_float32_array_of_the_shape(name, shape):
    x = drawn(EVERY[name], shape)
    assert type(x) is numpy.ndarray
    assert (x.shape, x.dtype) == (shape, numpy.float32)
    assert x.flags.writeable
    assert numpy.isfinite(x).all()


@pytest.mark.parametrize("name", EVERY)
def test_a_seed_says_all_and_a_generator_goes_on(name):
    how = EVERY[name]
    numpy.testing.assert_array_equal(drawn(how, (4, 3), seed=1), drawn(how, (4, 3), seed=1))
    rng = numpy.random.default_rng(1)
    first, second = how((4, 3), rng), how((4, 3), rng)
    assert first is not second
    assert numpy.array_equal(first, second) == (name in ("zeros", "ones", "3"))


def test_the_global_generator_is_left_alone():
    before = numpy.random.get_state()[1].tolist()  # noqa: NPY002
    for how in EVERY.values():
        drawn(how, (4, 3))
    assert numpy.random.get_state()[1].tolist() == before  # noqa: NPY002


def test_the_names_of_keras_2_and_3_mean_the_same():
    for name in ("normal", "uniform"):
        numpy.testing.assert_array_equal(drawn(name, (4, 3)), drawn(f"random_{name}", (4, 3)))


def test_a_name_is_looked_up_and_a_function_is_taken_as_it_is():
    def mine(shape, rng):
        return numpy.full(shape, 7, numpy.float32)

    assert init.initializer("he_normal") is init.he_normal
    assert init.initializer(mine) is mine


THERE_ARE = (
    "There are 'glorot_normal', 'glorot_uniform', 'he_normal', 'he_uniform', 'lecun_normal', "
    "'lecun_uniform', 'normal', 'ones', 'orthogonal', 'random_normal', 'random_uniform', "
    "'uniform', 'zeros'."
)
ERRORS = {
    "a misspelt name": (
        lambda: init.initializer("glorot_unifrom"),
        ValueError,
        "initializer: there is no initializer 'glorot_unifrom'. Did you mean 'glorot_uniform'? "
        f"{THERE_ARE}",
    ),
    "a name like no other": (
        lambda: init.initializer("xxx"),
        ValueError,
        f"initializer: there is no initializer 'xxx'. {THERE_ARE}",
    ),
    "a number": (
        lambda: init.initializer(0.1),
        TypeError,
        "initializer: 0.1 is neither a name nor a function (shape, rng) -> array. Use "
        '"glorot_uniform".',
    ),
    "None": (
        lambda: init.initializer(None),
        TypeError,
        "initializer: None is neither a name nor a function (shape, rng) -> array. Use "
        '"glorot_uniform".',
    ),
    "a maker": (
        lambda: init.initializer(init.normal),
        TypeError,
        "initializer: normal makes initializers and is not one. Call it, normal(0.05).",
    ),
    "a seed": (
        lambda: init.glorot_uniform((2, 3), 0),
        TypeError,
        "glorot_uniform: rng is int. Give a generator, numpy.random.default_rng(0).",
    ),
    "a seed, truncated": (
        lambda: init.he_normal((2, 3), 0),
        TypeError,
        "he_normal: rng is int. Give a generator, numpy.random.default_rng(0).",
    ),
    "a seed, normal": (
        lambda: init.normal()((2, 3), None),
        TypeError,
        "normal: rng is NoneType. Give a generator, numpy.random.default_rng(0).",
    ),
    "a number as shape": (
        lambda: init.he_normal(3, numpy.random.default_rng(0)),
        TypeError,
        "fans: shape must be a tuple of whole numbers, received 3.",
    ),
    "a negative spread": (
        lambda: init.normal(-1),
        ValueError,
        "normal: std must be at least 0 and finite, received -1.",
    ),
    "a limit without end": (
        lambda: init.uniform(math.inf),
        ValueError,
        "uniform: limit must be at least 0 and finite, received inf.",
    ),
    "a truth": (
        lambda: init.uniform(True),
        ValueError,
        "uniform: limit must be at least 0 and finite, received True.",
    ),
    "a constant that is NaN": (
        lambda: init.constant(math.nan),
        ValueError,
        "constant: value must be a finite number, received nan.",
    ),
    "a constant that is a word": (
        lambda: init.constant("1"),
        ValueError,
        "constant: value must be a finite number, received '1'.",
    ),
}


@pytest.mark.parametrize("row", ERRORS)
def test_bad_input_is_answered_with_the_whole_message(row):
    call, error, message = ERRORS[row]
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        call()
