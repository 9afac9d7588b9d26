"""Convolution: by Winograd where that serves, otherwise by columns, as without Numba."""

from __future__ import annotations

import math

import numpy

from .. import cpu, settings
from ..windows import Windows
from . import winograd
from .loop import ready
from .parts import takes

Array = numpy.ndarray


def convolve(x: Array, kernel: Array, bias: Array | None, ws: Windows, relu: bool = False) -> Array:
    C, O = kernel.shape[2:]  # noqa: E741
    if not (takes(x, kernel) and winograd.serves(C, O, ws)):
        return cpu.convolve(x, kernel, bias, ws, relu)
    (top, _), (left, _) = ws.padding
    return winograd.convolve(ready(x), ready(kernel), bias, ws.output, top, left, relu)


def convolve_transposed(
    y: Array, kernel: Array, bias: Array | None, ws: Windows, relu: bool = False
) -> Array:
    """With stride 1, it is the convolution with the kernel turned by 180 degrees."""
    C, O = kernel.shape[2:]  # noqa: E741
    if not (takes(y, kernel) and winograd.serves(O, C, ws)):
        return cpu.convolve_transposed(y, kernel, bias, ws, relu)
    turned = ready(kernel[::-1, ::-1].transpose(0, 1, 3, 2))
    (top, _), (left, _) = ws.padding
    edge = ws.size[0] - 1
    return winograd.convolve(ready(y), turned, bias, ws.input, edge - top, edge - left, relu)


def kernel_gradient(x: Array, dy: Array, ws: Windows) -> Array:
    if not (takes(dy, x) and winograd.serves(x.shape[3], dy.shape[3], ws)):
        return cpu.kernel_gradient(x, dy, ws)
    (top, _), (left, _) = ws.padding
    return winograd.kernel_gradient(ready(x), ready(dy), ws.size[0], top, left)


def convolve_workspace(N: int, itemsize: int, channels: int, outputs: int, ws: Windows) -> int:
    if _large(N, itemsize, channels, ws.input) and winograd.serves(channels, outputs, ws):
        return winograd.workspace(N, ws.size[0], channels, outputs, ws.output)
    return cpu.convolve_workspace(N, itemsize, channels, outputs, ws)


def convolve_transposed_workspace(
    N: int, itemsize: int, channels: int, outputs: int, ws: Windows
) -> int:
    if _large(N, itemsize, outputs, ws.output) and winograd.serves(outputs, channels, ws):
        return winograd.workspace(N, ws.size[0], outputs, channels, ws.input)
    return cpu.convolve_transposed_workspace(N, itemsize, channels, outputs, ws)


def _large(N: int, itemsize: int, channels: int, size: tuple[int, int]) -> bool:
    return itemsize == 4 and N * math.prod(size) * channels >= settings.LEAST
