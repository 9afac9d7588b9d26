"""The GPU's kernels compute what the plain ones say: any shape, border, NaN, and any lie.

Where there is no GPU, their very texts run on the CPU (tests/strict_cupy/raw_kernel.py).
"""

from __future__ import annotations

import importlib
import inspect
import math
import sys

import numpy
import pytest

import tinynet as tn
from tests.strict_cupy import counts
from tinynet.devices import form, gpu, plain
from tinynet.devices.gpu import formulas, launch, sums
from tinynet.ops import activation, loss
from tinynet.ops.windows import windows

EPSILON = float(numpy.finfo("float32").eps)

pytestmark = pytest.mark.skipif(form.chosen is plain, reason="TINYNET_PLAIN=1 turns them off")


@pytest.fixture(autouse=True)
def cupy(request):
    if not tn.gpu_available():
        request.getfixturevalue("pretended_gpu")
    return sys.modules["cupy"]


def numbers(rng, *shape):
    return rng.standard_normal(shape, numpy.float32)


def lies(x):
    """The same numbers: side by side, apart, backwards, and in the other order."""
    yield x
    wide = numpy.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
    wide[..., ::2] = x
    yield wide[..., ::2]
    yield x[::-1].copy()[::-1]
    yield numpy.asfortranarray(x)


def there(x):
    """An array on the GPU, as it lies on the host."""
    cupy = sys.modules["cupy"]
    if not isinstance(x, numpy.ndarray):
        return x
    if x.flags.c_contiguous or not x.size:
        return cupy.asarray(x)
    if x.flags.f_contiguous:
        return cupy.asarray(x.T).T
    if x.strides[0] < 0:
        return cupy.asarray(x[::-1])[::-1]
    wide = numpy.zeros((*x.shape[:-1], 2 * x.shape[-1]), x.dtype)
    wide[..., ::2] = x
    return cupy.asarray(wide)[..., ::2]


def close(found, expected, tolerance=4 * EPSILON):
    found, expected = sys.modules["cupy"].asnumpy(found), numpy.asarray(expected)
    assert found.shape == expected.shape and found.dtype == expected.dtype
    finite = numpy.abs(expected[numpy.isfinite(expected)])
    atol = tolerance * (1 + finite.max(initial=0))
    numpy.testing.assert_allclose(found, expected, rtol=tolerance, atol=atol)


def agree(name, *arguments, tolerance=4 * EPSILON, **settings):
    """The kernel's result is the plain one's, and nothing that it was given has changed."""
    with numpy.errstate(all="ignore"):
        expected = getattr(plain, name)(*arguments, **settings)
    given = [there(a) for a in arguments]
    found = getattr(gpu, name)(*given, **settings)
    if not isinstance(found, tuple):
        found, expected = (found,), (expected,)
    for one, other in zip(found, expected, strict=True):
        close(one, other, tolerance)
    for array, before in zip(given, arguments, strict=True):
        if isinstance(before, numpy.ndarray):
            close(array, before, 0)


def test_every_kernel_has_a_plain_form_and_their_parameters_are_the_same():
    assert gpu.each is plain.each  # one that the GPU has not
    kernels = [name for name in gpu.__all__ if hasattr(plain, name)]
    assert len(kernels) == len(gpu.__all__) - 12
    for name in kernels:
        known, given = (list(inspect.signature(getattr(m, name)).parameters) for m in (plain, gpu))
        assert getattr(gpu, name) is not getattr(plain, name)
        assert given[: len(known)] == known, name


# -- elementwise -----------------------------------------------------------------------------------

SHAPES = [(1,), (255,), (256,), (257,), (7, 33), (3, 4, 5, 6)]
ENDS = numpy.float32([math.nan, math.inf, -math.inf, 0.0, -0.0, 3e38, 2.0])


@pytest.mark.parametrize("shape", SHAPES)
def test_elementwise_kernels(shape, rng):
    arrays = numbers(rng, *shape), numbers(rng, *shape), rng.random(shape) < 0.5
    arrays[0][rng.random(shape) < 0.1] = 0
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
    agree("relu_back", finite, x)  # the plain one multiplies, and infinity times 0 is NaN


