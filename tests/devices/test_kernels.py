"""The kernels of the CPU compute what the plain forms say, however they cut their work.

plain.py is the oracle.  Hypothesis draws shapes and settings for convolutions; everything else is
cut into parts by limits that are set low.
"""

from __future__ import annotations

import contextlib
import itertools
import math

import numpy
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import tinynet as tn
from tinynet.devices import cpu, plain
from tinynet.devices.cpu import matrix, pieces, pooling, workspace
from tinynet.ops.windows import windows

pytestmark = pytest.mark.fast_form

quick = settings(
    max_examples=300,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def close(got, expected, tolerance=1e-12):
    assert got.shape == expected.shape and got.dtype == expected.dtype
    largest = numpy.abs(expected).max(initial=0)
    numpy.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance * (1 + largest))


def same(got, expected):
    assert got.shape == expected.shape and got.dtype == expected.dtype
    numpy.testing.assert_array_equal(got, expected)


# -- convolution -----------------------------------------------------------------------------------

PAIRS = st.tuples(st.integers(1, 5), st.integers(1, 5))
STRIDES = st.tuples(st.integers(1, 4), st.integers(1, 4))
BORDERS = st.tuples(st.integers(0, 3), st.integers(0, 3))
PADDINGS = st.one_of(st.sampled_from(["valid", "same"]), st.tuples(BORDERS, BORDERS))
PICTURES = st.tuples(st.integers(0, 4), st.integers(1, 9), st.integers(1, 20), st.integers(1, 9))


