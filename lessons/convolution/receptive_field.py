# %% [markdown]
# # Receptive field: what one number deep in a network sees, and why its weights are shared
#
# **Lecture.** *Machine Learning II* (TDDC17 AI, Linköping University): "Using Spatial Structure",
# "Applying Filters to Extract Features". *AutoEncoders and Convolutional Neural Networks (CNN)*
# (TIES4911, Lecture 3, University of Jyväskylä): "Image Classification", "CNNs", "2D
# Convolution". The networks are those of these lectures, of *Classification of Machine Learning
# Problems* (slides without a course's name) and of *Image Data Set: Dog breeds* (slides without a
# course's name)
#
# **Question.** A number deep in a network comes from numbers that come from numbers that come
# from pixels. From which pixels? And what is gained when all these numbers share the same few
# weights?
#
# **You will see.** Two rules that tell how many pixels a number sees, and gradients that say the
# same. A number that sees 63 x 63 pixels, but some of them hardly. A network of 114 parameters
# that beats one of 148,042.
#
# **Try.** `python -m lessons receptive_field --set "YOURS=[[7, 2], [3, 2], [3, 1]]"`: compute the
# sizes of these three layers by hand first. And then let all networks learn from both halves:
# `python -m lessons receptive_field --set WHERE=anywhere`. Who gains?

# %%
import numpy as np

import tinynet as tn
from lessons.shared import accuracy, claim, data, fit, least_squares, nearest_picture, size, table
from lessons.shared.draw import receptive_field as draw

YOURS = [[5, 2], [5, 1], [2, 2]]  # layers of your own: kernel and stride of each
NOISE = 0.4  # standard deviation of the noise in each pixel; a pattern adds 1
TRAIN = 300  # pictures to learn from
WHERE = "left"  # the half in which their patterns stand: left, right or anywhere
EPOCHS = size(6, 20)  # how many times a network sees all of them
SEED = 0

# %% [markdown]
# ## Two rules
#
# A convolution with a kernel of 3 x 3 weights computes each number from 3 x 3 pixels. The number
# "only sees these values", says the slide. They are its **receptive field**. A second convolution
# takes 3 x 3 of these numbers. Neighbors are one pixel apart, so together they see 5 x 5 pixels.
#
# In general we follow two quantities from layer to layer. The **size** $s$ is the number of
# pixels that one number sees, in a row or in a column. The **jump** $j$ is the distance in pixels
# from one number's field to its neighbor's. For the pixels themselves both are 1. A layer with a
# kernel of $K$ and a stride of $S$ changes them:
#
# $$s \leftarrow s + (K - 1) j, \quad j \leftarrow S j$$
#
# The kernel takes $K$ numbers. The last one's field lies $K - 1$ jumps behind the first one's.
# And the next place of the kernel is $S$ numbers away, that is $S$ jumps. Pooling is such a
# layer, too: its window is the kernel.
#
# By hand, for 3 x 3, 3 x 3 and pooling of 2 x 2 with stride 2: size $1 + 2 \cdot 1 = 3$, then $3
# + 2 \cdot 1 = 5$, then $5 + 1 \cdot 1 = 6$. The jump stays 1 twice and then becomes 2.


# %%
def fields(layers):
    """The size and the jump after each layer.  layers: kernel and stride of each"""
    size, jump, after = 1, 1, []
    for K, S in layers:
        size, jump = size + (K - 1) * jump, jump * S
        after.append((size, jump))
    return after


NETWORKS = {
    "Keras, MNIST": [(3, 1), (3, 1), (2, 2), (3, 1), (3, 1), (2, 2)],
    "TensorFlow 1, MNIST": [(5, 1), (2, 2), (5, 1), (2, 2)],
    "Fashion-MNIST": [(3, 1), (3, 1), (2, 2)],
    "encoder of cartoon faces": [(3, 2)] * 5,
    "encoder of dogs": [(5, 2), (3, 2), (3, 2)],
    "yours": [tuple(layer) for layer in YOURS],
}
computed = {name: fields(layers) for name, layers in NETWORKS.items()}
table(
    ["network", "kernel and stride of its layers", "size after each layer", "last jump"],
    [[name, ", ".join(f"{K} {S}" for K, S in NETWORKS[name]), " ".join(str(a[0]) for a in after),
      after[-1][1]] for name, after in computed.items()],
)  # fmt: skip

