"""The benchmark of the GPU: what it says without one, what it counts, what it prints with one."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import types
from unittest.mock import ANY

import pytest

import tinynet as tn
from benchmarks.__main__ import main
from benchmarks.gpu import beside_torch, chart, counted, everything, floor, report, steps
from benchmarks.measure import turns
from benchmarks.measure.turns import Effort
from benchmarks.twins.in_torch import LAYOUTS, Twin
from benchmarks.twins.models import MODELS
from benchmarks.twins.work import one_by_one
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


def test_counting_writes_nothing_down(capsys):
    with pytest.raises(SystemExit):
        main(["gpu", "--emulated", "--record"])
    assert "--emulated only counts: leave --record and --tf32 out." in capsys.readouterr().err


def test_tf32_belongs_to_the_gpu(capsys):
    with pytest.raises(SystemExit):
        main(["cpu", "--tf32"])
    assert "--tf32 belongs to gpu, and cpu has none." in capsys.readouterr().err


def test_counting_without_a_gpu_and_all_that_needs_one_are_not_both_asked_for(capsys):
    with pytest.raises(SystemExit):
        main(["gpu", "--emulated", "--all"])
    assert "--emulated needs no GPU, and --all needs one. Give one of the two." in (
        capsys.readouterr().err
    )


LAUNCHES = {  # of a training step, at most
    "mnist_low_level": 47, "mnist_low_level_1000": 47, "mnist": 109, "fashion": 44, "cifar": 96,
    "autoencoder": 19, "deep_autoencoder": 55, "sparse_autoencoder": 54,
    "denoising_autoencoder": 19, "contractive_autoencoder": 49, "rbm": 72, "vae": 92,
    "fashion_vae": 121, "faces_vae": 229, "faces_vae_256": 237, "dogs_vae": 114, "gan": 125,
    "mode_collapse": 125, "conditional_gan": 168, "cycle_gan": 312, "diffusion": 29,
    "diffusion_digits": 25, "rnn_64": 228, "rnn_256": 228, "gru_64": 275, "gru_256": 275,
    "lstm_64": 235, "lstm_256": 235,
}  # fmt: skip


@plain_kernels
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(n, marks=() if n in ("fashion", "vae", "lstm_64") else pytest.mark.slow)
        for n in MODELS
    ],
)
def test_a_step_is_counted_and_waits_for_nothing(name, pretended_gpu, capsys):
    assert report.main(2, models=[name], emulated=True) == 0
    row = capsys.readouterr().out.splitlines()[-1].split()
    assert row[0] == name and 10 < int(row[1]) <= LAUNCHES[name]
    assert row[2:] == ["0", "0", "0"]


def test_without_a_gpu_there_is_none_afterwards(install_cupy):
    install_cupy(None)
    with counted.pretended():
        assert tn.gpu_available()
    assert sys.modules["cupy"] is None and not tn.gpu_available()


def test_with_a_gpu_it_prints_a_line_for_each_batch(pretended_gpu, monkeypatch, capsys):
    kept = a_run(monkeypatch, capsys, None)
    lines = kept.pop("printed")
    assert any(line.startswith("GPU            a pretended GPU") for line in lines)
    of_model = [line.split()[:2] for line in lines if line.startswith("autoencoder")]
    assert of_model == [["autoencoder", "4"], ["autoencoder", "8"], ["autoencoder", "6"]]
    assert any(
        "the GPU is faster" in line and "19 launches, 0 waits, 0 to the host" in line
        for line in lines
    )
    (model,) = json.loads(json.dumps(kept))["models"]
    assert model["counts"]["launches"] == 19
    assert model["batches"][0]["losses differ"] < 1e-4
    for numbers in model["batches"]:
        assert len(numbers["seconds a step, by round"]["GPU"]) == 2
    (beside,) = kept["beside PyTorch"]["models"]
    assert list(beside["seconds a step, by round"]) == ["tinynet", "tinynet, captured"]
    assert 0 < beside["floor"] < 1


def a_run(monkeypatch, capsys, torch):
    """A quick one of one model on the pretended GPU, and what it printed."""
    monkeypatch.setattr(turns.time, "sleep", lambda seconds: None)
    for name in ("QUICK_ON_CPU", "QUICK_ON_GPU"):
        monkeypatch.setattr(report, name, Effort(2, 0.0))
    monkeypatch.setattr(report, "QUICK_BATCHES", (4, 8))
    monkeypatch.setattr(steps, "AGREEING", 2)
    monkeypatch.setattr(floor, "SIDE", 64)
    monkeypatch.setattr(floor, "COPIED", 2**16)
    monkeypatch.setattr(beside_torch, "cuda_torch", lambda: torch)
    # the pretended GPU has no graphs: an ordinary step
    monkeypatch.setattr(tn, "capture", lambda step: step)
    row = MODELS["autoencoder"]._replace(batch=6)
    kept = report.report({"autoencoder": row}, 1, quick=True)
    return kept | {"printed": capsys.readouterr().out.splitlines()}


def test_beside_pytorch(pretended_gpu, monkeypatch, capsys, tmp_path):
    """The twin runs on the CPU here; a form that does not run is told and left out."""
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(beside_torch, "DEVICE", "cpu")
    monkeypatch.setattr(beside_torch, "peak_of_torch", lambda torch, step: step() and 2**20)
    if not torch.cuda.is_available():
        monkeypatch.setattr(beside_torch, "captured", lambda torch, work: 1 / 0)
    kept = a_run(monkeypatch, capsys, torch)
    (line,) = [line for line in kept["printed"] if line.startswith("autoencoder     ")][2:]
    assert line.split()[1] == "6" and re.search(r"\d\.\d\d \(.* to .*\)$", line)
    (found,) = kept["beside PyTorch"]["models"]
    assert {"tinynet", "PyTorch, default layout"} < set(found["seconds a step, by round"])
    if not torch.cuda.is_available():
        assert found["missing"] == {"PyTorch, captured": "ZeroDivisionError: division by zero"}
    chart.save(kept, tmp_path / "gpu.png")
    figure = chart.draw(kept)
    left, right = figure.axes
    assert [text.get_text() for text in left.get_yticklabels()] == ["autoencoder"]
    assert right.patches[0].get_width() == found["tinynet's part of it"]["median"]


def test_a_captured_step_with_other_losses_is_not_timed(pretended_gpu, monkeypatch, capsys):
    row = MODELS["autoencoder"]._replace(batch=6)
    monkeypatch.setattr(tn, "capture", lambda step: lambda: 1.01 * step())
    maker = {beside_torch.OURS_CAPTURED: beside_torch.captured_by_us}
    found = beside_torch.of_model("autoencoder", row, None, maker, Effort(1, 0.0))
    assert list(found["seconds a step, by round"]) == ["tinynet"]
    assert found["missing"]["tinynet, captured"].startswith(
        "Disagreement: losses of ordinary and captured steps differ by "
    )


def test_where_pytorch_computes_another_loss_it_is_not_timed(pretended_gpu, monkeypatch, capsys):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(beside_torch, "DEVICE", "cpu")
    made = beside_torch.twin_step
    monkeypatch.setattr(
        beside_torch,
        "twin_step",
        lambda *arguments: lambda: 1.01 * made(*arguments)(),
    )
    kept = a_run(monkeypatch, capsys, torch)
    (found,) = kept["beside PyTorch"]["models"]
    assert list(found["seconds a step, by round"]) == ["tinynet", "tinynet, captured"]
    (reason,) = found["missing"].values()
    assert reason.startswith("Disagreement: autoencoder: the losses of tinynet and PyTorch on the")


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=() if n in ("mnist", "vae") else pytest.mark.slow) for n in MODELS],
)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_whole_twin_is_on_the_device(name, layout):
    """PyTorch's device "meta" has shapes only, and refuses what lies elsewhere, as a GPU does."""
    torch = pytest.importorskip("torch")
    work, twin = MODELS[name].make(2), Twin(torch, layout, "meta")
    for loss in one_by_one(work.theirs(twin)(*map(twin.batch, work.batch))):
        assert loss.device.type == "meta"
        loss.backward()
    assert all(pair.theirs.grad.device.type == "meta" for pair in twin.pairs)


