"""RBM: a machine that knows which pictures are likely, and dreams of them.

Slides    003_05cde12013bfe355.txt "Autoencoders in Deep Learning", the part on RBM and DBN
Question  Is a restricted Boltzmann machine "an example of an autoencoder with only two layers"?
Expect    no.  After 15 epochs at one rate, the same weights trained as an autoencoder reconstruct
          best (77 nats a digit of MNIST; CD-1 and persistent chains 96) and dream worst: scribbles.
          CD-1 and persistent chains reconstruct alike; what they dream differs.  63 to 72 of 100
          dreams of CD-1 are nearest to a nought; of persistent chains, 25 or 26 to any one digit.
          Drawn digits: 67, 89 and 90 nats; 29 to 63 and 15 to 29 of 100.  The pseudo-likelihood
          prefers the autoencoder: it looks one pixel away from the data, and no further
Try       count=500, epochs=100 in `main`: when does the gap in the free energy open, and why?
          momentum=0.9 in `study`: steps ten times as long.  Who gains by them, and who loses?
"""

from __future__ import annotations

import functools

import matplotlib.pyplot as plt
import numpy as np
from tqdm import tqdm

import tinynet as tn
from tinynet import plot

from .. import pictures
from ..claim import at_least, at_most
from .boltzmann import RBM, probabilities, pseudo_likelihood, units, whole

WAYS = ("CD", "persistent", "autoencoder")
DREAMS = (1, 10, 100, 1000)  # the Gibbs steps after which a dream is kept


def bits(pictures):
    """1 where a pixel is nearer to white, one row a picture.  (N, 28, 28, 1) -> (N, 784)"""
    return (pictures.reshape(len(pictures), -1) >= 0.5).astype(np.float32)


# %% Learning.  The gradient of log p(v) has two halves, of the data and of what the machine dreams:
#    d/dW mean log p(data) = <v h>_data - <v h>_model = -d/dW (mean F(data) - mean F(model))
# with h = p(h = 1 | v).  Samples of the model would need endless Gibbs steps.  CD-k takes k steps,
# from the data (Hinton, "Training Products of Experts by Minimizing Contrastive Divergence", 2002).
# They are detached: what backward() leaves in W is the textbook's <v h>_model - <v h>_data.
def contrast(rbm, data, model):
    """Its value is no loss, and need not fall: only its gradient counts.  (N, V), (M, V) -> ()"""
    return rbm.free_energy(data).mean() - rbm.free_energy(model.detach()).mean()


def divergence(rbm, v, rng, k=1):
    """CD-k."""
    return contrast(rbm, v, rbm.gibbs(v, k, rng)[0])


# %% From the data, k steps do not get far, and what lies far away is never unlearnt.  Chains that
#    go on from batch to batch get farther (Tieleman, "Training Restricted Boltzmann Machines using
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
# that does; CD's gradient is that of no reconstruction error.  An RBM models p(v): its code is
# drawn, not computed, it has a likelihood, and it makes pictures out of noise.  The two have no
# more in common than three tensors, so to call it "an example of an autoencoder" is loose.
def reconstruction(rbm, v, rng=None):
    """Nats a picture: -sum_i log of the probability of each pixel's right value.  (N, V) -> ()"""
    return -tn.bernoulli_log_likelihood(rbm.visible_logits(rbm(v)), units("v", v, "V", rbm.V))


def train(rbm, x, loss, epochs, size, lr, rng, device="cpu", momentum=0.9, seen=None):
    """Steps down the gradient of loss(rbm, v, rng).  seen: a function, called after each epoch."""
    probabilities("train", "x", x)
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
def measure(rbm, known, new, seed):
    draw = functools.partial(np.random.default_rng, (seed, 2))  # the same pixels each time
    with tn.no_grad():
        return {
            "reconstruction": reconstruction(rbm, new).item(),
            "pseudo-likelihood": pseudo_likelihood(rbm, new, draw()),
            "of training digits": pseudo_likelihood(rbm, known, draw()),
            "gap": (rbm.free_energy(new).mean() - rbm.free_energy(known).mean()).item(),
        }


# %% Is a dream a digit?  Its strangeness is the Dice distance to the nearest training digit x,
#    min over x of |v - x| / (|v| + |x|),   |.| the sum of the bits: 0 for a copy, 1 for emptiness.
# A machine that dreams of nothing but noughts is not strange at all.  So the labels of the nearest
# digits are counted too: 10% of each, where the dreams are as varied as the data.
def nearest(v, x):
    """(M, V), (N, V) -> strangeness (M,), and which x (M,)"""
    white = v.sum(axis=1)[:, None] + x.sum(axis=1)  # (M, N)
    distance = 1 - 2 * (v @ x.T) / np.maximum(white, 1)
    return distance.min(axis=1), distance.argmin(axis=1)


