"""The lesson activations: its formulas, and its gradients against the chain rule by hand."""

from __future__ import annotations

import numpy
import pytest

from lessons import parts

lesson = parts("activations")


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu"])
def test_the_functions_are_numpys_own(name):
    z = numpy.linspace(-5, 5, 21)
    known = {
        "sigmoid": numpy.exp(z) / (numpy.exp(z) + 1),
        "tanh": numpy.tanh(z),
        "relu": numpy.where(z > 0, z, 0),
    }
    numpy.testing.assert_allclose(getattr(lesson, name)(z), known[name], atol=1e-12)


def test_a_slope_is_measured_from_both_sides():
    assert lesson.measured_slope(numpy.square, 3.0) == pytest.approx(6)
    assert lesson.measured_slope(lesson.relu, 0.0) == pytest.approx(0.5)


def test_gradient_sizes_are_those_of_the_chain_rule_by_hand():
    x, yes = lesson.moons(40, numpy.random.default_rng(3))
    model = lesson.network("sigmoid", layers=3, seed=5)
    kernels = [layer.kernel.numpy().astype(float) for layer in model.layers]
    hs = [x.astype(float)]
    for kernel in kernels[:-1]:  # every bias is still 0
        hs.append(lesson.sigmoid(hs[-1] @ kernel))
    dz = (lesson.sigmoid(hs[-1] @ kernels[-1]) - yes) / len(x)  # of the mean cross-entropy
    expected = []
    for i in reversed(range(3)):
        dz = (dz @ kernels[i + 1].T) * hs[i + 1] * (1 - hs[i + 1])
        expected.insert(0, numpy.linalg.norm(hs[i].T @ dz))
    numpy.testing.assert_allclose(lesson.gradient_sizes(model, x, yes), expected, rtol=1e-4)


@pytest.mark.parametrize("seed", [1, 2, 3])  # seed 0 is among the claims
def test_the_gradient_vanishes_through_sigmoids_only(seed):
    x, yes = lesson.moons(200, numpy.random.default_rng(seed))
    for name in ("sigmoid", "tanh", "ReLU"):
        sizes = lesson.gradient_sizes(lesson.network(name, 10, seed), x, yes)
        assert (sizes[0] / sizes[-1] < 1e-3) == (name == "sigmoid")
