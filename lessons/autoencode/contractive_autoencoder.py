"""Contractive autoencoder: a code that moves little when the picture does.

Slides    003_05cde12013bfe355.txt "Contractive autoencoders", "Denoising autoencoders"
Question  What is this penalty, which no slide writes out, and what does it contract?
Expect    3,000 digits (MNIST), 6 epochs, lambda = 1: noise on the picture moves the code 27% less
          than without the penalty, a shift of the digit 15% less, both beside the distance of two
          digits' codes.  That is 14% smaller too, so that the bare figures are 38% and 27%.  Of the
          308 directions in the picture that move the code by more than a tenth of the largest, 64
          are left.  The price: an error on test digits of 0.022 in the place of 0.016.
          A denoising autoencoder's code moves 1% less, its reconstruction 10%
Try       a lambda of 0.1, and of 10, in KINDS.  What comes back of a digit if nothing may move?
"""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import numpy as np
from tqdm import tqdm

import tinynet as tn
from tinynet import plot

from .. import pictures
from ..claim import at_least, at_most

KINDS = {"plain": (0, 0), "contractive": (1, 0), "denoising": (0, 0.5)}  # lambda, noise: its std
SHOWN = 5  # pictures of each set in a figure


# %% An encoder of one layer, and a decoder with the same weights, transposed ("tied").
#    h = sigmoid(W x + b),    logits = W^T h + c        (kernel: W^T, since examples are rows)
# A decoder with weights of its own would help to cheat: W / 10 in the encoder moves the code ten
# times less, 10 times the weights in the decoder undo it, and nothing is contracted.  Tied weights
# hinder this; they do not exclude all of it.
def encode(x, kernel, bias):
    """(N, D), (D, M), (M,) -> (N, M)"""
    return tn.sigmoid(x @ kernel + bias)


class Autoencoder(tn.Module):
    def __init__(self, D, M, rng):
        self.kernel = tn.Tensor(tn.init.glorot_uniform((D, M), rng), requires_grad=True)
        self.bias = tn.Tensor(tn.init.zeros((M,)), requires_grad=True)
        self.output_bias = tn.Tensor(tn.init.zeros((D,)), requires_grad=True)

    def encode(self, x):
        return encode(x, self.kernel, self.bias)

    def decode(self, h):
        return h @ self.kernel.transpose(1, 0) + self.output_bias

    def forward(self, x):
        return self.decode(self.encode(x))


def model(rng):
    """Overcomplete, 784 - 1024 - 784.  (N, 784) -> logits (N, 784)"""
    return Autoencoder(784, 1024, rng)


# %% The penalty (Rifai et al., "Contractive Auto-Encoders", 2011).  The Jacobian of the code is
#    J_ji = dh_j / dx_i = h_j (1 - h_j) W_ji        since sigmoid' = sigmoid (1 - sigmoid)
#    ||J||_F^2 = sum_j sum_i J_ji^2 = sum_j (h_j (1 - h_j))^2 sum_i W_ji^2
# It is made of derivatives, but written out it is a loss like any other: backward() needs no second
# derivatives from the engine.  J itself, (N, 1024, 784), is never built.
def contraction(h, kernel):
    """Mean over the batch of ||J||_F^2.  (N, M), (D, M) -> ()"""
    slope = h * (1 - h)  # (N, M)
    squares = (kernel**2).sum(axis=0)  # (M,)
    return (slope**2 @ squares).mean()


def loss(network, x, target, strength):
    """BCE, summed over the pixels, + lambda ||J||_F^2, mean over the batch.  strength: lambda"""
    number = isinstance(strength, int | float) and not isinstance(strength, bool)
    if not number or not 0 <= strength < math.inf:
        raise ValueError(
            "loss: strength, the lambda of the penalty, must be at least 0 and finite, received "
            f"{strength!r}. Try 1."
        )
    h = network.encode(x)
    reconstruction = tn.bce_with_logits(network.decode(h), target, reduction="sum") / len(target)
    return reconstruction + strength * contraction(h, network.kernel)


