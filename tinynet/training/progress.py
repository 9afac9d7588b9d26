"""The progress of a training on stderr: one line that is rewritten, or plain lines in a file."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, TextIO


class Progress:
    """Writes to a stream, stderr unless another is given.  name: in front of each line.

    On a terminal or in a notebook: a bar, the numbers so far, the speed and the time left.
    Elsewhere: a plain line every 30 seconds, and one for each epoch.
    """

    def __init__(self, epochs: int, stream: TextIO | None = None, name: str = "") -> None:
        self.epochs = epochs
        self.name = f"{name}: " if name else ""
        self.stream = sys.stderr if stream is None else stream
        # Jupyter's stream is no terminal, but rewrites a line as one does.
        self.notebook = type(self.stream).__module__.startswith("ipykernel")
        self.terminal = self.notebook or self.stream.isatty()
        self.interval = 0.1 if self.terminal else 30.0  # seconds
        self.width = 0  # of the line that the next one rewrites

    def start(self, epoch: int, batches: int | None, unit: str) -> None:
        """Before each epoch.  batches: how many it has, if that is known."""
        self.epoch, self.batches, self.unit = epoch, batches, unit
        self.began = self.shown = self.trained = time.monotonic()
        self.examples = self.first = 0

    def batch(self, batch: int, examples: int, numbers: Callable[[], Mapping[str, float]]) -> None:
        """After each batch.  batch: how many are done; examples: in this one.

        numbers: gives them when they are shown: on a GPU, reading them waits.
        """
        if not self.first:
            self.first = batch
        self.examples += examples
        self.trained = time.monotonic()
        if self.trained - self.shown < self.interval:
            return
        seen = written(numbers())
        self.shown = self.trained = time.monotonic()  # after the wait
        seconds = self.shown - self.began
        epoch = f"{self.name}epoch {self.epoch}/{self.epochs} "
        text = f"{seen}  {self._speed(seconds)}"
        if self.batches:
            left = seconds * (self.batches - batch) / (batch - self.first + 1)
            text = f"{batch}/{self.batches}  {text}  {clock(left)} left"
            text = self._bar(batch / self.batches, self._columns() - len(epoch + text)) + text
        else:
            text = f"batch {batch}  {text}"
        self._write(epoch + text, stays=not self.terminal)

    def stop_clock(self) -> None:
        """When a GPU, too, is done with the last batch of an epoch."""
        self.trained = time.monotonic()

    def end(self, numbers: Mapping[str, float]) -> None:
        """After each epoch.  The speed is that of training; the time includes validation."""
        text = f"{self.name}epoch {self.epoch}/{self.epochs}  {written(numbers)}"
        text += f"  {self._speed(self.trained - self.began)}"
        self._write(f"{text}  {clock(time.monotonic() - self.began)}", stays=True)

    def interrupted(self) -> None:
        """At the end of a training: leave an unfinished line as it is, and begin a new one."""
        if self.terminal and self.width:
            self._write("", stays=True)

    def _bar(self, done: float, room: int) -> str:
        """[####      ], at most 20 characters long, if the line has room for it."""
        size = min(20, room - 3)
        return f"[{'#' * int(size * done):<{size}}] " if self.terminal and size >= 5 else ""

    def _speed(self, seconds: float) -> str:
        return f"{self.examples / max(seconds, 1e-9):,.0f} {self.unit}/s"

    def _columns(self) -> int:
        return (100 if self.notebook else shutil.get_terminal_size().columns) - 1

    def _write(self, text: str, stays: bool) -> None:
        end = "\n" if stays else ""
        if self.terminal and not stays:  # a line that wraps cannot be rewritten
            text = text[: self._columns()]
        if self.terminal:
            text = "\r" + text.ljust(self.width)
            self.width = 0 if stays else len(text) - 1
        print(text, end=end, file=self.stream, flush=True)


def written(numbers: Mapping[str, Any]) -> str:
    """loss 0.1234  accuracy 0.9876"""
    return "  ".join(f"{name} {value:.4f}" for name, value in numbers.items())


def clock(seconds: float) -> str:
    """0:59, 59:59, 1:00:00"""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
