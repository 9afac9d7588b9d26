"""What a VAE's loss is made of agrees with itself: what is sampled is what the KL and the densities
speak of, and each formula is held to a simulation or an integral that does not know it."""

from __future__ import annotations

import math

import numpy
import pytest

import tinynet as tn
from tinynet.devices import plain

from . import oracles

CODES = [(0.0, 1.0), (1.0, 1.0), (-2.0, 0.5), (0.5, 3.0), (0.0, 0.01)]  # mean, sigma


def gaussian(x, mean, sigma):
    return numpy.exp(-(((x - mean) / sigma) ** 2) / 2) / (sigma * math.sqrt(2 * math.pi))


def codes(mean, sigma, count):
    """count codes, all alike: (count, 1) each."""
    return numpy.full((count, 1), mean), numpy.full((count, 1), 2 * math.log(sigma))


@pytest.mark.parametrize(("mean", "sigma"), CODES)
def test_what_is_sampled_has_the_mean_and_the_variance_that_the_kl_speaks_of(mean, sigma, rng):
    z = tn.sample_gaussian(*codes(mean, sigma, 200_000), rng).numpy()
    assert abs(z.mean() - mean) < 5 * sigma / math.sqrt(200_000)
    assert abs(z.var() / sigma**2 - 1) < 5 * math.sqrt(2 / 200_000)


@pytest.mark.parametrize(("mean", "sigma"), CODES)
def test_the_kl_is_what_monte_carlo_gives(mean, sigma, rng):
    z = mean + sigma * rng.standard_normal(200_000)
    log_q = -0.5 * ((z - mean) / sigma) ** 2 - math.log(sigma)
    ratios = log_q + 0.5 * z**2  # log q(z) / p(z)
    kl = tn.kl_standard_normal(*codes(mean, sigma, 1)).item()
    assert abs(ratios.mean() - kl) <= 5 * ratios.std() / math.sqrt(200_000) + 1e-12


def test_the_kl_of_the_slide_is_one_half():
    assert tn.kl_standard_normal([[1.0]], [[0.0]]).item() == 0.5


def test_the_kl_is_never_negative_and_exact_near_the_prior():
    log_var = numpy.linspace(-1e-4, 1e-4, 201, dtype=numpy.float32)[:, None]
    kl = tn.kl_standard_normal(0 * log_var, log_var, reduction="none").numpy()
    assert (kl >= 0).all()
    exact = log_var.astype(float)[:, 0] ** 2 / 4  # its Taylor series; the next term is 1e-13
    numpy.testing.assert_allclose(kl, exact, rtol=0.01, atol=1e-11)


def test_a_sum_over_dimensions_is_the_kl_of_the_whole_code(rng):
    mean, log_var = rng.normal(size=(2, 4, 3))
    whole = tn.kl_standard_normal(mean, log_var, reduction="none").numpy()
    parts = [
        tn.kl_standard_normal(mean[:, [i]], log_var[:, [i]], reduction="none").numpy()
        for i in range(3)
    ]
    numpy.testing.assert_allclose(whole, sum(parts), rtol=1e-12)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_reduction_is_over_examples_only(reduction, rng):
    x, mean = rng.random((2, 5, 2, 3))
    for f in (tn.bernoulli_log_likelihood, tn.gaussian_log_likelihood, tn.kl_standard_normal):
        each = f(mean, x, reduction="none")
        assert each.shape == (5,)
        reduced = f(mean, x, reduction=reduction).item()
        assert math.isclose(reduced, getattr(each, reduction)().item(), rel_tol=1e-12)


@pytest.mark.parametrize("log_var", [-2.0, 0.0, 1.5])
def test_the_gaussian_is_a_density(log_var):
    x = numpy.linspace(-30, 30, 60_001)[:, None]
    density = tn.exp(
        tn.gaussian_log_likelihood(numpy.full_like(x, 0.7), x, log_var, reduction="none")
    ).numpy()
    expected = gaussian(x[:, 0], 0.7, math.exp(log_var / 2))
    numpy.testing.assert_allclose(density, expected, rtol=1e-9, atol=1e-300)
    assert math.isclose(density.sum() * 0.001, 1, rel_tol=1e-9)


