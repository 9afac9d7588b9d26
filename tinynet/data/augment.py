"""Augmentation: small random changes, so that a network never sees the same picture twice.

Plain functions of a batch of pictures and a generator; the labels do not change.  The numbers are
drawn separately for each picture.  The given pictures are not changed, and the result has their
dtype: uint8, float32 or float64.

`batches(augment=...)` passes only pictures and rng, so functools.partial sets the rest:
`augment=functools.partial(tn.data.augment.rotate, degrees=10)`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy

from ..devices import kernels
from ..messages.arguments import (
    AT_LEAST_0,
    BELOW_1,
    FINITE,
    POSITIVE,
    UNIT,
    Range,
    boolean,
    generator,
    is_number,
    number,
    whole,
)
from .warp import checked, look_up, rounded, warp

__all__ = [
    "affine",
    "brightness",
    "contrast",
    "cutout",
    "elastic",
    "flip",
    "rotate",
    "shear",
    "shift",
    "warp",
    "zoom",
]


BELOW_90 = Range(lambda n: 0 <= n < 90, "in [0, 90)")  # degrees
BYTE = Range(lambda n: 0 <= n <= 255, "in [0, 255] for uint8")

# -- geometry --------------------------------------------------------------------------------------


def affine(
    pictures: Any,
    rng: numpy.random.Generator,
    rotate: float = 0,
    shift: float = 0,
    shear: float = 0,
    zoom: float = 0,
    fill: str = "nearest",
) -> numpy.ndarray:
    """Rotates, shifts, shears and zooms at once.  (N, H, W, C) -> (N, H, W, C)

    rotate: largest angle about the center, in degrees, either way.
    shift: largest fraction of the height up or down, and of the width to the left or right.
    shear: largest angle in degrees, below 90.
    zoom: height and width are each multiplied by 1 - zoom to 1 + zoom; below 1.
    fill: the pixels outside the picture: "nearest", "zeros" or "reflect", see warp.

    Each number is uniform in its range and drawn for each picture.  The order is that of Keras'
    ImageDataGenerator, whose angles are in degrees too: the shear_range=0.3 of the lecture is a
    third of a degree, and moves no pixel of a 28 x 28 picture by more than 0.08 pixels.  All four
    are one interpolation, so the pictures are blurred once and not four times.
    """
    pictures = _checked("affine", pictures, rng, fill)
    number("affine", "rotate", rotate, AT_LEAST_0)
    number("affine", "shift", shift, AT_LEAST_0)
    number("affine", "shear", shear, BELOW_90)
    number("affine", "zoom", zoom, BELOW_1)
    n, height, width, _ = pictures.shape
    turn, down, right, slant, taller, wider = rng.uniform(-1, 1, (n, 6)).T
    angle, lean = math.radians(rotate) * turn, math.radians(shear) * slant
    cos, sin = numpy.cos(angle), numpy.sin(angle)
    down, right = down * shift * height, right * shift * width
    taller, wider = 1 / (1 + zoom * taller), 1 / (1 + zoom * wider)

    # turn @ (move + lean @ resize @ (row, column)): warp maps the result back to the picture
    lean_row, lean_column = -numpy.sin(lean), numpy.cos(lean)
    matrices = numpy.empty((n, 2, 3))
    matrices[:, 0, 0] = cos * taller
    matrices[:, 1, 0] = sin * taller
    matrices[:, 0, 1] = (cos * lean_row - sin * lean_column) * wider
    matrices[:, 1, 1] = (sin * lean_row + cos * lean_column) * wider
    matrices[:, 0, 2] = cos * down - sin * right
    matrices[:, 1, 2] = sin * down + cos * right
    return warp(pictures, matrices, fill)


def rotate(
    pictures: Any, rng: numpy.random.Generator, degrees: float, fill: str = "nearest"
) -> numpy.ndarray:
    """Rotates about the center by at most this angle.  (N, H, W, C) -> (N, H, W, C)"""
    pictures = _checked("rotate", pictures, rng, fill)
    number("rotate", "degrees", degrees, AT_LEAST_0)
    return affine(pictures, rng, rotate=degrees, fill=fill)


def shift(
    pictures: Any, rng: numpy.random.Generator, fraction: float, fill: str = "nearest"
) -> numpy.ndarray:
    """Shifts by at most this fraction of the height and the width.  (N, H, W, C) -> (N, H, W, C)

    Keras has a setting for each, height_shift_range and width_shift_range.
    """
    pictures = _checked("shift", pictures, rng, fill)
    number("shift", "fraction", fraction, AT_LEAST_0)
    return affine(pictures, rng, shift=fraction, fill=fill)


def shear(
    pictures: Any, rng: numpy.random.Generator, degrees: float, fill: str = "nearest"
) -> numpy.ndarray:
    """Shears by at most this angle: 0.3 does nothing, see affine.  (N, H, W, C) -> same"""
    pictures = _checked("shear", pictures, rng, fill)
    number("shear", "degrees", degrees, BELOW_90)
    return affine(pictures, rng, shear=degrees, fill=fill)


def zoom(
    pictures: Any, rng: numpy.random.Generator, fraction: float, fill: str = "nearest"
) -> numpy.ndarray:
    """Multiplies height and width by 1 - fraction to 1 + fraction.  (N, H, W, C) -> same"""
    pictures = _checked("zoom", pictures, rng, fill)
    number("zoom", "fraction", fraction, BELOW_1)
    return affine(pictures, rng, zoom=fraction, fill=fill)


def flip(
    pictures: Any, rng: numpy.random.Generator, horizontal: bool = True, vertical: bool = False
) -> numpy.ndarray:
    """Mirrors half of the pictures, chosen at random.  (N, H, W, C) -> (N, H, W, C)

    horizontal, vertical: whether to swap left and right, and top and bottom, each with probability
    1/2.  A mirrored cat is a cat; a mirrored 2 is not a 2.
    """
    pictures = _checked("flip", pictures, rng)
    directions = (("horizontal", horizontal, 2), ("vertical", vertical, 1))
    axes = [axis for name, allowed, axis in directions if boolean("flip", name, allowed)]
    result = pictures.copy()
    for axis in axes:
        chosen = rng.random(len(pictures)) < 0.5
        result[chosen] = numpy.flip(result[chosen], axis)
    return result


def elastic(
    pictures: Any,
    rng: numpy.random.Generator,
    strength: float,
    smoothness: float,
    fill: str = "nearest",
) -> numpy.ndarray:
    """Moves every pixel a little, neighbors alike: trembling hands.  (N, H, W, C) -> same

    strength: standard deviation of the vertical and of the horizontal movement, in pixels.
    smoothness: standard deviation in pixels of the Gaussian that smooths the movement; above 0.

    Simard, Steinkraus and Platt, "Best Practices for Convolutional Neural Networks Applied to
    Visual Document Analysis", 2003. Their factor of 34 at a smoothness of 4 is a strength of 1.4.
    """
    pictures = _checked("elastic", pictures, rng, fill)
    number("elastic", "strength", strength, AT_LEAST_0)
    number("elastic", "smoothness", smoothness, POSITIVE, "Neighboring pixels move together.")
    n, height, width, _ = pictures.shape
    noise = rng.random((2, n, height, width), dtype=numpy.float32)
    noise -= 0.5
    noise *= math.sqrt(12) * strength  # uniform noise with standard deviation `strength`
    product = kernels(noise).product  # down, then across
    moved = product(product(_smoothing(height, smoothness), noise), _smoothing(width, smoothness).T)
    moved[0] += numpy.arange(height, dtype=numpy.float32)[:, None]
    moved[1] += numpy.arange(width, dtype=numpy.float32)
    return look_up(pictures, moved[0], moved[1], fill)


def _smoothing(length: int, deviation: float) -> numpy.ndarray:
    """A matrix that smooths noise and keeps its variance, also at the border.  (length, length)"""
    place = numpy.arange(length)
    gaussian = numpy.exp(-0.5 * ((place[:, None] - place) / deviation) ** 2)
    gaussian /= numpy.sqrt((gaussian**2).sum(axis=1, keepdims=True))
    return gaussian.astype(numpy.float32)


# -- pixel values ----------------------------------------------------------------------------------


def brightness(
    pictures: Any,
    rng: numpy.random.Generator,
    amount: float,
    limits: tuple[float, float] | None = None,
) -> numpy.ndarray:
    """Adds one number, between -amount and amount, to each picture.  (N, H, W, C) -> (N, H, W, C)

    amount: in the units of the pixels: 30 for uint8 is about 0.12 for pictures from 0 to 1.
    limits: (0, 1) clips to [0, 1].  None clips uint8 to [0, 255], and does not clip floats:
        standardized pictures have no darkest number.
    """
    pictures = _checked("brightness", pictures, rng, limits=limits)
    number("brightness", "amount", amount, AT_LEAST_0)
    change = rng.uniform(-amount, amount, (len(pictures), 1, 1, 1))
    return _limited(pictures + change.astype(_computed_in(pictures)), pictures.dtype, limits)


def contrast(
    pictures: Any,
    rng: numpy.random.Generator,
    amount: float,
    limits: tuple[float, float] | None = None,
) -> numpy.ndarray:
    """Multiplies distances from the mean by 1 - amount to 1 + amount.  (N, H, W, C) -> same

    The mean is that of each picture.  amount: from 0 to 1; more would invert the picture.
    limits: as in brightness.
    """
    pictures = _checked("contrast", pictures, rng, limits=limits)
    number("contrast", "amount", amount, UNIT, "More would invert the picture.")
    dtype = _computed_in(pictures)
    factor = rng.uniform(1 - amount, 1 + amount, (len(pictures), 1, 1, 1)).astype(dtype)
    mean = pictures.mean(axis=(1, 2, 3), keepdims=True, dtype=dtype)
    return _limited((pictures - mean) * factor + mean, pictures.dtype, limits)


def cutout(
    pictures: Any, rng: numpy.random.Generator, size: int, value: float = 0
) -> numpy.ndarray:
    """Sets a square of size x size pixels to a value.  (N, H, W, C) -> (N, H, W, C)

    Any pixel can be its center, so the border may cut the square.  Source: DeVries and Taylor,
    "Improved Regularization of Convolutional Neural Networks with Cutout", 2017.

    value: in the units of the pixels; the mean of the data is a good choice too.
    """
    pictures = _checked("cutout", pictures, rng)
    size = whole("cutout", "size", size)
    number("cutout", "value", value, BYTE if pictures.dtype == numpy.uint8 else FINITE)
    n, height, width, _ = pictures.shape
    top = rng.integers(0, height, (n, 1)) - size // 2
    left = rng.integers(0, width, (n, 1)) - size // 2
    row, column = numpy.arange(height), numpy.arange(width)
    rows = (row >= top) & (row < top + size)  # (N, H)
    columns = (column >= left) & (column < left + size)  # (N, W)
    result = pictures.copy()
    result[rows[:, :, None] & columns[:, None, :]] = value
    return result


def _computed_in(pictures: numpy.ndarray) -> Any:
    return numpy.float32 if pictures.dtype == numpy.uint8 else pictures.dtype


def _limited(values: numpy.ndarray, dtype: Any, limits: tuple[float, float] | None) -> Any:
    if limits is not None:
        numpy.clip(values, *limits, out=values)
    return rounded(values, dtype)


# -- arguments -------------------------------------------------------------------------------------


def _checked(
    where: str, pictures: Any, rng: Any, fill: str = "nearest", limits: Any = None
) -> numpy.ndarray:
    """The pictures, if they and the arguments that the functions share are valid."""
    pictures = checked(where, pictures, fill)
    generator(where, rng)
    if limits is not None and not (
        isinstance(limits, tuple | list)
        and len(limits) == 2
        and all(is_number(n) and math.isfinite(n) for n in limits)
        and limits[0] < limits[1]
    ):
        raise ValueError(
            f"{where}: limits must be the least and the greatest value, received {limits!r}. "
            "Give (0, 1), or None."
        )
    return pictures
