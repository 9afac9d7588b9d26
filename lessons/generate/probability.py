"""Probability estimation: from examples to the distribution that they come from.

Slides    000_fcdcaffc17ab1b77.txt "Probability Estimation (fig03)" to "(fig10)", of which no figure
          is left, so the examples are our own
Question  Which distribution makes what I saw most likely, and what has that to do with a loss?
Expect    mean, variance and share of ones, each found twice, by formula and downhill; ten times
          the samples halve a histogram's error; MSE and BCE are likelihoods, but for rounding
Try       gaussian(np.float32([2, 2, 2]), "cpu"): where does the variance go, and the likelihood?
"""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn

from ..claim import at_least, at_most

SAMPLES = (100, 1_000, 10_000, 100_000, 1_000_000)
BINS = (16, 32, 64, 128, 256)  # for so many samples each: twice as many for ten times the samples
MANY_BINS = [1 << k for k in range(2, 12)]
TRUTH = {"mean": 3, "sigma": 0.8, "p": 0.72}


def minimize(loss, weights, lr, steps):
    """Gradient descent; the path of the weights, the start included.  -> (steps + 1, weights)"""
    optimizer, path = tn.optim.SGD(weights, lr), []
    for _ in range(steps):
        path.append([w.item() for w in weights])
        optimizer.zero_grad()
        loss(*weights).backward()
        optimizer.step()
    return np.array([*path, [w.item() for w in weights]])


def weight(values, device):
    """A leaf on that device."""
    return tn.Tensor(values, requires_grad=True, device=device)


# %% The Gaussian that makes x_1 ... x_n most likely.  The slopes of its log-likelihood are 0 at
#    mean = 1/n sum x_i,   variance = 1/n sum (x_i - mean)^2       (n - 1 would be unbiased instead)
# Where nobody can solve for the zero, a network say, one walks.  The weight is the logarithm of the
# variance: it may be any number, and no step makes the variance negative.
def gaussian(x, device, lr=0.3, steps=200):
    """-> the mean and the variance by the formulas, and the way to them: (steps + 1, 2)"""
    data = tn.Tensor(x).to(device)

    def loss(mean, log_var):  # + 0 * data: of its shape, for likelihoods do not broadcast
        return -tn.gaussian_log_likelihood(mean + 0 * data, data, log_var)

    path = minimize(loss, [weight(1.5, device), weight(1.0, device)], lr, steps)
    return {"x": x, "closed": (x.mean(), x.var()), "path": np.c_[path[:, 0], np.exp(path[:, 1])]}


# %% The bent coin.  log p(x) = ones log p + zeros log(1 - p) is highest at p = the share of ones.
# The weight is the logit of p, for the same reason.
def bernoulli(x, device, lr=2.0, steps=100):
    """-> the share of ones, and the way to it: (steps + 1,)"""
    data = tn.Tensor(x).to(device)

    def loss(logit):
        return -tn.bernoulli_log_likelihood(logit + 0 * data, data)

    path = minimize(loss, [weight(-2.0, device)], lr, steps)
    return {"x": x, "closed": x.mean(), "path": 1 / (1 + np.exp(-path[:, 0]))}


# %% No formula at all: count.  A histogram's heights are share / width, so that areas are
# probabilities.  Narrower bins show more, but each then holds fewer samples, and noise: only with
# more samples may they narrow, and then the histogram becomes the density.  The distance of the two
# is the total variation 1/2 integral |h - p|: the most by which any probability is wrong.
def density(x):
    """Two humps.  (...) -> (...)"""
    return 0.6 * bell(x, -1, 0.5) + 0.4 * bell(x, 1.2, 0.8)


def bell(x, mean, sigma):
    """N(x; mean, sigma^2)"""
    return np.exp(-(((x - mean) / sigma) ** 2) / 2) / (sigma * math.sqrt(2 * math.pi))


def draw_samples(count, rng):
    second = rng.random(count) < 0.4
    return np.where(second, 1.2, -1.0) + np.where(second, 0.8, 0.5) * rng.standard_normal(count)


def histogram(x, bins, low=-4.0, high=5.0):
    """-> edges (bins + 1,), heights (bins,) whose areas are the shares of all samples"""
    if bins < 1:
        raise ValueError(f"histogram: bins must be at least 1, received {bins}. Give more.")
    counts, edges = np.histogram(x, bins, (low, high))
    return edges, counts / (len(x) * (high - low) / bins)


def total_variation(edges, heights, points=20_000):
    """1/2 integral |h - p|, where outside the bins h is 0.  In [0, 1]"""
    width = (edges[-1] - edges[0]) / points
    x = edges[0] + (np.arange(points) + 0.5) * width
    p, h = density(x), heights[np.searchsorted(edges, x) - 1]
    return 0.5 * (abs(h - p).sum() * width + 1 - p.sum() * width)


