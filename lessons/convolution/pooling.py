"""Pooling: one number for four, and what is bought with the other three.

Slides    002_cc530217572c2621.txt "Max Pooling" and "Flattening", 001_2cc8296d8a649d23.txt
          "Convolutional Neural Networks" (224 x 224 x 64), 003_05cde12013bfe355.txt "Pooling"
Question  Why would a network throw three numbers of four away?
Expect    the slide's two maps, of which one has the stride 1, not 2; and a photograph moved by one
          pixel, which changes its edges by 77%, but their 8 x 8 pools by less than 10%
Try       tn.l2_pool2d in SHIFTED: is it nearer to the maximum or to the mean?
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn
from tinynet import plot

from ..claim import at_least, at_most, equals
from .pixels import luma, photograph
from .sharpen import EDGES
from .xo import FEATURES

SLIDE = [[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]]
POOLS = {
    "max": tn.max_pool2d,
    "min": tn.min_pool2d,
    "mean": tn.average_pool2d,
    "sum": tn.sum_pool2d,
    "L2 norm": tn.l2_pool2d,
}
SHIFTED = {
    "max": tn.max_pool2d,
    "mean": tn.average_pool2d,
    "every n-th": lambda x, n: x[:, ::n, ::n],  # as few numbers, without pooling
}
SIZES, SHIFTS = (1, 2, 4, 8), range(9)


# %% One number for each window.
#    max  max x      min  min x      sum  sum x      mean  sum x / 4      L2 norm  sqrt(sum x^2)
# The slide works out the first and names the others.
def slide_pooled(kind="max", stride=2, device="cpu"):
    """The slide's 4 x 4 map, in windows of 2 x 2.  -> (OH, OW)"""
    x = tn.Tensor(SLIDE).to(device)[None, :, :, None]  # (1, 4, 4, 1)
    return POOLS[kind](x, 2, stride).numpy()[0, :, :, 0]


# The slide's second map is 3 x 3, under "stride=2".  But (4 - 2) / 2 + 1 = 2, and (4 - 2) / 1 + 1
# is 3: with a stride of 1, where windows overlap, pooling gives the nine numbers that it prints.


# %% Each channel for itself: 224 x 224 x 64 becomes 112 x 112 x 64, a quarter of the numbers.
def volume(seed, device):
    x = np.random.default_rng(seed).random((1, 224, 224, 64), dtype=np.float32)
    x = tn.Tensor(x).to(device)
    y, alone = tn.max_pool2d(x), tn.max_pool2d(x[..., 5:6])
    return {"shape": y.shape[1:], "share": y.size / x.size,
            "alone": bool((y[..., 5:6] == alone).numpy().all())}  # fmt: skip


# %% Flattened, a map is a vector, "depends on how we choose to do it": row by row, or column by
# column.  A dense layer learns either, if training and use agree.
def flattened(device):
    pooled = tn.Tensor(slide_pooled("max", 2, device)).to(device)
    return {"rows": pooled.reshape(4).numpy(), "columns": pooled.T.reshape(4).numpy()}


# %% The way back.  The four numbers get the gradients 10, 20, 30, 40.  Which pixels answer for it?
#    max: the winner's alone   mean: each of the four, a quarter   L2 norm: dx = dy x / y, by size
# Among equals, the first (min, top left).  Under max, 12 of 16 pixels learn nothing this time.
def gradients(device):
    """{kind: dx (4, 4)}"""
    found = {}
    for kind, pool in POOLS.items():
        x = np.array(SLIDE, np.float32)[None, :, :, None]  # (1, 4, 4, 1)
        x = tn.Tensor(x, requires_grad=True, device=device)
        pool(x, 2).backward(tn.Tensor([[[[10.0], [20.0]], [[30.0], [40.0]]]]).to(device))
        found[kind] = tn.Tensor(x.grad).numpy()[0, :, :, 0]
    return found


