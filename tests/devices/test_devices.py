"""The device seam: what is said where there is no GPU, and that both devices compute alike.

`FakeCupy` stands in for CuPy on machines without a GPU: it computes with NumPy, and refuses, as
CuPy does, to mix its arrays with NumPy's.  What it cannot show is whether the real one agrees; the
tests that take the `device` fixture do, where there is a GPU.
"""

from __future__ import annotations

import builtins
import importlib.metadata
import re
import sys
import types
from typing import Any

import numpy
import pytest

import tinynet as tn
from tinynet.devices import device_of, gpu, is_array, move, xp


class FakeGPUArray(numpy.ndarray):
    """An array that tinynet takes for CuPy's, by its type's module, and NumPy for its own."""

    __module__ = "cupy"

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **settings):
        if out is not None:
            settings["out"] = tuple(on_host(x) for x in out)
        result = getattr(ufunc, method)(*(on_host(x) for x in inputs), **settings)
        return result if result is None else out[0] if out is not None else on_gpu(result)

    def __array_function__(self, function, types, args, settings):
        raise TypeError(f"numpy.{function.__name__} was given an array of the GPU.")


class SealedGPUArray:
    """Values on a GPU that NumPy cannot look into, as it cannot into CuPy's: asnumpy alone can."""

    __module__ = "cupy"

    def __init__(self, values: numpy.ndarray) -> None:
        self.values, self.shape, self.dtype = values, values.shape, values.dtype

    def __array__(self, *_, **__):
        raise TypeError("Implicit conversion to a NumPy array is not allowed.")


def on_host(x: Any) -> Any:
    """What is inside a fake array.  TypeError for an array of NumPy's, as CuPy has it."""
    if isinstance(x, FakeGPUArray):
        return x.view(numpy.ndarray)
    if isinstance(x, numpy.ndarray):
        raise TypeError("Unsupported type <class 'numpy.ndarray'>")
    return [on_host(part) for part in x] if isinstance(x, list | tuple) else x


def on_gpu(x: Any) -> Any:
    if isinstance(x, numpy.ndarray | numpy.generic):
        return numpy.asarray(x).view(FakeGPUArray)
    return type(x)(on_gpu(part) for part in x) if isinstance(x, list | tuple) else x


def taken_over(function: Any) -> Any:
    """A function of NumPy's as CuPy would have it: its own arrays in, its own arrays out."""

    def of_cupy(*args, **settings):
        host = {name: on_host(value) for name, value in settings.items()}
        return on_gpu(function(*(on_host(x) for x in args), **host))

    return of_cupy


class FakeCupy(types.ModuleType):
    """As much of CuPy as tinynet uses, on a machine where all is well unless told otherwise."""

    def __init__(self, version: str = "14.2.0", count: Any = 1, driver: int = 13000) -> None:
        super().__init__("cupy")
        self.__version__ = version
        self.launches = 0
        self.cuda = types.SimpleNamespace(
            runtime=types.SimpleNamespace(
                getDeviceCount=lambda: answer(count),
                driverGetVersion=lambda: driver,
                runtimeGetVersion=lambda: 13010,
            )
        )
        views = types.SimpleNamespace(
            sliding_window_view=taken_over(numpy.lib.stride_tricks.sliding_window_view)
        )
        self.lib = types.SimpleNamespace(stride_tricks=views)
        self.add = taken_over(numpy.add)
        self.add.at = taken_over(numpy.add.at)

    def __getattr__(self, name: str) -> Any:
        of_numpy = getattr(numpy, name)
        return of_numpy if isinstance(of_numpy, type) else taken_over(of_numpy)

    def asarray(self, x, dtype=None):
        return x if isinstance(x, FakeGPUArray) else on_gpu(numpy.array(x, dtype))

    def asnumpy(self, x):
        return numpy.array(x.values if isinstance(x, SealedGPUArray) else on_host(x))

    def RawKernel(self, code, name):
        def launch(grid, block, args):
            self.launches += 1
            args[0][:] = 2 * args[0]

        return launch


