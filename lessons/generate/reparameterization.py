"""Reparameterization: how a gradient gets past a throw of dice.

Slides    000_fcdcaffc17ab1b77.txt "Original Formulation", "Reparameterized Formulation"
          (deterministic node, random node; feedforward, differentiation)
Question  How does a network learn the mean and the width of what it draws by lot?
Expect    slopes of 2 mu and 2 sigma with the trick, and without it too (REINFORCE), but from 7.5 to
          11 times as many samples, and 64 to 2,854 times as many where sigma is a tenth of mu;
          KL = 0.5 for mu = 1, log_var = 0; and a slip, often seen, that lifts the "lower bound" of
          log p(x) 1.2 nats above it
Try       f = z ** 4 in `of_the_trick` and `of_the_score`: which of the two needs the slope of f?
"""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn

from ..claim import at_least, at_most, equals
from .probability import weight

MU, SIGMA = 1.0, 1.0
SIZES = (1, 4, 16, 64, 256, 1024)
KL_MEANS, KL_SIGMAS = (-2.0, -1.0, 0.0, 1.0, 2.0), (0.5, 1.0, 2.0)
WIDTHS = (0.1, 0.3, 1.0, 3.0)


# %% Wanted: the slope of E[f(z)], z ~ N(mu, sigma^2), in mu and sigma.  The original formulation
# draws z.  A number from a generator has no record, so no gradient of f(z) reaches mu.
def original(device, rng):
    """-> whether f has a record: whether backward() has anything to do"""
    mu = weight(MU, device)
    z = tn.Tensor(rng.normal(mu.item(), SIGMA))  # the random node stands between mu and f
    f = z * z
    return f.requires_grad


# %% The reparameterized formulation:  z = mu + sigma e,  e ~ N(0, 1).  The same z, but chance is
# an input now, like a picture, and z is an ordinary sum.  For f(z) = z^2, from one sample e:
#    d/dmu = 2 z            its mean is 2 mu,    its variance 4 sigma^2
#    d/dsigma = 2 z e       its mean is 2 sigma, its variance 4 mu^2 + 8 sigma^2
def of_the_trick(mu, sigma, count, rng, device):
    """-> (2, count): the gradient in mu and in sigma of each of `count` samples"""
    mu, sigma = (weight(np.full(count, w, np.float32), device) for w in (mu, sigma))
    z = tn.sample_gaussian(mu, 2 * tn.log(sigma), rng)  # log_var = 2 log sigma
    (z * z).sum().backward()
    return np.stack([tn.Tensor(w.grad).numpy() for w in (mu, sigma)])


# %% The way around:  grad E[f] = integral f(z) grad q(z) dz = E[f(z) grad log q(z)], the score
# function, or REINFORCE.  No slope of f is needed, so f may be anything, a game that is won or
# lost.  The price is its variance (from E e^2 = 1, E e^4 = 3, E e^6 = 15, E e^8 = 105):
#    d/dmu:     mu^4 / sigma^2 + 14 mu^2 + 15 sigma^2
#    d/dsigma:  2 mu^4 / sigma^2 + 60 mu^2 + 74 sigma^2
# E[grad log q] is 0, so any number may be taken off f.  Its mean mu^2 + sigma^2, the baseline:
#    d/dmu:     8 mu^2 + 10 sigma^2          d/dsigma:  40 mu^2 + 56 sigma^2
def of_the_score(mu, sigma, count, rng, device, baseline=0.0):
    """-> (2, count): the gradient in mu and in sigma of each of `count` samples"""
    mu, sigma = (weight(np.full(count, w, np.float32), device) for w in (mu, sigma))
    z = tn.sample_gaussian(mu, 2 * tn.log(sigma), rng).detach()
    log_q = tn.gaussian_log_likelihood(mu, z, 2 * tn.log(sigma), reduction="none")
    ((z * z - baseline) * log_q).sum().backward()
    return np.stack([tn.Tensor(w.grad).numpy() for w in (mu, sigma)])


def exact_variances(mu, sigma):
    """Of one sample's gradient in mu and in sigma, by each way."""
    m, s = mu * mu, sigma * sigma
    return {
        "the trick": (4 * s, 4 * m + 8 * s),
        "the score, baseline": (8 * m + 10 * s, 40 * m + 56 * s),
        "the score": (m * m / s + 14 * m + 15 * s, 2 * m * m / s + 60 * m + 74 * s),
    }


