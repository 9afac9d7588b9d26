"""A fair race of programs that compute the same: who takes how long, and how much memory.

Lesson `speed` runs it.  Nothing here knows what is computed.
"""

from __future__ import annotations

import statistics
import time
import tracemalloc
from typing import Any

import numpy as np
from tqdm import tqdm

import tinynet as tn


# %% A machine's speed changes from minute to minute: two times that are taken one after the other
# compare the minutes.  So all take turns, and of each the median counts.
def take_turns(steps, turns):
    """{name: function} -> {name: median of its seconds}"""
    times: dict[Any, list[float]] = {name: [] for name in steps}
    order = list(steps)
    for _ in tqdm(range(turns), desc="turns", disable=None, leave=False):
        for name in order:
            time.sleep(0.1)  # the threads of the one before keep turning for a while
            steps[name]()  # untimed: its threads are awake, its memory is there
            start = time.perf_counter()
            steps[name]()
            times[name].append(time.perf_counter() - start)
        order.reverse()  # nobody always comes first
    return {name: statistics.median(seconds) for name, seconds in times.items()}


# %% Memory: NumPy tells Python's tracemalloc of every array that it makes.  PyTorch does not.
def peak(run):
    """The most bytes that Python and NumPy had at once, beside the result and what was there."""
    tracemalloc.start()
    try:
        y = run()
        return tracemalloc.get_traced_memory()[1] - y.nbytes
    finally:
        tracemalloc.stop()


def difference(y, truth):
    """The largest, relative to the largest number; y may be the first rows only."""
    y = y.numpy() if isinstance(y, tn.Tensor) else y
    there = truth[: y.shape[0], : y.shape[1]]
    return float(np.abs(y - there).max() / np.abs(there).max())
