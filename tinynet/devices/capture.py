"""What is done otherwise while a training step is captured: see gpu/graphs.py."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

Draw = Callable[[], tuple[int, int]]  # the key of a noise


class State(threading.local):
    """Of a thread."""

    recording: Any = None  # the Recording that is going on
    rehearsed = False  # whether products are computed as in it, so that what they need is loaded


state = State()


def key(draw: Draw) -> Any:
    """Two numbers; or an array on the GPU, into which they are drawn for each replay."""
    return draw() if state.recording is None else state.recording.key(draw)
