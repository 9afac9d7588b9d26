"""CTC: held to the enumeration of all paths, to PyTorch, and to what it promises of padding."""

from __future__ import annotations

import itertools
import math

import numpy
import pytest

import tinynet as tn

from . import oracles

T, K = 5, 4


def logits_of(seed, *shape, scale=2.0):
    return numpy.random.default_rng(seed).normal(0, scale, shape)


def value_and_gradient(logits, labels, *lengths, **settings):
    x = tn.Tensor(logits, requires_grad=True)
    y = tn.ctc_loss(x, labels, *lengths, **settings)
    y.backward(numpy.ones_like(y.data))
    return y.data, x.grad


def every_label(longest, blank=0):
    """All labels of at most that length that T steps can hold: (N, longest), and their lengths."""
    classes = [k for k in range(K) if k != blank]
    labels = [s for n in range(longest + 1) for s in itertools.product(classes, repeat=n)]
    steps = [len(s) + sum(a == b for a, b in itertools.pairwise(s)) for s in labels]
    labels = [s for s, needed in zip(labels, steps, strict=True) if needed <= T]
    lengths = numpy.array([len(s) for s in labels])
    return numpy.array([[*s, *[-9] * (longest - len(s))] for s in labels]), lengths


# -- all paths, one by one -------------------------------------------------------------------------


@pytest.mark.parametrize("blank", [0, 1, K - 1])
def test_loss_and_gradient_of_every_label_are_those_of_all_paths(blank):
    logits = logits_of(0, T, K)
    p = numpy.array([oracles.softmax(step) for step in logits.tolist()])
    read = oracles.paths(logits, blank)
    labels, lengths = every_label(3, blank)
    N = len(labels)
    assert N == 1 + 3 + 9 + 27
    batch = numpy.tile(logits, (N, 1, 1))
    losses, slopes = value_and_gradient(batch, labels, None, lengths, blank, "none")
    for loss, slope, label, length in zip(losses, slopes, labels, lengths, strict=True):
        paths = read[tuple(label[:length])]
        total = math.fsum(paths.values())
        assert loss == pytest.approx(-math.log(total), rel=1e-13)
        posterior = numpy.zeros((T, K))
        for path, probability in paths.items():
            posterior[range(T), path] += probability / total
        numpy.testing.assert_allclose(slope, p - posterior, rtol=0, atol=1e-13)


def test_the_probabilities_of_all_labels_sum_to_one():
    labels, lengths = every_label(T)
    batch = numpy.tile(logits_of(1, T, K), (len(labels), 1, 1))
    losses = tn.ctc_loss(batch, labels, None, lengths, reduction="none").numpy()
    assert math.isclose(numpy.exp(-losses).sum(), 1, rel_tol=1e-12)


def test_a_label_that_fills_its_steps_has_one_path():
    logits = logits_of(2, 1, T, K)
    log_p = tn.log_softmax(logits).numpy()[0]
    for label, path in (([1, 2, 3, 2, 1], [1, 2, 3, 2, 1]), ([2, 2, 2], [2, 0, 2, 0, 2])):
        expected = -log_p[range(T), path].sum()
        assert tn.ctc_loss(logits, [label]).item() == pytest.approx(expected, rel=1e-13)


def test_an_empty_label_is_all_blank():
    logits = logits_of(3, 2, T, K)
    expected = -tn.log_softmax(logits).numpy()[:, :, 0].sum(axis=1)
    for labels, lengths in (([[], []], None), ([[1, 2], [3, 3]], [0, 0])):
        losses = tn.ctc_loss(logits, labels, None, lengths, reduction="none").numpy()
        numpy.testing.assert_allclose(losses, expected, rtol=1e-13)


def test_the_slopes_of_each_step_sum_to_zero():
    """Both the softmax and the posterior of a step are probabilities of all classes."""
    _, slopes = value_and_gradient(logits_of(4, 3, 40, 6), [[1, 2, 2, 5]] * 3)
    numpy.testing.assert_allclose(slopes.sum(axis=2), 0, atol=1e-13)


# -- reductions ------------------------------------------------------------------------------------


def test_the_mean_is_over_the_examples_whatever_their_lengths():
    logits, lengths = logits_of(5, 3, 9, K), ([9, 5, 7], [3, 1, 2])
    labels = [[1, 2, 1], [3, 1, 1], [2, 2, 1]]
    each = tn.ctc_loss(logits, labels, *lengths, reduction="none").numpy()
    assert each.shape == (3,)
    assert tn.ctc_loss(logits, labels, *lengths).item() == pytest.approx(each.mean(), rel=1e-13)
    total = tn.ctc_loss(logits, labels, *lengths, reduction="sum").item()
    assert total == pytest.approx(each.sum(), rel=1e-13)


