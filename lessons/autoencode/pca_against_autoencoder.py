"""PCA against autoencoder: what a nonlinear network is worth.

Slides    003_05cde12013bfe355.txt "Autoencoders in Deep Learning": "Autoencoders outperform linear
          dimensionality reduction approaches (e.g. PCA)"
Question  Is an autoencoder without activation functions anything else than PCA?
Expect    no: with 16 numbers its error is PCA's (21.6 on MNIST, 13.3 on drawn digits) and its
          decoder's columns lie in PCA's subspace, to 0.15 degrees.  The error comes within 1% long
          before: then it is still 4.5 degrees off.  With ReLUs, and 17 times the weights: 17.1
          (drawn 10.9), for which PCA needs 24 numbers (drawn 22)
Try       SIZE = 8, where the 8th and the 9th singular value are nearly equal: what does the angle
          do, and does the error care?
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn
from tinynet import plot
from tinynet.layers import Dense

from .. import pictures
from ..claim import at_least, at_most
from .latent_size import Autoencoder, train
from .pca import error, pca, through

SIZE = 16  # of the code: the 16th component holds 10 to 20% more of the variance than the 17th
SIZES = (2, 8, SIZE)  # of the codes of the nonlinear autoencoders
SHOWN = (1, 2, 4, 8, 16, 32, 64)  # code sizes of PCA in the figure


# %% PCA itself, and `through` and `error`, are in pca.py.  Its principal components, the columns of
# V, are orthonormal, so each takes the square of its own code off the error:
#    error(Z) = 1/N sum (|x - m|^2 - code_1^2 - ... - code_Z^2)
def errors(x, mean, V):
    """Of PCA with 0, 1, ... numbers.  (N, D), (D,), (D, D) -> (D + 1,)"""
    centred = np.asarray(x - mean, np.float64)
    taken = ((centred @ V) ** 2).mean(axis=0)
    return (centred**2).sum(axis=1).mean() - np.concatenate([[0], np.cumsum(taken)])


# %% Two autoencoders, both trained on the mean of (x^ - x)^2.  Without activations:
#    x^ = (x A + a) B + b        A (784, Z), B (Z, 784)
# is linear, so it cannot do better than PCA.  At its best the rows of B span PCA's V_Z, but they
# are any basis of it: A R^-1 and R B in the place of A and B change no x^.
def linear(rng, Z=SIZE):
    return tn.Sequential([Dense(Z), Dense(784)], input_shape=(784,), rng=rng)


# With ReLUs it is nonlinear: `Autoencoder` of the lesson latent_size, 784-256-64-Z-64-256-784.  The
# pictures lie near a curved surface, and this can follow it.


# %% The angles between two subspaces.  Make each basis orthonormal, Q1 and Q2; then
#    Q1^T Q2 = A cos(angles) B^T
# is an SVD, and the largest angle is 0 just where both span the same (Bjorck and Golub 1973).
def principal_angles(a, b):
    """In degrees, from the smallest to the largest.  (D, Z), (D, Z) -> (Z,)"""
    s, t = np.shape(a), np.shape(b)
    if len(s) != 2 or s != t or s[0] < s[1]:
        raise ValueError(
            f"principal_angles: a and b must both be (D, Z) with Z <= D, received {s} and {t}. "
            "Make each vector a column."
        )
    (q1, _), (q2, _) = (np.linalg.qr(np.asarray(m, np.float64)) for m in (a, b))
    cosines = np.linalg.svd(q1.T @ q2, compute_uv=False)
    return np.degrees(np.arccos(np.minimum(cosines, 1)))


def flat(pictures):
    """(N, 28, 28, 1) -> (N, 784)"""
    return pictures.reshape(len(pictures), -1)


def main(count=5000, test=1000, epochs=(60, 9), seed=0, device="cpu", full=False):
    """epochs: of the linear autoencoder, and of those with ReLUs.  full: all pictures."""
    if full:
        count, test, epochs = None, None, (20, 25)
    data = pictures.mnist(count, test, seed)
    x, unseen = flat(data.train), flat(data.test)
    mean, V, S = pca(x)
    of_pca = error(through(x, mean, V[:, :SIZE]), x)

    rng = np.random.default_rng(seed)
    network, curve = linear(rng), []

    def look(run=None):
        step = len(curve) * -(-len(x) // 100)
        ratio = error(tn.predict(network, x), x) / of_pca
        columns = network.layers[-1].kernel.numpy().T  # (784, Z)
        curve.append((step, ratio, principal_angles(columns, V[:, :SIZE])[-1]))

    look()
    train(network, x, x, tn.mse, epochs[0], rng, device, 0.01, 100, look)
    nonlinear = {}
    for Z in SIZES:
        rng = np.random.default_rng((seed, Z))
        deep = Autoencoder(Z, rng)
        train(deep, data.train, data.train, tn.mse, epochs[1], rng, device, 0.002)
        nonlinear[Z] = flat(tn.predict(deep, data.test))
    guesses = {
        "original": unseen,
        "PCA": through(unseen, mean, V[:, :SIZE]),
        "linear": tn.predict(network, unseen),
        "with ReLUs": nonlinear[SIZE],
    }
    return {
        "data": data,
        "V": V,
        "columns": network.layers[-1].kernel.numpy().T,
        "lost": float((S[SIZE:].astype(np.float64) ** 2).sum() / len(x)),
        "curve": np.array(curve),  # (epochs + 1, 3): step, error over PCA's, largest angle
        "PCA": of_pca,
        "PCA test": errors(unseen, mean, V),  # (785,)
        "clipped": error(guesses["PCA"].clip(0, 1), unseen),
        "linear test": error(guesses["linear"], unseen),
        "nonlinear test": {Z: error(guess, unseen) for Z, guess in nonlinear.items()},
        "guesses": guesses,
    }


def arrival(results):
    """The first step with an error within 1% of PCA's, and the largest angle then."""
    close = [row for row in results["curve"] if row[1] <= 1.01]
    return (int(close[0][0]), float(close[0][2])) if close else (-1, 0.0)


