"""Bringing one published file from its mirrors into the cache, by pooch, which is optional.

What has arrived stays in a .part file, and the next attempt goes on where the last one stopped.
The final name is given when the SHA-256 is right, so a file with that name is whole.
"""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ANSWER_SECONDS = 10.0  # for a mirror to begin to answer
SILENCE_SECONDS = 30.0  # in the middle of a file
ROUNDS = 8  # through all mirrors, as long as each round brings more of the file
_STEP = 1 << 16

# Why no mirror could be reached, once that has happened: whoever has no network waits only once.
_unreachable: dict[str, str] = {}


class DownloadError(Exception):
    """The file could not be brought: the reason, for each mirror, and what to do about it."""

    def __init__(self, reason: str, remedy: str = "connect to the internet"):
        super().__init__(reason)
        self.remedy = remedy


class _Refused(Exception):
    """A mirror answered, but not with what was asked for."""


def fetch(target: Path, mirrors: Sequence[str], size: int, sha256: str) -> None:
    """Bring the file target.name from one of the mirrors, in order, unless it is there already.

    mirrors: addresses of folders, each ending in "/".  size: of the file; no more is ever written.

    DownloadError says what each mirror answered, or that pooch is not installed.
    """
    try:
        import pooch  # noqa: F401
    except ImportError:
        raise DownloadError(
            "no mirror, as pooch is not installed", 'install pooch: pip install -e ".[lessons]"'
        ) from None
    if _unreachable:
        raise DownloadError(
            f"no mirror, as none was reached before: {_listed(_unreachable)}",
            "connect to the internet and start Python anew",
        )
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _alone(target.parent / ".lock"):
            _fetch(target, mirrors, size, sha256)
    except OSError as error:
        reason = f"{target.parent} cannot be written: {error.strerror or error}"
        raise DownloadError(reason, "set TINYNET_CACHE to a folder with room") from None


def _fetch(target: Path, mirrors: Sequence[str], size: int, sha256: str) -> None:
    import pooch
    import requests
    import urllib3

    part = target.with_name(target.name + ".part")

    def downloader(url: str, output_file: Any, _: Any) -> None:
        _go_on(url, part, size)
        os.replace(part, output_file)  # pooch checks it, then renames it or throws it away

    reasons: dict[str, str] = {}
    reached = False
    for _ in range(ROUNDS):
        before = _length(part)
        for mirror in mirrors:
            try:
                pooch.retrieve(  # nothing if another process has brought the file meanwhile
                    mirror + target.name, sha256, target.name, target.parent, downloader=downloader
                )
                return
            except (requests.Timeout, TimeoutError):
                reason = f"no answer in {ANSWER_SECONDS:g} s"
            except requests.ConnectionError:
                reason = "no connection"
            except (requests.RequestException, urllib3.exceptions.HTTPError, _Refused) as error:
                reached = True
                cut = f"the connection was cut after {_length(part):,} of {size:,} bytes"
                reason = str(error) if isinstance(error, _Refused) else cut
            except ValueError:  # what pooch raises
                reached = True
                reason = "what it sends has another SHA-256 than the published file"
            reasons[urlsplit(mirror).netloc] = reason
        if _length(part) == before:  # smaller counts too: the part may have been what was wrong
            break
    if not reached:
        _unreachable.update(reasons)
    raise DownloadError(_listed(reasons))


def _go_on(url: str, part: Path, size: int) -> None:
    """Append to the part what the mirror has from there on, until it holds size bytes."""
    done = _length(part)
    if done == size:
        return
    if done > size:
        done = 0
    with _answer(url, done) as response:
        if response.status_code not in (200, 206):
            raise _Refused(f"HTTP {response.status_code}")
        if response.status_code == 200:  # the whole file, whatever was asked for
            done = 0
        elif not response.headers.get("Content-Range", "").startswith(f"bytes {done}-"):
            raise _Refused("it sends another part of the file than was asked for")
        announced = response.headers.get("Content-Length", str(size - done))
        if announced != str(size - done):
            raise _Refused(f"it sends {announced} bytes where {size - done} are expected")
        with open(part, "ab" if done else "wb") as file:
            # Not decoded: a mirror may call the .gz an encoding, and it is the file.
            while step := response.raw.read(_STEP, decode_content=False):
                if done + len(step) > size:
                    raise _Refused(f"it sends more than the {size:,} bytes expected")
                file.write(step)
                before, done = done, done + len(step)
                _show(part.stem, before, done, size)
    if done < size:
        raise _Refused(f"the connection was cut after {done:,} of {size:,} bytes")


def _answer(url: str, start: int) -> Any:
    """The response to a request for the file from byte start on, or TimeoutError.

    Asked in a thread, as the limit of requests holds for each address of a host and for none of the
    name servers: on a machine without a network that adds up to minutes.
    """
    import requests

    headers = {"Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    answers: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def ask() -> None:
        limits = (ANSWER_SECONDS, SILENCE_SECONDS)
        try:
            answers.put(requests.get(url, headers=headers, stream=True, timeout=limits))
        except Exception as error:
            answers.put(error)

    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=ANSWER_SECONDS)
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(answer, Exception):
        raise answer
    return answer


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """One process or thread at a time; the system opens the lock when a process dies."""
    with open(lock, "ab") as file:
        if sys.platform == "win32":
            import msvcrt

            with contextlib.suppress(OSError):  # after 10 seconds: then both download
                msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        else:
            import fcntl

            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _show(name: str, before: int, done: int, size: int) -> None:
    """A line that is written over, at every twentieth of the file."""
    if before * 20 // size < done * 20 // size:
        end = "\n" if done == size else ""
        print(f"\r{name}: {done / size:4.0%} of {size / 1e6:.1f} MB", end=end, file=sys.stderr)
        sys.stderr.flush()


def _listed(reasons: dict[str, str]) -> str:
    return ", ".join(f"{host} ({reason})" for host, reason in reasons.items())
