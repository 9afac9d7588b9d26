"""The drawings of the lesson overcomplete."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from ..session import figure
from .style import COLORS, GREY

NAMES = ("overcomplete", "bottleneck", "denoising", "dropout", "penalty")
LOOKS = {
    name: {"color": color, "linestyle": line, "linewidth": 2}
    for name, color, line in zip(NAMES, COLORS, ("-", "--", "-", "-.", ":"), strict=False)
}
LOOKS["denoising"]["linewidth"] = 3
SINGULAR = {"digits": "digit", "noisy digits": "noisy digit", "clothes": "clothing"}


def _square(row):
    side = round(len(row) ** 0.5)
    return row.reshape(side, side)


def _picture(axes, row, **limits):
    limits = limits or {"cmap": "gray", "vmin": 0, "vmax": 1}
    image = axes.imshow(_square(row), interpolation="nearest", **limits)
    axes.set_xticks([])
    axes.set_yticks([])
    return image


@figure
def pixels(ink, returned, out):
    """Where digits have ink, what of a lit pixel comes back, and what comes out for two of them."""
    side = round(len(ink) ** 0.5)
    middle, corner = side * (side // 2) + side // 2, 0
    drawing, row = plt.subplots(1, 4, figsize=(12.5, 3.5), layout="constrained")
    image = _picture(row[0], ink, cmap="viridis", vmin=0, vmax=1)
    _picture(row[1], returned, cmap="viridis", vmin=0, vmax=1)
    drawing.colorbar(image, ax=row[:2], shrink=0.8)
    row[0].set_title("share of the digits\nwith ink there")
    row[1].set_title("share of a lit pixel\nthat comes back there")
    for axes, pixel, name in ((row[2], middle, "the middle"), (row[3], corner, "a corner")):
        image = _picture(axes, out[pixel], cmap="RdBu_r", vmin=-1, vmax=1)
        at = (pixel % side, pixel // side)
        axes.add_patch(plt.Rectangle((at[0] - 0.5, at[1] - 0.5), 1, 1, fill=False,
                                     edgecolor="black", linewidth=2, clip_on=False))  # fmt: skip
        axes.set_title(f"what comes out if the pixel\nin {name} (framed) is lit")
    drawing.colorbar(image, ax=row[2:], shrink=0.8)
    drawing.suptitle(
        "The overcomplete network copies where digits have ink, and not in the corners"
    )
    return drawing


@figure
def pictures(inputs, wanted, networks, mean, number=0):
    """One picture of each kind, and what each network makes of it."""
    drawing, places = plt.subplots(len(inputs), 1 + len(networks), figsize=(10.2, 7.9),
                                   layout="constrained")  # fmt: skip
    titles = ["input", *networks]
    for row, (kind, given) in zip(places, inputs.items(), strict=True):
        right = wanted[kind][number]
        _picture(row[0], given[number])
        row[0].set_ylabel(SINGULAR.get(kind, kind))
        for axes, network in zip(row[1:], networks.values(), strict=True):
            made = network(given[number : number + 1])[0]
            _picture(axes, made)
            error = ((made - right) ** 2).sum() / ((mean - right) ** 2).sum()
            axes.set_xlabel(f"error {error:.0%}")
    for axes, title in zip(places[0], titles, strict=True):
        axes.set_title(title)
    drawing.suptitle(
        "The overcomplete network copies what it gets; the others lose more of what is no digit"
    )
    return drawing


@figure
def training(seen):
    """What each network loses of digits and of noise, after each epoch."""
    drawing, row = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained", sharey=True)
    for axes, kind in zip(row, ("digits", "noise"), strict=True):
        for name, after in seen.items():
            shares = [each[kind] for each in after]
            axes.semilogy(range(1, 1 + len(shares)), shares, label=name, **LOOKS[name])
        axes.axhline(1, color="black", linestyle=":", linewidth=1)
        axes.text(1, 1.08, "the mean digit", fontsize=9)
        axes.set(title=f"test pictures: {kind}", xlabel="epoch", ylim=(None, 3))
        axes.yaxis.set_major_formatter(lambda share, _: f"{100 * share:g}%")
        axes.grid(axis="y", alpha=0.3)
    row[0].set_ylabel("error (the mean digit has 100%)")
    row[1].legend(loc="lower left")
    drawing.suptitle(
        "Trained with digits alone: only the overcomplete network learns to copy noise"
    )
    return drawing


@figure
def passing(passed, expected, along):
    """How much of the pictures lies along each direction, and which share of it passes."""
    drawing, (left, right) = plt.subplots(1, 2, figsize=(12, 4.4), layout="constrained")
    k = np.arange(1, 1 + len(next(iter(passed.values()))))
    for (kind, held), color, line in zip(along.items(), ("black", GREY, "#b9770e"),
                                            ("-", "--", "-"), strict=True):  # fmt: skip
        left.plot(k, held / held[-1], color=color, linestyle=line, linewidth=2, label=kind)
    left.set(title="Where the pictures lie", xlabel="number of directions, $k$", ylim=(0, 1.05),
             ylabel="share of the squared distance\nto the mean digit")  # fmt: skip
    left.legend()
    for name, g in passed.items():
        right.plot(k, g, label=name, **LOOKS[name])
    for name, g in expected.items():
        right.plot(k, g, color="#d3d3d3", linewidth=7, zorder=0,
                   label="by the formula" if name == "denoising" else None)  # fmt: skip
    right.set(title="What the networks let pass", xlabel="direction $k$",
              ylabel="share $g_k$ that passes", ylim=(-0.1, 1.1))  # fmt: skip
    right.legend(loc="upper right", bbox_to_anchor=(0.665, 0.92), fontsize=9)
    drawing.suptitle(
        "Digits lie in few directions, noise in all: networks that block most directions lose noise"
    )
    return drawing
