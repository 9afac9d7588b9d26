"""Curves: a training over its epochs, and the ROC curve of a score for two classes."""

from __future__ import annotations

from typing import Any

from .host import on_host


def curves(history: Any, title: str = "training") -> Any:
    """A figure of a History: the curve of each number over the epochs, in training and validation.

    The values of epoch i are drawn at i.  ValueError for an empty history.
    """
    import matplotlib.pyplot as plt

    names = list(dict.fromkeys(name.removeprefix("validation ") for name in history.names))
    if not names:
        raise ValueError("curves: the history is empty. Train for at least one epoch.")
    size = (4.2 * len(names), 3.2)
    figure, axes = plt.subplots(1, len(names), figsize=size, squeeze=False, layout="constrained")
    for place, name in zip(axes[0], names, strict=True):
        for key, label in ((name, "training"), (f"validation {name}", "validation")):
            points = [(i, e[key]) for i, e in enumerate(history.epochs, 1) if key in e]
            if points:
                place.plot(*zip(*points, strict=True), marker="o", markersize=3, label=label)
        place.set_xlabel("epoch")
        place.set_ylabel(name)
        place.xaxis.get_major_locator().set_params(integer=True)
        place.grid(alpha=0.3)
        place.legend()
    figure.suptitle(title)
    return figure


def roc(axes: Any, false_positive_rate: Any, true_positive_rate: Any, label: str = "") -> None:
    """Draw a ROC curve on matplotlib axes, with the diagonal of guessing.

    false_positive_rate, true_positive_rate: (T,), from tn.metrics.roc_curve.
    label: its name in the legend beside the axes.  Call again for another curve.

    ValueError for shapes that do not fit, no rates, or rates outside [0, 1].
    """
    across, up = on_host(false_positive_rate), on_host(true_positive_rate)
    if across.ndim != 1 or across.shape != up.shape or not across.size:
        raise ValueError(
            f"roc: false_positive_rate {across.shape} and true_positive_rate {up.shape} must both "
            "be (T,). Give the first two of tn.metrics.roc_curve(scores, labels)."
        )
    if not isinstance(label, str):
        raise TypeError(
            f"roc: label is {type(label).__name__}, and must be a word for the legend. Give the "
            "first two of tn.metrics.roc_curve(scores, labels)."
        )
    for name, rate in (("false_positive_rate", across), ("true_positive_rate", up)):
        if not ((rate >= 0) & (rate <= 1)).all():
            raise ValueError(
                f"roc: {name} must be in [0, 1], and lies in [{rate.min():g}, {rate.max():g}]. "
                "Give the first two of tn.metrics.roc_curve(scores, labels)."
            )
    if not any(line.get_gid() == "guessing" for line in axes.lines):
        axes.plot([0, 1], [0, 1], "--", color="gray", linewidth=1, label="guessing", gid="guessing")
        axes.set(xlabel="false positive rate", ylabel="true positive rate")
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))  # a fixed aspect cuts labels off
        axes.grid(alpha=0.3)
    axes.plot(across, up, label=label or None)
    axes.legend(loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False)