class CUDARuntimeError(RuntimeError):
    """As CuPy names what CUDA says."""


class DynamicLibNotFoundError(RuntimeError):
    """As CuPy names a library that it did not find; it is no ImportError."""


def answer(value: Any) -> Any:
    if isinstance(value, Exception):
        raise value
    return value


@pytest.fixture(autouse=True)
def asked_anew():
    """The answer about the GPU is kept for the whole process: forget it before and after."""
    gpu.gpu_unavailable_reason.cache_clear()
    yield
    gpu.gpu_unavailable_reason.cache_clear()


@pytest.fixture
def install(monkeypatch):
    """Puts a module in CuPy's place (None: CuPy is not installed)."""

    def put(module):
        monkeypatch.setitem(sys.modules, "cupy", module)
        return module

    return put


def reason() -> str:
    """The reason, after seeing that all three ways to ask give it."""
    why = tn.gpu_unavailable_reason()
    assert isinstance(why, str)
    assert not tn.gpu_available()
    with pytest.raises(tn.GPUNotAvailableError) as caught:
        tn.Tensor([1.0, 2.0]).to("gpu")
    assert str(caught.value) == f'to("gpu"): {why}'
    return why


INSTALL = (
    "Install the one of the CUDA version that nvidia-smi shows: "
    'pip install "cupy-cuda12x[ctk]" or pip install "cupy-cuda13x[ctk]".'
)


# -- what is missing, and how to mend it -----------------------------------------------------------


def test_asking_here_never_raises():
    assert tn.gpu_available() is (tn.gpu_unavailable_reason() is None)


def test_without_cupy_the_reason_names_what_to_install(install):
    install(None)
    assert reason() == f"CuPy is not installed. {INSTALL}"


def broken_import(monkeypatch, error: Exception) -> None:
    original = builtins.__import__

    def failing(name, *args, **settings):
        if name == "cupy":
            raise error
        return original(name, *args, **settings)

    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    monkeypatch.setattr(builtins, "__import__", failing)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ImportError("libcudart.so.13: cannot open\nmore"), "ImportError: libcudart.so.13: cannot"),
        (RuntimeError("cannot load\n" * 50), "RuntimeError: cannot load. "),
        (AttributeError("no attribute 'x'."), "AttributeError: no attribute 'x'. "),
        (OSError(), "OSError. "),
        (
            ModuleNotFoundError("No module named 'fastrlock'", name="fastrlock"),
            "ModuleNotFoundError: No module named 'fastrlock'. ",
        ),
    ],
    ids=["ImportError", "RuntimeError", "AttributeError", "without text", "a part is missing"],
)
def test_a_cupy_that_cannot_be_imported_is_quoted(error, text, monkeypatch):
    broken_import(monkeypatch, error)
    why = reason()
    assert why.startswith(f"CuPy is installed, but does not work: {text}")
    assert why.endswith(INSTALL)
    assert "\n" not in why


def test_a_cupy_that_is_too_old_is_named_with_its_version(install):
    install(FakeCupy(version="13.6.0"))
    assert reason() == f"CuPy 13.6.0 is installed and tinynet needs 14 or later. {INSTALL}"


@pytest.mark.parametrize("version", ["14.0.0", "14.2.0rc1", "15.0.0a1", "100.1"])
def test_cupy_14_and_all_later_ones_will_do(install, version):
    install(FakeCupy(version=version))
    assert tn.gpu_unavailable_reason() is None


INSUFFICIENT = CUDARuntimeError(
    "cudaErrorInsufficientDriver: CUDA driver version is insufficient for CUDA runtime version"
)


def test_a_machine_without_a_driver_is_told_so(install):
    install(FakeCupy(count=INSUFFICIENT, driver=0))
    assert reason() == (
        "CuPy is installed, but there is no NVIDIA driver. Install the driver of the GPU."
    )