def train(x, kind, epochs, lr, seed, device):
    strength, noise = KINDS[kind]
    rng = np.random.default_rng(seed)
    network = model(rng).to(device)
    optimizer = tn.optim.Adam(network.parameters(), lr)
    batches = tn.data.batches(x, size=64, rng=rng, device=device)
    for _ in tqdm(range(epochs), desc=f"{kind}, epochs", disable=None, leave=False):
        for (clean,) in batches:
            optimizer.zero_grad()
            value = loss(network, tn.gaussian_noise(clean, noise, rng), clean, strength)
            value.backward()
            optimizer.step()
    return network


# %% Is it right?  Column i of J, by (h(x + s e_i) - h(x - s e_i)) / 2s, in float64.
def numerical_jacobian(x, kernel, bias, step=1e-5):
    """(D,), (D, M), (M,) -> J (M, D)"""
    steps = step * np.eye(len(x))  # a row for each pixel
    forth, back = (encode(tn.Tensor(x + s), kernel, bias).numpy() for s in (steps, -steps))
    return (forth - back).T / (2 * step)


def penalty_error(x, kernel, bias):
    """The relative difference between ||J||_F^2 by the formula and by differences, at x (D,)."""
    x, kernel, bias = (a.astype(np.float64) for a in (x, kernel, bias))
    right = (numerical_jacobian(x, kernel, bias) ** 2).sum()
    h = encode(tn.Tensor(x[None]), kernel, bias)
    return float(abs(contraction(h, tn.Tensor(kernel)).item() / right - 1))


# %% How much does f move when x does?   mean over x of |f(x + e) - f(x)| / |e|
# e is noise, or the way that a digit goes when it is written a little differently.  A code that is
# only smaller moves less, too: its distances are divided by the mean distance of two codes.
def sensitivity(f, x, e, length=0.1):
    e = length * e / np.linalg.norm(e, axis=1, keepdims=True)
    return float(np.linalg.norm(f(x + e) - f(x), axis=1).mean() / length)


def spread(h):
    """Mean distance between a code and that of the next picture.  (N, M) -> float"""
    return float(np.linalg.norm(h - np.roll(h, 1, axis=0), axis=1).mean())


def moves(images, rng):
    """Directions e (N, 784), by name.  images: (N, 28, 28, 1)"""
    cos, sin = math.cos(0.05), math.sin(0.05)  # of 3 degrees
    turned = tn.data.augment.warp(images, [[cos, -sin, 0], [sin, cos, 0]], "zeros")
    noise = rng.standard_normal(images.shape, dtype=np.float32)
    shift = np.roll(images, 1, axis=2) - images
    found = {"noise": noise, "a shift": shift, "a rotation": turned - images}
    return {name: e.reshape(len(e), -1) for name, e in found.items()}


@tn.no_grad()
def measure(network, sets, directions, device):
    def code(x):
        return network.encode(tn.Tensor(x).to(device)).numpy()

    def reconstruction(x):
        return tn.sigmoid(tn.Tensor(tn.predict(network, x))).numpy()

    x, kernel = sets["digits"], network.kernel.numpy()
    h = code(x)
    apart = spread(h)
    jacobians = (h * (1 - h))[:SHOWN, :, None] * kernel.T  # (SHOWN, M, 784)
    return {
        "spread": apart,
        "code": {n: sensitivity(code, x, e) / apart for n, e in directions.items()},
        "reconstruction": {n: sensitivity(reconstruction, x, e) for n, e in directions.items()},
        "far": sensitivity(code, x, directions["noise"], length=5) / apart,  # a digit's |x| is 9
        "norm": contraction(tn.Tensor(h), tn.Tensor(kernel)).item(),
        "singular": np.linalg.svd(jacobians, compute_uv=False).mean(axis=0),
        "error": {name: float(((reconstruction(y) - y) ** 2).mean()) for name, y in sets.items()},
        "seen": {name: reconstruction(y[:SHOWN]) for name, y in sets.items()},
    }


def main(count=3000, test=500, epochs=6, lr=0.001, seed=0, device="cpu", full=False):
    """count, test: how many digits.  full: all of them, ten times."""
    if full:
        count, test, epochs = None, None, 10
    data, clothes = pictures.mnist(count, test, seed), pictures.fashion_mnist(500, 500, seed)
    rng = np.random.default_rng((seed, 1))
    noise = rng.random((500, 784), dtype=np.float32)
    x, digits, clothing = (a.reshape(-1, 784) for a in (data.train, data.test, clothes.test))
    sets = {"digits": digits, "clothes": clothing, "noise": noise}
    directions = moves(data.test, rng)
    networks = {kind: train(x, kind, epochs, lr, seed, device) for kind in KINDS}
    kernel, bias = (w.numpy() for w in networks["contractive"].parameters()[:2])
    return {
        "full": full,
        "title": f"learnt from {data.source}",
        "originals": {name: x[:SHOWN] for name, x in sets.items()},
        "penalty": penalty_error(digits[0], kernel, bias),
        "of": {kind: measure(n, sets, directions, device) for kind, n in networks.items()},
    }


