"""Formulas of activations and losses as loops: each number is read once."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numba
import numpy

from .. import cpu
from . import parts
from .loop import ONE, ZERO, Loop, Numbers, loop, part_of_loop, ready
from .machine import floor, two_to
from .parts import by_numbers, cut, parts_of, takes

Array = numpy.ndarray
f = numpy.float32
TWO, FOUR, HALF = f(2), f(4), f(0.5)
LARGEST, SMALLEST = f(88), f(-104)  # beyond, exp is infinite or 0
# log 2 in two parts; the first has few digits, so its multiples are exact
PER_LOG_2, LOG_2, LOG_2_REST = f(1 / math.log(2)), f(0.693359375), f(math.log(2) - 0.693359375)
E2, E3, E4, E5, E6, E7 = (f(1 / math.factorial(k)) for k in range(2, 8))
L3, L5, L7, L9, L11, L13, L15 = (f(1 / k) for k in range(3, 16, 2))


def _in_order(function: Callable[..., Any]) -> Any:
    """part_of_loop, for arithmetic that must be done in the very order of its text."""
    return numba.njit(nogil=True, error_model="numpy", fastmath={"contract"})(function)


@_in_order
def quotient(a, b):
    """a / b, and not a * (1 / b), which may miss 1 where a is b."""
    return a / b


@_in_order
def exp(x):
    """exp(x) = 2^n exp(r), where |r| is at most log(2) / 2, so seven terms of its series do."""
    x = LARGEST if x > LARGEST else SMALLEST if x < SMALLEST else x  # a NaN stays
    n = floor(x * PER_LOG_2 + HALF)
    r = x - n * LOG_2 - n * LOG_2_REST
    series = r * (E4 + r * (E5 + r * (E6 + r * E7)))
    series = ONE + (r + r * r * (E2 + r * (E3 + series)))
    n = numpy.int32(n)
    half = n >> numpy.int32(1)  # 2^-149 is no float32 by itself
    return series * two_to(half) * two_to(numpy.int32(n - half))


@part_of_loop
def log_one_plus(u):
    """log(1 + u) for u in [0, 1], as 2 artanh(u / (2 + u)): exact where u is small."""
    s = u / (TWO + u)
    q = s * s
    series = L3 + q * (L5 + q * (L7 + q * (L9 + q * (L11 + q * (L13 + q * L15)))))
    return TWO * (s + s * q * series)


@part_of_loop
def magnitude(x):
    return -x if x < 0 else x


@loop
def sigmoid_and_rest_loop(part: int, size: int, x: Numbers, y: Numbers, rest: Numbers) -> None:
    x, y, rest = cut(x, part, size), cut(y, part, size), cut(rest, part, size)
    for i in range(x.size):
        e = exp(x[i])
        y[i] = quotient(e, ONE + e)
        rest[i] = ONE / (ONE + e)


@loop
def sigmoid_back_loop(
    part: int, size: int, dy: Numbers, y: Numbers, rest: Numbers, dx: Numbers
) -> None:
    dy, y, rest, dx = (
        cut(dy, part, size), cut(y, part, size), cut(rest, part, size), cut(dx, part, size)
    )  # fmt: skip
    for i in range(y.size):
        dx[i] = dy[i] * y[i] * rest[i]


@loop
def tanh_back_loop(part: int, size: int, dy: Numbers, x: Numbers, dx: Numbers) -> None:
    dy, x, dx = cut(dy, part, size), cut(x, part, size), cut(dx, part, size)
    for i in range(x.size):
        e = exp(-TWO * magnitude(x[i]))
        dx[i] = dy[i] * (FOUR * e / ((ONE + e) * (ONE + e)))


@loop
def squared_difference_loop(part: int, size: int, a: Numbers, b: Numbers, sums: Numbers) -> None:
    a, b, total = cut(a, part, size), cut(b, part, size), ZERO
    for i in range(a.size):
        total += (a[i] - b[i]) * (a[i] - b[i])
    sums[part] = total


@loop
def difference_loop(part: int, size: int, scale: float, a: Numbers, b: Numbers, y: Numbers) -> None:
    a, b, y = cut(a, part, size), cut(b, part, size), cut(y, part, size)
    for i in range(a.size):
        y[i] = scale * (a[i] - b[i])


@loop
def bce_loop(part: int, size: int, z: Numbers, target: Numbers, sums: Numbers) -> None:
    z, target, total = cut(z, part, size), cut(target, part, size), ZERO
    for i in range(z.size):
        large = ZERO if z[i] <= 0 else z[i]
        total += (large - z[i] * target[i]) + log_one_plus(exp(-magnitude(z[i])))
    sums[part] = total


@loop
def bce_slope_loop(
    part: int, size: int, scale: float, z: Numbers, target: Numbers, dz: Numbers
) -> None:
    z, target, dz = cut(z, part, size), cut(target, part, size), cut(dz, part, size)
    for i in range(z.size):
        e = exp(z[i])
        dz[i] = scale * ((e * (ONE - target[i]) - target[i]) / (ONE + e))


# By the name of the formula in ops/, as NumPy computes it
VALUES: dict[str, Loop] = {
    "activation.sigmoid_and_rest": sigmoid_and_rest_loop,
    "activation.sigmoid_slope_times": sigmoid_back_loop,
    "activation.tanh_slope_times": tanh_back_loop,
}
SUMS: dict[str, Loop] = {
    "loss.squared_difference": squared_difference_loop,
    "loss.bce_of": bce_loop,
}
SCALED: dict[str, Loop] = {"loss.difference": difference_loop, "loss.bce_slope": bce_slope_loop}


def _loop_of(loops: dict[str, Loop], formula: Callable[..., Any], arrays: Any) -> Loop | None:
    shape = arrays[0].shape
    if not all(isinstance(a, Array) and a.shape == shape for a in arrays) or not takes(*arrays):
        return None
    module, _, name = getattr(formula, "__module__", "").partition("tinynet.ops.")
    return None if module else loops.get(f"{name}.{formula.__name__}")


def elementwise(
    formula: Callable[..., Any], *arrays: Array, results: int = 1, factor: Any = None
) -> Any:
    found = _loop_of(VALUES if factor is None else SCALED, formula, arrays)
    if not found:
        return cpu.elementwise(formula, *arrays, results=results, factor=factor)
    scale = [] if factor is None else [float(factor)]
    return by_numbers(found, *scale, *arrays, results=results)


def total(formula: Callable[..., Any], *arrays: Array) -> Array:
    found = _loop_of(SUMS, formula, arrays)
    return _sums(found, arrays).sum() if found else cpu.total(formula, *arrays)


def mean(formula: Callable[..., Any], *arrays: Array) -> Array:
    found = _loop_of(SUMS, formula, arrays)
    if not found:
        return cpu.mean(formula, *arrays)
    return numpy.asarray(_sums(found, arrays).sum() / arrays[0].size, numpy.float32)


def _sums(loop: Loop, arrays: tuple[Array, ...]) -> Array:
    """The sum of each part."""
    sums = numpy.empty(parts_of(arrays[0].size), numpy.float32)
    loop(len(sums), parts.PIECE, *(ready(a).reshape(-1) for a in arrays), sums)
    return sums
