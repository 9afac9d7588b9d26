"""Tiles and their workspace: every window once, in memory that the budget bounds."""

from __future__ import annotations

import threading
import time
import tracemalloc

import numpy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tinynet as tn
from tinynet.devices import cpu, plain
from tinynet.devices.cpu import convolution, threads, workspace
from tinynet.devices.cpu.workspace import borrowed, budget, cut, text_of
from tinynet.messages.arguments import shown
from tinynet.ops.windows import windows

pytestmark = pytest.mark.fast_form

MIB = 2**20

quick = settings(
    max_examples=200,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(autouse=True)
def default_afterwards():
    yield
    tn.workspace_budget("64 MiB")
    tn.set_threads(None)


# -- the budget ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "count"),
    [
        (1, 1),
        (numpy.int64(5000), 5000),
        ("1.9 B", 1),
        ("500 KB", 500_000),
        ("500KB", 500_000),
        (" 2 mb ", 2_000_000),
        ("3 GB", 3 * 10**9),
        ("1 KiB", 1024),
        ("64 MiB", 64 * MIB),
        ("1.5 MiB", 3 * MIB // 2),
        ("2 gib", 2**31),
    ],
)
def test_a_budget_is_bytes_or_a_text(size, count):
    with tn.workspace_budget(size):
        assert budget() == count
        assert type(budget()) is int
    assert budget() == 64 * MIB


WRONG = ["", "64", "-1 MiB", "64 MiBs", "MiB", "1,5 MiB", "5 iB", "0 MiB", "0.5 B", "1 TiB"]


@pytest.mark.parametrize("size", [0, -1, True, 1.5, None, ["64 MiB"], "9" * 400 + " B", *WRONG])
def test_a_budget_that_is_none_is_told(size):
    with pytest.raises(ValueError) as caught:
        tn.workspace_budget(size)
    assert str(caught.value) == (
        "workspace_budget: size must be a positive number of bytes or a text, for example "
        f'"64 MiB", received {shown(size)}.'
    )
    assert budget() == 64 * MIB


def test_budgets_of_two_threads_leave_the_one_that_was_before_them():
    tn.workspace_budget("3 MiB")
    second_open, first_closed = threading.Event(), threading.Event()
    seen = {}

    def first():
        with tn.workspace_budget("2 MiB"):
            assert second_open.wait(10)
            seen["both open"] = budget()
        seen["first closed"] = budget()
        first_closed.set()

    thread = threading.Thread(target=first)
    thread.start()
    while budget() != 2 * MIB:
        time.sleep(0.001)
    with tn.workspace_budget("1 MiB"):
        second_open.set()
        assert first_closed.wait(10)
    thread.join()
    assert seen == {"both open": MIB, "first closed": MIB}
    assert budget() == 3 * MIB


def test_a_block_gives_the_budget_back_that_was_set_before():
    tn.workspace_budget("4 MiB")
    twice = tn.workspace_budget("2 MiB")
    with twice:
        with twice:
            assert budget() == 2 * MIB
        assert budget() == 2 * MIB
    assert budget() == 4 * MIB


def test_a_budget_holds_until_the_end_of_the_block_or_until_it_is_set_again():
    with tn.workspace_budget("2 MiB"):
        with tn.workspace_budget("1 MiB"):
            assert budget() == MIB
        assert budget() == 2 * MIB
        with pytest.raises(ArithmeticError), tn.workspace_budget("1 MiB"):
            raise ArithmeticError
        assert budget() == 2 * MIB
    tn.workspace_budget("3 MiB")
    seen = []
    other = threading.Thread(target=lambda: seen.append(budget()))
    other.start()
    other.join()
    assert seen == [budget()] == [3 * MIB]


@quick
@given(st.one_of(st.integers(1, 2**20), st.integers(1, 2**50)))
def test_bytes_are_written_as_the_budget_reads_them_rounded_up(count):
    with tn.workspace_budget(text_of(count)):
        assert count <= budget() <= 1.1 * count + 1


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (1, "1 B"),
        (10 * 1024 - 1, "10239 B"),
        (10 * 1024, "10 KiB"),
        (33 * 1024 - 1, "33 KiB"),
        (10 * MIB - 1, "10240 KiB"),
        (10 * MIB, "10 MiB"),
        (10 * MIB + 1, "11 MiB"),
        (10 * 2**30, "10 GiB"),
    ],
)
def test_bytes_as_a_person_writes_them(count, text):
    assert text_of(count) == text


