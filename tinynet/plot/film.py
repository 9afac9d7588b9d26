"""The pictures of a training as a film: an animated GIF, and some of them side by side."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy

from ..io import located
from ..io.atomic import replacing
from ..messages.arguments import POSITIVE, Range, number, shown, whole
from .pictures import Limits, as_pictures, as_shades, grid

MOST = 1_500_000  # bytes of a file: a page may have several films
COLORS = 128  # of all frames together; a GIF could have 256, and would be a tenth larger
SMALLEST = 256  # pixels of the longer side: players show a frame of 28 pixels as small as it is
LAST = 2.0  # seconds that the last frame stays longer, before the film begins again


def film(
    frames: Any,
    path: str | os.PathLike[str],
    titles: Sequence[str] = (),
    title: str = "",
    seconds: float = 0.2,
    columns: int = 5,
    width: float = 2.4,
    limits: Limits | None = None,
) -> Any:
    """Write pictures as an animated GIF, and return a figure of some of them side by side.

        frames = []
        for step in range(30):
            ...  # train a little, and draw on the axes of a figure
            figure.canvas.draw()
            frames.append(numpy.array(figure.canvas.buffer_rgba())[..., :3])
        strip = tn.plot.film(frames, "training.gif")

    frames: (N, H, W), (N, H, W, 1) or, in color, (N, H, W, 3), or a list of such pictures.
    path: of a file that ends in .gif.  An older one is replaced in one step, at the end.
    titles: one for each frame; the film itself has none.  title: of the figure.
    seconds: for which a frame is shown, at least 0.02, and ten minutes for all; the last one stays
        for 2 seconds more.
    columns: frames in the figure, evenly chosen, the first and the last among them.
    width: of one frame in the figure, in inches.
    limits: the values drawn black and white, low < high.  By default bytes (uint8) stay as they
        are, and other numbers go from the smallest to the largest of all frames.

    The file has at most 1.5 MB: frames that would need more are made smaller.  Gray frames keep all
    their shades, colored ones share 128 colors.  Frames of less than 256 pixels a side are enlarged
    by a whole number.

    ValueError for no frames, other shapes or two of them, NaN or infinity, a path that does not end
    in .gif, titles that are not one for each frame, numbers out of range, or so many frames that
    they do not fit; TypeError for a path that is none; OSError of the disk.  After an error, an
    older file is what it was.
    """
    place = _gif(path)
    if hasattr(frames, "__len__") and not len(frames):
        raise ValueError("film: there are no frames. Give at least one picture.")
    pictures = as_pictures("film", "frames", frames)
    N = len(pictures)
    if len(titles) not in (0, N):
        raise ValueError(
            f"film: titles must be one for each of {N} frames, received {len(titles)}. Give all, "
            "or leave them out."
        )
    allowed = Range(lambda s: 0.02 <= s <= 600 / N, f"from 0.02 to {600 / N:g}")
    seconds = number("film", "seconds", seconds, allowed, "Give the time of one frame.")
    columns = whole("film", "columns", columns)
    width = number("film", "width", width, POSITIVE)
    if limits is not None or pictures.dtype != numpy.uint8:
        shades = as_shades("film", "frames", pictures, limits)
        pictures = (shades * 255 + 0.5).astype(numpy.uint8)
    where = f"film {str(place)!r}"
    content = _fitted(where, pictures, 10 * round(100 * seconds))
    try:
        with replacing(place) as file:
            file.write(content)
    except (ValueError, OSError) as error:
        raise located(where, error, "save") from None
    chosen = numpy.linspace(0, N - 1, min(columns, N)).round().astype(int)
    above = [titles[i] for i in chosen] if len(titles) else ()
    return grid(pictures[chosen], above, title, columns, width, _frame)


def _gif(path: Any) -> Path:
    if not isinstance(path, str | os.PathLike):
        raise TypeError(
            f"film: path is {type(path).__name__}. Give the name of a file after the frames, for "
            'example "training.gif".'
        )
    place = Path(path)
    if place.suffix.lower() != ".gif":
        raise ValueError(
            f"film: path must end in .gif, received {shown(str(place))}. Give a name such as "
            '"training.gif".'
        )
    return place


def _fitted(where: str, pictures: numpy.ndarray, milliseconds: int) -> bytes:
    """The film as a GIF of at most MOST bytes.  pictures: (N, H, W) or (N, H, W, 3), uint8"""
    from PIL import Image

    N, H, W = pictures.shape[:3]
    larger = max(1, SMALLEST // max(H, W))
    images = [Image.fromarray(p.repeat(larger, 0).repeat(larger, 1)) for p in pictures]
    content, scale = _encoded(images, milliseconds), 1.0
    while len(content) > MOST:
        scale *= min(0.9, math.sqrt(MOST / len(content)))  # bytes grow about as pixels do
        size = [round(scale * side) for side in images[0].size]
        if min(size) < 16:
            raise ValueError(
                f"{where}: {N} frames do not fit into {MOST / 1e6:g} MB. Give fewer; frames[::10] "
                "is every tenth."
            )
        smaller = [image.resize(size, Image.Resampling.LANCZOS) for image in images]
        content = _encoded(smaller, milliseconds)
    return content


def _encoded(images: list[Any], milliseconds: int) -> bytes:
    from PIL import Image

    if images[0].mode == "RGB":  # one palette for all: colors of their own would flicker
        there = numpy.unique([numpy.asarray(i.convert("RGBA")).view("uint32") for i in images])
        some = there[:: len(there) // 50_000 + 1].copy().view("uint8").reshape(1, -1, 4)
        # How many pixels have a color does not count here: a thin line on white keeps its own.
        palette = Image.fromarray(some[..., :3].copy()).quantize(COLORS, Image.Quantize.MAXCOVERAGE)
        images = [i.quantize(palette=palette, dither=Image.Dither.NONE) for i in images]
    times = [milliseconds] * len(images)
    times[-1] += round(1000 * LAST)
    file = io.BytesIO()
    images[0].save(file, "GIF", save_all=True, append_images=images[1:], duration=times, loop=0)
    return file.getvalue()


def _frame(axes: Any, image: numpy.ndarray, title: str) -> None:
    axes.imshow(image, cmap="gray", vmin=0, vmax=255)  # blended where it is drawn smaller
    axes.set_title(title, fontsize=10)
    axes.set_xticks([])
    axes.set_yticks([])
