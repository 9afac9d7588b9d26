"""`python -m benchmarks cpu --scaling`: what a second thread brings, for each model.

NumPy alone, the compiled loops and PyTorch take turns in one run, with one thread and with more.
"""

from __future__ import annotations

import gc
import statistics
import sys
from collections.abc import Callable, Mapping
from typing import Any

import tinynet as tn

from ..measure.pytorch import introduce
from ..measure.turns import Effort, ratio, spread, take_turns, unsteady
from ..twins.steps import Step, compiled, contestants, numpy_alone, running
from ..twins.work import Row


def report(rows: Mapping[str, Row], effort: Effort, threads: int) -> int:
    """Print the times and the speedups.  1 without threadpoolctl, which tells BLAS."""
    try:
        import threadpoolctl
    except ImportError:
        print("benchmarks cpu: --scaling needs threadpoolctl: pip install threadpoolctl",
              file=sys.stderr)  # fmt: skip
        return 1
    if threads == 1:
        print("benchmarks cpu: --scaling compares one thread with more: --threads 2 or more",
              file=sys.stderr)  # fmt: skip
        return 2
    torch, _ = introduce(threads)
    loops = compiled()
    print(f"{'compiled':15}{tn.compiled()}\n\nA training step with 1 and with {threads} threads")
    print(f"{'model':24}{'':16}{'1':>12}{threads:>12}   speedup")

    def set_threads(count: int) -> None:
        tn.set_threads(count)
        threadpoolctl.threadpool_limits(count, "blas")
        if torch:
            torch.set_num_threads(count)

    speedups: dict[str, list[float]] = {}
    with running(numpy_alone()):
        for name, row in rows.items():
            steps = contestants(row.make(row.batch), torch, row.make(row.batch) if loops else None)
            times = take_turns(on_threads(steps, (1, threads), set_threads), *effort)
            for who in steps:
                one, more = times[f"{who}, 1"], times[f"{who}, {threads}"]
                text = "".join(f"{f'{1000 * spread(t).median:.2f} ms':>12}" for t in (one, more))
                text += f"   {ratio(one, more).show('.2f')}"
                text += "  unsteady: run it again" * unsteady({"one": one, "more": more})
                print(f"{name:24}{who:16}{text}", flush=True)
                speedups.setdefault(who, []).append(ratio(one, more).median)
            del steps
            gc.collect()
    print("\nGeometric mean of the speedups: ", end="")
    print(", ".join(f"{who} {statistics.geometric_mean(s):.2f}" for who, s in speedups.items()))
    return 0


def on_threads(
    steps: Mapping[str, Step], counts: tuple[int, ...], set_threads: Callable[[int], Any]
) -> dict[str, Step]:
    """A step of each, "NAME, COUNT", for each count; the first of a block, untimed, sets it."""
    now = 0

    def with_count(step: Step, count: int) -> Step:
        def run() -> Any:
            nonlocal now
            if now != count:
                set_threads(count)
                now = count
            return step()

        return run

    return {f"{name}, {n}": with_count(step, n) for name, step in steps.items() for n in counts}
