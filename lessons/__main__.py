"""`python -m lessons` lists the lessons; `python -m lessons run [NAME...]` runs them.

`python -m lessons ledger [ROW...]` holds what the slides print against what comes out.
Where no clone is, but tinynet installed, `tinynet lessons` does the same.
"""

from __future__ import annotations

import argparse
import ast
import difflib
import importlib
import importlib.util
import os
import sys
import tempfile
import time
from pathlib import Path

import tinynet as tn

from . import CHAPTERS, module_of

ABOUT = "The lectures' examples. Without a command: list them."
EXIT_CODES = (
    "Exit code: 0 if every claim holds, 1 if one fails, 2 for a wrong call, 130 after Ctrl-C."
)
NEEDED = {"matplotlib": "matplotlib", "PIL": "pillow", "pooch": "pooch", "tqdm": "tqdm"}
INSTALL = (
    'pip install -e ".[lessons]" in the folder of the clone'
    if __package__ == "lessons"
    else 'pip install "tinynet-edu[lessons]"'
)


class UsageError(Exception):
    """What the person who called can mend: shown as one line."""


def main(arguments: list[str] | None = None, called: str = f"python -m {__package__}") -> int:
    """called: the command that leads here, as a person types it."""
    options = _parser(called).parse_args(arguments)
    try:
        if options.command == "run":
            return _run(options)
        if options.command == "ledger":
            return _ledger(options)
        _list(called)
        return 0
    except UsageError as error:
        print(f"lessons: {error}", file=sys.stderr)
        return 2
    except tn.data.DataError as error:
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
    parser.set_defaults(called=called)
    commands = parser.add_subparsers(dest="command", metavar="{list,run,ledger}")
    commands.add_parser("list", help="the lessons, by chapter (what no command does, too)")
    run = commands.add_parser("run", help="run lessons, check their claims, draw their figures")
    run.add_argument("names", nargs="*", metavar="NAME", help="all, unless some are named")
    run.add_argument("--device", choices=("cpu", "gpu"), default="cpu", help="where to compute")
    run.add_argument(
        "--full", action="store_true", help="the lecture's own size, or more data: longer"
    )
    run.add_argument("--out", type=Path, default=Path("out"), metavar="DIR", help="for the figures")
    run.add_argument("--show", action="store_true", help="open the figures in windows too")
    ledger = commands.add_parser("ledger", help="what the slides print, and what comes out")
    ledger.add_argument("rows", nargs="*", metavar="ROW", help="these in full: B06, or B06a")
    return parser


def _list(called: str) -> None:
    width = max(len(name) for names in CHAPTERS.values() for name in names)
    for chapter, names in CHAPTERS.items():
        print(chapter)
        for name in names:
            print(f"  {name:<{width}}  {_title(name)}")
    print(f"\n{called} run NAME runs one, {called} run all of them.")


def _title(name: str) -> str:
    """The first line of a lesson's docstring, read without running it."""
    path = Path(__file__).parent.parent.joinpath(*module_of(name).split("."))
    source = path.with_suffix(".py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").splitlines()[0].partition(": ")[2]


def _run(options: argparse.Namespace) -> int:
    all_names = [name for names in CHAPTERS.values() for name in names]
    names = list(dict.fromkeys(options.names)) or all_names
    for name in names:
        if name not in all_names:
            near = difflib.get_close_matches(name, all_names, n=1, cutoff=0.4)
            hint = f"Did you mean {near[0]}?" if near else f"{options.called} lists them."
            raise UsageError(f"there is no lesson {name!r}. {hint}")
    if options.device == "gpu" and not tn.gpu_available():
        raise UsageError(f"--device gpu: {tn.gpu_unavailable_reason()}")
    plt = _pyplot(options.show)
    _check_writable(options.out)

    failed = []
    for number, name in enumerate(names, 1):
        print(f"[{number}/{len(names)}] {name}: {_title(name)}", flush=True)
        lesson = importlib.import_module(module_of(name))
        start = time.perf_counter()
        results = lesson.main(device=options.device, full=options.full)
        claims = lesson.claims(results)
        _print_claims(claims)
        for what, figure in lesson.show(results).items():
            path = options.out / f"{name}_{what}.png"
            unfinished = path.with_suffix(".tmp")
            try:  # first under another name: Ctrl-C must not leave half a figure
                figure.savefig(unfinished, dpi=110, format="png")
                unfinished.replace(path)
            except OSError as error:
                raise UsageError(f"cannot write {path}: {error.strerror or error}.") from None
            finally:
                unfinished.unlink(missing_ok=True)
            print(f"  figure  {path}")
            if not options.show:
                plt.close(figure)
        print(f"  time    {time.perf_counter() - start:.1f} s\n", flush=True)
        failed += [name] if not all(claim.holds for claim in claims) else []
    if options.show:
        plt.show()
    if failed:
        print(f"A claim failed in: {', '.join(failed)}.")
        return 1
    print(f"All claims hold in {len(names)} lesson{'s' * (len(names) > 1)}.")
    return 0


def _ledger(options: argparse.Namespace) -> int:
    _pyplot(show=False)  # the lessons that the rows call import it
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


def _print_claims(claims: list) -> None:
    wide = [max(len(c[i]) for c in claims) for i in range(3)]
    for what, claimed, got, holds in claims:
        verdict = "ok" if holds else "FAILS"
        row = f"{what:<{wide[0]}}  claimed {claimed:<{wide[1]}}  got {got:<{wide[2]}}"
        print(f"  {row}  {verdict}")


def _check_writable(out: Path) -> None:
    """Before anything runs: an hour's training must not end in a folder that is not there."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=out):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(f"cannot write to --out {out}: {reason}. Name another folder.") from None


def _pyplot(show: bool):  # type: ignore[no-untyped-def]
    """matplotlib.pyplot; without windows unless they are wanted and there is a screen."""
    missing = [name for module, name in NEEDED.items() if not importlib.util.find_spec(module)]
    if missing:
        raise UsageError(
            f"the lessons need {', '.join(missing)}. Install what is missing: {INSTALL}."
        )
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
    return plt


if __name__ == "__main__":
    raise SystemExit(main())
