"""The ledger's rows of the chapter convolution: pictures as numbers, filters, volumes."""

from __future__ import annotations

import functools
import re

import numpy as np

import tinynet as tn

from . import pooling, printed
from .filters import conv, side
from .networks import lesson
from .row import computed, convention, lost, misread, reproduced, statement

# -- pictures as numbers ---------------------------------------------------------------------------


def copies():
    """The portrait's two copies.  -> (2, 16, 12)"""
    rows = np.array(lesson("numbers").SLIDE.split(), int).reshape(16, 2, 12)
    return rows.transpose(1, 0, 2)


def where_they_differ():
    """Row and column, counted from 1, and the two numbers, if it is one place."""
    first, second = copies()
    ((row, column),) = np.argwhere(first != second)
    return [row + 1, column + 1], [first[row, column], second[row, column]]


def the_one_that_is_a_pixel():
    byte = np.iinfo(np.uint8)
    return next(n for n in where_they_differ()[1] if byte.min <= n <= byte.max)


def mended():
    """The first copy with a pixel in the place of the 256."""
    copy = copies()[0].ravel()
    copy[copy > np.iinfo(np.uint8).max] = the_one_that_is_a_pixel()
    return copy


def shapes_of_64_numbers():
    v = tn.Tensor(np.arange(64))
    shapes = [v.shape, v.reshape(8, 8).shape, v.reshape(4, 4, 4).shape]
    return [" x ".join(map(str, shape)) for shape in shapes]


@functools.cache
def photograph():
    """(1, 600, 512, 3), 0 to 255: the one that comes with Matplotlib"""
    from ..shared.data import photograph

    return tn.Tensor(photograph())[None]


def gray(pictures):
    """ITU-R 601-2 luma, by a 1 x 1 filter.  (N, H, W, 3) -> (N, H, W, 1)"""
    weights = tn.Tensor(np.float32([0.299, 0.587, 0.114]).reshape(1, 1, 3, 1))
    return tn.conv2d(pictures, weights)


def one_by_one_is_gray():
    by_hand = photograph().numpy() @ np.float32([0.299, 0.587, 0.114])
    return bool(abs(gray(photograph()).numpy()[..., 0] - by_hand).max() < 0.001)


def unreadable_cells():
    """Of the 20 x 20 numbers, those that are not two digits."""
    cells = printed.COMPUTERS_SEE.split()
    return sum(not re.fullmatch(r"\d\d", cell) for cell in cells)


# -- one filter ------------------------------------------------------------------------------------


CENTER = np.array(printed.SHARPEN)[1:4, 1:4]  # of the sharpen kernel: the rest is zeros


def sharpen_terms():
    """The slide goes down the columns."""
    return (np.array(printed.SHARPEN_PATCH) * CENTER).T.ravel()


def sharpened(bias):
    x = tn.Tensor(np.float32(printed.SHARPEN_PATCH)[None, :, :, None])
    return tn.conv2d(x, np.float32(CENTER)[:, :, None, None], np.float32([bias])).item()


def on_a_flat_picture(kernel):
    return conv(np.ones(np.shape(kernel)), kernel).item()


def whole_image():
    """The image of the other lecture whose last four columns are what is left of this one."""
    rest = np.array(printed.IMAGE_REST)
    return next(i for i in [printed.IMAGE] if np.array_equal(np.array(i)[:, 1:], rest))


def as_dense_matrix():
    """The filter of 4 x 4, shifted by 2 over 28 x 28, written as one large matrix: (784, 169)"""
    w = tn.Tensor(np.arange(1, 17, dtype=np.float32).reshape(4, 4, 1, 1))
    lit = tn.Tensor(np.eye(784, dtype=np.float32).reshape(784, 28, 28, 1))
    return tn.conv2d(lit, w, stride=2).reshape(784, 169).numpy()


def parameters(*layers, input_shape):
    model = tn.Sequential(list(layers), input_shape=input_shape, rng=np.random.default_rng(0))
    return sum(p.size for p in model.parameters())


def correlated(w, x=printed.LINE):
    """A kernel slid over a line, wherever the two touch."""
    around = ((0, 0), (len(w) - 1, len(w) - 1))
    return conv([x], [w], padding=around)[0]


def convolved(w, x=printed.LINE):
    """The same with the kernel turned round."""
    return correlated(w[::-1], x)


