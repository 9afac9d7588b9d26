"""The drawings of the lesson cifar."""

from __future__ import annotations

import matplotlib.pyplot as plt

import tinynet as tn

from ..session import figure
from .classes import classes, confusion
from .style import NO, YES

__all__ = ["classes", "confusion", "nearest"]


@figure
def nearest(unseen, found, truth, answers, names, count=10):
    """Test pictures, and under each the training picture whose pixels differ least."""
    drawing, axes = plt.subplots(2, count, figsize=(1.2 * count, 3.4), layout="constrained")
    for i in range(count):
        tn.plot.picture(axes[0, i], unseen[i], names[truth[i]], (0, 1))
        tn.plot.picture(axes[1, i], found[i], "", (0, 1))
        color = NO if truth[i] == answers[i] else YES
        axes[1, i].set_title(names[answers[i]], color=color, fontsize=10)
    axes[0, 0].set_ylabel("test")
    axes[1, 0].set_ylabel("nearest")
    same = int((truth[:count] == answers[:count]).sum())
    drawing.suptitle(
        f"{count} test pictures, and the training picture nearest to each: "
        f"{same} of the same class (blue), {count - same} of another (red)"
    )
    return drawing
