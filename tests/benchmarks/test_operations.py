"""Single operations beside PyTorch's and the machine's limits: what is timed, how it is counted."""

from __future__ import annotations

import numpy
import pytest

import tinynet as tn
from benchmarks.cpu import operations, timed_operations
from benchmarks.cpu.timed_operations import OF_KERNEL, Case, Stopwatch
from benchmarks.measure import import_time, machine_limits, turns
from benchmarks.measure.pytorch import Disagreement
from benchmarks.measure.turns import Effort
from benchmarks.twins.in_torch import LAYOUTS
from benchmarks.twins.steps import forms
from tinynet.layers import (
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Conv2DTranspose,
    Dense,
    Dropout,
    MaxPooling2D,
)


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


@pytest.fixture
def small_limits(monkeypatch):
    monkeypatch.setattr(machine_limits, "SIDE", 8)
    monkeypatch.setattr(machine_limits, "COPIED", 4096)


def convolution(shape=(2, 6, 7, 3), **settings):
    return Case("c", lambda: Conv2D(4, 3, use_bias=False, **settings), shape, OF_KERNEL)


# -- the clock, and what is counted ----------------------------------------------------------------


def test_the_stopwatch_runs_only_during_the_timed_half(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(timed_operations.time, "perf_counter", lambda: now[0])

    def take(seconds):
        now[0] += seconds
        return seconds

    watch = Stopwatch()
    step = watch.timed(lambda held: take(held / 4), lambda: take(8.0))
    assert step() == 2 and step() == 2
    assert watch() == 4 and now[0] == 20


@pytest.mark.parametrize("layer", [Conv2D, Conv2DTranspose])
@pytest.mark.parametrize(("strides", "padding"), [(1, "valid"), (1, "same"), (2, "same")])
def test_the_products_of_a_convolution_are_those_with_a_pixel(layer, strides, padding):
    """Counted one by one, along one axis at a time: the border's zeros are no work."""
    H, W, C, filters, k = 6, 7, 3, 4, 3
    make = lambda: layer(filters, k, strides=strides, padding=padding, use_bias=False)
    ways = 1
    for n in (H, W):
        if padding == "valid":
            before, out = 0, (n - k) // strides + 1
        else:
            out = -(-n // strides)
            before = max((out - 1) * strides + k - n, 0) // 2
        if layer is Conv2DTranspose:
            out = n * strides if padding == "same" else (n - 1) * strides + k
            before = (k - strides) // 2 if padding == "same" else 0
            ways *= sum(0 <= i * strides + j - before < out for i in range(n) for j in range(k))
        else:
            ways *= sum(0 <= o * strides + j - before < n for o in range(out) for j in range(k))
    case = Case("c", make, (2, H, W, C), OF_KERNEL)
    assert timed_operations.products(case) == 2 * ways * C * filters


def test_floating_point_operations_and_bytes_of_a_step():
    watch = Stopwatch()
    valid = timed_operations.of_layer(convolution(), "dx", None, watch)
    assert (valid.unit, valid.amount) == ("GFLOP/s", 2 * 2 * (4 * 5) * (9 * 3 * 4))
    pool = Case("p", lambda: MaxPooling2D(2), (2, 4, 4, 3))
    for part in pool.parts:
        timing = timed_operations.of_layer(pool, part, None, watch)
        assert (timing.unit, timing.amount) == ("GB/s", 4 * (2 * 4 * 4 * 3 + 2 * 2 * 2 * 3))
    normal = Case("n", BatchNormalization, (2, 4, 4, 3), again=True)
    amounts = [timed_operations.of_layer(normal, part, None, watch).amount for part in normal.parts]
    assert amounts == [2 * 4 * 96, 3 * 4 * 96]  # x and y; x, dy and dx
    assert timed_operations.of_adam(None, watch).amount == 7 * 4 * 1_199_882
    assert timed_operations.of_cross_entropy(5, 10, None, watch).amount == 2 * 4 * 50 + 8 * 5


# -- what is timed ---------------------------------------------------------------------------------


@pytest.mark.parametrize("part", OF_KERNEL)
def test_each_part_computes_that_gradient_alone(part, torch, monkeypatch):
    network, x, dy = timed_operations.parts_of(convolution())
    (kernel,) = network.parameters()
    inputs, make = [], tn.Tensor

    def tensor(*arguments, **settings):
        inputs.append(make(*arguments, **settings))
        return inputs[-1]

    monkeypatch.setattr(tn, "Tensor", tensor)
    made = timed_operations.our_part(network, x, dy, part, Stopwatch())()
    assert (made is None) == (part != "forward")
    assert (inputs[0].grad is not None, kernel.grad is not None) == (part == "dx", part == "dw")
    twin = timed_operations.Twin(torch)
    theirs = timed_operations.their_part(network, x, dy, part, twin, Stopwatch())()
    if part == "forward":
        assert theirs.requires_grad and made.requires_grad  # recorded, as in training
        return
    (gradient,) = theirs
    expected = twin.batch(inputs[0].grad) if part == "dx" else twin.pairs[0].turned(kernel.grad)
    numpy.testing.assert_allclose(gradient.numpy(), expected, atol=1e-4)


def test_backward_computes_all_gradients(torch):
    network, x, dy = timed_operations.parts_of(Case("n", BatchNormalization, (2, 4, 4, 3)))
    timed_operations.our_part(network, x, dy, "backward", Stopwatch())()
    assert all(w.grad is not None for w in network.parameters())
    twin = timed_operations.Twin(torch)
    assert len(timed_operations.their_part(network, x, dy, "backward", twin, Stopwatch())()) == 3


@pytest.mark.parametrize(
    "case",
    [
        convolution(),
        convolution(strides=2, padding="same"),
        Case("t", lambda: Conv2DTranspose(4, 3, strides=2, padding="same"), (2, 4, 5, 3)),
        Case("p", lambda: MaxPooling2D(2), (2, 4, 4, 3)),
        Case("n", BatchNormalization, (2, 4, 4, 3)),
        Case("d", lambda: Dropout(0.4), (2, 4, 4, 3)),
        Case("a", lambda: AveragePooling2D(2), (2, 4, 4, 3)),
        Case("a", lambda: AveragePooling2D(3, 2, "same"), (2, 5, 6, 3)),
        Case("s", lambda: Activation("sigmoid"), (2, 4, 4, 3)),
        Case("l", lambda: Dense(4, use_bias=False), (2, 3), OF_KERNEL),
    ],
)
def test_both_libraries_give_the_same(case, torch):
    timed_operations.agree(case, torch)


def test_a_result_that_differs_stops_the_benchmark(torch, monkeypatch):
    right = timed_operations.Twin.module

    def module(twin, network):
        forward = right(twin, network)
        return lambda x: 1.01 * forward(x)

    monkeypatch.setattr(timed_operations.Twin, "module", module)
    with pytest.raises(Disagreement) as error:
        timed_operations.agree(convolution(), torch)
    assert str(error.value) == (
        "c, tinynet: the result differs from PyTorch's by 9.9e-03, and 0.001 is allowed. They do "
        "not compute the same, so their times are not compared."
    )
    with pytest.raises(Disagreement, match="differs from PyTorch's by nan"):
        timed_operations.same("result", "c", numpy.array([numpy.nan]), numpy.ones(1))


def test_the_loss_and_the_optimizer_agree(torch):
    watch = Stopwatch()
    for timing in (
        timed_operations.of_cross_entropy(6, 4, torch, watch),
        timed_operations.of_bce(3, 5, torch, watch),
        timed_operations.of_adam(torch, watch),
    ):
        assert list(timing.steps) == [*forms(), LAYOUTS[0]]
        for step in timing.steps.values():
            step()


# -- the limits, and the report --------------------------------------------------------------------


def test_the_limits_do_what_they_say(torch, small_limits):
    product = machine_limits.gemm(torch)
    assert product.amount == 2 * 8**3 and len(product.steps) == 2
    copy = machine_limits.copy(torch, threads=3)
    assert copy.amount == 2 * 4096
    for step in copy.steps.values():
        step()
    copied = copy.steps["PyTorch's copy"]()
    assert copied.numel() == 1024 and bool((copied == 1).all())


def timing(**steps):
    return timed_operations.Timing("c", "forward", (2, 3), "GFLOP/s", 4_000_000_000, steps)


def test_a_part_of_the_limit_is_the_faster_programs_and_of_the_same_round():
    bound = machine_limits.Limit("p", 8_000_000_000, {"slow": None, "fast": None})
    times = {"tinynet": [1.0, 2.0], LAYOUTS[0]: [4.0, 4.0], LAYOUTS[1]: [0.5, 1.0],
             "slow": [9.0, 9.0], "fast": [1.0, 2.0]}  # fmt: skip
    found = operations.judged(timing(), times, bound)
    assert found["PyTorch's better layout"] == LAYOUTS[1] and found["limit"] == "fast"
    assert found["tinynet's part of it"]["median"] == 2
    assert found["tinynet's part of the limit"]["median"] == 0.5  # half the work in the same time
    assert found["PyTorch's part of the limit"]["median"] == 1
    assert found["limit's billions a second"] == pytest.approx(8 / 1.5)
    row = operations.line(found).split()
    assert row[:7] == ["c", "forward", "1500.00", "ms", "2.667", "GFLOP/s", "(50%)"]
    assert row[-1] != "again"
    unsteady = operations.judged(timing(), times | {"fast": [1.0, 9.0]}, bound)
    assert operations.line(unsteady).endswith("unsteady: run it again")
    both = operations.judged(timing(), times | {"compiled": [0.25, 0.5]}, bound)
    assert both["compiled's part of it"]["median"] == 0.5
    assert both["compiled's part of the limit"]["median"] == 2  # fewer products than the formula
    assert operations.line(both).endswith("2.00 (2.00 to 2.00) ; 0.50 (0.50 to 0.50)")
    alone = {name: times[name] for name in ("tinynet", "slow", "fast")}
    found = operations.judged(timing(), alone, bound)
    assert found["tinynet's part of it"] is None
    assert operations.line(found).endswith("(50%)")


def test_operations_are_timed_beside_the_limit_of_their_unit(
    torch, small_limits, monkeypatch, capsys
):
    monkeypatch.setattr(turns.time, "sleep", lambda seconds: None)
    pool = Case("p", lambda: MaxPooling2D(2), (2, 4, 4, 3))
    monkeypatch.setattr(timed_operations, "CASES", (convolution(), pool))
    found = operations.measure(Effort(2, 0.0), torch, 1)
    assert [(f["operation"], f["part"]) for f in found] == [
        *(("c", part) for part in OF_KERNEL),
        *(("p", part) for part in pool.parts),
        ("cross-entropy", "both ways"),
        ("bce with logits", "both ways"),
        ("Adam, fashion's weights", "a step"),
    ]
    assert {f["limit"].split()[1] for f in found if f["unit"] == "GFLOP/s"} == {"product"}
    assert {f["limit"].split()[1] for f in found if f["unit"] == "GB/s"} == {"copy"}
    assert all(len(times) == 2 for f in found for times in f["seconds, by round"].values())
    assert "a product of 8 x 8 matrices" in capsys.readouterr().out


def test_a_disagreement_ends_with_one_line_and_code_1(monkeypatch, capsys):
    def disagree(*_):
        raise Disagreement("they do not compute the same")

    monkeypatch.setattr(operations, "measure", disagree)
    assert operations.main(1, quick=True, record=True) == 1
    captured = capsys.readouterr()
    assert captured.err == "benchmarks operations: they do not compute the same\n"
    assert "python -m benchmarks cpu --record" in captured.out


# -- the import ------------------------------------------------------------------------------------


def test_imports_are_timed_in_turns_and_the_first_ones_warm_up(monkeypatch):
    asked = []

    def seconds(name):
        asked.append(name)
        return {"numpy": 2.0, "tinynet": 3.0}[name] * (9 if len(asked) <= 2 else 1)

    monkeypatch.setattr(import_time, "seconds_to_import", seconds)
    found = import_time.measure(2)
    assert found["seconds, by round"] == {"numpy": [2.0, 2.0], "tinynet": [3.0, 3.0]}
    assert found["tinynet's part of NumPy's"]["median"] == 1.5
    assert asked[2:] == ["numpy", "tinynet", "tinynet", "numpy"]


def test_an_import_takes_time_in_a_process_of_its_own():
    assert 0 < import_time.seconds_to_import("tinynet") < 60
