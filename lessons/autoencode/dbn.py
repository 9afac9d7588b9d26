"""DBN: layers that were trained without labels, and then a few labels.

Slides    003_05cde12013bfe355.txt "Autoencoders in Deep Learning", the part on RBM and DBN
Question  Does a stack of RBMs need "only a small labelled data set", and beat a shallow net?
Expect    with 5,000 digits of MNIST and 100, 500 or 1,000 labels: 71%, 88% and 90% right, 2 to 4
          points more than the same net from random weights, which beats a shallow one by at most
          2.  With 500 labels or more one RBM is as good as two, to within a point: what helps is
          the pictures without labels.  With 100 the second adds 1 or 2 points.  Drawn digits: much
          the same.  --full: 80%, 92% and 94%, where random weights give 74%, 87% and 89%
Try       count=1000 in `main`: how many pictures without labels does the stack need?
"""

from __future__ import annotations

import itertools

import matplotlib.pyplot as plt
import numpy as np
from tqdm import tqdm

import tinynet as tn
from tinynet import plot
from tinynet.layers import Dense

from .. import pictures
from ..claim import at_least, at_most
from .boltzmann import RBM, whole
from .rbm import divergence, train

SIZES = (784, 256, 128)
LABELS = (100, 500, 1000)
NETS = {  # how many of SIZES it has, and how many of its layers were RBMs
    "DBN": (3, 2),
    "one RBM": (2, 1),
    "random": (3, 0),
    "one hidden layer": (2, 0),
    "no hidden layer": (1, 0),
}


# %% Greedily: an RBM learns the pixels, the next one learns the probabilities of its hidden bits,
#    v -> h1 = sigmoid(c1 + v W1) -> h2 = sigmoid(c2 + h1 W2)
# and no label is looked at.  (Hinton, Osindero and Teh, "A Fast Learning Algorithm for Deep Belief
# Nets", 2006.)  Each layer learns what the layer below says, not "the entire input", as the slide
# has it.  Greys count as probabilities.
def stack(x, sizes, epochs, rng, device="cpu", size=50, lr=0.1, momentum=0.9):
    """(N, sizes[0]) -> RBMs, from the bottom up"""
    if len(sizes) < 2 or x.ndim != 2 or x.shape[1] != sizes[0]:
        raise ValueError(
            f"stack: x must be (N, sizes[0]), with two sizes or more, received {x.shape} and sizes "
            f"{tuple(sizes)}. Name the number of pixels first."
        )
    rbms = []
    for V, H in itertools.pairwise(sizes):
        rbm = RBM(V, H, rng)
        rbm.start_from(x)
        train(rbm.to(device), x, divergence, epochs, size, lr, rng, device, momentum)
        x = tn.predict(rbm, x)
        rbms.append(rbm)
    return rbms


# %% The stack, as a plain network.  Going up, an RBM is a sigmoid layer: W its kernel, c its bias.
#    The visible biases, which the dreams needed, are left behind, and so is the belief net: what is
#    fine-tuned is a feed-forward network like any other, with a lucky start.
def network(sizes, rng, rbms=()):
    """(N, sizes[0]) -> logits (N, 10); with random weights, where there are no RBMs"""
    made = [(rbm.V, rbm.H) for rbm in rbms]
    if made and made != list(itertools.pairwise(sizes)):
        raise ValueError(f"network: sizes {tuple(sizes)} do not fit RBMs of {made}. Name theirs.")
    layers = [Dense(units, activation="sigmoid") for units in sizes[1:]]
    model = tn.Sequential([*layers, Dense(10)], input_shape=(sizes[0],), rng=rng)
    for layer, rbm in zip(layers, rbms, strict=False):
        layer.kernel.data[...] = rbm.kernel.numpy()
        layer.bias.data[...] = rbm.hidden_bias.numpy()
    return model


# %% Fine-tuning: all weights, by the labels.  With as many labels every net takes as many steps, at
#    the same rate, and ends with at least 95% of its labels learnt (without a hidden layer 92%);
#    test digits are looked at once, at the end.
def fine_tune(model, x, labels, steps, size, lr, rng, device="cpu"):
    batches = tn.data.batches(x, labels, size=size, rng=rng, device=device)
    epochs = max(1, round(whole("fine_tune", "steps", steps) / len(batches)))
    optimizer = tn.optim.Adam(model.to(device).parameters(), lr)
    return tn.fit(model, batches, tn.cross_entropy, optimizer, epochs, progress=False)


