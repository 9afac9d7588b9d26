"""Convolution and pooling: columns and their transpose by a kernel each, products by cuBLAS."""

from __future__ import annotations

import math

from .. import plain
from ..arrays import Array, xp
from ..plain import matrix
from ..windows import Windows
from .channels import finish
from .launch import fits, launch, ready, takes
from .products import matmul


def _sizes(ws: Windows, C: int) -> dict[str, int]:
    """The constants of windows.cu."""
    (H, W), (OH, OW), (KH, KW), (SH, SW) = ws.input, ws.output, ws.size, ws.stride
    (TOP, _), (LEFT, _) = ws.padding
    return {
        "C": C, "H": H, "W": W, "OH": OH, "OW": OW, "KH": KH, "KW": KW, "SH": SH, "SW": SW,
        "TOP": TOP, "LEFT": LEFT,
    }  # fmt: skip


def columns(x: Array, ws: Windows) -> Array:
    C = x.shape[3]
    if not takes(x) or not fits(len(x), *ws.output, *ws.size, C):
        return plain.columns(x, ws)
    rows = xp(x).empty((len(x), *ws.output, math.prod(ws.size) * C), x.dtype)
    launch("windows.columns", rows.size, ready(x), rows, **_sizes(ws, C))
    return rows


def sum_windows(rows: Array, ws: Windows, bias: Array | None = None, relu: bool = False) -> Array:
    C = rows.shape[3] // math.prod(ws.size)
    known = takes(rows, *(() if bias is None else (bias,)))
    if not known or not fits(len(rows), *ws.input, C):
        return plain.finish(plain.sum_windows(rows, ws), bias, relu)
    x = xp(rows).empty((len(rows), *ws.input, C), rows.dtype)
    bias = None if bias is None else ready(bias)
    launch("windows.sum_windows", x.size, ready(rows), bias, int(relu), x, **_sizes(ws, C))
    return x


def convolve(x: Array, kernel: Array, bias: Array | None, ws: Windows, relu: bool = False) -> Array:
    if not takes(x, kernel) or not fits(len(x), *ws.output, kernel.shape[3]):
        return plain.convolve(x, kernel, bias, ws, relu)
    y = matmul(matrix(columns(x, ws)), matrix(kernel))  # (N * OH * OW, O)
    return finish(y.reshape(len(x), *ws.output, kernel.shape[3]), bias, relu)


def convolve_transposed(
    y: Array, kernel: Array, bias: Array | None, ws: Windows, relu: bool = False
) -> Array:
    if not takes(y, kernel):
        return plain.convolve_transposed(y, kernel, bias, ws, relu)
    rows = matmul(matrix(y), matrix(kernel).T)  # (N * OH * OW, KH * KW * C)
    return sum_windows(rows.reshape(*y.shape[:3], rows.shape[1]), ws, bias, relu)


def kernel_gradient(x: Array, dy: Array, ws: Windows) -> Array:
    dw = matmul(matrix(columns(x, ws)).T, matrix(dy))
    return dw.reshape(*ws.size, x.shape[3], dy.shape[3])


def max_pool(x: Array, ws: Windows) -> Array:
    return _pooled("max_pool", ws, x) if takes(x) else plain.max_pool(x, ws)


def sum_pool(x: Array, ws: Windows) -> Array:
    return _pooled("sum_pool", ws, x) if takes(x) else plain.sum_pool(x, ws)


def max_pool_back(dy: Array, x: Array, y: Array, ws: Windows) -> Array:
    if not takes(dy, x, y):
        return plain.max_pool_back(dy, x, y, ws)
    return _back("max_pool_back", ws, dy, x, y)


def sum_pool_back(dy: Array, ws: Windows) -> Array:
    if not takes(dy) or not fits(len(dy), *ws.input, dy.shape[3]):
        return plain.sum_pool_back(dy, ws)
    return _back("sum_pool_back", ws, dy)


def _pooled(name: str, ws: Windows, x: Array) -> Array:
    y = xp(x).empty((len(x), *ws.output, x.shape[3]), x.dtype)
    launch(f"windows.{name}", y.size, ready(x), y, **_sizes(ws, x.shape[3]))
    return y


def _back(name: str, ws: Windows, dy: Array, *others: Array) -> Array:
    C = dy.shape[3]
    dx = xp(dy).empty((len(dy), *ws.input, C), dy.dtype)
    launch(f"windows.{name}", dx.size, *map(ready, (dy, *others)), dx, **_sizes(ws, C))
    return dx
