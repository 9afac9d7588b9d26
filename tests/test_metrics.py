"""Metrics: counted by loops and by hand, on either device, and what they refuse."""

from __future__ import annotations

import math
import re

import numpy
import pytest

import tinynet as tn
from tinynet.metrics import accuracy, confusion_matrix, log_loss, top_k

SCORES = numpy.float32([[0.1, 0.7, 0.2], [3, 1, 2], [-5, -6, -4], [0, 0, 1]])
LABELS = numpy.array([1, 2, 2, 0])


def one_hot(labels, K):
    return numpy.eye(K, dtype=numpy.float32)[labels]


def forms(x, device):
    """The same numbers as what a metric may be given."""
    tensor = tn.Tensor(x).to(device)
    return [x, x.tolist(), tensor, tensor.data]


# -- accuracy --------------------------------------------------------------------------------------


def test_accuracy_is_the_share_of_right_answers(device):
    for outputs in forms(SCORES, device):
        for labels in (LABELS, LABELS.tolist(), tn.Tensor(LABELS).to(device), one_hot(LABELS, 3)):
            assert accuracy(outputs, labels) == 0.5
    assert type(accuracy(SCORES, LABELS)) is float


def test_the_first_of_equal_scores_wins():
    assert accuracy(numpy.zeros((3, 4)), [0, 1, 3]) == 1 / 3


def test_outputs_that_require_a_gradient_are_read():
    w = tn.Tensor(SCORES, requires_grad=True)
    assert accuracy(w * 2, LABELS) == 0.5


@pytest.mark.parametrize("shape", [(4,), (4, 1)], ids=str)
@pytest.mark.parametrize("kind", ["int64", "float32", "bool"])
def test_one_probability_each_is_split_at_one_half(shape, kind, device):
    p = numpy.float32([0.2, 0.5, 0.51, 1]).reshape(shape)  # 0.5 is not above 0.5
    labels = numpy.array([0, 1, 1, 1]).astype(kind)
    for outputs in forms(p, device):
        assert accuracy(outputs, labels) == 0.75
        assert accuracy(outputs, labels.reshape(-1, 1)) == 0.75
    assert accuracy(p, labels, threshold=0.1) == 0.75
    assert accuracy(p, labels, threshold=0.4) == 1


def test_logits_are_split_at_zero():
    assert accuracy([-3.0, 0.0, 0.2, 7.0], [0, 0, 1, 1], threshold=0) == 1
    assert accuracy([[-math.inf], [math.inf]], [1, 1], threshold=0) == 0.5


# -- top k -----------------------------------------------------------------------------------------


def test_top_k_counts_the_right_class_among_the_k_best(device):
    for outputs in forms(SCORES, device):
        assert [top_k(outputs, LABELS, k) for k in (1, 2, 3)] == [0.5, 1.0, 1.0]
        assert top_k(outputs, one_hot(LABELS, 3), k=2) == 1.0


def test_of_equal_scores_the_lower_class_number_is_better():
    assert [top_k(numpy.zeros((4, 4)), [0, 1, 2, 3], k) for k in (1, 2, 3, 4)] == [
        0.25,
        0.5,
        0.75,
        1,
    ]
    assert top_k([[1, 2, 2, 3]], [1], 2) == 1
    assert top_k([[1, 2, 2, 3]], [2], 2) == 0


def test_top_1_is_the_accuracy_and_top_k_that_of_sorting(rng):
    scores = rng.integers(0, 4, (200, 7)).astype(numpy.float32)  # many are equal
    labels = rng.integers(0, 7, 200)
    assert top_k(scores, labels, 1) == accuracy(scores, labels)
    for k in range(1, 8):
        hits = 0
        for row, label in zip(scores, labels, strict=True):
            best = sorted(range(7), key=lambda c: (-row[c], c))[:k]
            hits += label in best
        assert top_k(scores, labels, k) == hits / 200


# -- log loss --------------------------------------------------------------------------------------


