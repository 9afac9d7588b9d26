"""Every row of the table of operations, checked in the same ways: see operations.py.

Values are held to the oracles and gradients to finite differences; the rest says that nothing else
about a call matters: dtype, memory layout, device, which of the inputs need a gradient.  Two tables
at the end hold what the first cannot: gradients at kinks, and values at the ends of the numbers.
"""

from __future__ import annotations

import itertools
import math
from decimal import Decimal
from fractions import Fraction
from functools import partial

import numpy
import pytest

import tinynet as tn
from tinynet.devices import plain
from tinynet.diagnosis.dry_run import declared
from tinynet.engine.observer import ALL, Observer, Work, observe

from . import oracles
from .operations import ROWS


@pytest.fixture(params=ROWS, ids=lambda row: row.id)
def row(request):
    return request.param


@pytest.fixture
def arrays(row, rng):
    """The inputs of the row, float64 where they are floating."""
    return row.draw(rng)


def floating(x):
    return x.dtype.kind == "f"


def leaves(arrays, dtype="float64", device="cpu", without=()):
    """Tensors of arrays; floating ones need a gradient, except those at the places `without`."""
    tensors = []
    for i, x in enumerate(arrays):
        x = x.astype(dtype) if floating(x) else x
        needed = floating(x) and i not in without
        tensors.append(tn.Tensor(x, requires_grad=needed, device=device))
    return tensors


def upstream(y):
    """A random gradient for y, exact in float32."""
    dy = numpy.random.default_rng(1).standard_normal(y.shape, dtype=numpy.float32)
    return tn.Tensor(dy.astype(y.dtype)).to(y.device).data


def value_and_gradients(row, arrays, **how):
    """What the row computes, and the gradients of its floating inputs, as NumPy arrays."""
    inputs = leaves(arrays, **how)
    y = row.f(*inputs)
    y.backward(upstream(y))
    gradients = [tn.Tensor(x.grad).numpy() for x in inputs if x.requires_grad]
    return y.numpy(), gradients


def assert_close(got, expected, tolerance):
    """Equal shapes, and values that differ by the tolerance at most, relative to the largest."""
    assert got.shape == expected.shape
    scale = max(1.0, float(numpy.abs(expected).max(initial=0)))
    numpy.testing.assert_allclose(got, expected, rtol=0, atol=tolerance * scale)


def test_the_value_equals_the_oracle(row, arrays):
    y = row.f(*leaves(arrays))
    assert y.dtype == numpy.float64
    assert_close(y.numpy(), row.oracle(*arrays), row.tolerance)


def test_the_gradients_equal_finite_differences(row, arrays):
    tn.gradcheck(row.f, *arrays)


def test_float32_stays_float32_and_near_float64(row, arrays):
    value, gradients = value_and_gradients(row, arrays, dtype="float32")
    exact_value, exact_gradients = value_and_gradients(row, arrays)
    for got, exact in zip((value, *gradients), (exact_value, *exact_gradients), strict=True):
        assert got.dtype == numpy.float32
        assert_close(got, exact, 1e-5)


def test_the_declared_work_fits_the_operation(row, arrays):
    """What cost reads: it is declared for these parameters, and is a Work."""
    found = []

    class Reads(Observer):
        def after_forward(self, y, inputs, settings, work):
            found.append(declared(y, inputs, settings, work))

    with observe(Reads()):
        row.f(*leaves(arrays))
    for work in found:
        assert type(work) is Work
        assert work.multiply_adds >= 0 and len(work.window) == len(work.stride) == 2


def test_inputs_result_and_upstream_gradient_are_not_written_to(row, arrays):
    inputs = leaves(arrays)
    before = [x.data.tobytes() for x in inputs]
    y = row.f(*inputs)
    dy = upstream(y)
    before += [y.data.tobytes(), dy.tobytes()]
    y.backward(dy)
    assert [a.tobytes() for a in (*(x.data for x in inputs), y.data, dy)] == before


def reverse(x):
    return x[(slice(None, None, -1),) * x.ndim]


def every_second(x):
    return x[(slice(None, None, 2),) * x.ndim]


def repeated(x):
    """x with every element twice along every axis, so that every_second gives x back."""
    for axis in range(x.ndim):
        x = x.repeat(2, axis=axis)
    return x


