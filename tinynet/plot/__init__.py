"""Drawing pictures, tables, curves, codes and models.  The only package that imports matplotlib.

It does so inside its functions, so that tinynet works where matplotlib is not installed.
"""

from .codes import latent, latent_grid
from .lines import curves, roc
from .models import graph
from .pictures import grid, matrix, picture, rows, tiles

__all__ = [
    "curves",
    "graph",
    "grid",
    "latent",
    "latent_grid",
    "matrix",
    "picture",
    "roc",
    "rows",
    "tiles",
]
