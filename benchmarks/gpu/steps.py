"""Training steps on a card, timed by its own clock, and their peak memory.

tinynet's and PyTorch's steps are launched on the same stream, so the same two events time both.
"""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import tinynet as tn
from tinynet.devices import gpu

from ..measure.turns import Effort
from ..twins.steps import Step, steps_of
from ..twins.work import Work

AGREEING = 20  # losses that are compared


class First(NamedTuple):
    """seconds: of the first step, in which kernels are compiled.

    peak: bytes that a later step adds to those before it.
    """

    seconds: float
    peak: int


def gpu_step(work: Work) -> Step:
    """With the model and the batch on the GPU."""
    work.network.to("gpu")
    return steps_of(work, [tn.Tensor(array, device="gpu") for array in work.batch])


def first(step: Step) -> First:
    wait = sys.modules["cupy"].cuda.get_current_stream().synchronize
    began = time.perf_counter()
    step()
    wait()
    seconds = time.perf_counter() - began
    return First(seconds, gpu.peak_memory(step))


def take_turns(steps: Mapping[str, Step], effort: Effort) -> dict[str, list[float]]:
    """The time of one step of each program, in every round; the order is reversed each time."""
    counts = {}
    for name, step in steps.items():
        for _ in range(3):  # until the clocks are up
            seconds = seconds_of(step, 10)
        counts[name] = max(3, round(effort.seconds / max(seconds, 1e-6)))
    times: dict[str, list[float]] = {name: [] for name in steps}
    order = list(steps)
    for _ in range(effort.rounds):
        for name in order:
            times[name].append(seconds_of(steps[name], counts[name]))
        order.reverse()
    return times


def seconds_of(step: Step, count: int = 10) -> float:
    """Of a step, by two events on the card around so many, after an untimed one."""
    cuda: Any = sys.modules["cupy"].cuda
    start, stop = cuda.Event(), cuda.Event()
    step()
    start.record()
    for _ in range(count):
        step()
    stop.record()
    stop.synchronize()
    return cuda.get_elapsed_time(start, stop) / 1000 / count


def agreement(here: Step, there: Step, count: int = AGREEING) -> float:
    """The largest difference of the losses of so many steps from the same start, relative."""
    largest = 0.0
    for _ in range(count):
        one, other = float(here().item()), float(there().item())
        largest = max(largest, abs(one - other) / max(abs(one), 1e-12))
    gc.collect()
    return largest
