"""The drawings of the lesson noise."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from ..session import figure
from .style import COLORS, GREY, NO, YES


def _bell(x, mean, variance):
    return np.exp(-((x - mean) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)


@figure
def walkers(walks, abar, shown):
    """Forty walkers with the closed form's mean and spread; all of them at three times."""
    drawing, (left, right) = plt.subplots(
        1, 2, figsize=(12, 4.6), layout="constrained", width_ratios=[1.5, 1], sharey=True
    )
    start, t = walks[0, 0], np.arange(len(walks))
    left.plot(t, walks[:, :40], color=NO, alpha=0.3, linewidth=0.8)
    mean, deviation = np.sqrt(abar) * start, np.sqrt(1 - abar)
    left.plot(t, mean, color="black", linewidth=2, label="mean")
    for sign in (-2, 2):
        label = "mean ± 2 standard deviations" if sign > 0 else None
        left.plot(t, mean + sign * deviation, "--", color="black", linewidth=1.5, label=label)
    left.set(xlabel="step t", ylabel="$x_t$", title="40 walkers from one start, step by step")
    left.legend(title="closed form", loc="lower left")
    edges = np.linspace(-4, 4, 81)
    fine = np.linspace(-4, 4, 401)
    for place, (at, color) in enumerate(zip((shown[1], shown[3], shown[-1]), COLORS, strict=False)):
        heights = np.histogram(walks[at], edges, density=True)[0]
        right.stairs(place + 0.48 * heights, edges, baseline=place, fill=True, color=color,
                     alpha=0.5, orientation="horizontal")  # fmt: skip
        curve = place + 0.48 * _bell(fine, mean[at], deviation[at] ** 2)
        right.plot(curve, fine, color="black", linewidth=1.3)
        right.text(place + 0.03, 3.95, f"t = {at}", va="top", fontsize=11, color=color)
    right.set_xticks([])
    right.set_title(f"{walks.shape[1]:,} walkers (colored), closed form (black)")
    drawing.suptitle("The start is forgotten: the walkers shrink to the middle and spread out")
    return drawing


@figure
def schedules(schedules, knows):
    """What is left of the data along each schedule, and how well the start is guessed."""
    drawing, (left, right) = plt.subplots(1, 2, figsize=(12, 4), layout="constrained")
    styles = ("-", "--", "-.", ":")
    for (name, abar), color, style in zip(schedules.items(), COLORS, styles, strict=False):
        way = np.linspace(0, 1, len(abar))
        left.plot(way, np.sqrt(abar), style, color=color, linewidth=2.5, label=name)
    left.set(xlabel="t / T", ylabel=r"$\sqrt{\bar a_t}$: what is left of the data", ylim=(0, 1.03),
             title="How the data fade")  # fmt: skip
    left.legend()
    bars = right.barh(list(knows), list(knows.values()), color=COLORS[: len(knows)])
    right.bar_label(bars, [f"{share:.1%}" for share in knows.values()], padding=4, fontsize=11)
    right.axvline(0.5, color="black", linestyle=":")
    right.set(xlim=(0, 1.08), xlabel="share of starts (1 or -1) guessed right (dotted: by chance)",
              title="What the end still knows of the start")  # fmt: skip
    right.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0%", "25%", "50%", "75%", "100%"])
    right.invert_yaxis()
    drawing.suptitle("Four schedules: three (nearly) forget the start, the weak one does not")
    return drawing


@figure
def photograph(noisy, averaged, same, same_large):
    """The photograph at seven times, and the averages of its squares."""
    drawing, rows = plt.subplots(2, len(noisy), figsize=(13, 4.9), layout="constrained")
    of_rows = enumerate(((noisy, same), (averaged, same_large)))
    for number, (pictures, shares) in of_rows:
        for axes, (t, picture) in zip(rows[number], pictures.items(), strict=True):
            axes.imshow(np.clip(picture / 4.4 + 0.45, 0, 1), interpolation="nearest")
            axes.set(xticks=[], yticks=[])
            axes.set_xlabel(f"correlation {shares[t]:.2f}", fontsize=9.5)
            if number == 0:
                axes.set_title(f"t = {t}", fontsize=12)
    rows[0][0].set_ylabel("each pixel", fontsize=11)
    rows[1][0].set_ylabel("average of 8 x 8 pixels", fontsize=11)
    drawing.suptitle("A photograph dissolves: its details are lost first, its large areas last")
    return drawing


@figure
def arrows(grid, scores, points, abar):
    """The score on a grid at three times, from late to early."""
    drawing, row = plt.subplots(1, len(scores), figsize=(13, 5.3), layout="constrained")
    reach = abs(grid).max() * 1.06
    side = np.linspace(-reach, reach, 161)
    fine = np.stack(np.meshgrid(side, side), axis=-1)[:, :, None]  # (161, 161, 1, 2)
    words = (": much noise", "", ": little noise")
    for axes, (t, arrows), word in zip(row, scores.items(), words, strict=False):
        middles = np.sqrt(abar[t]) * points
        away = ((fine - middles) ** 2).sum(axis=-1) / (2 * (1 - abar[t]))
        density = np.exp(-away).sum(axis=-1)
        extent = (-reach, reach, -reach, reach)
        axes.imshow(density, cmap="Blues", origin="lower", extent=extent, alpha=0.75)
        length = np.hypot(*arrows.T)[:, None] + 1e-12  # where the score is 0: no arrow
        axes.quiver(*grid.T, *(arrows / length).T, color="black", pivot="middle", angles="xy",
                    scale=26, width=0.0042)  # fmt: skip
        axes.plot(*points.T, "o", color="white", markeredgecolor=GREY, markersize=8,
                  label="data point")  # fmt: skip
        axes.plot(*middles.T, "o", color=YES, markeredgecolor="white", markersize=8,
                  label="middle of its cloud")  # fmt: skip
        axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal", title=f"t = {t}{word}")
        axes.set(xticks=[-2, 0, 2], yticks=[-2, 0, 2])
    handles, labels = row[0].get_legend_handles_labels()
    drawing.legend(handles, labels, loc="outside lower center", ncols=2, frameon=False)
    drawing.suptitle(
        "Directions of the score: with much noise to the middle, with little to the nearest point"
    )
    return drawing
