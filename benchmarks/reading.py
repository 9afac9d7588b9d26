"""How much there is to read: rooms, floors, the reading path of an evening, and a traced step.

    python -m benchmarks reading

Nothing is timed.  A line of code is a line that is not blank, no comment and no docstring.
"""

from __future__ import annotations

import ast
import sys
import tokenize
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy

import tinynet as tn

from .twins.steps import numpy_alone, running

HOUSE = Path(tn.__file__).parent
READING_PATH = (
    *sorted(path.relative_to(HOUSE).as_posix() for path in (HOUSE / "engine").glob("*.py")),
    *(f"devices/{name}.py" for name in ("__init__", "arrays", "windows", "plain")),
)
ROOMS, FLOORS, LINES, STEP_LINES, STEP_FILES = 15, 8, 900, 250, 15  # at most


class Count(NamedTuple):
    """A figure, and how large it may be."""

    what: str
    found: int
    most: int


def main(threads: int, quick: bool = False, record: bool = False) -> int:
    """Print the figures; 1 if one of them is too large.  threads, quick, record: unused."""
    counts, details = figures()
    for title, lines in details.items():
        print(title)
        for name, n in lines.items():
            print(f"  {n:5,}  {name}")
        print()
    for count in counts:
        verdict = "" if count.found <= count.most else ": TOO MANY"
        print(f"{count.what}: {count.found:,}, at most {count.most:,}{verdict}")
    return int(any(count.found > count.most for count in counts))


def figures() -> tuple[list[Count], dict[str, dict[str, int]]]:
    """The figures, and by title what they are made of."""
    path = {name: code_lines(HOUSE / name) for name in READING_PATH}
    step = traced_step()
    floors = floors_of(imports_of_rooms())
    counts = [
        Count("rooms at the top of tinynet/", len(rooms()), ROOMS),
        Count("floors", max(floors.values()), FLOORS),
        Count("lines of code in the reading path", sum(path.values()), LINES),
        Count(
            "lines that a training step of a Dense layer executes", sum(step.values()), STEP_LINES
        ),
        Count("files that these lines are in", len(step), STEP_FILES),
    ]
    details = {
        "Floor of each room, from the ground": dict(sorted(floors.items(), key=lambda f: f[1])),
        "Lines of code in the reading path": path,
        "Lines that the step executes": dict(sorted(step.items(), key=lambda f: -f[1])),
    }
    return counts, details


# -- lines of code ---------------------------------------------------------------------------------


def code_lines(path: Path) -> int:
    """Lines without blanks, comments and docstrings."""
    source = path.read_text(encoding="utf-8")
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    docstrings = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, documented) and ast.get_docstring(node) is not None:
            first = node.body[0]
            docstrings |= set(range(first.lineno, (first.end_lineno or 0) + 1))
    empty = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    empty |= {tokenize.ENCODING, tokenize.ENDMARKER}
    lines: set[int] = set()
    with path.open("rb") as file:
        for token in tokenize.tokenize(file.readline):
            if token.type not in empty:
                lines |= set(range(token.start[0], token.end[0] + 1))
    return len(lines - docstrings)


# -- rooms and floors ------------------------------------------------------------------------------


def rooms() -> list[str]:
    """The packages and modules directly in tinynet/."""
    found = [p.name for p in HOUSE.iterdir() if (p / "__init__.py").exists()]
    return sorted(found + [p.stem for p in HOUSE.glob("*.py")])


def imports_of_rooms() -> dict[str, set[str]]:
    """The other rooms that each room imports from, in functions too; `__init__` is no room here."""
    found: dict[str, set[str]] = {}
    for room in rooms():
        if room == "__init__":
            continue
        files = [HOUSE / f"{room}.py", *(HOUSE / room).rglob("*.py")]
        found[room] = {r for path in files if path.exists() for r in _rooms_imported(path)} - {room}
    return found


def _rooms_imported(path: Path) -> set[str]:
    package = ["tinynet", *path.relative_to(HOUSE).parts[:-1]]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = [*above, *(node.module.split(".") if node.module else [])]
            for alias in node.names:
                whole = [*module, alias.name]
                if whole[0] == "tinynet" and len(whole) > 1:
                    found.add(whole[1])
    return found


def floors_of(imports: dict[str, set[str]]) -> dict[str, int]:
    """The floor of each room: one above the highest that it imports from.  ValueError: a circle."""
    floors: dict[str, int] = {}
    while len(floors) < len(imports):
        ready = [r for r in imports if r not in floors and imports[r] <= floors.keys()]
        if not ready:
            raise ValueError(f"imports go in a circle among {sorted(imports.keys() - floors)}.")
        for room in ready:
            floors[room] = 1 + max((floors[other] for other in imports[room]), default=0)
    return floors


# -- a training step, traced -----------------------------------------------------------------------


def traced_step() -> dict[str, int]:
    """A warmed training step of a model of one Dense layer: the lines that it executes, by file.

    Each line counts once, however often it is executed.  The kernels are NumPy's.
    """
    rng = numpy.random.default_rng(0)
    model = tn.Sequential([tn.layers.Dense(4)], input_shape=(4,), rng=rng)
    optimizer = tn.optim.SGD(model.parameters(), lr=0.1)
    x, y = (tn.Tensor(rng.standard_normal((4, 4), dtype=numpy.float32)) for _ in range(2))

    def step() -> None:
        optimizer.zero_grad()
        loss = tn.mse(model(x), y)
        loss.backward()
        optimizer.step()

    lines: set[tuple[str, int]] = set()

    def trace(frame: Any, event: str, argument: Any) -> Any:
        path = Path(frame.f_code.co_filename)
        if HOUSE not in path.parents:
            return None
        if event == "line":
            lines.add((path.relative_to(HOUSE).as_posix(), frame.f_lineno))
        return trace

    before = sys.gettrace()
    with running(numpy_alone()):
        for _ in range(3):
            step()
        sys.settrace(trace)
        try:
            step()
        finally:
            sys.settrace(before)
    return dict(Counter(name for name, _ in lines))
