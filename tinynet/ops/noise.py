"""Random operations.

Each call draws a key from NumPy's generator.  The noise depends on the key alone, so it is the same
for any number of threads and on both devices.
"""

from __future__ import annotations

import math
from typing import Any

import numpy

from ..devices import Array, capture, device_of, gpu, kernels, move
from ..engine.tensor import differentiable
from ..messages.arguments import AT_LEAST_0, BELOW_1, generator, is_whole, number


@differentiable
def dropout(x, rate: float, rng: numpy.random.Generator, mask_shape: tuple[int, ...] | None = None):
    """0 with probability rate, else x / (1 - rate), for each element.  (...) -> (...)

    The expected value stays x, so inference leaves dropout out.  Source: Srivastava et al.,
    "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", 2014.

    rate: in [0, 1), rounded to 2^-16.  rng: numpy.random.default_rng(seed); each call advances it.
    mask_shape: for each axis of x its size or 1; elements along a 1 are dropped together.  Whole
        channels of pictures are (N, 1, 1, C), since neighboring pixels are much alike.
        Source: Tompson et al., "Efficient Object Localization Using Convolutional Networks", 2015.

    ValueError for values out of range, TypeError for an rng that is no generator.
    """
    rate = number("", "rate", rate, BELOW_1, "It is the share to drop.")
    shape = x.shape if mask_shape is None else mask_shape
    if not _covers(shape, x.shape):
        raise ValueError(
            f"mask_shape must have, for each axis of x {x.shape}, its size or 1; received "
            f"{mask_shape!r}."
        )
    drop = min(round(rate * 65536), 65535)  # of 65,536 numbers: 16 bits decide on each
    scale = 65536 / (65536 - drop)
    device, key = kernels(x), draw_key(rng)
    if device is gpu and shape == x.shape:  # the mask is made again on the way back
        return gpu.dropout(x, key, drop, scale), lambda dy: gpu.dropout(dy, key, drop, scale)
    mask = device.keep_mask(key, drop, math.prod(shape))
    mask = move(mask, device_of(x)).reshape(shape)
    return device.masked(x, mask, scale), lambda dy: device.masked(dy, mask, scale)


@differentiable
def gaussian_noise(x, std: float, rng: numpy.random.Generator):
    """x plus normal noise of mean 0 and standard deviation std.  (...) -> (...)

    A denoising autoencoder learns to remove it.  Inference leaves it out.

    std: at least 0, finite.  rng: numpy.random.default_rng(seed); each call advances it.
    ValueError for an std out of range, TypeError for an rng that is no generator.
    """
    return x + number("", "std", std, AT_LEAST_0) * normal_like(x, rng), lambda dy: dy


def normal_like(x: Array, rng: numpy.random.Generator) -> Array:
    """Numbers from N(0, 1) in the shape and dtype of x, drawn in float32."""
    noise = kernels(x).standard_normal(draw_key(rng), x.size).reshape(x.shape)
    return move(noise.astype(x.dtype, copy=False), device_of(x))


def draw_key(rng: numpy.random.Generator) -> Any:
    """128 random bits, on which all noise of one call depends."""
    rng = generator("", rng)
    return capture.key(lambda: tuple(rng.integers(0, 2**64, 2, numpy.uint64).tolist()))


def _covers(mask_shape: object, shape: tuple[int, ...]) -> bool:
    return (
        isinstance(mask_shape, tuple | list)
        and len(mask_shape) == len(shape)
        and all(is_whole(m) and m in (1, n) for m, n in zip(mask_shape, shape, strict=True))
    )
