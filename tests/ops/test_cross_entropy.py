"""cross_entropy with a mask: what is False has no part, whatever stands there."""

from __future__ import annotations

import math

import numpy
import pytest

import tinynet as tn

LABELS = numpy.array([[2, 0, -1], [1, -1, -1]])
COUNTS = LABELS >= 0


def value_and_gradient(logits, labels, **settings):
    x = tn.Tensor(logits, requires_grad=True)
    y = tn.cross_entropy(x, labels, **settings)
    y.backward(numpy.ones_like(y.data))
    return y.numpy(), x.grad


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_it_is_the_loss_of_those_that_count_to_the_last_bit(reduction, dtype, rng):
    logits = rng.normal(size=(2, 3, 4)).astype(dtype)
    value, slopes = value_and_gradient(logits, LABELS, reduction=reduction, mask=COUNTS)
    alone = value_and_gradient(logits[COUNTS], LABELS[COUNTS], reduction=reduction)
    assert (value.dtype, slopes.dtype) == (dtype, dtype)
    if reduction == "none":
        assert value.shape == (2, 3) and (value[~COUNTS] == 0).all()
        value = value[COUNTS]
    numpy.testing.assert_array_equal(value, alone[0])
    numpy.testing.assert_array_equal(slopes[COUNTS], alone[1])
    assert (slopes[~COUNTS] == 0).all()


@pytest.mark.parametrize("junk", [-1, -100, 99])
@pytest.mark.parametrize("logit", [math.nan, math.inf, 1e30])
def test_what_is_masked_may_be_anything(junk, logit, rng):
    logits = rng.normal(size=(2, 3, 4))
    expected = value_and_gradient(logits, LABELS, mask=COUNTS)
    labels = numpy.where(COUNTS, LABELS, junk)
    logits[~COUNTS] = logit
    for got, right in zip(value_and_gradient(logits, labels, mask=COUNTS), expected, strict=True):
        numpy.testing.assert_array_equal(got, right)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_so_it_may_on_a_gpu(reduction, pretended_gpu, rng):
    logits, labels = rng.normal(size=(2, 3, 4)).astype("float32"), LABELS.copy()
    logits[~COUNTS], labels[~COUNTS] = math.nan, 99
    found = []
    for device in ("cpu", "gpu"):
        x = tn.Tensor(logits, requires_grad=True, device=device)
        y = tn.cross_entropy(x, labels, reduction, COUNTS)
        y.sum().backward()
        found.append((y.numpy(), tn.Tensor(x.grad).numpy()))
    for here, there in zip(*found, strict=True):
        numpy.testing.assert_allclose(there, here, rtol=1e-6)


def test_many_rows_of_float16_are_counted_on_a_gpu(pretended_gpu, rng):
    """float16 holds no number above 65,504, and counts by ones to 2,048."""
    logits, labels = rng.normal(size=(70000, 3)).astype("float16"), rng.integers(0, 3, 70000)
    mask, found = numpy.arange(70000) != 5, []
    for device in ("cpu", "gpu"):
        x = tn.Tensor(logits, requires_grad=True, device=device)
        y = tn.cross_entropy(x, labels, mask=mask)
        (y * 1000).backward()
        found.append((y.numpy(), tn.Tensor(x.grad).numpy()))
        assert y.dtype == x.grad.dtype == "float16"
    for here, there in zip(*found, strict=True):
        numpy.testing.assert_allclose(there, here, rtol=1e-2, atol=1e-4)


def test_soft_labels_are_masked_by_rows(rng):
    logits, labels = rng.normal(size=(3, 4)), rng.dirichlet([1, 1, 1, 1], 3)
    labels[1] = math.nan
    mask = numpy.array([True, False, True])
    got = value_and_gradient(logits, labels, mask=mask)
    expected = value_and_gradient(logits[mask], labels[mask])
    numpy.testing.assert_array_equal(got[0], expected[0])
    numpy.testing.assert_array_equal(got[1][mask], expected[1])
    assert (got[1][1] == 0).all()


def test_a_mask_of_all_changes_nothing(rng):
    logits, labels = rng.normal(size=(5, 3)), rng.integers(0, 3, 5)
    expected = value_and_gradient(logits, labels)
    for mask in (numpy.ones(5, bool), [True] * 5, tn.Tensor(labels) >= 0):
        for got, right in zip(value_and_gradient(logits, labels, mask=mask), expected, strict=True):
            numpy.testing.assert_array_equal(got, right)


def test_the_gradient_of_each_loss_reaches_its_own_logits(rng):
    x = tn.Tensor(rng.normal(size=(2, 3, 4)), requires_grad=True)
    dy = rng.normal(size=(2, 3))
    tn.cross_entropy(x, LABELS, "none", COUNTS).backward(dy)
    _, slopes = value_and_gradient(x.data, LABELS, reduction="none", mask=COUNTS)
    numpy.testing.assert_allclose(x.grad, dy[..., None] * slopes, rtol=1e-15)
