"""`python -m tests.hostile [ATTACK...]` attacks the library, and prints a table.

`--thorough` takes 20 minutes.  `python -m tests.hostile graphs --seed 123` repeats one trial, with
its traceback.  Exit code: 1 if anything failed.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
import warnings
from collections.abc import Iterator, Sequence

os.environ["TINYNET_OFFLINE"] = "1"
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy is loaded

from . import files, graphs, optimizer, runs, threads
from .trials import Result, attack

ATTACKS = {  # what to call, and the number of trials under pytest and with --thorough
    "graphs": (graphs.trial, 300, 20_000),
    "optimizer": (optimizer.trial, 80, 2_000),
    "threads": (threads.trial, 8, 200),
    "stops": (runs.stop, 12, 100),
    "kills": (runs.kill, 2, 40),
    "files": (files.trial, 300, 30_000),
}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.hostile", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="ATTACK", help=", ".join(ATTACKS))
    parser.add_argument("--thorough", action="store_true", help="many trials")
    parser.add_argument("--trials", type=int, help="so many trials instead")
    parser.add_argument("--seed", type=int, help="of the first trial; without --trials, the only")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(ATTACKS):
        parser.error(f"there is no attack {', '.join(unknown)}: {', '.join(ATTACKS)}")
    warnings.simplefilter("error")  # as under pytest
    results = {}
    for name in options.names or ATTACKS:
        trial, quick, thorough = ATTACKS[name]
        trials = thorough if options.thorough else quick if options.seed is None else 1
        results[name] = attack(trial, shown(name, options.seed or 0, options.trials or trials))
    print(f"{'attack':12}{'trials':>9}{'skipped':>9}{'failures':>10}{'seconds':>9}")
    for name, (trials, skipped, seconds, failures) in results.items():
        print(f"{name:12}{trials:9}{skipped:9}{len(failures):10}{seconds:9.1f}")
        if options.seed is not None and trials == 1:
            for error in failures.values():
                traceback.print_exception(error)
    lines = [line for name, result in results.items() for line in faults(name, result)]
    print(*lines, sep="\n", end="\n" if lines else "")
    return 1 if lines else 0


def shown(name: str, first: int, trials: int) -> Iterator[int]:
    """The seeds of an attack; a line is printed before each tenth of them."""
    for i in range(trials):
        if i % max(1, trials // 10) == 0:
            print(f"{name}: {i} of {trials}", file=sys.stderr, flush=True)
        yield first + i


def faults(name: str, result: Result) -> list[str]:
    """What is wrong, in a line each."""
    lines = [
        f"{name} --seed {seed}: {type(error).__name__}: " + " ".join(str(error).split())[:200]
        for seed, error in result.failures.items()
    ]
    if result.trials > 20 and result.skipped > 0.1 * result.trials:
        lines.append(f"{name}: {result.skipped} of {result.trials} trials decide nothing")
    return lines


if __name__ == "__main__":
    sys.exit(main())