# %% Two losses that everybody uses are these likelihoods, of D numbers a picture:
#    -log N(x; mean, 1) = D/2 MSE + D/2 log(2 pi)        -log Bernoulli(x; sigmoid(z)) = D BCE + 0
# A factor and a constant move no minimum.  The gradients differ by the factor alone.
def losses_and_likelihoods(pictures, rng, device):
    """For each loss: how far it is from its likelihood, and their gradients; relative."""
    x = tn.Tensor(pictures).to(device)
    D = math.prod(x.shape[1:])
    prediction = rng.standard_normal(x.shape).astype(np.float32)
    found = {}
    for name, likelihood, loss, factor, constant in (
        ("MSE", tn.gaussian_log_likelihood, tn.mse, D / 2, D / 2 * math.log(2 * math.pi)),
        ("BCE", tn.bernoulli_log_likelihood, tn.bce_with_logits, D, 0),
    ):
        a, b = weight(prediction, device), weight(prediction, device)
        ours, theirs = -likelihood(a, x), loss(b, x)
        ours.backward()
        theirs.backward()
        scaled = factor * b.grad
        found[name] = {
            "value": abs(ours.item() / (factor * theirs.item() + constant) - 1),
            "gradient": float(abs(a.grad - scaled).max() / abs(scaled).max()),
        }
    return found


# The same for one number x = 0.8 and every prediction f of it.
def curves(device, x=0.8):
    f = np.linspace(0.01, 0.99, 197, dtype=np.float32)[:, None]
    there, target = tn.Tensor(f).to(device), tn.Tensor(np.full_like(f, x)).to(device)
    logits = tn.log(there / (1 - there))
    return {
        "f": f[:, 0],
        "Gaussian": -tn.gaussian_log_likelihood(there, target, reduction="none").numpy(),
        "MSE": tn.mse(there, target, reduction="none").numpy()[:, 0],
        "Bernoulli": -tn.bernoulli_log_likelihood(logits, target, reduction="none").numpy(),
        "BCE": tn.bce(there, target, reduction="none").numpy()[:, 0],
    }


def main(count=500, flips=400, seed=0, device="cpu", full=False):
    """count, flips: numbers and ones or zeros to learn from.  full: a hundred times as many."""
    rng = np.random.default_rng(seed)
    times = 100 if full else 1
    numbers = rng.normal(TRUTH["mean"], TRUTH["sigma"], count * times).astype(np.float32)
    ones = (rng.random(flips * times) < TRUTH["p"]).astype(np.float32)
    samples = draw_samples(SAMPLES[-1], rng)
    pictures = tn.data.faces(16, rng, 24)[0].astype(np.float32) / 255
    return {
        "gaussian": gaussian(numbers, device),
        "bernoulli": bernoulli(ones, device),
        "histograms": {n: histogram(samples[:n], b) for n, b in zip(SAMPLES, BINS, strict=True)},
        "variations": {
            n: [total_variation(*histogram(samples[:n], b)) for b in MANY_BINS] for n in SAMPLES
        },
        "losses": losses_and_likelihoods(pictures, rng, device),
        "curves": curves(device),
    }


def claims(results):
    normal, coin = results["gaussian"], results["bernoulli"]
    distance = {n: total_variation(*h) for n, h in results["histograms"].items()}
    falls = (distance[SAMPLES[-1]] / distance[SAMPLES[0]]) ** (1 / (len(SAMPLES) - 1))
    narrow = dict(zip(MANY_BINS, results["variations"][1_000], strict=True))
    far = abs(normal["path"][-1] - normal["closed"]).max()
    found = [
        at_most("Gaussian: descent, off the formulas", 1e-4, far),
        at_most(
            "coin: descent, off the share of ones", 1e-5, abs(coin["path"][-1] - coin["closed"])
        ),
        at_most("10 times the samples, half as wide bins: error times", 0.55, falls),
        at_most("a million samples: probabilities wrong by at most", 0.01, distance[1_000_000]),
        at_least("1,000 samples, 1,024 bins for 32: error times", 2, narrow[1024] / narrow[32]),
    ]
    for name, differences in results["losses"].items():
        for what, difference in differences.items():
            found.append(at_most(f"{name} and its likelihood: {what}", 1e-5, difference))
    return found


# %% The figures.
def show(results):
    return {
        "likelihood": draw_likelihood(results["gaussian"], results["bernoulli"]),
        "histograms": draw_histograms(results),
        "losses": draw_losses(results["curves"]),
    }


