"""The allocator: freed memory stays, where the system's C library can be told, and nobody chose."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import types

import pytest

from tinynet.devices.cpu import allocator


@pytest.fixture
def mallopt(monkeypatch):
    """Records what glibc would be told; it accepts numbers up to `largest`."""
    said = []

    def record(parameter, value):
        said.append((parameter, value))
        return int(value <= record.largest)

    record.largest = 2**31
    library = types.SimpleNamespace(mallopt=record)
    monkeypatch.setattr(ctypes, "CDLL", lambda name: library)
    for name in ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"):
        monkeypatch.delenv(name, raising=False)
    record.said = said
    return record


def test_large_blocks_and_the_end_of_the_heap_stay(mallopt):
    assert allocator.keep_memory()
    assert mallopt.said == [(-3, 2**30), (-1, 2**31 - 1)]


def test_an_older_glibc_gets_the_largest_that_it_takes(mallopt):
    mallopt.largest = 2**29
    assert not allocator.keep_memory()  # this one refuses the end of the heap, too
    assert mallopt.said == [(-3, 2**30), (-3, 2**25), (-1, 2**31 - 1)]


@pytest.mark.parametrize("name", ["MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_"])
def test_who_has_chosen_is_left_alone(name, mallopt, monkeypatch):
    monkeypatch.setenv(name, "131072")
    assert not allocator.keep_memory()
    assert mallopt.said == []


@pytest.mark.parametrize("error", [OSError, AttributeError, TypeError])
def test_without_glibc_nothing_happens(error, mallopt, monkeypatch):
    def missing(name):
        raise error

    monkeypatch.setattr(ctypes, "CDLL", missing)
    assert not allocator.keep_memory()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads Linux' counters")
def test_an_array_is_not_paid_for_twice():
    """Page faults of a second array of 8 MiB, where the first is gone."""
    code = """
import resource, sys
import numpy
from tinynet.devices.cpu import allocator

if not allocator.keep_memory():
    sys.exit(3)
numpy.ones(2**20)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
numpy.ones(2**20)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=clean()
    )
    if result.returncode == 3:
        pytest.skip("no glibc here")
    assert int(result.stdout) < 100  # of 2,048 pages


def clean():
    return {k: v for k, v in os.environ.items() if not k.startswith("MALLOC_")}
