"""A training step of the lessons' autoencoders, RBM and VAEs, against PyTorch eager on the CPU.

Forward, loss, backward and Adam, on one batch that stays.  What is measured: README.md beside this
file; which models: models.py; how PyTorch gets the same network: twin.py.
"""

from __future__ import annotations

import difflib
import gc
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy

import tinynet as tn

from .compare import machine, ratio, spread, take_turns
from .engine import Disagreement, pytorch, unsteady
from .models import MODELS
from .twin import LAYOUTS, Twin
from .work import Row, Work

RESULTS = Path(__file__).parent / "results" / "cpu.json"

# What may differ, relative.  In float64, on two examples, the functions are compared: the loss and
# the gradient of each parameter.  In float32, on the whole batch, there is rounding: the
# input of a ReLU that is as good as 0 falls on either side, and a whole plain background with it.
SAME = 1e-6
NEAR_LOSS, NEAR_GRADIENT = 1e-3, 1e-2  # the gradient of all parameters together
UNSEEN = 1e-6  # a gradient so much smaller than the largest is 0, but for rounding

Step = Callable[[], Any]


class Effort(NamedTuple):
    """How much is measured."""

    rounds: int
    seconds: float  # of a timed block; a step that takes longer is a block of its own


FULL = Effort(15, 0.5)
QUICK = Effort(3, 0.05)


class Differences(NamedTuple):
    """Of tinynet and its twin, relative."""

    loss: float
    gradient: float  # of all parameters together
    parameter: float  # the largest of a single one


def main(
    threads: int, quick: bool = False, record: bool = False, models: Sequence[str] = ()
) -> int:
    for name in models:
        if name not in MODELS:
            near = difflib.get_close_matches(name, MODELS, n=1)
            fix = f"Did you mean {near[0]!r}?" if near else f"There is: {', '.join(MODELS)}."
            print(f"benchmarks cpu: there is no model {name!r}. {fix}", file=sys.stderr)
            return 2
    chosen = {name: MODELS[name] for name in models or MODELS}
    whole = record and not quick and not models  # a part is no record
    return report(chosen, QUICK if quick else FULL, threads, RESULTS if whole else None)


