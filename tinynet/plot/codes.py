"""The latent space of two numbers: the codes of examples, and the pictures that codes decode to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy

from .host import on_host
from .pictures import Limits, picture, tiles


def latent(axes: Any, codes: Any, labels: Any, names: Sequence[str] = ()) -> None:
    """Draw codes of two numbers as points in the colors of their classes, legend beside the axes.

    codes: (N, 2).  labels: integers (N,).
    names: of the classes, for the legend; by default their numbers.

    The points are drawn in the order given, so no class covers the others.

    ValueError for shapes that do not fit, no codes, or a label without a name; TypeError for labels
    that are not integers.
    """
    import matplotlib
    from matplotlib.lines import Line2D

    z, classes = on_host(codes), on_host(labels)
    if z.ndim != 2 or z.shape[1] != 2 or not len(z):
        raise ValueError(
            f"latent: codes must be (N, 2), received {z.shape}. Choose two columns of longer codes."
        )
    if classes.shape != (len(z),):
        raise ValueError(
            f"latent: labels must be ({len(z)},), a class number for each code, received "
            f"{classes.shape}."
        )
    if classes.dtype.kind not in "iub":
        raise TypeError(
            f"latent: labels are {classes.dtype}, and class numbers are integers. Give an array "
            "of integers, array.astype(int)."
        )
    classes = classes.astype(numpy.int64)
    called = names if len(names) else range(int(classes.max()) + 1)
    K = len(called)
    if classes.min() < 0 or classes.max() >= K:
        raise ValueError(
            f"latent: labels must be in [0, {K}), received {classes.min()} to {classes.max()}. "
            "Give a name for each class."
        )
    palette = matplotlib.colormaps["tab10" if K <= 10 else "turbo"]
    colors = palette(numpy.arange(K) if K <= 10 else numpy.linspace(0, 1, K))  # (K, 4)
    axes.scatter(z[:, 0], z[:, 1], s=6, c=colors[classes], alpha=0.7, linewidths=0)
    entries = [
        Line2D([], [], linestyle="", marker="o", color=colors[k], label=str(called[k]))
        for k in numpy.unique(classes)
    ]
    axes.legend(handles=entries, loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False)
    axes.set(xlabel="$z_1$", ylabel="$z_2$")


def latent_grid(
    axes: Any, pictures: Any, across: Any, down: Any, limits: Limits | None = None
) -> None:
    """Draw decoded pictures as one picture, with their latent coordinates on the axes.

    pictures: (R, C, H, W), (R, C, H, W, 1) or (R, C, H, W, 3).  across: (C,), the coordinate of
    each column, from the left.  down: (R,), the coordinate of each row, from the top.  limits: as
    in picture.

    ValueError for shapes that do not fit, no pictures, NaN or infinity, or limits that do not rise.
    """
    images, x, y = on_host(pictures), on_host(across), on_host(down)
    if images.ndim not in (4, 5) or (images.ndim == 5 and images.shape[4] not in (1, 3)):
        raise ValueError(
            f"latent_grid: pictures has shape {images.shape}. It must be (R, C, H, W), "
            "(R, C, H, W, 1) or (R, C, H, W, 3)."
        )
    R, C, H, W = images.shape[:4]
    if x.shape != (C,) or y.shape != (R,) or not images.size:
        raise ValueError(
            f"latent_grid: across {x.shape} and down {y.shape} do not fit pictures "
            f"{images.shape}. They must be ({C},) and ({R},), a coordinate for each column and "
            "each row."
        )
    sheet = tiles(images.reshape(R * C, *images.shape[2:]), columns=C, gap=0)
    picture(axes, sheet, limits=limits)
    for values, size, ticks in ((x, W, axes.set_xticks), (y, H, axes.set_yticks)):
        chosen = numpy.arange(0, len(values), -(-len(values) // 11))  # 11 at most
        middles = (chosen + 0.5) * size - 0.5  # pixel 0 reaches from -0.5 to 0.5
        ticks(middles, [f"{round(float(values[i]), 2) + 0.0:g}" for i in chosen])
    axes.set(xlabel="$z_1$", ylabel="$z_2$")
