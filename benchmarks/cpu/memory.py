"""The most memory that a training takes, in tinynet and in PyTorch, each in a process of its own.

A process of its own, because the peak of a process never falls, and because what one library keeps
for later would be counted as the other's.
"""

from __future__ import annotations

import gc
from collections.abc import Sequence
from typing import Any

from ..measure.process import in_its_own_process, peak_memory, resident_memory, restart_peak
from ..measure.pytorch import pytorch
from ..twins.in_torch import Twin
from ..twins.steps import OURS, compiled, our_step, twin_step
from ..twins.work import Row

# tinynet tells glibc to keep freed memory, but not where somebody has chosen.  glibc reads this
# when a process starts; set later, it leaves everything as PyTorch's users have it.
AS_GLIBC_IS = {"MALLOC_TRIM_THRESHOLD_": "131072"}


def peaks(row: Row, programs: Sequence[str], steps: int, threads: int) -> dict[str, Any]:
    """Bytes of each program, of OURS or a layout of PyTorch's: what peak() says of it."""
    found = {}
    for name in programs:
        more = {} if name in OURS else AS_GLIBC_IS
        found[name] = in_its_own_process(peak, name, row, steps, threads, environment=more)
    return found


def peak(program: str, row: Row, steps: int, threads: int) -> dict[str, int | None]:
    """Of this process, which trains for so many steps: bytes "in all" and "above the import".

    All programs import tinynet and the lesson that the model is from, PyTorch's PyTorch too, and
    the compiled form's Numba.  What making the model and drawing the batch took for a while does
    not count; the model, the batch and all that the steps need does.
    """
    row.make(2)  # imports the lesson
    torch = None if program in OURS else pytorch(threads)[0]
    kernels = compiled() if program == "compiled" else None
    gc.collect()
    restart_peak()  # gives back what is free
    before = resident_memory()
    work = row.make(row.batch)
    if torch is None:
        step = our_step(work, kernels)
    else:
        twin = Twin(torch, program)
        step = twin_step(work, twin)
        _forget(twin)
        del twin
    del work
    gc.collect()
    restart_peak()
    for _ in range(steps):
        step()
    most = peak_memory()
    above = None if most is None or before is None else most - before
    return {"in all": most, "above the import": above}


def _forget(twin: Twin) -> None:
    """Our weights: the twin has its own."""
    for pair in twin.pairs:
        pair.ours.data = pair.ours.data[:0].copy()


def better(found: dict[str, Any]) -> str | None:
    """The layout with which PyTorch takes less; None without PyTorch."""
    layouts = [name for name in found if name not in OURS and found[name]["in all"] is not None]
    return min(layouts, key=lambda name: found[name]["in all"], default=None)


def parts(found: dict[str, Any]) -> tuple[float, ...]:
    """What tinynet takes of what PyTorch takes: in all, and above the import."""
    ours, theirs = found["tinynet"], found[str(better(found))]
    return tuple(ours[key] / theirs[key] for key in ("in all", "above the import"))
