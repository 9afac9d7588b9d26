"""`python -m pytest -p tests.emulator.plugin` runs on the emulated CuPy."""

from . import start

start()
