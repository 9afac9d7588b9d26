"""Batch normalization.

Source: Ioffe and Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing
Internal Covariate Shift", 2015; momentum and epsilon as Keras defines them.
"""

from __future__ import annotations

import numpy

from ..devices import Array, kernels, xp
from ..engine.tensor import differentiable
from ..messages.arguments import POSITIVE, UNIT, boolean, number


@differentiable
def batch_norm(
    x,
    gamma,
    beta,
    moving_mean: Array | None = None,
    moving_variance: Array | None = None,
    training: bool = False,
    momentum: float = 0.99,
    epsilon: float = 0.001,
):
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta, for each channel.

    x (..., C), gamma, beta, moving_mean, moving_variance (C,) -> (..., C)

    training: True takes mean and variance (with 1 / n) over all axes of x but the last, and then
        moves the moving statistics, if they are given, in place:
        moving = momentum * moving + (1 - momentum) * batch.  A batch with NaN moves nothing.
        False takes the moving statistics and changes nothing.

    ValueError for shapes that do not fit, fewer than two values a channel in training, or missing
    moving statistics in inference.
    """
    if getattr(x, "ndim", 0) < 2:
        raise ValueError(f"x has shape {getattr(x, 'shape', ())}, and must be (..., C), a batch.")
    C = x.shape[-1]
    shapes = {"gamma": gamma, "beta": beta}
    shapes |= {"moving_mean": moving_mean, "moving_variance": moving_variance}
    for name, value in shapes.items():
        if value is not None and getattr(value, "shape", ()) != (C,):
            raise ValueError(
                f"x {x.shape} has {C} channels, and {name} has shape "
                f"{getattr(value, 'shape', ())}. It must be ({C},), one number for each channel."
            )
        if value is not None and value.dtype != x.dtype:
            raise TypeError(
                f"x is {x.dtype} and {name} is {value.dtype}. Convert the array, "
                f'array.astype("{x.dtype}").'
            )
    training = boolean("", "training", training)
    momentum = number("", "momentum", momentum, UNIT)
    epsilon = number("", "epsilon", epsilon, POSITIVE)
    if moving_variance is not None and not (moving_variance >= 0).all():
        raise ValueError("moving_variance must be at least 0, and holds a smaller number or NaN.")

    device, rows = kernels(x), x.reshape(-1, C)
    n = len(rows)  # values a channel
    if training:
        if n < 2:
            raise ValueError(
                f"x {x.shape} has {n} value(s) a channel, and a variance needs at least 2. "
                "Give a larger batch (of data.batches, drop_last=True), or training=False."
            )
        mean, variance = device.moments(_wide(rows))
        if xp(x).isfinite(variance).all():  # a NaN would stay in the moving statistics for good
            if moving_mean is not None:
                moving_mean += (1 - momentum) * (mean - moving_mean)
            if moving_variance is not None:
                moving_variance += (1 - momentum) * (variance - moving_variance)
    elif moving_mean is None or moving_variance is None:
        raise ValueError(
            "inference needs moving_mean and moving_variance. Give them, or training=True."
        )
    else:
        mean, variance = moving_mean.copy(), moving_variance  # it may move before backward()

    # y = gamma * normal + beta, where normal = (x - mean) * scale.  No array holds normal: the
    # pullbacks compute it again from x, piece by piece.
    scale = 1 / xp(x).sqrt(variance + epsilon)  # (C,)
    slope = gamma * scale
    y = device.scale_and_shift(x, mean, slope, beta).astype(x.dtype, copy=False)
    computed: list[tuple[Array, Array]] = []

    def sums(dy):
        """dgamma and dbeta: for each channel the sums of dy * normal and of dy.  Computed once."""
        if not computed:
            products, dbeta = device.products_and_sums(_wide(dy.reshape(-1, C)), _wide(rows), mean)
            computed.append((products * scale, dbeta))
        return computed[0]

    def in_dtype(a):
        return a.astype(x.dtype, copy=False)

    def dx(dy):
        if not training:
            return in_dtype(dy * slope)
        # mean and variance depend on x too, so shifting or stretching a channel changes nothing:
        # dx = slope * (dy - mean(dy) - normal * mean(dy * normal))
        dgamma, dbeta = sums(dy)
        steepness, shift = -slope * scale * dgamma / n, -slope * dbeta / n
        return in_dtype(device.combine(dy, slope, x, mean, steepness, shift))

    return y, (dx, lambda dy: in_dtype(sums(dy)[0]), lambda dy: in_dtype(sums(dy)[1]))


def _wide(x: Array) -> Array:
    """float16 as float32: sums over a batch leave its range, which ends at 65,504."""
    return x.astype(numpy.float32) if x.dtype == numpy.float16 else x
