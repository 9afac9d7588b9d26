"""The ledger's rows of the chapter classify: the lectures' classifiers, layer by layer.

Nothing is trained here: what the slides print of these networks are their settings and shapes.
The lessons are imported where a row needs one.
"""

from __future__ import annotations

import functools
import math

import numpy as np

import tinynet as tn
from tinynet.data.published.catalogue import IDX

from . import layers
from .row import computed, erratum, lost, reproduced, statement

# -- what the rows call, where a lesson has it not as one number -----------------------------------


@functools.cache
def network(name):
    """The network of a lesson, with fresh weights."""
    if name == "mnist":
        from ..classify.mnist import model
    elif name == "fashion":
        from ..classify.fashion import model
    else:
        from ..classify.mnist_low_level import model
    return model(np.random.default_rng(0))


def parameters(name):
    """Of the layers that have any."""
    return [row.parameters for row in network(name).rows() if row.parameters]


def trained(name):
    return sum(p.size for p in network(name).parameters())


def tf1_shape(weight):
    return network("mnist_low_level")[weight].shape


def tf1_parameters():
    """Kernel and bias of each layer together."""
    weights = network("mnist_low_level")
    names = ("conv1", "conv2", "fc1", "fc2")
    return [weights[f"W_{layer}"].size + weights[f"b_{layer}"].size for layer in names]


def share_kept(keep):
    """By TF1's dropout, whose second argument is the share to keep."""
    from ..classify.mnist_low_level import tf1_dropout

    with np.errstate(divide="ignore", invalid="ignore"):  # keep = 0
        h = tf1_dropout(np.ones((4, 1000), np.float32), keep, np.random.default_rng(0))
    return (np.isfinite(h) & (h > 0)).mean()


def rates():
    """The learning rates of the lesson: the one that the slide uses, the one that it sets."""
    from ..classify.mnist_low_level import RATES

    return list(RATES)


def rows_of_maps():
    """(rows that 64 maps need, rows that the slide makes)"""
    from ..classify.mnist_low_level import COLUMNS

    maps = tf1_shape("W_conv2")[-1]
    return math.ceil(maps / COLUMNS), math.ceil(maps / COLUMNS) + 1


def column_order_transposes():
    picture = np.arange(784).reshape(28, 28)
    flat = np.reshape(picture, [1, 784], order="F")
    return np.array_equal(flat.reshape(28, 28), picture.T)


def comes_back_the_same():
    from ..classify.mnist_low_level import restored

    weights = network("mnist_low_level")
    again = restored(weights, "cpu")
    return all(np.array_equal(w.numpy(), again[name].numpy()) for name, w in weights.items())


def softmax_loss(softmaxes):
    """The lesson's loss with one softmax, or with two."""
    from ..classify.mnist import once, twice

    return (once, twice)[softmaxes - 1]


def loss_of_a_perfect_answer(softmaxes):
    sure = tn.Tensor([[1000.0] + [0.0] * 9])
    return softmax_loss(softmaxes)(sure, [0]).item()


def slope_at_the_start(softmaxes):
    """By the right logit, when all ten are equal."""
    z = tn.Tensor(np.zeros((1, 10)), requires_grad=True)
    softmax_loss(softmaxes)(z, [0]).backward()
    return z.grad[0, 0]


def augmentation():
    from ..classify.mnist import AUGMENTATION

    return AUGMENTATION


def pixels_that_shear_moves():
    """On a ramp, a change of brightness is a shift.  The border is left out: it is filled."""
    ramp = np.tile(np.add.outer(np.arange(28), np.arange(28))[..., None], (200, 1, 1, 1)) / 100
    sheared = tn.data.augment.affine(
        ramp.astype(np.float32), np.random.default_rng(0), shear=augmentation()["shear"]
    )
    return float(abs(sheared - ramp)[:, 1:-1, 1:-1].max() * 100)


def class_name(*labels):
    names = tn.data.class_names("fashion_mnist")
    return [names[label].split("/")[0] for label in labels]  # T-shirt/top


def filters_of_the_lectures():
    """Of the convolutions in the three classifiers."""
    models = [network("mnist"), network("fashion")]
    found = {layer.filters for m in models for layer in m.layers if hasattr(layer, "filters")}
    return found | {tf1_shape(w)[-1] for w in ("W_conv1", "W_conv2")}


def powers_of_two_from_32_to_1024():
    return filters_of_the_lectures() <= {2**n for n in range(5, 11)}


# -- the rows --------------------------------------------------------------------------------------

