"""One run of a lesson: its size, its device, and where its claims and figures go."""

from __future__ import annotations

import functools
import os
import tempfile
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

SIZES = ("quick", "default", "full")
WIDTH = 100  # columns of everything that a lesson prints


class Claim(NamedTuple):
    """What a lesson says that one must see."""

    sentence: str
    seen: str
    verdict: str  # "ok", "FAILS", "changed", or "later": not claimed at this size or of these data


@dataclass
class Session:
    name: str = "lesson"
    size: str = "default"
    device: str = "cpu"
    out: Path | None = None  # None: in a notebook, whose figures stand in its cells
    changed: bool = False  # by --set
    drawn: bool = False  # a data set was not there, and drawn pictures took its place
    keep_open: bool = False
    claims: list[Claim] = field(default_factory=list)
    figures: list[Path] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)  # of the figures

    def keep(self, what: str, drawing: Any, frames: Sequence[Any] = ()) -> None:
        """Write a figure, or a film of its frames.  what: the file's name beside the lesson's."""
        assert self.out is not None
        path = self.out / f"{self.name}_{what}.{'gif' if frames else 'png'}"
        if path in self.figures:
            raise ValueError(f"{self.name} draws {what} twice. Draw the second under another name.")
        unfinished = path.with_suffix(".tmp")
        try:  # first under another name: Ctrl-C must not leave half a figure
            if frames:
                unfinished.write_bytes(_gif(frames))
            else:
                drawing.savefig(unfinished, dpi=110, format="png")
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
        self.figures.append(path)
        self.titles.append(drawing.get_suptitle())
        print(f"[figure: {path}]", flush=True)


_current: list[Session] = []


def current() -> Session:
    """The run that goes on; in a notebook, the notebook's."""
    if not _current:
        size = os.environ.get("TINYNET_LESSON_SIZE", "default")
        if size not in SIZES:
            raise ValueError(f"TINYNET_LESSON_SIZE is {size!r}. Give one of {', '.join(SIZES)}.")
        _current.append(Session(size=size))
    return _current[-1]


def begin(session: Session) -> None:
    _current.append(session)


def end() -> None:
    _current.pop()


def running() -> bool:
    return bool(_current)


# -- what a lesson calls ---------------------------------------------------------------------------


def size(quick: Any, default: Any, full: Any = None) -> Any:
    """One of three values: for a look of seconds, for a lesson of a minute, or for --full.

    full: the default's, unless it is given.
    """
    values = {"quick": quick, "default": default, "full": default if full is None else full}
    return values[current().size]


def claim(
    sentence: str, holds: Any, seen: Any = "", *, quick: bool = True, drawn: bool = True
) -> None:
    """Print what must hold, and whether it does.

    sentence: says it so that it can be read alone.  seen: the number that came out, with its unit.
    quick=False: it needs the lesson's default size.  drawn=False: it needs the real pictures.
    """
    session = current()
    too_small = session.size == "quick" and not quick
    if too_small or (session.drawn and not drawn):
        verdict = "later"
    elif holds:
        verdict = "ok"
    else:
        verdict = "changed" if session.changed else "FAILS"
    session.claims.append(Claim(sentence, str(seen), verdict))
    text = f"{sentence}: {seen}" if str(seen) else sentence
    if verdict == "later":
        text += f" (claimed {'at the default size' if too_small else 'of real pictures only'})"
    lines = wrapped(text, WIDTH - 9)
    print(f"{verdict:<8} " + ("\n" + " " * 9).join(lines))


def table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a small table: words to the left, numbers to the right."""
    cells = [[str(value) for value in row] for row in (header, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    words = [all(isinstance(row[i], str) and not _numeric(row[i]) for row in rows)
             for i in range(len(header))]  # fmt: skip
    for number, row in enumerate(cells):
        aligned = [
            f"{text:<{w}}" if left else f"{text:>{w}}"
            for text, w, left in zip(row, widths, words, strict=True)
        ]
        print("  ".join(aligned).rstrip())
        if not number:
            print("  ".join("-" * w for w in widths))


def _numeric(text: str) -> bool:
    return text.lstrip("+-.$").replace(",", "").rstrip("%sx")[:1].isdigit()


def figure(draw: Callable[..., Any]) -> Callable[..., None]:
    """For a function that returns a figure: it is shown where the lesson calls it, and kept."""

    @functools.wraps(draw)
    def shown(*values: Any, **named: Any) -> None:
        _show(draw.__name__, draw(*values, **named))

    return shown


def film(draw: Callable[..., Any]) -> Callable[..., None]:
    """For a function that yields a figure after each change of it: the film is shown, and kept.

    It is kept as a GIF.  Each frame stays for a fifth of a second, the last one for 2 s longer.
    """

    @functools.wraps(draw)
    def shown(*values: Any, **named: Any) -> None:
        import numpy as np

        frames = []
        for drawing in draw(*values, **named):
            drawing.canvas.draw()
            frames.append(np.array(drawing.canvas.buffer_rgba())[..., :3])
        _show(draw.__name__, drawing, frames)

    return shown


def _show(what: str, drawing: Any, frames: Sequence[Any] = ()) -> None:
    import matplotlib.pyplot as plt

    session = current()
    if session.out is None:
        from IPython.display import Image, display

        display(Image(_gif(frames), format="gif") if frames else drawing)
    else:
        session.keep(what, drawing, frames)
    if session.out is None or not session.keep_open:
        plt.close(drawing)


def _gif(frames: Sequence[Any]) -> bytes:
    import matplotlib.pyplot as plt

    import tinynet as tn

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.gif"
        plt.close(tn.plot.film(frames, path))
        return path.read_bytes()


def wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False) or [""]
