"""The device seam: what is said where there is no GPU, and that both devices compute alike."""

from __future__ import annotations

import builtins
import importlib.metadata
import math
import re
import sys
import tracemalloc
import types

import numpy
import pytest

import tinynet as tn
from tests.strict_cupy import CUDARuntimeError, StrictCupy, answer, counts
from tinynet.devices import device_of, is_array, move, xp
from tinynet.devices.gpu import availability


class DynamicLibNotFoundError(RuntimeError):
    """As CuPy names a library that it did not find; it is no ImportError."""


@pytest.fixture(autouse=True)
def _asked_anew(install_cupy):
    """The answer about the GPU is forgotten before and after."""


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


def test_without_cupy_the_reason_names_what_to_install(install_cupy, monkeypatch):
    install_cupy(None)
    monkeypatch.setattr(availability, "_driver_found", lambda: True)
    assert reason() == f"CuPy is not installed. {INSTALL}"


def test_without_a_driver_nobody_is_sent_to_install_cupy(install_cupy, monkeypatch):
    """It is a download of gigabytes, and would not help."""
    install_cupy(None)
    monkeypatch.setattr(availability.ctypes, "CDLL", a_missing_library)
    assert reason() == (
        "CuPy is not installed. There is no NVIDIA driver here either. Without an NVIDIA GPU, go "
        "on with the CPU: CuPy would not help. With one, install its driver first, and then CuPy."
    )


def a_missing_library(name):
    raise OSError(f"{name}: cannot open shared object file")


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


def test_a_cupy_that_is_too_old_is_named_with_its_version(install_cupy):
    install_cupy(StrictCupy(version="13.6.0"))
    assert reason() == f"CuPy 13.6.0 is installed and tinynet needs 14 or later. {INSTALL}"


@pytest.mark.parametrize("version", ["14.0.0", "14.2.0rc1", "15.0.0a1", "100.1"])
def test_cupy_14_and_all_later_ones_will_do(install_cupy, version):
    install_cupy(StrictCupy(version=version))
    assert tn.gpu_unavailable_reason() is None


INSUFFICIENT = CUDARuntimeError(
    "cudaErrorInsufficientDriver: CUDA driver version is insufficient for CUDA runtime version"
)


def test_a_machine_without_a_driver_is_told_so(install_cupy):
    install_cupy(StrictCupy(count=INSUFFICIENT, driver=0))
    assert reason() == (
        "CuPy is installed, but there is no NVIDIA driver. Without an NVIDIA GPU, go on with the "
        "CPU. With one, install its driver."
    )


def test_a_driver_that_is_too_old_is_told_apart_from_none(install_cupy):
    install_cupy(StrictCupy(count=INSUFFICIENT, driver=12020))
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
    install_cupy, monkeypatch, count, visible, shown
):
    if visible is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    install_cupy(StrictCupy(count=count))
    assert reason() == (
        f"there is a driver, but no GPU is visible to it (CUDA_VISIBLE_DEVICES is {shown}). Unset "
        "CUDA_VISIBLE_DEVICES, or give it the number of a GPU that nvidia-smi lists."
    )


def test_whatever_else_cuda_says_is_quoted(install_cupy):
    install_cupy(
        StrictCupy(count=CUDARuntimeError("cudaErrorSystemNotReady: system not yet initialized"))
    )
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
def test_a_gpu_that_is_seen_but_cannot_compute_is_told_what_is_missing(install_cupy, part, error):
    cupy = install_cupy(StrictCupy())
    setattr(cupy, part, lambda *args: answer(error))
    first = str(error).splitlines()[0]
    assert reason() == (
        f"a GPU is visible, but CuPy cannot compute on it: {type(error).__name__}: {first}. CUDA's "
        f"libraries come with the [ctk] packages that the extras name. {INSTALL}"
    )


def test_a_gpu_that_computes_wrong_is_not_used(install_cupy):
    cupy = install_cupy(StrictCupy())
    cupy.RawKernel = lambda code, name: lambda grid, block, args: None
    assert reason() == (
        "the GPU computes wrong: [[2, 4], [6, 8]] squared gave [[7.0, 10.0], [15.0, 22.0]]."
    )


def test_a_cupy_with_parts_missing_is_quoted_too(install_cupy):
    cupy = install_cupy(StrictCupy())
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


def test_two_cupy_packages_at_once_are_named_when_the_gpu_fails_too(install_cupy, monkeypatch):
    cupy = install_cupy(StrictCupy())
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


def test_where_all_is_well_there_is_no_reason(install_cupy):
    install_cupy(StrictCupy())
    assert tn.gpu_unavailable_reason() is None
    assert tn.gpu_available()
    launches = counts["launches"]
    assert tn.gpu_available() and counts["launches"] == launches  # found out once, then remembered


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


def test_gradients_flow_back_to_the_leaf_on_the_cpu(device):
    sends_the_gradient_home(device)


def test_a_network_trains_alike_on_both_devices(device):
    for here, there in zip(trained("cpu"), trained(device), strict=True):
        numpy.testing.assert_allclose(there, here, rtol=1e-3, atol=1e-4)


def test_a_tensor_that_is_there_already_is_not_moved(device):
    x = tn.Tensor([1.0]).to(device)
    assert x.to(device) is x


