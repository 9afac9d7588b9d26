"""What every attack shares: trials, each with a seed of its own, and Ctrl-C at a chosen line."""

from __future__ import annotations

import itertools
import linecache
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy
import pytest


class Skipped(Exception):
    """Raised by a trial that can decide nothing."""


class Result(NamedTuple):
    trials: int
    skipped: int
    seconds: float
    failures: dict[int, BaseException]  # by seed


def attack(trial: Callable[[numpy.random.Generator, Path], None], seeds: Iterable[int]) -> Result:
    """One trial for each seed, in a new folder.  A trial raises where the library fails."""
    trials, skipped, start, failures = 0, 0, time.perf_counter(), {}
    for seed in seeds:
        trials += 1
        with tempfile.TemporaryDirectory() as folder:
            try:
                trial(numpy.random.default_rng(seed), Path(folder))
            except Skipped:
                skipped += 1
            except (Exception, pytest.fail.Exception) as error:  # and an error that did not come
                failures[seed] = error
    return Result(trials, skipped, time.perf_counter() - start, failures)


def interrupted(work: Callable[[], object], after: int, *places: Path | str) -> bool:
    """Do the work, with Ctrl-C at that line of those files or folders; whether it came.

    Lines are counted from 1, as they are run.  Those of `with` are spared: Python traces them once
    more before it calls __exit__, where a real Ctrl-C does not come.
    """
    lines = itertools.count(1)
    before = sys.gettrace()

    def trace(frame, event, argument):
        file = frame.f_code.co_filename
        if not file.startswith(tuple(map(str, places))):
            return None
        if event == "line" and next(lines) >= after:
            line = linecache.getline(file, frame.f_lineno)
            if not line.lstrip().startswith("with "):
                sys.settrace(before)
                raise KeyboardInterrupt
        return trace

    sys.settrace(trace)
    try:
        work()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False
