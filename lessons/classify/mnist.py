"""MNIST: the Keras network that reads digits, and a softmax that stands there twice.

Slides    003_05cde12013bfe355.txt "Convolution NN on MNIST dataset with Keras"
Question  What does one line too many cost: a softmax at the end, and a loss that adds its own?
Expect    MNIST, 2,500 digits twice: 94% right with one softmax, less with two, whose loss stays
          above 1.46; --full, all 60,000 five times: 99.6%, with a rate that falls to 0 (the
          slide's stays at 0.001)
Try       constant rate: lr=0.001 in `train`.  Where do the last tenths of a percent go?
"""

from __future__ import annotations

import math
import warnings

import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn
from tinynet import layers, plot

from .. import pictures
from ..claim import at_least, at_most, equals

ROWS = [320, 128, 9248, 128, 18496, 256, 36928, 256, 524800, 2048, 5130]  # of layers with weights
AUGMENTATION = {"rotate": 8, "shift": 0.08, "shear": 0.3, "zoom": 0.08}
LEAST = math.log(1 + 9 / math.e)  # with two softmaxes: the loss of a perfect answer


# %% The network, as on the slide but for its last line, Activation("softmax"): the loss has it.
def model(rng, momentum=0.99):
    """(N, 28, 28, 1) -> logits (N, 10).  momentum: of batch-norm; Keras' own is 0.99."""
    network = tn.Sequential(input_shape=(28, 28, 1), rng=rng)
    for filters in (32, 64):
        for _ in range(2):
            network.add(layers.Conv2D(filters, 3))
            network.add(layers.BatchNormalization(momentum=momentum))
            network.add(layers.Activation("relu"))
        network.add(layers.MaxPooling2D(2))
    network.add(layers.Flatten())
    network.add(layers.Dense(512))
    network.add(layers.BatchNormalization(momentum=momentum))
    network.add(layers.Activation("relu"))
    network.add(layers.Dropout(0.2))
    network.add(layers.Dense(10))
    return network


# %% One softmax: p = softmax(z), loss = -log p_y.  Two: the slide's network ends in a softmax, and
#    its loss, with from_logits=True, adds one: p = softmax(z), q = softmax(p), loss = -log q_y.
# As p lies in [0, 1], q_y is at most e / (e + 9) = 0.232: the loss never falls below
# log(1 + 9/e) = 1.4612.  And the gradient has to pass two softmaxes:
#    one: dz = p - y        two: dp = q - y,  dz = p (dp - sum(p dp))
# where p is nearly 0, as for the right class of a bad mistake, dz of two is nearly 0 as well.
# tinynet warns of the second softmax.  Here it is meant, so the warning is switched off.  (Keras
# on TensorFlow often sees it, takes its input, and warns.  Others do as told.)
def once(z, labels):
    return tn.cross_entropy(z, labels)


def twice(z, labels):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tn.MistakeWarning)
        return tn.cross_entropy(tn.softmax(z), labels)


def slopes(loss, margins, device):
    """-d loss / d z of the right class, whose logit is so much above the other nine, all 0."""
    z = np.zeros((len(margins), 10))
    z[:, 0] = margins
    z = tn.Tensor(z, requires_grad=True, device=device)
    (loss(z, [0] * len(z)) * len(z)).backward()  # the sum: each example has its own slope
    return -tn.Tensor(z.grad).numpy()[:, 0]


# %% Augmentation: each digit a little turned, moved, slanted and resized, anew in every epoch.
# Keras takes shear_range in degrees: 0.3 of them move no pixel of 28 x 28 by a tenth of a pixel.
# 0.3 radians, 17 degrees, is what the slide may have meant.
def augment(digits, rng):
    return tn.data.augment.affine(digits, rng, **AUGMENTATION)


def augmented(digits, seed):
    """The same draws for each setting alone."""
    settings = [{name: value} for name, value in AUGMENTATION.items()]
    settings += [{"shear": round(math.degrees(0.3), 1)}, AUGMENTATION]
    names = [" ".join(f"{k} {v:g}" for k, v in s.items()) for s in settings[:-1]] + ["all four"]
    rows = [tn.data.augment.affine(digits, np.random.default_rng(seed), **s) for s in settings]
    return {"as they are": digits} | dict(zip(names, rows, strict=True))


# %% The training, for both losses from the same weights and on the same batches.
def train(data, loss, epochs, momentum, seed, device):
    network = model(np.random.default_rng(seed), momentum).to(device)
    batches = tn.data.batches(
        data.train, data.train_labels, size=64, rng=np.random.default_rng((seed, 1)),
        device=device, augment=augment, prefetch=True,
    )  # fmt: skip
    lr = tn.schedules.Cosine(0.001, epochs * len(batches))
    losses = []

    def recorded(z, labels):
        value = loss(z, labels)
        if z.requires_grad:  # in training, not in validation
            losses.append(value.item())
        return value

    history = tn.fit(
        network, batches, recorded, tn.optim.Adam(network.parameters(), lr), epochs,
        validation=(data.test, data.test_labels), metrics=[tn.metrics.accuracy],
    )  # fmt: skip
    p = tn.softmax(tn.Tensor(tn.predict(network, data.test))).numpy()
    return {"losses": np.array(losses), "history": history, "p": p}


