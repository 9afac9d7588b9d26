"""The drawings of the lesson gpu."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from ..session import figure
from .style import COLORS, NO, YES

PARTS = ("launches", "memory", "arithmetic")


def _panels(names):
    drawing, row = plt.subplots(
        1, len(names), figsize=(11, 4.6), layout="constrained", sharey=True, squeeze=False
    )
    for axes, name in zip(row[0], names, strict=True):
        axes.set(xscale="log", yscale="log", xlabel="batch: examples in a step",
                 title=f"{name} network" if name == "dense" else name)  # fmt: skip
        axes.grid(alpha=0.3)
    row[0][0].set_ylabel("milliseconds a step")
    return drawing, row[0]


@figure
def three_times(many, model):
    """The three times of a step on the GPU, and their largest."""
    drawing, row = _panels(model)
    for axes, times in zip(row, model.values(), strict=True):
        axes.plot(many, 1e3 * times.max(axis=1), color="0.8", linewidth=9, label="the step")
        for part, each, color in zip(PARTS, times.T, COLORS, strict=False):
            axes.plot(many, 1e3 * each, color=color, linewidth=2, label=part)
    launches = [times[0, 0] for times in model.values()]
    row[0].set_ylim(min(launches), 3e4 * max(launches))
    row[0].legend(loc="center left")
    drawing.suptitle("A step on the GPU, computed: the largest of three times decides")
    return drawing


@figure
def crossover(batches, cpu, many, model, gpu):
    """The CPU's measured steps beside the GPU's; gpu: measured, or empty."""
    drawing, row = _panels(cpu)
    for axes, (name, times) in zip(row, cpu.items(), strict=True):
        axes.plot(batches[name], 1e3 * np.array(times), "o-", color=YES, label="CPU, measured here")
        shown = many <= 4 * max(batches[name])
        step = 1e3 * model[name].max(axis=1)[shown]
        axes.plot(many[shown], step, "--", color=NO, linewidth=2, label="GPU, computed")
        if gpu[name]:
            points = 1e3 * np.array(gpu[name])
            axes.plot(batches[name], points, "s", color=NO, label="GPU, measured here")
        meets = _meets(batches[name], times, many, model[name].max(axis=1))
        if meets is None:
            continue
        axes.axvline(meets, color="0.4", linestyle=":")
        near = float(f"{meets:.2g}")
        within = meets > batches[name][0]
        what = "crossover: about" if within else "the GPU pays from batch"
        axes.annotate(f"{what} {near:,.0f}", (meets, 0.03), (-6 if within else 6, 0),
                      xycoords=("data", "axes fraction"), textcoords="offset points",
                      color="0.3", ha="right" if within else "left")  # fmt: skip
    row[0].set_ylim(row[0].get_ylim()[0] / 3)
    row[0].legend(loc="upper left")
    drawing.suptitle("From which batch on does the GPU pay?")
    return drawing


def _meets(batches, times, many, computed):
    """The batch from which on the CPU's line is above the GPU's; None if it is nowhere so."""
    fine = np.geomspace(batches[0], batches[-1], 500)
    above = np.interp(np.log(fine), np.log(batches), np.log(times)) > np.interp(
        np.log(fine), np.log(many), np.log(computed)
    )
    below = np.flatnonzero(~above)
    if not len(below):
        return fine[0]
    return None if below[-1] == len(fine) - 1 else fine[below[-1] + 1]
