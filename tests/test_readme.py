"""What the README prints is what happens, and what CONTRIBUTING.md says to write works."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

import matplotlib
import numpy
import pytest

import tinynet as tn
from benchmarks.cpu import readme
from lessons import CHAPTERS

matplotlib.use("Agg")
import matplotlib.pyplot as plt

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")

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


# -- what they say to write ------------------------------------------------------------------------


def recipe(page, path, module=None):
    """The names of the example that is written for that file, after those of the module there."""
    code = re.search(rf"```python\n# {re.escape(path)}.*?\n(.*?)```", page, re.DOTALL)[1]
    home = path.removesuffix(".py").replace("/", ".")
    names = {"__package__": home.rpartition(".")[0], "__name__": home}
    names |= {} if module is None else vars(importlib.import_module(module))
    exec(compile(code, path, "exec"), names)
    return names


def test_the_operation_of_the_readme_has_the_right_gradient(rng):
    swish = recipe(README, "tinynet/ops/activation.py", "tinynet.ops.activation")["swish"]
    x = rng.standard_normal((3, 4))
    numpy.testing.assert_allclose(swish(x).numpy(), x / (1 + numpy.exp(-x)))
    tn.gradcheck(swish, x)


def test_the_layer_of_contributing_is_one(rng):
    layer = recipe(CONTRIBUTING, "tinynet/layers/pooling.py", "tinynet.layers.pooling")
    x = rng.standard_normal((2, 5, 4, 3), numpy.float32)
    y = layer["GlobalMaxPooling2D"]()(x)
    numpy.testing.assert_array_equal(y.numpy(), x.max(axis=(1, 2)))
    assert y.shape[1:] == layer["GlobalMaxPooling2D"]().output_shape((5, 4, 3))


def test_the_lesson_of_contributing_is_one():
    lesson = recipe(CONTRIBUTING, "lessons/neuron/step.py")
    assert all(
        f"\n{part} " in lesson["__doc__"] for part in ("Slides", "Question", "Expect", "Try")
    )
    results = lesson["main"]()
    assert all(claim.holds for claim in lesson["claims"](results))
    assert all(figure.axes for figure in lesson["show"](results).values())
    plt.close("all")


def test_the_files_that_contributing_names_exist():
    paths = re.findall(r"\]\(([\w/.]+)", CONTRIBUTING)
    assert paths and all((ROOT / path).exists() for path in paths)
