"""What README.md and docs/ print is what happens; what CONTRIBUTING.md says to write works."""

from __future__ import annotations

import importlib
import json
import math
import re
from pathlib import Path

import matplotlib
import numpy
import pytest

import tinynet as tn
from benchmarks.cpu import readme
from lessons import CHAPTERS
from lessons.shared import run as runner
from lessons.shared.session import Session

matplotlib.use("Agg")

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")}
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")

EXAMPLES = {
    name + ("-" + str(i) if i else ""): example
    for name, page in {"README": README, **PAGES}.items()
    for i, example in enumerate(re.findall(r"```python\n(import numpy.*?)```", page, re.DOTALL))
}


def test_the_readme_is_short():
    assert len(README.splitlines()) <= 150
    lines = [line for line in EXAMPLES["README"].splitlines() if line]
    assert len(lines) <= 12 and max(map(len, lines)) <= 100


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_an_example_prints_what_the_readme_says(example, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "README.md", "exec"), {})
    printed = capsys.readouterr().out.strip().splitlines()[-1]
    assert printed == example.strip().rsplit("# ", 1)[1]


def test_the_accuracies_are_those_of_the_committed_run():
    run = json.loads((ROOT / "benchmarks" / "results" / "accuracy.json").read_text())
    for name in ("tinynet", "PyTorch"):
        seen = [*(row[name] for row in run["runs"]), run[name]["mean"]]
        assert f"| {name} | {' | '.join(f'{share:.2%}' for share in seen)} |" in PAGES["accuracy"]


def test_every_chapter_is_listed():
    table = README.partition("## Start with one lesson")[2].partition("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == list(CHAPTERS)


def test_every_lesson_and_command_that_is_named_exists():
    names = [name for names in CHAPTERS.values() for name in names]
    for name, page in {"README": README, **PAGES}.items():
        for word in re.findall(r"(?:python -m|tinynet) lessons (?:run )?([a-z_]+)", page):
            known = (*names, "run", "notebook", "page", "slides", "ledger")
            assert word in known, f"{name}: {word}"


def test_the_files_and_pictures_that_it_names_exist():
    for folder, page in ((ROOT, README), *((ROOT / "docs", page) for page in PAGES.values())):
        for path in re.findall(r"\]\(([\w/.]+)\)", page):
            assert (folder / path).exists(), path


def ratio_of(spread):
    return f"**{spread['median']:.2f}** ({spread['low']:.2f} to {spread['high']:.2f})"


def test_the_ratios_are_those_of_the_committed_run():
    run = json.loads((ROOT / "benchmarks" / "results" / "engine.json").read_text())
    small, large = (step["tinynet's part of"] for step in run["steps"])
    for ratio in (*small.values(), large["PyTorch, bare tensors"]):
        assert ratio_of(ratio) in PAGES["speed"]
    assert ratio_of(small["PyTorch, bare tensors"]) in README
    run = json.loads((ROOT / "benchmarks" / "results" / "cpu.json").read_text())
    models = {row["model"]: row["tinynet's part of it"] for row in run["models"]}
    for name in ("fashion", "mnist"):
        assert re.search(rf"`{name}`.*{re.escape(ratio_of(models[name]))}", README)
    mean = math.exp(sum(math.log(row["median"]) for row in models.values()) / len(models))
    assert f"all {len(models)} models of the lessons, geometric mean | **{mean:.2f}** |" in README


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
    return PAGES["speed"].partition(f"<!-- {name} -->\n```\n")[2].partition("\n```")[0]


def layers_of(table):
    """The first column between the two double lines of a table."""
    rows = re.split(r"\n=+\n", table)[1].splitlines()
    return [row.split("   ")[0] for row in rows if not row.startswith(" ")]


@pytest.fixture
def model():
    """The names of the example of docs/training.md, before it trains."""
    names = {}
    exec(compile(EXAMPLES["training"].partition("model.summary()")[0], "README.md", "exec"), names)
    return names


@pytest.mark.numpy_form
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
    from tinynet.devices.cpu import convolve_workspace
    from tinynet.ops.windows import windows

    KH, KW, C, outputs = 5, 5, 32, 64  # the kernel of its second convolution
    columns = 1000 * 14 * 14 * KH * KW * C * 4
    assert (
        f"{columns / 2**20:.0f} MiB for the\nsecond convolution of `mnist_low_level`"
        in PAGES["memory"]
    )
    tn.set_threads(2)
    try:
        size = convolve_workspace(1000, 4, C, outputs, windows((14, 14), (KH, KW), 1, "same"))
    finally:
        tn.set_threads(None)
    assert f"for each thread, {size / 2**20:.1f} MiB there with two threads" in PAGES["memory"]


# -- what they say to write ------------------------------------------------------------------------


def recipe(page, path, module=None):
    """The names of the example that is written for that file, after those of the module there."""
    code = re.search(rf"```python\n# {re.escape(path)}.*?\n(.*?)```", page, re.DOTALL)[1]
    home = path.removesuffix(".py").replace("/", ".")
    names = {"__package__": home.rpartition(".")[0], "__name__": home}
    names |= {} if module is None else vars(importlib.import_module(module))
    exec(compile(code, path, "exec"), names)
    return names


@pytest.mark.parametrize("page", [README, PAGES["engine"]], ids=["README", "engine"])
def test_the_operation_that_they_add_has_the_right_gradient(page, rng):
    swish = recipe(page, "tinynet/ops/activation.py", "tinynet.ops.activation")["swish"]
    x = rng.standard_normal((3, 4))
    numpy.testing.assert_allclose(swish(x).numpy(), x / (1 + numpy.exp(-x)))
    tn.gradcheck(swish, x)


def test_the_layer_of_contributing_is_one(rng):
    layer = recipe(CONTRIBUTING, "tinynet/layers/pooling.py", "tinynet.layers.pooling")
    x = rng.standard_normal((2, 5, 4, 3), numpy.float32)
    y = layer["GlobalMaxPooling2D"]()(x)
    numpy.testing.assert_array_equal(y.numpy(), x.max(axis=(1, 2)))
    assert y.shape[1:] == layer["GlobalMaxPooling2D"]().output_shape((5, 4, 3))


def test_the_lesson_of_contributing_is_one(tmp_path, monkeypatch, capsys):
    """In the place of perceptron, since the folder of the lessons is not written to."""
    code = re.search(r"```python\n# lessons/neuron/step.py\n(.*?)```", CONTRIBUTING, re.DOTALL)[1]
    drawing = recipe(CONTRIBUTING, "lessons/shared/draw/step.py", "lessons.shared.draw.perceptron")
    monkeypatch.setattr("lessons.shared.draw.perceptron.slopes", drawing["slopes"], raising=False)
    file = tmp_path / "step.py"
    file.write_text(code.replace("import step as draw", "import perceptron as draw"), "utf-8")
    session = Session("step", out=tmp_path)
    assert runner.lesson(file, session, {}, "headings")
    assert [claim.verdict for claim in session.claims] == ["ok", "ok"]
    assert (tmp_path / "step_slopes.png").exists()


def test_the_files_that_contributing_names_exist():
    paths = re.findall(r"\]\(([\w/.]+)", CONTRIBUTING)
    assert paths and all((ROOT / path).exists() for path in paths)