def study(way, x, labels, test, hidden, epochs, k, seed, device, size=100, chains=100):
    """One training of the machine, and what it dreams; the same rate for each of the WAYS."""
    rng, look = np.random.default_rng(seed), np.random.default_rng((seed, 1))
    rbm = RBM(x.shape[1], hidden, rng)
    rbm.start_from(x)
    rbm.to(device)
    known, new = (tn.Tensor(v[: len(test)]).to(device) for v in (x, test))
    noise = tn.Tensor((look.random(test.shape) < x.mean(axis=0)).astype(np.float32)).to(device)
    loss = {
        "CD": functools.partial(divergence, k=k),
        "persistent": persistent(tn.Tensor(x[:size]).to(device)),
        "autoencoder": reconstruction,
    }[way]
    curves = [measure(rbm, known, new, seed)]
    seen = lambda: curves.append(measure(rbm, known, new, seed))
    train(rbm, x, loss, epochs, size, 0.1, rng, device, momentum=0.0, seen=seen)

    dreams, v, done = {}, noise[:chains], 0  # from noise, in many steps
    for steps in DREAMS:
        v, p = rbm.gibbs(v, steps - done, look)
        dreams[steps], done = p.numpy().reshape(-1, 28, 28), steps
    energies = {"training": known, "held-out": new, "noise": noise, "dreams": v}
    strangeness, which = nearest(v.numpy(), x)
    dreamt = np.bincount(labels[which], minlength=10) / chains
    return {
        "curves": {name: [c[name] for c in curves] for name in curves[0]},
        "energies": {name: rbm.free_energy(u).detach().numpy() for name, u in energies.items()},
        "filters": rbm.kernel.numpy().T.reshape(-1, 28, 28),
        "reconstructed": rbm.visible_given_hidden(rbm(new[:12])).detach().numpy(),
        "dreams": dreams,
        "strangeness": float(strangeness.mean()),
        "most dreamt": int(dreamt.argmax()),
        "share": float(dreamt.max()),
    }


def main(count=5000, test=1000, epochs=15, k=1, seed=0, device="cpu", full=False):
    """k: of CD-k.  full: all 60,000 digits, and all test digits."""
    data = pictures.mnist(*((None, None) if full else (count, test)), seed)
    x, new = bits(data.train), bits(data.test)
    given = (x, data.train_labels, new, 256, epochs, k, seed, device)
    return {
        "source": f"{len(x):,} {'pictures of ' * data.real}{data.source}",
        "real": data.real,
        "test": new,
        "strangeness": float(nearest(new[:100], x)[0].mean()),
        "ways": {way: study(way, *given) for way in WAYS},
    }


def last(results, way, name):
    return results["ways"][way]["curves"][name][-1]


def energy(results, way, name):
    return float(results["ways"][way]["energies"][name].mean())


def claims(results):
    ways, of = results["ways"], functools.partial(last, results)
    guess = {way: of(way, "pseudo-likelihood") for way in WAYS}
    start = ways["CD"]["curves"]["pseudo-likelihood"][0]
    F = functools.partial(energy, results)
    error = {way: of(way, "reconstruction") for way in WAYS}
    strange = {way: ways[way]["strangeness"] for way in WAYS}
    share = {way: ways[way]["share"] for way in WAYS}
    often = 0.5 if results["real"] else 0.2  # drawn digits: it differs from seed to seed
    return [
        at_least("CD: pseudo-likelihood gained, nats", 60, guess["CD"] - start),
        at_least("pseudo-likelihood: autoencoder - CD", 5, guess["autoencoder"] - guess["CD"]),
        at_least("CD: F(noise) - F(held-out), nats", 50, F("CD", "noise") - F("CD", "held-out")),
        at_least("CD: F(noise) - F(dreams)", 30, F("CD", "noise") - F("CD", "dreams")),
        at_most("CD: F(held-out) - F(training)", 15, of("CD", "gap")),
        at_most("reconstruction, nats: autoencoder / CD", 0.9, error["autoencoder"] / error["CD"]),
        at_most("CD / persistent: off 1 by", 0.05, abs(error["CD"] / error["persistent"] - 1)),
        at_least("share of CD's dreams nearest to one digit", often, share["CD"]),
        at_most("the same: persistent / CD", 0.8, share["persistent"] / share["CD"]),
        at_most("the same: persistent", 0.4, share["persistent"]),
        at_least("strangeness: autoencoder / CD", 1.03, strange["autoencoder"] / strange["CD"]),
        at_least("autoencoder / persistent", 1.05, strange["autoencoder"] / strange["persistent"]),
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
    figure, places = plt.subplots(1, 3, figsize=(12, 2.8), layout="constrained")
    for axes, way in zip(places, WAYS, strict=True):
        dreams = results["ways"][way]["dreams"]
        images = np.concatenate([p[:10] for p in dreams.values()])
        seen = results["ways"][way]
        title = f"{way}: strangeness {seen['strangeness']:.2f}\n"
        title += f"{seen['share']:.0%} are nearest to a {seen['most dreamt']}"
        plot.picture(axes, plot.tiles(images, columns=10), title, (0, 1))
        axes.set_yticks([14 + 29 * i for i in range(len(dreams))], dreams)
    places[0].set_ylabel("Gibbs steps from noise")
    about = f"strangeness of held-out digits {results['strangeness']:.2f}; {results['source']}"
    figure.suptitle(f"Dreams: ten chains each, the probabilities of white ({about})")
    return figure
