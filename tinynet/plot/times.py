"""The time of each part of a training step, as bars."""

from __future__ import annotations

from typing import Any

COLORS = {"forward": "#4c78a8", "backward": "#f58518", "update": "#79706e"}


def profile(report: Any, title: str = "") -> Any:
    """A figure of a report of tn.profile: a bar for each layer, forward and backward, in order.

    Beside each bar are its milliseconds and its share of the step.

    TypeError for anything else.
    """
    import matplotlib.pyplot as plt

    if not all(hasattr(report, name) for name in ("layers", "step", "examples")):
        raise TypeError(
            f"profile: report is {type(report).__name__}. Give the result of tn.profile(model, "
            "batch, loss)."
        )
    rows = report.layers
    places = range(len(rows))
    size = (8.0, 0.28 * len(rows) + 1.5)
    digits = 2 if report.step >= 10 else 3
    figure, axes = plt.subplots(figsize=size, layout="constrained")
    ends = [0.0] * len(rows)
    for name, color in COLORS.items():
        times = [getattr(row, name) for row in rows]
        if any(times):
            axes.barh(places, times, 0.7, ends, color=color, label=name)
            ends = [end + time for end, time in zip(ends, times, strict=True)]
    for place, (row, end) in enumerate(zip(rows, ends, strict=True)):
        text = f" {row.milliseconds:.{digits}f} ms, {row.share:.1%}"
        axes.text(end, place, text, va="center", fontsize=8, color="#444444")
    axes.set_yticks(places, [f"{row.name} ({row.kind})" for row in rows], fontsize=8)
    axes.set_ylim(len(rows) - 0.4, -0.6)  # the first layer on top, as in the table
    axes.set_xlim(0, 1.25 * max(ends))  # room for the text of the longest bar
    axes.set_xlabel("milliseconds")
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=len(COLORS), frameon=False)
    default = f"{report.name}: a step of {report.examples} examples, {report.step:.3g} ms"
    figure.suptitle(title or default)
    return figure
