"""`python -m tests.emulator tests.emulator.lesson NAME` is a short run of a lesson on the GPU."""

from __future__ import annotations

import importlib
import sys
import tempfile

import matplotlib

matplotlib.use("Agg")

from lessons import in_cells, module_of
from lessons.__main__ import main as command

from ..lessons.small import SMALL, Small


def main(name: str) -> int:
    if in_cells(name):
        with tempfile.TemporaryDirectory() as out:
            return command(["run", name, "--quick", "--device", "gpu", "--out", out])
    lesson, small = importlib.import_module(module_of(name)), SMALL.get(name, Small({}))
    results = lesson.main(device="gpu", **small.settings)
    lesson.show(results)
    due = [c for c in lesson.claims(results) if not c.what.startswith(small.beyond)]
    failed = [claim for claim in due if not claim.holds]
    print(*failed, sep="\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
