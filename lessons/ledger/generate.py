"""The ledger's rows of the chapter generate: latent attributes, the VAE, the networks' tables.

The lessons are imported where a row needs one.  Nothing is trained here.
"""

from __future__ import annotations

import functools
import math

import numpy as np

import tinynet as tn
from tinynet.models.summary import amount

from .row import computed, erratum, lost, reproduced, statement

# -- what the rows call, where a lesson has it not as one number -----------------------------------


@functools.cache
def face(part):
    """The cartoon faces' encoder or decoder, of the slide's own size."""
    from ..generate import faces_vae

    return getattr(faces_vae, part)(rng=np.random.default_rng(0))


def rows(part):
    """Name and numbers of each line of the table, the input's left out."""
    return {r.name: (tuple(r.shape), r.parameters) for r in face(part).rows()[1:]}


def with_weights(part):
    return [n for _, n in rows(part).values() if n]


def total(part, trained=None):
    """All numbers of a network; those that are trained, or those that are not."""
    weights = face(part).weights().values()
    return sum(w.size for w in weights if trained in (None, w.requires_grad))


def megabytes(part):
    return amount(face(part).weights().values()).split("(")[1][:-1]


def kilobytes(part):
    return amount(w for w in face(part).weights().values() if not w.requires_grad).split("(")[1][
        :-1
    ]


def sums(mu, sigma):
    """The gradient of E[z^2] in mu and sigma, exactly: from E[e] = 0, E[e^2] = 1 and two samples.

    e = -1 and e = 1 have these two moments, and z^2 needs no others.
    """
    mean = tn.Tensor(np.array([mu, mu]), requires_grad=True)
    deviation = tn.Tensor(np.array([sigma, sigma]), requires_grad=True)
    z = mean + deviation * np.array([-1.0, 1.0])
    (z * z).mean().backward()
    return [float(mean.grad.sum()), float(deviation.grad.sum())]


def kl(mean, log_var):
    return tn.kl_standard_normal([[mean]], [[log_var]]).item()


def expanded_to():
    from ..generate.fashion_vae import expanded

    return expanded(np.zeros((1, 28, 28, 1), np.float32)).shape[1]


def pixels():
    """The smallest and the largest that a picture of the data set can hold."""
    from tinynet.data.drawn.clothes import clothes

    kind = np.iinfo(clothes(1, np.random.default_rng(0))[0].dtype)
    return [kind.min, kind.max]


@functools.cache
def one_code():
    """For a picture of three pixels and a code of one number, by sums over a line: E_q log p(x|z),
    KL(q||p), KL(q||p(z|x)) and the closed form of KL(q||p); and log p(x), by other points."""
    mean, log_var, x = 0.7, -1.1, np.array([1.0, 0.0, 1.0])

    def likelihood(z):
        logits = z[:, None] * np.array([1.5, -2.0, 0.5]) + np.array([0.2, 0.1, -0.4])
        all_x = np.tile(x, (len(z), 1))
        return tn.bernoulli_log_likelihood(logits, all_x, reduction="none").numpy()

    def gaussian(z, mean, log_var):
        column = z[:, None]
        found = tn.gaussian_log_likelihood(0 * column + mean, column, log_var, reduction="none")
        return found.numpy()

    points, weights = np.polynomial.hermite_e.hermegauss(60)  # integrals over the prior
    log_p = math.log(float(weights @ np.exp(likelihood(points))) / math.sqrt(2 * math.pi))
    z = np.linspace(-10, 10, 4001)
    picture, prior, q = likelihood(z), gaussian(z, 0.0, 0.0), gaussian(z, mean, log_var)
    posterior = picture + prior  # but for a constant
    posterior -= math.log(float(np.exp(posterior).sum() * (z[1] - z[0])))  # which makes it sum to 1
    parts = [
        float((np.exp(q) * part).sum() * (z[1] - z[0]))
        for part in (picture, q - prior, q - posterior)
    ]
    return [log_p, *parts, kl(mean, log_var)]


def elbo_and_gap_add_up():
    log_p, expected, divergence, gap, _ = one_code()
    return bool(abs(log_p - (expected - divergence + gap)) < 1e-9)


def closed_form_is_the_integral():
    *_, divergence, _, closed = one_code()
    return bool(abs(divergence - closed) < 1e-6)


