"""Metrics of numbers that should be close to others: pictures, or predicted quantities."""

from __future__ import annotations

import math
from typing import Any

import numpy

from .checks import as_equals, of_all


@of_all
def psnr(pictures: Any, truth: Any) -> float:
    """10 log10(1 / mean squared error), in decibels, of values in [0, 1].  (...), (...) -> float

    The peak signal-to-noise ratio: an error of a tenth of the range is 20 dB, of a hundredth 40 dB,
    no error infinity.  The mean goes over all values of a batch, so the result is not the mean of
    the pictures' own ratios.

    pictures, truth: of equal shape.  ValueError for other shapes, values outside [0, 1], NaN, or
    an empty batch.
    """
    found, right = as_equals("psnr", ("pictures", "truth"), (pictures, truth))
    for name, x in (("pictures", found), ("truth", right)):
        if not ((x >= 0) & (x <= 1)).all():
            raise ValueError(
                f"psnr: {name} must be in [0, 1], and lie in [{x.min():g}, {x.max():g}]. Divide "
                "bytes by 255, give tn.sigmoid of logits, or clip with tn.clip(x, 0, 1)."
            )
    error = float(numpy.square(found - right).mean())
    return -10 * math.log10(error) + 0.0 if error else math.inf  # 0, not -0


@of_all
def r2(prediction: Any, target: Any) -> float:
    """1 - sum (target - prediction)^2 / sum (target - its mean)^2.  (N, ...), (N, ...) -> float

    The share of the variation that is explained: 1 for the right numbers, 0 for always the mean,
    below 0 for worse than the mean.  With several numbers for each example, each has its own mean,
    and the sums go over all of them.

    prediction, target: of equal shape.  ValueError for other shapes, equal targets (they have no
    variation to explain), NaN, infinity, or an empty batch.
    """
    found, right = as_equals("r2", ("prediction", "target"), (prediction, target))
    for name, x in (("prediction", found), ("target", right)):
        if not numpy.isfinite(x).all():
            raise ValueError(
                f"r2: {name} holds infinity. Find out where it comes from with tn.doctor()."
            )
    variation = float(numpy.square(right - right.mean(axis=0)).sum()) if right.ndim else 0.0
    if not variation or (right == right[:1]).all():  # a rounded mean leaves a small rest
        raise ValueError(
            "r2: target is the same in all examples, so there is no variation to explain. Give "
            "more examples, or use the mean squared error."
        )
    return 1 - float(numpy.square(right - found).sum()) / variation
