"""Files: `save` writes a state and `load` reads it, completely or not at all.

The file's ending chooses the format: .npz is NumPy's own, which `numpy.load` reads too, and
.safetensors is read by other frameworks.  A file may come from anywhere, so everything in it is
checked before use, and nothing in it is ever run: there is no pickle.  The same state always gives
the same bytes.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any, TypeVar, overload

from . import npz, safetensors
from .atomic import replacing
from .state import State
from .tree import flat, nested

__all__ = ["load", "save"]

_FORMATS: dict[str, Any] = {".npz": npz, ".safetensors": safetensors}


def save(path: str | os.PathLike[str], thing: Any) -> Path:
    """Write the state of a model, an optimizer, ... to a file, and return the file's path.

    path: ends in .npz or .safetensors; without an ending, .npz is added.
    thing: has a `state_dict()`, or is such a dictionary: arrays, tensors (stored as their values),
        numbers, words, None, lists of these and further dictionaries.

    The name of an array is its keys joined by "/", so a plain model's file has the names of its
    parameters.  Everything else goes as JSON into one entry.

    An existing file is replaced in one step at the end and keeps its permissions; if anything fails
    before that, it does not change.  A symbolic link stays, and its target is replaced.
    TypeError or ValueError for a state that cannot be stored, OSError of the disk.
    """
    place = file_of("save", path)
    where = f"save {str(place)!r}"
    state = thing if isinstance(thing, dict) else None
    if state is None and callable(getattr(thing, "state_dict", None)):
        state = thing.state_dict()
    if not isinstance(state, dict):
        raise TypeError(
            f"{where}: thing is {type(thing).__name__}, and has no state_dict() that gives a "
            "dictionary. Give a model, an optimizer or a dictionary of arrays."
        )
    try:
        arrays, text = flat(state)
        with replacing(place) as file:
            _FORMATS[place.suffix.lower()].write(file, arrays, text)
    except (ValueError, TypeError, OSError) as error:
        if isinstance(error.__context__, KeyboardInterrupt):  # zipfile could not close after it
            raise error.__context__ from None
        raise located(where, error, "save") from None
    return place


Thing = TypeVar("Thing")


@overload
def load(path: str | os.PathLike[str]) -> State: ...
@overload
def load(path: str | os.PathLike[str], thing: Thing) -> Thing: ...
def load(path: str | os.PathLike[str], thing: Any = None) -> Any:
    """Read a file into the thing that it was saved from, and return it; alone, return the state.

    path: as for save.
    thing: has a `load_state_dict(state)`, which takes everything or, if anything differs, nothing.

    ValueError that says what is wrong with the file, or every difference between it and the thing;
    FileNotFoundError and other OSErrors if it cannot be read.
    """
    place = file_of("load", path)
    where = f"load {str(place)!r}"
    if thing is not None and not callable(getattr(thing, "load_state_dict", None)):
        raise TypeError(
            f"{where}: thing is {type(thing).__name__}, and has no load_state_dict(). Give a model "
            "or an optimizer, or leave it out to get the state as a dictionary."
        )
    try:
        kind = os.stat(place).st_mode
        if stat.S_ISDIR(kind):
            raise IsADirectoryError
        if not stat.S_ISREG(kind):
            raise ValueError("it is not a regular file. Copy its content into one first.")
        with open(place, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            state = nested(*_FORMATS[place.suffix.lower()].read(file, size))
        if thing is None:
            return state
        thing.load_state_dict(state)
    except (ValueError, TypeError, OSError) as error:
        raise located(where, error, "load") from None
    return thing


def file_of(where: str, path: Any) -> Path:
    """The path with its ending.  TypeError if it is not a path, ValueError for a wrong ending."""
    if not isinstance(path, str | os.PathLike) or not isinstance(os.fspath(path), str):
        cure = "Give a str or a pathlib.Path; it comes first, tn.save(path, model)."
        raise TypeError(f"{where}: path is {type(path).__name__}. {cure}")
    place = Path(path)
    if place.name in ("", ".."):
        raise ValueError(
            f"{where} {str(path)!r}: this names a folder. Add the file's name, weights.npz."
        )
    if place.suffix == "":
        place = place.with_name(place.name + ".npz")
    if place.suffix.lower() not in _FORMATS:
        raise ValueError(
            f"{where} {str(path)!r}: the ending is {place.suffix}. Use .npz, which NumPy reads "
            "too, or .safetensors, which other frameworks read too."
        )
    return place


_REASONS: dict[tuple[str, type], str] = {
    ("save", FileNotFoundError): "there is no such folder. Create it first, with os.makedirs",
    ("load", FileNotFoundError): "there is no such file. Check the name and the folder",
    ("save", IsADirectoryError): "there is a folder of this name. Choose another name",
    ("load", IsADirectoryError): "it is a folder. Give the file in it",
    ("save", PermissionError): "it may not be written. Check the permissions, or save elsewhere",
    ("load", PermissionError): "it may not be read. Check the permissions of file and folder",
}
_OTHERWISE = {
    "save": "Is the disk full? The old file has not changed",
    "load": "Check the path and the disk",
}


def located(where: str, error: Exception, verb: str) -> Exception:
    """The same error with the place, and in plain words if it is the system's."""
    answer: Exception
    if isinstance(error, OSError):
        reason = _REASONS.get((verb, type(error)))
        answer = type(error)(f"{where}: {reason or f'{error.strerror}. {_OTHERWISE[verb]}'}.")
        answer.errno = error.errno
    else:
        answer = (ValueError if isinstance(error, ValueError) else TypeError)(f"{where}: {error}")
    return answer.with_traceback(error.__traceback__)
