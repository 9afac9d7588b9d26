"""Run a lesson cell by cell, so that its numbers stand below the headings of its text.

A lesson is an ordinary script.  What this adds: the headings and equations on the console, the
sizes (--quick, --full), and settings given from outside (--set W0=10).
"""

from __future__ import annotations

import ast
import contextlib
import difflib
import io
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from . import latex, session
from .cells import CODE, Cell, cells, head, names_set
from .session import WIDTH, Session, wrapped

HOME = __package__.rpartition(".")[0]  # lessons, or tinynet_lessons where a wheel installed them


_strict: Any = {"divide": "raise", "invalid": "raise"}  # a setting may make a lesson senseless


class LessonError(Exception):
    """What the person who runs a lesson can mend: shown as one line."""


def run(
    path: Path,
    session_: Session,
    settings: Mapping[str, Any] | None = None,
    words: str = "headings",
    after: Callable[[Cell, str, list[Path]], None] | None = None,
) -> dict[str, Any]:
    """Run all cells of a lesson.  Returns its variables; the claims are in the session.

    settings: values in the place of the lesson's own.  words: what is printed of the text,
    "headings" with their equations, "all" or "none".  after: is called after each cell with what
    the cell printed, which is not shown then, and the figures that it drew.
    """
    settings = settings or {}
    _check_names(path, session_.name, settings)
    variables: dict[str, Any] = {"__name__": "__lesson__", "__file__": str(path)}
    variables["__changed__"] = _changed(settings)
    session.begin(session_)
    try:
        for number, cell in enumerate(cells(path)):
            drawn = len(session_.figures)
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed) if after else contextlib.nullcontext():
                if cell.kind == CODE:
                    with np.errstate(**_strict if settings else {}):
                        exec(_compiled(cell, path, settings), variables)
                elif number and words != "none":
                    _print_text(cell.source, words == "all")
            if after:
                after(cell, printed.getvalue(), session_.figures[drawn:])
    except (LessonError, KeyboardInterrupt):
        raise
    except Exception as error:
        if settings:
            changes = ", ".join(f"{name} = {value!r}" for name, value in settings.items())
            raise LessonError(f"with {changes} the lesson stops{_why(error, path)}") from error
        raise
    finally:
        session.end()
    return variables


def _why(error: Exception, path: Path) -> str:
    """The sentence of a lesson's assert; of any other error its line and kind as well."""
    if isinstance(error, AssertionError) and str(error):
        return f": {error}"
    frames = traceback.extract_tb(error.__traceback__)
    line = [frame.lineno for frame in frames if frame.filename == str(path)][-1]
    return f" in its line {line}: {type(error).__name__}: {error}"


def definitions(path: Path) -> SimpleNamespace:
    """A lesson's functions, classes and settings, without running the rest."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    kept = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)
    set_here = set(names_set(tree).values())
    tree.body = [node for node in tree.body if isinstance(node, kept) or node in set_here]
    package = f"{HOME}.{path.parent.name}"  # for the relative imports of the older form
    variables: dict[str, Any] = {"__name__": package, "__package__": package, "__file__": str(path)}
    session.begin(Session(path.stem))
    try:
        exec(compile(_Own({}).visit(tree), str(path), "exec"), variables)
    finally:
        session.end()
    return SimpleNamespace(**variables)


# -- settings from outside -------------------------------------------------------------------------


def setting(text: str) -> tuple[str, Any]:
    """The name and value of NAME=VALUE."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip().isidentifier():
        raise LessonError(f"--set {text}: give NAME=VALUE, for example --set W0=10.")
    try:
        return name.strip(), ast.literal_eval(value.strip())
    except (ValueError, SyntaxError):
        return name.strip(), value.strip()


def _check_names(path: Path, name: str, settings: Mapping[str, Any]) -> None:
    known = list(names_set(ast.parse(path.read_text(encoding="utf-8"))))
    for given in settings:
        if given not in known:
            near = difflib.get_close_matches(given.upper(), known, n=1, cutoff=0.5)
            hint = f"Did you mean {near[0]}?" if near else f"It has {', '.join(known) or 'none'}."
            raise LessonError(f"--set {given}: {name} has no setting {given!r}. {hint}")


