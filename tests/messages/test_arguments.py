"""Every check of arguments.py, with what it accepts and the message of what it refuses."""

from __future__ import annotations

import math
import re

import numpy
import pytest

import tinynet as tn
from tinynet.messages import arguments
from tinynet.messages.arguments import (
    ABOVE_0,
    AT_LEAST_0,
    BELOW_1,
    FINITE,
    NUMBER,
    POSITIVE,
    UNIT,
    boolean,
    borders,
    choice,
    function,
    generator,
    known,
    layer_name,
    number,
    pair,
    pictures,
    shape_of_example,
    shown,
    whole,
    written,
)


def refused(kind, message, check, *given, **named):
    with pytest.raises(kind, match=f"^{re.escape(message)}$"):
        check(*given, **named)


# -- numbers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [3, numpy.int64(3), numpy.uint8(3)])
def test_whole_numbers_of_python_and_numpy_become_pythons(value):
    found = whole("f", "n", value)
    assert found == 3
    assert type(found) is int


@pytest.mark.parametrize("value", [0, -1, 2.0, numpy.float32(2), True, numpy.True_, "2", None])
def test_anything_else_is_no_whole_number_of_at_least_1(value):
    message = f"f: n must be a whole number of at least 1, received {value!r}."
    refused(ValueError, message, whole, "f", "n", value)


def test_whole_numbers_have_ends_and_a_cure():
    assert whole("f", "n", 0, least=0) == 0
    assert whole("f", "n", 7, most=7) == 7
    message = "f: n must be a whole number of at least -2, received -3. Give more."
    refused(ValueError, message, whole, "f", "n", -3, least=-2, cure="Give more.")
    message = "f: n must be a whole number from 1 to 7, received 8."
    refused(ValueError, message, whole, "f", "n", 8, most=7)


RANGES = [  # a range, numbers in it, and numbers that are not
    (NUMBER, "a number", [-math.inf, 0, math.inf], [math.nan]),
    (FINITE, "a finite number", [-1e300, 0], [math.inf, -math.inf, math.nan]),
    (POSITIVE, "positive and finite", [1e-300, 5], [0, -1, math.inf, math.nan]),
    (AT_LEAST_0, "at least 0 and finite", [0, 5], [-1e-300, math.inf, math.nan]),
    (UNIT, "in [0, 1]", [0, 0.5, 1], [-1e-9, 1.001, math.nan]),
    (BELOW_1, "in [0, 1)", [0, 0.999], [1, -1e-9, math.nan]),
    (ABOVE_0, "in (0, 1]", [1e-300, 1], [0, 1.001, math.nan]),
]


@pytest.mark.parametrize(
    ("allowed", "text", "inside", "outside"), RANGES, ids=[row[1] for row in RANGES]
)
def test_a_range_allows_its_numbers_and_names_itself(allowed, text, inside, outside):
    for value in inside:
        assert number("f", "x", value, allowed) == value
    for value in outside:
        message = f"f: x must be {text}, received {value!r}. Give 1."
        refused(ValueError, message, number, "f", "x", value, allowed, cure="Give 1.")


def test_every_range_is_tested():
    found = {name for name, value in vars(arguments).items() if type(value) is arguments.Range}
    assert found == {name for name in found if any(vars(arguments)[name] is r[0] for r in RANGES)}


@pytest.mark.parametrize("value", [1, 1.0, numpy.float64(1), numpy.float32(1), numpy.int8(1)])
def test_real_numbers_of_python_and_numpy_become_floats(value):
    found = number("f", "x", value)
    assert found == 1.0
    assert type(found) is float


@pytest.mark.parametrize("value", [True, numpy.False_, "1", None, 1j, [1.0]])
def test_anything_else_is_no_number(value):
    message = f"f: x must be a finite number, received {value!r}."
    refused(ValueError, message, number, "f", "x", value)


@pytest.mark.parametrize("value", [True, False, numpy.True_, numpy.False_])
def test_true_and_false_of_python_and_numpy_become_pythons(value):
    assert boolean("f", "flag", value) is bool(value)


@pytest.mark.parametrize("value", [1, 0, "yes", None])
def test_anything_else_is_neither_true_nor_false(value):
    message = f"f: flag must be True or False, received {value!r}."
    refused(TypeError, message, boolean, "f", "flag", value)


PICTURES = numpy.zeros((2, 4, 4, 1), numpy.float32)
FLAGS = {  # public switches; a word in the place of True would count as True in silence
    "drop_last": lambda flag: tn.data.batches(PICTURES, size=1, drop_last=flag),
    "prefetch": lambda flag: tn.data.batches(PICTURES, prefetch=flag),
    "restore_best": lambda flag: tn.callbacks.EarlyStopping(restore_best=flag),
    "vertical": lambda flag: tn.data.augment.flip(
        PICTURES, numpy.random.default_rng(0), vertical=flag
    ),
    "ceil_mode": lambda flag: tn.max_pool2d(PICTURES, ceil_mode=flag),
}


@pytest.mark.parametrize("name", FLAGS)
def test_public_switches_are_true_or_false(name):
    FLAGS[name](True)
    with pytest.raises(TypeError, match=f"^.+: {name} must be True or False, received 'no'.$"):
        FLAGS[name]("no")


# -- words, functions, generators ------------------------------------------------------------------


