"""BLAS' product of matrices, called from compiled loops by its address."""

from __future__ import annotations

import ctypes
import itertools
import re
from typing import Any, NamedTuple

import numpy

from .loop import address, part_of_loop
from .machine import call_sgemm


class Sgemm(NamedTuple):
    address: int
    wide: bool  # whether its integers have 64 bits


def is_numpys(path: str) -> bool:
    """Whether a library came with NumPy: .../numpy.libs/libscipy_openblas64_.so, for example."""
    return any(folder.split(".")[0] == "numpy" for folder in re.split(r"[/\\]", path)[-3:-1])


def _find() -> Sgemm | None:
    """In the OpenBLAS or MKL of NumPy (SciPy may have loaded another); None without one."""
    try:
        from threadpoolctl import ThreadpoolController
    except ModuleNotFoundError:
        return None
    numpy.dot(numpy.ones((2, 2)), numpy.ones((2, 2)))
    found = ThreadpoolController().select(user_api="blas").lib_controllers
    for of in sorted(found, key=lambda of: not is_numpys(of.filepath)):
        if of.internal_api not in ("openblas", "mkl"):
            continue
        library = ctypes.CDLL(of.filepath)
        for prefix, suffix in itertools.product(("scipy_", ""), ("64_", "_64", "")):
            function = getattr(library, f"{prefix}cblas_sgemm{suffix}", None)
            if function:
                address = ctypes.cast(function, ctypes.c_void_p).value
                return Sgemm(address or 0, bool(suffix))
    return None


sgemm: Any = _find()


@part_of_loop
def multiply(sgemm, wide, a, a_turned, b, b_turned, beta, y):
    """y = a @ b + beta * y, for matrices whose rows are contiguous.

    a_turned: a is given as a.T; b likewise.
    """
    n, o = y.shape
    m = a.shape[0] if a_turned else a.shape[1]
    call_sgemm(
        sgemm, wide, a_turned, b_turned, n, o, m, address(a), a.strides[0] // 4, address(b),
        b.strides[0] // 4, beta, address(y), y.strides[0] // 4,
    )  # fmt: skip
