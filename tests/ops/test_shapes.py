"""Shapes that nobody thought of: convolution, pooling, broadcasting and indexing, drawn at random.

Hypothesis draws the shapes and settings, the loops of oracles.py say what is right.  A gradient is
held to the adjoint identity where the operation is linear, <dy, f(x)> = <dx, x> for every x, and
otherwise to a loop that hands each dy to the element that earned it.  PyTorch, where it is
installed, is a second opinion.
"""

from __future__ import annotations

import math
import operator
from functools import partial

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as shapes

import tinynet as tn

from . import oracles
from .operations import distinct

quick = settings(max_examples=50, derandomize=True, deadline=None, database=None)

SEEDS = st.integers(0, 1000)
POOLS = {  # what a window of numbers gives, and how its gradient falls to them
    "max": (max, lambda numbers: first(numbers, max(numbers))),
    "min": (min, lambda numbers: first(numbers, min(numbers))),
    "sum": (sum, lambda numbers: [1] * len(numbers)),
    "average": (oracles.mean, lambda numbers: [1 / len(numbers)] * len(numbers)),
    "l2": (oracles.length, lambda numbers: [x / oracles.length(numbers) for x in numbers]),
}


def first(numbers, best):
    """1 for the first of the best numbers, 0 for the rest."""
    return [int(i == numbers.index(best)) for i in range(len(numbers))]


def normal(seed, *wanted):
    """An array of random numbers for each shape."""
    rng = numpy.random.default_rng(seed)
    return [rng.standard_normal(shape) for shape in wanted]


def gradients(f, dy, *arrays):
    """The value of f, and the gradients of arrays for the upstream gradient dy."""
    inputs = [tn.Tensor(x, requires_grad=True) for x in arrays]
    y = f(*inputs)
    y.backward(dy)
    return y.data, *(x.grad for x in inputs)


def close(got, expected):
    assert numpy.shape(got) == numpy.shape(expected)
    numpy.testing.assert_allclose(got, expected, rtol=1e-11, atol=1e-11)


# -- convolution -------------------------------------------------------------------------------


BORDER = st.integers(0, 2)
PADDINGS = {
    "valid": st.just("valid"),
    "same": st.just("same"),
    "number": BORDER,
    "pair": st.tuples(BORDER, BORDER),
    "sides": st.tuples(st.tuples(BORDER, BORDER), st.tuples(BORDER, BORDER)),
}


@st.composite
def convolutions(draw, padding):
    """Shapes of x and w that fit, and the settings."""
    small = st.integers(1, 3)
    KH, KW, C, O = draw(st.tuples(small, small, small, small))  # noqa: E741
    H, W = (draw(st.integers(k, 7)) for k in (KH, KW))  # at least the kernel: "valid" fits
    how = {"stride": draw(st.one_of(small, st.tuples(small, small))), "padding": draw(padding)}
    return (draw(st.integers(1, 2)), H, W, C), (KH, KW, C, O), how


@pytest.mark.parametrize("padding", PADDINGS)
@quick
@given(data=st.data(), seed=SEEDS)
def test_conv2d_equals_the_loops(padding, data, seed):
    x_shape, w_shape, how = data.draw(convolutions(PADDINGS[padding]))
    x, w, b = normal(seed, x_shape, w_shape, w_shape[-1:])
    close(tn.conv2d(x, w, b, **how).data, oracles.conv2d(x, w, b, **how))


@pytest.mark.parametrize("padding", PADDINGS)
@quick
@given(data=st.data(), seed=SEEDS)
def test_the_gradients_of_conv2d_are_its_adjoint(padding, data, seed):
    x_shape, w_shape, how = data.draw(convolutions(PADDINGS[padding]))
    x, w, b, other_x, other_w = normal(seed, x_shape, w_shape, w_shape[-1:], x_shape, w_shape)
    (dy,) = normal(seed + 1, oracles.conv2d(x, w, **how).shape)
    _, dx, dw, db = gradients(lambda x, w, b: tn.conv2d(x, w, b, **how), dy, x, w, b)
    close((dx * other_x).sum(), (dy * oracles.conv2d(other_x, w, **how)).sum())
    close((dw * other_w).sum(), (dy * oracles.conv2d(x, other_w, **how)).sum())
    close(db, dy.sum(axis=(0, 1, 2)))


