"""What the README prints is what happens."""

from __future__ import annotations

import json
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_example_prints_what_the_readme_says(capsys):
    example = re.search(r"```python\n(import numpy.*?)```", README, re.DOTALL).group(1)
    exec(compile(example, "README.md", "exec"), {})
    printed = capsys.readouterr().out.strip()
    assert printed == example.strip().rsplit("# ", 1)[1]


def test_the_files_and_pictures_that_it_names_exist():
    for path in re.findall(r"\]\(([\w/.]+)\)", README):
        assert (ROOT / path).exists(), path


def test_the_ratios_are_those_of_the_committed_run():
    run = json.loads((ROOT / "benchmarks" / "results" / "engine.json").read_text())
    small, large = (step["tinynet's part of"] for step in run["steps"])
    for ratio in (*small.values(), large["PyTorch, bare tensors"]):
        shown = f"{ratio['median']:.2f}", f"({ratio['low']:.2f} to {ratio['high']:.2f})"
        assert re.search(rf"{shown[0]}\W+{re.escape(shown[1])}", README), shown
