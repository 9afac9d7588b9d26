"""Volume: a filter is as deep as what it looks at, and makes one map.

Slides    003_05cde12013bfe355.txt "2D Convolution" (the 3-D filter and the demo with w1), and
          002_cc530217572c2621.txt "Each kernel produces a feature map"
Question  A colour picture has three channels.  How many maps does a filter make of it: three?
Expect    one map, the sum over the channels; the demo's sizes and 56 parameters, but not its
          numbers, whose input is lost; and a filter that sees where red begins, but no grey edge
Try       FOR_RED with [-0.5, -0.5, 1] for its channels: where in the photograph does blue begin?
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn
from tinynet import plot

from ..claim import at_least, at_most, equals
from .pixels import frame, luma, photograph

# The demo's second filter, as the slide prints it, slice by slice.  Of the middle slice six numbers
# are printed, "1 -1 1 0 1 1", and it is not printed where the three others stood: nan.
W1 = np.array(
    [[[-1, 0, 0], [0, 0, 1], [0, -1, 1]],
     [[np.nan, np.nan, np.nan], [np.nan, np.nan, np.nan], [np.nan, np.nan, np.nan]],
     [[0, 0, -1], [-1, 0, -1], [1, 1, 1]]], np.float32,
)  # fmt: skip
PRINTED = [1, -1, 1, 0, 1, 1]
LAYERS = (  # where, KH, KW, C, O, parameters.  Rows of 000 are printed, the others follow
    ("003 TF1 conv 1", 5, 5, 1, 32, 832),
    ("003 TF1 conv 2", 5, 5, 32, 64, 51264),
    ("003 Keras conv 1", 3, 3, 1, 32, 320),
    ("003 Keras conv 2", 3, 3, 32, 32, 9248),
    ("003 Keras conv 3, Fashion conv 2", 3, 3, 32, 64, 18496),
    ("003 Keras conv 4, 000 encoder conv 3 to 5", 3, 3, 64, 64, 36928),
    ("000 cartoon encoder conv 1", 3, 3, 3, 32, 896),
    ("000 cartoon encoder conv 2", 3, 3, 32, 64, 18496),
    ("000 cartoon decoder, last (prints 807)", 3, 3, 32, 3, 867),
    ("004 dog encoder conv 1", 5, 5, 3, 64, 4864),
    ("004 dog encoder conv 2", 3, 3, 64, 128, 73856),
    ("004 dog encoder conv 3", 3, 3, 128, 256, 295168),
)
EDGE = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], np.float32)  # darker left, brighter right
FOR_RED = EDGE[:, :, None] * np.float32([1, -0.5, -0.5])  # (3, 3, 3): its channels sum to 0


# %% "if kernel depth = 3, then # of feature maps = 3", says the slide.  It is not so.  A kernel is
# (KH, KW, C, O).  Its depth C is the picture's, and is summed over; O filters make O maps.
#    y[i, j, o] = b[o] + sum over c of (sum over u, v of x[i + u, j + v, c] w[u, v, c, o])
def number_of_maps(depth, filters, device="cpu"):
    x = tn.Tensor(np.ones((1, 8, 8, depth), np.float32)).to(device)
    w = tn.Tensor(np.ones((3, 3, depth, filters), np.float32)).to(device)
    return tn.conv2d(x, w).shape[-1]


# %% Parameters: KH x KW x C weights and one bias for each of O filters.  The picture's size is not
# among them.
def parameters(KH, KW, C, O):  # noqa: E741
    return (KH * KW * C + 1) * O


def counted(KH, KW, C, O, device="cpu"):  # noqa: E741
    """The numbers that conv2d takes for such a layer."""
    x, w, b = (tn.Tensor(np.zeros(shape, np.float32)).to(device)
               for shape in ((1, KH, KW, C), (KH, KW, C, O), (O,)))  # fmt: skip
    return w.size + b.size if tn.conv2d(x, w, b).shape == (1, 1, 1, O) else None


# %% The demo: 5 x 5 x 3, a border of zeros, stride 2, two filters of 3 x 3 x 3 -> 3 x 3 x 2.
# Its numbers cannot be computed again: the picture, the filter W0, both biases and three of w1's
# numbers are not in the text.  What is printed stays: w1's first and last slice, and six numbers of
# the middle one.  The rest is random: weights of -1, 0 and 1, pixels of 0, 1 and 2.
def demo(seed=0, device="cpu"):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 3, (5, 5, 3)).astype(np.float32)
    filters = rng.integers(-1, 2, (2, 3, 3, 3)).astype(np.float32)  # (O, C, KH, KW)
    filters[1] = np.where(np.isnan(W1), filters[1], W1)
    filters[1, 1].flat[:6] = PRINTED  # they must stand somewhere
    x = tn.Tensor(image).to(device)[None]
    w = tn.Tensor(filters.transpose(2, 3, 1, 0).copy()).to(device)  # (KH, KW, C, O)
    b = tn.Tensor([1.0, 0.0]).to(device)
    y = tn.conv2d(x, w, b, stride=2, padding=1)  # (1, 3, 3, 2)
    slices = [  # the same, one channel at a time: three flat convolutions for each filter
        tn.conv2d(x[..., c : c + 1], w[:, :, c : c + 1], stride=2, padding=1) for c in range(3)
    ]
    return {
        "image": np.pad(image, ((1, 1), (1, 1), (0, 0))),
        "filters": filters,
        "bias": b.numpy(),
        "slices": [s.numpy()[0] for s in slices],
        "output": y.numpy()[0],
        "parameters": w.size + b.size,
        "difference": tn.abs(slices[0] + slices[1] + slices[2] + b - y).max().item(),
    }


# %% What depth is good for: a filter can ask for a colour.  Where red grows from left to right, and
# green and blue do not, FOR_RED answers.  A grey edge grows in all three: 1 - 0.5 - 0.5 = 0 of it.
def colored_edges(device):
    color = photograph(device)[None]  # (1, 600, 512, 3)
    w = tn.Tensor(FOR_RED[..., None]).to(device)  # (3, 3, 3, 1)
    grey = tn.stack([luma(color)] * 3, axis=-1)  # as many channels, and no color
    flat = tn.Tensor(EDGE[:, :, None, None]).to(device)
    return {
        "color": color.numpy()[0],
        "slices": [  # what each channel adds
            tn.conv2d(color[..., c : c + 1], w[:, :, c : c + 1]).numpy()[0, :, :, 0]
            for c in range(3)
        ],
        "red": tn.conv2d(color, w).numpy()[0, :, :, 0],
        "of grey": tn.conv2d(grey, w).numpy()[0, :, :, 0],
        "brightness": tn.conv2d(luma(color)[..., None], flat).numpy()[0, :, :, 0],
    }


# %% "Even 1x1 filters have sense, since filters are 3D": a 1 x 1 filter mixes the channels of each
# pixel, and grey is one, 0.299 R + 0.587 G + 0.114 B.
def one_by_one(device):
    color = photograph(device)[None]
    w = tn.Tensor([0.299, 0.587, 0.114]).to(device).reshape(1, 1, 3, 1)
    return tn.abs(tn.conv2d(color, w)[..., 0] - luma(color)).max().item()


def main(seed=0, device="cpu", full=False):
    """seed: of what the demo's slide does not print.  full changes nothing."""
    return {
        "maps": [number_of_maps(3, filters, device) for filters in (1, 3, 10)],
        "parameters": [parameters(*sizes) for _, *sizes, _ in LAYERS],
        "counted": [counted(*sizes, device) for _, *sizes, _ in LAYERS],
        "demo": demo(seed, device),
        "edges": colored_edges(device),
        "1 x 1": one_by_one(device),
    }


