"""The ledger's rows of the chapter autoencode.

No slide prints a loss or an error of an autoencoder, so nothing is trained here but one tiny net;
the lessons train, and claim what comes out.  They are imported where a row needs one.
"""

from __future__ import annotations

import functools

import numpy as np

import tinynet as tn

from .row import computed, convention, lost, misread, reproduced, statement

# -- what the rows call, where a lesson has it not as one number -----------------------------------


@functools.cache
def network(name):
    """The network of a lesson, with fresh weights."""
    rng = np.random.default_rng(0)
    if name == "subclass":
        from ..autoencode.autoencoder import subclassed

        return subclassed(rng)
    if name == "functional":
        from ..autoencode.autoencoder import functional

        return functional(rng)[0]
    if name == "sparse":
        from ..autoencode.sparse_autoencoder import model

        return model(rng)[0]
    from ..autoencode.deep_autoencoder import NETWORKS

    return NETWORKS[name](rng)


def parameters(name):
    return sum(p.size for p in network(name).parameters())


def by_layer(name):
    """Kernel and bias of each layer together."""
    sizes = [p.size for p in network(name).parameters()]
    return [kernel + bias for kernel, bias in zip(sizes[::2], sizes[1::2], strict=True)]


def widths(name):
    """The sizes of the layers, the input first."""
    biases = [p.size for p in network(name).parameters()][1::2]
    return [network(name).parameters()[0].shape[0], *biases]


def measures():
    """The three measures of one error, in units of the smallest, the mean."""
    from ..autoencode.autoencoder import three_measures

    rng = np.random.default_rng(0)
    found = three_measures(*rng.random((2, 28, 28), dtype=np.float32))
    return [found[name] / found["mean"] for name in ("half of the sum", "sum", "mean")]


def bce_is_the_slides_sum():
    rng = np.random.default_rng(0)
    x, guess = rng.random((2, 784))
    by_hand = -sum(a * np.log(b) + (1 - a) * np.log(1 - b) for a, b in zip(x, guess, strict=True))
    return bool(abs(tn.bce(guess, x, reduction="sum").item() / by_hand - 1) < 1e-12)


def layers_of_an_rbm():
    """As many as it has biases: one for the visible units, one for the hidden ones."""
    from ..autoencode.boltzmann import RBM

    rbm = RBM(784, 128, np.random.default_rng(0))
    return sum(p.ndim == 1 for p in rbm.parameters())


def penalty_is_on_activations():
    """The penalty is L1 times the sum over units, mean over examples, of the activations."""
    from ..autoencode.sparse_autoencoder import L1

    layer = tn.layers.Dense(8, activation="relu", activity_regularizer=tn.regularizers.L1(L1))
    layer.build((4,), rng=np.random.default_rng(0))
    x = np.random.default_rng(1).random((16, 4), dtype=np.float32)
    code = layer.train()(tn.Tensor(x)).numpy()
    return bool(np.isclose(layer.penalty().item(), L1 * code.sum() / 16, rtol=1e-5))


def contraction_is_the_jacobians():
    from ..autoencode.contractive_autoencoder import penalty_error

    rng = np.random.default_rng(0)
    return penalty_error(rng.random(12), rng.normal(size=(12, 5)), rng.normal(size=5)) < 1e-6


def regularizer():
    """The kind of the sparse network's penalty, and its factor."""
    from ..autoencode.sparse_autoencoder import L1

    layers = [layer for layer in network("sparse").layers if layer.activity_regularizer is not None]
    return type(layers[0].activity_regularizer).__name__.lower(), L1


def half_a_side_is_a_fourth_of_the_pixels():
    from ..autoencode.restoring import halved

    x = np.zeros((1, 28, 28, 1), np.float32)
    return halved(x).size * 4 == x.size


def cells(one, other):
    """In how many cells two of the slide's grids of digits differ."""
    from ..autoencode.latent_size import differing, printed

    return differing(printed(one), printed(other))


def squared_length_is_the_sum():
    from ..autoencode.latent_size import squared_error

    rng = np.random.default_rng(0)
    x, guess = rng.random((2, 1, 28, 28, 1))
    length = np.linalg.norm((x - guess).ravel())
    return bool(np.isclose(squared_error(tn.Tensor(guess), tn.Tensor(x)).item(), length**2))


def nonlinear_beats_linear():
    """Points on half a circle, told in one number: by PCA, and by a small network."""
    from ..autoencode.pca_against_autoencoder import errors, pca

    angle = np.random.default_rng(0).uniform(0, np.pi, 256)
    x = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
    mean, V, *_ = pca(x)
    of_pca = errors(x, mean, V)[1]
    rng = np.random.default_rng(1)
    dense = functools.partial(tn.layers.Dense, activation="tanh")
    layers = [dense(16), tn.layers.Dense(1), dense(16), tn.layers.Dense(2)]
    network = tn.Sequential(layers, input_shape=(2,), rng=rng)
    optimizer = tn.optim.Adam(network.parameters(), 0.01)
    for _ in range(400):
        optimizer.zero_grad()
        loss = tn.mse(network(tn.Tensor(x)), tn.Tensor(x))
        loss.backward()
        optimizer.step()
    return bool(loss.item() < of_pca / 4)


