"""What every test shares: the devices, and a generator that starts the same in each test."""

from __future__ import annotations

import contextlib
import os
import sys

os.environ["TINYNET_OFFLINE"] = "1"  # no test downloads, what it starts does not either
# Before NumPy is loaded, as lessons/__init__.py has it: small products are slow on two threads.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
if "PYTEST_XDIST_WORKER" in os.environ:  # each processor has a process of tests already
    os.environ.setdefault("TINYNET_THREADS", "1")

import numpy
import pytest

import tinynet as tn
from tinynet.devices import checks, cpu, form, gpu
from tinynet.devices.cpu import (
    convolution,
    matrix,
    noise,
    normalization,
    pieces,
    pooling,
    workspace,
)

from .strict_cupy import StrictCupy, raw_kernel


def pytest_addoption(parser):
    parser.addoption(
        "--own-size",
        action="store_true",
        help="train the lessons as long as `python -m lessons run` does, not for seconds",
    )


def pytest_itemcollected(item):
    """Leave tests of a form of the kernels out where another one computes."""
    if os.environ.get("TINYNET_PLAIN") == "1" and item.get_closest_marker("fast_form"):
        item.add_marker(pytest.mark.skip(reason="TINYNET_PLAIN=1 turns the fast form off"))
    if form.chosen is not cpu and item.get_closest_marker("numpy_form"):
        item.add_marker(pytest.mark.skip(reason="another form than NumPy's computes"))


@pytest.fixture
def install_cupy(monkeypatch):
    """Puts a module in CuPy's place; None: it is not installed."""

    def install(module):
        gpu.gpu_unavailable_reason.cache_clear()  # the answer is kept for the whole process
        monkeypatch.setitem(sys.modules, "cupy", module)
        return module

    gpu.gpu_unavailable_reason.cache_clear()
    yield install
    checks.forget()  # those of the pretended GPU
    gpu.gpu_unavailable_reason.cache_clear()


@pytest.fixture
def pretended_gpu(install_cupy):
    """A GPU that is none: a strict CuPy which computes with NumPy (tests/strict_cupy)."""
    if raw_kernel.compiler() is None:
        pytest.skip(raw_kernel.NO_COMPILER)
    return install_cupy(StrictCupy())


@pytest.fixture(params=["cpu", "gpu"])
def device(request):
    """Each test that takes it runs on the CPU and on the GPU; without one, on a pretended one."""
    if request.param == "gpu" and not tn.gpu_available():
        request.getfixturevalue("pretended_gpu")
    return request.param


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture
def rng():
    return numpy.random.default_rng(0)


@pytest.fixture
def exact_buffers(monkeypatch):
    """Convolutions compute in exactly as many bytes as they ask for, and not in larger old ones."""
    exact = lambda size: contextlib.nullcontext(numpy.empty(size, numpy.uint8))
    monkeypatch.setattr(convolution, "borrowed", exact)


@pytest.fixture
def small_parts(monkeypatch):
    """Small arrays are cut into as many parts as large ones, and threads share them."""
    monkeypatch.setattr(workspace, "LEAST_WORK", 1000)
    monkeypatch.setattr(workspace, "TILE", 4000)
    monkeypatch.setattr(matrix, "BLOCK", 300)
    monkeypatch.setattr(matrix, "ONE_THREAD", 100)
    for module in (matrix, normalization, pieces, pooling):
        monkeypatch.setattr(module, "PIECE", 256)
    for module in (matrix, pieces):
        monkeypatch.setattr(module, "SHARED", 512)
    monkeypatch.setattr(noise, "WORDS", 16)
    pieces._zeros_of.cache_clear()  # PIECE of them
    tn.set_threads(3)
    yield
    tn.set_threads(None)
    pieces._zeros_of.cache_clear()
