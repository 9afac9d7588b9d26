"""The ledger's rows of the chapter classify: the lectures' classifiers, layer by layer.

Nothing is trained here: what the slides print of these networks are their settings and shapes.
"""

from __future__ import annotations

import ast
import tempfile
import warnings
from pathlib import Path

import numpy as np

import tinynet as tn
from tinynet.data.published.catalogue import IDX

from . import convolution, layers, printed
from .networks import layers as layers_of
from .networks import network, parameters
from .row import computed, convention, erratum, lost, misread, reproduced, statement

# -- the TensorFlow program ------------------------------------------------------------------------


def weights():
    return network("mnist_low_level")


def shape(name):
    return weights()[name].shape


def tf1_sides():
    x = tn.Tensor(np.zeros((1, 28, 28, 1), np.float32))
    found = [x]
    for layer in ("conv1", "conv2"):
        found.append(tn.conv2d(found[-1], weights()[f"W_{layer}"], padding="same"))
        found.append(tn.max_pool2d(found[-1], 2, 2, padding="same"))
    return [x.shape[1] for x in found]


def tf1_parameters():
    """Kernel and bias of each layer together."""
    names = ("conv1", "conv2", "fc1", "fc2")
    return [weights()[f"W_{layer}"].size + weights()[f"b_{layer}"].size for layer in names]


def deviation():
    """Of the normal distribution from which the weights were drawn, before its tails were cut."""
    return weights()["W_fc1"].numpy().std() / tn.init.TRUNCATED_STD


def initial_bias():
    (value,) = {float(n) for name in ("b_conv1", "b_fc2") for n in weights()[name].numpy()}
    return value


def share_kept(keep):
    """By TF1's dropout, whose second argument is the share to keep."""
    h, r = np.ones((4, 1000)), np.random.default_rng(0).random((4, 1000))
    with np.errstate(divide="ignore", invalid="ignore"):  # keep = 0
        h = h / keep * np.floor(keep + r)
    return (np.isfinite(h) & (h > 0)).mean()


def never_used():
    """The settings that the program gives a value, and does not read."""
    names = [node for node in ast.walk(ast.parse(printed.PROGRAM)) if isinstance(node, ast.Name)]
    read = {node.id for node in names if isinstance(node.ctx, ast.Load)}
    return [node.id for node in names if isinstance(node.ctx, ast.Store) and node.id not in
            (read | {"train_step", "ii", "total_batch"})]  # fmt: skip


