"""Products of matrices by cuBLASLt, which takes its stream and its memory as arguments.

CuPy refuses cuBLAS while a step is captured as a CUDA graph; NVIDIA's library allows it.  So a
captured step calls cuBLASLt by itself.  CuPy brings the library.
Source: NVIDIA, cuBLAS Library User Guide, "Using the cuBLASLt API".
"""

from __future__ import annotations

import ctypes
import functools
import sys
from ctypes import byref, c_float, c_int, c_int64, c_size_t, c_uint32, c_uint64, c_void_p, sizeof
from typing import Any, NamedTuple

import numpy

from ..arrays import Array

FLOAT, PRODUCT, TF32_PRODUCT = 0, 68, 77  # the library's words: of numbers, and how they are added
TRANSPOSE_A, TRANSPOSE_B = 3, 4
MOST_ROOM, ALIGNMENT_A, ALIGNMENT_B = 1, 5, 6
ROOM = 32 * 2**20  # bytes that a product may compute in, as NVIDIA advises for its newest GPUs
ONE, NONE = c_float(1), c_float(0)


class Way(ctypes.Structure):
    """How the library would compute a product, and what it says of that."""

    _fields_ = [
        ("algorithm", c_uint64 * 8), ("workspace", c_size_t), ("status", c_int),
        ("waves", c_float), ("reserved", c_int * 4),
    ]  # fmt: skip


class Library(NamedTuple):
    functions: ctypes.CDLL
    handle: c_void_p
    room: Array


class Plan(NamedTuple):
    """Of products of these shapes: the library's descriptions of them."""

    product: c_void_p
    a: c_void_p
    b: c_void_p
    y: c_void_p
    way: Way


@functools.cache
def library() -> Library:
    """Loaded, with its memory: before a capture begins."""
    try:
        from cuda import pathfinder

        found = ctypes.CDLL(pathfinder.load_nvidia_dynamic_lib("cublasLt").abs_path)
    except Exception as error:  # pathfinder's own kinds, and the system's
        raise RuntimeError(
            f"capture: cuBLASLt does not load: {error} It comes with the packages that "
            "docs/gpu.md names. Or call the step without tn.capture."
        ) from error
    handle = c_void_p()
    _fine(found.cublasLtCreate(byref(handle)))
    return Library(found, handle, sys.modules["cupy"].empty(ROOM, numpy.uint8))


def product(a: Array, b: Array, tf32: bool) -> Array:
    """(N, M) . (M, O) -> (N, O), all of float32, on the current stream.

    The library counts along columns: it sees each matrix transposed, and computes b^T a^T.
    """
    cupy: Any = sys.modules["cupy"]
    (a, a_turned), (b, b_turned) = _stored(a), _stored(b)
    y = cupy.empty((a.shape[a_turned], b.shape[not b_turned]), numpy.float32)
    functions, handle, room = library()
    plan = _plan((b.shape, b_turned, _alignment(b)), (a.shape, a_turned, _alignment(a)), tf32)
    addresses = [c_void_p(array.data.ptr) for array in (b, a, y)]
    _fine(
        functions.cublasLtMatmul(
            handle, plan.product, byref(ONE), addresses[0], plan.a, addresses[1], plan.b,
            byref(NONE), addresses[2], plan.y, addresses[2], plan.y, byref(plan.way),
            c_void_p(room.data.ptr), c_size_t(ROOM),
            c_void_p(cupy.cuda.get_current_stream().ptr),
        )
    )  # fmt: skip
    return y


def _stored(x: Array) -> tuple[Array, bool]:
    """The matrix as it lies in memory, and whether that is its transpose."""
    if x.flags.c_contiguous or not x.flags.f_contiguous:
        return sys.modules["cupy"].ascontiguousarray(x), False
    return x.T, True


def _alignment(x: Array) -> int:
    """The largest power of 2 that divides its address, at most 256: weights lie side by side."""
    return min(256, x.data.ptr & -x.data.ptr)


@functools.cache
def _plan(of_a: tuple[Any, bool, int], of_b: tuple[Any, bool, int], tf32: bool) -> Plan:
    """Of the library's product a b: the shape of each as it lies in rows, turned, alignment."""
    functions, handle, _ = library()
    (a, a_turned, a_alignment), (b, b_turned, b_alignment) = of_a, of_b
    made = Plan(c_void_p(), c_void_p(), c_void_p(), c_void_p(), Way())
    how = c_int(TF32_PRODUCT if tf32 else PRODUCT)
    _fine(functions.cublasLtMatmulDescCreate(byref(made.product), how, FLOAT))
    for name, turned in ((TRANSPOSE_A, a_turned), (TRANSPOSE_B, b_turned)):
        _set(functions.cublasLtMatmulDescSetAttribute, made.product, name, c_int(turned))
    columns, rows = a[not a_turned], b[b_turned]  # of y, which lies as (rows, columns)
    for layout, shape in ((made.a, a), (made.b, b), (made.y, (rows, columns))):
        _fine(functions.cublasLtMatrixLayoutCreate(
            byref(layout), FLOAT, c_uint64(shape[1]), c_uint64(shape[0]), c_int64(shape[1])
        ))  # fmt: skip
    wish, count = c_void_p(), c_int()
    _fine(functions.cublasLtMatmulPreferenceCreate(byref(wish)))
    for name, value in (
        (MOST_ROOM, c_size_t(ROOM)),
        (ALIGNMENT_A, c_uint32(a_alignment)),
        (ALIGNMENT_B, c_uint32(b_alignment)),
    ):
        _set(functions.cublasLtMatmulPreferenceSetAttribute, wish, name, value)
    _fine(functions.cublasLtMatmulAlgoGetHeuristic(
        handle, made.product, made.a, made.b, made.y, made.y, wish, 1, byref(made.way), byref(count)
    ))  # fmt: skip
    functions.cublasLtMatmulPreferenceDestroy(wish)
    if not count.value:
        raise RuntimeError(f"cuBLASLt has no way to multiply matrices of {b} and {a}.")
    return made


def _set(function: Any, of: c_void_p, name: int, value: Any) -> None:
    _fine(function(of, name, byref(value), c_size_t(sizeof(value))))


def _fine(status: int) -> None:
    if status:
        raise RuntimeError(f"cuBLASLt answered with status {status}.")
