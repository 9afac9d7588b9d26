"""The table of operations: a row for each, and for each way to call it that takes other code.

A row is an operation, the oracle that says what it must give (oracles.py), and how its inputs are
drawn.  test_operations.py checks every row in the same ways: to test a new operation, add a row.
"""

from __future__ import annotations

import itertools
import math
import operator
import statistics
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy

import tinynet as tn

from . import oracles
from .oracles import along, each, pooled, reduced

Shape = tuple[int, ...]


class Values(NamedTuple):
    """One input: its shape, and how its values are drawn for a shape."""

    shape: Shape
    draw: Callable[[numpy.random.Generator, Shape], numpy.ndarray]


class Row(NamedTuple):
    id: str
    operation: str  # as tensor.operation has it
    f: Callable[..., tn.Tensor]  # of tensors
    oracle: Callable[..., numpy.ndarray]  # of arrays
    inputs: list[Values]
    tolerance: float  # of its values, relative to the largest

    def draw(self, rng: numpy.random.Generator) -> list[numpy.ndarray]:
        return [values.draw(rng, values.shape) for values in self.inputs]


def row(
    name: str,
    f: Any,
    oracle: Any,
    *inputs: Values,
    also: Sequence[Any] = (),
    tolerance: float = 1e-13,
    **settings: Any,
) -> list[Row]:
    """name: the operation, or "operation: what is special here".

    also: other shapes for the inputs, a tuple of shapes each; every one makes a further row.
    tolerance: by how much values may differ from the oracle's, relative to the largest.
    settings: what f and the oracle both get.
    """
    rows = []
    for shapes in ([values.shape for values in inputs], *also):
        words = [name, *(f"{key}={value}" for key, value in settings.items())]
        words += ["x".join(map(str, shape)) or "number" for shape in shapes]
        changed = [v._replace(shape=shape) for v, shape in zip(inputs, shapes, strict=True)]
        calls = partial(f, **settings), partial(oracle, **settings)
        rows.append(Row(" ".join(words), name.split(":")[0], *calls, changed, tolerance))
    return rows


# -- how inputs are drawn ----------------------------------------------------------------------


def distinct(rng: numpy.random.Generator, shape: Shape, low: float, high: float) -> numpy.ndarray:
    """Different numbers, so that none are tied; exact in float32, so that both dtypes get them."""
    n = math.prod(shape)
    cells = (rng.permutation(n) + rng.uniform(0.2, 0.8, n)) / max(n, 1)
    x = (low + (high - low) * cells).reshape(shape)
    return x.astype(numpy.float32).astype(numpy.float64)


def signed(*shape: int) -> Values:
    """Of both signs and away from 0, where abs, relu and division have their kinks and poles."""
    return Values(shape, lambda rng, s: distinct(rng, s, 0.2, 2) * rng.choice([-1.0, 1.0], s))


def positive(*shape: int) -> Values:
    return Values(shape, lambda rng, s: distinct(rng, s, 0.2, 2))


def unit(*shape: int) -> Values:
    """Inside (0, 1)."""
    return Values(shape, lambda rng, s: distinct(rng, s, 0.1, 0.9))


def whole(below: int, *shape: int) -> Values:
    """Integers in [0, below): class numbers, indices.  More of them than `below` repeat some."""
    return Values(shape, lambda rng, s: rng.integers(below, size=s))


def one_hot(*shape: int) -> Values:
    return Values(
        shape, lambda rng, s: numpy.eye(s[-1], dtype=int)[rng.integers(s[-1], size=s[:-1])]
    )


def between(low: int, below: int, *shape: int) -> Values:
    """Integers in [low, below): labels without the class 0, lengths."""
    return Values(shape, lambda rng, s: rng.integers(low, below, size=s))


def mask(*shape: int) -> Values:
    return Values(shape, lambda rng, s: rng.permutation(math.prod(s)).reshape(s) % 2 == 0)


def seeing(*shape: int) -> Values:
    """A mask with a True in each line of the last axis."""
    return Values(shape, lambda rng, s: rng.random(s) < numpy.eye(s[-1])[0] + 0.5)


def beside(x: tn.Tensor, values: Any) -> tn.Tensor:
    """A constant in the dtype of x, on its device."""
    return tn.Tensor(numpy.array(values, dtype=x.dtype)).to(x.device)


