"""Layers that only put numbers in another place or form."""

from __future__ import annotations

import math
from typing import Any

import numpy

from ..ops.shape import pad
from ..ops.upsampling import upsample2d
from ..ops.windows import Pair, pair
from ..shapes import written
from ..tensor import Tensor
from .arguments import pictures
from .base import Layer


class Flatten(Layer):
    """Each example as one row, row by row, channels innermost.  (N, ...) -> (N, D)"""

    def shape_after(self, shape: Any) -> Any:
        return (math.prod(shape),)

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(len(x), math.prod(x.shape[1:]))


class Reshape(Layer):
    """Each example in another shape.  (N, ...) -> (N, *target_shape)

    target_shape: without the batch; one size may be -1, which follows from the others.
    """

    def __init__(self, target_shape: tuple[int, ...], **common: Any) -> None:
        super().__init__(**common)
        sizes = target_shape if isinstance(target_shape, tuple | list) else (target_shape,)
        whole = all(isinstance(n, int | numpy.integer) and not isinstance(n, bool) for n in sizes)
        if not whole or any(n < 1 and n != -1 for n in sizes) or list(sizes).count(-1) > 1:
            raise ValueError(
                f"{self.label}: target_shape must be whole numbers of at least 1 without the "
                f"batch, one of them -1 at most; received {target_shape!r}."
            )
        self.target_shape = tuple(int(n) for n in sizes)

    def shape_after(self, shape: Any) -> Any:
        numbers, fixed = math.prod(shape), math.prod(n for n in self.target_shape if n != -1)
        if numbers % fixed or (-1 not in self.target_shape and numbers != fixed):
            raise ValueError(
                f"input {written(shape)} has {numbers} numbers an example, and target_shape "
                f"{self.target_shape} holds {'a multiple of ' * (-1 in self.target_shape)}{fixed}."
            )
        return tuple(numbers // fixed if n == -1 else n for n in self.target_shape)

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(len(x), *self.shape_after(x.shape[1:]))


class ZeroPadding2D(Layer):
    """Zeros around pictures.  (N, H, W, C) -> (N, top + H + bottom, left + W + right, C)

    padding: a number of pixels, (vertical, horizontal), or ((top, bottom), (left, right)).
    """

    def __init__(self, padding: Any = 1, **common: Any) -> None:
        super().__init__(**common)
        try:
            if isinstance(padding, tuple | list) and isinstance(padding[0], tuple | list):
                rows, columns = padding
                self.padding = pair(rows, "padding", 0), pair(columns, "padding", 0)
            else:
                high, wide = pair(padding, "padding", 0)
                self.padding = (high, high), (wide, wide)
        except (ValueError, IndexError):
            raise ValueError(
                f"{self.label}: padding must be a number of pixels, (vertical, horizontal) or "
                f"((top, bottom), (left, right)), at least 0; received {padding!r}."
            ) from None

    def shape_after(self, shape: Any) -> Any:
        H, W, C = pictures(shape)
        return (H + sum(self.padding[0]), W + sum(self.padding[1]), C)

    def forward(self, x: Tensor) -> Tensor:
        return pad(x, ((0, 0), *self.padding, (0, 0)))


class UpSampling2D(Layer):
    """Pictures made larger, without weights.  (N, H, W, C) -> (N, H * SH, W * SW, C)

    size: a number or (vertical, horizontal).  interpolation: "nearest" or "bilinear".
    """

    def __init__(self, size: Pair = 2, interpolation: str = "nearest", **common: Any) -> None:
        super().__init__(**common)
        try:
            self.size = pair(size, "size")
            upsample2d(numpy.zeros((1, 1, 1, 1), numpy.float32), 1, interpolation)
        except ValueError as error:
            raise self._named(error) from None
        self.interpolation = interpolation

    def shape_after(self, shape: Any) -> Any:
        H, W, C = pictures(shape)
        return (H * self.size[0], W * self.size[1], C)

    def forward(self, x: Tensor) -> Tensor:
        return upsample2d(x, self.size, interpolation=self.interpolation)