def main(train_count=2500, test_count=1000, epochs=2, seed=0, device="cpu", full=False):
    """full: all pictures, 5 epochs."""
    if full:
        train_count, test_count, epochs = None, None, 5
    data = pictures.mnist(train_count, test_count, seed)
    momentum = 0.99 if full else 0.9  # 0.99 needs some hundred steps: its averages lag
    network = model(np.random.default_rng(seed))
    margins = np.linspace(-12, 12, 97)
    return {
        "full": full,
        "data": data,
        "rows": [row.parameters for row in network.rows() if row.parameters],
        "trained": sum(p.size for p in network.parameters()),
        "margins": margins,
        "slopes": [slopes(loss, margins, device) for loss in (once, twice)],
        "augmented": augmented(data.train[:10], seed),
        "runs": [train(data, loss, epochs, momentum, seed, device) for loss in (once, twice)],
    }


def claims(results):
    rows, (one, two) = results["augmented"], results["runs"]
    ratio = dict(zip(results["margins"], results["slopes"][0] / results["slopes"][1], strict=True))
    least = twice(tn.Tensor([[1000.0] + [0.0] * 9]), [0]).item()
    ahead = one["history"]["accuracy"][0] - two["history"]["accuracy"][0]
    right = one["history"]["validation accuracy"][-1]
    shear, shift = (abs(rows[n] - rows["as they are"]).mean() for n in ("shear 0.3", "shift 0.08"))
    return [
        equals("parameters, layer by layer", ROWS, results["rows"]),
        equals("parameters in all", 597738, sum(results["rows"])),
        equals("of these trained", 596330, results["trained"]),
        equals("two softmaxes: loss of a perfect answer", 1.4612, round(least, 4)),
        at_least("the smallest loss of the training with two", 1.4611, two["losses"].min()),
        equals("logits all equal: slope with one over that with two", 10, round(ratio[0], 4)),
        at_least("the right logit 8 below the others: the same", 1000, ratio[-8]),
        at_most("shear 0.3: change of a digit, over that by shift 0.08", 0.05, shear / shift),
        at_least("test accuracy", 0.992 if results["full"] else 0.88, right),
        at_least("accuracy in the first epoch, one softmax minus two", 0, ahead),
    ]


# %% The figures.
def show(results):
    draw = {"augmented": draw_augmented, "softmaxes": draw_softmaxes, "mistakes": draw_mistakes}
    return {what: function(results) for what, function in draw.items()}


def draw_augmented(results):
    rows = results["augmented"]
    figure, axes = plt.subplots(len(rows), 10, figsize=(8, 6.2), layout="constrained")
    for line, (name, digits) in zip(axes, rows.items(), strict=True):
        for place, digit in zip(line, digits, strict=True):
            plot.picture(place, digit, limits=(0, 1))
        line[0].set_ylabel(name, rotation=0, ha="right", va="center")
    figure.suptitle(f"{results['data'].source}: the slide's augmentation; angles in degrees")
    return figure


def draw_softmaxes(results):
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(12, 3.8), layout="constrained")
    styles = (("C0", "one softmax"), ("C3", "two softmaxes"))
    for (color, name), slope, run in zip(styles, results["slopes"], results["runs"], strict=True):
        window = max(1, len(run["losses"]) // 20)
        smooth = np.convolve(run["losses"], np.full(window, 1 / window), "valid")
        left.plot(np.arange(len(smooth)) + window, smooth, color, label=name)
        middle.semilogy(results["margins"], slope, color, label=name)
        accuracies = run["history"]["validation accuracy"]
        right.plot(range(1, len(accuracies) + 1), accuracies, f"{color}o-", label=name)
    left.axhline(LEAST, color="black", linestyle=":", label="log(1 + 9/e)")
    left.set(title="training loss", xlabel="step", ylabel="cross-entropy", ylim=(0, None))
    middle.set(title="pull on the right logit", ylabel="-d loss / d logit", xlabel="logit - others")
    right.set(
        title="test accuracy",
        xlabel="epoch",
        ylabel="share right",
        xticks=range(1, len(accuracies) + 1),
    )
    left.legend()
    figure.suptitle(f"{results['data'].source}: one softmax, or two")
    return figure


def draw_mistakes(results):
    p, truth = results["runs"][0]["p"], results["data"].test_labels
    right = p[np.arange(len(p)), truth]
    worst = np.argsort(right)[:20]
    titles = [f"{truth[i]}: {right[i]:.1%}\n{p[i].argmax()}: {p[i].max():.1%}" for i in worst]
    wrong = f"{results['data'].source}: {(p.argmax(axis=1) != truth).sum()} mistakes in {len(p):,}."
    title = f"{wrong}  Above: p of the true digit, and the answer with its own"
    return plot.grid(results["data"].test[worst], titles, title, columns=10, width=1.2)