def claims(results):
    curve, pca_test, nonlinear = (results[k] for k in ("curve", "PCA test", "nonlinear test"))
    step, angle = arrival(results)
    drift = abs(results["PCA"] / results["lost"] - 1)
    above = 100 * (curve[:, 1] - 1)  # PCA's training error, in percent
    unseen = float(100 * (results["linear test"] / pca_test[SIZE] - 1))
    worth = int((pca_test > nonlinear[SIZE]).sum())  # the first Z that is as good
    ratio = {Z: float(nonlinear[Z] / pca_test[Z]) for Z in SIZES}
    clipped = nonlinear[SIZE] / results["clipped"]
    return [
        at_most("PCA's training error against the sum of S^2 left", 1e-4, drift),
        at_least("linear: training error above PCA's, %, least ever", -0.01, float(above.min())),
        at_most("linear: the same at the end", 0.1, float(above[-1])),
        at_most("linear: largest angle to PCA's subspace, degrees", 0.5, float(curve[-1, 2])),
        at_least(f"the same when the error came within 1% (step {step})", 2, angle),
        at_most("linear: test error above PCA's, %", 0.1, unseen),
        *(
            at_most(f"with ReLUs, {Z} numbers: test error over PCA's", 0.98, ratio[Z])
            for Z in SIZES
        ),
        at_most(f"with ReLUs, {SIZE}: over that of PCA clipped to [0, 1]", 0.95, clipped),
        at_least("numbers that PCA needs for this error", SIZE + 2, worth),
    ]


# %% The figures.
def show(results):
    source, rng = results["data"].source, np.random.default_rng(0)
    chosen = [rng.choice(np.flatnonzero(results["data"].test_labels == k)) for k in range(10)]
    guesses = {what: x[chosen].reshape(-1, 28, 28) for what, x in results["guesses"].items()}
    # the first 8 of each basis, of equal contrast, and PCA's as sums of all the decoder's columns
    V, B = results["V"][:, :8], results["columns"]
    sums = B @ np.linalg.lstsq(B, V, rcond=None)[0]
    bases = {"PCA": V, "decoder": B[:, :8], "PCA, as sums\nof all decoder": sums}
    bases = {what: (b / abs(b).max()).T.reshape(-1, 28, 28) for what, b in bases.items()}
    title = f"Test pictures from {SIZE} numbers each ({source})"
    return {
        "errors": draw_errors(results),
        "angle": draw_angle(results),
        "reconstructions": plot.rows(guesses, title, limits=(0, 1)),
        "bases": plot.rows(bases, f"One subspace, two bases; grey is 0 ({source})", limits=(-1, 1)),
    }


def draw_errors(results):
    figure, axes = plt.subplots(figsize=(6.5, 4.2), layout="constrained")
    axes.plot(SHOWN, results["PCA test"][list(SHOWN)], "ko-", label="PCA")
    axes.plot(SIZE, results["linear test"], "C0x", markersize=13, label="linear autoencoder")
    axes.plot(*zip(*results["nonlinear test"].items(), strict=True), "C3s-", label="with ReLUs")
    axes.set(
        xscale="log", xlabel="code size Z", ylim=(0, None), ylabel="squared error of a picture"
    )
    axes.set_xticks(SHOWN, SHOWN)
    axes.legend()
    figure.suptitle(f"What is lost of test pictures ({results['data'].source})")
    return figure


def draw_angle(results):
    steps, ratio, angles = results["curve"].T
    figure, places = plt.subplots(2, 1, figsize=(6.5, 5.2), sharex=True, layout="constrained")
    places[0].semilogy(steps, 100 * (ratio - 1))
    places[1].plot(steps, angles)
    step, angle = arrival(results)
    name = f"error within 1%: the angle is {angle:.1f}, at the end {angles[-1]:.1g}"
    for axes in places:
        axes.axvline(step, color="grey", linestyle=":", label=name)
    places[0].set_ylabel("training error above PCA's, %")
    places[1].set(xlabel="steps", ylabel="largest angle, degrees", ylim=(0, 92))
    places[1].legend(loc="upper right")
    source = results["data"].source
    figure.suptitle(f"The linear autoencoder on its way to PCA, Z = {SIZE} ({source})")
    return figure
