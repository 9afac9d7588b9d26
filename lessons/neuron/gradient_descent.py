"""Gradient descent: downhill on the loss, one small step after another.

Slides    001_2cc8296d8a649d23.txt "Loss Optimization", "Gradient Descent", "Stochastic Gradient
          Descent" (a single data point, then a batch of B) and "Mini-Batches while Training"
Question  Where to start, how many examples a step, how long a step?
Expect    zero weights never move, those of N(0, 1) all arrive; the gradient's noise falls as
          1 / sqrt(B); 0.95 of the largest stable learning rate arrives, 1.05 of it explodes
Try       lr=0.05 in `main`: which of the three ways ends nearer to the minimum, which further off?
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from tqdm import tqdm

import tinynet as tn

from ..claim import at_least, at_most, equals

START = (-1.0, 4.0)  # where all ways down the line's loss begin
SIGMAS = (0, 0.01, 1, 10)
SIZES = (1, 4, 16, 64)
RATES = (0.05, 0.5, 0.95, 1.05)  # in units of the largest stable learning rate
COLORS = ("C0", "C2", "C1", "C3")


# %% Two models with two weights each, so that the whole loss can be drawn.
def line(x, w):
    """w0 + w1 x.  Its loss is a bowl, a quadratic with one minimum.  (N,), (..., 2) -> (..., N)"""
    return w[..., 0:1] + w[..., 1:2] * x


def network(x, w):
    """w2 tanh(w1 x).  Two minima, since (-w1, -w2) gives the same function as (w1, w2)."""
    return w[..., 1:2] * tn.tanh(w[..., 0:1] * x)


#    J(w) = 1/n sum_i (f(x_i; w) - y_i)^2
def J(model, w, x, y):
    """One loss for each pair of weights.  (..., 2), (N,), (N,) -> (...)"""
    return ((model(x, w) - y) ** 2).mean(axis=-1)


def examples(n, seed, device):
    """Noisy points of 1 + 2 x, for the line, and of 2 tanh(1.5 z), for the network."""
    rng = np.random.default_rng(seed)
    x, z = rng.uniform(0, 2, n), rng.normal(0, 1, n)
    y, t = 1 + 2 * x + rng.normal(0, 0.5, n), 2 * np.tanh(1.5 * z) + rng.normal(0, 0.1, n)
    return [on(device, a) for a in (x, y, z, t)]


def on(device, numbers):
    return tn.Tensor(np.asarray(numbers, np.float32)).to(device)


# %% The slide's algorithm, with all n examples, a single one, or a batch of B a step.
#    W <- W - lr dJ_B/dW,    dJ_B/dW = 1/B sum_k dJ_k/dW
# For a single data point i the slide computes dJ_i/dW in step 4, but subtracts dJ/dW in step 5: the
# index is lost, twice; dJ_i/dW is meant.  And where a batch takes the place of i the slide's title
# is still "Stochastic Gradient Descent": what it shows is minibatch gradient descent.
def descend(model, x, y, start, lr, size, epochs, seed=0):
    """Where the weights have been: (steps + 1, ..., 2)"""
    rng = np.random.default_rng(seed)
    w = tn.Tensor(on(x.device, start).data, requires_grad=True)
    optimizer = tn.optim.SGD([w], lr)
    path = [w.numpy().copy()]
    for _ in range(epochs):
        for x_batch, y_batch in tn.data.batches(x, y, size=size, rng=rng, device=x.device):
            optimizer.zero_grad()
            loss = J(model, w, x_batch, y_batch).sum()  # of one start, or of many at once
            loss.backward()
            optimizer.step()
            path.append(w.numpy().copy())
    return np.array(path)


def losses(model, x, y, path):
    """The loss on all examples, wherever the path has been.  (steps, ..., 2) -> (steps, ...)"""
    return np.array([J(model, on(x.device, w), x, y).numpy() for w in path])


# %% Step 1: W ~ N(0, sigma^2).  At zero both slopes of the network are zero, and nothing moves:
#    dJ/dw1 ~ w2 = 0,    dJ/dw2 ~ tanh(w1 x) = 0
# Small weights leave that plateau slowly.  Large ones lie where tanh is flat: w1 has no slope.
def starts(sigma, z, t, count=200, steps=200, seed=0):
    drawn = sigma * np.random.default_rng(seed).standard_normal((count, 2))
    path = descend(network, z, t, drawn, 0.1, len(z), steps)
    return {"path": path, "losses": losses(network, z, t, path)}  # (steps + 1, count, 2)


# %% Where the bowl's minimum is, and how strongly it bends there:
#    H = d2J/dw2 = 2/n sum_i (1, x_i)(1, x_i)^T,    H w* = 2/n sum_i (1, x_i) y_i
# Along an eigenvector of H with eigenvalue c, a step multiplies the distance from w* by 1 - lr c.
# The distance shrinks while lr < 2 / c, and the largest c is the first that is too large.
def bowl(x, y):
    rows = tn.stack([x**0, x], axis=1)  # (n, 2)
    hessian = (2 / len(x) * rows.T @ rows).numpy()
    minimum = np.linalg.solve(hessian, (2 / len(x) * rows.T @ y).numpy())
    return {"minimum": minimum, "stable": 2 / float(np.linalg.eigvalsh(hessian)[-1])}


# %% How far is the gradient of a batch from the gradient of all?
#    E |dJ_B/dW - dJ/dW|^2 = sigma^2 / B * (n - B) / (n - 1)
# The last factor, since no batch holds an example twice: a batch of all n has no noise left.
def gradients(size, x, y, count=512, seed=0):
    """Of at least so many batches, all at START.  (batches, 2)"""
    rng, found = np.random.default_rng(seed), []
    while len(found) < count:
        for x_batch, y_batch in tn.data.batches(x, y, size=size, rng=rng, device=x.device):
            w = tn.Tensor(on(x.device, START).data, requires_grad=True)
            J(line, w, x_batch, y_batch).backward()
            found.append(tn.Tensor(w.grad).numpy())
    return np.array(found)


def expected_noise(size, n, sigma):
    return sigma * np.sqrt((n - size) / (n - 1) / size)


def main(n=256, epochs=30, lr=0.2, seed=0, device="cpu", full=False):
    """full: four times as many examples, each a step of its own where they come singly."""
    n = 4 * n if full else n
    x, y, z, t = examples(n, seed, device)
    r = bowl(x, y) | {"n": n, "lr": lr, "line": (x, y), "network": (z, t), "ways": {}, "edge": {}}
    r["starts"] = {sigma: starts(sigma, z, t, seed=seed) for sigma in SIGMAS}
    for size in tqdm((n, 16, 1), desc="three ways down", disable=None, leave=False):
        r["ways"][size] = descend(line, x, y, START, lr, size, epochs, seed)
        r["edge"][size] = descend(line, x, y, START, 0.9 * r["stable"], size, epochs, seed)
    r["gradients"] = {size: gradients(size, x, y, seed=seed) for size in (*SIZES, n)}
    true = r["gradients"][n][0]
    r["noise"] = np.array([np.sqrt((distance(r["gradients"][b], true) ** 2).mean()) for b in SIZES])
    r["rates"] = {k: descend(line, x, y, START, k * r["stable"], n, 100) for k in RATES}
    return r


def distance(path, place):
    return np.linalg.norm(path - place, axis=-1)


def claims(results):
    r, w = results, results["minimum"]
    below = {sigma: start["losses"] < 0.05 for sigma, start in r["starts"].items()}
    steps = {sigma: np.median(b.argmax(axis=0)) for sigma, b in below.items()}
    right = (r["starts"][1]["path"][-1, :, 0] > 0).sum()
    off = r["noise"] / expected_noise(np.array(SIZES), r["n"], r["noise"][0]) - 1
    around = {size: distance(path[len(path) // 2 :], w).mean() for size, path in r["ways"].items()}
    furthest = {size: distance(path, w).max() for size, path in r["edge"].items()}
    rates = {k: distance(path, w) for k, path in r["rates"].items()}
    growth = rates[1.05][-1] / rates[1.05][-2]
    return [
        equals("zero weights: how far they move", 0, abs(r["starts"][0]["path"]).max()),
        equals("N(0, 1): starts of 200 that arrive", 200, below[1][-1].sum()),
        at_least("of them, in the less visited of two minima", 60, min(right, 200 - right)),
        at_least("N(0, 0.01^2): steps, over those of N(0, 1)", 1.5, steps[0.01] / steps[1]),
        at_most("N(0, 10^2): starts of 200 that arrive", 100, below[10][-1].sum()),
        at_most("noise of B examples: error of the formula, relative", 0.1, abs(off).max()),
        at_least("single examples end further off than batches: times", 3, around[1] / around[16]),
        at_most("lr 0.9 of the limit, batches of 16: thrown out to", 4, furthest[16]),
        at_least("lr 0.9 of the limit, single examples: thrown out to", 100, furthest[1]),
        at_least("lr 0.05 of the limit: distance left, of 2.9", 1, rates[0.05][-1]),
        at_most("lr 0.95 of the limit: distance left", 1e-3, rates[0.95][-1]),
        at_least("lr 1.05 of the limit: distance reached", 1e3, rates[1.05][-1]),
        at_most("its growth a step, beside |1 - 1.05 * 2| = 1.1", 1e-3, abs(growth - 1.1)),
    ]


# %% The figures.
def show(results):
    return {
        "landscape": draw_landscape(results),
        "three_ways": draw_ways(results),
        "noise": draw_noise(results),
        "rates": draw_rates(results),
    }


def landscape(model, data, across, up):
    """The loss over a grid of weights, as contour and plot_surface want it."""
    grid = np.stack(np.meshgrid(np.linspace(*across, 81), np.linspace(*up, 81)), axis=-1)
    return grid[..., 0], grid[..., 1], losses(model, *data, grid)


def contours(axes, r, across, up, title):
    w0, w1, loss = landscape(line, r["line"], across, up)
    axes.contour(w0, w1, loss, np.geomspace(0.26, loss.max(), 14), colors="0.75", linewidths=0.7)
    axes.plot(*r["minimum"], "k+", markersize=11, zorder=3)
    axes.set(xlim=across, ylim=up, title=title, xlabel="w0", ylabel="w1")


def draw_landscape(r):
    figure = plt.figure(figsize=(12, 5.2), layout="constrained")
    left = figure.add_subplot(121, projection="3d", computed_zorder=False)
    right = figure.add_subplot(122)
    w1, w2, loss = landscape(network, r["network"], (-3, 3), (-3.5, 3.5))
    left.plot_surface(w1, w2, loss, cmap="Blues_r", alpha=0.85, rstride=2, cstride=2)
    path = np.concatenate([r["starts"][1]["path"], r["starts"][1]["losses"][..., None]], axis=-1)
    for one in path[:, :12].transpose(1, 0, 2):  # (steps + 1, 3): w1, w2, J
        left.plot(*one.T, color="C1" if one[-1, 0] > 0 else "C3", linewidth=1.5)
        left.plot(*one[0], "k.")
    left.plot(0, 0, r["starts"][0]["losses"][0, 0], "kx")
    left.set(title="twelve starts from N(0, 1), and zero (x)", xlabel="w1", ylabel="w2", zlabel="J")
    left.view_init(48, -62)
    for color, (sigma, start) in zip(("k", *COLORS), r["starts"].items(), strict=False):
        low, middle, high = np.quantile(start["losses"], (0.1, 0.5, 0.9), axis=1)
        right.semilogy(middle, color=color, label=f"sigma = {sigma:g}")
        right.fill_between(range(len(low)), low, high, color=color, alpha=0.12, linewidth=0)
    right.legend()
    right.set(title="200 starts: median, and the middle 80%", xlabel="step", ylabel="loss")
    figure.suptitle("w2 tanh(w1 x): the first weights decide which minimum, and how soon")
    return figure


def draw_ways(r):
    figure, axes = plt.subplots(1, 4, figsize=(16, 4.2), layout="constrained")
    for place, color, size in zip(axes, ("C0", "C2", "C3"), r["ways"], strict=False):
        path = r["ways"][size]
        contours(place, r, (-1.5, 3.5), (-0.5, 4.5), f"B = {size}: {len(path) - 1:,} steps")
        place.plot(*path.T, ".", color=color, markersize=3, alpha=0.15, linewidth=0)
        place.plot(*path[:100].T, color=color, linewidth=0.8)
        steps = np.unique(np.geomspace(1, len(path) - 1, 60).astype(int))
        loss = losses(line, *r["line"], path[steps])
        axes[3].loglog(steps * size, loss, color=color, label=f"B = {size}")
    axes[3].legend()
    axes[3].set(title="the same work each", xlabel="examples seen", ylabel="loss on all examples")
    figure.suptitle(f"B examples a step, lr = {r['lr']} (lines: the first 100 steps, dots: all)")
    return figure


def draw_noise(r):
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
    for size, color in ((1, "C3"), (16, "C2"), (r["n"], "k")):
        left.plot(*r["gradients"][size].T, ".", color=color, markersize=4, label=f"B = {size}")
    left.set(title="gradients of batches, at one place", xlabel="dJ/dw0", ylabel="dJ/dw1")
    sizes, sigma = np.geomspace(1, 0.9 * r["n"], 100), r["noise"][0]
    right.loglog(sizes, sigma / np.sqrt(sizes), "k:", label="sigma / sqrt(B)")
    right.loglog(sizes, expected_noise(sizes, r["n"], sigma), "k", label="none drawn twice")
    right.loglog(SIZES, r["noise"], "C3o", label="measured")
    right.set(title="their distance from the gradient of all", xlabel="B", ylabel="noise")
    left.legend()
    right.legend()
    figure.suptitle("The noise of a batch's gradient falls as 1 / sqrt(B)")
    return figure


def draw_rates(r):
    figure, axes = plt.subplots(1, 5, figsize=(18, 3.9), layout="constrained")
    for place, color, (k, path) in zip(axes, COLORS, r["rates"].items(), strict=False):
        contours(place, r, (-3, 5), (-2, 5), f"lr = {k:g} x 2 / c")
        place.plot(*path[:40].T, color=color, linewidth=0.8, marker=".", markersize=3)
        axes[4].semilogy(distance(path, r["minimum"]), color=color, label=f"{k:g} x 2 / c")
    axes[4].legend()
    axes[4].set(title="distance from the minimum", xlabel="step", ylabel="|w - w*|")
    figure.suptitle(f"Learning rates around 2 / c = {r['stable']:.3f}; c is the largest curvature")
    return figure
