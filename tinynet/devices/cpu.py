"""The CPU: NumPy."""

from __future__ import annotations

from typing import Any

import numpy


def from_host(array: numpy.ndarray) -> numpy.ndarray:
    return array


def to_host(array: numpy.ndarray) -> numpy.ndarray:
    return array


def add_at(target: numpy.ndarray, index: Any, values: numpy.ndarray) -> None:
    numpy.add.at(target, index, values)