# %% What is bought.  A lit pixel moves one to the right.  It stays in its window of n x n, and the
# pooled map stays as it is to the last bit, from n - 1 of n columns.
def unmoved(n, device):
    """The share of the places in 16 x 16 from where the move is not seen."""
    lit = np.eye(256, dtype=np.float32).reshape(256, 16, 16, 1)
    lit = np.pad(lit, ((0, 0), (0, 0), (0, 16), (0, 0)))  # room on the right
    here, moved = (
        tn.max_pool2d(tn.Tensor(x).to(device), n) for x in (lit, np.roll(lit, 1, axis=2))
    )
    return float((tn.abs(here - moved).sum(axis=(1, 2, 3)) == 0).numpy().mean())


# Real maps are not one pixel.  How much does a map change when the picture is moved?
#    change = sum |y(moved) - y| / sum |y|
def changes(pictures, features):
    """{pooling: a row for each size, in it a number for each shift}.  pictures (N, H, W, 1)"""
    W = pictures.shape[2] - max(SHIFTS)
    maps = [features(pictures[:, :, s : s + W]) for s in SHIFTS]
    found = {}
    for name, pool in SHIFTED.items():
        rows = [[pool(y, n) for y in maps] for n in SIZES]
        found[name] = np.array([[tn.abs(y - r[0]).sum().item() for y in r] for r in rows])
        found[name] /= np.array([[tn.abs(r[0]).sum().item()] for r in rows])
    return found


def edges(x):
    return tn.abs(tn.conv2d(x, tn.Tensor(EDGES[:, :, None, None]).to(x.device)))


def strokes(x):
    """How well the three strokes of "X or O" fit, and no worse than 0.  (N, H, W, 1) -> 3 maps"""
    w = np.stack(list(FEATURES.values()), axis=-1)[:, :, None]
    return tn.relu(tn.conv2d(x, tn.Tensor(w).to(x.device)))


def letters(count, seed, device):
    """Ink 1 on paper 0, and paper enough around to move them.  -> (count, 34, 42, 1)"""
    x, _ = tn.data.xo(count, np.random.default_rng(seed), noise=0)
    return tn.pad(tn.Tensor((x + 1) / 2).to(device), ((0, 0), (9, 9), (9, 17), (0, 0)))


# %% What is not bought.  The slide says "invariant to scale and orientation changes".  A stroke is
# moved: its best match, over the whole map, is the same.  It is turned: it is not.  Only another
# filter knows a turned stroke.
def moved_and_turned(device):
    stroke = np.pad(2 * np.eye(5, dtype=np.float32) - 1, 6, constant_values=-1)  # (17, 17)
    pictures = np.stack([stroke, np.roll(stroke, (3, 2), (0, 1)), stroke[:, ::-1]])[..., None]
    w = tn.Tensor(FEATURES["\\"][:, :, None, None]).to(device)
    return tn.max_pool2d(tn.conv2d(tn.Tensor(pictures).to(device), w), 15).numpy().ravel()  # of 9


def main(count=300, seed=0, device="cpu", full=False):
    """count: of letters.  full: ten times as many."""
    grey = luma(photograph(device))[None, 60:318, 100:366, None]
    ink = letters(count * (10 if full else 1), seed, device)
    return {
        "maps": {kind: slide_pooled(kind, 2, device) for kind in POOLS},
        "stride 1": slide_pooled("max", 1, device),
        "volume": volume(seed, device),
        "flat": flattened(device),
        "gradients": gradients(device),
        "unmoved": [unmoved(n, device) for n in SIZES],
        "photograph": changes(grey, edges),
        "letters": changes(ink, strokes),
        "turned": moved_and_turned(device),
        "seen": [edges(grey[:, 90:188, s : s + 98]).numpy()[0] for s in (120, 121)],  # (96, 96, 1)
        "pooled": {kind: POOLS[kind](grey, 6).numpy()[0] for kind in ("max", "mean", "min")},
        "grey": grey.numpy()[0],
    }


