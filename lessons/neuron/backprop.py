"""Backpropagation: the chain rule, walked backwards once.

Slides    001_2cc8296d8a649d23.txt "Computing Gradients: Backpropagation" (x, w1, z1, w2, y_hat, J)
Question  How does a small change in one weight affect the final loss, and who works that out?
Expect    the engine's gradients are the chain rule's to the last digits; 4 where a wrong order of
          the walk gives 2 or 6; finite differences at their best at a step of about 1e-5; and a
          wrong pullback that tn.gradcheck names
Try       W1 = 4.0: dJ/dw1 is now 10,000 times smaller.  Which factor of its chain made it so?
"""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn

from ..claim import at_most, equals

X, Y = 1.5, 1.0  # one example,
W1, W2 = 0.8, -0.5  # and the weights that it meets
EPSILON = float(np.finfo(np.float64).eps)  # 2.2e-16: how finely float64 divides its numbers


# %% The slide's network, one number wide:
#    z1 = w1 x,    y_hat = w2 tanh(z1),    J = (y_hat - y)^2
# Its chain rule.  Each factor is the derivative of one step, and needs that step's numbers only.
#    dJ/dw2 = dJ/dy_hat * dy_hat/dw2
#    dJ/dw1 = dJ/dy_hat * dy_hat/dz1 * dz1/dw1
def by_hand(x=X, y=Y, w1=W1, w2=W2):
    """Forward once, then backward with a pencil."""
    z1 = w1 * x
    h = math.tanh(z1)
    y_hat = w2 * h
    r = {"x": x, "y": y, "w1": w1, "w2": w2, "z1": z1, "h": h, "y_hat": y_hat}
    r["J"] = (y_hat - y) ** 2
    r["dJ/dy_hat"] = 2 * (y_hat - y)
    r["dy_hat/dz1"] = w2 * (1 - h**2)  # tanh'(z) = 1 - tanh(z)^2
    r["dz1/dw1"] = x
    r["dJ/dw2"] = r["dJ/dy_hat"] * h
    r["dJ/dz1"] = r["dJ/dy_hat"] * r["dy_hat/dz1"]  # found once, and used again for dJ/dw1:
    r["dJ/dw1"] = r["dJ/dz1"] * r["dz1/dw1"]  # "using gradients from later layers"
    return r


# %% The same by the engine, which knows *, tanh, - and **2, but nothing about this network.
def forward(x, y, w1, w2, tanh=tn.tanh):
    return (w2 * tanh(w1 * x) - y) ** 2


def leaf(number, device):
    return tn.Tensor(np.array(number), requires_grad=True, device=device)


def by_engine(x=X, y=Y, w1=W1, w2=W2, device="cpu"):
    """Each derivative of the slide; the inner ones as the slope of that piece of the network."""

    def slope(f, at):
        place = leaf(at, device)
        f(place).backward()
        return float(place.grad)

    z1 = (leaf(w1, device) * x).item()
    y_hat = (w2 * tn.tanh(leaf(z1, device))).item()
    return {
        "dJ/dy_hat": slope(lambda y_hat: (y_hat - y) ** 2, y_hat),
        "dy_hat/dz1": slope(lambda z1: w2 * tn.tanh(z1), z1),
        "dz1/dw1": slope(lambda w1: w1 * x, w1),
        "dJ/dz1": slope(lambda z1: (w2 * tn.tanh(z1) - y) ** 2, z1),
        "dJ/dw2": slope(lambda w2: forward(x, y, leaf(w1, device), w2), w2),
        "dJ/dw1": slope(lambda w1: forward(x, y, w1, w2), w1),
    }


# %% The order of the walk.  b = a + a and c = b + b, so c = 4 a and dc/da = 4.
# Each use of x in y is an edge, over which the gradient that y has so far is handed on to x:
#    gradient[x] += dy/dx * gradient[y],    where dy/dx = 1 on both sides of an addition
# So far: whether y has all of its own by then depends on the order of the edges, and on that only.
INPUTS = {"c": ("b", "b"), "b": ("a", "a"), "a": ()}  # the last made comes first


def walk(edges):
    """The gradient of c by a, b and c."""
    gradient = {"c": 1, "b": 0, "a": 0}
    for y, x in edges:
        gradient[x] += 1 * gradient[y]
    return gradient


# Right: whatever uses b was made after b, so newest first its gradient is complete when its turn
# comes.  Each edge is walked once.
def newest_first():
    return [(y, x) for y in INPUTS for x in INPUTS[y]]


# Wrong: on to a with the first gradient that arrives at b.  The second finds b done: 2 in all.
def depth_first(y="c"):
    edges = []
    for x in INPUTS[y]:
        done = {reached for _, reached in edges}
        edges += [(y, x)] if x in done else [(y, x), *depth_first(x)]
    return edges


