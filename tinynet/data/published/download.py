"""Downloads one published file from its mirrors into the cache, with pooch, which is optional.

pooch checks the SHA-256 and only then gives the final name, so a file of that name is whole.  Extra
here: the mirrors are tried in order, and the bytes that have arrived stay in a .part file, so that
the next attempt resumes where the last one stopped.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent import futures
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ANSWER_SECONDS = 10.0  # until a mirror begins to answer
SILENCE_SECONDS = 30.0  # in the middle of a file
ROUNDS = 8  # through all mirrors, as long as each round brings more of the file

# Why no mirror was reached: without a network, only the first call waits.
_unreachable: dict[str, str] = {}


class DownloadError(Exception):
    """The file could not be downloaded: the reason for each mirror, and the remedy."""

    def __init__(self, reason: str, remedy: str = "connect to the internet"):
        super().__init__(reason)
        self.remedy = remedy


class _Refused(Exception):
    """A mirror answered, but did not send the file."""


def fetch(target: Path, mirrors: Sequence[str], size: int, sha256: str) -> None:
    """Download the file target.name from one of the mirrors, in order, unless it is there already.

    mirrors: addresses of folders, each ending in "/".  size: of the file; no more is ever written.

    DownloadError says what each mirror answered, or that pooch is not installed.
    """
    try:
        import pooch  # noqa: F401
    except ImportError:
        raise DownloadError(
            "no mirror, as pooch is not installed", "install it: pip install pooch"
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

    part = target.with_name(target.name + ".part")
    downloader = functools.partial(_resume, part, size)
    reasons: dict[str, str] = {}
    reached = False
    for _ in range(ROUNDS):
        before = _length(part)
        for mirror in mirrors:
            try:
                pooch.retrieve(  # nothing if another process has downloaded the file meanwhile
                    mirror + target.name, sha256, target.name, target.parent, downloader=downloader
                )
                return
            except (requests.Timeout, futures.TimeoutError):
                reason = f"no answer in {ANSWER_SECONDS:g} s"
            except requests.ConnectionError:
                reason = "no connection"
            except (requests.RequestException, _Refused) as error:
                reached, reason = True, str(error)
            except ValueError:  # of pooch
                reached, reason = True, "its file has another SHA-256 than the published one"
            reasons[urlsplit(mirror).netloc] = reason
        if _length(part) == before:  # a smaller part is progress too: a wrong one is gone
            break
    if not reached:
        _unreachable.update(reasons)
    raise DownloadError(_listed(reasons))


def _resume(part: Path, size: int, url: str, output_file: str, _: Any) -> None:
    """A downloader for pooch, which then checks the output file and gives it its name."""
    if _length(part) != size:
        _append(part, size, url)
    os.replace(part, output_file)


def _append(part: Path, size: int, url: str) -> None:
    """Append the rest of the file to the part, until it holds size bytes.

    pooch's own downloader cannot resume.  When the connection is cut, it loses the last chunk and
    leaves the socket open, and it decompresses a .gz that a mirror declares as encoded.
    """
    from urllib3.exceptions import HTTPError

    done = _length(part) if _length(part) < size else 0
    with _answer(url, done) as response:
        if response.status_code not in (200, 206):
            raise _Refused(f"HTTP {response.status_code}")
        if response.status_code == 200:  # the whole file, although the rest was asked for
            done = 0
        elif not response.headers.get("Content-Range", "").startswith(f"bytes {done}-"):
            raise _Refused("it sends another part of the file than was asked for")
        announced = response.headers.get("Content-Length", str(size - done))
        if announced != str(size - done):
            raise _Refused(f"it sends {announced} bytes where {size - done} are expected")
        with open(part, "ab" if done else "wb") as file, contextlib.suppress(HTTPError):
            while piece := response.raw.read(1 << 16, decode_content=False):
                if done + len(piece) > size:
                    raise _Refused(f"it sends more than the {size:,} bytes expected")
                file.write(piece)
                before, done = done, done + len(piece)
                _show(part.stem, before, done, size)
    if done < size:
        raise _Refused(f"the connection was cut after {done:,} of {size:,} bytes")


def _answer(url: str, start: int) -> Any:
    """The response to a request for the file from byte start on.

    A thread asks, because the time limit of requests holds for each address of a host and not for
    the name servers: on a machine without a network the waits add up to minutes.
    """
    import requests

    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    limits = (ANSWER_SECONDS, SILENCE_SECONDS)
    answer: futures.Future[Any] = futures.Future()

    def ask() -> None:
        try:
            answer.set_result(requests.get(url, headers=headers, stream=True, timeout=limits))
        except Exception as error:
            answer.set_exception(error)

    threading.Thread(target=ask, daemon=True).start()
    return answer.result(ANSWER_SECONDS)


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Lets in one process or thread at a time; the system opens the lock when a process dies."""
    with open(lock, "ab") as file:
        if sys.platform == "win32":
            import msvcrt

            with contextlib.suppress(OSError):  # after 10 seconds both download
                msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        else:
            import fcntl

            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _show(name: str, before: int, done: int, size: int) -> None:
    """A line that is overwritten at every twentieth of the file."""
    if before * 20 // size < done * 20 // size:
        end = "\n" if done == size else ""
        print(f"\r{name}: {done / size:4.0%} of {size / 1e6:.1f} MB", end=end, file=sys.stderr)
        sys.stderr.flush()


def _listed(reasons: dict[str, str]) -> str:
    return ", ".join(f"{host} ({reason})" for host, reason in reasons.items())
