"""The drawings of the lesson ctc."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from ..session import figure
from .style import GREY, NO, YES


@figure
def lattice(alpha, positions):
    """The positions of a label at each step, the arrows between them, and the sums of all ways."""
    T, S = alpha.shape
    drawing, axes = plt.subplots(figsize=(2 + 1.9 * T, 1.2 + 0.95 * S), layout="constrained")
    reached = np.zeros((T, S), bool)
    reached[0, :2] = True
    for t in range(T):
        for s in range(S):
            froms = [s, s - 1] + [s - 2] * (positions[s] not in ("-", positions[s - 2]))
            froms = [f for f in froms if t and f >= 0 and reached[t - 1, f]]
            reached[t, s] |= bool(froms)
            for f in froms:
                axes.annotate("", (t, -s), (t - 1, -f), zorder=1, arrowprops={
                    "arrowstyle": "-|>", "color": YES if s - f == 2 else GREY,
                    "shrinkA": 22, "shrinkB": 22, "linewidth": 1.5})  # fmt: skip
            if reached[t, s]:
                end = t == T - 1 and s >= S - 2
                axes.scatter(t, -s, s=1550, color="#d6e5f3", zorder=2, linewidth=2.2 if end else 1,
                             edgecolor="black" if end else NO)  # fmt: skip
                axes.text(t, -s, f"{alpha[t, s]:.4f}", ha="center", va="center", zorder=3)
    axes.set_yticks(-np.arange(S), positions, fontsize=15)
    axes.set_ylabel("position: from the first to the last", fontsize=12)
    axes.set_xticks(range(T), [f"step {t + 1}" for t in range(T)], fontsize=12)
    axes.set(xlim=(-0.45, T - 0.55), ylim=(0.5 - S, 0.5))
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    pairs = zip(positions[2:], positions, strict=False)
    skipped = any(c not in ("-", before) for c, before in pairs)
    red = " (red: a blank is skipped)" if skipped else ""
    total = alpha[-1, -2:].sum()
    drawing.suptitle(
        f"All ways through the label{red}: the thick circles add up to p = {total:.4f}"
    )
    return drawing


@figure
def peaks(pictures, p, read, answers):
    """A long and a short line that are read right, a misread one, and the probabilities."""
    right = [a == b for a, b in zip(read, answers, strict=True)]
    longest = sorted(range(len(read)), key=lambda i: -len(answers[i]))  # stable: the first ones
    well = [i for i in longest if right[i]]
    shortest = min(well, key=lambda i: len(answers[i]), default=None)
    chosen = [*well[:1], *{shortest} - {None, *well[:1]}, *[i for i in longest if not right[i]][:1]]
    drawing, axes = plt.subplots(2 * len(chosen), 1, figsize=(9.5, 3.3 * len(chosen)), sharex=True,
                                 layout="constrained")  # fmt: skip
    columns = 3 * np.arange(p.shape[1]) + 0.5
    for i, above, below in zip(chosen, axes[::2], axes[1::2], strict=True):
        above.imshow(pictures[i], cmap="gray_r", aspect="auto", interpolation="nearest")
        above.set_yticks([])
        told, said = ("".join(str(k - 1) for k in row) for row in (answers[i], read[i]))
        verdict = "read right" if told == said else f"read as {said}"
        above.set_title(f"{told}: {verdict}", color="black" if told == said else YES)
        below.fill_between(columns, p[i, :, 0], color="#e5e8ea")
        for k in range(1, p.shape[2]):
            top = p[i, :, k].argmax()
            if p[i, top, k] > 0.15:
                below.plot(columns, p[i, :, k], color=NO, linewidth=1.8)
            best = p[i].argmax(axis=1) == k
            starts = np.flatnonzero(best & ~np.roll(best, 1))
            for t in starts:
                end = t + 1
                while end < len(best) and best[end]:
                    end += 1
                t = t + p[i, t:end, k].argmax()
                below.text(columns[t], min(1.04, p[i, t, k] + 0.05), str(k - 1), ha="center",
                           fontsize=13, weight="bold", color=NO)  # fmt: skip
        below.set(ylim=(0, 1.25), yticks=[0, 0.5, 1], ylabel="probability")
        blank = np.flatnonzero(np.append(p[i].argmax(axis=1), 1))  # the steps with a digit, the end
        ends = np.concatenate([[-1], blank])
        widest = int(np.diff(ends).argmax())
        middle = (ends[widest] + ends[widest + 1]) / 2
        below.text(3 * middle + 0.5, 0.45, "blank", color=GREY, ha="center", fontsize=11)
    axes[-1].set(xlim=(-0.5, pictures.shape[2] - 0.5), xlabel="column of pixels")
    drawing.suptitle("New lines, and the probabilities at each step: the peaks stand at the digits")
    return drawing
