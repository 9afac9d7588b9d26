"""Receptive fields: how many pixels of the picture one number sees, and where the next one looks.

A window of K numbers, that moves by S of them:

    size <- size + (K - 1) jump,    jump <- jump S

from size 1, jump 1 for the picture itself.  Sizes do not depend on the padding: at the border, part
of what a number sees is padding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import Any, NamedTuple

import numpy

from .ops.windows import pair
from .tensor import Tensor

Number = Fraction | float
Both = tuple[Number, Number]


class Field(NamedTuple):
    """size: what one number sees.  jump: between two neighbours.  Each (vertical, horizontal)."""

    size: Both
    jump: Both

    def slid(self, window: Any, stride: Any) -> Field:
        """The field after a window that slides over numbers with this one."""
        (r, q), (j, k), (KH, KW), (SH, SW) = *self, pair_of(window), pair_of(stride)
        return Field((r + (KH - 1) * j, q + (KW - 1) * k), (j * SH, k * SW))


PIXEL = Field((1, 1), (1, 1))
EVERYTHING = Field((math.inf, math.inf), (0, 0))


def pair_of(value: Any) -> Any:
    return value if isinstance(value, tuple | list) else (value, value)


# -- operations that slide windows: how many numbers one result reads, and how far the next is -----


def _convolution(inputs: tuple, settings: dict) -> tuple[Any, Any]:
    return numpy.shape(inputs[1])[:2], settings.get("stride", 1)


def _transposed(inputs: tuple, settings: dict) -> tuple[Any, Any]:
    """Each number comes from at most ceil(K / S) others, and S of them lie where one did."""
    sizes, strides = numpy.shape(inputs[1])[:2], pair(settings.get("stride", 1), "stride")
    read = tuple(-(-k // s) for k, s in zip(sizes, strides, strict=True))
    return read, tuple(Fraction(1, s) for s in strides)


def _pooling(inputs: tuple, settings: dict) -> tuple[Any, Any]:
    size, stride = settings.get("size", 2), settings.get("stride")
    return size, size if stride is None else stride


def _columns(inputs: tuple, settings: dict) -> tuple[Any, Any]:
    return settings["size"], settings.get("stride", 1)


def _upsampling(inputs: tuple, settings: dict) -> tuple[Any, Any]:
    sizes = pair(settings.get("size", 2), "size")
    linear = settings.get("interpolation", "nearest") != "nearest"
    read = tuple(2 if linear and s > 1 else 1 for s in sizes)
    return read, tuple(Fraction(1, s) for s in sizes)


SLIDING: dict[str, Callable[[tuple, dict], tuple[Any, Any]]] = {
    "conv2d": _convolution,
    "conv2d_transpose": _transposed,
    "im2col": _columns,
    "upsample2d": _upsampling,
    **dict.fromkeys(
        ("max_pool2d", "min_pool2d", "sum_pool2d", "average_pool2d", "l2_pool2d"), _pooling
    ),
}
MIXING = ("linear", "matmul", "sum", "mean", "max", "min")  # see everything, unless it is per pixel


class Fields:
    """Follows the fields of values through a computation, from pictures (N, H, W, C)."""

    def __init__(self, pictures: Iterable[Tensor]) -> None:
        self._of = {x._order: PIXEL for x in pictures if x.ndim == 4}

    def after(self, y: Tensor, inputs: tuple, settings: dict) -> Field | None:
        """The field of a result; None if it comes from no picture.

        Of several inputs, the largest.
        """
        known = [x for x in inputs if isinstance(x, Tensor) and x._order in self._of]
        if not known:
            return None
        fields = [self._of[x._order] for x in known]
        field = Field(_largest(f.size for f in fields), _largest(f.jump for f in fields))
        if y.operation in SLIDING:
            field = field.slid(*SLIDING[y.operation](inputs, settings))
        elif y.operation in MIXING and not (y.ndim == 4 and y.shape[1:3] == known[0].shape[1:3]):
            field = EVERYTHING
        self._of[y._order] = field
        return field


def _largest(pairs: Iterable[Both]) -> Both:
    vertical, horizontal = zip(*pairs, strict=True)
    return max(vertical), max(horizontal)