def recurrent(
    name: str,
    f: Any,
    oracle: Any,
    gates: int = 1,
    states: int = 1,
    biases: Shape = (),
    **settings: Any,
) -> list[list[Row]]:
    """Rows of a recurrent cell, without and with a mask; other sizes, one step, no example."""

    def inputs(N: int, T: int, D: int, U: int) -> tuple[Shape, ...]:
        weights = (D, gates * U), (U, gates * U), (*biases, gates * U)
        return ((N, T, D), *[(N, U)] * states, *weights)

    values = [signed(*shape) for shape in inputs(2, 3, 2, 2)]
    also = [inputs(1, 1, 1, 3), inputs(0, 2, 3, 1)]
    some = ((True, False, True), (False, True, False))
    return [
        row(name, f, oracle, *values, also=also, tolerance=1e-12, **settings),
        row(name, f, oracle, *values, tolerance=1e-12, mask=some, **settings),
    ]


# -- shapes and settings that many rows share: empty ones, and axes of size 1 ------------------

BROADCAST = [
    ((3, 4), (4,)),
    ((2, 1), (3, 1, 4)),
    ((), (2, 3)),
    ((2, 3), (1, 1)),
    ((0, 3), (3,)),
    ((0, 1), (1, 3)),
]
PRODUCTS = [
    ((2, 3, 4), (4, 2)),  # N-D @ 2-D
    ((2, 2, 3, 4), (4, 1)),
    ((2, 3, 4), (2, 4, 2)),  # stacks
    ((2, 1, 3, 4), (3, 4, 2)),
    ((3, 4), (2, 4, 2)),
    ((4,), (4, 2)),  # vectors
    ((3, 4), (4,)),
    ((4,), (4,)),
    ((2, 3, 4), (4,)),
    ((4,), (2, 4, 3)),
    ((0, 4), (4, 2)),
    ((3, 0), (0, 2)),
    ((0, 3, 4), (4, 2)),
    ((0, 3, 4), (0, 4, 2)),
    ((1, 1), (1, 1)),
]
CUBE = signed(2, 3, 4)
DRAWN = 3e-6  # noise is drawn in float32, and the oracle's in float64
PICTURES, NONE = signed(2, 5, 4, 2), [((0, 5, 4, 2),)]
BORDER = ((1, 2), (0, 2))
MODES = [{"mode": mode} for mode in ("constant", "edge", "symmetric", "reflect")]
QUERIES = signed(2, 3, 4), signed(2, 5, 4), signed(2, 5, 6)
EXAMPLES = [((3,), (3,)), ((2, 2, 3), (2, 2, 3)), ((1, 1), (1, 1)), ((2, 0), (2, 0))]
CONVOLUTIONS = [
    {},
    {"padding": "same"},
    {"padding": "same", "stride": 2},
    {"padding": "same", "stride": (3, 1)},
    {"padding": 1},
    {"padding": (2, 0), "stride": (2, 1)},
    {"padding": ((1, 0), (0, 2)), "stride": (1, 2)},
]
TRANSPOSED = [
    {"padding": padding, "stride": stride}
    for padding in ("valid", "same")
    for stride in (1, 2, (1, 3), 4)  # smaller than the kernel, equal and larger
]
POOLINGS = [
    {},
    {"size": (3, 2)},
    {"size": 3, "stride": 2},  # windows overlap
    {"size": 2, "stride": 3},  # pixels between the windows
    {"size": 3, "stride": (1, 2), "padding": "same"},
    {"size": 3, "stride": 1, "padding": (1, 2)},
    {"size": (2, 3), "stride": 2, "padding": ((1, 0), (0, 2))},
    {"ceil_mode": True},
    {"size": 3, "stride": 2, "padding": 1, "ceil_mode": True},
    {"size": 2, "padding": 1, "ceil_mode": True},  # a last window would see nothing but border
]


# -- families: rows that differ in the operation only ------------------------------------------


def unary(name: str, f: Any, number: Any, values: Any = signed) -> list[Row]:
    """An operation on each element; number: the same on one number."""
    return row(name, f, each(number), values(3, 4), also=[((0, 3),), ((1, 1),), ((),)])


def binary(name: str, f: Any, number: Any, values: Any = signed) -> list[Row]:
    """An operation on pairs of elements, which broadcasts."""
    return row(name, f, each(number), values(3, 4), signed(3, 4), also=BROADCAST)


