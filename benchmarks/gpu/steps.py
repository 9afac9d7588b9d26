"""The training step on the GPU, timed by the GPU's own clock, and its peak memory."""

from __future__ import annotations

import gc
import sys
import time
from typing import Any, NamedTuple

import tinynet as tn
from tinynet.devices import gpu

from ..measure.turns import Effort
from ..twins.steps import Step, steps_of
from ..twins.work import Work

AGREEING = 20  # losses that are compared


class Timed(NamedTuple):
    """seconds: of a step, by round.  first: of the first step, in which kernels are compiled.

    peak: bytes that a step adds to those before it.
    """

    seconds: list[float]
    first: float
    peak: int


def gpu_step(work: Work) -> Step:
    """With the model and the batch on the GPU."""
    work.network.to("gpu")
    return steps_of(work, [tn.Tensor(array, device="gpu") for array in work.batch])


def timed(step: Step, effort: Effort) -> Timed:
    cupy: Any = sys.modules["cupy"]
    wait = cupy.cuda.get_current_stream().synchronize
    began = time.perf_counter()
    step()
    wait()
    first = time.perf_counter() - began
    peak = gpu.peak_memory(step)
    seconds = [_block(cupy, step, 1)]
    for _ in range(3):  # until the clocks are up
        seconds = [_block(cupy, step, 10)]
    count = max(3, round(effort.seconds / max(seconds[0], 1e-6)))
    return Timed([_block(cupy, step, count) for _ in range(effort.rounds)], first, peak)


def _block(cupy: Any, step: Step, count: int) -> float:
    """Seconds of a step, by two events on the GPU around so many."""
    start, stop = cupy.cuda.Event(), cupy.cuda.Event()
    start.record()
    for _ in range(count):
        step()
    stop.record()
    stop.synchronize()
    return cupy.cuda.get_elapsed_time(start, stop) / 1000 / count


def agreement(here: Step, there: Step, count: int = AGREEING) -> float:
    """The largest difference of the losses of so many steps from the same start, relative."""
    largest = 0.0
    for _ in range(count):
        one, other = float(here().item()), float(there().item())
        largest = max(largest, abs(one - other) / max(abs(one), 1e-12))
    gc.collect()
    return largest
