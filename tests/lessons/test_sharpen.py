"""The lesson sharpen: its convolution and its learning against loops and closed forms."""

from __future__ import annotations

import numpy
import pytest

import tinynet as tn
from lessons import parts

SLANTED = numpy.float32([[2, -1, 0], [0.5, 1, 3], [0, -2, 0.25]])  # no symmetry at all


@pytest.fixture(scope="module")
def sharpen():
    return parts("sharpen")


def test_filtered_lays_the_kernel_over_each_place_and_does_not_flip_it(sharpen):
    picture = numpy.random.default_rng(0).normal(size=(6, 8)).astype(numpy.float32)
    made = sharpen.filtered(tn.Tensor(picture[None]), tn.Tensor(SLANTED)).numpy()[0]
    for i in range(4):
        for j in range(6):
            terms = picture[i : i + 3, j : j + 3] * SLANTED
            assert made[i, j] == pytest.approx(terms.sum(), abs=1e-5)


def test_grey_is_the_luma_that_pillow_computes(sharpen):
    from PIL import Image

    color = numpy.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(numpy.uint8)
    pillow = numpy.asarray(Image.fromarray(color).convert("L"))
    # Pillow rounds to whole numbers
    assert abs(sharpen.grey_of(color.astype(numpy.float32)) - pillow).max() <= 1


def test_the_first_two_steps_are_gradient_descent_with_momentum(sharpen):
    x = 0.25 * numpy.random.default_rng(0).normal(size=(1, 10, 10))
    pictures = tn.Tensor(x.astype(numpy.float32))
    y = sharpen.filtered(pictures, tn.Tensor(SLANTED))
    kernels, losses = sharpen.learn(pictures, y, 0.5)
    patches = tn.im2col(pictures[..., None], 3).numpy().reshape(-1, 9)
    target = patches @ SLANTED.ravel()
    w, velocity = kernels[0].ravel(), numpy.zeros(9)
    for step in range(2):
        wrong = patches @ w - target
        assert losses[step] == pytest.approx((wrong**2).mean(), rel=1e-4)
        velocity = 0.5 * velocity + 2 * patches.T @ wrong / len(patches)
        w = w - sharpen.LR * velocity
        numpy.testing.assert_allclose(kernels[step + 1].ravel(), w, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_any_kernel_is_learnt_from_any_start(sharpen, seed, monkeypatch):
    monkeypatch.setitem(sharpen.learn.__globals__, "SEED", seed)
    x = tn.Tensor(0.25 * numpy.random.default_rng(9).normal(size=(1, 30, 30)).astype("float32"))
    kernels, _ = sharpen.learn(x, sharpen.filtered(x, tn.Tensor(SLANTED)), sharpen.MOMENTUM)
    assert abs(kernels[-1] - SLANTED).max() < 0.01