def test_an_example_has_the_same_loss_alone():
    logits, labels = logits_of(6, 3, 9, K), numpy.array([[1, 2, 1], [3, 1, 0], [2, 0, 0]])
    steps, sizes = [9, 5, 7], [3, 2, 1]
    each, slopes = value_and_gradient(logits, labels, steps, sizes, reduction="none")
    for n, (step, size) in enumerate(zip(steps, sizes, strict=True)):
        alone = value_and_gradient(logits[n : n + 1, :step], labels[n : n + 1, :size])
        assert alone[0] == pytest.approx(each[n], rel=1e-13)
        numpy.testing.assert_allclose(alone[1][0], slopes[n, :step], rtol=0, atol=1e-13)


# -- a second opinion ------------------------------------------------------------------------------


@pytest.mark.parametrize("reduction", ["none", "sum", "mean"])
@pytest.mark.parametrize("blank", [0, 6])
def test_ctc_loss_equals_pytorchs(blank, reduction):
    torch = pytest.importorskip("torch")
    rng = numpy.random.default_rng(7)
    logits, labels = logits_of(7, 8, 50, 7), rng.integers(1, 7, (8, 10)) - (blank == 6)
    steps, sizes = rng.integers(20, 51, 8), rng.integers(1, 11, 8)

    x = torch.tensor(logits, requires_grad=True)
    theirs = torch.nn.functional.ctc_loss(
        *(x.log_softmax(2).transpose(0, 1), torch.tensor(labels)),
        *(torch.tensor(steps), torch.tensor(sizes)),
        blank=blank,
        reduction=reduction,
    )
    theirs.sum().backward()
    weights = numpy.ones(8)
    if reduction == "mean":  # PyTorch divides by the lengths before
        weights, reduction = 1 / sizes / 8, "none"
    t = tn.Tensor(logits, requires_grad=True)
    ours = tn.ctc_loss(t, labels, steps, sizes, blank, reduction)
    loss = ours if reduction == "sum" else ours * weights
    loss.sum().backward()
    loss = loss.sum() if theirs.ndim == 0 else loss
    numpy.testing.assert_allclose(loss.numpy(), theirs.detach().numpy(), rtol=1e-12)
    numpy.testing.assert_allclose(t.grad, x.grad.numpy(), rtol=0, atol=1e-12)


# -- the ends of the numbers -----------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_a_thousand_steps_are_as_exact_as_one(dtype):
    logits = logits_of(8, 2, 1000, 5, scale=1.0).astype(dtype)
    labels = numpy.random.default_rng(8).integers(1, 5, (2, 60))
    loss, slopes = value_and_gradient(logits, labels)
    exact, right = value_and_gradient(logits.astype("float64"), labels)
    assert (loss.dtype, slopes.dtype) == (dtype, dtype)
    eps = numpy.finfo(dtype).eps
    numpy.testing.assert_allclose(loss, exact, rtol=2 * eps)
    numpy.testing.assert_allclose(slopes, right, rtol=0, atol=eps / 2)


@pytest.mark.parametrize("size", [20.0, 1e4, 1e30])
def test_sure_logits_have_finite_losses_and_a_small_loss_is_not_rounded_away(size):
    logits = (size * numpy.eye(3)[[[1, 0, 2, 2]]]).astype("float32")
    loss, slopes = value_and_gradient(logits, [[2, 1]])
    assert loss == pytest.approx(2 * size, rel=0.05)  # - - 2 1: two steps are wrong
    assert numpy.isfinite(slopes).all() and (abs(slopes) > 0.1).any()
    right, _ = value_and_gradient(logits, [[1, 2]])
    if size > 20:
        assert right == 0
    else:
        others = oracles.paths(logits[0])
        del others[1, 2]
        wrong = math.fsum(p for paths in others.values() for p in paths.values())
        assert right == pytest.approx(wrong, rel=1e-6)


def test_what_stands_behind_the_lengths_may_be_anything():
    logits, labels = logits_of(9, 3, 8, K), numpy.array([[1, 2], [3, 0], [2, 2]])
    steps, sizes = [8, 5, 6], [2, 1, 2]
    loss, slopes = value_and_gradient(logits, labels, steps, sizes)
    for junk in (math.nan, math.inf, -math.inf):
        other, junk_labels = logits.copy(), labels.copy()
        other[1, 5:], other[2, 6:], junk_labels[1, 1] = junk, junk, -100
        same, gradient = value_and_gradient(other, junk_labels, steps, sizes)
        assert same == loss
        numpy.testing.assert_array_equal(gradient, slopes)
    assert (slopes[1, 5:] == 0).all() and (slopes[1, :5] != 0).all()


