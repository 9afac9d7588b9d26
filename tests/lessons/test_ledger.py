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
from lessons import CHAPTERS, ledger
from lessons.__main__ import main as command
from lessons.ledger import table
from lessons.ledger.row import (
    HOLDS,
    VERDICTS,
    Row,
    check,
    computed,
    convention,
    erratum,
    lost,
    misread,
    reproduced,
    same,
    statement,
)
from lessons.ledger.slides import LECTURES, WIDTHS, lecture_and_slide

ROWS = [row for rows in ledger.chapters().values() for row in rows]
IDS = [row.id for row in ROWS]
COMPUTING = [row for row in ROWS if row.compute]
LINES = {"000": 238, "001": 1549, "002": 571, "003": 1216, "004": 201}  # of the lectures' texts
COMING = {  # lessons that the index may name before they are there
    *("softmax", "autograd", "receptive_field"),
    *("dropout", "batch_norm", "optimizers", "variations"),
}
# The numbers that the slides print in these chapters, copied by hand, for each example.  Left out
# are dates, pages, figures, addresses, and how large a figure is drawn.
NUMBERS = {
    "A01": "64  8 8  4 4 4",
    "A03": "5 0 9 -1 13 0 6 -1 10 5 14 -1 7 0 11 -1 15 0 5  15",
    "A09": "28 28  32  0 255",
    "A10": "256 256 3  896 128 18496 256 36928 819400 1770128 1769582 576 6.75 2.25 1.77 "
    "128 128 32  64 64 64  32 32 64  16 16 64  8 8 64  4096 200",
    "A11": "200 4096 823296 36928 256 18464 128 807 954387 952859 448 3.64 1.76 974000 "
    "8 8 64  16 16 64  32 32 64  64 64 64  128 128 32  256 256 3",
    "A12": "30",
    "B01": "1 0 2",
    "B02": "1 3 -2 -1 2  -6 0.002",
    "B06": "4 5 2 1 5 8  0.1 0.8 0.6",
    "B07": "30 80 85",
    "B11": "1",
    "B12": "256 206  0 255  1080 1080 3",
    "B14": "4 4 16 2",
    "B15": "1 -1 10",
    "B16": "1 0  4 3 4 2 4 3 2 3",
    "B17": "0 -1 5  1 -4",
    "B18": "112 112 64  4",
    "B20": "2",
    "B21": "2 5",
    "C01": "3",
    "C02": "1 2  4 4",
    "C04": "0 3 2 1 0 1 0 1 3",
    "C05": "1 1 2 4 5 6 7 8 3 2 1 0 1 2 3 4  6 8 3 4",
    "C06": "2  6 7 8 3 3 4",
    "C07": "6 8 3 4",
    "C08": "0.8 0.2 1 2",
    "C10": "32",
    "C13": "784",
    "C14": "2 3 4  3 3",
    "C15": "1 2 3 4 5 6 7 8 9",
    "D02": "2",
    "D06": "1000 1500 100  1 4",
    "D07": "64 784 10",
    "D08": "784 32 50 256",
    "D09": "784 64 512 256 128",
    "D10": "784 1024 1e-5",
    "D12": "0.80 0.15 0.05",
    "D13": "180 5 8 152",
    "D14": "0 1 2 3 4  1 -1 2  0 1 1 3 5 2 8",
    "D15": "1 0 3",
    "D16": "1 2",
    "D17": "0 255 100",
    "D18": "3 3 3  1 1 1  3 3 2  -1 0 1 -5 2 -2 -8 -3 -7  3 -3 8 4",
    "D19": "32 32 1 10",
    "D20": "3 5 7 1  2 32 1024",
    "D21": "2 2  3 3 1",
    "D22": "-0.11 0.11 0.33 0.55 1.00 -0.33 0.77",
    "D23": "0.1 0 1 0",
    "D24": "0.5",
    "D25": "2 0 1 0.99 0.001",
    "D26": "1000 100",
    "D27": "60000 10000 784 255 10 0.001 5 1000 0.1 32 64 7 1024 1 2 0.5 1e-4 47 6",
    "D29": "1 1",
    "D30": "28 28 1 32 3 2 64 512 0.2 8 0.08 0.3 5",
    "D31": "10 100 80",
    "D32": "128 10 20 28 32 3 64 2 0.25 0.5",
    "E10": "64 64 3  32 32 64  16 16 128  8 8 256  5 3 3  256 128",
}

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
def test_a_row_is_what_its_verdict_says(row):
    text = functools.partial(table.text, row=row, whole=True)
    assert row.verdict in VERDICTS
    if row.verdict == "reproduced":
        assert row.compute and row.printed is not None
        assert row.statement or text(row.printed) == text(row.right)
        assert not row.statement or isinstance(row.printed, str)
    elif row.verdict in ("erratum", "convention"):
        assert row.compute and row.printed is not None and row.why
        assert text(row.printed) != text(row.right)
    elif row.verdict == "misread":
        assert row.printed is not None and row.why and text(row.printed) != text(row.right)
        assert row.compute or row.right is None or row.id == "B21c"  # which needs the data set
    elif row.verdict == "computed":
        assert row.compute and row.right is not None
        assert row.printed is None or text(row.printed) != text(row.right)
    else:
        assert row.verdict == "lost" and row.compute is None and row.right is None
    assert row.compute or len(row.why) > 20  # a reason
    assert row.what and row.what == row.what.strip()
    assert (row.why or ".").endswith((".", ".)"))


