"""Activations: three bends, and why a gradient dies in ten sigmoids but not in ten ReLUs.

Slides    001_2cc8296d8a649d23.txt "Common Activation Functions" (formulas and derivatives),
          002_cc530217572c2621.txt "ReLU layer" (3 x 3) and "Vanishing Gradient Problem"
Question  Why did networks with many sigmoid layers not learn, and why do they with ReLU?
Expect    the slide's derivatives, found again by backward; the first of ten sigmoid layers gets
          less than a hundred-thousandth of the last one's gradient, the first ReLU layer as much
Try       gain 4 for the sigmoid in `KINDS`, to undo the 1/4: where are the missing 98% now?
"""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn
from tinynet import plot

from ..claim import at_least, at_most, equals

# name: the operation, then g and g' as the slide prints them
FUNCTIONS = {
    "sigmoid": (tn.sigmoid, lambda z: 1 / (1 + np.exp(-z)), lambda z, g: g * (1 - g)),
    "tanh": (
        tn.tanh,
        lambda z: (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z)),
        lambda z, g: 1 - g**2,
    ),
    "ReLU": (tn.relu, lambda z: np.maximum(0, z), lambda z, g: np.where(z > 0, 1, 0)),
}
RELU_INPUT = [[-1, 3, 2], [1, -2, 1], [-1, 1, 3]]
RELU_OUTPUT = [[0, 3, 2], [1, 0, 1], [0, 1, 3]]  # as the slide prints it


# %% Value and slope.  Summing g(z) and going back gives each z its own g'(z).
def curve(activation, z, device="cpu"):
    """g(z) and g'(z), the second from tinynet's backward.  (N,) -> (N,), (N,)"""
    z = tn.Tensor(z, requires_grad=True, device=device)
    g = activation(z)
    g.sum().backward()
    return g.numpy(), tn.Tensor(z.grad).numpy()


def curves(device):
    z = np.arange(-120, 121) / 20  # exactly 0 in the middle: the kink of ReLU
    return {"z": z} | {name: curve(g, z, device) for name, (g, _, _) in FUNCTIONS.items()}


# %% ReLU on a feature map: output = max(0, input), number by number.
# At z = 0 the slope is 0 from the left and 1 from the right, so ReLU has no derivative there.  The
# slide's "otherwise" says 0.  That is a convention, and tinynet keeps it.
def relu_of(numbers, device="cpu"):
    return tn.relu(tn.Tensor(numbers).to(device)).numpy()


# %% The vanishing gradient.  Ten layers,  z_l = h_(l-1) W_l,  h_l = g(z_l).  On the way back
#    dh_(l-1) = (dh_l * g'(z_l)) W_l^T
# so each layer multiplies the gradient by g', which for the sigmoid is at most 1/4.
# Weights are drawn so that W itself neither stretches nor shrinks:
#    Glorot: variance 2 / (inputs + outputs);  He: 2 / inputs, as ReLU lets only half through.
KINDS = {  # name: operation, gain on the standard deviation sqrt(2 / (inputs + outputs))
    "sigmoid": (tn.sigmoid, 1.0),
    "tanh": (tn.tanh, 1.0),
    "ReLU": (tn.relu, math.sqrt(2)),  # He, since inputs = outputs here
}


def gradient_norms(kind, layers, width, examples, seed, device):
    """|dJ/dW_l| of every layer, first to last, in a network that has not learnt yet."""
    rng = np.random.default_rng(seed)
    activation, gain = KINDS[kind]
    x, dy = rng.standard_normal((2, examples, width), dtype=np.float32)
    deviation = gain * math.sqrt(2 / (width + width))
    weights = []
    for _ in range(layers):
        start = rng.standard_normal((width, width), dtype=np.float32) * deviation
        weights.append(tn.Tensor(start, requires_grad=True, device=device))

    h = tn.Tensor(x).to(device)
    for w in weights:
        h = activation(h @ w)
    h.backward(tn.Tensor(dy).to(device))  # as if the loss had asked for a random change of h
    return [float(np.linalg.norm(tn.Tensor(w.grad).numpy())) for w in weights]


def main(layers=10, width=64, examples=64, seed=0, device="cpu", full=False):
    """full: layers eight times as wide, where chance plays a smaller part."""
    width *= 8 if full else 1
    norms = {kind: gradient_norms(kind, layers, width, examples, seed, device) for kind in KINDS}
    return {
        "curves": curves(device),
        "relu": relu_of(RELU_INPUT, device),
        "norms": norms,
        "arrives": {kind: norm[0] / norm[-1] for kind, norm in norms.items()},
    }


def claims(results):
    curves, arrives = results["curves"], results["arrives"]
    z = curves["z"]
    rows = []
    for name, (_, value, slope) in FUNCTIONS.items():
        g, dg = curves[name]
        errors = [abs(g - value(z)).max(), abs(dg - slope(z, value(z))).max()]
        rows.append(at_most(f"{name}: g and g' from the slide's formulas", 1e-6, max(errors)))
    return [
        *rows,
        equals("sigmoid': its largest value, at z = 0", 0.25, curves["sigmoid"][1].max()),
        equals("tanh': its largest value, at z = 0", 1, curves["tanh"][1].max()),
        equals("ReLU'(0), a convention", 0, curves["ReLU"][1][120]),
        equals("ReLU on the slide's 3 x 3", RELU_OUTPUT, results["relu"]),
        at_most("sigmoid: gradient at layer 1 / at layer 10", 1e-5, arrives["sigmoid"]),
        at_least("tanh: the same", 0.5, arrives["tanh"]),
        at_least("ReLU: the same", 0.5, arrives["ReLU"]),
    ]


# %% The figures.
def show(results):
    return {
        "curves": draw_curves(results["curves"]),
        "relu": plot.grid(
            [np.array(RELU_INPUT), results["relu"]],
            ["input", "max(0, input)"],
            "ReLU on the slide's feature map",
            columns=2,
            width=2.4,
            draw=plot.matrix,
        ),
        "vanishing": draw_vanishing(results["norms"]),
    }


def draw_curves(curves):
    figure, places = plt.subplots(1, 3, figsize=(11, 3.6), layout="constrained")
    formulas = ("g (1 - g)", "1 - g²", "1 if z > 0, else 0")
    for axes, name, formula in zip(places, FUNCTIONS, formulas, strict=True):
        g, dg = curves[name]
        axes.plot(curves["z"], g, label="g(z)")
        axes.plot(curves["z"], dg, "--", label=f"g'(z) = {formula}")
        axes.set(title=name, xlabel="z", ylim=(-1.2, 1.6), xlim=(-6, 6))
        axes.axhline(0, color="black", linewidth=0.5)
        axes.legend(loc="lower right", fontsize=9)
    figure.suptitle("The slide's activations, and the slopes that tinynet's backward finds")
    return figure


def draw_vanishing(norms):
    figure, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    for name, norm in norms.items():
        layer = np.arange(1, len(norm) + 1)
        axes.semilogy(layer, np.array(norm) / norm[-1], "o-", label=name)
    axes.semilogy(layer, 0.25 ** (layer[-1] - layer), "k:", label="1/4 for each layer")
    axes.set(xlabel="layer (1 is next to the input)", ylabel="|dJ/dW|, last layer = 1")
    axes.set_xticks(layer)
    axes.legend()
    figure.suptitle("What is left of the gradient on its way back to the first layer")
    return figure
