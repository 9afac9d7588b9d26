"""`python -m benchmarks gpu`: the lessons' models on the CPU and on the GPU, batch by batch.

benchmarks/README.md says what is measured.
"""

from __future__ import annotations

import difflib
import gc
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tinynet as tn

from ..measure.process import mib
from ..measure.pytorch import introduce
from ..measure.turns import Effort, spread, take_turns
from ..twins.models import MODELS
from ..twins.steps import compiled, numpy_alone, our_step
from ..twins.work import Row
from . import counted, everything, steps

BATCHES = (32, 128, 512, 2048)
QUICK_BATCHES = (32, 512)
ON_CPU, ON_GPU = Effort(3, 0.2), Effort(7, 0.1)
QUICK_ON_CPU, QUICK_ON_GPU = Effort(1, 0.05), Effort(3, 0.05)
RESULTS = Path(__file__).parent.parent / "results" / "gpu.json"
WHOLE = RESULTS.with_name("gpu_all.json")


def main(
    threads: int,
    quick: bool = False,
    record: bool = False,
    models: Sequence[str] = (),
    emulated: bool = False,
    whole: bool = False,
) -> int:
    """2 without a GPU.  emulated: count launches, waits and copies, which needs none.

    whole: tests, kernels, steps on both devices and lessons too, and a file with all of it; 1 if
        one of them fails.
    """
    for name in models:
        if name not in MODELS:
            near = difflib.get_close_matches(name, MODELS, n=1)
            fix = f"Did you mean {near[0]!r}?" if near else f"There is: {', '.join(MODELS)}."
            print(f"benchmarks gpu: there is no model {name!r}. {fix}", file=sys.stderr)
            return 2
    rows = {name: MODELS[name] for name in models or MODELS}
    if emulated:
        counted.report(rows)
        return 0
    reason = tn.gpu_unavailable_reason()
    if reason:
        print(
            f"benchmarks gpu: {reason}\n"
            "Without a GPU, --emulated counts launches, waits and copies.",
            file=sys.stderr,
        )
        return 2
    if whole:
        kept = everything.main(rows, quick, lambda: report(rows, threads, quick))
        WHOLE.write_text(json.dumps(kept, indent=1) + "\n")
        print(f"\nwritten: {WHOLE}")
        return int(not all(found["fine"] for found in kept["parts"]))
    kept = report(rows, threads, quick)
    if record and not quick and not models:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(kept, indent=1) + "\n")
        print(f"\nwritten: {RESULTS}")
    return 0


def report(rows: Mapping[str, Row], threads: int, quick: bool) -> dict[str, Any]:
    _, facts = introduce(threads)
    facts["GPU"] = gpu_name()
    print(f"{'GPU':15}{facts['GPU']}\n{'compiled':15}{tn.compiled()}")
    print(
        f"\nA training step: forward, loss, backward, Adam; float32; {threads} threads on the CPU"
    )
    print(
        f"{'model':24}{'batch':>6}{'NumPy':>12}{'compiled':>12}{'GPU':>12}{'pictures/s':>12}"
        f"{'CPU / GPU':>11}{'first step':>12}{'peak':>12}{'losses differ':>15}"
    )
    found = []
    for name, row in rows.items():
        of_model = [time_model(row, n, quick) for n in (QUICK_BATCHES if quick else BATCHES)]
        for numbers in of_model:
            print(line(name, numbers), flush=True)
        print(f"{'':24}{crossover(of_model)}")
        found.append({"model": name, "batches": of_model})
    return {"machine": facts, "threads": threads, "models": found}


def gpu_name() -> str:
    cupy: Any = sys.modules["cupy"]
    facts = cupy.cuda.runtime.getDeviceProperties(0)
    return f"{facts['name'].decode()}, CuPy {cupy.__version__}"


def time_model(row: Row, batch: int, quick: bool) -> dict[str, Any]:
    """The seconds of a step in each form, and what else the table has."""
    loops = compiled()
    forms = {"NumPy": our_step(row.make(batch), numpy_alone())}
    if loops:
        forms["compiled"] = our_step(row.make(batch), loops)
    differ = steps.agreement(our_step(row.make(batch)), steps.gpu_step(row.make(batch)))
    on_gpu = steps.timed(steps.gpu_step(row.make(batch)), QUICK_ON_GPU if quick else ON_GPU)
    on_cpu = take_turns(forms, *(QUICK_ON_CPU if quick else ON_CPU))
    del forms
    gc.collect()
    return {
        "batch": batch,
        "seconds a step, by round": {**on_cpu, "GPU": on_gpu.seconds},
        "first step": on_gpu.first,
        "peak": on_gpu.peak,
        "losses differ": differ,
    }


def speedup(numbers: dict[str, Any]) -> float:
    """The time of the CPU's faster form, divided by the GPU's."""
    medians = {k: spread(v).median for k, v in numbers["seconds a step, by round"].items()}
    return min(t for name, t in medians.items() if name != "GPU") / medians["GPU"]


def line(name: str, numbers: dict[str, Any]) -> str:
    times = numbers["seconds a step, by round"]

    def ms(form: str) -> str:
        return f"{1000 * spread(times[form]).median:.2f} ms" if form in times else "-"

    pictures = numbers["batch"] / spread(times["GPU"]).median
    return (
        f"{name:24}{numbers['batch']:6}{ms('NumPy'):>12}{ms('compiled'):>12}{ms('GPU'):>12}"
        f"{pictures:12,.0f}{speedup(numbers):11.1f}{numbers['first step']:10.1f} s"
        f"{mib(numbers['peak']):>12}{numbers['losses differ']:15.1e}"
    )


def crossover(of_model: Sequence[dict[str, Any]]) -> str:
    """The smallest batch at which the GPU is faster."""
    faster = [numbers["batch"] for numbers in of_model if speedup(numbers) > 1]
    if not faster:
        return "the GPU is faster at none of these batches"
    return f"the GPU is faster from batch {min(faster)} on"
