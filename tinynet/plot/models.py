"""A model as a graph: a box for each layer, an arrow from each output to its use."""

from __future__ import annotations

from typing import Any

from ..models.summary import shape_text
from ..models.symbols import OneOutput


def graph(model: Any, title: str = "") -> Any:
    """A figure of a model as a graph: a box for each layer, with its output shape.

    model: a built tn.Model or tn.Sequential.  A shared layer has a box for each use.

    ValueError for a model without layers, TypeError for a tn.Module with its own forward.
    """
    import matplotlib.pyplot as plt

    rows = model.rows()
    if not rows:
        raise ValueError("graph: the model has no layers. Add one.")
    edges = _edges(model, rows)
    depth = [0] * len(rows)
    for i, j in edges:  # in order, so that depth becomes the longest way from an input
        depth[j] = max(depth[j], depth[i] + 1)
    floors = [[i for i, d in enumerate(depth) if d == floor] for floor in range(max(depth) + 1)]
    widest = max(map(len, floors))
    size = (max(2.9 * widest, 4.0), 0.85 * len(floors) + 0.7)
    figure, axes = plt.subplots(figsize=size, layout="constrained")
    place = {
        i: (widest * (k + 0.5) / len(floor), -d)
        for d, floor in enumerate(floors)
        for k, i in enumerate(floor)
    }
    boxes = []
    for i, r in enumerate(rows):
        text = f"{r.name} ({r.kind})\n{shape_text(r.shape)}"
        weights = any(other.parameters for other in rows if other.name == r.name)
        color = "#dcebf7" if weights else "#f2f2f2"
        box = {"boxstyle": "round,pad=0.35", "facecolor": color, "edgecolor": "#555555"}
        drawn = axes.text(*place[i], text, ha="center", va="center", fontsize=8, bbox=box)
        boxes.append(drawn.get_bbox_patch())
    for i, j in edges:
        bend = 0.0 if depth[j] == depth[i] + 1 else 0.35 * (-1 if place[i][0] > place[j][0] else 1)
        axes.annotate(
            "",
            place[j],
            place[i],
            arrowprops={
                "arrowstyle": "-|>",
                "color": "#555555",
                "patchA": boxes[i],
                "patchB": boxes[j],
                "shrinkA": 0,
                "shrinkB": 0,
                "connectionstyle": f"arc3,rad={bend}",
            },
        )
    axes.set_xlim(-0.1, widest + 0.1)
    axes.set_ylim(-len(floors) + 0.4, 0.6)
    axes.set_axis_off()
    figure.suptitle(title or model.label)
    return figure


def _edges(model: Any, rows: list) -> list[tuple[int, int]]:
    """Pairs (i, j) of rows where the output of row i is an input of row j."""
    inputs = getattr(model, "inputs", ())
    if not hasattr(model, "layers"):
        raise TypeError(
            f"graph: {model.label} connects its parts in its forward, which cannot be drawn. Give "
            "a tn.Sequential or a tn.Model."
        )
    symbols = getattr(model, "symbols", ())
    symbols = [s for s in symbols if s in inputs or not isinstance(s, OneOutput)]
    if not symbols:
        return [(i, i + 1) for i in range(len(rows) - 1)]
    number = {id(symbol): i for i, symbol in enumerate(symbols)}
    edges = []
    for j, symbol in enumerate(symbols):
        for source in () if symbol in inputs else symbol.inputs:
            whole = source if id(source) in number else source.inputs[0]
            edges.append((number[id(whole)], j))
    return edges