def report(rows: dict[str, Row], effort: Effort, threads: int, results: Path | None) -> int:
    """Check, measure, print, write.  0, or 1 if PyTorch and tinynet do not compute the same."""
    torch, missing = pytorch(threads)
    facts = machine() | {
        "PyTorch": f"{torch.__version__}, {torch.get_num_threads()} threads" if torch else "none"
    }
    for key, value in facts.items():
        print(f"{key:15}{value}")
    if missing:
        print(missing)
    print("\nA training step: forward, loss, backward, Adam; float32")
    print(f"{'model':24}{'batch':>6}{'tinynet':>12}{'PyTorch':>12}   tinynet takes, of PyTorch's")
    found = []
    try:
        for name, row in rows.items():
            found.append(time_model(name, row, effort, torch))
            print(line(found[-1]), flush=True)
            gc.collect()  # the model, before the next one is timed
    except Disagreement as error:
        print(f"benchmarks cpu: {error}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] in ("", "lessons", "tinynet"):
            raise  # ours, which no package brings
        print(
            f"benchmarks cpu: the models are the lessons', and they need {error.name}. Install it: "
            'pip install -e ".[bench,lessons]"',
            file=sys.stderr,
        )
        return 1
    if results:
        results.parent.mkdir(exist_ok=True)
        results.write_text(json.dumps({"machine": facts, "models": found}, indent=1) + "\n")
        print(f"\nwritten: {results}")
    return 0


def time_model(name: str, row: Row, effort: Effort, torch: Any) -> dict[str, Any]:
    agreements = check(name, row, torch) if torch else None
    work = row.make(row.batch)
    times = take_turns(contestants(work, torch), effort.rounds, effort.seconds)
    ours = times["tinynet"]
    layouts = [layout for layout in times if layout != "tinynet"]
    best = min(layouts, key=lambda layout: spread(times[layout]).median, default=None)
    return {
        "model": name,
        "batch": row.batch,
        "parameters": sum(w.size for w in work.network.parameters()),
        "seconds a step, by round": times,
        "PyTorch's better layout": best,
        "tinynet's part of it": ratio(ours, times[best])._asdict() if best else None,
        "differences": agreements,
    }


def line(found: dict[str, Any]) -> str:
    """One row of the table."""
    times, best = found["seconds a step, by round"], found["PyTorch's better layout"]

    def ms(name: str) -> str:
        return f"{1000 * spread(times[name]).median:.2f} ms"

    text = f"{found['model']:24}{found['batch']:6}{ms('tinynet'):>12}"
    if best:
        part = found["tinynet's part of it"]
        of = f"{part['median']:.2f} ({part['low']:.2f} to {part['high']:.2f})"
        text += f"{ms(best):>12}   {of}" + f", {best}" * (len(times) > 2)
    return text + "  unsteady: run it again" * unsteady(times)


# -- the same step in both -------------------------------------------------------------------------


def contestants(work: Work, torch: Any) -> dict[str, Step]:
    """The training step of tinynet and, with PyTorch, of the twin in each layout that matters."""
    steps = {"tinynet": our_step(work)}
    for layout in LAYOUTS if torch else ():
        twin = Twin(torch, layout)
        steps[layout] = twin_step(work, twin)
        if not any(pair.theirs.ndim == 4 for pair in twin.pairs):
            break  # without convolutions there is nothing to lay out
    return steps


def our_step(work: Work) -> Step:
    batch = work.tensors()
    optimizer = tn.optim.Adam(work.network.parameters(), 0.001)
    work.network.train()

    def step() -> tn.Tensor:
        optimizer.zero_grad()
        loss = work.ours(*batch)
        loss.backward()
        optimizer.step()
        return loss

    return step


def twin_step(work: Work, twin: Twin) -> Step:
    loss_of = work.theirs(twin)
    batch = [twin.batch(array) for array in work.batch]
    weights = [pair.theirs for pair in twin.pairs]
    try:  # a third of the time of the default one
        optimizer = twin.torch.optim.Adam(weights, lr=0.001, eps=1e-7, fused=True)
    except (RuntimeError, TypeError):  # an older PyTorch
        optimizer = twin.torch.optim.Adam(weights, lr=0.001, eps=1e-7)

    def step() -> Any:
        optimizer.zero_grad()
        loss = loss_of(*batch)
        loss.backward()
        optimizer.step()
        return loss

    return step


# -- whether they compute the same -----------------------------------------------------------------


def check(name: str, row: Row, torch: Any) -> dict[str, Any]:
    """Disagreement unless losses and gradients of all layouts agree, from the same noise."""
    found = {}
    for layout in LAYOUTS:
        exact = differences(name, in_float64(row.make(2)), Twin(torch, layout))
        near = differences(name, row.make(row.batch), Twin(torch, layout))
        for kind, got, allowed in (
            ("losses in float64", exact.loss, SAME),
            ("gradients in float64", exact.parameter, SAME),
            ("losses in float32", near.loss, NEAR_LOSS),
            ("gradients in float32", near.gradient, NEAR_GRADIENT),
        ):
            if not got <= allowed:  # NaN too
                raise Disagreement(
                    f"{name}: {kind} of tinynet and PyTorch ({layout}) differ by {got:.1e}, and "
                    f"{allowed:g} is allowed. They do not compute the same, so their times are "
                    "not compared."
                )
        found[layout] = {"float64": exact._asdict(), "float32": near._asdict()}
    return found


def differences(name: str, work: Work, twin: Twin) -> Differences:
    """Of one loss of the model of that name, and its gradients: same weights, batch and noise."""
    twin.draw_like(work.rng)
    theirs = work.theirs(twin)(*map(twin.batch, work.batch))
    theirs.backward()
    work.network.train()
    ours = work.ours(*work.tensors())
    ours.backward()
    if {id(pair.ours) for pair in twin.pairs} != {id(w) for w in work.network.parameters()}:
        raise Disagreement(
            f"{name}: the twin and the model do not have the same parameters. Make each of the "
            "twin's with twin.module or twin.parameter."
        )
    sizes = [norm(pair.theirs.grad.numpy()) for pair in twin.pairs]
    apart = [norm(pair.turned(pair.ours.grad) - pair.theirs.grad.numpy()) for pair in twin.pairs]
    least = UNSEEN * max(sizes)
    return Differences(
        abs(ours.item() - theirs.item()) / abs(theirs.item()),
        norm(apart) / norm(sizes),
        max(a / max(size, least) for a, size in zip(apart, sizes, strict=True)),
    )


def norm(numbers: Any) -> float:
    return float(numpy.linalg.norm(numpy.asarray(numbers, numpy.float64).ravel()))


def in_float64(work: Work) -> Work:
    """The same work, its weights and its batch in double precision."""
    for module in work.network.modules():
        for value in vars(module).values():
            if isinstance(value, tn.Tensor):
                value.data = value.data.astype(numpy.float64)
    return work._replace(
        batch=tuple(a.astype(numpy.float64) if a.dtype.kind == "f" else a for a in work.batch)
    )