@pytest.mark.parametrize("shape", [*SHAPES, (70, 1000)])
@pytest.mark.parametrize("name", sorted(formulas.VALUES | formulas.SCALED | formulas.SUMS))
def test_formulas(name, shape, rng):
    module, function = name.split(".")
    formula = getattr(importlib.import_module(f"tinynet.ops.{module}"), function)
    arrays = [3 * numbers(rng, *shape) for _ in inspect.signature(formula).parameters]
    arrays[-1] = rng.random(shape, numpy.float32)  # a target is in [0, 1]
    settings, kernel, near = {}, "elementwise", 40 * EPSILON
    if name.endswith("rest"):
        settings = {"results": 2}
    for lying in zip(*map(lies, arrays), strict=True):
        if name in formulas.SCALED:
            factor = numpy.asarray(0.3, "float32")
            expected = plain.elementwise(formula, *lying, factor=factor)
            found = gpu.elementwise(formula, *map(there, lying), factor=there(factor))
            close(found, expected, near)
        elif name in formulas.SUMS:
            for kernel in ("total", "mean"):
                agree(kernel, formula, *lying, tolerance=near)
        else:
            agree(kernel, formula, *lying, tolerance=near, **settings)


@pytest.mark.parametrize("name", sorted(formulas.VALUES | formulas.SUMS))
def test_a_formula_is_one_launch_and_a_mean_two(name, pretended_gpu, rng):
    module, function = name.split(".")
    formula = getattr(importlib.import_module(f"tinynet.ops.{module}"), function)
    given = [there(numbers(rng, 7, 33)) for _ in inspect.signature(formula).parameters]
    counts.clear()
    if name in formulas.VALUES:
        gpu.elementwise(formula, *given, **({"results": 2} if name.endswith("rest") else {}))
        assert counts == {"launches": 1}
    else:
        gpu.mean(formula, *given)
        assert counts == {"launches": 2}


def test_formulas_at_the_ends_of_the_numbers():
    ends = numpy.float32([math.nan, math.inf, -math.inf, 0, 88, 89, -88, -120, 1e-30])
    zeros, ones = numpy.zeros_like(ends), numpy.ones_like(ends)
    agree("elementwise", activation.sigmoid_and_rest, ends, results=2)
    agree("elementwise", activation.tanh_slope_times, ones, ends)
    for target in (zeros, ones):
        for k in range(len(ends)):  # a sum of all would be NaN
            agree("mean", loss.bce_of, ends[k : k + 1], target[k : k + 1])


@pytest.mark.parametrize("through_relu", [False, True])
@pytest.mark.parametrize("with_bias", [False, True])
def test_products_with_bias_and_relu(with_bias, through_relu, rng):
    for N, M, O in ((1, 1, 1), (5, 7, 3), (64, 10, 33)):  # noqa: E741
        a, b, bias = numbers(rng, N, M), numbers(rng, M, O), numbers(rng, O)
        bias = bias if with_bias else None
        agree("product", a, b, bias, through_relu, tolerance=20 * EPSILON)
    a, b = numbers(rng, 4, 5, 6), numbers(rng, 4, 6, 3)
    agree("product", a, b, bias[:3] if with_bias else None, through_relu, tolerance=20 * EPSILON)


def test_what_no_kernel_takes_is_left_to_the_plain_form(rng):
    for dtype in ("float64", "float16"):
        x = numbers(rng, 4, 3).astype(dtype)
        agree("relu", x, tolerance=0)
        agree("column_sums", x, tolerance=1e-2)
    agree("relu", numpy.zeros((0, 3), "f"))
    agree("masked", numbers(rng, 4, 3), numpy.array([[True], [False], [True], [True]]), 2.0)


# -- windows ---------------------------------------------------------------------------------------


def some_windows(rng, only_inside=False):
    """A batch's shape (N, H, W), and windows over it."""
    while True:
        N, H, W = (int(n) for n in rng.integers(1, (4, 9, 9)))
        size = tuple(int(n) for n in rng.integers(1, 5, 2))
        stride = tuple(int(n) for n in rng.integers(1, 4, 2))
        paddings = ["valid", "same"]
        if not only_inside:
            paddings.append(tuple(tuple(int(n) for n in rng.integers(0, 3, 2)) for _ in range(2)))
        padding = paddings[rng.integers(len(paddings))]
        try:
            return N, windows((H, W), size, stride, padding, False, only_inside=only_inside)
        except ValueError:  # the window is larger than the picture
            continue


