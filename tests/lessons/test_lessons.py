"""The lessons of the older form: claims hold, figures are drawn; and the runner tells."""

from __future__ import annotations

import importlib
import os
import sys

import matplotlib
import numpy
import pytest

from lessons import CHAPTERS, in_cells, module_of
from lessons.__main__ import main as command
from lessons.claim import Claim, at_least, at_most, equals

from .small import PRETENDED, SMALL, begin_only

matplotlib.use("Agg")
import matplotlib.pyplot as plt

import tinynet as tn

A_REAL_GPU = tn.gpu_available()  # asked before one is pretended
ALL_NAMES = [name for names in CHAPTERS.values() for name in names]
NAMES = [name for name in ALL_NAMES if not in_cells(name)]
TO_RUN = [pytest.param(n, marks=pytest.mark.slow) if n in SMALL else n for n in NAMES]


def lesson(name):
    return importlib.import_module(module_of(name))


def pretended(device):
    return device == "gpu" and not A_REAL_GPU


@pytest.fixture
def settings(pytestconfig):
    """What makes a lesson small; nothing with --own-size."""

    def found(name, device):
        sizes = PRETENDED if pretended(device) else SMALL
        own_size = pytestconfig.getoption("--own-size") or name not in sizes
        return {} if own_size else sizes[name].settings

    return found


@pytest.mark.parametrize("name", TO_RUN)
def test_every_claim_holds_and_every_figure_shows_something(name, device, settings, monkeypatch):
    small = settings(name, device)
    few_steps = "epochs" in small and pretended(device)
    if few_steps:
        begin_only(monkeypatch)
        monkeypatch.setattr(lesson("rbm"), "DREAMS", (1, 2, 4))
    results = lesson(name).main(device=device, **small)
    figures = lesson(name).show(results)
    assert figures
    for figure in figures.values():
        assert figure.get_suptitle()
        for axes in figure.axes:
            assert axes.has_data() or axes.texts or not axes.axison
    claims = lesson(name).claims(results)
    assert claims
    if few_steps:  # which reach no claim
        if name not in SMALL:
            for what, numbers in lesson(name).main(**small).items():
                numpy.testing.assert_allclose(results[what], numbers, rtol=1e-3, atol=1e-4)
        return
    beyond = SMALL[name].beyond if small else ()
    if "TINYNET_DATA" in os.environ:  # some claims are made of real pictures only
        for start in beyond:
            assert any(claim.what.startswith(start) for claim in claims), start
    due = [claim for claim in claims if not claim.what.startswith(beyond)]
    assert due and [claim for claim in due if not claim.holds] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_opens_with_its_slides_its_question_and_what_to_expect(name):
    text = lesson(name).__doc__
    assert text.splitlines()[0].endswith(".")
    assert all(word in text for word in ("\nSlides ", "\nQuestion ", "\nExpect ", "\nTry "))


def test_a_claim_fails_when_the_numbers_differ():
    assert equals("sum", [1, 2], [1, 2]).holds
    assert not equals("sum", [1, 2], [1, 3]).holds
    assert not equals("sum", [1, 2], [1, 2, 3]).holds
    assert at_least("accuracy", 0.99, 0.99).holds and not at_least("accuracy", 0.99, 0.98).holds
    assert at_most("error", 0.01, 0.01).holds and not at_most("error", 0.01, 0.02).holds
    assert not at_least("accuracy", 0.99, float("nan")).holds
    assert not at_most("error", 0.01, float("nan")).holds


# -- the runner ------------------------------------------------------------------------------------


class Quick:
    """A lesson that takes no time, in the place of vae."""

    holds = True

    @staticmethod
    def main(device="cpu", full=False):
        return {"device": device, "full": full}

    @classmethod
    def claims(cls, results):
        return [Claim("full", "False", str(results["full"]), cls.holds)]

    @staticmethod
    def show(results):
        return {"nothing": plt.figure()}


@pytest.fixture
def quick(monkeypatch):
    plt.figure()  # the first one lets Matplotlib import its backend, by the function replaced here
    monkeypatch.setattr(importlib, "import_module", lambda name: Quick)
    monkeypatch.setattr(Quick, "holds", True)


def test_no_command_lists_every_lesson_by_chapter(capsys):
    assert command([]) == 0
    printed = capsys.readouterr().out
    for chapter, names in CHAPTERS.items():
        assert f"{chapter}\n" in printed
        assert all(f"  {name} " in printed for name in names)


def test_run_prints_claims_figures_and_time(quick, tmp_path, capsys):
    assert command(["run", "vae", "--full", "--out", str(tmp_path / "new")]) == 0
    printed = capsys.readouterr().out
    assert "claimed False  got True  ok" in printed
    assert f"[figure: {tmp_path / 'new' / 'vae_nothing.png'}]" in printed
    assert (tmp_path / "new" / "vae_nothing.png").stat().st_size > 0


def test_run_without_names_runs_all(monkeypatch, tmp_path, capsys):
    ran = []
    monkeypatch.setattr("lessons.shared.run.lesson", lambda path, *_: ran.append(path) or True)
    monkeypatch.setattr("lessons.shared.old_form.lesson", lambda name, _: ran.append(name) or True)
    assert command(["run", "--out", str(tmp_path)]) == 0
    assert f"No claim failed in {len(ALL_NAMES)} lessons" in capsys.readouterr().out
    assert len(ran) == len(ALL_NAMES)


def test_a_claim_that_fails_gives_exit_code_1(quick, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(Quick, "holds", False)
    assert command(["run", "vae", "--out", str(tmp_path)]) == 1
    printed = capsys.readouterr().out
    assert "FAILS" in printed
    assert "A claim failed in: vae." in printed


def test_an_unknown_lesson_gets_the_nearest_name(capsys):
    assert command(["run", "sharpn"]) == 2
    assert capsys.readouterr().err == (
        "lessons: there is no lesson or chapter 'sharpn'. Did you mean sharpen?\n"
    )


def test_a_name_like_no_lesson_is_told_where_they_are_listed(capsys):
    assert command(["run", "qqqqqq"]) == 2
    assert "python -m lessons lists them." in capsys.readouterr().err


def test_an_unwritable_folder_is_one_clear_line_before_anything_runs(tmp_path, capsys):
    (tmp_path / "file").write_text("not a folder")
    assert command(["run", "vae", "--out", str(tmp_path / "file" / "out")]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "cannot write to --out" in captured.err and "Name another folder." in captured.err


def test_show_without_a_screen_says_so(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert command(["run", "vae", "--show", "--out", str(tmp_path)]) == 2
    assert "--show needs a screen" in capsys.readouterr().err


def test_the_gpu_where_there_is_none_is_one_clear_line(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("tinynet.gpu_available", lambda: False)
    monkeypatch.setattr("tinynet.gpu_unavailable_reason", lambda: "CuPy is not installed.")
    assert command(["run", "vae", "--device", "gpu", "--out", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "lessons: --device gpu: CuPy is not installed.\n"
