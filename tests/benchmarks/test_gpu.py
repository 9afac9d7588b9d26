"""The benchmark of the GPU: what it says without one, what it counts, what it prints with one."""

from __future__ import annotations

import json
import subprocess
import sys
from unittest.mock import ANY

import pytest

import tinynet as tn
from benchmarks.__main__ import main
from benchmarks.gpu import counted, everything, report, steps
from benchmarks.measure import turns
from benchmarks.measure.turns import Effort
from benchmarks.twins.models import MODELS
from tinynet.devices import form, plain

plain_kernels = pytest.mark.skipif(form.chosen is plain, reason="TINYNET_PLAIN=1")


def test_without_a_gpu_it_says_why_and_ends_with_2(install_cupy, capsys):
    install_cupy(None)
    assert report.main(2) == 2
    told = capsys.readouterr().err
    assert told.startswith("benchmarks gpu: CuPy is not installed. ")
    assert told.endswith("Without a GPU, --emulated counts launches, waits and copies.\n")
    assert report.main(2, models=["fashon"]) == 2
    assert "there is no model 'fashon'. Did you mean 'fashion'?" in capsys.readouterr().err


def test_counting_without_a_gpu_and_all_that_needs_one_are_not_both_asked_for(capsys):
    with pytest.raises(SystemExit):
        main(["gpu", "--emulated", "--all"])
    assert "--emulated needs no GPU, and --all needs one. Give one of the two." in (
        capsys.readouterr().err
    )


@plain_kernels
@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=() if n in ("fashion", "vae") else pytest.mark.slow) for n in MODELS],
)
def test_a_step_is_counted_and_waits_for_nothing(name, pretended_gpu, capsys):
    assert report.main(2, models=[name], emulated=True) == 0
    row = capsys.readouterr().out.splitlines()[-1].split()
    assert row[0] == name and 10 < int(row[1]) < 2000
    # the lesson's machine draws its bits on the host
    assert row[2:] == (["2", "0", "2"] if name == "rbm" else ["0", "0", "0"])


def test_without_a_gpu_there_is_none_afterwards(install_cupy):
    install_cupy(None)
    with counted.pretended():
        assert tn.gpu_available()
    assert sys.modules["cupy"] is None and not tn.gpu_available()


def test_with_a_gpu_it_prints_a_line_for_each_batch(pretended_gpu, monkeypatch, capsys):
    monkeypatch.setattr(turns.time, "sleep", lambda seconds: None)
    for name in ("QUICK_ON_CPU", "QUICK_ON_GPU"):
        monkeypatch.setattr(report, name, Effort(2, 0.0))
    monkeypatch.setattr(report, "QUICK_BATCHES", (4, 8))
    monkeypatch.setattr(steps, "AGREEING", 2)
    kept = report.report({"autoencoder": MODELS["autoencoder"]}, 1, quick=True)
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("GPU            a pretended GPU") for line in lines)
    assert [line.split()[:2] for line in lines[-3:-1]] == [
        ["autoencoder", "4"],
        ["autoencoder", "8"],
    ]
    assert "the GPU is faster" in lines[-1]
    (model,) = json.loads(json.dumps(kept))["models"]
    for numbers in model["batches"]:
        assert numbers["losses differ"] < 1e-4
        assert len(numbers["seconds a step, by round"]["GPU"]) == 2


def test_the_crossover_is_the_smallest_batch_at_which_the_gpu_is_faster():
    def at(batch, cpu, gpu):
        return {"batch": batch, "seconds a step, by round": {"NumPy": [cpu], "GPU": [gpu]}}

    slow, fast = at(32, 1.0, 2.0), at(128, 4.0, 2.0)
    assert report.crossover([slow, fast]) == "the GPU is faster from batch 128 on"
    assert report.crossover([slow]) == "the GPU is faster at none of these batches"
    assert report.speedup(fast) == 2


@pytest.fixture
def commands(monkeypatch):
    """What everything.py would run in processes of their own; nothing runs."""
    found = []

    def run(command, **settings):
        found.append(" ".join(command[1:]))
        failed = "lessons run vae " in found[-1]
        return subprocess.CompletedProcess(command, int(failed), "a line\nthe last line\n", "")

    monkeypatch.setattr(everything.subprocess, "run", run)
    monkeypatch.setattr(everything, "STEPS", 2)
    return found


@pytest.mark.parametrize("quick", [False, True])
def test_all_of_it(quick, commands, pretended_gpu, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(report, "WHOLE", tmp_path / "gpu_all.json")
    monkeypatch.setattr(report, "report", lambda rows, threads, quick: {"models": [*rows]})
    monkeypatch.setattr(everything, "LESSONS", ["vae", "sharpen"])
    monkeypatch.setattr(everything, "QUICK_STEPS", 2)
    monkeypatch.setattr(everything.shutil, "which", lambda name: None)
    code = report.main(2, quick=quick, models=["autoencoder"], whole=True)
    assert code == (0 if quick else 1)  # a lesson fails
    summary = capsys.readouterr().out.partition("\nSummary\n")[2]
    assert ("FAILED  lesson vae " in summary) == (not quick)
    assert (
        "1 of 1: steps" in summary
        and f"{0 if quick else 1} of {0 if quick else 2}: lesson" in summary
    )
    assert (
        commands[0].startswith("-m pytest -q -n auto -k gpu")
        and ("not slow" in commands[0]) == quick
    )
    kept = json.loads((tmp_path / "gpu_all.json").read_text())
    names = [
        "tests",
        "compute-sanitizer",
        "steps of autoencoder",
        "lesson vae",
        "lesson sharpen",
        "timings",
    ]
    assert [p["name"] for p in kept["parts"]] == [
        n for n in names if not quick or "lesson" not in n
    ]
    assert kept["models"] == ["autoencoder"]


def test_steps_that_differ_or_have_other_bits_are_told(pretended_gpu, monkeypatch):
    row = MODELS["autoencoder"]
    monkeypatch.setattr(everything, "STEPS", 2)
    assert everything.same_steps(row, False)[0]
    made, scales = everything.gpu_step, iter([1.0, 1.001])

    def scaled(work):
        step, scale = made(work), next(scales)
        return lambda: step() * scale

    monkeypatch.setattr(everything, "gpu_step", scaled)
    assert everything.same_steps(row, False) == (False, ANY)
    scales = iter([1.1, 1.1])
    fine, text = everything.same_steps(row, False)
    assert not fine and "the same bits twice" in text


def test_a_part_that_raises_does_not_stop_the_others(capsys):
    found = everything.part("one", lambda: 1 / 0)
    assert not found.fine and found.text == "ZeroDivisionError: division by zero"
    assert "one: FAILED" in capsys.readouterr().out


def test_a_command_that_takes_too_long_has_failed(monkeypatch):
    monkeypatch.setattr(everything, "LIMIT", 0.2)
    assert everything.ran((sys.executable, "-c", "import time; time.sleep(9)")) == (
        False, "it took more than 0.2 s",
    )  # fmt: skip
    monkeypatch.setattr(everything, "LIMIT", 60)
    assert everything.ran((sys.executable, "-c", "print(1); print(2)")) == (True, "2")
    assert not everything.ran((sys.executable, "-c", "raise SystemExit(3)"))[0]