def gradients(mu, sigma, count, rng, device):
    """-> {way: (2, count)}"""
    if not sigma > 0:
        raise ValueError(f"gradients: sigma must be above 0, received {sigma}. Try 1.")
    return {
        "the trick": of_the_trick(mu, sigma, count, rng, device),
        "the score, baseline": of_the_score(mu, sigma, count, rng, device, mu**2 + sigma**2),
        "the score": of_the_score(mu, sigma, count, rng, device),
    }


# %% The price of a code:  KL(q || p) = E_q[log q(z) - log p(z)],  q = N(mu, sigma^2), p = N(0, 1).
# For two Gaussians the integral is known, 1/2 (mu^2 + sigma^2 - log sigma^2 - 1); for others one
# draws samples (Monte Carlo), and is off by about 1 / sqrt(samples).
def divergences(mean, log_var, count, rng, device):
    """-> the closed form, the mean over `count` samples, and that mean's standard error"""
    mu, lv = (tn.Tensor(np.full(count, w, np.float32)).to(device) for w in (mean, log_var))
    z = tn.sample_gaussian(mu, lv, rng)
    log_q = tn.gaussian_log_likelihood(mu, z, lv, reduction="none")
    log_p = tn.gaussian_log_likelihood(0 * z, z, reduction="none")
    samples = (log_q - log_p).numpy().astype(float)
    closed = tn.kl_standard_normal(mu[:1], lv[:1]).item()
    return closed, samples.mean(), samples.std() / math.sqrt(count)


# %% The slip.  log_var is log sigma^2, so sigma = exp(log_var / 2).  With sigma = exp(log_var) the
# samples have the variance exp(2 log_var), and the KL still charges for exp(log_var).  At log_var
# = 0, where training starts, the two are the same; the loss falls, and nothing looks wrong.
# But the ELBO is a bound no more.  Let p(z) = N(0, 1) and p(x|z) = N(z, s^2); then everything is
# known:  p(x) = N(0, 1 + s^2),  and the best q is  p(z|x) = N(x / (1 + s^2), s^2 / (1 + s^2)).
#    E_q[log p(x|z)] = -(x - mean)^2 / (2 s^2) - variance / (2 s^2) - log(2 pi s^2) / 2
def slip(count, rng, device, x=1.0, s=0.1):
    log_var = np.linspace(-7, 1, 33, dtype=np.float32)
    many = tn.Tensor(np.repeat(log_var[:, None], count, axis=1)).to(device)  # (33, count)
    lv = tn.Tensor(log_var[:, None]).to(device)
    mean = 0 * lv + x / (1 + s * s)

    def elbo(variance):  # of the samples; the KL charges for exp(log_var) in any case
        fits = tn.gaussian_log_likelihood(mean, 0 * mean + x, 2 * math.log(s), reduction="none")
        fits = fits - variance[:, 0] / (2 * s * s)
        return (fits - tn.kl_standard_normal(mean, lv, reduction="none")).numpy()

    return {
        "log_var": log_var,
        "variance": {
            "exp(log_var / 2)": tn.sample_gaussian(0 * many, many, rng).numpy().var(axis=1),
            "exp(log_var)": tn.sample_gaussian(0 * many, 2 * many, rng).numpy().var(axis=1),
        },
        "charged": tn.kl_standard_normal(0 * lv, lv, reduction="none").numpy(),
        "owed": tn.kl_standard_normal(0 * lv, 2 * lv, reduction="none").numpy(),
        "elbo": {"exp(log_var / 2)": elbo(tn.exp(lv)), "exp(log_var)": elbo(tn.exp(2 * lv))},
        "log p(x)": tn.gaussian_log_likelihood([0.0], [x], math.log(1 + s * s)).item(),
    }


def main(repeats=1000, samples=100_000, seed=0, device="cpu", full=False):
    """repeats: estimates of each size, to see their spread.  full: ten times as much of all."""
    if full:
        repeats, samples = 10 * repeats, 10 * samples
    rng = np.random.default_rng(seed)
    single = gradients(MU, SIGMA, repeats * SIZES[-1], rng, device)
    spread = {}
    for way, g in single.items():
        means = [g[:, : repeats * n].reshape(2, repeats, n).mean(axis=2) for n in SIZES]
        spread[way] = np.array([mean.std(axis=1) for mean in means])  # (sizes, 2)
    return {
        "original": original(device, rng),
        "single": single,
        "spread": spread,
        "widths": {sigma: gradients(MU, sigma, samples, rng, device) for sigma in WIDTHS},
        "divergences": {
            (mean, sigma): divergences(mean, 2 * math.log(sigma), samples, rng, device)
            for mean in KL_MEANS
            for sigma in KL_SIGMAS
        },
        "slip": slip(4000, rng, device),
    }


