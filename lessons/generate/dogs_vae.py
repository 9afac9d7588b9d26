"""Dogs VAE: from 12,288 numbers to 128 and back, and what one word about the loss decides.

Slides    004_df52dc64b05a94d5.txt "Variational Autoencoders Configuration",
          "Variational Autoencoders" (the two losses)
Question  "Mean squared error" plus KL: over what is the mean?
Expect    over the pictures alone (the sum of squares of each): from 240 dogs, 6 epochs, fog with
          the place of the dog in it, 440 to 505 where the mean of all dogs has 718, and a KL of 17
          to 28 nats.  Over their 12,288 numbers too: one grey picture for all, and a KL of 0.00001,
          after 2 epochs already
Try       SUM = 0.02, about the square of a good reconstruction's error: what becomes of the
          reconstructions, of the KL, and of the samples?
"""

from __future__ import annotations

from functools import partial

import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn
from tinynet import plot
from tinynet.layers import Conv2D, Conv2DTranspose, Dense, Flatten, Reshape

from .. import pictures
from ..claim import at_least, at_most, equals
from .vae import VAE, divergence, train

PRINTED, MIRRORED = (5, 3, 3), (3, 3, 5)  # kernel sizes of the decoder
LATENT, NUMBERS = 128, 64 * 64 * 3
SUM, MEAN = 1 / 2, NUMBERS / 2  # the variance that each reading of MSE stands for: see `loss`
COLUMNS = 10  # pictures in a row of a figure
IN_USE = 0.01  # nats: a number of the code that costs less is not in use


# %% The slide's dogs (Kaggle) are not to be had here.  CIFAR-10 has dogs, 32 x 32; the drawn
# pictures have cats.  The network takes 64 x 64, so each is enlarged, and gains no detail.
def enlarged(images):
    """(N, 32, 32, 3) in [0, 1] -> (N, 64, 64, 3)"""
    if images.ndim != 4 or images.shape[1:] != (32, 32, 3):
        raise ValueError(
            f"enlarged: pictures have shape {images.shape}, and (N, 32, 32, 3) is enlarged to "
            "(N, 64, 64, 3). Crop or scale them to 32 x 32 in color first."
        )
    if not (images.min() >= 0 and images.max() <= 1):
        raise ValueError(
            f"enlarged: pictures must be in [0, 1], and hold {images.min():g} to {images.max():g}. "
            "Pictures of bytes are divided by 255."
        )
    return tn.upsample2d(tn.Tensor(images), 2, "bilinear").numpy()


def dogs(count, test, seed):
    """So many dogs (all that are there, if None), enlarged; cats, where pictures are drawn."""
    wanted = [None if n is None else 12 * n for n in (count, test)]  # one in ten is a dog
    data = pictures.cifar10(*wanted, seed)
    kind = "dog" if data.real else "cat"
    label = data.names.index(kind)
    chosen, unseen = data.train_labels == label, data.test_labels == label
    return data._replace(
        train=enlarged(data.train[chosen][:count]),
        train_labels=data.train_labels[chosen][:count],
        test=enlarged(data.test[unseen][:test]),
        test_labels=data.test_labels[unseen][:test],
        source=f"{kind}s of CIFAR-10, enlarged" if data.real else f"drawn {kind}s, enlarged",
    )


# %% The slide's encoder.  "Variational Layer: 8 x 8 x 256" is its last map; "Fully Connected: 256"
# we read as a layer between that and the 128 means and 128 logarithms of variances.  (Or the 256
# *are* these two times 128: from 16,384 numbers, that has as many parameters as the layer of 256.)
def encoder(rng):
    """(N, 64, 64, 3) -> [mean (N, 128), log_var (N, 128)]"""
    h = x = tn.Input((64, 64, 3))
    for filters, kernel in ((64, 5), (128, 3), (256, 3)):
        h = Conv2D(filters, kernel, strides=2, padding="same", activation="relu")(h)
    h = Dense(256, activation="relu")(Flatten()(h))  # of 8 x 8 x 256 = 16,384
    heads = [Dense(LATENT, name=name)(h) for name in ("mean", "log_var")]
    return tn.Model(x, heads, rng=rng, name="encoder")


