"""Whether there is a GPU, and what is missing where there is none.

Without a GPU, or with a broken CuPy, tinynet imports as usual.  Only asking for the GPU raises an
error, which names what is missing and how to mend it.
"""

from __future__ import annotations

import ctypes
import functools
import os
from typing import Any

import numpy

_INSTALL = (
    "Install the one of the CUDA version that nvidia-smi shows: "
    'pip install "cupy-cuda12x[ctk]" or pip install "cupy-cuda13x[ctk]".'
)
_NO_DRIVER = (
    "There is no NVIDIA driver here either. Without an NVIDIA GPU, go on with the CPU: CuPy would "
    "not help. With one, install its driver first, and then CuPy."
)
_OLDEST = 14  # CuPy 13 promotes float32 to float64 where NumPy 2 does not


class GPUNotAvailableError(RuntimeError):
    """The GPU was asked for and does not work here.  The message holds the cause and the cure."""


def gpu_available() -> bool:
    """Whether `.to("gpu")` works here.  Never raises.

    The first call on a machine with a GPU takes a few seconds: it compiles and runs a kernel.
    """
    return gpu_unavailable_reason() is None


@functools.cache
def gpu_unavailable_reason() -> str | None:
    """Why the GPU does not work and how to mend it; None if it works.  Never raises."""
    try:
        import cupy

        cause = _version_fault(cupy) or _driver_fault(cupy) or _probe_fault(cupy)
    except ModuleNotFoundError as error:
        if error.name == "cupy":
            return f"CuPy is not installed. {_INSTALL if _driver_found() else _NO_DRIVER}"
        cause = f"CuPy is installed, but does not work: {_text(error)}. {_INSTALL}"
    except Exception as error:
        cause = f"CuPy is installed, but does not work: {_text(error)}. {_INSTALL}"
    return f"{cause} {_conflict()}".rstrip() if cause else None


def _driver_found() -> bool:
    """Whether the driver's library can be loaded: what can be asked without CuPy."""
    try:
        ctypes.CDLL("nvcuda.dll" if os.name == "nt" else "libcuda.so.1")
    except OSError:
        return False
    return True


def _version_fault(cupy: Any) -> str | None:
    if int(cupy.__version__.split(".")[0]) >= _OLDEST:
        return None
    return f"CuPy {cupy.__version__} is installed and tinynet needs {_OLDEST} or later. {_INSTALL}"


def _driver_fault(cupy: Any) -> str | None:
    """Ask CUDA how many devices it sees; its error text tells the three cases apart."""
    runtime = cupy.cuda.runtime
    try:
        count = runtime.getDeviceCount()
        cause = "" if count else "cudaErrorNoDevice"
    except Exception as error:
        cause = _text(error)
    if not cause:
        return None
    if "cudaErrorInsufficientDriver" in cause:
        if runtime.driverGetVersion() == 0:
            return (
                "CuPy is installed, but there is no NVIDIA driver. Without an NVIDIA GPU, go on "
                "with the CPU. With one, install its driver."
            )
        version = runtime.runtimeGetVersion()
        cuda = f"{version // 1000}.{version % 1000 // 10}"
        return (
            f"the NVIDIA driver is too old for this CuPy, which is built for CUDA {cuda}. Update "
            f"the driver, or install the CuPy of an older CUDA. {_INSTALL}"
        )
    if "cudaErrorNoDevice" in cause:
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        shown = "not set" if visible is None else repr(visible)
        return (
            f"there is a driver, but no GPU is visible to it (CUDA_VISIBLE_DEVICES is {shown}). "
            "Unset CUDA_VISIBLE_DEVICES, or give it the number of a GPU that nvidia-smi lists."
        )
    return f"CUDA did not start: {cause}. Run python -c 'import cupy; cupy.show_config()' for more."


def _probe_fault(cupy: Any) -> str | None:
    """A driver that sees a GPU is not enough: compile a kernel (NVRTC) and multiply (cuBLAS)."""
    try:
        a = cupy.asarray(numpy.array([[1, 2], [3, 4]], dtype=numpy.float32))
        kernel = cupy.RawKernel(
            'extern "C" __global__ void twice(float* x) { x[threadIdx.x] *= 2.0f; }', "twice"
        )
        kernel((1,), (4,), (a,))
        product = cupy.asnumpy(a @ a)
    except Exception as error:
        return (
            f"a GPU is visible, but CuPy cannot compute on it: {_text(error)}. CUDA's libraries "
            f"come with the [ctk] packages that the extras name. {_INSTALL}"
        )
    if not numpy.array_equal(product, [[28, 40], [60, 88]]):
        return f"the GPU computes wrong: [[2, 4], [6, 8]] squared gave {product.tolist()}."
    return None


def _conflict() -> str:
    """Two CuPy packages at once overwrite each other's files."""
    try:
        import importlib.metadata  # slow to import, and seldom needed

        names = {d.metadata["Name"] or "" for d in importlib.metadata.distributions()}
    except Exception:  # a hint is not worth an error
        return ""
    found = sorted(n for n in names if n == "cupy" or n.startswith(("cupy-cuda", "cupy-rocm")))
    if len(found) < 2:
        return ""
    return f"Several CuPy packages are installed ({', '.join(found)}): uninstall all but one."


def _text(error: BaseException) -> str:
    """The first line of an error, with its type: CUDA's go on for pages."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0].rstrip('.')}" if lines else type(error).__name__