def test_what_no_machine_can_misread_is_an_erratum_and_what_one_did_is_none():
    """Nobody is accused of a scanner's mistake."""
    found = {verdict: {row.id for row in ROWS if row.verdict == verdict} for verdict in VERDICTS}
    assert found["erratum"] == {
        *("B06d", "B10", "C06a", "C14d", "C14e", "C15a", "D21b", "D27i", "D27j", "D30f")
    }
    assert {"A10e", "A11b", "A11c", "A11d", "A11f", "A11h", "B12a", "B15a"} <= found["misread"]
    assert {"B23a", "C07b", "D04b", "E10g"} <= found["convention"]


def test_ids_are_unique_numbered_and_lettered_from_a():
    assert len(set(IDS)) == len(IDS)
    letters = {}
    for id in sorted(IDS):
        assert re.fullmatch(r"[A-Z]\d\d[a-z]?", id), id
        letters.setdefault(id[:3], []).append(id[3:])
    for number, found in letters.items():
        assert found in ([""], list("abcdefghijklmnopqrstuvwxyz"[: len(found)])), number


def numbers_in(value):
    """All numbers of a cell of the ledger."""
    if value is None:
        return set()
    if isinstance(value, str):
        found = re.findall(r"(?<![\w.])-?(?:\d+\.?\d*|\.\d+)(?:e-?\d+)?", value)
        return {float(n) for n in found}
    if isinstance(value, list | tuple | numpy.ndarray):
        return set().union(*map(numbers_in, value))
    return {float(value)}


@pytest.mark.parametrize("example", NUMBERS)
def test_every_number_that_the_slides_print_is_in_a_row(example):
    rows = [row for row in ROWS if row.id.startswith(example)]
    there = set().union(*(numbers_in(cell) for row in rows for cell in (row.printed, row.right)))
    missing = [n for n in NUMBERS[example].split() if float(n) not in there]
    assert rows and not missing


def test_the_two_grids_of_numbers_are_there_whole():
    sizes = {row.id: len(row.printed) for row in ROWS if row.id in ("B12e", "D11a", "D22a")}
    assert sizes == {"B12e": 16 * 12, "D11a": 20 * 20, "D22a": 48}


def test_numbers_are_found_in_words_too():
    assert numbers_in("2x2, stride 2; 1-keep_prob") == {2, 1}
    assert numbers_in("5*0 + 9*-1, 1e-5 and .05, x1, o1") == {5, 0, 9, -1, 1e-5, 0.05}
    assert numbers_in([[1, 2], (3, "4 x 5")]) == {1, 2, 3, 4, 5}
    assert numbers_in(None) == set()


def test_places_are_lines_of_the_slides():
    for row in ROWS:
        file, line = row.place.split(":")
        assert 1 <= int(line) <= LINES[file], row.id
    assert lecture_and_slide("001:232") == ("Machine Learning II", "The Perceptron: Example")


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
    assert not check(statement("X01", "001:99", "what", "printed", lambda: gives))[1]
    assert check(statement("X01", "001:99", "what", "printed", lambda: numpy.True_)) == (
        HOLDS,
        True,
    )


def test_an_error_in_a_lesson_is_a_row_that_fails_and_says_which():
    def compute():
        raise ImportError("no such lesson")

    assert check(computed("X01", "001:99", "w", 1, compute)) == (
        "ImportError: no such lesson",
        False,
    )


def test_how_a_wrong_number_comes_about_is_checked_too():
    def of(as_printed, gives=None):
        row = erratum("X01", "001:99", "sum", 15, 10, lambda: 10, "why", None,
                      as_printed=as_printed, gives=gives)  # fmt: skip
        return check(row)

    assert of(lambda: 15) == (10, True)
    assert of(lambda: 14) == ("as printed: 14", False)
    assert of(lambda: 0, gives=0) == (10, True)


def test_what_is_lost_holds_without_a_computation():
    assert check(lost("X01", "001:99", "what", 3, "It is gone.")) == (None, True)


# -- the command -----------------------------------------------------------------------------------


@pytest.fixture
def quick(monkeypatch):
    """The rows as they were checked above, and not computed again."""
    monkeypatch.setattr(table, "check", checked)


def test_the_whole_ledger_is_legend_table_reasons_and_totals(quick, capsys):
    assert command(["ledger"]) == 0
    printed = capsys.readouterr().out
    assert printed.isascii()
    assert max(map(len, printed.splitlines())) <= 100
    for verdict in VERDICTS:
        assert printed.index(f"\n  {verdict} ") < printed.index("\nrow ")
    for row in ROWS:
        assert re.search(rf"^{row.id} +{re.escape(row.what[:15])}", printed, re.MULTILINE), row.id
        if row.verdict in table.EXPLAINED:
            pattern = rf"^  (\w+ )*{row.id}( \w+)* +{re.escape(row.why[:20])}"
            assert re.search(pattern, printed, re.MULTILINE), row.id
    counts = [int(n) for n in re.findall(r"\d+", printed.splitlines()[-2])]
    assert counts[0] == len(ROWS) == sum(counts[1:])
    assert printed.endswith("All hold.\n")