@pytest.mark.parametrize("seed", range(25))
def test_convolutions(seed):
    rng = numpy.random.default_rng(seed)
    N, ws = some_windows(rng)
    C, O = (int(n) for n in rng.integers(1, 5, 2))  # noqa: E741
    x, dy = numbers(rng, N, *ws.input, C), numbers(rng, N, *ws.output, O)
    kernel, tolerance = numbers(rng, *ws.size, C, O), 40 * EPSILON
    agree("columns", x, ws, tolerance=0)
    rows = numbers(rng, N, *ws.output, math.prod(ws.size) * C)
    agree("sum_windows", rows, ws, tolerance=tolerance)
    agree("kernel_gradient", x, dy, ws, tolerance=tolerance)
    for through_relu in (False, True):
        for bias, back in ((None, None), (numbers(rng, O), numbers(rng, C))):
            agree("convolve", x, kernel, bias, ws, through_relu, tolerance=tolerance)
            agree("convolve_transposed", dy, kernel, back, ws, through_relu, tolerance=tolerance)


@pytest.mark.parametrize("seed", range(25))
@pytest.mark.parametrize("kind", ["numbers", "equal ones", "NaN and infinity"])
def test_poolings(kind, seed):
    rng = numpy.random.default_rng(seed)
    N, ws = some_windows(rng, only_inside=True)
    x = numbers(rng, N, *ws.input, 3)
    if kind == "equal ones":
        x = numpy.round(x)
    if kind == "NaN and infinity":
        x[rng.random(x.shape) < 0.3] = math.nan
        x[rng.random(x.shape) < 0.3] = math.inf
        x[rng.random(x.shape) < 0.3] = -math.inf
    dy = numbers(rng, N, *ws.output, 3)
    agree("max_pool", x, ws, tolerance=0)
    agree("max_pool_back", dy, x, plain.max_pool(x, ws), ws)
    agree("sum_pool_back", dy, ws, tolerance=20 * EPSILON)
    if kind != "NaN and infinity":
        agree("sum_pool", x, ws, tolerance=20 * EPSILON)


@pytest.mark.parametrize("most", [100, 400])
def test_what_is_too_long_for_32_bits_is_left_to_cupy(most, rng, monkeypatch):
    """Also where only the result is."""
    blocks = launch.launch_blocks

    def launched(name, grid, block, *values, **constants):
        assert all(getattr(value, "size", 0) <= most for value in values), name
        blocks(name, grid, block, *values, **constants)

    monkeypatch.setattr(launch, "MOST", most)
    monkeypatch.setattr(launch, "launch_blocks", launched)
    ws = windows((6, 6), 2, 2, "valid")
    x, dy = numbers(rng, 2, 6, 6, 2), numbers(rng, 2, 3, 3, 2)
    kernel, rows = numbers(rng, 1, 1, 2, 9), numbers(rng, 2, 3, 3, 8)
    agree("columns", x, ws, tolerance=0)
    agree("sum_windows", rows, ws, tolerance=20 * EPSILON)
    agree("convolve", x, kernel, None, windows((6, 6), 1, 1, "valid"), tolerance=20 * EPSILON)
    agree("sum_pool_back", dy, ws, tolerance=0)
    agree("max_pool_back", dy, x, plain.max_pool(x, ws), ws, tolerance=0)


# -- sums and batch normalization ------------------------------------------------------------------


@pytest.mark.parametrize("C", [1, 3, 31, 32, 33, 100])
@pytest.mark.parametrize("rows", [1, 2, 7, 64, 129, 1000])
def test_sums_of_columns(rows, C, rng):
    x, dy, mean = numbers(rng, rows, C) + 3, numbers(rng, rows, C), numbers(rng, C)
    agree("column_sums", x, tolerance=40 * EPSILON)
    agree("products_and_sums", dy, x, mean, tolerance=100 * EPSILON)
    agree("moments", x, tolerance=20 * EPSILON)
    a, b, c = (numbers(rng, C) for _ in range(3))
    agree("scale_and_shift", x, mean, a, b, tolerance=20 * EPSILON)
    agree("combine", dy, a, x, mean, b, c, tolerance=20 * EPSILON)
    for leak in (0.0, 0.3):
        agree("scale_and_shift", x, mean, a, b, leak, tolerance=20 * EPSILON)
        y = plain.scale_and_shift(x, mean, a, b, leak)
        agree("combine", dy, a, x, mean, b, c, y, leak, tolerance=20 * EPSILON)
        agree("products_and_sums", dy, x, mean, y, leak, tolerance=100 * EPSILON)


