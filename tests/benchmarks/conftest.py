"""NumPy's kernels compute what is compared with PyTorch, whether Numba is installed or not."""

from __future__ import annotations

import pytest

from benchmarks.twins.steps import numpy_alone, running


@pytest.fixture(autouse=True)
def _numpy_alone():
    with running(numpy_alone()):
        yield
