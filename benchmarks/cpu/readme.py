"""The tables that docs/speed.md and benchmarks/README.md show of results/cpu.json.

`python -m benchmarks.cpu.readme` prints them, and with `--write` it puts them there,
between their marks.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..measure.process import MIB
from ..twins.models import MODELS
from ..twins.steps import OURS
from . import chart, memory
from .report import RESULTS

ROOT = Path(__file__).parents[2]
PLACES = {  # of the text between <!-- NAME --> and <!-- /NAME -->
    "cpu models": ROOT / "docs" / "speed.md",
    "cpu operations": ROOT / "benchmarks" / "README.md",
}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.cpu.readme", description="Print the tables of results/cpu.json."
    )
    parser.add_argument(
        "--write", action="store_true", help="write them into the pages, and draw the chart"
    )
    write = parser.parse_args(arguments).write
    run = json.loads(RESULTS.read_text())
    texts = {"cpu models": of_models(run), "cpu operations": of_operations(run)}
    for name, text in texts.items():
        print(text)
        if write:
            path = PLACES[name]
            path.write_text(filled(path.read_text(encoding="utf-8"), name, text), encoding="utf-8")
    if write:
        chart.save(run, RESULTS.with_suffix(".png"))
    return 0


def filled(page: str, name: str, text: str) -> str:
    """The page with that text between its marks.  ValueError if they are not there."""
    first, last = f"<!-- {name} -->\n", f"<!-- /{name} -->\n"
    before, found, rest = page.partition(first)
    _, also, after = rest.partition(last)
    if not (found and also):
        raise ValueError(f"readme: the marks {first.strip()} and {last.strip()} are missing.")
    return f"{before}{first}\n{text}\n{last}{after}"


def of_models(run: Mapping[str, Any]) -> str:
    """The machine, a row for each model, and the goals."""
    others = sorted({name for found in run["models"] for name in found.get("others", ())})
    key = "compiled's part of it"
    forms = [name for name in OURS if name == "tinynet" or any(m.get(key) for m in run["models"])]
    heads = [
        "model",
        "",
        "batch",
        "time of tinynet / of PyTorch eager",
        *["time, compiled / of PyTorch eager"] * (len(forms) - 1),
        f"peak memory of {', '.join(forms)} / of PyTorch, MiB",
        *(f"time of {'; '.join(forms)} / of {name}" for name in others),
    ]
    rows = []
    for found in run["models"]:
        name = found["model"]
        cells = [f"`{name}`", MODELS[name].about, str(found["batch"])]
        cells += [_spread(found.get(f"{form}'s part of it")) for form in forms]
        cells.append(_memory(found.get("memory"), forms))
        for other in others:
            timed = found.get("others", {}).get(other) or {}
            parts = [part for form in forms if (part := timed.get(f"{form}'s part of it"))]
            cells.append("; ".join(f"{part['median']:.2f}" for part in parts) or "-")
        rows.append(cells)
    goals = "".join(f"- {goal}\n" for goal in run.get("goals", ()))
    return _measured_on(run) + "\n" + _table(heads, rows) + ("\n" + goals) * bool(goals)


def of_operations(run: Mapping[str, Any]) -> str:
    found = run.get("operations", ())
    forms = [name for name in OURS if any(f"{name}'s part of it" in row for row in found)]
    heads = ["operation", "", "input", *(f"time of {name} / of PyTorch" for name in forms)]
    heads += [*forms, "PyTorch", "the machine"]
    rows = []
    for row in found:
        cells = [row["operation"], row["part"], " x ".join(map(str, row["shape"]))]
        cells += [_spread(row[f"{form}'s part of it"]) for form in forms]
        shares = [row[f"{name}'s part of the limit"] for name in (*forms, "PyTorch")]
        cells += [f"{share['median']:.0%}" if share else "-" for share in shares]
        limit, unit = row["limit's billions a second"], row["unit"]
        rows.append([*cells, f"{limit:.3g} {unit}"])
    return _measured_on(run) + ("\n" + _table(heads, rows)) * bool(rows)


def _measured_on(run: Mapping[str, Any]) -> str:
    facts = run["machine"]
    blas = facts.get("BLAS settings", "none")
    held = "" if blas == "none" else f" In the environment: {blas}."
    return f"Measured on {facts['processor']}, with PyTorch {facts['PyTorch']}.{held}\n"


def _spread(part: Mapping[str, float] | None) -> str:
    if part is None:
        return "-"
    return f"**{part['median']:.2f}** ({part['low']:.2f} to {part['high']:.2f})"


def _memory(found: Mapping[str, Any] | None, forms: Sequence[str]) -> str:
    best = memory.better(dict(found)) if found else None
    if not found or best is None:
        return "-"
    *ours, theirs = (f"{found[name]['in all'] / MIB:.0f}" for name in (*forms, best))
    return f"{', '.join(ours)} / {theirs}"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


if __name__ == "__main__":
    raise SystemExit(main())
