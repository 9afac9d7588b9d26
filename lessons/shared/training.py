"""Train with a name and on the device that the person asked for; guess without training."""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np

import tinynet as tn

from .session import current


def fit(
    name: str, model: Any, data: Any, loss: Any, optimizer: Any, epochs: int, **more: Any
) -> Any:
    """tn.fit where --device says, with one line of progress that has the training's name.

    Afterwards the model is on the CPU, as all else in a lesson.
    """
    model.to(current().device)
    data.device = current().device
    line = _Line(name, epochs)
    progress: str | bool = name  # a full epoch takes minutes: a bar for each
    if current().size != "full":
        progress, more["callbacks"] = False, [*more.get("callbacks", ()), line.show]
    try:
        return tn.fit(model, data, loss, optimizer, epochs, progress=progress, **more)
    finally:
        line.end()
        model.to("cpu")


class _Line:
    """A line on stderr: rewritten after each epoch on a terminal, elsewhere only the last one."""

    def __init__(self, name: str, epochs: int) -> None:
        self.name, self.epochs, self.text = name, epochs, ""
        self.terminal, self.began = sys.stderr.isatty(), time.perf_counter()

    def show(self, run: Any) -> None:
        loss = run.history["loss"][-1]
        took = time.perf_counter() - self.began
        self.text = f"  {self.name}: epoch {run.epoch}/{self.epochs}, loss {loss:.4f}, {took:.1f} s"
        if self.terminal:
            print(f"\r{self.text}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        if self.text:
            print("" if self.terminal else self.text, file=sys.stderr, flush=True)


def accuracy(model: Any, x: np.ndarray, labels: np.ndarray) -> float:
    """The share of examples whose largest output is that of their label."""
    return float((tn.predict(model, x).argmax(axis=1) == labels).mean())


# -- baselines: what can be had without a network --------------------------------------------------


def nearest_picture(train: np.ndarray, labels: np.ndarray, test: np.ndarray) -> np.ndarray:
    """For each test picture the label of the training picture whose pixels differ least.

    (N, ...), (N,), (M, ...) -> (M,)
    """
    known = train.reshape(len(train), -1).astype(np.float32)
    asked = test.reshape(len(test), -1).astype(np.float32)
    squares = (known**2).sum(axis=1)
    return np.concatenate(
        [labels[(squares - 2 * part @ known.T).argmin(axis=1)]
         for part in np.array_split(asked, max(1, len(asked) // 500))]
    )  # fmt: skip


def least_squares(train: np.ndarray, labels: np.ndarray, test: np.ndarray) -> np.ndarray:
    """For each test picture the answer of the best linear map from pixels to one-hot labels.

    A little ridge (0.001 of the mean squared pixel for each picture) keeps it stable where pixels
    are always equal.  (N, ...), (N,), (M, ...) -> (M,)
    """
    known, asked = (x.reshape(len(x), -1).astype(np.float64) for x in (train, test))
    known, asked = (np.hstack([x, np.ones((len(x), 1))]) for x in (known, asked))
    wanted, few = np.eye(labels.max() + 1)[labels], len(known) < known.shape[1]
    squares = known @ known.T if few else known.T @ known  # the smaller of the two
    squares += 1e-3 * np.square(known).sum() / known.shape[1] * np.eye(len(squares))
    if few:  # X' (X X' + r)^-1 is (X' X + r)^-1 X'
        weights = known.T @ np.linalg.solve(squares, wanted)
    else:
        weights = np.linalg.solve(squares, known.T @ wanted)
    return (asked @ weights).argmax(axis=1)
