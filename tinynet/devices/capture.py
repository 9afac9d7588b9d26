"""What is done otherwise while a training step is captured: see gpu/graphs.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Draw = Callable[[], tuple[int, int]]  # the key of a noise

recording: Any = None  # the Recording that is going on
rehearsed = False  # whether products are computed as in it, so that what they need is loaded


def between(work: Callable[[], None]) -> None:
    """Do that in each replay, by Python, after what was launched so far."""
    recording.between(work)


def key(draw: Draw) -> Any:
    """Two numbers; or an array on the GPU, into which they are drawn for each replay."""
    return draw() if recording is None else recording.key(draw)