@pytest.mark.parametrize("padding", PADDINGS)
@quick
@given(data=st.data(), seed=SEEDS)
def test_im2col_equals_the_loops_and_its_gradient_is_its_adjoint(padding, data, seed):
    shape, (KH, KW, *_), how = data.draw(convolutions(PADDINGS[padding]))
    x, other_x = normal(seed, shape, shape)
    columns = oracles.im2col(x, (KH, KW), **how)
    (dy,) = normal(seed + 1, columns.shape)
    y, dx = gradients(lambda x: tn.im2col(x, (KH, KW), **how), dy, x)
    close(y, columns)
    close((dx * other_x).sum(), (dy * oracles.im2col(other_x, (KH, KW), **how)).sum())


@st.composite
def transposed_convolutions(draw):
    """Shapes of x and w, and the settings; the stride may be larger than the kernel."""
    small = st.integers(1, 4)
    KH, KW, H, W = draw(st.tuples(small, small, small, small))
    C, O = draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))  # noqa: E741
    how = {"stride": draw(st.one_of(small, st.tuples(small, small)))}
    how["padding"] = draw(st.sampled_from(["valid", "same"]))
    return (draw(st.integers(1, 2)), H, W, C), (KH, KW, O, C), how


@quick
@given(shapes=transposed_convolutions(), seed=SEEDS)
def test_conv2d_transpose_equals_the_loops(shapes, seed):
    x_shape, w_shape, how = shapes
    x, w, b = normal(seed, x_shape, w_shape, (w_shape[2],))
    close(tn.conv2d_transpose(x, w, b, **how).data, oracles.conv2d_transpose(x, w, b, **how))


@quick
@given(shapes=transposed_convolutions(), seed=SEEDS)
def test_conv2d_transpose_is_the_transpose_of_conv2d(shapes, seed):
    """<x, conv2d(y)> = <conv2d_transpose(x), y> for every y, so all of conv2d's settings fit."""
    x_shape, w_shape, how = shapes
    x, w = normal(seed, x_shape, w_shape)
    larger = tn.conv2d_transpose(x, w, **how).data
    (y,) = normal(seed + 1, larger.shape)
    smaller = oracles.conv2d(y, w, **how)
    assert smaller.shape == x.shape
    close((x * smaller).sum(), (larger * y).sum())


@quick
@given(shapes=transposed_convolutions(), seed=SEEDS)
def test_the_gradients_of_conv2d_transpose_are_its_adjoint(shapes, seed):
    x_shape, w_shape, how = shapes
    x, w, b, other_x, other_w = normal(seed, x_shape, w_shape, (w_shape[2],), x_shape, w_shape)
    (dy,) = normal(seed + 1, oracles.conv2d_transpose(x, w, **how).shape)
    _, dx, dw, db = gradients(lambda x, w, b: tn.conv2d_transpose(x, w, b, **how), dy, x, w, b)
    close((dx * other_x).sum(), (dy * oracles.conv2d_transpose(other_x, w, **how)).sum())
    close((dw * other_w).sum(), (dy * oracles.conv2d_transpose(x, other_w, **how)).sum())
    close(db, dy.sum(axis=(0, 1, 2)))


@quick
@given(st.integers(1, 9), st.integers(1, 5), st.integers(1, 4))
def test_same_padding_gives_as_many_windows_as_the_input_over_the_stride(n, k, s):
    y = tn.conv2d(numpy.ones((1, n, 3, 1)), numpy.ones((k, 1, 1, 1)), stride=s, padding="same")
    assert y.shape == (1, math.ceil(n / s), math.ceil(3 / s), 1)


def test_same_padding_puts_the_odd_row_at_the_bottom_and_the_odd_column_at_the_right():
    x = numpy.arange(1.0, 5.0).reshape(1, 2, 2, 1)  # 1 2 / 3 4
    y = tn.conv2d(x, numpy.ones((2, 2, 1, 1)), padding="same")
    assert y.data.ravel().tolist() == [10, 6, 7, 4]


def test_same_padding_with_a_stride_starts_at_the_first_pixel_as_keras_does():
    x = numpy.arange(1.0, 5.0).reshape(1, 1, 4, 1)  # 3 wide, stride 2: one column, at the right
    y = tn.conv2d(x, numpy.ones((1, 3, 1, 1)), stride=2, padding="same")
    assert y.data.ravel().tolist() == [1 + 2 + 3, 3 + 4]


def line(values):
    """Numbers as a picture one pixel high."""
    return numpy.array(values, dtype=float).reshape(1, 1, -1, 1)


def test_conv2d_is_cross_correlation_which_does_not_flip_the_kernel():
    x, w = [0, 1, 2, 3, 4], [1, -1, 2]
    y = tn.conv2d(line(x), line(w).reshape(1, 3, 1, 1), padding=(0, 2))
    assert y.data.ravel().tolist() == [0, 2, 3, 5, 7, -1, 4]