def test_the_bernoulli_likelihoods_of_all_pictures_sum_to_one(rng):
    z = numpy.tile(rng.normal(size=(1, 4)), (16, 1))
    every = (numpy.arange(16)[:, None] >> numpy.arange(4) & 1).astype(float)  # (16, 4), 0 and 1
    p = tn.exp(tn.bernoulli_log_likelihood(z, every, reduction="none")).numpy()
    assert math.isclose(p.sum(), 1, rel_tol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("logit", [-100.0, 100.0, -1e4, 1e4])
def test_sure_logits_have_finite_likelihoods_and_gradients(dtype, logit):
    z = tn.Tensor(numpy.full((1, 3), logit, dtype), requires_grad=True)
    x = numpy.array([[0.0, 0.5, 1.0]], dtype)
    value = tn.bernoulli_log_likelihood(z, x)
    value.backward()
    assert value.item() == -1.5 * abs(logit)  # half of the pixels are wrong by |logit|
    assert numpy.isfinite(z.grad).all()


@pytest.mark.parametrize("log_var", [-177.0, -100.0, 0.0, 100.0, 300.0])
@pytest.mark.parametrize("each", [False, True])
def test_the_gaussian_of_no_error_is_finite_in_float32_with_gradients(log_var, each):
    x = numpy.zeros((1, 1), numpy.float32)
    mean = tn.Tensor(x, requires_grad=True)
    variances = tn.Tensor(x + numpy.float32(log_var), requires_grad=True)
    value = tn.gaussian_log_likelihood(mean, x, variances if each else log_var)
    value.backward()
    assert value.dtype == mean.grad.dtype == numpy.float32
    assert value.item() == pytest.approx(-(log_var + math.log(2 * math.pi)) / 2)
    assert mean.grad == 0
    assert not each or variances.grad == -0.5


def test_the_gaussian_of_a_narrow_density_has_the_right_gradients():
    sigma = 1e-20
    off = numpy.float32([[2 * sigma]])  # two sigma off; 1 / sigma^2 is no float32
    mean = tn.Tensor(0 * off, requires_grad=True)
    log_var = tn.Tensor(0 * off + numpy.float32(2 * math.log(sigma)), requires_grad=True)
    tn.gaussian_log_likelihood(mean, off, log_var).backward()
    numpy.testing.assert_allclose(mean.grad, 2 / sigma, rtol=1e-4)
    numpy.testing.assert_allclose(log_var.grad, 0.5 * (4 - 1), rtol=1e-4)


def test_likelihoods_are_the_losses_summed(rng):
    z, x = rng.normal(size=(3, 4)), rng.random((3, 4))
    bce = tn.bce_with_logits(z, x, reduction="sum").item()
    assert math.isclose(tn.bernoulli_log_likelihood(z, x, reduction="sum").item(), -bce)
    half = 0.5 * tn.mse(z, x, reduction="sum").item() + 6 * math.log(2 * math.pi)
    assert math.isclose(tn.gaussian_log_likelihood(z, x, reduction="sum").item(), -half)


def test_a_sample_is_drawn_alike_for_every_dtype_and_the_generator_moves_on():
    mean, log_var = numpy.zeros((2, 100)), numpy.zeros((2, 100))
    drawn = plain.standard_normal(oracles.drawn_key(3), 200).reshape(2, 100)
    rng = numpy.random.default_rng(3)
    first = tn.sample_gaussian(mean, log_var, rng)
    numpy.testing.assert_array_equal(first.data, drawn)
    assert (tn.sample_gaussian(mean, log_var, rng).data != first.data).any()
    half = tn.sample_gaussian(
        mean.astype("float16"), log_var.astype("float16"), numpy.random.default_rng(3)
    )
    assert half.dtype == numpy.float16
    numpy.testing.assert_array_equal(half.data, drawn.astype("float16"))


def test_drawn_bits_are_as_often_1_as_they_should(device, rng):
    p = tn.Tensor(numpy.tile(numpy.float32([0, 0.2, 0.9, 1]), (10_000, 1))).to(device)
    b = tn.sample_bernoulli(p, rng)
    assert b.device == device and b.dtype == numpy.float32 and not b.requires_grad
    b = b.numpy()
    assert set(numpy.unique(b)) == {0, 1}
    assert (b[:, 0] == 0).all() and (b[:, 3] == 1).all()
    assert abs(b.mean(axis=0) - [0, 0.2, 0.9, 1]).max() < 0.02
