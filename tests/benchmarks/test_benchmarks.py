"""The benchmarks' own arithmetic: turns, spreads and verdicts on known numbers.  No times here."""

from __future__ import annotations

import ast
import itertools
import json
import mmap
import subprocess
import sys

import numpy
import pytest

import tinynet as tn
from benchmarks import accuracy, engine, reading
from benchmarks.__main__ import BENCHMARKS, THREADS, main
from benchmarks.cpu import operations, report
from benchmarks.gpu import report as gpu_report
from benchmarks.measure import turns

TINY = engine.Effort(rounds=2, seconds=0.0, chains=(10, 100), steps=5)


# -- turns and statistics -------------------------------------------------------------------------


class Clock:
    """A clock that only steps move."""

    def __init__(self):
        self.now = 0.0
        self.speed = 1.0
        self.log = []

    def __call__(self):
        return self.now

    def step(self, name, seconds):
        def step():
            self.log.append(name)
            self.now += seconds / self.speed

        return step


def test_a_spread_is_the_median_and_the_range_of_the_middle_80_percent():
    assert turns.spread(range(101)) == (50, 10, 90)
    assert turns.spread([3.0]) == (3, 3, 3)


def test_a_ratio_compares_what_was_measured_in_the_same_round():
    assert turns.ratio([1, 10, 100], [2, 20, 200]) == (0.5, 0.5, 0.5)
    assert turns.ratio([1, 10, 3], [4, 20, 3]).median == 0.5  # the medians' ratio would be 0.75


def test_a_ratio_of_different_numbers_of_rounds_is_an_error():
    with pytest.raises(ValueError, match="zip"):
        turns.ratio([1, 2], [1])


def test_turns_give_the_seconds_of_one_step_in_every_round():
    clock = Clock()
    steps = {"fast": clock.step("fast", 0.25), "slow": clock.step("slow", 2.0)}
    times = turns.take_turns(steps, rounds=3, seconds=8.0, rest=0, clock=clock)
    assert times == {"fast": [0.25] * 3, "slow": [2.0] * 3}


def test_turns_alternate_in_blocks_and_the_order_is_reversed_each_round():
    clock = Clock()
    steps = {"a": clock.step("a", 1.0), "b": clock.step("b", 1.0)}
    turns.take_turns(steps, rounds=3, seconds=10.0, rest=0, clock=clock)
    measured = clock.log[40:]  # after twice 10 steps of each, to warm up and to count
    blocks = [measured[0]] + [b for a, b in itertools.pairwise(measured) if a != b]
    assert blocks == ["a", "b", "a", "b"]  # a b, b a, a b
    assert measured.count("a") == measured.count("b") == 3 * (1 + 10)


def test_turns_leave_the_steps_that_follow_a_pause_out_of_the_time():
    clock = Clock()
    calls = iter(range(10_000))
    slow = clock.step("a", 5.0)
    usual = clock.step("a", 1.0)

    def step():
        # 20 steps to warm up and to count; then the first of each block of 1 + 10 is slow
        n = next(calls)
        slow() if n >= 20 and (n - 20) % 11 == 0 else usual()

    times = turns.take_turns({"a": step}, rounds=3, seconds=10.0, rest=0, clock=clock)
    assert times == {"a": [1.0] * 3}


def test_a_run_is_unsteady_when_slow_rounds_take_twice_as_long_as_fast_ones():
    assert not turns.unsteady({"a": [1.0, 1.5, 1.9], "b": [3.0, 3.0, 3.0]})
    assert turns.unsteady({"a": [1.0, 1.5, 1.9], "b": [3.0, 3.0, 9.0]})


# -- the frameworks do the same work --------------------------------------------------------------


@pytest.mark.parametrize("network", [engine.SMALL, engine.LARGE], ids=lambda n: n.name)
def test_the_losses_of_tinynet_and_pytorch_agree(network):
    torch = pytest.importorskip("torch")
    steps = engine.contestants(network, torch)
    assert len(steps) == 3
    assert engine.largest_difference(steps, count=10) < 1e-5


