"""The drawings of the lesson gan."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn

from ..session import figure, film
from .style import GREY, NO, YES

LIMITS = (-3.5, 4.0)


@figure
def best(x, p_g, p_d, best, neurons):
    """Two bells, the best discriminator between them, and the trained neurons."""
    drawing, row = plt.subplots(1, 2, figsize=(10.5, 3.9), layout="constrained", sharey=True)
    titles = ("The slide: D says 1 to fakes", "Goodfellow: D says 1 to real samples")
    answers = (best, 1 - best)
    for axes, title, (w, b), answer in zip(row, titles, neurons.values(), answers, strict=True):
        axes.fill_between(x, p_g, color=YES, alpha=0.25, linewidth=0)
        axes.fill_between(x, p_d, color=NO, alpha=0.25, linewidth=0)
        axes.text(-0.75, 0.12, "fakes\n$p_g$", ha="center", color=YES, fontsize=11)
        axes.text(2.75, 0.12, "real\n$p_d$", ha="center", color=NO, fontsize=11)
        axes.plot(x, answer, color="black", linewidth=4, alpha=0.3, label="the best $D$")
        label = f"the neuron: $w$ = {w:.2f}, $b$ = {b:.2f}"
        axes.plot(x, 1 / (1 + np.exp(-w * x - b)), "--", color="black", label=label)
        axes.axhline(0.5, color=GREY, linewidth=0.7, linestyle=":")
        axes.plot(1, 0.5, "o", color="gold", markeredgecolor="black", zorder=5)
        axes.set(title=title, xlabel="$x$", xlim=(-3, 5), ylim=(0, 1.32))
        axes.set_yticks([0, 0.5, 1])
        axes.legend(loc="upper center", ncols=2, fontsize=9)
    row[0].set_ylabel("$D(x)$, and the two densities")
    drawing.suptitle("One neuron finds the best $D$: it says 1/2 where the two bells are equal")
    return drawing


def _flow(z, real, seen, title):
    """What the generator does at some steps, with D over the upper histogram of each column."""
    made = {f"step {step:,}": made for step, (made, _, _) in seen.items()}
    drawing = tn.plot.flow(
        z, made, tn.data.two_humps_density, title, ("$z$", "$G(z)$"), limits=LIMITS
    )
    for axes, (_, (_, said), _) in zip(drawing.axes, seen.values(), strict=True):
        axes.axhline(2.5, color=GREY, linewidth=0.8, linestyle=":")
        axes.plot(real, 2 + said, color="black", linewidth=1.6)
        axes.text(LIMITS[0], 2.51, "1/2", va="bottom", fontsize=8)
    return drawing


@figure
def transformer(z, real, seen):
    """What the generator does with the bell, at some steps, and what the discriminator says."""
    title = "The generator moves a bell onto two humps, until D (black) says 1/2 everywhere"
    return _flow(z, real, seen, title)


@film
def training(z, real, seen):
    """The same, as a film."""
    for step in sorted(seen):
        drawing = _flow(z, real, {step: seen[step]}, "A bell becomes two humps (black: D)")
        yield drawing
        plt.close(drawing)


@figure
def maps(z, exact, made, folded):
    """The exact map, and the maps that two runs have learned."""
    N = 1 + len(made)
    drawing, row = plt.subplots(1, N, figsize=(3.9 * N, 4.3), layout="constrained", sharey=True)
    titles = ["the exact rising map"]
    for seed, values in made.items():
        word = "folds" if seed in folded else "rises" if values[-1] > values[0] else "falls"
        titles.append(f"learned with seed {seed}: it {word}")
    x = np.linspace(*LIMITS, 400)
    density = tn.data.two_humps_density(x)
    edges = np.linspace(*LIMITS, 61)
    scale = 1.6 / density.max()
    for axes, title, values in zip(row, titles, [exact, *made.values()], strict=True):
        heights = np.histogram(values, edges)[0] / len(values) / np.diff(edges)
        axes.stairs(3.2 + scale * heights, edges, baseline=3.2, orientation="horizontal",
                    fill=True, color="#9ecae1")  # fmt: skip
        axes.plot(3.2 + scale * density, x, color=YES, linewidth=1.2)
        axes.plot(z, exact, color="black", linewidth=1, linestyle="--")
        axes.scatter(z[::20], values[::20], c=z[::20], cmap="viridis", s=12, zorder=3)
        axes.set(title=title, xlabel="$z$", xlim=(-3.3, 5.4), ylim=LIMITS, xticks=[-2, 0, 2])
    row[0].set_ylabel("$G(z)$")
    drawing.suptitle("Maps from z to G(z) (dashed: exact), and what they make (red: the target)")
    return drawing
