"""Latent size: how many numbers a digit needs.

Slides    001_2cc8296d8a649d23.txt "Autoencoders: Background" and "Dimensionality of Latent Space ->
          Reconstruction Quality"
Question  A digit goes through two numbers, or through five. Can you still read it?
Expect    of the first 100 digits of MNIST (drawn digits) 34 (57) are misread after 2 numbers, 14
          (15) after 5, and 3 (2) as they are; --full: 20, 5 and 0.  The text of the slide reads 18
          and 11 places otherwise than its ground truth; in one place, row 9, column 1, it reads a
          9 in all three where MNIST's label is 7
Try       squared_error with tn.mae in the place of tn.mse: are sharper digits easier to read?
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn
from tinynet import plot
from tinynet.layers import Conv2D, Dense, Flatten, Reshape

from .. import pictures
from ..claim import at_least, at_most, equals

SIZES = (2, 5)  # of the latent space, as on the slide

# %% The slide shows three grids of pictures, of the first 100 test digits.  Its text has kept only
# what each was read as, so these are readings: "/" is a 1.
PRINTED = {
    2: "72/09/9989 0690159789 9665907901 3130737121 1742351294 "
    "6355604/98 7893796430 7027193297 9627397361 3643191769",
    5: "72/09/4999 0690159734 9665407401 3130727111 1742351294 "
    "6355604/98 7893746430 7027173297 9627397361 3643191769",
    "truth": "72/04/4959 0690159734 9665407401 3134727121 1742351244 "
    "6355604/95 7893746430 7029173297 9627847361 3693141769",
}
MISREAD = (9, 1)  # row and column, counted from 1: a 7 that looks like a 9, and is read as one


def printed(which):
    """A grid of the slide as its text reads it.  2, 5 or "truth" -> (100,)"""
    if which not in PRINTED:
        hint = "The slide has these three grids."
        raise ValueError(f'printed: which must be 2, 5 or "truth", received {which!r}. {hint}')
    return np.array([1 if c == "/" else int(c) for c in PRINTED[which].replace(" ", "")])


def differing(read, truth):
    """In how many places two rows of digits differ.  (N,), (N,) -> number"""
    if np.shape(read) != np.shape(truth):
        raise ValueError(
            f"differing: read and truth must have one shape, received {np.shape(read)} and "
            f"{np.shape(truth)}. Give both of the same pictures."
        )
    return int((np.asarray(read) != np.asarray(truth)).sum())


# %% The autoencoder.  The encoder makes of a picture x a short code z, the decoder of z a picture.
class Autoencoder(tn.Module):
    def __init__(self, Z, rng):
        narrower, wider = ([Dense(n, activation="relu") for n in s] for s in ((256, 64), (64, 256)))
        ends = [Dense(784, activation="sigmoid"), Reshape((28, 28, 1))]  # every x^ in [0, 1]
        layers = [Flatten(), *narrower, Dense(Z)]
        self.encoder = tn.Sequential(layers, input_shape=(28, 28, 1), rng=rng)
        self.decoder = tn.Sequential([*wider, *ends], input_shape=(Z,), rng=rng)

    def forward(self, x):
        """(N, 28, 28, 1) -> (N, 28, 28, 1)"""
        return self.decoder(self.encoder(x))


# %% The slide's loss ("doesn't use any labels!!") is a sum over the pixels:
#    L(x, x^) = |x - x^|^2
# Other slides take the mean, 784 times less, or half of the sum: the same minimum, another rate.
def squared_error(guess, x):
    """The mean over the pictures of |x - x^|^2."""
    return tn.mse(guess, x, reduction="sum") * (1 / len(x))


# %% The classifier is trained on the originals and their labels.  It stands in for your eyes and
# says what each picture looks like.  The autoencoders see neither it nor any label.
def classifier(rng):
    convolutions = [Conv2D(n, 3, strides=2, activation="relu") for n in (8, 16)]
    layers = [*convolutions, Flatten(), Dense(64, activation="relu"), Dense(10)]
    return tn.Sequential(layers, input_shape=(28, 28, 1), rng=rng)


def train(network, x, target, loss, epochs, rng, device, lr=0.003, size=50, look=None):
    """Adam, its rate falling to 0.  look: a function that is called after each epoch."""
    network.to(device)
    schedule = tn.schedules.Cosine(lr, epochs * -(-len(x) // size))
    batches = tn.data.batches(x, target, size=size, rng=rng, device=device)
    optimizer = tn.optim.Adam(network.parameters(), schedule)
    tn.fit(network, batches, loss, optimizer, epochs, callbacks=[look] if look else [])
    return network


def main(count=8000, test=1100, epochs=10, seed=0, device="cpu", full=False):
    """count, test: how many pictures; the first 100 of test are the grids'.  full: all."""
    if full:
        count, test, epochs = None, None, 30
    elif test <= 100:
        hint = "The grids take the first 100: give 1100."
        raise ValueError(f"main: test must be above 100, received {test}. {hint}")
    data = pictures.mnist(count, test, seed)
    rng = np.random.default_rng(seed)
    judge = classifier(rng)
    train(judge, data.train, data.train_labels, tn.cross_entropy, 5, rng, device)
    found = {"data": data, "pictures": {"originals": data.test}, "error": {}}
    for Z in SIZES:
        rng = np.random.default_rng((seed, Z))
        network = Autoencoder(Z, rng)
        train(network, data.train, data.train, squared_error, epochs, rng, device)
        found["pictures"][Z] = tn.predict(network, data.test)
        found["error"][Z] = tn.evaluate(network, (data.test, data.test), squared_error)["loss"]
        if Z == 2:
            found |= survey(network, data.test)
    found["read"] = {k: tn.predict(judge, x).argmax(axis=1) for k, x in found["pictures"].items()}
    return found


