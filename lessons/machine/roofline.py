"""Where the time of a training step goes, and what each operation waits for: the roofline.

Source: Williams, Waterman and Patterson, "Roofline: An Insightful Visual Performance Model for
Multicore Architectures", 2009.
"""

from __future__ import annotations

import contextlib
import io

import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn

from .. import parts

ADAM = 12, 7  # operations for each weight, and the numbers that are read or written: w, dw, m, v


# %% What a layer has to do at least, forward and back, for x with weights w and the result y.
#    operations = 2 multiply-adds, forward, for dw and for dx (which the first layer does not need)
#    bytes      = 4 (x + w + y), each time
# A layer without weights has one operation for each number of x, forward and back.
def least_work(multiply_adds, x, w, y, first):
    """x, w, y: how many numbers they have.  -> operations, bytes"""
    passes = 3 if w and not first else 2
    return passes * (2 * multiply_adds if w else x), passes * 4 * (x + w + y)


def of_a_step(batch, rng):
    """-> a row for each layer: its work, from its shapes, and its time in a real training step"""
    model = parts("fashion").model(rng)  # the slide's network for Fashion-MNIST
    x = rng.random((batch, 28, 28, 1), dtype=np.float32)
    labels = rng.integers(0, 10, batch)
    adam = tn.optim.Adam(model.parameters())
    with contextlib.redirect_stdout(io.StringIO()):  # their tables
        cost = tn.cost(model, batch=batch)
        times = {
            row.name: row for row in tn.profile(model, (x, labels), tn.cross_entropy, adam).layers
        }
    rows, numbers = [], x.size
    for layer in cost.rows:
        y = batch * int(np.prod(layer.shape))
        work = least_work(layer.multiply_adds, numbers, layer.parameters, y, first=not rows)
        rows.append((layer.name, *work))
        numbers = y
    weights = sum(row.parameters for row in cost.rows)
    operations, moved = (each * weights for each in ADAM)
    rows.append(("optimizer", operations, 4 * moved))
    return [
        {
            "name": name,
            "operations": operations,
            "bytes": moved,
            "seconds": times[name].milliseconds / 1e3,
            "share": times[name].share,
        }
        for name, operations, moved in rows
        if not name.startswith("flatten")  # it moves nothing
    ]


# %% The roof: nothing is faster than the processors, and nothing than the memory that feeds them.
#    GFLOP/s = min(GFLOP/s of a large product, GB/s of a copy * operations / bytes)
def roof(row, limits):
    """limits: GFLOP/s, GB/s"""
    flops, bandwidth = limits
    return min(flops, bandwidth * row["operations"] / row["bytes"])


def rate(row):
    return row["operations"] / row["seconds"] / 1e9


def why(rows, limits):
    ridge = limits[0] / limits[1]
    lines = [
        f"  Where the time goes, in a training step of the Fashion network: below {ridge:.0f} "
        "operations for each byte, an operation waits for memory, and above for arithmetic."
    ]
    for row in sorted(rows, key=lambda row: -row["share"])[:4]:
        name, work, speed = row["name"], row["operations"] / row["bytes"], rate(row)
        lines.append(
            f"    {name:14}{row['share']:>4.0%} of the time, {work:>5.2g} operations a byte, "
            f"{speed:>5.3g} GFLOP/s: {speed / roof(row, limits):.0%} of its roof"
        )
    lines.append(
        "    Above its roof is what finds its numbers in a cache, or multiplies less than counted."
    )
    return lines


# %% The figure.
def draw(rows, limits):
    figure, axes = plt.subplots(figsize=(9, 5.5), layout="constrained")
    flops, bandwidth = limits
    low, ridge, high = 0.025, flops / bandwidth, 1000
    places = np.array([low, ridge, high])
    name = f"the roof: {bandwidth:.0f} GB/s of a copy, {flops:.0f} GFLOP/s of a large product"
    axes.loglog(places, np.minimum(flops, bandwidth * places), "k-", linewidth=2, label=name)
    axes.axvline(ridge, color="0.6", linestyle=":")
    for x, side, text in ((0.8, "right", "waits for memory"), (1.25, "left", "for arithmetic")):
        axes.text(ridge * x, flops * 3, text, ha=side, va="center", color="0.4")
    for i, row in enumerate(rows):
        x, y, size = row["operations"] / row["bytes"], rate(row), 30 + 1500 * row["share"]
        axes.scatter(x, y, s=size, color=f"C{i}", alpha=0.6, edgecolor="black")
        out = 0.35 * size**0.5  # points, to the edge of the circle, right and down
        place = (out + 3, -out - 8)
        axes.annotate(label(row), (x, y), place, textcoords="offset points", fontsize=9)
    axes.set(
        xlabel="arithmetic operations for each byte that must be read or written",
        ylabel="GFLOP/s",
        xlim=(low, high),
        ylim=(min(rate(row) for row in rows) / 3, flops * 6),
    )
    figure.suptitle("A training step of the Fashion network (area: part of its time)")
    axes.legend(loc="lower right", fontsize=9)
    axes.grid(alpha=0.3)
    return figure


def label(row):
    share = f"{row['share']:.0%}" if row["share"] >= 0.005 else "< 1%"
    return f"{row['name']}, {share}"