def test_moving_to_the_gpu_copies(pretended_gpu):
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
def test_mixing_devices_names_the_operation_both_devices_and_the_tensors(pretended_gpu, mix, where):
    here = tn.Tensor([1.0, 2.0], name="here")
    there = tn.Tensor([1.0, 2.0], name="there", device="gpu")
    with pytest.raises(ValueError, match=rf"^{re.escape(where)}\. Move one of them, with "):
        mix(here, there)


def test_a_pullback_that_returns_to_the_wrong_device_is_named(pretended_gpu):

    @tn.differentiable
    def stray(x):
        return x * 1, lambda dy: numpy.ones(2, numpy.float32)

    x = tn.Tensor([1.0, 2.0], requires_grad=True, device="gpu")
    message = r"returned \(2,\) float32 on cpu\. It must .* \(2,\) float32 on gpu\."
    with pytest.raises(TypeError, match=f"^stray: the pullback .* {message}$"):
        stray(x).sum().backward()


# -- what CuPy would do in another way than NumPy --------------------------------------------------


def on(device, *values):
    return tn.Tensor(numpy.float32(values), requires_grad=True, device=device)


def test_labels_and_conditions_on_the_host_go_where_the_inputs_are(device):
    logits = tn.Tensor(numpy.eye(3, dtype="float32"), requires_grad=True, device=device)
    loss = tn.cross_entropy(logits, numpy.arange(3))
    loss.backward()
    assert loss.item() == pytest.approx(math.log(math.e + 2) - 1)
    masked = tn.cross_entropy(logits, numpy.arange(3), mask=numpy.array([True, False, True]))
    assert masked.item() == pytest.approx(loss.item())
    for condition in (numpy.array([True, False]), [True, False]):
        x, y = on(device, 1, 2), on(device, 3, 4)
        tn.where(condition, x, y).sum().backward()
        assert tn.Tensor(x.grad).numpy().tolist() == [1, 0]
        assert tn.Tensor(y.grad).numpy().tolist() == [0, 1]
    assert tn.where(True, on(device, 1), on(device, 2)).numpy().tolist() == [1]


@pytest.mark.parametrize(
    ("index", "shown"),
    [
        ([3], "index 3 is out of bounds for axis 0 with size 3"),
        ([0, -4], "index -4 is out of bounds for axis 0 with size 3"),
        (numpy.array([[5]]), "index 5 is out of bounds for axis 0 with size 3"),
        ((slice(None), [2]), "index 2 is out of bounds for axis 1 with size 2"),
        ((..., [2]), "index 2 is out of bounds for axis 1 with size 2"),
        ((None, ..., [2]), "index 2 is out of bounds for axis 1 with size 2"),
        ((numpy.array([True, False, True]), [0, 2]), "index 2 is out of bounds for axis 1 with"),
        ("there", "index 7 is out of bounds for axis 0 with size 3"),
    ],
    ids=str,
)
def test_an_index_out_of_range_does_not_wrap(device, index, shown):
    x = tn.Tensor(numpy.ones((3, 2), "float32"), device=device)
    index = move(numpy.array([7]), device) if isinstance(index, str) else index
    with pytest.raises(IndexError, match=f"^getitem: {re.escape(shown)}"):
        x[index].numpy()


def test_an_index_in_range_chooses_as_numpy_does(device):
    array = numpy.arange(24.0).reshape(2, 3, 4)
    x = tn.Tensor(array, requires_grad=True, device=device)
    for index in (
        ([1, 1, 0],), ([-1], [2]), (..., [-4, 3]), (slice(None), [0, 2], 1), (None, [0]),
        (array > 3,), (numpy.array([True, False]), [[0], [2]]), ([],), (1, [2, 2]),
    ):  # fmt: skip
        x.grad, expected = None, numpy.zeros_like(array)
        y = x[index]
        numpy.testing.assert_array_equal(y.numpy(), array[index])
        y.sum().backward()
        numpy.add.at(expected, index, 1.0)
        numpy.testing.assert_array_equal(tn.Tensor(x.grad).numpy(), expected)


def test_whole_numbers_have_no_negative_powers(device):
    x = tn.Tensor(numpy.array([1, 2]), device=device)
    for y in (-1, tn.Tensor(numpy.array([1, -2]), device=device)):
        with pytest.raises(ValueError, match=r"^power: Integers to negative integer powers are"):
            x**y
    assert (x**2).numpy().tolist() == [1, 4]


def test_the_peak_memory_of_a_step_is_that_of_the_device(pretended_gpu):
    layers = [tn.layers.Dense(256), tn.layers.Dense(4)]
    model = tn.Sequential(layers, input_shape=(8,), rng=numpy.random.default_rng(0)).to("gpu")
    x = tn.Tensor(numpy.ones((512, 8), "float32")).to("gpu")
    labels = numpy.zeros(512, int)
    tracemalloc.start()
    try:
        found = tn.profile(model, (x, labels), tn.cross_entropy, peak=True)
    finally:
        tracemalloc.stop()
    activations = 512 * 256 * 4
    assert activations < found.peak < 6 * activations


# -- whose array is it -----------------------------------------------------------------------------


def test_the_module_comes_from_the_array(pretended_gpu):
    here, there = numpy.ones(2), move(numpy.ones(2), "gpu")
    assert xp(here) is numpy
    assert xp(there) is pretended_gpu
    assert xp(2.0, there) is pretended_gpu
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
