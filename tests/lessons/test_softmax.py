"""The lesson softmax: its formulas against loops and tinynet."""

import math

import numpy as np
import pytest

import tinynet as tn
from lessons import parts

SOFTMAX = parts("softmax")


def test_by_hand_is_the_softmax():
    scores = np.random.default_rng(0).normal(0, 3, 7)
    loop = [math.exp(y) / sum(math.exp(other) for other in scores) for y in scores]
    assert SOFTMAX.by_hand(scores) == pytest.approx(loop)
    assert tn.softmax(tn.Tensor(scores)).numpy() == pytest.approx(loop)


def test_printed_code_on_columns_teaches_nothing():
    rng = np.random.default_rng(0)
    loss, gradient = SOFTMAX.printed_code(rng.integers(0, 2, (7, 1)) * 1.0, rng.normal(size=(7, 1)))
    assert loss == 0 and not gradient.any()


def test_printed_code_on_two_columns_against_a_loop():
    rng = np.random.default_rng(0)
    predicted, labels = rng.normal(size=(5, 2)), np.eye(2)[rng.integers(0, 2, 5)]
    p = np.array([SOFTMAX.by_hand(row) for row in predicted])
    loss, gradient = SOFTMAX.printed_code(labels, predicted)
    assert loss == pytest.approx(-np.log((p * labels).sum(axis=1)).mean())
    assert gradient == pytest.approx((p - labels) / 5)
    perfect, _ = SOFTMAX.printed_code(labels, labels)
    assert perfect == pytest.approx(math.log(1 + math.exp(-1)))


def test_tinynet_refuses_the_slides_tables():
    """Their rows do not have the sum 1: the lesson writes the printed code out for this reason."""
    f, y = np.float32([0.1, 0.8, 0.6]), np.float32([1, 0, 1])
    for scores, labels in ((f, y), (f[:, None], y[:, None])):
        with pytest.raises(ValueError, match="sum 1"):
            tn.cross_entropy(tn.Tensor(scores), tn.Tensor(labels))
