"""Where compiled loops are kept, so that they are compiled once and not in every process.

A folder of the user's own, ~/.cache/tinynet on Linux; TINYNET_CACHE names another one.  Inside, one
folder for each installation and all that its machine code depends on: the text of the loops, the
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


def base() -> pathlib.Path:
    """The folder that holds the others."""
    named = os.environ.get("TINYNET_CACHE")
    if named:
        return pathlib.Path(named).expanduser().absolute()
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
    parts += [f"{k}={v}" for k, v in sorted(os.environ.items()) if k.startswith("NUMBA_")]
    for path in sorted(pathlib.Path(__file__).parent.glob("*.py")):
        # Numba compiles anew where the place or the time differs, though the text is the same
        parts += [str(path), str(path.stat().st_mtime), path.read_text("utf-8")]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


class _Cache:
    """Found once, when the first loop is defined."""

    folder: pathlib.Path | None = None  # None: nothing is kept
    why_not = ""
    searched = False

    def find(self) -> None:
        if self.searched:
            return
        try:
            folder = base() / f"loops-{_key()}"
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except (OSError, RuntimeError) as error:  # RuntimeError: there is no home folder
            reason = getattr(error, "strerror", None) or str(error)
            self.why_not = (
                f"{base_text()} cannot be written ({reason}). "
                "Set TINYNET_CACHE to a folder where you may write"
            )
        else:
            self.folder = folder
        self.searched = True  # only now: Ctrl-C may come before

    def how_often(self) -> str:
        self.find()
        return "once" if self.folder else f"in each process, because {self.why_not}"

    def holds(self, count: int) -> bool:
        """Whether so many pieces of machine code are here."""
        self.find()
        return self.folder is not None and len(list(self.folder.rglob("*.nbc"))) >= count

    def remove(self, name: str) -> None:
        """The files of the loop of that name."""
        for path in self.folder.rglob(f"*.{name}[-_]*") if self.folder else ():
            with contextlib.suppress(OSError):
                path.unlink()


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
