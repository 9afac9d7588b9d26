"""Convolution as one product of matrices: windows as rows (im2col), kernels as columns.

Networks compute cross-correlation and call it convolution: the kernel is laid on the picture as it
is.  The convolution of signal processing (numpy.convolve) flips the kernel first.
"""

from __future__ import annotations

from ..devices import Windows, kernels
from ..devices.plain import columns, sum_windows
from ..tensor import differentiable
from .activation import before_relu, unchanged
from .windows import Padding, Pair, height_and_width, pair, symbols, windows


@differentiable
def im2col(x, size: Pair, stride: Pair = 1, padding: Padding = "valid"):
    """Every window of the pictures as one row of numbers.

    (N, H, W, C) -> (N, OH, OW, KH * KW * C)

    A convolution is then a product of matrices: `im2col(x, 3) @ kernel.reshape(9 * C, O)`.
    size, stride, padding: as for conv2d.  ValueError where a window does not fit.
    """
    ws = windows(x, size, stride, padding)
    return columns(x, ws), lambda dy: sum_windows(dy, ws)


@differentiable
def conv2d(x, w, b=None, stride: Pair = 1, padding: Padding = "valid", relu: bool = False):
    """Slide a kernel over pictures; multiply and add at each place.

    x (N, H, W, C), w (KH, KW, C, O), b (O,) -> (N, OH, OW, O)

    y[n,i,j,o] = b[o] + sum over u, v, c of x[n, i * stride + u, j * stride + v, c] * w[u,v,c,o]

    stride: a number for both directions or (vertical, horizontal), at least 1.
    padding: "valid" (none), "same" (zeros, so that OH = ceil(H / stride), as Keras places them), a
        number of pixels, (vertical, horizontal), or ((top, bottom), (left, right)).
    relu: whether max(0, y) is taken too, in the same pass: sooner than tn.relu(conv2d(...)).

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
    device = kernels(x)
    y = device.convolve(x, w, b, ws, relu)
    before = before_relu(y) if relu else unchanged
    return y, (
        lambda dy: device.spread(before(dy), w, None, ws),
        lambda dy: device.kernel_gradient(x, before(dy), ws),
        before,  # db: summed to (O,)
    )


@differentiable
def conv2d_transpose(x, w, b=None, stride: Pair = 1, padding: str = "valid", relu: bool = False):
    """Lay the kernel down at each pixel, times the pixel, and add where the copies overlap.

    x (N, H, W, C), w (KH, KW, O, C), b (O,) -> (N, OH, OW, O)

    y[n, i * stride + u, j * stride + v, o] = b[o] + sum over those i, j, u, v and all c of
        x[n,i,j,c] * w[u,v,o,c]

    The transpose of conv2d: what conv2d with this kernel, stride and padding does on the way back,
    from its output x to its input y.  Hence the order of the kernel's axes: C is last in both.

    stride: a number for both directions or (vertical, horizontal), at least 1.
    padding: "valid", OH = (H - 1) * stride + max(KH, stride), or "same", OH = H * stride, where the
        border that sticks out is cut off; the sizes are Keras'.
    relu: as for conv2d.

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

    ws = windows_of_the_result(H, W, (KH, KW), pair(stride, "stride"), padding)
    device = kernels(x)
    y = device.spread(x, w, b, ws, relu)
    before = before_relu(y) if relu else unchanged
    return y, (
        lambda dy: device.convolve(before(dy), w, None, ws),
        lambda dy: device.kernel_gradient(before(dy), x, ws),
        before,  # db: summed to (O,)
    )


def windows_of_the_result(
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
