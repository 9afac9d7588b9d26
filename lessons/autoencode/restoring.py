"""Restoring what is missing: colors, and three of four pixels.  A part of uses.

Both networks give more numbers than they get.  What they add they know from other pictures.
The slide counts them as autoencoders; they are networks of that form whose target is not their
input.
"""

from __future__ import annotations

import colorsys

import numpy as np
from PIL import Image

import tinynet as tn
from tinynet import plot
from tinynet.layers import Conv2D, Conv2DTranspose, Dense, Flatten, Reshape

from .. import pictures
from ..claim import at_least, at_most

LUMA = np.float32([0.299, 0.587, 0.114])  # how bright red, green and blue look

# The hue of these is a rule, from 0 to 1 around the color circle.  All others are of any hue.
HUES = {"Trouser": 0.62, "Sandal": 0.14, "Sneaker": 0.45, "Bag": 0.85, "Ankle boot": 0.0}


# %% Pictures that are shown or measured are probabilities:  x' = sigmoid(logits)
def drawn(network, x):
    """What a network that says logits makes of (N, ...).  -> (N, ...), from 0 to 1"""
    return tn.sigmoid(tn.Tensor(tn.predict(network, x))).numpy()


# %% Clothes in color.  Photographs would need a large network and hours: on CIFAR-10, a small one
# hardly beats grey.  So the colors are ours, and we know what can be known of them.
#    t = 1/2 + (rgb - LUMA . rgb) / 2,     picture = t x,     grey = LUMA . picture = x / 2
# All tints t are equally bright: the grey picture says nothing of the color, but by its shape.
def tint(hue):
    """Hues (N,) from 0 to 1 -> (N, 3), red, green and blue."""
    rgb = np.array([colorsys.hsv_to_rgb(h, 1, 1) for h in hue], np.float32).reshape(-1, 3)
    return 0.5 + (rgb - (rgb @ LUMA)[:, None]) / 2


def tinted(x, labels, names, rng):
    """Pictures (N, H, W, 1) in color, (N, H, W, 3), and whether the rule holds for each, (N,)."""
    hue, by_rule = rng.random(len(x)), np.zeros(len(x), bool)
    for name, value in HUES.items():
        chosen = labels == names.index(name)
        hue[chosen], by_rule[chosen] = value, True
    return x * tint(hue)[:, None, None, :], by_rule


def grey(x):
    """(N, H, W, 3) -> (N, H, W, 1)"""
    return (x @ LUMA)[..., None]


# %% The network says by how much each pixel differs from grey: its brightness is known already.
# The squared error is least for the mean of all colors that may be.  Of any hue, that is no color:
# unsure, the network paints grey.  A T-shirt's color it cannot know, and no network can.
def painter(rng):
    """(N, 28, 28, 1) -> (N, 28, 28, 3), to be added to the grey picture"""
    layers = [Flatten(), Dense(128, activation="relu"), Dense(28 * 28 * 3), Reshape((28, 28, 3))]
    return tn.Sequential(layers, (28, 28, 1), rng)


def color(count, epochs, seed, device):
    data = pictures.fashion_mnist(count, 500, seed)
    rng = np.random.default_rng(seed)
    x, _ = tinted(data.train, data.train_labels, data.names, rng)
    truth, by_rule = tinted(data.test, data.test_labels, data.names, rng)
    network = painter(rng).to(device)
    batches = tn.data.batches(grey(x), x - grey(x), size=32, rng=rng, device=device)
    tn.fit(network, batches, tn.mse, tn.optim.Adam(network.parameters()), epochs)
    seen = grey(truth)
    painted = np.clip(seen + tn.predict(network, seen), 0, 1)
    first = [int(np.argmax(data.test_labels == k)) for k in range(10)]
    first.sort(key=lambda i: not by_rule[i])  # those of the rule first
    error = {
        (how, who): float(((y - truth)[chosen] ** 2).mean())
        for how, y in (("painted", painted), ("grey", seen))
        for who, chosen in (("rule", by_rule), ("any", ~by_rule))
    }
    rows = {"grey, given": seen, "painted": painted, "truth": truth}
    return {
        "rows": {name: y[first] for name, y in rows.items()},
        "share": {who: error["painted", who] / error["grey", who] for who in ("rule", "any")},
        "source": data.source,
    }


def claims_of_color(results):
    share = results["share"]
    return [
        at_most("error of colors by a rule, as a share of that of grey", 0.38, share["rule"]),
        at_least("the same where any color may be", 0.95, share["any"]),
    ]


# %% Twice the resolution.  The slide's "1/4th the pixels" is half as many each way.
#    small_ij = (x_2i,2j + x_2i+1,2j + x_2i,2j+1 + x_2i+1,2j+1) / 4
def halved(x):
    """(N, H, W, C) -> (N, H/2, W/2, C)"""
    N, H, W, C = x.shape
    if H % 2 or W % 2:
        raise ValueError(
            f"halved: pictures {x.shape} have an odd side. Leave out a row or a column of pixels."
        )
    return x.reshape(N, H // 2, 2, W // 2, 2, C).mean(axis=(2, 4))


def bicubic(x, size):
    """What Pillow makes of (N, H, W, 1) in the size (height, width), cut off at black and white."""
    height, width = size
    large = [
        Image.fromarray(p[..., 0]).resize((width, height), Image.Resampling.BICUBIC) for p in x
    ]
    return np.clip(np.stack(large), 0, 1)[..., None]


# %% Two convolutions see what is around each pixel; the transposed one makes four of each.
def enlarger(rng):
    """(N, 14, 14, 1) -> logits (N, 28, 28, 1)"""
    layers = [
        Conv2D(16, 3, padding="same", activation="relu"),
        Conv2D(16, 3, padding="same", activation="relu"),
        Conv2DTranspose(1, 6, strides=2, padding="same"),
    ]
    return tn.Sequential(layers, (14, 14, 1), rng)


def enlarge(data, count, epochs, seed, device):
    rng = np.random.default_rng(seed)
    x = data.train[:count]
    small = halved(data.test)
    network = enlarger(rng).to(device)
    batches = tn.data.batches(halved(x), x, size=32, rng=rng, device=device)
    tn.fit(network, batches, tn.bce_with_logits, tn.optim.Adam(network.parameters(), 0.005), epochs)
    ways = {
        "bicubic": bicubic(small, data.test.shape[1:3]),
        "network": drawn(network, small),
    }
    return {
        "psnr": {name: tn.metrics.psnr(y, data.test) for name, y in ways.items()},
        "rows": {
            "given": small[:10],
            **{n: y[:10] for n, y in ways.items()},
            "truth": data.test[:10],
        },
        "source": data.source,
    }


def claims_of_resolution(results):
    psnr = results["psnr"]
    return [
        at_least("twice the resolution: dB above bicubic", 3.5, psnr["network"] - psnr["bicubic"])
    ]


# %% The figures.
def draw_color(results):
    share = results["share"]
    title = (
        f"Color: {results['source']}, error {share['rule']:.0%} of that of grey where the shape "
        f"tells the color (left),\n{share['any']:.0%} where it does not (right)"
    )
    return plot.rows(results["rows"], title, limits=(0, 1))


def draw_resolution(results):
    rows = {}
    for name, y in results["rows"].items():
        rows[f"{name}\n{results['psnr'][name]:.1f} dB" if name in results["psnr"] else name] = y
    title = f"Twice the resolution: {results['source']}, 14 x 14 to 28 x 28"
    return plot.rows(rows, title, limits=(0, 1))
