"""The lesson loss: its formulas against loops."""

import math

import numpy as np
import pytest

import tinynet as tn
from lessons import parts

LOSS = parts("loss")


@pytest.mark.parametrize("labels", [[1, 0, 1], [0, 0, 1], [0, 1, 0], [1, 1, 1]])
def test_cross_entropy_is_minus_the_logarithm_of_what_happened(labels):
    happened = [f if y else 1 - f for f, y in zip(LOSS.F, labels, strict=True)]
    losses = LOSS.cross_entropy(tn.Tensor(LOSS.F), tn.Tensor(labels)).numpy()
    assert losses == pytest.approx([-math.log(p) for p in happened], rel=1e-6)
    ours = tn.bce(tn.Tensor(LOSS.F), tn.Tensor(labels)).item()
    assert losses.mean() == pytest.approx(ours, rel=1e-6)


@pytest.mark.parametrize("y", [0.0, 1.0])
def test_slopes_are_those_of_the_text(y):
    f = np.linspace(0.01, 0.99, 50)
    z = tn.Tensor(np.log(f / (1 - f)), requires_grad=True)
    labels = tn.Tensor(np.full(50, y))
    slopes = {"BCE": f - y, "squared error": 2 * (f - y) * f * (1 - f)}
    for name, loss in LOSS.LOSSES.items():
        z.grad = None
        (50 * loss(z, labels)).backward()
        assert z.grad == pytest.approx(slopes[name], abs=1e-10)


def test_students_pass_as_the_rule_says():
    x, passed = LOSS.students(20_000, np.random.default_rng(0))
    p = 1 / (1 + np.exp(-(x[:, 0] + x[:, 1] / 2 - 5)))
    assert x.min() >= 0 and (x.max(axis=0) <= [6, 10]).all()
    for low in np.arange(0, 1, 0.2):
        some = (p >= low) & (p < low + 0.2)
        assert passed[some].mean() == pytest.approx(p[some].mean(), abs=0.03)
