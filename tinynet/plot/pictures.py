"""Pictures and tables of numbers: one alone, in a grid, in tiles, and in rows to compare."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy

from ..messages.arguments import POSITIVE, number, whole
from .host import on_host

Limits = tuple[float, float]


def picture(axes: Any, image: numpy.ndarray, title: str = "", limits: Limits | None = None) -> None:
    """Draw one picture on matplotlib axes, every pixel a square, without ticks.

    image: (H, W), (H, W, 1), or (H, W, 3) in color.
    limits: the values drawn black and white, low < high, for example (0, 255); values outside are
        drawn black or white too.  By default the smallest and largest value of the picture.

    ValueError for another shape, no pixels, NaN or infinity, or limits that do not rise.
    """
    image = on_host(image)
    if image.ndim == 3 and image.shape[2] == 1:
        image = image[:, :, 0]
    if not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)) or not image.size:
        raise ValueError(
            f"picture: image has shape {image.shape}. It must be (H, W), (H, W, 1) or (H, W, 3)."
        )
    shades = as_shades("picture", "image", image, limits)
    _squares(axes, shades, title, cmap="gray", vmin=0, vmax=1)


def matrix(axes: Any, numbers: numpy.ndarray, title: str = "", form: str = "{:g}") -> None:
    """Draw a table of numbers (H, W), each in its cell: white is 0, red positive, blue negative.

    ValueError for another shape, no numbers, NaN or infinity.
    """
    numbers = on_host(numbers)
    if numbers.ndim != 2 or not numbers.size:
        raise ValueError(
            f"matrix: numbers has shape {numbers.shape}. It must be (H, W), of at least one number."
        )
    _refuse_infinite("matrix", "numbers", numbers)
    largest = float(numpy.abs(numbers).max()) or 1.0
    _squares(axes, numbers, title, cmap="RdBu_r", vmin=-largest, vmax=largest)
    for (i, j), n in numpy.ndenumerate(numbers):
        color = "white" if abs(n) > 0.6 * largest else "black"
        size = max(6, 13 - max(numbers.shape))
        axes.text(j, i, form.format(n), ha="center", va="center", color=color, fontsize=size)


def grid(
    images: Sequence[numpy.ndarray],
    titles: Sequence[str] = (),
    title: str = "",
    columns: int = 10,
    width: float = 1.1,
    draw: Callable[..., None] = picture,
    **settings: Any,
) -> Any:
    """A figure of pictures (or, with draw=matrix, of tables), each under its title.

    columns: pictures in a row.  width: of one picture, in inches.  settings: passed on to draw.

    ValueError for no pictures, columns below 1, or a width that is not positive; errors of draw.
    """
    import matplotlib.pyplot as plt

    if not len(images):
        raise ValueError("grid: there are no pictures. Give at least one.")
    columns = min(whole("grid", "columns", columns), len(images))
    width = number("grid", "width", width, POSITIVE)
    down = -(-len(images) // columns)
    height = width * images[0].shape[0] / images[0].shape[1] + (0.25 if len(titles) else 0.05)
    size = (max(width * columns, 4), height * down + 0.4)
    figure, axes = plt.subplots(down, columns, figsize=size, squeeze=False, layout="constrained")
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


def tiles(images: Any, columns: int = 10, gap: int = 1) -> numpy.ndarray:
    """Pictures side by side in one array.  (N, H, W[, C]) -> (H', W'[, 3])

    images: (N, H, W), (N, H, W, 1) or (N, H, W, 3), or a list of such pictures of one shape.
    columns: pictures in a row, at least 1.  gap: pixels between pictures, at least 0.  Gaps and
    empty places have the largest value of all pictures.

    ValueError for other shapes, pictures of two sizes, no pictures, or columns or a gap out of
    range.
    """
    pictures = as_pictures("tiles", "images", images)
    columns = whole("tiles", "columns", columns, cure="Give how many pictures stand in a row.")
    gap = whole("tiles", "gap", gap, least=0, cure="Give how many pixels lie between pictures.")
    N, H, W, *color = pictures.shape
    columns = min(columns, N)
    count = -(-N // columns)
    down, across = H + gap, W + gap
    sheet = numpy.full(
        (count * down - gap, columns * across - gap, *color), pictures.max(), pictures.dtype
    )
    for i, image in enumerate(pictures):
        top, left = i // columns * down, i % columns * across
        sheet[top : top + H, left : left + W] = image
    return sheet


def rows(
    pictures: Mapping[str, Any],
    title: str = "",
    width: float = 0.9,
    limits: Limits | Mapping[str, Limits] | None = None,
) -> Any:
    """A figure with a row of pictures for each label: pictures to compare are in one column.

    pictures: {label: (N, H, W[, C])}, the same N in every row; H and W may differ between rows,
        for example for originals, codes and reconstructions.
    width: of a column, in inches.
    limits: the values drawn black and white, low < high, one pair for all rows or {label: pair}.
        The default for a row is its smallest and largest value, so that its pictures compare.

    TypeError for pictures that are not a mapping.  ValueError for no rows, rows of other shapes or
    of different N, NaN or infinity, limits that do not rise or are for an unknown row, or a width
    that is not positive.
    """
    import matplotlib.pyplot as plt

    if not isinstance(pictures, Mapping):
        raise TypeError(f"rows: pictures is {type(pictures).__name__}. Give {{label: pictures}}.")
    if not pictures:
        raise ValueError(
            'rows: there are no rows. Give {label: pictures}, for example {"originals": x}.'
        )
    given = {label: as_pictures("rows", repr(label), row) for label, row in pictures.items()}
    (first, N), *others = ((label, len(row)) for label, row in given.items())
    for label, count in others:
        if count != N:
            raise ValueError(
                f"rows: {label!r} has N = {count} and {first!r} has N = {N}. Give every row as "
                "many pictures, those to compare in the same place."
            )
    pairs = limits if isinstance(limits, Mapping) else dict.fromkeys(given, limits)
    for label in pairs:
        if label not in given:
            raise ValueError(
                f"rows: limits has {label!r}, and pictures has no such row. Give limits of "
                f"{', '.join(map(repr, given))} alone."
            )
    shades = [as_shades("rows", repr(label), row, pairs.get(label)) for label, row in given.items()]
    heights = [max(0.25, row.shape[1] / max(row.shape[1:3])) for row in given.values()]
    width = number("rows", "width", width, POSITIVE)
    spare = 0.06  # between pictures; a column is 1 wide
    size = (max(width * N + 1.3, 4), width * (sum(heights) + spare * len(heights)) + 0.5)
    figure, axes = plt.subplots(figsize=size, layout="constrained")
    middles, top = [], 0.0
    for row, height in zip(shades, heights, strict=True):
        middle = top + height / 2
        H, W = (side / max(row.shape[1:3]) * (1 - spare) / 2 for side in row.shape[1:3])
        for i, image in enumerate(row):
            place = (i + 0.5 - W, i + 0.5 + W, middle + H, middle - H)
            _squares(axes, image, "", cmap="gray", vmin=0, vmax=1, extent=place)
        middles.append(middle)
        top += height + spare
    axes.set(xlim=(0, N), ylim=(top - spare, 0), aspect="equal")
    axes.set_yticks(middles, list(given), fontsize=10)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    figure.suptitle(title)
    return figure


def as_pictures(where: str, name: str, images: Any) -> numpy.ndarray:
    """The pictures as an array: (N, H, W) in gray, (N, H, W, 3) in color."""
    if isinstance(images, list | tuple):
        parts = [on_host(image) for image in images]
        shapes = sorted({part.shape for part in parts})
        if len(shapes) > 1:
            raise ValueError(
                f"{where}: {name} have shapes {shapes[0]} and {shapes[1]}. Give pictures of one "
                "size."
            )
        images = numpy.stack(parts) if parts else numpy.zeros((0, 0, 0))
    array = on_host(images)
    if array.ndim == 4 and array.shape[3] == 1:
        array = array[..., 0]
    if not (array.ndim == 3 or (array.ndim == 4 and array.shape[3] == 3)) or not array.size:
        raise ValueError(
            f"{where}: {name} has shape {array.shape}. It must be (N, H, W), (N, H, W, 1) or "
            "(N, H, W, 3)."
        )
    return array


def as_shades(where: str, name: str, values: numpy.ndarray, limits: Limits | None) -> numpy.ndarray:
    """The values as shades from 0, black, to 1, white."""
    _refuse_infinite(where, name, values)
    if limits is not None and not limits[0] < limits[1]:  # NaN too
        raise ValueError(
            f"{where}: limits must be (low, high) with low < high, received "
            f"({limits[0]:g}, {limits[1]:g}). Give the value drawn black, then the one drawn white."
        )
    values = values.astype(numpy.float64)  # bytes below low would wrap around
    low, high = (values.min(), values.max()) if limits is None else limits
    return numpy.clip((values - low) / ((high - low) or 1), 0, 1)


def _refuse_infinite(where: str, name: str, values: numpy.ndarray) -> None:
    if not numpy.isfinite(values).all():
        raise ValueError(
            f"{where}: {name} holds NaN or infinity. Find out where it comes from with tn.doctor()."
        )
