"""JAX, MyGrad and torch.compile: a column each where they are installed and know the model."""

from __future__ import annotations

import importlib
import types

import numpy
import pytest

import tinynet as tn
from benchmarks.cpu import others
from benchmarks.measure import turns
from benchmarks.measure.pytorch import Disagreement
from benchmarks.measure.turns import Effort
from benchmarks.twins.layer_walk import NoTwin
from benchmarks.twins.models import MODELS
from benchmarks.twins.steps import our_step
from tinynet.devices import cpu

from .works import broken, work_of

FEW = {
    *("mnist_low_level", "mnist_low_level_1000", "mnist", "fashion", "cifar"),
    *("autoencoder", "deep_autoencoder", "denoising_autoencoder"),
}
KNOWN = {
    "JAX": FEW | {"vae", "fashion_vae", "faces_vae", "faces_vae_256", "dogs_vae"},
    "MyGrad": FEW,
    "torch.compile": set(MODELS) - {"gan", "mode_collapse", "conditional_gan", "cycle_gan"},
}


def library(change):
    """A library whose training step is ours, but that its losses are changed."""

    def training_step(work, as_ours=False):
        step = our_step(work)
        return lambda: types.SimpleNamespace(item=lambda: change(step().item()))

    return training_step


def work(loss="mse"):
    return broken(lambda loss, twin: loss).make(4)._replace(loss=loss)


# -- any library -----------------------------------------------------------------------------------


def test_losses_that_agree_over_some_steps_pass():
    row = broken(lambda loss, twin: loss)
    assert others.check("m", "L", row, library(lambda loss: loss)) == 0
    assert others.check("m", "L", row, library(lambda loss: loss * 1.0005)) == pytest.approx(
        5e-4, 0.1
    )


@pytest.mark.parametrize("factor", [1.002, float("nan")])
def test_another_loss_stops_the_benchmark(factor):
    with pytest.raises(Disagreement, match="m: the losses of tinynet and L differ by"):
        others.check("m", "L", broken(None), library(lambda loss: loss * factor))


def test_a_loss_that_does_not_fall_as_ours_stops_the_benchmark():
    first = []

    def stays(loss):
        first.append(loss)
        return first[0] * 1.05 if len(first) > 1 else loss

    with pytest.raises(Disagreement, match=r"and 0\.01 is allowed"):
        others.check("m", "L", broken(None), library(stays))


def test_a_library_is_timed_in_turns_and_what_it_does_not_know_is_left_out(monkeypatch):
    def unknown(work, as_ours=False):
        raise NoTwin("no")

    monkeypatch.setattr(turns.time, "sleep", lambda seconds: None)
    made = {
        "benchmarks.twins.in_jax": library(lambda loss: loss),
        "benchmarks.twins.in_mygrad": unknown,
    }
    monkeypatch.setattr(
        others.importlib,
        "import_module",
        lambda name: types.SimpleNamespace(training_step=made[name]),
    )
    monkeypatch.setattr(others, "compiled", lambda: cpu)
    found = others.time_others("m", broken(None), Effort(2, 0.0), ["JAX", "MyGrad"])
    assert list(found) == ["JAX", "MyGrad"] and found["MyGrad"] is None
    times = found["JAX"]["seconds a step, by round"]
    assert {name: len(t) for name, t in times.items()} == {"JAX": 2, "tinynet": 2, "compiled": 2}
    assert (
        found["JAX"]["compiled's part of it"]
        == turns.ratio(times["compiled"], times["JAX"])._asdict()
    )
    assert found["JAX"]["difference of losses"] == 0


def test_what_is_not_installed_is_no_column(monkeypatch):
    monkeypatch.setattr(
        others,
        "LIBRARIES",
        {"no": others.Library("there_is_no_such_package", ""), "ours": others.Library("json", "")},
    )
    assert others.installed(["no", "ours"]) == ["ours"]


# -- each of them, where it is installed -----------------------------------------------------------


@pytest.fixture(params=list(others.LIBRARIES))
def name(request):
    pytest.importorskip(others.LIBRARIES[request.param].package)
    return request.param


def made(name):
    module = f"benchmarks.twins.{others.LIBRARIES[name].twins}"
    return importlib.import_module(module).training_step


@pytest.mark.slow
@pytest.mark.parametrize("model", [m for m in MODELS if not m.endswith(("_1000", "_256"))])
def test_a_model_trains_as_ours_does(name, model):
    row = MODELS[model]._replace(batch=8)
    if model in KNOWN[name]:
        allowed = others.ALLOWED[: others.LIBRARIES[name].steps]
        assert others.check(model, name, row, made(name), allowed) < 1e-2
    else:
        with pytest.raises(NoTwin, match=r"[Tt]win"):
            made(name)(row.make(2))


def test_the_timed_step_draws_its_own_noise_and_learns(name):
    network = tn.Sequential(
        [tn.layers.Dense(8), tn.layers.Dropout(0.5), tn.layers.Dense(5)],
        input_shape=(5,),
        rng=numpy.random.default_rng(0),
    )
    x = numpy.random.default_rng(1).random((64, 5), dtype=numpy.float32)
    step = made(name)(work_of(network, x)._replace(loss="mse"))
    losses = [float(step().item()) for _ in range(200)]
    assert len(set(losses[:5])) == 5
    assert sum(losses[-5:]) < 0.8 * sum(losses[:5])


@pytest.mark.parametrize("name", ["JAX", "MyGrad"], indirect=True)
def test_a_loss_without_a_twin_is_named(name):
    with pytest.raises(NoTwin, match="no twin of the loss"):
        made(name)(work(loss=None))


def test_batch_normalization_of_jax_moves_its_statistics():
    jax = pytest.importorskip("jax")
    from benchmarks.twins.in_jax import JaxTwin

    network = tn.Sequential(
        [tn.layers.BatchNormalization(momentum=0.8)],
        input_shape=(3,),
        rng=numpy.random.default_rng(0),
    )
    x = numpy.random.default_rng(1).random((6, 3), dtype=numpy.float32)
    twin = JaxTwin(jax)
    loss = twin.loss(work_of(network, x)._replace(loss="mse"))
    _, (mean, variance) = loss(twin.starts, jax.random.key(0), x)
    numpy.testing.assert_allclose(mean, x.mean(axis=0), rtol=1e-5)
    numpy.testing.assert_allclose(variance, x.var(axis=0), rtol=1e-4)
    assert twin.momenta == [0.8, 0.8]
