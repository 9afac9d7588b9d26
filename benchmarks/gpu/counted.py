"""What a training step costs on a GPU, counted without one: launches, waits and copies.

The pretended CuPy of the tests counts them; its CUDA kernels are compiled by g++ for the CPU.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tinynet.devices import checks, gpu

from ..twins.work import Row
from .steps import gpu_step

KINDS = ("launches", "waits", "to the host", "to the device")
ROOT = Path(__file__).parent.parent.parent
MISSING: Any = object()
BATCH = 4  # the counts do not depend on it


@contextmanager
def pretended() -> Iterator[Mapping[str, int]]:
    """A GPU that is none.  Gives what is counted."""
    from tests import strict_cupy

    before = sys.modules.get("cupy", MISSING)
    sys.modules["cupy"] = strict_cupy.StrictCupy()
    gpu.gpu_unavailable_reason.cache_clear()
    try:
        yield strict_cupy.counts
    finally:
        checks.forget()
        gpu.gpu_unavailable_reason.cache_clear()
        if before is MISSING:
            del sys.modules["cupy"]
        else:
            sys.modules["cupy"] = before


def counted(row: Row) -> dict[str, int]:
    """Of the third step, when everything is laid out."""
    with pretended() as counts:
        step = gpu_step(row.make(BATCH))
        step()
        step()
        before = dict(counts)
        step()
        return {kind: counts.get(kind, 0) - before.get(kind, 0) for kind in KINDS}


def in_own_process(names: Iterable[str]) -> dict[str, dict[str, int]]:
    """What report() counts, where a GPU is in use in this process; nothing without g++."""
    call = f"from benchmarks.gpu import counted; counted.as_json({list(names)})"
    result = subprocess.run(
        (sys.executable, "-c", call), capture_output=True, text=True, check=False, cwd=ROOT
    )
    if result.returncode:
        lines = result.stderr.strip().splitlines() or ["it failed"]
        print(f"launches are not counted: {lines[-1]}")
        return {}
    return json.loads(result.stdout)


def as_json(names: Iterable[str]) -> None:
    from ..twins.models import MODELS

    print(json.dumps({name: counted(MODELS[name]) for name in names}))


def text(counts: Mapping[str, int] | None) -> str:
    """For one model: "43 launches, 0 waits, 0 to the host, 0 to the device"."""
    if counts is None:
        return "not counted"
    return ", ".join(f"{counts[kind]} {kind}" for kind in KINDS)


def report(rows: Mapping[str, Row]) -> list[dict[str, Any]]:
    """Print a line for each model.  -> what was counted"""
    print("A training step on a GPU, counted: forward, loss, backward, Adam; the data is there")
    print(f"{'model':24}" + "".join(f"{kind:>15}" for kind in KINDS))
    found = []
    for name, row in rows.items():
        counts = counted(row)
        found.append({"model": name, **counts})
        print(f"{name:24}" + "".join(f"{counts[kind]:15}" for kind in KINDS), flush=True)
    return found
