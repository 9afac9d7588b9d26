"""What the lesson dropout says of masks and of a dropped output, against closed forms."""

from __future__ import annotations

import numpy
import pytest

import tinynet as tn
from lessons import parts
from lessons.shared import fit, session
from tinynet.layers import Dropout

lesson = parts("dropout")


def test_a_number_is_dropped_or_divided_by_what_stays(rng):
    x = numpy.arange(1, 2001, dtype=numpy.float32)
    y = tn.dropout(tn.Tensor(x), 0.25, rng).numpy()
    stays = y != 0
    numpy.testing.assert_allclose(y[stays], x[stays] / 0.75, rtol=1e-6)
    assert stays.mean() == pytest.approx(0.75, abs=0.05)


def test_dropping_an_output_is_best_answered_with_a_part_of_the_truth():
    t, y = 3.0, numpy.linspace(0, 6, 601)
    for rate in (0.25, 0.5, 0.75):
        error = rate * (0 - t) ** 2 + (1 - rate) * (y / (1 - rate) - t) ** 2
        assert y[error.argmin()] == pytest.approx((1 - rate) * t, abs=0.01)


def test_units_are_removed_with_the_given_rate_but_never_outputs(rng):
    model = lesson.network(0.5, on_output=0.5)
    pictures = rng.random((4, 28, 28, 1), dtype=numpy.float32)
    model.layers[-1].rate = 0.0
    logits = lesson.in_training_mode(model, pictures, 0.0)
    numpy.testing.assert_allclose(logits, tn.predict(model, pictures), rtol=1e-5, atol=1e-6)
    lesson.in_training_mode(model, pictures, 0.75)
    assert [layer.rate for layer in model.layers if isinstance(layer, Dropout)] == [0.75, 0.75, 0]


def test_a_model_that_was_trained_on_a_gpu_answers_as_one_on_the_cpu(pretended_gpu, rng, tmp_path):
    model, pictures = lesson.network(0.5), rng.random((4, 28, 28, 1), dtype=numpy.float32)
    data = tn.data.batches(pictures, numpy.arange(4), size=2)
    optimizer = tn.optim.Adam(model.parameters())
    session.begin(session.Session("dropout", "quick", "gpu", tmp_path))
    try:
        for _ in range(2):
            fit("a short one", model, data, tn.cross_entropy, optimizer, epochs=1)
    finally:
        session.end()
    assert data.device == "gpu"
    assert lesson.in_training_mode(model, pictures, 0.5).shape == (4, 10)
