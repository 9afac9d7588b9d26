"""Schedules: the rate at chosen steps, by hand, and what they refuse."""

from __future__ import annotations

import dataclasses
import re

import numpy
import pytest

import tinynet as tn
from tinynet.optim.schedules import Cosine, Step, Warmup


def rates(schedule, *steps):
    return [schedule(i) for i in steps]


def test_step_falls_after_every_so_many_steps():
    found = rates(Step(0.1, every=3), 0, 1, 2, 3, 5, 6, 9)
    numpy.testing.assert_allclose(found, [0.1, 0.1, 0.1, 0.01, 0.01, 0.001, 0.0001])
    numpy.testing.assert_allclose(rates(Step(8, 1, factor=0.5), 0, 1, 2, 3), [8, 4, 2, 1])


def test_cosine_is_half_a_wave_and_stays_at_its_end():
    found = rates(Cosine(0.1, 12), 0, 4, 6, 8, 12, 13, 10**9)
    numpy.testing.assert_allclose(found, [0.1, 0.075, 0.05, 0.025, 0, 0, 0], atol=1e-15)
    found = rates(Cosine(0.3, 4, end=0.1), 0, 2, 4, 5)
    numpy.testing.assert_allclose(found, [0.3, 0.2, 0.1, 0.1])
    assert Cosine(0.1, 7, end=0.03)(7) == 0.03


def test_warmup_goes_up_a_line_to_a_number():
    numpy.testing.assert_allclose(
        rates(Warmup(4, 0.4), 0, 1, 2, 3, 4, 99), [0.1, 0.2, 0.3, *[0.4] * 3]
    )
    assert Warmup(1, 0.4)(0) == 0.4


def test_what_follows_the_warmup_counts_from_its_end():
    after = Cosine(0.4, 6)
    found = rates(Warmup(4, after), *range(12))
    numpy.testing.assert_allclose(found[:4], [0.1, 0.2, 0.3, 0.4])
    assert found[4:] == rates(after, *range(8))


def test_any_function_may_follow_the_warmup():
    assert rates(Warmup(2, lambda i: 1 / (i + 1)), 0, 1, 2, 3) == [0.5, 1, 1, 0.5]


def test_asking_changes_nothing():
    schedule = Warmup(3, Step(0.1, 2))
    first = rates(schedule, *range(9))
    assert rates(schedule, *reversed(range(9))) == first[::-1]
    with pytest.raises(dataclasses.FrozenInstanceError):
        schedule.steps = 5


def test_equal_settings_have_one_repr_whatever_number_type_they_are_of():
    exact = Warmup(numpy.int64(3), Cosine(numpy.float64(0.5), numpy.int32(10), numpy.float32(0.25)))
    assert repr(exact) == "Warmup(steps=3, then=Cosine(lr=0.5, steps=10, end=0.25))"
    assert repr(Step(1, numpy.int64(2), numpy.float64(0.5))) == "Step(lr=1.0, every=2, factor=0.5)"
    assert repr(Warmup(2, numpy.float64(0.1))) == "Warmup(steps=2, then=0.1)"
    assert exact == Warmup(3, Cosine(0.5, 10, 0.25))


def test_rates_are_pythons_floats():
    for schedule in (Step(1, 2), Cosine(1, 2), Warmup(2, 1), Warmup(2, Cosine(1, 3))):
        assert all(type(rate) is float for rate in rates(schedule, 0, 1, 2, 5, numpy.int64(3)))


def test_an_optimizer_follows_its_schedule():
    w = tn.Tensor([0.0], requires_grad=True)
    sgd = tn.optim.SGD([w], Warmup(2, Step(1, every=1, factor=0.5)))
    places = []
    for _ in range(4):
        w.grad = numpy.float32([1])
        sgd.step()
        places.append(float(w.data[0]))
    assert places == [-0.5, -1.5, -2.5, -3.0]
    assert sgd.lr == 0.25


TABLE = {
    "Step, lr": (
        lambda: Step(0, 1),
        "Step: lr must be positive and finite, received 0.",
    ),
    "Step, every": (
        lambda: Step(0.1, 0),
        "Step: every must be a whole number of at least 1, received 0.",
    ),
    "Step, half a step": (
        lambda: Step(0.1, 1.5),
        "Step: every must be a whole number of at least 1, received 1.5.",
    ),
    "Step, factor": (
        lambda: Step(0.1, 1, 1.5),
        "Step: factor must be in (0, 1], received 1.5.",
    ),
    "Cosine, lr": (
        lambda: Cosine(numpy.nan, 1),
        "Cosine: lr must be positive and finite, received nan.",
    ),
    "Cosine, steps": (
        lambda: Cosine(0.1, True),
        "Cosine: steps must be a whole number of at least 1, received True.",
    ),
    "Cosine, end": (
        lambda: Cosine(0.1, 10, 0.2),
        "Cosine: end must be in [0, lr], received 0.2.",
    ),
    "Cosine, an end below": (
        lambda: Cosine(0.1, 10, -0.1),
        "Cosine: end must be in [0, lr], received -0.1.",
    ),
    "Warmup, steps": (
        lambda: Warmup(-1, 0.1),
        "Warmup: steps must be a whole number of at least 1, received -1.",
    ),
    "Warmup, then": (
        lambda: Warmup(1, "0.1"),
        "Warmup: then must be a schedule, or positive and finite, received '0.1'.",
    ),
    "a step before the first": (
        lambda: Step(0.1, 1)(-1),
        "Step: step must be a whole number of at least 0, received -1.",
    ),
    "half a step": (
        lambda: Cosine(0.1, 1)(0.5),
        "Cosine: step must be a whole number of at least 0, received 0.5.",
    ),
    "no step": (
        lambda: Warmup(1, 0.1)(None),
        "Warmup: step must be a whole number of at least 0, received None.",
    ),
}


@pytest.mark.parametrize("name", TABLE)
def test_what_is_no_schedule_is_refused(name):
    call, message = TABLE[name]
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        call()
