"""The compiled loops compute what the plain kernels say: any shape, border, NaN, and any lie."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import inspect
import itertools
import math
import re

import numpy
import pytest
from hypothesis import (
    HealthCheck,
    example,
    given,
)
from hypothesis import (
    settings as hypothesis_settings,
)
from hypothesis import (
    strategies as st,
)

import tinynet as tn
from tinynet.devices import cpu, form, plain, settings
from tinynet.devices.cpu import workspace
from tinynet.ops import activation, loss
from tinynet.ops.windows import windows

if importlib.util.find_spec("numba") is None:
    pytest.skip("numba is not installed", allow_module_level=True)
if form.chosen is plain:
    pytest.skip("TINYNET_PLAIN=1 turns the loops off", allow_module_level=True)

import numba

from tinynet.devices import loops
from tinynet.devices.loops import (
    convolution,
    formulas,
    gemm,
    loop,
    matrix,
    parts,
    recurrent,
    winograd,
)  # fmt: skip

quick = hypothesis_settings(
    max_examples=200,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
EPSILON = float(numpy.finfo("float32").eps)


class Silent:
    """No line of progress."""

    def __init__(self, count, how_often):
        pass

    step = end = lambda self: None


@pytest.fixture(scope="module", autouse=True)
def _compiled():
    loops.compile_all(Silent)


@pytest.fixture(autouse=True, params=[1, 3], ids=["one thread", "three threads"])
def _small_parts(request, monkeypatch):
    """Small arrays are computed by loops too, in parts of 50 numbers, by threads."""
    monkeypatch.setattr(settings, "LEAST", 1)
    monkeypatch.setattr(parts, "PIECE", 50)
    monkeypatch.setattr(convolution, "TILE", 4000)
    monkeypatch.setattr(convolution, "LEAST_WORK", 1)
    monkeypatch.setattr(matrix, "LEAST", 1)
    tn.set_threads(request.param)
    yield
    tn.set_threads(None)


def numbers(rng, *shape):
    return rng.standard_normal(shape, numpy.float32)


def lies(x):
    """The same numbers: side by side, apart, backwards, in the other order, and read-only."""
    yield x
    wide = numpy.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
    wide[..., ::2] = x
    yield wide[..., ::2]
    yield x[::-1].copy()[::-1]
    yield numpy.asfortranarray(x)
    fixed = x.copy()
    fixed.flags.writeable = False
    yield fixed


def close(found, expected, tolerance=4 * EPSILON):
    found, expected = numpy.asarray(found), numpy.asarray(expected)
    assert found.shape == expected.shape and found.dtype == expected.dtype
    finite = numpy.abs(expected[numpy.isfinite(expected)])
    atol = tolerance * (1 + finite.max(initial=0))
    numpy.testing.assert_allclose(found, expected, rtol=tolerance, atol=atol)


def agree(name, *arguments, tolerance=4 * EPSILON, **settings):
    """The loop's result is the plain one's, and nothing else was written into."""
    before = [a.copy() if isinstance(a, numpy.ndarray) else a for a in arguments]
    with numpy.errstate(all="ignore"):
        expected = getattr(plain, name)(*before, **settings)
        found = getattr(loops, name)(*arguments, **settings)
    if not isinstance(found, tuple):
        found, expected = (found,), (expected,)
    for one, other in zip(found, expected, strict=True):
        close(one, other, tolerance)
    for array, copied in zip(arguments, before, strict=True):
        if isinstance(array, numpy.ndarray):
            numpy.testing.assert_array_equal(array, copied)


def test_the_names_that_wait_for_numba_are_those_of_the_loops():
    others = {"compile_all", "kept", "lstm_backward", "lstm_forward"}
    assert set(loops.__all__) == form.NAMES | others
    for name in form.NAMES:
        assert getattr(loops, name) is not getattr(cpu, name)
        known, given = (inspect.signature(getattr(m, name)) for m in (cpu, loops))
        assert list(known.parameters) == list(given.parameters), name


# -- elementwise -----------------------------------------------------------------------------------

SHAPES = [(0,), (1,), (49,), (50,), (51,), (7, 33), (3, 4, 5, 6)]
ENDS = numpy.float32([math.nan, math.inf, -math.inf, 0.0, -0.0, 1e-45, -1e-45, 3e38, 2.0])


@pytest.mark.parametrize("shape", SHAPES)
def test_elementwise_kernels(shape, rng):
    x, dy = numbers(rng, *shape), numbers(rng, *shape)
    x[rng.random(shape) < 0.1] = 0
    mask = rng.random(shape) < 0.5
    arrays = x, dy, mask
    for x, dy, mask in zip(*map(lies, arrays), strict=True):
        agree("relu", x)
        agree("relu_back", dy, x)
        agree("masked", x, mask, 1.25)
        for slope in (0.3, 0.0, 1.5, -0.5):
            agree("leaky_relu", x, slope)
            agree("leaky_relu_back", dy, x, slope)


@pytest.mark.parametrize("count", [1, 3, 4, 15, 16, 17, 63, 64, 65, 129, 1000, 4097])
def test_masks_have_the_bits_of_the_plain_form(count):
    for key in ((0, 0), (1, 2**63), (2**64 - 1, 2**53 + 1)):
        for drop in (0, 16384, 21845, 65535):
            agree("keep_mask", key, drop, count, tolerance=0)


def test_large_masks_have_the_bits_of_the_plain_form():
    for count in (4 * loops.noise.WORDS - 1, 4 * loops.noise.WORDS + 1, 300_001):
        agree("keep_mask", (3, 2**64 - 1), 20_000, count, tolerance=0)


def test_elementwise_kernels_at_the_ends_of_the_numbers():
    x, dy = (a.ravel() for a in numpy.meshgrid(ENDS, ENDS))
    agree("relu", x)
    agree("leaky_relu", x, 0.3)
    agree("leaky_relu_back", dy, x, 0.3)
    finite = numpy.where(numpy.isfinite(dy), dy, 1)
    agree("relu_back", finite, x)  # plain.relu_back multiplies, and infinity times 0 is NaN
    assert loops.relu_back(numpy.float32([math.inf]), numpy.float32([-1.0])).tolist() == [0]


FORMULAS = {
    "elementwise": formulas.VALUES, "mean": formulas.SUMS, "total": formulas.SUMS,
    "scaled": formulas.SCALED,
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kernel", FORMULAS)
def test_formulas(kernel, shape, rng):
    for name, compiled in FORMULAS[kernel].items():
        module, function = name.split(".")
        formula = getattr(importlib.import_module(f"tinynet.ops.{module}"), function)
        arrays = [3 * numbers(rng, *shape) for _ in inspect.signature(formula).parameters]
        arrays[-1] = rng.random(shape, numpy.float32)  # a target is in [0, 1]
        settings = {"results": 2} if name.endswith("rest") else {}
        if kernel == "scaled":
            settings = {"factor": numpy.float32(0.3)}
        if not arrays[0].size and kernel == "mean":
            continue
        called = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(compiled), "__call__", counted(called, type(compiled).__call__))
            for lying in zip(*map(lies, arrays), strict=True):
                known = "elementwise" if kernel == "scaled" else kernel
                agree(known, formula, *lying, tolerance=40 * EPSILON, **settings)
        assert {found.name for found in called} == ({compiled.name} if arrays[0].size else set())


def counted(called, true):
    return lambda self, *values, **settings: called.append(self) or true(self, *values, **settings)


@pytest.mark.parametrize("shape", [(1, 1), (1, 70), (60, 1), (7, 33), (3, 4, 6), (2, 0, 5)])
def test_softmax_and_the_slope_of_cross_entropy(shape, rng):
    x, labels = 4 * numbers(rng, *shape), rng.integers(0, shape[-1], shape[:-1])
    losses = -numpy.take_along_axis(plain.log_softmax(x), labels[..., None], -1)[..., 0]
    for lying in lies(x):
        agree("log_softmax", lying, tolerance=8 * EPSILON)
        agree("log_softmax", lying, len(shape) - 1, tolerance=8 * EPSILON)
        if len(shape) == 2:
            agree("log_softmax", lying, 0, tolerance=8 * EPSILON)
        log_p = plain.log_softmax(lying)
        for factor in (numpy.float32(0.3), numbers(rng, *shape[:-1])):
            for kind in ("int64", "uint8"):
                arrays = log_p, labels.astype(kind), losses, factor
                agree("cross_entropy_back", *arrays, tolerance=20 * EPSILON)


def test_softmax_is_exact_where_a_class_is_nearly_certain():
    x = numpy.float32([[0, 30, -20], [0, 120, 0], [-3e38, 0, 3e38]])
    exact = x.astype("float64")
    others = numpy.exp(exact - exact.max(axis=1, keepdims=True)).sum(axis=1) - 1
    others[:2] = math.exp(-30) + math.exp(-50), 2 * math.exp(-120)
    log_p = loops.log_softmax(x)
    numpy.testing.assert_allclose(-log_p[[0, 1, 2], [1, 1, 2]], others, rtol=1e-6, atol=1e-45)
    slope = loops.cross_entropy_back(log_p, numpy.array([1, 1, 2]), -log_p[:, 1], numpy.float32(1))
    numpy.testing.assert_allclose(slope[[0, 1, 2], [1, 1, 2]], -others, rtol=1e-6, atol=1e-45)


def test_softmax_of_what_is_not_finite():
    for strange in (math.nan, math.inf, -math.inf):
        for k in range(3):
            x = numpy.float32([[1, 2, 3], [4, 5, 6]])
            x[1, k] = strange
            agree("log_softmax", x)
    agree("log_softmax", numpy.full((2, 3), -math.inf, "float32"))


def test_other_formulas_are_numpys(rng):
    x = numbers(rng, 200)
    agree("elementwise", numpy.sinh, x)
    agree("mean", lambda x: x * x, x, tolerance=40 * EPSILON)
    agree("total", lambda x: x * x, x, tolerance=40 * EPSILON)
    agree("elementwise", lambda x: x * x, x, factor=numpy.float32(2))


def test_exp_is_right_to_the_last_bits():
    """So are the sigmoid, its slope and log(1 + u), which are made of it."""
    x = numpy.linspace(-87, 87, 1_000_001, dtype="float32")
    y, rest = loops.elementwise(activation.sigmoid_and_rest, x, results=2)
    exact = x.astype("float64")
    for found, true in ((y, 1 / (1 + numpy.exp(-exact))), (rest, 1 / (1 + numpy.exp(exact)))):
        ulps = numpy.abs(found - true) / numpy.spacing(true.astype("float32"))
        assert ulps.max() < 3  # 2.5; as NumPy computes it, 3.1
    slopes = loops.elementwise(activation.tanh_slope_times, numpy.ones_like(x), x)
    true = 1 / numpy.cosh(exact) ** 2
    normal = true > 1e-37
    assert (numpy.abs(slopes / true - 1)[normal] < 4 * EPSILON).all()
    for z in x[::1000]:
        found = loops.mean(loss.bce_of, z[None], numpy.ones(1, "float32"))
        assert found == pytest.approx(numpy.log1p(numpy.exp(-numpy.float64(z))), rel=4 * EPSILON)


def test_formulas_at_the_ends_of_the_numbers():
    x = numpy.append(ENDS, numpy.float32([88.5, 89, 100, 1e4, -88.5, -103, -104, -105, -1e4]))
    one = numpy.ones_like(x)
    agree("elementwise", activation.sigmoid_and_rest, x, results=2)
    agree("elementwise", activation.tanh_slope_times, one, x)
    finite = x[numpy.isfinite(x)]
    for target in (0, 1, 0.5):
        targets = numpy.full_like(finite, target)
        agree("elementwise", loss.bce_slope, finite, targets, factor=numpy.float32(1))
        for z, t in zip(finite, targets, strict=True):
            agree("mean", loss.bce_of, z[None], t[None])


def test_other_types_and_masks_of_whole_channels_are_left_to_numpy(rng):
    x = rng.standard_normal((40, 5, 6, 7))
    numpy.testing.assert_array_equal(loops.relu(x), cpu.relu(x))
    agree("masked", x.astype("float32"), rng.random((40, 1, 1, 7)) < 0.5, 2.0)
    assert loops.owned is cpu.owned


# -- products of matrices --------------------------------------------------------------------------


@quick
@given(
    shape=st.tuples(st.integers(0, 70), st.integers(0, 40), st.integers(0, 70)),
    blocks=st.sampled_from([(1, 1, 1), (2, 1, 1), (1, 1, 3), (2, 1, 2), (1, 2, 1)]),
    finish=st.tuples(st.booleans(), st.booleans()),
)
def test_products(shape, blocks, finish):
    rng = numpy.random.default_rng(0)
    N, M, O = shape  # noqa: E741
    a, b = numbers(rng, N, M), numbers(rng, M, O)
    bias = numbers(rng, O) if finish[0] else None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matrix, "block_counts", lambda N, M, O, least: blocks)  # noqa: E741
        for x, y in itertools.product(lies(a), lies(b)):
            agree("product", x, y, bias, finish[1], tolerance=40 * EPSILON)
    agree("product", a[None], b, bias, finish[1], tolerance=40 * EPSILON)


def test_a_product_with_what_is_not_finite(rng):
    a, b = numbers(rng, 20, 30), numbers(rng, 30, 40)
    a[3, 4], a[5, 6], b[7, 8] = math.nan, math.inf, -math.inf
    agree("product", a, b, None, True, tolerance=40 * EPSILON)


# -- batch normalization ---------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(2, 1), (16, 16), (60, 3), (101, 7), (5, 9, 3, 4), (3, 70)])
def test_batch_normalization(shape, rng):
    C = shape[-1]
    mean, scale, shift, c = (numbers(rng, C) for _ in range(4))
    for x, dy in zip(lies(numbers(rng, *shape)), lies(numbers(rng, *shape)), strict=True):
        agree("scale_and_shift", x, mean, scale, shift, tolerance=20 * EPSILON)
        agree("combine", dy, scale, x, mean, shift, c, tolerance=20 * EPSILON)
        rows, dy_rows = x.reshape(-1, C), dy.reshape(-1, C)
        agree("moments", rows, tolerance=40 * EPSILON)
        agree("products_and_sums", dy_rows, rows, mean, tolerance=40 * EPSILON)
        for leak in (0.0, 0.3):
            agree("scale_and_shift", x, mean, scale, shift, leak, tolerance=20 * EPSILON)
            y = plain.scale_and_shift(x, mean, scale, shift, leak)
            agree("combine", dy, scale, x, mean, shift, c, y, leak, tolerance=20 * EPSILON)
            after = y.reshape(-1, C), leak
            agree("products_and_sums", dy_rows, rows, mean, *after, tolerance=40 * EPSILON)


@pytest.mark.parametrize("leak", [0.0, 0.3])
def test_batch_normalization_with_its_relu_has_the_bits_of_one_after_the_other(leak, rng):
    x, dy = numbers(rng, 60, 7), numbers(rng, 60, 7)
    mean, scale, shift, c = (numbers(rng, 7) for _ in range(4))
    x[3, 2], x[4, 3], x[5, 4], dy[6, 5] = math.nan, math.inf, -math.inf, math.nan
    z = loops.scale_and_shift(x, mean, scale, shift)
    y = loops.leaky_relu(z, leak) if leak else loops.relu(z)
    dz = loops.leaky_relu_back(dy, y, leak) if leak else loops.relu_back(dy, y)
    numpy.testing.assert_array_equal(loops.scale_and_shift(x, mean, scale, shift, leak), y)
    numpy.testing.assert_array_equal(loops.combine(dy, scale, x, mean, shift, c, y, leak),
          loops.combine(dz, scale, x, mean, shift, c))  # fmt: skip
    found = loops.products_and_sums(dy, x, mean, y, leak)
    for got, expected in zip(found, loops.products_and_sums(dz, x, mean), strict=True):
        numpy.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("N", [100, 1001])
def test_moments_where_the_mean_is_large(N, rng):
    x = 1e4 + numbers(rng, N, 4)
    exact = x.astype("float64")
    mean, variance = loops.moments(x)
    numpy.testing.assert_allclose(mean, exact.mean(axis=0), rtol=1e-6)
    numpy.testing.assert_allclose(variance, exact.var(axis=0), rtol=1e-3)


def test_a_nan_stays_in_its_channel(rng):
    x = numbers(rng, 30, 4)
    x[7, 2] = math.nan
    mean, variance = loops.moments(x)
    assert (
        numpy.isnan(mean).tolist() == numpy.isnan(variance).tolist() == [False, False, True, False]
    )


# -- pooling ---------------------------------------------------------------------------------------


@quick
@given(
    shape=st.tuples(
        st.integers(0, 4), st.integers(2, 9), st.integers(2, 9), st.sampled_from([1, 9])
    ),
    size=st.sampled_from([(2, 2), (2, 2), (3, 2), (1, 1)]),
    stride=st.sampled_from([None, None, (1, 2), (3, 3)]),
    padding=st.sampled_from(["valid", "valid", "same", (1, 0), ((1, 0), (0, 1))]),
    strange=st.sampled_from([0.0, 0.0, math.nan, -math.inf, math.inf]),
    seed=st.integers(0, 100),
)
@example((4, 8, 6, 9), (2, 2), None, "valid", 0.0, 0)
@example((4, 8, 6, 9), (2, 2), None, "valid", math.nan, 0)
@example((4, 8, 6, 9), (2, 2), None, "valid", -math.inf, 0)
@example((2, 7, 6, 3), (2, 2), None, ((1, 0), (1, 0)), 0.0, 0)
def test_pooling(shape, size, stride, padding, strange, seed):
    """Of few different numbers, so that many are equal."""
    rng = numpy.random.default_rng(seed)
    x = rng.choice(numpy.float32([-1, 0, 1]), shape)
    if strange == -math.inf and padding != "valid":
        return  # the plain form's border is -inf too, and may take the gradient of such a pixel
    x[rng.random(shape) < 0.2] = strange
    try:
        ws = windows(shape[1:3], size, stride or size, padding, only_inside=True)
    except ValueError:
        return
    y = plain.max_pool(x, ws)
    dy = numbers(rng, *y.shape)
    arrays = x, dy
    for x, dy in zip(*map(lies, arrays), strict=True):
        agree("max_pool", x, ws)
        agree("max_pool_back", dy, x, y, ws)
        agree("sum_pool", x, ws, tolerance=40 * EPSILON)
        agree("sum_pool_back", dy, ws, tolerance=40 * EPSILON)


# -- convolution by columns ------------------------------------------------------------------------

BORDERS = st.tuples(st.integers(0, 3), st.integers(0, 3))


@quick
@given(
    x=st.tuples(
        st.integers(0, 4), st.integers(4, 12), st.integers(4, 20), st.sampled_from([1, 2, 3, 17])
    ),
    outputs=st.sampled_from([1, 2, 20]),
    size=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    padding=st.one_of(st.sampled_from(["valid", "same"]), st.tuples(BORDERS, BORDERS)),
    finish=st.tuples(st.booleans(), st.booleans()),
    tile=st.sampled_from([1, 4000, 2**20]),
    groups=st.sampled_from([1, 8]),
)
@example((2, 6, 20, 1), 2, (3, 3), (1, 1), "same", (True, True), 1, 8)
@example((2, 6, 20, 1), 2, (2, 2), (3, 3), ((3, 3), (3, 3)), (True, True), 1, 8)
def test_convolution_by_columns(x, outputs, size, stride, padding, finish, tile, groups):
    rng = numpy.random.default_rng(0)
    x = numbers(rng, *x)
    try:
        ws = windows(x.shape[1:3], size, stride, padding)
    except ValueError:
        return
    C = x.shape[3]
    kernel, dy = numbers(rng, *size, C, outputs), numbers(rng, len(x), *ws.output, outputs)
    x[rng.random(x.shape) < 0.01] = math.nan
    biases = [numbers(rng, n) if finish[0] else None for n in (outputs, C)]
    arrays = x, dy, kernel
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(convolution, "TILE", tile)
        patch.setattr(convolution, "GROUPS", groups)
        for x, dy, kernel in zip(*map(lies, arrays), strict=True):
            agree("convolve", x, kernel, biases[0], ws, finish[1], tolerance=40 * EPSILON)
            agree(
                "convolve_transposed", dy, kernel, biases[1], ws, finish[1], tolerance=40 * EPSILON
            )
            agree("kernel_gradient", x, dy, ws, tolerance=100 * EPSILON)


# -- convolution by Winograd -----------------------------------------------------------------------

# Of standard normal numbers, as a part of the largest result.  Over hundreds of convolutions with
# 16 to 64 channels, the largest error was 9.3e-6, and 2.1e-5 in the gradient of a 5 x 5 kernel.
ROUNDING = 4e-5


@quick
@given(
    x=st.tuples(
        st.integers(0, 4), st.integers(5, 14), st.integers(5, 14), st.sampled_from([16, 33])
    ),
    outputs=st.sampled_from([16, 20]),
    K=st.sampled_from([3, 5]),
    padding=st.one_of(st.sampled_from(["valid", "same"]), st.tuples(BORDERS, BORDERS)),
    finish=st.tuples(st.booleans(), st.booleans()),
    tile=st.sampled_from([1, 30_000, 2**20]),
)
@example((3, 5, 5, 16), 16, 5, "same", (True, True), 1)
@example((3, 5, 14, 16), 16, 3, ((3, 0), (0, 3)), (True, True), 30_000)
def test_convolution(x, outputs, K, padding, finish, tile):
    rng = numpy.random.default_rng(0)
    x = numbers(rng, *x)
    ws = windows(x.shape[1:3], K, 1, padding)
    C = x.shape[3]
    kernel, dy = numbers(rng, K, K, C, outputs), numbers(rng, len(x), *ws.output, outputs)
    biases = [numbers(rng, n) if finish[0] else None for n in (outputs, C)]
    arrays = x, dy
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(winograd, "LEAST_CHANNELS", {(3, 3): 1, (5, 5): 1})
        patch.setattr(workspace, "TILE", tile)
        patch.setattr(workspace, "LEAST_WORK", 1)
        for x, dy in zip(*map(lies, arrays), strict=True):
            agree("convolve", x, kernel, biases[0], ws, finish[1], tolerance=ROUNDING)
            agree("convolve_transposed", dy, kernel, biases[1], ws, finish[1], tolerance=ROUNDING)
            agree("kernel_gradient", x, dy, ws, tolerance=ROUNDING)


def test_what_is_not_finite_spreads_in_its_tiles_and_no_further(rng):
    x, kernel = numbers(rng, 1, 12, 12, 16), numbers(rng, 3, 3, 16, 16)
    x[0, 5, 5, 3] = math.inf
    ws = windows((12, 12), 3, 1, "same")
    with numpy.errstate(all="ignore"):
        found = numpy.isfinite(loops.convolve(x, kernel, None, ws)).all(axis=(0, 3))
        true = numpy.isfinite(plain.convolve(x, kernel, None, ws)).all(axis=(0, 3))
    assert not found[~true].any()  # never lost
    assert found[8:].all() and found[:, 8:].all()  # pixel (5, 5) is in the first two tiles


@pytest.mark.parametrize(("K", "channels"), [(3, 16), (5, 32)])
def test_convolutions_are_fast_or_exact(K, channels, rng, monkeypatch):
    """Winograd's way serves from so many channels on, in float32, unless it is turned off."""
    called = []
    monkeypatch.setattr(winograd, "convolve", lambda *given: called.append(given))
    ws = windows((12, 12), K, 1, "same")

    def fast(dtype, channels, ws=ws):
        x = numbers(rng, 4, 12, 12, channels).astype(dtype)
        kernel = numbers(rng, *ws.size, channels, channels).astype(dtype)
        called.clear()
        loops.convolve(x, kernel, None, ws)
        return bool(called)

    assert fast("float32", channels)
    assert not fast("float32", channels - 1)
    assert not fast("float64", channels)
    assert not fast("float32", channels, windows((12, 12), K, 2, "same"))
    tn.set_convolution("exact")
    try:
        assert not fast("float32", channels)
    finally:
        tn.set_convolution("fast")
    assert fast("float32", channels)
    with pytest.raises(ValueError, match=r'^set_convolution: way must be "fast" or "exact", '):
        tn.set_convolution("winograd")