# -- tiles -----------------------------------------------------------------------------------------


@quick
@given(
    pictures=st.integers(0, 40),
    rows=st.integers(1, 40),
    columns=st.integers(0, 300_000),
    more=st.integers(0, 300_000),
    work=st.integers(0, 10**6),
    fixed=st.integers(0, 10**6),
    size=st.sampled_from([2 * 10**6, 64 * MIB]),
)
def test_tiles_hold_every_row_once_and_fit_into_the_budget(
    pictures, rows, columns, more, work, fixed, size
):
    memory = columns + more
    with tn.workspace_budget(size):
        found = cut(pictures, rows, columns, memory, work, fixed)
    places = [
        (n, r) for n0, n1, r0, r1 in found.tiles for n in range(n0, n1) for r in range(r0, r1)
    ]
    assert places == [(n, r) for n in range(pictures) for r in range(rows)]
    for n0, n1, r0, r1 in found.tiles:
        assert fixed + (n1 - n0) * (r1 - r0) * memory <= found.workspace
        assert n1 - n0 == 1 or r1 - r0 == rows  # a part of one picture, or whole ones
        if (n1 - n0) * (r1 - r0) > 1:
            assert (n1 - n0) * (r1 - r0) * columns <= workspace.TILE
    assert found.most >= 1
    assert found.workspace * found.most <= size


def test_tiles_are_as_large_as_is_worth_a_thread_and_many_enough_for_sixteen(monkeypatch):
    monkeypatch.setattr(workspace, "TILE", 1000)
    monkeypatch.setattr(workspace, "LEAST_WORK", 60)

    def sizes(pictures, rows, columns, work):
        tiles = cut(pictures, rows, columns, columns, work).tiles
        return [(t.n1 - t.n0, t.r1 - t.r0) for t in tiles]

    assert sizes(8, 4, 10, 5) == [(3, 4), (3, 4), (2, 4)]
    assert sizes(10, 4, 10, 3) == [(5, 4)] * 2
    assert sizes(8, 4, 10, 100) == [(1, 4)] * 8
    assert sizes(8, 4, 10, 0) == [(8, 4)]
    assert sizes(64, 4, 10, 100) == [(4, 4)] * 16
    assert sizes(64, 4, 100, 100) == [(2, 4)] * 32  # no more than TILE
    assert sizes(1, 25, 100, 100) == [(1, 9), (1, 9), (1, 7)]
    assert sizes(1, 2, 5000, 100) == [(1, 1)] * 2


def problem(rng, dtype="float32"):
    """x, kernel, dy and windows of a convolution in which one row of windows takes a few KiB."""
    x = rng.standard_normal((3, 9, 10, 5)).astype(dtype)
    kernel = rng.standard_normal((3, 3, 5, 6)).astype(dtype)
    ws = windows((9, 10), 3, 1, "same")
    return x, kernel, rng.standard_normal((3, *ws.output, 6)).astype(dtype), ws


@pytest.mark.parametrize("size", ["20 KB", "40 KB", "64 MiB"])
@pytest.mark.parametrize("tile", [1, 10_000, 2**30])
def test_results_agree_to_rounding_whatever_the_tiles_and_the_budget(tile, size, rng, monkeypatch):
    x, kernel, dy, ws = problem(rng)
    monkeypatch.setattr(workspace, "TILE", tile)
    monkeypatch.setattr(workspace, "LEAST_WORK", 1)
    with tn.workspace_budget(size):
        found = [
            cpu.convolve(x, kernel, None, ws),
            cpu.convolve_transposed(dy, kernel, None, ws),
            cpu.kernel_gradient(x, dy, ws),
        ]
    x, kernel, dy = (a.astype("float64") for a in (x, kernel, dy))
    exact = [
        plain.convolve(x, kernel, None, ws),
        plain.convolve_transposed(dy, kernel, None, ws),
        plain.kernel_gradient(x, dy, ws),
    ]
    for got, expected in zip(found, exact, strict=True):
        numpy.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-4)


