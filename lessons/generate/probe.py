"""A linear probe: what can be read from codes by a weighted sum, on examples that it has not seen.

A large score says that the code tells the attribute, along one direction.  A small one says only
that no straight line reads it.  The probe is fitted by least squares, in closed form, so that it
has no training of its own that could fail.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

import tinynet as tn

FEWEST = 10  # examples: five to fit and five to judge


class Probe(NamedTuple):
    """score: of the held-out half.  blind: what the best answer without looking gets there."""

    kind: str  # "R2" or "accuracy"
    score: float
    blind: float
    weights: np.ndarray  # (D,), or (D, K) for K classes
    bias: np.ndarray  # (), or (K,)


def linear_probe(codes, attribute, ridge=0.002):
    """Fit a linear map to the first half of the examples, and judge it by the second.

    codes: (N, D).  attribute: (N,), numbers, judged by R2; or integers, classes judged by accuracy,
    each of which must be in the first half.  ridge: at least 0, how dear large weights are.

    ValueError for fewer than 10 examples, numbers that are all the same, or a class without
    examples.
    """
    codes, attribute = np.asarray(codes, np.float64), np.asarray(attribute)
    _check(codes, attribute, ridge)
    half = len(codes) // 2
    if attribute.dtype.kind in "iub":
        classes = np.unique(attribute)
        missing = np.setdiff1d(classes, attribute[:half])
        if len(missing):
            raise ValueError(
                f"linear_probe: class {missing[0]} has no example in the first half, which the "
                "probe is fitted to. Shuffle the examples, or take more."
            )
        target = (attribute[:, None] == classes).astype(np.float64)  # (N, K), one-hot
        weights, bias = _fit(codes[:half], target[:half], ridge)
        said = classes[(codes[half:] @ weights + bias).argmax(axis=1)]
        common = classes[target[:half].sum(axis=0).argmax()]
        score, blind = (float((a == attribute[half:]).mean()) for a in (said, common))
        return Probe("accuracy", score, blind, weights, bias)
    target = attribute.astype(np.float64)
    weights, bias = _fit(codes[:half], target[:half], ridge)
    return Probe("R2", tn.metrics.r2(codes[half:] @ weights + bias, target[half:]), 0.0, weights,
                 bias)  # fmt: skip


# The weights make small   mean (target - codes w - b)^2 + ridge |w|^2,   so with centered codes C
#    (C^T C / N + ridge I) w = C^T target / N
# Without the ridge, codes that hardly vary would get huge weights, and carry nothing but noise.
def _fit(codes, target, ridge):
    """(N, D), (N,) or (N, K) -> weights (D,) or (D, K), bias () or (K,)"""
    middle, mean = codes.mean(axis=0), target.mean(axis=0)
    centered = codes - middle
    square = centered.T @ centered / len(codes) + ridge * np.eye(codes.shape[1])
    weights = np.linalg.lstsq(square, centered.T @ (target - mean) / len(codes), rcond=None)[0]
    return weights, mean - middle @ weights


def mean_difference(codes, attribute, threshold=0.0):
    """The mean code of all above the threshold, minus that of all others.  (N, D), (N,) -> (D,)

    ValueError where there are none of one kind.
    """
    codes, above = np.asarray(codes), np.asarray(attribute) > threshold
    for of_kind, word in ((above, "above"), (~above, "at or below")):
        if not of_kind.any():
            raise ValueError(
                f"mean_difference: no example is {word} the threshold {threshold:g}. Choose "
                "another, or take more examples."
            )
    return codes[above].mean(axis=0) - codes[~above].mean(axis=0)


def _check(codes, attribute, ridge):
    where = "linear_probe"
    if codes.ndim != 2 or attribute.shape != codes.shape[:1]:
        raise ValueError(
            f"{where}: codes must be (N, D) and the attribute (N,), received {codes.shape} and "
            f"{attribute.shape}."
        )
    if len(codes) < FEWEST:
        raise ValueError(
            f"{where}: N must be at least {FEWEST}, half to fit and half to judge; received "
            f"{len(codes)}."
        )
    if not (np.isfinite(codes).all() and np.isfinite(attribute).all()):
        raise ValueError(f"{where}: a number is not finite. Look at the training of the encoder.")
    for part, name in ((slice(len(codes) // 2), "first"), (slice(len(codes) // 2, None), "second")):
        if attribute.dtype.kind == "f" and np.ptp(attribute[part]) == 0:
            raise ValueError(
                f"{where}: the attribute is {attribute[part][0]:g} in every example of the {name} "
                "half, so there is nothing to read. Take examples in which it varies."
            )
    if attribute.dtype.kind in "iub" and len(np.unique(attribute)) < 2:
        raise ValueError(
            f"{where}: every example is of class {attribute[0]}, so there is nothing to tell "
            "apart. Take examples of several classes."
        )
    if isinstance(ridge, bool) or not isinstance(ridge, int | float) or not ridge >= 0:
        raise ValueError(f"{where}: ridge must be a number of at least 0, received {ridge!r}.")
