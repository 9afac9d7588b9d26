"""How long `import tinynet` takes, beside `import numpy`, which it needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from .turns import ratio

MODULES = ("numpy", "tinynet")
CODE = "import time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"


def measure(rounds: int) -> dict[str, Any]:
    """Seconds of each import in a process of its own, in turns; the first of each warms up."""
    times: dict[str, list[float]] = {name: [] for name in MODULES}
    for number in range(rounds + 1):
        for name in MODULES if number % 2 else reversed(MODULES):
            seconds = seconds_to_import(name)
            if number:
                times[name].append(seconds)
    return {
        "seconds, by round": times,
        "tinynet's part of NumPy's": ratio(times["tinynet"], times["numpy"])._asdict(),
    }


def seconds_to_import(name: str) -> float:
    run = subprocess.run(
        [sys.executable, "-c", CODE.format(name)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],  # so that it is this tinynet
    )
    return float(run.stdout)