def claims(results):
    r, kl, slipped = results, results["divergences"], results["slip"]
    tried = [(MU, SIGMA, r["single"])] + [(MU, sigma, g) for sigma, g in r["widths"].items()]
    off, wide, dearer = [], [], []
    for mu, sigma, found in tried:
        for way, variances in exact_variances(mu, sigma).items():
            error = np.sqrt(np.divide(variances, found[way].shape[1]))
            off.append(abs(found[way].mean(axis=1) - (2 * mu, 2 * sigma)) / error)
            wide.append(found[way].var(axis=1) / variances - 1)
        dearer.append(found["the score"].var(axis=1) / found["the trick"].var(axis=1))
    away = max(abs(got - closed) / max(error, 1e-6) for closed, got, error in kl.values())
    right, wrong = slipped["variance"].values()
    assumed = np.exp(slipped["log_var"])
    apart = abs(right / assumed - 1).max()
    above = [(elbo - slipped["log p(x)"]).max() for elbo in slipped["elbo"].values()]
    return [
        equals("original: f has a gradient to give", False, r["original"]),
        at_most("slopes off 2 mu and 2 sigma, in standard errors", 5, np.max(off)),
        at_most("variances off the formulas, relative", 0.2, abs(np.array(wide)).max()),
        at_least("mu = sigma = 1: samples without the trick, times", 6, dearer[0].min()),
        at_least("mu = 1, sigma = 0.1: times, for d/dmu", 2000, dearer[1][0]),
        at_least("the same for d/dsigma", 40, dearer[1][1]),
        equals("KL of mu = 1, log_var = 0", 0.5, kl[1.0, 1.0][0]),
        at_most("Monte Carlo off the closed form, in standard errors", 5, away),
        at_most("sigma = exp(log_var / 2): variance off exp(log_var)", 0.15, apart),
        at_least("the slip, log_var = -7: variance too small, times", 900, assumed[0] / wrong[0]),
        at_most("ELBO over log p(x), at most", 0, above[0]),
        at_least("the same with the slip: nats", 1.1, above[1]),
    ]  # fmt: skip


# %% The figures.
def show(results):
    return {
        "graphs": draw_graphs(),
        "gradients": draw_gradients(results),
        "divergence": draw_divergence(results["divergences"]),
        "slip": draw_slip(results["slip"]),
    }


PLACES = {"f": (1.7, 3), "z": (1.7, 1.7), "mu": (0.4, 0.3), "sigma": (1.7, 0.3), "e": (3.1, 0.3)}
PORTS = {"mu": -0.4, "sigma": 0, "e": 0.45, "f": 0}  # where a node is tied to z, from its middle
TEXTS = {"f": "f(z)", "mu": "mu", "sigma": "sigma", "e": "e ~ N(0, 1)"}


def draw_graphs():
    figure, axes = plt.subplots(1, 2, figsize=(11, 5.2), layout="constrained")
    for place, trick in zip(axes, (False, True), strict=True):
        draw_graph(place, trick)
    handles = [
        plt.Line2D([], [], color="#cfe3f2", marker="s", markersize=12, linewidth=0),
        plt.Line2D([], [], color="#f6c7a4", marker="o", markersize=12, linewidth=0),
        plt.Line2D([], [], color="0.2"),
        plt.Line2D([], [], color="C3"),
    ]
    names = ["deterministic node", "random node", "feedforward", "differentiation"]
    figure.legend(handles, names, loc="outside lower center", ncols=4, frameon=False)
    figure.suptitle("How the slope of E[f(z)] reaches mu and sigma")
    return figure


def draw_graph(axes, trick):
    random, formula = ("e", "z = mu + sigma e") if trick else ("z", "z ~ N(mu, sigma²)")
    names = [name for name in PLACES if trick or name != "e"]
    for name in names:
        shape, color = ("round", "#f6c7a4") if name == random else ("square", "#cfe3f2")
        box = {"boxstyle": f"{shape},pad=0.6", "facecolor": color, "edgecolor": "0.3"}
        text = TEXTS.get(name, formula)
        axes.text(*PLACES[name], text, ha="center", va="center", fontsize=12, bbox=box, zorder=3)
    for name in names:
        if name != "z":
            (x, y), (u, v) = PLACES[name], PLACES["z"]
            u += PORTS[name]
            ends = ((u, v), (x, y)) if name == "f" else ((x, y), (u, v))
            arrow(axes, *ends, "0.2")
            if name != "e":
                arrow(axes, *ends[::-1], "C3", "-" if trick or name == "f" else ":")
            if not trick and name != "f":
                axes.plot((x + u) / 2 - 0.09, (y + v) / 2, "C3x", markersize=13, markeredgewidth=3)
    if not trick:
        axes.text(2, 1, "no gradient\ngets past", color="C3", va="center", fontsize=11)
    axes.set(xlim=(0, 3.7), ylim=(-0.1, 3.4))
    axes.set_title("reparameterized: chance is an input" if trick else "original: z is random")
    axes.set_axis_off()


