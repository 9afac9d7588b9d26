"""Metrics: how good the answers are, as plain numbers.

They read tensors, arrays or lists of either device, and no gradient flows through them.  Each is of
one batch; for a whole data set give all outputs at once, or weight each batch by its size.
"""

from .classes import accuracy, confusion_matrix, log_loss, top_k
from .closeness import psnr, r2
from .ranking import auc, roc_curve

__all__ = ["accuracy", "auc", "confusion_matrix", "log_loss", "psnr", "r2", "roc_curve", "top_k"]
