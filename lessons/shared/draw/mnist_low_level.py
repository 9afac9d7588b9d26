"""The drawings of the lesson mnist_low_level."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from ..session import figure
from .style import NO, YES


@figure
def rates(losses):
    """The loss of each step, for each learning rate."""
    drawing, axes = plt.subplots(figsize=(6.5, 3.6), layout="constrained")
    for (name, values), color in zip(losses.items(), (NO, YES), strict=True):
        axes.semilogy(np.arange(1, len(values) + 1), values, color=color, label=name)
    axes.axhline(np.log(10), color="black", linestyle=":", label="10% for each digit")
    axes.set(xlabel="training step", ylabel="cross-entropy of the batch")
    axes.legend(title="learning rate")
    drawing.suptitle("The slide's two learning rates, from the same first weights")
    return drawing


@figure
def maps(picture, label, maps):
    """A digit, and the 64 maps of it, all with the same shades, the brightest first."""
    maps = maps[np.argsort(-maps.max(axis=(1, 2)))]
    drawing, (left, right) = plt.subplots(
        1, 2, figsize=(10, 6.2), width_ratios=(1, 2.6), layout="constrained"
    )
    left.imshow(picture[..., 0], cmap="gray", interpolation="nearest")
    left.set_title(f"test picture 47: a {label}")
    side = maps.shape[1]
    step = side + 2
    sheet = np.full((8 * step - 2, 8 * step - 2), np.nan)
    for i, one in enumerate(maps):
        y, x = step * (i // 8), step * (i % 8)
        sheet[y : y + side, x : x + side] = one
    most = np.quantile(maps[maps > 0], 0.98)  # the few that are larger are white, too
    shades = right.imshow(
        np.ma.masked_invalid(sheet), cmap="gray", vmin=0, vmax=most, interpolation="nearest"
    )
    black = (maps.max(axis=(1, 2)) == 0).sum()
    right.set_title(f"64 maps, the brightest first. The last {black} are black: nothing found")
    label = "how well the filter fits there"
    drawing.colorbar(shades, ax=right, label=label, shrink=0.7, extend="max")
    for axes in (left, right):
        axes.set_axis_off()
    drawing.suptitle("What the second convolution makes of one digit")
    return drawing
