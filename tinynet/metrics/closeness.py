"""Metrics of numbers that should be near others: pictures, or what a network measures."""

from __future__ import annotations

import math
from typing import Any

import numpy

from .checks import as_equals


def psnr(pictures: Any, truth: Any) -> float:
    """10 log10(1 / mean squared error), in decibels, of values in [0, 1].  (...), (...) -> float

    The peak signal-to-noise ratio: 20 dB are a tenth of the range off, 40 dB a hundredth; equal
    pictures have infinitely many.  It is of one mean over all values, so of a batch not the mean
    of what its pictures have each.

    pictures, truth: of equal shape.  ValueError for other shapes, values outside [0, 1], NaN, or
    an empty batch.
    """
    found, right = as_equals("psnr", ("pictures", "truth"), (pictures, truth))
    for name, x in (("pictures", found), ("truth", right)):
        if not ((x >= 0) & (x <= 1)).all():
            raise ValueError(
                f"psnr: {name} must be in [0, 1], and lie in [{x.min():g}, {x.max():g}]. Divide "
                "bytes by 255, give tn.sigmoid of logits, or cut off what lies outside."
            )
    error = float(numpy.square(found - right).mean())
    return -10 * math.log10(error) + 0.0 if error else math.inf  # 0, not -0


def r2(prediction: Any, target: Any) -> float:
    """1 - sum (target - prediction)^2 / sum (target - its mean)^2.  (N, ...), (N, ...) -> float

    The share of the variation that is explained: 1 for the right numbers, 0 for always saying the
    mean, below 0 for worse than that.  With several numbers for each example, each has its own
    mean, and the sums go over all of them.

    prediction, target: of equal shape.  ValueError for other shapes, targets all the same (there
    is nothing to explain), NaN, infinity, or an empty batch.
    """
    found, right = as_equals("r2", ("prediction", "target"), (prediction, target))
    for name, x in (("prediction", found), ("target", right)):
        if not numpy.isfinite(x).all():
            raise ValueError(
                f"r2: {name} holds infinity. Find out where it comes from with tn.doctor()."
            )
    spread = float(numpy.square(right - right.mean(axis=0)).sum()) if right.ndim else 0.0
    if not spread or (right == right[:1]).all():  # a mean that is rounded leaves a little
        raise ValueError(
            "r2: target is the same in all examples, so there is no variation to explain. Give "
            "more examples, or use the mean squared error."
        )
    return 1 - float(numpy.square(right - found).sum()) / spread
