"""VAE: an autoencoder whose code is a cloud, so that every point of the map is a picture.

Slides    001_2cc8296d8a649d23.txt "Variational Autoencoder (VAE)" to "VAE Summary",
          004_df52dc64b05a94d5.txt "Variational Autoencoders", "Variational Encoders (cont.)"
Question  How can a network draw a digit that nobody wrote?
Expect    with 5,000 digits (MNIST) 161 nats a picture, drawn ones 142; --full: 142 of MNIST after
          20 epochs.  With beta = 0 the KL is 21 times as large, though no code can tell more than
          which of N pictures it is, log N nats: the rest is that the codes fly apart.  A step on
          the plain autoencoder's map changes the picture more than twice as much (drawn: 1.6 times)
Try       BETAS = (0, 1, 50): what does the encoder still say, and what does the decoder draw?
"""

from __future__ import annotations

from functools import partial

import numpy as np

import tinynet as tn
from tinynet.layers import Dense, Flatten, Reshape

from .. import pictures
from ..claim import at_least, at_most
from . import latent_map

BETAS = (0, 1, 8)


# %% Two networks.  The encoder gives for a picture x not a code but a Gaussian of codes,
#    q(z|x) = N(mean(x), diag(exp(log_var(x))));
# the decoder gives for a code z the probability of white at each pixel, as a logit:  p(x|z).
def encoder(latent, rng):
    """(N, 28, 28, 1) -> [mean (N, Z), log_var (N, Z)]"""
    x = tn.Input((28, 28, 1))
    h = Dense(256, activation="relu")(Dense(512, activation="relu")(Flatten()(x)))
    return tn.Model(x, [Dense(latent, name="mean")(h), Dense(latent, name="log_var")(h)], rng=rng)


def decoder(latent, rng):
    """(N, Z) -> logits (N, 28, 28, 1)"""
    layers = [Dense(256, activation="relu"), Dense(512, activation="relu"), Dense(784)]
    return tn.Sequential([*layers, Reshape((28, 28, 1))], input_shape=(latent,), rng=rng)


class VAE(tn.Module):
    """encoder: pictures -> [mean, log_var].  decoder: codes -> pictures, here as logits."""

    def __init__(self, encoder, decoder, rng):
        self.encoder, self.decoder = encoder, decoder
        self.noise, self.noise_in_inference = rng.spawn(2)  # so that validating changes nothing

    def forward(self, x):
        """x (N, ...) -> logits (N, ...), mean (N, Z), log_var (N, Z)"""
        mean, log_var = self.encoder(x)
        noise = self.noise if self.training else self.noise_in_inference
        z = tn.sample_gaussian(mean, log_var, noise)  # mean + exp(log_var / 2) e,  e ~ N(0, I)
        return self.decoder(z), mean, log_var


# %% What to make small.  With the prior p(z) = N(0, I), for any q (as on slide 004):
#    log p(x) = E_q[log p(x)]                          p(x) does not depend on z
#             = E_q[log p(x|z) p(z) / p(z|x)]          Bayes' rule
#             = E_q[log p(x|z) p(z) / p(z|x) * q(z|x) / q(z|x)]          multiplied by 1
#             = E_q[log p(x|z)] - E_q[log q(z|x) / p(z)] + E_q[log q(z|x) / p(z|x)]
#             = E_q[log p(x|z)] - KL(q(z|x) || p(z))   + KL(q(z|x) || p(z|x))
# The last term cannot be computed, but it is never negative.  So the rest, the ELBO, is a lower
# bound of log p(x): whoever raises it makes the pictures more likely, or q a better guess of
# p(z|x).  (Our pictures are grey, not black and white: no network gets below the entropy of their
# pixels, 45.5 nats a picture of MNIST, and log p(x) is one in name only.)
def reconstruction(outputs, x):
    """-E_q[log p(x|z)], from one z for each picture: what the picture costs who knows the code."""
    logits, _, _ = outputs
    return -tn.bernoulli_log_likelihood(logits, x)


def divergence(outputs, x):
    """KL(q(z|x) || p(z)): what the code costs, at least as much as it tells; it keeps the clouds
    near 0, and wide."""
    _, mean, log_var = outputs
    return tn.kl_standard_normal(mean, log_var)


def negative_elbo(outputs, x, beta=1.0):
    """reconstruction + beta * divergence, in nats a picture, mean over the batch.

    beta: 1 for the bound.  More asks for emptier, rounder codes, less for better reconstructions
    (Higgins et al., "beta-VAE", 2017); with 0 nothing keeps the clouds together, or wide.
    """
    if not beta >= 0:
        raise ValueError(f"negative_elbo: beta must be at least 0, received {beta}. 1 is the ELBO.")
    return reconstruction(outputs, x) + beta * divergence(outputs, x)


# %% The plain autoencoder: the same layers, but a code is a point, and nothing says where.
def autoencoder(latent, rng):
    """(N, 28, 28, 1) -> logits (N, 28, 28, 1), by an encoder (layer 0) and a decoder (layer 1)."""
    encode = [
        Flatten(),
        Dense(512, activation="relu"),
        Dense(256, activation="relu"),
        Dense(latent),
    ]
    parts = [tn.Sequential(encode, name="encoder"), decoder(latent, rng)]
    return tn.Sequential(parts, input_shape=(28, 28, 1), rng=rng)


