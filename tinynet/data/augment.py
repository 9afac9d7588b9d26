"""Augmentation: pictures changed a little, at random, so that a network never sees one twice.

Plain functions of a batch of pictures and a generator; the labels stay as they are.  Every picture
draws its own numbers.  The pictures given are never changed, and the result has their dtype: uint8,
float32 or float64.

`batches(augment=...)` calls them with pictures and rng alone, so functools.partial gives them their
settings: `augment=functools.partial(tn.data.augment.rotate, degrees=10)`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy

from .warp import check_fill, checked, look_up, rounded, warp

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


# -- where things are ------------------------------------------------------------------------------


def affine(
    pictures: Any,
    rng: numpy.random.Generator,
    rotate: float = 0,
    shift: float = 0,
    shear: float = 0,
    zoom: float = 0,
    fill: str = "nearest",
) -> numpy.ndarray:
    """Turned, moved, slanted and resized at once.  (N, H, W, C) -> (N, H, W, C)

    rotate: at most so many degrees about the middle, either way.
    shift: at most this fraction of the height up or down, and of the width to either side.
    shear: at most so many degrees, below 90.
    zoom: the height and the width each become 1 - zoom to 1 + zoom times as large; below 1.
    fill: what comes in from outside: "nearest", "zeros" or "reflect", see warp.

    Each is drawn evenly from its range, for each picture, and they follow each other in the order
    of Keras' ImageDataGenerator.  Its angles are in degrees too: the shear_range=0.3 of the lecture
    is a third of a degree, and moves no pixel of a 28 x 28 picture by more than 0.08 pixels.
    Everything is read off at once, so the pictures are blurred once and not four times.
    """
    settings = {"rotate": rotate, "shift": shift, "shear": shear, "zoom": zoom}
    pictures = _checked("affine", pictures, rng, fill, below={"shear": 90, "zoom": 1}, **settings)
    n, height, width, _ = pictures.shape
    turn, down, right, slant, taller, wider = rng.uniform(-1, 1, (n, 6)).T
    angle, lean = math.radians(rotate) * turn, math.radians(shear) * slant
    cos, sin = numpy.cos(angle), numpy.sin(angle)
    down, right = down * shift * height, right * shift * width
    taller, wider = 1 / (1 + zoom * taller), 1 / (1 + zoom * wider)

    # turn @ (move + lean @ resize @ (row, column)): warp goes from the result back to the picture
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
    """Turned about the middle by at most so many degrees.  (N, H, W, C) -> (N, H, W, C)"""
    pictures = _checked("rotate", pictures, rng, fill, degrees=degrees)
    return affine(pictures, rng, rotate=degrees, fill=fill)


def shift(
    pictures: Any, rng: numpy.random.Generator, fraction: float, fill: str = "nearest"
) -> numpy.ndarray:
    """Moved by at most this fraction of the height and the width.  (N, H, W, C) -> (N, H, W, C)

    Keras has a setting for each, height_shift_range and width_shift_range.
    """
    pictures = _checked("shift", pictures, rng, fill, fraction=fraction)
    return affine(pictures, rng, shift=fraction, fill=fill)


def shear(
    pictures: Any, rng: numpy.random.Generator, degrees: float, fill: str = "nearest"
) -> numpy.ndarray:
    """Slanted by at most so many degrees: 0.3 does nothing, see affine.  (N, H, W, C) -> same"""
    pictures = _checked("shear", pictures, rng, fill, below={"degrees": 90}, degrees=degrees)
    return affine(pictures, rng, shear=degrees, fill=fill)


def zoom(
    pictures: Any, rng: numpy.random.Generator, fraction: float, fill: str = "nearest"
) -> numpy.ndarray:
    """Height and width 1 - fraction to 1 + fraction times as large.  (N, H, W, C) -> same"""
    pictures = _checked("zoom", pictures, rng, fill, below={"fraction": 1}, fraction=fraction)
    return affine(pictures, rng, zoom=fraction, fill=fill)


def flip(
    pictures: Any, rng: numpy.random.Generator, horizontal: bool = True, vertical: bool = False
) -> numpy.ndarray:
    """Left and right swapped in every second picture, drawn by lot.  (N, H, W, C) -> (N, H, W, C)

    horizontal, vertical: whether left and right, and top and bottom, may be swapped, each with
    probability 1/2.  A mirrored cat is a cat; a mirrored 2 is not a 2.
    """
    pictures = _checked("flip", pictures, rng)
    result = pictures.copy()
    for allowed, axis in ((horizontal, 2), (vertical, 1)):
        if allowed:
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
    """Every pixel moved a little, neighbours alike: trembling hands.  (N, H, W, C) -> same

    strength: the standard deviation of the movement up and down, and to either side, in pixels.
    smoothness: standard deviation in pixels of the Gaussian that smooths the movement; above 0.

    Simard, Steinkraus and Platt, "Best Practices for Convolutional Neural Networks Applied to
    Visual Document Analysis", 2003. Their factor of 34 at a smoothness of 4 is a strength of 1.4.
    """
    pictures = _checked("elastic", pictures, rng, fill, strength=strength, smoothness=smoothness)
    if smoothness == 0:
        raise ValueError("elastic: smoothness must be above 0, received 0. Pixels move together.")
    n, height, width, _ = pictures.shape
    noise = rng.random((2, n, height, width), dtype=numpy.float32)
    noise -= 0.5
    noise *= math.sqrt(12) * strength  # even noise: its standard deviation is now the strength
    moved = _smoothing(height, smoothness) @ noise @ _smoothing(width, smoothness).T
    moved[0] += numpy.arange(height, dtype=numpy.float32)[:, None]
    moved[1] += numpy.arange(width, dtype=numpy.float32)
    return look_up(pictures, moved[0], moved[1], fill)


def _smoothing(length: int, deviation: float) -> numpy.ndarray:
    """A matrix that smooths noise and keeps its variance, at the border too.  (length, length)"""
    place = numpy.arange(length)
    gaussian = numpy.exp(-0.5 * ((place[:, None] - place) / deviation) ** 2)
    gaussian /= numpy.sqrt((gaussian**2).sum(axis=1, keepdims=True))
    return gaussian.astype(numpy.float32)


# -- what they look like ---------------------------------------------------------------------------


def brightness(
    pictures: Any,
    rng: numpy.random.Generator,
    amount: float,
    limits: tuple[float, float] | None = None,
) -> numpy.ndarray:
    """A number of at most this amount added to each picture.  (N, H, W, C) -> (N, H, W, C)

    amount: in the units of the pixels: 30 for uint8 is about 0.12 for pictures from 0 to 1.
    limits: (0, 1) clips there. None clips uint8 to 0 and 255, and floats not at all: they may be
    standardized, and then no number is the blackest.
    """
    pictures = _checked("brightness", pictures, rng, amount=amount, limits=limits)
    change = rng.uniform(-amount, amount, (len(pictures), 1, 1, 1))
    return _limited(pictures + change.astype(_computed_in(pictures)), pictures.dtype, limits)


def contrast(
    pictures: Any,
    rng: numpy.random.Generator,
    amount: float,
    limits: tuple[float, float] | None = None,
) -> numpy.ndarray:
    """Distances from the picture's mean, times 1 - amount to 1 + amount.  (N, H, W, C) -> same

    amount: at most 1.  limits: as in brightness.
    """
    pictures = _checked("contrast", pictures, rng, amount=amount, limits=limits)
    if amount > 1:
        raise ValueError(
            f"contrast: amount must be at most 1, received {amount!r}. More makes negatives."
        )
    dtype = _computed_in(pictures)
    factor = rng.uniform(1 - amount, 1 + amount, (len(pictures), 1, 1, 1)).astype(dtype)
    mean = pictures.mean(axis=(1, 2, 3), keepdims=True, dtype=dtype)
    return _limited((pictures - mean) * factor + mean, pictures.dtype, limits)


def cutout(
    pictures: Any, rng: numpy.random.Generator, size: int, value: float = 0
) -> numpy.ndarray:
    """A square of size x size pixels set to a value.  (N, H, W, C) -> (N, H, W, C)

    Its middle is any pixel, and what lies outside the picture is lost: a square at the border is
    smaller (DeVries and Taylor, "Improved Regularization of Convolutional Neural Networks with
    Cutout", 2017).  value: in the units of the pixels; the mean of the data is a good choice too.
    """
    pictures = _checked("cutout", pictures, rng)
    if isinstance(size, bool) or not isinstance(size, int | numpy.integer) or size < 1:
        raise ValueError(f"cutout: size must be a whole number of at least 1, received {size!r}.")
    if not _is_number(value) or (pictures.dtype == numpy.uint8 and not 0 <= value <= 255):
        raise ValueError(
            f"cutout: value must be a number that {pictures.dtype} can hold, received {value!r}."
        )
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


# -- what is refused -------------------------------------------------------------------------------


def _is_number(value: Any) -> bool:
    return (
        isinstance(value, int | float | numpy.integer | numpy.floating)
        and not isinstance(value, bool)
        and math.isfinite(value)
    )


def _checked(
    where: str,
    pictures: Any,
    rng: Any,
    fill: str = "nearest",
    limits: Any = None,
    below: dict[str, float] | None = None,
    **settings: Any,
) -> numpy.ndarray:
    """The pictures, if all that was given makes sense.  below: what a setting must stay under."""
    pictures = checked(where, pictures)
    if not isinstance(rng, numpy.random.Generator):
        raise TypeError(f"{where}: rng is {type(rng).__name__}. Give numpy.random.default_rng(0).")
    check_fill(where, fill)
    for name, value in settings.items():
        top = (below or {}).get(name, math.inf)
        if not _is_number(value) or not 0 <= value < top:
            end = "" if top == math.inf else f" and below {top}"
            raise ValueError(
                f"{where}: {name} must be a number of at least 0{end}, received {value!r}."
            )
    if limits is not None and not (
        isinstance(limits, tuple | list)
        and len(limits) == 2
        and all(map(_is_number, limits))
        and limits[0] < limits[1]
    ):
        raise ValueError(
            f"{where}: limits must be the least and the greatest value, received {limits!r}. "
            "Give (0, 1), or None."
        )
    return pictures
