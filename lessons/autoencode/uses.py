"""Uses: five things that an autoencoder is good for, each against what one does without it.

Slides    003_05cde12013bfe355.txt "Autoencoders Use-cases"
Question  Compression, search, anomalies, colors, resolution: what does the network know that a
          plain method does not?
Expect    32 bytes a digit: 20.0 dB, PCA 18.0, 16 x 16 pixels of one bit 17.6.  Of the 5 nearest by
          code 91% are right, by pixels 89%, by PCA's code 91%: it takes no network.
          AUC 0.99 where 0 is normal, 0.81 where 8 is; PCA 0.96, 0.78; the nearest normal picture is
          as good, 0.99, 0.82, but all of them must be kept.  Colors that follow from the shape: 27%
          of grey's error is left, of others all.  Twice the resolution: 25 dB, bicubic 20.  (Drawn:
          22, 20, 19; 92, 89, 92; 0.97, 0.91, PCA 0.88, 0.82, nearest 0.95, 0.90; 16%, all; 26, 22.)
          About 12 s; --full: minutes
Try       bits=3 in compression.compress, 12 bytes a picture: which rows fail, and who is ahead?
          Then NORMAL = {1: 0.99, 7: 0.9} in anomaly: what is noticed, and what is not?
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn
from tinynet import plot
from tinynet.layers import Dense

from .. import pictures
from ..claim import at_least, at_most
from . import anomaly, compression, restoring
from .anomaly import nearest
from .pca import pca

CODE = 32  # numbers


# %% The autoencoder of the first two uses.  Each half is a model of its own: who compresses needs
# the encoder, who reads the file the decoder.  The code has no activation, so no range either.
def model(rng):
    """The encoder (N, 784) -> (N, 32), and the decoder (N, 32) -> logits (N, 784)."""
    encoder = tn.Sequential([Dense(256, activation="relu"), Dense(CODE)], (784,), rng)
    decoder = tn.Sequential([Dense(256, activation="relu"), Dense(784)], (CODE,), rng)
    return encoder, decoder


def train(data, epochs, seed, device):
    rng = np.random.default_rng(seed)
    encoder, decoder = model(rng)
    both = tn.Sequential([encoder, decoder], name="autoencoder").to(device)
    x = flat(data.train)
    batches = tn.data.batches(x, x, size=64, rng=rng, device=device)
    # mean over batch and pixels of -x log p - (1 - x) log(1 - p),  p = sigmoid(logits)
    tn.fit(both, batches, tn.bce_with_logits, tn.optim.Adam(both.parameters(), 0.002), epochs)
    return encoder, decoder


def flat(x):
    """(N, 28, 28, 1) -> (N, 784)"""
    return x.reshape(len(x), -1)


# %% Search: the pictures that are nearest to a new one.  The labels only judge what was found.
def search(data, codes, k=5):
    found = {by: nearest(*pair, k) for by, pair in codes.items()}
    right = {by: data.train_labels[f] == data.test_labels[:, None] for by, f in found.items()}
    return {"found": found, "share": {by: float(r.mean()) for by, r in right.items()}}


def main(count=8000, test=1000, epochs=8, seed=0, device="cpu", full=False):
    """count, test: how many digits.  full: all there are, and longer."""
    if full:
        count, test, epochs = None, None, 30
    data = pictures.mnist(count, test, seed)
    encoder, decoder = train(data, epochs, seed, device)
    x, unseen = flat(data.train), flat(data.test)
    mean, V, _ = pca(x)
    linear = mean, V[:, :CODE]
    codes = compression.codes(x, unseen, encoder, *linear)
    return {
        "data": data,
        "compression": compression.compress(data, codes, decoder, *linear),
        "search": search(data, codes | {"pixels": (x, unseen)}),
        "anomaly": anomaly.detect(data, 40 if full else 20, seed, device),
        "color": restoring.color(None if full else 3000, 20 if full else 5, seed, device),
        "resolution": restoring.enlarge(data, None if full else 2000, 5, seed, device),
    }


def claims(results):
    share = results["search"]["share"]
    return [
        *compression.claims(results["compression"]),
        at_least("same label, of the 5 nearest by code", 0.87, share["code"]),
        at_least("the same by pixels, which are 784", 0.85, share["pixels"]),
        at_least("more by code than by pixels", 0.01, share["code"] - share["pixels"]),
        at_least("more by PCA's code than by pixels", 0.01, share["PCA"] - share["pixels"]),
        at_most("code against PCA's code, either way", 0.01, abs(share["PCA"] - share["code"])),
        *anomaly.claims(results["anomaly"]),
        *restoring.claims_of_color(results["color"]),
        *restoring.claims_of_resolution(results["resolution"]),
    ]


# %% The figures, one for each use.
def show(results):
    data = results["data"]
    return {
        "compression": compression.draw(results["compression"]),
        "search": draw_search(data, results["search"]),
        "anomaly": anomaly.draw(results["anomaly"]),
        "color": restoring.draw_color(results["color"]),
        "resolution": restoring.draw_resolution(results["resolution"]),
    }


def draw_search(data, searched, count=6):
    """Where code and pixels differ most: half of them in favor of the code, half of the pixels."""
    found, share = searched["found"], searched["share"]
    right = {
        by: (data.train_labels[found[by]] == data.test_labels[:, None]).sum(axis=1) for by in found
    }
    order = np.argsort(right["pixels"] - right["code"], kind="stable")
    asked = np.concatenate([order[: count // 2], order[-(count // 2) :]])
    k = found["code"].shape[1]
    figure, axes = plt.subplots(
        count, 3, figsize=(9, 5.6), layout="constrained", width_ratios=[1, k, k]
    )
    for row, i in enumerate(asked):
        plot.picture(axes[row, 0], data.test[i], limits=(0, 1))
        for place, by in zip(axes[row, 1:], ("code", "pixels"), strict=True):
            plot.picture(place, plot.tiles(data.train[found[by][i]], k), limits=(0, 1))
    axes[0, 0].set_title("asked", fontsize=10)
    for place, by in zip(axes[0, 1:], ("code", "pixels"), strict=True):
        place.set_title(f"nearest by {by} (of all: {share[by]:.1%} right)", fontsize=10)
    figure.suptitle(f"Search: {data.source}, the pictures for which the two differ most")
    return figure
