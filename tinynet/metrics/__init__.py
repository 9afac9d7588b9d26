"""Metrics: how good the answers of a model are, as plain numbers.

They take tensors and arrays of either device, and lists; no gradient flows through them.  Each
describes one batch.  For a whole data set give all outputs at once, or weight each batch by its
size.
"""

from .classes import accuracy, confusion_matrix, log_loss, top_k
from .closeness import psnr, r2
from .ranking import auc, roc_curve

__all__ = ["accuracy", "auc", "confusion_matrix", "log_loss", "psnr", "r2", "roc_curve", "top_k"]