def kernel_of_the_result():
    """The kernel that makes of 0 1 2 3 4 the printed result: a division of polynomials."""
    return np.polydiv(printed.LINE_RESULT[1:], printed.LINE[1:])[0].round(9)


def index_of_the_sum():
    """Over which index y[n] = sum x(k) h(n - k) is the convolution."""
    x, h = [2, 7, 1, 8], [3, 1, 4]
    places = range(len(x) + len(h) - 1)
    pairs = [(n, k) for n in places for k in range(len(x)) if 0 <= n - k < len(h)]
    over = {  # one number for each value of the index that is left
        "n": [sum(x[k] * h[n - k] for n, j in pairs if j == k) for k in range(len(x))],
        "k": [sum(x[k] * h[n - k] for m, k in pairs if m == n) for n in places],
    }
    y = convolved(h, x)
    return next((index for index, sums in over.items() if np.array_equal(sums, y)), "neither")


def corner_and_side(mode):
    """Nine ones on a white picture: the sums at a corner and at a side."""
    white = np.pad(np.ones((4, 4)), 1, mode)
    return conv(white, np.ones((3, 3)))[0, :2]


def edges_brightened():
    """|gradient| + 100, at most 255, of a photograph: the least and the largest."""
    mirrored = tn.pad(gray(photograph()), ((0, 0), (1, 1), (1, 1), (0, 0)), mode="symmetric")
    edges = tn.conv2d(mirrored, np.float32(printed.EDGES)[:, :, None, None])
    found = tn.minimum(tn.abs(edges) + 100, 255)
    return [found.min().item(), found.max().item()]


# -- volumes ---------------------------------------------------------------------------------------


def maps(depth, filters, H=32):
    """The shape that filters of 3 x 3 x depth make of H x H x depth."""
    layer = tn.layers.Conv2D(filters, 3, padding="same")
    return layer.build((H, H, depth), np.random.default_rng(0)).output_shape((H, H, depth))


@functools.cache
def demo():
    """The demo's two filters, without its numbers."""
    layer = tn.layers.Conv2D(2, 3, strides=2)
    return tn.Sequential([tn.layers.ZeroPadding2D(1), layer], input_shape=(5, 5, 3),
                         rng=np.random.default_rng(0))  # fmt: skip


def parameters_of_one_filter():
    """On a color picture, for filters of 3, 5, 7 and 1."""
    return [parameters(tn.layers.Conv2D(1, K), input_shape=(28, 28, 3)) for K in (3, 5, 7, 1)]


# -- the rows --------------------------------------------------------------------------------------

