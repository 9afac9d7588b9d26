"""Clothes: when the classes themselves are hard to tell apart.

Slides    003_05cde12013bfe355.txt "CNN on Fashion-MNIST dataset"
Question  Which clothes does a network take for which, and could you do better?
Expect    TODO
Try       TODO
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn
from lessons import pictures
from lessons.claim import Claim, at_least, equals
from tinynet import plot
from tinynet.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D

UPPER = ("T-shirt/top", "Pullover", "Coat", "Shirt")  # worn on the upper body, with sleeves


# %% The slide's network.  Its last layer is a softmax; here it gives logits, and the loss computes
# the softmax and its logarithm together, which stays exact where a probability would round to 0.
def model(rng):
    return tn.Sequential(
        [
            Conv2D(32, 3, activation="relu"),
            Conv2D(64, 3, activation="relu"),
            MaxPooling2D(2),
            Dropout(0.25),
            Flatten(),
            Dense(128, activation="relu"),
            Dropout(0.5),
            Dense(10),
        ],
        input_shape=(28, 28, 1),
        rng=rng,
    )


# %% The slide gives the test set as validation_data, and so do we, for its curves.  Nothing here is
# chosen by them.  Whoever does choose by them (when to stop, which rate, which network) has made
# the test set part of the training, and must hold out a third set, which is looked at once.
def train(data, epochs, size, lr, seed, device):
    rng = np.random.default_rng(seed)
    network = model(rng).to(device)
    optimizer = tn.optim.Adam(network.parameters(), lr)
    history = tn.fit(
        network,
        tn.data.batches(data.train, data.train_labels, size=size, rng=rng, device=device),
        tn.cross_entropy,  # mean over the batch of -log softmax(logits)[right class]
        optimizer,
        epochs,
        validation=(data.test, data.test_labels),
        metrics=[tn.metrics.accuracy],
    )
    return network, history


def main(count=4000, test=2000, epochs=4, size=32, lr=0.001, seed=0, device="cpu", full=False):
    """count, test: how many pictures.  full: all of them, and the slide's 20 epochs of batches of
    128."""
    if full:
        count, test, epochs, size = None, None, 20, 128
    data = pictures.fashion_mnist(count, test, seed)
    network, history = train(data, epochs, size, lr, seed, device)
    logits = tn.predict(network, data.test)
    return {
        "full": full,
        "data": data,
        "parameters": [row.parameters for row in network.rows() if row.parameters],
        "history": history,
        "probabilities": tn.softmax(tn.Tensor(logits)).numpy(),
        "accuracy": tn.metrics.accuracy(logits, data.test_labels),
        "confusion": tn.metrics.confusion_matrix(logits, data.test_labels),
    }


def mistaken(confusion):
    """How often two classes were taken for one another, either way.  (K, K) -> (K, K) above the
    diagonal"""
    return np.triu(confusion + confusion.T, 1)


def most_confused(results):
    pairs = mistaken(results["confusion"])
    i, j = np.unravel_index(pairs.argmax(), pairs.shape)
    return f"{results['data'].names[i]} and {results['data'].names[j]}", int(pairs[i, j])


def share_among(results, names):
    """The share of all mistakes that are between two of these classes."""
    pairs = mistaken(results["confusion"])
    chosen = [results["data"].names.index(name) for name in names]
    return pairs[np.ix_(chosen, chosen)].sum() / max(pairs.sum(), 1)


def claims(results):
    parameters = results["parameters"]
    data = results["data"]
    bound = 0.925 if results["full"] and data.real else 0.75
    pair, times = most_confused(results)
    return [
        equals("parameters of the layers", [320, 18496, 1179776, 1290], parameters),
        equals("parameters", 1199882, sum(parameters)),
        at_least(f"test accuracy, {len(data.test):,} of {data.source}", bound, results["accuracy"]),
        at_least("share of mistakes among four tops", 0.4, share_among(results, UPPER)),
        Claim("most confused", "two of these four", f"{pair} ({times})",
              set(pair.split(" and ")) <= set(UPPER)),  # fmt: skip
    ]


# %% The figures.
def show(results):
    data = results["data"]
    return {
        "classes": draw_classes(data),
        "training": results["history"].plot(f"Training on {len(data.train):,} of {data.source}"),
        "confusion": draw_confusion(results),
        "mistakes": draw_mistakes(results),
    }


def draw_classes(data, rows=1):
    """The first pictures of each class."""
    first = [np.flatnonzero(data.train_labels == k)[:rows] for k in range(len(data.names))]
    images = [data.train[places[row]] for row in range(rows) for places in first]
    titles = [f"{k} {name}" for k, name in enumerate(data.names)] + [""] * (rows - 1) * 10
    return plot.grid(images, titles, f"One of each class: {data.source}", columns=5, width=1.5)


def draw_confusion(results):
    """Rows: what it is.  Columns: what the network took it for."""
    data, confusion = results["data"], results["confusion"]
    figure, axes = plt.subplots(figsize=(7, 6.4), layout="constrained")
    wrong = confusion * (1 - np.eye(len(confusion), dtype=int))  # the color is for the mistakes
    axes.imshow(wrong, cmap="Reds")
    for (i, j), number in np.ndenumerate(confusion):
        color = "white" if wrong[i, j] > 0.6 * wrong.max() else "black"
        if number:
            axes.text(j, i, number, ha="center", va="center", color=color, fontsize=9)
    axes.set_xticks(range(len(data.names)), data.names, rotation=45, ha="right")
    axes.set_yticks(range(len(data.names)), data.names)
    axes.set(xlabel="what the network says", ylabel="what it is")
    pair, times = most_confused(results)
    figure.suptitle(
        f"{len(data.test):,} test pictures of {data.source}: {results['accuracy']:.1%} right\n"
        f"most confused: {pair}, {times} times"
    )
    return figure


def draw_mistakes(results, count=15):
    data, p = results["data"], results["probabilities"]
    said = p.argmax(axis=1)
    wrong = np.flatnonzero(said != data.test_labels)
    surest = wrong[np.argsort(-p[wrong].max(axis=1))][:count]
    titles = [
        f"{data.names[data.test_labels[i]]}:\n{data.names[said[i]]} {p[i, said[i]]:.1%}"
        for i in surest
    ]
    title = f"The surest of {len(wrong):,} mistakes: what it is, and what was said ({data.source})"
    return plot.grid(data.test[surest], titles, title, columns=5, width=1.7)
