"""Random operations.  The generator is NumPy's, on the host, so that both devices draw the same."""

from __future__ import annotations

import math
from typing import Any

import numpy

from ..devices import device_of, kernels, move, xp
from ..devices.threads import each
from ..tensor import differentiable


@differentiable
def dropout(x, rate: float, rng: numpy.random.Generator, mask_shape: tuple[int, ...] | None = None):
    """Each element is 0 with probability rate; the others grow by 1 / (1 - rate).  (...) -> (...)

    The expected value stays x, so inference is simply not to call it.  Source: Srivastava et al.,
    "Dropout: A Simple Way to Prevent Neural Networks from Overfitting", 2014.

    rate: in [0, 1).  rng: numpy.random.default_rng(seed); each call advances it.
    mask_shape: for each axis of x its size or 1; along a 1 everything is dropped or kept together.
        Whole channels of pictures are (N, 1, 1, C), since neighbouring pixels tell much the same.
        Source: Tompson et al., "Efficient Object Localization Using Convolutional Networks", 2015.

    ValueError for values out of range, TypeError for an rng that is no generator.
    """
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate < 1:
        raise ValueError(f"rate must be in [0, 1), the share to drop; received {rate!r}.")
    check_generator(rng)
    if mask_shape is None:
        mask_shape = x.shape
    elif not _fits(mask_shape, x.shape):
        raise ValueError(
            f"mask_shape must have, for each axis of x {x.shape}, its size or 1; received "
            f"{mask_shape!r}."
        )
    mask = move(_kept(mask_shape, rate, rng), device_of(x))  # booleans: a quarter of the memory
    scale = 1 / (1 - rate)
    if mask.shape != x.shape:
        return x * mask * scale, lambda dy: dy * mask * scale
    by_pieces = kernels(x).elementwise

    def thinned(x, mask, out):
        y = xp(x).multiply(x, mask, out=out)
        y *= scale
        return y

    return by_pieces(thinned, x, mask), lambda dy: by_pieces(thinned, dy, mask)


@differentiable
def gaussian_noise(x, std: float, rng: numpy.random.Generator):
    """x plus normal noise of mean 0 and standard deviation std.  (...) -> (...)

    A denoising autoencoder learns to take it away again.  As for dropout, inference is not to call
    it.

    std: at least 0, finite.  rng: numpy.random.default_rng(seed); each call advances it.
    ValueError for an std out of range, TypeError for an rng that is no generator.
    """
    if isinstance(std, bool) or not isinstance(std, int | float) or not 0 <= std < math.inf:
        raise ValueError(f"std must be at least 0 and finite, received {std!r}.")
    check_generator(rng)
    noise = rng.standard_normal(x.shape, dtype=numpy.float32) * std
    return x + move(noise.astype(x.dtype, copy=False), device_of(x)), lambda dy: dy


def _kept(shape: Any, rate: float, rng: numpy.random.Generator) -> numpy.ndarray:
    """True with probability 1 - rate, for each number of a shape.

    32 random bits decide on each (a float would spend 24 of them, and take twice as long).  Of a
    large array each part has a generator of its own, seeded by rng, so that several can be drawn at
    once.
    """
    least = min(round(rate * 2**32), 2**32 - 1)
    size, part = math.prod(shape), 2**17
    kept = numpy.empty(size, bool)

    def draw(generator: numpy.random.Generator, start: int) -> None:
        some = kept[start : start + part]
        bits = generator.integers(0, 2**64, -(-len(some) // 2), dtype=numpy.uint64)
        numpy.greater_equal(bits.view(numpy.uint32)[: len(some)], numpy.uint32(least), out=some)

    if size <= part:
        draw(rng, 0)
    else:
        seeds = rng.integers(0, 2**32, 4).tolist()

        def draw_part(i: int) -> None:
            draw(numpy.random.Generator(numpy.random.SFC64([*seeds, i])), i * part)

        each(draw_part, -(-size // part))
    return kept.reshape(shape)


def check_generator(rng: object) -> None:
    if not isinstance(rng, numpy.random.Generator):
        raise TypeError(
            f"rng is {type(rng).__name__}. Give a generator, numpy.random.default_rng(0)."
        )


def _fits(mask_shape: object, shape: tuple[int, ...]) -> bool:
    return (
        isinstance(mask_shape, tuple | list)
        and len(mask_shape) == len(shape)
        and all(type(m) is int and m in (1, n) for m, n in zip(mask_shape, shape, strict=True))
    )
