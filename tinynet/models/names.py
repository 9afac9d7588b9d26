"""Names of layers: a person gives some, a model gives the others."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Any


@functools.cache
def snake_case(name: str) -> str:
    """A class's name as Keras writes a layer's: Conv2D -> conv2d, LeakyReLU -> leaky_re_lu."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def names_of(layers: Sequence[Any], where: str) -> list[str]:
    """A name for each layer of a model: its own, or conv2d, conv2d_1, ... in turn.

    A name that a model gave holds in that model only: the layer may have another one elsewhere.
    ValueError where a person gave one name twice.
    """
    taken: set[str] = set()
    for layer in layers:
        if _named_by_hand(layer):
            if layer.name in taken:
                raise ValueError(
                    f"{where}: two layers are called {layer.name!r}. Give them different names."
                )
            taken.add(layer.name)
    names = []
    for layer in layers:
        name = layer.name
        if not _named_by_hand(layer):
            word, number = snake_case(type(layer).__name__), 0
            name = word
            while name in taken:
                number += 1
                name = f"{word}_{number}"
            taken.add(name)
            if layer.name is None:
                give_name(layer, name)
        names.append(name)
    return names


def give_name(layer: Any, name: str) -> None:
    """Name a layer that has no name, for errors.  given_name tells it from a person's name."""
    layer.name = layer.given_name = name


def _named_by_hand(layer: Any) -> bool:
    return layer.name is not None and layer.name != layer.given_name
