"""Convolution as one product of matrices: windows as rows (im2col), kernels as columns.

Networks compute cross-correlation and call it convolution: the kernel is laid on the picture as it
is.  The convolution of signal processing (numpy.convolve) flips the kernel first.
"""

from __future__ import annotations

import math

from ..devices import Array
from ..tensor import differentiable
from .windows import Padding, Pair, Windows, symbols, windows


@differentiable
def im2col(x, size: Pair, stride: Pair = 1, padding: Padding = "valid"):
    """Every window of the pictures as one row of numbers.

    (N, H, W, C) -> (N, OH, OW, KH * KW * C)

    A convolution is then a product of matrices: `im2col(x, 3) @ kernel.reshape(9 * C, O)`.
    size, stride, padding: as for conv2d.  ValueError where a window does not fit.
    """
    ws = windows(x, size, stride, padding)
    return _columns(x, ws), lambda dy: _sum_windows(dy, ws)


@differentiable
def conv2d(x, w, b=None, stride: Pair = 1, padding: Padding = "valid"):
    """Slide a kernel over pictures; multiply and add at each place.

    x (N, H, W, C), w (KH, KW, C, O), b (O,) -> (N, OH, OW, O)

    y[n,i,j,o] = b[o] + sum over u, v, c of x[n, i * stride + u, j * stride + v, c] * w[u,v,c,o]

    stride: a number for both directions or (vertical, horizontal), at least 1.
    padding: "valid" (none), "same" (zeros, so that OH = ceil(H / stride), as Keras places them), a
        number of pixels, (vertical, horizontal), or ((top, bottom), (left, right)).

    Cross-correlation: the kernel is not flipped.  ValueError where shapes or ranges do not fit.
    """
    if getattr(w, "ndim", None) != 4 or 0 in w.shape:
        raise ValueError(
            f"the kernel has shape {getattr(w, 'shape', ())}, and must be (KH, KW, C, O), each at "
            "least 1."
        )
    KH, KW, C, O = w.shape  # noqa: E741
    if getattr(x, "ndim", None) == 4 and x.shape[3] != C:
        hint = f" Make the kernel ({KH}, {KW}, {x.shape[3]}, {O})."
        if C == O and KH != KW and x.shape[3] == KW:
            hint = " Kernels are (KH, KW, C, O): one of (O, C, KH, KW) is w.transpose(2, 3, 1, 0)."
        if x.shape[1] == C:
            hint = " Pictures are channels-last, (N, H, W, C): use x.transpose(0, 2, 3, 1)."
        raise ValueError(
            f"input {symbols(x)} has {x.shape[3]} channels, and the kernel {w.shape} takes {C}."
            + hint
        )
    if b is not None and getattr(b, "shape", None) != (O,):
        raise ValueError(f"the bias has shape {getattr(b, 'shape', ())}, and must be ({O},).")

    ws = windows(x, (KH, KW), stride, padding)
    N = len(x)
    kernel = w.reshape(KH * KW * C, O)
    y = _matrix(_columns(x, ws)) @ kernel  # (N*OH*OW, O)
    if b is not None:
        y += b

    def dx(dy):
        columns = _matrix(dy) @ kernel.T  # (N*OH*OW, KH*KW*C)
        return _sum_windows(columns.reshape(N, *ws.output, KH * KW * C), ws)

    def dw(dy):
        # The columns are KH * KW times the picture: they are made again, not kept in memory.
        return (_matrix(_columns(x, ws)).T @ _matrix(dy)).reshape(KH, KW, C, O)

    return y.reshape(N, *ws.output, O), (dx, dw, lambda dy: dy)  # db: summed to (O,)


def _columns(x: Array, ws: Windows) -> Array:
    """(N, H, W, C) -> (N, OH, OW, KH * KW * C)"""
    return ws.patches(ws.pad(x)).reshape(len(x), *ws.output, math.prod(ws.size) * x.shape[3])


def _sum_windows(columns: Array, ws: Windows) -> Array:
    """The transpose of _columns: each pixel gets the sum of what its windows hold for it.

    (N, OH, OW, KH * KW * C) -> (N, H, W, C)
    """
    KH, KW = ws.size
    parts = columns.reshape(len(columns), *ws.output, KH * KW, columns.shape[3] // (KH * KW))
    padded = ws.padded_zeros(parts[:, :, :, 0])
    for k, view in enumerate(ws.views(padded)):
        view += parts[:, :, :, k]
    return ws.crop(padded)


def _matrix(x: Array) -> Array:
    """All axes but the last as one.  (..., M) -> (N', M)"""
    return x.reshape(math.prod(x.shape[:-1]), x.shape[-1])