# %% Its decoder doubles three times, so it must begin at 8 x 8; how the code of 128 comes to be
# 8 x 8 x 256 is not printed.  A dense layer does it here.  The kernels are printed in the encoder's
# own order, 5, 3, 3.  Turned round, as the maps are, it would be 3, 3, 5.  We train what is printed
# (and --full, the other one beside it), though its 5 x 5 stands where there are most channels.
def decoder(rng, kernels=PRINTED):
    """(N, 128) -> pictures (N, 64, 64, 3) in [0, 1]"""
    z = tn.Input((LATENT,))
    h = Reshape((8, 8, 256))(Dense(8 * 8 * 256, activation="relu")(z))
    for filters, kernel in zip((128, 64, 3), kernels, strict=True):
        last = "sigmoid" if filters == 3 else "relu"
        h = Conv2DTranspose(filters, kernel, strides=2, padding="same", activation=last)(h)
    return tn.Model(z, h, rng=rng, name="decoder")


def model(rng, kernels=PRINTED):
    return VAE(encoder(rng), decoder(rng, kernels), rng)


# %% "Generative loss: mean squared error; latent loss: KL".  Their sum is a bound of a likelihood
# if the error is that of a Gaussian.  With D = 12,288 numbers a picture,
#    -log N(x; y, v)  =  |x - y|^2 / (2 v)  +  D/2 log(2 pi v)
# so   |x - y|^2 + KL     (the sum)   has   v = 1/2,   a deviation of 0.71,
# and  |x - y|^2 / D + KL (the mean)  has   v = D/2,   a deviation of 78: for numbers in [0, 1]!
def squares(outputs, x):
    """|x - y|^2, summed over the numbers of a picture, mean over the pictures."""
    return tn.mse(outputs[0], x, "sum") * (1 / len(x))


def loss(outputs, x, variance=SUM, beta=1.0):
    """-log N(x; y, variance) + beta KL, without the term that no weight changes.  Nats."""
    if not 0 < variance < np.inf:
        raise ValueError(
            f"loss: variance must be above 0 and finite, received {variance}. 0.5 makes it the sum "
            "of the squares and the KL."
        )
    if not beta >= 0:
        raise ValueError(f"loss: beta must be at least 0, received {beta}. 1 is the ELBO.")
    return squares(outputs, x) * (1 / (2 * variance)) + beta * divergence(outputs, x)


# %% Why the mean must fail.  A code that tells nothing costs no KL, and one picture for all, their
# mean, costs  s / D,  where  s = mean |x - mean|^2.  So whatever is better has
#    KL  <=  KL + |x - y|^2 / D  <=  s / D,
# at most 0.25 nats for any pictures in [0, 1]: a third of a bit, for all that is in a picture.
# The KL wins, and the code dies: "posterior collapse".
def spread(x):
    """s, the variance of the pictures, summed over the numbers of one"""
    return float(x.var(axis=0, dtype=np.float64).sum())


# %% What each number of the code costs; it is in use if that is more than 0.01 nats.  It tells no
# more than it costs:  mean KL(q(z|x) || p(z))  =  mutual information of x and z + KL(q(z) || p(z)).
def nats_of_units(mean, log_var):
    """(N, Z), (N, Z) -> (Z,): KL(q(z|x) || N(0, 1)) of each number, mean over the pictures"""
    return tn.kl_standard_normal(mean.T, log_var.T, reduction="none").numpy() / len(mean)


