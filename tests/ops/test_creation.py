"""zeros, ones and one_hot: against NumPy, and what they refuse."""

from __future__ import annotations

import re

import numpy
import pytest

from tinynet.engine.tensor import Tensor
from tinynet.ops.creation import one_hot, ones, zeros

BOTH = pytest.mark.parametrize(("make", "right"), [(zeros, numpy.zeros), (ones, numpy.ones)])


@BOTH
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 0, 3)])
def test_a_shape_is_given_as_numbers_or_as_one_tuple_or_list(make, right, shape, device):
    for given in (shape, (shape,), (list(shape),)):
        x = make(*given, device=device)
        assert (x.shape, x.dtype, x.device) == (shape, numpy.float32, device)
        assert not x.requires_grad
        numpy.testing.assert_array_equal(x.numpy(), right(shape))


@BOTH
@pytest.mark.parametrize("dtype", ["float64", numpy.float16, "int64", bool])
def test_a_dtype_is_named_as_in_numpy(make, right, dtype):
    assert make(2, dtype=dtype).dtype == dtype


@BOTH
def test_with_requires_grad_it_is_a_leaf(make, right):
    w = make(2, requires_grad=True)
    (w * 3).sum().backward()
    numpy.testing.assert_array_equal(w.grad, [3, 3])
    w.data[0] = 7  # its own memory, and not one that all zeros share
    assert make(2).data[0] != 7


@pytest.mark.parametrize("shape", [(), (5,), (2, 3), (0,), (2, 0)])
@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8"])
def test_one_hot_rows_are_those_of_eye(shape, dtype, device, rng):
    labels = rng.integers(0, 4, shape).astype(dtype)
    on_device = Tensor(labels, device=device)
    for given in (labels, on_device, on_device.data):
        rows = one_hot(given, 4)
        there = "cpu" if given is labels else device
        assert (rows.shape, rows.dtype, rows.device) == ((*shape, 4), numpy.float32, there)
        numpy.testing.assert_array_equal(rows.numpy(), numpy.eye(4)[labels.astype(int)])


def test_one_hot_takes_a_number_and_a_list():
    numpy.testing.assert_array_equal(one_hot(1, 3).numpy(), [0, 1, 0])
    numpy.testing.assert_array_equal(one_hot([2, 0], 3).numpy(), [[0, 0, 1], [1, 0, 0]])


TABLE = {
    "a size below 0": (
        lambda: zeros(2, -1),
        ValueError,
        "zeros: sizes must be whole numbers of at least 0, received (2, -1). Write tn.zeros(2, 3), "
        "and other arguments by their names.",
    ),
    "a dtype among the sizes": (
        lambda: ones((2, 3), "int64"),
        ValueError,
        "ones: sizes must be whole numbers of at least 0, received ((2, 3), 'int64'). Write "
        "tn.ones(2, 3), and other arguments by their names.",
    ),
    "a dtype that there is not": (
        lambda: zeros(2, dtype="flot"),
        TypeError,
        "zeros: dtype must be one of real numbers, received 'flot'. Give dtype=\"float32\".",
    ),
    "no dtype": (
        lambda: zeros(2, dtype=None),
        TypeError,
        'zeros: dtype must be one of real numbers, received None. Give dtype="float32".',
    ),
    "a dtype of complex numbers": (
        lambda: ones(2, dtype="complex64"),
        TypeError,
        "ones: dtype must be one of real numbers, received 'complex64'. Give dtype=\"float32\".",
    ),
    "whole numbers with a gradient": (
        lambda: ones(2, dtype=int, requires_grad=True),
        TypeError,
        'ones: int64 has no gradient. Give dtype="float32".',
    ),
    "a device that there is not": (
        lambda: zeros(2, device="tpu"),
        ValueError,
        'zeros: there is no device \'tpu\'. The devices are "cpu" and "gpu".',
    ),
    "labels that are floats": (
        lambda: one_hot(Tensor([0, 1]), 2),
        TypeError,
        "one_hot: labels are float32, and class numbers are integers. Give an array of integers, "
        "array.astype(int); a list that became a Tensor is float32.",
    ),
    "a label above the classes": (
        lambda: one_hot([0, 3], 3),
        ValueError,
        "one_hot: labels must be in [0, 3), received 0 to 3. Count them from 0, or give more "
        "classes.",
    ),
    "a label below 0": (
        lambda: one_hot([-1, 2], 3),
        ValueError,
        "one_hot: labels must be in [0, 3), received -1 to 2. Count them from 0, or give more "
        "classes.",
    ),
    "no classes": (
        lambda: one_hot([], 0),
        ValueError,
        "one_hot: classes must be a whole number of at least 1, received 0. Give how many classes "
        "there are.",
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_what_cannot_be_made_is_refused(name):
    call, kind, message = TABLE[name]
    with pytest.raises(kind, match=f"^{re.escape(message)}$"):
        call()
