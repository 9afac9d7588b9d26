"""Stride and padding: where the kernel stands, what it sees, and what it costs.

Slides    001_2cc8296d8a649d23.txt "Feature Extraction with Convolution", 002_cc530217572c2621.txt
          (stride and padding), 003_05cde12013bfe355.txt "2D Convolution" and "CNN ... (180w + 5b)"
Question  How large is the map, how much of the picture does one of its numbers know, and why does
          a shared filter of 17 parameters do what would otherwise take 132,665?
Expect    a formula that agrees with conv2d in every case; after five small layers, one number that
          sees 63 x 63 pixels, found by backward(); 16 different weights in a matrix of 132,496
Try       a stride of 1 in every layer of "cartoon encoder": how much does one number see then?
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn
from tinynet import plot

from ..claim import equals
from .pixels import frame, photograph

CASES = (  # what the slide shows, H, K, S, P, and the size that it gives or means
    ("002: 3 x 3 on 4 x 4, stride 1", 4, 3, 1, 0, 2),
    ("002: zero padding, 4 x 4 stays 4 x 4", 4, 3, 1, 1, 4),
    ("001: 3 x 3 on 5 x 5", 5, 3, 1, 0, 3),
    ("003: stride 2", 5, 3, 2, 0, 2),
    ("003: the demo, padded, stride 2", 5, 3, 2, 1, 3),
    ("001: 4 x 4 patches, shifted by 2", 28, 4, 2, 0, 13),
    ("003: 3 x 3 filters on 32 x 32", 32, 3, 1, 1, 32),
)
# What slides in the lectures' networks: (operation, kernel, stride), layer after layer.
NETWORKS = {
    "Keras MNIST": [("conv", 3, 1), ("conv", 3, 1), ("pool", 2, 2)] * 2,
    "TF1 MNIST": [("conv", 5, 1), ("pool", 2, 2)] * 2,
    "Fashion-MNIST": [("conv", 3, 1), ("conv", 3, 1), ("pool", 2, 2)],
    "cartoon encoder": [("conv", 3, 2)] * 5,
    "dog encoder": [("conv", 5, 2), ("conv", 3, 2), ("conv", 3, 2)],
    "X or O": [("conv", 3, 1), ("pool", 2, 2)],
}


def ones(*shape, device="cpu"):
    return tn.Tensor(np.ones(shape, np.float32)).to(device)


# %% How many places?  The first window begins at 0, the next S further on, and the last must end
# inside the picture, which the padding makes 2 P wider:
#    OH = floor((H + 2 P - K) / S) + 1
def output_size(H, K, S=1, P=0):
    return (H + 2 * P - K) // S + 1


def measured_size(H, K, S, P, device):
    """What conv2d gives."""
    picture, kernel = ones(1, H, H, 1, device=device), ones(K, K, 1, 1, device=device)
    return tn.conv2d(picture, kernel, stride=S, padding=P).shape[1]


# %% "same" means OH = ceil(H / S).  That takes (OH - 1) S + K - H rows of padding, and where they
# are odd, Keras puts one more at the bottom, and at the right.  For 4 x 4 with stride 2 it is one
# row: the kernel begins on the first pixel.  padding=1 gives the same size and another map.
def same(device):
    x = tn.Tensor(np.arange(16, dtype=np.float32).reshape(1, 4, 4, 1)).to(device)
    w = ones(3, 3, 1, 1, device=device)
    borders = {"same": "same", "below and right": ((0, 1), (0, 1)), "all round": 1}
    return {name: tn.conv2d(x, w, stride=2, padding=p).numpy() for name, p in borders.items()}


# %% "zeros or the values on the edge"?  A white picture, and nine ones, which count white: with
# zeros, a pixel in the corner has 4 white neighbours and one at the side 6.  The border looks dark.
def borders(device):
    x, w = ones(1, 4, 4, 1, device=device), ones(3, 3, 1, 1, device=device)
    edge = tn.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    return tn.conv2d(x, w, padding=1).numpy()[0, 0, :2, 0], tn.conv2d(edge, w).numpy()[0, 0, :2, 0]


# %% What does one number see?  Layer by layer, how far it reaches (size), and how many pixels apart
# two neighbours are (jump):
#    size <- size + (K - 1) jump,    jump <- jump S
def receptive_fields(layers):
    """[(size, jump) after each layer]"""
    size, jump, after = 1, 1, []
    for _, K, S in layers:
        size, jump = size + (K - 1) * jump, jump * S
        after.append((size, jump))
    return after


# The proof: a number sees a pixel if the pixel can change it, d y / d pixel != 0.  Weights of one
# keep gradients from cancelling.  Pooling takes the mean here: the maximum has one winner, and
# backward() would find that pixel alone, not all that could have won.
def sight(layers, pixels, row, column, device, padding="valid"):
    """d y[row, column] / d x, of a white picture.  -> (pixels, pixels)"""
    x = y = tn.Tensor(ones(1, pixels, pixels, 1, device=device).data, requires_grad=True)
    for operation, K, S in layers:
        if operation == "pool":
            y = tn.average_pool2d(y, K, S)
        else:
            y = tn.conv2d(y, ones(K, K, 1, 1, device=device), stride=S, padding=padding)
    y[0, row, column, 0].backward()
    return tn.Tensor(x.grad[0, :, :, 0]).numpy()


def measured_fields(layers, device):
    """The same pairs, from the gradients of the first number after each layer and of the next."""
    after = []
    for n in range(1, len(layers) + 1):
        here, there = (
            sight(layers[:n], 128, 0, j, device).any(axis=0).nonzero()[0] for j in (0, 1)
        )
        after.append((len(here), there[0] - here[0]))
    return after


# %% Parameters.  A dense layer has a weight for each pixel at each place; a locally connected one,
# for each pixel of the window at each place; a convolution, for each pixel of one window.
def parameter_counts(H, K, S=1, P=0, C=1, O=1):  # noqa: E741
    places, window = output_size(H, K, S, P) ** 2, K * K * C
    return {
        "dense": (H * H * C + 1) * places * O,  # + 1: the bias
        "locally connected": (window + 1) * places * O,
        "convolution": (window + 1) * O,
    }


def d13_parameters():
    """The slide's "180w + 5b": five filters of 36 weights.  How these lie is not printed: 6 x 6
    would do, and so would 3 x 3 on 4 channels."""
    return parameter_counts(28, 6, O=5)["convolution"]


# A convolution IS a dense layer in which most weights are 0 and the others repeat: y = x M.  Row p
# of M is the map of a picture in which pixel p alone is lit.
def as_dense(w, device):
    """-> M (784, 169)"""
    lit = tn.Tensor(np.eye(784, dtype=np.float32).reshape(784, 28, 28, 1)).to(device)
    return tn.conv2d(lit, w, stride=2).reshape(784, 169).numpy()


# Locally connected: the same windows, and a filter for each place.
#    y[i, j] = sum_k patch[i, j, k] w[i, j, k]
def locally_connected(x, w):
    """x (N, 28, 28, 1), w (13, 13, 16) -> (N, 13, 13, 1)"""
    return (tn.im2col(x, 4, 2) * w).sum(axis=-1, keepdims=True)


# What sharing buys: an edge is an edge everywhere.  Shift the picture by one stride, and the map is
# the same map, shifted by one.  With a filter for each place, it is another map.
def sharing(seed, device):
    rng = np.random.default_rng(seed)
    w = tn.Tensor((rng.permutation(16) - 7.5).reshape(4, 4, 1, 1).astype(np.float32)).to(device)
    own = tn.Tensor(rng.integers(-8, 9, (13, 13, 16)).astype(np.float32)).to(device)
    eye = photograph(device)[None, 170:198, 200:230, :1]  # (1, 28, 30, 1): the red of it
    here, moved = eye[:, :, :28], eye[:, :, 2:]
    changes = {"matrix": as_dense(w, device)}
    for name, layer in (("shared", lambda x: tn.conv2d(x, w, stride=2)),
                        ("own", lambda x: locally_connected(x, own))):  # fmt: skip
        change = layer(moved)[:, :, :-1] - layer(here)[:, :, 1:]
        changes[name] = tn.abs(change).max().item()
    one_filter = locally_connected(here, w.reshape(16)) - tn.conv2d(here, w, stride=2)
    return changes | {"one filter": tn.abs(one_filter).max().item()}


def main(seed=0, device="cpu", full=False):
    """seed: of the weights that are shared or not.  full changes nothing: these are the lectures'
    own sizes."""
    cartoon = NETWORKS["cartoon encoder"]
    return {
        "sizes": [measured_size(*case, device) for _, *case, _ in CASES],
        "ten": tn.conv2d(ones(1, 32, 32, 1, device=device), ones(3, 3, 1, 10, device=device),
                         padding="same").shape[1:],
        "same": same(device),
        "borders": borders(device),
        "computed": {name: receptive_fields(layers) for name, layers in NETWORKS.items()},
        "measured": {name: measured_fields(layers, device) for name, layers in NETWORKS.items()},
        "crop": photograph(device)[60:316, 120:376].numpy(),  # 256 x 256, as the encoder takes
        "sights": [  # after each layer, the number whose window begins at pixel 128
            sight(cartoon[:n], 256, 128 >> n, 128 >> n, device, "same") for n in range(1, 6)
        ],
        "sharing": sharing(seed, device),
    }  # fmt: skip


def claims(results):
    same, sharing, matrix = results["same"], results["sharing"], results["sharing"]["matrix"]
    alike = [np.array_equal(same["same"], same[name]) for name in ("below and right", "all round")]
    counts = parameter_counts(28, 4, 2)
    return [
        equals("conv2d: the slides' sizes", [case[-1] for case in CASES], results["sizes"]),
        equals("the formula", results["sizes"], [output_size(*case[1:5]) for case in CASES]),
        equals("ten 3 x 3 filters on 32 x 32", [32, 32, 10], results["ten"]),
        equals('is "same" padding below and right; all round?', [True, False], alike),
        equals("white at corner, at side: zeros outside", [4, 6], results["borders"][0]),
        equals("white at corner, at side: edge outside", [9, 9], results["borders"][1]),
        *[
            equals(f"size, jump by gradient: {name}", results["computed"][name], measured)
            for name, measured in results["measured"].items()
        ],
        equals("parameters: dense, local, shared", [132665, 2873, 17], list(counts.values())),
        equals('"180w + 5b"', 180 + 5, d13_parameters()),
        equals("weights in the dense matrix", 132496, matrix.size),
        equals("those that are not 0", 2704, np.count_nonzero(matrix)),
        equals("different ones among these", 16, np.unique(matrix[matrix != 0]).size),
        equals("169 equal filters less conv2d", 0, sharing["one filter"]),
        equals("picture shifted: change of the shared map", 0, sharing["shared"]),
        equals("does the map of 169 own filters change?", True, sharing["own"] > 0),
    ]


# %% The figures.
def show(results):
    return {
        "places": draw_places(),
        "receptive_field": draw_receptive_field(results),
        "parameters": draw_parameters(results["sharing"]["matrix"]),
    }


def draw_places():
    shown = [  # title, H, K, S, padding (before, after)
        ("5 x 5, stride 1: 3 x 3", 5, 3, 1, (0, 0)),
        ("5 x 5, stride 2: 2 x 2", 5, 3, 2, (0, 0)),
        ("4 x 4, padding 1: 4 x 4", 4, 3, 1, (1, 1)),
        ('4 x 4, stride 2, "same": 2 x 2', 4, 3, 2, (0, 1)),
        ("12 x 12, shift 2: 5 x 5", 12, 4, 2, (0, 0)),
    ]
    figure, axes = plt.subplots(1, 5, figsize=(15, 3.6), layout="constrained")
    for place, (title, H, K, S, padding) in zip(axes, shown, strict=True):
        side = H + sum(padding)
        plot.picture(place, np.pad(np.full((H, H), 0.8), padding, constant_values=1), title, (0, 1))
        lines = np.arange(side + 1) - 0.5
        place.hlines(lines, -0.5, side - 0.5, "0.6", linewidth=0.5)
        place.vlines(lines, -0.5, side - 0.5, "0.6", linewidth=0.5)
        for inset, color, i, j in ((0.02, "C3", 0, 0), (0.08, "C0", 0, S), (0.14, "C2", S, 0)):
            frame(place, i + inset, j + inset, K - 2 * inset, K - 2 * inset, color)
        centres = np.arange(0, side - K + 1, S) + (K - 1) / 2
        place.plot(*np.meshgrid(centres, centres), "k.")
        place.set(xlim=(-0.7, side - 0.3), ylim=(side - 0.3, -0.7))
    figure.suptitle(
        "Where the kernel stands.  Dots: every centre; frames: the first place (red), the next "
        "(blue), the first of the next row (green); white cells: padding"
    )
    return figure


def draw_receptive_field(results):
    figure, axes = plt.subplots(1, 4, figsize=(16, 4.4), layout="constrained")
    fields = results["computed"]["cartoon encoder"]
    plot.picture(axes[0], results["crop"], "the cartoon encoder takes 256 x 256", (0, 255))
    near = slice(120, 200)  # the pixels around, in both directions
    plot.picture(axes[1], results["crop"][near, near], "the same, magnified", (0, 255))
    for n, (seen, (size, jump)) in enumerate(zip(results["sights"], fields, strict=True)):
        top, left = np.argwhere(seen)[0]
        color = ("yellow", "lime", "cyan", "magenta", "red")[n]
        frame(
            axes[1], top - near.start, left - near.start, *np.ptp(np.argwhere(seen), 0) + 1, color
        )
        axes[1].plot([], [], color=color, label=f"layer {n + 1}: {size} x {size}, jump {jump}")
    frame(axes[0], top, left, size, size)
    axes[1].legend(loc="upper center", bbox_to_anchor=(0.5, -0.01), ncols=2, fontsize=8)
    plot.picture(axes[2], results["sights"][-1][near, near], "d y / d x after layer 5")
    for name, fields in results["computed"].items():
        axes[3].plot([1, *(size for size, _ in fields)], ".-", label=name)
    axes[3].set(title="all the lectures' networks", xlabel="layers", ylabel="pixels seen, a side")
    axes[3].legend(fontsize=8)
    figure.suptitle("What one number sees, found by backward(): a part of a face, not the face")
    return figure


def draw_parameters(matrix):
    cases = {
        "28 x 28, one 4 x 4,\nshift 2": parameter_counts(28, 4, 2),
        "28 x 28, five 6 x 6\n(180 w + 5 b)": parameter_counts(28, 6, O=5),
        "224 x 224 x 3,\n64 of 3 x 3": parameter_counts(224, 3, P=1, C=3, O=64),
    }
    settings = {"figsize": (14, 3.8), "width_ratios": [1, 1.9], "layout": "constrained"}
    figure, (left, right) = plt.subplots(1, 2, **settings)
    for i, kind in enumerate(("dense", "locally connected", "convolution")):
        numbers = [counts[kind] for counts in cases.values()]
        bars = left.bar(np.arange(3) + (i - 1) * 0.28, numbers, 0.26, label=kind, log=True)
        left.bar_label(bars, [f"{n:,}" if n < 1e6 else f"{n:.1e}" for n in numbers], fontsize=7)
    left.set_xticks(range(3), list(cases))
    left.set(title="parameters of one layer", ylim=(5, 1e14))
    left.legend(loc="upper left")
    title = "a convolution, written as a dense layer: 132,496 weights, 16 different ones, and 0"
    plot.picture(right, matrix.T, title)
    right.set(xlabel="784 pixels of the picture", ylabel="169 numbers of the map")
    figure.suptitle("Look at the patch alone: most weights go.  Share them: the rest repeat")
    return figure