def test_conv2d_with_a_flipped_kernel_is_the_convolution_of_numpy():
    x, w = [0, 1, 2, 3, 4], [1, -1, 2]
    y = tn.conv2d(line(x), line(w[::-1]).reshape(1, 3, 1, 1), padding=(0, 2))
    assert numpy.convolve(x, w).tolist() == [0, 1, 1, 3, 5, 2, 8]
    assert y.data.ravel().tolist() == [0, 1, 1, 3, 5, 2, 8]


# -- pooling -----------------------------------------------------------------------------------


@st.composite
def poolings(draw):
    """A shape of x, and settings that fit."""
    size = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    stride = draw(st.one_of(st.none(), st.integers(1, 3), st.tuples(st.integers(1, 3), st.just(2))))
    border = [st.tuples(st.integers(0, k - 1), st.integers(0, k - 1)) for k in size]
    padding = draw(st.one_of(st.sampled_from(["valid", "same"]), st.tuples(*border)))
    H, W = (draw(st.integers(k, 7)) for k in size)
    x = (draw(st.integers(1, 2)), H, W, draw(st.integers(1, 2)))
    how = {"size": size, "stride": stride, "padding": padding}
    return x, how | {"ceil_mode": draw(st.booleans())}


@pytest.mark.parametrize("ties", [False, True], ids=["different", "equal"])
@pytest.mark.parametrize("kind", POOLS)
@quick
@given(shape=poolings(), seed=SEEDS)
def test_pooling_and_its_gradient_equal_the_loops(kind, ties, shape, seed):
    """With ties, the gradient of max and min goes to the first of the equal ones."""
    x_shape, how = shape
    rng = numpy.random.default_rng(seed)
    x = rng.integers(-2, 0, x_shape) * 1.0 if ties else distinct(rng, x_shape, -2, 2)
    pool, (number, shares) = getattr(tn, f"{kind}_pool2d"), POOLS[kind]
    value = oracles.pooled(number)(x, **how)
    (dy,) = normal(seed, value.shape)

    expected = numpy.zeros(x_shape)
    windows = oracles.pooling_windows(x, **how)
    for n, i, j, c in numpy.ndindex(value.shape):
        numbers = [x[n, h, w, c] for h, w in windows[i][j]]
        for (h, w), share in zip(windows[i][j], shares(numbers), strict=True):
            expected[n, h, w, c] += dy[n, i, j, c] * share

    y, dx = gradients(lambda x: pool(x, **how), dy, x)
    close(y, value)
    close(dx, expected)


# -- broadcasting ------------------------------------------------------------------------------

BINARY = {  # an operation of two numbers, and its slopes
    "add": (operator.add, lambda x, y: (1, 1)),
    "subtract": (operator.sub, lambda x, y: (1, -1)),
    "multiply": (operator.mul, lambda x, y: (y, x)),
    "divide": (operator.truediv, lambda x, y: (1 / y, -x / y**2)),
    "power": (operator.pow, lambda x, y: (y * x ** (y - 1), x**y * math.log(x))),
}


@pytest.mark.parametrize("name", BINARY)
@quick
@given(
    broadcast=shapes.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=3), seed=SEEDS
)
def test_broadcasting_is_numpys_and_gradients_are_summed_back(name, broadcast, seed):
    f, slopes = BINARY[name]
    (x_shape, y_shape), z_shape = broadcast
    rng = numpy.random.default_rng(seed)
    x, y = rng.uniform(0.5, 2, x_shape), rng.uniform(0.5, 2, y_shape)
    dz = rng.standard_normal(z_shape)
    # where in x and y each element of z comes from
    places = [numpy.broadcast_to(numpy.arange(a.size).reshape(a.shape), z_shape) for a in (x, y)]
    dx, dy = numpy.zeros(x.size), numpy.zeros(y.size)
    for place in numpy.ndindex(z_shape):
        i, j = (source[place] for source in places)
        x_slope, y_slope = slopes(x.flat[i], y.flat[j])
        dx[i] += dz[place] * x_slope
        dy[j] += dz[place] * y_slope

    got = gradients(f, dz, x, y)
    for array, expected in zip(
        got, (f(x, y), dx.reshape(x_shape), dy.reshape(y_shape)), strict=True
    ):
        close(array, expected)


# -- indexing ----------------------------------------------------------------------------------

SHAPES = shapes.array_shapes(max_dims=4, max_side=4)


@st.composite
def mixed_indices(draw, shape):
    """For each axis an integer, a slice or an integer array; the arrays have equal lengths."""
    n = draw(st.integers(0, 4))
    return tuple(
        draw(
            st.one_of(
                st.integers(-side, side - 1),
                st.slices(side),
                st.just(slice(None)),
                shapes.arrays(int, n, elements=st.integers(-side, side - 1)),
            )
        )
        for side in shape
    )


