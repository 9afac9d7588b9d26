"""What the lessons noise and diffusion say of the chain and of the way back, as exact algebra."""

from __future__ import annotations

import numpy as np
import pytest

from lessons import parts
from lessons.__main__ import main as command

noise, diffusion = parts("noise"), parts("diffusion")
BETA = noise.schedule()
ABAR = np.cumprod(1 - BETA)
PAIRS = [(50, 49), (20, 19), (2, 1), (1, 0), (50, 45), (30, 3), (5, 0)]  # a time, an earlier one


class Draws:
    """In the place of a generator: the noise of one draw is 1, that of all others is 0."""

    def __init__(self, which):
        self.which, self.count = which, 0

    def standard_normal(self, shape):
        self.count += 1
        return np.full(shape, float(self.count == self.which))


def test_the_chain_has_mean_variance_and_covariance_of_the_closed_form():
    start = np.array([2.0])
    means = noise.chain(start, BETA, Draws(0))[:, 0]  # without any noise
    np.testing.assert_allclose(means, 2 * np.sqrt(ABAR), rtol=1e-12)
    # what each of the 50 noises adds to each x_t; they are independent and of variance 1
    adds = [noise.chain(start, BETA, Draws(t))[:, 0] - means for t in range(1, len(BETA))]
    covariance = np.transpose(adds) @ np.array(adds)
    np.testing.assert_allclose(np.diag(covariance), 1 - ABAR, atol=1e-12)
    for s, t in ((10, 20), (1, 50), (25, 26)):
        formula = np.sqrt(ABAR[t] / ABAR[s]) * (1 - ABAR[s])
        assert covariance[s, t] == pytest.approx(formula, rel=1e-12)


@pytest.mark.parametrize("t", [1, 10, 50])
def test_a_jump_has_mean_and_variance_of_the_closed_form(t):
    mean, one = (noise.jump(np.array([2.0]), ABAR[t], Draws(which))[0] for which in (0, 1))
    assert mean == pytest.approx(2 * np.sqrt(ABAR[t]), rel=1e-12)
    assert (one - mean) ** 2 == pytest.approx(1 - ABAR[t], rel=1e-12)


@pytest.mark.parametrize("t", [6, 20, 50])
def test_score_best_guess_and_noise_tell_the_same(t, rng):
    x = rng.uniform(-2, 2, (50, 2))
    guess = noise.weights(x, ABAR[t]) @ np.array(noise.POINTS)
    score = noise.score(x, ABAR[t])
    np.testing.assert_allclose(score, (np.sqrt(ABAR[t]) * guess - x) / (1 - ABAR[t]), rtol=1e-8)
    e = (x - np.sqrt(ABAR[t]) * guess) / np.sqrt(1 - ABAR[t])
    np.testing.assert_allclose(e, -np.sqrt(1 - ABAR[t]) * score, rtol=1e-8)
    # the lesson diffusion has the same for the points of an arm
    again = diffusion.best_guess(x, ABAR[t], np.array(noise.POINTS), width=0.0)
    np.testing.assert_allclose(again, e, rtol=1e-8)


def test_both_lessons_have_the_same_schedule():
    np.testing.assert_allclose(diffusion.schedule(), ABAR, rtol=1e-12)


@pytest.mark.parametrize(("t", "u"), PAIRS)
def test_a_step_of_ddpm_is_the_posterior_with_the_guess_in_the_place_of_the_data(t, u, rng):
    x, e = rng.standard_normal((2, 30, 2))
    guess = (x - np.sqrt(1 - ABAR[t]) * e) / np.sqrt(ABAR[t])
    a = ABAR[t] / ABAR[u]
    of_data = np.sqrt(ABAR[u]) * (1 - a) / (1 - ABAR[t])  # Ho and others, equation 7
    of_now = np.sqrt(a) * (1 - ABAR[u]) / (1 - ABAR[t])
    mean, deviation = diffusion.ddpm_step(x, e, ABAR[t], ABAR[u])
    np.testing.assert_allclose(mean, of_data * guess + of_now * x, atol=1e-12)
    assert deviation**2 == pytest.approx((1 - ABAR[u]) / (1 - ABAR[t]) * (1 - a), abs=1e-15)


@pytest.mark.parametrize(("t", "u"), PAIRS)
def test_ddim_with_eta_1_is_ddpm(t, u, rng):
    x, e = rng.standard_normal((2, 30, 2))
    mean, deviation = diffusion.ddim_step(x, e, ABAR[t], ABAR[u], eta=1.0)
    same, as_wide = diffusion.ddpm_step(x, e, ABAR[t], ABAR[u])
    np.testing.assert_allclose(mean, same, atol=1e-12)
    assert deviation == pytest.approx(as_wide, abs=1e-12)
    assert (deviation == 0) == (u == 0)  # the last step adds nothing


@pytest.mark.parametrize(("t", "u"), PAIRS)
def test_ddim_that_knows_the_noise_goes_back_the_way_that_led_there(t, u, rng):
    x_0, e = rng.standard_normal((2, 30, 2))
    x = diffusion.add_noise(x_0, ABAR[t], e)
    mean, deviation = diffusion.ddim_step(x, e, ABAR[t], ABAR[u])
    np.testing.assert_allclose(mean, diffusion.add_noise(x_0, ABAR[u], e), atol=1e-12)
    assert deviation == 0


def test_the_network_sees_the_point_and_a_time_that_it_can_tell_from_all_others():
    x = np.zeros((51, 2))
    seen = diffusion.inputs(x, np.arange(51))
    assert seen.shape == (51, 12) and seen.dtype == np.float32
    apart = abs(seen[:, None] - seen).max(axis=2) + np.eye(51)
    assert apart.min() > 0.1
    np.testing.assert_array_equal(diffusion.inputs(x[:1], 7), seen[7:8])


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("noise", "STEPS=0", "STEPS is 0. Give at least 2."),
        ("noise", "STEPS=1", "STEPS is 1. Give at least 2."),
        ("noise", "LAST_BETA=1", "Give 0 < FIRST_BETA <= LAST_BETA < 1."),
        ("noise", "FIRST_BETA=0", "Give 0 < FIRST_BETA <= LAST_BETA < 1."),
        ("diffusion", "STEPS=1", "STEPS is 1. Give at least 2."),
        ("diffusion", "LAST_BETA=2", "LAST_BETA is 2.0. Give at least 0.0001, and less than 1."),
    ],
)
def test_a_schedule_that_cannot_be_is_one_line(name, given, told, tmp_path, capsys):
    assert command([name, "--set", given, "--out", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1


def test_guidance_0_ignores_the_label_and_1_obeys_it(monkeypatch, rng):
    digits = parts("diffusion_digits")
    without, difference = rng.uniform(-0.3, 0.3, (2, 4, 784))

    def guess(x, t, told):  # of a network to which a label is the number 2
        return without + told[:, :1] / 2 * difference

    monkeypatch.setitem(digits.guided.__globals__, "guess", guess)
    told = np.full((4, 10), 2.0)
    for scale in (0, 1, 3):
        expected = (without + scale * difference).clip(-1, 1)
        np.testing.assert_allclose(digits.guided(None, 5, told, scale), expected, atol=1e-12)
    assert abs(without + 3 * difference).max() > 1  # so that something is put back