def compare(x, labels, test, test_labels, sizes, epochs, steps, seed, device):
    """One stack, and all nets for each number of labels: other pictures are labelled each time."""
    rng = np.random.default_rng(seed)
    rbms = stack(x, sizes, epochs, rng, device)
    order = np.random.default_rng((seed, 1)).permutation(len(x))
    accuracies, training, filters = {}, {}, {"RBM": rbms[0].kernel.numpy().copy()}
    for count in LABELS:
        few = order[:count]
        for net, (depth, pretrained) in NETS.items():
            # the same generator each time: DBN and random share the last layer, and the batches
            draw = np.random.default_rng((seed, 2))
            model = network(sizes[:depth], draw, rbms[:pretrained])
            fine_tune(model, x[few], labels[few], steps, 25, 0.003, draw, device)
            accuracies[net, count] = tn.metrics.accuracy(tn.predict(model, test), test_labels)
            training[net, count] = tn.metrics.accuracy(tn.predict(model, x[few]), labels[few])
            if count == LABELS[-1] and net in ("DBN", "random"):
                filters[net] = model.layers[0].kernel.numpy().copy()
    return {"test": accuracies, "training": training, "filters": filters}


def main(count=5000, test=1000, epochs=6, steps=300, seeds=3, seed=0, device="cpu", full=False):
    """count: pictures without labels.  full: all 60,000, layers of 500 and 250, all test digits."""
    data = pictures.mnist(*((None, None) if full else (count, test)), seed)
    x, new = (v.reshape(len(v), -1) for v in (data.train, data.test))
    sizes = (784, 500, 250) if full else SIZES
    given = (x, data.train_labels, new, data.test_labels, sizes, epochs, steps)
    runs = [
        compare(*given, seed + i, device)
        for i in tqdm(range(seeds), desc="DBN", disable=None, leave=False)
    ]
    print(f"  {'test accuracy, mean of ' + str(seeds):<34}" + "".join(f"{n:>7,}" for n in LABELS))
    for net in NETS:
        print(f"  {net:<34}" + "".join(f"{mean(runs, net, n):>7.1%}" for n in LABELS))
    about = f"{len(x):,} {'pictures of ' * data.real}{data.source}"
    return {"source": about, "sizes": sizes, "runs": runs}


def mean(runs, net, count, what="test"):
    return float(np.mean([run[what][net, count] for run in runs]))


def claims(results):
    runs = results["runs"]
    rows = []
    for net, bound in zip(NETS, (0.95, 0.95, 0.95, 0.95, 0.92), strict=True):
        learnt = min(run["training"][net, n] for run in runs for n in LABELS)
        rows.append(at_least(f"{net}: least training accuracy", bound, learnt))
    pairs = [("DBN", net) for net in ("random", "one hidden layer", "no hidden layer")]
    for net, other in [*pairs, ("one RBM", "one hidden layer")]:
        gain = min(mean(runs, net, n) - mean(runs, other, n) for n in LABELS)
        rows.append(at_least(f"{net} gains on {other}, least of three", 0.01, gain))
    more = max(mean(runs, "DBN", n) - mean(runs, "one RBM", n) for n in LABELS[1:])
    few = mean(runs, "DBN", LABELS[0]) - mean(runs, "one RBM", LABELS[0])
    return [
        *rows,
        at_most("500 labels or more: DBN gains on one RBM", 0.02, more),
        at_least("100 labels: the same", 0.005, few),
    ]


# %% The figures.
def show(results):
    return {"accuracies": draw_accuracies(results), "filters": draw_filters(results)}


def draw_accuracies(results):
    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    for i, net in enumerate(NETS):
        places = np.arange(len(LABELS)) + 0.06 * (i - 2)
        seen = [[run["test"][net, n] for n in LABELS] for run in results["runs"]]
        for accuracies in seen:
            axes.plot(places, accuracies, f"C{i}o", markersize=4, alpha=0.6)
        axes.plot(places, np.mean(seen, axis=0), f"C{i}", label=describe(net, results["sizes"]))
    axes.set_xticks(range(len(LABELS)), [f"{n:,}" for n in LABELS])
    axes.set(xlabel="labels", ylabel="test accuracy: trainings (dots), their mean (line)")
    axes.grid(axis="y", alpha=0.3)
    axes.legend()
    figure.suptitle(f"A few labels, and {results['source']} without")
    return figure


def describe(net, sizes):
    return f"{net}: {'-'.join(map(str, sizes[: NETS[net][0]]))}-10"


def draw_filters(results):
    filters = results["runs"][0]["filters"]
    titles = ("RBM: no labels yet", f"DBN: {LABELS[-1]:,} labels", f"random: {LABELS[-1]:,} labels")
    figure, places = plt.subplots(1, 3, figsize=(12, 4.6), layout="constrained")
    for axes, title, kernel in zip(places, titles, filters.values(), strict=True):
        images = kernel.T[:64].reshape(-1, 28, 28)
        images = images / np.abs(images).max(axis=(1, 2), keepdims=True)
        plot.picture(axes, plot.tiles(images, columns=8), title, (-1, 1))
    figure.suptitle(f"First layer, 64 units: their weights, grey is 0 ({results['source']})")
    return figure
