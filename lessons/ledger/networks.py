"""The networks of the lessons, with fresh weights."""

from __future__ import annotations

import functools

import numpy as np

from .. import parts

lesson = functools.cache(parts)  # its functions and settings


@functools.cache
def network(name):
    return lesson(name).model(np.random.default_rng(0))


def layers(name, kind):
    """The layers of one kind, such as "Conv2D"."""
    return [layer for layer in network(name).layers if type(layer).__name__ == kind]


def parameters(name):
    """Of each layer that has any."""
    return [row.parameters for row in network(name).rows() if row.parameters]