def divergences_are_positive():
    codes = np.random.default_rng(0).normal(size=(2, 1000, 2))
    return bool((tn.kl_standard_normal(*codes, reduction="none").numpy() >= 0).all())


def sampled_from_mean_and_deviation():
    """The same noise, once by hand."""
    mean, log_var = np.random.default_rng(0).normal(size=(2, 5, 3))
    z = tn.sample_gaussian(mean, log_var, np.random.default_rng(1)).numpy()
    nothing = np.zeros((5, 3))
    e = tn.sample_gaussian(nothing, nothing, np.random.default_rng(1)).numpy()  # of N(0, 1)
    return bool(np.allclose(z, mean + np.exp(log_var) ** 0.5 * e))


def sum_over_mean():
    """Of the squared error of a picture of the dogs' network."""
    shape = (1, *dog("encoder").inputs[0].shape)
    x, guess = np.random.default_rng(0).random((2, *shape))
    return tn.mse(guess, x, "sum").item() / tn.mse(guess, x).item()


@functools.cache
def dog(part):
    from ..generate import dogs_vae

    rng = np.random.default_rng(0)
    if part == "encoder":
        return dogs_vae.encoder(rng)
    return dogs_vae.decoder(rng, getattr(dogs_vae, part.upper()))


def dog_rows(part, kind):
    """(shape, parameters) of the layers of one kind."""
    return [(tuple(r.shape), r.parameters) for r in dog(part).rows() if r.kind == kind]


def dog_kernels(part, kind):
    return [layer.kernel.shape[0] for layer in dog(part).layers if type(layer).__name__ == kind]


CONVOLUTION, TRANSPOSED = "Conv2D", "Conv2DTranspose"

# -- the rows --------------------------------------------------------------------------------------

