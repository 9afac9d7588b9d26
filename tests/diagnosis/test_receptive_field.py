"""Receptive fields: the formula's numbers, and the pixels that a gradient really reaches."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy
import pytest

import tinynet as tn
from tinynet.diagnosis.dry_run import declared
from tinynet.diagnosis.receptive_field import ReceptiveFields
from tinynet.engine.observer import Observer, observe


class _Follow(Observer):
    def __init__(self, x):
        self.fields = ReceptiveFields([x])

    def after_forward(self, y, inputs, settings, work):
        self.work = declared(y, inputs, settings, work)
        self.last = self.fields.after(y, inputs, self.work)


def computed(f, x):
    follow = _Follow(x)
    with observe(follow):
        y = f(x)
    return y, follow.last


def measured(f, x, i, j):
    """The size of the part of x that y[0, i, j] depends on, (vertical, horizontal)."""
    x = tn.Tensor(x.data, requires_grad=True)
    f(x)[0, i, j].sum().backward()
    seen = (x.grad[0] != 0).any(axis=-1)
    return tuple(int(numpy.ptp(numpy.flatnonzero(seen.any(axis=k)))) + 1 for k in (1, 0))


def kernel(*shape):
    return tn.Tensor(numpy.ones(shape, numpy.float32))


def two_pools(x):
    return tn.average_pool2d(tn.sum_pool2d(x, (3, 2)), 2, 1)


CHAINS = {
    "conv2d": (lambda x: tn.conv2d(x, kernel(3, 5, 1, 2)), (3, 5), (1, 1)),
    "strides": (
        lambda x: tn.conv2d(tn.conv2d(x, kernel(3, 3, 1, 2), stride=2), kernel(3, 3, 2, 1)),
        (7, 7),
        (2, 2),
    ),
    "pools": (two_pools, (6, 4), (3, 2)),
    "im2col": (lambda x: tn.im2col(tn.im2col(x, 2, 2), (3, 1)), (6, 2), (2, 2)),
    "transposed": (
        lambda x: tn.conv2d_transpose(tn.sum_pool2d(x, 2), kernel(3, 2, 4, 1), stride=(2, 1)),
        (4, 4),
        (1, 2),
    ),
    "nearest": (
        lambda x: tn.conv2d(tn.upsample2d(tn.sum_pool2d(x, 3), 3), kernel(4, 1, 1, 1)),
        (6, 3),
        (1, 1),
    ),
    "bilinear": (
        lambda x: tn.upsample2d(x, (2, 1), interpolation="bilinear"),
        (2, 1),
        (Fraction(1, 2), 1),
    ),
    "per pixel": (
        lambda x: tn.conv2d((x @ kernel(1, 3)).mean(axis=-1, keepdims=True), kernel(2, 2, 1, 1)),
        (2, 2),
        (1, 1),
    ),
}


@pytest.mark.parametrize("name", CHAINS)
def test_the_formula_and_the_pixels_that_the_gradient_reaches(name, rng):
    f, size, jump = CHAINS[name]
    x = tn.Tensor(rng.random((1, 24, 24, 1), numpy.float32) + 0.5)
    y, field = computed(f, x)
    assert field == (size, jump)
    found = [measured(f, x, i, j) for i in range(2, 6) for j in range(4, 8)]
    assert y.ndim == 4
    assert (max(a for a, _ in found), max(b for _, b in found)) == size


def test_of_two_branches_the_larger_counts_for_each_axis():
    x = tn.Tensor(numpy.ones((1, 9, 9, 1), numpy.float32))

    def branches(x):
        wide = tn.conv2d(x, kernel(1, 7, 1, 2), padding="same")
        return tn.concatenate([wide, tn.conv2d(x, kernel(3, 3, 1, 2), padding="same")], axis=-1)

    assert computed(branches, x)[1] == ((3, 7), (1, 1))


@pytest.mark.parametrize(
    "mix",
    [
        lambda x: x.mean(axis=(1, 2)),
        lambda x: x.reshape(1, 81) @ kernel(81, 2),
        lambda x: x.max(),
        lambda x: tn.conv2d(
            (x.reshape(1, 81) @ kernel(81, 81)).reshape(1, 9, 9, 1), kernel(*[1] * 4)
        ),
    ],
    ids=["mean", "matmul", "max", "afterwards"],
)
def test_what_mixes_all_pixels_sees_everything(mix):
    x = tn.Tensor(numpy.ones((1, 9, 9, 1), numpy.float32))
    assert computed(mix, x)[1].size == (math.inf, math.inf)


def test_what_comes_from_no_picture_has_none():
    x = tn.Tensor(numpy.ones((2, 9), numpy.float32))
    assert computed(lambda x: x @ kernel(9, 2), x)[1] is None
    follow = _Follow(tn.Tensor(numpy.ones((1, 4, 4, 1), numpy.float32)))
    with observe(follow):
        tn.conv2d(numpy.ones((1, 4, 4, 1), numpy.float32), kernel(3, 3, 1, 1))
    assert follow.last is None


@pytest.mark.parametrize("name", [n for n in tn.__all__ if n.endswith("pool2d")])
def test_every_pooling_declares_its_windows(name):
    pool = getattr(tn, name)
    x = tn.Tensor(numpy.ones((1, 24, 24, 1), numpy.float32))
    assert computed(pool, x)[1] == ((2, 2), (2, 2))
    assert computed(lambda x: pool(x, (3, 2), stride=1, ceil_mode=True), x)[1] == ((3, 2), (1, 1))
