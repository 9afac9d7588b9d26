"""The lesson `speed`: every way gives the oracle's numbers, and what is counted is what there is.

What is timed is not tested, beyond the lesson's own claims.
"""

from __future__ import annotations

import importlib.util
import math
import sys
import threading

import numpy
import pytest

import tinynet as tn
from lessons.machine import ladder, race, roofline, speed

from ..ops import oracles

SMALL = {"shape": (64, 16, 15, 8), "kernel": (3, 2, 8, 24), "turns": 1, "side": 64, "batch": 4}
TORCH = importlib.util.find_spec("torch") is not None
NUMBA = importlib.util.find_spec("numba") is not None


def arrays(shape, kernel, **_):
    rng = numpy.random.default_rng(0)
    return tuple(rng.standard_normal(s, dtype=numpy.float32) for s in (shape, kernel))


@pytest.fixture(scope="module")
def results():
    return speed.main(**SMALL | {"turns": 5})


# -- the ways --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "kernel"),
    [
        ((3, 7, 6, 2), (3, 3, 2, 4)),
        ((2, 5, 8, 3), (2, 4, 3, 1)),
        ((1, 4, 4, 1), (4, 4, 1, 2)),
        ((2, 3, 3, 5), (1, 1, 5, 3)),
    ],
)
def test_every_way_gives_the_numbers_of_the_oracle(shape, kernel, device):
    x, w = arrays(shape, kernel)
    truth = oracles.conv2d(x.astype(float), w.astype(float))
    ways = speed.ladder(x, w, (1, 3), device)
    for way in ways:
        y = way.run()
        y = y.numpy() if isinstance(y, tn.Tensor) else y
        expected = truth if way.part == 1 else truth[:1, :1]
        assert y.shape == expected.shape and y.dtype == numpy.float32, way.name
        numpy.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5, err_msg=way.name)
    names = [(way.name, way.threads) for way in ways]
    assert names[:4] == [(name, 1) for name in ORDER]
    expected = [("the same loops, compiled", 1)] * NUMBA + [("tinynet", 1), ("tinynet", 3)]
    if tn.compiled():
        expected += [("tinynet, Winograd", 1), ("tinynet, Winograd", 3)]
    expected += [("tinynet on the GPU", 0)] * (device == "gpu")
    for k in (1, 3) if TORCH else ():
        expected += [("PyTorch", k), ("PyTorch, channels last", k)]
    assert names[4:] == expected


ORDER = ("loops over numbers", "loops over windows", "im2col in one piece", "tiles")


@pytest.mark.parametrize("pictures", [1, 2, 3, 5, 9])
def test_tiles_of_any_size_give_the_same(pictures):
    x, w = arrays((5, 6, 5, 2), (3, 3, 2, 4))
    y = speed.tiles(x, w, pictures)
    numpy.testing.assert_allclose(y, oracles.conv2d(x, w), rtol=1e-5, atol=1e-5)


def test_loops_take_every_picture_and_row():
    x, w = arrays((2, 4, 5, 2), (2, 3, 2, 3))
    y = speed.loops(x.tolist(), w.tolist())
    numpy.testing.assert_allclose(y, oracles.conv2d(x, w), rtol=1e-5, atol=1e-5)


def test_the_threads_are_what_they_were_afterwards(results):
    default = tn.get_threads()
    x, w = arrays((2, 5, 5, 2), (3, 3, 2, 4))
    seen = []
    speed.tinynet(tn.Tensor(x), tn.Tensor(w), default + 1)
    assert tn.get_threads() == default
    with pytest.raises(ValueError, match="channels"), speed.threads_set(default + 1):
        seen.append(tn.get_threads())
        tn.conv2d(tn.Tensor(x), tn.Tensor(w[:, :, :1]))
    assert seen == [default + 1] and tn.get_threads() == default


@pytest.mark.skipif(not TORCH, reason="PyTorch is not installed.")
def test_pytorch_has_as_many_threads_as_the_row_says_and_then_as_before(monkeypatch):
    import torch

    seen, before, conv2d = [], torch.get_num_threads(), torch.nn.functional.conv2d

    def watched(pictures, kernel):
        last = pictures.is_contiguous(memory_format=torch.channels_last)
        seen.append((torch.get_num_threads(), last))
        return conv2d(pictures, kernel)

    monkeypatch.setattr(torch.nn.functional, "conv2d", watched)
    for way in speed.pytorch(*arrays((2, 6, 6, 3), (3, 3, 3, 4)), (1, 2)):
        way.run()
    assert seen == [(1, False), (1, True), (2, False), (2, True)]
    assert torch.get_num_threads() == before


