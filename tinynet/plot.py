"""Drawing pictures and tables of numbers.  The only file in tinynet that imports matplotlib."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy

Limits = tuple[float, float]


def picture(axes: Any, image: numpy.ndarray, title: str = "", limits: Limits | None = None) -> None:
    """Draw one picture on matplotlib axes, every pixel a square, without ticks.

    image: (H, W), (H, W, 1), or (H, W, 3) in colour.
    limits: the values drawn black and white, (0, 255) say; what lies outside is cut off.  The
        smallest and largest value of the picture unless given.
    """
    image = numpy.asarray(image)
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
    numbers = numpy.asarray(numbers)
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
