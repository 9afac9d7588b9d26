"""The lessons' models against PyTorch eager on the CPU: time, memory, and single operations.

benchmarks/README.md says what is measured.  In benchmarks/twins/, models.py lists the models,
in_torch.py makes PyTorch's network, and agreement.py checks that both compute the same.
"""

from __future__ import annotations

import difflib
import gc
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import tinynet as tn

from ..measure import import_time
from ..measure.process import mib
from ..measure.pytorch import Disagreement, introduce
from ..measure.turns import Effort, Spread, ratio, spread, take_turns, unsteady
from ..twins import classifiers
from ..twins.agreement import check
from ..twins.models import MODELS
from ..twins.steps import OURS, compiled, contestants, numpy_alone, our_step, running
from ..twins.work import Row
from . import chart, goals, memory, operations, others, scaling
from .others import LIBRARIES, SOON_READY, installed, time_others

# Of the losses of three steps of training in both forms of our kernels: may differ, relative.
SAME_FORM = (1e-4, 1e-2, 1e-2)  # 5e-6 and 1.3e-3 (batch normalization) were seen
RESULTS = Path(__file__).parent.parent / "results" / "cpu.json"


class Efforts(NamedTuple):
    """How much is measured: training steps, with other libraries, single operations; and how often.

    libraries: those others, where they are installed.  steps: of a training whose memory is read.
    imports: of each module.
    """

    training: Effort
    others: Effort
    libraries: tuple[str, ...]
    operations: Effort
    steps: int
    imports: int


FULL = Efforts(
    Effort(11, 0.4), Effort(5, 0.3), tuple(LIBRARIES), operations.FULL, steps=5, imports=15
)
QUICK = Efforts(Effort(3, 0.05), Effort(2, 0.02), SOON_READY, operations.QUICK, steps=2, imports=3)


def main(
    threads: int,
    quick: bool = False,
    record: bool = False,
    models: Sequence[str] = (),
    scale: bool = False,
) -> int:
    """scale: time with one thread and with so many instead, which is never recorded."""
    for name in models:
        if name not in MODELS:
            near = difflib.get_close_matches(name, MODELS, n=1)
            fix = f"Did you mean {near[0]!r}?" if near else f"There is: {', '.join(MODELS)}."
            print(f"benchmarks cpu: there is no model {name!r}. {fix}", file=sys.stderr)
            return 2
    chosen = {name: MODELS[name] for name in models or MODELS}
    whole = record and not quick and not models  # a part is no record
    efforts = QUICK if quick else FULL
    if scale:
        return scaling.report(chosen, efforts.training, threads)
    return report(chosen, efforts, threads, RESULTS if whole else None, models_alone=bool(models))


