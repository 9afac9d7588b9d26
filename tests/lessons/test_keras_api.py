"""The lesson keras_api: its graph and its loss, against NumPy and against other labels."""

from __future__ import annotations

import math

import numpy
import pytest

import tinynet as tn
from lessons import parts

LESSON = parts("keras_api")


def test_the_graph_computes_what_its_layers_say(device, rng):
    network = LESSON.graph(rng).to(device)
    x = [rng.random((5, 784), dtype=numpy.float32) for _ in range(2)]
    w = network.state_dict()

    def dense(name, x):
        return x @ w[f"{name}.kernel"] + w[f"{name}.bias"]

    read = [numpy.maximum(dense("read", p), 0) for p in x]
    joined = numpy.maximum(dense("compare", numpy.concatenate(read, axis=1)), 0)
    expected = [dense("digit", read[0]), dense("digit", read[1]), dense("larger", joined)]
    outputs = network([tn.Tensor(p).to(device) for p in x])
    for y, right in zip(outputs, expected, strict=True):
        numpy.testing.assert_allclose(y.numpy(), right, rtol=1e-4, atol=1e-5)


def test_layers_of_its_own_add_their_weights(rng):
    def count(shared):
        return sum(w.size for w in LESSON.graph(rng, shared).parameters())

    assert count(shared=False) - count(shared=True) == 784 * 128 + 128 + 128 * 10 + 10


def test_the_three_losses_are_added_and_each_has_its_own_labels():
    labels = tn.Tensor(numpy.array([[3, 1, 1], [2, 5, 0], [4, 4, 0]]))
    one, two = numpy.zeros((3, 10), numpy.float32), numpy.zeros((3, 10), numpy.float32)
    one[range(3), [3, 2, 4]] = two[range(3), [1, 5, 4]] = 50
    right = [one, two, numpy.float32([[50], [-50], [-50]])]
    assert LESSON.three_losses([tn.Tensor(y) for y in right], labels).item() < 1e-6
    for k, wrong in enumerate((50 + math.log(9), 50 + math.log(9), 50)):
        outputs = [tn.Tensor(-y if i == k else y) for i, y in enumerate(right)]
        assert LESSON.three_losses(outputs, labels).item() == pytest.approx(wrong, rel=1e-5)


def test_each_picture_comes_first_and_second_as_often_and_with_its_label(rng):
    first, second, labels = LESSON.paired(numpy.arange(10, 17), numpy.arange(7), 3, rng)
    numpy.testing.assert_array_equal(labels[:, 0], first - 10)
    numpy.testing.assert_array_equal(labels[:, 1], second - 10)
    numpy.testing.assert_array_equal(labels[:, 2], first > second)
    assert (numpy.bincount(labels[:, 0]) == 3).all() and (numpy.bincount(labels[:, 1]) == 3).all()
