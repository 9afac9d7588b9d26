"""The figure of results/gpu.json: the GPU beside the CPU, and beside PyTorch on the same card."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..measure.turns import spread

FASTER, SLOWER = "#2a7f8e", "#d08a3c"  # than PyTorch


def draw(run: Mapping[str, Any]) -> Any:
    """A row for each model of a run, as it is written down.  -> a Figure of Matplotlib"""
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    models = run["models"]
    beside = [found for found in run["beside PyTorch"]["models"] if found["tinynet's part of it"]]
    size = (12 if beside else 7, 1.6 + 0.22 * len(models))
    figure = Figure(figsize=size, layout="constrained")
    left, *right = figure.subplots(1, 1 + bool(beside), squeeze=False)[0]
    batches = [numbers["batch"] for numbers in models[0]["batches"]]
    colors = colormaps["viridis"]
    for i, batch in enumerate(batches):
        left.plot(
            [speedup(model["batches"][i]) for model in models],
            range(len(models)),
            "o",
            color=colors(0.9 - 0.8 * i / max(1, len(batches) - 1)),
            label=str(batch),
        )
    left.axvline(1, color="black", linewidth=1)
    left.set(
        xscale="log",
        xlabel="time of a step on the CPU / on the GPU\n(right of the line, the GPU pays)",
        yticks=range(len(models)),
        yticklabels=[model["model"] for model in models],
    )
    left.grid(axis="x", color="0.9")
    left.legend(title="batch", loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    left.invert_yaxis()  # the first on top
    for axes in right:
        medians = [found["tinynet's part of it"]["median"] for found in beside]
        places = [[m["model"] for m in models].index(found["model"]) for found in beside]
        colors_of = [FASTER if median <= 1 else SLOWER for median in medians]
        axes.barh(places, medians, height=0.7, color=colors_of)
        axes.plot(
            [f["floor"] / spread(f["seconds a step, by round"][best(f)]).median for f in beside],
            places, "k|", markersize=9, label="the floor, from bytes and operations",
        )  # fmt: skip
        axes.axvline(1, color="black", linewidth=1)
        axes.set(xlabel="time of a step of tinynet / of PyTorch eager\n(at the lecture's batch)")
        axes.set(yticks=[], ylim=left.get_ylim(), xlim=(0, 1.1 * max(1.0, *medians)))
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), frameon=False)
    for axes in (left, *right):
        axes.spines[["top", "right"]].set_visible(False)
    machine = run["machine"]
    figure.suptitle(
        f"{machine['GPU']}, products in {run['products']}\n"
        f"{machine['processor']}, {run['threads']} threads; PyTorch {machine['PyTorch']}",
        fontsize=10,
    )
    return figure


def best(found: Mapping[str, Any]) -> str:
    return found["PyTorch's better layout"]


def speedup(numbers: Mapping[str, Any]) -> float:
    """The time of the CPU's faster form, divided by the GPU's."""
    medians = {k: spread(v).median for k, v in numbers["seconds a step, by round"].items()}
    return min(t for name, t in medians.items() if name != "GPU") / medians["GPU"]


def save(run: Mapping[str, Any], path: Path) -> None:
    draw(run).savefig(path, dpi=130)