def report(
    rows: Mapping[str, Row],
    efforts: Efforts,
    threads: int,
    results: Path | None,
    models_alone: bool = False,
) -> int:
    """Check, measure, print, write.  0, or 1 if PyTorch and tinynet do not compute the same.

    models_alone: without single operations, `import tinynet` and the time of a picture.
    """
    torch, facts = introduce(threads)
    kept: dict[str, Any] = {"machine": facts, "threads": threads}
    loops = compiled()
    print(f"{'compiled':15}{tn.compiled()}")
    try:
        with running(numpy_alone()):  # whatever is not said to be compiled
            kept["models"] = time_models(rows, efforts, torch, loops)
            watch_memory(rows, kept["models"], efforts.steps, threads)
            if not models_alone:
                kept["operations"] = operations.measure(efforts.operations, torch, threads)
                kept["a picture"] = time_a_picture(efforts.training)
                kept["import"] = import_time.measure(efforts.imports)
    except Disagreement as error:
        print(f"benchmarks cpu: {error}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in ("", "lessons", "tinynet", "benchmarks"):
            raise  # ours, which no package brings
        print(
            f"benchmarks cpu: the models are the lessons', and they need {error.name}. Install it: "
            'pip install -e ".[bench,lessons]"',
            file=sys.stderr,
        )
        return 1
    kept["goals"] = goals.judged(kept)
    print("\nGoals")
    for goal in kept["goals"]:
        print(f"  {goal}")
    if results:
        results.parent.mkdir(exist_ok=True)
        results.write_text(json.dumps(kept, indent=1) + "\n")
        picture = results.with_suffix(".png")
        chart.save(kept, picture)
        print(f"\nwritten: {results} and {picture}")
    return 0


# -- time ------------------------------------------------------------------------------------------


def time_models(
    rows: Mapping[str, Row], efforts: Efforts, torch: Any, loops: Any = None
) -> list[dict[str, Any]]:
    print("\nA training step: forward, loss, backward, Adam; float32")
    print(f"{'model':24}{'batch':>6}{'tinynet':>12}", end="")
    print(f"{'compiled':>12}" * bool(loops) + f"{'PyTorch':>12}", end="")
    libraries = installed(efforts.libraries)
    print("".join(f"{name:>15}" for name in libraries), end="   ")
    print(" ; ".join(OURS[: 1 + bool(loops)]) + ": takes, of PyTorch's")
    found = []
    for name, row in rows.items():
        found.append(time_model(name, row, efforts, torch, loops, libraries))
        print(line(found[-1]), flush=True)
        gc.collect()  # the model, before the next one is timed
    return found


def check_forms(name: str, row: Row, loops: Any) -> float:
    """The largest difference of the first losses of both forms; Disagreement: too large."""

    def make(work: Any, as_ours: bool) -> Any:
        return our_step(work, loops)

    return others.check(name, "its compiled loops", row, make, SAME_FORM)


def time_model(
    name: str,
    row: Row,
    efforts: Efforts,
    torch: Any,
    loops: Any = None,
    libraries: Sequence[str] = (),
) -> dict[str, Any]:
    agreements = check(name, row, torch) if torch else None
    of_forms = check_forms(name, row, loops) if loops else None
    work = row.make(row.batch)
    steps = contestants(work, torch, row.make(row.batch) if loops else None)
    times = take_turns(steps, efforts.training.rounds, efforts.training.seconds)
    layouts = [layout for layout in times if layout not in OURS]
    best = min(layouts, key=lambda layout: spread(times[layout]).median, default=None)
    del steps

    def part(form: str) -> dict[str, float] | None:
        return ratio(times[form], times[best])._asdict() if best and form in times else None

    return {
        "model": name,
        "about": row.about,
        "batch": row.batch,
        "parameters": sum(w.size for w in work.network.parameters()),
        "seconds a step, by round": times,
        "PyTorch's better layout": best,
        "tinynet's part of it": part("tinynet"),
        "compiled's part of it": part("compiled"),
        "differences": agreements,
        "difference of compiled": of_forms,
        "others": time_others(name, row, efforts.others, libraries),
    }


def line(found: dict[str, Any]) -> str:
    """One row of the table of times."""
    times, best = found["seconds a step, by round"], found["PyTorch's better layout"]

    def ms(seconds: Sequence[float]) -> str:
        return f"{f'{1000 * spread(seconds).median:.2f} ms':>12}"

    text = f"{found['model']:24}{found['batch']:6}"
    text += "".join(ms(times[name]) for name in OURS if name in times)
    text += ms(times[best]) if best else " " * 12
    for name, other in found["others"].items():
        text += f"{ms(other['seconds a step, by round'][name]) if other else '-':>15}"
    if best:
        parts = (found.get(f"{name}'s part of it") for name in OURS)
        text += "   " + " ; ".join(Spread(**part).show(".2f") for part in parts if part)
        text += f", {best}" * (len(set(times) - set(OURS)) > 1)
    return text.rstrip() + "  unsteady: run it again" * unsteady(times)


def time_a_picture(effort: Effort) -> dict[str, Any]:
    """Of mnist_low_level at its two batches, in turns: whether large ones still fit the caches."""
    batches = [MODELS[name].batch for name in ("mnist_low_level", "mnist_low_level_1000")]
    steps = {str(n): our_step(classifiers.mnist_low_level(n)) for n in batches}
    times = take_turns(steps, effort.rounds, effort.seconds)
    small, large = ([t / n for t in times[str(n)]] for n in batches)
    found = ratio(large, small)
    print(
        f"\nTime of a picture at batch {batches[1]}, of that at {batches[0]}: {found.show('.2f')}"
    )
    return {"batches": batches, "seconds a step, by round": times, "part": found._asdict()}


# -- memory ----------------------------------------------------------------------------------------


def watch_memory(
    rows: Mapping[str, Row], models: Sequence[dict[str, Any]], steps: int, threads: int
) -> None:
    """Adds "memory" to what was found of each model."""
    print(f"\nPeak resident memory of {steps} steps, each in a process of its own")
    print(f"(above what it was after the imports)\n{'model':24}{'batch':>6}", end="")
    forms = [name for name in OURS if any(name in m["seconds a step, by round"] for m in models)]
    heads = "".join(f"{name:>26}" for name in (*forms, "PyTorch"))
    print(f"{heads}   tinynet takes, of PyTorch's")
    for found in models:
        programs = list(found["seconds a step, by round"])
        found["memory"] = memory.peaks(rows[found["model"]], programs, steps, threads)
        print(memory_line(found), flush=True)


def memory_line(found: dict[str, Any]) -> str:
    """One row of the table of memory."""
    peaks = found["memory"]
    text = f"{found['model']:24}{found['batch']:6}"
    best = memory.better(peaks)
    for name in (*(form for form in OURS if form in peaks), *([best] if best else [])):
        most, above = peaks[name]["in all"], peaks[name]["above the import"]
        text += f"{f'{mib(most)} ({mib(above)})':>26}"
    if best:
        text += "   {:.2f} ({:.2f})".format(*memory.parts(peaks))
        text += f", {best}" * (len(set(peaks) - set(OURS)) > 1)
    return text
