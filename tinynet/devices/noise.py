"""Noise as plain kernels: the same key gives the same numbers, on every device."""

from __future__ import annotations

import math

import numpy

Key = tuple[int, int]  # 2 x 64 bits


def random_bits(key: Key, count: int, start: int = 0) -> numpy.ndarray:
    """`count` words of 64 random bits, from word `start` of the key's sequence on.

    start: a multiple of 4.  Counter-based: NumPy's Philox 4x64 with 10 rounds.  Source: Salmon et
    al., "Parallel Random Numbers: As Easy as 1, 2, 3", 2011.
    """
    # "u8", uint64: without it, NumPy makes a key such as (1, 2**63) float64
    return numpy.random.Philox(key=numpy.array(key, "u8"), counter=start // 4).random_raw(count)


def keep_mask(key: Key, drop: int, count: int) -> numpy.ndarray:
    """(count,) booleans; of 65,536 numbers, `drop` are False on average."""
    return kept(random_bits(key, -(-count // 4)), drop)[:count]


def kept(bits: numpy.ndarray, drop: int) -> numpy.ndarray:
    """Four booleans from each word: each 16 bits are a number below 65,536, False below drop."""
    return bits.view(numpy.uint16) >= drop


def uniform(key: Key, count: int) -> numpy.ndarray:
    """(count,) numbers from [0, 1), in float32."""
    return even(random_bits(key, -(-count // 2)))[:count]


def even(bits: numpy.ndarray) -> numpy.ndarray:
    """Two multiples of 2^-24 from each word, all equally likely: float32 has each of them."""
    return (bits.view(numpy.uint32) >> 8).astype(numpy.float32) * 2.0**-24


def standard_normal(key: Key, count: int) -> numpy.ndarray:
    """(count,) numbers from N(0, 1), in float32."""
    return normal(random_bits(key, -(-count // 2)))[:count]


def normal(bits: numpy.ndarray) -> numpy.ndarray:
    """Two numbers from N(0, 1) from each word: a point of the plane, by its radius and its angle.

    Source: Box and Muller, "A Note on the Generation of Random Normal Deviates", 1958.
    """
    u, v = bits.view(numpy.uint32).reshape(-1, 2).T.astype(numpy.float32) * 2.0**-32  # in [0, 1]
    radius = numpy.sqrt(-2 * numpy.log(u + 2.0**-33))  # never log(0)
    angle = 2 * math.pi * v
    return numpy.stack((radius * numpy.cos(angle), radius * numpy.sin(angle)), axis=1).reshape(-1)
