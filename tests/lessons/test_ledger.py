"""The ledger: each row holds, each can fail, and the command tells both."""

from __future__ import annotations

import dataclasses
import functools
import os
import re
import subprocess
import sys

import numpy
import pytest

import tinynet as tn
from lessons import ledger
from lessons.__main__ import main as command
from lessons.ledger import ERRATA, table
from lessons.ledger.row import (
    HOLDS,
    SLIDES,
    Row,
    check,
    computed,
    erratum,
    lost,
    reproduced,
    same,
    statement,
)

ROWS = [row for rows in ledger.chapters().values() for row in rows]
IDS = [row.id for row in ROWS]
COMPUTING = [row for row in ROWS if row.compute]
LINES = {"000": 238, "001": 1549, "002": 571, "003": 1216, "004": 200}  # of the slides' texts

checked = functools.cache(check)  # each row is computed once for all tests


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    import matplotlib.pyplot as plt

    assert plt.get_fignums() == []  # no row draws


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_a_row_holds(row):
    got, holds = checked(row)
    assert holds, f"{row.what}: got {got}, right is {row.right}"


@pytest.mark.parametrize("row", COMPUTING, ids=[row.id for row in COMPUTING])
def test_a_row_fails_if_something_else_comes_out(row):
    got, _ = checked(row)
    right = numpy.asarray(row.right)
    if row.statement:
        assert not check(dataclasses.replace(row, compute=lambda: False))[1]
    elif right.dtype.kind == "U":
        assert not same(got, numpy.char.add(right, "!"), row.decimals)
    else:
        last = 10.0 ** -(row.decimals if row.decimals is not None else 3)  # the last digit
        for place in range(right.size):
            wrong = right.astype(float).ravel()
            wrong[place] += last
            assert not same(got, wrong.reshape(right.shape), row.decimals), place


def names_used(code):
    inner = [names_used(c) for c in code.co_consts if hasattr(c, "co_names")]
    return set(code.co_names).union(*inner)


@pytest.mark.parametrize("row", COMPUTING, ids=[row.id for row in COMPUTING])
def test_a_row_calls_the_code_that_computes_it(row):
    for compute in (row.compute, row.as_printed):
        code = getattr(compute, "__code__", None)  # none: a method of an array of a lesson
        if code is not None and "ledger" in code.co_filename:
            assert names_used(code)  # a lambda with a number alone uses none


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_a_row_is_of_one_of_the_four_kinds(row):
    text = functools.partial(table.text, row=row, whole=True)
    if row.verdict == "reproduced":
        assert row.compute and row.printed is not None
        assert row.statement or text(row.printed) == text(row.right)
        assert not row.statement or isinstance(row.printed, str)
    elif row.verdict == "erratum":
        assert row.erratum in ERRATA
        assert row.printed is not None and text(row.printed) != text(row.right)
    elif row.verdict == "computed":
        assert row.compute and row.printed is None and row.right is not None
    else:
        assert row.verdict == "lost" and row.compute is None and row.right is None
    assert row.compute or len(row.why) > 20  # a reason
    assert row.erratum is None or row.verdict in ("erratum", "lost")
    assert row.what and row.what == row.what.strip() and (row.why or ".").endswith(".")


def test_only_a_slip_of_the_pen_is_an_erratum_without_code():
    assert [row.id for row in ROWS if row.verdict == "erratum" and not row.compute] == ["C09c"]


def test_every_erratum_has_its_row_and_its_sentence():
    assert {row.erratum for row in ROWS if row.erratum} == set(ERRATA)
    assert set(ERRATA) >= {*range(1, 14), *range(15, 33), 36}
    assert list(ERRATA) == sorted(ERRATA)
    assert all(why.endswith((".", ".)")) for why in ERRATA.values())


def test_ids_are_unique_numbered_and_lettered_from_a():
    assert len(set(IDS)) == len(IDS)
    letters = {}
    for id in sorted(IDS):
        assert re.fullmatch(r"[A-Z]\d\d[a-z]?", id), id
        letters.setdefault(id[:3], []).append(id[3:])
    for number, found in letters.items():
        assert found in ([""], list("abcdefghijklmnopqrstuvwxyz"[: len(found)])), number


