"""What this machine can do at best: multiply large matrices, and copy memory.

Each is done by NumPy and by PyTorch, with the threads that all have, and the faster one counts.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy

SIDE = 2048  # of the square matrices
COPIED = 256 * 2**20  # bytes, far beyond the caches


class Limit(NamedTuple):
    """amount: floating-point operations, or bytes, of a step.  steps: by program."""

    name: str
    amount: int
    steps: dict[str, Callable[[], Any]]


def gemm(torch: Any) -> Limit:
    """float32, into memory that is there."""
    a, b, c = (numpy.full((SIDE, SIDE), value, numpy.float32) for value in (0.5, 0.25, 0))
    steps: dict[str, Any] = {"NumPy's product": lambda: numpy.matmul(a, b, out=c)}
    if torch:
        x, y, z = map(torch.from_numpy, (a, b, c))
        steps["PyTorch's product"] = lambda: torch.mm(x, y, out=z)
    return Limit(f"a product of {SIDE} x {SIDE} matrices", 2 * SIDE**3, steps)


def copy(torch: Any, threads: int) -> Limit:
    """As many bytes are written as are read.  NumPy copies on one thread, so each gets a slice."""
    source, target = (numpy.full(COPIED // 4, value, numpy.float32) for value in (1, 0))
    slices = list(
        zip(numpy.array_split(target, threads), numpy.array_split(source, threads), strict=True)
    )
    pool = ThreadPoolExecutor(threads)
    steps: dict[str, Any] = {
        "NumPy's copy": lambda: list(pool.map(lambda pair: numpy.copyto(*pair), slices))
    }
    if torch:
        x, y = map(torch.from_numpy, (target, source))
        steps["PyTorch's copy"] = lambda: x.copy_(y)
    return Limit(f"a copy of {COPIED // 2**20} MiB", 2 * COPIED, steps)
