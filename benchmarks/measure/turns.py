"""Comparing programs fairly: in one run, taking turns, as a ratio with its spread.

The speed of a machine changes from minute to minute, so two times taken one after the other compare
the minutes.  Here the programs take turns in short blocks, and what counts is the ratio within a
round.  Nothing here knows what is timed.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy


class Effort(NamedTuple):
    """How much is measured."""

    rounds: int
    seconds: float  # of a timed block; a step that takes longer is a block of its own


class Spread(NamedTuple):
    """The median of several measurements, and the range that holds the middle 80% of them."""

    median: float
    low: float  # 10% of the measurements are below
    high: float  # 10% are above

    def show(self, form: str) -> str:
        return f"{self.median:{form}} ({self.low:{form}} to {self.high:{form}})"


def spread(values: Iterable[float]) -> Spread:
    low, median, high = numpy.percentile(list(values), [10, 50, 90])
    return Spread(float(median), float(low), float(high))


def ratio(times: Sequence[float], others: Sequence[float]) -> Spread:
    """times / others, round by round: what is slow for both in a round cancels."""
    return spread(a / b for a, b in zip(times, others, strict=True))


def take_turns(
    steps: Mapping[str, Callable[[], Any]],
    rounds: int,
    seconds: float,
    rest: float = 0.2,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:
    """The time of one step of each program, in every round.

    seconds: how long a timed block is, about; each program does the same number of steps in each.
    rest: the pause before a block.  Thread pools keep turning for a while when their work is done
        (OpenBLAS: about 0.1 s), and would take that time from the program whose turn it is next.

    Each block begins with untimed steps, a tenth of the timed ones.  The order is reversed from
    round to round, so that nobody always comes first.
    """
    for _ in range(2):  # the first time warms up: imports, caches, memory
        counts = {name: _steps_in(seconds, step, clock) for name, step in steps.items()}
    times: dict[str, list[float]] = {name: [] for name in steps}
    order = list(steps)
    for _ in range(rounds):
        for name in order:
            step, count = steps[name], counts[name]
            time.sleep(rest)
            for _ in range(max(1, count // 10)):
                step()
            start = clock()
            for _ in range(count):
                step()
            times[name].append((clock() - start) / count)
        order.reverse()
    return times


def _steps_in(seconds: float, step: Callable[[], Any], clock: Callable[[], float]) -> int:
    """At least one."""
    count, start = 0, clock()
    while count == 0 or clock() - start < seconds:
        step()
        count += 1
    return count


def unsteady(times: Mapping[str, Sequence[float]]) -> bool:
    """Whether some program took twice as long in its slow rounds as in its fast ones."""
    return any(found.high > 2 * found.low for found in map(spread, times.values()))


def reached(yes: bool) -> str:
    return "reached" if yes else "NOT REACHED"


def machine() -> dict[str, Any]:
    """What the numbers were measured on."""
    blas = numpy.show_config(mode="dicts")["Build Dependencies"]["blas"]  # type: ignore[index]
    return {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "BLAS settings": _blas_settings() or "none",
        "load before": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else "unknown",
        "Python": f"{platform.python_version()} on {platform.system()}",
        "NumPy": numpy.__version__,
        "BLAS": f"{blas.get('name')} {blas.get('version')}, {_blas_threads()} threads",
    }


def _blas_threads() -> str:
    """What BLAS uses, where threadpoolctl is there to ask it; else what it was told to use."""
    try:
        import threadpoolctl
    except ImportError:
        return f"told to use {os.environ.get('OMP_NUM_THREADS', 'all')}"
    pools = threadpoolctl.threadpool_info()
    return ", ".join(str(pool["num_threads"]) for pool in pools if pool["user_api"] == "blas")


def _blas_settings() -> str:
    """What the environment tells BLAS beside the number of threads: its speed depends on it."""
    found = {k: v for k, v in os.environ.items() if k.startswith(("OPENBLAS_", "MKL_"))}
    return ", ".join(f"{k}={v}" for k, v in sorted(found.items()) if "THREADS" not in k)


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine()
