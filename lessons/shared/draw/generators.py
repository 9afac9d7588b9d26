"""The drawings of the lesson generators."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from ..session import figure

TILE = 30  # a picture of 28 x 28 pixels, and the gap to the next
ROWS = 5  # digits of each label


def _sheet(axes, pictures, title):
    """Draw rows of ten digits.  pictures: ROWS of each label, in their order (10 * ROWS, 784)"""
    sheet = np.ones((ROWS, TILE, 10, TILE), np.float32)
    sheet[:, :28, :, :28] = pictures.reshape(10, ROWS, 28, 28).transpose(1, 2, 0, 3)
    axes.imshow(sheet.reshape(-1, 10 * TILE)[:-2, :-2], cmap="gray", vmin=0, vmax=1,
                interpolation="nearest")  # fmt: skip
    axes.set_title(title)
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)


@figure
def digits(made, test, test_labels):
    """The first digits of each label, of each generator and of the test digits."""
    shots = {"VAE": "one shot", "GAN": "one shot", "diffusion": "many small steps"}
    drawing, places = plt.subplots(2, 2, figsize=(11.5, 6.6), layout="constrained")
    for axes, (name, x) in zip(places.flat, made.items(), strict=False):
        some = x.reshape(10, -1, 784)[:, :ROWS].reshape(-1, 784)
        _sheet(axes, some, f"{name}: {shots[name]}")
    of_labels = [test[test_labels == label][:ROWS] for label in range(10)]
    _sheet(places[1, 1], np.concatenate(of_labels), "test digits: written by people")
    drawing.suptitle("Digits as asked, by three generators after equally many training steps")
    return drawing
