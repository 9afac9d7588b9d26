"""Names of layers: those that a person gives, and those that a model gives to the others."""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from typing import Any


def check_name(where: str, name: Any) -> None:
    """ValueError for a name that errors, summaries and files cannot hold."""
    if name is None:
        return
    if not isinstance(name, str) or not name.isprintable() or not name or set(name) & set("./\\"):
        raise ValueError(
            f"{where}: name must be a printable word without dots and slashes, received {name!r}."
        )


@functools.cache
def snake_case(name: str) -> str:
    """A class's name as Keras writes a layer's: Conv2D -> conv2d, LeakyReLU -> leaky_re_lu."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def names_of(layers: Sequence[Any], where: str) -> list[str]:
    """A name for each layer of a model: the one it was given, or conv2d, conv2d_1, ... in turn.

    Names that models give are the model's own: a layer may be called otherwise in another one.
    ValueError where a person gave one name twice.
    """
    taken: set[str] = set()
    for layer in layers:
        if named_by_hand(layer):
            if layer.name in taken:
                raise ValueError(
                    f"{where}: two layers are called {layer.name!r}. Give them different names."
                )
            taken.add(layer.name)
    names = []
    for layer in layers:
        name = layer.name
        if not named_by_hand(layer):
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


def named_by_hand(layer: Any) -> bool:
    return layer.name is not None and layer.name != layer.given_name


def give_name(layer: Any, name: str) -> None:
    """A model's name for a layer that has none: errors call it so."""
    layer.name = layer.given_name = name
