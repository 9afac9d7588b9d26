"""What every test shares: the devices, and a generator that starts the same in each test."""

from __future__ import annotations

import os

os.environ["TINYNET_OFFLINE"] = "1"  # no test downloads, what it starts does not either
# Before NumPy is loaded, as lessons/__init__.py has it: small products are slow on two threads.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy
import pytest

import tinynet as tn


@pytest.fixture(params=["cpu", "gpu"])
def device(request):
    """Each test that takes it runs on the CPU and, where there is one, on the GPU."""
    if request.param == "gpu" and not tn.gpu_available():
        pytest.skip(tn.gpu_unavailable_reason())
    return request.param


@pytest.fixture
def rng():
    return numpy.random.default_rng(0)