def indexed(name: str, f: Any, *index: Values) -> list[Row]:
    """Indexing is written alike for tensors and for NumPy arrays: f is its own oracle."""
    return row(f"getitem: {name}", f, f, signed(3, 4), *index)


def every(settings: Sequence[dict[str, Any]], *arguments: Any, **more: Any) -> list[Row]:
    """Rows that differ in their settings."""
    return [made for how in settings for made in row(*arguments, **more, **how)]


def reduction(name: str, f: Any, numbers: Any) -> list[Row]:
    """An operation that makes one number of several; numbers: the same on a list."""
    arguments = name, f, reduced(numbers), CUBE
    some = axes(1, -1, (0, 2), (-1, 0))
    return [
        *every(axes(None), *arguments, also=[((),), ((1, 1),)]),
        *every(some, *arguments, also=[((1, 1, 1),)]),
        *every(axes(None) + some, *arguments, keepdims=True),
    ]


def lines(name: str, f: Any, line: Any) -> list[Row]:
    """An operation on each line along an axis; line: the same on a list."""
    return every(axes(-1, 1), name, f, along(line), CUBE, also=[((0, 3, 4),), ((1, 1, 1),)])


def axes(*choices: Any) -> list[dict[str, Any]]:
    return [{"axis": axis} for axis in choices]


def pooling(name: str, f: Any, numbers: Any) -> list[Row]:
    """One number for each window; numbers: the same on the list of what is in it."""
    also = [((0, 5, 7, 2),), ((1, 3, 4, 1),)]
    return every(POOLINGS, name, f, pooled(numbers), signed(2, 5, 7, 2), also=also)


def loss(name: str, f: Any, oracle: Any, *inputs: Values, also: Sequence[Any] = ()) -> list[Row]:
    reductions = [{"reduction": reduction} for reduction in ("mean", "sum", "none")]
    return every(reductions, name, f, oracle, *inputs, also=also)


# -- the table ---------------------------------------------------------------------------------