class _Own(ast.NodeTransformer):
    """Gives settings their new values, and `lessons` the name under which it is installed."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self.settings = settings

    def visit_Assign(self, node: ast.Assign) -> ast.Assign:
        target = node.targets[0]
        if isinstance(target, ast.Name) and target.id in self.settings:
            given = ast.Constant(target.id)
            call = ast.Call(ast.Name("__changed__", ast.Load()), [given, node.value], [])
            node.value = ast.fix_missing_locations(ast.copy_location(call, node.value))
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.ImportFrom:
        if node.module and node.module.split(".")[0] == "lessons":
            node.module = HOME + node.module.removeprefix("lessons")
        return node


def _compiled(cell: Cell, path: Path, settings: Mapping[str, Any]) -> Any:
    tree = ast.parse("\n" * (cell.line - 1) + cell.source, str(path))
    return compile(_Own(settings).visit(tree), str(path), "exec")


def _changed(settings: Mapping[str, Any]) -> Callable[[str, Any], Any]:
    """What stands in the place of a setting's own value: a function of its name and that value."""

    def value(name: str, own: Any) -> Any:
        given = settings[name]
        if isinstance(own, float) and type(given) is int:
            given = float(given)
        if _kind(given) != _kind(own):
            example = f"for example {own!r}. Received {given!r}."
            raise LessonError(f"--set {name}: {name} must be {_kind(own)}, {example}")
        return given

    return value


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "True or False"
    if isinstance(value, int):
        return "a whole number"
    if isinstance(value, float):
        return "a number"
    if isinstance(value, str):
        return "a word"
    if isinstance(value, list | tuple):
        if all(isinstance(part, int | float) for part in value):
            return f"a list of {len(value)} number{'s' * (len(value) != 1)}"
        kinds = {_kind(part) for part in value}
        return f"a list of {len(value)}, each {kinds.pop() if len(kinds) == 1 else 'as it is'}"
    return type(value).__name__


# -- what is printed around the cells --------------------------------------------------------------


def print_head(path: Path, whole: bool) -> None:
    """Title, lecture and question; what will be seen too, if the whole is asked for."""
    told = head(path)
    print(f"{told.title}\n{'=' * len(told.title)}")
    for name, text in (
        ("Lecture", told.lecture),
        ("Question", told.question),
        *([("See", told.see)] if whole else []),
    ):
        lines = wrapped(latex.of_markdown(text), WIDTH - 10)
        print(f"{name:<10}" + ("\n" + " " * 10).join(lines))


def print_end(path: Path, session_: Session, seconds: float) -> None:
    verdicts = [claim.verdict for claim in session_.claims]
    for name, text in (
        ("Figures", ", ".join(str(path) for path in session_.figures)),
        ("Try", latex.of_markdown(head(path).tries)),
    ):
        print(f"\n{name:<10}" + ("\n" + " " * 10).join(wrapped(text, WIDTH - 10)))
    size = "" if session_.size == "default" else f" ({session_.size} size)"
    counted = [
        f"{verdicts.count(v)} {v}" for v in ("ok", "changed", "FAILS", "later") if v in verdicts
    ]
    print(f"\nClaims    {', '.join(counted)}{size}, {seconds:.1f} s\n", flush=True)


def _print_text(source: str, whole: bool) -> None:
    """A text cell's headings and equations; its paragraphs too, if the whole is asked for."""
    source = source.partition("## Quiz")[0]
    for number, part in enumerate(source.split("$$")):
        if number % 2:
            for line in latex.text(part).splitlines():
                print(f"    {line}")
            print()
            continue
        for paragraph in part.strip().split("\n\n"):
            if paragraph.startswith("#"):
                heading = latex.of_markdown(paragraph.lstrip("# "))
                print(f"\n{heading}\n{'-' * len(heading)}")
            elif whole and paragraph:
                print(*_paragraph(paragraph), sep="\n")
    print(end="", flush=True)


def _paragraph(text: str) -> list[str]:
    lines = text.splitlines()
    if any(line.lstrip().startswith(("- ", "|", "1. ")) for line in lines):
        return [latex.of_markdown(line) for line in lines]
    return [*wrapped(latex.of_markdown(" ".join(lines)), WIDTH), ""]


def lesson(path: Path, session_: Session, settings: Mapping[str, Any], words: str) -> bool:
    """Run a lesson on the console.  Whether no claim fails."""
    began = time.perf_counter()
    session_.changed = bool(settings)
    _check_names(path, session_.name, settings)
    print_head(path, words == "all")
    run(path, session_, settings, words)
    print_end(path, session_, time.perf_counter() - began)
    return all(claim.verdict != "FAILS" for claim in session_.claims)
