"""Normalization: of each channel over a batch, or of each example alone.

Sources: Ioffe and Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing
Internal Covariate Shift", 2015; Ba et al., "Layer Normalization", 2016; Wu and He, "Group
Normalization", 2018.  Momentum and epsilon are as Keras defines them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy

from ..devices import Array, check, kernels, xp
from ..engine.tensor import differentiable
from ..messages.arguments import POSITIVE, UNIT, boolean, number, whole


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
    leak: float = 1.0,
):
    """z = gamma * (x - mean) / sqrt(variance + epsilon) + beta, for each channel.

    x (..., C), gamma, beta, moving_mean, moving_variance (C,) -> (..., C)

    training: True takes mean and variance (with 1 / n) over all axes of x but the last, and then
        moves the moving statistics, if they are given, in place:
        moving = momentum * moving + (1 - momentum) * batch.  A batch with NaN moves nothing.
        False takes the moving statistics and changes nothing.
    leak: in [0, 1]; 1 returns z.  Another one computes the leaky relu of z with that slope in the
        same pass; 0 is relu.

    ValueError for shapes that do not fit, fewer than two values a channel in training, or missing
    moving statistics in inference.
    """
    C = _channels(
        x, gamma=gamma, beta=beta, moving_mean=moving_mean, moving_variance=moving_variance
    )
    training = boolean("", "training", training)
    momentum = number("", "momentum", momentum, UNIT)
    epsilon = number("", "epsilon", epsilon, POSITIVE)
    leak = number("", "leak", leak, UNIT)
    device, rows = kernels(x), x.reshape(-1, C)
    n = len(rows)  # values a channel
    if training:
        if n < 2:
            raise ValueError(
                f"x {x.shape} has {n} value(s) a channel, and a variance needs at least 2. "
                "Give a larger batch (of data.batches, drop_last=True), or training=False."
            )
        mean, variance = device.moments(_wide(rows))
        device.move_statistics(moving_mean, moving_variance, mean, variance, 1 - momentum)
    elif moving_mean is None or moving_variance is None:
        raise ValueError(
            "inference needs moving_mean and moving_variance. Give them, or training=True."
        )
    else:
        fine = device.inside(moving_variance, 0, math.inf)
        text = "moving_variance must be at least 0, and holds a smaller number or NaN."
        check("batch_norm", fine, lambda facts: ValueError(text))
        mean, variance = moving_mean.copy(), moving_variance  # it may move before backward()

    # z = gamma * normal + beta, where normal = (x - mean) * scale.  No array holds normal: the
    # pullbacks compute it again from x, piece by piece.  They know dz = dy * (1 or leak) by y > 0.
    scale, slope = device.scales(variance, gamma, epsilon)  # (C,): 1 / deviation, gamma * that
    y = device.scale_and_shift(x, mean, slope, beta, leak).astype(x.dtype, copy=False)
    after = None if leak == 1 else y  # only what is needed is kept
    computed: list[tuple[Array, ...]] = []

    def sums(dy):
        """dgamma and dbeta: for each channel the sums of dz * normal and of dz.  Computed once.

        And, of dx, the factor of x - mean and the last summand.
        """
        if not computed:
            arrays = [None if a is None else _wide(a.reshape(-1, C)) for a in (dy, x, after)]
            dy_rows, x_rows, y_rows = arrays
            products, dbeta = device.products_and_sums(dy_rows, x_rows, mean, y_rows, leak)
            found = device.slopes(products, dbeta, scale, slope, n or 1)  # 0 in inference only
            dgamma, steepness, shift = found
            computed.append((dgamma, dbeta, steepness, shift))
        return computed[0]

    def in_dtype(a):
        return a.astype(x.dtype, copy=False)

    def dx(dy):
        if not training:
            dz = dy if after is None else device.leaky_relu_back(dy, after, leak)
            return in_dtype(dz * slope)
        # mean and variance depend on x too, so shifting or stretching a channel changes nothing:
        # dx = slope * (dz - mean(dz) - normal * mean(dz * normal))
        _, _, steepness, shift = sums(dy)
        return in_dtype(device.combine(dy, slope, x, mean, steepness, shift, after, leak))

    return y, (dx, lambda dy: in_dtype(sums(dy)[0]), lambda dy: in_dtype(sums(dy)[1]))


@differentiable
def layer_norm(x, gamma, beta, epsilon: float = 0.001):
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta, for each row of the last axis.

    x (..., C), gamma, beta (C,) -> (..., C).  The variance has 1 / C.
    ValueError for shapes that do not fit.
    """
    C = _channels(x, gamma=gamma, beta=beta)
    return _each_alone(x, gamma, beta, (math.prod(x.shape[:-1]), 1, C), 1, epsilon)