# Wrong: on at each arrival.  b hands on 1, and then 2, in which that 1 is contained again: 6.
# (To hand on only what is new is right, but through n such additions it takes 2 + 4 + ... + 2^n
# steps, and newest first takes 2 n.)
def at_each_arrival(y="c"):
    return [edge for x in INPUTS[y] for edge in [(y, x), *at_each_arrival(x)]]


ORDERS = {"newest first": newest_first, "depth first": depth_first, "each arrival": at_each_arrival}


def engine_walk(device="cpu"):
    a = leaf(1.0, device)
    b = a + a
    c = b + b
    c.backward()
    return float(a.grad)


# %% "A small change in one weight" can be tried out, to both sides or to one:
#    (J(w1 + h) - J(w1 - h)) / 2h = dJ/dw1 + J''' h^2 / 6 + rounding / h
#    (J(w1 + h) - J(w1)) / h      = dJ/dw1 + J'' h / 2    + rounding / h
# A large h feels how J bends.  A small h subtracts two numbers that are equal but for their last
# digits, and divides the rest, which is rounding, by very little.  Between them is a best h.
def differences(device="cpu"):
    h = np.logspace(-13, 0, 131)  # ten to each power of ten: h[80] is 1e-5

    def loss(w1):
        return forward(X, Y, tn.Tensor(w1).to(device), W2).numpy()

    both = (loss(W1 + h) - loss(W1 - h)) / (2 * h)
    one = (loss(W1 + h) - loss(W1 + 0 * h)) / h
    true = by_hand()["dJ/dw1"]
    return {"h": h, "both": abs(both / true - 1), "one": abs(one / true - 1)}


# %% tn.gradcheck does this for every input of a function.  A pullback with a mistake:
@tn.differentiable
def wrong_tanh(x):
    y = np.tanh(x)  # gradcheck computes on the CPU
    return y, lambda dy: dy * (1 - y)  # right: 1 - y**2


# At x = 0 the chain's last factor is 0, and dJ/dw1 with it, whatever the pullback says: a check
# there sees no mistake.  Check at random numbers.
def checked(tanh, x=X):
    """gradcheck's report of the network, and whether it raised GradientError."""
    try:
        return tn.gradcheck(lambda w1, w2: forward(x, Y, w1, w2, tanh), W1, W2), False
    except tn.GradientError as error:
        return error.report, True


def main(seed=0, device="cpu", full=False):
    """Nothing here is random and nothing takes long: seed and full change nothing."""
    return {
        "hand": by_hand(),
        "engine": by_engine(device=device),
        "walks": {name: order() for name, order in ORDERS.items()},
        "engine_walk": engine_walk(device),
        "differences": differences(device),
        "right": checked(tn.tanh),
        "wrong": checked(wrong_tanh),
        "unseen": checked(wrong_tanh, x=0.0),
    }


def claims(results):
    hand, engine, d = results["hand"], results["engine"], results["differences"]
    off = max(abs(engine[what] / hand[what] - 1) for what in engine)
    chain = engine["dJ/dy_hat"] * engine["dy_hat/dz1"] * engine["dz1/dw1"]
    da = {name: walk(edges)["a"] for name, edges in results["walks"].items()}
    # The tenfold of h whose errors are lowest: a single one is often right by chance.
    tenfolds = {k: np.median(d[k][:130].reshape(13, 10), axis=1) for k in ("both", "one")}
    best = {k: -12.5 + median.argmin() for k, median in tenfolds.items()}
    report, caught = results["wrong"]
    return [
        at_most("engine beside pencil, largest relative difference", 1e-14, off),
        at_most("the slide's product of three beside dJ/dw1, all by the engine", 1e-14,
                abs(chain / engine["dJ/dw1"] - 1)),
        equals("da of c = b + b, b = a + a: newest first", 4, da["newest first"]),
        equals("the engine's", 4, results["engine_walk"]),
        equals("depth first, without waiting for all uses", 2, da["depth first"]),
        equals("handing on at each arrival", 6, da["each arrival"]),
        at_most("two-sided difference, h = 1e-5: relative error", 1e-9, d["both"][80]),
        at_most("its best h, in tenfolds from the cube root of epsilon", 1.2,
                abs(best["both"] - math.log10(EPSILON) / 3)),
        at_most("the one-sided best h, from the square root of epsilon", 1.2,
                abs(best["one"] - math.log10(EPSILON) / 2)),
        at_most("a tenth of h, a hundredth of the error: off by", 0.01,
                abs(d["both"][100] / d["both"][90] / 100 - 1)),
        equals("the wrong pullback raises tn.GradientError", True, caught),
        equals("which names w1, but not w2", ["w1"],
               [row.name for row in report.rows if row.error > report.tolerance]),
        equals("a check at x = 0 alone sees it", False, results["unseen"][1]),
        equals("the right pullback raises it", False, results["right"][1]),
    ]  # fmt: skip


# %% The figures.
def show(results):
    return {
        "graph": draw_graph(results["hand"]),
        "walk": draw_walks(results["walks"]),
        "differences": draw_differences(results["differences"]),
    }


