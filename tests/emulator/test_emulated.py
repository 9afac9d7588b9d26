"""What `python -m tests.emulated` asks for, and what it says where that is missing."""

from __future__ import annotations

import importlib.metadata
import re
import sys

import pytest

from tests import emulated, emulator
from tests.strict_cupy import raw_kernel


def test_it_needs_the_cupy_that_it_knows_and_what_setup_cfg_asks_for():
    cupy, *others = emulated.requirements()
    assert cupy == "cupy-cuda12x==14.2.*"
    names = {re.match(r"[\w-]+", line)[0] for line in others}
    assert {"numpy", "pytest", "matplotlib", "threadpoolctl"} <= names


def test_another_version_of_cupy_is_an_error_with_the_cure(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "15.0.0")
    with pytest.raises(RuntimeError) as error:
        emulator.check_version()
    assert str(error.value) == (
        "The emulator rests on the private tables of cupy-cuda12x 14.2; found 15.0.0. "
        "Install it: pip install cupy-cuda12x==14.2.*"
    )


def test_without_a_compiler_it_says_so_in_a_line(monkeypatch, capsys):
    monkeypatch.setattr(raw_kernel, "compiler", lambda: None)
    assert emulated.main(["--quick"]) == 2
    assert capsys.readouterr().err == f"emulated: {raw_kernel.NO_COMPILER}. Install it.\n"


def test_what_pip_cannot_do_is_told_in_a_line(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("TINYNET_CACHE", str(tmp_path))
    monkeypatch.setattr(raw_kernel, "compiler", lambda: "g++")
    monkeypatch.setattr(emulated, "requirements", lambda: ["--no-index", "no-such-package"])
    assert emulated.main(["--quick"]) == 2
    told = capsys.readouterr().err
    assert told.startswith("emulated: pip install: ") and told.count("\n") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="a command of Unix")
def test_a_lesson_that_takes_too_long_is_told(monkeypatch, tmp_path, capsys):
    slow = tmp_path / "python"
    slow.write_text("#!/bin/sh\nexec sleep 9\n")
    slow.chmod(0o755)
    monkeypatch.setattr(emulated, "LIMIT", 0.1)
    assert emulated.lesson(slow, "xo") == "xo: it takes more than 0.1 s"
