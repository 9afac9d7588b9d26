"""Data: where examples come from, and how they reach the training loop."""

from .batches import batches
from .pictures import xo

__all__ = ["batches", "xo"]