@contextlib.contextmanager
def tiles_of(size, work, count):
    """Tiles of so many bytes of columns, or more where so much work is not reached, by threads."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workspace, "TILE", size)
        patch.setattr(workspace, "LEAST_WORK", work)
        tn.set_threads(count)
        try:
            yield
        finally:
            tn.set_threads(None)


@quick
@given(
    x=PICTURES,
    outputs=st.sampled_from([1, 2, 8]),
    size=PAIRS,
    stride=STRIDES,
    padding=PADDINGS,
    finish=st.tuples(st.booleans(), st.booleans()),
    tile=st.sampled_from([1, 2000, 2**20]),
    work=st.sampled_from([1, 10**7]),
    count=st.sampled_from([1, 3]),
)
@example(  # a stride larger than the kernel, rows and columns that no window covers
    (2, 8, 9, 3), 2, (2, 1), (3, 4), ((1, 0), (0, 2)), (True, True), 2000, 1, 3
)
@example(  # phases that begin a row apart
    (4, 8, 64, 16), 8, (2, 2), (2, 2), ((1, 0), (1, 0)), (False, False), 2**20, 10**7, 1
)
@example(  # as columns that are added up, of windows higher than the rows of a tile
    (2, 9, 17, 7), 8, (5, 1), (1, 2), "same", (True, True), 1, 10**7, 1
)
@example((3, 8, 15, 5), 8, (5, 1), (1, 4), ((1, 1), (1, 1)), (False, False), 500, 10**7, 1)
@example(  # runs of few numbers, that are copied along the width
    (3, 7, 20, 1), 2, (3, 3), (1, 1), "same", (True, False), 2000, 1, 3
)
def test_convolution_by_tiles(
    exact_buffers, x, outputs, size, stride, padding, finish, tile, work, count
):
    rng = numpy.random.default_rng(0)
    x = rng.standard_normal(x)
    try:
        ws = windows(x.shape[1:3], size, stride, padding)
    except ValueError:  # the window does not fit
        return
    C = x.shape[3]
    kernel = rng.standard_normal((*size, C, outputs))
    dy = rng.standard_normal((len(x), *ws.output, outputs))
    biases = [rng.standard_normal(n) if finish[0] else None for n in (outputs, C)]
    with tiles_of(tile, work, count):
        for name, arguments in (
            ("convolve", (x, kernel, biases[0], ws, finish[1])),
            ("convolve_transposed", (dy, kernel, biases[1], ws, finish[1])),
            ("kernel_gradient", (x, dy, ws)),
        ):
            given = [a.copy() if isinstance(a, numpy.ndarray) else a for a in arguments]
            close(getattr(cpu, name)(*arguments), getattr(plain, name)(*given))
            for before, after in zip(given, arguments, strict=True):
                if isinstance(before, numpy.ndarray):
                    same(after, before)  # nothing was written into


def test_pictures_and_gradients_that_lie_apart(rng, small_parts):
    x = rng.standard_normal((2, 3, 9, 8)).transpose(0, 3, 2, 1)  # (2, 8, 9, 3)
    kernel = rng.standard_normal((8, 3, 3, 3)).T  # (3, 3, 3, 8)
    wide = kernel.transpose(0, 1, 3, 2)  # 8 channels, that are gathered
    for padding in ("same", "valid"):
        ws = windows(x.shape[1:3], 3, 2, padding)
        y = rng.standard_normal((4, *ws.output, 16))[::2, :, ::-1, ::2]
        close(cpu.convolve(x, kernel, None, ws), plain.convolve(x, kernel, None, ws))
        for dy, w in ((y, kernel), (y[..., :3], wide)):
            transposed = plain.convolve_transposed(dy, w, None, ws)
            close(cpu.convolve_transposed(dy, w, None, ws), transposed)
        close(cpu.kernel_gradient(x, y, ws), plain.kernel_gradient(x, y, ws))


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_convolution_keeps_its_dtype(dtype, rng, small_parts):
    x = rng.standard_normal((3, 6, 7, 4)).astype(dtype)
    kernel = rng.standard_normal((3, 3, 4, 8)).astype(dtype)
    bias = rng.standard_normal(8).astype(dtype)
    ws = windows((6, 7), 3, 1, "same")
    y = plain.convolve(x, kernel, bias, ws, True)
    dx = plain.convolve_transposed(y, kernel, None, ws)
    tolerance = 8 * float(numpy.finfo(dtype).eps)
    close(cpu.convolve(x, kernel, bias, ws, True), y, tolerance)
    close(cpu.convolve_transposed(y, kernel, None, ws), dx, tolerance)
    close(cpu.kernel_gradient(x, y, ws), plain.kernel_gradient(x, y, ws), tolerance)


# -- products of matrices --------------------------------------------------------------------------


@pytest.mark.parametrize("cuts", [*itertools.product([1, 2, 4, 8], repeat=3)])
def test_a_product_in_blocks(cuts, rng, small_parts, monkeypatch):
    monkeypatch.setattr(matrix, "block_counts", lambda N, M, O: cuts)  # noqa: E741
    for N, M, O in ((16, 24, 40), (9, 9, 9), (1, 11, 30)):  # noqa: E741
        a, b = rng.standard_normal((M, N)).T, rng.standard_normal((M, O))
        bias = rng.standard_normal(O)
        close(cpu.product(a, b), plain.product(a, b))
        close(cpu.product(a, b, bias, True), plain.product(a, b, bias, True))
        close(cpu.product(b.T, a.T, None, True), plain.product(b.T, a.T, None, True))


def test_a_product_is_cut_where_it_is_long(small_parts):
    """By shape alone, in 1, 2, 4 or 8 blocks as there is work for them (300 multiply-adds each)."""
    long = 64
    for shape in itertools.product([1, 2, long], repeat=3):
        cuts = matrix.block_counts(*shape)
        assert math.prod(cuts) in (1, 2, 4, 8)
        assert math.prod(cuts) == 1 or math.prod(shape) / math.prod(cuts) >= matrix.BLOCK
        assert all(cut == 1 or n == long for n, cut in zip(shape, cuts, strict=True))
    assert matrix.block_counts(long, 1, 9) == (1, 1, 1)  # 576 multiply-adds
    assert matrix.block_counts(long, 1, 10) == (2, 1, 1)
    assert matrix.block_counts(long // 2, long, 1) == (2, 1, 1)  # sums over M have to be added up
    assert matrix.block_counts(2, 8 * long, 2) == (1, 2, 1)
    assert matrix.block_counts(2, long, 4 * long) == (1, 1, 8)
    assert matrix.block_counts(4 * long, 4 * long, 4 * long) == (4, 1, 2)


@pytest.mark.parametrize("shape", [(0, 3, 4), (3, 0, 4), (3, 4, 0), (1, 1, 1), (200, 3, 5)])
def test_a_product_of_any_size(shape, rng, small_parts):
    N, M, O = shape  # noqa: E741
    a, b, bias = (rng.standard_normal(s).astype("float32") for s in ((N, M), (M, O), (O,)))
    close(cpu.product(a, b, bias, True), plain.product(a, b, bias, True), 1e-6)


STACKS = [
    ((2, 3, 4), (2, 4, 2)),  # few multiply-adds
    ((3, 6, 5), (3, 5, 4)),  # one part
    ((9, 6, 5), (9, 5, 4)),  # several parts
    ((1, 9, 6, 5), (5, 4)),
    ((6, 5), (1, 9, 5, 4)),
    ((7, 1, 3, 4), (1, 5, 4, 6)),
    ((2, 1, 9, 10), (3, 10, 8)),  # each in blocks
    ((1, 30, 20), (1, 20, 9)),
    ((0, 9, 10), (10, 8)),
    ((0, 1, 9, 5), (2, 5, 6)),
    ((9, 0, 10), (9, 10, 8)),
    ((9, 10, 0), (9, 0, 8)),
]


@pytest.mark.parametrize(("left", "right"), STACKS)
def test_a_product_of_stacks(left, right, rng, small_parts):
    a, b, bias = (rng.standard_normal(shape) for shape in (left, right, right[-1:]))
    close(cpu.product(a, b), plain.product(a, b))
    close(cpu.product(a, b, bias, True), plain.product(a, b, bias, True))
    a, b = b.swapaxes(-1, -2), a.swapaxes(-1, -2)
    close(cpu.product(a, b), plain.product(a, b))


# -- elementwise -----------------------------------------------------------------------------------

SIZES = [(0,), (), (1,), (511,), (512,), (513,), (5, 300), (1024,), (2, 3, 257)]  # pieces of 256


def formula(x, y):
    return x * y + 1


@pytest.mark.parametrize("formula", [formula, numpy.multiply], ids=["formula", "ufunc"])
@pytest.mark.parametrize("shape", SIZES)
def test_elementwise_by_pieces(shape, formula, rng, small_parts):
    x, y = rng.standard_normal((2, *shape))
    for a, b in ((x, y), (x.T, y.T)):
        before = a.copy(), b.copy()
        same(numpy.asarray(cpu.elementwise(formula, a, b)), numpy.asarray(formula(*before)))
        same(a, before[0]), same(b, before[1])


@pytest.mark.parametrize("shape", SIZES)
def test_elementwise_with_two_results(shape, rng, small_parts):
    x = rng.standard_normal(shape)
    for a in (x, x.T):
        found = cpu.elementwise(lambda a: (a + 1, a * 2), a, results=2)
        same(numpy.asarray(found[0]), numpy.asarray(a + 1))
        same(numpy.asarray(found[1]), numpy.asarray(a * 2))


ELEMENTWISE = {  # the arguments of each kernel, of two arrays of numbers and one of booleans
    "relu": lambda x, dy, mask: (x,),
    "relu_back": lambda x, dy, mask: (dy, x),
    "masked": lambda x, dy, mask: (x, mask, 1.6),
    **{
        name: arguments
        for slope in (0, 0.0, 0.3, 1, 1.5, -2.0)
        for name, arguments in (
            (f"leaky_relu {slope!r}", lambda x, dy, mask, slope=slope: (x, slope)),
            (f"leaky_relu_back {slope!r}", lambda x, dy, mask, slope=slope: (dy, x, slope)),
        )
    },
}


def as_numbers_lie(x):
    """The same numbers, side by side, and in views that are not contiguous."""
    yield x
    yield x.T.copy().T
    wide = numpy.zeros((*x.shape[:-1], 2 * (x.shape or (1,))[-1]), x.dtype)
    if x.shape:
        wide[..., ::2] = x
        yield wide[..., ::2]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize("shape", SIZES)
def test_elementwise_kernels(shape, name, dtype, rng, small_parts):
    x, dy = (numpy.asarray(a) for a in rng.standard_normal((2, *shape)).astype(dtype))
    x[...] = numpy.where(rng.random(shape) < 0.1, 0, x)  # at the kink, too
    mask = numpy.asarray(rng.random(shape) < 0.5)
    kernel = name.split()[0]
    tolerance = 4 * float(numpy.finfo(dtype).eps)
    for arrays in zip(*map(as_numbers_lie, (x, dy, mask)), strict=True):
        arguments = ELEMENTWISE[name](*arrays)
        before = [a.copy() for a in arrays]
        expected = numpy.asarray(getattr(plain, kernel)(*arguments))
        close(numpy.asarray(getattr(cpu, kernel)(*arguments)), expected, tolerance)
        for array, copied in zip(arrays, before, strict=True):
            same(array, copied)


@pytest.mark.parametrize("name", [n for n in ELEMENTWISE if n != "masked"])
def test_elementwise_kernels_at_the_ends_of_the_numbers(name, small_parts):
    """NaN and infinities come out where they come out of the plain form."""
    ends = numpy.array([math.nan, math.inf, -math.inf, 0.0, -0.0, 1e-45, -1e-45, 3e38, 2.0])
    for size in (1, 100):  # in one piece and in several
        x, dy = (a.repeat(size).astype("float32") for a in numpy.meshgrid(ends, ends))
        x, dy = x.ravel(), dy.ravel()
        kernel, arguments = name.split()[0], ELEMENTWISE[name](x, dy, None)
        with numpy.errstate(all="ignore"):
            found, expected = getattr(cpu, kernel)(*arguments), getattr(plain, kernel)(*arguments)
        numpy.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("shape", [(40, 1, 1, 7), (1, 5, 1, 1), (40, 5, 6, 7), (1, 1, 1, 1)])
def test_a_mask_of_whole_channels(shape, rng, small_parts):
    x, mask = rng.standard_normal((40, 5, 6, 7)), rng.random(shape) < 0.5
    close(cpu.masked(x, mask, 2.0), plain.masked(x, mask, 2.0))


@pytest.mark.parametrize("name", ["total", "mean"])
@pytest.mark.parametrize("shape", [s for s in SIZES if s != (0,)])
def test_sums_by_pieces(shape, name, rng, small_parts):
    x, y = rng.standard_normal((2, *shape))
    for a, b in ((x, y), (x.T, y.T), (x.astype("float32"), y.astype("float32"))):
        tolerance = 1e-12 if a.dtype == float else 1e-5
        found = getattr(cpu, name)(formula, a, b)
        close(found, getattr(plain, name)(formula, a, b), tolerance * a.size)


def test_sums_of_halves_are_added_up_as_float32(small_parts):
    x = numpy.full(10_000, 700, "float16")  # of 94 the sum is more than float16 holds
    found = cpu.mean(lambda x: x, x)
    assert found == 700 and found.dtype == "float16"


def parts_of(shape, seen):
    """A formula that writes down how much it was given at a time."""

    def formula(x):
        seen.append(x.shape)
        return x + 1

    x = numpy.zeros(shape)
    return formula, x


def test_what_is_long_is_computed_in_pieces_and_what_is_short_in_one(small_parts):
    for shape, expected in (((511,), [(511,)]), ((600,), [(88,), (256,), (256,)])):
        for kernel in (cpu.elementwise, cpu.total, cpu.mean):
            seen = []
            formula, x = parts_of(shape, seen)
            kernel(formula, x)
            assert sorted(seen) == expected, kernel


def relu_inputs():
    rng = numpy.random.default_rng(0)
    large = rng.standard_normal((7, 6, 300))
    yield from (large, large[:, ::2], large.T, large[..., ::3], large[:, :, :1], large[:, :0])
    yield from (rng.standard_normal(10_000), rng.standard_normal((3, 1000)), large[0, 0, 0].copy())
    yield from (numpy.array(-1.5), numpy.array([numpy.nan, -1, 1]), numpy.arange(-500, 500))
    yield large.astype("float32")


@pytest.mark.parametrize("x", list(relu_inputs()), ids=lambda x: f"{x.shape}{x.strides}")
def test_relu_of_arrays_however_they_lie(x, small_parts):
    x = numpy.asarray(x)
    expected = numpy.maximum(x, 0)
    same(numpy.asarray(pieces.relu_into(x)), expected)
    same(numpy.asarray(cpu.relu(x)), expected)
    wide = numpy.empty((*x.shape[:-1], (x.shape or (1,))[-1] + 1), x.dtype)
    for out in (numpy.empty(x.shape, x.dtype), wide[..., :-1].reshape(x.shape)):
        pieces.relu_into(x, out)
        same(out, expected)


def test_relu_in_place(rng):
    x = rng.standard_normal((50, 70))
    expected = numpy.maximum(x, 0)
    assert numpy.shares_memory(pieces.relu_into(x, x), x)
    same(x, expected)


@pytest.mark.parametrize(
    "shape", [(1,), (0, 3), (5, 1), (8192, 1), (7, 8192), (7, 9000), (3, 11, 32), (2, 3, 5, 7, 100)]
)
def test_long_rows_are_whole_ones_that_fill_the_array(shape):
    k = pieces.long_rows(shape)
    rows = math.prod(shape[:-1])
    assert k >= 1 and (k == 1 or k * shape[-1] <= 8192)
    assert rows % k == 0
    if shape == (3, 11, 32):
        assert k == 33
    if shape == (8192, 1):
        assert k == 8192


@pytest.mark.parametrize("shape", [(1, 3), (200, 1), (64, 32), (1000, 7), (3, 2000)])
@pytest.mark.parametrize("relu", [False, True])
def test_bias_and_relu_in_place(shape, relu, rng):
    y, bias = rng.standard_normal(shape), rng.standard_normal(shape[1])
    expected = y + bias
    expected = numpy.maximum(expected, 0) if relu else expected
    wide = numpy.zeros((shape[0], 2 * shape[1]))
    apart = wide[:, ::2]
    apart[...] = y
    for array in (y, apart):
        found = matrix.finish(array, bias, relu)
        same(array, expected)
        same(found, expected)
    assert not wide[:, 1::2].any()


@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (511, 1), (100, 7), (300, 300), (3, 900)])
def test_column_sums(shape, rng, small_parts):
    x = rng.standard_normal(shape)
    close(cpu.column_sums(x), x.sum(axis=0))
    close(cpu.column_sums(x[:, ::-1]), x[:, ::-1].sum(axis=0))


# -- batch normalization ---------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(2, 1), (16, 16), (300, 1), (1001, 5), (77, 300), (3, 2000)])
def test_moments(shape, rng, small_parts):
    x = rng.standard_normal(shape) * 3 + 1
    for got, expected in zip(cpu.moments(x), plain.moments(x), strict=True):
        close(got, expected)


@pytest.mark.parametrize("N", [100, 1000, 1001, 4096])
def test_moments_where_the_mean_is_large(N, rng, small_parts):
    """As E[x^2] - E[x]^2 nothing would be left of 1 beside 1e8 in float32."""
    x = (1e4 + rng.standard_normal((N, 4))).astype("float32")
    exact = x.astype("float64")
    mean, variance = cpu.moments(x)
    assert mean.dtype == variance.dtype == "float32"
    numpy.testing.assert_allclose(mean, exact.mean(axis=0), rtol=3e-7)
    numpy.testing.assert_allclose(variance, exact.var(axis=0), rtol=1e-3)


ROWS = [(1, 3), (300, 1), (64, 4), (1000, 7), (5, 9, 11, 3), (2, 700)]


@pytest.mark.parametrize("shape", ROWS)
def test_what_batch_normalization_computes_for_each_channel(shape, rng, small_parts):
    dy, x = rng.standard_normal((2, *shape))
    a, b, c, d = rng.standard_normal((4, shape[-1]))
    apart = numpy.moveaxis(numpy.moveaxis(x, -1, 0).copy(), 0, -1)
    for each in (x, apart):
        close(cpu.scale_and_shift(each, a, b, c), plain.scale_and_shift(each, a, b, c))
        close(cpu.combine(dy, a, each, b, c, d), plain.combine(dy, a, each, b, c, d))
        flat = [array.reshape(-1, shape[-1]) for array in (dy, each)]
        found = cpu.products_and_sums(*flat, a)
        for got, expected in zip(found, plain.products_and_sums(*flat, a), strict=True):
            close(got, expected)
        for leak in (0.0, 0.3):
            y = plain.scale_and_shift(each, a, b, c, leak)
            close(cpu.scale_and_shift(each, a, b, c, leak), y)
            expected = plain.combine(dy, a, each, b, c, d, y, leak)
            close(cpu.combine(dy, a, each, b, c, d, y, leak), expected)
            after = a, y.reshape(-1, shape[-1]), leak
            found = cpu.products_and_sums(*flat, *after)
            for got, expected in zip(found, plain.products_and_sums(*flat, *after), strict=True):
                close(got, expected)


def test_batch_normalization_where_the_mean_is_large(rng, small_parts):
    """It rounds away no more than was rounded away when x became float32."""
    x = (1e4 + rng.standard_normal((2000, 3))).astype("float32")
    dy = rng.standard_normal((2000, 3)).astype("float32")
    mean, scale, shift = x.mean(axis=0), numpy.float32([1, 0.5, 2]), numpy.float32([0, 1, -1])
    rounded = 2 * 1e4 * float(numpy.finfo("float32").eps)
    exact = plain.scale_and_shift(*(v.astype("float64") for v in (x, mean, scale, shift)))
    found = cpu.scale_and_shift(x, mean, scale, shift)
    assert (numpy.abs(found - exact) <= rounded * scale).all()
    exact = plain.products_and_sums(*(v.astype("float64") for v in (dy, x, mean)))
    for got, expected in zip(cpu.products_and_sums(dy, x, mean), exact, strict=True):
        numpy.testing.assert_allclose(got, expected, atol=0.05)


# -- max pooling -----------------------------------------------------------------------------------

NUMBERS = st.sampled_from([-1.0, 0.0, 1.0, -math.inf])


@quick
@given(
    shape=st.tuples(
        st.integers(0, 4), st.integers(2, 9), st.integers(2, 9), st.sampled_from([1, 3, 40])
    ),
    size=st.sampled_from([(2, 2), (2, 2), (3, 2), (1, 1)]),
    stride=st.sampled_from([None, None, (1, 2), (3, 3)]),
    padding=st.sampled_from(["valid", "valid", "same", (1, 0), ((1, 0), (0, 1))]),
    nan=st.sampled_from([0, 0, 0.1]),
    seed=st.integers(0, 100),
)
@example((4, 8, 6, 40), (2, 2), None, "valid", 0, 0)
@example((4, 8, 6, 40), (2, 2), None, "valid", 0.1, 0)
@example((2, 7, 6, 3), (2, 2), None, "valid", 0, 0)
@example((2, 6, 6, 3), (2, 2), None, ((1, 0), (1, 0)), 0, 0)
@example((2, 6, 7, 3), (2, 2), None, "valid", 0, 0)
def test_max_pooling(shape, size, stride, padding, nan, seed):
    """Of three numbers, so that many are equal; the largest piece is two pictures."""
    rng = numpy.random.default_rng(seed)
    x = rng.choice([-1.0, 0.0, 1.0], shape)
    x[rng.random(shape) < nan] = numpy.nan
    try:
        ws = windows(shape[1:3], size, stride or size, padding, only_inside=True)
    except ValueError:
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pooling, "PIECE", math.prod(shape[1:]))
        for array in (x, x.copy().transpose(0, 1, 2, 3)[:, :, :, ::-1]):
            y = plain.max_pool(array, ws)
            dy = rng.standard_normal(y.shape)
            same(cpu.max_pool(array, ws), y)
            same(cpu.max_pool_back(dy, array, y, ws), plain.max_pool_back(dy, array, y, ws))


@pytest.mark.parametrize("form", [cpu, plain], ids=["cpu", "plain"])
@pytest.mark.parametrize("rows", [4000, 9000])
def test_sums_of_float16_are_made_in_float32(form, rows):
    """Beyond 2,048, ones of float16 no longer count."""
    x = numpy.ones((rows, 2), "float16")
    assert form.column_sums(x).tolist() == [rows, rows]
    assert form.column_sums(x).dtype == x.dtype
    assert float(form.total(lambda x: x, numpy.ones(300_000, "float16"))) == 300_000
