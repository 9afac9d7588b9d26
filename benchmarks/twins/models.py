"""The timed models: the lessons' autoencoders, RBM and VAEs, and those of the files beside it.

To add one: a function of the batch's size that returns a Work, and a row in MODELS.  in_torch.py
makes the twins of layers; the loss of the twin is written here, beside ours.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy

import tinynet as tn

from . import classifiers, generators, sequences
from .in_torch import Twin
from .work import Loss, Row, Work, digits, rows, start

# -- autoencoders ---------------------------------------------------------------------------------


def autoencoder(batch: int) -> Work:
    from lessons.autoencode.autoencoder import functional

    return _squared_error(functional(start())[0], rows(batch))


def deep_autoencoder(batch: int) -> Work:
    from lessons.autoencode.deep_autoencoder import deep

    return _squared_error(deep(start()), rows(batch))


def _squared_error(network: tn.Module, x: numpy.ndarray) -> Work:
    def theirs(twin: Twin) -> Loss:
        module, mse = twin.module(network), twin.torch.nn.functional.mse_loss
        return lambda x: mse(module(x), x)

    return Work(network, (x,), lambda x: tn.mse(network(x), x), theirs, loss="mse")


def sparse_autoencoder(batch: int) -> Work:
    """With its activity penalty: L1 times the sum of the code, mean over the batch."""
    from lessons.autoencode.sparse_autoencoder import L1, model

    network, encoder = model(start())

    def ours(x: tn.Tensor) -> tn.Tensor:
        return tn.mse(network(x), x) + network.penalty()

    def theirs(twin: Twin) -> Loss:
        whole = list(network.layers)
        half = len(encoder.layers)
        parts = (tn.Sequential(whole[:half]), tn.Sequential(whole[half:]))
        for part, shape in zip(parts, ((784,), encoder.output_shape((784,))), strict=True):
            part.build(shape)
        encode, decode = map(twin.module, parts)

        def loss(x: Any) -> Any:
            code = encode(x)
            error = twin.torch.nn.functional.mse_loss(decode(code), x)
            return error + L1 * code.abs().sum() / len(x)

        return loss

    return Work(network, (rows(batch),), ours, theirs)


def denoising_autoencoder(batch: int) -> Work:
    """The pictures are spoiled before the step, as in the lesson."""
    from lessons.autoencode.denoising_autoencoder import model, spoiled

    network, x = model(start()), digits(batch)

    def theirs(twin: Twin) -> Loss:
        module = twin.module(network)
        bce = twin.torch.nn.functional.binary_cross_entropy_with_logits
        return lambda noisy, x: bce(module(noisy), x)

    noisy = spoiled(x, "Gaussian noise", start())
    return Work(
        network,
        (noisy, x),
        lambda noisy, x: tn.bce_with_logits(network(noisy), x),
        theirs,
        loss="bce with logits",
    )


def contractive_autoencoder(batch: int) -> Work:
    from lessons.autoencode.contractive_autoencoder import loss, model

    network: Any = model(start())

    def theirs(twin: Twin) -> Loss:
        kernel, bias, output_bias = (
            twin.parameter(getattr(network, name), name)
            for name in ("kernel", "bias", "output_bias")
        )
        bce = twin.torch.nn.functional.binary_cross_entropy_with_logits

        def twin_loss(x: Any) -> Any:
            h = twin.torch.sigmoid(twin.torch.addmm(bias, x, kernel))
            logits = twin.torch.addmm(output_bias, h, kernel.T)
            slope = h * (1 - h)
            contraction = (slope**2 @ (kernel**2).sum(dim=0)).mean()
            return bce(logits, x, reduction="sum") / len(x) + contraction

        return twin_loss

    return Work(network, (rows(batch),), lambda x: loss(network, x, x, 1.0), theirs)


def rbm(batch: int) -> Work:
    """CD-1, 784 to 500: one step of Gibbs sampling from the data, and Adam on the contrast."""
    from lessons.autoencode.boltzmann import RBM
    from lessons.autoencode.rbm import bits, divergence

    network, rng = RBM(784, 500, start()), start()

    def theirs(twin: Twin) -> Loss:
        torch = twin.torch
        kernel, b, c = (
            twin.parameter(getattr(network, name), name)
            for name in ("kernel", "visible_bias", "hidden_bias")
        )

        def free_energy(v: Any) -> Any:
            bend = torch.nn.functional.softplus(torch.addmm(c, v, kernel))
            return -(v @ b) - bend.sum(dim=1)

        def loss(v: Any) -> Any:
            with torch.no_grad():
                p = torch.sigmoid(torch.addmm(c, v, kernel))
                p = torch.sigmoid(torch.addmm(b, twin.bits(p), kernel.T))
                dreamt = twin.bits(p)
            return free_energy(v).mean() - free_energy(dreamt).mean()

        return loss

    return Work(network, (bits(digits(batch)),), lambda v: divergence(network, v, rng), theirs, rng)


# -- variational autoencoders ---------------------------------------------------------------------


def _vae(
    network: Any, x: numpy.ndarray, ours: Loss, squares: tuple[float, float] | None = None
) -> Work:
    """squares: (a, b) where a picture's reconstruction costs a |decoded - x|^2 + b; else bits."""

    def theirs(twin: Twin) -> Loss:
        encode, decode = twin.module(network.encoder), twin.module(network.decoder)
        torch, functional = twin.torch, twin.torch.nn.functional

        def loss(x: Any) -> Any:
            mean, log_var = encode(x)
            z = mean + torch.exp(0.5 * log_var) * twin.normal(mean)
            divergence = 0.5 * (mean**2 + torch.exp(log_var) - log_var - 1).sum() / len(x)
            y = decode(z)
            if squares is None:
                bits = functional.binary_cross_entropy_with_logits(y, x, reduction="sum")
                return bits / len(x) + divergence
            a, b = squares
            return a * functional.mse_loss(y, x, reduction="sum") / len(x) + b + divergence

        return loss

    return Work(network, (x,), lambda x: ours(network(x), x), theirs, network.noise, "vae", squares)


