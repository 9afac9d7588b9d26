"""`python -m lessons` lists the lessons; `python -m lessons run [NAME...]` runs them.

`python -m lessons NAME` and `python lessons/CHAPTER/NAME.py` run one, too; a chapter's name stands
for all its lessons.  Further commands write
a lesson as a notebook or as a page, and hold what the slides print against what comes out.
Where no clone is, but tinynet installed, `tinynet lessons` does the same.
"""

from __future__ import annotations

import argparse
import difflib
import importlib.util
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import tinynet as tn

from . import CHAPTERS, in_cells, path_of, title_of
from .shared import missing_packages, old_form
from .shared import run as runner
from .shared.notebook import write_notebook, write_page
from .shared.session import Session

ABOUT = "The lectures' examples. Without a command: list them."
EXIT_CODES = (
    "Exit code: 0 if no claim fails, 1 if one does, 2 for a wrong call, 130 after Ctrl-C. "
    "A lesson that you changed with --set gets 0: what no longer holds is marked as changed."
)
COMMANDS = ("list", "run", "notebook", "page", "slides", "ledger")
NEW_FORM = "Each lesson outside autoencode, generate and machine"
NAMES = [name for names in CHAPTERS.values() for name in names]


class UsageError(Exception):
    """What the person who called can mend: shown as one line."""