def rate(of):
    """What the program gives the optimizer, or a name."""
    for node in ast.walk(ast.parse(printed.PROGRAM)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "tf.train.AdamOptimizer":
            optimizer = node.args[0].value
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "learning_rate":
            named = node.value.value
    return optimizer if of == "optimizer" else named


def rows_of_maps(columns=6):
    """That a figure of all maps needs, with so many columns."""
    maps = range(shape("W_conv2")[-1])
    return len([maps[i : i + columns] for i in maps[::columns]])


def column_order_transposes():
    picture = np.arange(784).reshape(28, 28)
    flat = np.reshape(picture, [1, 784], order="F")
    return np.array_equal(flat.reshape(28, 28), picture.T)


def comes_back_the_same():
    with tempfile.TemporaryDirectory() as folder:
        again = tn.load(tn.save(Path(folder) / "model.npz", weights()))
    return all(np.array_equal(w.numpy(), again[name]) for name, w in weights().items())


# -- the Keras program -----------------------------------------------------------------------------


def trained(name):
    return sum(p.size for p in network(name).parameters())


def widths(name):
    """The filters and units of a network, layer by layer."""
    sizes = [(getattr(layer, "filters", 0), getattr(layer, "units", 0))
             for layer in network(name).layers]  # fmt: skip
    return [filters or units for filters, units in sizes if filters or units]


def windows(name):
    """The sides of its filters, then of its pools."""
    filters, pools = layers_of(name, "Conv2D"), layers_of(name, "MaxPooling2D")
    return [layer.kernel_size[0] for layer in filters] + [layer.pool_size[0] for layer in pools]


def rates(name):
    return [layer.rate for layer in layers_of(name, "Dropout")]


def loss(z, softmaxes):
    """With one softmax, or with two."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tn.MistakeWarning)  # of the second softmax: meant here
        return tn.cross_entropy(z if softmaxes == 1 else tn.softmax(z), [0])


def loss_of_a_perfect_answer(softmaxes):
    return loss(tn.Tensor(np.array([[1000.0] + [0.0] * 9])), softmaxes).item()


def slope_at_the_start(softmaxes):
    """By the right logit, when all ten are equal."""
    z = tn.Tensor(np.zeros((1, 10)), requires_grad=True)
    loss(z, softmaxes).backward()
    return z.grad[0, 0]


def pixels_moved(axis=1, **setting):
    """How far a change moves a pixel of 28 x 28 down (axis 1) or aside, at most.

    On a ramp, a change of brightness is a shift.  Around the 28 x 28 there is room for it.
    """
    ramp = np.zeros((400, 84, 84, 1)) + np.expand_dims(np.arange(84) / 100, (0, 3 - axis, 3))
    changed = tn.data.augment.affine(ramp, np.random.default_rng(0), **setting)
    return float(abs(changed - ramp)[:, 28:56, 28:56].max() * 100)


def moved_by_each_setting():
    shift = 0.08 * 28 / 84  # of the larger picture
    return [pixels_moved(rotate=8), pixels_moved(shift=shift), pixels_moved(axis=2, shift=shift),
            pixels_moved(zoom=0.08)]  # fmt: skip


def class_name(*labels):
    names = tn.data.class_names("fashion_mnist")
    return [names[label].split("/")[0] for label in labels]  # T-shirt/top


def powers_of_two_from_32_to_1024():
    """The filters of the three classifiers."""
    found = {layer.filters for name in ("mnist", "fashion") for layer in layers_of(name, "Conv2D")}
    return found | {shape("W_conv1")[-1], shape("W_conv2")[-1]} <= {2**n for n in range(5, 11)}


def divided_by_255():
    pixels = convolution.copies()[1] / 255
    return [pixels.min(), pixels.max()]


# -- the rows --------------------------------------------------------------------------------------

ROWS = [
    *layers.ROWS,
    statement("D20b", "003:681", "filters of the three classifiers of the lecture",
              "a power of 2, 32 to 1024", powers_of_two_from_32_to_1024),
    lost("D26", "003:954", "pictures of a category that are few, and pictures that are needed",
         "1000 and 100K",
         "This is a rule of thumb. The slide has no experiment that one could repeat."),
    reproduced("D27a", "003:991", "TF1: weights of conv 1", (5, 5, 1, 32),
               lambda: shape("W_conv1")),
    reproduced("D27b", "003:995", "TF1: weights of conv 2", (5, 5, 32, 64),
               lambda: shape("W_conv2")),
    computed("D27c", "003:999", "TF1: weights of fc1", (3136, 1024), lambda: shape("W_fc1"),
             printed="7 * 7 * 64, 1024"),
    reproduced("D27d", "003:1003", "TF1: weights of fc2", (1024, 10), lambda: shape("W_fc2")),
    computed("D27e", "003:995", "TF1: parameters, layer by layer",
             [832, 51264, 3212288, 10250], tf1_parameters),
    computed("D27f", "003:995", "TF1: all parameters", 3274634, lambda: sum(tf1_parameters())),
    reproduced("D27g", "003:983", "pictures of MNIST to learn from, and their pixels",
               (60000, 784), lambda: (IDX["mnist", "train"][0].shape[0],
                                      int(np.prod(IDX["mnist", "train"][0].shape[1:])))),
    reproduced("D27h", "003:984", "pictures of MNIST to test with", 10000,
               lambda: IDX["mnist", "test"][0].shape[0]),
    erratum("D27i", "003:994", "TF1: learning rate", 0.001, 0.0001, lambda: rate("optimizer"),
            "The program sets learning_rate = 0.001 and never uses it. Adam is given 1e-4.",
            as_printed=lambda: rate("learning_rate")),
    erratum("D27j", "003:1000", "TF1: share that dropout keeps in evaluation, keep_prob = 1.0",
            "1-keep_prob", 1, lambda: share_kept(1.0),
            "The second argument of TF1's dropout is the share to keep, not the share to drop. In "
            "training, at 0.5, that makes no difference. In evaluation nothing is kept.",
            as_printed=lambda: share_kept(1 - 1.0), gives=0),
    reproduced("D27k", "003:1020", "TF1: the same in training, keep_prob = 0.5", 0.5,
               lambda: share_kept(1 - 0.5), 1),
    convention("D27l", "003:982", "TF1: rows of the figure", "ceil(64 / 6) + 1 = 12", 11,
               rows_of_maps,
               "Eleven rows of six hold the 64 maps. The slide's twelfth row stays empty, which "
               "does no harm.", as_printed=lambda: rows_of_maps() + 1, gives=12),
    computed("D27m", "003:1007", "reshape(order='F') of a picture of 28 x 28: is it transposed?",
             True, column_order_transposes,
             why="The slide's picture is a vector of 784 already, which stays as it is."),
    lost("D27n", "003:1020", "TF1: how well it does, after epochs, in batches of", [5, 1000],
         "The slide prints the settings and no accuracy. The lesson runs them with --full."),
    lost("D27o", "003:1027", "test picture 47, its label and its maps", 47,
         "The figures are not in the text."),
    reproduced("D27p", "003:995", "TF1: standard deviation of the initial weights", 0.1, deviation,
               3, why="Measured on the weights of fc1. What lies beyond two deviations is drawn "
               "again, and the narrower spread that this leaves is taken into account."),
    reproduced("D27q", "003:998", "TF1: initial value of each bias", 0.1, initial_bias, 6),
    computed("D27r", "003:985", "a picture divided by 255: its least and largest number", [0, 1],
             divided_by_255, printed=255),
    computed("D27s", "003:991", "TF1: names that get a value and are never used",
             ["learning_rate"], never_used),
    computed("D27t", "003:1001", "TF1: sides of the maps, from the picture to the second pool",
             [28, 28, 14, 14, 7], tf1_sides,
             printed="convolutions: strides 1 1 1 1; pools: ksize 1 2 2 1, strides 1 2 2 1"),
    statement("D28", "003:1020", "The weights come back from the file as they were.",
              "Model restored.", comes_back_the_same),
    reproduced("D30j", "003:1080", "Keras MNIST: filters and units",
               [32, 32, 64, 64, 512, 10], lambda: widths("mnist"),
               why="The 10 stands there as number_of_classes."),
    reproduced("D30k", "003:1086", "Keras MNIST: sides of filters, of pools",
               [3, 3, 3, 3, 2, 2], lambda: windows("mnist")),
    reproduced("D30l", "003:1101", "Keras MNIST: dropout", [0.2], lambda: rates("mnist")),
    reproduced("D30m", "003:1080", "Keras MNIST: shape of a picture", (28, 28, 1),
               lambda: network("mnist").input_shape),
    computed("D30a", "003:1080", "Keras MNIST: parameters, layer by layer",
             [320, 128, 9248, 128, 18496, 256, 36928, 256, 524800, 2048, 5130],
             lambda: parameters("mnist")),
    computed("D30b", "003:1080", "Keras MNIST: all parameters", 597738,
             lambda: sum(parameters("mnist"))),
    computed("D30c", "003:1080", "Keras MNIST: trained parameters", 596330,
             lambda: trained("mnist")),
    computed("D30d", "003:1081", "Keras MNIST: averages of batch-norm, which are not trained", 1408,
             lambda: sum(parameters("mnist")) - trained("mnist")),
    computed("D30e", "003:1115", "augmentation: how many pixels each setting moves a pixel at most",
             [2, 2.2, 2.2, 1.2], moved_by_each_setting, 1,
             printed="rotation 8, width and height shift 0.08, zoom 0.08",
             why="Of pictures of 28 x 28, without their borders."),
    erratum("D30f", "003:1113", "Keras MNIST: loss of a perfect answer",
            "softmax, from_logits=True", 0, lambda: loss_of_a_perfect_answer(1),
            "The model ends in a softmax, and from_logits=True adds another one. Then even a "
            "perfect answer costs 1.46.", 4,
            as_printed=lambda: loss_of_a_perfect_answer(2), gives=1.4612),
    computed("D30g", "003:1113", "slope at the start with one softmax, over that with two", 10,
             lambda: slope_at_the_start(1) / slope_at_the_start(2), 4),
    convention("D30h", "003:1115", "shear_range: pixels it moves a pixel, read as degrees, as "
               "radians", 0.3, [0.1, 4.0],
               lambda: [pixels_moved(shear=angle) for angle in (0.3, np.degrees(0.3))],
               "Keras reads 0.3 as degrees, which changes nothing that one could see. If radians "
               "were meant, it is 17 degrees.", 1),
    lost("D30i", "003:1122", "Keras MNIST: how well it does, after epochs, in batches of", [5, 64],
         "The slide prints the settings and no accuracy. The lesson runs them with --full."),
    reproduced("D31a", "003:1124", "classes of CIFAR-10", 10,
               lambda: len(tn.data.class_names("cifar10"))),
    lost("D31b", "003:1124", "classes of CIFAR-100, and the tiny images it is from",
         "100 and 80 million",
         "The slide only names them. Of the two data sets tinynet has CIFAR-10."),
    computed("D32a", "003:1147", "Fashion-MNIST: parameters, layer by layer",
             [320, 18496, 1179776, 1290], lambda: parameters("fashion")),
    computed("D32b", "003:1147", "Fashion-MNIST: all parameters", 1199882,
             lambda: sum(parameters("fashion"))),
    reproduced("D32c", "003:1147", "names of the classes 0 to 7 and 9",
               ["T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker",
                "Ankle boot"], lambda: class_name(*range(8), 9)),
    misread("D32d", "003:1147", "name of class 8", "Baa", "Bag", lambda: class_name(8)[0],
            "The data set calls class 8 a bag."),
    lost("D32e", "003:1149", "Fashion-MNIST: how well it does, after epochs, in batches of",
         [20, 128],
         'After "Epoch 20/20" the numbers are missing. The lesson runs the settings with --full.'),
    reproduced("D32f", "003:1147", "Fashion-MNIST: filters and units", [32, 64, 128, 10],
               lambda: widths("fashion")),
    reproduced("D32g", "003:1147", "Fashion-MNIST: sides of filters, of pools", [3, 3, 2],
               lambda: windows("fashion")),
    reproduced("D32h", "003:1147", "Fashion-MNIST: dropout", [0.25, 0.5],
               lambda: rates("fashion")),
    reproduced("D32i", "003:1141", "Fashion-MNIST: rows and columns of a picture", (28, 28),
               lambda: network("fashion").input_shape[:2]),
]  # fmt: skip
