"""Deep autoencoder: four layers in and four out, against one in and one out.

Slides    003_05cde12013bfe355.txt "TensorFlow 2.0: Different architectures of the models", its
          getVanilaAE and its first getDeepAE
Question  Are eight layers better than two, if the code is as long?
Expect    with the slide's code of 64, not for long: after 15 epochs of 4,000 digits the shallow
          network leaves 0.0163 (MNIST) and the deep one, of eleven times as many weights, 0.0184.
          It was ahead in epochs 2 to 10 only (with drawn digits to the end, 0.0112 to 0.0118).
          PCA, with 0.0083 (drawn 0.0043), is ahead of both: 15 epochs of 4,000 digits are too few.
          With a code of 8 the deep one wins: 0.029 against 0.054 after 8 epochs, below PCA's 0.037.
          All 60,000, --full, 20 epochs: with 64 the deep one leaves 1.47 times the error of the
          shallow one, with 8 less than half of PCA's
Try       SHORT = 16 and short_epochs=30.  Who wins, and from when on?
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn
from tinynet import plot
from tinynet.layers import Dense

from .. import pictures
from ..claim import at_least, at_most, equals
from .autoencoder import by_pca, train

SLIDE, SHORT = 64, 8  # numbers in a code: the slide's, and one that is hard to be brief in


# %% The slide's getVanilaAE, with a code of any length.
def shallow(rng, latent=SLIDE):
    """(N, 784) -> (N, 784)"""
    input_layer = tn.Input((784,))
    latent_view = Dense(latent, activation="relu")(input_layer)
    output_layer = Dense(784, activation="sigmoid")(latent_view)
    return tn.Model(input_layer, output_layer, rng=rng)


# %% The slide's getDeepAE.  The first layer of the shallow one says how bright weighted sums of
# pixels are, and a picture is again a weighted sum, under a sigmoid.  Here the code may say
# anything that four layers can compute, and four more can draw: "a 4, leaning right, thin".
def deep(rng, latent=SLIDE):
    """(N, 784) -> (N, 784)"""
    input_layer = tn.Input((784,))
    encode_layer1 = Dense(512, activation="relu")(input_layer)
    encode_layer2 = Dense(256, activation="relu")(encode_layer1)
    encode_layer3 = Dense(128, activation="relu")(encode_layer2)
    latent_view = Dense(latent, activation="relu")(encode_layer3)
    decode_layer1 = Dense(128, activation="relu")(latent_view)
    decode_layer2 = Dense(256, activation="relu")(decode_layer1)
    decode_layer3 = Dense(512, activation="relu")(decode_layer2)
    output_layer = Dense(784, activation="sigmoid")(decode_layer3)
    return tn.Model(input_layer, output_layer, rng=rng)


NETWORKS = {"shallow": shallow, "deep": deep}


# %% Who is ahead, and since when.
def ahead_since(curve, other):
    """The first epoch, counted from 1, from which on a curve stays below the other; None if never.

    curve, other: test errors after each epoch, of equally many epochs.
    """
    if len(curve) != len(other):
        raise ValueError(
            f"ahead_since: curve has {len(curve)} epochs and other has {len(other)}. Train both "
            "for as many."
        )
    behind = [epoch for epoch, (a, b) in enumerate(zip(curve, other, strict=True), 1) if a >= b]
    since = max(behind, default=0) + 1
    return since if since <= len(curve) else None


# %% A fair race: the same pictures in the same order, the same batches, optimizer, rate and epochs.
# (Not the same work: the deep one has eleven times as many weights.)
def main(count=4000, test=1000, epochs=15, short_epochs=8, seed=0, device="cpu", full=False):
    """epochs: with the slide's code; short_epochs: with the short one.  full: all 60,000 pictures,
    20 epochs and batches of 256 (the slide says nothing of training)."""
    size = 256 if full else 64
    if full:
        count, test, epochs, short_epochs = None, None, 20, 20
    data = pictures.mnist(count, test, seed)
    x, u = data.train.reshape(-1, 784), data.test.reshape(-1, 784)
    runs = {}
    for latent, passes in ((SLIDE, epochs), (SHORT, short_epochs)):
        for name, model in NETWORKS.items():
            network = model(np.random.default_rng(seed), latent).to(device)
            order = np.random.default_rng((seed, 1))
            history = train(network, x, u, passes, size, order, device)
            runs[latent, name] = {
                "parameters": sum(p.size for p in network.parameters()),
                "training": history["loss"],
                "test": history["validation loss"],
                "decoded": tn.predict(network, u[:10]).reshape(-1, 28, 28),
            }
    linear = {
        latent: {"test": float(((y - u) ** 2).mean()), "decoded": y[:10].reshape(-1, 28, 28)}
        for latent, y in by_pca(x, u, (SLIDE, SHORT)).items()
    }
    return {"full": full, "data": data, "runs": runs, "linear": linear}


def claims(results):
    real, runs = results["data"].real, results["runs"]
    vanilla, eight = (np.array(runs[SLIDE, name]["test"]) for name in NETWORKS)
    short = {name: runs[SHORT, name]["test"][-1] for name in NETWORKS}
    linear = {latent: line["test"] for latent, line in results["linear"].items()}
    rows = [
        equals("parameters, shallow", "101,200", f"{runs[SLIDE, 'shallow']['parameters']:,}"),
        equals("parameters, deep", "1,149,520", f"{runs[SLIDE, 'deep']['parameters']:,}"),
        at_least("code of 64: shallow over deep, best epoch", 1.05, (vanilla / eight).max()),
        at_least("code of 8: shallow over deep, at the end", 1.1, short["shallow"] / short["deep"]),
    ]
    if real:  # drawn digits differ in fewer ways: PCA is better at them, and the deep one longer
        rows += [
            at_least("code of 64: deep over shallow, at the end", 1.05, eight[-1] / vanilla[-1]),
            at_most("code of 8: deep over PCA, at the end", 1, short["deep"] / linear[SHORT]),
        ]
    if not results["full"]:  # with fifteen times as many pictures, the networks overtake PCA
        ratio = min(vanilla[-1], eight[-1]) / linear[SLIDE]
        rows.append(at_least("code of 64: the better of both over PCA", 1.5, ratio))
    return rows


# %% The figures.
def show(results):
    return {"reconstructions": draw_pictures(results), "training": draw_training(results)}


def draw_pictures(results):
    rows = {"original": results["data"].test[:10]}
    for latent, linear in results["linear"].items():
        for name in NETWORKS:
            run = results["runs"][latent, name]
            rows[f"{name}, {latent}\n{run['test'][-1]:.4f}"] = run["decoded"]
        rows[f"PCA, {latent}\n{linear['test']:.4f}"] = linear["decoded"]
    title = f"Test pictures ({results['data'].source}): who drew them, length of code, test error"
    return plot.rows(rows, title, limits=(0, 1))


def draw_training(results):
    data, runs = results["data"], results["runs"]
    figure, places = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    for axes, latent in zip(places, (SLIDE, SHORT), strict=True):
        for color, name in enumerate(NETWORKS):
            run = runs[latent, name]
            epochs = range(1, len(run["test"]) + 1)
            label = f"{name}, {run['parameters']:,} parameters"
            axes.semilogy(epochs, run["test"], f"C{color}o-", markersize=3, label=label)
            axes.semilogy(epochs, run["training"], f"C{color}:")
        line = {"color": "black", "linestyle": "--", "linewidth": 1}
        linear = results["linear"][latent]["test"]
        axes.axhline(linear, label=f"PCA: {linear:.4f}", **line)
        since = ahead_since(*(runs[latent, name]["test"] for name in ("shallow", "deep")))
        first = (
            f"the shallow one is ahead from epoch {since} on"
            if since
            else "the deep one stays ahead"
        )
        axes.set(title=f"a code of {latent}: {first}", xlabel="epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.legend(title="test (training: dotted)")
    places[0].set_ylabel("mean squared error")
    figure.suptitle(f"Learning from {len(data.train):,} pictures ({data.source})")
    return figure