ROWS = [
    lost("A02", "000:12", 'the latent attribute "smile": a value against a distribution',
         "two plots", "No figure is in the text. Lesson latent_attribute draws both."),
    lost("A07", "000:105", "Probability Estimation, figures 03, 06, 07, 09 and 10", "five figures",
         "No figure is in the text. Lesson probability has examples of its own."),
    computed("A08a", "000:136", "gradient of E[(mu + sigma e)^2] at mu = 1.5, sigma = 0.5",
             [2 * 1.5, 2 * 0.5], lambda: sums(1.5, 0.5)),
    computed("A08b", "000:136", "KL of a code with mu = 1, sigma = 1", 0.5, lambda: kl(1.0, 0.0)),
    reproduced("A09a", "000:156", "side of the pictures, expanded", 32, expanded_to),
    reproduced("A09b", "000:156", "a pixel's smallest and largest value", [0, 255], pixels),
    reproduced("A10a", "000:186", "Encoder: parameters of conv_1, bn_1, ..., bn_5, mean, log_var",
               [896, 128, 18496, 256, 36928, 256, 36928, 256, 36928, 256, 819400, 819400],
               lambda: with_weights("encoder")),
    reproduced("A10b", "000:198", "Encoder: shape after conv_5", (8, 8, 64),
               lambda: rows("encoder")["conv_5"][0]),
    reproduced("A10c", "000:202", "Encoder: size of the latent space", 200,
               lambda: rows("encoder")["mean"][0][0]),
    reproduced("A10d", "000:205", "Encoder: all parameters", 1770128, lambda: total("encoder")),
    erratum(1, "A10e", "000:206", "Encoder: trained parameters", 1769582, 1769552,
            lambda: total("encoder", trained=True)),
    reproduced("A10f", "000:207", "Encoder: parameters that are not trained", 576,
               lambda: total("encoder", trained=False)),
    reproduced("A10g", "000:205", "Encoder: size in memory", "6.75 MB",
               lambda: megabytes("encoder")),
    reproduced("A10h", "000:207", "Encoder: of what is not trained", "2.25 KB",
               lambda: kilobytes("encoder")),
    reproduced("A10i", "000:178", "Encoder: million parameters", 1.77,
               lambda: total("encoder") / 1e6, 2),
    reproduced("A11a", "000:213", "Decoder: parameters of dense_1 and conv_transpose_1 to bn_4",
               [823296, 36928, 256, 36928, 256, 36928, 256, 18464, 128],
               lambda: with_weights("decoder")[:-1]),
    erratum(2, "A11b", "000:227", "Decoder: parameters of conv_transpose_5", 807, 867,
            lambda: with_weights("decoder")[-1]),
    erratum(3, "A11c", "000:229", "Decoder: all parameters", 954387, 954307,
            lambda: total("decoder")),
    erratum(4, "A11d", "000:230", "Decoder: trained parameters", 952859, 953859,
            lambda: total("decoder", trained=True)),
    reproduced("A11e", "000:231", "Decoder: parameters that are not trained", 448,
               lambda: total("decoder", trained=False)),
    erratum(5, "A11f", "000:231", "Decoder: size in memory of what is not trained", "1.76 KB",
            "1.75 KB", lambda: kilobytes("decoder")),
    reproduced("A11g", "000:229", "Decoder: size in memory", "3.64 MB",
               lambda: megabytes("decoder")),
    erratum(6, "A11h", "000:180", "Decoder: thousands of parameters", 974, 954,
            lambda: total("decoder") / 1000, 0),
    reproduced("A11i", "000:227", "Decoder: shape that comes out", (256, 256, 3),
               lambda: rows("decoder")["conv_transpose_5"][0]),
    computed("A11j", "000:213", "Decoder: sum of the rows that are printed", 954247,
             lambda: sum(with_weights("decoder")[:-1]) + 807,
             why="Neither this nor the printed total is the other, nor the right one."),
    lost("A12", "000:235", "generated faces, iteration", 30,
         "The faces and the data are not in the text. Lesson faces_vae draws its own."),
    statement("B22a", "001:1285", "a code is sampled from a mean and a standard deviation",
              "Sample", sampled_from_mean_and_deviation),
    lost("B22b", "001:1313", "continuity and completeness of the latent space", "two properties",
         "In words and pictures, without a measure. Lesson vae measures both."),
    statement("E08a", "004:142", "log p(x) = E[log p(x|z)] - KL(q || p(z)) + KL(q || p(z|x))",
              "five lines", elbo_and_gap_add_up,
              "By sums over a line, for a code of one number."),
    statement("E08b", "004:152", "KL of a Gaussian and the prior, in closed form",
              "nice closed-form solution", closed_form_is_the_integral),
    statement("E08c", "004:154", "a KL is never negative", "always >= 0",
              divergences_are_positive),
    computed("E09", "004:112", '"mean squared error" plus KL: its sum over its mean', 12288,
             sum_over_mean, 6,
             why="The slide does not say which is meant, and with the mean the codes die."),
    reproduced("E10a", "004:191", "dogs, encoder: shapes after the convolutions",
               [[32, 32, 64], [16, 16, 128], [8, 8, 256]],
               lambda: [shape for shape, _ in dog_rows("encoder", CONVOLUTION)]),
    reproduced("E10b", "004:194", "dogs, encoder: sizes of the filters", [5, 3, 3],
               lambda: dog_kernels("encoder", CONVOLUTION)),
    computed("E10c", "004:191", "dogs, encoder: parameters of the convolutions",
             [4864, 73856, 295168], lambda: [n for _, n in dog_rows("encoder", CONVOLUTION)]),
    reproduced("E10d", "004:196", "dogs, encoder: fully connected, and the latent samples",
               [256, 128, 128], lambda: [s[0] for s, _ in dog_rows("encoder", "Dense")]),
    computed("E10e", "004:196", "dogs, encoder: parameters of the fully connected layer", 4194560,
             lambda: dog_rows("encoder", "Dense")[0][1]),
    reproduced("E10f", "004:190", "dogs, decoder: shapes after the convolutions",
               [[16, 16, 128], [32, 32, 64], [64, 64, 3]],
               lambda: [shape for shape, _ in dog_rows("printed", TRANSPOSED)]),
    erratum(36, "E10g", "004:193", "dogs, decoder: sizes of the filters, if it mirrors the encoder",
            [5, 3, 3], [3, 3, 5], lambda: dog_kernels("mirrored", TRANSPOSED),
            as_printed=lambda: dog_kernels("printed", TRANSPOSED)),
    computed("E10h", "004:193", "dogs, decoder: parameters of the convolutions, as printed",
             894851, lambda: sum(n for _, n in dog_rows("printed", TRANSPOSED))),
    computed("E10i", "004:193", "dogs, decoder: the same if it mirrors the encoder", 373635,
             lambda: sum(n for _, n in dog_rows("mirrored", TRANSPOSED))),
]  # fmt: skip
