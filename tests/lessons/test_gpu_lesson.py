"""The lesson gpu: its launches are those that are counted, and its times mean what it says."""

from __future__ import annotations

import contextlib
import io
import itertools

import pytest

import tinynet as tn
from benchmarks.gpu.counted import counted
from benchmarks.twins.models import MODELS
from lessons import parts, path_of
from lessons.shared import run as runner
from lessons.shared.session import Session
from tests.strict_cupy import counts
from tinynet.devices import form, plain

LESSON = parts("gpu")
CNN = parts("fashion").model
kernels = pytest.mark.skipif(form.chosen is plain, reason="TINYNET_PLAIN=1 turns the kernels off")


@kernels
@pytest.mark.usefixtures("pretended_gpu")
@pytest.mark.parametrize(("name", "twin"), [("dense", "diffusion"), ("CNN", "fashion")])
def test_the_launches_are_those_that_the_named_command_counts(name, twin):
    assert f"`{twin}`" in path_of("gpu").read_text(encoding="utf-8")
    assert counted(MODELS[twin])["launches"] == LESSON.LAUNCHES[name]


@kernels
@pytest.mark.usefixtures("pretended_gpu")
@pytest.mark.parametrize("N", [1, 5])
@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("dense", LESSON.dense),
        ("dense", lambda rng: LESSON.dense(rng, 1)),  # Python's part is measured with this one
        ("CNN", CNN),
    ],
    ids=["dense", "one neuron a layer", "CNN"],
)
def test_the_lessons_own_steps_have_these_launches_and_no_wait(name, make, N, rng):
    run = LESSON.step(make(rng), N, rng, "gpu")
    run()
    run()
    counts.clear()
    run()
    assert counts == {"launches": LESSON.LAUNCHES[name]}


@kernels
@pytest.mark.usefixtures("pretended_gpu")
@pytest.mark.parametrize(
    ("make", "loss_of", "K", "parts_of_it"),
    [(LESSON.dense, tn.mse, 2, [8, 2, 17, 2]), (CNN, tn.cross_entropy, 10, [13, 4, 25, 2])],
    ids=["dense", "CNN"],
)
def test_the_launches_of_each_part_are_those_that_the_text_names(
    make, loss_of, K, parts_of_it, rng
):
    model = make(rng).to("gpu").train()
    adam = tn.optim.Adam(model.parameters())
    x = tn.Tensor(rng.random((4, *model.input_shape), dtype="float32")).to("gpu")
    target = rng.random((4, K), dtype="float32") if K == 2 else rng.integers(0, K, 4)
    target = tn.Tensor(target).to("gpu")
    for _ in range(2):
        adam.zero_grad()
        before = [counts["launches"]]
        y = model(x)
        before.append(counts["launches"])
        loss = loss_of(y, target)
        before.append(counts["launches"])
        loss.backward()
        before.append(counts["launches"])
        adam.step()
        before.append(counts["launches"])
    assert [b - a for a, b in itertools.pairwise(before)] == parts_of_it


def test_the_networks_are_those_that_the_text_names(rng):
    shapes = [p.shape for p in LESSON.dense(rng).parameters()]
    assert shapes[::2] == [(12, 32), (32, 32), (32, 32), (32, 2)]
    diffusion = [p.shape for p in MODELS["diffusion"].make(1).network.parameters()]
    assert len(diffusion) == len(shapes) and diffusion[-2] == (128, 2)


def test_bytes_and_operations_are_those_of_the_rules(rng):
    products = 12 * 32 + 2 * 32 * 32 + 32 * 2
    weights, each, operations = LESSON.work(LESSON.dense(rng))
    assert weights == 40 * (products + 3 * 32 + 2) and operations == 6 * products
    assert each == 4 * 4 * (12 + 3 * 32)  # four passes over what is kept: the input, three layers
    weights, each, operations = LESSON.work(CNN(rng))
    assert weights == 40 * 1_199_882
    assert operations == 6 * (26 * 26 * 9 * 32 + 24 * 24 * 9 * 32 * 64 + 9216 * 128 + 1280)
    windows = 4 * (26 * 26 * 9 + 24 * 24 * 9 * 32)
    maps = 4 * (784 + 26 * 26 * 32 + 24 * 24 * 64 + 12 * 12 * 64)
    assert 6 * windows + 4 * maps < each < 6 * windows + 4 * 1.2 * maps  # and masks, dense layers


class Loss:
    """One whose waiting takes ten seconds of a clock that stands still otherwise."""

    def __init__(self, clock):
        self.clock = clock

    def item(self):
        self.clock[0] += 10


def test_a_time_is_that_of_the_fastest_round_and_holds_the_wait(monkeypatch):
    clock, lengths = [0.0], iter([900, 900, 3, 3, 8, 8, 2, 2])

    def run():
        clock[0] += next(lengths)
        return Loss(clock)

    monkeypatch.setattr(LESSON.time, "perf_counter", lambda: clock[0])
    monkeypatch.setitem(LESSON.seconds.__globals__, "PATIENCE", 1855)  # three rounds take 1852
    assert LESSON.seconds(run, 2) == 2 + 10 / 2


def printed(tmp_path, settings):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        runner.lesson(path_of("gpu"), Session("gpu", "quick", out=tmp_path), settings, "all")
    return out.getvalue()


FEW = {"BATCHES": {"dense": [1, 2], "CNN": [1, 2]}, "PATIENCE": 0.0}


def test_without_a_gpu_it_says_that_its_times_are_computed(tmp_path, install_cupy):
    install_cupy(None)
    text = printed(tmp_path, FEW)
    assert "No GPU here: the GPU's times are computed" in text and "GPU, measured" not in text


@pytest.mark.slow
def test_with_a_gpu_its_step_is_measured_too(tmp_path, pretended_gpu):
    text = printed(tmp_path, FEW)
    assert "GPU, measured" in text and "No GPU here" not in text