def claims(results):
    maps, flat, photo = results["maps"], results["flat"], results["photograph"]
    return [
        equals("max pool 2 x 2, stride 2", [[6, 8], [3, 4]], maps["max"]),
        equals("the slide's second map: its stride is 1", [[6, 7, 8], [6, 7, 8], [3, 3, 4]],
               results["stride 1"]),
        equals("min", [[1, 2], [1, 0]], maps["min"]),
        equals("mean", [[3.25, 5.25], [2, 2]], maps["mean"]),
        equals("sum", [[13, 21], [8, 8]], maps["sum"]),
        equals("L2 norm, squared", [[63, 133], [18, 26]], (maps["L2 norm"] ** 2).round(3)),
        equals("224 x 224 x 64 becomes", [112, 112, 64], results["volume"]["shape"]),
        equals("a quarter of the numbers", 0.25, results["volume"]["share"]),
        equals("channel 5 alone gives channel 5", True, results["volume"]["alone"]),
        equals("flattened row by row", [6, 8, 3, 4], flat["rows"]),
        equals("flattened column by column", [6, 3, 8, 4], flat["columns"]),
        equals("pixels that get a gradient: max, mean", [4, 16],
               [np.count_nonzero(results["gradients"][kind]) for kind in ("max", "mean")]),
        equals("sees no move by one: share, n = 1, 2, 4, 8", [0, 1 / 2, 3 / 4, 7 / 8],
               results["unmoved"]),
        at_least("photograph moved by one: change of its edges", 0.7, photo["max"][0, 1]),
        at_most("of their 8 x 8 maxima", 0.1, photo["max"][3, 1]),
        at_least("of every 8th edge, without pooling", 0.6, photo["every n-th"][3, 1]),
        at_most("letters: change of 4 x 4 maxima, by that of the map", 0.6,
                results["letters"]["max"][2, 1] / results["letters"]["max"][0, 1]),
        equals("best match of a stroke, moved, turned", [9, 9, 5], results["turned"]),
    ]  # fmt: skip


# %% The figures.
def show(results):
    return {
        "kinds": draw_kinds(results),
        "gradients": draw_gradients(results["gradients"]),
        "photograph": draw_photograph(results),
        "moved": draw_moved(results),
        "changes": draw_changes(results),
    }


def draw_kinds(results):
    images = [np.array(SLIDE), *results["maps"].values(), results["stride 1"]]
    images = [image.round(2) for image in images]
    titles = ["feature map", *POOLS, "max, stride 1"]
    title = "One number for each 2 x 2 window, stride 2; last: the slide's 3 x 3 map"
    return plot.grid(images, titles, title, columns=7, width=1.9, draw=plot.matrix)


def draw_gradients(found):
    images = [np.array([[10, 20], [30, 40]]), *(dx.round(1) for dx in found.values())]
    titles = ["gradient of the map", *POOLS]
    title = "Where the gradient goes: to the winner, to all alike, or to each by its size"
    return plot.grid(images, titles, title, columns=6, width=2.2, draw=plot.matrix)


def draw_photograph(results):
    images = [results["grey"], *results["pooled"].values()]
    titles = ["258 x 266 pixels", *(f"{kind} of 6 x 6" for kind in results["pooled"])]
    title = "Pooled, the bright things grow, or the dark ones, or all blurs"
    return plot.grid(images, titles, title, columns=4, width=3, limits=(0, 255))


def draw_moved(results):
    rows = []
    for n in (1, 8):
        here, there = (tn.max_pool2d(tn.Tensor(x)[None], n).numpy()[0] for x in results["seen"])
        rows += [here, there, abs(there - here)]
    titles = ["edges", "moved by one pixel", "difference"]
    titles += ["8 x 8 maxima", "moved by one pixel", "difference"]
    title = "A picture moved by one pixel has other edges, and nearly the same maxima"
    return plot.grid(rows, titles, title, columns=6, width=2.4, limits=(0, 150))


def draw_changes(results):
    figure, axes = plt.subplots(1, 2, figsize=(11, 4), sharex=True, layout="constrained")
    for place, what in zip(axes, ("photograph", "letters"), strict=True):
        for (name, rows), style in zip(results[what].items(), ("-", "--", ":"), strict=True):
            for i, n in enumerate(SIZES):
                if n == 1 and name != "max":
                    continue  # nothing is pooled: the same line
                label = f"{name}, n = {n}" if n > 1 else "the map itself"
                place.plot(SHIFTS, rows[i], style, color=f"C{i}", label=label)
        place.set(title=what, xlabel="pixels moved", ylabel="change, by the sum of the map")
    axes[1].legend(bbox_to_anchor=(1, 1), fontsize=8)
    figure.suptitle("Pooled by n x n, a map changes less when the picture moves; thinned out, it "
                    "does not")  # fmt: skip
    return figure
