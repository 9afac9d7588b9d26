"""Figures of pictures, tables, curves, codes, models and times, and films of a training.

Only this package imports matplotlib, and only inside functions, so that tinynet works without it.
"""

from typing import TYPE_CHECKING

from ..messages.names import asked
from .codes import latent, latent_grid
from .confusion import confusion
from .film import film
from .flow import flow
from .lines import curves, roc
from .models import graph
from .pictures import grid, matrix, picture, rows, tiles
from .times import profile

__all__ = [
    "confusion",
    "curves",
    "film",
    "flow",
    "graph",
    "grid",
    "latent",
    "latent_grid",
    "matrix",
    "picture",
    "profile",
    "roc",
    "rows",
    "tiles",
]

if not TYPE_CHECKING:  # type checkers know the names
    __getattr__ = asked(__name__, __all__)