@differentiable
def group_norm(x, gamma, beta, groups: int = 32, epsilon: float = 0.001):
    """gamma * (x - mean) / sqrt(variance + epsilon) + beta, for each example and group of channels.

    x (N, ..., C), gamma, beta (C,) -> (N, ..., C).  Mean and variance (with 1 / n) are over the
    pixels and the C / groups neighboring channels of a group.

    groups: 1 normalizes each example as a whole, C each channel by itself.
    ValueError for shapes that do not fit, or groups that do not divide C.
    """
    C = _channels(x, gamma=gamma, beta=beta)
    groups = whole("", "groups", groups)
    check_groups(C, groups)
    shape = (len(x), math.prod(x.shape[1:-1]), C)
    return _each_alone(x, gamma, beta, shape, groups, epsilon)


def check_groups(C: int, groups: int) -> None:
    """ValueError where C channels do not make groups of one size."""
    if C % groups:
        fitting = max(d for d in range(1, min(C, groups) + 1) if C % d == 0)
        raise ValueError(
            f"{C} channels do not make {groups} equal groups. Give groups={fitting}, or another "
            f"number that divides {C}."
        )


def _each_alone(
    x: Array, gamma: Array, beta: Array, shape: tuple[int, int, int], G: int, epsilon: float
) -> Any:
    """y and the pullbacks, for x as (N, M, C), with a mean for each of N and each of G groups."""
    epsilon = number("", "epsilon", epsilon, POSITIVE)
    N, M, C = shape
    full, dtype = x.shape, x.dtype

    def mean(a):  # (N, M, C) -> (N, 1, C), the same in a group; of one group (N, 1, 1)
        channels = a.mean(axis=1) if M > 1 else a.reshape(N, C)
        groups = channels.reshape(N, G, C // G).mean(axis=2)
        return (xp(a).repeat(groups, C // G, axis=1) if G > 1 else groups)[:, None]

    def back(a):
        return a.reshape(full).astype(dtype, copy=False)

    normal = _wide(x).reshape(shape)
    normal = normal - mean(normal)
    scale = 1 / xp(x).sqrt(mean(normal * normal) + epsilon)
    normal *= scale
    y = normal * gamma
    y += beta

    def dx(dy):  # mean and variance depend on x too, as in batch_norm
        d = _wide(dy).reshape(shape) * gamma  # the gradient of normal
        along = mean(d * normal)
        d -= mean(d)
        d -= normal * along
        d *= scale
        return back(d)

    def total(a):
        return kernels(a).column_sums(a.reshape(N * M, C)).astype(dtype, copy=False)

    return back(y), (dx, lambda dy: total(_wide(dy).reshape(shape) * normal), total)


def _channels(x: Array, **vectors: Array | None) -> int:
    """C of x (..., C).  ValueError or TypeError where a vector has not one number for each."""
    if getattr(x, "ndim", 0) < 2:
        raise ValueError(f"x has shape {getattr(x, 'shape', ())}, and must be (..., C), a batch.")
    C = x.shape[-1]
    for name, value in vectors.items():
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
    return C


def _wide(x: Array) -> Array:
    """float16 as float32: sums over a batch leave its range, which ends at 65,504."""
    return x.astype(numpy.float32) if x.dtype == numpy.float16 else x
