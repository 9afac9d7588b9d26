"""Peaks of memory mean what they say: what a training holds is seen, and nothing of before it."""

from __future__ import annotations

import sys

import numpy
import pytest

import tinynet as tn
from benchmarks.cpu import memory
from benchmarks.measure import process
from benchmarks.measure.process import MIB
from benchmarks.twins.in_torch import LAYOUTS
from benchmarks.twins.work import Row, Work
from tinynet.layers import Dense

LARGE = 48 * MIB

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux forgets a peak")


def making_is_large(batch):
    """A network of nothing, whose pictures were large before they were small."""
    held = numpy.ones(4 * LARGE, numpy.uint8)
    assert held.any()
    return work(8)


def training_is_large(batch):
    return work(8 if batch == 2 else LARGE // 4 // 16)


def work(examples):
    """16 numbers an example; without a gradient of the input, the step keeps no other like it."""
    network = tn.Sequential([Dense(1)], input_shape=(16,), rng=numpy.random.default_rng(0))
    x = numpy.ones((examples, 16), numpy.float32)

    def theirs(twin):
        module = twin.module(network)
        return lambda x: (module(x) ** 2).mean()

    return Work(network, (x,), lambda x: (network(x) ** 2).mean(), theirs)


def test_a_peak_that_is_past_can_be_forgotten():
    held = numpy.ones(LARGE, numpy.uint8)
    before = process.peak_memory()
    assert held.any()
    del held
    assert process.peak_memory() >= before
    process.restart_peak()
    assert process.peak_memory() < before - 0.9 * LARGE
    assert process.peak_memory() >= 0.9 * process.resident_memory()


@pytest.mark.slow
@pytest.mark.parametrize("program", ["tinynet", LAYOUTS[0]])
def test_what_the_training_holds_is_seen_and_what_making_it_held_is_not(program):
    if program != "tinynet":
        pytest.importorskip("torch")
    rows = {name: Row(3, make) for name, make in (("making", making_is_large),
                                                  ("training", training_is_large))}  # fmt: skip
    found = {
        name: memory.peaks(row, [program], 2, 1)[program]["above the import"]
        for name, row in rows.items()
    }
    more = found["training"] - found["making"]
    assert LARGE < more < 2 * LARGE  # the batch, and a number for each example here and there


def test_a_program_is_measured_in_a_process_of_its_own_and_pytorchs_is_as_its_users_have_it(
    monkeypatch,
):
    asked = []

    def process_of(*call, environment):
        asked.append((*call, environment))
        return {}

    monkeypatch.setattr(memory, "in_its_own_process", process_of)
    row = Row(3, work)
    assert memory.peaks(row, ["tinynet", LAYOUTS[0]], 2, 1) == {"tinynet": {}, LAYOUTS[0]: {}}
    assert asked == [
        (memory.peak, "tinynet", row, 2, 1, {}),
        (memory.peak, LAYOUTS[0], row, 2, 1, memory.AS_GLIBC_IS),
    ]


def kept_of_what_was_freed():
    """tinynet is imported here, with this file."""
    held = numpy.ones(LARGE, numpy.uint8)
    with_it = process.resident_memory()
    assert held.any()
    del held
    return (process.resident_memory() - with_it + LARGE) / LARGE


@pytest.mark.slow
def test_pytorchs_process_gives_freed_memory_back_as_without_tinynet(monkeypatch):
    for name in ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"):
        monkeypatch.delenv(name, raising=False)
    ours = process.in_its_own_process(kept_of_what_was_freed)
    theirs = process.in_its_own_process(kept_of_what_was_freed, environment=memory.AS_GLIBC_IS)
    if ours < 0.9:
        pytest.skip("tinynet keeps no freed memory here")
    assert theirs < 0.1


def test_the_layout_that_takes_less_counts():
    peaks = {
        "tinynet": {"in all": 2, "above the import": 3},
        "a": {"in all": 8, "above the import": 1},
        "b": {"in all": 4, "above the import": 6},
    }
    assert memory.better(peaks) == "b"
    assert memory.parts(peaks) == (0.5, 0.5)
    assert memory.better({"tinynet": peaks["tinynet"]}) is None
    assert memory.better({"a": {"in all": None, "above the import": None}}) is None


def test_our_copy_of_the_weights_is_not_counted_as_pytorchs():
    torch = pytest.importorskip("torch")
    made = work(4)
    twin = memory.Twin(torch)
    loss = made.theirs(twin)
    memory._forget(twin)
    assert [w.data.size for w in made.network.parameters()] == [0, 0]
    assert loss(twin.batch(made.batch[0])).item() > 0