# %% [markdown]
# ## Is it true? Ask the gradient
#
# A number sees a pixel if a change of the pixel can change the number. How much it changes is the
# **gradient** of the number with respect to the pixel. `backward()` computes it for all pixels at
# once. So we compute one number, call `backward()`, and count the pixels whose gradient is not 0.
#
# All weights of a kernel are $1/K^2$ here, so that gradients cannot cancel. For pooling this
# means that we take the mean. (Max pooling would pass the gradient on to one pixel of its window
# only, the largest one.)


# %%
def gradient(layers, pixels, place, rng=None):
    """Of the number in row and column `place`; rng: random weights.  -> (pixels, pixels)"""
    x = y = tn.Tensor(np.zeros((1, pixels, pixels, 1), np.float32), requires_grad=True)
    for K, S in layers:
        shape = (K, K, y.shape[3], 8 if rng else 1)
        kernel = (rng.normal(size=shape) if rng else np.ones(shape)) / K**2
        y = tn.conv2d(y, tn.Tensor(kernel.astype(np.float32)), stride=S)
    y[0, place, place, 0].backward()
    return x.grad[0, :, :, 0]


def measured(layers):
    """The size and the jump after the last layer, from the fields of two neighbors."""
    first, second = (np.flatnonzero(gradient(layers, 128, i).any(axis=0)) for i in (0, 1))
    return len(first), second[0] - first[0]


found = {name: measured(layers) for name, layers in NETWORKS.items()}
equal = sum(found[name] == computed[name][-1] for name in NETWORKS)
print(f"Rules and gradients agree for {equal} of {len(NETWORKS)} networks.")
draw.nested(data.photograph()[60:316, 94:350], computed["encoder of cartoon faces"])
draw.growth(computed)

# %% [markdown]
# The last convolution of the Keras network sees 14 x 14 of 28 x 28 pixels: a part of a digit.
# Only the dense layers after it see the whole digit. A number at the end of the encoder of
# cartoon faces sees 63 x 63 of 256 x 256 pixels: an eye, perhaps, or a mouth. (At the border a
# part of the field is padding.)
#
# Why do the strides matter so much? With stride 1 each layer of 3 x 3 adds 2 pixels. With stride
# 2 the jump doubles, so each layer adds twice as much as the one before: 2, 4, 8, 16, 32. Five
# layers with stride 2 see as far as 31 layers with stride 1.
#
# ## Some pixels count more
#
# Seeing is not all. How **much** does each pixel of the field count? Take two layers of 3 in one
# dimension, all weights 1. The pixel in the middle reaches the number in three ways: over the
# left, the middle and the right number of the first layer. The pixel at the end has only one way.
# The numbers of ways are

# %%
print(*np.convolve([1, 1, 1], [1, 1, 1]))

# %% [markdown]
# This is as with dice: with two dice, six throws give the sum 7, and only one gives the sum 12.
# With more layers, as with more dice, the numbers of ways approach a bell curve. Most of the
# field then lies in the flat ends of the bell. The part that really counts is called the
# **effective** receptive field.
#
# We measure it as the side of the smallest square in the middle that holds 90% of the gradient.


