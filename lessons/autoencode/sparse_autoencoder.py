"""Sparse autoencoder: a code that is longer than the picture, and mostly silent.

Slides    003_05cde12013bfe355.txt "Sparse autoencoders" and "### Sparse Deep Net" (its function is
          again called getDeepAE; its regularizers.11 is regularizers.l1, with the letter)
Question  A code of 1,024 numbers could hold all 784 pixels.  What makes it say something instead?
Expect    by default, 1,600 digits, 3 epochs: 616 units are on for a picture without the penalty,
          300 with it, and the error is a tenth larger, 0.033 for 0.030 (MNIST; drawn digits: 600
          and 320, 0.027 for 0.025).  Neither draws well yet: the codes are what to look at
Try       l1=1e-4 in `main`, and 1e-3.  How many units are left, and what do they say?
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn
from tinynet import plot
from tinynet.layers import Dense

from .. import pictures
from ..claim import at_least, at_most, equals
from .autoencoder import train

L1 = 1e-5  # the slide's
WITH, WITHOUT = "with the penalty", "without"


# %% The slide's network: every layer but the last has 1,024 units, and the code is the third.
#    loss = 1/784 sum (x' - x)^2  +  lambda sum_Z |code|        (mean over the batch of both)
# The penalty is a sum over the code's units and the mean over the examples, in Keras and here: it
# does not change with the batch.  But it does with the first term: with the lecture's half of the
# sum, lambda would have to be 392 times as large for the same network.
def model(rng, l1=L1):
    """The autoencoder (N, 784) -> (N, 784), and its encoder (N, 784) -> (N, 1024)."""
    penalty = tn.regularizers.L1(l1)
    input_layer = tn.Input((784,))
    encode_layer1 = Dense(1024, activation="relu")(input_layer)
    encode_layer2 = Dense(1024, activation="relu")(encode_layer1)
    latent_view = Dense(1024, activation="relu", activity_regularizer=penalty)(encode_layer2)
    decode_layer1 = Dense(1024, activation="relu")(latent_view)
    decode_layer2 = Dense(1024, activation="relu")(decode_layer1)
    output_layer = Dense(784, activation="sigmoid")(decode_layer2)
    autoencoder = tn.Model(input_layer, output_layer, rng=rng)
    return autoencoder, tn.Model(input_layer, latent_view)


# %% How many units are on for a picture.  The sum of a code says less: a network may make all codes
# ten times as small and the weights after them ten times as large, and pay a tenth of the penalty
# for the same pictures.  Only the 0 of a ReLU is silence, whatever comes after it.
def units_on(codes):
    """(N, Z) -> (N,)"""
    return (codes > 0).sum(axis=1)


# %% What a unit responds to: the mean picture, weighted by how strongly the unit is on for each,
#    m_k = sum_n code_nk x_n / sum_n code_nk,    less the mean of all pictures.
# Bright where a picture that turns it on has more ink than most, dark where it has less.
def responds_to(codes, x):
    """(N, Z), (N, 784) -> (Z, 784); 0 for a unit that is never on"""
    strength = codes.sum(axis=0)  # (Z,)
    weighted = codes.T @ x / np.where(strength > 0, strength, 1)[:, None]
    return np.where(strength[:, None] > 0, weighted - x.mean(axis=0), 0)


def main(
    count=1600, test=1000, epochs=3, size=32, lr=0.0005, l1=L1, seed=0, device="cpu", full=False
):
    """l1: the factor of the penalty.  full: all 60,000 pictures, 10 epochs and batches of 256 (the
    slide says nothing of training)."""
    if full:
        count, test, epochs, size = None, None, 10, 256
    data = pictures.mnist(count, test, seed)
    x, u = data.train.reshape(-1, 784), data.test.reshape(-1, 784)
    runs = {}
    for name, factor in ((WITHOUT, 0.0), (WITH, l1)):
        autoencoder, encoder = model(np.random.default_rng(seed), factor)
        autoencoder.to(device)
        order = np.random.default_rng((seed, 1))
        history = train(autoencoder, x, u, epochs, size, order, device, lr)
        codes = tn.predict(encoder, u)  # (N, 1024)
        runs[name] = {
            "parameters": sum(p.size for p in autoencoder.parameters()),
            "error": history["validation loss"][-1],
            "penalty": history["penalty"][-1],
            "codes": codes,
            "on": units_on(codes),
            "responds": responds_to(codes, u),
            "decoded": tn.predict(autoencoder, u[:10]).reshape(-1, 28, 28),
        }
    return {"full": full, "data": data, "l1": l1, "runs": runs}


def claims(results):
    free, sparse = results["runs"][WITHOUT], results["runs"][WITH]
    on = {name: run["on"].mean() for name, run in results["runs"].items()}
    blank = float(results["data"].test.var(axis=0).mean())  # of always saying the mean picture
    return [
        equals("parameters", "5,805,840", f"{sparse['parameters']:,}"),
        at_least("without: units of 1,024 on for a picture", 250, on[WITHOUT]),
        at_most("units on, with the penalty over without", 0.65, on[WITH] / on[WITHOUT]),
        at_least("with the penalty: units on, still", 10, on[WITH]),
        at_most("test error, with the penalty over without", 1.3, sparse["error"] / free["error"]),
        at_most("test error, over that of the mean picture", 0.75, sparse["error"] / blank),
    ]


# %% The figures.
def show(results):
    return {
        "units": draw_units(results),
        "codes": draw_codes(results),
        "responses": draw_responses(results),
    }


def draw_units(results):
    figure, axes = plt.subplots(figsize=(8, 4), layout="constrained")
    most = max(run["on"].max() for run in results["runs"].values())
    for name, run in results["runs"].items():
        label = f"{name}: {run['on'].mean():.0f} on, test error {run['error']:.4f}"
        axes.hist(run["on"], np.linspace(0, most, 61), alpha=0.7, label=label)
    axes.set(xlabel="units of the code that are on, of 1,024", ylabel="test pictures")
    axes.margins(y=0.3)  # room for the legend
    axes.legend(loc="upper center")
    figure.suptitle(f"Sparse code, L1 of {results['l1']:g} ({results['data'].source})")
    return figure


def draw_codes(results, count=10):
    rows, limits = {"original": results["data"].test[:count]}, {"original": (0, 1)}
    for name, run in results["runs"].items():
        codes = run["codes"][:count].reshape(-1, 32, 32)
        rows |= {f"code,\n{name}": codes, f"decoded,\n{name}": run["decoded"]}
        limits |= {f"code,\n{name}": (0, codes.max()), f"decoded,\n{name}": (0, 1)}
    source = results["data"].source
    title = f"Test pictures ({source}), their codes as 32 x 32, and what is made of them"
    return plot.rows(rows, title, width=1.1, limits=limits)


def draw_responses(results, count=12):
    """For the units that say most, of either network: what turns them on."""
    rows, largest = {}, 0
    for name, run in results["runs"].items():
        most = np.argsort(-run["codes"].var(axis=0))[:count]
        rows[name] = run["responds"][most].reshape(-1, 28, 28)
        largest = max(largest, abs(rows[name]).max())
    title = f"What the {count} liveliest units respond to, less the mean picture"
    return plot.rows(rows, f"{title} ({results['data'].source})", limits=(-largest, largest))
