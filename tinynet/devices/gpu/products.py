"""Products of matrices, by cuBLAS, and how precisely it computes them."""

from __future__ import annotations

import numpy

from ...messages.arguments import choice
from .. import capture
from ..arrays import Array
from . import cublaslt
from .availability import gpu_available

_tf32 = False


def set_matmul_precision(precision: str) -> None:
    """How a GPU computes products of float32 matrices: "float32", the default, or "tf32".

    "tf32" keeps 10 bits after the point of each factor, and so three decimal digits, for the GPU's
    tensor cores; they add up in float32.  NVIDIA promises several times the speed for large
    matrices; we have not measured it.  It serves dense, convolutional and recurrent layers.
    Stacks of matrices, as in attention, stay in float32, and so does a GPU older than Ampere.  The
    CPU always computes in float32.  The setting holds for the whole process.  ValueError for
    another word.
    Source: NVIDIA, A100 Tensor Core GPU Architecture, 2020.
    """
    global _tf32
    words = {"highest": "float32", "high": "tf32"}  # PyTorch's
    if isinstance(precision, str) and precision in words:
        raise ValueError(
            f'set_matmul_precision: "{precision}" is PyTorch\'s word. Write "{words[precision]}".'
        )
    _tf32 = choice("set_matmul_precision", "precision", precision, ("float32", "tf32")) == "tf32"
    if not gpu_available():
        return
    import cupy

    types = cupy._core._routines_linalg
    kind = types.COMPUTE_TYPE_TF32 if _tf32 else types.COMPUTE_TYPE_DEFAULT
    cupy._core.set_compute_type("float32", kind)


def matmul(a: Array, b: Array) -> Array:
    """(N, M) . (M, O) -> (N, O), and stacks of such."""
    recorded, rehearsed = capture.state.recording, capture.state.rehearsed
    if (recorded or rehearsed) and a.ndim == b.ndim == 2 and a.dtype == b.dtype == numpy.float32:
        return cublaslt.product(a, b, _tf32)
    if recorded:
        raise RuntimeError(
            f"it multiplies {a.shape} {a.dtype} by {b.shape} {b.dtype}, and a graph takes only "
            "products of two matrices of float32"
        )
    return a @ b
