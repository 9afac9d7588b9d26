"""MNIST, low level: the same task with nothing but tensors, and what the slide's lines really do.

Slides    003_05cde12013bfe355.txt "TensorFlow: Convolution NN on MNIST dataset" (code, filters,
          activations, save and restore), and the page after it (tf.nn beside tf.layers)
Question  What is a network made of when there are no layers, no model and no fit?
Expect    MNIST, 1,500 digits three times: 92% right with the learning rate 0.001 that the slide
          sets, 78% with the 0.0001 that it uses; --full, 60,000 five times: 98.7% and 96.4%
Try       He's scale, sqrt(2 / inputs), for the 0.1 in `model`: how much lower is the first loss?
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn
from tinynet import plot
from tinynet.training.progress import Progress

from .. import pictures
from ..claim import at_least, at_most, equals

SHAPES = {"conv1": (5, 5, 1, 32), "conv2": (5, 5, 32, 64), "fc1": (3136, 1024), "fc2": (1024, 10)}
RATES = {1e-4: "1e-4, which the slide uses", 1e-3: "1e-3, which it sets and forgets"}
SAMPLE = 47  # the test picture that the slide looks at
COLUMNS = 6  # of its grid, which gets ceil(64 / 6) + 1 = 12 rows, and needs 11


# %% The weights: tensors in a dictionary.  weight_variable draws from a normal distribution of
#    deviation 0.1, and again what lies beyond 2 deviations; bias_variable is 0.1.
def model(rng, device="cpu"):
    weights = {}
    for layer, shape in SHAPES.items():
        w = rng.standard_normal(shape, dtype=np.float32)
        while (far := abs(w) > 2).any():
            w[far] = rng.standard_normal(far.sum(), dtype=np.float32)
        for name, start in (("W", 0.1 * w), ("b", np.full(shape[-1], 0.1, np.float32))):
            weights[f"{name}_{layer}"] = tn.Tensor(start, requires_grad=True, device=device)
    return weights


# %% The network: tf.nn's operations one by one.  Bias and activation, which one line of tf.layers
#    adds by itself, are written out.  keep_prob, the slide's placeholder: 0.5 to train, 1 to look.
def network(x, w, keep_prob=1.0, rng=None):
    """(N, 28, 28, 1) -> logits (N, 10), the maps (N, 14, 14, 64), fc1 (N, 1024)"""
    conv1 = tn.relu(tn.conv2d(x, w["W_conv1"], padding="same") + w["b_conv1"])  # (N, 28, 28, 32)
    pool1 = tn.max_pool2d(conv1, 2)  # (N, 14, 14, 32)
    conv2 = tn.relu(tn.conv2d(pool1, w["W_conv2"], padding="same") + w["b_conv2"])
    pool2 = tn.max_pool2d(conv2, 2)  # (N, 7, 7, 64)
    fc1 = tn.relu(pool2.reshape(len(x), 7 * 7 * 64) @ w["W_fc1"] + w["b_fc1"])  # (N, 1024)
    dropped = tn.dropout(fc1, 1 - keep_prob, rng) if keep_prob < 1 else fc1
    return dropped @ w["W_fc2"] + w["b_fc2"], conv2, fc1


def predict(digits, weights):
    batches = tn.data.batches(digits, size=250, device=weights["W_fc2"].device)
    with tn.no_grad():
        return np.concatenate([network(x, weights)[0].numpy() for (x,) in batches])


# %% The training, by hand.  The slide takes the batches in order, and prints the accuracy on each
#    batch before it learns from it.  After the step the same batch looks better.
def train(data, lr, epochs, size, seed, device):
    rng = np.random.default_rng(seed)
    weights = model(rng, device)
    optimizer = tn.optim.Adam(weights.values(), lr)
    batches = tn.data.batches(data.train, data.train_labels, size=size, device=device)
    said, losses, seen = Progress(epochs), [], []
    for epoch in range(epochs):
        said.start(epoch + 1, len(batches), "images")
        for i, (x, labels) in enumerate(batches, 1):
            before = predict(x, weights) if i % 5 == 0 else None
            optimizer.zero_grad()
            loss = tn.cross_entropy(network(x, weights, 0.5, rng)[0], labels)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
            if before is not None:
                seen.append([tn.metrics.accuracy(z, labels) for z in (before, predict(x, weights))])
            said.batch(i, len(x), {"loss": losses[-1]})
        right = tn.metrics.accuracy(predict(data.test, weights), data.test_labels)
        said.end({"test accuracy": right})
    return {"weights": weights, "losses": losses, "seen": seen, "accuracy": right}


# %% getActivations reshapes columns first (order="F") what the network reads rows first.  The slide
#    gives it a picture that is flat already, which changes nothing; one of 28 x 28 is transposed.
def as_on_the_slide(picture):
    return np.reshape(picture, (1, 784), order="F").reshape(28, 28)


# %% dropout(h, 1 - keep_prob).  In TF1 the second argument is the share to keep (in TF2 it became
#    the share to drop):  dropout(h, keep) = h / keep * floor(keep + r),  r uniform in [0, 1)
# So the slide keeps 1 - keep_prob: at 0.5 nobody sees it; to look, at 1, it divides by 0.
def tf1_dropout(h, keep, rng):
    return h / np.float32(keep) * np.floor(keep + rng.random(h.shape, np.float32))


@np.errstate(divide="ignore", invalid="ignore")
def dropouts(hidden, weights, labels):
    """(calls, 6, 3): keep_prob, share of the layer (N, 1024) that is kept, accuracy."""
    w, b = weights["W_fc2"].numpy(), weights["b_fc2"].numpy()
    found = ([], [])
    for keep_prob in (0.1, 0.3, 0.5, 0.7, 0.9, 1.0):
        for rows, keep in zip(found, (1 - keep_prob, keep_prob), strict=True):  # slide's, right
            h = tf1_dropout(hidden, keep, np.random.default_rng(0))
            answers = (h @ w + b).argmax(axis=1)  # where all ten are NaN, the first: 0
            rows.append((keep_prob, (h > 0).sum() / (hidden > 0).sum(), (answers == labels).mean()))
    return np.array(found)


# %% Save and restore: the dictionary goes into a file as it is, and comes back as arrays.
def restored(weights, device):
    with tempfile.TemporaryDirectory() as folder:
        state = tn.load(tn.save(Path(folder) / "model.npz", weights))
    return {name: tn.Tensor(values).to(device) for name, values in state.items()}


def main(train_count=1500, test_count=1000, epochs=3, size=50, seed=0, device="cpu", full=False):
    """full: all pictures, 5 epochs, batches of 1000."""
    if full:
        train_count, test_count, epochs, size = None, None, 5, 1000
    data = pictures.mnist(train_count, test_count, seed)
    runs = {lr: train(data, lr, epochs, size, seed, device) for lr in RATES}
    weights = runs[1e-3]["weights"]
    labels = data.test_labels[:500]
    with tn.no_grad():
        _, conv2, fc1 = network(tn.Tensor(data.test[:500]).to(device), weights)
    return {
        "full": full,
        "data": data,
        "runs": runs,
        "as it is": predict(data.test, weights),
        "restored": predict(data.test, restored(weights, device)),
        "transposed": predict(data.test.transpose(0, 2, 1, 3), weights),
        "dropouts": dropouts(fc1.numpy(), weights, labels),
        "maps": conv2.numpy()[SAMPLE].transpose(2, 0, 1),  # (64, 14, 14)
    }


def claims(results):
    slide, right = results["dropouts"]
    fast, slow = results["runs"][1e-3], results["runs"][1e-4]
    sizes = [fast["weights"][f"W_{name}"].size + shape[-1] for name, shape in SHAPES.items()]
    later = np.diff(fast["seen"] + slow["seen"]).mean()
    picture = results["data"].test[SAMPLE, :, :, 0]
    labels = results["data"].test_labels
    wrong = tn.metrics.accuracy(results["transposed"], labels)
    difference = abs(results["restored"] - results["as it is"]).max()
    return [
        equals("parameters", "832 51,264 3,212,288 10,250", " ".join(f"{n:,}" for n in sizes)),
        equals("in all", "3,274,634", f"{sum(w.size for w in fast['weights'].values()):,}"),
        equals("reshape(order='F') transposes", picture.T, as_on_the_slide(picture)),
        at_most("test accuracy on transposed pictures", 0.6, wrong),
        equals("rows of its grid (the slide makes 12)", 11, -(-len(results["maps"]) // COLUMNS)),
        equals("the slide's dropout, keep_prob 0.5: kept, as it should", right[2, 1], slide[2, 1]),
        at_most("the same, keep_prob 0.9: share kept", 0.11, slide[4, 1]),
        equals("the same, keep_prob 1, to look: share kept", 0, slide[5, 1]),
        equals("its accuracy: all NaN, which reads as 0", (labels[:500] == 0).mean(), slide[5, 2]),
        at_least("accuracy on a batch, after the step minus before", 0, later),
        equals("restored weights: largest difference of a logit", 0, difference),
        at_least("test accuracy, 1e-3", 0.985 if results["full"] else 0.8, fast["accuracy"]),
        at_least("the same minus that of 1e-4", 0, fast["accuracy"] - slow["accuracy"]),
    ]


# %% The figures.
def show(results):
    source, label = results["data"].source, results["data"].test_labels[SAMPLE]
    filters = results["runs"][1e-3]["weights"]["W_conv1"].numpy()[:, :, 0].transpose(2, 0, 1)
    title = f"{source}: conv2's 64 maps of a {label}"
    filters = plot.grid(filters, (), f"{source}: 32 filters of 5 x 5", COLUMNS)
    maps = plot.grid(results["maps"], (), title, COLUMNS, 0.9)
    return {"slide": draw_slide(results), "filters": filters, "maps": maps}


def draw_slide(results):
    figure, axes = plt.subplots(2, 2, figsize=(9, 7), layout="constrained")
    picture = results["data"].test[SAMPLE, :, :, 0]
    both = {"as it is": picture, "transposed": as_on_the_slide(picture)}
    for place, (name, shown) in zip(axes[0], both.items(), strict=True):
        p = tn.softmax(tn.Tensor(results[name][SAMPLE])).numpy()
        plot.picture(place, shown, f"{name}: read as a {p.argmax()}, p = {p.max():.1%}")
    dropout, rates = axes[1]
    slide, right = results["dropouts"]
    dropout.plot(slide[:, 0], slide[:, 1], "C3o-", label="dropout(h, 1 - keep_prob), the slide's")
    dropout.plot(right[:, 0], right[:, 1], "C0o-", label="dropout(h, keep_prob)")
    dropout.set(title="dropout in TF1", xlabel="keep_prob", ylabel="share kept", ylim=(-0.05, 1.4))
    for (lr, name), color in zip(RATES.items(), ("C3", "C0"), strict=True):
        run = results["runs"][lr]
        rates.semilogy(run["losses"], color, label=f"{name}: {run['accuracy']:.1%} right")
    rates.set(title="learning rate", xlabel="step", ylabel="cross-entropy of the batch")
    dropout.legend(loc="upper center")
    rates.legend(fontsize=8)
    figure.suptitle(f"{results['data'].source}: order='F', dropout's argument, a forgotten rate")
    return figure
