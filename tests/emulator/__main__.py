"""`python -m tests.emulator MODULE [ARGUMENTS]` is `python -m MODULE` on the emulated CuPy."""

from __future__ import annotations

import runpy
import sys

from . import start

if len(sys.argv) < 2:
    sys.exit(__doc__)
del sys.argv[0]
start()
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