@pytest.mark.parametrize("network", [engine.SMALL, engine.LARGE], ids=lambda n: n.name)
def test_tinynet_learns_in_the_benchmark(network):
    assert engine.largest_difference(engine.contestants(network, None)) == 0


def losses(*values):
    numbers = iter(values)
    return lambda: numpy.float64(next(numbers))


def test_losses_that_differ_stop_the_benchmark():
    steps = {"tinynet": losses(2.0, 1.0), "other": losses(2.0, 1.001)}
    with pytest.raises(
        engine.Disagreement, match=r"tinynet and other differ by 1\.0e-03.*not compared"
    ):
        engine.largest_difference(steps, count=2)


def test_a_loss_of_nan_stops_the_benchmark():
    steps = {"tinynet": losses(2.0, 1.0), "other": losses(2.0, float("nan"))}
    with pytest.raises(engine.Disagreement, match="differ by nan"):
        engine.largest_difference(steps, count=2)


def test_a_loss_that_does_not_fall_stops_the_benchmark():
    steps = {"tinynet": losses(2.0, 2.0), "other": losses(2.0, 2.0)}
    with pytest.raises(engine.Disagreement, match="tinynet does not learn: loss 2, then 2"):
        engine.largest_difference(steps, count=2)


# -- verdicts -------------------------------------------------------------------------------------


def timed(**medians):
    spreads = {name: {"median": m, "low": m, "high": m} for name, m in medians.items()}
    return {"network": "4-4-4", "tinynet's part of": spreads}


def test_the_speed_goal_is_judged_by_the_faster_pytorch():
    assert "reached (0.50 of lean" in engine.speed_goal(timed(modules=0.30, lean=0.50))
    assert "NOT REACHED (0.51 of lean" in engine.speed_goal(timed(modules=0.30, lean=0.51))


def test_the_speed_goal_is_not_measured_without_pytorch():
    assert "not measured, PyTorch is not installed" in engine.speed_goal(timed())


def test_the_chain_goal_counts_only_chains_whose_gradient_is_right():
    short, long = {"operations": 10, "right": True}, {"operations": 100_000, "right": True}
    assert ": reached (100,000 " in engine.chain_goal([short, long])
    assert "NOT REACHED (10 " in engine.chain_goal([short, long | {"right": False}])
    assert "NOT REACHED (0 " in engine.chain_goal([])


def test_growth_of_memory_leaves_the_warm_up_out_and_sees_a_rise_that_falls_again():
    readings = [(0, 10), (1, 50), (2, 50), (3, 70), (4, 40)]
    assert engine.growth(readings) == 20


def test_the_memory_goal_is_missed_when_every_step_leaks_500_bytes():
    flat = [(step, 40 * engine.MIB) for step in range(0, 10_001, 2_000)]
    leak = [(step, resident + 500 * step) for step, resident in flat]
    assert ": reached (0.0 MiB, 3 objects" in engine.memory_goal(flat, 3)
    assert "NOT REACHED (3.8 MiB" in engine.memory_goal(leak, 0)
    assert "not measured on this system" in engine.memory_goal([(0, None), (1, None)], 0)


# -- chains and memory ----------------------------------------------------------------------------


def test_a_chain_gives_the_right_value_and_gradient():
    found = engine.chain(1_000)
    assert found["right"] and found["operations"] == 1_000


def test_a_chain_that_its_process_does_not_survive_is_a_result(monkeypatch, capsys):
    def killed(*_):
        raise engine.BrokenProcessPool("the process died")

    monkeypatch.setattr(engine, "in_its_own_process", killed)
    assert engine.time_chain(7) == {"operations": 7, "right": False}
    assert engine.time_drop(7) == {"operations": 7, "seconds": None}
    assert "7 operations dropped without backward: BrokenProcessPool" in capsys.readouterr().out


def test_resident_memory_sees_an_array_that_is_written_to():
    if sys.platform != "linux":
        pytest.skip("only Linux tells the resident memory of now")
    before = engine.resident_memory()
    held = numpy.frombuffer(mmap.mmap(-1, 64 * engine.MIB), numpy.uint8)  # never used before
    held[:] = 1
    assert engine.resident_memory() - before > 60 * engine.MIB
    assert engine.peak_memory() - before > 60 * engine.MIB
    assert held.any()


