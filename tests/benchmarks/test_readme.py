"""The tables and the chart of a run: every number where it belongs."""

from __future__ import annotations

import json

import pytest

from benchmarks.cpu import chart, readme
from benchmarks.measure.process import MIB


def spread(median):
    return {"median": median, "low": median - 0.1, "high": median + 0.2}


def peaks(ours, theirs):
    return {
        "tinynet": {"in all": ours * MIB, "above the import": 1},
        "default layout": {"in all": theirs * MIB, "above the import": 1},
        "channels last": {"in all": 2 * theirs * MIB, "above the import": 1},
    }


def model(name, part, **more):
    return {"model": name, "batch": 8, "tinynet's part of it": part and spread(part)} | more


RUN = {
    "machine": {"processor": "P", "PyTorch": "2.13, 2 threads"},
    "models": [
        model(
            "vae", 0.9, memory=peaks(80, 340), others={"JAX": {"tinynet's part of it": spread(0.5)}}
        ),
        model("rbm", 1.2),
    ],
    "goals": ["one: reached (1)", "two: NOT REACHED (2)"],
    "operations": [
        {
            "operation": "c",
            "part": "dx",
            "shape": [2, 3],
            "unit": "GB/s",
            "limit's billions a second": 12.34,
            "tinynet's part of it": spread(1.5),
            "tinynet's part of the limit": spread(0.25),
            "PyTorch's part of the limit": None,
        }
    ],
}


def test_the_table_of_models_has_time_memory_and_the_other_libraries():
    text = readme.of_models(RUN)
    assert text.startswith("Measured on P, with PyTorch 2.13, 2 threads.\n\n| model |")
    assert (
        "\n| `vae` | 784-512-256-2 and back | 8 | **0.90** (0.80 to 1.10) | 80 / 340 | 0.50 |\n"
        in text
    )
    assert "\n| `rbm` | CD-1 | 8 | **1.20** (1.10 to 1.40) | - | - |\n" in text
    assert text.endswith("\n\n- one: reached (1)\n- two: NOT REACHED (2)\n")


def test_the_table_of_operations_has_the_distance_to_the_limit():
    row = "| c | dx | 2 x 3 | **1.50** (1.40 to 1.70) | 25% | - | 12.3 GB/s |\n"
    assert readme.of_operations(RUN).endswith(row)
    assert "|" not in readme.of_operations(RUN | {"operations": []})


def test_a_run_of_before_there_was_memory_has_a_table_too():
    old = {"machine": RUN["machine"], "models": [model("rbm", None)]}
    assert readme.of_models(old).endswith("\n| `rbm` | CD-1 | 8 | - | - |\n")


def test_a_text_comes_between_its_marks_and_the_rest_stays():
    page = "a\n<!-- x -->\nold\n<!-- /x -->\nb\n"
    once = readme.filled(page, "x", "new\n")
    assert once == "a\n<!-- x -->\n\nnew\n\n<!-- /x -->\nb\n"
    assert readme.filled(once, "x", "new\n") == once
    with pytest.raises(ValueError) as error:
        readme.filled("a\n<!-- x -->\n", "x", "new\n")
    assert str(error.value) == "readme: the marks <!-- x --> and <!-- /x --> are missing."


def test_the_command_prints_and_if_asked_writes(monkeypatch, tmp_path, capsys):
    results = tmp_path / "cpu.json"
    results.write_text(json.dumps(RUN))
    pages = {name: tmp_path / f"{name}.md" for name in readme.PLACES}
    for name, path in pages.items():
        path.write_text(f"<!-- {name} -->\n<!-- /{name} -->\n")
    monkeypatch.setattr(readme, "RESULTS", results)
    monkeypatch.setattr(readme, "PLACES", pages)
    drawn = []
    monkeypatch.setattr(chart, "save", lambda run, path: drawn.append(path))
    assert readme.main([]) == 0
    assert readme.of_models(RUN) in capsys.readouterr().out
    assert not drawn and "vae" not in pages["cpu models"].read_text()
    assert readme.main(["--write"]) == 0
    assert readme.of_models(RUN) in pages["cpu models"].read_text()
    assert readme.of_operations(RUN) in pages["cpu operations"].read_text()
    assert drawn == [tmp_path / "cpu.png"]


def test_the_chart_has_a_bar_with_its_spread_for_each_model_and_a_line_at_1():
    pytest.importorskip("matplotlib")
    (axes,) = chart.draw(RUN).axes
    assert [bar.get_width() for bar in axes.patches] == [0.9, 1.2]
    assert [bar.get_facecolor() != axes.patches[0].get_facecolor() for bar in axes.patches] == [
        False, True,
    ]  # fmt: skip
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "vae, batch 8",
        "rbm, batch 8",
    ]
    (ends,) = (c for c in axes.collections if len(c.get_segments()) == 2)
    assert [segment[:, 0].round(2).tolist() for segment in ends.get_segments()] == [
        [0.8, 1.1], [1.1, 1.4],
    ]  # fmt: skip
    assert any(set(line.get_xdata()) == {1} for line in axes.lines)
    assert axes.yaxis_inverted()  # the first on top
    assert "2.13, 2 threads; P" in axes.get_title()


def test_the_compiled_loops_have_a_column_and_a_bar_where_they_were_measured():
    memory = peaks(80, 340) | {"compiled": {"in all": 190 * MIB, "above the import": 1}}
    found = model("vae", 0.9, memory=memory) | {"compiled's part of it": spread(0.6)}
    run = RUN | {"models": [found]}
    text = readme.of_models(run)
    assert "| **0.90** (0.80 to 1.10) | **0.60** (0.50 to 0.80) | 80, 190 / 340 |\n" in text
    assert "| time, compiled / of PyTorch eager | peak memory of tinynet, compiled / of" in text
    pytest.importorskip("matplotlib")
    (axes,) = chart.draw(run).axes
    assert [bar.get_width() for bar in axes.patches] == [0.9, 0.6]
