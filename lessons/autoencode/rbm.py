"""RBM: a machine that knows which pictures are likely, and dreams of them.

Slides    003_05cde12013bfe355.txt "Autoencoders in Deep Learning", the part on RBM and DBN
Question  Is a restricted Boltzmann machine "an example of an autoencoder with only two layers"?
Expect    no.  The same weights, trained as an autoencoder, reconstruct best (45 nats a digit of
          MNIST; CD-1 57, persistent chains 96) and dream worst: scribbles.  Persistent chains
          reconstruct worst and dream digits; CD-1 dreams of noughts, mostly.  Drawn digits: 34, 45
          and 90, and CD-1's dreams fall apart.  Even the pseudo-likelihood prefers the autoencoder:
          it looks one pixel away from the data, and no further
Try       count=500, epochs=100 in `main`: when does the gap in the free energy open, and why?
"""

from __future__ import annotations

import functools

import matplotlib.pyplot as plt
import numpy as np
from tqdm import tqdm

import tinynet as tn
from lessons import pictures
from lessons.autoencode.boltzmann import RBM, pseudo_likelihood, units, whole
from lessons.claim import at_least, at_most
from tinynet import plot

WAYS = ("CD", "persistent", "autoencoder")


def bits(pictures):
    """1 where a pixel is nearer to white, one row a picture.  (N, 28, 28, 1) -> (N, 784)"""
    return (pictures.reshape(len(pictures), -1) >= 0.5).astype(np.float32)


# %% Learning.  The slope of log p(v) has two halves, of the data and of what the machine dreams:
#    d/dW mean log p(data) = <v h>_data - <v h>_model = -d/dW (mean F(data) - mean F(model))
# with h = p(h = 1 | v).  Samples of the model would need endless Gibbs steps.  CD-k takes k steps,
# from the data (Hinton, "Training Products of Experts by Minimizing Contrastive Divergence", 2002).
# They are detached: what backward() leaves in W is the textbook's <v h>_model - <v h>_data.
def contrast(rbm, data, model):
    """Its value is no loss, and need not fall: only its slope counts.  (N, V), (M, V) -> ()"""
    return rbm.free_energy(data).mean() - rbm.free_energy(model.detach()).mean()


def divergence(rbm, v, rng, k=1):
    """CD-k."""
    return contrast(rbm, v, rbm.gibbs(v, k, rng)[0])


# %% From the data, k steps do not get far, and what lies far away is never unlearnt.  Chains that
#    go on from batch to batch do get there (Tieleman, "Training Restricted Boltzmann Machines using
#    Approximations to the Likelihood Gradient", 2008).
def persistent(chains):
    """Persistent CD; chains (M, V): where they start."""

    def loss(rbm, v, rng):
        nonlocal chains
        chains, _ = rbm.gibbs(chains, 1, rng)
        return contrast(rbm, v, chains)

    return loss


# %% And an autoencoder of the very same W, b and c:  p = sigmoid(b + sigmoid(c + v W) W^T).
# "Find patterns in data by reconstructing the input", says the slide of the RBM.  It is this loss
# that does; CD's slope is that of no reconstruction error.  An RBM models p(v): its code is drawn,
# not computed, it has a likelihood, and it makes pictures out of noise.  The two have no more in
# common than three tensors, so to call it "an example of an autoencoder" is loose.
def reconstruction(rbm, v, rng=None):
    """Nats a picture: -sum_i log of the probability of each pixel's right value.  (N, V) -> ()"""
    return -tn.bernoulli_log_likelihood(rbm.visible_logits(rbm(v)), units("v", v, "V", rbm.V))


def train(rbm, x, loss, epochs, size, lr, rng, device="cpu", momentum=0.9, seen=None):
    """Steps down the slope of loss(rbm, v, rng).  seen: a function, called after each epoch."""
    batches = tn.data.batches(x, size=size, rng=rng, device=device)
    steps = whole("train", "epochs", epochs) * len(batches)
    optimizer = tn.optim.SGD(rbm.parameters(), tn.schedules.Cosine(lr, steps), momentum)
    for _ in tqdm(range(epochs), desc=f"RBM {rbm.V}-{rbm.H}", disable=None, leave=False):
        for (v,) in batches:
            optimizer.zero_grad()
            loss(rbm, v, rng).backward()
            optimizer.step()
        if seen:
            seen()


