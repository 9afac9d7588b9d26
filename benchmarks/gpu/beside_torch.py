"""The training steps beside PyTorch's on the same card, at the lecture's batch.

tinynet runs as it is, and captured by tn.capture.  PyTorch runs eagerly, with its loss compiled by
torch.compile, and captured: its whole step as a CUDA graph, replayed.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from typing import Any

import tinynet as tn

from ..cpu import others
from ..measure.process import mib
from ..measure.pytorch import Disagreement
from ..measure.turns import Effort, Spread, ratio, spread
from ..twins import in_torch_compiled
from ..twins.agreement import NEAR_LOSS
from ..twins.in_torch import LAYOUTS, Twin
from ..twins.steps import Step, twin_step
from ..twins.work import Row, Work
from . import floor, steps

Maker = Callable[[Row], Step]
DEVICE = "cuda"  # PyTorch's word
OURS, OURS_CAPTURED = "tinynet", "tinynet, captured"
EAGER = tuple(f"PyTorch, {layout}" for layout in LAYOUTS)
COMPILED, CAPTURED = "PyTorch, compiled", "PyTorch, captured"


def cuda_torch() -> Any:
    """PyTorch, if it is there with CUDA; else None."""
    try:
        import torch
    except ImportError:
        return None
    return torch if torch.cuda.is_available() else None


def same_precision(torch: Any, precision: str) -> None:
    """Of products, and of convolutions, which PyTorch would compute in TF32 by itself."""
    tf32 = precision == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = tf32
    torch.backends.cudnn.benchmark = True  # the best of its convolutions


def report(rows: Mapping[str, Row], torch: Any, effort: Effort, compiled: bool) -> dict[str, Any]:
    """Print a line for each model.  torch: None: beside the floor alone.

    compiled: also with torch.compile, which takes 10 to 50 seconds for a model.
    """
    limits = floor.limits()
    print(
        f"\nBeside PyTorch on the same card; the floor: {limits.operations / 1e12:.3g} TFLOP/s of "
        f"a product of {floor.SIDE} x {floor.SIDE}, {limits.bytes / 1e9:.4g} GB/s of a copy\n"
        f"{'':30}{'tinynet':>24}{'PyTorch':>36}{'':12}{'peak memory':>24}\n"
        f"{'model':24}{'batch':>6}{'':12}{'captured':>12}{'':12}{'compiled':>12}{'captured':>12}"
        f"{'floor':>12}{'tinynet':>12}{'PyTorch':>12}   tinynet takes, of PyTorch eager's"
    )
    makers = {OURS_CAPTURED: captured_by_us} | (forms(torch) if torch else {})
    if not compiled:
        makers.pop(COMPILED, None)
    found = []
    for name, row in rows.items():
        found.append(of_model(name, row, torch, makers, effort))
        least = floor.least(row, row.batch)
        found[-1] |= {"least": least._asdict(), "floor": limits.seconds(least)}
        print(line(found[-1]), flush=True)
        gc.collect()
    return {"limits": limits._asdict(), "models": found}


def of_model(
    name: str, row: Row, torch: Any, makers: Mapping[str, Maker], effort: Effort
) -> dict[str, Any]:
    """A form that does not run is left out, and "missing" says why."""
    contestants = {OURS: steps.gpu_step(row.make(row.batch))}
    peaks = {OURS: steps.first(contestants[OURS]).peak}
    missing: dict[str, str] = {}
    for form, make in makers.items():
        try:
            if form == EAGER[0]:
                check(name, row, torch)
            step = make(row)
            if form in EAGER:
                peaks[form] = peak_of_torch(torch, step)
            step()
            contestants[form] = step
        except Exception as error:  # no twin, other losses, no compiler, no room: all are told
            missing[form] = f"{type(error).__name__}: {error}"
            print(f"{name}: {form}: {missing[form].splitlines()[0]}")
            if isinstance(error, Disagreement) and form in EAGER:
                break
    times = steps.take_turns(contestants, effort)
    eager = [form for form in EAGER if form in times]
    best = min(eager, key=lambda form: spread(times[form]).median, default=None)
    return {
        "model": name,
        "batch": row.batch,
        "seconds a step, by round": times,
        "peak": peaks,
        "missing": missing,
        "PyTorch's better layout": best,
        "tinynet's part of it": ratio(times[OURS], times[best])._asdict() if best else None,
    }


def forms(torch: Any) -> dict[str, Maker]:
    """How PyTorch's steps are made."""

    def eager(layout: str) -> Maker:
        return lambda row: twin_step(row.make(row.batch), Twin(torch, layout, DEVICE))

    made = {form: eager(layout) for form, layout in zip(EAGER, LAYOUTS, strict=True)}
    made[COMPILED] = lambda row: in_torch_compiled.training_step(row.make(row.batch), device=DEVICE)
    return made | {CAPTURED: lambda row: captured(torch, row.make(row.batch))}


def captured_by_us(row: Row) -> Step:
    """After steps that gave the losses of ordinary ones; else Disagreement."""
    step = tn.capture(steps.gpu_step(row.make(row.batch)))
    differ = steps.agreement(steps.gpu_step(row.make(row.batch)), step, 5)
    if not differ <= NEAR_LOSS:  # NaN too
        raise Disagreement(f"losses of ordinary and captured steps differ by {differ:.1e}.")
    return step


def captured(torch: Any, work: Work) -> Step:
    """The whole step as a CUDA graph, after three steps on a stream of its own."""
    step = twin_step(work, Twin(torch, LAYOUTS[1], DEVICE), capturable=True)
    own, outside = torch.cuda.Stream(), torch.cuda.current_stream()
    own.wait_stream(outside)
    with torch.cuda.stream(own):
        for _ in range(3):
            step()
    outside.wait_stream(own)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        loss = step()

    def replay() -> Any:
        graph.replay()
        return loss

    return replay


def peak_of_torch(torch: Any, step: Step) -> int:
    """The most bytes that a step adds to those before it, after a first one."""
    step()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    step()
    return torch.cuda.max_memory_allocated() - before


def check(name: str, row: Row, torch: Any) -> None:
    """Disagreement unless the first loss is that of tinynet on the CPU, from the same noise."""

    def make(work: Work, as_ours: bool) -> Step:
        twin = Twin(torch, LAYOUTS[0], DEVICE)
        twin.draw_like(work.rng)
        return twin_step(work, twin)

    others.check(name, "PyTorch on the GPU", row, make, others.ALLOWED[:1])


def line(found: Mapping[str, Any]) -> str:
    """One row of the table."""
    times, best, peaks = (
        found[key] for key in ("seconds a step, by round", "PyTorch's better layout", "peak")
    )

    def ms(form: str) -> str:
        return f"{1000 * spread(times[form]).median:.3f} ms" if form in times else "-"

    columns = [ms(form) for form in (OURS, OURS_CAPTURED, best, COMPILED, CAPTURED)]
    columns += [f"{1000 * found['floor']:.3f} ms", mib(peaks[OURS])]
    columns.append(mib(peaks[best]) if best else "-")
    text = f"{found['model']:24}{found['batch']:6}" + "".join(f"{c:>12}" for c in columns)
    part = found["tinynet's part of it"]
    return f"{text}   {Spread(**part).show('.2f')}" if part else text