@pytest.mark.parametrize("stride", [1, 2])
def test_the_workspace_of_a_convolution_is_what_it_takes(stride, rng, monkeypatch):
    taken, true = [], parts.scratch

    def scratch(tiles):
        memory = true(tiles)
        taken.append(memory.nbytes)
        return memory

    for module in (winograd, convolution):
        monkeypatch.setattr(module, "scratch", scratch)
    for N in (1, 40, 80):
        x, kernel = numbers(rng, N, 20, 20, 16), numbers(rng, 3, 3, 16, 24)
        ws = windows((20, 20), 3, stride, "same")
        loops.convolve(x, kernel, None, ws)
        told = loops.convolve_workspace(N, 4, 16, 24, ws)
        assert told <= taken.pop() < told + 64 * 3  # a row of each thread begins at 64 bytes
        loops.convolve_transposed(numbers(rng, N, *ws.output, 24), kernel, None, ws)
        told = loops.convolve_transposed_workspace(N, 4, 16, 24, ws)
        assert told <= taken.pop() < told + 64 * 3
    with tn.workspace_budget("200 KiB"):
        loops.convolve(x, kernel, None, ws)
        loops.kernel_gradient(x, numbers(rng, N, *ws.output, 24), ws)
        assert max(taken) <= 200 * 2**10 + 64 * 3


