"""A lesson's file, taken apart: its head, its text and its code.

A line `# %% [markdown]` begins a text, whose lines begin with `#`; a line `# %%` begins code.
"""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

TEXT, CODE = "# %% [markdown]", "# %%"


class Cell(NamedTuple):
    kind: str  # TEXT or CODE
    source: str  # of a text: without the `#` before each line
    line: int  # where the source begins in the file, from 1


class Head(NamedTuple):
    """What the first text of a lesson says, in plain words."""

    title: str
    lecture: str
    question: str
    see: str
    tries: str


@cache
def cells(path: Path) -> tuple[Cell, ...]:
    """All cells of a lesson's file, in their order."""
    found: list[Cell] = []
    kind, lines, start = "", [], 1
    for number, line in enumerate([*path.read_text(encoding="utf-8").splitlines(), CODE], 1):
        if line.rstrip() not in (TEXT, CODE):
            lines.append(re.sub("^# ?", "", line) if kind == TEXT else line)
            continue
        if kind and any(lines):
            found.append(Cell(kind, "\n".join(lines).strip("\n"), start + _empty(lines)))
        kind, lines, start = line.rstrip(), [], number + 1
    return tuple(found)


def _empty(lines: list[str]) -> int:
    """How many empty lines come first."""
    return next(i for i, line in enumerate(lines) if line)


def head(path: Path) -> Head:
    """The first text: a title, then a paragraph each of Lecture, Question, You will see, Try."""
    first = cells(path)[0].source
    paragraphs = [" ".join(part.split()) for part in first.split("\n\n")]
    fields = {"title": paragraphs[0].lstrip("# ")}
    for paragraph in paragraphs[1:]:
        name, _, text = paragraph.removeprefix("**").partition(".**")
        fields[name] = text.strip()
    names = ("title", "Lecture", "Question", "You will see", "Try")
    missing = [name for name in names if name not in fields]
    if missing:
        raise ValueError(f"{path}: the first text has no paragraph **{missing[0]}.**")
    return Head(*(fields[name] for name in names))


def names_set(tree: ast.Module) -> dict[str, ast.Assign]:
    """The settings of a lesson: what it assigns to names in capitals, outside functions."""
    return {
        node.targets[0].id: node
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id.isupper()
    }


def code_lines(path: Path, shown: bool = True) -> int:
    """Lines of code, without text, comments and empty lines.

    shown=False: also without the statements that only print, draw or claim.
    """
    source = path.read_text(encoding="utf-8")
    left_out: set[int] = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and not shown:
            called = ast.unparse(node.value.func)
            if called in ("print", "table", "claim") or called.startswith("draw."):
                left_out |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    lines = [line.strip() for line in source.splitlines()]
    return sum(
        bool(line) and not line.startswith("#") and number not in left_out
        for number, line in enumerate(lines, 1)
    )