def large(singular):
    """How many directions the code keeps: singular values above a tenth of the largest."""
    return int((singular > singular[0] / 10).sum())


# %% "Prevent the encoder from copying the input": after so little training nothing copies yet, so
# nothing can be prevented.  A copy would bring back clothes and noise too; without any penalty both
# come back wrong, noise as plain grey would.
# "Make the reconstruction function (ie. decoder) resist": the decoder sees codes only.  What the
# claims are about is the whole, from x to its reconstruction.
def claims(results):
    plain, contractive, denoising = results["of"].values()
    error, price = plain["error"], contractive["error"]["digits"] / plain["error"]["digits"]

    def less(of, what, direction="noise"):  # 0: it moves as in the plain one, 1: not at all
        return 1 - of[what][direction] / plain[what][direction]

    noise, shift = less(contractive, "code"), less(contractive, "code", "a shift")
    scale = contractive["spread"] / plain["spread"]  # of the code: how much smaller it is
    decoding = less(denoising, "reconstruction") - less(denoising, "code")
    far = max(abs(of["far"] / of["code"]["noise"] - 1) for of in results["of"].values())
    directions = large(contractive["singular"]) / large(plain["singular"])
    rows = [
        at_most("||J||^2 by the formula, against differences", 1e-6, results["penalty"]),
        at_most("||J||^2 with the penalty, over without", 0.5, contractive["norm"] / plain["norm"]),
        at_most("large singular values, with over without", 0.4, directions),
        at_most("the code's own size, with over without", 0.95, scale),
        at_least("noise moves the code less for its size, by", 0.15, noise),
        at_least("a shift does, by", 0.05, shift),
        at_most("... which is of the former the share", 0.9, shift / noise),
        at_least("denoising: the whole resists more than the code, by", 0.05, decoding),
        at_most("50 times the noise moves 50 times as much, but for", 0.05, far),
        at_least("the price: error on digits, with over without", 1.2, price),
    ]
    if not results["full"]:  # with more digits it may learn to copy
        ratio = error["clothes"] / error["digits"]
        rows.append(at_least("plain: error on clothes, over digits", 2, ratio))
        rows.append(at_least("plain: error on noise, over grey's 1/12", 0.9, 12 * error["noise"]))
    return rows


# %% The figures.
def show(results):
    return {"sensitivity": draw_sensitivity(results), "copies": draw_copies(results)}


def draw_sensitivity(results):
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 3.8), layout="constrained")
    for k, (kind, of) in enumerate(results["of"].items()):
        for axes, what, unit in ((left, "code", " / spread"), (middle, "reconstruction", "")):
            axes.bar(np.arange(3) + 0.27 * (k - 1), of[what].values(), 0.25, label=kind)
            axes.set_xticks(range(3), of[what])
            axes.set(title=f"f: the {what}", xlabel="e", ylabel=f"|f(x + e) - f(x)| / |e|{unit}")
        s = of["singular"]
        right.semilogy(np.arange(1, len(s) + 1), s, label=f"{kind}: {large(s)} above 10%")
    left.margins(y=0.4)  # room for the legend
    left.legend()
    right.set(title="singular values of the code's Jacobian", xlabel="number", ylim=(1e-3, None))
    right.legend()
    figure.suptitle(f"How much f moves when the picture x moves by e ({results['title']})")
    return figure


def draw_copies(results):
    rows = {"original": results["originals"]}
    rows |= {kind: of["seen"] for kind, of in results["of"].items()}
    rows = {k: np.concatenate(list(v.values())).reshape(-1, 28, 28) for k, v in rows.items()}
    title = f"What comes back of digits, and of clothes and noise ({results['title']})"
    return plot.rows(rows, title, width=0.7, limits=(0, 1))
