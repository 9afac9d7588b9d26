"""Color photographs: ten classes, 32 x 32 pixels, and a network of our own.

Slides    003_05cde12013bfe355.txt "The CIFAR-10 and CIFAR-100" (a name, no network)
Question  How far does a small network come, on photographs instead of digits?
Expect    by default, 2,500 pictures three times: 46% right, where guessing gives 10% (68% of drawn
          pictures); --full, fifteen times: 79.9% from 20,000 of the 50,000 training pictures
Try       augment=None in `train`, with --full: training gets better, and the test?
"""

from __future__ import annotations

import numpy as np

import tinynet as tn
from tinynet import plot
from tinynet.layers import (
    Activation,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    MaxPooling2D,
)

from .. import pictures
from ..claim import at_least, equals
from .fashion import (
    draw_classes,
    draw_confusion,
    draw_mistakes,
    most_confused,
    share_among,
)

# CIFAR-10 is a labelled part of the "80 million tiny images" that the slide names; their authors
# withdrew that collection in 2020, because of what was among its pictures and words.
TRAINING_PICTURES = 50_000  # as published, in five files
VEHICLES = ("airplane", "automobile", "ship", "truck")
ANIMALS = ("bird", "cat", "deer", "dog", "frog", "horse")


# %% The network.  Each pooling halves the height and the width, and the convolution after it has
# twice as many channels.  Batch-norm before each relu keeps all layers learning.
def model(rng):
    """(N, 32, 32, 3) -> logits (N, 10)"""
    network = tn.Sequential(input_shape=(32, 32, 3), rng=rng)
    for filters, convolutions in ((32, 1), (64, 1), (128, 2)):
        for _ in range(convolutions):
            network.add(Conv2D(filters, 3, padding="same"))
            network.add(BatchNormalization(momentum=0.9))
            network.add(Activation("relu"))
        network.add(MaxPooling2D(2))
    network.add(Flatten())  # 4 x 4 x 128 = 2048
    network.add(Dropout(0.3))
    network.add(Dense(10))
    return network


# %% Few pictures, so each is shown changed: mirrored or not, and moved by up to 10%.
def changed(photographs, rng):
    return tn.data.augment.shift(tn.data.augment.flip(photographs, rng), rng, 0.1)


# %% Standardised: each color has mean 0 and variance 1 over the training pictures.
#    x <- (x - mean) / deviation
def standardised(data):
    some = data.train[:2000].astype(np.float64)  # enough for six numbers
    mean = some.mean(axis=(0, 1, 2)).astype(np.float32)
    deviation = some.std(axis=(0, 1, 2)).astype(np.float32)
    return (data.train - mean) / deviation, (data.test - mean) / deviation


# %% The rate rises over the first 5% of the steps, and falls along a cosine to 0.
def train(data, epochs, size, lr, seed, device):
    rng = np.random.default_rng(seed)
    seen, unseen = standardised(data)
    network = model(rng).to(device)
    batches = tn.data.batches(
        seen, data.train_labels, size=size, rng=rng, device=device, augment=changed, prefetch=True
    )
    steps = epochs * len(batches)
    warmup = max(steps // 20, 1)
    schedule = tn.schedules.Warmup(warmup, tn.schedules.Cosine(lr, max(steps - warmup, 1)))
    history = tn.fit(
        network,
        batches,
        tn.cross_entropy,
        tn.optim.Adam(network.parameters(), schedule),
        epochs,
        validation=(unseen, data.test_labels),  # for the curves: nothing is chosen by them
        metrics=[tn.metrics.accuracy],
    )
    return network, history, tn.predict(network, unseen)


def main(count=2500, test=1000, epochs=3, size=32, lr=0.002, seed=0, device="cpu", full=False):
    """count, test: how many pictures.  full: all that are there, 15 epochs of batches of 64."""
    if full:
        count, test, epochs, size = None, None, 15, 64
    data = pictures.cifar10(count, test, seed)
    network, history, logits = train(data, epochs, size, lr, seed, device)
    return {
        "full": full,
        "data": data,
        "parameters": [row.parameters for row in network.rows() if row.parameters],
        "filters": network.layers[0].kernel.numpy(),  # (3, 3, 3, 32)
        "history": history,
        "probabilities": tn.softmax(tn.Tensor(logits)).numpy(),
        "accuracy": tn.metrics.accuracy(logits, data.test_labels),
        "confusion": tn.metrics.confusion_matrix(logits, data.test_labels),
    }


def learnt_from(data):
    """What the training saw, in words: fewer than were published, if so."""
    count = f"{len(data.train):,}"
    if data.real and len(data.train) < TRAINING_PICTURES:
        return f"{count} of {TRAINING_PICTURES:,} training pictures of {data.source}"
    return f"{count} {data.source}" if not data.real else f"all {count} of {data.source}"


def claims(results):
    data = results["data"]
    parameters = sum(results["parameters"])
    bound = 0.7 if results["full"] else 0.35
    found = [
        equals("parameters, with batch-norm's statistics", "262,730", f"{parameters:,}"),
        at_least(f"test accuracy after {learnt_from(data)}", bound, results["accuracy"]),
    ]
    if data.real:  # pairs that stay within a kind: 21 of 45, 47%, if mistakes knew no kinds
        within = share_among(results, VEHICLES) + share_among(results, ANIMALS)
        found.append(at_least("mistakes that stay among vehicles or animals", 0.6, within))
    if data.real and results["full"]:
        found.append(equals("most confused", "cat and dog", most_confused(results)[0]))
    return found


# %% The figures.
def show(results):
    data = results["data"]
    groups = (VEHICLES, ANIMALS) if data.real else ()
    return {
        "classes": draw_classes(data, rows=3, columns=10),
        "training": results["history"].plot(
            f"Learning from {learnt_from(data)} (validation: the test set)"
        ),
        "confusion": draw_confusion(results, groups, learnt_from(data)),
        "mistakes": draw_mistakes(results),
        "filters": draw_filters(results),
    }


def draw_filters(results):
    """Each kernel of the first layer as a picture: the pattern and color that it asks for."""
    kernels = results["filters"].transpose(3, 0, 1, 2)  # (32, 3, 3, 3)
    title = f"The 32 kernels of the first layer, in color\n({learnt_from(results['data'])})"
    return plot.grid(kernels, title=title, columns=8, width=0.9)
