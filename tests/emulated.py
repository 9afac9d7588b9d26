"""`python -m tests.emulated [PYTEST'S ARGUMENTS]`: the tests and lessons of the GPU on CuPy itself.

It needs no GPU: tests/emulator puts the CPU in the place of CUDA, and says what that cannot do.
CuPy and all else is installed into an environment in ~/.cache/tinynet, or in TINYNET_CACHE.
Exit code: 1 if a test or a lesson fails, 2 if they could not be run.
"""

from __future__ import annotations

import argparse
import configparser
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from lessons import CHAPTERS

from .emulator import PACKAGE, VERSION
from .strict_cupy import raw_kernel

ROOT = Path(__file__).parent.parent
LESSONS = [name for names in CHAPTERS.values() for name in names]
LIMIT = 180  # seconds for a lesson
SUITE = ("-k", "gpu", "-m", "not slow", "-n", "auto")
VERSIONS = """
from tests.emulator import start
start()
import platform, cupy, numpy, tinynet
assert tinynet.gpu_available(), tinynet.gpu_unavailable_reason()
print(f"CuPy {cupy.__version__}, NumPy {numpy.__version__}, Python {platform.python_version()}")
"""


class CannotRunError(Exception):
    """Shown as one line."""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.emulated", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="leave the lessons out")
    options, for_pytest = parser.parse_known_args(arguments)
    try:
        if raw_kernel.compiler() is None:
            raise CannotRunError(f"{raw_kernel.NO_COMPILER}. Install it.")
        python, environment = timed(installed)
        versions, build = timed(lambda: said("the emulator", python, "-c", VERSIONS))
    except CannotRunError as error:
        print(f"emulated: {error}", file=sys.stderr)
        return 2
    (tests, failed), testing = timed(lambda: suite(python, for_pytest))
    lines = [
        versions,
        f"environment {environment:6.0f} s",
        f"emulator    {build:6.0f} s",
        f"tests       {testing:6.0f} s   {tests}",
    ]
    if not options.quick:
        faults, teaching = timed(lambda: lessons(python))
        ran = len(LESSONS) - len(faults)
        lines += [f"lessons     {teaching:6.0f} s   {ran} of {len(LESSONS)} ran", *faults]
        failed |= bool(faults)
    print(*lines, sep="\n")
    return 1 if failed else 0


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    return work(), time.perf_counter() - start


def run(python: Path, *arguments: Any, **settings: Any) -> subprocess.CompletedProcess[str]:
    own = {"PYTHONPATH": str(ROOT), "TINYNET_OFFLINE": "1", "OPENBLAS_NUM_THREADS": "1"}
    command = [str(argument) for argument in (python, *arguments)]
    return subprocess.run(command, cwd=ROOT, env=os.environ | own, text=True, **settings)


def said(what: str, python: Path, *arguments: Any) -> str:
    """What it printed; CannotRunError with its first error, or else with its last line."""
    result = run(python, *arguments, capture_output=True)
    if result.returncode:
        lines = (result.stdout + result.stderr).splitlines() or ["it failed."]
        errors = [line for line in lines if line.startswith("ERROR:")]
        raise CannotRunError(f"{what}: {[*errors, lines[-1]][0]}")
    return result.stdout.strip()


def installed() -> Path:
    """The Python of the environment, which is made anew when what it needs has changed."""
    needs = "\n".join(requirements())
    cache = Path(os.environ.get("TINYNET_CACHE") or "~/.cache/tinynet").expanduser()
    folder = cache / f"emulated-{sys.version_info[0]}.{sys.version_info[1]}"
    python, done = folder / "bin" / "python", folder / "installed.txt"
    if not done.exists() or done.read_text() != needs:
        said("venv", Path(sys.executable), "-m", "venv", "--clear", folder)
        said("pip install", python, "-m", "pip", "install", "--quiet", *needs.splitlines())
        done.write_text(needs)
    return python


def requirements() -> list[str]:
    """CuPy, and what setup.cfg asks for to run tests and lessons."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    extras = setup["options.extras_require"]
    texts = (setup["options"]["install_requires"], extras["test"], extras["lessons"])
    return [f"{PACKAGE}=={VERSION}.*", *sorted({line for text in texts for line in text.split()})]


def suite(python: Path, arguments: Sequence[str]) -> tuple[str, bool]:
    """How many tests did what, and whether one failed."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        plugin = ("-p", "tests.emulator.plugin", f"--junitxml={report}")
        result = run(python, "-m", "pytest", *plugin, *SUITE, *arguments)
        if not report.exists():
            return "they did not begin", True
        counts = xml.etree.ElementTree.parse(report).find("testsuite").attrib
    of = {kind: int(counts[kind]) for kind in ("tests", "failures", "errors", "skipped")}
    failed = of["failures"] + of["errors"]
    passed = of["tests"] - failed - of["skipped"]
    return f"{passed} passed, {failed} failed, {of['skipped']} skipped", bool(result.returncode)


def lessons(python: Path) -> list[str]:
    """A line for each lesson that failed."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        lines = list(pool.map(lambda name: lesson(python, name), LESSONS))
    return [line for line in lines if line]


def lesson(python: Path, name: str) -> str:
    """Why it failed; nothing if it did not."""
    call = ("-m", "tests.emulator", "tests.emulator.lesson", name)
    start = time.perf_counter()
    try:
        result = run(python, *call, capture_output=True, timeout=LIMIT)
    except subprocess.TimeoutExpired:
        fault = f"{name}: it takes more than {LIMIT} s"
    else:
        lines = (result.stdout + result.stderr).split("\n")
        last = next((line for line in reversed(lines) if line.strip()), "it failed")
        fault = f"{name}: {last.strip()}" if result.returncode else ""
    print(fault or f"{name}: {time.perf_counter() - start:.0f} s", flush=True)
    return fault


if __name__ == "__main__":
    sys.exit(main())
