"""Probability, the smile and the reparameterization trick: their mathematics, beside oracles.

Claims and figures of every lesson are run by test_lessons.py.
"""

from __future__ import annotations

import math

import numpy
import pytest

import tinynet as tn
from lessons.generate import latent_attribute, probability, reparameterization

# -- probability estimation ------------------------------------------------------------------------


def test_the_gaussian_of_descent_is_the_most_likely_of_a_grid(rng, device):
    x = rng.normal(2, 0.7, 50).astype(numpy.float32)
    found = probability.gaussian(x, device)
    numpy.testing.assert_allclose(found["path"][-1], found["closed"], rtol=1e-4)
    mean, variance = found["closed"]

    def log_likelihood(m, v):
        return sum(-((float(a) - m) ** 2) / (2 * v) - math.log(2 * math.pi * v) / 2 for a in x)

    best = log_likelihood(mean, variance)
    for m, v in ((0.01, 0), (-0.01, 0), (0, 0.01), (0, -0.01)):
        assert log_likelihood(mean + m, variance + v) < best


@pytest.mark.parametrize("ones", [1, 5, 9])
def test_the_coin_of_descent_is_the_share_of_ones(ones, device):
    x = numpy.float32([1] * ones + [0] * (10 - ones))
    found = probability.bernoulli(x, device, steps=200)
    assert found["closed"] == pytest.approx(ones / 10)
    assert found["path"][-1] == pytest.approx(ones / 10, abs=1e-4)
    assert found["path"][0] == pytest.approx(1 / (1 + math.exp(2)), abs=1e-6)


def test_the_density_and_its_samples_have_the_same_mean_and_area(rng):
    x = numpy.linspace(-8, 9, 200_001)
    p = probability.density(x) * (x[1] - x[0])
    assert p.sum() == pytest.approx(1, abs=1e-6)
    samples = probability.draw_samples(100_000, rng)
    assert samples.mean() == pytest.approx((p * x).sum(), abs=0.02)
    assert samples.var() == pytest.approx((p * x * x).sum() - (p * x).sum() ** 2, abs=0.05)


def test_a_histograms_areas_are_shares():
    edges, heights = probability.histogram(numpy.array([-3.5, -3.4, 0.1, 7]), bins=9)
    assert edges.tolist() == list(range(-4, 6))
    assert heights.tolist() == [0.5, 0, 0, 0, 0.25, 0, 0, 0, 0]  # 7 lies outside


def test_total_variation_is_0_for_the_density_and_1_for_what_never_happens():
    edges = numpy.linspace(-4, 5, 20_001)
    middle = (edges[1:] + edges[:-1]) / 2
    assert probability.total_variation(edges, probability.density(middle)) < 1e-3
    far = numpy.array([20.0, 21.0])
    assert probability.total_variation(far, numpy.array([1.0])) == pytest.approx(1)


def test_total_variation_of_one_bin_is_the_share_that_it_leaves_out(rng):
    # A flat bin over [-4, 5] of height 1/9: wrong by the integral of what the density has above it.
    x = numpy.linspace(-4, 5, 100_001)
    above = numpy.maximum(probability.density(x) - 1 / 9, 0).sum() * (x[1] - x[0])
    got = probability.total_variation(numpy.array([-4.0, 5.0]), numpy.array([1 / 9]))
    assert got == pytest.approx(above, abs=1e-3)


def test_losses_are_likelihoods_and_their_gradients_agree(rng, device):
    pictures = rng.random((3, 4, 5, 1), dtype=numpy.float32)
    found = probability.losses_and_likelihoods(pictures, rng, device)
    assert set(found) == {"MSE", "BCE"}
    assert all(0 <= d < 1e-5 for losses in found.values() for d in losses.values())


def test_the_curves_are_lowest_where_f_is_x_and_differ_by_a_constant(device):
    r = probability.curves(device, x=0.8)
    for name in ("Gaussian", "MSE", "Bernoulli", "BCE"):
        assert r["f"][r[name].argmin()] == pytest.approx(0.8, abs=1e-6)
    apart = r["Gaussian"] - r["MSE"] / 2
    numpy.testing.assert_allclose(apart, math.log(2 * math.pi) / 2, atol=1e-6)
    numpy.testing.assert_allclose(r["Bernoulli"], r["BCE"], atol=1e-5)
    entropy = -0.8 * math.log(0.8) - 0.2 * math.log(0.2)
    assert r["BCE"].min() == pytest.approx(entropy, abs=1e-6)


# -- the smile as a latent attribute ---------------------------------------------------------------


