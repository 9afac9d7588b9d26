"""Loss: how wrong a prediction is, in one number, and whether I will pass this class.

Slides    001_2cc8296d8a649d23.txt "Will I Pass This Class?" to "Mean Squared Error Loss",
          002_cc530217572c2621.txt "Training Using Backpropagation" (cat 0.8, dog 0.2),
          003_05cde12013bfe355.txt "Training..." (13 times .1, and the target for a 7)
Question  How wrong are 0.1, 0.8 and 0.6, and will I pass this class?
Expect    1.4743, when the labels are restored that the slide lost; why the code printed beside it
          computes something else; and a trained neuron that gives the first student about 0.8
Try       start at w = [-5, -5] in `train`, then also with tn.mse(tn.sigmoid(z), labels) for the
          loss: one of the two never learns.  Which, and why?
"""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import numpy as np
from tqdm import tqdm

import tinynet as tn

from ..claim import at_most, equals

X = [[4, 5], [2, 1], [5, 8]]  # three students; what the columns count is lost with the drawing
F = [0.1, 0.8, 0.6]  # what the untrained network says of them
# In the place of y the slide has a cross, a cross and a tick.  Those say whether a prediction was
# right, and are no labels.  Read as labels they would be (0, 0, 1).  The lecture that the slide was
# taken from (MIT 6.S191) has (1, 0, 1), for which indeed 0.1 and 0.8 are wrong and 0.6 is right.
LABELS, TICKS_AS_LABELS = [1, 0, 1], [0, 0, 1]
GRADES = [30, 80, 85]  # predicted final grades; here too y is a cross, a cross and a tick
GRADES_FROM_OUTSIDE = [90, 20, 95]  # the same lecture's; not on the slide
PRINTED_OUTPUT = [0.1] * 13  # "no preference" for one of ten digits, but printed 13 times


# %% Empirical loss: the mean of each example's loss.   J = 1/n sum_i L(f(x_i), y_i)
# Binary cross-entropy:   L = -(y log f + (1 - y) log(1 - f))
# For y = 1 only the first term is left, for y = 0 only the second: -log of the probability that the
# network gave to the truth.  (The slide's braces say "Actual" twice; f is the predicted.)
def slide_bce(labels, device="cpu"):
    return tn.bce(tn.Tensor(F).to(device), tn.Tensor(labels).to(device)).item()


# %% The code on the slide is softmax_cross_entropy_with_logits(y, predicted):
#    L = -sum_k y_k log softmax(predicted)_k
# another loss, over K classes, of logits: any real numbers, which it turns into probabilities.
def printed_code(labels, predicted, device="cpu"):
    y, f = tn.Tensor(labels).to(device), tn.Tensor(predicted).to(device)
    return -(y * tn.log_softmax(f)).sum(axis=-1).mean().item() + 0.0  # 0, not -0


# Three students in a column, (3, 1), are three examples of ONE class, which softmax gives 1 always:
# the loss is 0 and its gradient is 0, whatever the network says.  In a row, (3,), they are one
# student who belongs to three classes.  With two classes, fail and pass, it runs, and squashes what
# are probabilities already: even a perfect prediction costs log(1 + 1/e).
def readings_of_printed_code(device="cpu"):
    f, y = np.float32(F), np.float32(LABELS)
    two_columns = np.stack([1 - y, y], axis=-1)  # (3, 2): fail, pass
    return {
        "column": printed_code(y[:, None], f[:, None], device),
        "row": printed_code(y, f, device),
        "perfect": printed_code(two_columns, two_columns, device),
    }


# The right function for logits z = log(f / (1 - f)) gives the slide's formula again.
def bce_of_logits(device="cpu"):
    f = tn.Tensor(F).to(device)
    return tn.bce_with_logits(tn.log(f / (1 - f)), tn.Tensor(LABELS).to(device)).item()


# %% Mean squared error:   J = 1/n sum_i (y_i - f_i)^2
def slide_mse(grades, device="cpu"):
    return tn.mse(tn.Tensor(GRADES).to(device), tn.Tensor(grades).to(device)).item()


