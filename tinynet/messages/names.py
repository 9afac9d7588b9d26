"""Errors of names: what a person's fingers know from Keras, PyTorch and NumPy, said in tinynet.

Each function here returns or raises the error for a name that there is not.  It names the
equivalent where another library has the word, and otherwise the nearest name.
"""

from __future__ import annotations

import difflib
import functools
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NoReturn, ParamSpec, TypeVar

from .words import ARGUMENTS, ELSEWHERE, SENTENCES

P = ParamSpec("P")
R = TypeVar("R")


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The name that looks most like it, whatever is a capital; None if none does."""
    by_lower = {n.lower(): n for n in names if not n.startswith("_")}
    near = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.8)
    return by_lower[near[0]] if near else None


def missing(where: str, name: str, names: Iterable[str], said: Mapping[str, str]) -> AttributeError:
    """The error for an attribute that there is not.  said: of other libraries, in lower case."""
    if not name or name.startswith("_"):  # asked by Python itself, and by libraries
        return AttributeError(f"{where} has no attribute {name!r}")
    near = nearest(name, set(names) - {name})
    if name[0].isupper() and near and near[0].islower():
        near = None  # a class was meant, and not a function
    hint = f"Did you mean {near}?" if near else ""
    if near is None or near.lower() != name.lower():
        hint = said.get(name, said.get(name.lower(), hint))
    return AttributeError(f"{where} has no {name}. {hint}".rstrip())


def asked(module: str, names: Iterable[str]) -> Callable[[str], NoReturn]:
    """A module's __getattr__, for a name that is none of its public names."""

    def __getattr__(name: str) -> NoReturn:
        error = missing(f"tn.{module.rpartition('.')[2]}", name, names, ELSEWHERE)
        more = "" if len(error.args[0].split(". ")) > 1 else f" There are {', '.join(names)}."
        raise AttributeError(f"{error}{more}")

    return __getattr__


# -- arguments -------------------------------------------------------------------------------------


def unknown_argument(where: str, word: str, names: Sequence[str]) -> TypeError:
    """The error for an argument, given by its name, that a function has not."""
    here = [name for name in ARGUMENTS.get(word, ()) if name in names]
    near = nearest(word, names)
    if here:
        hint = f"Write {here[0]}=."
    elif word in SENTENCES:
        hint = SENTENCES[word]
    elif near:
        hint = f"Did you mean {near}?"
    else:
        hint = f"There are {', '.join(names)}." if names else "It takes none."
    prefix = f"{where}: " if where else ""
    return TypeError(f"{prefix}there is no argument {word!r}. {hint}")


def check_arguments(where: str, names: Sequence[str], given: Iterable[str]) -> None:
    """TypeError for a given name that is none of the names of the arguments."""
    for word in given:
        if word not in names:
            raise unknown_argument(where, word, names)


def explained(function: Callable[P, R]) -> Callable[P, R]:
    """A decorator: a wrong argument is answered with the right one."""
    names = tuple(inspect.signature(function).parameters)

    @functools.wraps(function)
    def call(*args: P.args, **settings: P.kwargs) -> R:
        check_arguments(function.__name__, names, settings)
        return function(*args, **settings)

    return call


def parameters_of(kind: type) -> dict[str, inspect.Parameter] | None:
    """The arguments of a class: where its __init__ takes **others, those of its base too.

    None if they cannot be known.
    """
    found: dict[str, inspect.Parameter] = {}
    for base in kind.__mro__:
        if "__init__" in vars(base):
            own = list(inspect.signature(vars(base)["__init__"]).parameters.values())[1:]
            others = [p for p in own if p.kind is p.VAR_KEYWORD]
            if any(p.kind is p.VAR_POSITIONAL for p in own):
                return None
            new = [p for p in own if p not in others and p.name not in found]
            by_name_only = bool(found)
            found |= {p.name: p.replace(kind=p.KEYWORD_ONLY) if by_name_only else p for p in new}
            if not others:
                return found
    return None


def _ours(kind: type) -> bool:
    """Whether it is a class of tinynet; a person's own may take and hold what it likes."""
    return kind.__module__.startswith("tinynet.")


class Explained:
    """The base of classes that answer a wrong argument with the right one."""

    by_position = ""  # what to say where too many arguments are given without their names
    _arguments: dict[str, inspect.Parameter] | None = None

    def __init_subclass__(cls, **settings: Any) -> None:
        super().__init_subclass__(**settings)
        cls._arguments = parameters_of(cls)
        shown = list(inspect.signature(cls.__init__).parameters.values())[1:]
        if cls._arguments is not None:  # help() shows every argument, in place of **others
            shown = list(cls._arguments.values())
        cls.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]

    def __new__(cls, *args: Any, **settings: Any) -> Any:
        if cls._arguments is not None and _ours(cls):
            check_arguments(cls.__name__, tuple(cls._arguments), settings)
            most = sum(p.kind is p.POSITIONAL_OR_KEYWORD for p in cls._arguments.values())
            if len(args) > most and cls.by_position:
                raise TypeError(f"{cls.__name__}: {cls.by_position}")
        return super().__new__(cls)


class Exact(Explained):
    """Something that refuses an attribute which it has not: layer.trianable = False."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not sys._getframe(1).f_globals.get("__name__", "").startswith("tinynet."):
            self._check_attribute(name, value)
        super().__setattr__(name, value)

    def _check_attribute(self, name: str, value: Any) -> None:
        """AttributeError for a name that it has not.  It is asked for code outside of tinynet."""
        if name.startswith("_") or name in vars(self) or not _ours(type(self)):
            return
        names = [n for n in {*dir(type(self)), *vars(self)} if not n.startswith("_")]
        if name not in names:
            same = [n for n in ARGUMENTS.get(name, ()) if n in names]
            near = same[0] if same else nearest(name, names)
            hint = f" Did you mean {near}?" if near else ""
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}.{hint}")
