"""Metrics: how good the answers of a model are, as plain numbers.

They take tensors and arrays of either device, and lists; no gradient flows through them.  Each
describes one batch.  tn.evaluate gives the mean over the batches of a set, weighted by their sizes;
auc, psnr, r2, energy_distance and frechet, which are no such means, it computes once, of all
outputs.
"""

from typing import TYPE_CHECKING

from ..messages.names import asked
from .classes import accuracy, confusion_matrix, log_loss, top_k
from .closeness import psnr, r2
from .distributions import energy_distance, frechet, total_variation
from .ranking import auc, roc_curve

__all__ = [
    "accuracy",
    "auc",
    "confusion_matrix",
    "energy_distance",
    "frechet",
    "log_loss",
    "psnr",
    "r2",
    "roc_curve",
    "top_k",
    "total_variation",
]

if not TYPE_CHECKING:  # type checkers know the names
    __getattr__ = asked(__name__, __all__)