# %%
def middle_square(field, share=0.9):
    """The side of the smallest square in the middle with that share of the gradient."""
    for border in range((len(field) - 1) // 2, -1, -1):
        inside = field[border : len(field) - border, border : len(field) - border]
        if inside.sum() >= share * field.sum():
            return len(inside)


stacks = {f"{n} layers, stride 1": [(3, 1)] * n for n in (2, 5, 10, 20, 31)}
stacks["5 layers, stride 2"] = NETWORKS["encoder of cartoon faces"]
bells = {name: gradient(layers, fields(layers)[-1][0], 0) for name, layers in stacks.items()}
squares = {name: middle_square(bell) for name, bell in bells.items()}
table(
    ["kernels of 3 x 3", "field", "90% in the middle", "share of the side"],
    [[name, len(bell), squares[name], f"{squares[name] / len(bell):.0%}"]
     for name, bell in bells.items()],
)  # fmt: skip

# %% [markdown]
# The deeper a stack with stride 1, the smaller is the part of its field that counts. With stride
# 2 the field is used far more evenly: 31 layers and 5 layers see 63 x 63 pixels, but what counts
# is 19 x 19 and 55 x 55. (In the figure below stride 2 leaves a pattern of lines. With stride 2,
# every second pixel lies in two windows of a layer, and the others lie in one.)
#
# Is this so only because all weights are equal? We repeat it with random weights, with eight
# channels instead of one, in several networks. We add up the gradients without their signs.

# %%
rng = np.random.default_rng(SEED)
kinds = "20 layers, stride 1", "5 layers, stride 2"
random = {
    kind: sum(abs(gradient(stacks[kind], len(bells[kind]), 0, rng)) for _ in range(size(2, 10)))
    for kind in kinds
}
sides = [middle_square(field) / len(field) for field in random.values()]
for kind, side in zip(kinds, sides, strict=True):
    print(f"{kind}, random weights: 90% of the gradient in {side:.0%} of the side")
draw.bells({kind: bells[kind] for kind in kinds}, random)

# %% [markdown]
# ## Dense, local, shared
#
# So each number of a convolution sees a patch. The slides get there in two steps from the
# **dense** (fully connected) layer, whose numbers see all pixels, with a weight for each: "No
# spatial information!" and "many, many parameters!"
#
# - **Locally connected**: each number sees its patch only, with weights of its own.
# - **Convolution**: all numbers **share** the same weights.
#
# We count the parameters (weights and biases) of one layer. We take the slide's "filter of size 4
# x 4" and "shift by 2" on 28 x 28 pixels, which gives 13 x 13 numbers. A number of the dense
# layer has a weight for each of the 784 pixels, and a bias.

# %%
numbers, window = 13 * 13, 4 * 4
counts = {"dense": (784 + 1) * numbers, "local": (window + 1) * numbers, "shared": window + 1}
table(["layer", "parameters"], [[name, f"{count:,}"] for name, count in counts.items()])

# %% [markdown]
# The last one does not depend on the size of the picture. The slide "CNNs" prints "conv (180w +
# 5b)": 180 weights and 5 biases. That is five kernels of 36 weights each, shared by all places of
# any picture. (Its drawing did not reach us. The kernels may be 6 x 6, or 3 x 3 with four
# channels.)
#
# The three layers are relatives. A convolution **is** a dense layer in which most weights are 0
# and the others repeat. To see its weights, we give it 784 pictures with one bright pixel each.
# The answers to them are the rows of the matrix.

# %%
kernel = np.random.default_rng(SEED).permutation(16).astype(np.float32) - 7.5  # all different
lit = tn.Tensor(np.eye(784, dtype=np.float32).reshape(784, 28, 28, 1))
matrix = tn.conv2d(lit, tn.Tensor(kernel.reshape(4, 4, 1, 1)), stride=2).numpy().reshape(784, 169)
used = matrix[matrix != 0]
print(f"{used.size:,} of {matrix.size:,} are not 0, with {len(np.unique(used))} different values.")
draw.as_dense(matrix)

# %% [markdown]
# ## Does sharing pay?
#
# The slide gives the reason to share: "features that matter in one part of the input should
# matter elsewhere". We put it to the test. In a picture of 16 x 16 pixels of noise stands one of
# two patterns of 5 x 5: an upright or a slanted cross. Both have nine bright pixels. Which one is
# it?
#
# For training the pattern always stands in the **left** half. We test twice: with new pictures
# whose pattern stands in the left half, and with such whose pattern stands in the right half.


# %%
def pictures(count, where, rng):
    """-> pictures (count, 16, 16, 1); labels (count,): 0 is upright, 1 is slanted"""
    upright, slanted = np.zeros((5, 5)), np.maximum(np.eye(5), np.eye(5)[::-1])
    upright[2] = upright[:, 2] = 1
    low, high = {"left": (0, 3), "right": (8, 11), "anywhere": (0, 11)}[where]
    x = rng.normal(0, NOISE, (count, 16, 16, 1)).astype(np.float32)
    labels = rng.integers(2, size=count)
    tops, lefts = rng.integers(12, size=count), rng.integers(low, high + 1, size=count)
    for picture, label, top, left in zip(x, labels, tops, lefts, strict=True):
        picture[top : top + 5, left : left + 5, 0] += (upright, slanted)[label]
    return x, labels


rng = np.random.default_rng(SEED)
x, labels = pictures(TRAIN, WHERE, rng)
tests = [(x, labels), pictures(1000, "left", rng), pictures(1000, "right", rng)]
draw.examples(x[:8], labels[:8], *(both[:8] for both in tests[2]))

# %% [markdown]
# Three networks learn from the same pictures. The first layer of each gives four numbers at each
# of 12 x 12 places. It is dense, locally connected or a convolution. What follows is equal: ReLU,
# the largest number of each of the four maps wherever it is, and a sum for each of the two
# answers.
#
# tinynet has no locally connected layer, so we write one. `im2col` cuts out all patches of 5 x 5,
# and each place multiplies its patch with a matrix of its own.


# %%
class Local(tn.layers.Layer):
    """Four numbers at each place from a patch of 5 x 5, with weights of the place's own."""

    def shape_after(self, shape):
        return (12, 12, 4)

    def create(self, shape):
        weights = self.rng.normal(0, np.sqrt(2 / 25), (144, 25, 4)).astype(np.float32)
        self.kernel = tn.Tensor(weights, requires_grad=True)
        self.bias = tn.zeros((144, 1, 4), requires_grad=True)

    def forward(self, x):
        patches = tn.im2col(x, 5).reshape(-1, 144, 25).transpose(1, 0, 2)  # (144, N, 25)
        y = tn.relu(patches @ self.kernel + self.bias)  # (144, N, 4): 144 products of matrices
        return y.transpose(1, 0, 2).reshape(-1, 12, 12, 4)


def network(*first):
    rest = [tn.layers.MaxPooling2D(12), tn.layers.Flatten(), tn.layers.Dense(2)]
    return tn.Sequential([*first, *rest], (16, 16, 1), np.random.default_rng(SEED))


dense = tn.layers.Dense(576, activation="relu")
networks = {
    "dense": network(tn.layers.Flatten(), dense, tn.layers.Reshape((12, 12, 4))),
    "local": network(Local()),
    "shared": network(tn.layers.Conv2D(4, 5, activation="relu")),
}
for name, model in networks.items():
    batches = tn.data.batches(x, labels, size=32, rng=np.random.default_rng(SEED))
    fit(name, model, batches, "cross_entropy", tn.optim.Adam(model.parameters(), 0.02), EPOCHS)

# %% [markdown]
# Beside them stand three methods without a network: always the commonest answer, the answer of
# the training picture whose pixels differ least, and least squares on the pixels.

# %%
methods = {
    "always the commonest": lambda asked: np.full(len(asked), np.bincount(labels).argmax()),
    "nearest picture": lambda asked: nearest_picture(x, labels, asked),
    "least squares": lambda asked: least_squares(x, labels, asked),
}
right = {name: [(answer(t) == y).mean() for t, y in tests] for name, answer in methods.items()}
for name, model in networks.items():
    count = sum(p.size for p in model.parameters())
    right[f"{name}, {count:,} parameters"] = [accuracy(model, t, y) for t, y in tests]
table(
    ["method", "training pictures", "new, left", "new, right"],
    [[name, *(f"{share:.1%}" for share in shares)] for name, shares in right.items()],
)
draw.learnt(networks["shared"][0], networks["local"][0])

# %% [markdown]
# In the figure each row is one of the four kernels. Some of the shared kernels have got the shape
# of a cross: red weights lie where the pattern is bright. Of the local kernels we see those of
# five places, all from row 5. Each has learnt from the few patterns that stood just there. Those
# at columns 8 and 11 have never seen a pattern, and are nearly as random as they began.
#
# All three networks know their training pictures. It is the new pictures that tell them apart. At
# the right, where they have seen no pattern, all methods but one guess. What the convolution has
# learnt at the left it can use at the right, because the largest number of a map counts wherever
# it is. And it is best at the left, too, because it learns each weight from all places together.
# That is what "shared" buys, for less than a thousandth of the dense network's parameters.
#
# Sharing is not always right. If a feature means something else at another place, as in a
# passport photograph where the eyes are always in the upper half, weights for each place can be
# better. They need more pictures.
#
# ## Claims
#
# The program checks what this lesson says, each time that it runs.

# %%
claim(
    "The two rules give the size and the jump that the gradients show, for every network",
    equal == len(NETWORKS),
    f"{equal} of {len(NETWORKS)}",
)
shares = [squares[kind] / len(bells[kind]) for kind in kinds]  # with equal weights
claim(
    "20 layers use at most 0.7 of the share of their field that 5 layers with stride 2 use",
    shares[0] < 0.7 * shares[1] and sides[0] < 0.7 * sides[1],
    f"{shares[0]:.0%} and {shares[1]:.0%}, with random weights {sides[0]:.0%} and {sides[1]:.0%}",
)
*others, shared = right.values()
best = np.max(others, axis=0)  # of each column
claim(
    "Where patterns were learnt, shared weights know 10 in 100 more than any other method",
    shared[1] >= best[1] + 0.1,
    f"{shared[1]:.1%} and {best[1]:.1%}",
)
claim(
    "Where no pattern was learnt, shared weights know 90%, and all other methods guess",
    shared[2] >= 0.9 and best[2] < 0.6,
    f"{shared[2]:.1%}, the best other one {best[2]:.1%}",
)