def test_without_pytorch_the_lesson_goes_on(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)  # import torch: ModuleNotFoundError
    r = speed.main(**SMALL)
    assert [row["name"] for row in r["rows"] if "PyTorch" in row["name"]] == []
    assert "PyTorch" not in capsys.readouterr().out
    assert all(claim.holds for claim in speed.claims(r) if "seconds" not in claim.what)
    speed.show(r)


# -- what is counted -------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(2, 5, 4, 3), (1, 3, 3, 1), (3, 6, 3, 2)])
def test_the_multiply_adds_are_those_that_the_oracle_does(shape):
    x, w = arrays(shape, (2, 3, shape[3], 4))
    products = 0

    class Counted(float):
        def __mul__(self, other):
            nonlocal products
            products += 1
            return float(self) * other

    lists = x.astype(object)
    for place in numpy.ndindex(x.shape):
        lists[place] = Counted(x[place])
    speed.loops(lists.tolist(), w.tolist())
    assert speed.multiply_adds(x, w) == products
    assert speed.cost(x, w, 1).multiply_adds == products


def test_the_fashion_networks_second_layer():
    x, w = (numpy.broadcast_to(numpy.float32(0), s) for s in ((128, 26, 26, 32), (3, 3, 32, 64)))
    assert speed.multiply_adds(x, w) == 128 * 24 * 24 * 3 * 3 * 32 * 64 == 1_358_954_496


def test_full_is_that_layer_at_batch_128(monkeypatch):
    class Stop(Exception):
        pass

    def measure(x, w, turns, side, device):
        raise Stop(x.shape, w.shape)

    monkeypatch.setattr(speed, "measure", measure)
    with pytest.raises(Stop) as stopped:
        speed.main(full=True)
    assert stopped.value.args == ((128, 26, 26, 32), (3, 3, 32, 64))


def test_rates_shares_and_seconds_are_of_the_whole_work(results):
    work = results["multiply-adds"][0]
    assert work == 64 * 14 * 14 * 3 * 2 * 8 * 24
    for row in results["rows"]:
        assert row["rate"] == pytest.approx(2 * work / row["seconds"] / 1e9)
        limit = results["limit"][row["threads"]]
        assert row["share"] == pytest.approx(100 * row["rate"] / limit)
    first, *others = results["rows"]
    assert first["part"] == 1 / (64 * 14)  # one row of windows, of one picture
    assert all(row["part"] == 1 for row in others)


def test_the_limit_of_many_threads_is_not_below_that_of_one(monkeypatch):
    arguments = (*arrays((2, 4, 4, 1), (2, 2, 1, 3)), 1, 1000, "cpu")
    for one, many, limits in ((0.1, 0.4, (20, 20)), (0.1, 0.05, (20, 40))):
        seconds = {("limit", 1): one, ("limit", 2): many}
        monkeypatch.setattr(speed, "take_turns", lambda steps, _, s=seconds: {
            name: s.get(name, 1) for name in steps})  # fmt: skip
        with monkeypatch.context() as patch:
            patch.setenv("TINYNET_THREADS", "2")
            _, limit, _, bandwidth = speed.measure(*arguments)
        tn.set_threads(None)
        assert limit == pytest.approx(dict(zip((1, 2), limits, strict=True)))
        assert bandwidth == pytest.approx(1e-9 * 2 * 4 * 8 * 1000**2)  # in and out, in a second


def test_one_processor_is_enough(monkeypatch, capsys):
    monkeypatch.setattr(speed, "take_turns", lambda steps, _: dict.fromkeys(steps, 1.0))
    with monkeypatch.context() as patch:
        patch.setenv("TINYNET_THREADS", "1")
        r = speed.main(**SMALL)
    tn.set_threads(None)
    assert list(r["limit"]) == [1] and {row["threads"] for row in r["rows"]} == {1}
    names = [row["name"] for row in r["rows"]]
    assert len(set(names)) == len(names)
    assert "Threads:" not in capsys.readouterr().out
    speed.show(r)