# -- recurrent networks ----------------------------------------------------------------------------


@pytest.mark.parametrize("cell", [False, True])
@pytest.mark.parametrize("sizes", [(1, 1, 1, 1), (3, 4, 2, 5), (33, 3, 5, 17), (300, 2, 1, 3)])
def test_an_lstm(sizes, cell, rng, monkeypatch):
    """Against NumPy's form, step by step; the gradients of everything."""
    N, T, D, U = sizes
    shapes = (N, T, D), (N, U), (N, U), (D, 4 * U), (U, 4 * U), (4 * U,)
    arrays = [2 * numbers(rng, *shape) for shape in shapes]
    weights = tn.Tensor(numbers(rng, N, T, 2 * U if cell else U))
    done = []
    true = recurrent.lstm_loop
    monkeypatch.setattr(recurrent, "lstm_loop", lambda *run: done.append(1) or true(*run))

    def computed(kernels):
        monkeypatch.setattr(form, "chosen", kernels)
        leaves = [tn.Tensor(a, requires_grad=True) for a in arrays]
        y = tn.lstm(*leaves, cell=cell)
        (y * weights).sum().backward()
        return [y.data, *(leaf.grad for leaf in leaves)]

    for found, expected in zip(computed(loops), computed(cpu), strict=True):
        close(found, expected, 40 * EPSILON)
    assert len(done) == 1


