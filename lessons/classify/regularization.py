"""Regularization: too few pictures, and what keeps a network from learning them by heart.

Slides    002_cc530217572c2621.txt "L2 Regularization" (its "to avoid under overfitting" means
          overfitting) and "L1 Regularization", 003_05cde12013bfe355.txt "Model fitting", "Batch
          Normalization is ..." and "data augmentation"
Question  What helps when there are only 400 pictures, and how much?
Expect    all know the 400 by heart, and about 81% of new digits (MNIST).  Augmentation: 6 more;
          dropout and batch-norm at most 1, L2 and L1 nothing; early stopping loses 3, since it
          must not learn from the fifth that tells it when to stop
Try       count=2000, seeds=1 in `main`.  Who gains now, and why does L1 cost more?
"""

from __future__ import annotations

import functools

import matplotlib.pyplot as plt
import numpy as np
from tqdm import tqdm

import tinynet as tn
from tinynet import plot
from tinynet.layers import Activation, BatchNormalization, Dense, Dropout, Flatten

from .. import pictures
from ..claim import at_least, at_most, equals

LR, MOMENTUM = 0.02, 0.9
LAMBDA_2, LAMBDA_1 = 0.003, 0.0005
AUGMENT = functools.partial(tn.data.augment.affine, rotate=10, shift=0.1, zoom=0.1, fill="zeros")
WAYS = ("nothing", "L2", "L1", "L1, soft threshold", "dropout", "batch-norm", "augmentation",
        "early stopping")  # fmt: skip


# %% The network, and what a way changes of it.
#    L2: loss + lambda sum w^2,    L1: loss + lambda sum |w|
# Batch-norm stands before the activation, dropout after it, and never after the last layer.
def model(rng, way="nothing"):
    """(N, 28, 28, 1) -> logits (N, 10)"""
    penalty = {"L2": tn.regularizers.L2(LAMBDA_2), "L1": tn.regularizers.L1(LAMBDA_1)}.get(way)
    network = tn.Sequential([Flatten()], input_shape=(28, 28, 1), rng=rng)
    for units in (256, 128):
        network.add(Dense(units, kernel_regularizer=penalty))
        if way == "batch-norm":
            network.add(BatchNormalization())
        network.add(Activation("relu"))
        if way == "dropout":
            network.add(Dropout(0.5))
    network.add(Dense(10, kernel_regularizer=penalty))
    return network


# %% The slope of lambda |w| is lambda or -lambda, however small w is: gradient descent steps over 0
#    and back, and no weight ever is 0.  The soft threshold stops there, after each step:
#    w <- sign(w) max(|w| - step, 0)
# Momentum makes every steady step 1 / (1 - momentum) times as long, so this one is as long.
class SoftThreshold(tn.callbacks.Callback):
    def after_batch(self, run):
        step = run.optimizer.lr / (1 - MOMENTUM) * LAMBDA_1
        for w in kernels(run.model):
            w[...] = np.sign(w) * np.maximum(abs(w) - step, 0)


def kernels(network):
    return [p.data for p in network.parameters() if p.ndim == 2]


# %% Early stopping needs pictures that it does not learn from, and gives a fifth of the few.  It
#    must not look at the test set: what was chosen by that is no longer tested by it.
def train(way, data, epochs, seed, device, progress=False):
    rng = np.random.default_rng(seed)
    network = model(rng, way).to(device)
    few, labels, settings = data.train, data.train_labels, {"callbacks": []}
    if way == "early stopping":
        k = len(few) // 5
        settings["validation"], few, labels = (few[:k], labels[:k]), few[k:], labels[k:]
        settings["callbacks"] = [tn.callbacks.EarlyStopping(patience=5)]
    elif way == "L1, soft threshold":
        settings["callbacks"] = [SoftThreshold()]
    augment = AUGMENT if way == "augmentation" else None
    batches = tn.data.batches(few, labels, rng=rng, device=device, augment=augment)
    optimizer = tn.optim.SGD(network.parameters(), LR, MOMENTUM)
    losses, test = [], (network, (data.test, data.test_labels), tn.cross_entropy)  # only to look
    settings["callbacks"].append(lambda run: losses.append(tn.evaluate(*test)["loss"]))
    settings["progress"] = progress
    history = tn.fit(network, batches, tn.cross_entropy, optimizer, epochs, **settings)
    weights = [tn.Tensor(w).numpy() for w in kernels(network)]
    w = np.concatenate([kernel.ravel() for kernel in weights])
    return {
        "training": tn.metrics.accuracy(tn.predict(network, few), labels),
        "test": tn.metrics.accuracy(tn.predict(network, data.test), data.test_labels),
        "losses": {"training": history["loss"], "test": losses},
        "epochs": len(losses),
        "rise": losses[-1] / min(losses),
        "w": w,
        "small": (abs(w) < 1e-3).mean(),
        "zero": (w == 0).mean(),
        "squares": (w**2).sum(),
        "pixels": abs(weights[0]).sum(axis=1).reshape(28, 28),  # how much each pixel can say
    }


