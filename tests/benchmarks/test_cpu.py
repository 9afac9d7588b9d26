"""The benchmark of the lessons' models: what is printed and written, and the command.  No times."""

from __future__ import annotations

import importlib
import json
import os
import sys

import pytest

from benchmarks.__main__ import THREADS
from benchmarks.__main__ import main as command
from benchmarks.cpu import chart, memory, operations, readme, report, scaling
from benchmarks.measure import import_time, turns
from benchmarks.measure.turns import Effort
from benchmarks.twins import steps
from benchmarks.twins.in_torch import LAYOUTS
from benchmarks.twins.models import MODELS, autoencoder
from benchmarks.twins.work import Row

from .works import broken

TINY = report.Efforts(Effort(2, 0.0), Effort(2, 0.0), ("JAX",), Effort(2, 0.0), steps=1, imports=1)
PEAKS = {"in all": 3 * 2**20, "above the import": 2**20}


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


@pytest.fixture(autouse=True)
def no_other_processes(monkeypatch):
    """Nothing waits, and nothing is measured that has tests of its own."""
    monkeypatch.setattr(turns.time, "sleep", lambda seconds: None)
    monkeypatch.setattr(memory, "peaks", lambda row, names, *_: dict.fromkeys(names, PEAKS))
    monkeypatch.setattr(operations, "measure", lambda *_: [])
    part = {"median": 2.0, "low": 2.0, "high": 2.0}
    monkeypatch.setattr(import_time, "measure", lambda rounds: {"tinynet's part of NumPy's": part})
    monkeypatch.setattr(report, "time_a_picture", lambda effort: {"batches": [1, 2], "part": part})
    monkeypatch.setattr(report, "compiled", lambda: None)
    monkeypatch.setattr(report, "installed", lambda libraries: [])
    monkeypatch.setattr(report, "time_others", lambda *_: {})


def small():
    return {"small": broken(lambda loss, twin: loss)}


# -- the tables ------------------------------------------------------------------------------------


def found(others=None, **times):
    best = min((name for name in times if name != "tinynet"), default=None)
    return {
        "model": "m",
        "batch": 8,
        "seconds a step, by round": times,
        "PyTorch's better layout": best,
        "tinynet's part of it": best and turns.ratio(times["tinynet"], times[best])._asdict(),
        "others": others or {},
    }


def test_a_line_has_both_times_the_ratio_and_the_layout_where_there_are_two():
    one = report.line(found(tinynet=[0.001, 0.001], default=[0.002, 0.002]))
    assert one.split() == ["m", "8", "1.00", "ms", "2.00", "ms", "0.50", "(0.50", "to", "0.50)"]
    two = report.line(found(tinynet=[0.001], a=[0.004], b=[0.005]))
    assert two.endswith("0.25 (0.25 to 0.25), a")
    assert report.line(found(tinynet=[0.001])).split() == ["m", "8", "1.00", "ms"]
    assert report.line(found(tinynet=[0.001, 0.003])).endswith("unsteady: run it again")


def test_a_line_has_a_column_for_each_library_that_is_installed():
    timed = {"seconds a step, by round": {"tinynet": [0.001], "JAX": [0.003]}}
    others = {"JAX": timed, "MyGrad": None}
    row = report.line(found(others, tinynet=[0.001], default=[0.002])).split()
    assert row[2:] == [
        "1.00",
        "ms",
        "2.00",
        "ms",
        "3.00",
        "ms",
        "-",
        "0.50",
        "(0.50",
        "to",
        "0.50)",
    ]


def test_a_line_of_memory_has_both_peaks_and_what_the_training_alone_takes():
    peaks = {
        "tinynet": {"in all": 10 * 2**20, "above the import": 4 * 2**20},
        "a": {"in all": 50 * 2**20, "above the import": 8 * 2**20},
        "b": {"in all": 40 * 2**20, "above the import": 16 * 2**20},
    }
    row = report.memory_line(found(tinynet=[1.0]) | {"memory": peaks})
    for text in ("10.0 MiB (4.0 MiB)", "40.0 MiB (16.0 MiB)", "   0.25 (0.25), b"):
        assert row.count(text) == 1, text
    unknown = {"tinynet": {"in all": None, "above the import": None}}
    assert report.memory_line(found(tinynet=[1.0]) | {"memory": unknown}).endswith(
        "unknown (unknown)"
    )