def test_a_gpu_has_no_part_of_the_limit_of_processors(monkeypatch, results):
    x, w = arrays((2, 4, 4, 1), (2, 2, 1, 3))
    way = speed.Way("tinynet on the GPU", 0, lambda: speed.tiles(x, w))
    monkeypatch.setattr(speed, "take_turns", lambda steps, _: dict.fromkeys(steps, 1.0))
    monkeypatch.setattr(speed, "ladder", lambda *_: [way])
    assert speed.measure(x, w, 1, 8, "gpu")[0][0]["share"] is None

    row = results["rows"][4] | {"name": "tinynet on the GPU", "threads": 0, "share": None}
    r = results | {"rows": [*results["rows"], row | {"memory": None}]}
    line = ladder.table(r)[len(r["rows"])]
    assert "tinynet on the GPU  " in line and "%" not in line and "not measured" in line
    assert speed.claims(r) == speed.claims(results)
    assert speed.show(r)["ladder"].axes[0].get_yticklabels()[-1].get_text() == row["name"]


def test_memory_is_what_is_there_beside_the_result():
    def run():
        numpy.empty(1_000_000, numpy.uint8)
        return numpy.empty(500_000, numpy.uint8)

    kept = numpy.empty(3_000_000, numpy.uint8)  # before: not counted
    assert 500_000 <= race.peak(run) < 520_000
    del kept


def test_the_workspace_of_tinynet_is_what_it_allocates():
    x, w = arrays((24, 26, 26, 32), (3, 3, 32, 64))
    tensors, seen = (tn.Tensor(x), tn.Tensor(w)), []

    def measured():
        run = lambda: speed.tinynet(*tensors, 1).numpy()
        seen.append(race.peak(run))

    worker = threading.Thread(target=measured)  # whose buffers nobody has filled before
    worker.start()
    worker.join()
    assert seen[0] == pytest.approx(speed.cost(x, w, 1).workspace, rel=0.02)


# -- the race --------------------------------------------------------------------------------------