# Total error, for cat 0.8 and dog 0.2:   E = sum_k 1/2 (t_k - o_k)^2, a sum of halves, not a mean
def total_error(target=(1, 0), output=(0.8, 0.2), device="cpu"):
    """The slide prints no target; (1, 0) says that it is a cat."""
    o, t = tn.Tensor(list(output)).to(device), tn.Tensor(list(target)).to(device)
    return (tn.mse(o, t, reduction="sum") / 2).item()


# A network that prefers no class:   -log(1 / K) = log K, whatever the label
def untrained_loss(classes=10, label=7, device="cpu"):
    logits = tn.Tensor(np.zeros((1, classes))).to(device)
    return tn.cross_entropy(logits, tn.Tensor(np.array([label])).to(device)).item()


# %% Losses as curves, for a student who passes (y = 1), and how hard they push on the logit z:
#    dBCE/dz = f - y,   d(f - y)^2/dz = 2 (f - y) f (1 - f)
# The squared error forgives who is sure and wrong: f (1 - f) is nearly 0, and nothing is learnt.
def curves(device):
    f = tn.Tensor(np.linspace(0.005, 0.995, 199)).to(device)
    ones = tn.Tensor(np.ones(199)).to(device)
    pushes = []
    for loss in (tn.bce_with_logits, lambda z, y, reduction: tn.mse(tn.sigmoid(z), y, reduction)):
        z = tn.Tensor(tn.log(f / (1 - f)).data, requires_grad=True)
        loss(z, ones, reduction="sum").backward()
        pushes.append(-tn.Tensor(z.grad).numpy())
    return {
        "f": f.numpy(),
        "bce, y = 1": tn.bce(f, ones, reduction="none").numpy(),
        "bce, y = 0": tn.bce(f, 0 * ones, reduction="none").numpy(),
        "squared": tn.mse(f, ones, reduction="none").numpy(),
        "printed": -tn.log_softmax(tn.stack([1 - f, f], axis=-1))[:, 1].numpy(),
        "push of bce": pushes[0],
        "push of squared": pushes[1],
    }


# %% Will I pass?  One neuron,  f = sigmoid(x w + b),  learns from students before me.  They are
# invented: lectures attended, hours studied, and a rule that says how likely each is to pass.
def rule(x):
    """A lecture counts as much as two hours.  (N, 2) -> (N,)"""
    return tn.sigmoid(tn.matmul(x, [1.0, 0.5]) - 5).numpy()


def students(count, rng):
    x = rng.random((count, 2), dtype=np.float32) * np.float32([6, 10])  # lectures, hours
    return x, (rng.random(count) < rule(x)).astype(np.float32)


