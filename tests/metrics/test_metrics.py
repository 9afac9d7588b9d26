"""Metrics: counted by loops and by hand, on either device, and what they refuse."""

from __future__ import annotations

import math
import re

import numpy
import pytest

import tinynet as tn
from tinynet.metrics import accuracy, auc, confusion_matrix, log_loss, psnr, r2, roc_curve, top_k

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


@pytest.mark.parametrize("number", [numpy.int64, numpy.uint8, numpy.float32, numpy.float64])
def test_a_threshold_may_be_a_numpy_number(number):
    assert accuracy([-3.0, 0.0, 0.2, 7.0], [0, 0, 1, 1], threshold=number(0)) == 1


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


# -- the ROC curve ---------------------------------------------------------------------------------


def test_the_roc_curve_by_hand(device):
    scores = numpy.float32([0.9, 0.8, 0.7, 0.6])
    for given in forms(scores, device):
        false, true, thresholds = roc_curve(given, [1, 0, 1, 0])
        numpy.testing.assert_array_equal(false, [0, 0, 0.5, 0.5, 1])
        numpy.testing.assert_array_equal(true, [0, 0.5, 0.5, 1, 1])
        numpy.testing.assert_array_equal(thresholds, [math.inf, *scores.astype(float)])
        assert {a.dtype for a in (false, true, thresholds)} == {numpy.dtype("float64")}
    assert auc(scores, [1, 0, 1, 0]) == 0.75


def test_equal_scores_are_one_step():
    false, true, thresholds = roc_curve([2, 1, 1, 0], [1, 1, 0, 0])
    numpy.testing.assert_array_equal(false, [0, 0, 0.5, 1])
    numpy.testing.assert_array_equal(true, [0, 0.5, 1, 1])
    numpy.testing.assert_array_equal(thresholds, [math.inf, 2, 1, 0])


def test_the_roc_curve_counts_as_a_loop_does(rng):
    scores, labels = rng.integers(0, 9, 60) / 4, rng.integers(0, 2, 60)
    false, true, thresholds = roc_curve(scores, labels)
    assert thresholds[0] == math.inf and list(thresholds[1:]) == sorted(set(scores))[::-1]
    for f, t, threshold in zip(false, true, thresholds, strict=True):
        said = scores >= threshold
        assert f == sum(said & (labels == 0)) / sum(labels == 0)
        assert t == sum(said & (labels == 1)) / sum(labels == 1)


@pytest.mark.parametrize("distinct", [1, 2, 5, 1000])
def test_the_auc_counts_pairs_and_is_the_area_under_the_curve(distinct, rng):
    scores, labels = rng.integers(0, distinct, 60), rng.integers(0, 2, 60)
    pairs = [(p, q) for p in scores[labels == 1] for q in scores[labels == 0]]
    right = sum((p > q) + 0.5 * (p == q) for p, q in pairs) / len(pairs)
    assert auc(scores, labels) == pytest.approx(right, abs=1e-12)
    false, true, _ = roc_curve(scores, labels)
    assert numpy.trapezoid(true, false) == pytest.approx(right, abs=1e-12)


def test_scores_in_a_column_and_infinite_ones_are_ranked(device):
    labels = numpy.array([True, False, True])
    column = tn.Tensor([[math.inf], [-math.inf], [0]]).to(device)
    assert auc(column, labels) == auc(column, tn.Tensor(labels[:, None]).to(device)) == 1
    assert auc(-column, labels) == 0
    assert type(auc(column, labels)) is float


# -- how close -------------------------------------------------------------------------------------


def test_a_tenth_off_is_20_decibels(device):
    truth = numpy.float64([[[0.5], [0.25]], [[0.75], [0.5]]])
    for given in forms(truth + 0.1 * numpy.float64([-1, 1])[:, None], device):
        assert psnr(given, truth) == pytest.approx(20, abs=1e-5)
    assert psnr(numpy.zeros(3), numpy.ones(3)) == 0
    assert math.copysign(1, psnr(numpy.zeros(3), numpy.ones(3))) == 1  # 0, not -0


def test_equal_pictures_are_infinitely_close():
    assert psnr(numpy.ones((2, 3)), numpy.ones((2, 3))) == math.inf


def test_psnr_is_of_one_mean_over_all_values(rng):
    a, b = rng.random((2, 5, 4, 4, 3), dtype=numpy.float32)
    error = math.fsum((float(x) - float(y)) ** 2 for x, y in zip(a.flat, b.flat, strict=True))
    assert psnr(a, b) == pytest.approx(10 * math.log10(a.size / error), rel=1e-12)


def test_r2_by_hand(device):
    target = numpy.float32([1, 2, 3, 6])  # mean 3, spread 14
    for given in forms(target + numpy.float32([1, 0, -1, 0]), device):
        assert r2(given, target) == pytest.approx(1 - 2 / 14)
    assert r2(target, target) == 1
    assert r2(numpy.full(4, 3), target) == 0
    assert r2(-target, target) < -1
    assert type(r2(target, target)) is float


