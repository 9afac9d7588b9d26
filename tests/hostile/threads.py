"""Trainings, predictions and evaluations in threads at once: the bits of one after the other."""

from __future__ import annotations

import contextlib
import functools
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from threading import Barrier
from typing import Any
from unittest import mock

import numpy

import tinynet as tn
from tinynet import layers
from tinynet.devices.cpu import matrix, noise, normalization, pieces, pooling, workspace

LONG = 60  # seconds that no thread takes, unless it hangs
# With these, operations on small arrays are cut into parts too, which threads share.
SMALL = {
    workspace: {"LEAST_WORK": 1000, "TILE": 4000},
    matrix: {"BLOCK": 300, "ONE_THREAD": 100, "PIECE": 256, "SHARED": 512},
    pieces: {"PIECE": 256, "SHARED": 512},
    normalization: {"PIECE": 256},
    pooling: {"PIECE": 256},
    noise: {"WORDS": 16},
}
MIDDLE: list[Callable[[], Any]] = [
    lambda: layers.Conv2D(3, 3, padding="same", activation="relu"),
    lambda: layers.Conv2DTranspose(2, 3, padding="same"),
    lambda: layers.Dropout(0.3),
    lambda: layers.GaussianNoise(0.2),
    layers.BatchNormalization,
    layers.MaxPooling2D,
    layers.UpSampling2D,
]


@contextlib.contextmanager
def small_parts() -> Iterator[None]:
    with contextlib.ExitStack() as stack:
        for module, values in SMALL.items():
            stack.enter_context(mock.patch.multiple(module, **values))
        stack.callback(pieces._zeros_of.cache_clear)  # PIECE of them
        pieces._zeros_of.cache_clear()
        yield


def network(rng: numpy.random.Generator) -> tn.Sequential:
    middle = [MIDDLE[i]() for i in rng.choice(len(MIDDLE), 4, replace=False)]
    parts = [layers.Conv2D(3, 3), *middle, layers.Flatten(), layers.Dense(16), layers.Dense(3)]
    return tn.Sequential(parts, input_shape=(8, 8, 1), rng=rng)


def examples(rng: numpy.random.Generator, count: int) -> tuple[numpy.ndarray, numpy.ndarray]:
    return rng.normal(size=(count, 8, 8, 1)).astype("float32"), rng.integers(3, size=count)


def training(seed: int) -> list:
    """Build and train a model: all numbers that come out."""
    rng = numpy.random.default_rng(seed)
    model, held_out = network(rng), examples(rng, 9)
    data = tn.data.batches(*examples(rng, 20), size=8, rng=rng, prefetch=bool(seed % 2))
    optimizer = tn.optim.Adam(model.parameters(), clip_norm=1.0)
    arguments = model, data, tn.cross_entropy, optimizer, 2
    history = tn.fit(*arguments, validation=held_out, progress=False)
    arrays = [*model.state_dict().values(), *optimizer.state_dict()["slots"].values()]
    return [history.epochs, *(a.tobytes() for a in arrays)]


def paused(pause: tn.no_grad, seed: int) -> bytes:
    """Enter and leave one no_grad() that other threads have too."""
    w = tn.Tensor(numpy.random.default_rng(seed).normal(size=5), requires_grad=True)
    for _ in range(100):
        with pause:
            assert not (w * w).requires_grad
        tn.tanh(w * w).sum().backward()
    return w.grad.tobytes()


def together(jobs: list[Callable[[], Any]]) -> list:
    """What the jobs return, each in a thread, all begun at once.  The first error is raised."""
    barrier, crew = Barrier(len(jobs)), ThreadPoolExecutor(len(jobs))
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        found = [crew.submit(lambda job=job: (barrier.wait(LONG), job())[1]) for job in jobs]
        wait(found, LONG)
        return [each.result(0) for each in found]
    finally:
        sys.setswitchinterval(before)
        crew.shutdown(wait=False)


def trial(rng: numpy.random.Generator, folder: Path | None = None) -> None:
    model = network(rng)
    (model.train, model.eval)[rng.integers(2)]()
    mode, weights = model.training, {k: a.copy() for k, a in model.state_dict().items()}
    x, y = examples(rng, 30)
    seeds, pause = rng.integers(2**30, size=4).tolist(), tn.no_grad()
    jobs: list[Callable[[], Any]] = [
        *(functools.partial(training, seed) for seed in seeds[:2]),
        lambda: tn.predict(model, x, size=7).tobytes(),
        lambda: tn.predict(model, x[:20], size=20).tobytes(),
        lambda: tn.evaluate(model, (x, y), tn.cross_entropy, [tn.metrics.accuracy]),
        *(functools.partial(paused, pause, seed) for seed in seeds[2:]),
    ]
    tn.set_threads(int(rng.integers(1, 4)))
    try:
        with small_parts() if rng.random() < 0.5 else contextlib.nullcontext():
            alone = [job() for job in jobs]
            for k, (a, b) in enumerate(zip(alone, together(jobs), strict=True)):
                assert a == b, f"job {k} gives other bits beside others"
    finally:
        tn.set_threads(None)
    assert model.training == mode
    assert all(numpy.array_equal(a, weights[k]) for k, a in model.state_dict().items())
