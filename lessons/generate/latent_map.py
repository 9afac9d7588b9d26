"""What a map of codes is worth: does every place of it give a picture, and do neighbours agree?

For the lesson `vae`.  A map is a dict of "codes" (N, 2), of the test pictures, and a "decoder".
"""

from __future__ import annotations

from statistics import NormalDist

import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn
from tinynet import plot

# Between two of these numbers lies the same share of N(0, 1), the prior of one number of a code.
QUANTILES = np.array([NormalDist().inv_cdf((i + 0.5) / 15) for i in range(15)])


def decode(network, z):
    """Codes (N, Z) -> probabilities of white (N, 28, 28, 1)"""
    logits = tn.Tensor(tn.predict(network, z.astype(np.float32)))
    return tn.sigmoid(logits).numpy()


# %% Completeness: a code that was drawn, not encoded, gives a picture, too.
#    of samples = mean |sample - the nearest training picture| / the same for reconstructions
# A decoder that knows one picture only would pass, so its samples must differ, too:
#    spread = mean |one sample - another| / the same for reconstructions
# And the codes should lie where codes are drawn: "near 0", within 2.45, are 95% of N(0, I).
# Continuity: a near code gives a similar picture.  When codes move by a tenth of their spread,
#    change = mean |picture there - picture here| / mean |one picture - another|
def quality(codes, decoder, train, count, rng):
    """codes: of test pictures.  train: pictures (M, 28, 28, 1).  count: codes and samples tried."""

    def to_nearest(shown):
        a, b = shown.reshape(len(shown), -1), train.reshape(len(train), -1)
        squares = (a * a).sum(axis=1)[:, None] - 2 * a @ b.T + (b * b).sum(axis=1)  # (N, M)
        return float(np.sqrt(squares.min(axis=1).clip(0)).mean())

    def apart(a, b):
        return float(np.sqrt(((a - b) ** 2).sum(axis=(1, 2, 3))).mean())

    near_0 = float((np.linalg.norm(codes, axis=1) < 2.45).mean())
    codes = codes[:count]
    here = decode(decoder, codes)
    there = decode(decoder, codes + 0.1 * codes.std(axis=0) * rng.standard_normal(codes.shape))
    samples = decode(decoder, rng.standard_normal(codes.shape))
    differ = max(apart(rng.permutation(here), here), 1e-6)
    return {
        "of samples": to_nearest(samples) / to_nearest(here),
        "spread": apart(rng.permutation(samples), samples) / differ,
        "near 0": near_0,
        "change": apart(there, here) / differ,
    }


# %% The figures.  maps: {name: map}; data: lessons.pictures.Pictures.
def draw_codes(maps, data):
    figure, places = plt.subplots(1, len(maps), figsize=(14, 3.6), layout="constrained")
    for axes, (name, of) in zip(places, maps.items(), strict=True):
        plot.latent(axes, of["codes"][:1000], data.test_labels[:1000], data.names)
        axes.get_legend().set_visible(axes is places[-1])
        axes.get_legend().set_in_layout(axes is places[-1])
        width = f"\nclouds {of['width']:.2g} wide" if "width" in of else "\npoints"
        axes.set_title(name + width, fontsize=10)
    figure.suptitle(f"where the encoder puts {data.source}: the middle of each cloud")
    return figure


def draw_map(maps, data):
    """What both decode the same codes to: those of the prior, N(0, I)."""
    z = np.stack(np.meshgrid(QUANTILES, QUANTILES[::-1]), axis=-1)  # (15, 15, 2), up is up
    figure, places = plt.subplots(1, len(maps), figsize=(11, 5.8), layout="constrained")
    for axes, (name, of) in zip(places, maps.items(), strict=True):
        shown = decode(of["decoder"], z.reshape(-1, 2)).reshape(15, 15, 28, 28)
        plot.latent_grid(axes, shown, QUANTILES, QUANTILES[::-1], limits=(0, 1))
        axes.set_title(name)
    figure.suptitle(
        f"what the codes of N(0, I) are decoded to, at even steps of probability ({data.source})"
    )
    return figure


def draw_pictures(maps, data, count=12):
    z = np.random.default_rng(1).standard_normal((count, 2))
    rows = {"test pictures": data.test[:count]}
    for name, of in maps.items():
        short = name.split(",")[0]
        rows[f"{short}:\nreconstructions"] = decode(of["decoder"], of["codes"][:count])
        rows[f"{short}:\nsamples"] = decode(of["decoder"], z)
    title = f"{data.source}: pictures again, and pictures of codes drawn from N(0, I)"
    return plot.rows(rows, title, limits=(0, 1))


def draw_walk(maps, data, start, end, steps=12):
    """From the first `start` among the test pictures to the first `end`, straight over the map."""
    a, b = (int(np.flatnonzero(data.test_labels == label)[0]) for label in (start, end))
    share = np.linspace(0, 1, steps)
    rows = {}
    for name, of in maps.items():
        z = np.outer(1 - share, of["codes"][a]) + np.outer(share, of["codes"][b])
        rows[name] = decode(of["decoder"], z)
    fading = np.multiply.outer(1 - share, data.test[a]) + np.multiply.outer(share, data.test[b])
    rows["the pixels\nfaded over"] = fading
    return plot.rows(rows, f"a walk from a {start} to a {end} ({data.source})", limits=(0, 1))
