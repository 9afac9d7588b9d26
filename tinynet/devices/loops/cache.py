"""Where compiled loops are kept, so that they are compiled once and not in every process.

A folder of the user's own, ~/.cache/tinynet on Linux; TINYNET_CACHE names another one.  Inside, one
folder for each combination of what the machine code depends on: the text of the loops, the
versions of Python, NumPy, Numba and LLVM, and the processor.  So an update never meets stale code.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pathlib
import platform
import sys
import tempfile
from collections.abc import Iterator

_DONE = "complete"  # a file that says: every loop of this folder was compiled


def base() -> pathlib.Path:
    """The folder that holds the others."""
    named = os.environ.get("TINYNET_CACHE")
    if named:
        return pathlib.Path(named)
    home = pathlib.Path.home()
    if sys.platform == "win32":
        return pathlib.Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local")) / "tinynet"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "tinynet"
    return pathlib.Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "tinynet"


def _key() -> str:
    """A hash of all that the machine code depends on."""
    import llvmlite.binding
    import numba
    import numpy

    parts = [
        sys.version, platform.machine(), numpy.__version__, numba.__version__,
        llvmlite.__version__, llvmlite.binding.get_host_cpu_name(),
        llvmlite.binding.get_host_cpu_features().flatten(),
    ]  # fmt: skip
    here = pathlib.Path(__file__).parent
    parts += [path.read_text("utf-8") for path in sorted(here.glob("*.py"))]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


class _Cache:
    """Found once, when the first loop is defined."""

    folder: pathlib.Path | None = None  # None: nothing is kept
    why_not = ""
    searched = False

    def find(self) -> None:
        self.searched = True
        try:
            folder = base() / f"loops-{_key()}"
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except (OSError, RuntimeError) as error:  # RuntimeError: there is no home folder
            reason = getattr(error, "strerror", None) or str(error)
            self.why_not = (
                f"{base_text()} cannot be written ({reason}). Set TINYNET_CACHE to a folder that "
                "can"
            )
        else:
            self.folder = folder

    def how_often(self) -> str:
        return "once" if self.folder else f"in each process, since {self.why_not}"

    @property
    def complete(self) -> bool:
        return self.folder is not None and (self.folder / _DONE).exists()

    def empty(self) -> None:
        for path in self.folder.rglob("*") if self.folder else ():
            with contextlib.suppress(OSError):
                path.unlink()

    def mark_complete(self) -> None:
        if self.folder is not None:
            with contextlib.suppress(OSError):
                (self.folder / _DONE).touch()


found = _Cache()


def base_text() -> str:
    try:
        return str(base())
    except RuntimeError:
        return "the folder for compiled loops"


@contextlib.contextmanager
def folder_for_numba() -> Iterator[bool]:
    """Numba keeps what is decorated inside in our folder.  -> whether anything is kept

    Numba reads its setting when a function is decorated; the user's own functions keep theirs.
    """
    from numba import config

    if not found.searched:
        found.find()
    if found.folder is None:
        yield False
        return
    before = config.CACHE_DIR
    config.CACHE_DIR = str(found.folder)
    try:
        yield True
    finally:
        config.CACHE_DIR = before
