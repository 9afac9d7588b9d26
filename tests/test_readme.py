"""What the README prints is what happens."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

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


def test_the_models_ratios_are_those_of_the_committed_run():
    run = json.loads((ROOT / "benchmarks" / "results" / "cpu.json").read_text())
    for model in run["models"]:
        ratio = model["tinynet's part of it"]
        shown = f"**{ratio['median']:.2f}** ({ratio['low']:.2f} to {ratio['high']:.2f})"
        row = rf"^\| `{model['model']}` \| .* \| {model['batch']} \| {re.escape(shown)} \|$"
        assert re.search(row, README, re.MULTILINE), model["model"]
