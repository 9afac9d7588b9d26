"""Convolution as one product of matrices: windows as rows (im2col), kernels as columns.

Networks compute cross-correlation and call it convolution: the kernel is laid on the picture as it
is.  The convolution of signal processing (numpy.convolve) flips the kernel first.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from ..devices import Array, device_of, xp
from ..tensor import differentiable
from .windows import Padding, Pair, Windows, height_and_width, pair, symbols, windows

TILE = 2**21  # bytes of columns at a time


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
    kernel = w.reshape(KH * KW * C, O)
    y = xp(x).empty((len(x), *ws.output, O), x.dtype)
    for some in _tiles(x, ws, C):
        y[some] = (_matrix(_columns(x[some], ws)) @ kernel).reshape(y[some].shape)
    if b is not None:
        y += b

    def dx(dy):
        dx = xp(dy).empty(x.shape, dy.dtype)
        for some in _tiles(x, ws, C):
            columns = _matrix(dy[some]) @ kernel.T  # (n*OH*OW, KH*KW*C)
            dx[some] = _sum_windows(columns.reshape(-1, *ws.output, KH * KW * C), ws)
        return dx

    def dw(dy):
        # The columns are KH * KW times the picture: they are made again, not kept in memory.
        dw = xp(dy).zeros((KH * KW * C, O), dy.dtype)
        for some in _tiles(x, ws, C):
            dw += _matrix(_columns(x[some], ws)).T @ _matrix(dy[some])
        return dw.reshape(KH, KW, C, O)

    return y, (dx, dw, lambda dy: dy)  # db: summed to (O,)


@differentiable
def conv2d_transpose(x, w, b=None, stride: Pair = 1, padding: str = "valid"):
    """Lay the kernel down at each pixel, times the pixel, and add where the copies overlap.

    x (N, H, W, C), w (KH, KW, O, C), b (O,) -> (N, OH, OW, O)

    y[n, i * stride + u, j * stride + v, o] = b[o] + sum over those i, j, u, v and all c of
        x[n,i,j,c] * w[u,v,o,c]

    The transpose of conv2d: what conv2d with this kernel, stride and padding does on the way back,
    from its output x to its input y.  Hence the order of the kernel's axes: C is last in both.

    stride: a number for both directions or (vertical, horizontal), at least 1.
    padding: "valid", OH = (H - 1) * stride + max(KH, stride), or "same", OH = H * stride, where the
        border that sticks out is cut off; the sizes are Keras'.

    ValueError where shapes or ranges do not fit.  Source: Dumoulin and Visin, "A guide to
    convolution arithmetic for deep learning", 2016.
    """
    if getattr(w, "ndim", None) != 4 or 0 in w.shape:
        raise ValueError(
            f"the kernel has shape {getattr(w, 'shape', ())}, and must be (KH, KW, O, C), each at "
            "least 1."
        )
    KH, KW, O, C = w.shape  # noqa: E741
    H, W = height_and_width(x)
    if x.shape[3] != C:
        hint = f" Make the kernel ({KH}, {KW}, {O}, {x.shape[3]})."
        if x.shape[3] == O:
            hint = " Here kernels are (KH, KW, O, C), with C last: use w.transpose(0, 1, 3, 2)."
        raise ValueError(
            f"input {symbols(x)} has {x.shape[3]} channels, and the kernel {w.shape} takes {C}."
            + hint
        )
    if b is not None and getattr(b, "shape", None) != (O,):
        raise ValueError(f"the bias has shape {getattr(b, 'shape', ())}, and must be ({O},).")

    ws = _windows_of_the_result(H, W, (KH, KW), pair(stride, "stride"), padding)
    kernel = w.reshape(KH * KW * O, C)
    y = xp(x).empty((len(x), *ws.input, O), x.dtype)
    for some in _tiles(x, ws, O):
        columns = _matrix(x[some]) @ kernel.T  # (n*H*W, KH*KW*O)
        y[some] = _sum_windows(columns.reshape(-1, H, W, KH * KW * O), ws)
    if b is not None:
        y += b

    def dx(dy):  # conv2d of dy
        dx = xp(dy).empty(x.shape, dy.dtype)
        for some in _tiles(x, ws, O):
            dx[some] = (_matrix(_columns(dy[some], ws)) @ kernel).reshape(dx[some].shape)
        return dx

    def dw(dy):
        dw = xp(dy).zeros((KH * KW * O, C), dy.dtype)
        for some in _tiles(x, ws, O):
            dw += _matrix(_columns(dy[some], ws)).T @ _matrix(x[some])
        return dw.reshape(KH, KW, O, C)

    return y, (dx, dw, lambda dy: dy)  # db: summed to (O,)


def _windows_of_the_result(
    H: int, W: int, size: tuple[int, int], stride: tuple[int, int], padding: str
) -> Windows:
    """The windows over the larger pictures, as many as the pictures given have pixels: H x W."""
    (KH, KW), (SH, SW) = size, stride
    if padding == "valid":
        borders = (0, 0), (0, 0)
        larger = (H - 1) * SH + max(KH, SH), (W - 1) * SW + max(KW, SW)
    elif padding == "same":
        high, wide = max(KH - SH, 0), max(KW - SW, 0)  # what the last window sticks out
        borders = (high // 2, high - high // 2), (wide // 2, wide - wide // 2)
        larger = H * SH, W * SW
    else:
        raise ValueError(f'padding must be "valid" or "same", received {padding!r}.')
    return Windows(size, stride, borders, (H, W), larger)


def _tiles(x: Array, ws: Windows, channels: int) -> Iterator[slice]:
    """Slices of the batch whose columns stay in the processor's cache; on a GPU, the whole batch.

    The columns of a whole batch would go to memory and come back, page by new page.  The split
    depends on the shapes alone, so the bits do too.
    """
    columns = math.prod(ws.output) * math.prod(ws.size) * channels * x.dtype.itemsize
    most = max(1, TILE // max(columns, 1)) if device_of(x) == "cpu" else len(x)
    return (slice(n, n + most) for n in range(0, len(x), max(most, 1)))


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
