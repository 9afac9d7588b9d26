"""The drawings of the lesson regularization."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from ..session import figure
from .style import COLORS, GREY, NO, YES

STRENGTH = {
    "L2": "lambda",
    "L1": "lambda",
    "dropout": "dropout rate",
    "augmentation": "largest shift (share of the width)",
}
LOWEST = -10.0  # percentage points: what lies below is named at the edge


@figure
def by_heart(histories):
    """Both losses after each epoch, a line for each start, and where the validation loss is lowest.

    histories: of each start (losses of the training digits, losses of the validation digits)
    """
    drawing, axes = plt.subplots(figsize=(7, 4.2), layout="constrained")
    for falling, rising in histories:
        epochs = np.arange(1, len(falling) + 1)
        low = int(np.argmin(rising))
        axes.plot(epochs, rising, color=YES)
        axes.plot(epochs, falling, color=NO, linestyle="--")
        axes.plot(epochs[low], rising[low], "o", color=YES)
    falling, rising = (max(each[k][-1] for each in histories) for k in (0, 1))
    for text, height, color in (
        ("validation digits", rising, YES),
        ("training digits", falling, NO),
    ):
        axes.annotate(text, (epochs[-1], height), (-4, 8), color=color, ha="right",
                      textcoords="offset points")  # fmt: skip
    axes.set(xlabel="epoch", ylabel="loss (cross-entropy)", ylim=0)
    axes.set_title("a line for each start; a dot where the validation loss is lowest", fontsize=10)
    drawing.suptitle("By heart: the training loss falls nearly to 0, the validation loss does not")
    return drawing


@figure
def moved(digit, versions):
    """A digit, and random versions of it: a row for each strength of augmentation.

    versions: {strength: (9, 28, 28, 1)}
    """
    gap, columns = 4, 10
    sheet = np.full((32 * len(versions) - gap, 32 * columns - gap), 1.0)
    for row, pictures in enumerate(versions.values()):
        shown = [digit, *pictures] if not row else [None, *pictures]
        for column, picture in enumerate(shown):
            if picture is not None:
                top, left = 32 * row, 32 * column
                sheet[top : top + 28, left : left + 28] = picture[..., 0]
    drawing, axes = plt.subplots(figsize=(9.8, 0.6 + 0.92 * len(versions)), layout="constrained")
    axes.imshow(sheet, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    axes.set_yticks(14 + 32 * np.arange(len(versions)), [f"strength {s:g}" for s in versions])
    axes.set_xticks([14, 32 * 5 + 14], ["as it is", "nine random versions"])
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    drawing.suptitle("Augmentation: one training digit, moved more and more")
    return drawing


@figure
def gains(gains, chosen):
    """The gain of each training, for each strength of each cure; the chosen strength is marked."""
    cures = {cure: [s for c, s in gains if c == cure] for cure in STRENGTH}
    drawing, row = plt.subplots(1, 4, figsize=(11, 4.2), layout="constrained", sharey=True)
    top = max(values.max() for values in gains.values()) + 1.5
    least = min(values.min() for values in gains.values())
    bottom = max(LOWEST, least - 1)
    for axes, color, (cure, strengths) in zip(row, COLORS, cures.items(), strict=False):
        values = np.array([gains[cure, s] for s in strengths])
        places = np.arange(len(strengths))
        mark = strengths.index(chosen[cure])
        axes.axvspan(mark - 0.35, mark + 0.35, color=GREY, alpha=0.18, linewidth=0)
        axes.text(mark, 0.97, "chosen", ha="center", va="top", fontsize=9,
                  transform=axes.get_xaxis_transform())  # fmt: skip
        axes.axhline(0, color="black", linewidth=1, linestyle=":")
        axes.plot(places, values.mean(axis=1), color=color)
        axes.plot(places, values, "o", color=color, alpha=0.7)
        for place, mean in zip(places, values.mean(axis=1), strict=True):
            if mean < bottom:
                axes.annotate(f"mean\n{mean:.0f}", (place, bottom), (place, bottom + 2.5),
                              ha="center", fontsize=9, arrowprops={"arrowstyle": "->"})  # fmt: skip
        axes.set_xticks(places, [f"{s:g}" for s in strengths], fontsize=9)
        axes.set(title=cure, xlabel=STRENGTH[cure], xlim=(-0.5, len(strengths) - 0.5))
        axes.set_ylim(bottom, top)
    row[0].set_ylabel("gain in validation accuracy\n(percentage points)")
    drawing.suptitle("Gain over no cure: one dot for each start, the line is their mean")
    return drawing


@figure
def pixels(maps, black):
    """The sum of |w| of each pixel, and a line around the pixels that are always black."""
    drawing, row = plt.subplots(1, len(maps), figsize=(11, 3.3), layout="constrained")
    top = max(picture.max() for picture in maps.values())
    edge = np.pad(black.reshape(28, 28), 1, constant_values=True)  # so that the line is closed
    edge = np.kron(edge, np.ones((8, 8)))  # finer, so that the line has corners
    place = (np.arange(30 * 8) + 0.5) / 8 - 1.5
    for axes, (name, picture) in zip(row, maps.items(), strict=True):
        drawn = axes.imshow(picture, cmap="Greys", vmin=0, vmax=top)
        axes.contour(place, place, edge, levels=[0.5], colors=YES, linewidths=1)
        axes.set_title(name, fontsize=10)
        axes.set(xticks=[], yticks=[], xlim=(-0.5, 27.5), ylim=(27.5, -0.5))
    drawing.colorbar(drawn, ax=row, label="sum of the 64 |w| of a pixel")
    drawing.suptitle(
        "A price shrinks the weights of pixels that are always black (outside the red line)"
    )
    return drawing