def test_a_large_mean_costs_no_digits_of_the_variance(rng):
    x = numbers(rng, 3000, 5) + numpy.float32(1000)
    exact = x.astype("float64").var(axis=0)
    _, variance = gpu.moments(there(x))
    numpy.testing.assert_allclose(there(variance).get(), exact, rtol=1e-4)


def test_sums_have_the_same_bits_in_every_run(rng):
    x = there(numbers(rng, 70_000, 3))
    first = gpu.column_sums(x).get().tobytes()
    assert all(gpu.column_sums(x).get().tobytes() == first for _ in range(3))
    assert sums._chunks(70_000) == sums.CHUNKS


# -- softmax, noise, optimizers, indices -----------------------------------------------------------


@pytest.mark.parametrize("shape", [(1, 1), (5, 10), (300, 7), (2, 3, 4)])
def test_softmax_and_the_slope_of_cross_entropy(shape, rng):
    x = 5 * numbers(rng, *shape)
    for lying in lies(x):
        agree("log_softmax", lying)
    agree("log_softmax", x, axis=0)
    log_p, labels = plain.log_softmax(x), rng.integers(0, shape[-1], shape[:-1])
    losses = -numpy.take_along_axis(log_p, labels[..., None], axis=-1)[..., 0]
    for factor in (numpy.asarray(0.3, "f"), numbers(rng, *shape[:-1])):
        for kind in ("int64", "uint8"):
            agree("cross_entropy_back", log_p, labels.astype(kind), losses, factor)


def test_softmax_of_large_and_small_numbers():
    agree("log_softmax", numpy.float32([[1000, 0, -1000], [0, -20, -20], [3e38, -3e38, 0]]))
    agree("log_softmax", numpy.float32([[math.nan, 0, 1], [0, math.nan, 1]]))


LAST = 2**64 - 1


@pytest.mark.parametrize("key", [(0, 0), (1, 2), (LAST, LAST), (1, 2**63), (LAST, 3)])
def test_noise(key):
    for count in (0, 1, 15, 16, 17, 100, 4097):
        for drop in (0, 16384, 65535):
            agree("keep_mask", key, drop, count, tolerance=0)
        agree("uniform", key, count, tolerance=0)
        agree("standard_normal", key, count, tolerance=4 * EPSILON)


@pytest.mark.parametrize("shape", [(1,), (5, 7), (33, 10, 4)])
def test_dropout_is_the_mask_of_the_same_key(shape, rng):
    x = numbers(rng, *shape)
    for dtype in ("float32", "float64"):
        array = x.astype(dtype)
        mask = plain.keep_mask((1, LAST), 21845, x.size).reshape(shape)
        found = gpu.dropout(there(array), (1, LAST), 21845, 1.5)
        close(found, plain.masked(array, mask, 1.5), 0)


