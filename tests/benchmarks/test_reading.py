"""What there is to read: the figures that the project promises, and how they are counted."""

from __future__ import annotations

import re
import textwrap

import pytest

from benchmarks import reading


@pytest.fixture(scope="module")
def figures():
    return reading.figures()


@pytest.mark.parametrize("number", range(5))
def test_every_figure_is_within_its_limit(figures, number):
    count = figures[0][number]
    assert count.found <= count.most, count


def test_the_details_add_up_to_the_figures(figures):
    counts, details = figures
    floors, path, step = details.values()
    assert [c.found for c in counts[1:]] == [
        max(floors.values()), sum(path.values()), sum(step.values()), len(step)
    ]  # fmt: skip
    assert len(counts) == 5
    assert counts[0].found == 1 + len(floors)  # and __init__


def test_lines_of_code_are_those_without_blanks_comments_and_docstrings(tmp_path):
    path = tmp_path / "sample.py"
    path.write_text(
        textwrap.dedent(
            '''
            """A docstring

            of three lines.
            """

            import math  # 1

            # a comment


            class A:  # 2
                """One line."""

                x = """not a
                docstring"""  # 3 and 4

                def f(self):  # 5
                    """Two
                    lines."""
                    return math.hypot(  # 6

                        3,  # 7
                        4,  # 8
                    )  # 9
            '''
        )
    )
    assert reading.code_lines(path) == 9


def test_the_floor_of_a_room_is_one_above_the_highest_that_it_imports():
    imports = {"a": set(), "b": {"a"}, "c": {"a"}, "d": {"c", "a"}}
    assert reading.floors_of(imports) == {"a": 1, "b": 2, "c": 2, "d": 3}
    message = "imports go in a circle among ['b', 'c']."
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        reading.floors_of({"a": set(), "b": {"c"}, "c": {"b", "a"}})


def test_a_step_without_its_lines_would_be_noticed(figures):
    step = figures[1]["Lines that the step executes"]
    files = {"engine/tensor.py", "engine/backward.py", "layers/dense.py", "ops/loss.py"}
    assert files | {"optim/optimizer.py", "optim/rules.py", "models/sequential.py"} <= set(step)


def test_it_prints_every_figure_and_returns_whether_one_is_too_large(capsys, monkeypatch):
    monkeypatch.setattr(reading, "LINES", 1)
    assert reading.main(threads=1) == 1
    printed = capsys.readouterr().out
    assert re.search(r"lines of code in the reading path: \d+, at most 1: TOO MANY", printed)
    assert "engine/tensor.py" in printed
