"""Products of matrices."""

from __future__ import annotations

import math
from typing import Any

from ..devices import kernels
from ..tensor import Tensor, differentiable
from .activation import before_relu, unchanged


def matmul(x: Any, w: Any) -> Tensor:
    """x @ w, for when neither need be a tensor yet.  (..., N, M) . (..., M, O) -> (..., N, O)

    ValueError where the last size of x is not the last but one of w.
    """
    return Tensor.__matmul__(x, w)


@differentiable
def linear(x, w, b=None, relu: bool = False):
    """x @ w + b, what a dense layer computes.  (..., D), (D, O), (O,) -> (..., O)

    relu: whether max(0, y) is taken too, in the same pass: sooner than tn.relu(x @ w + b).

    ValueError where the sizes do not fit.
    """
    if getattr(x, "ndim", 0) < 1 or getattr(w, "ndim", 0) != 2 or x.shape[-1] != w.shape[0]:
        raise ValueError(
            f"x {getattr(x, 'shape', ())} and w {getattr(w, 'shape', ())} do not fit. They must be "
            "(..., D) and (D, O)."
        )
    if b is not None and getattr(b, "shape", ()) != w.shape[1:]:
        raise ValueError(
            f"the bias has shape {getattr(b, 'shape', ())}, and must be ({w.shape[1]},)."
        )
    product = kernels(x).product
    rows = x.reshape(math.prod(x.shape[:-1]), len(w))  # (N', D)
    y = product(rows, w, b, relu)  # (N', O)
    before = before_relu(y) if relu else unchanged
    shape, flat = x.shape, y.shape  # not x and y: what a pullback names, it keeps
    return y.reshape(*shape[:-1], flat[1]), (
        lambda dy: product(before(dy.reshape(flat)), w.T).reshape(shape),
        lambda dy: product(rows.T, before(dy.reshape(flat))),
        lambda dy: before(dy.reshape(flat)),  # db: summed to (O,)
    )
