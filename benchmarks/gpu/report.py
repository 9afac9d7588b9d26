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
from . import beside_torch, chart, counted, everything, steps
from .chart import speedup
from .steps import gpu_step

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
    tf32: bool = False,
) -> int:
    """2 without a GPU.  emulated: count launches, waits and copies, which needs none.

    whole: tests, kernels, steps on both devices and lessons too, and a file with all of it; 1 if
        one of them fails.
    tf32: products and convolutions on the GPU in TF32, tinynet's and PyTorch's.
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
    precision = "tf32" if tf32 else "float32"
    if whole:
        kept = everything.main(rows, quick, lambda: report(rows, threads, quick, precision))
        WHOLE.write_text(json.dumps(kept, indent=1) + "\n")
        print(f"\nwritten: {WHOLE}")
        return int(not all(found["fine"] for found in kept["parts"]))
    kept = report(rows, threads, quick, precision)
    if record and not quick and not models:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(kept, indent=1) + "\n")
        picture = RESULTS.with_suffix(".png")
        chart.save(kept, picture)
        print(f"\nwritten: {RESULTS} and {picture}")
    return 0


def report(
    rows: Mapping[str, Row], threads: int, quick: bool, precision: str = "float32"
) -> dict[str, Any]:
    _, facts = introduce(threads)
    facts["GPU"] = gpu_name()
    tn.set_matmul_precision(precision)
    torch = beside_torch.cuda_torch()
    if torch:
        beside_torch.same_precision(torch, precision)
    print(f"{'GPU':15}{facts['GPU']}\n{'products':15}{precision}\n{'compiled':15}{tn.compiled()}")
    counts = counted.in_own_process(rows)
    print(
        f"\nA training step: forward, loss, backward, Adam; float32; {threads} threads on the CPU"
    )
    print(
        f"{'model':24}{'batch':>6}{'NumPy':>12}{'compiled':>12}{'GPU':>12}{'pictures/s':>12}"
        f"{'CPU / GPU':>11}{'first step':>12}{'peak':>12}{'losses differ':>15}"
    )
    found = []
    for name, row in rows.items():
        batches = QUICK_BATCHES if quick else BATCHES
        differ = steps.agreement(our_step(row.make(batches[0])), gpu_step(row.make(batches[0])))
        of_model: list[dict[str, Any]] = []
        for batch in batches:
            of_model.append(time_model(row, batch, quick))
            of_model[-1]["losses differ"] = None if of_model[1:] else differ
            print(line(name, of_model[-1]), flush=True)
        print(f"{'':24}{crossover(of_model)}; a step on it: {counted.text(counts.get(name))}")
        found.append({"model": name, "counts": counts.get(name), "batches": of_model})
    effort = QUICK_ON_GPU if quick else ON_GPU
    beside = beside_torch.report(rows, torch, effort, compiled=not quick)
    return {
        "machine": facts,
        "threads": threads,
        "products": precision,
        "models": found,
        "beside PyTorch": beside,
    }


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
    on_cpu = take_turns(forms, *(QUICK_ON_CPU if quick else ON_CPU))
    del forms
    gc.collect()
    step = gpu_step(row.make(batch))
    first = steps.first(step)
    return {
        "batch": batch,
        "seconds a step, by round": {
            **on_cpu,
            **steps.take_turns({"GPU": step}, QUICK_ON_GPU if quick else ON_GPU),
        },
        "first step": first.seconds,
        "peak": first.peak,
    }


def line(name: str, numbers: dict[str, Any]) -> str:
    times = numbers["seconds a step, by round"]

    def ms(form: str) -> str:
        return f"{1000 * spread(times[form]).median:.2f} ms" if form in times else "-"

    differ = numbers["losses differ"]
    pictures = numbers["batch"] / spread(times["GPU"]).median
    return (
        f"{name:24}{numbers['batch']:6}{ms('NumPy'):>12}{ms('compiled'):>12}{ms('GPU'):>12}"
        f"{pictures:12,.0f}{speedup(numbers):11.1f}{numbers['first step']:10.1f} s"
        f"{mib(numbers['peak']):>12}{'' if differ is None else f'{differ:.1e}':>15}"
    )


def crossover(of_model: Sequence[dict[str, Any]]) -> str:
    """The smallest batch at which the GPU is faster."""
    faster = [numbers["batch"] for numbers in of_model if speedup(numbers) > 1]
    if not faster:
        return "the GPU is faster at none of these batches"
    return f"the GPU is faster from batch {min(faster)} on"
