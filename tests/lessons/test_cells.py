"""The lessons in cells: each runs, claims what can fail, and is what a student can read."""

from __future__ import annotations

import ast
import contextlib
import io
import itertools
import json
import os
import re
import shlex
import signal
import statistics
import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest

import tinynet as tn
from lessons import CHAPTERS, in_cells, path_of, pictures
from lessons.__main__ import main as command
from lessons.shared import latex
from lessons.shared import run as runner
from lessons.shared.cells import CODE, cells, code_lines, head
from lessons.shared.session import WIDTH, Session

from .small import begin_only

matplotlib.use("Agg")

ROOT = Path(__file__).parents[2]
NAMES = [name for names in CHAPTERS.values() for name in names if in_cells(name)]
QUIZZES = [
    name
    for name in (
        "perceptron",
        "backprop",
        "sharpen",
        "xo",
        "batch_norm",
        "gan",
        "diffusion",
        "recurrent_cell",
        "five_shapes",
    )
    if name in NAMES
]


def source_of(name):
    return path_of(name).read_text(encoding="utf-8")


def code_of(name):
    return "\n".join(cell.source for cell in cells(path_of(name)) if cell.kind == CODE)


TRAINED = [n for n in NAMES if re.search(r"\bfit\(|\bcompare\(|optimizer\.step\(", code_of(n))]


def ran(name, out, size="quick", settings=None):
    """The session of a lesson that ran, and what it printed."""
    session = Session(name, size, out=out)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        runner.lesson(path_of(name), session, settings or {}, "headings")
    return session, printed.getvalue()


QUICK = {}  # the session of each lesson that ran, and what it printed


def ran_quick(name, out):
    if name not in QUICK:
        QUICK[name] = ran(name, out)
    return QUICK[name]


@pytest.fixture
def no_files(monkeypatch):
    """Each figure is laid out and drawn, but without pixels: the first test looks at the files."""
    draw = lambda self, what, drawing, frames=(): drawing.draw_without_rendering()
    monkeypatch.setattr(Session, "keep", draw)


@pytest.fixture
def without_data(monkeypatch):
    monkeypatch.setattr(pictures, "_real", lambda load: "there is no data here.")


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if n in TRAINED else n for n in NAMES]
)
def test_no_claim_fails_and_every_figure_has_a_title(name, tmp_path, pytestconfig):
    if pytestconfig.getoption("--own-size"):
        session, printed = ran(name, tmp_path, "default")
    else:
        session, printed = ran_quick(name, tmp_path)
    verdicts = [claim.verdict for claim in session.claims]
    assert "ok" in verdicts and len(verdicts) <= 8
    assert set(verdicts) <= {"ok", "later"}, printed
    assert session.figures and all(session.titles)
    assert all(path.stat().st_size > 5000 for path in session.figures)
    too_long = [line for line in printed.splitlines() if len(line) > WIDTH and "/" not in line]
    assert too_long == []


@pytest.mark.slow
@pytest.mark.parametrize("name", QUIZZES)
def test_a_notebook_runs_with_numbers_and_figures_in_their_places(name, tmp_path, monkeypatch):
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    monkeypatch.setenv("TINYNET_LESSON_SIZE", "quick")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    command(["notebook", name, "--out", str(tmp_path)])
    notebook = nbformat.read(tmp_path / f"{name}.ipynb", as_version=4)
    nbformat.validate(notebook)
    nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    session, _ = ran_quick(name, tmp_path)
    figures, texts = [], []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if {"image/png", "image/gif"} & set(output.get("data", {})):  # a figure or a film
                figures.append(cell)
            if output.get("name") == "stdout":
                texts.append(output["text"])
    assert len(figures) == len(session.figures)
    assert any("## Claims" in cell.source for cell in notebook.cells)
    claims = [line for text in texts for line in text.splitlines() if line.startswith("ok ")]
    assert len(claims) == sum(claim.verdict == "ok" for claim in session.claims)


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINED)
def test_a_network_that_is_not_trained_fails_a_claim(name, tmp_path, monkeypatch):
    monkeypatch.setattr(tn.optim.Optimizer, "step", lambda self: None)
    monkeypatch.setattr(Session, "keep", lambda *_: None)  # only the claims matter here
    session, printed = ran(name, tmp_path)
    assert "FAILS" in [claim.verdict for claim in session.claims], printed


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [n for n in NAMES if re.search(r"\bdata\.(mnist|fash|cif)", code_of(n))]
)
@pytest.mark.usefixtures("no_files", "without_data")
def test_it_runs_on_drawn_pictures_and_claims_what_holds_there(name, tmp_path):
    session, printed = ran(name, tmp_path)
    assert session.drawn
    assert {claim.verdict for claim in session.claims} <= {"ok", "later"}, printed


