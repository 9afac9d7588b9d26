"""Autoencoder: a picture of 784 numbers, said again through 64, and through 32.

Slides    003_05cde12013bfe355.txt "Autoencoders in Deep Learning" (its loss), and both examples
          "Autoencoders: Reconstruction on MNIST dataset"
Question  How few numbers can a digit be told in, and what is lost?
Expect    by default, 10,000 digits for as many epochs as on the slides: mean squared errors of
          0.0065 (code of 64) and 0.0134 (32) where straight lines, PCA clipped to [0, 1], leave
          0.0081 and 0.0159 (MNIST; drawn digits 0.0041 and 0.0081 for 0.0042 and 0.0092).  All
          60,000, --full: 0.0039 (64) and 0.0096 (32); PCA 0.0078 and 0.0152
Try       a code without its ReLU, in `functional`.  What is lost, and why: how often is a code 0?
          Where, then, is this network better than PCA?
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn
from tinynet import plot
from tinynet.layers import Dense, Flatten, Reshape

from .. import pictures
from ..claim import Claim, at_least, at_most, equals
from .pca import pca, through

TOTALS = {64: "101,200", 32: "50,992"}  # no slide prints them, Keras' summary() would


# %% The first slide's network, as a class of its own: what it is made of, and what it computes.
#    code = relu(x W + b)    (N, 28, 28) -> (N, 64)
#    x'   = sigmoid(code V + c)    (N, 64) -> (N, 28, 28)
class Autoencoder(tn.Module):
    def __init__(self, latent_dim):
        self.latent_dim = latent_dim
        self.encoder = tn.Sequential([Flatten(), Dense(latent_dim, activation="relu")])
        self.decoder = tn.Sequential([Dense(784, activation="sigmoid"), Reshape((28, 28))])

    def forward(self, x):
        encoded = self.encoder(x)
        decoded = self.decoder(encoded)
        return decoded


def subclassed(rng, latent_dim=64):
    return Autoencoder(latent_dim).build((28, 28), rng=rng)


# %% The second slide's, as a graph.  Three models share two layers: training one trains all.
def functional(rng, encoding_dim=32):
    """The autoencoder, the encoder and the decoder, on pictures that are rows of 784 numbers."""
    input_img = tn.Input((784,))
    encoded = Dense(encoding_dim, activation="relu")(input_img)
    decoded = Dense(784, activation="sigmoid")(encoded)
    autoencoder = tn.Model(input_img, decoded, rng=rng)
    encoder = tn.Model(input_img, encoded)

    encoded_input = tn.Input((encoding_dim,))
    decoder_layer = autoencoder.layers[-1]  # the same layer, after another input
    decoder = tn.Model(encoded_input, decoder_layer(encoded_input))
    return autoencoder, encoder, decoder


# %% What is lost in one picture of D numbers, in the lectures' three measures:
#    half of the sum   1/2 sum (x' - x)^2    (003, "real-valued inputs")
#    the sum           |x' - x|^2            (001)
#    the mean          1/D sum (x' - x)^2    (Keras' "mse", and tn.mse)
# Only the mean can be compared between pictures of different sizes.  Adam divides each gradient by
# its usual size and takes nearly the same steps with all three.  Plain SGD needs another rate for
# each, and a penalty that is added needs another factor for each, whatever the optimizer.
def three_measures(reconstruction, picture):
    """(28, 28), (28, 28) -> the three numbers by name"""
    total = tn.mse(tn.Tensor(reconstruction), tn.Tensor(picture), reduction="sum").item()
    mean = tn.mse(tn.Tensor(reconstruction), tn.Tensor(picture)).item()
    return {"half of the sum": 0.5 * total, "sum": total, "mean": mean}


# %% The best that straight lines can do, to compare with: principal components (PCA).  What they
# say below black or above white is cut off, for no sigmoid says such things either.
#    x' = clip(m + (x - m) V V^T, 0, 1)    V (784, k): the first k principal components
def by_pca(x, unseen, sizes):
    """(N, D), (M, D) -> {k: the unseen pictures, told in k numbers and drawn again, (M, D)}"""
    mean, V, _ = pca(x)
    return {k: np.clip(through(unseen, mean, V[:, :k]), 0, 1) for k in sizes}


def train(network, x, test, epochs, size, rng, device, lr=0.001):
    """Adam (lr: Keras' default) on the mean squared error of x against itself.  -> the history"""
    batches = tn.data.batches(x, x, size=size, rng=rng, device=device)
    optimizer = tn.optim.Adam(network.parameters(), lr)
    return tn.fit(network, batches, tn.mse, optimizer, epochs, validation=(test, test))


# %% The first is trained with Keras' batches of 32, the second with 256, as its slide says.
def main(count=10_000, test=2000, epochs=(10, 50), seed=0, device="cpu", full=False):
    """epochs: of either network.  full: all 60,000 pictures, as on the slides."""
    count, test = (None, None) if full else (count, test)
    data = pictures.mnist(count, test, seed)
    x, u = data.train[..., 0], data.test[..., 0]  # (N, 28, 28)
    rows, unseen = x.reshape(-1, 784), u.reshape(-1, 784)  # (N, 784)

    rng = np.random.default_rng(seed)
    first = subclassed(rng).to(device)
    histories = {64: train(first, x, u, epochs[0], 32, rng, device)}
    codes = {64: tn.predict(first.encoder, u)}
    decoded = {64: tn.predict(first.decoder, codes[64])}

    rng = np.random.default_rng((seed, 1))
    second, encoder, decoder = functional(rng)
    second.to(device)  # and with it the two that share its layers
    histories[32] = train(second, rows, unseen, epochs[1], 256, rng, device)
    codes[32] = tn.predict(encoder, unseen)
    decoded[32] = tn.predict(decoder, codes[32]).reshape(-1, 28, 28)
    whole = tn.predict(second, unseen).reshape(-1, 28, 28)

    linear = by_pca(rows, unseen, codes)
    measures = three_measures(decoded[64][0], u[0])
    print("  one picture: " + ", ".join(f"{name} {e:.5f}" for name, e in measures.items()))
    return {
        "full": full,
        "data": data,
        "parameters": {
            64: [row.parameters for row in first.rows()],
            32: [row.parameters for row in second.rows() if row.parameters],
        },
        "histories": histories,
        "error": {k: history["validation loss"][-1] for k, history in histories.items()},
        "linear": {k: float(((y - unseen) ** 2).mean()) for k, y in linear.items()},
        "codes": codes,
        "decoded": decoded,
        "apart": float(abs(decoded[32] - whole).max()),
    }


def claims(results):
    data, errors = results["data"], results["error"]
    rows = [at_most("decoder(encoder(x)), less autoencoder(x)", 1e-6, results["apart"])]
    for k, parts in ((64, ["50,240", "50,960"]), (32, ["25,120", "25,872"])):
        parameters = results["parameters"][k]
        ratio = errors[k] / results["linear"][k]
        bound = 0.95 if data.real or k == 32 else 1  # 64 numbers of PCA do for drawn digits
        rows += [
            equals(f"code of {k}: encoder, decoder", parts, [f"{n:,}" for n in parameters]),
            equals(f"code of {k}: parameters", TOTALS[k], f"{sum(parameters):,}"),
            at_most(f"code of {k}: test error, over that of PCA", bound, ratio),
            at_least(f"code of {k}: numbers that are not 0", 0.9, (results["codes"][k] > 0).mean()),
        ]
    if results["full"] and data.real:
        what = f"code of 32: test error, {data.source}"
        rows.append(Claim(what, "at most 0.0100", f"{errors[32]:.5f}", errors[32] <= 0.01))
    return rows


# %% The figures.
def show(results):
    return {
        "64": draw_pictures(results, 64, (8, 8), 10),
        "32": draw_pictures(results, 32, (8, 4), 20),
        "training": draw_training(results),
    }


def draw_pictures(results, k, shape, count):
    """As on the slides: the pictures, their codes as small pictures, what is made of the codes."""
    codes = results["codes"][k][:count].reshape(-1, *shape)
    name = f"code\n{shape[0]} x {shape[1]}"
    rows = {"original": results["data"].test[:count], name: codes}
    rows["decoded"] = results["decoded"][k][:count]
    limits = {"original": (0, 1), name: (0, codes.max()), "decoded": (0, 1)}
    title = f"784-{k}-784 on test pictures of {results['data'].source}: mean squared error "
    return plot.rows(rows, title + f"{results['error'][k]:.4f}", limits=limits)


def draw_training(results):
    data = results["data"]
    figure, places = plt.subplots(1, 2, figsize=(10, 3.8), sharey=True, layout="constrained")
    for axes, (k, history) in zip(places, results["histories"].items(), strict=True):
        epochs = range(1, len(history) + 1)
        axes.semilogy(epochs, history["loss"], label="training")
        axes.semilogy(epochs, history["validation loss"], label=f"test: {results['error'][k]:.4f}")
        linear = results["linear"][k]
        axes.axhline(linear, color="black", linestyle=":", label=f"PCA, test: {linear:.4f}")
        axes.set(title=f"784-{k}-784", xlabel="epoch")
        axes.legend()
    places[0].set_ylabel("mean squared error")
    figure.suptitle(f"Learning from {len(data.train):,} pictures ({data.source})")
    return figure
