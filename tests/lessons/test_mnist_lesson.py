"""The lesson mnist: its network, its two losses and its averages, against formulas and NumPy."""

from __future__ import annotations

import math

import numpy
import pytest

import tinynet as tn
from lessons import parts

LESSON = parts("mnist")


def test_the_layers_and_shapes_are_those_of_the_slide(rng):
    block = ["Conv2D", "BatchNormalization", "Activation"]
    dense = ["Flatten", "Dense", "BatchNormalization", "Activation", "Dropout", "Dense"]
    rows = LESSON.model(rng).rows()
    assert [row.kind for row in rows] == [*block, *block, "MaxPooling2D"] * 2 + dense
    shapes = [row.shape for row in rows if row.kind in ("Conv2D", "MaxPooling2D", "Dense")]
    assert shapes == [
        (26, 26, 32), (24, 24, 32), (12, 12, 32), (10, 10, 64), (8, 8, 64), (4, 4, 64),
        (512,), (10,),
    ]  # fmt: skip


def softmax(z):
    e = numpy.exp(z - z.max())
    return e / e.sum()


@pytest.mark.parametrize("lead", [-8.0, -1.0, 0.0, 2.0, 9.0])
def test_the_pulls_are_those_of_the_formulas(lead):
    z, y = numpy.zeros(10), numpy.zeros(10)
    z[0], y[0] = lead, 1
    p = softmax(z)
    d = softmax(p) - y
    dz = p * (d - (p * d).sum())
    one, two = (LESSON.pull(loss, [lead])[0] for loss in (LESSON.once, LESSON.twice))
    assert one == pytest.approx(1 - p[0], rel=1e-9)
    assert two == pytest.approx(-dz[0], rel=1e-9)


def test_no_logits_bring_two_softmaxes_below_the_bound(rng):
    z = rng.standard_normal((2000, 10)) * 10.0 ** rng.uniform(-1, 3, (2000, 1))
    losses = [LESSON.twice(tn.Tensor(row[None]), [row.argmax()]).item() for row in z]
    assert min(losses) == pytest.approx(math.log(1 + 9 / math.e), abs=1e-9)


def test_a_settled_network_has_the_averages_of_the_pictures(rng):
    pictures = rng.random((20, 28, 28, 1), dtype=numpy.float32)
    trained = LESSON.model(rng)
    settled = LESSON.settled(trained.state_dict(), pictures)
    maps = trained[0](tn.Tensor(pictures)).numpy()  # of the first convolution
    state = settled.state_dict()
    mean, variance = (state[f"batch_normalization.moving_{n}"] for n in ("mean", "variance"))
    numpy.testing.assert_allclose(mean, maps.mean(axis=(0, 1, 2)), atol=1e-5)
    numpy.testing.assert_allclose(variance, maps.var(axis=(0, 1, 2)), rtol=2e-3)
    for name, weight in trained.state_dict().items():
        if "moving" not in name:
            numpy.testing.assert_array_equal(weight, state[name])


def test_only_the_mistake_itself_warns(rng):
    z = tn.Tensor(rng.standard_normal((4, 10)))
    LESSON.twice(z, [0, 1, 2, 3])  # a warning here would be an error
    with pytest.warns(tn.MistakeWarning):
        tn.cross_entropy(tn.softmax(z), [0, 1, 2, 3])