# -- a budget that is too small --------------------------------------------------------------------


def needed(error):
    """The size that a message names, as it is written there."""
    size = str(error).partition("Set tn.workspace_budget(")[2].partition(") or more.")[0]
    assert size[0] == size[-1] == "'"
    return size[1:-1]


@pytest.mark.numpy_form
def test_a_budget_too_small_for_one_row_is_told_with_one_that_suffices(rng):
    x, kernel, dy, _ = problem(rng)
    columns = 10 * 3 * 3 * 5 * 4  # of a row of windows
    padded = 3 * 12 * 5 * 4
    forward = columns + padded + 192

    def convolved():
        w = tn.Tensor(kernel, requires_grad=True)
        return tn.conv2d(x, w, padding="same"), w

    with tn.workspace_budget("1 KB"), pytest.raises(ValueError) as caught:
        convolved()
    assert str(caught.value) == (
        f"conv2d: the workspace budget is 1000 B, and one row of windows needs {forward} B. Set "
        f"tn.workspace_budget('{forward} B') or more."
    )
    with tn.workspace_budget(forward - 1), pytest.raises(ValueError):
        convolved()
    with tn.workspace_budget(needed(caught.value)):
        y, w = convolved()
        back = forward + kernel.nbytes  # a term of the sum
        with pytest.raises(ValueError) as caught:
            y.backward(dy)
        assert str(caught.value) == (
            f"conv2d, on the way back: the workspace budget is {forward} B, and one row of windows "
            f"needs {back} B. Set tn.workspace_budget('{back} B') or more."
        )
        assert w.grad is None
    with tn.workspace_budget(needed(caught.value)):
        y, w = convolved()
        y.backward(dy)
    assert w.grad.shape == kernel.shape


@quick
@given(
    shape=st.tuples(
        st.integers(1, 3), st.integers(3, 9), st.integers(3, 20), st.sampled_from([1, 3, 8])
    ),
    outputs=st.sampled_from([1, 8]),
    size=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    stride=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    padding=st.sampled_from(["valid", "same", ((1, 0), (0, 2)), ((0, 3), (3, 0))]),
)
def test_the_size_that_is_named_suffices_and_one_byte_less_does_not(
    shape, outputs, size, stride, padding, exact_buffers
):
    x = numpy.ones(shape)
    try:
        ws = windows(shape[1:3], size, stride, padding)
    except ValueError:
        return
    kernel, dy = numpy.ones((*size, shape[3], outputs)), numpy.ones((shape[0], *ws.output, outputs))
    calls = [
        lambda: cpu.convolve(x, kernel, None, ws),
        lambda: cpu.convolve_transposed(dy, kernel, None, ws),
        lambda: cpu.kernel_gradient(x, dy, ws),
    ]
    if cpu.convolve_transposed_workspace(shape[0], x.itemsize, shape[3], outputs, ws) == 0:
        with tn.workspace_budget(1):  # every window sees border alone: nothing is computed
            assert not calls.pop(1)().any()
    for call in calls:
        with tn.workspace_budget(1), pytest.raises(ValueError) as caught:
            call()
        named = needed(caught.value)
        with tn.workspace_budget(named):
            exact = named.endswith(" B")
            least = budget()
            call()
        if exact:
            with tn.workspace_budget(least - 1), pytest.raises(ValueError, match="one row of win"):
                call()


# -- the memory itself -----------------------------------------------------------------------------


