"""Which form of the kernels the CPU runs: NumPy's (cpu/), compiled loops (loops/), or plain ones.

Numba compiles the loops.  It is imported when the first large array comes, and never by
`import tinynet`.  Without it, or where it does not work, NumPy computes.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import os
import re
import sys
import threading
import time
from typing import Any, NamedTuple

from ..messages.arguments import choice
from ..messages.mistakes import warn
from . import cpu, plain
from .cpu.blas import one_blas_thread
from .interrupt import ctrl_c_waits
from .settings import is_large

OLDEST = (0, 61)  # of Numba: the first one for NumPy 2.1
INSTALL = 'pip install "tinynet-edu[fast]"'
NAMES = {  # of the kernels that are loops
    "adam", "combine", "convolve", "convolve_transposed", "convolve_transposed_workspace",
    "convolve_workspace", "cross_entropy_back", "elementwise", "keep_mask", "kernel_gradient",
    "leaky_relu", "leaky_relu_back", "log_softmax", "masked", "max_pool", "max_pool_back",
    "mean", "moments", "product", "products_and_sums", "relu", "relu_back", "rmsprop",
    "scale_and_shift", "sum_pool", "sum_pool_back", "total",
}  # fmt: skip


class Compiled(NamedTuple):
    """Whether the CPU runs compiled loops, and why, or why not.  True or False in an `if`."""

    active: bool
    why: str

    def __bool__(self) -> bool:
        return self.active

    def __str__(self) -> str:
        return self.why


_state = Compiled(False, "")
_asked = ""  # TINYNET_COMPILED
_lock = threading.RLock()
_loaded: Any = None  # the loops
chosen: Any = cpu  # the kernels that compute with NumPy's arrays


def compiled() -> Compiled:
    """Whether the CPU runs compiled loops, with the reason: print it.

    Numba compiles them where it is installed (`pip install "tinynet-edu[fast]"`).
    TINYNET_COMPILED=0 in the environment turns them off.  TINYNET_COMPILED=1 makes it an error if
    they cannot run.
    """
    return _state


def loops_for(array: Any) -> Any:
    """The compiled loops, if they compute with that array; otherwise None."""
    if chosen is cpu or chosen is plain or not is_large(array):
        return None
    load()
    return _loaded


def choose() -> None:
    """Decide by the environment, when tinynet is imported."""
    global chosen, _state, _asked
    plain_asked = choice("", "TINYNET_PLAIN", os.environ.get("TINYNET_PLAIN", ""), ("", "0", "1"))
    given = os.environ.get("TINYNET_COMPILED", "")
    _asked = choice("", "TINYNET_COMPILED", given, ("", "0", "1"))
    if plain_asked == "1":
        chosen, _state = plain, Compiled(False, "plain kernels: TINYNET_PLAIN is 1.")
    elif _asked == "0":
        _state = Compiled(False, "NumPy alone: TINYNET_COMPILED is 0.")
    else:
        why_not = _why_not()
        if why_not and _asked == "1":
            raise ImportError(f"TINYNET_COMPILED is 1, but {why_not}")
        if why_not:
            _state = Compiled(False, f"NumPy alone: {why_not}")
        else:
            chosen = _FirstUse()
            _state = Compiled(
                True, f"compiled loops, by Numba {_version()}, from the first large array on."
            )


def _version() -> str:
    return importlib.metadata.version("numba")


def _why_not() -> str:
    """Why Numba cannot serve, as far as this shows without importing it; "" if it can."""
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return "NUMBA_DISABLE_JIT turns Numba off. Unset it."
    try:
        if importlib.util.find_spec("numba") is None:
            return f"numba is not installed. Install it: {INSTALL}"
        version = _version()
        numbers = tuple(int(n) for n in re.findall(r"\d+", version)[:2])
    except (ImportError, ValueError, TypeError):  # a folder of that name; its version is lost
        return f"numba is only half installed. Install it: {INSTALL}"
    if numbers < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        return f"numba {version} is older than {oldest}. Update it: {INSTALL}"
    return ""


class _FirstUse:
    """The kernels until the first large array of float32 comes; then the loops are loaded."""

    def __getattr__(self, name: str) -> Any:
        in_numpy = getattr(cpu, name)

        def kernel(*values: Any, **settings: Any) -> Any:
            if name.endswith("_workspace") or any(is_large(value) for value in values):
                return getattr(load(), name)(*values, **settings)
            return in_numpy(*values, **settings)

        found = kernel if name in NAMES else in_numpy
        setattr(self, name, found)
        return found


def load() -> Any:
    """Import Numba, and compile the loops or read them from the cache.  -> the kernels

    If that fails, a warning says why, and NumPy computes from then on.
    """
    global chosen, _loaded, _state
    with _lock:
        if _loaded is None and _state.active:
            try:
                with ctrl_c_waits():
                    from . import loops

                loops.compile_all(_Progress)
                one_blas_thread.search_again()
            except Exception as error:
                reason = (str(error).strip() or "no reason given").splitlines()[0]
                text = f"numba does not work here: {type(error).__name__}: {reason}"
                if _asked == "1":
                    raise ImportError(f"TINYNET_COMPILED is 1, but {text}") from error
                chosen, _state = cpu, Compiled(False, f"NumPy alone: {text}")
                warn(
                    f"{text}\nNumPy computes instead: slower, and just as right. To do without "
                    "numba and this warning, set TINYNET_COMPILED=0 in the environment."
                )
            else:
                _loaded = loops
                if isinstance(chosen, _FirstUse):
                    chosen = loops
                _state = Compiled(True, f"compiled loops, by Numba {_version()}, {loops.kept()}.")
        return chosen if _loaded is None else _loaded


def _forked() -> None:
    """In a child: if another thread was compiling, Numba's locks stay locked, so NumPy computes."""
    global chosen, _state, _lock
    if _lock.acquire(blocking=False):
        _lock.release()
    else:
        chosen, _lock = cpu, threading.RLock()
        _state = Compiled(False, "NumPy alone: this process was forked while loops were compiled.")


if hasattr(os, "register_at_fork"):  # not on Windows
    os.register_at_fork(after_in_child=_forked)


class _Progress:
    """One line: "tinynet compiles 17 loops, once: ................. 12 s"."""

    def __init__(self, count: int, how_often: str) -> None:
        self.start = time.perf_counter()
        self.write(f"tinynet compiles {count} loops, {how_often}: ")

    def write(self, text: str) -> None:
        # AttributeError: it is None in a window without a console; the others: it is closed
        with contextlib.suppress(AttributeError, OSError, ValueError):
            sys.stderr.write(text)
            sys.stderr.flush()

    def step(self) -> None:
        self.write(".")

    def end(self) -> None:
        self.write(f" {time.perf_counter() - self.start:.0f} s\n")