def test_a_choice_is_one_of_several_words():
    assert choice("f", "mode", "edge", ("constant", "edge", "reflect")) == "edge"
    message = 'f: mode must be "constant", "edge" or "reflect", received \'middle\'.'
    refused(ValueError, message, choice, "f", "mode", "middle", ("constant", "edge", "reflect"))
    message = 'f: mode must be "a" or "b", received 3.'
    refused(ValueError, message, choice, "f", "mode", 3, ("a", "b"))


def test_an_unknown_name_gets_the_nearest_and_all_of_them():
    colors = {"red": 1, "green": 2}
    assert known("f", "color", "green", colors) == 2
    message = "f: there is no color 'gren'. Did you mean 'green'? There are 'red', 'green'."
    refused(ValueError, message, known, "f", "color", "gren", colors)
    message = "f: there is no color 'xyz'. There are 'red', 'green'; any number will do."
    refused(ValueError, message, known, "f", "color", "xyz", colors, "; any number will do")


def test_a_function_can_be_called():
    assert function("f", "loss", abs, "Give one.") is abs
    assert function("f", "loss", None, "Give one.") is None
    message = "f: loss is 'mse'. Give a function."
    refused(TypeError, message, function, "f", "loss", "mse", "Give a function.")


def test_a_generator_is_numpys():
    rng = numpy.random.default_rng(0)
    assert generator("f", rng) is rng
    message = "f: rng is int. Give a generator, numpy.random.default_rng(0)."
    refused(TypeError, message, generator, "f", 0)
    message = "f: rng is RandomState. Give a generator, numpy.random.default_rng(0)."
    refused(TypeError, message, generator, "f", numpy.random.RandomState(0))


@pytest.mark.parametrize("name", ["", "a.b", "a/b", "a\\b", "a\n", 3])
def test_a_name_can_stand_in_errors_and_files(name):
    assert layer_name("Dense", "out 1") == "out 1"
    assert layer_name("Dense", None) is None
    message = f"Dense: name must be a printable word without dots and slashes, received {name!r}."
    refused(ValueError, message, layer_name, "Dense", name)


def test_without_a_place_the_message_begins_with_the_argument():
    refused(ValueError, "n must be a whole number of at least 1, received 0.", whole, "", "n", 0)
    refused(TypeError, "loss is 3. Give one.", function, "", "loss", 3, "Give one.")


# -- shapes ----------------------------------------------------------------------------------------


def test_a_shape_is_a_tuple_without_the_batch():
    assert shape_of_example("f", 784) == (784,)
    assert shape_of_example("f", [28, numpy.int64(28), 1]) == (28, 28, 1)
    assert all(type(n) is int for n in shape_of_example("f", numpy.array([2, 3]).tolist()))


@pytest.mark.parametrize("shape", [(0, 3), (0,), 2.5, (True,), "28"])
def test_a_shape_has_whole_numbers_of_at_least_1(shape):
    message = (
        "f: input_shape must be whole numbers of at least 1 without the batch, for example "
        f"(28, 28, 1), received {shape!r}."
    )
    refused(ValueError, message, shape_of_example, "f", shape)


def test_a_pair_is_one_number_for_both_directions_or_two():
    assert pair(3, "size") == (3, 3)
    assert pair([2, numpy.int64(5)], "size") == (2, 5)
    assert pair(0, "padding", 0) == (0, 0)


@pytest.mark.parametrize("value", [0, (1,), (1, 2, 3), (1, 0), 2.0, (1, True), None])
def test_a_pair_has_two_whole_numbers(value):
    message = f"size must be a whole number of at least 1 or a pair of them, received {value!r}."
    refused(ValueError, message, pair, value, "size")


def test_borders_are_of_one_number_two_or_four():
    assert borders(1) == ((1, 1), (1, 1))
    assert borders((1, 2)) == ((1, 1), (2, 2))
    assert borders(((1, 0), (2, numpy.int64(3)))) == ((1, 0), (2, 3))


@pytest.mark.parametrize("value", [-1, (), ((1, 2),), ((1, 2), "x"), "full", 1.5])
def test_borders_are_at_least_0(value):
    message = (
        'padding must be "valid", a number of pixels, (vertical, horizontal) or ((top, bottom), '
        f"(left, right)), at least 0, received {value!r}."
    )
    refused(ValueError, message, borders, value, '"valid", ')


def test_pictures_have_height_width_and_channels():
    assert pictures((4, 5, 3)) == (4, 5, 3)
    message = (
        "input (N, 784), and it takes pictures, (N, H, W, C). One gray picture is "
        "x[None, ..., None]."
    )
    refused(ValueError, message, pictures, (784,))
    message = (
        "input (N, 28, 28), and it takes pictures, (N, H, W, C). Give gray pictures a channel: "
        "x[..., None]."
    )
    refused(ValueError, message, pictures, (28, 28))


# -- how errors write things -----------------------------------------------------------------------


def test_a_long_value_is_shown_by_its_beginning():
    assert shown([1, 2]) == "[1, 2]"
    assert shown("x" * 50) == "str '" + "x" * 39 + "..."


def test_shapes_are_written_with_the_letter_of_the_batch():
    assert written((28, 28, 1)) == "(N, 28, 28, 1)"
    assert written([(3,), (4, 5)]) == "[(N, 3), (N, 4, 5)]"
    assert written(()) == "(N)"
