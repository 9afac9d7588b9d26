"""Latent attribute: a smile as one number, and as a distribution that says how sure it is.

Slides    000_fcdcaffc17ab1b77.txt "Discrete Value and Probability Distribution: Representations for
          smile latent attribute", whose drawing is lost; the faces are our own
Question  What does a Gaussian for each picture say that a number for each picture does not?
Expect    that the mouth cannot be seen: both answer 0.0 for a covered mouth, but only the Gaussian
          says +- 0.58 there, in the median (exactly right: anything), and +- 0.04 where it is free
Try       rows=EYES in `examples` and `cover`: how sure is it of a face without eyes, and why?
"""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn
from tinynet import plot
from tinynet.layers import Conv2D, Dense, Flatten

from ..claim import at_least, at_most
from .probability import bell

MOUTH, EYES = (0.56, 0.84), (0.34, 0.54)  # the rows of a face, as shares of its height
FREE = ("smile", "skin", "mouth_open", "hair_color", "shirt", "background")  # drawn by lot
SHOWN = {"smile": [-0.8, 0, 0.8] * 2, "skin": 0.2, "mouth_open": 0.3}
UNIFORM = 1 / math.sqrt(3)  # the standard deviation of what is anywhere from -1 to 1


# %% Faces whose smile is known, from -1 to 1.  Every second one has its mouth covered: then nothing
# in the picture tells the smile, which may be anything.
def examples(count, rng, size=24, rows=MOUTH):
    """-> faces (N, size, size, 3), smiles (N, 1), whether covered (N,)"""
    ranges = {name: tn.data.FACE_ATTRIBUTES[name] for name in FREE}
    drawn = {name: rng.uniform(a.low, a.high, count) for name, a in ranges.items()}
    covered = rng.random(count) < 0.5
    faces = cover(tn.data.draw_faces(drawn, size), covered, rows)
    return faces, drawn["smile"].astype(np.float32)[:, None], covered


def cover(faces, chosen, rows=MOUTH):
    """Bytes -> float32, centered on 0; of the chosen ones these rows become grey, which is 0."""
    low, high = rows
    if not 0 <= low < high <= 1:
        raise ValueError(
            f"cover: rows must be two shares of the height, the smaller first, received {rows}. "
            "MOUTH is (0.56, 0.84)."
        )
    x = faces.astype(np.float32) / 255 - 0.5
    x[chosen, round(low * x.shape[1]) : round(high * x.shape[1])] = 0
    return x


# %% Two networks, the same but for what comes out.  One number f, and the loss is the MSE:
#    mean (f - smile)^2
# Or a Gaussian, mean and log_var, and the loss is minus the log-likelihood of the smile:
#    mean [ (mean - smile)^2 / (2 exp(log_var)) + log_var / 2 ] + log(2 pi) / 2
# A large variance forgives mistakes, but costs log_var / 2 for every picture.  So it pays to say
# the truth: where the mistakes are large, and only there.  The encoder of a VAE answers like this.
def model(outputs, size, rng):
    """(N, size, size, 3) -> (N, outputs)"""
    convolutions = [
        Conv2D(channels, 3, strides=2, padding="same", activation="relu") for channels in (8, 16)
    ]
    layers = [*convolutions, Flatten(), Dense(32, activation="relu"), Dense(outputs)]
    return tn.Sequential(layers, input_shape=(size, size, 3), rng=rng)


def gaussian_loss(outputs, smile):
    """outputs (N, 2): mean and log_var.  smile (N, 1)."""
    return -tn.gaussian_log_likelihood(outputs[:, :1], smile, outputs[:, 1:])


def train(outputs, loss, data, epochs, seed, device):
    rng = np.random.default_rng(seed)
    network = model(outputs, data[0].shape[1], rng).to(device)
    faces, smile, _ = data
    batches = tn.data.batches(faces, smile, size=32, rng=rng, device=device)
    tn.fit(network, batches, loss, tn.optim.Adam(network.parameters(), 0.003), epochs)
    return network


