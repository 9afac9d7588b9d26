"""Drawing pictures and tables of numbers.  The only file in tinynet that imports matplotlib."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy

from .devices import is_array, move
from .graph import Part
from .summary import shape_text

Limits = tuple[float, float]


def picture(axes: Any, image: numpy.ndarray, title: str = "", limits: Limits | None = None) -> None:
    """Draw one picture on matplotlib axes, every pixel a square, without ticks.

    image: (H, W), (H, W, 1), or (H, W, 3) in colour.
    limits: the values drawn black and white, (0, 255) say; what lies outside is cut off.  The
        smallest and largest value of the picture unless given.
    """
    image = numpy.asarray(move(image, "cpu") if is_array(image) else image)
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[:, :, 0]
    if not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)) or not image.size:
        raise ValueError(
            f"picture: image has shape {image.shape}. It must be (H, W), (H, W, 1) or (H, W, 3)."
        )
    low, high = (image.min(), image.max()) if limits is None else limits
    shade = numpy.clip((image - low) / ((high - low) or 1), 0, 1)
    _squares(axes, shade, title, cmap="gray", vmin=0, vmax=1)


def matrix(axes: Any, numbers: numpy.ndarray, title: str = "", form: str = "{:g}") -> None:
    """Draw a table of numbers (H, W), each written in its cell: white is 0, red more, blue less."""
    numbers = numpy.asarray(move(numbers, "cpu") if is_array(numbers) else numbers)
    largest = float(numpy.abs(numbers).max()) or 1.0
    _squares(axes, numbers, title, cmap="RdBu_r", vmin=-largest, vmax=largest)
    for (i, j), number in numpy.ndenumerate(numbers):
        color = "white" if abs(number) > 0.6 * largest else "black"
        size = max(6, 13 - max(numbers.shape))
        axes.text(j, i, form.format(number), ha="center", va="center", color=color, fontsize=size)


def grid(
    images: Sequence[numpy.ndarray],
    titles: Sequence[str] = (),
    title: str = "",
    columns: int = 10,
    width: float = 1.1,
    draw: Callable[..., None] = picture,
    **settings: Any,
) -> Any:
    """A figure of pictures (or, with draw=matrix, tables), so many to a row, each under its title.

    width: of one picture, in inches.  settings: passed on to draw.
    """
    import matplotlib.pyplot as plt

    if not len(images):
        raise ValueError("grid: there are no pictures. Give at least one.")
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    height = width * images[0].shape[0] / images[0].shape[1] + (0.25 if len(titles) else 0.05)
    size = (max(width * columns, 4), height * rows + 0.4)
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    for i, place in enumerate(axes.flat):
        if i < len(images):
            draw(place, images[i], titles[i] if len(titles) else "", **settings)
        else:
            place.set_axis_off()
    figure.suptitle(title)
    return figure


def _squares(axes: Any, values: numpy.ndarray, title: str, **colors: Any) -> None:
    axes.imshow(values, interpolation="nearest", **colors)
    axes.set_title(title, fontsize=10)
    axes.set_xticks([])
    axes.set_yticks([])


def curves(history: Any, title: str = "training") -> Any:
    """A figure of a History: for each number its curve over the epochs, validation beside training.

    The number of an epoch stands at its end.
    """
    import matplotlib.pyplot as plt

    names = list(dict.fromkeys(name.removeprefix("validation ") for name in history.names))
    if not names:
        raise ValueError("curves: the history is empty. Train for at least one epoch.")
    size = (4.2 * len(names), 3.2)
    figure, axes = plt.subplots(1, len(names), figsize=size, squeeze=False, layout="constrained")
    for place, name in zip(axes[0], names, strict=True):
        for key, label in ((name, "training"), (f"validation {name}", "validation")):
            points = [(i, e[key]) for i, e in enumerate(history.epochs, 1) if key in e]
            if points:
                place.plot(*zip(*points, strict=True), marker="o", markersize=3, label=label)
        place.set_xlabel("epoch")
        place.set_ylabel(name)
        place.xaxis.get_major_locator().set_params(integer=True)
        place.grid(alpha=0.3)
        place.legend()
    figure.suptitle(title)
    return figure


def graph(model: Any, title: str = "") -> Any:
    """A figure of a model as a graph: a box for each layer, with the shape that comes out.

    model: a tn.Model or a tn.Sequential that was built.  A shared layer has a box for each use.
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