def draw_likelihood(normal, coin):
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(14, 4.3), layout="constrained")
    (mean, variance), x, path = normal["closed"], normal["x"], normal["path"]
    at = np.linspace(0, 6, 200)
    left.hist(x, 24, density=True, color="0.8", label=f"{len(x):,} numbers")
    left.plot(at, bell(at, 1.5, math.e**0.5), "C3--", label="where the descent starts")
    left.plot(at, bell(at, mean, math.sqrt(variance)), "C3", label="the most likely Gaussian")
    left.set(title=f"mean {mean:.3f}, variance {variance:.3f}", xlabel="x", ylabel="density")
    left.set_ylim(0, 0.75)
    left.legend(fontsize=8, loc="upper left")

    m, v = np.meshgrid(np.linspace(1.2, 4.5, 120), np.geomspace(0.3, 6, 120))
    # 1/n sum log N(x_i; m, v), since the mean of (x_i - m)^2 is the variance plus (mean - m)^2
    heights = -0.5 * (np.log(2 * math.pi * v) + (variance + (mean - m) ** 2) / v)
    levels = heights.max() - np.geomspace(0.01, 8, 14)[::-1]
    middle.contour(m, v, heights, levels, cmap="viridis")
    middle.plot(*path.T, "C3.-", markersize=4, linewidth=0.8, label="gradient descent")
    middle.plot(mean, variance, "k+", markersize=12, label="the formulas")
    middle.set(title="log-likelihood", xlabel="mean", ylabel="variance", yscale="log")
    middle.set_yticks([0.5, 1, 2, 5], ["0.5", "1", "2", "5"])
    middle.minorticks_off()
    middle.legend(fontsize=8)

    p = np.linspace(0.003, 0.997, 300)
    for n, color in ((10, "C0"), (40, "C1"), (len(coin["x"]), "C2")):
        ones = coin["x"][:n].sum()
        log_p = ones * np.log(p) + (n - ones) * np.log(1 - p)
        name = f"{n:,} flips, {ones:,.0f} ones"
        right.plot(p, np.exp(log_p - log_p.max()), color=color, label=name)
    right.plot(coin["path"], np.zeros_like(coin["path"]), "C3.", label="gradient descent")
    right.plot(coin["closed"], 0, "k+", markersize=12, label="the share of ones")
    right.set(title="coin: likelihood, over its highest", xlabel="p", ylim=(-0.05, 1.05))
    right.legend(fontsize=8, loc="upper left")
    figure.suptitle("The distribution that makes the examples most likely")
    return figure


def draw_histograms(results):
    figure, axes = plt.subplots(1, 5, figsize=(17, 3.9), layout="constrained")
    x = np.linspace(-4, 5, 400)
    chosen = [n for n in SAMPLES if n != 10_000]
    for place, n in zip(axes[:4], chosen, strict=True):
        edges, heights = results["histograms"][n]
        place.stairs(heights, edges, fill=True, color="0.78")
        place.plot(x, density(x), "C3")
        wrong = total_variation(edges, heights)
        place.set(
            title=f"{n:,} samples, {len(heights)} bins\nwrong by at most {wrong:.3f}",
            xlabel="x",
            ylim=(0, 0.58),
        )
    axes[0].set_ylabel("share / width")
    for n in SAMPLES:
        axes[4].loglog(MANY_BINS, results["variations"][n], ".-", label=f"{n:,}")
    axes[4].set(title="too wide, just right, too narrow", xlabel="bins", ylabel="total variation")
    axes[4].legend(title="samples", fontsize=7, title_fontsize=8)
    figure.suptitle("A histogram becomes the density (red): bins narrower, samples more")
    return figure


def draw_losses(r):
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    for place, name, loss, shown, factor in (
        (axes[0], "Gaussian", "MSE", "(x - f)² / 2, half the squared error", 0.5),
        (axes[1], "Bernoulli", "BCE", "BCE", 1),
    ):
        place.plot(r["f"], r[name], color="C0", linewidth=3, label=f"-log p(x), {name}")
        place.plot(r["f"], factor * r[loss], "C1--", label=shown)
        place.axvline(0.8, color="0.6", linestyle=":", label="x = 0.8")
        place.set(xlabel="prediction f", ylabel="nats", ylim=(-0.1, 2.6))
        place.legend(fontsize=8, loc="upper center")
    axes[0].annotate("", (0.3, 0.125), (0.3, 1.044), arrowprops={"arrowstyle": "<->"})
    axes[0].text(0.32, 0.55, "log(2 pi) / 2 = 0.919,\nwherever f is")
    axes[0].set_title("MSE is the likelihood of a Gaussian")
    axes[1].text(
        0.06, 0.05, "lowest at f = x, but not 0: 0.500,\nthe entropy of 0.8, which is grey"
    )
    axes[1].set_title("BCE is the likelihood of ones and zeros")
    figure.suptitle("A loss is minus the logarithm of a likelihood, up to a factor and a constant")
    return figure
