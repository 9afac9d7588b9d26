"""Boxes and arrows: how values are computed from one another.

drawing, axes = boxes.paper(8, 3)                      # in inches; (0, 0) is the lower left
x = boxes.box(axes, (1, 2), "$x$", ["1.5"])            # up to two lines below the box
z = boxes.box(axes, (4, 2), "$z = wx$", ["1.2", ("0.3", YES)])
boxes.arrow(axes, x, z, "times w", YES)
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from .style import GREY

HEIGHT = 0.5  # of a box, in inches
LINE = 0.24  # from one line below a box to the next


def paper(width, height, columns=1, **named):
    """A figure, and its axes, whose units are inches, without ticks.  columns: axes side by side"""
    drawing, row = plt.subplots(
        1, columns, figsize=(width * columns, height + 0.5), layout="constrained", **named
    )
    for axes in np.atleast_1d(row):
        axes.set(xlim=(0, width), ylim=(0, height), aspect="equal")
        axes.set_axis_off()
    return drawing, row


def box(axes, place, text, below=(), color="white", edge=GREY, width=0.9, above=""):
    """A box with its middle at the place.

    below: lines, each a text or (text, color).  above: a small text over its left corner.
    """
    x, y = place
    corner = (x - width / 2, y - HEIGHT / 2)
    style = {"boxstyle": "round,pad=0,rounding_size=0.1", "facecolor": color, "edgecolor": edge}
    patch = FancyBboxPatch(corner, width, HEIGHT, linewidth=1.5, zorder=3, **style)
    axes.add_patch(patch)
    axes.text(x, y, text, ha="center", va="center", fontsize=12, zorder=4)
    axes.text(corner[0], y + HEIGHT / 2 + 0.04, above, va="bottom", fontsize=9, color=edge)
    for i, line in enumerate(below):
        words, shade = (line, "black") if isinstance(line, str) else line
        axes.text(x, y - HEIGHT / 2 - 0.17 - i * LINE, words, ha="center", va="center",
                  fontsize=10, color=shade, zorder=4)  # fmt: skip
    return patch


def arrow(axes, start, end, label="", color=GREY, bend=0.0, shift=(0.0, 0.0), width=1.8):
    """From one box to another, with its label at the middle.

    It joins the sides that face each other: left and right, or top and bottom if it is steep.

    bend: how much it curves, positive for a curve to the left of the way.
    shift: moves the label from the middle, in inches.  Along a level arrow it stands above it.
    """
    (x0, y0), (x1, y1) = middle(start), middle(end)
    if abs(y1 - y0) > 1.2 * abs(x1 - x0):
        down = np.sign(y0 - y1)
        y0, y1 = y0 - down * HEIGHT / 2, y1 + down * HEIGHT / 2
    else:
        right = np.sign(x1 - x0)
        x0, x1 = x0 + right * start.get_width() / 2, x1 - right * end.get_width() / 2
    style = {"arrowstyle": "-|>", "connectionstyle": f"arc3,rad={-bend}", "mutation_scale": 15}
    patch = FancyArrowPatch((x0, y0), (x1, y1), shrinkA=2, shrinkB=2, zorder=2, **style)
    patch.set(color=color, linewidth=width)
    axes.add_patch(patch)
    if label:
        along = np.array([x1 - x0, y1 - y0])
        side = np.array([-along[1], along[0]]) * bend / 2  # where the curve's middle is
        place = np.array([x0 + x1, y0 + y1]) / 2 + side + shift
        level = abs(y1 - y0) < 0.1 and not bend
        paper_white = {"facecolor": "white", "edgecolor": "none", "pad": 1.5}
        axes.text(place[0], place[1] + 0.08 * level, label, color=color, ha="center",
                  va="bottom" if level else "center", fontsize=10.5, zorder=3,
                  bbox=None if level else paper_white)  # fmt: skip


def middle(patch):
    """The middle of a box."""
    return (patch.get_x() + patch.get_width() / 2, patch.get_y() + patch.get_height() / 2)