def test_a_driver_that_is_too_old_is_told_apart_from_none(install):
    install(FakeCupy(count=INSUFFICIENT, driver=12020))
    assert reason() == (
        "the NVIDIA driver is too old for this CuPy, which is built for CUDA 13.1. Update the "
        f"driver, or install the CuPy of an older CUDA. {INSTALL}"
    )


@pytest.mark.parametrize(
    ("visible", "shown"), [("", "''"), ("7", "'7'"), (None, "not set")], ids=["empty", "7", "unset"]
)
@pytest.mark.parametrize(
    "count",
    [CUDARuntimeError("cudaErrorNoDevice: no CUDA-capable device is detected"), 0],
    ids=["error", "none"],
)
def test_a_driver_that_sees_no_gpu_is_told_with_what_hides_it(
    install, monkeypatch, count, visible, shown
):
    if visible is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    install(FakeCupy(count=count))
    assert reason() == (
        f"there is a driver, but no GPU is visible to it (CUDA_VISIBLE_DEVICES is {shown}). Unset "
        "CUDA_VISIBLE_DEVICES, or give it the number of a GPU that nvidia-smi lists."
    )


def test_whatever_else_cuda_says_is_quoted(install):
    install(FakeCupy(count=CUDARuntimeError("cudaErrorSystemNotReady: system not yet initialized")))
    assert reason().startswith(
        "CUDA did not start: CUDARuntimeError: cudaErrorSystemNotReady: system not yet initialized."
    )


@pytest.mark.parametrize(
    ("part", "error"),
    [
        ("RawKernel", DynamicLibNotFoundError("Failure finding libnvrtc.so.13\nsearched in ...")),
        ("asarray", CUDARuntimeError("cudaErrorMemoryAllocation: out of memory")),
        ("asnumpy", ImportError("Failure finding libcublasLt.so")),
    ],
)
def test_a_gpu_that_is_seen_but_cannot_compute_is_told_what_is_missing(install, part, error):
    cupy = install(FakeCupy())
    setattr(cupy, part, lambda *args: answer(error))
    first = str(error).splitlines()[0]
    assert reason() == (
        f"a GPU is visible, but CuPy cannot compute on it: {type(error).__name__}: {first}. CUDA's "
        f"libraries come with the [ctk] packages that the extras name. {INSTALL}"
    )


def test_a_gpu_that_computes_wrong_is_not_used(install):
    cupy = install(FakeCupy())
    cupy.RawKernel = lambda code, name: lambda grid, block, args: None
    assert reason() == (
        "the GPU computes wrong: [[2, 4], [6, 8]] squared gave [[7.0, 10.0], [15.0, 22.0]]."
    )


def test_a_cupy_with_parts_missing_is_quoted_too(install):
    cupy = install(FakeCupy())
    del cupy.cuda
    cupy.cuda = types.SimpleNamespace()
    assert reason().startswith("CuPy is installed, but does not work: AttributeError: ")


def distributions(*names: str | None):
    return lambda: [types.SimpleNamespace(metadata={"Name": name}) for name in names]


def test_two_cupy_packages_at_once_are_named(monkeypatch):
    broken_import(monkeypatch, ImportError("undefined symbol"))
    monkeypatch.setattr(
        importlib.metadata,
        "distributions",
        distributions("numpy", "cupy-cuda13x", None, "cupy-cuda12x", "cupyx-something"),
    )
    assert reason() == (
        f"CuPy is installed, but does not work: ImportError: undefined symbol. {INSTALL} Several "
        "CuPy packages are installed (cupy-cuda12x, cupy-cuda13x): uninstall all but one."
    )


def test_one_cupy_package_is_no_conflict(monkeypatch):
    broken_import(monkeypatch, ImportError("undefined symbol"))
    monkeypatch.setattr(importlib.metadata, "distributions", distributions("cupy-cuda13x", "numpy"))
    assert reason().endswith(INSTALL)


