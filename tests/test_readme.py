"""What the README prints is what happens."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import tinynet as tn
from benchmarks.cpu import readme
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
    """If not: python -m benchmarks.cpu.readme --write"""
    run = json.loads((ROOT / "benchmarks" / "results" / "cpu.json").read_text())
    for name, text in (
        ("cpu models", readme.of_models(run)),
        ("cpu operations", readme.of_operations(run)),
    ):
        page = readme.PLACES[name].read_text(encoding="utf-8")
        assert readme.filled(page, name, text) == page, name


def block(name):
    """The text between the fences after <!-- name -->."""
    return README.partition(f"<!-- {name} -->\n```\n")[2].partition("\n```")[0]


def layers_of(table):
    """The first column between the two double lines of a table."""
    rows = re.split(r"\n=+\n", table)[1].splitlines()
    return [row.split("   ")[0] for row in rows if not row.startswith(" ")]


@pytest.fixture
def model():
    """The names of the README's first example, before it trains."""
    names = {}
    exec(compile(EXAMPLES[0].partition("model.summary()")[0], "README.md", "exec"), names)
    return names


@pytest.mark.fast_form
def test_the_cost_is_the_table_that_it_prints(model, capsys):
    command, _, table = block("cost").partition("\n")
    tn.set_threads(int(re.search(r"\((\d+) threads?, budget 64 MiB\)", table)[1]))
    try:
        exec(command.removeprefix(">>> "), model)
    finally:
        tn.set_threads(None)
    assert capsys.readouterr().out.strip() == table


def test_the_profile_has_the_layers_that_it_prints(model, capsys):
    commands = re.findall(r"^>>> (.*)", block("profile"), re.MULTILINE)
    exec("\n".join(commands).replace("steps=50", "steps=1"), model)
    printed, seen = (layers_of(table) for table in (block("profile"), capsys.readouterr().out))
    assert printed == seen and printed[-1] == "optimizer (Adam)"


def test_the_columns_of_the_low_level_network_are_as_large_as_it_says():
    from lessons.classify import mnist_low_level
    from tinynet.devices.cpu import convolve_workspace
    from tinynet.ops.windows import windows

    KH, KW, C, outputs = mnist_low_level.SHAPES["conv2"]
    columns = 1000 * 14 * 14 * KH * KW * C * 4
    assert f"{columns / 2**20:.0f} MiB for the\nsecond convolution of `mnist_low_level`" in README
    tn.set_threads(2)
    try:
        size = convolve_workspace(1000, 4, C, outputs, windows((14, 14), (KH, KW), 1, "same"))
    finally:
        tn.set_threads(None)
    assert f"for each thread, {size / 2**20:.1f} MiB there with two threads" in README
