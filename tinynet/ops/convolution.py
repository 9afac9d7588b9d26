"""Convolution as one product of matrices: windows as rows (im2col), kernels as columns.

Networks compute cross-correlation and call it convolution: they do not flip the kernel.  The
convolution of signal processing (numpy.convolve) flips it first.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from ..devices import Array, Windows, kernels
from ..engine.observer import Work
from ..engine.tensor import differentiable
from ..messages.arguments import choice, written
from .activation import relu_pullback
from .windows import Padding, Pair, height_and_width, pair, windows


def _im2col_work(y, x, size: Pair, stride: Pair = 1, padding: Padding = "valid"):
    return Work(0, pair(size, "size"), pair(stride, "stride"))


@differentiable(work=_im2col_work)
def im2col(x, size: Pair, stride: Pair = 1, padding: Padding = "valid"):
    """Every window of the pictures as one row of numbers.

    (N, H, W, C) -> (N, OH, OW, KH * KW * C)

    A convolution is then a product of matrices: `im2col(x, 3) @ kernel.reshape(9 * C, O)`.
    size, stride, padding: as for conv2d.  ValueError if a window is larger than the picture.
    """
    ws = windows(height_and_width(x), size, stride, padding)
    device = kernels(x)
    return device.columns(x, ws), lambda dy: device.sum_windows(dy, ws)


def _conv2d_work(y, x, w, b=None, stride: Pair = 1, padding: Padding = "valid", relu=False):
    """Each number of y (N, OH, OW, O) is a sum over KH, KW and C."""
    KH, KW, C, O = w.shape  # noqa: E741
    ws = windows(x.shape[1:3], (KH, KW), stride, padding)
    row = KH * KW * C
    return Work(
        y.size * row,
        ws.size,
        ws.stride,
        y.size // O * row * y.itemsize,
        lambda N: kernels(y).convolve_workspace(N, y.itemsize, C, O, ws),
    )


@differentiable(work=_conv2d_work)
def conv2d(x, w, b=None, stride: Pair = 1, padding: Padding = "valid", relu: bool = False):
    """Slide a kernel over pictures; at each place, multiply and add.

    x (N, H, W, C), w (KH, KW, C, O), b (O,) -> (N, OH, OW, O)

    y[n,i,j,o] = b[o] + sum over u, v, c of x[n, i * stride + u, j * stride + v, c] * w[u,v,c,o]

    stride: a number for both directions or (vertical, horizontal), at least 1.
    padding: "valid" (none), "same" (zeros, so that OH = ceil(H / stride), placed as in Keras), a
        number of pixels, (vertical, horizontal), or ((top, bottom), (left, right)).
    relu: whether to take max(0, y) in the same pass, which is faster than tn.relu(conv2d(...)).

    Cross-correlation: the kernel is not flipped.  ValueError for shapes or ranges that do not fit.
    """
    KH, KW, C, O = _kernel_shape(w, "(KH, KW, C, O)")  # noqa: E741
    if getattr(x, "ndim", None) == 4 and x.shape[3] != C:
        hint = f" Make the kernel ({KH}, {KW}, {x.shape[3]}, {O})."
        if C == O and KH != KW and x.shape[3] == KW:
            hint = " Kernels are (KH, KW, C, O): one of (O, C, KH, KW) is w.transpose(2, 3, 1, 0)."
        if x.shape[1] == C:
            hint = " Pictures are channels-last, (N, H, W, C): use x.transpose(0, 2, 3, 1)."
        raise _wrong_channels(x, w, C, hint)
    _check_bias(b, O)
    ws = windows(height_and_width(x), (KH, KW), stride, padding)
    device = kernels(x)
    y = device.convolve(x, w, b, ws, relu)
    dz = relu_pullback(y) if relu else lambda dy: dy
    return y, (
        lambda dy: device.convolve_transposed(dz(dy), w, None, ws),
        lambda dy: device.kernel_gradient(x, dz(dy), ws),
        dz,  # db: summed to (O,)
    )


def _conv2d_transpose_work(y, x, w, b=None, stride: Pair = 1, padding="valid", relu=False):
    """Each pixel of x gives KH * KW * O numbers; one of y sums ceil(K / stride) in a direction."""
    (KH, KW, O, C), (SH, SW) = w.shape, pair(stride, "stride")  # noqa: E741
    ws = windows_of_result(x.shape[1:3], (KH, KW), (SH, SW), padding)
    return Work(
        x.size * KH * KW * O,
        (-(-KH // SH), -(-KW // SW)),
        (Fraction(1, SH), Fraction(1, SW)),
        x.size // C * KH * KW * O * y.itemsize,
        lambda N: kernels(y).convolve_transposed_workspace(N, y.itemsize, O, C, ws),
    )


@differentiable(work=_conv2d_transpose_work)
def conv2d_transpose(x, w, b=None, stride: Pair = 1, padding: str = "valid", relu: bool = False):
    """Lay a copy of the kernel, times the pixel, on each pixel, and add where copies overlap.

    x (N, H, W, C), w (KH, KW, O, C), b (O,) -> (N, OH, OW, O)

    y[n, i * stride + u, j * stride + v, o] = b[o] + sum over those i, j, u, v and all c of
        x[n,i,j,c] * w[u,v,o,c]

    The transpose of conv2d: it computes dx of a conv2d with this kernel, stride and padding, whose
    output has the shape of x and whose input that of y.  So C, the axis of x, is the kernel's last.

    stride: a number for both directions or (vertical, horizontal), at least 1.
    padding: "valid", OH = (H - 1) * stride + max(KH, stride), or "same", OH = H * stride, where the
        border that sticks out is cut off.  The sizes are those of Keras.
    relu: as for conv2d.

    ValueError for shapes or ranges that do not fit.  Source: Dumoulin and Visin, "A guide to
    convolution arithmetic for deep learning", 2016.
    """
    KH, KW, O, C = _kernel_shape(w, "(KH, KW, O, C)")  # noqa: E741
    size = height_and_width(x)
    if x.shape[3] != C:
        hint = f" Make the kernel ({KH}, {KW}, {O}, {x.shape[3]})."
        if x.shape[3] == O:
            hint = " Here kernels are (KH, KW, O, C), with C last: use w.transpose(0, 1, 3, 2)."
        raise _wrong_channels(x, w, C, hint)
    _check_bias(b, O)
    ws = windows_of_result(size, (KH, KW), pair(stride, "stride"), padding)
    device = kernels(x)
    y = device.convolve_transposed(x, w, b, ws, relu)
    dz = relu_pullback(y) if relu else lambda dy: dy
    return y, (
        lambda dy: device.convolve(dz(dy), w, None, ws),
        lambda dy: device.kernel_gradient(dz(dy), x, ws),
        dz,  # db: summed to (O,)
    )


def windows_of_result(
    given: tuple[int, int], size: tuple[int, int], stride: tuple[int, int], padding: str
) -> Windows:
    """The windows over the larger pictures: one for each of the H x W given pixels."""
    (H, W), (KH, KW), (SH, SW) = given, size, stride
    if choice("", "padding", padding, ("valid", "same")) == "valid":
        larger = (H - 1) * SH + max(KH, SH), (W - 1) * SW + max(KW, SW)
        return Windows(size, stride, ((0, 0), (0, 0)), given, larger)
    high, wide = max(KH - SH, 0), max(KW - SW, 0)  # how far the last window sticks out
    borders = (high // 2, high - high // 2), (wide // 2, wide - wide // 2)
    return Windows(size, stride, borders, given, (H * SH, W * SW))


def _kernel_shape(w: Array, axes: str) -> Any:
    shape = getattr(w, "shape", ())
    if len(shape) != 4 or 0 in shape:
        raise ValueError(f"the kernel has shape {shape}, and must be {axes}, each at least 1.")
    return shape


def _check_bias(b: Any, O: int) -> None:  # noqa: E741
    if b is not None and getattr(b, "shape", ()) != (O,):
        raise ValueError(f"the bias has shape {getattr(b, 'shape', ())}, and must be ({O},).")


def _wrong_channels(x: Array, w: Array, C: int, hint: str) -> ValueError:
    given = f"input {written(x.shape[1:])} has {x.shape[3]} channels"
    return ValueError(f"{given}, and the kernel {w.shape} takes {C}.{hint}")
