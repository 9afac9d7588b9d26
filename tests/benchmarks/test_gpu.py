"""The benchmark of the GPU: what it says without one, what it counts, what it prints with one."""

from __future__ import annotations

import json
import sys

import pytest

import tinynet as tn
from benchmarks.gpu import counted, report, steps
from benchmarks.measure import turns
from benchmarks.measure.turns import Effort
from benchmarks.twins.models import MODELS
from tinynet.devices import form, plain

plain_kernels = pytest.mark.skipif(form.chosen is plain, reason="TINYNET_PLAIN=1")


def test_without_a_gpu_it_says_why_and_ends_with_2(install_cupy, capsys):
    install_cupy(None)
    assert report.main(2) == 2
    told = capsys.readouterr().err
    assert told.startswith("benchmarks gpu: CuPy is not installed. Install the one of the CUDA")
    assert told.endswith("Without a GPU, --emulated counts launches, waits and copies.\n")
    assert report.main(2, models=["fashon"]) == 2
    assert "there is no model 'fashon'. Did you mean 'fashion'?" in capsys.readouterr().err


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