# %% The map.  With two numbers the latent space can be looked at as a whole: where the codes of the
# test pictures lie, and what the decoder draws at each place, where no code lies too.
def survey(network, x, count=16):
    codes = tn.predict(network.encoder, x)  # (N, 2)
    low, high = np.percentile(codes, [2, 98], axis=0)
    across = np.linspace(low[0], high[0], count, dtype=np.float32)
    down = np.linspace(high[1], low[1], count, dtype=np.float32)
    z = np.stack(np.meshgrid(across, down), axis=-1)  # (count, count, 2)
    drawn = tn.predict(network.decoder, z.reshape(-1, 2)).reshape(count, count, 28, 28)
    return {"codes": codes, "across": across, "down": down, "drawn": drawn}


FIRST, REST = slice(100), slice(100, None)  # of the test pictures


def misread(results, which, part):
    """How many of them are read otherwise than their label."""
    return differing(results["read"][which][part], results["data"].test_labels[part])


def claims(results):
    data = results["data"]
    labels, error = data.test_labels, results["error"]
    rest = len(labels) - 100
    share = {k: misread(results, k, REST) / rest for k in results["read"]}
    first = {k: misread(results, k, FIRST) for k in results["read"]}
    truth = printed("truth")
    rows = [
        equals(
            "the slide's text: its 2-D grid against its truth", 18, differing(printed(2), truth)
        ),
        equals("the same, its 5-D grid", 11, differing(printed(5), truth)),
    ]
    if data.real:
        places = np.argwhere((truth != labels[:100]).reshape(10, 10)) + 1
        what = "the text's reading of the truth differs from MNIST's labels in"
        rows += [
            equals(f"{what} row, column", [MISREAD], places),
            equals("there: read, label", [9, 7], [truth[80], labels[80]]),
        ]
    return [
        *rows,
        at_least("first 100: misread from 2 numbers less those from 5", 10, first[2] - first[5]),
        at_most("first 100: misread originals", 6, first["originals"]),
        at_least(f"{rest:,} more: share misread from 2 over from 5", 1.5, share[2] / share[5]),
        at_least("the same, from 5 over originals", 2, share[5] / max(share["originals"], 1e-3)),
        at_most("test error |x - x^|^2 of 5 over that of 2", 0.9, error[5] / error[2]),
    ]


# %% The figures.
def show(results):
    return {"grids": draw_grids(results), "map": draw_map(results)}


def draw_grids(results):
    data = results["data"]
    figure, places = plt.subplots(1, 3, figsize=(13.5, 5.4), layout="constrained")
    names = {2: "2 numbers", 5: "5 numbers", "originals": "ground truth"}
    for axes, (which, name) in zip(places, names.items(), strict=True):
        title = f"{name}: {misread(results, which, FIRST)} of 100 misread, against the labels"
        if which in SIZES:
            slide = differing(printed(which), printed("truth"))
            title += f"\nthe slide's text: {slide}, against its own ground truth"
        plot.picture(axes, plot.tiles(results["pictures"][which][:100]), title, limits=(0, 1))
        for k in np.flatnonzero(results["read"][which][:100] != data.test_labels[:100]):
            corner = (k % 10 * 29 - 0.5, k // 10 * 29 - 0.5)
            axes.add_patch(plt.Rectangle(corner, 28, 28, fill=False, color="red", linewidth=1.3))
            axes.text(corner[0] + 2, corner[1] + 2, results["read"][which][k], color="yellow",
                      fontsize=8, va="top")  # fmt: skip
    what = f"The first 100 test pictures ({data.source})"
    figure.suptitle(f"{what}.  Red frame: misread, as the yellow digit.")
    return figure


def draw_map(results):
    data = results["data"]
    figure, places = plt.subplots(1, 2, figsize=(12.5, 5.4), layout="constrained")
    plot.latent(places[0], results["codes"], data.test_labels, data.names)
    across, down = results["across"], results["down"]
    edge = plt.Rectangle((across[0], down[-1]), np.ptp(across), np.ptp(down), fill=False)
    places[0].add_patch(edge)
    places[0].set_title("the codes of test pictures, and the part that is drawn", fontsize=10)
    plot.latent_grid(places[1], results["drawn"], across.round(1), down.round(1), limits=(0, 1))
    places[1].set_title("what the decoder draws there", fontsize=10)
    figure.suptitle(f"A latent space of two numbers ({data.source})")
    return figure