def claims(results):
    demo, edges = results["demo"], results["edges"]
    return [
        equals("maps of 1, 3, 10 filters of depth 3", [1, 3, 10], results["maps"]),
        *[
            equals(f"parameters, {where}", claimed, got)
            for (where, *_, claimed), got in zip(LAYERS, results["parameters"], strict=True)
        ],
        equals("as many numbers as conv2d takes", results["counted"], results["parameters"]),
        equals("the demo's output", (3, 3, 2), demo["output"].shape),
        equals("its parameters", 56, demo["parameters"]),
        equals("three flat convolutions and the bias, less one deep one", 0, demo["difference"]),
        at_most("FOR_RED on the same photograph in grey", 0.001, abs(edges["of grey"]).max()),
        at_least("FOR_RED on the photograph", 300, edges["red"].max()),
        at_most("a 1 x 1 filter, less the luma", 0.001, results["1 x 1"]),
    ]


# %% The figures.
def show(results):
    return {
        "demo": draw_demo(results["demo"]),
        "edges": draw_edges(results["edges"]),
    }


def draw_demo(r, row=1, column=1):
    """The output at one place, slice by slice."""
    figure, axes = plt.subplots(3, 6, figsize=(14, 6.8), layout="constrained")
    window = r["image"][2 * row : 2 * row + 3, 2 * column : 2 * column + 3]
    for c, name in enumerate(("red", "green", "blue")):
        plot.matrix(axes[c, 0], r["image"][:, :, c], f"picture, {name}")
        frame(axes[c, 0], 2 * row, 2 * column, 3, 3)
        for o in (0, 1):
            slice_ = r["filters"][o, c]
            product = window[:, :, c] * slice_ + 0.0  # + 0.0: no -0
            plot.matrix(axes[c, 1 + 2 * o], slice_, f"filter w{o}, slice {c}")
            plot.matrix(axes[c, 2 + 2 * o], product, f"window x slice: sum {product.sum():g}")
    for o in (0, 1):
        plot.matrix(axes[o, 5], r["output"][:, :, o], f"map o{o}")
        frame(axes[o, 5], row, column, 1, 1)
    lines = []
    for o in (0, 1):
        parts = " + ".join(f"({s[row, column, o]:g})" for s in r["slices"])
        lines += [
            f"o{o}: {parts}",
            f"      + bias {r['bias'][o]:g} = {r['output'][row, column, o]:g}",
        ]
    axes[2, 5].set_axis_off()
    axes[2, 5].text(0, 0.5, "\n".join(lines), va="center", fontsize=10)
    figure.suptitle(
        "The demo: three slices, one sum.  Printed are slices 0 and 2 of w1, and six numbers of "
        "slice 1; the rest is random"
    )
    return figure


def draw_edges(r):
    figure, axes = plt.subplots(2, 5, figsize=(14, 6.6), layout="constrained")
    limits = (-250, 250)
    plot.picture(axes[0, 0], r["color"], "photograph", (0, 255))
    plot.picture(axes[1, 0], r["brightness"], "for comparison: edges of grey", limits)
    for c, name in enumerate(("red", "green", "blue")):
        plot.matrix(axes[0, c + 1], FOR_RED[:, :, c] + 0.0, f"FOR_RED, {name} slice")
        plot.picture(axes[1, c + 1], r["slices"][c], f"what {name} adds", limits)
    plot.picture(axes[0, 4], r["of grey"], "FOR_RED on the grey photograph", limits)
    plot.picture(axes[1, 4], r["red"], "the sum: FOR_RED's one map", limits)
    figure.suptitle("A filter of three slices that asks where red begins (white) and ends (black)")
    return figure
