"""Perceptron: one neuron, one line, and how far beyond it a point lies.

Slides    001_2cc8296d8a649d23.txt "The Perceptron: Forward Propagation" and "The Perceptron:
          Example" (w0 = 1, w = [3, -2], x = [-1, 2])
Question  What can a weighted sum and a sigmoid know about a point?
Expect    z = -6 and 0.002, as printed; the same point moved straight over the line: 0.998
Try       W0, W = 10.0, [30.0, -20.0]: what becomes of the line, and what of the colours?
"""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn

from ..claim import at_most, equals

W0, W = 1.0, [3.0, -2.0]
X = [-1.0, 2.0]


# %% The perceptron.
#    z = w0 + x1 w1 + x2 w2
#    y = g(z), with g the sigmoid 1 / (1 + exp(-z))
def z_of(x):
    """(..., 2) -> (...)"""
    return W0 + x @ tn.Tensor(W).to(x.device)


def perceptron(x):
    return tn.sigmoid(z_of(x))


def slide_example(device="cpu"):
    """The slide's numbers: 1 + 3 * -1 - 2 * 2 = -6, and g(-6)."""
    x = tn.Tensor(X).to(device)
    terms = x * tn.Tensor(W).to(device)
    return {
        "terms": [W0, *terms.numpy().tolist()],
        "z": z_of(x).item(),
        "y": perceptron(x).item(),
    }


# %% The line.  y = 1/2 where z = 0, that is where 1 + 3 x1 - 2 x2 = 0:
#    x2 = (w0 + w1 x1) / -w2
# On one side z > 0 and the neuron says yes, on the other z < 0 and it says no.
def on_the_line(x1):
    return (W0 + W[0] * x1) / -W[1]


def plane(device):
    """y on a grid of points, for the colours of the figure."""
    x1, x2 = np.meshgrid(np.linspace(-4, 4, 161), np.linspace(-4, 4, 161))
    points = np.stack([x1, x2], axis=-1).astype(np.float32)  # (161, 161, 2)
    return perceptron(tn.Tensor(points).to(device)).numpy()


# %% The shortest way over the line.  The chain rule: dy/dx = g'(z) w.  Whatever the point, y rises
# fastest along w: the weights are the direction in which the neuron looks.
#    a walk along w:   x(t) = x + t w / |w|
#    there:            z(t) = z + t |w|
# so the line is -z / |w| away, and a step of twice that turns z into -z, and y into 1 - y.
def walk(device):
    x = tn.Tensor(X, requires_grad=True, device=device)
    y = perceptron(x)
    y.backward()
    slope = y.item() * (1 - y.item())  # g'(z) = g(z) (1 - g(z))
    length = math.hypot(*W)
    distance = -z_of(x.detach()).item() / length

    t = np.linspace(0, 2 * distance, 101, dtype=np.float32)
    points = np.float32(X) + t[:, None] * np.float32(W) / np.float32(length)  # (101, 2)
    return {
        "uphill": tn.Tensor(x.grad).numpy() / slope,  # from backward; the mathematics says w
        "distance": distance,
        "t": t,
        "points": points,
        "y": perceptron(tn.Tensor(points).to(device)).numpy(),
    }


def main(seed=0, device="cpu", full=False):
    """Nothing is drawn by chance and nothing is larger with full: the slide's numbers are few."""
    return {"slide": slide_example(device), "plane": plane(device), "walk": walk(device)}


def claims(results):
    slide, walk = results["slide"], results["walk"]
    return [
        equals("the slide's terms: 1, 3 * -1, -2 * 2", [1, -3, -4], slide["terms"]),
        equals("their sum z", -6, slide["z"]),
        equals("g(-6), as printed", 0.002, round(slide["y"], 3)),
        at_most("its distance from 1 / (1 + e^6)", 1e-7, abs(slide["y"] - 1 / (1 + math.exp(6)))),
        at_most("distance of uphill (from backward) from w", 1e-4, abs(walk["uphill"] - W).max()),
        equals("way to the line: 6 / sqrt(13)", 1.6641, round(walk["distance"], 4)),
        equals("y on the line", 0.5, walk["y"][50].round(5)),
        equals("y as far beyond it: 1 - 0.002", 0.998, walk["y"][-1].astype(float).round(3)),
    ]


# %% The figures.
def show(results):
    return {"plane": draw_plane(results), "walk": draw_walk(results["walk"])}


def draw_plane(results):
    figure, axes = plt.subplots(figsize=(7, 5.6), layout="constrained")
    colors = axes.imshow(
        results["plane"],
        cmap="RdBu_r",
        vmin=0,
        vmax=1,
        origin="lower",
        extent=(-4, 4, -4, 4),
        interpolation="bilinear",
    )
    figure.colorbar(colors, label="y = g(z): what the neuron says")
    ends = np.array([-4.0, 4.0])
    axes.plot(ends, on_the_line(ends), "k", linewidth=1.5, label="1 + 3 x1 - 2 x2 = 0")
    axes.text(1.6, -2.4, "z > 0\ny > 0.5", color="white", fontsize=14, ha="center")
    axes.text(-2.8, 0.2, "z < 0\ny < 0.5", color="white", fontsize=14, ha="center")

    points = results["walk"]["points"]
    axes.annotate("", points[-1], points[0], arrowprops={"arrowstyle": "->", "linewidth": 1.5})
    label = f"x = (-1, 2)\nz = {results['slide']['z']:g},  y = {results['slide']['y']:.3f}"
    axes.plot(*X, "o", color="gold", markeredgecolor="black", markersize=10)
    axes.text(X[0] - 0.25, X[1] + 0.25, label, color="white", ha="right", fontsize=11)
    axes.plot(*points[-1], "o", color="white", markeredgecolor="black", markersize=8)
    label = f"z = 6\ny = {results['walk']['y'][-1]:.3f}"
    axes.text(points[-1, 0] + 0.25, points[-1, 1], label, color="white", va="center", fontsize=11)
    axes.set(xlim=(-4, 4), ylim=(-4, 4), xlabel="x1", ylabel="x2")
    axes.legend(loc="upper left")
    figure.suptitle("The slide's perceptron: a line, and an opinion on each side of it")
    return figure


def draw_walk(walk):
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    axes.plot(walk["t"], walk["y"])
    axes.axvline(walk["distance"], color="black", linewidth=1, label="the line: z = 0, y = 0.5")
    axes.plot(walk["t"][[0, -1]], walk["y"][[0, -1]], "o", color="C3")
    axes.text(0.02, 0.07, f"x = (-1, 2): {walk['y'][0]:.3f}")
    axes.text(2 * walk["distance"] - 0.05, 0.93, f"{walk['y'][-1]:.3f}", ha="right")
    axes.set(xlabel="distance walked along w", ylabel="y = g(z)")
    axes.legend(loc="upper left")
    figure.suptitle("Over the line in a straight walk: from no to yes in about one step")
    return figure