# %% What is measured, beside training: on held-out digits, but never chosen by them.
def measure(rbm, train, test, seed):
    draw = functools.partial(np.random.default_rng, (seed, 2))  # the same pixels each time
    with tn.no_grad():
        return {
            "reconstruction": reconstruction(rbm, test).item(),
            "pseudo-likelihood": pseudo_likelihood(rbm, test, draw()),
            "of training digits": pseudo_likelihood(rbm, train, draw()),
            "gap": (rbm.free_energy(test).mean() - rbm.free_energy(train).mean()).item(),
        }


# %% Is a dream a digit?  Of its nearest digit, the white pixels that only one of the two has:
#    min over x of |v - x| / (|v| + |x|),   |.| the sum of the bits: 0 for a copy, 1 for emptiness.
def strangeness(v, x):
    """(M, V), (N, V) -> (M,)"""
    white = v.sum(axis=1)[:, None] + x.sum(axis=1)  # (M, N)
    return (1 - 2 * (v @ x.T) / np.maximum(white, 1)).min(axis=1)


def study(way, x, test, hidden, epochs, k, seed, device, size=100, chains=100):
    """One training of the machine, and what it dreams."""
    rng, look = np.random.default_rng(seed), np.random.default_rng((seed, 1))
    rbm = RBM(x.shape[1], hidden, rng)
    mean = np.clip(x.mean(axis=0), 0.01, 0.99)
    rbm.visible_bias.data[...] = np.log(mean / (1 - mean))  # W = 0: independent pixels, to start
    rbm.to(device)
    known, new = (tn.Tensor(v[: len(test)]).to(device) for v in (x, test))
    noise = tn.Tensor((look.random(test.shape) < mean).astype(np.float32)).to(device)
    loss, lr, momentum = {
        "CD": (functools.partial(divergence, k=k), 0.1, 0.9),
        "persistent": (persistent(tn.Tensor(x[:size]).to(device)), 0.1, 0.0),
        "autoencoder": (reconstruction, 0.05, 0.9),
    }[way]
    curves = [measure(rbm, known, new, seed)]
    seen = lambda: curves.append(measure(rbm, known, new, seed))
    train(rbm, x, loss, epochs, size, lr, rng, device, momentum, seen)

    dreams, v, done = {}, noise[:chains], 0  # from noise, in many steps
    for steps in (1, 10, 100, 1000):
        v, p = rbm.gibbs(v, steps - done, look)
        dreams[steps], done = p.numpy().reshape(-1, 28, 28), steps
    energies = {"training": known, "held-out": new, "noise": noise, "dreams": v}
    return {
        "curves": {name: [c[name] for c in curves] for name in curves[0]},
        "energies": {name: rbm.free_energy(u).detach().numpy() for name, u in energies.items()},
        "filters": rbm.kernel.numpy().T.reshape(-1, 28, 28),
        "reconstructed": rbm.visible_given_hidden(rbm(new[:12])).detach().numpy(),
        "dreams": dreams,
        "strangeness": float(strangeness(v.numpy(), x).mean()),
    }


def main(count=5000, test=1000, epochs=15, k=1, seed=0, device="cpu", full=False):
    """k: of CD-k.  full: all 60,000 digits, and all test digits."""
    data = pictures.mnist(*((None, None) if full else (count, test)), seed)
    x, test = bits(data.train), bits(data.test)
    return {
        "source": f"{len(x):,} pictures of {data.source}"
        if data.real
        else f"{len(x):,} {data.source}",
        "test": test,
        "strangeness": float(strangeness(test[:100], x).mean()),
        "ways": {way: study(way, x, test, 256, epochs, k, seed, device) for way in WAYS},
    }


def last(results, way, name):
    return results["ways"][way]["curves"][name][-1]


def energy(results, way, name):
    return float(results["ways"][way]["energies"][name].mean())


