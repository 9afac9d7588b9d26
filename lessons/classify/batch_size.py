"""Batch size: how many pictures to look at before each step.

Slides    001_2cc8296d8a649d23.txt "Stochastic Gradient Descent" and "Mini-Batches while Training",
          002_cc530217572c2621.txt "Default Batch Size in Keras = 32"
Question  Is one step on 512 pictures better than 16 steps on 32?
Expect    the noise of the gradient falls as 1 / sqrt(B).  After one epoch of 3,000 digits (MNIST),
          at one rate for all: 84% right with batches of 1, and 11% with batches of 512, which
          make only 6 steps.  With rates that grow as B all learn alike, until one is too large
Try       tn.schedules.Warmup in `train`, for batches of 512 and 0.05 B/32, and 20,000 digits
"""

from __future__ import annotations

import time

import matplotlib.pyplot as plt
import numpy as np
from tqdm import tqdm

import tinynet as tn
from tinynet.layers import Dense, Flatten

from .. import pictures
from ..claim import at_least, at_most

SIZES = (1, 8, 32, 128, 512)
RULES = {  # the learning rate for batches of B
    "0.02 for all": lambda B: 0.02,
    "0.02 B/32": lambda B: 0.02 * B / 32,
    "0.05 B/32": lambda B: 0.05 * B / 32,
}


def model(rng):
    """(N, 28, 28, 1) -> logits (N, 10)"""
    layers = [Flatten(), Dense(64, activation="relu"), Dense(10)]
    return tn.Sequential(layers, input_shape=(28, 28, 1), rng=rng)


# %% The gradient of a batch:   dJ/dW = 1/B sum_k dJ_k/dW   over its B pictures.
# The slides' SGD takes one picture, B = 1 (its step 5 forgets the index of dJ_i).  The last one, of
# B pictures, is still titled SGD; others call it mini-batch gradient descent.
def gradient(network, x, labels):
    """(N, 28, 28, 1), (N,) -> (parameters,)"""
    weights = network.parameters()
    for w in weights:
        w.grad = None
    tn.cross_entropy(network(x), labels).backward()
    return np.concatenate([tn.Tensor(w.grad).numpy().ravel() for w in weights])


