"""The ledger: what the slides print, beside what comes out.  `python -m lessons ledger`.

A row for every number of the slides in the chapters that have lessons, and for what they say that
can be tried out.  Dates, page and figure numbers, and addresses are left out.  A chapter more is a
file more here, with its ROWS, and its name in CHAPTERS.
"""

import importlib

from .errata import ERRATA
from .row import Row

__all__ = ["CHAPTERS", "ERRATA", "Row", "chapters"]

CHAPTERS = ("neuron", "convolution", "classify", "autoencode", "generate")


def chapters() -> dict[str, list[Row]]:
    """The rows, by chapter and in order.  Their lessons, and Matplotlib, are imported only here."""
    files = {name: importlib.import_module(f"{__name__}.{name}") for name in CHAPTERS}
    return {name: sorted(file.ROWS, key=lambda row: row.id) for name, file in files.items()}