LAYOUTS = {  # a view of memory, and the memory that makes an array of it
    "transposed": (lambda x: x.T, lambda x: x.T),
    "backwards": (reverse, reverse),
    "with gaps": (every_second, repeated),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_layout_in_memory_does_not_matter(row, arrays, layout):
    view, memory = LAYOUTS[layout]
    stored = leaves([memory(x).copy() for x in arrays])
    y = row.f(*(view(x) for x in stored))  # a leaf is contiguous, its view is not
    y.backward(view(memory(upstream(y)).copy()))

    value, gradients = value_and_gradients(row, arrays)
    assert_close(y.numpy(), value, 1e-13)
    for x, expected in zip([x for x in stored if x.requires_grad], gradients, strict=True):
        assert_close(view(x.grad), expected, 1e-13)


def test_gradients_share_no_memory(row, arrays):
    inputs = leaves(arrays)
    y = row.f(*inputs)
    dy = upstream(y)
    y.backward(dy)
    gradients = [x.grad for x in inputs if x.requires_grad]
    others = [y.data, dy, *(x.data for x in inputs)]
    for a, b in (*itertools.combinations(gradients, 2), *itertools.product(gradients, others)):
        assert not numpy.shares_memory(a, b)


def test_an_input_that_needs_no_gradient_gets_none_and_changes_no_other(row, arrays):
    places = [i for i, x in enumerate(arrays) if floating(x)]
    _, gradients = value_and_gradients(row, arrays)
    for place in places:
        inputs = leaves(arrays, without={place})
        y = row.f(*inputs)
        assert y.requires_grad == (len(places) > 1)
        if y.requires_grad:
            y.backward(upstream(y))
        assert inputs[place].grad is None
        for i, expected in zip(places, gradients, strict=True):
            assert i == place or numpy.array_equal(inputs[i].grad, expected)


def test_a_second_run_gives_the_same_on_every_device(row, arrays, device):
    value, gradients = value_and_gradients(row, arrays)
    again, gradients_again = value_and_gradients(row, arrays, device=device)
    # noise is drawn in float32, where its last bits may differ
    near = 1e-6 if row.operation in ("gaussian_noise", "sample_gaussian") else 1e-12
    for got, expected in zip((again, *gradients_again), (value, *gradients), strict=True):
        assert got.dtype == expected.dtype
        assert_close(got, expected, 0 if device == "cpu" else near)


def test_a_row_is_named_after_the_operation_that_it_computes(row, arrays):
    assert row.f(*leaves(arrays)).operation == row.operation


COMPARISONS = {"less", "less_equal", "greater", "greater_equal", "equal", "not_equal"}


def test_every_public_operation_with_a_gradient_has_a_row():
    functions = [getattr(tn, name) for name in tn.__all__]
    functions = [f for f in functions if getattr(f, "__module__", "").startswith("tinynet.ops.")]
    methods = [f for f in vars(tn.Tensor).values() if hasattr(f, "__wrapped__")]
    operations = {f.__name__.strip("_") for f in (*functions, *methods)}
    operations -= {"to"}  # it needs two devices: test_devices.py
    operations -= {"one_hot", "ones", "zeros"}  # they make tensors: test_creation.py
    operations -= {"argmax", "ctc_decode"}  # no gradient flows: test_tensor.py, test_ctc.py
    operations -= {"sample_bernoulli"}  # the same: test_probability.py
    operations -= {"attention"}  # it is made of others, and ends with matmul
    operations -= COMPARISONS
    assert operations == {row.operation for row in ROWS}


@pytest.mark.parametrize(
    "f",
    [
        lambda x, half: tn.dropout(x, half, numpy.random.default_rng(0)),
        lambda x, half: tn.clip(x, -half, half),
        lambda x, half: tn.leaky_relu(x, slope=half),
        lambda x, half: tn.batch_norm(
            *(x, x.data[0], x.data[0]), training=True, momentum=half, epsilon=half
        ),
        lambda x, half: tn.pad(x, ((1, 0), (0, 1)), value=half),
    ],
    ids=["dropout", "clip", "leaky_relu", "batch_norm", "pad"],
)
@pytest.mark.parametrize("scalar", [numpy.float32, numpy.float64])
def test_a_numpy_scalar_as_a_setting_is_a_number_and_promotes_nothing(f, scalar, rng):
    array = rng.standard_normal((4, 3))
    x, same = leaves([array, array], dtype="float32")
    y, expected = f(x, scalar(0.5)), f(same, 0.5)
    y.backward(upstream(y))
    expected.backward(upstream(expected))
    assert y.dtype == x.grad.dtype == numpy.float32
    numpy.testing.assert_array_equal(y.data, expected.data)
    numpy.testing.assert_array_equal(x.grad, same.grad)


@pytest.mark.parametrize("name", ["sum", "mean", "max", "min"])
def test_an_axis_may_be_a_numpy_integer(name, rng):
    array = rng.standard_normal((2, 3))
    x, same = leaves([array, array])
    y, expected = getattr(x, name)(axis=numpy.int64(1)), getattr(same, name)(axis=1)
    y.backward(upstream(y))
    expected.backward(upstream(expected))
    numpy.testing.assert_array_equal(y.data, expected.data)
    numpy.testing.assert_array_equal(x.grad, same.grad)


# What finite differences cannot say: the gradient at a kink is a choice that docstrings state.
KINKS = {
    "abs: at 0 it is 0": (tn.abs, [[0.0]], [[0]]),
    "relu: at 0 it is 0": (tn.relu, [[0.0]], [[0]]),
    "leaky_relu: at 0 it is the slope": (tn.leaky_relu, [[0.0]], [[0.3]]),
    "mae: of equals it is 0": (tn.mae, [[1.0], [1.0]], [[0], [0]]),
    "clip: the ends are inside": (lambda x: tn.clip(x, -1.0, 2.0), [[-1.0, 2.0]], [[1, 1]]),
    "maximum: of equals it is x": (tn.maximum, [[1.0], [1.0]], [[1], [0]]),
    "minimum: of equals it is x": (tn.minimum, [[1.0], [1.0]], [[1], [0]]),
    "power: at 0 to the 0 it is 0": (lambda x: x**0, [[0.0]], [[0]]),
    "power: at 0 to a tensor": (lambda x, y: x**y, [[0.0, 0.0], [0.0, 1.0]], [[0, 1], [0, 0]]),
    "max: the first of equals": (tn.Tensor.max, [[[1.0, 3.0], [3.0, 3.0]]], [[[0, 1], [0, 0]]]),
    "min: the first of equals": (tn.Tensor.min, [[[3.0, 1.0], [1.0, 1.0]]], [[[0, 1], [0, 0]]]),
    "max: of each row": (lambda x: x.max(axis=1), [[[2.0, 2.0], [1.0, 2.0]]], [[[1, 0], [0, 1]]]),
    "max: of each column": (
        lambda x: x.max(axis=0),
        [[[2.0, 2.0], [2.0, 3.0]]],
        [[[1, 0], [0, 1]]],
    ),
    "l2_pool2d: of zeros it is 0": (
        tn.l2_pool2d,
        [numpy.zeros((1, 2, 2, 1))],
        [numpy.zeros((1, 2, 2, 1))],
    ),
}


@pytest.mark.parametrize("name", KINKS)
def test_at_a_kink_the_gradient_is_the_documented_one(name):
    f, arrays, expected = KINKS[name]
    inputs = leaves([numpy.array(x) for x in arrays])
    f(*inputs).sum().backward()
    for x, dx in zip(inputs, expected, strict=True):
        numpy.testing.assert_array_equal(x.grad, dx)


each = partial(partial, reduction="none")  # the loss of each element

# Where the plain formula overflows, or takes log(0): the value and the gradient of the first input.
ENDS = {
    "sigmoid": (tn.sigmoid, [[-1000.0, 1000.0]], [0, 1], [0, 0]),
    "tanh": (tn.tanh, [[-1000.0, 1000.0]], [-1, 1], [0, 0]),
    "softplus": (tn.softplus, [[-1000.0, 1000.0]], [0, 1000], [0, 1]),
    "softmax": (tn.softmax, [[1e4, 0.0]], [1, 0], [0, 0]),
    "log_softmax": (tn.log_softmax, [[1e4, 0.0]], [0, -1e4], [-1, 1]),
    "bce, right": (each(tn.bce), [[0.0, 1.0], [0.0, 1.0]], [0, 0], [1, -1]),
    "bce, wrong": (
        each(tn.bce),
        [[1.0, 0.0], [0.0, 1.0]],
        [numpy.inf] * 2,
        [numpy.inf, -numpy.inf],
    ),
    "bce_with_logits": (each(tn.bce_with_logits), [[-1e3, 1e3], [1.0, 0.0]], [1e3, 1e3], [-1, 1]),
    "cross_entropy": (each(tn.cross_entropy), [[[1e4, 0.0]], [1]], [1e4], [[1, -1]]),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ENDS)
def test_at_the_ends_of_the_numbers_nothing_overflows(name, dtype):
    f, arrays, value, dx = ENDS[name]
    x, *others = leaves([numpy.array(x) for x in arrays], dtype, without={1})
    y = f(x, *others)
    y.backward(numpy.ones_like(y.data))
    numpy.testing.assert_array_equal(y.data, value)
    numpy.testing.assert_allclose(x.grad, dx, rtol=0, atol=1e-37)  # below normal numbers


def beside_zero(f):
    """f of logits (N, 2): x, and 0."""
    return lambda x: f(tn.stack([x, x * 0], axis=1))


EXACT = {  # f of x from -100 to 100, and the most by which value and slope miss, in last bits
    "sigmoid": (tn.sigmoid, 4, 5),  # NumPy's exp alone misses by up to 2.5
    "softplus": (tn.softplus, 3, 4),
    "tanh": (tn.tanh, 2, 4),
    "bce_with_logits, 0": (lambda x: tn.bce_with_logits(x, x.data * 0, "none"), 3, 4),
    "bce_with_logits, 1": (lambda x: tn.bce_with_logits(x, x.data * 0 + 1, "none"), 3, 4),
    "log_softmax": (beside_zero(lambda x: tn.log_softmax(x)[:, 0]), 3, None),
    "cross_entropy": (beside_zero(lambda x: tn.cross_entropy(x, [0] * len(x), "none")), 3, 10),
    "another class": (beside_zero(lambda x: tn.cross_entropy(x, [1] * len(x), "none")), 3, 10),
}


@pytest.mark.parametrize("name", EXACT)
def test_values_and_slopes_are_right_to_the_last_bits_from_minus_100_to_100(name):
    f, value_bits, slope_bits = EXACT[name]
    x = numpy.linspace(-100, 100, 8001).astype(numpy.float32)
    near, exact = (tn.Tensor(x.astype(dtype), True) for dtype in ("float32", "float64"))
    values = [f(t) for t in (near, exact)]
    for y in values:
        y.sum().backward()
    pairs = [([y.data for y in values], value_bits, x == x)]
    pairs += [([near.grad, exact.grad], slope_bits, abs(x) < 88)]  # beyond, exp overflows
    for (got, right), bits, where in pairs:
        if bits:
            last_bit = numpy.spacing(abs(right).astype(numpy.float32)).astype(float)
            assert (abs(got - right) <= bits * last_bit)[where].all()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_the_sigmoid_is_right_to_the_last_bits_far_out_too(dtype):
    smallest = numpy.log(float(numpy.finfo(dtype).smallest_subnormal))
    x = numpy.linspace(smallest, -smallest, 2001).astype(dtype)
    e = [Decimal(float(number)).exp() for number in x]
    right = numpy.array([float(n / (1 + n)) for n in e])
    steepness = numpy.array([float(n / (1 + n) ** 2) for n in e])
    t = tn.Tensor(x, requires_grad=True)
    tn.softplus(t).sum().backward()
    for got in (tn.sigmoid(t).data, t.grad):  # the slope of softplus is the sigmoid
        last_bit = numpy.spacing(right.astype(dtype)).astype(float)
        assert (abs(got.astype(float) - right) <= 4 * last_bit).all()
    t.grad = None
    tn.sigmoid(t).sum().backward()
    last_bit = numpy.spacing(steepness.astype(dtype)).astype(float)
    assert (abs(t.grad.astype(float) - steepness) <= 4 * last_bit)[x < 0].all()
    assert (abs(t.grad.astype(float) - steepness) <= numpy.finfo(dtype).eps).all()


def test_the_bce_of_a_probability_that_is_nearly_0_is_finite():
    p = tn.sigmoid(tn.Tensor(numpy.float32([-20, -80])))
    numpy.testing.assert_allclose(tn.bce(p, [1, 1], "none").data, [20, 80], rtol=1e-6)


def test_soft_labels_that_sum_to_nearly_one_have_their_own_gradient(rng):
    labels = rng.dirichlet([1, 1, 1], size=4) * 1.0005
    assert tn.gradcheck(lambda x: tn.cross_entropy(x, labels), rng.normal(size=(4, 3))).passed


def test_a_small_loss_of_a_sure_logit_is_not_rounded_away():
    loss = tn.bce_with_logits(tn.Tensor([20.0]), tn.Tensor([1.0]))
    numpy.testing.assert_allclose(loss.item(), math.log1p(math.exp(-20)), rtol=1e-6)


def test_noise_is_drawn_alike_for_every_dtype():
    drawn = plain.standard_normal(oracles.drawn_key(0), 100)
    for dtype in ("float16", "float32", "float64"):
        x = tn.Tensor(numpy.zeros(100, dtype))
        y = tn.gaussian_noise(x, 2.0, numpy.random.default_rng(0))
        assert y.dtype == dtype
        numpy.testing.assert_array_equal(y.data, 2 * drawn.astype(dtype))


@pytest.mark.parametrize(
    "f",
    [
        lambda x, rng: tn.dropout(x, 0.5, rng),
        lambda x, rng: tn.gaussian_noise(x, 1.0, rng),
        lambda x, rng: tn.sample_gaussian(x, x, rng),
        lambda x, rng: tn.sample_bernoulli(0.5 * x, rng),
    ],
    ids=["dropout", "gaussian_noise", "sample_gaussian", "sample_bernoulli"],
)
def test_a_generator_moves_on_with_each_call_and_a_seed_draws_the_same_again(f):
    x = tn.Tensor(numpy.ones(200))
    rng, again = numpy.random.default_rng(4), numpy.random.default_rng(4)
    first, second = f(x, rng).data, f(x, rng).data
    assert (first != second).any()
    numpy.testing.assert_array_equal(f(x, again).data, first)
    numpy.testing.assert_array_equal(f(x, again).data, second)
    assert rng.random() == again.random()


def test_two_calls_from_one_generator_are_not_correlated():
    """Each call has its own key: no stretch of the first is found again in the second."""
    rng = numpy.random.default_rng(0)
    x = tn.Tensor(numpy.zeros(100_000, "float32"))
    a, b = (tn.gaussian_noise(x, 1.0, rng).data for _ in range(2))
    assert abs(float((a * b).mean())) < 5 / math.sqrt(a.size)
    assert not numpy.isin(a[:1000], b).all()


def test_dropout_of_channels_draws_one_number_for_each():
    x = tn.Tensor(numpy.ones((50, 3, 3, 8)))
    y = tn.dropout(x, 0.5, numpy.random.default_rng(0), mask_shape=(50, 1, 1, 8)).data
    assert (y == y[:, :1, :1]).all()
    assert 0.4 < (y[:, 0, 0] == 0).mean() < 0.6


def test_a_nan_in_a_window_gets_the_gradient():
    x = tn.Tensor([[1.0, math.nan], [3.0, 4.0]], requires_grad=True)
    tn.max_pool2d(x[None, :, :, None]).sum().backward()
    numpy.testing.assert_array_equal(x.grad, [[0, 1], [0, 0]])


def test_ceil_mode_pools_what_is_smaller_than_the_window():
    x = tn.Tensor(numpy.full((1, 1, 3, 1), 5.0))
    assert tn.max_pool2d(x, 2, ceil_mode=True).shape == (1, 1, 2, 1)


@pytest.mark.parametrize("name", ["max", "min"])
def test_a_nan_among_what_is_reduced_gets_the_gradient(name):
    x = tn.Tensor([[1.0, math.nan, 3.0], [4.0, 5.0, 4.0]], requires_grad=True)
    getattr(x, name)(axis=1).sum().backward()
    winner = {"max": [0, 1, 0], "min": [1, 0, 0]}[name]
    numpy.testing.assert_array_equal(x.grad, [[0, 1, 0], winner])


@pytest.mark.parametrize("dtype", ["uint8", "int64"])
def test_clip_keeps_integers(dtype):
    y = tn.clip(tn.Tensor(numpy.array([1, 5, 9], dtype)), 2, 6)
    assert y.dtype == dtype and y.numpy().tolist() == [2, 5, 6]


@pytest.mark.parametrize("momentum", [0.0, 0.9, 1.0])
def test_batch_norm_moves_its_statistics_towards_those_of_the_batch(momentum, rng):
    x, (mean, variance) = rng.normal(2, 3, (50, 3)), rng.uniform(1, 2, (2, 3))
    expected = momentum * mean + (1 - momentum) * x.mean(0)
    expected_variance = momentum * variance + (1 - momentum) * x.var(0)
    ones = numpy.ones(3)
    tn.batch_norm(x, ones, ones, mean, variance, training=True, momentum=momentum)
    numpy.testing.assert_allclose(mean, expected, rtol=1e-12)
    numpy.testing.assert_allclose(variance, expected_variance, rtol=1e-12)


X, V, W = (numpy.ones(s, "float32") for s in ((2, 8, 6, 3), (3, 5), (3, 2, 3, 5)))
HALF, THIRD = Fraction(1, 2), Fraction(1, 3)
DECLARED = {  # of each operation: multiply-adds, window, stride, bytes of the im2col matrix
    "linear": (lambda: tn.linear(X, V), 2 * 48 * 5 * 3, ALL, (1, 1), 0),
    "matmul": (lambda: tn.matmul(X, V), 2 * 48 * 5 * 3, ALL, (1, 1), 0),
    "sum": (lambda: tn.Tensor(X).sum(), 0, ALL, (1, 1), 0),
    "mean": (lambda: tn.Tensor(X).mean(), 0, ALL, (1, 1), 0),
    "im2col": (lambda: tn.im2col(X, (3, 2), stride=(2, 1)), 0, (3, 2), (2, 1), 0),
    "conv2d": (
        lambda: tn.conv2d(X, W, stride=(2, 1)),
        2 * 3 * 5 * 5 * 18,
        (3, 2),
        (2, 1),
        2 * 3 * 5 * 18 * 4,
    ),
    "conv2d_transpose": (
        lambda: tn.conv2d_transpose(X, W.transpose(0, 1, 3, 2), stride=2),
        2 * 48 * 3 * 6 * 5,
        (2, 1),
        (HALF, HALF),
        2 * 48 * 6 * 5 * 4,
    ),
    "max_pool2d": (lambda: tn.max_pool2d(X, (2, 3)), 0, (2, 3), (2, 3), 0),
    "average_pool2d": (lambda: tn.average_pool2d(X, 2, stride=1), 0, (2, 2), (1, 1), 0),
    "upsample2d": (
        lambda: tn.upsample2d(X, (2, 3)),
        0,
        (1, 1),
        (HALF, THIRD),
        0,
    ),
    "bilinear": (
        lambda: tn.upsample2d(X, (1, 3), interpolation="bilinear"),
        0,
        (1, 2),
        (1, THIRD),
        0,
    ),
    "relu": (lambda: tn.relu(X), 0, (1, 1), (1, 1), 0),
}


@pytest.mark.parametrize("name", DECLARED)
def test_what_an_operation_declares(name):
    compute, *expected = DECLARED[name]
    found = []

    class Reads(Observer):
        def after_forward(self, y, inputs, settings, work):
            found.append(declared(y, inputs, settings, work))

    with observe(Reads()):
        compute()
    assert list(found[-1][:4]) == expected


def test_batch_norm_of_float16_sums_in_float32(rng):
    """70,000 values of 10 sum to ten times what float16 can hold."""
    x = rng.normal(10, 2, (70_000, 3))
    dy = rng.normal(0, 1, x.shape)
    found = []
    for dtype in ("float16", "float64"):
        given = [x.astype("float16"), numpy.ones(3), numpy.zeros(3)]
        t, gamma, beta = leaves(given, dtype)
        mean, variance = numpy.zeros(3, dtype), numpy.ones(3, dtype)
        y = tn.batch_norm(t, gamma, beta, mean, variance, training=True, momentum=0)
        y.backward(dy.astype("float16").astype(dtype))
        found.append([y.data, mean, variance, t.grad, gamma.grad, beta.grad])
        assert all(a.dtype == dtype for a in found[-1])
    for half, exact in zip(*found, strict=True):
        numpy.testing.assert_allclose(half, exact, rtol=2e-3, atol=2e-3 * abs(exact).max())


@pytest.mark.parametrize(
    "normalize",
    [tn.layer_norm, lambda *inputs: tn.group_norm(*inputs, groups=2)],
    ids=["layer_norm", "group_norm"],
)
def test_norms_of_an_example_sum_float16_in_float32(normalize, rng):
    """7,000 values of 10 sum to more than float16 can hold, and so is the square of 300."""
    for scale in (1, 30):
        x = scale * rng.normal(10, 2, (2, 7000, 4) if normalize is not tn.layer_norm else (2, 7000))
        dy = rng.normal(1, 1, x.shape)  # its sum is 14,000: float16 adds no 1 to 2,048
        found = []
        for dtype in ("float16", "float64"):
            C = x.shape[-1]
            t, gamma, beta = leaves([x.astype("float16"), numpy.ones(C), numpy.zeros(C)], dtype)
            y = normalize(t, gamma, beta)
            y.backward(dy.astype("float16").astype(dtype))
            found.append([y.data, t.grad, gamma.grad, beta.grad])
            assert all(a.dtype == dtype for a in found[-1])
        for half, exact in zip(*found, strict=True):
            numpy.testing.assert_allclose(half, exact, rtol=2e-3, atol=2e-3 * abs(exact).max())


def test_a_large_mean_costs_no_digits_of_a_norm(rng):
    x = rng.normal(0, 1, (4, 8, 6)).astype("float32") + numpy.float32(1000)
    ones, zeros = numpy.ones(6, "float32"), numpy.zeros(6, "float32")
    for normalize, oracle in (
        (tn.layer_norm, oracles.layer_norm),
        (partial(tn.group_norm, groups=2), partial(oracles.group_norm, groups=2)),
    ):
        exact = oracle(x.astype("float64"), ones, zeros)
        assert_close(normalize(x, ones, zeros).numpy(), exact, 3e-4)


def test_the_maximum_gets_an_infinite_gradient_and_its_neighbors_none():
    for dy in (numpy.inf, -numpy.inf):
        for shape in ((1, 2, 2, 1), (1, 3, 3, 1)):  # the second takes the general way
            x = tn.Tensor(numpy.arange(numpy.prod(shape), dtype=float).reshape(shape), True)
            y = tn.max_pool2d(x, shape[1])
            y.backward(numpy.full(y.shape, dy))
            assert x.grad.ravel().tolist() == [0] * (x.size - 1) + [dy]


def test_a_stride_of_any_size_takes_no_longer_than_the_picture():
    x, w = leaves([numpy.ones((1, 3, 4, 2)), numpy.ones((2, 2, 2, 3))])
    tn.conv2d(x, w, stride=10**9).sum().backward()
    expected = numpy.zeros(x.shape)
    expected[:, :2, :2] = 3
    numpy.testing.assert_array_equal(x.grad, expected)


def test_an_impossible_class_costs_nothing_where_the_label_is_another():
    for labels in ([0], [[1.0, 0.0, 0.0]]):
        x = tn.Tensor([[2.0, 1.0, -numpy.inf]], requires_grad=True)
        y = tn.cross_entropy(x, labels)
        y.backward()
        numpy.testing.assert_allclose(y.data, numpy.log1p(numpy.exp(-1)), rtol=1e-6)
        numpy.testing.assert_allclose(x.grad, [[-0.26894143, 0.26894143, 0]], rtol=1e-5)


def test_abs_of_integers_is_of_integers():
    y = tn.abs(tn.Tensor(numpy.array([-3, 2])))
    assert y.dtype == numpy.int64 and y.data.tolist() == [3, 2]


@pytest.mark.parametrize("word", ["cat", None])
def test_a_tensor_is_equal_to_no_word_and_not_to_nothing(word):
    x = tn.Tensor([1.0, 2.0])
    assert (x == word) is False and (x != word) is True


def test_float16_is_sure_where_float32_is():
    """exp ends at x = 11 in float16."""
    x = tn.Tensor(numpy.array([12, 100, 1000], "float16"), requires_grad=True)
    tn.bce_with_logits(x, numpy.ones(3, "float16"), "sum").backward()
    numpy.testing.assert_allclose(x.grad, [-6.1e-6, 0, 0], atol=2e-7)
    assert tn.sigmoid(x).data.tolist() == [1, 1, 1] and tn.sigmoid(x).dtype == numpy.float16
