"""What lessons about ten classes draw alike: the classes, and which are mistaken for which."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn

from ..session import figure


@figure
def classes(pictures, labels, names, source, rows=3):
    """The first pictures of each class, one class in each column."""
    first = [np.flatnonzero(labels == k)[:rows] for k in range(len(names))]
    images = [pictures[places[row]] for row in range(rows) for places in first]
    titles = [*names] + [""] * (len(images) - len(names))
    title = f"{source}: the first {rows} pictures of each class"
    return tn.plot.grid(images, titles, title, columns=len(names), width=1.05)


@figure
def confusion(said, truth, names, groups, title):
    """tn.plot.confusion with the classes of each group side by side, in a frame."""
    order = [k for group in groups for k in group]
    order += [k for k in range(len(names)) if k not in order]
    place = np.argsort(order)  # of each class in the table
    drawing = tn.plot.confusion(place[said], place[truth], [names[k] for k in order], title)
    corner = -0.5
    for group in groups:
        side = len(group)
        frame = plt.Rectangle((corner, corner), side, side, fill=False, linewidth=2.5)
        drawing.axes[0].add_patch(frame)
        corner += side
    return drawing