def arrow(axes, start, end, color, line="-"):
    """From place to place, a little to its own right, so that two ways stand side by side."""
    (x, y), (u, v) = start, end
    length = math.hypot(u - x, v - y)
    dx, dy = 0.09 * (v - y) / length, -0.09 * (u - x) / length
    style = {"arrowstyle": "-|>", "color": color, "linewidth": 1.8, "shrinkA": 22, "shrinkB": 22}
    axes.annotate("", (u + dx, v + dy), (x + dx, y + dy), arrowprops=style | {"linestyle": line})


def draw_gradients(r):
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(14, 4.3), layout="constrained")
    exact = exact_variances(MU, SIGMA)
    sizes = np.array(SIZES)
    widths = np.geomspace(0.07, 4, 50)
    for way, color in zip(exact, ("C0", "C1", "C3"), strict=True):
        g = r["single"][way][0]
        left.hist(
            g, 88, range=(-9, 13), density=True, histtype="step", color=color, label=way, log=True
        )
        middle.loglog(sizes, np.sqrt(exact[way][0] / sizes), color=color, label=way)
        middle.loglog(sizes, r["spread"][way][:, 0], "o", color=color)
        curve = [exact_variances(MU, sigma)[way][0] for sigma in widths]
        right.loglog(widths, curve, color=color, label=way)
        measured = [g[way][0].var() for g in r["widths"].values()]
        right.loglog(WIDTHS, measured, "o", color=color)
    left.axvline(2 * MU, color="k", linestyle=":")
    left.set(title="d/dmu from one sample (dotted: 2 mu)", xlabel="gradient", ylabel="density")
    middle.set(title="error of the mean of n samples", xlabel="n", ylabel="standard error")
    right.set(title="variance of one sample, mu = 1", xlabel="sigma", ylabel="variance")
    for place in (left, middle, right):
        place.legend(fontsize=8)
    figure.suptitle(
        "d/dmu of E[(mu + sigma e)²]: all are right on average (lines: formulas, dots: measured)"
    )
    return figure


def draw_divergence(found):
    figure, axes = plt.subplots(figsize=(7, 4.6), layout="constrained")
    mu = np.linspace(-2.4, 2.4, 100)
    for sigma, color in zip(KL_SIGMAS, ("C0", "C2", "C3"), strict=True):
        variance = sigma * sigma
        axes.plot(mu, (mu**2 + variance - math.log(variance) - 1) / 2, color=color)
        drawn = [found[mean, sigma][1] for mean in KL_MEANS]
        axes.plot(KL_MEANS, drawn, "o", color=color, label=f"sigma = {sigma:g}")
    axes.annotate(
        "mu = 1, log_var = 0: 0.5", (1, 0.5), (0.05, 2.6), arrowprops={"arrowstyle": "->"}
    )
    axes.set(xlabel="mu", ylabel="nats", ylim=(-0.1, 4))
    axes.legend(loc="upper center")
    figure.suptitle("KL(N(mu, sigma²) || N(0, 1)): the closed form, and Monte Carlo (dots)")
    return figure


def draw_slip(r):
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(14, 4.3), layout="constrained")
    at = r["log_var"]
    for (name, variance), color in zip(r["variance"].items(), ("C0", "C3"), strict=True):
        left.semilogy(at, variance, "o", color=color, markersize=4, label=f"sigma = {name}")
        right.plot(at, r["elbo"][name], color=color, label=f"sigma = {name}")
    left.semilogy(at, np.exp(at), "k:", label="exp(log_var), which the KL assumes")
    left.set(title="variance of the samples")
    middle.plot(at, r["charged"], "k:", label="charged: for exp(log_var)")
    middle.plot(at, r["owed"], "C3", label="owed, with the slip")
    middle.set(title="KL at mu = 0", ylabel="nats")
    right.axhline(r["log p(x)"], color="k", linestyle=":", label="log p(x)")
    right.set(title='the "lower bound" of log p(x)', ylabel="nats", ylim=(-8, 0.5))
    for place in (left, middle, right):
        place.set_xlabel("log_var")
        place.legend(fontsize=8)
    figure.suptitle(
        "The slip sigma = exp(log_var): right at 0, where training starts, and only there"
    )
    return figure
