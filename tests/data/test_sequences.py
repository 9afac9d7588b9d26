"""Sequences of different lengths as one array, and their mask."""

from __future__ import annotations

import re

import numpy
import pytest

import tinynet as tn
from tinynet.data import padded
from tinynet.devices import move

RAGGED = [[3, 1, 2], [5], [7, 8]]


def test_the_data_stand_in_front_and_the_mask_says_where():
    x, mask = padded(RAGGED)
    assert x.tolist() == [[3, 1, 2], [5, 0, 0], [7, 8, 0]]
    assert mask.tolist() == [[True] * 3, [True, False, False], [True, True, False]]
    assert mask.dtype == bool and mask.sum(axis=1).tolist() == [3, 1, 2]


def test_value_and_length_may_be_chosen():
    x, mask = padded(RAGGED, value=-1, length=4)
    assert x.tolist() == [[3, 1, 2, -1], [5, -1, -1, -1], [7, 8, -1, -1]]
    assert mask.shape == (3, 4) and not mask[:, 3].any()


@pytest.mark.parametrize("shape", [(), (2,), (4, 3, 1)])
def test_each_step_may_be_an_array(shape, rng):
    sequences = [rng.normal(size=(n, *shape)).astype("float32") for n in (2, 5, 1)]
    x, mask = padded(sequences, value=0.5)
    assert x.shape == (3, 5, *shape)
    for row, here, sequence in zip(x, mask, sequences, strict=True):
        numpy.testing.assert_array_equal(row[here], sequence)
    assert (x[~mask] == 0.5).all()


@pytest.mark.parametrize(
    ("sequences", "dtype"),
    [
        (RAGGED, "int64"),
        ([[1.5], [2, 3]], "float32"),
        ([[1], [2.5, 3]], "float32"),
        ([[True], [False, True]], "bool"),
        ([numpy.ones(2), numpy.ones(1)], "float32"),
        ([numpy.ones(2, "float16"), numpy.ones(1, "float16")], "float16"),
        ([numpy.ones(2, "uint8"), numpy.ones(1, "uint8")], "uint8"),
        ([numpy.ones(2, "uint8"), numpy.ones(1, "int16")], "int16"),
        ([numpy.ones(2, "int32"), numpy.ones(1, "float32")], "float32"),
    ],
    ids=str,
)
def test_integers_stay_integers_and_floats_become_float32(sequences, dtype):
    x, _ = padded(sequences)
    assert x.dtype == dtype
    assert x[0, 0] == sequences[0][0]


def test_tensors_arrays_and_anything_that_gives_sequences_are_taken():
    expected, _ = padded(RAGGED)
    for given in (
        [numpy.array(s) for s in RAGGED],
        [tn.Tensor(numpy.array(s)) for s in RAGGED],
        (tuple(s) for s in RAGGED),
    ):
        numpy.testing.assert_array_equal(padded(given)[0], expected)
    x, mask = padded(expected)  # nothing is ragged
    numpy.testing.assert_array_equal(x, expected)
    assert mask.all()


def test_arrays_of_the_gpu_come_to_the_host(pretended_gpu):
    there = [move(numpy.array(s), "gpu") for s in RAGGED]
    for given in (there, [tn.Tensor(s) for s in there]):
        x, _ = padded(given)
        assert type(x) is numpy.ndarray and x.tolist() == padded(RAGGED)[0].tolist()


def test_the_sequences_are_not_changed_and_not_shared():
    sequence = numpy.array([1, 2, 3])
    x, _ = padded([sequence])
    x[:] = 9
    assert sequence.tolist() == [1, 2, 3]


TABLE = {
    "no list": (5, {}, TypeError, "sequences is 5. Give a list of sequences."),
    "a word": ("abc", {}, TypeError, "sequences is 'abc'. Give a list of sequences."),
    "no sequences": ([], {}, ValueError, "there are no sequences. Give at least one."),
    "one sequence": (
        [1, 2],
        {},
        ValueError,
        "sequence 0 is one number. Give a list of sequences, [[1, 2], [3]].",
    ),
    "an empty sequence": ([[1], []], {}, ValueError, "sequence 1 is empty. Leave it out."),
    "words": (
        [[1], ["a", "b"]],
        {},
        TypeError,
        "sequence 1 is ['a', 'b'], not numbers. Give numbers; for words, their places in a list of "
        "all words.",
    ),
    "a ragged sequence": (
        [[[1, 2], [3]]],
        {},
        ValueError,
        "sequence 0 has rows of different lengths. Make them equal.",
    ),
    "steps of two sizes": (
        [numpy.ones((2, 3)), numpy.ones((2, 3)), numpy.ones((3, 2))],
        {},
        ValueError,
        "sequence 0 is (2, 3) and sequence 2 is (3, 2). All axes but the first must be equal.",
    ),
    "too short a length": (
        RAGGED,
        {"length": 2},
        ValueError,
        "length must be a whole number of at least 3, received 2. The longest sequence has 3 "
        "steps: shorten it, or leave length out.",
    ),
    "a value with a fraction": (
        [numpy.ones(1, "int8")],
        {"value": 0.5},
        ValueError,
        "value must be a whole number from -128 to 127, received 0.5. The sequences hold int8.",
    ),
    "a value that is too small": (
        [numpy.ones(1, "uint8")],
        {"value": -1},
        ValueError,
        "value must be a whole number from 0 to 255, received -1. The sequences hold uint8.",
    ),
    "a value for booleans": (
        [[True]],
        {"value": 2},
        ValueError,
        "value must be a whole number from 0 to 1, received 2. The sequences hold bool.",
    ),
    "a value that is a word": (
        [[1.0]],
        {"value": "a"},
        ValueError,
        "value must be a number, received 'a'.",
    ),
    "a masked array": (
        [numpy.ma.array([1, 2], mask=[True, False])],
        {},
        TypeError,
        "sequence 0 is a masked array, and its mask would be lost. Leave those examples out, or "
        "give x.filled(0).",
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_what_cannot_be_padded_is_refused(name):
    sequences, settings, error, message = TABLE[name]
    with pytest.raises(error, match=f"^padded: {re.escape(message)}$"):
        padded(sequences, **settings)