def peak_of(call):
    """The most bytes that it had at once, and what it returned."""
    tracemalloc.start()
    try:
        result = call()
        return tracemalloc.get_traced_memory()[1], result
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("size", ["300 KB", "1 MiB", "4 MiB"])
@pytest.mark.parametrize(
    ("channels", "outputs"), [(16, 4), (4, 16)], ids=["dx gathered", "dx scattered"]
)
def test_a_large_convolution_stays_within_its_result_and_the_budget(
    channels, outputs, size, count, rng, monkeypatch
):
    """The columns are 25 times the pictures, 40 MB or 10.  Beside are kernels turned over, and what
    Python needs for its tiles.
    """
    x = rng.standard_normal((32, 32, 32, channels), dtype=numpy.float32)
    kernel = rng.standard_normal((5, 5, channels, outputs), dtype=numpy.float32)
    ws = windows((32, 32), 5, 1, "valid")
    dy = rng.standard_normal((32, *ws.output, outputs), dtype=numpy.float32)
    tn.set_threads(count)
    for call in (
        lambda: cpu.convolve(x, kernel, None, ws),
        lambda: cpu.convolve_transposed(dy, kernel, None, ws),
        lambda: cpu.kernel_gradient(x, dy, ws),
    ):
        peaks = []
        for _ in range(
            2
        ):  # the lower one counts: what another thread takes meanwhile is traced too
            # without what others have left
            monkeypatch.setattr(workspace, "_spare", workspace._Spare())
            with tn.workspace_budget(size):
                peak, result = peak_of(call)
                peaks.append(peak - result.nbytes - budget() - kernel.nbytes)
        assert min(peaks) <= 60_000
    assert kernel.nbytes + 60_000 < 70_000


@pytest.mark.parametrize("outputs", [64, 512])
def test_the_sums_of_a_kernels_gradient_are_within_the_budget(outputs, rng, monkeypatch):
    """A large kernel and many tiles: with 512 outputs, sixteen sums would be 16 times 1.2 MB."""
    monkeypatch.setattr(workspace, "LEAST_WORK", 1)
    x = rng.standard_normal((60, 7, 7, 64), dtype=numpy.float32)
    ws = windows((7, 7), 3, 1, "valid")
    dy = rng.standard_normal((60, *ws.output, outputs), dtype=numpy.float32)
    expected = plain.kernel_gradient(x, dy, ws)
    groups, asked, peaks, take = [], [], [], convolution.borrowed

    def watched(task, count, most):
        threads.each(task, count, most)
        groups.append(count)
        asked.append((count - 1) * expected.nbytes + min(count, most) * max(sizes))

    monkeypatch.setattr(convolution, "borrowed", lambda size: (sizes.append(size), take(size))[1])
    monkeypatch.setattr(convolution, "each", watched)
    for size in ("2 MB", "4 MB", "30 MB"):
        sizes = []
        monkeypatch.setattr(workspace, "_spare", workspace._Spare())
        with tn.workspace_budget(size):
            peak, dw = peak_of(lambda: cpu.kernel_gradient(x, dy, ws))
            peaks.append(peak - dw.nbytes)
            assert peaks[-1] <= budget() + 60_000
            assert asked.pop() <= budget()  # by as many threads as may take part
        numpy.testing.assert_allclose(dw, expected, rtol=1e-3, atol=1e-3)
    assert groups[0] < groups[2]  # where there is room, it is used


def test_a_buffer_comes_back_and_serves_again():
    workspace._spare.buffer = None
    with borrowed(1000) as first:
        assert first.nbytes == 1000
    with borrowed(600) as again:
        assert again is first
        with borrowed(1000) as inside:
            assert not numpy.shares_memory(first, inside)
    with borrowed(1001) as larger:
        assert larger.nbytes == 1001
    with pytest.raises(ArithmeticError), borrowed(1001) as larger:
        raise ArithmeticError
    with borrowed(1001) as again:
        assert again is larger


def test_a_buffer_above_the_budget_is_let_go():
    workspace._spare.buffer = None
    with borrowed(100_000):
        pass
    with tn.workspace_budget("50 KB"), borrowed(10) as small:
        assert small.nbytes == 10
    with tn.workspace_budget("50 KB"):
        with borrowed(60_000) as large:  # an optimizer's, that asks nobody
            pass
        with borrowed(60_000) as again:
            assert again is large


def test_every_thread_has_a_buffer_of_its_own():
    tn.set_threads(3)
    meeting = threading.Barrier(3, timeout=20)
    held = {}

    def part(i):
        with borrowed(100) as buffer:
            assert held.setdefault(threading.get_ident(), buffer) is buffer
            meeting.wait()

    for _ in range(2):
        threads.each(part, 3)
    first, second, third = held.values()
    assert not numpy.shares_memory(first, second) and not numpy.shares_memory(second, third)
    assert not numpy.shares_memory(third, first)