def test_several_numbers_have_a_mean_each():
    target = numpy.array([[0.0, 100], [2, 100], [4, 103]])  # spreads 8 and 6
    off = numpy.array([[1, 0], [0, 0], [0, 1]])
    assert r2(target + off, target) == pytest.approx(1 - 2 / 14)


@pytest.mark.parametrize("metric", [psnr, r2])
def test_training_may_watch_them(metric):
    x = numpy.float32([[0.1], [0.2], [0.4]])
    model = tn.Sequential(
        [tn.layers.Dense(1, activation="sigmoid")],
        input_shape=(1,),
        rng=numpy.random.default_rng(0),
    )
    seen = tn.evaluate(model, (x, x), tn.mse, [metric])[metric.__name__]
    assert seen == pytest.approx(metric(tn.predict(model, x), x))


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
        "accuracy: outputs must be (N, K) or (N,), received (2, 3, 3). Give a row, or one number, "
        "for each example. For steps, where 0 is padding: lambda o, q: tn.metrics.accuracy("
        "o[q != 0], q[q != 0]).",
    ),
    "an empty batch": (
        lambda: accuracy(numpy.zeros((0, 3)), numpy.zeros(0, int)),
        ValueError,
        "accuracy: the batch is empty. Give at least one example.",
    ),
    "NaN": (
        lambda: accuracy(NAN, [1, 0]),
        ValueError,
        "accuracy: outputs hold NaN, first in example 1. "
        "Find out where it comes from with tn.doctor().",
    ),
    "NaN for a probability": (
        lambda: accuracy([0.5, math.nan], [1, 0]),
        ValueError,
        "accuracy: outputs hold NaN, first in example 1. "
        "Find out where it comes from with tn.doctor().",
    ),
    "a threshold that is none": (
        lambda: accuracy([0.5], [1], threshold=None),
        ValueError,
        "accuracy: threshold must be a finite number, received None. Give 0.5 for probabilities, 0 "
        "for logits.",
    ),
    "a threshold that is true": (
        lambda: accuracy([0.5], [1], threshold=True),
        ValueError,
        "accuracy: threshold must be a finite number, received True. Give 0.5 for probabilities, 0 "
        "for logits.",
    ),
    "a threshold of NaN": (
        lambda: accuracy([0.5], [1], threshold=math.nan),
        ValueError,
        "accuracy: threshold must be a finite number, received nan. Give 0.5 for probabilities, 0 "
        "for logits.",
    ),
    "an infinite threshold": (
        lambda: accuracy([0.5], [1], threshold=-math.inf),
        ValueError,
        "accuracy: threshold must be a finite number, received -inf. Give 0.5 for probabilities, 0 "
        "for logits.",
    ),
    "too few labels": (
        lambda: accuracy(SCORES, [1, 0]),
        ValueError,
        "accuracy: labels must be integers of shape (4,), or one-hot of shape (4, 3), received "
        "(2,). Give one for each example; reshape(-1) for a column.",
    ),
    "labels in a column": (
        lambda: accuracy(SCORES, LABELS[:, None]),
        ValueError,
        "accuracy: labels must be integers of shape (4,), or one-hot of shape (4, 3), received "
        "(4, 1). Give one for each example; reshape(-1) for a column.",
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
        "accuracy: labels must be in [0, 3), received 0 to 3. Count them from 0, or give more than "
        "3 classes.",
    ),
    "a label too small": (
        lambda: accuracy(SCORES, [0, -1, 2, 1]),
        ValueError,
        "accuracy: labels must be in [0, 3), received -1 to 2. Count them from 0, or give more "
        "than 3 classes.",
    ),
    "two classes at once": (
        lambda: accuracy(SCORES, numpy.ones((4, 3))),
        ValueError,
        "accuracy: labels (N, K) must be one-hot, with one 1 and otherwise 0 in every row, "
        "and some row is not.",
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
        "top_k: k must be a whole number from 1 to 3, received 0. Give 1 for the best class alone.",
    ),
    "more than all classes": (
        lambda: top_k(SCORES, LABELS),
        ValueError,
        "top_k: k must be a whole number from 1 to 3, received 5. Give 1 for the best class alone.",
    ),
    "one score each": (
        lambda: top_k([0.5, 0.1], [0, 1]),
        ValueError,
        "top_k: outputs must be (N, K), a number for each class, received (2,). Give a row for "
        "each example.",
    ),
    "top k of NaN": (
        lambda: top_k(NAN, [0, 1], 1),
        ValueError,
        "top_k: outputs hold NaN, first in example 1. "
        "Find out where it comes from with tn.doctor().",
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
        "log_loss: probabilities hold NaN, first in example 1. "
        "Find out where it comes from with tn.doctor().",
    ),
    "no classes": (
        lambda: confusion_matrix([0], [0], classes=0),
        ValueError,
        "confusion_matrix: classes must be a whole number of at least 1, received 0. Leave it out, "
        "or give how many there are.",
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
        "confusion_matrix: predictions must be in [0, 2), received 0 to 3. Count them from 0, or "
        "give more than 2 classes.",
    ),
    "a negative prediction": (
        lambda: confusion_matrix([0, -1], [0, 1]),
        ValueError,
        "confusion_matrix: predictions must be in [0, 2), received -1 to 0. Count them from 0, or "
        "give more than 2 classes.",
    ),
    "fewer labels than predictions": (
        lambda: confusion_matrix([0, 1], [0]),
        ValueError,
        "confusion_matrix: labels must be integers of shape (2,), or one-hot of shape (2, 2), "
        "received (1,). Give one for each example; reshape(-1) for a column.",
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
        "confusion_matrix: predictions hold NaN, first in example 1. "
        "Find out where it comes from with tn.doctor().",
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
    "scores of several classes": (
        lambda: auc(SCORES, LABELS),
        ValueError,
        "auc: scores must be (N,), one for each example, received (4, 3). Give the column of "
        "one class.",
    ),
    "scores with NaN": (
        lambda: roc_curve([0.5, math.nan], [0, 1]),
        ValueError,
        "roc_curve: scores hold NaN, first in example 1. "
        "Find out where it comes from with tn.doctor().",
    ),
    "scores of pictures": (
        lambda: auc(numpy.zeros((2, 3, 3)), [0, 1]),
        ValueError,
        "auc: scores must be (N, K) or (N,), received (2, 3, 3). Give a row, or one number, for "
        "each example. For steps, where 0 is padding: lambda o, q: tn.metrics.auc(o[q != 0], "
        "q[q != 0]).",
    ),
    "no scores": (
        lambda: auc([], []),
        ValueError,
        "auc: the batch is empty. Give at least one example.",
    ),
    "more labels than scores": (
        lambda: roc_curve([0.5, 0.1], [0, 1, 1]),
        ValueError,
        "roc_curve: labels must be 0 or 1, of shape (2,), received (3,). Give one for each score.",
    ),
    "ten classes for two": (
        lambda: auc([0.5, 0.1, 0.2], [0, 1, 9]),
        ValueError,
        "auc: labels must be 0 or 1, received 0 to 9. Give labels == k for class k.",
    ),
    "one class only": (
        lambda: auc([0.5, 0.1], [1, 1]),
        ValueError,
        "auc: all 2 labels are 1. Give examples of both classes.",
    ),
    "the other class only": (
        lambda: roc_curve([0.5, 0.1], [False, False]),
        ValueError,
        "roc_curve: all 2 labels are 0. Give examples of both classes.",
    ),
    "pictures of another shape": (
        lambda: psnr(numpy.zeros((2, 3, 1)), numpy.zeros((2, 3))),
        ValueError,
        "psnr: pictures (2, 3, 1) and truth (2, 3) must have equal shapes. Reshape one of them.",
    ),
    "logits for pictures": (
        lambda: psnr([0.5, -2], [0.5, 0]),
        ValueError,
        "psnr: pictures must be in [0, 1], and lie in [-2, 0.5]. Divide bytes by 255, give "
        "tn.sigmoid of logits, or clip with tn.clip(x, 0, 1).",
    ),
    "bytes for pictures": (
        lambda: psnr([0.5, 1], [128, 255]),
        ValueError,
        "psnr: truth must be in [0, 1], and lie in [128, 255]. Divide bytes by 255, give "
        "tn.sigmoid of logits, or clip with tn.clip(x, 0, 1).",
    ),
    "no pictures": (
        lambda: psnr(numpy.zeros((0, 2)), numpy.zeros((0, 2))),
        ValueError,
        "psnr: the batch is empty. Give at least one example.",
    ),
    "pictures of NaN": (
        lambda: psnr([[0.5], [0.5]], [[0.5], [math.nan]]),
        ValueError,
        "psnr: truth hold NaN, first in example 1. Find out where it comes from with tn.doctor().",
    ),
    "a column for a row": (
        lambda: r2(numpy.zeros((5, 1)), numpy.zeros(5)),
        ValueError,
        "r2: prediction (5, 1) and target (5,) must have equal shapes. Reshape one of them.",
    ),
    "a constant target": (
        lambda: r2([1.0, 2, 3], [0.1, 0.1, 0.1]),
        ValueError,
        "r2: target is the same in all examples, so there is no variation to explain. Give more "
        "examples, or use the mean squared error.",
    ),
    "one number": (
        lambda: r2(1.0, 2.0),
        ValueError,
        "r2: target is the same in all examples, so there is no variation to explain. Give more "
        "examples, or use the mean squared error.",
    ),
    "infinity": (
        lambda: r2([1.0, math.inf], [1.0, 2.0]),
        ValueError,
        "r2: prediction holds infinity. Find out where it comes from with tn.doctor().",
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_what_cannot_be_judged_is_refused(name):
    call, error, message = TABLE[name]
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        call()
