"""The ledger's rows of the chapter convolution on pooling, on X or O, and on what a layer sees."""

from __future__ import annotations

import contextlib
import functools
import io

import numpy as np

import tinynet as tn

from . import printed
from .filters import conv, side
from .networks import network
from .row import computed, convention, erratum, lost, misread, reproduced, statement

# -- pooling ---------------------------------------------------------------------------------------


def pooled(kind="max", stride=2):
    x = tn.Tensor(np.float32(printed.POOLED)[None, :, :, None])
    return getattr(tn, f"{kind}_pool2d")(x, 2, stride).numpy()[0, :, :, 0]


def flattened(order):
    """By the layer Flatten, of the pooled map as it is or turned: "rows" or "columns"."""
    x = pooled() if order == "rows" else pooled().T
    return tn.layers.Flatten()(x[None, :, :, None]).numpy()[0]


@functools.cache
def pooled_volume():
    """What 2 x 2 with stride 2 makes of 224 x 224 x 64, and of its channel 5 alone."""
    x = tn.Tensor(np.random.default_rng(0).random((1, 224, 224, 64), dtype=np.float32))
    y, alone = tn.max_pool2d(x), tn.max_pool2d(x[..., 5:6])
    same = np.array_equal(y[..., 5:6].numpy(), alone.numpy())
    return {"shape": y.shape[1:], "each of": x.size / y.size, "alone": same}


def moved_and_turned():
    """The best match of a stroke, of 9: as it is, moved, and turned."""
    stroke = np.pad(2 * np.eye(5) - 1, 6, constant_values=-1)
    pictures = [stroke, np.roll(stroke, (3, 2), (0, 1)), stroke[:, ::-1]]
    return [conv(picture, printed.FILTERS[0]).max() for picture in pictures]


# -- X or O ----------------------------------------------------------------------------------------


def letter():
    """The slide's X without the row that stands there twice, and without the number too many."""
    rows = [row for i, row in enumerate(printed.LETTER) if i == 0 or row != printed.LETTER[i - 1]]
    width = min(map(len, rows))
    return np.array([[1 if c == "#" else -1 for c in row[:width]] for row in rows])


def matches(of=0):
    """How well a filter fits each place of the X: 1 is perfect.  (7, 7)"""
    return conv(letter(), printed.FILTERS[of]) / 9


def truncated(numbers):
    """To two decimals, as the slide prints them: 7/9 is 0.77, not 0.78."""
    return np.trunc(np.round(np.float64(numbers) * 100, 4)) / 100 + 0.0


def pooled_matches():
    positive = tn.relu(tn.Tensor(matches()[None, :, :, None]))
    return tn.max_pool2d(positive, 2, ceil_mode=True).numpy()[0, :, :, 0]


# -- what one number sees, and what a layer needs --------------------------------------------------


def stack(*layers, input_shape=(128, 128, 1)):
    """A network of ("conv", K, S) and ("pool", K, S)."""
    kinds = {
        "conv": lambda K, S: tn.layers.Conv2D(1, K, strides=S),
        "pool": lambda K, S: tn.layers.MaxPooling2D(K, S),
    }
    made = [kinds[kind](K, S) for kind, K, S in layers]
    return tn.Sequential(made, input_shape=input_shape, rng=np.random.default_rng(0))


NETWORKS = {
    "Keras MNIST": lambda: network("mnist"),
    "TF1 MNIST": lambda: stack(*[("conv", 5, 1), ("pool", 2, 2)] * 2),
    "Fashion-MNIST": lambda: network("fashion"),
    "cartoon encoder": lambda: stack(*[("conv", 3, 2)] * 5),
    "dog encoder": lambda: stack(("conv", 5, 2), ("conv", 3, 2), ("conv", 3, 2)),
    "X or O": lambda: stack(("conv", 3, 1), ("pool", 2, 2)),
}


def fields(name, what="receptive_field"):
    """The pixels that one number sees, or the "jump" to the next, after each layer that slides."""
    with contextlib.redirect_stdout(io.StringIO()):  # it prints its table
        rows = tn.cost(NETWORKS[name]()).rows
    return [getattr(row, what)[0] for row in rows if row.kind in ("Conv2D", "MaxPooling2D")]


def column_matrix(H, C, K, batch, stride=1, padding="valid"):
    """MiB of the matrix with a row for each window of each picture, float32."""
    one = tn.im2col(tn.Tensor(np.zeros((1, H, H, C), np.float32)), K, stride, padding).data
    return one.nbytes * batch / 2**20


# -- the rows --------------------------------------------------------------------------------------

