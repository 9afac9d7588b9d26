"""Normalization as layers; batch normalization with its statistics for inference."""

from __future__ import annotations

from typing import Any

import numpy

from ..devices import loops_for, on_gpu, xp
from ..engine.record import current_observer
from ..engine.tensor import Tensor
from ..messages.arguments import POSITIVE, UNIT, boolean, number, whole, written
from ..ops.normalization import batch_norm, check_groups, group_norm, layer_norm
from .activation import leak_of
from .base import Layer


class Normalization(Layer):
    """The base of the layers that normalize, with a gamma and a beta for each channel."""

    def __init__(
        self,
        axis: int = -1,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        **common: Any,
    ) -> None:
        super().__init__(**common)
        if axis != -1:
            raise ValueError(
                f"{self.label}: axis must be -1, received {axis!r}. Channels are last, (N, ..., C)."
            )
        self.epsilon = number(self.label, "epsilon", epsilon, POSITIVE)
        self.center = boolean(self.label, "center", center)
        self.scale = boolean(self.label, "scale", scale)
        self.gamma: Tensor | None = None
        self.beta: Tensor | None = None

    def shape_after(self, shape: Any) -> Any:
        if not shape:
            raise ValueError("input (N,) has no channels. It takes (N, ..., C).")
        return shape

    def create(self, shape: Any) -> None:
        zeros, ones = numpy.zeros(shape[-1], numpy.float32), numpy.ones(shape[-1], numpy.float32)
        if self.scale:
            self.gamma = self.new_weight("gamma", ones)
        if self.center:
            self.beta = self.new_weight("beta", zeros)

    def fits(self, shape: Any) -> None:
        C = self.input_shape[-1]
        if shape[-1:] != (C,):
            raise ValueError(
                f"input {written(shape)} has {shape[-1]} channels, and it was built for {C}."
            )

    def gamma_and_beta(self, x: Tensor) -> tuple[Any, Any]:
        """Its weights; ones and zeros in the place of those that it has not."""
        C = x.shape[-1]
        return (
            xp(x.data).ones(C, x.dtype) if self.gamma is None else self.gamma,
            xp(x.data).zeros(C, x.dtype) if self.beta is None else self.beta,
        )


class BatchNormalization(Normalization):
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta, for each channel.  (N, ..., C) -> same

    In training, mean and variance are those of the batch.  In inference they are moving_mean and
    moving_variance, which each training step moves by 1 - momentum towards the batch's.

    gamma, beta (C,) are trained; moving_mean, moving_variance (C,) are not.
    axis: of the channels: -1, the last.
    momentum: in [0, 1].  epsilon: positive.  center, scale: whether it has a beta, a gamma.
    A call takes leak=, as tn.batch_norm does.
    ValueError in training for fewer than two values a channel, such as a batch of one row.
    """

    differs_in_training = True
    mixes_examples = True
    moving_mean: Any = None
    moving_variance: Any = None

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        **common: Any,
    ) -> None:
        super().__init__(axis, epsilon, center, scale, **common)
        self.momentum = number(self.label, "momentum", momentum, UNIT)

    def create(self, shape: Any) -> None:
        super().create(shape)
        zeros, ones = numpy.zeros(shape[-1], numpy.float32), numpy.ones(shape[-1], numpy.float32)
        self.moving_mean = self.new_weight("moving_mean", zeros, trained=False)
        self.moving_variance = self.new_weight("moving_variance", ones, trained=False)

    def forward(self, x: Tensor, leak: float = 1.0) -> Tensor:
        return batch_norm(
            x,
            *self.gamma_and_beta(x),
            moving_mean=self.moving_mean.data,
            moving_variance=self.moving_variance.data,
            training=self._trainable and self.trains(),
            momentum=self.momentum,
            epsilon=self.epsilon,
            leak=leak,
        )

    def with_next(self, x: Any, following: Any) -> Any:
        """With a relu or leaky relu, where a loop or a kernel of the GPU computes both in one."""
        leak = leak_of(following)
        if leak is None or leak > 1 or type(self) is not BatchNormalization:
            return None
        if self.activity_regularizer is not None or current_observer.get() or type(x) is not Tensor:
            return None
        return self(x, leak=leak) if on_gpu(x.data) or loops_for(x.data) else None


class LayerNormalization(Normalization):
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta, for each row.  (N, ..., C) -> same

    Each row of C numbers, along the last axis, has its own mean and variance: training and
    inference are the same, and the size of the batch does not matter.  (In pictures a row is one
    pixel; GroupNormalization(1) normalizes whole pictures.)

    gamma, beta (C,) are trained.
    axis: -1, the last.  epsilon: positive.  center, scale: whether it has a beta, a gamma.
    """

    keeps_mask = True

    def forward(self, x: Tensor) -> Tensor:
        return layer_norm(x, *self.gamma_and_beta(x), epsilon=self.epsilon)


class GroupNormalization(Normalization):
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta, by groups of channels.

    (N, ..., C) -> same.  In each example, mean and variance are over the pixels and the C / groups
    neighboring channels of a group: training and inference are the same, and the size of the batch
    does not matter.

    gamma, beta (C,) are trained.
    groups: divides C.  1 normalizes each example as a whole, C each channel by itself.
    axis: of the channels: -1, the last.
    epsilon: positive.  center, scale: whether it has a beta, a gamma.
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 0.001,
        center: bool = True,
        scale: bool = True,
        **common: Any,
    ) -> None:
        super().__init__(axis, epsilon, center, scale, **common)
        self.groups = whole(self.label, "groups", groups)

    def shape_after(self, shape: Any) -> Any:
        super().shape_after(shape)
        check_groups(shape[-1], self.groups)
        return shape

    def forward(self, x: Tensor) -> Tensor:
        return group_norm(x, *self.gamma_and_beta(x), groups=self.groups, epsilon=self.epsilon)