def test_an_excluded_label_costs_infinity_and_a_class_that_is_not_needed_nothing():
    logits = logits_of(10, 2, T, K)
    logits[:, :, 3] = -math.inf
    losses, slopes = value_and_gradient(logits, [[1, 2], [1, 3]], reduction="none")
    assert losses[1] == math.inf and numpy.isnan(slopes[1]).any(axis=1).all()
    without, expected = value_and_gradient(logits[:1, :, :3], [[1, 2]])
    assert losses[0] == pytest.approx(without, rel=1e-13)
    numpy.testing.assert_allclose(slopes[0, :, :3], expected[0], rtol=0, atol=1e-13)
    assert (slopes[0, :, 3] == 0).all()


def test_a_nan_spoils_its_example_only():
    logits = logits_of(11, 2, T, K)
    right, expected = value_and_gradient(logits, [[1, 2], [1, 3]], reduction="none")
    logits[1, 2, 1] = math.nan
    losses, slopes = value_and_gradient(logits, [[1, 2], [1, 3]], reduction="none")
    assert math.isnan(losses[1]) and losses[0] == right[0]
    assert numpy.isnan(slopes[1]).any()
    numpy.testing.assert_array_equal(slopes[0], expected[0])


# -- how labels and lengths may arrive -------------------------------------------------------------


def test_labels_and_lengths_may_be_tensors_and_come_from_padded():
    words = [[1, 2, 2], [3], [2, 1]]
    logits, steps = logits_of(12, 3, 7, K), numpy.array([7, 4, 5], "int32")
    labels, mask = tn.data.padded(words, value=-1)
    sizes = mask.sum(axis=1)
    expected = oracles.ctc_loss(logits, labels, steps, sizes)
    t = tn.Tensor(labels)
    for given in (
        (labels, steps, sizes),
        (t, tn.Tensor(steps), (t >= 0).sum(axis=1)),
        (labels.astype("uint8"), steps.tolist(), sizes.tolist()),
    ):
        assert tn.ctc_loss(logits, *given).item() == pytest.approx(float(expected), rel=1e-13)


# -- decoding --------------------------------------------------------------------------------------

PATHS = [[1, 1, 0, 1, 2, 2], [0, 0, 0, 0, 0, 0], [3, 0, 3, 3, 3, 0], [1, 2, 1, 2, 1, 2]]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [[1, 1, 2], [], [3, 3], [1, 2, 1, 2, 1, 2]]),
        ({"logit_lengths": [3, 6, 1, 2]}, [[1], [], [3], [1, 2]]),
        ({"blank": 2}, [[1, 0, 1], [0], [3, 0, 3, 0], [1, 1, 1]]),
    ],
    ids=["whole", "lengths", "another blank"],
)
def test_the_best_path_is_read_without_repeats_and_blanks(settings, expected):
    logits = logits_of(13, 4, 6, 4, scale=0.1) + numpy.eye(4)[PATHS]
    for given in (logits, tn.Tensor(logits), logits.tolist()):
        assert tn.ctc_decode(given, **settings) == expected
    lengths = settings.pop("logit_lengths", None)
    if lengths:
        assert tn.ctc_decode(logits, logit_lengths=tn.Tensor(numpy.array(lengths))) == expected


def test_the_classes_are_plain_numbers():
    assert type(tn.ctc_decode(numpy.eye(3)[None])[0][0]) is int


def test_what_ctc_has_learnt_is_decoded():
    words = [[1, 2, 2], [3, 1], []]
    labels, sizes = numpy.array([[1, 2, 2], [3, 1, 0], [0, 0, 0]]), [3, 2, 0]
    logits = tn.Tensor(logits_of(14, 3, 8, K).astype("float32"), requires_grad=True)
    optimizer = tn.optim.Adam([logits], lr=0.2)
    assert tn.ctc_decode(logits) != words
    for _ in range(100):
        optimizer.zero_grad()
        tn.ctc_loss(logits, labels, label_lengths=sizes).backward()
        optimizer.step()
    assert tn.ctc_decode(logits) == words
    assert tn.ctc_loss(logits, labels, label_lengths=sizes).item() < 0.05


def test_decoding_says_what_is_wrong_with_rows_of_different_lengths():
    message = r"^ctc_decode: the rows of the list have different lengths\. Make them equal; for"
    with pytest.raises(ValueError, match=message):
        tn.ctc_decode([[[1, 2], [3]]])