# %% How blurred?  What is certain is drawn sharp; of what is uncertain, the mean of all that it
# might be.  The mesh in the pictures is no detail: where a kernel of 3 or 5 moves by 2, some
# pixels are written from more of its places than their neighbors (Odena et al., "Deconvolution
# and Checkerboard Artifacts", 2016).  So we compare means of 2 x 2 pixels: there was no more.
def detail(images):
    """Mean difference between a block of 2 x 2 pixels and its neighbors to the right and below"""
    N, H, W, C = images.shape
    blocks = images.reshape(N, H // 2, 2, W // 2, 2, C).mean(axis=(2, 4))
    across, down = np.diff(blocks, axis=2), np.diff(blocks, axis=1)
    return float(abs(across).mean() + abs(down).mean()) / 2


def learn(data, kernels, variance, epochs, size, lr, seed, device):
    """One VAE, and what came of it on unseen pictures"""
    vae = model(np.random.default_rng(seed), kernels)
    least = partial(loss, variance=variance)
    history = train(vae, least, data, epochs, size, lr, seed, device, [squares, divergence])
    mean, log_var = tn.predict(vae.encoder, data.test)
    z = np.random.default_rng((seed, 2)).standard_normal((COLUMNS, LATENT), dtype=np.float32)
    codes = {"rebuilt": mean, "samples": z}
    for k in (0, 2):  # on the straight line from one picture's code to another's
        codes[f"walk {k // 2 + 1}"] = np.linspace(mean[k], mean[k + 1], COLUMNS, dtype=np.float32)
    shown = {what: tn.predict(vae.decoder, z) for what, z in codes.items()}
    return {
        "history": history,
        "units": nats_of_units(mean, log_var),
        "shown": {what: images[:COLUMNS] for what, images in shown.items()},
        "differ": float(shown["rebuilt"].std(axis=0).mean()),  # 0: all are the same picture
        "detail": detail(shown["rebuilt"]) / detail(data.test),
    }


def main(count=240, test=60, epochs=6, size=8, lr=0.001, seed=0, device="cpu", full=False):
    """count, test: how many dogs.  full: all, and all mirrored; the decoder with 3, 3, 5, too."""
    if full:
        count, test, epochs, size = None, None, 15, 16
    data = dogs(count, test, seed)
    if full:
        data = data._replace(train=np.concatenate([data.train, data.train[:, :, ::-1]]))
    how, few = (size, lr, seed, device), max(epochs // 3, 1)  # the mean's code is dead by then
    runs = {
        f"sum, {epochs} epochs": learn(data, PRINTED, SUM, epochs, *how),
        f"mean, {few} epochs": learn(data, PRINTED, MEAN, few, *how),
    }
    if full:
        runs[f"sum, {epochs} epochs, 3-3-5"] = learn(data, MIRRORED, SUM, epochs, *how)
    rng = np.random.default_rng(seed)
    parts = [encoder(rng), decoder(rng), decoder(rng, MIRRORED)]
    counted = [[r.parameters for r in part.rows() if r.parameters] for part in parts]
    return {"full": full, "data": data, "runs": runs, "parameters": counted}


def claims(results):
    (long, alive), (short, dead), *_ = results["runs"].items()
    encode, printed, mirrored = results["parameters"]
    s, source = spread(results["data"].test), results["data"].source
    told, lost = (run["history"]["validation divergence"][-1] for run in (alive, dead))
    error = alive["history"]["validation squares"][-1]
    return [
        equals("encoder, convolutions", [4864, 73856, 295168], encode[:3]),
        equals("encoder, fully connected 256", "4,194,560", f"{encode[3]:,}"),
        equals("decoder, kernels 5, 3, 3 as printed", "894,851", f"{sum(printed[1:]):,}"),
        equals("decoder, kernels 3, 3, 5", "373,635", f"{sum(mirrored[1:]):,}"),
        at_most(f"{long}: |x - y|^2 over {s:.0f}, the variance of {source}", 0.85, error / s),
        at_least(f"{long}: KL, nats", 10, told),
        at_most(f"{short}: KL, nats", 0.001, lost),
        at_least(f"{long}: numbers in use, of 128", 20, (alive["units"] > IN_USE).sum()),
        at_most(f"{short}: the same", 2, (dead["units"] > IN_USE).sum()),
        at_most(f"{short}: deviation of a pixel between reconstructions", 0.001, dead["differ"]),
        at_most(f"{long}: detail of reconstructions over pictures", 0.8, alive["detail"]),
    ]


# %% The figures.
def show(results):
    runs, data = results["runs"], results["data"]
    learnt = f"learnt from {len(data.train):,} {data.source}"
    if results["full"]:
        learnt += ", half of them mirrored"
    alive, *_ = runs.values()

    def drawn(title, rows):
        return plot.rows(rows, f"{title}\n({learnt})", limits=(0, 1))

    shown = {name: run["shown"] for name, run in runs.items()}
    rebuilt = {"originals": data.test[:COLUMNS]} | {k: v["rebuilt"] for k, v in shown.items()}
    samples = {k: v["samples"] for k, v in shown.items()}
    walks = {what: alive["shown"][what] for what in ("walk 1", "walk 2")}
    return {
        "reconstructions": drawn("Unseen pictures, rebuilt", rebuilt),
        "samples": drawn("Codes from N(0, I), decoded", samples),
        "walks": drawn("From the code of one picture to that of another", walks),
        "training": alive["history"].plot(f"Sum of squares and KL ({learnt})"),
        "units": draw_units(results),
    }


def draw_units(results):
    figure, axes = plt.subplots(figsize=(6.5, 3.8), layout="constrained")
    for name, run in results["runs"].items():
        nats = np.sort(run["units"])[::-1].clip(1e-9)
        axes.semilogy(range(1, LATENT + 1), nats, label=name)
    axes.axhline(IN_USE, color="black", linestyle=":", label=f"{IN_USE} nats")
    axes.set(xlabel="the 128 numbers of the code, by their KL", ylabel="KL, nats")
    axes.legend()
    figure.suptitle(f"What each number of the code costs\n({results['data'].source})")
    return figure