def test_guessing_evenly_among_120_breeds_costs_ln_120(rng, device):
    p = numpy.full((50, 120), 1 / 120, numpy.float32)
    labels = rng.integers(0, 120, 50)
    for probabilities in forms(p, device):
        assert log_loss(probabilities, labels) == pytest.approx(math.log(120), rel=1e-6)
    assert round(log_loss(p, one_hot(labels, 120)), 4) == 4.7875


def test_log_loss_by_hand():
    p = [[0.5, 0.5, 0], [0.25, 0, 0.75]]
    assert log_loss(p, [0, 2]) == pytest.approx((math.log(2) + math.log(4 / 3)) / 2)
    assert type(log_loss(p, [0, 2])) is float


def test_log_loss_is_exact_at_both_ends():
    assert log_loss([[1, 0]], [1]) == math.inf
    assert math.copysign(1, log_loss([[1, 0], [0, 1]], [0, 1])) == 1  # 0, not -0
    assert log_loss([[1, 0], [0, 1]], [0, 1]) == 0
    assert log_loss(numpy.float32([[1e-30, 1]]), [0]) == pytest.approx(30 * math.log(10))


def test_log_loss_adds_up_in_float64(rng):
    p = rng.dirichlet(numpy.ones(5), 1000).astype(numpy.float32)
    labels = rng.integers(0, 5, 1000)
    right = math.fsum(-math.log(row[label]) for row, label in zip(p, labels, strict=True)) / 1000
    assert log_loss(p, labels) == pytest.approx(right, rel=1e-12)


def test_log_loss_is_the_cross_entropy_of_the_logits(rng):
    logits = tn.Tensor(rng.normal(size=(20, 5)))
    labels = rng.integers(0, 5, 20)
    right = tn.cross_entropy(logits, labels).item()
    assert log_loss(tn.softmax(logits), labels) == pytest.approx(right)


# -- the confusion matrix --------------------------------------------------------------------------


def test_rows_are_true_and_columns_predicted(device):
    right = [[0, 0, 1], [0, 1, 0], [1, 0, 1]]  # predicted 1, 0, 2, 2 for 1, 2, 2, 0
    for outputs in forms(SCORES, device):
        for labels in (LABELS, one_hot(LABELS, 3), tn.Tensor(LABELS).to(device)):
            found = confusion_matrix(outputs, labels)
            assert found.dtype == numpy.int64
            numpy.testing.assert_array_equal(found, right)
    numpy.testing.assert_array_equal(confusion_matrix([1, 0, 2, 2], LABELS), right)
    numpy.testing.assert_array_equal(confusion_matrix([1, 0, 2, 2], one_hot(LABELS, 3)), right)


def test_the_number_of_classes_is_the_largest_that_occurs_or_given():
    numpy.testing.assert_array_equal(confusion_matrix([0, 1], [0, 0]), [[1, 1], [0, 0]])
    numpy.testing.assert_array_equal(confusion_matrix([0, 0], [1, 0]), [[1, 0], [1, 0]])
    assert confusion_matrix([0, 1], [0, 0], classes=5).shape == (5, 5)
    assert confusion_matrix(SCORES, [0, 0, 0, 0]).shape == (3, 3)


def test_decisions_are_classes_too():
    p = numpy.float32([0.2, 0.7, 0.9])
    numpy.testing.assert_array_equal(confusion_matrix(p > 0.5, [0, 0, 1]), [[1, 1], [0, 1]])


def test_the_confusion_matrix_counts_as_a_loop_does(rng):
    predicted, labels = rng.integers(0, 20, (2, 300))
    right = numpy.zeros((20, 20), int)
    for p, t in zip(predicted, labels, strict=True):
        right[t, p] += 1
    found = confusion_matrix(predicted.astype("uint8"), labels.astype("uint8"))  # 20 * 20 > 255
    numpy.testing.assert_array_equal(found, right)
    assert numpy.trace(found) / 300 == accuracy(one_hot(predicted, 20), labels)


# -- what they refuse ------------------------------------------------------------------------------

