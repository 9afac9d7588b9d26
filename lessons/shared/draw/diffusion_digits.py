"""The drawings of the lesson diffusion_digits."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn

from ..session import figure, film

TILE = 30  # a picture of 28 x 28 pixels, and the gap to the next


def _tiled(rows):
    """Rows of ten pictures from -1 to 1 as one, with white gaps.  (R, 10, 784) -> (H, W)"""
    sheet = np.ones((len(rows), TILE, 10, TILE), np.float32)
    sheet[:, :28, :, :28] = np.reshape(rows, (-1, 10, 28, 28)).transpose(0, 2, 1, 3)
    return sheet.reshape(-1, 10 * TILE)[:-2, :-2]


def _sheet(axes, rows, names=(), columns=()):
    """Draw rows of ten pictures.  Returns what imshow returns."""
    axes.set_xticks(14 + TILE * np.arange(len(columns)), columns)
    axes.set_yticks(14 + TILE * np.arange(len(names)), names)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return axes.imshow(_tiled(rows), cmap="gray", vmin=-1, vmax=1, interpolation="nearest")


@figure
def out_of_noise(walk, asked):
    """Ten pictures at eight times, and beside them the guesses (at the end they are the same)."""
    times = np.array(list(walk))
    wanted = times.max() * np.array([1, 0.8, 0.6, 0.48, 0.36, 0.24, 0.12, 0])
    chosen = sorted({int(times[abs(times - t).argmin()]) for t in wanted}, reverse=True)
    drawing, pair = plt.subplots(1, 2, figsize=(12.5, 5.5), layout="constrained")
    names = [f"t = {t}" for t in chosen]
    titles = ("the picture $x_t$", r"the guess of the digit, $\hat{x}_0$")
    for axes, which, title in zip(pair, (0, 1), titles, strict=True):
        rows = [walk[t][which] if t or not which else np.ones((10, 784)) for t in chosen]
        _sheet(axes, rows, () if which else names, asked)
        axes.set_title(title)
    drawing.suptitle("Ten digits come out of noise; above each column the digit that is asked for")
    return drawing


@film
def condensing(walk, every):
    """The ten pictures and the guesses, step by step."""
    drawing, axes = plt.subplots(figsize=(6.6, 1.9), dpi=80, layout="constrained")
    drawing.suptitle("Noise becomes digits (above), guess by guess (below)")
    times = [*sorted(walk, reverse=True)[:-1:every], 0]
    shown = _sheet(axes, walk[times[0]], ("$x_t$", "guess"))
    for t in times:
        shown.set_data(_tiled(walk[t]))
        axes.set_title(f"t = {t}", fontsize=11)
        yield drawing


@figure
def guidance(made):
    """Digits of the same noise with three scales."""
    drawing, row = plt.subplots(1, 3, figsize=(14, 3.1), layout="constrained")
    for axes, scale in zip(row, (0, 1, 3), strict=True):
        each = len(made[scale]) // 10
        rows = made[scale].reshape(10, each, 784)[:, :5].transpose(1, 0, 2)
        _sheet(axes, rows, columns=range(10))
        axes.xaxis.set_label_position("bottom")
        axes.set_xlabel(f"guidance {scale}", fontsize=12)
    drawing.suptitle(
        "The label (above each column) ignored, obeyed and exaggerated; a row has one noise"
    )
    return drawing


@figure
def steps(of_steps):
    """The same noise and labels with different numbers of steps."""
    drawing, axes = plt.subplots(figsize=(7.4, 3.9), layout="constrained")
    each = len(next(iter(of_steps.values()))) // 10
    chosen = each * np.arange(10) + np.arange(10)  # another noise for each label
    rows = [x[chosen] for x in of_steps.values()]
    _sheet(axes, rows, ["1 step" if n == 1 else f"{n} steps" for n in of_steps])
    drawing.suptitle("The same noise in each column: with one step the digits are blurred")
    return drawing


@figure
def copies(made, real, labels):
    """For each label the generated digit that is most like a training digit of this label."""
    found = []
    for label, group in enumerate(made.reshape(10, -1, 784)):
        same = real[labels == label]
        squares = (group**2).sum(axis=1)[:, None] + (same**2).sum(axis=1) - 2 * group @ same.T
        mine, its = np.unravel_index(squares.argmin(), squares.shape)
        found.append((group[mine], same[its]))
    above, below = np.reshape(found, (10, 2, 28, 28)).transpose(1, 0, 2, 3)
    return tn.plot.rows(
        {"generated digit": above, "nearest training digit": below},
        "For each label, the generated digit that is most like a training digit of this label",
        width=0.75,
        limits=(-1, 1),
    )
