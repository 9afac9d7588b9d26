"""Drawing pictures, tables, curves, codes, models and times.

The only package that imports matplotlib.  It does so inside its functions, so that tinynet
works where matplotlib is not installed.
"""

from .codes import latent, latent_grid
from .lines import curves, roc
from .models import graph
from .pictures import grid, matrix, picture, rows, tiles
from .times import profile

__all__ = [
    "curves",
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