def test_an_lstm_with_a_mask_goes_step_by_step(rng, monkeypatch):
    shapes = (4, 3, 2), (4, 5), (4, 5), (2, 20), (5, 20), (20,)
    arrays = [numbers(rng, *shape) for shape in shapes]
    mask = numpy.arange(3) < [[1], [2], [3], [3]]
    found = []
    for kernels in (loops, cpu):
        monkeypatch.setattr(form, "chosen", kernels)
        found.append(tn.lstm(*map(tn.Tensor, arrays), mask=mask).data)
    close(*found, 40 * EPSILON)


def test_the_gates_of_an_lstm_at_the_ends_of_the_numbers():
    """i, f and o are 0 or 1, and g is -1 or 1: c' = c + g or 0."""
    for size in (10, 100, 1e4, 3e38):
        bias = numpy.float32([size, size, -size, size])
        given = [numpy.zeros(s, "float32") for s in ((1, 1, 1), (1, 1), (1, 1), (1, 4), (1, 4))]
        y = tn.lstm(*map(tn.Tensor, given), tn.Tensor(bias), cell=True).data.ravel()
        numpy.testing.assert_allclose(y, [math.tanh(-1), -1], rtol=1e-4)


# -- optimizers ------------------------------------------------------------------------------------

RULES = {  # (arrays of squares, other slots, settings)
    "rmsprop": (1, 0, (None, 0.9, 0.0, 0.01, 1e-7)),
    "rmsprop, momentum": (1, 1, (0.9, 0.5, 0.01, 1e-7)),
    "adam": (1, 1, (0.9, 0.999, 0.01, 1e-7)),
}