def test_two_cupy_packages_at_once_are_named_when_the_gpu_fails_too(install, monkeypatch):
    cupy = install(FakeCupy())
    cupy.RawKernel = lambda *args: answer(RuntimeError("no kernel"))
    monkeypatch.setattr(importlib.metadata, "distributions", distributions("cupy", "cupy-rocm-7-0"))
    assert reason().endswith("(cupy, cupy-rocm-7-0): uninstall all but one.")


@pytest.mark.parametrize(
    "listing",
    [lambda: [types.SimpleNamespace(metadata=None)], lambda: answer(OSError("unreadable"))],
    ids=["a package without metadata", "an unreadable folder"],
)
def test_asking_never_raises_even_where_the_packages_cannot_be_listed(monkeypatch, listing):
    broken_import(monkeypatch, ImportError("undefined symbol"))
    monkeypatch.setattr(importlib.metadata, "distributions", listing)
    assert reason().startswith("CuPy is installed, but does not work: ImportError: undefined")


def test_where_all_is_well_there_is_no_reason(install):
    cupy = install(FakeCupy())
    assert tn.gpu_unavailable_reason() is None
    assert tn.gpu_available()
    assert cupy.launches == 1  # found out once, then remembered


def test_a_device_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match=r"there is no device 'tpu'\. The devices are \"cpu\" and"):
        tn.Tensor([1.0]).to("tpu")


# -- moving and computing, on every device that there is -------------------------------------------


def moves_and_comes_back(device: str) -> None:
    array = numpy.float32([[1, 2], [3, 4]])
    x = tn.Tensor(array).to(device)
    assert x.device == device
    assert device_of(x.data) == device
    assert x.dtype == numpy.float32
    assert type(x.numpy()) is numpy.ndarray
    numpy.testing.assert_array_equal(x.numpy(), array)
    numpy.testing.assert_array_equal(x.to("cpu").data, array)
    assert f"device={device}" in repr(x)
    assert (x * 2).device == device


def sends_the_gradient_home(device: str) -> None:
    x = tn.Tensor([1.0, 2.0], requires_grad=True)
    loss = (x.to(device) * 3).sum()
    assert loss.device == device
    loss.backward()
    assert type(x.grad) is numpy.ndarray
    numpy.testing.assert_array_equal(x.grad, [3, 3])


def trained(device: str) -> list[numpy.ndarray]:
    """The parameters of a small network after three steps, and its losses."""
    rng = numpy.random.default_rng(0)
    pictures, labels = tn.data.xo(12, rng, size=8)

    def parameter(*shape):
        values = rng.normal(0, 0.5, shape).astype(numpy.float32)
        return tn.Tensor(values, requires_grad=True, device=device)

    kernel, bias, w = parameter(3, 3, 1, 4), parameter(4), parameter(36, 2)
    gamma, beta = parameter(4), parameter(4)
    mean, variance = (tn.Tensor(numpy.ones(4, numpy.float32)).to(device) for _ in range(2))
    parameters = [kernel, bias, gamma, beta, w]
    sgd = tn.optim.SGD(parameters, lr=0.1, momentum=0.9, weight_decay=0.01)
    losses = []
    for x, y in tn.data.batches(pictures, labels, size=4, rng=rng, device=device):
        h = tn.conv2d(x, kernel, bias)  # (4, 6, 6, 4)
        h = tn.batch_norm(h, gamma, beta, mean, variance, training=True)
        h = tn.relu(tn.max_pool2d(h, 2)) + tn.average_pool2d(h, 2)  # (4, 3, 3, 4)
        h = tn.dropout(tn.concatenate([h, h[:, ::-1]])[:4], 0.25, rng)
        logits = tn.leaky_relu(h.reshape(-1, 36)) @ w
        loss = tn.cross_entropy(logits, y) + tn.softmax(logits).max(axis=1).mean() * 0.1
        sgd.zero_grad()
        loss.backward()
        assert all(device_of(p.grad) == device for p in parameters)
        sgd.step()
        losses.append(loss.item())
    return [numpy.array(losses), *(p.numpy() for p in parameters), mean.numpy()]