def test_the_better_layout_counts(monkeypatch):
    times = {"tinynet": [3.0] * 3, LAYOUTS[0]: [2.0] * 3, LAYOUTS[1]: [1.0] * 3}
    monkeypatch.setattr(report, "take_turns", lambda *_: times)
    monkeypatch.setattr(report, "check", lambda *_: {})
    monkeypatch.setattr(report, "contestants", lambda *_: {})
    got = report.time_model("m", small()["small"], TINY, torch=object())
    assert got["PyTorch's better layout"] == LAYOUTS[1]
    assert got["tinynet's part of it"]["median"] == 3
    assert got["parameters"] == 5 * 3 + 3 + 3 * 5 + 5


def test_the_time_of_a_picture_is_that_of_a_step_by_its_batch(monkeypatch, capsys):
    monkeypatch.undo()
    monkeypatch.setattr(report, "our_step", lambda work: work)
    monkeypatch.setattr(report.classifiers, "mnist_low_level", lambda batch: batch)
    monkeypatch.setattr(
        report, "take_turns", lambda *_: {"128": [1.28, 1.28], "1000": [12.0, 12.0]}
    )
    got = report.time_a_picture(TINY.training)
    assert got["part"]["median"] == pytest.approx(1.2)
    assert "Time of a picture at batch 1000, of that at 128: 1.20" in capsys.readouterr().out


# -- a run -----------------------------------------------------------------------------------------