def test_every_number_of_the_slides_of_these_chapters_is_here():
    expected = {f"A{n:02}" for n in range(1, 13)}
    expected |= {f"B{n:02}" for n in range(1, 23)} - {"B13"}  # a list of pictures, no number
    expected |= {f"C{n:02}" for n in range(1, 16)} - {"C12"}  # a list of names
    expected |= {f"D{n:02}" for n in range(1, 33)}
    expected |= {"E08", "E09", "E10"}
    expected |= {f"R{n:02}" for n in range(1, 8)} | {f"M{n:02}" for n in range(1, 6)}
    assert {id[:3] for id in IDS} == expected


def test_places_are_lines_of_the_slides():
    for row in ROWS:
        file, line = row.place.split(":")
        assert file in SLIDES and SLIDES[file].startswith(f"{file}_")
        assert 1 <= int(line) <= LINES[file], row.id
    assert ROWS[0].slide == "001_2cc8296d8a649d23.txt, line 162"


def test_the_slides_digits_are_the_first_100_of_mnist_but_one():
    """B21c cannot be computed where the data set is not; where it is, all 100 are compared."""
    from lessons.autoencode.latent_size import MISREAD, printed

    try:
        _, labels = tn.data.mnist("test")
    except tn.data.DataNotFoundError as error:
        pytest.skip(str(error))
    places = numpy.argwhere((printed("truth") != labels[:100]).reshape(10, 10)) + 1
    assert places.tolist() == [list(MISREAD)]
    assert labels[80] == 7


def test_what_is_from_outside_the_slides_says_so():
    for row in ROWS:
        if "MIT" in row.what + row.why or "ITU" in row.what:
            assert "outside" in row.what + row.why, row.id


# -- check and same --------------------------------------------------------------------------------


def test_same_rounds_as_the_slide_and_compares_shapes_and_words():
    assert same(numpy.float32(0.0024726), 0.002, 3) and not same(0.0026, 0.002, 3)
    assert same([[1, 2]], [[1, 2]]) and not same([1, 2], [[1, 2]]) and not same([1, 2, 3], [1, 2])
    assert same("k", "k") and not same("k", "n") and not same("1", 1)
    assert not same(0.1 + 0.2, 0.3) and same(0.1 + 0.2, 0.3, 9)
    assert not same(float("nan"), float("nan"))
    assert same((3, 4), [3, 4]) and same(True, True) and not same(True, False)


@pytest.mark.parametrize("gives", [False, None, 1, "yes", numpy.ones(3, bool)])
def test_a_statement_needs_true_itself(gives):
    assert not check(statement("X01", "001:1", "what", "printed", lambda: gives))[1]
    assert check(statement("X01", "001:1", "what", "printed", lambda: numpy.True_)) == (HOLDS, True)


def test_an_error_in_a_lesson_is_a_row_that_fails_and_says_which():
    def compute():
        raise ImportError("no such lesson")

    assert check(computed("X01", "001:1", "w", 1, compute)) == (
        "ImportError: no such lesson",
        False,
    )


def test_how_a_wrong_number_comes_about_is_checked_too():
    def of(as_printed, gives=None):
        return check(
            erratum(7, "X01", "001:1", "sum", 15, 10, lambda: 10, None, "", as_printed, gives)
        )

    assert of(lambda: 15) == (10, True)
    assert of(lambda: 14) == ("as printed: 14", False)
    assert of(lambda: 0, gives=0) == (10, True)


def test_what_is_lost_holds_without_a_computation():
    assert check(lost("X01", "001:1", "what", 3, "It is gone.")) == (None, True)


# -- the command -----------------------------------------------------------------------------------


@pytest.fixture
def quick(monkeypatch):
    """The rows as they were checked above, and not computed again."""
    monkeypatch.setattr(table, "check", checked)


def test_the_whole_ledger_is_a_table_errata_and_totals(quick, capsys):
    assert command(["ledger"]) == 0
    printed = capsys.readouterr().out
    assert printed.isascii()
    assert max(map(len, printed.splitlines())) <= 100
    for id in IDS:
        assert re.search(rf"^{id} +00\d:\d+ ", printed, re.MULTILINE), id
    for number, why in ERRATA.items():
        assert re.search(rf"^ *{number}  [A-Z]\d\d.*  {re.escape(why[:20])}", printed, re.MULTILINE)
    assert "Of chapters that are still to come: 14, 33, 34, 35" in printed
    counts = [int(n) for n in re.findall(r"\d+", printed.splitlines()[-2])]
    assert counts[0] == len(ROWS) == sum(counts[1:])
    assert printed.endswith("All hold.\n")


