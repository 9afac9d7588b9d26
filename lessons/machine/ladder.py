"""The ladder of lesson `speed`: as a table, in words, and as a figure."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

ONE, MANY, GPU = "C0", "C1", "C2"
SOURCES = "tinynet: tn.cost; the others: tracemalloc"


def label(row):
    return row["name"] + (f", {threads_text(row['threads'])}" if row["threads"] else "")


def threads_text(count):
    return f"{count} thread{'s' * (count > 1)}"


def size_text(count):
    """Bytes, for a person."""
    if count is None:
        return "not measured"
    return f"{count / 2**20:.1f} MiB" if count >= 2**20 else f"{count / 2**10:.1f} KiB"


def share_text(row):
    return "" if row["share"] is None else f"{row['share']:.3g} %"


def part_text(row):
    """What a row is that was timed in part only."""
    return f"timed on 1/{1 / row['part']:,.0f} of the products, and extrapolated"


def table(results):
    lines = [f"  {'':33}  {'seconds':>9}  {'GFLOP/s':>8}  {'of limit':>9}  memory beside"]
    for row in results["rows"]:
        numbers = f"{row['seconds']:>9.4f}  {row['rate']:>8.3g}  {share_text(row):>9}"
        note = f" ({part_text(row)})" if row["part"] < 1 else ""
        lines.append(f"  {label(row):33}  {numbers}  {size_text(row['memory'])}{note}")
    for k, rate in results["limit"].items():
        lines.append(f"  the limit, on {threads_text(k)}: a square product, {rate:.0f} GFLOP/s")
    return [*lines, f"  memory: {SOURCES}"]


# %% Why each step helps, with the numbers of this run.
def why(results):
    rows = {(row["name"], row["threads"]): row for row in results["rows"]}
    order = ("loops over numbers", "loops over windows", "im2col in one piece", "tiles")
    numbers, places, one, tiled = (rows[name, 1] for name in order)
    work, k = results["multiply-adds"][0], max(results["limit"])

    def times(before, after):
        return f"{before['seconds'] / after['seconds']:,.1f} times as fast"

    lines = [
        f"Windows, not numbers: {times(numbers, places)}.  The interpreter took "
        f"{numbers['seconds'] / work * 1e9:.0f} ns for each of {work:,} products; now it has "
        f"{results['windows']:,} windows.",
        f"im2col: {times(places, one)}.  BLAS no longer reads all {size_text(results['kernel'])} "
        f"of w for every window.  The price: {size_text(one['memory'])} of columns; to write them "
        f"takes {results['copying'] / one['seconds']:.0%} of the time.",
        f"Tiles: {times(one, tiled)}.  The product finds its columns, at most "
        f"{size_text(tiled['memory'])}, where they were written: in the cache, if that holds them.",
    ]
    if k > 1:
        gain = times(rows["tinynet", 1], rows["tinynet", k])
        lines.append(f"Threads: tinynet on {k} is {gain} as on 1.")
    if ("the same loops, compiled", 1) in rows:
        machine = rows["the same loops, compiled", 1]
        lines.append(
            f"The loops over numbers, compiled, and not changed: {times(numbers, machine)}.  They "
            f"reach {machine['share']:.2g}% of the limit: they add one number at a time."
        )
    if ("tinynet, Winograd", k) in rows:
        gain = times(rows["tinynet", k], rows["tinynet, Winograd", k])
        lines.append(
            f"Winograd: {gain} as tinynet's columns.  It multiplies {results['winograd']:,} times, "
            f"{results['winograd'] / work:.0%} of what the formula says, so it may pass the limit."
        )
    torch = [row for row in results["rows"] if "PyTorch" in row["name"] and row["threads"] == k]
    if torch:
        best = min(torch, key=lambda row: row["seconds"])
        lines.append(f"{best['name']}: {times(rows['tinynet', k], best)} as tinynet.")
    lines.append(
        "Other programs on the machine shift these factors; the claims leave room for that."
    )
    return [f"  {line}" for line in lines]


# %% The figure.
def draw(results):
    rows, places = results["rows"], np.arange(len(results["rows"]))
    colors = [(GPU, ONE)[row["threads"]] if row["threads"] < 2 else MANY for row in rows]
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(13, 0.4 * len(rows) + 2.2), width_ratios=[1.7, 1], layout="constrained"
    )
    rates, memory = [row["rate"] for row in rows], [row["memory"] or 0 for row in rows]
    left.barh(places, rates, color=colors, log=True)
    low = min(rates) / 3  # the bars end before the columns of numbers at the right
    left.set(title="speed", xlabel="GFLOP/s", xlim=(low, low * (max(rates) / low) ** 1.7))
    texts = [(f"{row['seconds']:.4g}", f"{row['rate']:.3g}", share_text(row)) for row in rows]
    for place, line in enumerate([("seconds", "GFLOP/s", "of limit"), *texts], -1):
        for x, text in zip((0.74, 0.86, 0.99), line, strict=True):
            across = left.get_yaxis_transform()  # x: a part of the width
            left.text(x, place, text, ha="right", va="center", fontsize=9, transform=across)
    for k, rate in results["limit"].items():
        name = f"limit on {threads_text(k)}: a square product of matrices, {rate:.0f} GFLOP/s"
        color, style = (ONE, "-") if k == 1 else (MANY, "--")  # both seen if they are the same
        left.axvline(rate, color=color, linestyle=style, label=name)
    left.set_yticks(places, [label(row) + "*" * (row["part"] < 1) for row in rows])
    right.barh(places, memory, color=colors, log=True)
    right.set(
        title="memory beside input and output",
        xlabel=f"bytes  ({SOURCES})",
        xlim=(30, 60 * max(memory)),
    )
    right.set_yticks([])
    for place, row in enumerate(rows):
        color = "0.5" if row["memory"] is None else "black"
        right.text(1.3 * max(memory[place], 30), place, size_text(row["memory"]), va="center",
                   color=color)  # fmt: skip
    for axes in (left, right):
        axes.set_ylim(len(rows) - 0.4, -1.5)  # the first one on top
    left.plot([], [], " ", label="".join(f"* {part_text(row)}" for row in rows if row["part"] < 1))
    figure.legend(loc="outside lower center", ncols=3, fontsize=9)
    figure.suptitle(f"One convolution, {results['shapes']}: the same numbers, in more or less time")
    return figure
