"""Before anything is timed: the lessons' models and their PyTorch twins compute the same."""

from __future__ import annotations

import numpy
import pytest

import tinynet as tn
from benchmarks.measure.pytorch import Disagreement
from benchmarks.twins import agreement
from benchmarks.twins.in_torch import LAYOUTS, Twin
from benchmarks.twins.models import MODELS
from benchmarks.twins.steps import contestants
from tinynet.layers import Conv2D

from .works import broken, work_of

SLOW = {"faces_vae_256", "dogs_vae", "sparse_autoencoder"}
NAMES = [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in MODELS]


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


@pytest.mark.parametrize("name", NAMES)
def test_losses_and_gradients_of_a_model_and_its_twin_agree(name, torch):
    pytest.importorskip("matplotlib")
    found = agreement.check(name, MODELS[name]._replace(batch=2), torch)
    assert set(found) == set(LAYOUTS)


def test_the_noise_of_the_check_is_the_same_and_that_of_training_is_not(torch):
    pytest.importorskip("matplotlib")
    work = MODELS["vae"].make(2)
    twin = Twin(torch)
    like = torch.zeros(2, 3)
    assert not twin.normal(like).equal(twin.normal(like))
    twin.draw_like(work.rng)
    zeros = numpy.zeros((2, 3), numpy.float32)
    numpy.testing.assert_array_equal(
        twin.normal(like), tn.sample_gaussian(zeros, zeros, work.rng).data
    )
    half = numpy.full((2, 3), 0.5, numpy.float32)
    numpy.testing.assert_array_equal(
        twin.bits(like + 0.5), tn.sample_bernoulli(half, work.rng).data
    )


def test_a_twin_with_another_loss_stops_the_benchmark(torch):
    agreement.check("fine", broken(lambda loss, twin: loss), torch)
    with pytest.raises(Disagreement) as error:
        agreement.check("slip", broken(lambda loss, twin: loss * 1.0001), torch)
    assert str(error.value) == (
        "slip: losses in float64 of tinynet and PyTorch (default layout) differ by 1.0e-04, and "
        "1e-06 is allowed. They do not compute the same, so their times are not compared."
    )


def test_a_wrong_gradient_of_one_small_bias_stops_the_benchmark(torch):
    def nudge(loss, twin):  # the value is right, the gradient of the first bias is not
        bias = next(pair.theirs for pair in twin.pairs if pair.name.endswith("bias"))
        return loss + 1e-5 * (bias - bias.detach()).sum()

    with pytest.raises(Disagreement, match="slip: gradients in float64"):
        agreement.check("slip", broken(nudge), torch)
    found = agreement.differences("m", agreement.in_float64(broken(nudge).make(4)), Twin(torch))
    assert found.loss < 1e-12 and found.parameter > 2 * found.gradient


@pytest.mark.parametrize(
    ("exact", "near", "what"),
    [
        ((2e-6, 0, 0), (0, 0, 0), "losses in float64"),
        ((0, 0, 2e-6), (0, 0, 0), "gradients in float64"),
        ((0, 0, 0), (2e-3, 0, 0), "losses in float32"),
        ((0, 0, 0), (0, 2e-2, 0), "gradients in float32"),
        ((0, 1, 0), (0, 0, 1), None),  # what is not asked
    ],
)
def test_every_tolerance_is_held(exact, near, what, torch, monkeypatch):
    found = iter([agreement.Differences(*exact), agreement.Differences(*near)] * 2)
    monkeypatch.setattr(agreement, "differences", lambda *_: next(found))
    if what is None:
        agreement.check("m", broken(None), torch)
        return
    with pytest.raises(Disagreement, match=f"m: {what}"):
        agreement.check("m", broken(None), torch)


def test_a_twin_that_forgets_a_parameter_stops_the_benchmark(torch):
    def forget(loss, twin):
        twin.pairs.pop()
        return loss

    with pytest.raises(Disagreement) as error:
        agreement.check("slip", broken(forget), torch)
    assert str(error.value) == (
        "slip: the twin and the model do not have the same parameters. Make each of the twin's "
        "with twin.module or twin.parameter."
    )


def test_a_loss_of_nan_stops_the_benchmark(torch):
    with pytest.raises(Disagreement, match="differ by nan"):
        agreement.check("slip", broken(lambda loss, twin: loss * float("nan")), torch)


def test_both_learn_by_the_timed_step_and_stay_together(torch):
    """Twenty steps of Adam from the same weights: only epsilon differs, and rounding."""
    row = broken(lambda loss, twin: loss)
    steps = contestants(row.make(4), torch)
    assert list(steps) == ["tinynet", LAYOUTS[0]]  # nothing here to lay out
    losses = {name: [step().item() for _ in range(20)] for name, step in steps.items()}
    ours, theirs = losses.values()
    numpy.testing.assert_allclose(ours, theirs, rtol=1e-4)
    assert ours[-1] < ours[0]


def test_pictures_are_timed_in_both_layouts(torch, rng):
    network = tn.Sequential([Conv2D(2, 3)], input_shape=(6, 6, 1), rng=rng)
    work = work_of(network, rng.random((2, 6, 6, 1), dtype=numpy.float32))
    assert list(contestants(work, torch)) == ["tinynet", *LAYOUTS]


def test_networks_in_turns_each_make_their_own_step_as_written_by_hand(torch):
    """Three steps: D learns first, and G learns from the D that has learned."""
    pytest.importorskip("matplotlib")
    timed = contestants(MODELS["gan"].make(8), torch)
    losses = [[step().item() for _ in range(3)] for step in timed.values()]
    work = MODELS["gan"].make(8)
    G, D = work.network.networks
    optimizers = [tn.optim.Adam(network.parameters(), 0.001) for network in (D, G)]
    real, z = map(tn.Tensor, work.batch)
    expected = []
    for _ in range(3):
        of_fake, of_real = D(G(z).detach()), D(real)
        loss = tn.softplus(-of_fake).mean() + tn.softplus(of_real).mean()
        optimizers[0].zero_grad()
        loss.backward()
        optimizers[0].step()
        loss = tn.softplus(D(G(z))).mean()
        optimizers[1].zero_grad()
        loss.backward()
        optimizers[1].step()
        expected.append(loss.item())
    assert len(losses) == 2
    numpy.testing.assert_allclose(losses, [expected] * 2, rtol=1e-5)