def main(arguments: Sequence[str] | None = None, called: str = f"python -m {__package__}") -> int:
    """called: the command that leads here, as a person types it."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if given and given[0] not in COMMANDS and not given[0].startswith("-"):
            if given[0] not in (*NAMES, *CHAPTERS) and not given[0].endswith(".py"):
                known = [*NAMES, *CHAPTERS, *COMMANDS]
                raise _unknown("lesson, chapter or command", given[0], known, called)
            given.insert(0, "run")
        options = _parser(called).parse_args(given)
        result: int = options.command(options)
        return result
    except (UsageError, runner.LessonError, tn.data.DataError) as error:
        print(f"lessons: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        print("\nlessons: stopped by Ctrl-C. What was finished is kept.", file=sys.stderr)
        return 130


def _parser(called: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=called, description=ABOUT, epilog=EXIT_CODES)
    parser.set_defaults(called=called, command=_list)
    commands = parser.add_subparsers(metavar="COMMAND")

    def command(name: str, function: object, about: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=about, description=about, epilog=EXIT_CODES)
        added.set_defaults(command=function)
        return added

    command("list", _list, "the lessons, by chapter (what no command does, too)")
    run = command("run", _run, "run lessons, check their claims, draw their figures")
    run.add_argument(
        "names", nargs="*", metavar="NAME", help="of a lesson or a chapter; all, if none is named"
    )
    run.add_argument("--device", choices=("cpu", "gpu"), default="cpu", help="where to train")
    sizes = run.add_mutually_exclusive_group()
    sizes.add_argument("--quick", action="store_true", help="a few seconds, and fewer claims")
    sizes.add_argument("--full", action="store_true", help="the lecture's own size: longer")
    run.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE",
        help='another value for a setting of the lesson, for example --set "W=[30, -20]"',
    )  # fmt: skip
    run.add_argument("--text", action="store_true", help="print the lesson's text as well")
    run.add_argument("--show", action="store_true", help="open the figures in windows too")
    notebook = command("notebook", _notebook, "write lessons as Jupyter notebooks")
    notebook.add_argument("names", nargs="+", metavar="NAME")
    page = command("page", _page, "run lessons and write them as Markdown, with their figures")
    page.add_argument("names", nargs="+", metavar="NAME")
    page.add_argument("--quick", action="store_true", help="a few seconds, and fewer claims")
    page.add_argument("--no-code", action="store_true", help="leave the code out")
    page.add_argument("--no-quiz", action="store_true", help="leave the quiz out")
    for writer in (run, notebook, page):
        writer.add_argument(
            "--out", type=Path, default=Path("out"), metavar="DIR", help="where the files go"
        )
    command("slides", _slides, "which lesson belongs to which slide")
    ledger = command("ledger", _ledger, "what the slides print, and what comes out")
    ledger.add_argument("rows", nargs="*", metavar="ROW", help="these in full: B06, or B06a")
    return parser


def _list(options: argparse.Namespace) -> int:
    width = max(len(name) for name in NAMES)
    for chapter, names in CHAPTERS.items():
        print(chapter)
        for name in names:
            print(f"  {name:<{width}}  {title_of(name)}")
    print(f"\n{options.called} NAME runs a lesson or a chapter, {options.called} run runs all.")
    return 0


def _run(options: argparse.Namespace) -> int:
    names = _known(options, options.names) or NAMES
    settings = dict(runner.setting(text) for text in options.set)
    if settings and len(names) > 1:
        raise UsageError("--set changes one lesson: name the one that has this setting.")
    if settings and not in_cells(names[0]):
        raise UsageError(f"--set: {names[0]} has no settings yet. {NEW_FORM} has.")
    if options.device == "gpu" and not tn.gpu_available():
        raise UsageError(f"--device gpu: {tn.gpu_unavailable_reason()}")
    _prepare_figures(options.show)
    _check_writable(options.out)

    size = "quick" if options.quick else "full" if options.full else "default"
    failed = []
    began = time.perf_counter()
    for number, name in enumerate(names, 1):
        if len(names) > 1:
            print(f"[{number}/{len(names)}] {name}", flush=True)
        session = Session(name, size, options.device, options.out, keep_open=options.show)
        try:
            if in_cells(name):
                words = "all" if options.text else "headings"
                holds = runner.lesson(path_of(name), session, settings, words)
            else:
                if options.quick or options.text:
                    print(f"({name} has no --quick and no --text yet. It runs as always.)")
                holds = old_form.lesson(name, session)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise UsageError(f"cannot write {error.filename}: {error.strerror}.") from None
        failed += [] if holds else [name]
    if options.show:
        import matplotlib.pyplot as plt

        plt.show()
    if failed:
        print(f"A claim failed in: {', '.join(failed)}.")
        return 1
    if len(names) > 1:
        minutes = (time.perf_counter() - began) / 60
        print(f"No claim failed in {len(names)} lessons, {minutes:.1f} minutes.")
    return 0


def _notebook(options: argparse.Namespace) -> int:
    names = _in_cells(_known(options, options.names))
    _check_writable(options.out)
    for name in names:
        print(write_notebook(name, options.out))
    needed = [n for n in ("notebook", "ipykernel") if not importlib.util.find_spec(n)]
    if needed:
        print(f"To open it: pip install {' '.join(needed)}, then jupyter notebook.")
    return 0


def _page(options: argparse.Namespace) -> int:
    names = _in_cells(_known(options, options.names))
    _prepare_figures(show=False)
    _check_writable(options.out)
    for name in names:
        session = Session(name, "quick" if options.quick else "default", out=options.out)
        print(write_page(session, not options.no_code, not options.no_quiz))
    return 0


def _slides(options: argparse.Namespace) -> int:
    from .ledger import slides

    slides.print_index()
    return 0


def _ledger(options: argparse.Namespace) -> int:
    _prepare_figures(show=False)  # the lessons that the rows call import matplotlib
    from .ledger import chapters, table

    rows = [row for of_chapter in chapters().values() for row in of_chapter]
    chosen = []
    for name in options.rows:
        found = table.matching(name, rows)
        if not found:
            near = table.nearest(name, rows)
            hint = f"Did you mean {near}?" if near else f"{options.called} ledger lists them."
            raise UsageError(f"there is no row {name!r} in the ledger. {hint}")
        chosen += [row for row in found if row not in chosen]
    holds = table.print_rows(chosen) if chosen else table.print_ledger(chapters())
    return 0 if holds else 1


# -- what a call must bring ------------------------------------------------------------------------


def _known(options: argparse.Namespace, given: Sequence[str]) -> list[str]:
    """The names of lessons, each once.  A file stands for its lesson, a chapter for all of its."""
    names: list[str] = []
    for name in given:
        name = Path(name.removesuffix(".py")).name
        name = "numbers" if name == "pixels" else name
        if name not in (*NAMES, *CHAPTERS):
            raise _unknown("lesson or chapter", name, [*NAMES, *CHAPTERS], options.called)
        names += [name] if name in NAMES else CHAPTERS[name]
    return list(dict.fromkeys(names))


def _unknown(kind: str, name: str, known: Sequence[str], called: str) -> UsageError:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    hint = f"Did you mean {near[0]}?" if near else f"{called} lists them."
    return UsageError(f"there is no {kind} {name!r}. {hint}")


def _in_cells(names: list[str]) -> list[str]:
    for name in names:
        if not in_cells(name):
            raise UsageError(f"{name} has no cells of text yet. {NEW_FORM} has.")
    return names


def _check_writable(out: Path) -> None:
    """Before anything runs: an hour's training must not end in a folder that is not there."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=out):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"cannot write to --out {out}: {reason}. Name another folder.") from None


def _prepare_figures(show: bool) -> None:
    """Import matplotlib; without windows unless they are wanted and there is a screen."""
    if missing := missing_packages():
        raise UsageError(missing)
    import matplotlib
    import matplotlib.pyplot as plt

    screen = (
        sys.platform != "linux" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
    if show and not screen:
        raise UsageError(
            "--show needs a screen, and there is none. Leave it out: figures are files."
        )
    if not show:
        matplotlib.use("Agg")
    elif plt.get_backend().lower() == "agg":
        raise UsageError("--show: matplotlib found no window toolkit. Try pip install PyQt6.")


if __name__ == "__main__":
    raise SystemExit(main())