INDICES = {
    "slices": lambda shape: shapes.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True),
    "integers": shapes.integer_array_indices,
    "masks": lambda shape: shapes.arrays(bool, shape),
    "masks of rows": lambda shape: shapes.arrays(bool, shape[:1]),
    "mixtures": mixed_indices,
}


@pytest.mark.parametrize("kind", INDICES)
@quick
@given(data=st.data(), shape=SHAPES, seed=SEEDS)
def test_indexing_is_numpys_and_every_element_gets_the_gradient_of_its_copies(
    kind, data, shape, seed
):
    index = data.draw(INDICES[kind](shape))
    (x,) = normal(seed, shape)
    taken = numpy.arange(x.size).reshape(shape)[index]  # where each element of x[index] comes from
    (dy,) = normal(seed + 1, numpy.shape(taken))
    expected = numpy.zeros(x.size)
    for place, source in numpy.ndenumerate(taken):
        expected[source] += dy[place]

    y, dx = gradients(lambda x: x[index], numpy.asarray(dy), x)
    numpy.testing.assert_array_equal(y, x[index], strict=True)
    close(dx, expected.reshape(shape))


# -- a second opinion --------------------------------------------------------------------------


def torch_gradients(f, dy, *arrays):
    """As gradients(), by PyTorch, whose pictures are (N, C, H, W) and kernels (O, C, KH, KW)."""
    torch = pytest.importorskip("torch")
    inputs = [torch.tensor(x, requires_grad=True) for x in arrays]
    y = f(*inputs)
    y.backward(torch.tensor(dy))
    return y.detach().numpy(), *(x.grad.numpy() for x in inputs)


@pytest.mark.parametrize("stride", [1, (2, 1), 3])
@pytest.mark.parametrize("padding", [0, 1, (2, 1)])
def test_conv2d_equals_pytorchs(stride, padding):
    F = pytest.importorskip("torch").nn.functional

    def ours(x, w, b):
        return tn.conv2d(x, w, b, stride=stride, padding=padding)

    def theirs(x, w, b):
        x, w = x.permute(0, 3, 1, 2), w.permute(3, 2, 0, 1)
        return F.conv2d(x, w, b, stride=stride, padding=padding).permute(0, 2, 3, 1)

    arrays = normal(0, (2, 6, 7, 3), (3, 2, 3, 4), (4,))
    (dy,) = normal(1, ours(*arrays).shape)
    expected = torch_gradients(theirs, dy, *arrays)
    for got, right in zip(gradients(ours, dy, *arrays), expected, strict=True):
        close(got, right)


@pytest.mark.parametrize("ceil_mode", [False, True])
@pytest.mark.parametrize(("size", "stride", "padding"), [(2, 2, 0), (3, 2, 1), ((3, 2), (1, 3), 1)])
@pytest.mark.parametrize("kind", ["max", "average"])
def test_pooling_equals_pytorchs(kind, size, stride, padding, ceil_mode):
    F = pytest.importorskip("torch").nn.functional
    how = {"stride": stride, "padding": padding, "ceil_mode": ceil_mode}
    ours, theirs = {
        "max": (tn.max_pool2d, F.max_pool2d),
        "average": (tn.average_pool2d, partial(F.avg_pool2d, count_include_pad=False)),
    }[kind]
    (x,) = normal(0, (2, 7, 8, 3))
    (dy,) = normal(1, ours(x, size, **how).shape)
    expected = torch_gradients(
        lambda x: theirs(x.permute(0, 3, 1, 2), size, **how).permute(0, 2, 3, 1), dy, x
    )
    for got, right in zip(gradients(lambda x: ours(x, size, **how), dy, x), expected, strict=True):
        close(got, right)


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
@pytest.mark.parametrize("size", [1, 2, 3, 4, (3, 2)])
def test_upsampling_equals_pytorchs(size, interpolation):
    F = pytest.importorskip("torch").nn.functional
    centres = {"align_corners": False} if interpolation == "bilinear" else {}

    def ours(x):
        return tn.upsample2d(x, size, interpolation)

    def theirs(x):
        y = F.interpolate(x.permute(0, 3, 1, 2), scale_factor=size, mode=interpolation, **centres)
        return y.permute(0, 2, 3, 1)

    for shape in [(2, 4, 5, 3), (1, 1, 3, 1)]:
        (x,) = normal(0, shape)
        (dy,) = normal(1, ours(x).shape)
        expected = torch_gradients(theirs, dy, x)
        for got, right in zip(gradients(ours, dy, x), expected, strict=True):
            close(got, right)