@pytest.mark.parametrize("size", [1, 49, 1000])
@pytest.mark.parametrize("rule", RULES)
def test_the_rules_of_the_optimizers(rule, size, rng):
    """In three steps, from slots that are not 0."""
    squares, others, settings = RULES[rule]
    arrays = [numbers(rng, size) for _ in range(2 + others)]  # w, dw, ...
    place = len(arrays) if rule == "adam" else 2  # m comes before v, a velocity after its square
    arrays[place:place] = [rng.random(size, numpy.float32) for _ in range(squares)]
    made = arrays, [array.copy() for array in arrays]
    made[1][1] = made[1][1].repeat(2)[::2]  # a gradient that lies apart
    for _ in range(3):
        for kernels, held in zip((plain, loops), made, strict=True):
            kernel = getattr(kernels, rule.partition(",")[0])
            kernel(*held, *settings, numpy.empty(size, "float32"))
    for expected, found in zip(*made, strict=True):
        close(found, expected, 8 * EPSILON)


# -- the loops themselves --------------------------------------------------------------------------


def test_the_bits_are_the_same_for_any_number_of_threads(rng):
    x, dy = numbers(rng, 6, 14, 14, 16), numbers(rng, 6, 14, 14, 16)
    kernel, ws = numbers(rng, 3, 3, 16, 16), windows((14, 14), 3, 1, "same")
    rows = x.reshape(-1, 16)

    def computed():
        return [
            loops.convolve(x, kernel, None, ws),
            loops.kernel_gradient(x, dy, ws),
            *loops.moments(rows),
            *loops.products_and_sums(dy.reshape(-1, 16), rows, rows[0]),
        ]

    found = []
    for count in (1, 2, 5):
        tn.set_threads(count)
        found.append([y.tobytes() for y in computed()])
    assert found[0] == found[1] == found[2]


