"""Replaces a file in one step, so that a reader finds the old one or the new one.

The new file is written beside it under another name, and renamed when all of it is on the disk.  A
process killed before that leaves the old file whole, and a `.tinynet-*.tmp` to be deleted.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write; it replaces the one at path if the block ends without an error.

    It keeps the old permissions.  A write-protected file is an error here, although the system
    would replace it.  A symbolic link is followed.  OSError.
    """
    target = Path(os.path.realpath(path))
    mode = None
    with contextlib.suppress(FileNotFoundError):
        mode = os.stat(target).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError
        if not stat.S_ISREG(mode):
            raise ValueError("it is not a regular file. Choose another name.")
        if not os.access(target, os.W_OK):
            raise PermissionError
    temporary = target.with_name(f".tinynet-{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "xb") as file:
            if mode is not None:
                os.chmod(temporary, stat.S_IMODE(mode))
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
    except BaseException:  # KeyboardInterrupt too
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    if os.name == "posix":  # the new name, too, must survive a power cut
        with contextlib.suppress(OSError):  # some file systems cannot
            folder = os.open(target.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