def test_a_run_is_printed_written_and_drawn(torch, capsys, tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "results" / "cpu.json"
    assert report.report(small(), TINY, 1, path) == 0
    out = capsys.readouterr().out
    assert sum(text.startswith("small ") for text in out.splitlines()) == 2  # time, memory
    assert out.lower().count("reached") == 5 and out.count(": not measured") == 3
    kept = json.loads(path.read_text())
    assert kept["machine"]["PyTorch"].endswith(", 1 threads") and kept["threads"] == 1
    (row,) = kept["models"]
    assert row["model"] == "small" and len(row["seconds a step, by round"]["tinynet"]) == 2
    assert row["differences"][LAYOUTS[0]]["float64"]["loss"] < 1e-9
    assert row["memory"] == {"tinynet": PEAKS, LAYOUTS[0]: PEAKS}
    assert len(kept["goals"]) == 8
    assert path.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


def test_the_compiled_loops_have_a_column_of_their_own(torch, monkeypatch, capsys, tmp_path):
    pytest.importorskip("numba")
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(report, "compiled", steps.compiled)
    path = tmp_path / "cpu.json"
    assert report.report({"autoencoder": MODELS["autoencoder"]}, TINY, 1, path) == 0
    out = capsys.readouterr().out
    assert "compiled       compiled loops, by Numba" in out
    goals = [text for text in out.splitlines() if text.strip().startswith("compiled: ")]
    assert len(goals) == 4
    kept = json.loads(path.read_text())
    (row,) = kept["models"]
    assert set(row["seconds a step, by round"]) == {*steps.OURS, LAYOUTS[0]}
    assert row["compiled's part of it"]["median"] > 0 and row["difference of compiled"] < 1e-3
    assert "time, compiled / of PyTorch eager" in readme.of_models(kept)


def test_forms_that_do_not_compute_the_same_are_not_compared(torch, monkeypatch, capsys):
    pytest.importorskip("numba")
    loops = steps.compiled()
    monkeypatch.setattr(loops, "relu_back", lambda dy, y: dy)
    monkeypatch.setattr(report, "compiled", lambda: loops)
    assert report.report({"fashion": MODELS["fashion"]}, TINY, 1, None) == 1
    assert "its compiled loops differ by" in capsys.readouterr().err


def test_scaling_times_each_with_one_thread_and_with_more(monkeypatch, capsys):
    monkeypatch.setattr(scaling, "compiled", lambda: None)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert scaling.report(small(), TINY.training, 2) == 0
    out = capsys.readouterr().out
    assert "with 1 and with 2 threads" in out and "Geometric mean of the speedups: tinynet" in out
    assert scaling.report(small(), TINY.training, 1) == 2
    assert "--threads 2 or more" in capsys.readouterr().err


def test_the_models_alone_are_measured_if_so_asked(torch, monkeypatch, tmp_path):
    monkeypatch.setattr(chart, "save", lambda *_: None)
    path = tmp_path / "cpu.json"
    for alone in (False, True):
        assert report.report(small(), TINY, 1, path, models_alone=alone) == 0
        more = {"operations", "a picture", "import"} & set(json.loads(path.read_text()))
        assert len(more) == (0 if alone else 3)


def test_without_pytorch_the_report_has_our_own_column_and_says_why(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert report.report({"small": broken(None)}, TINY, 1, None) == 0
    out = capsys.readouterr().out
    assert 'pip install -e ".[bench]"' in out
    times, peaks = (text.split() for text in out.splitlines() if text.startswith("small"))
    assert times[3] == "ms" and times[4:5] in ([], ["unsteady:"])  # no ratio, however noisy it is
    assert peaks[2:] == ["3.0", "MiB", "(1.0", "MiB)"]
    assert "of PyTorch's time: not measured" in out


def test_a_disagreement_ends_with_one_line_and_code_1(torch, capsys):
    rows = {"slip": broken(lambda loss, twin: 2 * loss)}
    assert report.report(rows, TINY, 1, None) == 1
    assert capsys.readouterr().err.startswith("benchmarks cpu: slip: losses in float64")


def test_without_what_the_lessons_need_it_says_what_to_install(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in [n for n in sys.modules if n.startswith(("lessons", "matplotlib"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert report.report({"autoencoder": Row(2, autoencoder)}, TINY, 1, None) == 1
    assert 'pip install -e ".[bench,lessons]"' in capsys.readouterr().err


@pytest.mark.parametrize("name", ["lessons.gone", "tinynet.gone", "benchmarks.gone"])
def test_a_module_of_ours_that_is_gone_is_no_missing_package(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ModuleNotFoundError, match=name):
        report.report({"m": Row(2, lambda batch: importlib.import_module(name))}, TINY, 1, None)


# -- the command -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "answer"),
    [("vaes", "Did you mean 'vae'?"), ("zzz", f"There is: {', '.join(MODELS)}.")],
)
def test_an_unknown_model_gets_the_nearest_name_and_code_2(name, answer, capsys):
    assert report.main(1, models=[name]) == 2
    expected = f"benchmarks cpu: there is no model {name!r}. {answer}\n"
    assert capsys.readouterr().err == expected


def test_only_a_full_run_of_all_models_is_recorded(monkeypatch):
    def asked(rows, efforts, threads, results, models_alone):
        return list(rows), results, models_alone

    monkeypatch.setattr(report, "report", asked)
    assert report.main(1) == (list(MODELS), None, False)
    assert report.main(1, record=True) == (list(MODELS), report.RESULTS, False)
    assert report.main(1, quick=True, record=True) == (list(MODELS), None, False)
    assert report.main(1, record=True, models=["vae"]) == (["vae"], None, True)


def test_the_command_passes_the_models_on_and_sets_the_threads_of_all(monkeypatch, capsys):
    monkeypatch.setattr(
        report, "report", lambda rows, efforts, threads, *_, **__: (list(rows), threads)
    )
    for variable in THREADS:
        monkeypatch.setenv(variable, "1")
    assert command(["cpu", "--models", "rbm", "vae", "--threads", "3"]) == (["rbm", "vae"], 3)
    assert {"TINYNET_THREADS", "OPENBLAS_NUM_THREADS", "NPROC"} <= set(THREADS)
    assert {os.environ[variable] for variable in THREADS} == {"3"}
    with pytest.raises(SystemExit) as end:
        command(["engine", "--models", "rbm"])
    assert end.value.code == 2
    expected = "--models belongs to cpu and gpu; engine has no choice of models."
    assert expected in capsys.readouterr().err