# -- the rows --------------------------------------------------------------------------------------

ROWS = [
    statement("B20", "001:1201", "The error of a picture is a squared length, a sum over pixels.",
              "||x - x^||^2", squared_length_is_the_sum),
    computed("B21a", "001:1227", "digits of 100 that differ from the ground truth, 2-D", 18,
             lambda: cells(2, "truth"), printed="2D latent space",
             why="By the digits as the text reads them; a / is taken as a 1."),
    computed("B21b", "001:1241", "digits of 100 that differ from the ground truth, 5-D", 11,
             lambda: cells(5, "truth"), printed="5D latent space"),
    misread("B21c", "001:1263", "ground truth, row 9, column 1", 9, 7, None,
            "The digits are the first 100 of MNIST's test set, where the label of this one is 7. "
            "Its 7 looks like a 9, and the text reads a picture. Only the data set knows: where it "
            "is there, a test compares all 100."),
    lost("B21d", "001:1225", "the pictures in 2-D and in 5-D latent space", "two grids",
         "The network behind them is not printed. Lesson latent_size trains its own and counts."),
    statement("D01", "003:73", "With as few numbers, a non-linear network loses less than PCA.",
              "outperform", nonlinear_beats_linear,
              "Tried on half a circle and one number. Lesson pca_against_autoencoder does it with "
              "digits."),
    reproduced("D02", "003:121", "layers of an RBM", 2, layers_of_an_rbm,
               why="It is an autoencoder in a loose sense: its way back is a probability p(v | h) "
               "with the same weights, and it is trained to make the input likely (lesson rbm)."),
    lost("D03", "003:150", "how few labels a DBN needs, and how accurate it is",
         "small, very accurate",
         "The slide prints no data, sizes or accuracies. Lesson dbn measures 100 to 1,000 labels."),
    statement("D04a", "003:171", "Bernoulli cross-entropies are summed over the pixels.",
              "-sum x log x^ ...", bce_is_the_slides_sum),
    convention("D04b", "003:176", "squared error of a picture by three formulas, over the mean",
               "1/2 sum, ||.||^2, mse", [392, 784, 1], measures,
               "One name stands for three losses: half of the sum (lecture 3), the sum (Machine "
               "Learning II) and the mean (the code of lecture 3). They are 392, 784 and 1 times "
               "the mean. Whoever names the loss should say which.", 2),
    statement("D05a", "003:195", "The sparse penalty is on activations, not on weights.",
              "activations", penalty_is_on_activations),
    statement("D05b", "003:199", "sum_j (h_j (1 - h_j))^2 sum_i W_ij^2 is the squared Jacobian.",
              "Jacobian of encoder", contraction_is_the_jacobians,
              "The slide names the penalty and does not write it out."),
    statement("D06a", "003:249", "A picture of half the height and width has 1/4 of the pixels.",
              "1/4th the pixels", half_a_side_is_a_fourth_of_the_pixels),
    lost("D06b", "003:231", "a photograph, and its size", "1000 x 1500, 100kb",
         "Neither the photograph nor what the method makes of it is in the text."),
    reproduced("D07a", "003:273", "latent_dim, by subclassing", 64, lambda: widths("subclass")[1]),
    computed("D07b", "003:273", "parameters of encoder and decoder", [50240, 50960],
             lambda: by_layer("subclass"), printed="latent_dim = 64, input 784"),
    computed("D07c", "003:273", "all parameters", 101200, lambda: parameters("subclass")),
    lost("D07d", "003:281", "its error, after epochs", 10,
         "The slide prints the settings and no error. The lesson runs them with --full."),
    reproduced("D08a", "003:291", "sizes of the functional autoencoder", [784, 32, 784],
               lambda: widths("functional")),
    computed("D08b", "003:291", "parameters of encoder and decoder", [25120, 25872],
             lambda: by_layer("functional")),
    computed("D08c", "003:291", "all parameters", 50992, lambda: parameters("functional")),
    lost("D08d", "003:299", "its error, after epochs, in batches of", [50, 256],
         "The slide prints the settings and no error. The lesson runs them with --full."),
    reproduced("D09a", "003:316", "sizes of the vanilla network", [784, 64, 784],
               lambda: widths("shallow")),
    computed("D09b", "003:316", "parameters of the vanilla network", 101200,
             lambda: parameters("shallow")),
    reproduced("D09c", "003:326", "sizes of the deep network",
               [784, 512, 256, 128, 64, 128, 256, 512, 784], lambda: widths("deep")),
    computed("D09d", "003:326", "parameters of the deep network", 1149520,
             lambda: parameters("deep")),
    reproduced("D10a", "003:332", "sizes of the sparse network", [784, *[1024] * 5, 784],
               lambda: widths("sparse")),
    computed("D10b", "003:332", "parameters of the sparse network", 5805840,
             lambda: parameters("sparse")),
    reproduced("D10c", "003:332", "factor of its penalty", 1e-5, lambda: regularizer()[1]),
    misread("D10d", "003:332", "its penalty, regularizers.?", "11", "l1",
            lambda: regularizer()[0],
            "The letter l was read as the digit 1: regularizers.l1."),
]  # fmt: skip