def test_only_the_chosen_rows_of_the_chosen_faces_are_covered(rng):
    faces = rng.integers(0, 256, (3, 20, 20, 3), dtype=numpy.uint8)
    x = latent_attribute.cover(faces, numpy.array([False, True, False]), rows=(0.25, 0.5))
    plain = faces.astype(numpy.float32) / 255 - 0.5
    assert x.dtype == numpy.float32
    numpy.testing.assert_array_equal(x[[0, 2]], plain[[0, 2]])
    assert not x[1, 5:10].any()
    numpy.testing.assert_array_equal(x[1, :5], plain[1, :5])
    numpy.testing.assert_array_equal(x[1, 10:], plain[1, 10:])


def test_a_covered_mouth_says_nothing_of_the_smile_and_a_free_one_does():
    faces = tn.data.draw_faces({"smile": [-1, 1]}, 24)
    hidden = latent_attribute.cover(faces, numpy.array([True, True]))
    seen = latent_attribute.cover(faces, numpy.array([False, False]))
    eyes = latent_attribute.cover(faces, numpy.array([True, True]), latent_attribute.EYES)
    numpy.testing.assert_array_equal(hidden[0], hidden[1])
    assert abs(seen[0] - seen[1]).max() > 0.1
    assert abs(eyes[0] - eyes[1]).max() > 0.1


def test_half_of_the_examples_are_covered_and_smiles_reach_from_minus_1_to_1(rng):
    faces, smile, covered = latent_attribute.examples(400, rng, size=16)
    assert faces.shape == (400, 16, 16, 3) and smile.shape == (400, 1)
    assert 150 < covered.sum() < 250
    assert -1 <= smile.min() < -0.9 and 0.9 < smile.max() <= 1
    assert abs(smile[covered].mean()) < 0.15


def test_the_best_constant_gaussian_has_the_mean_and_the_variance_of_the_smiles(rng, device):
    """Who sees nothing does best with 0 +- 1 / sqrt(3): the loss's own slopes are 0 there."""
    smile = numpy.linspace(-1, 1, 2001, dtype=numpy.float32)[:, None]
    weights = probability.weight([[0.0, math.log(1 / 3)]], device)
    outputs = weights + tn.Tensor(numpy.zeros((2001, 2), numpy.float32)).to(device)
    latent_attribute.gaussian_loss(outputs, tn.Tensor(smile).to(device)).backward()
    assert abs(tn.Tensor(weights.grad).numpy()).max() < 1e-3
    assert abs(latent_attribute.UNIFORM**2 - 1 / 3) < 1e-12


@pytest.mark.parametrize("outputs", [1, 2])
def test_both_networks_differ_in_their_last_layer_only(outputs, rng):
    network = latent_attribute.model(outputs, 24, rng)
    assert tn.predict(network, numpy.zeros((5, 24, 24, 3), numpy.float32)).shape == (5, outputs)
    assert [row.parameters for row in network.rows() if row.parameters] == [
        224,
        1168,
        18464,
        33 * outputs,
    ]


# -- the reparameterization trick ------------------------------------------------------------------


def test_a_drawn_number_ends_the_gradients_way(device, rng):
    assert reparameterization.original(device, rng) is False


@pytest.mark.parametrize(("mu", "sigma"), [(0.0, 1.0), (1.5, 0.5), (-2.0, 0.8)])
def test_means_and_variances_of_all_ways_are_those_of_an_integral(mu, sigma, device, rng):
    """The oracle integrates over e by Gauss and Hermite, which is exact for polynomials."""
    e, w = numpy.polynomial.hermite_e.hermegauss(20)
    w /= w.sum()
    z = mu + sigma * e
    baseline = mu**2 + sigma**2
    score = numpy.stack([e / sigma, (e**2 - 1) / sigma])
    of_one = {
        "the trick": numpy.stack([2 * z, 2 * z * e]),
        "the score": z**2 * score,
        "the score, baseline": (z**2 - baseline) * score,
    }
    exact = reparameterization.exact_variances(mu, sigma)
    drawn = reparameterization.gradients(mu, sigma, 50_000, rng, device)
    assert exact.keys() == drawn.keys() == of_one.keys()
    for way, g in of_one.items():
        mean = g @ w
        numpy.testing.assert_allclose(mean, (2 * mu, 2 * sigma), atol=1e-9)
        variance = g**2 @ w - mean**2
        numpy.testing.assert_allclose(exact[way], variance)
        error = numpy.sqrt(variance / 50_000)
        assert (abs(drawn[way].mean(axis=1, dtype=float) - mean) < 5 * error).all()
        numpy.testing.assert_allclose(drawn[way].var(axis=1, dtype=float), variance, rtol=0.2)


