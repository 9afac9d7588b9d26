"""Anomalies: who has seen one kind of picture only cannot draw another.  A part of uses."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn
from lessons.claim import Claim, at_least
from tinynet import plot
from tinynet.layers import Dense

NORMAL = (0, 8)  # the digits that are normal, in turn: a good example, and a bad one


# %% A narrow network, with 8 numbers in the middle: it has no room for what it need not draw.
def model(rng):
    """(N, 784) -> logits (N, 784)"""
    sizes = [Dense(128, activation="relu"), Dense(8), Dense(128, activation="relu"), Dense(784)]
    return tn.Sequential(sizes, (784,), rng)


# %% The score of a picture is how badly the network draws it:  1/D sum_D (x' - x)^2
def squared_error(prediction, x):
    """(N, D), (N, D) -> (N,)"""
    return ((prediction - x) ** 2).mean(axis=1)


def scores(data, normal, epochs, seed, device):
    """Of the test pictures, by the network and by their distance to the mean normal picture."""
    rng = np.random.default_rng(seed)
    x = data.train[data.train_labels == normal].reshape(-1, 784)
    test = data.test.reshape(-1, 784)
    network = model(rng).to(device)
    batches = tn.data.batches(x, x, size=32, rng=rng, device=device)
    tn.fit(network, batches, tn.bce_with_logits, tn.optim.Adam(network.parameters()), epochs)
    drawn = tn.sigmoid(tn.Tensor(tn.predict(network, test))).numpy()
    return {
        "autoencoder": squared_error(drawn, test),
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
    zero, eight = (results["digits"][normal] for normal in NORMAL)
    hardest = min(eight["against"], key=eight["against"].get)
    rows = []
    for normal, found, bound in ((0, zero, 0.95), (8, eight, 0.75)):
        area = found["auc"]["autoencoder"]
        more = area - found["auc"]["mean picture"]
        rows.append(at_least(f"AUC, only {normal} is normal", bound, area))
        rows.append(at_least("more than by the mean picture", 0.02, more))
    area = eight["against"][hardest]
    rows.append(
        Claim(
            "the digit that a drawer of 8 hardly notices",
            "1",
            f"{hardest} (AUC {area:.2f})",
            hardest == 1,
        )
    )
    return rows


def draw(results):
    """All thresholds at the left, all digits at the right."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(13, 4.4), layout="constrained")
    for normal, found in results["digits"].items():
        for name, curve in found["curves"].items():
            plot.roc(left, *curve, f"{normal} normal, {name}: {found['auc'][name]:.3f}")
        digits = list(found["against"])
        right.plot(digits, list(found["against"].values()), "o", label=f"{normal} normal")
    right.axhline(0.5, linestyle="--", color="gray", linewidth=1, label="guessing")
    right.set(
        xlabel="the other digit", ylabel="AUC of this digit alone", xticks=range(10), ylim=(0, 1.03)
    )
    right.grid(alpha=0.3)
    right.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False)
    figure.suptitle(f"Anomalies: {results['source']}, by networks that saw one of them only")
    return figure