# -- the command ----------------------------------------------------------------------------------


def test_without_pytorch_the_report_has_our_own_column(monkeypatch, capsys, tmp_path):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(turns.time, "sleep", lambda seconds: None)
    path = tmp_path / "results" / "engine.json"
    assert engine.report(TINY, threads=1, results=path) == 0
    out = capsys.readouterr().out
    assert 'pip install -e ".[bench]"' in out
    assert "PyTorch, nn.Linear" not in out
    assert "step      5:" in out
    kept = json.loads(path.read_text())
    assert [found["network"] for found in kept["steps"]] == ["4-4-4", "784-32-784"]
    assert kept["chains"][-1]["right"]
    assert len(kept["goals"]) == 3


def test_a_disagreement_ends_with_one_line_and_code_1(monkeypatch, capsys):
    def disagree(*_):
        raise engine.Disagreement("they do not compute the same")

    monkeypatch.setattr(engine, "time_network", disagree)
    assert engine.report(TINY, threads=1, results=None) == 1
    assert capsys.readouterr().err == "benchmarks engine: they do not compute the same\n"


def test_without_a_name_the_benchmarks_are_listed_with_one_line_each(capsys):
    assert main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(BENCHMARKS)
    assert all(len(line.split()) > 3 for line in lines)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("engin", "Did you mean 'engine'?"),
        ("zzz", "There is: accuracy, cpu, engine, gpu, operations, reading."),
    ],
)
def test_an_unknown_name_gets_the_nearest_match_and_code_2(name, answer, capsys):
    with pytest.raises(SystemExit) as end:
        main([name])
    assert end.value.code == 2
    assert f"there is no benchmark {name!r}. {answer}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "module"),
    list(zip(BENCHMARKS, (accuracy, report, engine, gpu_report, operations, reading), strict=True)),
    ids=BENCHMARKS,
)
def test_the_command_runs_the_benchmark_of_that_name(name, module, monkeypatch):
    for variable in THREADS:
        monkeypatch.setenv(variable, "1")
    monkeypatch.setattr(module, "main", lambda *_: name)
    assert main([name]) == name


@pytest.mark.parametrize("threads", ["0", "-1", "two"])
def test_threads_must_be_a_whole_number_of_at_least_1(threads, capsys):
    with pytest.raises(SystemExit) as end:
        main(["engine", "--threads", threads])
    assert end.value.code == 2
    assert "is not a whole number of at least 1" in capsys.readouterr().err


def test_the_command_does_not_load_numpy_before_it_has_set_the_threads():
    code = "import sys, benchmarks.__main__; print('numpy' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ast.literal_eval(run.stdout) is False


def test_only_a_full_run_that_is_asked_to_is_recorded(monkeypatch):
    monkeypatch.setattr(engine, "report", lambda effort, threads, results: results)
    assert engine.main(1) is None
    assert engine.main(1, quick=True, record=True) is None
    assert engine.main(1, record=True) == engine.RESULTS


# -- accuracy --------------------------------------------------------------------------------------


def test_both_networks_of_the_accuracy_benchmark_compute_the_same(rng):
    torch = pytest.importorskip("torch")
    ours = accuracy.model(0)
    theirs = accuracy.torch_model(ours).eval()
    x = rng.random((3, 28, 28, 1), dtype=numpy.float32)
    with torch.no_grad():
        expected = theirs(torch.from_numpy(x)).numpy()
    numpy.testing.assert_allclose(tn.predict(ours, x), expected, atol=1e-5)


def test_accuracy_without_the_data_set_says_where_it_was_looked_for(monkeypatch, tmp_path, capsys):
    pytest.importorskip("torch")
    monkeypatch.delenv("TINYNET_DATA", raising=False)
    monkeypatch.setenv("TINYNET_CACHE", str(tmp_path))
    assert accuracy.main(1, quick=True) == 1
    assert capsys.readouterr().out.startswith("accuracy: fashion_mnist: ")
