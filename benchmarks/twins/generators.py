"""The timed generators: the lessons' GANs, whose networks learn in turns, and diffusion models.

A GAN's step is one of its discriminator and then one of its generator, each with its own Adam.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy

import tinynet as tn
from lessons import parts
from tinynet.layers import Dense

from .in_torch import Twin
from .work import Loss, Work, rows, start

# -- adversaries ----------------------------------------------------------------------------------


class Networks(tn.Module):
    """Several networks; train() and parameters() are of them all."""

    def __init__(self, *networks: tn.Module) -> None:
        super().__init__()
        self.networks = list(networks)


def gan(batch: int) -> Work:
    """From one number to one."""
    lesson, rng = parts("gan"), start()
    G, D = lesson.network(rng), lesson.network(rng)
    z = rng.standard_normal((batch, 1), numpy.float32)
    return _contest(G, D, (tn.data.two_humps(batch, rng), z))


def mode_collapse(batch: int) -> Work:
    """In the plane, onto a ring."""
    lesson, rng = parts("mode_collapse"), start()
    G, D = lesson.network(2, 2, rng), lesson.network(2, 1, rng)
    z = rng.standard_normal((batch, 2), numpy.float32)
    return _contest(G, D, (tn.data.rings(batch, rng)[0], z))


def conditional_gan(batch: int) -> Work:
    """Digits by label; the labels come one-hot, times 4, as in the lesson."""
    lesson, rng = parts("conditional_gan"), start()
    z = rng.standard_normal((batch, lesson.NOISE), numpy.float32)
    real, asked = (
        lesson.LABEL * tn.one_hot(rng.integers(10, size=batch), 10).numpy() for _ in range(2)
    )
    networks = lesson.generator(rng), lesson.discriminator(rng)
    return _contest(*networks, (rows(batch), z, real, asked))


def _contest(G: tn.Module, D: tn.Module, batch: tuple[numpy.ndarray, ...]) -> Work:
    """batch: real samples, noise, and perhaps the label of each as ten numbers."""

    def contest(networks: Any, softplus: Any, joined: Any) -> Loss:
        def beside(h: Any, label: Any = None) -> Any:
            return h if label is None else joined([h, label], 1)

        def losses(x: Any, z: Any, *labels: Any) -> Iterator[Any]:
            g, d = networks
            real, asked = labels or (None, None)
            fake = g(beside(z, asked))
            of_fake, of_real = d(beside(fake.detach(), asked)), d(beside(x, real))
            yield softplus(-of_fake).mean() + softplus(of_real).mean()
            yield softplus(d(beside(fake, asked))).mean()

        return losses

    def theirs(twin: Twin) -> Loss:
        twins = twin.module(G), twin.module(D)
        return contest(twins, twin.torch.nn.functional.softplus, twin.torch.cat)

    ours = contest((G, D), tn.softplus, tn.concatenate)
    return Work(Networks(G, D), batch, ours, theirs, turns=(D, G))


def cycle_gan(batch: int) -> Work:
    """Points of the plane, with the cycle: two discriminators, then two generators."""
    lesson, rng = parts("cycle_gan"), start()
    G, F, D_X, D_Y = (lesson.network((2,), (48, 48, outputs), rng) for outputs in (2, 2, 1, 1))
    x, y = (lesson.ring_points(batch, rng)[0] for _ in range(2))

    def contest(networks: Any, softplus: Any, mae: Any) -> Loss:
        def losses(x: Any, y: Any) -> Iterator[Any]:
            g, f, d_x, d_y = networks
            fake_y, fake_x = g(x), f(y)
            of_x = softplus(-d_x(fake_x.detach())).mean() + softplus(d_x(x)).mean()
            of_y = softplus(-d_y(fake_y.detach())).mean() + softplus(d_y(y)).mean()
            yield of_x + of_y
            hit = softplus(d_y(fake_y)).mean() + softplus(d_x(fake_x)).mean()
            yield hit + lesson.CYCLE * (mae(f(fake_y), x) + mae(g(fake_x), y))

        return losses

    def theirs(twin: Twin) -> Loss:
        functional = twin.torch.nn.functional
        twins = [twin.module(network) for network in (G, F, D_X, D_Y)]
        return contest(twins, functional.softplus, functional.l1_loss)

    ours = contest((G, F, D_X, D_Y), tn.softplus, tn.mae)
    turns = Networks(D_X, D_Y), Networks(G, F)
    return Work(Networks(G, F, D_X, D_Y), (x, y), ours, theirs, turns=turns)


# -- diffusion ------------------------------------------------------------------------------------


def diffusion(batch: int) -> Work:
    """Guesses the noise on points of a spiral."""
    lesson, rng = parts("diffusion"), start()
    t, abar = rng.integers(1, lesson.STEPS + 1, size=batch), lesson.schedule()
    e = rng.standard_normal((batch, 2)).astype(numpy.float32)
    x = lesson.inputs(lesson.add_noise(tn.data.spiral(batch, rng), abar[t, None], e), t)
    return _guess(_dense(12, [128] * 3, 2, None, rng), x, e)


def diffusion_digits(batch: int) -> Work:
    """Guesses the digit under the noise, by its label."""
    lesson, rng = parts("diffusion_digits"), start()
    t, abar, x = rng.integers(1, lesson.STEPS + 1, size=batch), lesson.schedule(), rows(batch)
    e = rng.standard_normal(x.shape, numpy.float32)
    told = tn.one_hot(rng.integers(10, size=batch), 10).numpy()
    noisy = lesson.inputs(lesson.add_noise(2 * x - 1, abar[t, None], e), t, told)
    return _guess(_dense(804, [512] * 2, 784, "tanh", rng), noisy, 2 * x - 1)


def _dense(
    inputs: int, hidden: list[int], outputs: int, last: str | None, rng: numpy.random.Generator
) -> tn.Module:
    layers = [*(Dense(n, activation="relu") for n in hidden), Dense(outputs, activation=last)]
    return tn.Sequential(layers, input_shape=(inputs,), rng=rng)


def _guess(network: tn.Module, x: numpy.ndarray, y: numpy.ndarray) -> Work:
    def theirs(twin: Twin) -> Loss:
        module, mse = twin.module(network), twin.torch.nn.functional.mse_loss
        return lambda x, y: mse(module(x), y)

    return Work(network, (x, y), lambda x, y: tn.mse(network(x), y), theirs)