def test_a_sleeping_thread_is_woken_for_work_that_took_long(rng, monkeypatch):
    found, x, woken = loops.activation.relu_loop, numbers(rng, 200), []
    monkeypatch.setattr(found, "_took", {})
    monkeypatch.setattr(loop, "wake", woken.append)
    monkeypatch.setattr(loop, "asleep", lambda count: True)
    tn.set_threads(3)
    loops.relu(x)  # of 4 parts nothing is known
    assert woken == [2] and list(found._took) == [4]
    for seconds, times in ((0.9 * loop.LONG, 1), (loop.LONG, 2)):
        found._took[4] = seconds
        loops.relu(x)
        assert woken == [2] * times
    assert found._took[4] not in (loop.LONG, 0.9 * loop.LONG)  # measured again
    monkeypatch.setattr(loop, "asleep", lambda count: False)
    found._took[4] = 1.0
    loops.relu(x)
    assert woken == [2, 2] and found._took[4] == 1.0


def test_loops_are_compiled_for_their_own_types_only():
    x = numpy.ones(3)
    with pytest.raises(TypeError, match="No matching definition"):
        loops.activation.relu_loop(1, 3, x, x)


TYPES = {"int": numba.int64, "float": numba.float32, "bool": numba.boolean}


@pytest.mark.slow  # every loop is compiled anew: what comes from the cache shows no code
def test_loops_compute_in_float32():
    """One constant of float64 would make a loop half as fast."""
    for found in loop._loops.values():
        anew = numba.njit(**loop._OPTIONS)(found.function)
        kinds = [str(p.annotation) for p in inspect.signature(found.function).parameters.values()]
        anew.compile(tuple(TYPES.get(kind) or loop.array(kind, readonly=False) for kind in kinds))
        lines = anew.inspect_llvm(anew.signatures[0]).splitlines()
        wide = [line for line in lines if re.search(r"f(add|sub|mul) (fast |\w+ )*double", line)]
        assert not wide, found.name