ROWS = [
    *layers.ROWS,
    statement("D20b", "003:681", "filters of the lectures' three classifiers",
              "a power of 2, 32 to 1024", powers_of_two_from_32_to_1024),
    lost("D26", "003:954", "pictures of a category that are few, and that are needed",
         "1000 and 100K",
         "A rule of thumb, without an experiment that one could repeat."),
    reproduced("D27a", "003:991", "TF1: weights of conv 1", (5, 5, 1, 32),
               lambda: tf1_shape("W_conv1")),
    reproduced("D27b", "003:995", "TF1: weights of conv 2", (5, 5, 32, 64),
               lambda: tf1_shape("W_conv2")),
    reproduced("D27c", "003:999", "TF1: weights of fc1", (7 * 7 * 64, 1024),
               lambda: tf1_shape("W_fc1")),
    reproduced("D27d", "003:1003", "TF1: weights of fc2", (1024, 10), lambda: tf1_shape("W_fc2")),
    computed("D27e", "003:995", "TF1: parameters, layer by layer",
             [832, 51264, 3212288, 10250], tf1_parameters),
    computed("D27f", "003:995", "TF1: all parameters", 3274634, lambda: sum(tf1_parameters())),
    reproduced("D27g", "003:985", "MNIST's pictures to learn from, and their pixels",
               (60000, 784), lambda: (IDX["mnist", "train"][0].shape[0], 28 * 28)),
    reproduced("D27h", "003:984", "MNIST's pictures to test with", 10000,
               lambda: IDX["mnist", "test"][0].shape[0]),
    erratum(26, "D27i", "003:991", "TF1: learning rate", 0.001, 0.0001, lambda: min(rates()),
            as_printed=lambda: max(rates())),
    erratum(27, "D27j", "003:1000", "in evaluation, keep_prob = 1.0: share that dropout keeps",
            "1-keep_prob", 1, lambda: share_kept(1.0), as_printed=lambda: share_kept(1 - 1.0),
            gives=0),
    computed("D27k", "003:1000", "in training, keep_prob = 0.5, where 1-keep_prob is the same",
             0.5, lambda: share_kept(1 - 0.5), 1),
    erratum(28, "D27l", "003:982", "rows for 64 maps, ceil(64/6) + 1", 12, 11,
            lambda: rows_of_maps()[0], as_printed=lambda: rows_of_maps()[1]),
    computed("D27m", "003:1007", "does reshape(order='F') transpose a picture of 28 x 28? (The "
             "slide's is a vector of 784 already, which it leaves)", True,
             column_order_transposes),
    lost("D27n", "003:1020", "TF1: how well it does, after epochs, in batches of", [5, 1000],
         "The slide prints the settings and no accuracy. The lesson's --full takes them."),
    lost("D27o", "003:1027", "test picture 47, its label and its maps", 47,
         "The figures are not in the text."),
    statement("D28", "003:1020", "saved and restored, the weights are the same",
              "Model restored.", comes_back_the_same),
    computed("D30a", "003:1080", "Keras MNIST: parameters, layer by layer",
             [320, 128, 9248, 128, 18496, 256, 36928, 256, 524800, 2048, 5130],
             lambda: parameters("mnist")),
    computed("D30b", "003:1080", "Keras MNIST: all parameters", 597738,
             lambda: sum(parameters("mnist"))),
    computed("D30c", "003:1080", "Keras MNIST: trained parameters", 596330,
             lambda: trained("mnist")),
    computed("D30d", "003:1081", "Keras MNIST: averages of batch-norm, not trained", 1408,
             lambda: sum(parameters("mnist")) - trained("mnist")),
    reproduced("D30e", "003:1115", "rotation, shifts and zoom of the augmentation",
               [8, 0.08, 0.08], lambda: [augmentation()[k] for k in ("rotate", "shift", "zoom")]),
    erratum(29, "D30f", "003:1113", "loss of a perfect answer", "softmax, from_logits=True", 0,
            lambda: loss_of_a_perfect_answer(1), 4,
            as_printed=lambda: loss_of_a_perfect_answer(2), gives=1.4612),
    computed("D30g", "003:1113", "at the start: slope with one softmax, over that with two", 10,
             lambda: slope_at_the_start(1) / slope_at_the_start(2), 4),
    erratum(30, "D30h", "003:1115", "shear_range, in degrees, for a shear of 0.3 radians", 0.3,
            17.2, lambda: math.degrees(augmentation()["shear"]), 1),
    computed("D30i", "003:1115", "shear_range=0.3: does any pixel move by a tenth of a pixel?",
             False, lambda: pixels_that_shear_moves() > 0.1),
    lost("D30j", "003:1122", "Keras MNIST: how well it does, after epochs, in batches of", [5, 64],
         "The slide prints the settings and no accuracy. The lesson's --full takes them."),
    reproduced("D31a", "003:1124", "classes of CIFAR-10", 10,
               lambda: len(tn.data.class_names("cifar10"))),
    lost("D31b", "003:1124", "classes of CIFAR-100, and the tiny images it is from",
         "100 and 80 million",
         "Only named on the slide; of the two, tinynet has CIFAR-10 alone."),
    computed("D32a", "003:1147", "Fashion-MNIST CNN: parameters, layer by layer",
             [320, 18496, 1179776, 1290], lambda: parameters("fashion")),
    computed("D32b", "003:1147", "Fashion-MNIST CNN: all parameters", 1199882,
             lambda: sum(parameters("fashion"))),
    reproduced("D32c", "003:1147", "names of the classes 0 to 7 and 9",
               ["T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker",
                "Ankle boot"], lambda: class_name(*range(8), 9)),
    erratum(37, "D32d", "003:1147", "name of class 8", "Baa", "Bag", lambda: class_name(8)[0]),
    lost("D32e", "003:1149", "Fashion-MNIST CNN: how well it does, after epochs, in batches of",
         [20, 128],
         "Epoch 20/20 is there, its numbers are not. The lesson's --full takes the settings."),
]  # fmt: skip
