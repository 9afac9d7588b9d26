"""Single operations in tinynet and in PyTorch, beside what this machine can do at best.

Each is timed in turns with a large matrix product, or with a large copy, so that the distance to
the limit is a number of the same minute.  timed_operations.py says what is timed, and
benchmarks/measure/machine_limits.py what the limits are.
"""

from __future__ import annotations

import sys
from typing import Any

import tinynet as tn

from ..measure import machine_limits
from ..measure.pytorch import Disagreement, introduce
from ..measure.turns import Effort, Spread, ratio, spread, take_turns, unsteady
from ..twins.in_torch import LAYOUTS
from ..twins.steps import OURS, compiled
from .timed_operations import Stopwatch, Timing, timings

FULL = Effort(7, 0.15)
QUICK = Effort(2, 0.02)


def main(threads: int, quick: bool = False, record: bool = False) -> int:
    torch, _ = introduce(threads)
    if record:
        print("They are recorded with all the rest: python -m benchmarks cpu --record")
    try:
        compiled()
        print(f"{'compiled':15}{tn.compiled()}")
        measure(QUICK if quick else FULL, torch, threads)
    except Disagreement as error:
        print(f"benchmarks operations: {error}", file=sys.stderr)
        return 1
    return 0


def measure(effort: Effort, torch: Any, threads: int) -> list[dict[str, Any]]:
    """Check, time and print every operation.  Disagreement if PyTorch's result is another one."""
    print("\nSingle operations, float32; (of this machine's speed in a large product, or copy)")
    watch, names = Stopwatch(), OURS[: 1 + bool(compiled())]
    heads = "".join(f"{name:>32}" for name in (*names, "PyTorch"))
    print(f"{'':48}{heads}   {' ; '.join(names)}: takes, of PyTorch's")
    bounds = {"GFLOP/s": machine_limits.gemm(torch), "GB/s": machine_limits.copy(torch, threads)}
    found = []
    for timing in timings(torch, watch):
        bound = bounds[timing.unit]
        beside = {name: watch.timed(lambda _, do=do: do()) for name, do in bound.steps.items()}
        times = take_turns(timing.steps | beside, effort.rounds, effort.seconds, clock=watch)
        found.append(judged(timing, times, bound))
        print(line(found[-1]), flush=True)
    for unit, bound in bounds.items():
        speeds = [f["limit's billions a second"] for f in found if f["unit"] == unit]
        print(f"This machine, in {bound.name}: {spread(speeds).show('.4g')} {unit}")
    return found


def judged(
    timing: Timing, times: dict[str, list[float]], bound: machine_limits.Limit
) -> dict[str, Any]:
    """What is kept of a timing.  Of PyTorch's layouts, and of the limit's programs, the fastest."""

    def fastest(names: Any) -> Any:
        return min(names, key=lambda name: spread(times[name]).median, default=None)

    best = fastest(name for name in times if name in LAYOUTS)
    limit = fastest(bound.steps)

    def share(name: str) -> dict[str, float]:
        of = ratio(times[limit], times[name])._asdict()
        return {key: value * timing.amount / bound.amount for key, value in of.items()}

    kept = {
        "operation": timing.operation,
        "part": timing.part,
        "shape": timing.shape,
        "unit": timing.unit,
        "billions": timing.amount / 1e9,
        "seconds, by round": times,
        "PyTorch's better layout": best,
        "limit": limit,
        "limit's billions a second": bound.amount / 1e9 / spread(times[limit]).median,
        "PyTorch's part of the limit": share(best) if best else None,
    }
    for name in (name for name in OURS if name in times):
        kept[f"{name}'s part of it"] = ratio(times[name], times[best])._asdict() if best else None
        kept[f"{name}'s part of the limit"] = share(name)
    return kept


def line(found: dict[str, Any]) -> str:
    """One row of the table."""
    times, best = found["seconds, by round"], found["PyTorch's better layout"]
    names = [name for name in OURS if name in times]

    def speed(name: str, whose: str) -> str:
        median, part = spread(times[name]).median, found[f"{whose}'s part of the limit"]["median"]
        rate = f"{found['billions'] / median:.4g} {found['unit']}"
        return f"{f'{1000 * median:.2f} ms {rate:>14} ({part:.0%})':>32}"

    text = f"{found['operation']:39}{found['part']:>9}"
    text += "".join(speed(name, name) for name in names)
    if best:
        parts = (found[f"{name}'s part of it"] for name in names)
        text += speed(best, "PyTorch") + "   "
        text += " ; ".join(Spread(**part).show(".2f") for part in parts)
    return text + "  unsteady: run it again" * unsteady(times)