def test_to_moves_the_data(device):
    moves_and_comes_back(device)


def test_to_moves_the_data_to_a_pretended_gpu(install):
    install(FakeCupy())
    moves_and_comes_back("gpu")


def test_gradients_flow_back_to_the_leaf_on_the_cpu(device):
    sends_the_gradient_home(device)


def test_gradients_flow_back_from_a_pretended_gpu(install):
    install(FakeCupy())
    sends_the_gradient_home("gpu")


def test_a_network_trains_alike_on_both_devices(device):
    for here, there in zip(trained("cpu"), trained(device), strict=True):
        numpy.testing.assert_allclose(there, here, rtol=1e-3, atol=1e-4)


def test_a_network_trains_alike_on_a_pretended_gpu(install):
    install(FakeCupy())
    for here, there in zip(trained("cpu"), trained("gpu"), strict=True):
        numpy.testing.assert_allclose(there, here, rtol=1e-4, atol=1e-5)


def test_a_tensor_that_is_there_already_is_not_moved(device):
    x = tn.Tensor([1.0]).to(device)
    assert x.to(device) is x


def test_moving_to_the_gpu_copies(install):
    install(FakeCupy())
    x = tn.Tensor([1.0, 2.0])
    y = x.to("gpu")
    x.data[:] = 5
    numpy.testing.assert_array_equal(y.numpy(), [1, 2])


@pytest.mark.parametrize(
    ("mix", "where"),
    [
        (lambda here, there: here + there, "add: x 'here' is on cpu and y 'there' is on gpu"),
        (lambda here, there: there @ here, "matmul: x 'there' is on gpu and w 'here' is on cpu"),
        (tn.mse, "mse: prediction 'here' is on cpu and target 'there' is on gpu"),
        (lambda here, there: here < there, "less: x 'here' is on cpu and y 'there' is on gpu"),
        (
            lambda here, there: tn.concatenate([here, there]),
            "concatenate: tensors[0] 'here' is on cpu and tensors[1] 'there' is on gpu",
        ),
    ],
    ids=["add", "matmul", "mse", "less than", "concatenate"],
)
def test_mixing_devices_names_the_operation_both_devices_and_the_tensors(install, mix, where):
    install(FakeCupy())
    here = tn.Tensor([1.0, 2.0], name="here")
    there = tn.Tensor([1.0, 2.0], name="there", device="gpu")
    with pytest.raises(ValueError, match=rf"^{re.escape(where)}\. Move one of them, with "):
        mix(here, there)


def test_a_pullback_that_returns_to_the_wrong_device_is_named(install):
    install(FakeCupy())

    @tn.differentiable
    def stray(x):
        return x * 1, lambda dy: numpy.ones(2, numpy.float32)

    x = tn.Tensor([1.0, 2.0], requires_grad=True, device="gpu")
    message = r"returned \(2,\) float32 on cpu\. It must .* \(2,\) float32 on gpu\."
    with pytest.raises(TypeError, match=f"^stray: the pullback .* {message}$"):
        stray(x).sum().backward()


# -- whose array is it -----------------------------------------------------------------------------


def test_the_module_comes_from_the_array(install):
    cupy = install(FakeCupy())
    here, there = numpy.ones(2), move(numpy.ones(2), "gpu")
    assert xp(here) is numpy
    assert xp(there) is cupy
    assert xp(2.0, there) is cupy
    assert xp(2.0) is numpy


@pytest.mark.parametrize("value", [1, "a", None, [1.0], numpy.float32(1), tn.Tensor(1.0)], ids=repr)
def test_what_is_no_array_is_not_taken_for_one(value):
    assert not is_array(value)


def test_asking_whose_array_it_is_does_not_import_cupy(monkeypatch):
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    assert is_array(numpy.ones(2))
    assert not is_array(object())
    assert device_of(numpy.ones(2)) == "cpu"
    tn.exp(tn.Tensor([1.0], requires_grad=True)).backward()
    assert "cupy" not in sys.modules