ROWS = [
    *pooling.ROWS,
    reproduced("A01a", "000:30", "the same 64 numbers as vector, matrix and tensor",
               ["64", "8 x 8", "4 x 4 x 4"], shapes_of_64_numbers),
    reproduced("A01b", "000:45", "dimensions of a color photograph", 3,
               lambda: photograph()[0].ndim),
    computed("A03a", "000:61", "the terms of the sharpen filter, down the columns",
             [0, -9, 0, -6, 50, -14, 0, -11, 0], sharpen_terms, printed=printed.SHARPEN_TERMS),
    convention("A03b", "000:61", "sum of these terms, with a bias and without", 15, 10,
               lambda: sharpened(0),
               "The last + 5 has no pixel and no weight, so it is a bias. The slide does not "
               "introduce it. Without a bias the sum is 10, the pixel in the middle.",
               as_printed=lambda: sharpened(5)),
    misread("B12a", "001:645", "the one number in which the two copies differ", 256, 206,
            the_one_that_is_a_pixel,
            "A pixel is 0 to 255, so 256 is none. The second copy of the same picture has 206.",
            as_printed=lambda: where_they_differ()[1][0]),
    computed("B12b", "001:645", "row and column of that number", [4, 1],
             lambda: where_they_differ()[0]),
    reproduced("B12c", "001:678", "least and largest number of the second copy", [0, 255],
               lambda: [copies()[1].min(), copies()[1].max()]),
    computed("B12d", "001:679", "numbers of an RGB image", 3499200,
             lambda: tn.layers.Flatten().output_shape((1080, 1080, 3))[0],
             printed="1080 x 1080 x 3"),
    reproduced("B12e", "001:661", "the second copy, from the first with one number mended",
               copies()[1].ravel().tolist(), mended),
    reproduced("B14a", "001:820", "different weights of a 4 x 4 filter", 16,
               lambda: np.unique(as_dense_matrix()[as_dense_matrix() != 0]).size),
    computed("B14b", "001:822", "side of its map of 28 x 28 pixels", 13, lambda: side(28, 4, 2),
             printed="4 x 4, shift by 2"),
    computed("B14c", "001:768", '"many, many parameters": fully connected from 28 x 28 to '
             "13 x 13", 132665,
             lambda: parameters(tn.layers.Flatten(), tn.layers.Dense(169), input_shape=(28, 28))),
    computed("B14d", "001:813", "the same with one shared filter of 4 x 4 and its bias", 17,
             lambda: parameters(tn.layers.Conv2D(1, 4, strides=2), input_shape=(28, 28, 1))),
    reproduced("B16a", "001:1035", "feature map of the 5 x 5 image, row by row",
               [4, 3, 4, 2, 4, 3, 2, 3],
               lambda: conv(printed.IMAGE, printed.IMAGE_FILTER).ravel()[:8]),
    computed("B16b", "001:1043", "last number of that map, which is lost with the drawing", 4,
             lambda: conv(printed.IMAGE, printed.IMAGE_FILTER)[2, 2], printed=printed.IMAGE),
    computed("B17a", "001:1068", "what the sharpen kernel makes of a white picture: white", 1,
             lambda: on_a_flat_picture(printed.SHARPEN), printed=printed.SHARPEN),
    computed("B17b", "001:1076", "what the edge kernel makes of it: 0", 0,
             lambda: on_a_flat_picture(printed.EDGES), printed=printed.EDGES),
    convention("C01a", "002:47", "feature maps, if a kernel has a depth of 3", 3, 1,
               lambda: maps(3, 1)[-1],
               'The notes call the number of filters their "depth", and three filters make three '
               "maps. As the word is used today, the depth of a kernel is the number of channels "
               "that it looks at. They are summed, so one such kernel makes one map.",
               as_printed=lambda: maps(3, 3)[-1]),
    lost("C01b", "002:51", "accuracy in proportion to filters and to depth", "proportional",
         "There are no data beside it, and it is no law: a network with more filters may overfit."),
    statement("C02a", "002:66", "With a greater stride the map of 32 x 32 is smaller.",
              "stride 1, stride 2", lambda: side(32, 3, 1) > side(32, 3, 2) > side(32, 3, 3)),
    reproduced("C02b", "002:81", "output of 4 x 4 with a border of zeros", (4, 4),
               lambda: (side(4, 3, 1, 1),) * 2,
               why="The size of the filter is not printed; 3 x 3 is taken."),
    misread("C03", "002:98", "the index over which the sum of a convolution runs", "n", "k",
            index_of_the_sum,
            "y[n] cannot be a sum over n. The notes are written by hand, and a k was probably read "
            "as n. (The line above, without the minus, is a correlation.)"),
    misread("D11a", "003:368", '"What Computers See": 20 x 20 numbers',
            printed.COMPUTERS_SEE.split(), None, None,
            "Too many cells were misread, and nothing else on the slide tells what they were."),
    computed("D11b", "003:368", "of these, cells that are not even two digits", 20,
             unreadable_cells, printed="-97, 1.5, .40, $7, ..."),
    reproduced("D12", "003:392", "probabilities of dog, cat, car, as softmax of their logarithms",
               [0.80, 0.15, 0.05], lambda: tn.softmax(np.log([[0.80, 0.15, 0.05]])).numpy()[0], 9,
               why="Softmax gives numbers that sum to 1. It gives these back, so they do."),
    reproduced("D13a", "003:415", '"180w + 5b": weights and biases of five filters', [180, 5],
               lambda: [p.size for p in tn.layers.Conv2D(5, 6).build(
                   (28, 28, 1), np.random.default_rng(0)).parameters()],
               why="How the 36 weights of a filter lie is not printed. 6 x 6 is taken; 3 x 3 on "
               "four channels would do as well."),
    lost("D13b", "003:415", "layers of AlexNet and of ResNet", [8, 152],
         "The slide names the networks. It does not say what their layers are."),
    reproduced("D14a", "003:476", "np.convolve of 0 1 2 3 4 and 1 -1 2", printed.LINE_RESULT,
               lambda: convolved(printed.KERNEL)),
    misread("D14b", "003:471", "w in the drawing", printed.KERNEL_IN_DRAWING, printed.KERNEL,
            kernel_of_the_result,
            "The minus is lost. The code below has it, and the printed result needs it."),
    computed("D14c", "003:471", "what 1 1 2 would have given", [0, 1, 3, 7, 11, 10, 8],
             lambda: convolved(printed.KERNEL_IN_DRAWING)),
    computed("D14d", "003:476", "correlation, which does not turn the kernel round",
             [0, 2, 3, 5, 7, -1, 4], lambda: correlated(printed.KERNEL)),
    misread("D15a", "003:513", "the 5 x 5 input, of which four columns are left",
            printed.IMAGE_REST, printed.IMAGE, whole_image,
            "There are gaps, and letters among the numbers. What is left are the last four columns "
            "of the image of B16."),
    reproduced("D15b", "003:542", "the one number of its map that is left", 3,
               lambda: conv(whole_image(), printed.IMAGE_FILTER)[0, 1]),
    computed("D16a", "003:567", "nine ones on a white picture with zeros around it: corner, side",
             [4, 6], lambda: corner_and_side("constant")),
    computed("D16b", "003:567", "nine ones on a white picture with its edge repeated around it: "
             "corner, side", [9, 9], lambda: corner_and_side("edge")),
    computed("D16c", "003:562", "side of the map of 3 x 3 on 5 x 5, by stride", [3, 2],
             lambda: [side(5, 3, S) for S in (1, 2)], printed="stride 1, stride 2"),
    reproduced("D17a", "003:625", "edges of a photograph, + 100, at most 255: least and largest",
               [100, 255], edges_brightened,
               why="Of another photograph, and with the edge kernel of B17b."),
    computed("D17b", "003:611", "ITU-R 601-2 luma of white; its weights are from outside the "
             "slides", 255, lambda: gray(tn.Tensor(np.float32([[[[255] * 3]]]))).item(),
             3, printed="0 to 255"),
    lost("D17c", "003:623", "the kernel of the gradient magnitude, and bird.jpg", None,
         "The numbers of the kernel and the photograph are not in the text."),
    reproduced("D18a", "003:641", "shape of the demo's output", (3, 3, 2),
               lambda: demo()(np.zeros((1, 5, 5, 3), np.float32)).shape[1:]),
    misread("D18b", "003:639", "numbers in the middle slice of filter w1", 6, 9,
            lambda: demo().layers[1].kernel[:, :, 1, 1].size,
            "A slice is 3 x 3. Six of its numbers are left, 1 -1 1 0 1 1, and where the other "
            "three stood is not to be seen.", as_printed=lambda: len(printed.DEMO_W1_MIDDLE)),
    computed("D18c", "003:639", "parameters of the demo's two filters", 56,
             lambda: sum(p.size for p in demo().parameters()),
             printed="3 x 3 x 3 and a bias, 1 x 1 x 1"),
    lost("D18d", "003:641", "the first map of the demo, o[:,:,0]", printed.DEMO_OUTPUTS[0],
         "The input, the filter w0 and its bias are not in the text."),
    lost("D18e", "003:650", "the second map of the demo, o[:,:,1]", printed.DEMO_OUTPUTS[1],
         "The input, the bias b1 and three numbers of w1 are not in the text."),
    lost("D18f", "003:639", "what the first and last slice of w1 find",
         [*printed.DEMO_W1[0], *printed.DEMO_W1[2]],
         "The picture over which they slide is not in the text."),
    reproduced("D19a", "003:664", "output of one 3 x 3 filter on 32 x 32", (32, 32, 1),
               lambda: maps(3, 1)),
    reproduced("D19b", "003:662", "maps of ten filters on 32 x 32", 10, lambda: maps(3, 10)[2]),
    statement("D20a", "003:680", "A 1 x 1 filter on three channels makes a gray picture.",
              "Even 1x1 filters have sense", one_by_one_is_gray),
    computed("D20c", "003:680", "parameters of one filter on a color picture", [28, 76, 148, 4],
             parameters_of_one_filter, printed="3x3, 5x5, 7x7, 1x1"),
    reproduced("D20d", "003:682", "stride of a convolution if nobody says it", [1, 1],
               lambda: list(tn.layers.Conv2D(1, 3).strides)),
]  # fmt: skip