TABLE = [
    binary("add", operator.add, operator.add),
    unary("add: to a number", lambda x: 3 + x, lambda x: 3 + x),
    binary("subtract", operator.sub, operator.sub),
    unary("subtract: from a number", lambda x: 3 - x, lambda x: 3 - x),
    binary("multiply", operator.mul, operator.mul),
    unary("multiply: a number", lambda x: 3 * x, lambda x: 3 * x),
    binary("divide", operator.truediv, operator.truediv),
    unary("divide: a number", lambda x: 3 / x, lambda x: 3 / x),
    binary("power", operator.pow, operator.pow, positive),
    row("power: whole", operator.pow, each(operator.pow), signed(3, 4), whole(4, 4)),
    unary("power: cube", lambda x: x**3, lambda x: x * x * x),
    unary("power: root", lambda x: x**0.5, math.sqrt, positive),
    unary("power: inverse", lambda x: x**-1, lambda x: 1 / x),
    unary("power: zero", lambda x: x**0, lambda x: 1.0),
    unary("power: of a number", lambda x: 2**x, lambda x: math.exp(x * math.log(2))),
    unary("negative", operator.neg, operator.neg),
    row("matmul", operator.matmul, oracles.matmul, signed(3, 4), signed(4, 2), also=PRODUCTS),
    row("matmul: function", tn.matmul, oracles.matmul, signed(3, 4), signed(4, 2)),
    every(
        [{}, {"relu": True}],
        *("linear", tn.linear, oracles.linear, signed(3, 4), signed(4, 2), signed(2)),
        also=[((2, 3, 4), (4, 2), (2,)), ((4,), (4, 2), (2,)), ((0, 4), (4, 1), (1,))],
    ),
    row("linear: no bias", tn.linear, oracles.linear, signed(3, 4), signed(4, 2)),
    # the methods of a tensor
    indexed("integer", lambda x: x[1]),
    indexed("one element", lambda x: x[0, -1]),
    indexed("slices", lambda x: x[1:, ::2]),
    indexed("backwards", lambda x: x[::-1, 3:0:-2]),
    indexed("ellipsis", lambda x: x[..., 1]),
    indexed("new axes", lambda x: x[None, :, None, 1]),
    indexed("empty slice", lambda x: x[2:2]),
    indexed("list with repeats", lambda x: x[[2, 0, 2]]),
    indexed("integers with repeats", lambda x, i: x[i], whole(3, 5)),
    indexed("table of integers", lambda x, i: x[i], whole(3, 2, 4)),
    indexed("no integers", lambda x, i: x[i], whole(3, 0)),
    indexed("pairs of integers", lambda x, i, j: x[i, j], whole(3, 13), whole(4, 13)),
    indexed("slice, integers", lambda x, i: x[1:, i], whole(4, 5)),
    indexed("integers, slice", lambda x, i: x[i, ::-1], whole(3, 5)),
    indexed("integers, integer", lambda x, i: x[i, 2], whole(3, 5)),
    indexed("integers, new axes", lambda x, i: x[None, i, None], whole(3, 5)),
    indexed("mask of elements", lambda x, m: x[m], mask(3, 4)),
    indexed("mask of rows", lambda x, m: x[m], mask(3)),
    indexed("mask of columns", lambda x, m: x[:, m], mask(4)),
    row("reshape", lambda x: x.reshape(3, 2, 2), lambda x: x.reshape(3, 2, 2), signed(3, 4)),
    row("reshape: -1", lambda x: x.reshape((2, -1)), lambda x: x.reshape(2, 6), signed(3, 4)),
    row("reshape: empty", lambda x: x.reshape(2, 0), lambda x: x.reshape(2, 0), signed(0, 3)),
    row("reshape: number", lambda x: x.reshape(()), lambda x: x[0, 0], signed(1, 1)),
    row("squeeze", lambda x: x.squeeze(), lambda x: x[:, 0, :, 0], signed(3, 1, 2, 1)),
    row("squeeze", lambda x: x.squeeze(1), lambda x: x[:, 0], signed(3, 1, 2, 1)),
    row("transpose", lambda x: x.T, partial(oracles.transpose, axes=(1, 0)), signed(3, 4)),
    *(
        row("transpose", lambda x, axes: x.transpose(axes), oracles.transpose, cube, axes=order)
        for cube in (CUBE, signed(0, 1, 2))
        for order in ((0, 2, 1), (2, 0, 1), (-1, 0, -2))
    ),
    reduction("sum", tn.Tensor.sum, sum),
    reduction("mean", tn.Tensor.mean, oracles.mean),
    reduction("var", tn.Tensor.var, statistics.pvariance),
    reduction("std", tn.Tensor.std, statistics.pstdev),
    reduction("max", tn.Tensor.max, max),
    reduction("min", tn.Tensor.min, min),
    every(axes(None, 0, 1, (0, 1)), "sum", tn.Tensor.sum, reduced(sum), signed(0, 3)),
    row("max", tn.Tensor.max, reduced(max), signed(0, 3), axis=1),
    row("min", tn.Tensor.min, reduced(min), signed(0, 3), axis=1),
    # functions of each element
    unary("exp", tn.exp, math.exp),
    unary("log", tn.log, math.log, positive),
    unary("sqrt", tn.sqrt, math.sqrt, positive),
    unary("abs", tn.abs, abs),
    unary("clip", lambda x: tn.clip(x, -1.0, 0.5), lambda x: min(max(x, -1.0), 0.5)),
    binary("maximum", tn.maximum, max),
    binary("minimum", tn.minimum, min),
    unary("maximum: a number first", lambda x: tn.maximum(0.5, x), lambda x: max(x, 0.5)),
    unary("minimum: a number second", lambda x: tn.minimum(x, 0.5), lambda x: min(x, 0.5)),
    row(
        *("where", tn.where, each(lambda condition, x, y: x if condition else y)),
        *(mask(3, 4), signed(3, 4), signed(3, 4)),
        also=[((4,), (3, 1), (3, 4)), ((2, 3, 1), (3, 1), (4,)), ((0, 3), (0, 3), (3,))],
    ),
    unary("sigmoid", tn.sigmoid, oracles.sigmoid),
    unary("tanh", tn.tanh, math.tanh),
    unary("relu", tn.relu, lambda x: max(x, 0.0)),
    unary("leaky_relu", tn.leaky_relu, lambda x: x if x > 0 else 0.3 * x),
    unary("leaky_relu: 0.1", lambda x: tn.leaky_relu(x, 0.1), lambda x: x if x > 0 else 0.1 * x),
    unary("leaky_relu: 0", lambda x: tn.leaky_relu(x, 0), lambda x: x if x > 0 else 0.0),
    unary("leaky_relu: 1", lambda x: tn.leaky_relu(x, 1.0), lambda x: x),
    unary("leaky_relu: 1.5", lambda x: tn.leaky_relu(x, 1.5), lambda x: x if x > 0 else 1.5 * x),
    unary(
        "leaky_relu: below 0", lambda x: tn.leaky_relu(x, -2.0), lambda x: x if x > 0 else -2 * x
    ),
    unary("softplus", tn.softplus, lambda x: math.log(1 + math.exp(x))),
    lines("softmax", tn.softmax, oracles.softmax),
    lines("log_softmax", tn.log_softmax, oracles.log_softmax),
    row(
        *("matmul: attention", tn.attention, oracles.attention, *QUERIES),
        also=[
            ((0, 3, 2), (0, 3, 2), (0, 3, 2)),
            ((1, 1, 1),) * 3,
            ((2, 0, 3), (2, 2, 3), (2, 2, 1)),
        ],
    ),
    row(
        *("matmul: attention, masked", tn.attention, oracles.attention, *QUERIES, seeing(2, 5)),
        also=[((2, 3, 4), (2, 5, 4), (2, 5, 6), (2, 3, 5))],
    ),
    # joining, padding, turning over
    every(
        axes(1, -2),
        *("concatenate", lambda *all, axis: tn.concatenate(all, axis), oracles.concatenate),
        *(signed(2, 2, 2), signed(2, 1, 2), signed(2, 3, 2)),
        also=[((2, 0, 2), (2, 3, 2), (2, 1, 2)), ((0, 1, 2), (0, 2, 2), (0, 1, 2))],
    ),
    row("concatenate: one", lambda x: tn.concatenate([x]), lambda x: x, signed(2, 3)),
    every(
        axes(0, 1, -1),
        *("stack", lambda *all, axis: tn.stack(all, axis), oracles.stack),
        *(signed(2, 3), signed(2, 3)),
        also=[((0, 3), (0, 3)), ((1, 1), (1, 1))],
    ),
    every(MODES, "pad", tn.pad, oracles.pad, signed(3, 3), also=[((1, 1),)], widths=BORDER),
    every(MODES[2:], "pad: far", tn.pad, oracles.pad, signed(2, 3), widths=((5, 4), (3, 4))),
    row("pad: empty", tn.pad, oracles.pad, signed(0, 3), widths=BORDER, value=-1.5),
    every(axes(None, 1, -1, (0, 2)), "flip", tn.flip, oracles.flip, CUBE, also=[((0, 1, 2),)]),
    # pictures (N, H, W, C)
    row("im2col", tn.im2col, oracles.im2col, PICTURES, also=[((1, 1, 1, 1),)], size=1),
    every(CONVOLUTIONS, "im2col", tn.im2col, oracles.im2col, PICTURES, also=NONE, size=(3, 2)),
    every(
        CONVOLUTIONS,
        *("conv2d", tn.conv2d, oracles.conv2d, PICTURES, signed(3, 2, 2, 3), signed(3)),
        also=[((0, 5, 4, 2), (3, 2, 2, 3), (3,)), ((1, 3, 2, 1), (3, 2, 1, 1), (1,))],
    ),
    row(
        *("conv2d: relu", tn.conv2d, oracles.conv2d, PICTURES, signed(3, 2, 2, 3), signed(3)),
        relu=True,
    ),
    *(
        row("conv2d: no bias", tn.conv2d, oracles.conv2d, PICTURES, w, stride=(2, 1))
        for w in (signed(3, 2, 2, 3), signed(1, 1, 2, 3), signed(5, 4, 2, 1))
    ),
    every(
        TRANSPOSED,
        *("conv2d_transpose", tn.conv2d_transpose, oracles.conv2d_transpose),
        *(signed(2, 3, 2, 2), signed(3, 2, 3, 2), signed(3)),
        also=[((0, 3, 2, 2), (3, 2, 3, 2), (3,)), ((1, 1, 1, 1), (3, 2, 1, 1), (1,))],
    ),
    row(
        *("conv2d_transpose: relu", tn.conv2d_transpose, oracles.conv2d_transpose),
        *(signed(2, 3, 2, 2), signed(3, 2, 3, 2), signed(3)),
        relu=True,
    ),
    *(
        row(
            *("conv2d_transpose: no bias", tn.conv2d_transpose, oracles.conv2d_transpose),
            *(signed(2, 3, 2, 2), w),
            stride=(2, 1),
        )
        for w in (signed(3, 2, 3, 2), signed(1, 1, 3, 2), signed(5, 4, 1, 2))
    ),
    every(
        [
            {"size": size, "interpolation": interpolation}
            for size in (2, (1, 3), (4, 2))
            for interpolation in ("nearest", "bilinear")
        ],
        *("upsample2d", tn.upsample2d, oracles.upsample2d, signed(2, 3, 2, 2)),
        also=[((0, 3, 2, 2),), ((1, 1, 1, 1),)],
    ),
    pooling("max_pool2d", tn.max_pool2d, max),
    pooling("min_pool2d", tn.min_pool2d, min),
    pooling("sum_pool2d", tn.sum_pool2d, sum),
    pooling("average_pool2d", tn.average_pool2d, oracles.mean),
    pooling("l2_pool2d", tn.l2_pool2d, oracles.length),
    # networks
    every(
        [{"rate": 0.25}, {"rate": 0}],
        "dropout",
        lambda x, rate: tn.dropout(x, rate, numpy.random.default_rng(5)),
        partial(oracles.dropout, seed=5),
        signed(3, 4),
        also=[((0, 3),), ((1, 1),), ((),)],
    ),
    every(
        [{"mask_shape": shape} for shape in ((2, 1, 1, 2), (1, 3, 1, 1), (2, 3, 2, 2))],
        "dropout: together",
        lambda x, mask_shape: tn.dropout(x, 0.5, numpy.random.default_rng(5), mask_shape),
        partial(oracles.dropout, rate=0.5, seed=5),
        signed(2, 3, 2, 2),
    ),
    every(
        [{"std": 0.5}, {"std": 0}],
        "gaussian_noise",
        lambda x, std: tn.gaussian_noise(x, std, numpy.random.default_rng(5)),
        partial(oracles.gaussian_noise, seed=5),
        signed(3, 4),
        also=[((0, 3),), ((1, 1),), ((),)],
        tolerance=DRAWN,
    ),
    row(
        "sample_gaussian",
        lambda *inputs: tn.sample_gaussian(*inputs, numpy.random.default_rng(5)),
        partial(oracles.sample_gaussian, seed=5),
        *(signed(3, 4), signed(3, 4)),
        also=[((0, 3), (0, 3)), ((1, 1), (1, 1)), ((), ())],
        tolerance=DRAWN,
    ),
    row(
        *("batch_norm: training", partial(tn.batch_norm, training=True), oracles.batch_norm),
        *(signed(6, 3), positive(3), signed(3)),
        also=[((2, 3, 2, 3), (3,), (3,)), ((2, 1), (1,), (1,))],
        epsilon=0.01,
    ),
    *(
        row(
            f"batch_norm: training, leak {leak}",
            partial(tn.batch_norm, training=True, leak=leak),
            partial(oracles.batch_norm, leak=leak),
            *(signed(6, 3), positive(3), signed(3)),
            also=[((2, 3, 2, 3), (3,), (3,))],
        )
        for leak in (0.0, 0.3)
    ),
    row(
        "batch_norm: inference",
        lambda *inputs, moving: tn.batch_norm(*inputs, *(beside(inputs[0], m) for m in moving)),
        lambda *arrays, moving: oracles.batch_norm(*arrays, *moving),
        *(signed(6, 3), positive(3), signed(3)),
        also=[((2, 3, 2, 3), (3,), (3,)), ((0, 3), (3,), (3,)), ((1, 3), (3,), (3,))],
        moving=((0.5, -1.0, 0.25), (0.5, 2.0, 1.0)),
    ),
    *recurrent("simple_rnn", tn.simple_rnn, oracles.simple_rnn),
    *recurrent("simple_rnn: relu", tn.simple_rnn, oracles.simple_rnn, relu=True),
    *recurrent("gru", tn.gru, oracles.gru, gates=3, biases=(2,)),
    *recurrent("lstm", tn.lstm, oracles.lstm, gates=4, states=2),
    *recurrent("lstm: with its cell", tn.lstm, oracles.lstm, gates=4, states=2, cell=True),
    row(
        *("layer_norm", tn.layer_norm, oracles.layer_norm),
        *(signed(6, 3), positive(3), signed(3)),
        also=[((2, 3, 2, 4), (4,), (4,)), ((0, 3), (3,), (3,)), ((1, 2), (2,), (2,))],
        epsilon=0.01,
    ),
    *(
        row(
            *("group_norm", tn.group_norm, oracles.group_norm),
            *(signed(2, 3, 2, 6), positive(6), signed(6)),
            also=[((3, 6), (6,), (6,)), ((0, 3, 6), (6,), (6,)), ((1, 4, 1, 6), (6,), (6,))],
            groups=groups,
            epsilon=0.01,
        )
        for groups in (1, 2, 3)
    ),
    row(
        *("group_norm: a group for each channel", tn.group_norm, oracles.group_norm),
        *(signed(2, 3, 2, 4), positive(4), signed(4)),
        groups=4,
    ),
    loss(
        *("kl_standard_normal", tn.kl_standard_normal, oracles.kl_standard_normal),
        *(signed(3, 4), signed(3, 4)),
        also=EXAMPLES,
    ),
    loss(
        *("bernoulli_log_likelihood", tn.bernoulli_log_likelihood),
        *(oracles.bernoulli_log_likelihood, signed(3, 4), unit(3, 4)),
        also=EXAMPLES,
    ),
    loss(
        *("gaussian_log_likelihood", tn.gaussian_log_likelihood),
        *(oracles.gaussian_log_likelihood, signed(3, 4), signed(3, 4)),
        also=EXAMPLES,
    ),
    loss(
        *("gaussian_log_likelihood: a variance each", tn.gaussian_log_likelihood),
        *(oracles.gaussian_log_likelihood, signed(3, 4), signed(3, 4), signed(3, 4)),
        also=[((3, 4), (3, 4), ()), ((2, 2, 3), (2, 2, 3), (2, 2, 3))],
    ),
    loss("mse", tn.mse, oracles.mse, signed(3, 4), signed(3, 4), also=[((), ())]),
    loss("mae", tn.mae, oracles.mae, signed(3, 4), unit(3, 4), also=[((), ())]),
    loss("bce", tn.bce, oracles.bce, unit(3, 4), unit(3, 4), also=[((1, 1), (1, 1))]),
    loss("bce_with_logits", tn.bce_with_logits, oracles.bce_with_logits, signed(3, 4), unit(3, 4)),
    loss(
        *("cross_entropy", tn.cross_entropy, oracles.cross_entropy, signed(4, 3), whole(3, 4)),
        also=[((2, 3, 3), (2, 3)), ((3,), ())],
    ),
    loss(
        *("cross_entropy", tn.cross_entropy, oracles.cross_entropy, signed(4, 3), one_hot(4, 3)),
        also=[((2, 3, 3), (2, 3, 3))],
    ),
    loss(
        "cross_entropy: mask",
        lambda *inputs, reduction: tn.cross_entropy(*inputs[:2], reduction, inputs[2]),
        *(oracles.masked_cross_entropy, signed(4, 3), whole(3, 4), mask(4)),
        also=[((2, 3, 3), (2, 3), (2, 3)), ((1, 2, 3), (1, 2), (1, 2))],
    ),
    loss(
        "cross_entropy: mask, one-hot",
        lambda *inputs, reduction: tn.cross_entropy(*inputs[:2], reduction, inputs[2]),
        *(oracles.masked_cross_entropy, signed(4, 3), one_hot(4, 3), mask(4)),
    ),
    loss(
        *("ctc_loss", tn.ctc_loss, oracles.ctc_loss, signed(2, 4, 3), between(1, 3, 2, 2)),
        also=[((1, 1, 3), (1, 1)), ((2, 2, 3), (2, 0))],
    ),
    loss(
        *("ctc_loss: lengths", tn.ctc_loss, oracles.ctc_loss, signed(2, 5, 4)),
        *(between(1, 4, 2, 2), between(3, 6, 2), between(0, 3, 2)),
        also=[((3, 5, 4), (3, 2), (3,), (3,))],
    ),
    row(
        "cross_entropy: soft",
        lambda logits, labels: tn.cross_entropy(logits, beside(logits, labels)),
        lambda logits, labels: oracles.cross_entropy(logits, numpy.array(labels)),
        signed(3, 3),
        labels=((0.5, 0.25, 0.25), (0.0, 0.125, 0.875), (1.0, 0.0, 0.0)),
    ),
]

ROWS = list(itertools.chain.from_iterable(TABLE))
