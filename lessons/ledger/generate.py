"""The ledger's rows of the chapter generate: latent attributes, the VAE, the networks' tables.

The lessons are imported where a row needs one.  Nothing is trained here.
"""

from __future__ import annotations

import functools
import math

import numpy as np

import tinynet as tn
from tinynet.models.summary import amount

from .row import computed, convention, lost, misread, reproduced, statement

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
    """The side of a picture with two rows or columns more at each border."""
    picture = tn.Tensor(np.zeros((1, 28, 28, 1), np.float32))
    return tn.pad(picture, ((0, 0), (2, 2), (2, 2), (0, 0))).shape[1]


def drawn_clothes():
    """As the data set has them: bytes."""
    from tinynet.data.drawn.clothes import clothes

    return clothes(1, np.random.default_rng(0))[0]


def pixels():
    """The smallest and the largest that a picture of the data set can hold."""
    kind = np.iinfo(drawn_clothes().dtype)
    return [kind.min, kind.max]


def side():
    return drawn_clothes().shape[1:3]


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


def best_discriminator(fake_is):
    """D where fakes are three times as frequent as real pictures, if D is trained to the end.

    fake_is: what D should say of a fake, 1 as on the slide, or 0.
    """
    z = tn.Tensor(np.array(0.0), requires_grad=True)
    optimizer = tn.optim.SGD([z], 1.0)
    for _ in range(200):
        optimizer.zero_grad()
        labels = np.float64([fake_is] * 3 + [1 - fake_is])
        tn.bce_with_logits(z + np.zeros(4), labels).backward()
        optimizer.step()
    return tn.sigmoid(z).item()


def best_logits():
    """Of the lesson gan's best discriminator, at 0 and at 1."""
    from .. import parts

    d = parts("gan").best_discriminator(np.array([0.0, 1.0]), (0, 1), (2, 1))
    return np.log(d / (1 - d)).round(12).tolist()


def a_map_makes_a_bell_the_data():
    """z -> x with equal shares of probability below: then x has the density of the two humps."""
    x = np.linspace(-6, 8, 14_001)
    below = np.cumsum(tn.data.two_humps_density(x)) * (x[1] - x[0])
    z = np.random.default_rng(0).standard_normal((20_000, 1))
    share = 0.5 * (1 + np.vectorize(math.erf)(z / math.sqrt(2)))
    data = tn.data.two_humps(20_000, np.random.default_rng(1))
    far = tn.metrics.energy_distance(z[:4000], data[:4000])
    return tn.metrics.energy_distance(np.interp(share, below, x)[:4000], data[:4000]) < far / 50


def latents_have_the_size_of_the_data():
    from .. import parts

    noise = parts("noise")
    walk = noise.chain(np.ones((3, 2)), noise.schedule(), np.random.default_rng(0))
    return all(x.shape == (3, 2) for x in walk)


def noise_is_what_remains():
    """sqrt(abar_T) of x_0 is left: less after more steps, and less than a hundredth in the end."""
    from .. import parts

    beta = parts("noise").schedule(1000, 0.0001, 0.02)
    left = np.sqrt(np.cumprod(1 - beta))
    return bool((np.diff(left[1:]) < 0).all() and left[-1] < 0.01)


CONVOLUTION, TRANSPOSED = "Conv2D", "Conv2DTranspose"

# -- the rows --------------------------------------------------------------------------------------

