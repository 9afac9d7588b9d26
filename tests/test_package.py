"""What is installed: the command `tinynet`, the lessons in the wheel, the tests in the sdist."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import NamedTuple

import pytest

import tinynet as tn
from lessons.__main__ import main as lessons
from tinynet import __main__ as command

ROOT = Path(__file__).parent.parent
FOLDERS = (".ci", "benchmarks", "docs", "lessons", "tests", "tinynet")
FILES = [
    ".pre-commit-config.yaml",
    "CHANGELOG.md",
    "CITATION.cff",
    "CONTRIBUTING.md",
    "LICENSE",
    "MANIFEST.in",
    "README.md",
    "pyproject.toml",
    "setup.cfg",
    "setup.py",
]


def run(*arguments, cwd, path=ROOT):
    """python with these arguments, in that folder, with the packages that lie in path."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(path)},
        capture_output=True,
        text=True,
    )


# -- the version -----------------------------------------------------------------------------------


def test_one_version_is_told_everywhere(capsys):
    assert re.fullmatch(r"\d+\.\d+\.\d+", tn.__version__)
    assert "version = attr: tinynet.__version__\n" in (ROOT / "setup.cfg").read_text("utf-8")
    assert f"\nversion: {tn.__version__}\n" in (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"\n## [{tn.__version__}]" in (ROOT / "CHANGELOG.md").read_text("utf-8")
    readme = (ROOT / "docs" / "install.md").read_text("utf-8")
    assert f'"dist/tinynet_edu-{tn.__version__}-py3-none-any.whl[lessons]"' in readme
    assert command.main(["--version"]) == 0
    assert capsys.readouterr().out == f"{tn.__version__}\n"


# -- the command -----------------------------------------------------------------------------------


def test_the_command_lists_the_version_and_what_there_is(capsys):
    assert command.main([]) == 0
    listed = capsys.readouterr().out
    assert listed.startswith(f"tinynet {tn.__version__}.")
    lines = listed.splitlines()[2:]
    assert len(lines) == len(command.COMMANDS) and all(s.startswith("tinynet ") for s in lines)
    assert command.main(["--help"]) == 0
    assert capsys.readouterr().out == listed


@pytest.mark.parametrize("listed", [name for name in command.COMMANDS if "lessons" in name])
def test_each_command_that_it_lists_there_is(listed, capsys):
    with pytest.raises(SystemExit) as end:
        command.main([*listed.removesuffix(" NAME").split(), "--help"])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: tinynet {listed.removesuffix(' NAME')} ")


@pytest.mark.parametrize(
    ("asked", "cure"),
    [
        ("run", "Did you mean tinynet lessons run?"),
        ("lesson", "Did you mean tinynet lessons?"),
        ("qqq", "tinynet lists them."),
    ],
)
def test_an_unknown_command_is_one_line_that_says_the_cure(asked, cure, capsys):
    assert command.main([asked, "xo"]) == 2
    assert capsys.readouterr().err == f"tinynet: there is no command {asked!r}. {cure}\n"


def test_the_lessons_name_the_command_that_led_to_them(tmp_path, capsys):
    called = run("-m", "tinynet", "lessons", cwd=tmp_path)
    assert called.returncode == 0, called.stderr
    assert "python -m tinynet lessons NAME runs a lesson or a chapter" in called.stdout
    for main, name in ((command.main, "tinynet lessons"), (lessons, "python -m lessons")):
        more = ["lessons"] if main is command.main else []
        assert main(more) == 0
        last = capsys.readouterr().out.splitlines()[-1]
        assert last == f"{name} NAME runs a lesson or a chapter, {name} run runs all."
        assert main([*more, "run", "qqqqqq"]) == 2
        assert f" {name} lists them.\n" in capsys.readouterr().err
        assert main([*more, "ledger", "qqqqqq"]) == 2
        assert f" {name} ledger lists them.\n" in capsys.readouterr().err
        with pytest.raises(SystemExit):
            main([*more, "run", "--help"])
        assert capsys.readouterr().out.startswith(f"usage: {name} run ")


def test_a_folder_lessons_where_one_stands_is_not_taken_for_tinynets(tmp_path):
    (tmp_path / "lessons").mkdir()
    (tmp_path / "lessons" / "__init__.py").write_text("raise RuntimeError('of somebody else')")
    called = run("-m", "tinynet", "lessons", cwd=tmp_path)
    assert called.returncode == 0, called.stderr


def test_missing_lessons_are_one_line_that_says_the_cure(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command, "__file__", str(tmp_path / "tinynet" / "__main__.py"))
    assert command.main(["lessons"]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err == (
        'tinynet: the lessons are missing. Install them: pip install "tinynet-edu[lessons]", or in '
        f'the clone pip install -e ".[lessons]". They would be in {tmp_path}.\n'
    )


@pytest.mark.parametrize("arguments", [["run", "perceptron", "--out", "new"], ["ledger"]])
def test_a_missing_extra_is_one_line_that_says_the_cure(arguments, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("PIL", "pooch"):
        monkeypatch.setitem(sys.modules, name, None)
    assert lessons(arguments) == 2
    assert capsys.readouterr().err == (
        "lessons: the lessons need pillow, pooch. Install what is missing: "
        'pip install -e ".[lessons]" in the clone.\n'
    )
    assert not (tmp_path / "new").exists()


def test_blas_has_one_thread_in_lessons_also_where_numpy_was_loaded_before():
    code = (
        "import numpy, threadpoolctl; threadpoolctl.threadpool_limits(2, 'blas'); import lessons; "
        "print({pool['num_threads'] for pool in threadpoolctl.threadpool_info()})"
    )
    environment = {k: v for k, v in os.environ.items() if k != "OPENBLAS_NUM_THREADS"}
    called = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert called.stdout in ("{1}\n", "set()\n"), called.stderr  # none: a BLAS that nobody can ask


# -- the two packages ------------------------------------------------------------------------------


class Built(NamedTuple):
    sdist: set[str]  # its files
    wheel: Path


def files_in(folder):
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The sdist of a copy of this tree, and the wheel of the sdist, built without the index."""
    if importlib.util.find_spec("setuptools") is None:
        pytest.skip('setuptools is not installed: pip install -e ".[test]"')
    tree, out = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("out")
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, tree / folder)
        (tree / folder / "left.pyc").touch()  # must be left out, as what is in __pycache__
    for name in FILES:
        shutil.copy(ROOT / name, tree)
    build = "from setuptools import build_meta as b; import sys; b.build_{}(sys.argv[1])"
    made = run("-c", build.format("sdist"), str(out), cwd=tree)
    assert made.returncode == 0, made.stderr
    (archive,) = out.glob("*.tar.gz")
    assert run("-m", "tarfile", "-e", str(archive), str(out), cwd=out).returncode == 0
    source = out / archive.name.removesuffix(".tar.gz")
    sdist = files_in(source)
    made = run("-c", build.format("wheel"), str(out), cwd=source)
    assert made.returncode == 0, made.stderr
    (wheel,) = out.glob("*.whl")
    return Built(sdist, wheel)


@pytest.mark.slow
def test_the_sdist_holds_every_file_of_the_tree(built):
    ours = {f"{folder}/{name}" for folder in FOLDERS for name in files_in(ROOT / folder)}
    ours = {name for name in ours if "__pycache__" not in name}
    theirs = {name for name in built.sdist if ".egg-info/" not in name}
    assert theirs == {*ours, *FILES, "PKG-INFO"}


@pytest.mark.slow
def test_the_wheel_holds_tinynet_the_lessons_and_nothing_else(built):
    kernels = (ROOT / "tinynet").rglob("*.cu")
    code = {p.relative_to(ROOT).as_posix() for p in (*(ROOT / "tinynet").rglob("*.py"), *kernels)}
    code |= {f"tinynet_{p.relative_to(ROOT).as_posix()}" for p in (ROOT / "lessons").rglob("*.py")}
    with zipfile.ZipFile(built.wheel) as wheel:
        names = set(wheel.namelist())
    about = {name for name in names if ".dist-info/" in name}
    assert names - about == code | {"tinynet/py.typed"}
    assert any(name.endswith("/LICENSE") for name in about)


@pytest.mark.slow
def test_a_lesson_runs_from_the_wheel_alone(built, tmp_path):
    """Its package is tinynet_lessons, and what it says to install is no clone."""
    site, empty = tmp_path / "site-packages", tmp_path / "empty"
    empty.mkdir()
    with zipfile.ZipFile(built.wheel) as wheel:
        wheel.extractall(site)
    called = run("-m", "tinynet", "lessons", "run", "perceptron", cwd=empty, path=site)
    assert called.returncode == 0, called.stderr
    assert list((empty / "out").glob("perceptron_*.png"))
    code = (
        "import sys; sys.modules['tqdm'] = None; from tinynet.__main__ import main; "
        "sys.exit(main(['lessons', 'ledger']))"
    )
    called = run("-c", code, cwd=empty, path=site)
    assert called.returncode == 2
    assert called.stderr == (
        "lessons: the lessons need tqdm. Install what is missing: "
        'pip install "tinynet-edu[lessons]".\n'
    )