ROWS = [
    misread("B15a", "001:832", "rows of the X", 10, 9, lambda: letter().shape[0],
            "The row in the middle is there twice. Without it the X is 9 x 9, its own mirror "
            "image, and gives the 48 numbers of D22a.", as_printed=lambda: len(printed.LETTER)),
    misread("B15b", "001:832", "numbers in the first row of the X", 10, 9,
            lambda: letter().shape[1], "The other rows have nine, all of them -1 at both ends.",
            as_printed=lambda: len(printed.LETTER[0])),
    misread("B15c", "001:846", "the second X, deformed", "10 x 10 numbers", None, None,
            "Some of its cells are out of place, and no other number says where they belong."),
    computed("B15d", "001:871", "best match of each of the three filters in the X", [1, 1, 1],
             lambda: [matches(of).max() for of in range(3)], printed=printed.FILTERS[0]),
    reproduced("B18a", "001:1096", "224 x 224 x 64, pooled by 2 x 2 with stride 2",
               (112, 112, 64), lambda: pooled_volume()["shape"]),
    reproduced("B18b", "001:1096", "numbers of which each maximum is taken", 4,
               lambda: pooled_volume()["each of"]),
    statement("B18c", "001:1096", "A channel that is pooled alone gives the same numbers.",
              "independently in every depth slice", lambda: pooled_volume()["alone"]),
    reproduced("C05a", "002:152", "max pool 2 x 2, stride 2", [[6, 8], [3, 4]], pooled),
    computed("C05b", "002:135", "min pool 2 x 2, stride 2", [[1, 2], [1, 0]],
             lambda: pooled("min"), printed=printed.POOLED),
    computed("C05c", "002:136", "average pool 2 x 2, stride 2", [[3.25, 5.25], [2, 2]],
             lambda: pooled("average"), printed=printed.POOLED),
    computed("C05d", "002:137", "sum pool 2 x 2, stride 2", [[13, 21], [8, 8]],
             lambda: pooled("sum"), printed=printed.POOLED),
    erratum("C06a", "002:155", "stride of the second max pool", 2, 1,
            lambda: next(S for S in (2, 1) if pooled("max", S).shape == (3, 3)),
            "With a stride of 2 the map is 2 x 2, for (4 - 2) / 2 + 1 = 2. The nine numbers that "
            "are printed are those of stride 1."),
    reproduced("C06b", "002:160", "max pool 2 x 2, with stride 1",
               [[6, 7, 8], [6, 7, 8], [3, 3, 4]], lambda: pooled("max", 1)),
    reproduced("C07a", "002:171", "flattened row by row, as Flatten does it", [6, 8, 3, 4],
               lambda: flattened("rows")),
    convention("C07b", "002:176", "flattened column by column", [6, 3, 8, 4], [6, 8, 3, 4],
               lambda: flattened("rows"),
               "Both orders are possible, as the slide says. Training and use must agree.",
               as_printed=lambda: flattened("columns")),
    computed("D21a", "003:696", "L2-norm pooling of the numbers of C05",
             [[7.94, 11.53], [4.24, 5.1]], lambda: pooled("l2"), 2, printed=printed.POOLED),
    erratum("D21b", "003:713", "best match of a stroke as it is, moved, and turned",
            "invariant to ... orientation", [9, 9, 5], moved_and_turned,
            "Pooling does not see that a stroke has moved. A turned stroke does not match any "
            "more: only another filter, or training with turned pictures, can help."),
    reproduced("D21c", "003:704", "window and stride of a pooling layer if nobody says them",
               [2, 2], lambda: [tn.layers.MaxPooling2D().pool_size[0],
                                tn.layers.MaxPooling2D().strides[0]]),
    computed("D21d", "003:704", "sides of 28 x 28 after such pooling, and after a 3 x 3 window, "
             "stride 1 and padding", [14, 28],
             lambda: [tn.layers.MaxPooling2D().output_shape((28, 28, 1))[0],
                      side(28, 3, 1, "same")], printed="2x2, stride 2; 3x3, stride 1"),
    reproduced("D22a", "003:826", "X or O: map of the first filter, cut to two decimals",
               [float(n) for n in printed.MATCHES.split()],
               lambda: truncated(matches()).ravel()[1:]),
    computed("D22b", "003:826", "first number of that map, which is lost on the slide", 0.77,
             lambda: truncated(matches())[0, 0]),
    computed("D22c", "003:788", "ReLU and max pool of that map",
             [[1, 0.33, 0.55, 0.33], [0.33, 1, 0.33, 0.55],
              [0.55, 0.33, 1, 0.11], [0.33, 0.55, 0.11, 0.77]],
             lambda: truncated(pooled_matches())),
    computed("D22d", "003:790", "the share of its pixels that is left", 0.33,
             lambda: pooled_matches().size / matches().size, 2, printed="about a quarter",
             why="7 x 7 becomes 4 x 4: the last window reaches over the edge."),
    lost("D22e", "003:849", "the votes for X and for O", None,
         "Their weights were in the drawing."),
    # What one number sees of the input, after each layer.
    *[
        computed(f"R{i:02}", place, f"pixels that a number sees, layer by layer: {name}", sizes,
                 functools.partial(fields, name))
        for i, (name, place, sizes) in enumerate((
            ("Keras MNIST", "003:1080", [3, 5, 6, 10, 14, 16]),
            ("TF1 MNIST", "003:995", [5, 6, 14, 16]),
            ("Fashion-MNIST", "003:1147", [3, 5, 6]),
            ("cartoon encoder", "000:186", [3, 7, 15, 31, 63]),
            ("dog encoder", "004:190", [5, 9, 17]),
            ("X or O", "003:763", [3, 4]),
        ), 1)
    ],
    computed("R07", "000:198", "pixels from one number of the cartoon encoder to the next", 32,
             lambda: fields("cartoon encoder", "jump")[-1]),
    # What the columns of a convolution need in one piece: why tinynet makes them in tiles.
    computed("M01", "003:995", "MiB of columns: TF1 conv 2, batch 1000", 598,
             lambda: column_matrix(14, 32, 5, 1000, padding="same"), 0),
    computed("M02", "000:189", "MiB of columns: cartoon conv_2, batch 128", 576,
             lambda: column_matrix(128, 32, 3, 128, 2, "same")),
    computed("M03", "000:186", "MiB of columns: cartoon conv_1, batch 128", 216,
             lambda: column_matrix(256, 3, 3, 128, 2, "same")),
    computed("M04", "003:1147", "MiB of columns: Fashion conv 2, batch 128", 81,
             lambda: column_matrix(26, 32, 3, 128)),
    computed("M05", "003:1083", "MiB of columns: Keras conv 2, batch 64", 40.5,
             lambda: column_matrix(26, 32, 3, 64)),
]  # fmt: skip