def claims(results):
    ways, of = results["ways"], functools.partial(last, results)
    guess = ways["CD"]["curves"]["pseudo-likelihood"]
    F = functools.partial(energy, results)
    error = {way: of(way, "reconstruction") for way in WAYS}
    strange = {way: ways[way]["strangeness"] for way in WAYS}
    return [
        at_least("CD: pseudo-likelihood gained, nats", 60, guess[-1] - guess[0]),
        at_least("CD: F(noise) - F(held-out), nats", 100, F("CD", "noise") - F("CD", "held-out")),
        at_most("CD: F(held-out) - F(training)", 30, of("CD", "gap")),
        at_most("CD: F(dreams) - F(held-out)", 0, F("CD", "dreams") - F("CD", "held-out")),
        at_most("reconstruction, nats: autoencoder / CD", 0.9, error["autoencoder"] / error["CD"]),
        at_most("the same: CD / persistent", 0.75, error["CD"] / error["persistent"]),
        at_most(
            "strangeness of dreams: persistent / autoencoder",
            0.9,
            strange["persistent"] / strange["autoencoder"],
        ),
        at_least(
            "persistent / held-out digits", 1.05, strange["persistent"] / results["strangeness"]
        ),
    ]


# %% The figures.
def show(results):
    return {
        "learning": draw_learning(results),
        "energies": draw_energies(results),
        "filters": draw_filters(results),
        "reconstructions": draw_reconstructions(results),
        "dreams": draw_dreams(results),
    }


def draw_learning(results):
    figure, places = plt.subplots(1, 3, figsize=(12, 3.8), layout="constrained")
    names = ("reconstruction", "pseudo-likelihood", "gap")
    titles = ("reconstruction loss", "pseudo-likelihood", "F(held-out) - F(training)")
    for axes, name, title in zip(places, names, titles, strict=True):
        for i, way in enumerate(WAYS):
            curves = results["ways"][way]["curves"]
            axes.plot(curves[name], f"C{i}", label=way)
            if name == "pseudo-likelihood":
                axes.plot(curves["of training digits"], f"C{i}:")
        axes.set(title=title, xlabel="epoch", ylabel="nats a picture")
    places[0].legend()
    places[1].set_title("pseudo-likelihood (dotted: training)")
    figure.suptitle(f"One machine, trained in three ways on {results['source']}")
    return figure


def draw_energies(results):
    figure, places = plt.subplots(1, 3, figsize=(12, 3.4), layout="constrained")
    for axes, way in zip(places, WAYS, strict=True):
        energies = results["ways"][way]["energies"]
        edges = np.histogram_bin_edges(np.concatenate(list(energies.values())), 60)
        for name, F in energies.items():
            axes.hist(F, edges, density=True, histtype="step", label=name)
        axes.set(title=way, xlabel="free energy F, nats", yticks=[])
    places[0].set_ylabel("share of pictures")
    places[0].legend(fontsize=8)
    figure.suptitle(f"What each machine takes to be likely: low F ({results['source']})")
    return figure


def draw_filters(results):
    figure, places = plt.subplots(1, 3, figsize=(12, 4.5), layout="constrained")
    for axes, way in zip(places, WAYS, strict=True):
        filters = results["ways"][way]["filters"][:64]
        largest = np.abs(filters).max(axis=(1, 2), keepdims=True)
        plot.picture(axes, plot.tiles(filters / largest, columns=8), way, (-1, 1))
    figure.suptitle(f"64 of 256 hidden units: their weights, grey is 0 ({results['source']})")
    return figure


def draw_reconstructions(results):
    shown = {"held-out": results["test"][:12].reshape(-1, 28, 28)}
    for way in WAYS:
        shown[way] = results["ways"][way]["reconstructed"].reshape(-1, 28, 28)
    return plot.rows(shown, f"Reconstructed ({results['source']})", limits=(0, 1))


def draw_dreams(results):
    figure, places = plt.subplots(1, 3, figsize=(12, 2.4), layout="constrained")
    for axes, way in zip(places, WAYS, strict=True):
        dreams = results["ways"][way]["dreams"]
        images = np.concatenate([p[:10] for p in dreams.values()])
        title = f"{way}: strangeness {results['ways'][way]['strangeness']:.2f}"
        plot.picture(axes, plot.tiles(images, columns=10), title, (0, 1))
        axes.set_yticks([14 + 29 * i for i in range(len(dreams))], dreams)
    places[0].set_ylabel("Gibbs steps from noise")
    about = f"strangeness of held-out digits {results['strangeness']:.2f}; {results['source']}"
    figure.suptitle(f"Dreams: ten chains each, the probabilities of white ({about})")
    return figure