NAN = numpy.float32([[0, 1], [numpy.nan, 0]])
HINT = "array.astype(int); a list that became a Tensor is float32."
TABLE = {
    "no outputs": (
        lambda: accuracy(None, [1]),
        TypeError,
        "accuracy: outputs is None, not numbers. Give a Tensor, an array or a list of numbers.",
    ),
    "ragged outputs": (
        lambda: accuracy([[1, 2], [3]], [1, 0]),
        ValueError,
        "accuracy: the rows of outputs have different lengths. Make them equally long.",
    ),
    "pictures for outputs": (
        lambda: accuracy(numpy.zeros((2, 3, 3)), [1, 0]),
        ValueError,
        "accuracy: outputs must be (N, K) or (N,), received (2, 3, 3).",
    ),
    "an empty batch": (
        lambda: accuracy(numpy.zeros((0, 3)), numpy.zeros(0, int)),
        ValueError,
        "accuracy: the batch is empty. Give at least one example.",
    ),
    "NaN": (
        lambda: accuracy(NAN, [1, 0]),
        ValueError,
        "accuracy: outputs hold NaN, first in example 1. Find out where it comes from with "
        "tn.doctor().",
    ),
    "NaN for a probability": (
        lambda: accuracy([0.5, math.nan], [1, 0]),
        ValueError,
        "accuracy: outputs hold NaN, first in example 1. Find out where it comes from with "
        "tn.doctor().",
    ),
    "a threshold that is none": (
        lambda: accuracy([0.5], [1], threshold=None),
        ValueError,
        "accuracy: threshold must be a number, received None.",
    ),
    "too few labels": (
        lambda: accuracy(SCORES, [1, 0]),
        ValueError,
        "accuracy: labels must be integers of shape (4,), or one-hot of shape (4, 3), received "
        "(2,).",
    ),
    "labels in a column": (
        lambda: accuracy(SCORES, LABELS[:, None]),
        ValueError,
        "accuracy: labels must be integers of shape (4,), or one-hot of shape (4, 3), received "
        "(4, 1).",
    ),
    "float labels": (
        lambda: accuracy(SCORES, tn.Tensor([1, 2, 2, 0])),
        TypeError,
        "accuracy: labels are float32, and class numbers are integers. Give an array of integers, "
        + HINT,
    ),
    "a label too large": (
        lambda: accuracy(SCORES, [0, 1, 2, 3]),
        ValueError,
        "accuracy: labels must be in [0, 3), received 0 to 3.",
    ),
    "a label too small": (
        lambda: accuracy(SCORES, [0, -1, 2, 1]),
        ValueError,
        "accuracy: labels must be in [0, 3), received -1 to 2.",
    ),
    "two classes at once": (
        lambda: accuracy(SCORES, numpy.ones((4, 3))),
        ValueError,
        "accuracy: labels (N, K) must be one-hot, a single 1 in every row and else 0, and some "
        "row is not.",
    ),
    "logits split as probabilities": (
        lambda: accuracy([-2.0, 3.5], [0, 1]),
        ValueError,
        "accuracy: outputs must be in [0, 1] for threshold 0.5, and lie in [-2, 3.5]. For logits "
        "give threshold=0.",
    ),
    "one output each, and three labels": (
        lambda: accuracy([[0.5], [0.1]], [0, 1, 1]),
        ValueError,
        "accuracy: outputs (2, 1) and labels (3,) do not fit. With one output for each example, "
        "labels must be 0 or 1, of shape (2,).",
    ),
    "one output each, and a class 2": (
        lambda: accuracy([0.5, 0.1], [0, 2]),
        ValueError,
        "accuracy: labels must be 0 or 1 for one output for each example, received 0 to 2. For K "
        "classes give outputs (N, K).",
    ),
    "no k": (
        lambda: top_k(SCORES, LABELS, 0),
        ValueError,
        "top_k: k must be a whole number from 1 to K, which is 3, received 0.",
    ),
    "more than all classes": (
        lambda: top_k(SCORES, LABELS),
        ValueError,
        "top_k: k must be a whole number from 1 to K, which is 3, received 5.",
    ),
    "a k that is true": (
        lambda: top_k(SCORES, LABELS, True),
        ValueError,
        "top_k: k must be a whole number from 1 to K, which is 3, received True.",
    ),
    "one score each": (
        lambda: top_k([0.5, 0.1], [0, 1]),
        ValueError,
        "top_k: outputs must be (N, K), a number for each class, received (2,).",
    ),
    "top k of NaN": (
        lambda: top_k(NAN, [0, 1], 1),
        ValueError,
        "top_k: outputs hold NaN, first in example 1. Find out where it comes from with "
        "tn.doctor().",
    ),
    "logits for probabilities": (
        lambda: log_loss(SCORES, LABELS),
        ValueError,
        "log_loss: probabilities must be in [0, 1], with sum 1 in every row, and some row is not "
        "so. For logits use tn.cross_entropy, or tn.softmax first.",
    ),
    "probabilities that do not add up": (
        lambda: log_loss([[0.5, 0.4]], [0]),
        ValueError,
        "log_loss: probabilities must be in [0, 1], with sum 1 in every row, and some row is not "
        "so. For logits use tn.cross_entropy, or tn.softmax first.",
    ),
    "probabilities of nothing": (
        lambda: log_loss(numpy.zeros((0, 2)), []),
        ValueError,
        "log_loss: the batch is empty. Give at least one example.",
    ),
    "probabilities that are NaN": (
        lambda: log_loss(NAN, [0, 1]),
        ValueError,
        "log_loss: probabilities hold NaN, first in example 1. Find out where it comes from with "
        "tn.doctor().",
    ),
    "no classes": (
        lambda: confusion_matrix([0], [0], classes=0),
        ValueError,
        "confusion_matrix: classes must be a whole number of at least 1, received 0.",
    ),
    "other classes than the scores have": (
        lambda: confusion_matrix(SCORES, LABELS, classes=4),
        ValueError,
        "confusion_matrix: predictions (4, 3) have 3 classes, received classes=4. Leave classes "
        "out.",
    ),
    "probabilities for class numbers": (
        lambda: confusion_matrix([0.2, 0.7], [0, 1]),
        TypeError,
        "confusion_matrix: predictions are float64, and class numbers are integers. Give an array "
        f"of integers, {HINT}",
    ),
    "a prediction too large": (
        lambda: confusion_matrix([0, 3], [0, 1], classes=2),
        ValueError,
        "confusion_matrix: predictions must be in [0, 2), received 0 to 3.",
    ),
    "a negative prediction": (
        lambda: confusion_matrix([0, -1], [0, 1]),
        ValueError,
        "confusion_matrix: predictions must be in [0, 2), received -1 to 0.",
    ),
    "fewer labels than predictions": (
        lambda: confusion_matrix([0, 1], [0]),
        ValueError,
        "confusion_matrix: labels must be integers of shape (2,), or one-hot of shape (2, 2), "
        "received (1,).",
    ),
    "no predictions": (
        lambda: confusion_matrix([], []),
        ValueError,
        "confusion_matrix: the batch is empty. Give at least one example.",
    ),
    "predictions that are NaN": (
        lambda: confusion_matrix([math.nan], [0]),
        TypeError,
        "confusion_matrix: predictions are float64, and class numbers are integers. Give an array "
        f"of integers, {HINT}",
    ),
    "scores that are NaN": (
        lambda: confusion_matrix(NAN, [0, 1]),
        ValueError,
        "confusion_matrix: predictions hold NaN, first in example 1. Find out where it comes from "
        "with tn.doctor().",
    ),
    "float labels for class numbers": (
        lambda: confusion_matrix([0], [math.inf]),
        TypeError,
        "confusion_matrix: labels are float64, and class numbers are integers. Give an array of "
        f"integers, {HINT}",
    ),
    "no predictions of three classes": (
        lambda: confusion_matrix([], [], classes=3),
        ValueError,
        "confusion_matrix: the batch is empty. Give at least one example.",
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_what_cannot_be_judged_is_refused(name):
    call, error, message = TABLE[name]
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        call()