def vae(batch: int) -> Work:
    """Two numbers in a code, dense layers."""
    from lessons.generate.vae import VAE, decoder, encoder, negative_elbo

    rng = start()
    network = VAE(encoder(2, rng), decoder(2, rng), rng)
    return _vae(network, digits(batch), negative_elbo)


def fashion_vae(batch: int) -> Work:
    from lessons.generate.fashion_vae import LATENT, expanded, model
    from lessons.generate.vae import negative_elbo

    clothes = tn.data.clothes(batch, start())[0].astype(numpy.float32) / 255
    return _vae(model(LATENT, start()), expanded(clothes), negative_elbo)


def faces_vae(batch: int, size: int = 64) -> Work:
    from lessons.generate.faces_vae import SIGMA, negative_elbo, network

    x = tn.data.faces(batch, start(), size)[0].astype(numpy.float32) / 255

    constant = x[0].size * math.log(SIGMA * math.sqrt(2 * math.pi))
    return _vae(network(size, 0), x, negative_elbo, (1 / (2 * SIGMA**2), constant))


def faces_vae_256(batch: int) -> Work:
    return faces_vae(batch, 256)


def dogs_vae(batch: int) -> Work:
    """On faces: the lesson's dogs are a data set, and the time of a step is the same."""
    from lessons.generate.dogs_vae import loss, model

    x = tn.data.faces(batch, start(), 64)[0].astype(numpy.float32) / 255

    return _vae(model(start()), x, loss, (1, 0))


MODELS = {
    "mnist_low_level": Row(128, classifiers.mnist_low_level, "TF1's CNN, 5 x 5"),
    "mnist_low_level_1000": Row(1000, classifiers.mnist_low_level, "the same"),
    "mnist": Row(64, classifiers.mnist, "CNN with batch normalization"),
    "fashion": Row(128, classifiers.fashion, "CNN for Fashion-MNIST"),
    "cifar": Row(128, classifiers.cifar, "CNN for CIFAR-10"),
    "autoencoder": Row(256, autoencoder, "784-32-784"),
    "deep_autoencoder": Row(256, deep_autoencoder, "784-512-256-128-64 and back"),
    "sparse_autoencoder": Row(256, sparse_autoencoder, "784-1024 five times-784"),
    "denoising_autoencoder": Row(256, denoising_autoencoder, "784-1024-784"),
    "contractive_autoencoder": Row(256, contractive_autoencoder, "784-1024-784, Jacobian's norm"),
    "rbm": Row(128, rbm, "CD-1"),
    "vae": Row(128, vae, "784-512-256-2 and back"),
    "fashion_vae": Row(128, fashion_vae, "convolutional, 32 x 32"),
    "faces_vae": Row(32, faces_vae, "the slide's layers, 64 x 64"),
    "faces_vae_256": Row(16, faces_vae_256, "the slide's, 256 x 256"),
    "dogs_vae": Row(32, dogs_vae, "convolutional, 64 x 64"),
    "gan": Row(256, generators.gan, "1-32-32-1, two steps"),
    "mode_collapse": Row(128, generators.mode_collapse, "points on a ring, two steps"),
    "conditional_gan": Row(64, generators.conditional_gan, "digits by label, two steps"),
    "cycle_gan": Row(96, generators.cycle_gan, "points, four networks, two steps"),
    "diffusion": Row(256, generators.diffusion, "12-128-128-128-2"),
    "diffusion_digits": Row(64, generators.diffusion_digits, "804-512-512-784"),
    "rnn_64": Row(64, sequences.simple_rnn, "SimpleRNN, 40 steps, 64 units"),
    "rnn_256": Row(64, partial(sequences.simple_rnn, units=256), "256 units"),
    "gru_64": Row(64, sequences.gru, "GRU, 40 steps, 64 units"),
    "gru_256": Row(64, partial(sequences.gru, units=256), "256 units"),
    "lstm_64": Row(64, sequences.lstm, "LSTM, 40 steps, 64 units"),
    "lstm_256": Row(64, partial(sequences.lstm, units=256), "256 units"),
}
