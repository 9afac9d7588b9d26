"""`python -m benchmarks gpu --all`: all that shows whether a card computes right, and how fast.

For whoever has a GPU: its tests, its kernels under NVIDIA's compute-sanitizer where that is
installed, 100 steps of each model on both devices and once more for the same bits, each lesson, and
the timings.  A part that fails does not stop the others.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from lessons import CHAPTERS, in_cells
from tinynet.devices import checks

from ..twins.steps import our_step
from ..twins.work import Row
from .steps import gpu_step

ROOT = Path(__file__).parent.parent.parent
STEPS, QUICK_STEPS = 100, 20
TESTS = ("-m", "pytest", "-q", "-n", "auto", "-k", "gpu")
KERNELS = ("tests/devices/test_gpu_kernels.py", "-k", "not mistake")
LESSONS = [name for names in CHAPTERS.values() for name in names]
LIMIT = 600  # seconds for the tests, and for a lesson
ALIKE = 1e-2  # of losses after that many steps, relative: roundings grow


class Part(NamedTuple):
    """What was looked at.  text: the line of the summary."""

    name: str
    fine: bool
    text: str
    seconds: float


def main(
    rows: Mapping[str, Row], quick: bool, timings: Callable[[], dict[str, Any]]
) -> dict[str, Any]:
    """Print a summary at the end.  -> its parts, and what `timings` returns"""
    parts = [part("tests", lambda: tests(quick)), part("compute-sanitizer", sanitized)]
    for name, row in rows.items():
        parts.append(part(f"steps of {name}", lambda row=row: same_steps(row, quick)))
    if not quick:
        parts += [part(f"lesson {name}", lambda name=name: lesson(name)) for name in LESSONS]
    kept: dict[str, Any] = {}

    def timed() -> tuple[bool, str]:
        kept.update(timings())
        return True, f"{len(kept['models'])} models"

    parts.append(part("timings", timed))
    print("\nSummary")
    for p in parts:
        if not p.fine or not p.name.startswith(("steps", "lesson")):
            print(f"{'ok' if p.fine else 'FAILED':8}{p.name:24}{p.seconds:6.0f} s  {p.text}")
    for kind in ("steps", "lesson"):
        of_kind = [p for p in parts if p.name.startswith(kind)]
        print(f"{sum(p.fine for p in of_kind)} of {len(of_kind)}: {kind}")
    return kept | {"parts": [p._asdict() for p in parts]}


def part(name: str, look: Callable[[], tuple[bool, str]]) -> Part:
    """An error of any kind is a part that failed."""
    start = time.perf_counter()
    try:
        fine, text = look()
    except Exception as error:
        fine, text = False, f"{type(error).__name__}: {error}"
    finally:
        checks.forget()
    made = Part(name, fine, text, time.perf_counter() - start)
    print(f"{name}: {'ok' if fine else 'FAILED'}, {made.seconds:.0f} s  {text}", flush=True)
    return made


def ran(command: Sequence[str]) -> tuple[bool, str]:
    """Whether it ended with 0, and its last line."""
    try:
        result = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT, check=False
        )
    except subprocess.TimeoutExpired:
        return False, f"it took more than {LIMIT} s"
    lines = (result.stdout + result.stderr).strip().splitlines() or [""]
    return result.returncode == 0, lines[-1]


def tests(quick: bool) -> tuple[bool, str]:
    return ran((sys.executable, *TESTS, *(("-m", "not slow") if quick else ())))


def sanitized() -> tuple[bool, str]:
    """The kernels' tests, with every address and barrier looked at."""
    tool = shutil.which("compute-sanitizer")
    if tool is None:
        return True, "left out: compute-sanitizer is not installed; it comes with CUDA's toolkit"
    return ran((tool, "--error-exitcode", "1", sys.executable, "-m", "pytest", "-q", *KERNELS))


def same_steps(row: Row, quick: bool) -> tuple[bool, str]:
    """Losses on both devices from one start, and the bits of a second run on the GPU."""
    steps = [our_step(row.make(row.batch)), *(gpu_step(row.make(row.batch)) for _ in range(2))]
    largest, same = 0.0, True
    for _ in range(QUICK_STEPS if quick else STEPS):
        here, there, again = (float(step().item()) for step in steps)
        largest = max(largest, abs(here - there) / max(abs(here), 1e-12))
        same = same and there == again
    bits = "the same bits twice" if same else "OTHER BITS in a second run"
    return same and largest < ALIKE, f"losses differ by {largest:.1e} of their size, {bits}"


def lesson(name: str) -> tuple[bool, str]:
    size = ("--quick",) if in_cells(name) else ()
    run = (sys.executable, "-m", "tinynet", "lessons", "run", name, "--device", "gpu", *size)
    with tempfile.TemporaryDirectory() as out:
        return ran((*run, "--out", out))