def test_all_take_turns_forth_and_back_and_the_median_counts(monkeypatch):
    now, order = [0.0], []
    monkeypatch.setattr(race.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(race.time, "perf_counter", lambda: now[0])
    takes = {"a": iter([9, 1, 9, 5, 9, 3.0]), "b": iter([9, 10, 9, 30, 9, 90.0])}  # first: untimed

    def step(name):
        def run():
            order.append(name)
            now[0] += next(takes[name])

        return run

    assert race.take_turns({name: step(name) for name in takes}, 3) == {"a": 3, "b": 30}
    assert "".join(order) == "aabbbbaaaabb"


def failing(results, place, **changes):
    """The claims that fail when that row has other numbers, whatever the times were."""
    rows = [dict(row) for row in results["rows"]]
    rows[0]["seconds"] = 101 * rows[2]["seconds"]
    rows[place] |= changes
    claims = speed.claims(results | {"rows": rows})
    return [claim.what for claim in claims if not claim.holds]


def test_a_wrong_number_is_seen_and_a_nan_too(results):
    truth = numpy.arange(1, 25.0).reshape(2, 3, 4)
    assert race.difference(truth[:1, :2], truth) == 0
    wrong = truth.copy()
    wrong[1, 2, 0] += 0.24
    assert race.difference(wrong, truth) == pytest.approx(0.01)
    wrong[0, 0, 0] = math.nan
    for row in (0, -1):
        far = race.difference(wrong, truth)
        assert failing(results, row, difference=far) == [
            "largest difference of all ways from float64"
        ]


# -- what it says ----------------------------------------------------------------------------------


def test_the_claims_hold_for_a_small_layer(results):
    assert [claim for claim in speed.claims(results) if not claim.holds] == []


def test_the_claims_fail_where_they_should(results):
    one, slower = results["rows"][2], "seconds of loops over numbers / of im2col"
    assert failing(results, 0) == []
    assert failing(results, 0, seconds=99 * one["seconds"]) == [slower]
    assert failing(results, 3, memory=0.11 * one["memory"]) == ["memory of tiles / of im2col"]
    less = failing(results, 2, memory=results["columns"][0] - 1)
    assert less == ["memory of im2col / of the columns"]


def test_the_table_has_a_row_for_each_way_and_says_what_is_extrapolated(results):
    lines = ladder.table(results)
    for line, row in zip(lines[1:], results["rows"], strict=False):
        assert ladder.label(row) in line and ladder.size_text(row["memory"]) in line
        assert ("timed on 1/896 of the products, and extrapolated" in line) == (row["part"] < 1)
    assert len(lines) == 1 + len(results["rows"]) + len(results["limit"]) + 1
    assert "tn.cost" in lines[-1] and "tracemalloc" in lines[-1]


def test_the_reasons_have_the_numbers_of_the_run(results):
    text = "\n".join(ladder.why(results))
    numbers, places, one, tiled = (row["seconds"] for row in results["rows"][:4])
    for ratio in (numbers / places, places / one, one / tiled):
        assert f"{ratio:,.1f} times as fast" in text
    assert "14,450,688 products; now it has 12,544 windows" in text
    assert ladder.size_text(results["rows"][2]["memory"]) in text


def test_the_figure_says_all_numbers_and_what_is_extrapolated(results):
    figure = speed.show(results)["ladder"]
    left, right = figure.axes
    texts = [text.get_text() for text in (*left.texts, *right.texts)]
    for row in results["rows"]:
        assert f"{row['seconds']:.4g}" in texts and f"{row['rate']:.3g}" in texts
        assert ladder.size_text(row["memory"]) in " ".join(texts)
    names = [label.get_text() for label in left.get_yticklabels()]
    assert names[0] == "loops over numbers, 1 thread*" and not any("*" in n for n in names[1:])
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert "* timed on 1/896 of the products, and extrapolated" in legend
    assert len([text for text in legend if "limit" in text]) == len(results["limit"])
    assert left.get_ylim()[0] > left.get_ylim()[1]  # the first one on top
    assert left.get_ylim() == right.get_ylim()


# -- the roofline ----------------------------------------------------------------------------------


def test_the_work_of_a_step_is_counted_from_the_shapes(results):
    work = {row["name"]: (row["operations"], row["bytes"]) for row in results["step"]}
    N = SMALL["batch"]
    picture, first, second, half = N * 28**2, N * 26**2 * 32, N * 24**2 * 64, N * 12**2 * 64
    assert work == {
        "conv2d": (4 * first * 9, 8 * (picture + 320 + first)),  # its input needs no gradient
        "conv2d_1": (6 * second * 9 * 32, 12 * (first + 18_496 + second)),
        "max_pooling2d": (2 * second, 8 * (second + half)),
        "dropout": (2 * half, 8 * 2 * half),
        "dense": (6 * N * 9216 * 128, 12 * (half + 1_179_776 + N * 128)),
        "dropout_1": (2 * N * 128, 8 * 2 * N * 128),
        "dense_1": (6 * N * 1280, 12 * (N * 128 + 1290 + N * 10)),
        "optimizer": (12 * 1_199_882, 4 * 7 * 1_199_882),
    }
    assert all(row["seconds"] > 0 for row in results["step"])
    assert 0.5 < sum(row["share"] for row in results["step"]) < 1  # the loss and the engine: no row


def test_the_roof_is_the_lower_of_both_limits():
    row = {"operations": 10, "bytes": 5, "seconds": 2e-9}
    assert roofline.roof(row, (100, 30)) == 60 and roofline.roof(row, (50, 30)) == 50
    assert roofline.rate(row) == 5
    lines = roofline.why([row | {"name": "conv2d", "share": 0.25}], (100, 25))
    assert "below 4 operations for each byte" in lines[0]
    expected = "conv2d 25% of the time, 2 operations a byte, 5 GFLOP/s: 10% of its roof"
    assert " ".join(lines[1].split()) == expected


def test_the_figure_of_the_roofline_names_every_operation(results):
    (axes,) = speed.show(results)["roofline"].axes
    texts = [text.get_text() for text in axes.texts]
    for row in results["step"]:
        assert roofline.label(row) in texts
    assert roofline.label({"name": "dense", "share": 0.004}) == "dense, < 1%"
    assert roofline.label({"name": "dense", "share": 0.126}) == "dense, 13%"
    offsets = [tuple(dots.get_offsets()[0]) for dots in axes.collections]
    for row, place in zip(results["step"], offsets, strict=True):
        assert place == pytest.approx((row["operations"] / row["bytes"], roofline.rate(row)))


def test_the_claim_of_the_roofline_fails_where_memory_makes_no_difference(results):
    step = [dict(row) for row in results["step"]]
    pooling, second = step[2], step[1]
    pooling["seconds"] = 4.9 * second["seconds"] * pooling["operations"] / second["operations"]
    claims = speed.claims(results | {"step": step})
    failed = [claim.what for claim in claims if not claim.holds and "seconds" not in claim.what]
    assert failed == ["time for an operation, max pooling / 2nd convolution"]
