"""The drawings of the lesson batch_size."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from ..session import figure
from .style import COLORS, NO, YES


def _ticks(axis, values):
    """Only these values, as plain numbers."""
    axis.set_ticks(values, [f"{value:g}" for value in values])
    axis.set_ticks([], minor=True)


@figure
def noise(noises, length):
    """The noise of each batch size, the line that statistics predicts, and the length of g."""
    drawing, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    sizes, found = np.array(list(noises)), np.array(list(noises.values()))
    line = found[0] * (sizes[0] / sizes) ** 0.5
    axes.loglog(sizes, line, ":", color="black", label="prediction from B = 8: 1 / $\\sqrt{B}$")
    axes.loglog(sizes, found, "o", color=NO, markersize=9, label="measured noise")
    axes.axhline(length, color=YES, label="length of the true gradient g")
    axes.set(xlabel="batch size B (digits)", ylabel="length (loss per weight)")
    _ticks(axes.xaxis, sizes)
    low, high = min(length, found.min()) / 1.3, found.max() * 1.3
    axes.set_ylim(low, high)
    _ticks(axes.yaxis, [t for t in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20) if low <= t <= high])
    axes.grid(alpha=0.3)
    axes.legend(loc="upper right")
    axes.set_title("the network after 100 steps", fontsize=10)
    drawing.suptitle("Four times as many digits: half the noise of the gradient")
    return drawing


@figure
def rates(rates, losses, steps):
    """The loss against the learning rate, one line for each batch size."""
    drawing, axes = plt.subplots(figsize=(8, 4.8), layout="constrained")
    for color, (B, values) in zip(COLORS, losses.items(), strict=False):
        mean = values.mean(axis=1)
        axes.plot(rates, mean, color=color, label=f"B = {B}")
        axes.plot(rates, values, ".", color=color)
        best = mean.argmin()
        axes.plot(rates[best], mean[best], "*", color=color, markersize=17)
    axes.axhline(np.log(10), color="black", linestyle=":", linewidth=1)
    axes.text(rates[0], np.log(10), "10% for each digit", va="bottom", fontsize=9)
    axes.set(xscale="log", xlabel="learning rate", ylabel=f"test loss after {steps} steps",
             ylim=(0, 3.2))  # fmt: skip
    _ticks(axes.xaxis, rates)
    drawing.legend(
        loc="outside right center", title="batch size\nstar: best rate\ndots: two starts"
    )
    drawing.suptitle('A larger batch "allows for larger learning rates"')
    return drawing


@figure
def epochs_and_steps(curves, digits):
    """The same trainings twice: against the digits seen, and against the steps."""
    drawing, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained",
                                          sharey=True)  # fmt: skip
    for color, (B, curve) in zip(COLORS, curves.items(), strict=False):
        seen = 512 * np.arange(1, len(curve) + 1)
        left.plot(
            seen / digits, curve, color=color, label=f"B = {B}", linewidth=5 if B == 8 else 1.5
        )
        right.plot(seen / B, curve, color=color, marker=".")
    left.set(
        xlabel="epochs",
        ylabel="test loss",
        ylim=(0, min(3.5, 1.1 * max(map(max, curves.values())))),
    )
    right.set(xlabel="steps", xscale="log")
    drawing.legend(loc="outside right center", title="batch size")
    drawing.suptitle(
        "Rate in proportion to the batch size: alike for each epoch, until the rate is too large"
    )
    return drawing
