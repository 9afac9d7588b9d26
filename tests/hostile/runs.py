"""Trainings that are stopped, or whose process is killed, and resumed: the same bits as unbroken.

The trainings are those of tests/training/test_resume.py.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy

import tinynet as tn

from ..io.test_io import assert_same
from ..training.test_resume import (
    BATCHES,
    EPOCHS,
    KINDS,
    ROOT,
    Witness,
    train,
    unbroken,
    where_it_stands,
)
from .trials import interrupted

# Where Ctrl-C comes.  In the others it may leave BLAS with one thread, or no_grad on.
ROOMS = [Path(tn.optim.__file__).parents[1] / room for room in ("data", "io", "ops", "training")]
LINES = 16_000  # that a training runs there, roughly
SECONDS = 0.25  # that a training takes in a new process, roughly
CHILD = """
import os
from tests.training.test_resume import train, tn
print("it begins", flush=True)
resume = "run.npz" if os.path.exists("run.npz") else None
train("everything", tn.callbacks.SaveState("run.npz", every=1), resume=resume)
"""


def stop(rng: numpy.random.Generator, folder: Path) -> None:
    """Stop a training up to four times: by Ctrl-C in a callback, run.stop, or Ctrl-C anywhere."""
    kind = str(rng.choice(list(KINDS)))
    path = folder / f"run.{rng.choice(['npz', 'safetensors'])}"
    save = tn.callbacks.SaveState(path, every=(1, 2, None)[rng.integers(3)])

    def by_error(run: tn.Run) -> None:
        if rng.random() < 0.5:
            tn.save(path, run)
        raise KeyboardInterrupt

    for _ in range(rng.integers(1, 5)):
        resume = path if path.exists() else None
        if rng.random() < 1 / 3:
            work = lambda: train(kind, save, resume=resume)  # noqa: B023
            interrupted(work, int(rng.integers(1, LINES)), *ROOMS)
            continue
        then = by_error if rng.random() < 0.5 else lambda run: setattr(run, "stop", True)
        witness = Witness(int(rng.integers(1, EPOCHS * BATCHES + 1)), then)
        with contextlib.suppress(KeyboardInterrupt):
            run = train(kind, witness, save, resume=resume)
            if run.batch:  # else SaveState has written it
                tn.save(path, run)
    goes_on(kind, save)
    assert os.listdir(folder) == [path.name], "a temporary file was left"


def kill(rng: numpy.random.Generator, folder: Path) -> None:
    """Kill the process of a training, which saves after each batch, once or twice."""
    for _ in range(rng.integers(1, 3)):
        with subprocess.Popen(
            [sys.executable, "-c", CHILD],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
        ) as child:
            assert child.stdout.readline() == b"it begins\n"
            time.sleep(rng.uniform(0, SECONDS))
            child.kill()
        assert child.returncode in (0, -9)
    goes_on("everything", tn.callbacks.SaveState(folder / "run.npz", every=1))


def goes_on(kind: str, save: tn.callbacks.SaveState) -> None:
    run = train(kind, save, resume=save.path if save.path.exists() else None)
    assert_same(where_it_stands(run), where_it_stands(unbroken(kind)))
