"""The mathematics of Tensor's own operators and methods: arithmetic, indexing, shape, reduction.

Each is one function of plain arrays that returns its value and its pullbacks, as every operation
does (see `differentiable`).  They stand below tensor.py, which makes methods of them; operations
that are not methods are in ops/.
"""

from __future__ import annotations

import math
from typing import Any

from numpy.lib.array_utils import normalize_axis_tuple

from ..devices import Array, device_of, gpu, is_array, kernels, move, xp
from ..messages.arguments import is_whole
from .inputs import without_gradient
from .observer import ALL, Work

Axis = int | tuple[int, ...] | None


# -- arithmetic: a pullback for each operand; the engine undoes broadcasting -----------------------


def add(x, y):
    return x + y, (lambda dz: dz, lambda dz: dz)


def subtract(x, y):
    return x - y, (lambda dz: dz, lambda dz: -dz)


def multiply(x, y):
    return x * y, (lambda dz: dz * y, lambda dz: dz * x)


def divide(x, y):
    return x / y, (lambda dz: dz / y, lambda dz: -dz * x / (y * y))


def negative(x):
    return -x, lambda dy: -dy


def power(x, y):
    gpu.check_power(x, y)
    z = x**y

    def dx(dz):
        if is_array(y):
            return dz * y * x ** xp(y).where(y == 0, 1, y - 1)  # where y is 0: 0, also at x = 0
        return dz * (y * x ** (y - 1)) if y != 0 else xp(dz).zeros_like(dz)

    def dy(dz):
        base = xp(z).asarray(x, dtype=z.dtype)
        return dz * z * xp(z).log(xp(z).where(base == 0, 1, base))  # at x = 0: 0

    return z, (dx, dy)


def matmul(x, w):
    """(..., N, M) . (..., M, O) -> (..., N, O), with NumPy's rules for vectors and stacks."""
    if not (getattr(x, "shape", ()) and getattr(w, "shape", ())):
        raise ValueError("a number has no matrix product. Use * instead.")
    if x.shape[-1] != w.shape[-2 if w.ndim > 1 else 0]:
        raise ValueError(
            f"x {x.shape} @ w {w.shape}: x has {x.shape[-1]} columns and w has "
            f"{w.shape[-2 if w.ndim > 1 else 0]} rows. Make them equal: transpose or reshape one."
        )
    product = kernels(x).product
    if x.ndim == w.ndim == 2:
        return product(x, w), (lambda dy: product(dy, w.T), lambda dy: product(x.T, dy))
    if w.ndim == 2:  # one large product instead of a stack of small ones
        shape = x.shape
        rows = x.reshape(math.prod(shape[:-1]), shape[-1])  # (N', M)
        flat = (len(rows), w.shape[1])
        return product(rows, w).reshape(*shape[:-1], w.shape[1]), (
            lambda dy: product(dy.reshape(flat), w.T).reshape(shape),
            lambda dy: product(rows.T, dy.reshape(flat)),
        )
    a = x if x.ndim > 1 else x[None, :]  # a vector on the left is a row,
    b = w if w.ndim > 1 else w[:, None]  # on the right a column
    y = product(a, b)
    full = y.shape
    row, column = x.ndim == 1, w.ndim == 1
    return y.squeeze((-2,) * row + (-1,) * column), (
        lambda dy: product(dy.reshape(full), b.swapaxes(-1, -2)).squeeze((-2,) * row),
        lambda dy: product(a.swapaxes(-1, -2), dy.reshape(full)).squeeze((-1,) * column),
    )


matmul_work = lambda y, x, w: Work(y.size * x.shape[-1], ALL)  # each number is a sum over M


# -- comparison: the result is not floating, so there is no gradient -------------------------------


def comparison(name: str) -> Any:
    """NumPy's less, less_equal, greater, greater_equal, equal or not_equal as an operation."""

    def compare(x, y):
        return getattr(xp(x, y), name)(x, y), None

    compare.__name__ = name
    return compare


# -- indexing, shape, place ------------------------------------------------------------------------


def getitem(x, index: Any):
    index, shape = tuple(without_gradient(i, "index") for i in index), x.shape
    index = gpu.checked_index(index, x)

    def dx(dy):
        dx = xp(dy).zeros(shape, dy.dtype)
        if all(isinstance(i, int | slice | type(None) | type(...)) for i in index):
            dx[index] = dy
        else:
            kernels(dx).add_at(dx, index, dy)  # an element that was taken twice gets both gradients
        return dx

    return x[index], dx


def reshape(x, shape: Any):
    before = x.shape
    sizes = tuple(shape) if isinstance(shape, tuple | list) else (shape,)
    if not all(is_whole(n) for n in sizes):
        raise TypeError(f"sizes must be whole numbers, received {shape!r}.")
    known = math.prod(n for n in sizes if n != -1)
    filled = known != 0 and x.size % known == 0 if sizes.count(-1) == 1 else known == x.size
    if not filled or any(n < -1 for n in sizes) or sizes.count(-1) > 1:
        raise ValueError(f"{before} has {x.size} elements, which do not fill {sizes}.")
    return x.reshape(sizes), lambda dy: dy.reshape(before)


