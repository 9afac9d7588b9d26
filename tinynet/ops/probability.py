"""Parts of a variational autoencoder: likelihoods, a differentiable sample, and the KL divergence.

Everything is in nats.  Each example's value is a sum over all axes but the first, since the
probabilities of independent numbers multiply.  The result is the mean over the examples, unless
reduction="sum" or "none" is given.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy

from ..devices import Array, device_of, kernels, move, xp
from ..engine.tensor import differentiable
from .loss import bce_of, bce_slope, equal_shapes, in_unit_interval, reduce, scaled
from .noise import draw_key, normal_like

LOG_2_PI = math.log(2 * math.pi)


@differentiable
def sample_gaussian(mean, log_var, rng: numpy.random.Generator):
    """z = mean + exp(log_var / 2) * e with e ~ N(0, 1): a sample of N(mean, exp(log_var)).

    (...), (...) -> (...)

    All chance is in e, which depends on nothing, so gradients reach mean and log_var.  This is the
    reparameterization trick.  Source: Kingma and Welling, "Auto-Encoding Variational Bayes", 2014;
    lecture 000, "Reparameterized Formulation".

    log_var: the logarithm of the variance.  It may be any number; a variance must be positive.
    rng: numpy.random.default_rng(seed); each call advances it.
    ValueError for different shapes, TypeError for an rng that is no generator.
    """
    equal_shapes(mean=mean, log_var=log_var)
    deviation = xp(mean).exp(0.5 * log_var) * normal_like(mean, rng)  # sigma e
    return mean + deviation, (lambda dy: dy, lambda dy: dy * 0.5 * deviation)


@differentiable
def sample_bernoulli(p, rng: numpy.random.Generator):
    """1 with probability p, otherwise 0, for each element, in the dtype of p.  (...) -> (...)

    No gradient flows through: pass p.detach(), or draw under tn.no_grad().

    p: in [0, 1].  rng: numpy.random.default_rng(seed); each call advances it.
    ValueError for p out of range, TypeError for an rng that is no generator.
    """
    in_unit_interval("sample_bernoulli", p=p, hint=" Of logits give tn.sigmoid(logits).")
    u = kernels(p).uniform(draw_key(rng), p.size).reshape(p.shape)
    return (move(u, device_of(p)) < p).astype(p.dtype), None


@differentiable
def kl_standard_normal(mean, log_var, reduction: str = "mean"):
    """KL(N(mean, exp(log_var)) || N(0, 1)) = 1/2 sum (mean^2 + exp(log_var) - log_var - 1).

    (N, Z), (N, Z) -> ()

    At least 0, and 0 where mean and log_var are 0: an upper bound of the information that a code
    holds about its picture.  The sum is over all axes but the first, the mean over the N examples.
    reduction="sum" or "none": the sum over the examples, or each of them, (N,).

    ValueError for different shapes, an empty batch, or one number without a batch.

    Source: Kingma and Welling, "Auto-Encoding Variational Bayes", 2014, appendix B.
    """
    equal_shapes(mean=mean, log_var=log_var)
    excess = xp(log_var).expm1(log_var)  # exp(log_var) - 1, exact near 0 too
    kl, share = _of_examples(0.5 * (mean * mean + (excess - log_var)), reduction)
    return kl, (lambda dy: share(dy) * mean, lambda dy: share(dy) * 0.5 * excess)


@differentiable
def bernoulli_log_likelihood(logits, x, reduction: str = "mean"):
    """log p(x) where each number of x is 1 with probability sigmoid(logits): minus the BCE, summed.

    (N, ...), (N, ...) -> ()

    logits: the output of the last layer, without a sigmoid.
    x: in [0, 1].  A gray pixel counts as that share of a white one.  Then this is not the logarithm
        of a probability, but lectures call it the likelihood too.
    The sum is over all axes but the first, the mean over the N examples.  reduction="sum" or
    "none": the sum over the examples, or each of them, (N,).  Finite for every logit.

    ValueError for different shapes, x outside [0, 1], an empty batch, or one number without a
    batch.
    """
    z = logits
    equal_shapes(logits=z, x=x)
    in_unit_interval("bernoulli_log_likelihood", x=x, hint=" Pictures of bytes are divided by 255.")
    value, share = _of_examples(kernels(z).elementwise(lambda z, x: -bce_of(z, x), z, x), reduction)
    return value, (
        lambda dy: scaled(share(dy), lambda z, x: -bce_slope(z, x), (z, x)),
        lambda dy: share(dy) * z,
    )


@differentiable
def gaussian_log_likelihood(mean, x, log_var=0.0, reduction: str = "mean"):
    """log p(x) where each number of x is from N(mean, exp(log_var)): a density, so it may exceed 0.

    (N, ...), (N, ...) -> ()

    log_var: one number for all, or an array in the shape of x.  With 0, log p(x) is minus half the
        squared error, summed, minus log(2 pi) / 2 for each number: the largest has the least MSE.
        At least -177 in float32, -1419 in float64: below, 1 / sigma is infinite.
    The sum is over all axes but the first, the mean over the N examples.  reduction="sum" or
    "none": the sum over the examples, or each of them, (N,).

    ValueError for different shapes, an empty batch, or one number without a batch.
    """
    equal_shapes(mean=mean, x=x)
    if getattr(log_var, "shape", ()) not in ((), x.shape):
        raise ValueError(
            f"x {x.shape} and log_var {log_var.shape} do not fit. Give one number, or {x.shape}."
        )
    # 1 / sigma, in the dtype of x; that of a number stays on the host
    steepness = xp(log_var).exp(xp(log_var).asarray(-0.5 * log_var, x.dtype))
    if steepness.ndim == 0:
        return _of_one_variance(mean, x, log_var, steepness, reduction)
    deviation = (x - mean) * steepness  # 1 / sigma^2 may overflow where this is 0
    squares = deviation * deviation
    value, share = _of_examples(-0.5 * (squares + log_var + LOG_2_PI), reduction)
    return value, (
        lambda dy: share(dy) * deviation * steepness,
        lambda dy: share(dy) * -deviation * steepness,
        lambda dy: share(dy) * 0.5 * (squares - 1),
    )


def _of_one_variance(
    mean: Array, x: Array, log_var: Any, steepness: Array, reduction: str
) -> tuple[Array, tuple[Callable[[Array], Array], ...]]:
    """The same with one variance for all numbers: in one pass, and no new array is kept."""
    both = (mean, x)
    constant = log_var + LOG_2_PI

    def squares(mean, x):
        return xp(x).square((x - mean) * steepness)

    def terms(mean, x):
        return -0.5 * (squares(mean, x) + constant)

    value, share = _of_examples(kernels(x).elementwise(terms, *both), reduction)
    return value, (
        lambda dy: scaled(share(dy), lambda mean, x: (x - mean) * steepness * steepness, both),
        lambda dy: scaled(share(dy), lambda mean, x: (mean - x) * steepness * steepness, both),
        lambda dy: scaled(share(dy) * 0.5, lambda mean, x: squares(mean, x) - 1, both),
    )


def _of_examples(terms: Array, reduction: str) -> tuple[Array, Callable[[Array], Array]]:
    """The terms summed for each example and reduced, and a function from dy to each term's."""
    if terms.ndim == 0:
        raise ValueError("there is one number. Give examples (N, ...): reshape(1, -1) for one.")
    sums = terms.sum(axis=tuple(range(1, terms.ndim)))
    value, share = reduce(lambda sums: sums, (sums,), reduction)
    each = (-1,) + (1,) * (terms.ndim - 1)

    def shared(dy: Array) -> Array:
        part = dy * share
        return part.reshape(each) if reduction == "none" else part

    return value, shared