# %% The same training for all: Adam on batches of pictures, each its own target.
def train(model, loss, data, epochs, size, lr, seed, device, metrics=()):
    rng = np.random.default_rng((seed, 1))
    batches = tn.data.batches(data.train, data.train, size=size, rng=rng, device=device)
    return tn.fit(
        model.to(device),
        batches,
        loss,
        tn.optim.Adam(model.parameters(), lr),
        epochs,
        validation=(data.test, data.test),
        metrics=metrics,
    )


# %% How good is the bound?  With K codes z_1 ... z_K from q(z|x), take the mean of
# p(x|z) p(z) / q(z|x) *inside* the logarithm.  For K = 1 its expected value is the ELBO; with K it
# rises to log p(x) (Burda et al., "Importance Weighted Autoencoders", 2016).
def log_likelihood(model, x, samples, rng):
    """(N,): for each picture  log 1/K sum_k p(x|z_k) p(z_k) / q(z_k|x),  z_k ~ q(z|x)."""
    mean, log_var = (tn.Tensor(a).to(model.device) for a in tn.predict(model.encoder, x))
    x = tn.Tensor(x).to(model.device)
    weights = []
    with tn.no_grad():
        for _ in range(samples):
            z = tn.sample_gaussian(mean, log_var, rng)
            weights.append(
                tn.bernoulli_log_likelihood(model.decoder(z), x, reduction="none")
                + tn.gaussian_log_likelihood(0 * z, z, reduction="none")  # p(z)
                - tn.gaussian_log_likelihood(mean, z, log_var, reduction="none")  # q(z|x)
            )
    weights = tn.stack(weights).numpy()  # (K, N)
    return np.logaddexp.reduce(weights, axis=0) - np.log(samples)


# %% The lesson: a plain autoencoder, and VAEs that differ in beta alone.
PLAIN, OURS = "plain autoencoder", "VAE, beta = 1"


def main(count=5000, test=1000, epochs=8, size=64, lr=0.002, seed=0, device="cpu", full=False):
    """count, test: pictures.  full: all of them, 20 epochs of batches of 128."""
    if full:
        count, test, epochs, size, lr = None, None, 20, 128, 0.001
    data = pictures.mnist(count, test, seed)
    how = (data, epochs, size, lr, seed, device)
    plain = autoencoder(2, np.random.default_rng(seed))
    train(plain, lambda logits, x: -tn.bernoulli_log_likelihood(logits, x), *how)
    maps = {PLAIN: {"codes": tn.predict(plain.layers[0], data.test), "decoder": plain.layers[1]}}
    for beta in BETAS:
        rng = np.random.default_rng(seed)
        model = VAE(encoder(2, rng), decoder(2, rng), rng)
        loss = partial(negative_elbo, beta=beta)
        history = train(model, loss, *how, metrics=[reconstruction, divergence])
        codes, log_var = tn.predict(model.encoder, data.test)
        maps[f"VAE, beta = {beta}"] = {
            "codes": codes,
            "decoder": model.decoder,
            "width": float(np.exp(log_var / 2).mean()),
            "reconstruction": history["validation reconstruction"][-1],
            "divergence": history["validation divergence"][-1],
        }
        if beta == 1:
            ours, ours_history = model, history
    few = data.test[:200]
    bound = {K: log_likelihood(ours, few, K, np.random.default_rng((seed, 2))) for K in (1, 100)}
    for name in (PLAIN, OURS):
        rng = np.random.default_rng((seed, 3))
        codes, network = maps[name]["codes"], maps[name]["decoder"]
        maps[name] |= latent_map.quality(codes, network, data.train[:4000], 500, rng)
    return {"full": full, "data": data, "maps": maps, "history": ours_history, "bound": bound}


def errors_of(gap):
    """The mean of (N,) in units of its own standard error"""
    return float(gap.mean() / (gap.std() / len(gap) ** 0.5))


def claims(results):
    data, bound = results["data"], results["bound"]
    plain, free, ours, strict = results["maps"].values()
    nats = ours["reconstruction"] + ours["divergence"]
    goal = 160 if results["full"] and data.real else 200
    gap = bound[100] - bound[1]  # (N,)
    told, far = "divergence", "of samples"
    return [
        at_most(f"-ELBO, nats a picture, {len(data.test):,} of {data.source}", goal, nats),
        at_least("bound by 100 codes minus the ELBO, in standard errors", 3, errors_of(gap)),
        at_least("divergence with beta = 0, over beta = 1", 3, free[told] / ours[told]),
        at_least(
            f"divergence with beta = 1, over beta = {BETAS[2]}", 1.5, ours[told] / strict[told]
        ),
        at_least(
            f"reconstruction with beta = {BETAS[2]}, minus beta = 1",
            3,
            strict["reconstruction"] - ours["reconstruction"],
        ),
        at_most("completeness: VAE's samples, over its test pictures", 1.15, ours[far]),
        at_least(
            "codes near 0: the VAE's share, minus the plain one's",
            0.2,
            ours["near 0"] - plain["near 0"],
        ),
        at_least("completeness: how much its samples differ", 0.5, ours["spread"]),
        at_most(
            "continuity: the VAE's change, over the plain one's",
            0.8,
            ours["change"] / plain["change"],
        ),
    ]


def show(results):
    data, maps = results["data"], results["maps"]
    ends = {name: maps[name] for name in (PLAIN, OURS)}
    title = f"VAE, beta = 1, on {len(data.train):,} of {data.source}, in nats"
    return {
        "codes": latent_map.draw_codes(maps, data),
        "map": latent_map.draw_map(ends, data),
        "pictures": latent_map.draw_pictures(ends, data),
        "walk": latent_map.draw_walk(ends, data, 0, 1),
        "training": results["history"].plot(title),
    }
