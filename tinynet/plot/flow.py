"""How a function moves probability: from one density below, by arrows, to another above."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy

from ..messages.arguments import whole
from ..metrics.checks import as_line
from .host import on_host
from .pictures import Limits


def flow(
    z: Any,
    x: Mapping[str, Any],
    density: Callable[[numpy.ndarray], numpy.ndarray] | None = None,
    title: str = "",
    names: Sequence[str] = ("z", "G(z)"),
    limits: Limits | None = None,
    arrows: int = 25,
    bins: int = 60,
) -> Any:
    """A figure of how z became x: the histogram of z below, that of x above, arrows between them.

        plot.flow(z, {"step 0": before, "step 2,500": after}, tn.data.two_humps_density)

    z: (N,) or (N, 1).
    x: {title: (N,) or (N, 1)}, a column of the figure for each.  x[title][i] is what z[i] became.
    density: the target, drawn as a red line above: a function (...) -> (...) of NumPy arrays.
    names: of z and of x.
    limits: the values drawn, low < high; by default the smallest and largest of all.
    arrows: how many.  Each carries the same probability: they start at evenly spaced quantiles of
        z.  Their color is the place where they start, so that one sees where a map folds.
    bins: of the histograms.

    All columns have one scale: the tallest of z's histogram and of the target (without it, of x's
    histograms) is 1 high.  Taller bars are cut off.  z's histogram stands at height 0, x's at
    height 2, so axes.plot(x, 2 + d) puts a line d in [0, 1] over it; figure.axes are the columns.

    TypeError for x that is no mapping.  ValueError for no columns, shapes that do not fit (those
    that density gives, too), NaN or infinity, limits that do not rise, or arrows or bins below 1.
    """
    import matplotlib.pyplot as plt

    if not isinstance(x, Mapping):
        raise TypeError(f"flow: x is {type(x).__name__}. Give {{title: what z became}}.")
    if not x:
        raise ValueError(
            'flow: x is empty. Give {title: what z became}, for example {"step 0": x}.'
        )
    start = as_line("flow", "z", z)
    ends = {label: as_line("flow", f"x[{label!r}]", values) for label, values in x.items()}
    for label, values in ends.items():
        if len(values) != len(start):
            raise ValueError(
                f"flow: z has {len(start)} numbers and x[{label!r}] has {len(values)}. Give what "
                "each z became, in the same order."
            )
    everything = numpy.concatenate([start, *ends.values()])
    low, high = (everything.min(), everything.max()) if limits is None else limits
    if not low < high:
        raise ValueError(
            f"flow: limits must be (low, high) with low < high, received ({low:g}, {high:g}). Give "
            "the smallest and the largest value to draw."
        )
    count = whole("flow", "arrows", arrows)
    edges = numpy.linspace(low, high, whole("flow", "bins", bins) + 1)
    below, *above = (_heights(values, edges) for values in (start, *ends.values()))
    at = numpy.linspace(low, high, 400)
    target = None if density is None else on_host(density(at))
    if target is not None and target.shape != at.shape:
        raise ValueError(
            f"flow: density gives {target.shape} for x {at.shape}. Give a function that keeps the "
            "shape."
        )
    tallest = max(h.max() for h in ([below, *above] if target is None else [below, target])) or 1

    order = start.argsort(kind="stable")
    chosen = order[((numpy.arange(count) + 0.5) / count * len(start)).astype(int)]
    size = (max(3.2 * len(ends), 4), 4.4)
    figure, columns = plt.subplots(
        1, len(ends), figsize=size, sharex=True, sharey=True, squeeze=False, layout="constrained"
    )
    for axes, (label, values), heights in zip(columns[0], ends.items(), above, strict=True):
        axes.stairs(below / tallest, edges, fill=True, color="0.75")
        axes.stairs(2 + heights / tallest, edges, baseline=2, fill=True, color="#9ecae1")
        if target is not None:
            axes.plot(at, 2 + target / tallest, color="C3", linewidth=1.2)
        axes.quiver(
            start[chosen],
            numpy.full(count, 1.06),
            values[chosen] - start[chosen],
            numpy.full(count, 0.9),
            start[chosen],
            cmap="viridis",
            angles="xy",
            scale_units="xy",
            scale=1,
            width=0.005,
        )
        axes.set(title=label, xlim=(low, high), ylim=(0, 3.15))
        axes.set_yticks([0.4, 2.4], names)
        axes.tick_params(left=False)
        axes.spines[["top", "left", "right"]].set_visible(False)
    said = "every arrow carries the same probability"
    figure.supxlabel(said if target is None else f"{said}; red: the target", fontsize=8)
    figure.suptitle(title)
    return figure


def _heights(values: numpy.ndarray, edges: numpy.ndarray) -> numpy.ndarray:
    """A density: the share of all values in each bin, over the bin's width."""
    return numpy.histogram(values, edges)[0] / (len(values) * numpy.diff(edges))
