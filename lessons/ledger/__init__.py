"""The ledger: what the slides print, beside what comes out.  `python -m lessons ledger`.

A row for every number of the slides in the chapters that have lessons, and for what they say that
can be tried out.  Dates, page and figure numbers, and addresses are left out.  A chapter more is a
file more here, with its ROWS, and its name in CHAPTERS.

    row.py       a row, its verdict, and whether it holds    printed.py   the slides' own numbers
    table.py     the ledger on a terminal                    networks.py  the lessons' networks
    slides.py    which lesson belongs to which slide: `python -m lessons slides`

The other files hold the rows.  filters.py is what two of them share.
"""

import importlib

from .row import Row

__all__ = ["CHAPTERS", "Row", "chapters"]

CHAPTERS = ("neuron", "convolution", "classify", "autoencode", "generate", "sequences")


def chapters() -> dict[str, list[Row]]:
    """The rows, by chapter and in order.  Lessons, and Matplotlib, are imported only here."""
    files = {name: importlib.import_module(f"{__name__}.{name}") for name in CHAPTERS}
    return {name: sorted(file.ROWS, key=lambda row: row.id) for name, file in files.items()}
