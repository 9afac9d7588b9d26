"""A file is replaced in one step, so that whoever looks finds the old one or the new one.

The new one is written beside it under another name, and renamed when all of it is on the disk.  A
process that is killed before that leaves the old file whole, and a `.tinynet-*.tmp` to be deleted.
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
    """A file to write, which takes the place of the one at path if the block ends without an error.

    It keeps the permissions of its predecessor, and refuses, though the system would not, to
    replace one that is write-protected.  A symbolic link is followed.  OSError.
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
    file = open(temporary, "xb")  # noqa: SIM115  closed below, before it is renamed
    try:
        with file:
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
    if os.name == "posix":  # the new name is to survive a power cut, too
        with contextlib.suppress(OSError):  # not every file system can
            folder = os.open(target.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
