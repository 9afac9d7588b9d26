"""Smaller sizes for the lessons of the older form that train: seconds instead of half a minute.

So little training does not reach every claim: those are named here, and hold at the lesson's own
size.  (All of seeds 0 to 2 were tried, with the real pictures and with drawn ones.)
"""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import tinynet as tn


class Begun:
    """The first eight batches of each epoch."""

    def __init__(self, data):
        self.data = data

    def __len__(self):  # a schedule of the learning rate is as long as the whole
        return len(self.data)

    def __iter__(self):
        return itertools.islice(self.data, 8)


def begin_only(monkeypatch):
    """Each epoch of tn.fit ends after its eighth batch."""
    fit = tn.fit
    monkeypatch.setattr(tn, "fit", lambda model, data, *a, **k: fit(model, Begun(data), *a, **k))


class Small(NamedTuple):
    """How a lesson runs in seconds."""

    settings: dict[str, Any]  # of its main()
    beyond: tuple[str, ...] = ()  # how the claims begin that need the lesson's own size


SMALL = {
    "autoencoder": Small(
        {"count": 3000, "test": 500, "epochs": (8, 50)},
        ("code of 64: test error, over that of PCA", "code of 32: test error, over that of PCA"),
    ),
    "deep_autoencoder": Small(
        {"count": 1000, "test": 300, "epochs": 10, "short_epochs": 5},
        ("code of 64: deep over shallow, at the end", "code of 8: deep over PCA, at the end"),
    ),
    "sparse_autoencoder": Small(
        {"count": 600, "test": 300, "epochs": 3},
        ("units on, with the penalty over without", "test error, over that of the mean picture"),
    ),
    "denoising_autoencoder": Small(
        {"count": 800, "test": 200, "epochs": 4},
        (
            "Gaussian noise: dB ahead of the median",
            "Gaussian noise: dB ahead of the linear map",
            "salt and pepper: dB ahead of the median",
            "salt and pepper: dB ahead of the linear map",
            "trained on no noise, Gaussian noise: dB behind",
        ),
    ),
    "contractive_autoencoder": Small(
        {"count": 1000, "test": 200, "epochs": 4},
        (
            "||J||^2 with the penalty, over without",
            "large singular values, with over without",
            "noise moves the code less for its size, by",
            "denoising: the whole resists more than the code, by",
            "the price: error on digits, with over without",
            "... which is of the former the share",
            "plain: error on clothes, over digits",
            "the code's own size, with over without",
        ),
    ),
    "pca_against_autoencoder": Small(
        {"count": 1500, "test": 500, "epochs": (60, 9)},
        (
            "linear: largest angle to PCA's subspace, degrees",
            "linear: test error above PCA's, %",
            "with ReLUs, 2 numbers: test error over PCA's",
            "with ReLUs, 8 numbers: test error over PCA's",
            "with ReLUs, 16 numbers: test error over PCA's",
            "with ReLUs, 16: over that of PCA clipped to [0, 1]",
            "numbers that PCA needs for this error",
            "linear: the same at the end",
        ),
    ),
    "latent_size": Small(
        {"count": 2000, "test": 400, "epochs": 8},
        ("first 100: misread originals", "300 more: share misread from 2 over from 5"),
    ),
    "uses": Small(
        {"count": 2500, "test": 500, "epochs": 5},
        (
            "dB above the better of PCA and fewer pixels",
            "same label, of the 5 nearest by code",
            "the same by pixels, which are 784",
            "code against PCA's code, either way",
            "more by code than by pixels",
            "AUC, only 0 is normal",
            "8 normal: the digit that is noticed least",
        ),
    ),
    "rbm": Small(
        {"count": 1200, "test": 300, "epochs": 8},
        (
            "CD: pseudo-likelihood gained, nats",
            "CD: F(noise) - F(held-out), nats",
            "CD: F(noise) - F(dreams)",
            "the same: persistent / CD",
            "the same: persistent",
            "strangeness: autoencoder / CD",
            "autoencoder / persistent",
            "share of CD's dreams nearest to one digit",
        ),
    ),
    "dbn": Small(
        {"count": 1500, "test": 400, "epochs": 4, "steps": 150, "seeds": 1},
        (
            "random: least training accuracy",
            "one hidden layer: least training accuracy",
            "no hidden layer: least training accuracy",
            "DBN gains on one hidden layer, least of three",
            "DBN gains on no hidden layer, least of three",
            "100 labels: the same",
            "DBN: least training accuracy",
            "DBN gains on random, least of three",
        ),
    ),
    "vae": Small(
        {"count": 1200, "test": 300, "epochs": 5},
        ("continuity: the VAE's change, over the plain one's",),
    ),
    "fashion_vae": Small(
        {"count": 500, "test": 100, "epochs": 4},
        (
            "-ELBO, nats a picture",
            "what noise and KL cost in reconstruction, nats",
            "kinds of clothes from N(0, I): VAE",
            "VAE: grey in pictures from N(0, I), over real ones",
            "plain: the same, from codes like its own",
            "judge: share of test pictures that it is sure of",
            "plain: deviation of its codes",
        ),
    ),
    "faces_vae": Small(
        {"steps": 15, "epochs": 4, "test": 200},
        (
            "the same, from their reconstructions' codes",
            "PSNR of reconstructions, dB",
            "smile walk: change of a pixel of the mouth, over others",
        ),
    ),
    "speed": Small({"shape": (16, 26, 26, 32), "side": 1024}),
    "dogs_vae": Small({"count": 48, "test": 24, "epochs": 3}, ("sum, 3 epochs: ",)),
}


def smallest(settings):
    """For the pretended GPU, whose kernels are slow: one epoch, and few pictures."""
    if "epochs" not in settings:
        return settings
    most = {"count": 120, "test": 120, "steps": 4}
    fewer = {name: min(n, most[name]) for name, n in settings.items() if name in most}
    epochs = settings["epochs"]
    return settings | fewer | {"epochs": (1,) * len(epochs) if isinstance(epochs, tuple) else 1}


PRETENDED = {name: Small(smallest(small.settings)) for name, small in SMALL.items()}
PRETENDED["fashion_vae"] = Small({"count": 250, "test": 100, "epochs": 1})  # its judge must be sure
PRETENDED["latent_attribute"] = Small({"count": 400, "test": 200, "epochs": 2})
