"""Layers that disturb what they are given, in training only; in inference they change nothing."""

from __future__ import annotations

import math
from typing import Any

from ..ops.noise import dropout, gaussian_noise
from ..tensor import Tensor
from .arguments import is_number, pictures
from .base import Layer


class Dropout(Layer):
    """Each number is 0 with probability rate; the others grow by 1 / (1 - rate).  (N, ...) -> same

    rate: in [0, 1).  rng: the layer takes a generator of its own from it, when it is built.
    """

    def __init__(self, rate: float, **common: Any) -> None:
        super().__init__(**common)
        if not is_number(rate) or not 0 <= rate < 1:
            raise ValueError(
                f"{self.label}: rate must be in [0, 1), the share to drop; received {rate!r}."
            )
        self.rate = float(rate)

    def create(self, shape: Any) -> None:
        self.noise_generator()

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return x
        return dropout(x, self.rate, self.rng)


class SpatialDropout2D(Dropout):
    """Dropout of whole channels: neighbouring pixels say the same.  (N, H, W, C) -> same

    Source: Tompson et al., "Efficient Object Localization Using Convolutional Networks", 2015.
    """

    def shape_after(self, shape: Any) -> Any:
        return pictures(shape)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return x
        return dropout(x, self.rate, self.rng, mask_shape=(len(x), 1, 1, x.shape[3]))


class GaussianNoise(Layer):
    """x + noise with mean 0 and standard deviation stddev, at least 0.  (N, ...) -> same"""

    def __init__(self, stddev: float, **common: Any) -> None:
        super().__init__(**common)
        if not is_number(stddev) or not 0 <= stddev < math.inf:
            raise ValueError(f"{self.label}: stddev must be at least 0, received {stddev!r}.")
        self.stddev = float(stddev)

    def create(self, shape: Any) -> None:
        self.noise_generator()

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.stddev == 0:
            return x
        return gaussian_noise(x, self.stddev, self.rng)
