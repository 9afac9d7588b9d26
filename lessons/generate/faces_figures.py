"""The figures of the lesson on cartoon faces: reconstructions, a walk, and what was read."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from tinynet import plot


def draw_reconstructions(learnt, about, count=10, width=1.0):
    rows = {"faces": learnt["faces"][:count], "reconstructed": learnt["reconstructed"][:count]}
    size, dB = learnt["size"], learnt["psnr"]
    title = f"{about}; others shown, {size} x {size}, {dB:.1f} dB"
    return plot.rows(rows, title, width=width, limits=(0, 1))


def draw_walk(walked, about):
    rows = {"decoded": walked["decoded"], "drawn so": walked["drawn"]}
    title = f"One face along the direction of the smile, read as -1 to 1: {about}"
    return plot.rows(rows, title, width=1.1, limits=(0, 1))


def draw_probes(probes, before, worth, about):
    """Two bars for each attribute, the best read on top."""
    names = sorted(probes, key=lambda name: probes[name].score)
    places = np.arange(len(names))
    figure, axes = plt.subplots(figsize=(9, 2.2 + 0.34 * len(names)), layout="constrained")
    for found, label, color, up in (
        (probes, "trained", "#2e86ab", 0.2),
        (before, "before training", "#c9c3ce", -0.2),
    ):
        scores = [max(found[name].score, 0) for name in names]
        axes.barh(places + up, scores, 0.38, label=label, color=color)
    for i, name in enumerate(names):
        if probes[name].kind == "accuracy":
            axes.plot([probes[name].blind] * 2, [i - 0.4, i + 0.4], "k:")
    labels = [
        f"{name.replace('_', ' ')} ({probes[name].kind}), {worth[name]:,.0f} nats" for name in names
    ]
    axes.set_yticks(places, labels)
    axes.set(xlim=(0, 1), xlabel="R2 or accuracy, on faces that the line was not fitted to")
    figure.legend(loc="outside lower center", ncols=2, title="dotted: always the most common class")
    figure.suptitle(f"What a straight line reads from the mean code: {about}", fontsize=11)
    return figure
