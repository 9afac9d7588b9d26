"""`python -m tinynet` lists what there is.  Once installed, `tinynet` alone is the same command.

The lessons are found when they are asked for: nothing else of tinynet knows them.
"""

from __future__ import annotations

import sys
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path

import tinynet

CALLED = "python -m tinynet" if __name__ == "__main__" else "tinynet"
COMMANDS = {
    "lessons": "the lectures' examples, by chapter",
    "lessons run NAME": "runs one, checks its claims, draws its figures into out/",
    "lessons notebook NAME": "writes one as a notebook into out/",
    "lessons slides": "which lesson belongs to which slide",
    "lessons ledger": "what the slides print, beside what comes out",
    "--version": "the version alone",
}


def main(arguments: list[str] | None = None) -> int:
    """arguments: those after the command; None for those it was called with.  The exit code."""
    command, *others = (sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if command == "lessons":
        return _lessons(others)
    if command in ("-h", "--help"):
        lines = [f"tinynet {tinynet.__version__}.  In Python: import tinynet as tn", ""]
        lines += [f"{CALLED} {name:<21}  {line}" for name, line in COMMANDS.items()]
        print("\n".join(lines))
    elif command == "--version":
        print(tinynet.__version__)
    else:
        if command in ("list", "run", "notebook", "page", "slides", "ledger"):
            cure = f"Did you mean {CALLED} lessons {command}?"
        elif get_close_matches(command, ["lessons"]):
            cure = f"Did you mean {CALLED} lessons?"
        else:
            cure = f"{CALLED} lists them."
        print(f"tinynet: there is no command {command!r}. {cure}", file=sys.stderr)
        return 2
    return 0


def _lessons(arguments: list[str]) -> int:
    """Run those beside this tinynet: tinynet_lessons, of a wheel, or a clone's folder lessons."""
    home = Path(__file__).parents[1]
    for name in ("tinynet_lessons", "lessons"):
        if (home / name / "__main__.py").exists():
            sys.path.insert(0, str(home))  # before a folder `lessons` of your own
            return import_module(f"{name}.__main__").main(arguments, f"{CALLED} lessons")
    print(
        'tinynet: the lessons are missing. Install them: pip install "tinynet-edu[lessons]", or in '
        f'the clone pip install -e ".[lessons]". They would be in {home}.',
        file=sys.stderr,
    )
    return 2


if __name__ == "__main__":
    sys.exit(main())
