"""Warnings of likely mistakes: what runs without an error, and is hardly what was meant."""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path
from typing import Any

from .arguments import channels_first, written

_HERE = str(Path(__file__).parent.parent) + os.sep  # the folder of tinynet


class MistakeWarning(UserWarning):
    """Something runs, and is hardly what was meant.  The text says what to write instead.

    Python shows each such warning once for each line of your code.  Where you do mean it:
    `warnings.simplefilter("ignore", tn.MistakeWarning)`.
    """


def tell_channels_first(where: str, shape: Any) -> None:
    """Warn of data that other libraries would call pictures (N, C, H, W)."""
    cure = channels_first(shape)
    if cure:
        H, W, C = shape
        warn(f"{where}: input {written(shape)}: {H} x {W} pixels, {C} channels? {cure}")


def warn(message: str) -> None:
    """Warn of a likely mistake, at the line of the person's code that led to it."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_HERE):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, MistakeWarning, stacklevel=level)
