"""Layers that shrink pictures: one number for each window."""

from __future__ import annotations

from typing import Any

from ..engine.tensor import Tensor
from ..messages.arguments import pair, pictures
from ..messages.mistakes import tell_channels_first
from ..ops.pooling import average_pool2d, max_pool2d
from ..ops.windows import Padding, Pair, windows
from .base import Layer


class _Pooling(Layer):
    pool: Any

    def __init__(
        self,
        pool_size: Pair = 2,
        strides: Pair | None = None,
        padding: Padding = "valid",
        **common: Any,
    ) -> None:
        super().__init__(**common)
        self.padding = padding
        with self.errors_named():
            self.pool_size = pair(pool_size, "pool_size")
            self.strides = self.pool_size if strides is None else pair(strides, "strides")
            windows(self.pool_size, self.pool_size, 1, padding, only_inside=True)  # checks padding

    def shape_after(self, shape: Any) -> Any:
        H, W, C = pictures(shape)
        return (*windows((H, W), self.pool_size, self.strides, self.padding).output, C)

    def look_at_input(self, shape: Any) -> None:
        tell_channels_first(self.label, shape)

    def forward(self, x: Tensor) -> Tensor:
        return type(self).pool(x, self.pool_size, stride=self.strides, padding=self.padding)


class MaxPooling2D(_Pooling):
    """The largest number of each window.  (N, H, W, C) -> (N, OH, OW, C)

    pool_size, strides: a number or (vertical, horizontal); by default the strides are the size.
    padding: "valid" or "same".
    """

    pool = staticmethod(max_pool2d)


class AveragePooling2D(_Pooling):
    """The mean of each window's pixels inside the picture.  (N, H, W, C) -> (N, OH, OW, C)

    pool_size, strides: a number or (vertical, horizontal); by default the strides are the size.
    padding: "valid" or "same".
    """

    pool = staticmethod(average_pool2d)


class GlobalAveragePooling2D(Layer):
    """The mean of each channel: pictures of any size become C numbers.  (N, H, W, C) -> (N, C)"""

    def shape_after(self, shape: Any) -> Any:
        return pictures(shape)[2:]

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(axis=(1, 2))
