"""The mathematics of Tensor's own operators and methods: arithmetic, indexing, shape, reduction.

Each is one function of plain arrays that returns its value and its pullbacks, as every operation
does (see `differentiable`).  They stand below tensor.py, which makes methods of them; operations
that are not methods are in ops/.
"""

from __future__ import annotations

import math
from typing import Any

from .devices import Array, add_at, device_of, is_array, move, xp

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
    z = x**y

    def dx(dz):
        if is_array(y):
            return dz * y * x ** xp(y).where(y == 0, 1, y - 1)  # where y is 0: 0, also at x = 0
        return dz * (y * x ** (y - 1)) if y != 0 else xp(x).zeros_like(x)

    def dy(dz):
        base = xp(z).asarray(x, dtype=z.dtype)
        return dz * z * xp(z).log(xp(z).where(base == 0, 1, base))  # at x = 0: 0

    return z, (dx, dy)


def matmul(x, w):
    """(..., N, M) . (..., M, O) -> (..., N, O), with NumPy's rules for vectors and stacks."""
    if not (is_array(x) and is_array(w) and x.ndim and w.ndim):
        raise ValueError("a number has no matrix product. Use * instead.")
    if x.shape[-1] != w.shape[-2 if w.ndim > 1 else 0]:
        raise ValueError(
            f"x {x.shape} @ w {w.shape}: x has {x.shape[-1]} columns and w has "
            f"{w.shape[-2 if w.ndim > 1 else 0]} rows. Make them equal: transpose or reshape one."
        )
    if x.ndim == w.ndim == 2:
        return x @ w, (lambda dy: dy @ w.T, lambda dy: x.T @ dy)
    if w.ndim == 2:  # one large product instead of a stack of small ones
        rows = x.reshape(math.prod(x.shape[:-1]), x.shape[-1])  # (N', M)
        flat = (len(rows), w.shape[1])
        return (rows @ w).reshape(*x.shape[:-1], w.shape[1]), (
            lambda dy: (dy.reshape(flat) @ w.T).reshape(x.shape),
            lambda dy: rows.T @ dy.reshape(flat),
        )
    a = x if x.ndim > 1 else x[None, :]  # a vector on the left is a row,
    b = w if w.ndim > 1 else w[:, None]  # on the right a column
    y = a @ b
    return y.squeeze(tuple(axis for axis, v in ((-2, x), (-1, w)) if v.ndim == 1)), (
        lambda dy: _as_vector(dy.reshape(y.shape) @ b.swapaxes(-1, -2), x, -2),
        lambda dy: _as_vector(a.swapaxes(-1, -2) @ dy.reshape(y.shape), w, -1),
    )


def _as_vector(dx: Array, x: Array, axis: int) -> Array:
    return dx.squeeze(axis) if x.ndim == 1 else dx


# -- comparison: the result is not floating, so there is no gradient -------------------------------


def less(x, y):
    return x < y, None


def less_equal(x, y):
    return x <= y, None


def greater(x, y):
    return x > y, None


def greater_equal(x, y):
    return x >= y, None


def equal(x, y):
    return x == y, None


def not_equal(x, y):
    return x != y, None


# -- indexing, shape, place ------------------------------------------------------------------------


def getitem(x, index: Any):
    def dx(dy):
        dx = xp(x).zeros_like(x)
        if all(isinstance(i, int | slice | type(None) | type(...)) for i in index):
            dx[index] = dy
        else:
            add_at(dx, index, dy)  # an element that was taken twice gets both gradients
        return dx

    return x[index], dx


def reshape(x, shape: Any):
    sizes = (shape,) if isinstance(shape, int) else tuple(shape)
    known = math.prod(n for n in sizes if n != -1)
    fits = known != 0 and x.size % known == 0 if sizes.count(-1) == 1 else known == x.size
    if not fits or any(n < -1 for n in sizes) or sizes.count(-1) > 1:
        raise ValueError(
            f"shape {x.shape} has {x.size} elements, which do not fill {sizes}. The products must "
            "be equal; one size may be -1."
        )
    return x.reshape(shape), lambda dy: dy.reshape(x.shape)


def transpose(x, axes: tuple[int, ...]):
    back = sorted(range(len(axes)), key=lambda i: axes[i] % max(x.ndim, 1))
    return x.transpose(axes), lambda dy: dy.transpose(back)


def to(x, device: str):
    home = device_of(x)
    return move(x, device), lambda dy: move(dy, home)


# -- reduction: over all elements, over an axis, or over a tuple of axes ---------------------------


def sum_(x, axis: Axis = None, keepdims: bool = False):
    """The sum of the elements.  (...) -> the shape without axis (size 1 there with keepdims)"""
    y = x.sum(axis=axis, keepdims=keepdims)
    return y, lambda dy: xp(x).broadcast_to(_unreduce(dy, x, axis), x.shape)


def mean(x, axis: Axis = None, keepdims: bool = False):
    """The mean of the elements.  Shapes as for sum.  ValueError where there are no elements."""
    n = _not_empty(x, axis)
    y = x.mean(axis=axis, keepdims=keepdims)
    return y, lambda dy: xp(x).broadcast_to(_unreduce(dy * (1 / n), x, axis), x.shape)


def max_(x, axis: Axis = None, keepdims: bool = False):
    """The largest element.  Shapes as for sum.  Among equals, the gradient goes to the first."""
    _not_empty(x, axis)
    y = x.max(axis=axis, keepdims=keepdims)
    return y, lambda dy: _first_equal(x, y, axis) * _unreduce(dy, x, axis)


def min_(x, axis: Axis = None, keepdims: bool = False):
    """The smallest element.  Shapes as for sum.  Among equals, the gradient goes to the first."""
    _not_empty(x, axis)
    y = x.min(axis=axis, keepdims=keepdims)
    return y, lambda dy: _first_equal(x, y, axis) * _unreduce(dy, x, axis)


def _reduced_axes(x: Array, axis: Axis) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(x.ndim))
    axes = (axis,) if isinstance(axis, int) else axis
    return tuple(sorted(a % x.ndim for a in axes))


def _not_empty(x: Array, axis: Axis) -> int:
    """How many elements each element of a reduction is made of; ValueError for none."""
    n = math.prod(x.shape[i] for i in _reduced_axes(x, axis))
    if n == 0:
        raise ValueError(f"shape {x.shape} has no elements to reduce. Check how it was made.")
    return n


def _unreduce(y: Array, x: Array, axis: Axis) -> Array:
    """A reduction of x, with the axes that it lost put back at size 1."""
    gone = _reduced_axes(x, axis)
    return xp(x).reshape(y, [1 if i in gone else n for i, n in enumerate(x.shape)])


def _first_equal(x: Array, y: Array, axis: Axis) -> Array:
    """Of x's shape: True at the first element along axis that equals the reduction y."""
    gone = _reduced_axes(x, axis)
    order = [i for i in range(x.ndim) if i not in gone] + list(gone)
    equal = (x == _unreduce(y, x, axis)).transpose(order)  # (kept..., reduced...)
    R = math.prod(x.shape[i] for i in gone)
    rows = equal.reshape(*equal.shape[: x.ndim - len(gone)], R)  # (kept..., R)
    first = rows.argmax(axis=-1)[..., None] == xp(x).arange(R)
    return first.reshape(equal.shape).transpose(sorted(range(x.ndim), key=order.__getitem__))
