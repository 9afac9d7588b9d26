"""Processes: what one has in memory, and running something in a process of its own."""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

MIB = 2**20


def resident_memory() -> int | None:
    """Bytes of this process in memory now; where the system does not tell, the most there were."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return peak_memory()
    return pages * os.sysconf("SC_PAGE_SIZE")


def peak_memory() -> int | None:
    """The most bytes of this process that were in memory at once; None on Windows."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        import resource
    except ImportError:
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def restart_peak() -> None:
    """From now on peak_memory is the most that there is from now on.  Only Linux can do it.

    What was freed goes back to the system first, also where glibc was told to keep it.
    """
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def in_its_own_process(
    function: Callable[..., Any], *arguments: Any, environment: Mapping[str, str] | None = None
) -> Any:
    """environment: what os.environ has more in that process, set before the function is imported.

    But after the main script: import what reads it inside `if __name__ == "__main__"`.
    """
    context = multiprocessing.get_context("spawn")
    more = dict(environment or {})
    with ProcessPoolExecutor(1, context, initializer=_set, initargs=(more,)) as pool:
        return pool.submit(function, *arguments).result()


def _set(environment: dict[str, str]) -> None:
    """In the new process, before anything that reads the environment is imported there."""
    os.environ.update(environment)


def mib(count: int | None) -> str:
    return "unknown" if count is None else f"{count / MIB:.1f} MiB"
