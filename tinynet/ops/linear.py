"""Products of matrices."""

from __future__ import annotations

import math
from typing import Any

from ..devices import kernels
from ..engine.observer import ALL, Work
from ..engine.tensor import Tensor, differentiable
from .activation import relu_pullback


def matmul(x: Any, w: Any) -> Tensor:
    """x @ w; both may be arrays or lists.  (..., N, M) . (..., M, O) -> (..., N, O)

    ValueError if the last size of x is not the last but one of w.
    """
    return Tensor.__matmul__(x, w)


def _linear_work(y, x, w, b=None, relu=False):
    """Each number of y is a sum over D."""
    return Work(y.size * w.shape[0], ALL)


@differentiable(work=_linear_work)
def linear(x, w, b=None, relu: bool = False):
    """x @ w + b, as in a dense layer.  (..., D), (D, O), (O,) -> (..., O)

    relu: whether to take max(0, y) in the same pass, which is faster than tn.relu(x @ w + b).

    ValueError for sizes that do not fit.
    """
    if getattr(x, "ndim", 0) < 1 or getattr(w, "ndim", 0) != 2 or x.shape[-1] != w.shape[0]:
        raise ValueError(
            f"x {getattr(x, 'shape', ())} and w {getattr(w, 'shape', ())} do not fit: (..., D) and "
            "(D, O), with one D. Transpose or reshape one of them."
        )
    if b is not None and getattr(b, "shape", ()) != w.shape[1:]:
        raise ValueError(
            f"the bias has shape {getattr(b, 'shape', ())}, and must be ({w.shape[1]},)."
        )
    product = kernels(x).product
    rows = x.reshape(math.prod(x.shape[:-1]), len(w))  # (N', D)
    y = product(rows, w, b, relu)  # (N', O)
    dz = relu_pullback(y) if relu else lambda dy: dy
    shape, flat = x.shape, y.shape  # a pullback keeps the arrays that it names: not x and y
    return y.reshape(*shape[:-1], flat[1]), (
        lambda dy: product(dz(dy.reshape(flat)), w.T).reshape(shape),
        lambda dy: product(rows.T, dz(dy.reshape(flat))),
        lambda dy: dz(dy.reshape(flat)),  # db: summed to (O,)
    )
