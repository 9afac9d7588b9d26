"""Anomalies: what a network that has seen one kind of picture draws badly is probably of another
kind.  A part of uses.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn
from tinynet import plot
from tinynet.layers import Dense

from ..claim import Claim, at_least, at_most
from .pca import pca, through
from .restoring import drawn

# The digits that are normal, in turn, a good example and a bad one: {digit: least AUC to claim}.
NORMAL = {0: 0.96, 8: 0.79}
CODE = 8  # numbers


# %% A narrow network, with few numbers in the middle: it has no room for what it need not draw.
def model(rng):
    """(N, 784) -> logits (N, 784)"""
    sizes = [Dense(128, activation="relu"), Dense(CODE), Dense(128, activation="relu"), Dense(784)]
    return tn.Sequential(sizes, (784,), rng)


# %% The score of a picture is how badly the network draws it:  1/D sum_D (x' - x)^2
def squared_error(prediction, x):
    """(N, D), (N, D) -> (N,)"""
    return ((prediction - x) ** 2).mean(axis=1)


# %% Without a network: what is far from every normal picture is none.  For all pairs at once,
#    |a - b|^2 = |a|^2 - 2 a.b + |b|^2
# where |b|^2, of the one that is asked for, is the same for all a and may be left out.
def nearest(collection, asked, k=5):
    """The k nearest of (N, D) to each of (M, D), nearest first.  -> (M, k) places"""
    if isinstance(k, bool) or not isinstance(k, int) or not 1 <= k <= len(collection):
        raise ValueError(
            f"nearest: k must be a whole number from 1 to N, which is {len(collection)}, received "
            f"{k!r}. Ask for fewer, or give more pictures."
        )
    squares = (collection**2).sum(axis=1)
    found = []
    for start in range(0, len(asked), 500):  # for the sake of memory
        distance = squares - 2 * asked[start : start + 500] @ collection.T  # (500, N)
        best = np.argpartition(distance, k - 1, axis=1)[:, :k]
        order = np.take_along_axis(distance, best, axis=1).argsort(axis=1)
        found.append(np.take_along_axis(best, order, axis=1))
    return np.concatenate(found)


def linear(x, test):
    """The test pictures, told in as few numbers by PCA.  (N, D), (M, D) -> (M, D)"""
    mean, V, _ = pca(x)
    return np.clip(through(test, mean, V[:, :CODE]), 0, 1)


def scores(data, normal, epochs, seed, device):
    """Of the test pictures, by the network and by three ways that need none.  {way: (M,)}"""
    rng = np.random.default_rng(seed)
    x = data.train[data.train_labels == normal].reshape(-1, 784)
    test = data.test.reshape(-1, 784)
    network = model(rng).to(device)
    batches = tn.data.batches(x, x, size=32, rng=rng, device=device)
    tn.fit(network, batches, tn.bce_with_logits, tn.optim.Adam(network.parameters()), epochs)
    return {
        "autoencoder": squared_error(drawn(network, test), test),
        "nearest picture": squared_error(x[nearest(x, test, 1)[:, 0]], test),
        "PCA": squared_error(linear(x, test), test),
        "mean picture": squared_error(x.mean(axis=0), test),
    }


# %% No threshold is chosen: the ROC curve has them all, and the area under it is the probability
# that an anomaly scores higher than a normal picture.  Half is guessing.  Each other digit alone
# shows the catch: who can draw an 8 can draw a 1, which is easier than any 8, so that its score is
# low.  A low error says "easy to draw", not "of the kind that was seen".
def against(score, labels, normal):
    """The area for each other class alone against the normal one: {class: AUC}."""
    found = {}
    for other in sorted(set(labels.tolist()) - {normal}):
        both = (labels == normal) | (labels == other)
        found[other] = tn.metrics.auc(score[both], labels[both] == other)
    return found


def detect(data, epochs, seed, device):
    found = {}
    for normal in NORMAL:
        anomalous = data.test_labels != normal
        by = scores(data, normal, epochs, seed, device)
        found[normal] = {
            "curves": {name: tn.metrics.roc_curve(s, anomalous)[:2] for name, s in by.items()},
            "auc": {name: tn.metrics.auc(s, anomalous) for name, s in by.items()},
            "against": against(by["autoencoder"], data.test_labels, normal),
        }
    return {"digits": found, "source": data.source}


def claims(results):
    rows = []
    for normal, found in results["digits"].items():
        network, kept, linear, mean = found["auc"].values()
        rows += [
            at_least(f"AUC, only {normal} is normal", NORMAL[normal], network),
            at_least(f"{normal} normal: more than by PCA", 0.02, network - linear),
            at_least(f"{normal} normal: more than by the mean", 0.02, network - mean),
            at_most(f"{normal} normal: more by the nearest picture", 0.015, kept - network),
        ]
    if 8 in results["digits"]:
        areas = results["digits"][8]["against"]
        least = min(areas, key=areas.get)
        got = f"{least} (AUC {areas[least]:.2f})"
        rows.append(Claim("8 normal: the digit that is noticed least", "1", got, least == 1))
    return rows


def draw(results):
    """All thresholds of each normal digit, and at the right all digits against it."""
    digits = results["digits"]
    figure, (*places, right) = plt.subplots(
        1, len(digits) + 1, figsize=(4.4 * (len(digits) + 1), 4.4), layout="constrained"
    )
    shapes = zip(digits.items(), places, ("o", "s"), ("C4", "C5"), strict=True)
    for (normal, found), left, marker, color in shapes:
        for name, curve in found["curves"].items():
            plot.roc(left, *curve, f"{name}: {found['auc'][name]:.3f}")
        left.set_title(f"only {normal} is normal")
        left.legend(loc="lower right", title="area under the curve")
        right.plot(*zip(*found["against"].items(), strict=True), color + marker, label=str(normal))
    right.axhline(0.5, linestyle="--", color="gray", linewidth=1)
    right.set_title("by the autoencoder, each digit alone")
    right.set(xlabel="the other digit", ylabel="area", xticks=range(10), ylim=(0, 1.03))
    right.grid(alpha=0.3)
    right.legend(title="normal", loc="lower right")
    figure.suptitle(f"Anomalies: {results['source']}, by what has seen one of them only")
    return figure