# %% Its noise: how far it is from g, the gradient of all pictures.
#    noise(B) = sqrt(mean |g_B - g|^2) = noise(1) / sqrt(B)   for pictures drawn independently
# Four times the work, for half the noise.  Once the noise is less than |g|, that is a bad bargain.
def noise(network, data, draws, rng, device):
    def of(chosen):
        x = tn.Tensor(data.train[chosen]).to(device)
        return gradient(network, x, data.train_labels[chosen])

    count = len(data.train)
    g = of(np.arange(count))
    # The mean over batches that share out all pictures is g itself: no batch size is biased.
    parts = [of(np.arange(k, count, count // 8)) for k in range(count // 8)]
    squares = [  # with replacement: independently
        [((of(rng.integers(count, size=B)) - g) ** 2).sum() for _ in range(draws)] for B in SIZES
    ]
    return {
        "length": float(np.linalg.norm(g)),
        "bias": float(np.linalg.norm(np.mean(parts, axis=0) - g) / np.linalg.norm(g)),
        "noise": np.mean(squares, axis=1) ** 0.5,
    }


# %% The linear scaling rule.  B small steps w <- w - lr dJ_k/dW go nearly as far as one step of
#    w <- w - B lr (1/B sum_k dJ_k/dW)   as long as the slopes stay the same on the way.
# So the rate grows with B (Goyal et al., "Accurate, Large Minibatch SGD", 2017), up to where it is
# too large for any batch.
def train(B, lr, data, seed, device):
    network = model(np.random.default_rng(seed)).to(device)
    optimizer = tn.optim.SGD(network.parameters(), lr)
    learnt, rng = (data.train, data.train_labels), np.random.default_rng((seed, 1))
    batches = tn.data.batches(*learnt, size=B, rng=rng, device=device)
    losses, start = [], time.perf_counter()
    for x, labels in batches:  # one epoch
        optimizer.zero_grad()
        loss = tn.cross_entropy(network(x), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    seconds = time.perf_counter() - start
    return {
        "network": network,
        "curve": losses,
        "loss": tn.evaluate(network, learnt, tn.cross_entropy)["loss"],
        "accuracy": tn.metrics.accuracy(tn.predict(network, data.test), data.test_labels),
        "speed": len(data.train) / seconds,
    }


def main(count=3000, test=1000, seeds=3, draws=40, seed=0, device="cpu", full=False):
    """seeds: trainings of each kind.  draws: gradients of each size.  full: all pictures."""
    count, test = (None, None) if full else (count, test)
    data = pictures.mnist(count, test, seed)
    work = [(rule, B) for rule in RULES for B in SIZES]
    runs = {
        (rule, B): [train(B, RULES[rule](B), data, seed + i, device) for i in range(seeds)]
        for rule, B in tqdm(work, desc="one epoch", disable=None, leave=False)
    }
    rng = np.random.default_rng((seed, 2))
    few = data._replace(train=data.train[:4000], train_labels=data.train_labels[:4000])
    networks = {
        "before training": model(np.random.default_rng(seed)).to(device),
        "after an epoch": runs["0.02 for all", 8][0]["network"],
    }
    speeds = [max(run["speed"] for rule in RULES for run in runs[rule, B]) for B in SIZES]
    for B, speed in zip(SIZES, speeds, strict=True):
        print(f"  batches of {B:>3}: {speed:>9,.0f} pictures a second")
    return {
        "full": full,
        "source": data.source,
        "count": len(data.train),
        "runs": runs,
        "speeds": speeds,
        "noise": {name: noise(n, few, draws, rng, device) for name, n in networks.items()},
    }


def mean(results, rule, B, what):
    """The mean of a number over the trainings of one kind."""
    return float(np.mean([run[what] for run in results["runs"][rule, B]]))


def claims(results):
    same, scaled, bold = ([mean(results, rule, B, "loss") for B in SIZES] for rule in RULES)
    rows = []
    for when, r in results["noise"].items():
        halves = r["noise"][1:-1] / r["noise"][2:]  # 8 to 32, 32 to 128, 128 to 512
        rows += [
            at_most(f"{when}: |mean of all batches - g| / |g|", 1e-4, r["bias"]),
            at_least(f"{when}: noise of B over that of 4 B, least", 1.6, halves.min()),
            at_most(f"{when}: the same, most", 2.4, halves.max()),
        ]
    rows.append(at_least("0.02 for all: loss of 512 over that of 8", 2, same[4] / same[1]))
    alike = max(scaled[:4]) / min(scaled[:4])
    rows.append(at_most("0.02 B/32: 1 to 128, largest loss over smallest", 1.1, alike))
    if not results["full"]:  # with more steps it may find its way back
        rows.append(at_least("0.05 B/32: loss of 512 over that of 32", 1.2, bold[4] / bold[2]))
    return rows


# %% The figures.
def show(results):
    drawings = {"noise": draw_noise, "epoch": draw_epoch, "curves": draw_curves}
    return {what: draw(results) for what, draw in drawings.items()}


def draw_noise(results):
    figure, places = plt.subplots(1, 2, figsize=(9, 3.8), sharey=True, layout="constrained")
    for axes, (when, r) in zip(places, results["noise"].items(), strict=True):
        axes.loglog(SIZES, r["noise"], "o", label="noise, measured")
        axes.loglog(SIZES, r["noise"][0] / np.sqrt(SIZES), "k:", label="noise(1) / sqrt(B)")
        axes.axhline(r["length"], color="C3", label="length of g")
        axes.set(title=when, xlabel="batch size B", xticks=SIZES, xticklabels=SIZES)
        axes.minorticks_off()
    places[0].set_ylabel("length")
    places[0].legend()
    figure.suptitle(f"How far a batch's gradient is from g, that of all ({results['source']})")
    return figure


def draw_epoch(results):
    figure, places = plt.subplots(1, 3, figsize=(12, 3.8), layout="constrained")
    for axes, what in zip(places, ("loss", "accuracy"), strict=False):
        for rule in RULES:
            axes.plot(SIZES, [mean(results, rule, B, what) for B in SIZES], "o-", label=rule)
    places[0].set(title="training loss", ylabel="cross-entropy")
    places[1].set(title="test accuracy", ylabel="share right")
    places[2].plot(SIZES, results["speeds"], "ko-")
    places[2].set(title="speed on this machine", ylabel="pictures a second", yscale="log")
    for axes in places:
        axes.set(xlabel="batch size B", xscale="log")
        axes.set_xticks(SIZES, SIZES)
        axes.minorticks_off()
    places[0].legend(title="learning rate")
    figure.suptitle(f"After one epoch of {results['count']:,} pictures ({results['source']})")
    return figure


def draw_curves(results):
    figure, places = plt.subplots(1, 3, figsize=(12, 3.8), sharey=True, layout="constrained")
    for axes, rule in zip(places, RULES, strict=True):
        for B in SIZES:
            losses = results["runs"][rule, B][0]["curve"]
            width = max(1, 256 // B)  # the mean of 256 pictures, where a batch has fewer
            smooth = np.convolve(losses, np.full(width, 1 / width), "valid")
            axes.plot((np.arange(len(smooth)) + width) * B, smooth, label=f"B = {B}")
        axes.set(title=f"learning rate {rule}", xlabel="pictures seen", ylim=(0, 3))
    places[0].set_ylabel("loss before the step")
    places[0].legend()
    figure.suptitle(f"One epoch: batches of five sizes, and three rules ({results['source']})")
    return figure
