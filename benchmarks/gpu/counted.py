"""What a training step costs on a GPU, counted without one: launches, waits and copies.

The pretended CuPy of the tests counts them; its CUDA kernels are compiled by g++ for the CPU.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tinynet.devices import checks, gpu

from ..twins.work import Row
from .steps import gpu_step

KINDS = ("launches", "waits", "to the host", "to the device")
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