def transpose(x, axes: tuple[int, ...]):
    order = normalize_axis_tuple(axes, x.ndim)
    back = sorted(range(len(order)), key=order.__getitem__)
    return x.transpose(order), lambda dy: dy.transpose(back)


def to(x, device: str):
    home = device_of(x)
    return move(x, device), lambda dy: move(dy, home)


# -- reduction: over all elements, over an axis, or over a tuple of axes ---------------------------


reads_all = lambda y, x, **settings: Work(0, ALL)


def sum_(x, axis: Axis = None, keepdims: bool = False):
    """The sum of the elements.  (...) -> the shape without axis (size 1 there with keepdims)"""
    kept, shape = _kept(x, axis), x.shape
    y = x.sum(axis=axis, keepdims=keepdims)
    return y, lambda dy: xp(dy).broadcast_to(xp(dy).reshape(dy, kept), shape)


def mean(x, axis: Axis = None, keepdims: bool = False):
    """The mean of the elements.  Shapes as for sum.  ValueError where there are no elements."""
    kept, shape, n = _kept(x, axis), x.shape, _count(x, axis)
    y = x.mean(axis=axis, keepdims=keepdims)
    return y, lambda dy: xp(dy).broadcast_to(xp(dy).reshape(dy * (1 / n), kept), shape)


def max_(x, axis: Axis = None, keepdims: bool = False):
    """The largest element.  Shapes as for sum.  Among equals, the gradient goes to the first."""
    _count(x, axis)
    y = x.max(axis=axis, keepdims=keepdims)
    return y, lambda dy: _to_first_equal(dy, x, y, axis)


def min_(x, axis: Axis = None, keepdims: bool = False):
    """The smallest element.  Shapes as for sum.  Among equals, the gradient goes to the first."""
    _count(x, axis)
    y = x.min(axis=axis, keepdims=keepdims)
    return y, lambda dy: _to_first_equal(dy, x, y, axis)


def argmax(x, axis: int | None = None, keepdims: bool = False):
    """The index of the largest element, the first among equals.  Shapes as for sum; no gradient."""
    _count(x, axis)
    return x.argmax(axis=axis, keepdims=keepdims), None


def var(x, axis: Axis = None, keepdims: bool = False):
    """The variance: the mean of (x - mean)^2, as NumPy has it.  Shapes as for sum."""
    kept, n = _kept(x, axis), _count(x, axis)
    away = x - x.mean(axis=axis, keepdims=True)
    y = (away * away).mean(axis=axis, keepdims=keepdims)
    return y, lambda dy: xp(dy).reshape(dy * (2 / n), kept) * away


def std(x, axis: Axis = None, keepdims: bool = False):
    """The standard deviation, the root of var.  Where it is 0, so is the gradient."""
    y, back = var(x, axis, keepdims)
    y = xp(x).sqrt(y)
    return y, lambda dy: back(dy / xp(y).where(y == 0, 1, 2 * y))


def squeeze(x, axis: Axis = None):
    """The same elements without the axes of size 1, or without those named, which must have it."""
    shape = x.shape
    return x.squeeze(axis), lambda dy: dy.reshape(shape)


def _axes(x: Array, axis: Axis) -> tuple[int, ...]:
    """The axes that a reduction takes away, each in [0, ndim), in order."""
    if axis is None:
        return tuple(range(x.ndim))
    return tuple(sorted(normalize_axis_tuple(axis, x.ndim)))


def _kept(x: Array, axis: Axis) -> tuple[int, ...]:
    """The shape of x with size 1 where a reduction takes the axis away."""
    gone = _axes(x, axis)
    return tuple(1 if i in gone else n for i, n in enumerate(x.shape))


def _count(x: Array, axis: Axis) -> int:
    """How many elements each element of a reduction is made of; ValueError for none."""
    n = math.prod(x.shape[i] for i in _axes(x, axis))
    if n == 0:
        raise ValueError(f"shape {x.shape} has no elements to reduce. Check how it was made.")
    return n


def _to_first_equal(dy: Array, x: Array, y: Array, axis: Axis) -> Array:
    """dy to the first element of x along axis that equals the reduction y, 0 to the others."""
    gone, kept = _axes(x, axis), _kept(x, axis)
    order = [i for i in range(x.ndim) if i not in gone] + list(gone)
    equal = (x == xp(x).reshape(y, kept)) | (x != x)  # NaN is the extreme where there is one
    equal = equal.transpose(order)  # (kept..., reduced...)
    R = math.prod(x.shape[i] for i in gone)
    rows = equal.reshape(*equal.shape[: x.ndim - len(gone)], R)  # (kept..., R)
    first = rows.argmax(axis=-1)[..., None] == xp(x).arange(R)
    back = sorted(range(x.ndim), key=order.__getitem__)
    return first.reshape(equal.shape).transpose(back) * xp(x).reshape(dy, kept)
