"""Layers that add noise in training.  In inference they change nothing."""

from __future__ import annotations

from typing import Any

from ..engine.tensor import Tensor
from ..messages.arguments import AT_LEAST_0, BELOW_1, number, pictures
from ..ops.noise import dropout, gaussian_noise
from .base import Layer


class _Noise(Layer):
    differs_in_training = True
    keeps_mask = True

    def create(self, shape: Any) -> None:
        """Take a generator of its own: noise then takes no numbers from weights or batches."""
        if self.rng is None:
            raise ValueError(
                f"{self.label}: there is no generator for its noise. Give the model, or the layer, "
                "rng=numpy.random.default_rng(0)."
            )
        self.rng = self.rng.spawn(1)[0]


class Dropout(_Noise):
    """Each number is 0 with probability rate; the others are divided by 1 - rate.  (N, ...) -> same

    rate: in [0, 1).  rng: when it is built, the layer spawns its own generator from it.
    """

    def __init__(self, rate: float, **common: Any) -> None:
        super().__init__(**common)
        self.rate = number(self.label, "rate", rate, BELOW_1, "It is the share to drop.")

    def forward(self, x: Tensor) -> Tensor:
        return dropout(x, self.rate, self.rng) if self.rate and self.trains() else x


class SpatialDropout2D(Dropout):
    """Dropout of whole channels, since neighboring pixels are alike.  (N, H, W, C) -> same

    Source: Tompson et al., "Efficient Object Localization Using Convolutional Networks", 2015.

    rate: in [0, 1), the share of the channels.
    """

    def shape_after(self, shape: Any) -> Any:
        return pictures(shape)

    def forward(self, x: Tensor) -> Tensor:
        if not (self.rate and self.trains()):
            return x
        return dropout(x, self.rate, self.rng, mask_shape=(len(x), 1, 1, x.shape[3]))


class GaussianNoise(_Noise):
    """x + noise from a normal distribution with mean 0.  (N, ...) -> same

    stddev: the standard deviation, at least 0.
    """

    def __init__(self, stddev: float, **common: Any) -> None:
        super().__init__(**common)
        self.stddev = number(self.label, "stddev", stddev, AT_LEAST_0)

    def forward(self, x: Tensor) -> Tensor:
        return gaussian_noise(x, self.stddev, self.rng) if self.stddev and self.trains() else x