def test_the_gradient_of_each_sample_is_its_own(device):
    mu, sigma = 0.5, 2.0
    nothing = numpy.zeros(6, numpy.float32)
    e = tn.sample_gaussian(nothing, nothing, numpy.random.default_rng(3)).numpy()  # of N(0, 1)
    z = mu + sigma * e
    trick = reparameterization.of_the_trick(mu, sigma, 6, numpy.random.default_rng(3), device)
    numpy.testing.assert_allclose(trick, [2 * z, 2 * z * e], rtol=1e-4, atol=1e-5)
    score = reparameterization.of_the_score(mu, sigma, 6, numpy.random.default_rng(3), device, 1.0)
    expected = (z * z - 1) * numpy.stack([e / sigma, (e * e - 1) / sigma])
    numpy.testing.assert_allclose(score, expected, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("mean", "log_var", "nats"),
    [
        (0, 0, 0),
        (1, 0, 0.5),
        (0, math.log(4), (3 - math.log(4)) / 2),
        (-2, 1, (3 + math.e - 1) / 2),
    ],
)
def test_the_closed_form_is_right_and_monte_carlo_agrees(mean, log_var, nats, device, rng):
    closed, drawn, error = reparameterization.divergences(mean, log_var, 20_000, rng, device)
    assert closed == pytest.approx(nats, abs=1e-6)
    assert abs(drawn - nats) <= 5 * error + 1e-6
    torch = pytest.importorskip("torch")
    q = torch.distributions.Normal(float(mean), math.exp(log_var / 2))
    p = torch.distributions.Normal(0.0, 1.0)
    assert closed == pytest.approx(torch.distributions.kl_divergence(q, p).item(), abs=1e-5)


def test_only_the_slip_lifts_the_bound_above_log_p(device, rng):
    for x, s in ((1.0, 0.1), (0.3, 0.2), (-2.0, 0.05)):
        r = reparameterization.slip(50, rng, device, x, s)
        log_p = -(x**2) / (2 * (1 + s * s)) - math.log(2 * math.pi * (1 + s * s)) / 2
        assert r["log p(x)"] == pytest.approx(log_p, abs=1e-5)
        assert r["elbo"]["exp(log_var / 2)"].max() <= log_p + 1e-4
        assert r["elbo"]["exp(log_var)"].max() > log_p + 0.3


def test_the_elbo_of_the_best_q_is_log_p(device, rng):
    s = math.sqrt(
        math.exp(-3) / (1 - math.exp(-3))
    )  # then the posterior's log_var is -3, on the grid
    r = reparameterization.slip(2, rng, device, 0.7, s)
    at = int(abs(r["log_var"] + 3).argmin())
    assert r["log_var"][at] == -3
    elbo = r["elbo"]["exp(log_var / 2)"]
    assert elbo[at] == pytest.approx(r["log p(x)"], abs=1e-4)
    assert elbo.argmax() == at


def test_the_slip_is_unseen_at_log_var_0_and_its_samples_have_the_squared_variance(device, rng):
    r = reparameterization.slip(20_000, rng, device)
    right, wrong = r["variance"].values()
    numpy.testing.assert_allclose(right, numpy.exp(r["log_var"]), rtol=0.06)
    numpy.testing.assert_allclose(wrong, numpy.exp(2 * r["log_var"]), rtol=0.06)
    at_zero = int(abs(r["log_var"]).argmin())
    assert r["charged"][at_zero] == r["owed"][at_zero] == 0
    assert (numpy.delete(r["owed"] - r["charged"], at_zero) > 0).all()


# -- errors ----------------------------------------------------------------------------------------

ERRORS = [
    (
        lambda: probability.histogram(numpy.zeros(3), 0),
        "histogram: bins must be at least 1, received 0. Give more.",
    ),
    (
        lambda: reparameterization.gradients(1.0, 0.0, 3, numpy.random.default_rng(0), "cpu"),
        "gradients: sigma must be above 0, received 0.0. Try 1.",
    ),
    (
        lambda: latent_attribute.cover(numpy.zeros((1, 8, 8, 3), numpy.uint8), [True], (0.5, 0.5)),
        "cover: rows must be two shares of the height, the smaller first, received (0.5, 0.5). "
        "MOUTH is (0.56, 0.84).",
    ),
]


@pytest.mark.parametrize(("call", "message"), ERRORS)
def test_errors_say_what_was_received_and_what_to_do(call, message):
    with pytest.raises(ValueError) as error:
        call()
    assert str(error.value) == message