@pytest.mark.parametrize("size", [1, 257, 70_000])
def test_whether_numbers_are_in_a_range(size, rng):
    labels, x = rng.integers(0, 10, size), rng.random(size, numpy.float32)
    for values, low, high in ((labels, 0, 9), (x, 0, 1), (labels.astype("uint8"), 0, 9)):
        assert bool(gpu.inside(there(values), low, high))
        for place in (0, size // 2, size - 1):
            for wrong in (high + 1, -1, math.nan):
                if values.dtype.kind == "f" or (wrong == wrong and wrong >= 0):
                    other = values.copy()
                    other[place] = wrong
                    assert not bool(gpu.inside(there(other), low, high))


@pytest.mark.parametrize("C", [1, 300])
def test_moving_statistics(C, rng):
    mean, variance, moving = numbers(rng, C), numpy.abs(numbers(rng, C)), numbers(rng, C)
    for bad in (False, True):
        if bad:
            variance[-1] = math.nan
        here = [moving.copy(), moving.copy()]
        gone = [there(a.copy()) for a in here]
        plain.move_statistics(*here, mean, variance, 0.1)
        gpu.move_statistics(*gone, there(mean), there(variance), 0.1)
        for one, other in zip(gone, here, strict=True):
            close(one, other)
    alone = there(moving.copy())
    gpu.move_statistics(None, alone, there(mean), there(numpy.ones(C, "f")), 0.5)
    close(alone, (moving + 1) / 2)


@pytest.mark.parametrize("momentum", [None, 0.9])
def test_the_rules_of_the_optimizers(momentum, rng):
    w, dw, m, scratch = (numbers(rng, 1000) for _ in range(4))
    v = numpy.abs(numbers(rng, 1000))
    velocity = None if momentum is None else numbers(rng, 1000)
    for name, slots, settings in (
        ("adam", (m, v), (0.9, 0.999, 0.001, 1e-7)),
        ("rmsprop", (v, velocity), (0.9, momentum or 0.0, 0.001, 1e-7)),
        ("sgd", (velocity,), (momentum or 0.0, False, 0.01)),
        ("sgd", (velocity,), (momentum or 0.0, momentum is not None, 0.01)),
    ):
        here = [None if a is None else a.copy() for a in (w, dw, *slots)]
        gone = [None if a is None else there(a.copy()) for a in here]
        room = [] if name == "sgd" else [scratch.copy()]
        getattr(plain, name)(*here, *settings, *room)
        getattr(gpu, name)(*gone, *settings, *map(there, room))
        for one, other in zip(gone, here, strict=True):
            if other is not None:
                close(one, other)


@pytest.mark.parametrize("least", [0, 1])  # 0: some are empty
@pytest.mark.parametrize("count", [1, 2, 59, 60, 61, 130])
def test_arrays_are_gathered_in_their_order(count, least, rng):
    arrays = [numbers(rng, *rng.integers(least, 5, 2)) for _ in range(count)]
    arrays[-1] = numbers(rng, 6, 2)[::2]
    out = there(numpy.zeros(sum(a.size for a in arrays), "f"))
    gpu.gathered([there(a) for a in arrays], out)
    close(out, numpy.concatenate(arrays, axis=None), 0)


def test_an_element_that_was_taken_twice_gets_both_in_their_order(rng):
    cupy = sys.modules["cupy"]
    for index, shape in (
        ((rng.integers(0, 7, 100),), (100, 3)),
        ((rng.integers(-7, 7, (5, 4)), slice(1, 3)), (5, 4, 2)),
        ((rng.integers(0, 7, 9), rng.integers(0, 3, 9)), (9,)),
        ((numpy.arange(7) % 2 == 0,), (4, 3)),
    ):
        values, target = numbers(rng, *shape), numbers(rng, 7, 3)
        found = cupy.asarray(target.copy())
        gpu.add_at(found, tuple(map(there, index)), there(values))
        numpy.add.at(target, index, values)
        close(found, target, 20 * EPSILON)


# -- the tester is tested --------------------------------------------------------------------------

MISTAKES = {  # the file, its right text, a wrong one, and what must find it
    "a border that is not tested": (
        "windows", "h >= 0 && h < H && w >= 0 && w < W ?", "true ?", "test_convolutions",
    ),
    "a pixel that gathers from one window less": (
        "windows", "oh1 = min(OH, (h + TOP) / SH + 1)", "oh1 = min(OH, (h + TOP) / SH)",
        "test_convolutions",
    ),
    "a stride of rows for columns": ("windows", "ow * SW + v", "ow * SH + v", "test_convolutions"),
    "every equal pixel gets dy": (
        "windows", "first = !SAME(X(n, r, q, c), most)", "first = true", "test_poolings",
    ),
    "NaN counts for nothing": (
        "windows", "|| (a) != (a) ? (a) : (m)", "? (a) : (m)", "test_poolings",
    ),
    "a barrier less": ("sums", "= own;\n  __syncthreads();", "= own;", "test_sums"),
    "a lane less": ("sums", "k < 8; k++", "k < 7; k++", "test_sums"),
    "a chunk less": ("sums", "k < chunks; k++) sum", "k < chunks - 1; k++) sum", "test_sums"),
    "relu of NaN is 0": ("activation", "x[i] <= 0 ? 0 : x[i]", "x[i] > 0 ? x[i] : 0", "test_ends"),
    "the largest counts twice": ("softmax", "if (k != largest)", "", "test_softmax"),
    "half of a block's sums": ("totals", "half = 128", "half = 64", "test_formulas"),
    "no barrier among them": (
        "totals", "part[t + half];\n    __syncthreads();", "part[t + half];", "test_formulas",
    ),
    "nine rounds": ("noise", "round < 10", "round < 9", "test_noise"),
    "one gate for another": ("cells", "slope(reset) *", "slope(update) *", "test_cells"),
    "a cell that forgets by its input": (
        "cells", "dc[i] = dcell * forget", "dc[i] = dcell * input", "test_cells",
    ),
    "a slope without its sign": (
        "channels", "shift[i] = -slope[i]", "shift[i] = slope[i]", "test_channels",
    ),
    "half a sigmoid": ("cells", "0.5f * tanhf(half) + 0.5f", "tanhf(half)", "test_cells"),
}  # fmt: skip
FINDS = {
    "test_convolutions": lambda rng: [test_convolutions(seed) for seed in range(25)],
    "test_poolings": lambda rng: [
        test_poolings(kind, seed)
        for seed in range(9)
        for kind in ("equal ones", "NaN and infinity")
    ],
    "test_sums": lambda rng: test_sums_of_columns(1000, 33, rng),
    "test_ends": lambda rng: test_elementwise_kernels_at_the_ends_of_the_numbers(),
    "test_softmax": lambda rng: test_softmax_and_the_slope_of_cross_entropy((5, 10), rng),
    "test_formulas": lambda rng: test_formulas("loss.bce_of", (70, 1000), rng),
    "test_noise": lambda rng: test_noise((1, 2)),
    "test_channels": lambda rng: test_the_numbers_of_each_channel(33, rng),
    "test_cells": lambda rng: [test_recurrent_cells(k, {}, False, rng) for k in ("GRU", "LSTM")],
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_in_a_kernel_is_found(name, rng, monkeypatch):
    file, right, wrong, test = MISTAKES[name]
    text = launch.source(file)
    assert right in text
    FINDS[test](rng)
    true = launch.source
    monkeypatch.setattr(
        launch, "source", lambda asked: text.replace(right, wrong) if asked == file else true(asked)
    )
    launch._compiled.cache_clear()
    try:
        with pytest.raises(AssertionError):
            FINDS[test](rng)
    finally:
        launch._compiled.cache_clear()


def test_what_is_handed_to_a_kernel_in_the_wrong_type_is_an_error(pretended_gpu):
    x = there(numpy.ones(3, "f"))
    with pytest.raises(TypeError, match="parameter x points to float32"):
        launch.launch("activation.relu", 3, there(numpy.ones(3)), x)
    with pytest.raises(TypeError, match="parameter slope is float32, received"):
        launch.launch("activation.leaky_relu", 3, x, 1, x)
    with pytest.raises(TypeError, match="relu has 3 parameters, received 2"):
        launch.launch("activation.relu", 3, x)


def test_a_block_waits_for_a_warp_that_stops_more_often(cupy):
    code = """extern "C" __global__ void last(int* y) {
      __shared__ int x;
      for (int i = 0; threadIdx.x < 32 && i < 5; i++) {
        __syncwarp();
        if (threadIdx.x == 0) x = i;
      }
      __syncthreads();
      y[threadIdx.x] = x;
    }"""
    y = cupy.zeros(64, "i")
    cupy.RawKernel(code, "last")((1,), (64,), (y,))
    assert y.get().tolist() == [4] * 64


def test_a_kernel_is_one_launch(pretended_gpu):
    x = there(numpy.ones((4, 3), "f"))
    gpu.relu(x)
    counts.clear()
    gpu.relu(x)
    assert counts == {"launches": 1}


# -- the small arrays of batch normalization -----------------------------------------------------


@pytest.mark.parametrize("C", [1, 33, 300])
def test_the_numbers_of_each_channel(C, rng):
    variance, scale = rng.random((2, C), numpy.float32)
    others = numbers(rng, 3, C)
    agree("scales", variance, others[0], 0.001)
    agree("slopes", others[0], others[1], scale, others[2], 1000)


# -- recurrent cells -------------------------------------------------------------------------------


def through(layer, x, mask, device):
    """The states after each step, and the gradients of the weights and of x."""
    layer.to(device)
    given = tn.Tensor(x, requires_grad=True, device=device)
    y = layer(given) if mask is None else layer(given, mask=tn.Tensor(mask, device=device))
    (y * y).sum().backward()
    gradients = [given.grad, *(w.grad for w in layer.parameters())]
    found = [y.numpy(), *(tn.Tensor(g).numpy() for g in gradients)]
    for w in layer.parameters():
        w.grad = None
    return found


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(
    ("kind", "settings"),
    [("SimpleRNN", {}), ("SimpleRNN", {"activation": "relu"}), ("GRU", {}), ("LSTM", {})],
)
def test_recurrent_cells(kind, settings, masked, rng):
    """In float32 each step is one kernel; on the CPU it is what ops/cells.py says."""
    layer = getattr(tn.layers, kind)(5, return_sequences=True, **settings)
    layer.build((7, 3), rng)
    for w in layer.parameters():
        w.data[...] = numbers(rng, *w.shape)
    x = numbers(rng, 9, 7, 3)
    mask = numpy.arange(7) < rng.integers(2, 8, (9, 1)) if masked else None
    expected = through(layer, x, mask, "cpu")
    before = counts["launches"]
    found = through(layer, x, mask, "gpu")
    if type(sys.modules["cupy"]).__name__ == "StrictCupy" and not masked:
        assert counts["launches"] - before < 7 * 6 + 50
    for a, b in zip(found, expected, strict=True):
        numpy.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4 * numpy.abs(b).max())


def test_a_nan_stays_in_a_recurrent_cell(rng):
    for kind, settings in (("SimpleRNN", {"activation": "relu"}), ("GRU", {}), ("LSTM", {})):
        layer = getattr(tn.layers, kind)(2, return_sequences=True, **settings)
        layer.build((3, 2), rng)
        x = numbers(rng, 2, 3, 2)
        x[0, 1] = math.nan
        states = through(layer, x, None, "gpu")[0]
        assert numpy.isnan(states).tolist() == [[[False] * 2, *[[True] * 2] * 2], [[False] * 2] * 3]


# -- how precisely products are computed -----------------------------------------------------------


@pytest.fixture
def tf32():
    tn.set_matmul_precision("tf32")
    yield
    tn.set_matmul_precision("float32")


def test_products_in_tf32_round_each_factor(tf32, rng):
    """By at most 2^-11 of it; dense layers and convolutions, forward and back."""
    x, w = numbers(rng, 2, 6, 5, 32), numbers(rng, 3, 3, 32, 24)
    rows, matrix = numbers(rng, 40, 64), numbers(rng, 64, 30)
    ws = windows((6, 5), 3, 1, "valid")
    for name, arguments, sizes in (
        ("product", (rows, matrix), numpy.abs(rows) @ numpy.abs(matrix)),
        ("convolve", (x, w, None, ws), plain.convolve(numpy.abs(x), numpy.abs(w), None, ws)),
    ):
        exact = getattr(plain, name)(*arguments)
        found = sys.modules["cupy"].asnumpy(getattr(gpu, name)(*map(there, arguments)))
        error = (numpy.abs(found - exact) / sizes).max()
        assert 1e-5 < error < 2**-10, name
    tn.set_matmul_precision("float32")
    close(gpu.product(there(rows), there(matrix)), rows @ matrix, 1e-5)


def test_stacks_of_matrices_stay_in_float32(tf32, rng):
    x, y = numbers(rng, 3, 8, 16), numbers(rng, 3, 16, 8)
    close(gpu.product(there(x), there(y)), x @ y, 1e-5)


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("bf16", 'precision must be "float32" or "tf32", received \'bf16\'.'),
        ("high", '"high" is PyTorch\'s word. Write "tf32".'),
        (["tf32"], 'precision must be "float32" or "tf32", received [\'tf32\'].'),
    ],
)
def test_another_word_for_the_precision_is_an_error(word, told):
    with pytest.raises(ValueError) as error:
        tn.set_matmul_precision(word)
    assert str(error.value) == f"set_matmul_precision: {told}"