ROWS = [
    lost("A02", "000:12", 'the latent attribute "smile": a value, and a distribution',
         "two plots", "No figure is in the text. Lesson latent_attribute draws both."),
    lost("A07", "000:105", "Probability Estimation, figures 03, 06, 07, 09 and 10", "five figures",
         "No figure is in the text. Lesson probability has examples of its own."),
    computed("A08a", "000:136", "gradient of E[(mu + sigma e)^2] at mu = 1.5, sigma = 0.5",
             [3, 1], lambda: sums(1.5, 0.5), why="The theory says 2 mu and 2 sigma."),
    computed("A08b", "000:136", "KL of a code with mu = 1, sigma = 1", 0.5, lambda: kl(1.0, 0.0)),
    reproduced("A09a", "000:156", "side of the pictures of 28 x 28, expanded", 32, expanded_to),
    reproduced("A09b", "000:156", "a pixel's smallest and largest value", [0, 255], pixels),
    reproduced("A09c", "000:156", "shape of a picture of the data set", (28, 28), side),
    reproduced("A10a", "000:186", "Encoder: parameters of conv_1, bn_1, ..., bn_5, mean, log_var",
               [896, 128, 18496, 256, 36928, 256, 36928, 256, 36928, 256, 819400, 819400],
               lambda: with_weights("encoder")),
    reproduced("A10b", "000:186", "Encoder: shapes after conv_1 to conv_5",
               [[128, 128, 32], [64, 64, 64], [32, 32, 64], [16, 16, 64], [8, 8, 64]],
               lambda: [rows("encoder")[f"conv_{i}"][0] for i in range(1, 6)]),
    reproduced("A10c", "000:201", "Encoder: numbers after Flatten, and of the latent space",
               [4096, 200], lambda: [rows("encoder")[n][0][0] for n in ("Flatten", "mean")]),
    reproduced("A10d", "000:205", "Encoder: all parameters", 1770128, lambda: total("encoder")),
    misread("A10e", "000:206", "Encoder: trained parameters", 1769582, 1769552,
            lambda: total("encoder", trained=True),
            "1,770,128 parameters, less the 576 that are not trained, are 1,769,552. A program "
            "printed the three numbers, and it can subtract: a 5 was read as an 8."),
    reproduced("A10f", "000:207", "Encoder: parameters that are not trained", 576,
               lambda: total("encoder", trained=False)),
    reproduced("A10g", "000:205", "Encoder: size in memory", "6.75 MB",
               lambda: megabytes("encoder")),
    reproduced("A10h", "000:207", "Encoder: size of what is not trained", "2.25 KB",
               lambda: kilobytes("encoder")),
    reproduced("A10i", "000:178", "Encoder: million parameters", 1.77,
               lambda: total("encoder") / 1e6, 2),
    reproduced("A10j", "000:185", "Encoder: shape of a picture", (256, 256, 3),
               lambda: tuple(face("encoder").inputs[0].shape[-3:])),
    reproduced("A11a", "000:213", "Decoder: parameters of dense_1 and conv_transpose_1 to bn_4",
               [823296, 36928, 256, 36928, 256, 36928, 256, 18464, 128],
               lambda: with_weights("decoder")[:-1]),
    misread("A11b", "000:227", "Decoder: parameters of conv_transpose_5", 807, 867,
            lambda: with_weights("decoder")[-1],
            "3 x 3 kernels from 32 channels to 3, and 3 biases, are 867. A 6 was read as a 0."),
    misread("A11c", "000:229", "Decoder: all parameters", 954387, 954307,
            lambda: total("decoder"),
            "The rows, with 867 in the last one, add up to 954,307. A 0 was read as an 8."),
    misread("A11d", "000:230", "Decoder: trained parameters", 952859, 953859,
            lambda: total("decoder", trained=True),
            "954,307 parameters, less the 448 that are not trained, are 953,859. A 3 was read as "
            "a 2."),
    reproduced("A11e", "000:231", "Decoder: parameters that are not trained", 448,
               lambda: total("decoder", trained=False)),
    misread("A11f", "000:231", "Decoder: size of what is not trained", "1.76 KB", "1.75 KB",
            lambda: kilobytes("decoder"),
            "448 numbers of 4 bytes are 1,792 bytes, which is 1.75 KB. A 5 was read as a 6."),
    reproduced("A11g", "000:229", "Decoder: size in memory", "3.64 MB",
               lambda: megabytes("decoder")),
    misread("A11h", "000:180", "Decoder: parameters, in full thousands", 974000, 954000,
            lambda: round(total("decoder"), -3),
            "954,307 parameters are 954 thousand. A 5 was read as a 7."),
    reproduced("A11i", "000:215", "Decoder: shapes from Reshape to conv_transpose_5",
               [[8, 8, 64], [16, 16, 64], [32, 32, 64], [64, 64, 64], [128, 128, 32],
                [256, 256, 3]],
               lambda: [rows("decoder")[n][0] for n in
                        ("Reshape", *(f"conv_transpose_{i}" for i in range(1, 6)))]),
    computed("A11j", "000:213", "Decoder: sum of the printed rows, with 807", 954247,
             lambda: sum(with_weights("decoder")[:-1]) + 807,
             why="The printed total is neither this nor the right one, so it was misread by "
             "itself."),
    reproduced("A11k", "000:212", "Decoder: numbers of the latent space, and after dense_1",
               [200, 4096],
               lambda: [face("decoder").inputs[0].shape[-1], rows("decoder")["dense_1"][0][0]]),
    lost("A12", "000:235", "generated faces, iteration", 30,
         "The faces and the data are not in the text. Lesson faces_vae draws its own."),
    statement("B22a", "001:1285", "A code is sampled from a mean and a standard deviation.",
              "Sample", sampled_from_mean_and_deviation),
    lost("B22b", "001:1313", "continuity and completeness of the latent space", "two properties",
         "The slide has words and pictures, and no measure. Lesson vae measures both."),
    convention("B23a", "001:1363", "D where 3 of 4 pictures are fakes, if D is trained to the end",
               "log D(G(z)) + log(1 - D(x))", 0.25, lambda: best_discriminator(fake_is=0),
               "With the slide's formula D comes to 0.75, the probability that a picture is a "
               "fake. Most papers train D to say how probably it is real, which gives 0.25.", 6,
               as_printed=lambda: best_discriminator(fake_is=1), gives=0.75),
    computed("B23b", "001:1363", "logit of the best D at 0 and at 1, fakes N(0, 1), real N(2, 1)",
             [2, 0], best_logits, 6, "So one neuron is the best D: its logit is 2 - 2x."),
    statement("B24", "001:1367", "A map of numbers from N(0, 1) can make the data's distribution.",
              "GANs are Distribution Transformers", a_map_makes_a_bell_the_data,
              "For one number there is an exact map. Lesson gan trains one, and compares the two."),
    lost("B25", "001:1387", "what a conditional GAN draws for a label", "a figure",
         "The slide has no number. Lesson conditional_gan counts how often a judge reads the "
         "digit that was asked for."),
    lost("B26", "001:1400", "GANs and CycleGANs: from noise, or from another set of data",
         "two figures", "The slide has no number and no loss. Lesson cycle_gan takes the loss of "
         "the paper, and measures the way back."),
    statement("B27a", "001:1455", "The latent variables have the dimensionality of the data.",
              "the same dimensionality as x_0", latents_have_the_size_of_the_data),
    statement("B27b", "001:1462", "At the end of the chain nearly nothing is left of the picture.",
              "asymptotically pure Gaussian noise", noise_is_what_remains,
              "After 1,000 steps of Ho and others 0.6% are left; the slide prints no schedule."),
    statement("E08a", "004:142", "log p(x) = E[log p(x|z)] - KL(q || p(z)) + KL(q || p(z|x))",
              "five lines", elbo_and_gap_add_up,
              "By sums over a line, for a code of one number."),
    statement("E08b", "004:152", "KL of a Gaussian and the prior, in closed form",
              "nice closed-form solution", closed_form_is_the_integral),
    statement("E08c", "004:154", "A KL divergence is never negative.", "always >= 0",
              divergences_are_positive),
    convention("E09", "004:112", "reconstruction error of a picture: its sum over its mean",
               "mean squared error", 12288, sum_over_mean,
               "The slide does not say over what the mean is taken. Over pictures alone, the error "
               "is the sum over the pixels, and 12,288 times as large as the mean over them. With "
               "the mean over the pixels the code dies out (lesson dogs_vae).", 6),
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
    convention("E10g", "004:193", "dogs, decoder: sizes of the filters, if it mirrors the encoder",
               [5, 3, 3], [3, 3, 5], lambda: dog_kernels("mirrored", TRANSPOSED),
               "The sizes of the maps are mirrored, and the filters are not. Both networks are "
               "possible; that of the slide has more than twice as many parameters.",
               as_printed=lambda: dog_kernels("printed", TRANSPOSED)),
    computed("E10h", "004:193", "dogs, decoder: parameters of the convolutions, as printed",
             894851, lambda: sum(n for _, n in dog_rows("printed", TRANSPOSED))),
    computed("E10i", "004:193", "dogs, decoder: the same if it mirrors the encoder", 373635,
             lambda: sum(n for _, n in dog_rows("mirrored", TRANSPOSED))),
    reproduced("E10j", "004:190", "dogs, encoder: shape of a picture", (64, 64, 3),
               lambda: tuple(dog("encoder").inputs[0].shape[-3:])),
]  # fmt: skip