def test_a_row_that_fails_is_shown_with_what_came_out_and_exit_code_1(monkeypatch, capsys):
    wrong = [computed("X01", "001:1", "one and one", 2, lambda: 3), computed("X02", "001:2", "two",
             2, lambda: 2)]  # fmt: skip
    monkeypatch.setattr(ledger, "chapters", lambda: {"sums": wrong})
    assert command(["ledger"]) == 1
    printed = capsys.readouterr().out
    assert re.search(r"X01 +001:1 +one and one +- +2 +FAILS\n +got 3\n", printed)
    assert re.search(r"X02 .*computed\n", printed)
    assert printed.endswith("These FAIL: X01.\n")
    assert command(["ledger", "X01"]) == 1
    assert "came out    3" in capsys.readouterr().out


def test_one_row_in_full(quick, capsys):
    assert command(["ledger", "a03B"]) == 0
    assert capsys.readouterr().out == (
        "A03b\n"
        "  slide       000_fcdcaffc17ab1b77.txt, line 61\n"
        "  what        sum of the sharpen filter's terms\n"
        "  printed     15\n"
        "  right       10\n"
        "  came out    10\n"
        "  verdict     erratum 7\n"
        "  erratum     The terms add up to 10. The last + 5 has no pixel and no weight: it is a "
        "bias, which\n"
        "              the slide never introduces.\n"
        "  as printed  it gives 15\n"
    )


def test_a_number_without_letter_means_all_its_rows(quick, capsys):
    assert command(["ledger", "B06", "B06a", "D22a"]) == 0
    printed = capsys.readouterr().out
    heads = re.findall(r"^[A-Z]\d\d[a-z]?$", printed, re.MULTILINE)
    assert heads == [*(f"B06{letter}" for letter in "abcdefg"), "D22a"]
    assert "right       1.4743  (to 4 decimals)\n  came out    1.4742829\n" in printed
    assert max(map(len, printed.splitlines())) <= 100
    assert printed.count("-0.11") == 3 * 16  # of the 48 numbers of D22a, each time


@pytest.mark.parametrize(
    ("asked", "hint"),
    [("b07c", "Did you mean B07?"), ("d22z", "Did you mean D22?"),
     ("?", "python -m lessons ledger lists them.")],
)  # fmt: skip
def test_an_unknown_row_gets_the_nearest(asked, hint, capsys):
    assert command(["ledger", "B06", asked]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == f"lessons: there is no row '{asked}' in the ledger. {hint}\n"


def test_a_long_cell_is_broken_at_matrix_rows_dots_and_underscores():
    assert table._lines("0 3 2 / 1 0 1 / 0 1 3", 9) == ["0 3 2", "1 0 1", "0 1 3"]
    assert table._lines("Layer.layers.weights", 14) == ["Layer.layers.", "weights"]
    assert table._lines("short / cell", 17) == ["short / cell"]


def test_numbers_as_text():
    as_text = functools.partial(table.text, row=Row("X01", "001:1", "", 1, 1, None, "lost"))
    assert as_text(3499200) == "3,499,200" and as_text(0.25) == "0.25" and as_text(-0.0) == "0"
    assert as_text((3, 3, 2)) == "3 x 3 x 2" and as_text([[1, 2], [3, 4.5]]) == "1 2 / 3 4.5"
    assert as_text(True) == "yes" and as_text(None) == "-" and as_text(["a", "b"]) == "a, b"
    assert as_text(list(range(48))) == "48 numbers: 0 1 2 3 ..."
    assert as_text(float("nan")) == "nan"


@pytest.mark.skipif(sys.platform == "win32", reason="a closed pipe is another error there")
def test_a_reader_that_has_seen_enough_is_no_traceback():
    call = [sys.executable, "-m", "lessons", "ledger"]
    process = subprocess.Popen(
        call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stdout.readline().startswith("row ")
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 1
    assert errors == ""


def test_the_constructors_make_the_four_kinds():
    assert reproduced("X01", "001:1", "w", 3, lambda: 3).right == 3
    assert computed("X01", "001:1", "w", 3, lambda: 3).printed is None
    assert lost("X01", "001:1", "w", 3, "why").right is None
    assert erratum(7, "X01", "001:1", "w", 3, 4, lambda: 4).verdict == "erratum"
