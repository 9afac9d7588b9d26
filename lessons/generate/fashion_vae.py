"""Fashion VAE: clothes that nobody sewed, and how to tell whether they are any good.

Slides    000_fcdcaffc17ab1b77.txt "Example 2: Generation of Fashion Shapes"
Question  A VAE and a plain autoencoder both draw a shirt again.  Which draws a new one, and who
          judges that?
Expect    from 2,500 pictures, 5 epochs: 263 nats a picture (of which no network can save 191).
          Codes from N(0, I) give blurred clothes with the VAE, and grey fog without; but a Gaussian
          like the plain codes gives as good ones.  Of these a judge who is sure of half of the test
          pictures is sure of 8%, of the VAE's of 4%; --full: 239 nats, and 23% and 31% of 75%.
          (With drawn clothes 194 nats, 27% and 22%; but sure of 99.6% of mere *noise*, too)
Try       LATENT = 2: which clothes are still told apart?  And LATENT = 64: are the samples
          better, too?
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

import tinynet as tn
from tinynet import plot
from tinynet.layers import Conv2D, Conv2DTranspose, Dense, Flatten, Reshape

from .. import parts, pictures
from ..claim import at_least, at_most, equals
from .latent_map import decode
from .vae import VAE, divergence, negative_elbo, reconstruction, train

FILTERS, LATENT = (32, 64, 128), 16
SURE = 0.9


# %% "28 x 28, expanded to 32 x 32": two black pixels on each side, so that three halvings end at 4.
def expanded(images):
    """(N, 28, 28, 1) in [0, 1] -> (N, 32, 32, 1)"""
    if images.ndim != 4 or images.shape[1:] != (28, 28, 1):
        raise ValueError(
            f"expanded: pictures have shape {images.shape}, and (N, 28, 28, 1) is expanded to "
            "(N, 32, 32, 1). Add axes: x[None, :, :, None] for one picture (28, 28)."
        )
    return np.pad(images, ((0, 0), (2, 2), (2, 2), (0, 0)))


# %% The slide shows pictures only; the architecture is ours.  Three convolutions halve the picture,
# 32 -> 16 -> 8 -> 4, and the decoder goes the same way back.
def encoder(latent, rng, outputs=("mean", "log_var")):
    """(N, 32, 32, 1) -> [mean (N, Z), log_var (N, Z)], or the one output that is named"""
    h = x = tn.Input((32, 32, 1))
    for filters in FILTERS:
        h = Conv2D(filters, 3, strides=2, padding="same", activation="relu")(h)
    h = Flatten()(h)  # 4 x 4 x 128 = 2048
    heads = [Dense(latent, name=output)(h) for output in outputs]
    return tn.Model(x, heads if len(heads) > 1 else heads[0], rng=rng, name="encoder")


def decoder(latent, rng):
    """(N, Z) -> logits (N, 32, 32, 1)"""
    z = tn.Input((latent,))
    h = Reshape((4, 4, 128))(Dense(4 * 4 * 128, activation="relu")(z))
    for filters in FILTERS[-2::-1]:
        h = Conv2DTranspose(filters, 3, strides=2, padding="same", activation="relu")(h)
    logits = Conv2DTranspose(1, 3, strides=2, padding="same")(h)
    return tn.Model(z, logits, rng=rng, name="decoder")


def model(latent, rng):
    return VAE(encoder(latent, rng), decoder(latent, rng), rng)


# %% Beside it the plain autoencoder: the same layers, a code of the same size, no noise and no KL.
def autoencoder(latent, rng):
    """(N, 32, 32, 1) -> logits (N, 32, 32, 1)"""
    parts = [encoder(latent, rng, ["code"]), decoder(latent, rng)]
    return tn.Sequential(parts, input_shape=(32, 32, 1), rng=rng)


def plain_loss(logits, x):
    """The binary cross-entropy, summed over the pixels: nats a picture, as those of the VAE."""
    return -tn.bernoulli_log_likelihood(logits, x)


# %% A pixel is grey, and no probability makes a grey pixel certain: the least that it can cost is
#    min_p  -x log p - (1 - x) log(1 - p)  =  H(x),   where p = x.
def floor(x):
    """(N, ...) -> the nats a picture that the best reconstruction still costs: it is not 0."""
    return tn.bce(tn.Tensor(x), tn.Tensor(x), "sum").item() / len(x)


# %% Where to take new codes from?  The VAE was trained so that N(0, I) is right.  Nobody told the
# plain autoencoder where to put its codes; so the best guess is a Gaussian that has their mean and
# covariance.
def drawn_like(codes, count, rng):
    """Codes (N, Z) -> (count, Z) from N(mean, covariance) of the codes"""
    covariance = np.cov(codes, rowvar=False).reshape(codes.shape[1], codes.shape[1])
    return rng.multivariate_normal(codes.mean(axis=0), covariance, count).astype(np.float32)


# %% A judge: the network of lesson `fashion`, trained on the pictures, gives p(class | picture).
#    sure   the share of pictures that it takes for one class with p >= 0.9
#    kinds  exp(entropy of the classes taken): 10 if all are equally often, 1 if it is always one
# (and "grey", the H(x) above, in which no judge has a part: what is black and white has 0).
# It has only ever seen clothes, and must choose one of ten even where there are none.  So what it
# is sure of need not be good: the noise is among the pictures to show how far to trust it.
def judged(judge, images):
    """images (N, 32, 32, 1), of which the judge sees the inner (N, 28, 28, 1)"""
    p = tn.softmax(tn.Tensor(tn.predict(judge, images[:, 2:-2, 2:-2]))).numpy()  # (N, K)
    counts = np.bincount(p.argmax(axis=1), minlength=p.shape[1])
    share = counts[counts > 0] / len(p)
    return {
        "sure": float((p.max(axis=1) >= SURE).mean()),
        "kinds": float(np.exp(-(share * np.log(share)).sum())),
        "classes": counts / len(p),
        "grey": floor(images),
    }


def classifier(data, epochs, lr, seed, device):
    """The network of the lesson fashion, trained to name the clothes."""
    rng = np.random.default_rng(seed)
    network = parts("fashion").model(rng).to(device)
    batches = tn.data.batches(data.train, data.train_labels, size=32, rng=rng, device=device)
    optimizer = tn.optim.Adam(network.parameters(), lr)
    tn.fit(network, batches, tn.cross_entropy, optimizer, epochs, progress="the judge")
    return network


def main(count=2500, test=500, epochs=5, size=32, lr=0.002, seed=0, device="cpu", full=False):
    """count, test: how many pictures.  full: all 60,000, 20 epochs of batches of 128."""
    if full:
        count, test, epochs, size = None, None, 20, 128
    small = pictures.fashion_mnist(count, test, seed)
    data = small._replace(train=expanded(small.train), test=expanded(small.test))
    how = (data, epochs, size, lr, seed, device)
    vae = model(LATENT, np.random.default_rng(seed))
    history = train(vae, negative_elbo, *how, metrics=[reconstruction, divergence])
    plain = autoencoder(LATENT, np.random.default_rng(seed))
    plain_history = train(plain, plain_loss, *how)
    judge = classifier(small, 3 if full else 2, lr / 2 if full else lr, seed, device)

    rng = np.random.default_rng((seed, 2))
    few = data.test[:1000]
    points = rng.standard_normal((len(few), LATENT))
    means, _ = tn.predict(vae.encoder, few)
    encode, back = plain.layers
    codes = tn.predict(encode, data.train[:5000])
    shown = {
        "test pictures": few,
        "VAE: reconstructions": decode(vae.decoder, means),
        "plain: reconstructions": decode(back, tn.predict(encode, few)),
        "VAE: codes from N(0, I)": decode(vae.decoder, points),
        "plain: codes from N(0, I)": decode(back, points),
        "plain: codes like its own": decode(back, drawn_like(codes, len(few), rng)),
        "noise, no decoder": rng.random(few.shape, dtype=np.float32),
    }
    rows = [part.rows() for part in (vae.encoder, vae.decoder)]
    return {
        "full": full,
        "data": data,
        "parameters": [sum(row.parameters for row in part) for part in rows],
        "history": history,
        "plain history": plain_history,
        "deviation": float(codes.std(axis=0).mean()),
        "shown": {what: images[:12] for what, images in shown.items()},
        "judged": {what: judged(judge, images) for what, images in shown.items()},
        "accuracy": tn.metrics.accuracy(tn.predict(judge, small.test), small.test_labels),
    }


def claims(results):
    seen, verdict, data = results["history"], results["judged"], results["data"]
    rebuilt = seen["validation reconstruction"][-1]
    plain = results["plain history"]["validation loss"][-1]
    real, _, _, new, poor, own, _ = (v["grey"] for v in verdict.values())
    tested, _, _, drawn, _, alike, _ = (v["sure"] for v in verdict.values())
    kinds = verdict["VAE: codes from N(0, I)"]["kinds"]
    goal = 245 if results["full"] and data.real else 290
    return [
        equals("parameters, encoder and decoder", [158240, 127361], results["parameters"]),
        at_most(f"-ELBO, nats a picture of {data.source}", goal, seen["validation loss"][-1]),
        at_least("what noise and KL cost in reconstruction, nats", 0, rebuilt - plain),
        at_least("plain: deviation of its codes", 3, results["deviation"]),
        at_least("kinds of clothes from N(0, I): VAE", 5, kinds),
        at_most("VAE: grey in pictures from N(0, I), over real ones", 2, new / real),
        at_least("plain: the same", 2, poor / real),
        at_most("plain: the same, from codes like its own", 2, own / real),
        at_least("judge: share of test pictures that it is sure of", 0.4, tested),
        at_most("the same of the VAE's from N(0, I), over that", 0.6, drawn / tested),
        at_most("plain, from codes like its own: how far from the VAE's", 0.15, abs(alike - drawn)),
    ]


# %% The figures.
def show(results):
    data, shown = results["data"], results["shown"]
    learnt = f"{len(data.train):,} of {data.source}"
    rows = {what.replace(": ", ":\n"): images for what, images in shown.items()}
    pairs, new = (dict(list(rows.items())[part]) for part in (slice(3), slice(3, 6)))
    left = f"Unseen pictures, and what is left of them (learnt from {learnt})"
    nobody = f"Nobody wore these: codes that were drawn (learnt from {learnt})"
    return {
        "reconstructions": plot.rows(pairs, left, limits=(0, 1)),
        "samples": plot.rows(new, nobody, limits=(0, 1)),
        "training": results["history"].plot(f"Training the VAE on {learnt}; nats a picture"),
        "judge": draw_judge(results),
    }


def draw_judge(results):
    data, verdict = results["data"], results["judged"]
    how = {"figsize": (11, 4.2), "layout": "constrained", "width_ratios": (1, 2)}
    figure, (left, right) = plt.subplots(1, 2, sharey=True, **how)
    places = range(len(verdict))
    bars = left.barh(places, [v["sure"] for v in verdict.values()], color="0.6")
    left.bar_label(bars, fmt="{:.0%}", padding=2)
    left.set_yticks(places, list(verdict))
    left.set(xlabel=f"share taken for one class, p >= {SURE}", xlim=(0, 1.19), xticks=(0, 0.5, 1))
    right.imshow([v["classes"] for v in verdict.values()], cmap="Greens", vmin=0, aspect="auto")
    for i, v in enumerate(verdict.values()):
        for j, part in enumerate(v["classes"]):
            color = "white" if part > 0.5 else "black"
            right.text(j, i, f"{part:.0%}", ha="center", va="center", fontsize=9, color=color)
        right.text(9.7, i, f"{v['kinds']:.1f}", va="center")
    right.text(9.6, -0.7, "kinds", va="center")
    right.set_xticks(range(len(data.names)), data.names, rotation=35, ha="right")
    right.set_xlabel("what they are taken for")
    title = f"A classifier of {data.source} ({results['accuracy']:.0%} right) as the judge"
    figure.suptitle(f"{title}: sure is not yet right")
    return figure
