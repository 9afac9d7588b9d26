"""The VAE of the lessons, held to what can be computed without it: with a code of one number, log
p(x) and the true posterior are integrals over a line."""

from __future__ import annotations

import math

import numpy
import pytest

import tinynet as tn
from lessons.generate import latent_map
from lessons.generate import vae as lesson
from tinynet.layers import Dense

CODES = numpy.linspace(-12, 12, 4801)  # of one number each, a step of 0.005
STEP = CODES[1] - CODES[0]


@pytest.fixture
def model():
    """Five pixels and a code of one number, with weights large enough to matter."""
    rng = numpy.random.default_rng(0)
    x = tn.Input((5,))
    encoder = tn.Model(x, [Dense(1, name="mean")(x), Dense(1, name="log_var")(x)], rng=rng)
    decoder = tn.Sequential([Dense(8, activation="tanh"), Dense(5)], input_shape=(1,), rng=rng)
    for p in encoder.parameters() + decoder.parameters():
        p.data[...] = 0.8 * rng.standard_normal(p.shape)
    return lesson.VAE(encoder, decoder, rng)


@pytest.fixture
def x():
    return (numpy.random.default_rng(1).random((6, 5)) < 0.5).astype(numpy.float32)


def integrals(model, x):
    """For each picture, as sums over a line: E_q[log p(x|z)], KL(q || p) and KL(q || p(z|x)); and
    log p(x), by Gauss' points for the prior, which know of no posterior."""

    def likelihood(z, picture):
        logits = tn.predict(model.decoder, z[:, None].astype(numpy.float32)).astype(float)
        return -numpy.logaddexp(0, -logits) @ picture - numpy.logaddexp(0, logits) @ (1 - picture)

    mean, log_var = (a[:, 0].astype(float) for a in tn.predict(model.encoder, x))
    points, weights = numpy.polynomial.hermite_e.hermegauss(60)
    found = []
    for picture, m, v in zip(x.astype(float), mean, log_var, strict=True):
        p = float(weights @ numpy.exp(likelihood(points, picture))) / math.sqrt(2 * math.pi)
        log_px_z = likelihood(CODES, picture)
        log_p = -(CODES**2) / 2 - math.log(2 * math.pi) / 2
        log_q = -((CODES - m) ** 2) / (2 * math.exp(v)) - v / 2 - math.log(2 * math.pi) / 2
        q, posterior = numpy.exp(log_q), log_px_z + log_p
        posterior -= math.log(float(numpy.exp(posterior).sum() * STEP))  # it sums to 1
        parts = (log_px_z, log_q - log_p, log_q - posterior)
        found.append((math.log(p), *(float((q * part).sum() * STEP) for part in parts)))
    return numpy.array(found).T


def test_the_elbo_is_log_p_minus_the_kl_to_the_true_posterior(model, x):
    log_px, expected, kl, gap = integrals(model, x)
    numpy.testing.assert_allclose(expected - kl, log_px - gap, atol=5e-4)  # the slide's five lines
    assert (gap > 0.001).all()
    mean, log_var = tn.predict(model.encoder, x)
    closed = tn.kl_standard_normal(mean, log_var, reduction="none").numpy()
    numpy.testing.assert_allclose(closed, kl, atol=1e-5)


def test_the_lessons_loss_is_the_negative_elbo_in_the_mean_over_codes(model, x):
    _, expected, kl, _ = integrals(model, x)
    with tn.no_grad():
        losses = [lesson.negative_elbo(model(x), x).item() for _ in range(4000)]
    error = numpy.std(losses) / math.sqrt(len(losses))
    assert abs(numpy.mean(losses) - (kl - expected).mean()) < 5 * error


def test_the_importance_weighted_estimate_lies_between_the_elbo_and_log_p(model, x):
    log_px, expected, kl, _ = integrals(model, x)

    def estimate(samples):
        many = numpy.repeat(x, 400, axis=0)
        found = lesson.log_likelihood(model, many, samples, numpy.random.default_rng(2))
        return found.reshape(len(x), 400).mean(axis=1)

    one, few, many = (estimate(K).mean() for K in (1, 5, 100))
    assert abs(one - (expected - kl).mean()) < 0.05  # with one code it is the ELBO
    assert one < few < many < log_px.mean() + 0.01
    assert abs(many - log_px.mean()) < 0.01


def test_reconstruction_and_divergence_add_up_with_beta(model, x):
    outputs = model(x)
    r, d = (f(outputs, x).item() for f in (lesson.reconstruction, lesson.divergence))
    for beta in (0, 1, 4.0):
        loss = lesson.negative_elbo(outputs, x, beta).item()
        assert math.isclose(loss, r + beta * d, rel_tol=1e-6)


def test_the_codes_are_drawn_anew_in_inference_too(model, x):
    """Otherwise the validation loss would not be the ELBO."""
    model.eval()
    first, second = (model(x)[0].numpy() for _ in range(2))
    assert (first != second).any()


def test_gradients_reach_both_networks(model, x):
    lesson.negative_elbo(model(x), x).backward()
    assert all(p.grad is not None and numpy.any(p.grad) for p in model.parameters())


def test_what_is_shown_are_probabilities(model):
    z = 100 * numpy.random.default_rng(0).standard_normal((50, 1))
    shown = latent_map.decode(model.decoder, z)
    logits = tn.predict(model.decoder, z.astype(numpy.float32)).astype(float)
    numpy.testing.assert_allclose(shown, 1 / (1 + numpy.exp(-logits)), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("beta", "shown"), [(-1, "-1"), (float("nan"), "nan")])
def test_a_beta_below_zero_is_an_error(model, x, beta, shown):
    with pytest.raises(ValueError) as caught:
        lesson.negative_elbo(model(x), x, beta)
    assert str(caught.value) == (
        f"negative_elbo: beta must be at least 0, received {shown}. 1 is the ELBO."
    )


def test_pictures_of_bytes_are_an_error(model, x):
    with pytest.raises(ValueError, match="x must be in \\[0, 1\\], and holds 255"):
        lesson.negative_elbo(model(x), 255 * x)


def test_pictures_of_another_size_are_an_error():
    rng = numpy.random.default_rng(0)
    model = lesson.VAE(lesson.encoder(2, rng), lesson.decoder(2, rng), rng)
    with pytest.raises(ValueError) as caught:
        model(numpy.zeros((2, 32, 32, 1), numpy.float32))
    assert str(caught.value) == (
        "Model: input (N, 32, 32, 1) is not what its Input was made for, (N, 28, 28, 1). Reshape, "
        "pad or scale it, or build another model."
    )
