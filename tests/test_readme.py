"""What the README prints is what happens."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from benchmarks import readme
from lessons import CHAPTERS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


EXAMPLES = re.findall(r"```python\n(import numpy.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=["model", "engine"])
def test_an_example_prints_what_the_readme_says(example, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "README.md", "exec"), {})
    printed = capsys.readouterr().out.strip().splitlines()[-1]
    assert printed == example.strip().rsplit("# ", 1)[1]


def test_the_accuracies_are_those_of_the_committed_run():
    run = json.loads((ROOT / "benchmarks" / "results" / "accuracy.json").read_text())
    for name in ("tinynet", "PyTorch"):
        seen = [*(row[name] for row in run["runs"]), run[name]["mean"]]
        assert f"| {name} | {' | '.join(f'{share:.2%}' for share in seen)} |" in README


def test_every_lesson_is_listed():
    table = README.partition("## The lessons")[2].partition("\n## ")[0]
    listed = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    assert listed == [name for names in CHAPTERS.values() for name in names]


def test_the_files_and_pictures_that_it_names_exist():
    for path in re.findall(r"\]\(([\w/.]+)\)", README):
        assert (ROOT / path).exists(), path


def test_the_ratios_are_those_of_the_committed_run():
    run = json.loads((ROOT / "benchmarks" / "results" / "engine.json").read_text())
    small, large = (step["tinynet's part of"] for step in run["steps"])
    for ratio in (*small.values(), large["PyTorch, bare tensors"]):
        shown = f"{ratio['median']:.2f}", f"({ratio['low']:.2f} to {ratio['high']:.2f})"
        assert re.search(rf"{shown[0]}\W+{re.escape(shown[1])}", README), shown


def test_the_tables_of_models_and_operations_are_those_of_the_committed_run():
    """If not: python -m benchmarks.readme --write"""
    run = json.loads((ROOT / "benchmarks" / "results" / "cpu.json").read_text())
    for name, text in (
        ("cpu models", readme.of_models(run)),
        ("cpu operations", readme.of_operations(run)),
    ):
        page = readme.PLACES[name].read_text(encoding="utf-8")
        assert readme.filled(page, name, text) == page, name
