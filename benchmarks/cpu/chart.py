"""The bar chart of docs/speed.md: what part of PyTorch's time a training step takes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..twins.steps import OURS

FASTER, SLOWER = "#2a7f8e", "#d08a3c"  # than PyTorch


def draw(run: Mapping[str, Any]) -> Any:
    """A bar for each model of a run, as it is written down, two if there are compiled ones.

    -> a Figure of Matplotlib
    """
    from matplotlib.figure import Figure

    models = [found for found in run["models"] if found["tinynet's part of it"]]
    names = [name for name in OURS if any(found.get(f"{name}'s part of it") for found in models)]
    height = 0.7 / len(names)
    figure = Figure(figsize=(8, 0.9 + 0.16 * (1 + len(names)) * len(models)), layout="constrained")
    axes = figure.subplots()
    for i, name in enumerate(names):
        parts = [found[f"{name}'s part of it"] for found in models]
        places = [place + (i - (len(names) - 1) / 2) * height for place in range(len(models))]
        medians = [part["median"] for part in parts]
        axes.barh(
            places,
            medians,
            xerr=[
                [part["median"] - part["low"] for part in parts],
                [part["high"] - part["median"] for part in parts],
            ],
            height=height,
            color=[FASTER if median <= 1 else SLOWER for median in medians],
            alpha=1 if name == names[-1] else 0.5,
            error_kw={"ecolor": "0.3", "capsize": 2, "linewidth": 1},
        )
        for place, part in zip(places, parts, strict=True):
            axes.annotate(
                f"{part['median']:.2f}",
                (part["high"], place),
                (5, 0),
                textcoords="offset points",
                va="center",
                fontsize=9 if len(names) == 1 else 7,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5} if i else None,
            )
    axes.axvline(1, color="black", linewidth=1)
    axes.set_yticks(
        range(len(models)), [f"{found['model']}, batch {found['batch']}" for found in models]
    )
    axes.invert_yaxis()  # the first on top
    high = (found[f"{name}'s part of it"]["high"] for found in models for name in names)
    axes.set_xlim(0, 1.08 * max(1.0, *high))
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("time of a training step of tinynet / of PyTorch eager (median, middle 80%)")
    if len(names) > 1:
        axes.text(
            0.99, 0.01, "pale: NumPy alone; full: compiled", ha="right", transform=axes.transAxes
        )
    machine = run["machine"]
    axes.set_title(f"PyTorch {machine['PyTorch']}; {machine['processor']}", fontsize=10)
    return figure


def save(run: Mapping[str, Any], path: Path) -> None:
    draw(run).savefig(path, dpi=130)