def main(count=4000, test=2000, epochs=8, seed=0, device="cpu", full=False):
    """count, test: faces to learn from, and to try it on.  full: five times as many to learn."""
    rng = np.random.default_rng((seed, 1))
    data = examples(count * (5 if full else 1), rng)
    x, smile, covered = examples(test, rng)
    shown = cover(tn.data.draw_faces(SHOWN, x.shape[1]), np.arange(6) >= 3)

    number = train(1, tn.mse, data, epochs, seed, device)
    gaussian = train(2, gaussian_loss, data, epochs, seed, device)
    f = tn.predict(number, x)
    mean, log_var = np.split(tn.predict(gaussian, x), 2, axis=1)
    # Numbers have no likelihood.  With one sigma for all, the best is the root of their MSE.
    one_sigma = np.full_like(f, math.log(((f - smile) ** 2).mean()))
    return {
        "shown": shown + 0.5,
        "numbers": tn.predict(number, shown)[:, 0],
        "gaussians": tn.predict(gaussian, shown),  # (6, 2)
        "smile": smile[:, 0],
        "number": f[:, 0],
        "mean": mean[:, 0],
        "sigma": np.exp(log_var / 2)[:, 0],
        "covered": covered,
        "likelihood": tn.gaussian_log_likelihood(mean, smile, log_var).item(),
        "likelihood, one sigma": tn.gaussian_log_likelihood(f, smile, one_sigma).item(),
    }


def claims(results):
    r, covered = results, results["covered"]
    sure, blind = np.median(r["sigma"][~covered]), np.median(r["sigma"][covered])
    within = abs(r["smile"] - r["mean"]) < 2 * r["sigma"]
    gain = r["likelihood"] - r["likelihood, one sigma"]
    return [
        at_most("mouth covered: the number, off 0", 0.1, abs(r["number"][covered]).mean()),
        at_most("mouth covered: the Gaussian's mean, off 0", 0.1, abs(r["mean"][covered]).mean()),
        at_most("mouth covered: sigma, off 1 / sqrt(3)", 0.1, abs(blind - UNIFORM)),
        at_most("mouth free: sigma", 0.1, sure),
        at_least("smiles within 2 sigma of the mean", 0.9, within.mean()),
        at_least("a sigma for each face, not one for all: nats more", 0.3, gain),
    ]


# %% The figures.
def show(results):
    return {"smiles": draw_smiles(results), "sigmas": draw_sigmas(results)}


def draw_smiles(r):
    """Six faces; below each the number, and below that the Gaussian."""
    figure, axes = plt.subplots(
        3, 6, figsize=(12, 5), layout="constrained", height_ratios=(2.4, 0.5, 1.3)
    )
    at = np.linspace(-1.6, 1.6, 400)
    for column, smile in enumerate(SHOWN["smile"]):
        face, point, curve = axes[:, column]
        mean, log_var = r["gaussians"][column]
        sigma = math.exp(log_var / 2)
        plot.picture(face, r["shown"][column], f"smile {smile:g}", (0, 1))
        point.axhline(0, color="0.7", linewidth=1)
        point.plot(r["numbers"][column], 0, "C0o", markersize=9)
        point.set_title(f"{r['numbers'][column]:.2f}", fontsize=10)
        density = bell(at, mean, sigma)
        curve.fill_between(at, density, color="C0", alpha=0.4)
        curve.plot(at, density, "C0")
        curve.set_title(f"{mean:.2f} ± {sigma:.2f}", fontsize=10)
        curve.set(ylim=(0, 1.1 * density.max()), xlabel="smile")
        for place in (point, curve):
            place.axvline(smile, color="k", linestyle=":", linewidth=1)
            place.set(xlim=(-1.6, 1.6), xticks=(-1, 0, 1), yticks=())
    for place, name in zip(axes[:, 0], ("the picture", "a number", "a distribution"), strict=True):
        place.set_ylabel(name, rotation=0, ha="right", va="center")
    figure.suptitle("The same smile as a number and as a Gaussian (dotted: the truth)")
    return figure


def draw_sigmas(r):
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
    for chosen, color, name in ((~r["covered"], "C0", "free"), (r["covered"], "C3", "covered")):
        some = np.flatnonzero(chosen)[:150]
        left.errorbar(
            r["smile"][some], r["mean"][some], r["sigma"][some], fmt=".", color=color,
            elinewidth=0.6, alpha=0.6, label=f"mouth {name}",
        )  # fmt: skip
        right.hist(
            r["sigma"][chosen], 60, range=(0, 0.8), color=color, alpha=0.7, label=f"mouth {name}"
        )
    left.plot((-1, 1), (-1, 1), "k:")
    left.set(title="mean ± sigma of 300 faces", xlabel="smile", ylabel="estimate")
    right.axvline(UNIFORM, color="k", linestyle=":", label="1 / sqrt(3): anything from -1 to 1")
    right.set(title="how sure it says it is", xlabel="sigma", ylabel="faces")
    left.legend(loc="upper left")
    right.legend()
    figure.suptitle("The variance was never shown to the network: the likelihood asks for it")
    return figure
