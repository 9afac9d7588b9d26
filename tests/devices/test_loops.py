"""The compiled loops compute what the plain kernels say: any shape, border, NaN, and any lie."""

from __future__ import annotations

import ast
import importlib.util
import inspect
import math
import re

import numpy
import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

import tinynet as tn
from tinynet.devices import cpu, form, plain, settings
from tinynet.devices.cpu import workspace
from tinynet.ops.windows import windows

if importlib.util.find_spec("numba") is None:
    pytest.skip("numba is not installed", allow_module_level=True)
if form.chosen is plain:
    pytest.skip("TINYNET_PLAIN=1 turns the loops off", allow_module_level=True)

import numba

from tinynet.devices import loops
from tinynet.devices.loops import loop, normalization, parts, pooling, winograd

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
    for module in (parts, normalization, pooling):
        monkeypatch.setattr(module, "PIECE", 50)
    monkeypatch.setattr(parts, "sharing", lambda size: 8)
    monkeypatch.setattr(normalization, "sharing", lambda size: 8)
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


def agree(name, *arguments, tolerance=4 * EPSILON):
    """The loop's result is the plain one's, and nothing else was written into."""
    before = [a.copy() if isinstance(a, numpy.ndarray) else a for a in arguments]
    with numpy.errstate(all="ignore"):
        expected = getattr(plain, name)(*before)
        found = getattr(loops, name)(*arguments)
    if not isinstance(found, tuple):
        found, expected = (found,), (expected,)
    for one, other in zip(found, expected, strict=True):
        close(one, other, tolerance)
    for array, copied in zip(arguments, before, strict=True):
        if isinstance(array, numpy.ndarray):
            numpy.testing.assert_array_equal(array, copied)


def test_the_names_that_wait_for_numba_are_those_of_the_loops():
    assert set(loops.__all__) == form.NAMES | {"compile_all", "kept"}
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


def test_elementwise_kernels_at_the_ends_of_the_numbers():
    x, dy = (a.ravel() for a in numpy.meshgrid(ENDS, ENDS))
    agree("relu", x)
    agree("leaky_relu", x, 0.3)
    agree("leaky_relu_back", dy, x, 0.3)
    finite = numpy.where(numpy.isfinite(dy), dy, 1)
    agree("relu_back", finite, x)  # plain.relu_back multiplies, and infinity times 0 is NaN
    assert loops.relu_back(numpy.float32([math.inf]), numpy.float32([-1.0])).tolist() == [0]


def test_other_types_and_masks_of_whole_channels_are_left_to_numpy(rng):
    x = rng.standard_normal((40, 5, 6, 7))
    numpy.testing.assert_array_equal(loops.relu(x), cpu.relu(x))
    agree("masked", x.astype("float32"), rng.random((40, 1, 1, 7)) < 0.5, 2.0)
    assert loops.product is cpu.product


# -- batch normalization ---------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(2, 1), (16, 16), (60, 3), (101, 7), (5, 9, 3, 4), (3, 70)])
def test_batch_normalization(shape, rng):
    C = shape[-1]
    mean, scale, shift, c = (numbers(rng, C) for _ in range(4))
    for x, dy in zip(lies(numbers(rng, *shape)), lies(numbers(rng, *shape)), strict=True):
        agree("scale_and_shift", x, mean, scale, shift, tolerance=20 * EPSILON)
        agree("combine", dy, scale, x, mean, shift, c, tolerance=20 * EPSILON)
        x, dy = x.reshape(-1, C), dy.reshape(-1, C)
        agree("moments", x, tolerance=40 * EPSILON)
        agree("products_and_sums", dy, x, mean, tolerance=40 * EPSILON)


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


# -- max pooling -----------------------------------------------------------------------------------


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
def test_max_pooling(shape, size, stride, padding, strange, seed):
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


# -- convolution by Winograd -----------------------------------------------------------------------

# Of standard normal numbers, as a part of the largest result.  Over hundreds of convolutions with
# 16 to 64 channels, the largest error was 9.3e-6, and 2.1e-5 in the gradient of a 5 x 5 kernel.
ROUNDING = 4e-5
BORDERS = st.tuples(st.integers(0, 3), st.integers(0, 3))


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


def test_the_workspace_of_a_convolution_is_what_it_borrows(rng, monkeypatch):
    borrowed = []
    true = winograd.borrowed
    monkeypatch.setattr(winograd, "borrowed", lambda size: borrowed.append(size) or true(size))
    tn.set_threads(1)
    for N in (1, 40, 80):
        x, kernel = numbers(rng, N, 20, 20, 16), numbers(rng, 3, 3, 16, 24)
        ws = windows((20, 20), 3, 1, "same")
        borrowed.clear()
        loops.convolve(x, kernel, None, ws)
        assert {loops.convolve_workspace(N, 4, 16, 24, ws)} == set(borrowed)
        borrowed.clear()
        loops.convolve_transposed(numbers(rng, N, 20, 20, 24), kernel, None, ws)
        assert {loops.convolve_transposed_workspace(N, 4, 16, 24, ws)} == set(borrowed)
    with tn.workspace_budget("200 KiB"):
        borrowed.clear()
        loops.convolve(x, kernel, None, ws)
        assert max(borrowed) <= 200 * 2**10


# -- Adam ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 49, 1000])
def test_adam(size, rng):
    made = [[numbers(rng, size) for _ in range(3)] + [rng.random(size, numpy.float32)]] * 2
    made = [[array.copy() for array in arrays] for arrays in made]
    made[1][1] = made[1][1].repeat(2)[::2]  # a gradient that lies apart
    for _ in range(3):
        for kernels, (w, dw, m, v) in zip((plain, loops), made, strict=True):
            kernels.adam(w, dw, m, v, 0.9, 0.999, 0.01, 1e-7, numpy.empty_like(w))
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


def test_loops_are_compiled_for_their_own_types_only():
    x = numpy.ones(3)
    with pytest.raises(TypeError, match="No matching definition"):
        loops.activation.relu_loop(x, x)


def test_a_loop_writes_into_nothing_that_may_be_read_only():
    x = numpy.ones(3, numpy.float32)
    fixed = x.copy()
    fixed.flags.writeable = False
    loops.activation.relu_loop(fixed, x)
    with pytest.raises(TypeError, match="readonly"):
        loops.activation.relu_loop(x, fixed)


@pytest.mark.slow  # every loop is compiled anew: what comes from the cache shows no code
def test_loops_compute_in_float32():
    """One constant of float64 would make a loop half as fast."""
    for compiled, signature in loop._loops.values():
        anew = numba.njit(compiled.py_func)
        anew.compile(signature)
        lines = anew.inspect_llvm(anew.signatures[0]).splitlines()
        wide = [line for line in lines if re.search(r"f(add|sub|mul) (fast |\w+ )*double", line)]
        assert not wide, compiled.__name__


def test_no_loop_calls_numpy_but_to_make_an_array():
    """They are the loops of the text book, and nothing hides behind a name."""
    for compiled, _ in loop._loops.values():
        for node in ast.walk(ast.parse(inspect.getsource(compiled.py_func))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).startswith("numpy."):
                assert ast.unparse(node.func) in {"numpy.empty", "numpy.zeros", "numpy.float32"}
