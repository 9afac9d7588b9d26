"""A lesson written as a notebook, or run and written as a page."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from .. import path_of
from .cells import TEXT, Cell, cells
from .run import HOME, run
from .session import Session


def write_notebook(name: str, out: Path) -> Path:
    """The same cells as a Jupyter notebook, without outputs: it is there to be run."""
    written = []
    for number, cell in enumerate(cells(path_of(name))):
        made: dict[str, Any] = {
            "cell_type": "markdown" if cell.kind == TEXT else "code",
            "id": hashlib.sha256(f"{number}{cell.source}".encode()).hexdigest()[:8],
            "metadata": {},
            "source": _source(cell).splitlines(keepends=True),
        }
        written.append(
            made if cell.kind == TEXT else made | {"outputs": [], "execution_count": None}
        )
    python = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {
        "cells": written,
        "metadata": {"kernelspec": python, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return _written(out / f"{name}.ipynb", json.dumps(notebook, indent=1, ensure_ascii=False))


def _source(cell: Cell) -> str:
    return cell.source.replace("from lessons.", f"from {HOME}.")


def write_page(session: Session, code: bool = True, quiz: bool = True) -> Path:
    """Run the lesson and write it as Markdown: text, code, what it printed, and its figures.

    code=False, quiz=False: without the code, without the quiz.
    """
    parts: list[str] = []

    def keep(cell: Cell, printed: str, figures: list[Path]) -> None:
        if cell.kind == TEXT:
            parts.append(cell.source if quiz else cell.source.partition("## Quiz")[0])
            return
        if code:
            parts.append(f"```python\n{cell.source}\n```")
        lines = [line for line in printed.splitlines() if not line.startswith("[figure: ")]
        if lines:
            parts.append("```text\n" + "\n".join(lines) + "\n```")
        for figure in figures:
            parts.append(f"![{session.titles[session.figures.index(figure)]}]({figure.name})")

    run(path_of(session.name), session, words="none", after=keep)
    assert session.out is not None
    return _written(
        session.out / f"{session.name}.md", "\n\n".join(part for part in parts if part) + "\n"
    )


def _written(path: Path, text: str) -> Path:
    """Whole, or not at all."""
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(text, encoding="utf-8")
    os.replace(unfinished, path)
    return path