def box(axes, place, text, color="white"):
    style = {"boxstyle": "round,pad=0.5", "facecolor": color, "edgecolor": "0.4"}
    return axes.text(*place, text, ha="center", va="center", bbox=style, fontsize=11)


def arrow(axes, start, end, bend, color):
    """From one box to another, which are there already."""
    style = {"arrowstyle": "-|>", "connectionstyle": f"arc3,rad={bend}", "color": color,
             "patchA": start.get_bbox_patch(), "patchB": end.get_bbox_patch()}  # fmt: skip
    axes.annotate("", end.get_position(), start.get_position(), arrowprops=style)


def draw_graph(r):
    figure, axes = plt.subplots(figsize=(12, 4), layout="constrained")
    places = {"x": (0, 1), "w1": (2, 0), "z1": (2, 1), "w2": (4, 0), "y_hat": (4, 1), "y": (6.2, 0)}
    places["J"] = (6.2, 1)
    uses = {"x": "z1", "w1": "z1", "z1": "y_hat", "w2": "y_hat", "y_hat": "J", "y": "J"}
    made = {"z1": "z1 = w1 x", "y_hat": "y_hat = w2 tanh(z1)", "J": "J = (y_hat - y)^2"}
    boxes = {name: box(axes, at, made.get(name, name)) for name, at in places.items()}
    for name, use in uses.items():
        middle = np.add(places[name], places[use]) / 2
        upright = places[name][0] == places[use][0]
        side, value, gradient = np.array([0, 0.2]), "center", "center"  # above and below, or
        if upright:
            side, value, gradient = np.array([-0.15, 0]), "right", "left"
        arrow(axes, boxes[name], boxes[use], -0.15, "C0")
        axes.text(*middle + side, f"{r[name]:.4g}", color="C0", ha=value, va="center")
        if f"dJ/d{name}" in r:  # x and y are given: nobody asks for their gradients
            arrow(axes, boxes[use], boxes[name], -0.15, "C3")
            text = f"dJ/d{name}\n= {r[f'dJ/d{name}']:.4g}"
            axes.text(*middle - side, text, color="C3", ha=gradient, va="center")
    axes.text(6.2, 1.22, f"{r['J']:.4g}", color="C0", ha="center")
    axes.set(xlim=(-0.3, 7.2), ylim=(-0.25, 1.35))
    axes.set_axis_off()
    figure.suptitle("Forward (blue) each value; backward (red) how J changes with it")
    return figure


def draw_walks(walks):
    figure, all_axes = plt.subplots(1, 3, figsize=(11, 5), layout="constrained")
    right = walk(newest_first())
    for axes, (name, edges) in zip(all_axes, walks.items(), strict=True):
        boxes = {}
        for place, (y, dy) in enumerate(reversed(walk(edges).items())):
            color = "#cfe8cf" if dy == right[y] else "#f6cccc"
            boxes[y] = box(axes, (0, place), f"d{y} = {dy}", color)
        labels = {}  # of the two arrows between two results: their steps, and what each adds
        for i, (y, x) in enumerate(edges):
            side = (1, -1)[edges[:i].count((y, x)) % 2]
            labels.setdefault((y, x, side), []).append(f"{i + 1}.  +{walk(edges[:i])[y]}")
        for (y, x, side), texts in labels.items():
            arrow(axes, boxes[y], boxes[x], 0.5 * side, "C3")
            middle = boxes[x].get_position()[1] + 0.5
            axes.text(-0.42 * side, middle, "\n".join(texts), ha="center", va="center", color="C3")
        axes.set(title=name, xlim=(-0.8, 0.8), ylim=(-0.3, 2.3))
        axes.set_axis_off()
    figure.suptitle(
        "c = b + b, b = a + a: the steps of the walk back, numbered, and what each adds"
    )
    return figure


def draw_differences(d):
    figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    h, hand = d["h"], by_hand()
    for name, power, color in (("one", 1, "C1"), ("both", 2, "C0")):
        seen = d[name] > 0  # some are right to the last digit, by chance
        axes.loglog(
            h[seen], d[name][seen], ".", color=color, label=f"{name} side{'s'[: power - 1]}"
        )
        guide = d[name][100] * (h / h[100]) ** power
        axes.loglog(h, guide, color=color, linewidth=0.8, label=f"the bend of J, as h^{power}")
    axes.loglog(h, EPSILON * hand["J"] / hand["dJ/dw1"] / h, "k:", label="rounding, epsilon J / h")
    axes.axvline(1e-5, color="0.6", linestyle="--", label="what tn.gradcheck takes")
    axes.legend(loc="lower left")
    axes.set(xlabel="step h", ylabel="relative error of dJ/dw1", ylim=(1e-13, 10))
    figure.suptitle("A difference as a derivative: too far leaves the slope, too near is rounding")
    return figure
