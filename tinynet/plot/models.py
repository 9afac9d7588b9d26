"""A model as a graph: boxes for the layers, arrows for what flows from one to the next."""

from __future__ import annotations

from typing import Any

from ..graph import Part
from ..summary import shape_text


def graph(model: Any, title: str = "") -> Any:
    """A figure of a model as a graph: a box for each layer, with the shape that comes out.

    model: a tn.Model or a tn.Sequential that was built.  A shared layer has a box for each use.

    ValueError for a model without layers, TypeError for one with a forward of its own.
    """
    import matplotlib.pyplot as plt

    rows = model.rows()
    if not rows:
        raise ValueError("graph: the model has no layers. Add one.")
    edges = _edges(model, rows)
    depth = [0] * len(rows)
    for i, j in edges:  # sources come first: the longest way from an input
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
    """Pairs (i, j) of rows where what row i gives goes into row j."""
    inputs = getattr(model, "inputs", ())
    if not hasattr(model, "layers"):
        raise TypeError(
            f"graph: what {model.label} does with its parts is in its forward, which cannot be "
            "drawn. Give a tn.Sequential or a tn.Model."
        )
    steps = [s for s in getattr(model, "steps", ()) if s in inputs or not isinstance(s, Part)]
    if not steps:
        return [(i, i + 1) for i in range(len(rows) - 1)]
    number = {id(step): i for i, step in enumerate(steps)}
    edges = []
    for j, step in enumerate(steps):
        for source in () if step in inputs else step.inputs:
            whole = source if id(source) in number else source.inputs[0]
            edges.append((number[id(whole)], j))
    return edges
