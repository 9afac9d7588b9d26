"""The allocator: freed memory stays in the process, for the next array.

glibc, the C library of most Linux systems, returns a block to the system at once if it is large or
lies at the end of the heap.  Every new array is then paid for again, page by page, and each
operation makes arrays.  Keeping the memory made a step of a batch-norm CNN 1.2 times as fast, and
the sigmoid of 256 x 784 numbers four times.  The process grows no larger than its largest need.

If MALLOC_TRIM_THRESHOLD_ or MALLOC_MMAP_THRESHOLD_ is set, the user has chosen: nothing changes.
"""

from __future__ import annotations

import os

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of <malloc.h>
LARGEST = 2**31 - 1  # bytes


def keep_memory() -> bool:
    """Tell glibc to keep freed memory.  False without glibc, or if the user has chosen."""
    if "MALLOC_TRIM_THRESHOLD_" in os.environ or "MALLOC_MMAP_THRESHOLD_" in os.environ:
        return False
    try:
        import ctypes  # NumPy has it loaded already

        mallopt = ctypes.CDLL(None).mallopt
    except (ImportError, OSError, AttributeError, TypeError):  # a browser, Windows, macOS, musl
        return False
    mapped = mallopt(M_MMAP_THRESHOLD, 2**30) or mallopt(M_MMAP_THRESHOLD, 2**25)
    return bool(mallopt(M_TRIM_THRESHOLD, LARGEST) and mapped)
