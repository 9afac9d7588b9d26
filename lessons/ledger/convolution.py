"""The ledger's rows of the chapter convolution: pictures as numbers, filters, pooling, X or O."""

from __future__ import annotations

import numpy as np

import tinynet as tn

from ..convolution import pixels, pooling, sharpen, stride_padding, volume, xo
from .row import computed, erratum, lost, reproduced, statement

# -- what the rows call, where a lesson has it not as one number -----------------------------------


def grid(what):
    return pixels.slide_grid("cpu")[what]


def shapes_of_64_numbers():
    numbers = pixels.shapes("cpu")
    return [" x ".join(map(str, numbers[kind].shape)) for kind in ("vector", "matrix", "tensor")]


def different_weights():
    """Of a 4 x 4 filter, shifted by 2 over 28 x 28, written as one large matrix."""
    w = tn.Tensor(np.arange(1, 17, dtype=np.float32).reshape(4, 4, 1, 1))
    matrix = stride_padding.as_dense(w, "cpu")
    return np.unique(matrix[matrix != 0]).size


def best_matches():
    """The best match of each feature in the slide's X: 1 is perfect."""
    return xo.match([xo.X], "cpu")[0].max(axis=(0, 1, 2))


def first_map(step):
    """Of the first feature: 0 the match, 2 relu and max pool.  Cut to two decimals."""
    return xo.truncated(xo.match([xo.X], "cpu")[step][0, :, :, 0])


def softmax_as_printed():
    y = np.array([2.0, -1.0, 0.5])
    return np.allclose(tn.softmax(tn.Tensor(y)).numpy(), np.exp(y) / np.exp(y).sum(), atol=1e-12)


def softmax_of_shifted():
    """How much softmax changes if 100 is added to every score."""
    y = tn.Tensor(np.array([2.0, -1.0, 0.5]))
    return tn.abs(tn.softmax(y + 100.0) - tn.softmax(y)).max().item()


def shares_of_one():
    classes = pixels.class_probabilities("cpu")
    return classes["sum"] == 1 and np.allclose(classes["softmax"], classes["p"], atol=1e-9)


def convolved(line, w):
    """True convolution by conv2d, whose kernel is turned round for it."""
    line, w = np.float32(line)[None, None], np.float32(w)[None, ::-1].copy()
    wherever_they_touch = ((0, 0), (w.size - 1, w.size - 1))
    return sharpen.filtered(tn.Tensor(line), w, wherever_they_touch).numpy().ravel()


def index_of_the_sum():
    """Over which index y[n] = sum x(k) h(n - k) is the convolution."""
    x, h = [2, 7, 1, 8], [3, 1, 4]
    places = range(len(x) + len(h) - 1)
    pairs = [(n, k) for n in places for k in range(len(x)) if 0 <= n - k < len(h)]
    over = {  # one number for each value of the index that is left
        "n": [sum(x[k] * h[n - k] for n, j in pairs if j == k) for k in range(len(x))],
        "k": [sum(x[k] * h[n - k] for m, k in pairs if m == n) for n in places],
    }
    y = convolved(x, h)
    return next((index for index, sums in over.items() if np.array_equal(sums, y)), "neither")


def kernel_of_the_result():
    """The kernel that turns 0 1 2 3 4 into the printed result: a division of polynomials."""
    x = np.arange(5)
    result = sharpen.flipped("cpu")["numpy"]
    return np.polydiv(result[1:], x[1:])[0].round(9)  # without the 0 that leads in both


def smaller_with_stride():
    sizes = [stride_padding.measured_size(32, 3, S, 0, "cpu") for S in (1, 2, 3)]
    return sizes == sorted(sizes, reverse=True) and len(set(sizes)) == 3


def stride_of_the_second_map():
    """Which stride makes the nine numbers that are printed."""
    return next(S for S in (2, 1) if pooling.slide_pooled("max", S).shape == (3, 3))


def volume_of(filters, H=32, K=3, P=1):
    side = stride_padding.measured_size(H, K, 1, P, "cpu")
    return side, side, volume.number_of_maps(3, filters)


def brightened():
    edges = sharpen.photograph("cpu")["edges_brighter"]
    return [edges.min(), edges.max()]


def fields(name):
    return [
        size for size, _ in stride_padding.measured_fields(stride_padding.NETWORKS[name], "cpu")
    ]


