"""Random bits as a loop: NumPy's Philox 4x64 with 10 rounds, with the same words.

Source: Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", 2011.
"""

from __future__ import annotations

import numpy

from .. import cpu, settings
from ..noise import Key
from .loop import Marks, loop, part_of_loop
from .machine import upper_half
from .parts import cut, parts_of

WORDS = 4096  # in a part, which decide on 16,384 numbers: 20 us

# The constants of the source: two factors, and what is added to the key after each round
FACTORS = numpy.uint64(0xD2E7470EE14C6C93), numpy.uint64(0xCA5A826395121157)
STEPS = numpy.uint64(0x9E3779B97F4A7C15), numpy.uint64(0xBB67AE8584CAA73B)


@part_of_loop
def random_words(counter, k, m):
    """The block of four words of that number, for the key (k, m)."""
    a, b, c, d = counter, numpy.uint64(0), numpy.uint64(0), numpy.uint64(0)
    for _ in range(10):
        a, b, c, d = (
            upper_half(FACTORS[1], c) ^ b ^ k, FACTORS[1] * c,
            upper_half(FACTORS[0], a) ^ d ^ m, FACTORS[0] * a,
        )  # fmt: skip
        k, m = k + STEPS[0], m + STEPS[1]
    return a, b, c, d


@loop
def keep_mask_loop(part: int, key: int, key2: int, drop: int, mask: Marks) -> None:
    """Each word decides on four numbers, by 16 bits each."""
    words = numpy.empty(WORDS, numpy.uint64)
    mask, limit = cut(mask, part, 4 * WORDS), numpy.uint16(drop)
    for i in range(0, (mask.size + 3) // 4, 4):
        number = numpy.uint64(part * (WORDS // 4) + i // 4 + 1)  # NumPy counts from 1
        words[i], words[i + 1], words[i + 2], words[i + 3] = random_words(
            number, numpy.uint64(key), numpy.uint64(key2)
        )
    bits = words.view(numpy.uint16)
    for i in range(mask.size):
        mask[i] = bits[i] >= limit


def keep_mask(key: Key, drop: int, count: int) -> numpy.ndarray:
    if count < settings.LEAST:
        return cpu.keep_mask(key, drop, count)
    mask = numpy.empty(count, bool)
    first, second = numpy.array(key, numpy.uint64).view(numpy.int64).tolist()
    keep_mask_loop(parts_of(count, 4 * WORDS), first, second, drop, mask)
    return mask