def test_no_loop_calls_numpy_but_to_make_an_array():
    """They are the loops of the text book, and nothing hides behind a name."""
    for found in loop._loops.values():
        for node in ast.walk(ast.parse(inspect.getsource(found.function))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("numpy."):
                types = {"numpy.float32", "numpy.uint16", "numpy.uint64"}
                assert ast.unparse(node.func) in types | {"numpy.empty", "numpy.zeros"}


@pytest.mark.parametrize(
    ("path", "right"),
    [
        ("/venv/lib/python3.11/site-packages/numpy.libs/libscipy_openblas64_-32a4.so", True),
        ("/venv/lib/python3.11/site-packages/numpy/.dylibs/libscipy_openblas64_.dylib", True),
        (r"C:\venv\Lib\site-packages\numpy.libs\libscipy_openblas64_-63c8.dll", True),
        ("/home/numpy/lib/python3.11/site-packages/scipy.libs/libscipy_openblas-6cdc.so", False),
        ("/usr/lib/x86_64-linux-gnu/openblas-pthread/libopenblasp-r0.3.21.so", False),
    ],
)
def test_of_two_blas_libraries_the_loops_take_numpys(path, right):
    assert gemm.is_numpys(path) == right


def test_a_blas_that_came_with_numba_is_found():
    guard = form.one_blas_thread
    with guard:
        pass
    guard.search_again()
    before, guard._of_process = guard._of_process, []
    with guard:
        assert len(guard._of_process) == len(before)