TRIES = [
    (name, call)
    for name in NAMES
    for call in re.findall(
        r"`python -m lessons (?:run )?(\w+ [^`]*--set[^`]*)`",
        " ".join(head(path_of(name)).tries.split()),
    )
]


@pytest.mark.slow
@pytest.mark.usefixtures("no_files")
@pytest.mark.parametrize(("name", "call"), TRIES)
def test_a_try_is_no_failure(name, call, tmp_path, capsys, monkeypatch):
    assert shlex.split(call)[0] == name
    if re.search("--set (TRAIN|EPOCHS)=", call):  # only more of what the first test trains
        begin_only(monkeypatch)
    assert command([*shlex.split(call), "--quick", "--out", str(tmp_path)]) == 0
    assert "FAILS" not in capsys.readouterr().out


# -- what a student reads --------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_the_head_names_lecture_and_question_and_something_to_try(name):
    told = head(path_of(name))
    assert ": " in told.title and all(told)
    assert "*" in told.lecture and '"' in told.lecture
    assert "--set" in told.tries


@pytest.mark.parametrize("name", NAMES)
def test_the_code_is_short_and_shows_no_plumbing(name):
    assert code_lines(path_of(name)) <= 160
    tree = ast.parse(source_of(name))
    modules = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    modules |= {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    assert not {m for m in modules if m.split(".")[0] in ("matplotlib", "tqdm", "argparse")}
    assert not [n for n in ast.walk(tree) if isinstance(n, ast.Raise)]
    assert "device" not in code_of(name)


def test_half_of_the_first_lessons_compute_in_at_most_90_lines():
    """The chapters that a beginner reads; the later ones train several networks each."""
    first = [
        n
        for chapter in ("neuron", "convolution", "classify", "practice")
        for n in CHAPTERS[chapter]
    ]
    assert statistics.median(code_lines(path_of(n), shown=False) for n in first) <= 90


@pytest.mark.parametrize("name", NAMES)
def test_every_code_cell_stands_below_a_text(name):
    kinds = [cell.kind for cell in cells(path_of(name))]
    assert kinds[0] != CODE
    assert all(not (a == b == CODE) for a, b in itertools.pairwise(kinds))


@pytest.mark.parametrize("name", QUIZZES)
def test_the_quiz_has_ten_questions_with_answers(name):
    quiz = source_of(name).partition("## Quiz")[2]
    questions = re.split(r"\n# \d+\. ", quiz)[1:]
    assert len(questions) == 10
    assert all(re.search(r"\*\S[^?]*\*\s*$", question) for question in questions)


def test_the_mathematics_is_readable_in_a_terminal():
    for written, shown in (
        (r"z = w_0 + w_1 x_1", "z = w₀ + w₁ x₁"),
        (r"\frac{\partial L}{\partial w_1}", "∂ L/∂ w₁"),
        (r"y = \frac{1}{1 + e^{-z}}", "y = 1/(1 + e^(-z))"),
        (r"\hat{y} = \sqrt{x^2 + 1}", "y\u0302 = √(x² + 1)"),
        (r"\begin{bmatrix} 1 & 2 \\ 3 & 4 \end{bmatrix}", "[1 2; 3 4]"),
        (r"\bar{\alpha}_t, \dots, x_T", "\u03b1\u0304\u209c, ..., x_T"),
        (r"p_k = \frac{e^{z_k}}{\sum_j e^{z_j}}", None),
    ):
        got = latex.text(written)
        assert "\\" not in got and "{" not in got
        if shown:
            assert " ".join(got.split()).replace("∂ ", "∂") == shown.replace("∂ ", "∂"), got


# -- playing ---------------------------------------------------------------------------------------


def test_a_changed_setting_changes_the_numbers_and_is_no_failure(tmp_path, capsys):
    call = ["perceptron", "--set", "W0=10", "--set", "W=[30, -20]", "--out", str(tmp_path)]
    assert command(call) == 0
    printed = capsys.readouterr().out
    assert "= -60" in printed and "changed" in printed and "FAILS" not in printed


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("w0=10", "perceptron has no setting 'w0'. Did you mean W0?"),
        ("QQQ=1", "perceptron has no setting 'QQQ'. It has W0, W, X."),
        ("W0=ten", "W0 must be a number, for example 1.0. Received 'ten'."),
        (
            "W=[1, 2, 3]",
            "W must be a list of 2 numbers, for example [3.0, -2.0]. Received [1, 2, 3].",
        ),
        ("W0", "give NAME=VALUE, for example --set W0=10."),
        ("W=[0, 0]", "the lesson stops in its line"),
    ],
)
def test_a_setting_that_cannot_be_is_one_line(given, told, tmp_path, capsys):
    assert command(["perceptron", "--set", given, "--out", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert told in error and error.count("\n") == 1


def test_a_lesson_says_itself_what_a_setting_must_be(tmp_path, capsys):
    assert command(["noise", "--quick", "--set", "STEPS=1", "--out", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert (
        error.endswith("with STEPS = 1 the lesson stops: STEPS is 1. Give at least 2.\n")
        and error.count("\n") == 1
    )


def test_settings_of_many_lessons_at_once_are_refused(capsys):
    assert command(["run", "--set", "W0=10"]) == 2
    assert "name the one that has this setting" in capsys.readouterr().err


def test_the_file_the_name_and_run_do_the_same(tmp_path):
    file = path_of("perceptron")
    calls = (
        [str(file)],
        ["-m", "lessons", "perceptron"],
        ["-m", "lessons", "run", "perceptron"],
    )
    printed = []
    for number, call in enumerate(calls):
        out = ["--out", str(tmp_path)]
        done = subprocess.run(
            [sys.executable, *call, *out], capture_output=True, text=True, timeout=120,
            cwd=ROOT if number else tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        printed.append(re.sub(r", [\d.]+ s\n", "", done.stdout))
    assert printed[0] == printed[1] == printed[2] and "z = 1 + 3 * (-1)" in printed[0]


def test_a_reader_who_has_seen_enough_gets_no_message(tmp_path):
    call = [sys.executable, "-m", "lessons", "perceptron", "--text", "--out", str(tmp_path)]
    with subprocess.Popen(
        call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdout.readline().startswith("Perceptron: ")
        process.stdout.close()  # as `head -1` does
        assert process.stderr.read() == ""
    assert process.returncode == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_ctrl_c_in_a_lesson_is_one_line(tmp_path):
    call = [sys.executable, "-m", "lessons", "mnist", "--full", "--out", str(tmp_path)]
    process = subprocess.Popen(
        call, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT
    )
    while "[figure: " not in process.stdout.readline():  # all is imported, and training comes
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert "lessons: stopped by Ctrl-C. What was finished is kept." in errors


# -- notebooks and pages ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_has_the_cells_of_the_file(name, tmp_path, capsys):
    assert command(["notebook", name, "--out", str(tmp_path)]) == 0
    written = json.loads((tmp_path / f"{name}.ipynb").read_text(encoding="utf-8"))
    kinds = [cell["cell_type"] for cell in written["cells"]]
    assert kinds == ["code" if c.kind == CODE else "markdown" for c in cells(path_of(name))]
    assert "".join(written["cells"][0]["source"]).startswith("# ")


def test_a_chapter_stands_for_its_lessons(tmp_path, capsys):
    assert command(["notebook", "neuron", "loss", "--out", str(tmp_path)]) == 0
    assert {path.stem for path in tmp_path.iterdir()} == set(CHAPTERS["neuron"])


def test_a_page_has_text_code_numbers_and_figure_in_their_order(tmp_path, capsys):
    assert command(["page", "perceptron", "--out", str(tmp_path)]) == 0
    page = (tmp_path / "perceptron.md").read_text(encoding="utf-8")
    parts = ["# Perceptron", "def weighted_sum", "z = 1 + 3", "](perceptron_plane.png)", "ok "]
    places = [page.index(part) for part in parts]
    assert places == sorted(places)
    assert (tmp_path / "perceptron_plane.png").exists()


@pytest.mark.parametrize("writer", ["notebook", "page"])
def test_a_lesson_of_the_old_form_is_not_written_so(writer, tmp_path, capsys):
    assert command([writer, "vae", "--out", str(tmp_path)]) == 2
    assert "vae has no cells of text yet" in capsys.readouterr().err


def test_a_notebook_without_a_kernel_is_told_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert command(["notebook", "perceptron", "--out", str(tmp_path)]) == 0
    assert "pip install notebook ipykernel" in capsys.readouterr().out


def test_a_notebook_without_matplotlib_says_what_to_install():
    program = (
        "import sys, importlib.util; sys.modules['IPython'] = sys\n"
        "find = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda n: None if n == 'matplotlib' else find(n)\n"
        "import lessons.shared"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 1
    assert "the lessons need matplotlib. Install what is missing" in done.stderr
