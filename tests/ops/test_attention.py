"""Attention: what the table of operations cannot say of it."""

from __future__ import annotations

import math

import numpy
import pytest

import tinynet as tn


@pytest.fixture
def inputs(rng):
    return [rng.normal(size=shape) for shape in ((2, 3, 4), (2, 5, 4), (2, 5, 6))]


MASKS = {
    "none": lambda rng: None,
    "of places": lambda rng: numpy.arange(5) < [[5], [3]],
    "of queries": lambda rng: rng.random((2, 3, 5)) < [0.5, 1, 0.5, 0.5, 0.5],
}


@pytest.mark.parametrize("name", MASKS)
def test_attention_equals_pytorchs(name, inputs, rng):
    torch = pytest.importorskip("torch")
    mask, dy = MASKS[name](rng), rng.normal(size=(2, 3, 6))
    ours = [tn.Tensor(x, requires_grad=True) for x in inputs]
    y = tn.attention(*ours, mask)
    y.backward(dy)
    theirs = [torch.tensor(x, requires_grad=True) for x in inputs]
    given = None if mask is None else torch.tensor(mask if mask.ndim == 3 else mask[:, None])
    z = torch.nn.functional.scaled_dot_product_attention(*theirs, attn_mask=given)
    z.backward(torch.tensor(dy))
    numpy.testing.assert_allclose(y.numpy(), z.detach().numpy(), rtol=0, atol=1e-13)
    for x, t in zip(ours, theirs, strict=True):
        numpy.testing.assert_allclose(x.grad, t.grad.numpy(), rtol=0, atol=1e-13)


def test_the_weights_are_probabilities_that_give_the_result(inputs):
    mask = numpy.arange(5) < [[5], [3]]
    y, weights = tn.attention(*inputs, mask, return_weights=True)
    assert weights.shape == (2, 3, 5)
    numpy.testing.assert_allclose(weights.numpy().sum(axis=2), 1, rtol=1e-14)
    assert (weights.numpy()[1, :, 3:] == 0).all()
    numpy.testing.assert_array_equal((weights @ inputs[2]).numpy(), y.numpy())
    numpy.testing.assert_array_equal(tn.attention(*inputs, mask).numpy(), y.numpy())


@pytest.mark.parametrize("name", MASKS)
def test_gradients_flow_through_the_weights_too(name, inputs, rng):
    mask = MASKS[name](rng)
    tn.gradcheck(lambda q, k, v: tn.attention(q, k, v, mask, return_weights=True)[1] * 3, *inputs)


def test_what_may_not_be_looked_at_has_no_part(inputs, rng):
    mask = numpy.arange(5) < [[5], [3]]
    query, key, value = (tn.Tensor(x, requires_grad=True) for x in inputs)
    y = tn.attention(query, key, value, tn.Tensor(mask))
    y.backward(rng.normal(size=y.shape))
    assert (key.grad[1, 3:] == 0).all() and (value.grad[1, 3:] == 0).all()
    assert (key.grad[1, :3] != 0).all()
    key.data[1, 3:], value.data[1, 3:] = 1e9, -7.0
    numpy.testing.assert_array_equal(tn.attention(query, key, value, mask.tolist()).data, y.data)


def test_equal_keys_give_the_mean_and_a_key_that_fits_gives_its_value():
    value = numpy.arange(6.0).reshape(1, 3, 2)
    even = tn.attention(numpy.ones((1, 1, 4)), numpy.ones((1, 3, 4)), value)
    numpy.testing.assert_allclose(even.numpy(), [[[2, 3]]], rtol=1e-15)
    keys = 1e4 * numpy.eye(3)[None]
    found = tn.attention(keys[:, [2, 0]], keys, value)
    numpy.testing.assert_array_equal(found.numpy(), value[:, [2, 0]])


def test_the_products_are_divided_by_the_root_of_d():
    query, key = numpy.ones((1, 1, 9)), numpy.array([[[1.0] * 9, [0.0] * 9]])
    _, weights = tn.attention(query, key, numpy.ones((1, 2, 1)), return_weights=True)
    ratio = weights.numpy()[0, 0, 0] / weights.numpy()[0, 0, 1]
    assert ratio == pytest.approx(math.exp(9 / 3), rel=1e-13)


def test_a_mask_of_the_gpu_is_refused_on_the_cpu(pretended_gpu):
    here, there = numpy.ones((1, 2, 3)), tn.Tensor(numpy.ones((1, 2)), device="gpu").data > 0
    with pytest.raises(ValueError, match=r"^attention: query is on cpu and mask is on gpu\. Move"):
        tn.attention(here, here, here, there)


def test_a_place_where_nobody_looks_may_hold_anything(rng):
    query, key, value = (rng.normal(size=(2, n, 3)) for n in (2, 4, 4))
    mask = numpy.array([[True, True, False, True], [True, False, True, True]])
    expected = tn.attention(query, key, value, mask).numpy()
    key[~mask] = value[~mask] = numpy.nan
    numpy.testing.assert_array_equal(tn.attention(query, key, value, mask).numpy(), expected)