def column_matrix(H, C, K, batch, stride=1, padding="valid"):
    """MiB of the matrix with a row for each window of each picture, float32."""
    one = tn.im2col(tn.Tensor(np.zeros((1, H, H, C), np.float32)), K, stride, padding).data
    return one.nbytes * batch / 2**20


# -- the rows --------------------------------------------------------------------------------------

ROWS = [
    reproduced("A01a", "000:30", "the same 64 numbers as vector, matrix and tensor",
               ["64", "8 x 8", "4 x 4 x 4"], shapes_of_64_numbers),
    reproduced("A01b", "000:45", "dimensions of a colour photograph", 3,
               lambda: pixels.photograph().ndim),
    computed("A03a", "000:61", "the terms of the sharpen filter, down the columns",
             [0, -9, 0, -6, 50, -14, 0, -11, 0], lambda: sharpen.one_value("cpu")["terms"]),
    erratum(7, "A03b", "000:61", "sum of the sharpen filter's terms", 15, 10,
            lambda: sharpen.one_value("cpu")["value"],
            as_printed=lambda: sharpen.one_value("cpu")["value_with_bias"]),
    erratum(8, "B12a", "001:645", "the one number in which the grid's two copies differ", 256,
            206, lambda: grid("values")[0][1], as_printed=lambda: grid("values")[0][0]),
    computed("B12b", "001:645", "row and column of that number", [4, 1],
             lambda: grid("places")[0]),
    reproduced("B12c", "001:678", "least and largest number of the second copy", [0, 255],
               lambda: [ends[1] for ends in grid("range")]),
    computed("B12d", "001:661", "numbers in the grid of 16 x 12", 192,
             lambda: pixels.COPIES[..., 1].size),
    computed("B12e", "001:679", "numbers in 1080 x 1080 x 3", 3499200, pixels.rgb_numbers),
    reproduced("B14a", "001:820", "different weights of a 4 x 4 filter", 16, different_weights),
    computed("B14b", "001:822", "side of the map of a 4 x 4 filter, shifted by 2 over 28 x 28", 13,
             lambda: stride_padding.measured_size(28, 4, 2, 0, "cpu")),
    computed("B14c", "001:768", '"many, many parameters": fully connected from 28 x 28 to those '
             "13 x 13", 132665, lambda: stride_padding.parameter_counts(28, 4, 2)["dense"]),
    computed("B14d", "001:813", "from 28 x 28 to 13 x 13 with one shared filter and its bias", 17,
             lambda: stride_padding.parameter_counts(28, 4, 2)["convolution"]),
    erratum(9, "B15a", "001:832", "rows of the X", 10, 9, lambda: len(xo.X),
            as_printed=lambda: len(xo.SLIDE_X)),
    erratum(9, "B15b", "001:832", "numbers in the X's first row", 10, 9, lambda: len(xo.X[0]),
            as_printed=lambda: len(xo.SLIDE_X[0])),
    lost("B15c", "001:846", "the second X, deformed", "10 x 10 numbers",
         "Some of its cells have gone astray, and no printed number says where they belong."),
    computed("B15d", "001:871", "best match of each of the three filters in the X", [1, 1, 1],
             best_matches),
    reproduced("B16a", "001:1035", "feature map of the 5 x 5 image, row by row",
               [4, 3, 4, 2, 4, 3, 2, 3],
               lambda: sharpen.feature_map("cpu")["map"].ravel()[:8]),
    computed("B16b", "001:1047", "last number of that feature map, lost with the drawing", 4,
             lambda: sharpen.feature_map("cpu")["map"][2, 2]),
    computed("B17a", "001:1068", "sum of the sharpen kernel: brightness stays", 1,
             sharpen.SHARPEN.sum),
    computed("B17b", "001:1076", "sum of the edge kernel: flat areas become 0", 0,
             sharpen.EDGES.sum),
    reproduced("B18a", "001:1096", "224 x 224 x 64, pooled by 2 x 2 with stride 2",
               (112, 112, 64), lambda: pooling.volume(0, "cpu")["shape"]),
    reproduced("B18b", "001:1096", "numbers of which each maximum is taken", 4,
               lambda: 1 / pooling.volume(0, "cpu")["share"]),
    statement("B18c", "001:1096", "pooling a channel alone gives the same",
              "independently in each slice", lambda: pooling.volume(0, "cpu")["alone"]),
    statement("B19a", "001:1115", "softmax of 2, -1 and 0.5", "e^y / sum e^y",
              softmax_as_printed),
    computed("B19b", "001:1115", "change of softmax if 100 is added to each score", 0,
             softmax_of_shifted, 12),
    erratum(16, "C01a", "002:47", "feature maps of one kernel of depth 3", 3, 1,
            lambda: volume.number_of_maps(3, 1)),
    computed("C01b", "002:41", "feature maps of ten kernels of depth 3", 10,
             lambda: volume.number_of_maps(3, 10)),
    lost("C01c", "002:51", "accuracy in proportion to filters and to depth", "proportional",
         "No law, and no data beside it: with more filters a network can also overfit."),
    statement("C02a", "002:66", "maps of 32 x 32 with stride 1, 2 and 3", "smaller",
              smaller_with_stride),
    reproduced("C02b", "002:81", "side of the output of 4 x 4 with a border of zeros", 4,
               lambda: stride_padding.measured_size(4, 3, 1, 1, "cpu"),
               why="The filter's size is not printed; 3 x 3 is taken."),
    erratum(17, "C03", "002:98", "the index that the sum of a convolution runs over", "n", "k",
            index_of_the_sum),
    reproduced("C05a", "002:152", "max pool 2 x 2, stride 2", [[6, 8], [3, 4]],
               pooling.slide_pooled),
    computed("C05b", "002:135", "min pool 2 x 2, stride 2", [[1, 2], [1, 0]],
             lambda: pooling.slide_pooled("min")),
    computed("C05c", "002:136", "average pool 2 x 2, stride 2", [[3.25, 5.25], [2, 2]],
             lambda: pooling.slide_pooled("mean")),
    computed("C05d", "002:137", "sum pool 2 x 2, stride 2", [[13, 21], [8, 8]],
             lambda: pooling.slide_pooled("sum")),
    erratum(18, "C06a", "002:155", "stride of the second max pool", 2, 1,
            stride_of_the_second_map),
    reproduced("C06b", "002:160", "max pool 2 x 2, with stride 1",
               [[6, 7, 8], [6, 7, 8], [3, 3, 4]], lambda: pooling.slide_pooled("max", 1)),
    reproduced("C07a", "002:171", "flattened, row by row", [6, 8, 3, 4],
               lambda: pooling.flattened("cpu")["rows"]),
    reproduced("C07b", "002:176", "flattened, column by column", [6, 3, 8, 4],
               lambda: pooling.flattened("cpu")["columns"]),
    lost("D11", "003:368", '"What computers see": 20 x 20 numbers', "400 numbers",
         "The scan misread too many: 20 cells are not even two digits.", erratum=25),
    statement("D12", "003:392", "dog .80, cat .15, car .05: they make 1, and softmax can give them",
              "probability", shares_of_one),
    reproduced("D13a", "003:415", '"180w + 5b": parameters of five filters of 36 weights', 180 + 5,
               stride_padding.d13_parameters,
               why="How the 36 lie is not printed: 6 x 6, or 3 x 3 on four channels."),
    lost("D13b", "003:415", "layers of AlexNet in 2012 and of ResNet in 2015", [8, 152],
         "Networks from outside the slides, which do not say how they are built."),
    reproduced("D14a", "003:476", "np.convolve of 0 1 2 3 4 and 1 -1 2", [0, 1, 1, 3, 5, 2, 8],
               lambda: convolved(range(5), [1, -1, 2])),
    erratum(23, "D14b", "003:471", "w in the drawing", [1, 1, 2], [1, -1, 2],
            kernel_of_the_result),
    computed("D14c", "003:471", "what w = 1 1 2 would have given", [0, 1, 3, 7, 11, 10, 8],
             lambda: convolved(range(5), [1, 1, 2])),
    computed("D14d", "003:476", "correlation, which does not turn the kernel round",
             [0, 2, 3, 5, 7, -1, 4], lambda: sharpen.flipped("cpu")["correlation"]),
    lost("D15", "003:513", "5 x 5 input of a convolution, and a 3 of its map", None,
         "The scan has letters among the numbers, and gaps. B16 has the same example whole."),
    computed("D16a", "003:567", "nine ones on a white picture, zeros around it: corner, side",
             [4, 6], lambda: stride_padding.borders("cpu")[0]),
    computed("D16b", "003:567", "nine ones on a white picture, its edge repeated around it: "
             "corner, side", [9, 9], lambda: stride_padding.borders("cpu")[1]),
    reproduced("D17a", "003:625", "edges + 100, at most 255: least and largest", [100, 255],
               brightened),
    computed("D17b", "003:611", "ITU-R 601-2 luma of white; the weights are from outside the "
             "slides", 255, lambda: pixels.luma(tn.Tensor([255.0] * 3)).item(), 3),
    lost("D17c", "003:623", "the kernel of the gradient magnitude, and bird.jpg", None,
         "The kernel's numbers and the photograph are not in the text."),
    reproduced("D18a", "003:641", "shape of the demo's output", (3, 3, 2),
               lambda: volume.demo()["output"].shape),
    erratum(24, "D18b", "003:639", "numbers in the middle slice of filter w1", 6, 9,
            lambda: volume.demo()["filters"][1, 1].size, as_printed=lambda: len(volume.PRINTED)),
    computed("D18c", "003:639", "parameters of the demo's two filters", 56,
             lambda: volume.demo()["parameters"]),
    lost("D18d", "003:641", "the demo's first map, o[:,:,0]",
         [[-1, -5, -5], [2, -2, -8], [-3, -7, -7]],
         "The input, the filter w0 and its bias are not in the text."),
    lost("D18e", "003:650", "the demo's second map, o[:,:,1]", [[3, 0, -3], [1, 8, 0], [2, 4, 0]],
         "The input, the bias b1 and three numbers of w1 are not in the text."),
    reproduced("D19a", "003:664", "output of one 3 x 3 filter on 32 x 32", (32, 32, 1),
               lambda: volume_of(1)),
    reproduced("D19b", "003:662", "maps of ten filters on 32 x 32", 10, lambda: volume_of(10)[2]),
    statement("D20a", "003:680", "a 1 x 1 filter on three channels makes the grey picture",
              "1x1 filters have sense", lambda: volume.one_by_one("cpu") < 0.001),
    computed("D21a", "003:696", "L2-norm pooling of C05's numbers", [[7.94, 11.53], [4.24, 5.1]],
             lambda: pooling.slide_pooled("L2 norm"), 2),
    computed("D21b", "003:713", "best match of a stroke: as it is, moved, turned. Pooling gives "
             '"invariant" to moves, not to "orientation changes"', [9, 9, 5],
             lambda: pooling.moved_and_turned("cpu")),
    reproduced("D22a", "003:826", "X or O: the map of the first filter, cut to two decimals",
               xo.SLIDE.ravel()[1:].tolist(), lambda: first_map(0).ravel()[1:]),
    computed("D22b", "003:826", "first number of that map, lost on the slide", 0.77,
             lambda: first_map(0)[0, 0]),
    computed("D22c", "003:788", "relu and max pool of that map",
             [[1, 0.33, 0.55, 0.33], [0.33, 1, 0.33, 0.55],
              [0.55, 0.33, 1, 0.11], [0.33, 0.55, 0.11, 0.77]], lambda: first_map(2)),
    computed("D22d", "003:790", '"about a quarter as many pixels": the share left of 7 x 7', 0.33,
             lambda: first_map(2).size / first_map(0).size, 2),
    lost("D22e", "003:849", "the votes for X and for O", None,
         "Their weights were in the drawing."),
    # What one number sees of the input, after each layer; found by backward().
    *[
        computed(f"R{i:02}", place, f"pixels seen after each layer: {name}", sizes,
                 lambda name=name: fields(name))
        for i, (name, place, sizes) in enumerate((
            ("Keras MNIST", "003:1080", [3, 5, 6, 10, 14, 16]),
            ("TF1 MNIST", "003:995", [5, 6, 14, 16]),
            ("Fashion-MNIST", "003:1147", [3, 5, 6]),
            ("cartoon encoder", "000:186", [3, 7, 15, 31, 63]),
            ("dog encoder", "004:190", [5, 9, 17]),
            ("X or O", "003:763", [3, 4]),
        ), 1)
    ],
    computed("R07", "000:198", "jump of the cartoon encoder: pixels between neighbours", 32,
             lambda: stride_padding.measured_fields(
                 stride_padding.NETWORKS["cartoon encoder"], "cpu")[-1][1]),
    # What a convolution's columns need in one piece: why it is done in tiles.
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