def train(count, steps, lr, seed, device):
    x, y = students(count, np.random.default_rng(seed))
    inputs, labels = tn.Tensor(x).to(device), tn.Tensor(y).to(device)
    start = [[0.0, 0.0], 0.0]  # z = 0 and f = 1/2 for everyone: no preference yet
    w, b = (tn.Tensor(n, requires_grad=True, device=device) for n in start)
    optimizer = tn.optim.SGD([w, b], lr, momentum=0.9)
    losses = []
    for _ in tqdm(range(steps), desc="will I pass", disable=None, leave=False):
        optimizer.zero_grad()
        z = inputs @ w + b
        loss = tn.bce_with_logits(z, labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with tn.no_grad():
        answer = tn.sigmoid(tn.Tensor(X).to(device) @ w + b).numpy()
    return {"x": x, "y": y, "w": w.numpy(), "b": b.item(), "losses": losses, "answer": answer}


def main(count=1000, steps=600, lr=0.05, seed=0, device="cpu", full=False):
    """full: ten times as many students to learn from."""
    return {
        "bce": slide_bce(LABELS, device),
        "bce of ticks": slide_bce(TICKS_AS_LABELS, device),
        "bce of logits": bce_of_logits(device),
        "printed code": readings_of_printed_code(device),
        "mse": slide_mse(GRADES_FROM_OUTSIDE, device),
        "total error": total_error(device=device),
        "untrained": untrained_loss(device=device),
        "curves": curves(device),
    } | train(count * (10 if full else 1), steps, lr, seed, device)


def claims(results):
    code = results["printed code"]
    error = abs(results["answer"] - rule(X)).max()
    return [
        equals("BCE, labels (1, 0, 1) from outside the slide", 1.4743, round(results["bce"], 4)),
        equals("BCE, cross and tick as labels", 0.7419, round(results["bce of ticks"], 4)),
        equals("BCE of the logits", 1.4743, round(results["bce of logits"], 4)),
        equals("the slide's code on a column: always", 0, code["column"]),
        equals("on a row of three", 2.5791, round(code["row"], 4)),
        equals("on two classes, all perfect: not 0", 0.3133, round(code["perfect"], 4)),
        equals("MSE, grades from outside the slide", 2433.33, round(results["mse"], 2)),
        equals("total error, cat 0.8 and dog 0.2", 0.04, round(results["total error"], 4)),
        equals("sum of the slide's 13 x .1 (10 make 1)", 1.3, round(sum(PRINTED_OUTPUT), 4)),
        equals("untrained, 10 classes: ln 10", 2.30259, round(results["untrained"], 5)),
        equals("my neuron untrained: ln 2", 0.69315, round(results["losses"][0], 5)),
        equals("who passes, after training", LABELS, results["answer"].round()),
        at_most("their probabilities: away from the rule's", 0.05, error),
    ]


# %% The figures.
def show(results):
    return {"curves": draw_curves(results["curves"]), "pass": draw_pass(results)}


def draw_curves(r):
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    for y, color in ((1, "C2"), (0, "C3")):
        left.plot(r["f"], r[f"bce, y = {y}"], color=color, label=f"y = {y}")
    for f, y in zip(F, LABELS, strict=True):
        loss = -math.log(f if y else 1 - f)
        left.plot(f, loss, "ko")
        left.text(
            f + (0.03 if y else -0.03), loss + 0.1, f"{loss:.2f}", ha="left" if y else "right"
        )
    left.set(title="BCE: the three students, mean 1.47", xlabel="f", ylabel="loss", ylim=(0, 4))
    left.legend(loc="upper center")

    middle.plot(r["f"], r["bce, y = 1"], color="C2", label="BCE, -log f")
    middle.plot(r["f"], r["squared"], label="squared error, (1 - f)²")
    middle.plot(r["f"], r["printed"], "--", label="the slide's code, two classes")
    middle.axhline(0, color="C3", linestyle="--", label="the slide's code, a column")
    middle.set(title="losses of a student who passes", xlabel="f", ylim=(-0.1, 4))
    middle.legend()

    for name, color in (("bce", "C2"), ("squared", "C0")):
        right.plot(r["f"], r[f"push of {name}"], color=color, label=name)
    right.set(title="how hard they push on the logit", xlabel="f", ylabel="-dL/dz")
    right.legend()
    figure.suptitle("Losses: what they charge for a prediction f, and what they do about it")
    return figure


def draw_pass(results):
    figure, axes = plt.subplots(figsize=(7.5, 5.4), layout="constrained")
    (w1, w2), b = results["w"], results["b"]
    lectures, hours = np.meshgrid(np.linspace(0, 6, 121), np.linspace(0, 10, 121))
    p = tn.sigmoid(w1 * lectures + w2 * hours + b).numpy()
    colors = axes.contourf(lectures, hours, p, np.linspace(0, 1, 11), cmap="RdBu", alpha=0.8)
    figure.colorbar(colors, label="probability to pass, as learnt")
    for y, mark, name in ((1, "o", "passed"), (0, "x", "failed")):
        shown = results["x"][:200][results["y"][:200] == y]
        axes.plot(*shown.T, mark, color="0.25", markersize=4, alpha=0.6, label=name)
    for x, answer in zip(X, results["answer"], strict=True):
        axes.plot(*x, "*", color="white", markeredgecolor="black", markersize=18)
        axes.annotate(f"{answer:.0%}", x, (10, 8), textcoords="offset points", fontsize=13,
                      bbox={"facecolor": "white", "boxstyle": "round"})  # fmt: skip
    axes.plot([], [], "*", color="white", markeredgecolor="black", label="the slide's three")
    axes.set(xlabel="lectures attended", ylabel="hours studied", xlim=(0, 6), ylim=(0, 10))
    axes.legend(loc="lower left", framealpha=1)
    figure.suptitle("Will I pass this class?  Learnt from invented students (200 shown)")
    return figure
