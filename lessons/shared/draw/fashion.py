"""The drawings of the lesson fashion."""

from __future__ import annotations

import numpy as np

import tinynet as tn

from ..session import figure
from .classes import classes, confusion

__all__ = ["classes", "confusion", "mistakes"]


@figure
def mistakes(pictures, p, truth, names):
    """The 15 wrong answers with the highest probability."""
    said, surest = p.argmax(axis=1), p.max(axis=1)
    wrong = np.flatnonzero(said != truth)
    worst = wrong[np.argsort(-surest[wrong])][:15]
    titles = [f"{names[truth[i]]},\nnot {names[said[i]]} ({surest[i]:.1%})" for i in worst]
    title = (
        f"The {len(worst)} of {len(wrong):,} mistakes with the highest probability: the true class,"
        "\nthen the network's wrong answer and its probability"
    )
    return tn.plot.grid(pictures[worst], titles, title, columns=5, width=1.8)