@pytest.mark.parametrize(
    "arguments", [["ledger"], ["ledger", *IDS], ["slides"]], ids=["ledger", "rows", "slides"]
)
def test_no_name_of_a_file_and_no_line_is_printed(arguments, quick, capsys):
    assert command(arguments) == 0
    assert not re.search(r"\.txt|\b00\d:\d|[0-9a-f]{16}", capsys.readouterr().out)


def test_a_row_that_fails_is_shown_with_what_came_out_and_exit_code_1(monkeypatch, capsys):
    wrong = [
        computed("X01", "001:99", "one and one", 2, lambda: 3),
        computed("X02", "001:99", "two", 2, lambda: 2),
    ]
    monkeypatch.setattr(ledger, "chapters", lambda: {"sums": wrong})
    assert command(["ledger"]) == 1
    printed = capsys.readouterr().out
    assert re.search(r"X01 +one and one +- +2 +FAILS\n +got 3\n", printed)
    assert re.search(r"X02 .*computed\n", printed)
    assert printed.endswith("These FAIL: X01.\n")
    assert command(["ledger", "X01"]) == 1
    assert "came out    3" in capsys.readouterr().out


def test_one_row_in_full(quick, capsys):
    assert command(["ledger", "a03B"]) == 0
    assert capsys.readouterr().out == (
        "A03b\n"
        "  lecture     Classification of Machine Learning Problems\n"
        "  slide       2D Convolutions\n"
        "  what        sum of these terms, with a bias and without\n"
        "  printed     15\n"
        "  or else     10\n"
        "  came out    10\n"
        "  verdict     convention\n"
        '  that is     The slide makes one choice. "comes out" shows what another choice gives.\n'
        "  as printed  it gives 15\n"
        "  why         The last + 5 has no pixel and no weight, so it is a bias. "
        "The slide does not introduce\n"
        "              it. Without a bias the sum is 10, the pixel in the middle.\n"
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
    as_text = functools.partial(table.text, row=Row("X01", "001:99", "", 1, 1, None, "lost"))
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
    assert process.stdout.readline().startswith("What the slides print")
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    assert process.wait(timeout=60) == 1
    assert errors == ""


def test_the_constructors_make_the_six_verdicts():
    where = ("X01", "001:99", "w")
    assert reproduced(*where, 3, lambda: 3).right == 3
    assert computed(*where, 3, lambda: 3).printed is None
    assert lost(*where, 3, "why").right is None
    for make in (misread, erratum, convention):
        row = make(*where, 3, 4, lambda: 4, "why", as_printed=lambda: 3)
        assert (row.verdict, row.printed, row.right, row.gives) == (make.__name__, 3, 4, 3)
        assert check(row) == (4, True)
    assert set(VERDICTS) == {
        *("reproduced", "misread", "erratum", "convention", "computed", "lost")
    }


# -- the index of slides ---------------------------------------------------------------------------

NAMED = [name for lecture in LECTURES.values() for s in lecture.slides for name in s.lessons]
LESSONS = [name for names in CHAPTERS.values() for name in names]


def test_the_index_names_lessons_that_there_are_and_every_lesson():
    assert set(NAMED) <= {*LESSONS, *COMING}
    assert set(LESSONS) <= set(NAMED)


def test_the_slides_of_a_lecture_are_in_order_and_have_titles():
    for number, lecture in LECTURES.items():
        lines = [slide.line for slide in lecture.slides]
        assert lines == sorted(set(lines)) and lines[-1] <= LINES[number]
        assert all(slide.title and "|" not in slide.title for slide in lecture.slides)


def test_the_index_is_printed_by_lecture_with_its_course(capsys):
    assert command(["slides"]) == 0
    printed = capsys.readouterr().out
    assert max(map(len, printed.splitlines())) <= 100
    assert "Machine Learning II\n(TDDC17 AI, LE10, HT2024, Link\u00f6ping University)\n" in printed
    assert "Jyv\u00e4skyl\u00e4)" in printed
    wide = WIDTHS[0]
    assert f"  {'Images are Numbers':<{wide}}  numbers\n" in printed
    assert f"  {'Supervised vs Unsupervised':<{wide}}  -\n" in printed
    assert printed.count("  The Perceptron: Example ") == 1
    for name in LESSONS:
        assert re.search(rf"  {name}(,|$)|, {name}(,|$)", printed, re.MULTILINE), name


def test_a_lesson_that_is_not_there_yet_is_not_printed(monkeypatch, capsys):
    from lessons.ledger import slides

    monkeypatch.setattr(slides, "CHAPTERS", {"neuron": ["perceptron"]})
    slides.print_index()
    printed = capsys.readouterr().out
    assert f"  {'Dropout Layer':<{WIDTHS[0]}}  -\n" in printed and "  perceptron\n" in printed