# %% Dropout on the outputs takes the right answer away every second time, however sure it was:
#    the rest are zeros, and the loss of ten zeros is log 10.  On average (log 10) / 2 = 1.15.
def dropped_outputs(seed, device):
    sure = tn.Tensor([[100.0] + [0.0] * 9] * 4000).to(device)
    dropped = tn.dropout(sure, 0.5, np.random.default_rng(seed))
    return tn.cross_entropy(dropped, [0] * 4000).item()


def main(count=400, test=1000, epochs=30, seeds=2, seed=0, device="cpu", full=False):
    """seeds: trainings each way, of which means are taken.  full: 1,000 pictures of each class,
    which the slide still calls very few, and all test pictures."""
    count, test = (10_000, None) if full else (count, test)
    data = pictures.mnist(count, test, seed)
    runs = {
        way: [train(way, data, epochs, seed + i, device, progress=full) for i in range(seeds)]
        for way in tqdm(WAYS, desc="eight ways", disable=full or None, leave=False)
    }
    return {
        "full": full,
        "pictures": f"{len(data.train):,} pictures ({data.source})",
        "runs": runs,
        "dropped outputs": dropped_outputs(seed, device),
        "batch-norm": BatchNormalization().build((256,)),
    }


def mean(results, way, what):
    """The mean of a number over the trainings of one way."""
    return float(np.mean([run[what] for run in results["runs"][way]]))


def claims(results):
    of, few = functools.partial(mean, results), not results["full"]
    learnt, right, squares = (of("nothing", what) for what in ("training", "test", "squares"))
    epochs, norm = of("nothing", "epochs"), results["batch-norm"]
    return [
        at_least("nothing: training accuracy", 0.999, learnt),
        at_least("that, less its test accuracy", 0.08 if few else 0.02, learnt - right),
        at_least("its last test loss, by its lowest", 1.05, of("nothing", "rise")),
        at_least("augmentation gains", 0.015 if few else 0.005, of("augmentation", "test") - right),
        at_most("L2: sum w^2, by that of nothing", 0.6, of("L2", "squares") / squares),
        at_most("nothing: share of |w| < 0.001", 0.03, of("nothing", "small")),
        at_least("L1: the same", 0.3, of("L1", "small")),
        at_most("L1: share of w = 0", 0.01, of("L1", "zero")),
        at_least("L1, soft threshold: the same", 0.3, of("L1, soft threshold", "zero")),
        at_most("early stopping: epochs", 0.9 * epochs, of("early stopping", "epochs")),
        at_least("dropout on outputs: loss when right", 1.05, results["dropped outputs"]),
        # The slide says "two trainable parameters to each layer"; it is two to each channel.
        equals("batch-norm, 256 channels: trained", 512, sum(w.size for w in norm.parameters())),
        equals("its momentum and epsilon", [0.99, 0.001], [norm.momentum, norm.epsilon]),
    ]


# %% The figures.
def show(results):
    return {
        "accuracies": draw_accuracies(results),
        "curves": draw_curves(results),
        "weights": draw_weights(results),
    }


def draw_accuracies(results):
    figure, axes = plt.subplots(figsize=(8, 4), layout="constrained")
    for i, (way, runs) in enumerate(results["runs"].items()):
        axes.plot([run["test"] for run in runs], [i] * len(runs), "C0o", alpha=0.5)
        axes.plot(mean(results, way, "test"), i, "k|", markersize=18, markeredgewidth=2)
    axes.axvline(mean(results, "nothing", "test"), color="black", linestyle=":")
    axes.set_yticks(range(8), [f"{way}: {mean(results, way, 'test'):.1%}" for way in WAYS])
    axes.invert_yaxis()
    axes.set(xlabel="test accuracy: each training (dot), and the mean (stroke)")
    figure.suptitle(f"What helps with {results['pictures']}")
    return figure


def draw_curves(results):
    figure, places = plt.subplots(1, 3, figsize=(12, 3.6), sharey=True, layout="constrained")
    for axes, way in zip(places, ("nothing", "early stopping", "augmentation"), strict=True):
        run = results["runs"][way][0]
        for name, losses in run["losses"].items():
            axes.semilogy(range(1, len(losses) + 1), losses, label=name)
        axes.set(title=way, xlabel="epoch", xlim=(0, results["runs"]["nothing"][0]["epochs"]))
    places[0].set_ylabel("cross-entropy")
    places[0].legend()
    figure.suptitle(f"The loss on {results['pictures']}")
    return figure


def draw_weights(results):
    figure, places = plt.subplots(2, 4, figsize=(12, 6), layout="constrained")
    for way, above, below in zip(WAYS[:4], *places, strict=True):
        run = results["runs"][way][0]
        above.hist(run["w"], np.linspace(-0.15, 0.15, 101), log=True)
        title = f"{way}\n{run['small']:.0%} below 0.001, {run['zero']:.0%} are 0"
        above.set(title=title, xlabel="weight", ylim=(1, 2e5))
        plot.picture(below, run["pixels"], "sum |w| of each pixel")
    places[0, 0].set_ylabel("how many")
    figure.suptitle("Weights after training: what is always black should say nothing")
    return figure
