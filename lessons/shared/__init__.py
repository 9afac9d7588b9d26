"""What the lessons share, so that a lesson shows its idea alone.

    session.py    claims, tables, figures and sizes: what a lesson calls
    training.py   fit with a name; the baselines that a network must beat
    data.py       real pictures, or drawn ones with one notice
    draw/         the drawings of each lesson, in a file of its name
    cells.py  run.py  latex.py  notebook.py     how a lesson is read, run, shown and written

A lesson is an ordinary script.  Started by itself (`python lessons/neuron/perceptron.py`, or an
editor's Run button), it imports from here first of all.  The last lines of this file then hand it
to the command `python -m lessons run`, so that both do the same.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

NEEDED = {"matplotlib": "matplotlib", "PIL": "pillow", "pooch": "pooch", "tqdm": "tqdm"}


def missing_packages() -> str:
    """What to install before a lesson can run; empty if all is there."""
    missing = [name for module, name in NEEDED.items() if not importlib.util.find_spec(module)]
    clone = __package__ == "lessons.shared"
    how = (
        'pip install -e ".[lessons]" in the clone'
        if clone
        else 'pip install "tinynet-edu[lessons]"'
    )
    return f"the lessons need {', '.join(missing)}. Install what is missing: {how}." * bool(missing)


if "IPython" in sys.modules and missing_packages():
    raise ImportError(missing_packages())

from .session import claim, figure, size, table  # noqa: E402
from .training import accuracy, fit, least_squares, nearest_picture  # noqa: E402

__all__ = [
    "accuracy",
    "claim",
    "figure",
    "fit",
    "least_squares",
    "nearest_picture",
    "size",
    "table",
]


def _lesson_started_by_itself() -> Path | None:
    """The file that Python was asked to run, if it is a lesson; not in a notebook."""
    file = getattr(sys.modules["__main__"], "__file__", None)
    path = Path(file or ".").resolve()
    inside = Path(__file__).resolve().parents[1] == path.parent.parent
    return path if inside and path.suffix == ".py" and "ipykernel" not in sys.modules else None


if (_started := _lesson_started_by_itself()) and not _started.name.startswith("__"):
    from ..__main__ import main

    sys.exit(main(["run", str(_started), *sys.argv[1:]]))
