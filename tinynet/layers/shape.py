"""Layers that arrange numbers in another place or shape."""

from __future__ import annotations

import math
from typing import Any

from ..engine.tensor import Tensor
from ..messages.arguments import borders, choice, is_whole, pair, pictures, written
from ..ops.shape import pad
from ..ops.upsampling import INTERPOLATIONS, upsample2d
from ..ops.windows import Pair
from .base import Layer


class Flatten(Layer):
    """Each example as one row of numbers, the last axis innermost.  (N, ...) -> (N, D)"""

    def shape_after(self, shape: Any) -> Any:
        return (math.prod(shape),)

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(len(x), math.prod(x.shape[1:]))


class Reshape(Layer):
    """Each example in another shape.  (N, ...) -> (N, *target_shape)

    target_shape: without the batch; at most one size is -1, which follows from the others.
    """

    def __init__(self, target_shape: tuple[int, ...], **common: Any) -> None:
        super().__init__(**common)
        sizes = target_shape if isinstance(target_shape, tuple | list) else (target_shape,)
        sound = all(is_whole(n) and (n >= 1 or n == -1) for n in sizes)
        if not sound or list(sizes).count(-1) > 1:
            raise ValueError(
                f"{self.label}: target_shape must be whole numbers of at least 1 without the "
                f"batch, at most one of them -1, received {target_shape!r}."
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
        with self.errors_named():
            self.padding = borders(padding)

    def shape_after(self, shape: Any) -> Any:
        H, W, C = pictures(shape)
        return (H + sum(self.padding[0]), W + sum(self.padding[1]), C)

    def forward(self, x: Tensor) -> Tensor:
        return pad(x, ((0, 0), *self.padding, (0, 0)))


class UpSampling2D(Layer):
    """Enlarge pictures, without weights.  (N, H, W, C) -> (N, H * SH, W * SW, C)

    size: SH and SW, a number or (vertical, horizontal).  interpolation: "nearest" or "bilinear".
    """

    def __init__(self, size: Pair = 2, interpolation: str = "nearest", **common: Any) -> None:
        super().__init__(**common)
        with self.errors_named():
            self.size = pair(size, "size")
        self.interpolation = choice(self.label, "interpolation", interpolation, INTERPOLATIONS)

    def shape_after(self, shape: Any) -> Any:
        H, W, C = pictures(shape)
        return (H * self.size[0], W * self.size[1], C)

    def forward(self, x: Tensor) -> Tensor:
        return upsample2d(x, self.size, interpolation=self.interpolation)