def test_the_floor_of_two_dense_layers():
    """784 to 32 to 784: dx of the first layer is not wanted."""
    work = MODELS["autoencoder"].make(6)
    found, N, D, K = floor.least(MODELS["autoencoder"], 6), 6, 784, 32
    assert found == floor.counted(work)
    assert found.operations == 2 * N * D * K * (2 + 3)
    numbers = 2 * D * K + D + K
    kept = found.bytes - 4 * N * D - 6 * 4 * numbers
    assert 2 * 4 * N * (D + K + D) <= kept <= 2 * 4 * N * 4 * D  # x, the code and y at least
    limits = floor.Limits(operations=1e3 * found.operations, bytes=10.0 * found.bytes)
    assert limits.seconds(found) == pytest.approx(0.1)


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

    # not subprocess.run itself, by which the pretended GPU calls g++
    fake = types.SimpleNamespace(run=run, TimeoutExpired=subprocess.TimeoutExpired)
    monkeypatch.setattr(everything, "subprocess", fake)
    monkeypatch.setattr(everything, "STEPS", 2)
    return found


@pytest.mark.parametrize("quick", [False, True])
def test_all_of_it(quick, commands, pretended_gpu, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(report, "WHOLE", tmp_path / "gpu_all.json")
    monkeypatch.setattr(
        report, "report", lambda rows, threads, quick, precision: {"models": [*rows]}
    )
    monkeypatch.setattr(everything, "LESSONS", ["vae", "sharpen"])
    monkeypatch.setattr(everything, "QUICK_STEPS", 2)
    nothing = types.SimpleNamespace(which=lambda name: None)  # g++ is still found elsewhere
    monkeypatch.setattr(everything, "shutil", nothing)
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
