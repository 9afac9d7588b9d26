"""Products of matrices."""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor


def matmul(x: Any, w: Any) -> Tensor:
    """x @ w, for when neither need be a tensor yet.  (..., N, M) . (..., M, O) -> (..., N, O)

    ValueError where the last size of x is not the last but one of w.
    """
    return Tensor.__matmul__(x, w)
