# %% [markdown]
# # Receptive field: what one number of a network sees, and what it has to see
#
# **Lecture.** *Machine Learning II* (TDDC17 AI, Linköping University): "Fully Connected Neural
# Network", "Using Spatial Structure", "Applying Filters to Extract Features". *AutoEncoders and
# Convolutional Neural Networks (CNN)* (TIES4911, Lecture 3, University of Jyväskylä): "CNNs", "2D
# Convolution". The networks in the first table are those of these lectures, of *Classification of
# Machine Learning Problems* (slides without a course's name) and of *Image Data Set: Dog breeds*
# (slides without a course's name)
#
# **Question.** A number deep in a network is computed from other numbers, and these in the end
# from pixels. From which pixels? And which pixels must one number see, so that the network can
# find something in a picture?
#
# **You will see.** Two rules that tell how many pixels a number sees, and gradients that say the
# same. A number that sees 63 x 63 pixels, but most of them hardly. A network that can only guess,
# because its numbers see one row of pixels too few. And a network that sees everything and hardly
# does better.
#
# **Try.** `python -m lessons receptive_field --set "YOURS=[[7, 2], [3, 2], [3, 1]]"`: compute the
# sizes of these three layers by hand first. And then give the networks ten times as many pictures
# to learn from: `python -m lessons receptive_field --set TRAIN=3000`. Which of them get better in
# the left half, and which in the right half?

# %%
import numpy as np

import tinynet as tn
from lessons.shared import accuracy, claim, data, fit, nearest_picture, size, table
from lessons.shared.draw import receptive_field as draw

YOURS = [[5, 2], [5, 1], [2, 2]]  # layers of your own: kernel and stride of each
NOISE = 0.35  # standard deviation of the noise in each pixel; hill and line add 1
TRAIN = 300  # pictures to learn from
WHERE = "left"  # where hill and line stand in them: left, right or anywhere
EPOCHS = size(10, 20)  # how many times a network sees all of them
SEED = 0

# %% [markdown]
# ## Two rules
#
# A convolution with a kernel of 3 x 3 weights computes each of its numbers from 3 x 3 pixels. The
# number "only sees these values", says the slide. They are its **receptive field**. A second
# convolution computes each number from 3 x 3 numbers of the first. The fields of two neighbors
# are one pixel apart, so together these 3 x 3 numbers see 5 x 5 pixels.
#
# In general we follow two quantities from layer to layer. The **size** $s$ is the number of
# pixels that one number sees, in a row or in a column. The **jump** $j$ is the distance in pixels
# from one number's field to its neighbor's field. For the pixels themselves both are 1. A layer
# with a kernel of $K \times K$ weights and a stride of $S$ changes them:
#
# $$s \leftarrow s + (K - 1) j, \quad j \leftarrow S j$$
#
# The first rule: the kernel takes $K$ numbers in a row. The field of the last one begins $K - 1$
# jumps behind that of the first one. The second rule: from one place to the next the kernel moves
# by $S$ numbers, and each of them is one jump. Pooling follows the same rules, with its window as
# the kernel.
#
# An example by hand: two convolutions of 3 x 3, then pooling of 2 x 2 with stride 2. The size is
# $1 + 2 \cdot 1 = 3$, then $3 + 2 \cdot 1 = 5$, then $5 + 1 \cdot 1 = 6$. The jump stays 1 twice.
# Then it becomes 2.


# %%
def fields(layers):
    """The size and the jump after each layer.  layers: kernel and stride of each"""
    size, jump, after = 1, 1, []
    for K, S in layers:
        size, jump = size + (K - 1) * jump, jump * S
        after.append((size, jump))
    return after


draw.seen({f"stride {S}": fields([(3, S)] * 3) for S in (1, 2)})

# %% [markdown]
# The figure has a row of dots for each of three layers, and the pixels at the bottom. The lines
# lead from one number of the third layer down to all pixels that it sees. The jump is the
# distance between two dots of the same row. With stride 1 each layer of 3 x 3 adds 2 pixels to
# the size. With stride 2 the jump doubles at each layer, so each layer adds twice as many pixels
# as the one before: 2, 4, 8.
#
# Now the networks of the slides. Each layer is written as its kernel and its stride.

# %%
NETWORKS = {
    "Keras, MNIST": [(3, 1), (3, 1), (2, 2), (3, 1), (3, 1), (2, 2)],
    "TensorFlow 1, MNIST": [(5, 1), (2, 2), (5, 1), (2, 2)],
    "Fashion-MNIST": [(3, 1), (3, 1), (2, 2)],
    "encoder of cartoon faces": [(3, 2)] * 5,
    "encoder of dogs": [(5, 2), (3, 2), (3, 2)],
    "yours": [tuple(layer) for layer in YOURS],
}
computed = {name: fields(layers) for name, layers in NETWORKS.items()}
rows = [[name, " ".join(f"{K},{S}" for K, S in NETWORKS[name]), " ".join(f"{s}" for s, _ in after)]
        for name, after in computed.items()]  # fmt: skip
table(["network", "its layers: kernel, stride", "size after each layer"], rows)
draw.growth(computed)

# %% [markdown]
# On the vertical axis each mark is twice the one below. The faces' encoder has stride 2 in every
# layer, and its field about doubles from layer to layer. A stride does not enlarge the field of
# its own layer, but the steps of all layers behind it. So a pooling of 2 x 2 adds little itself,
# and the kernel behind it adds twice as much as before.
#
# ## Is it true? Ask the gradient
#
# A number sees a pixel if a change of the pixel can change the number. How much it changes is the
# **gradient** of the number with respect to the pixel. `backward()` computes it for all pixels at
# once. So we compute one number, call `backward()`, and count the pixels whose gradient is not 0.
# This is the size. The jump is the distance between the fields of two neighbors.
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


agree = sum(measured(layers) == computed[name][-1] for name, layers in NETWORKS.items())
print(f"Rules and gradients agree for {agree} of {len(NETWORKS)} networks.")
draw.nested(data.photograph()[60:316, 94:350], computed["encoder of cartoon faces"])

# %% [markdown]
# The slide's cartoon faces have 256 x 256 pixels. A number at the end of their encoder sees 63 x
# 63 of them: an eye, perhaps, or a mouth, but never the whole face. The figure shows this on a
# photograph of the same size. The last convolution of the Keras network sees 14 x 14 of 28 x 28
# pixels: a part of a digit. Only the dense layers behind the convolutions see everything. (Near
# the border of the picture a part of a field may lie on padding. Then it holds fewer pixels.)
#
# ## The middle counts most
#
# Seeing is not all. How **much** does each pixel of the field count? Take two layers of 3 in one
# dimension, all weights 1. The pixel in the middle reaches the number in three ways: over the
# left, the middle and the right number of the first layer. The pixel at the end has only one way.
# From one end of the field to the other the numbers of ways are 1, 2, 3, 2, 1.
#
# This is as with dice: with two dice, six throws give the sum 7, and only one gives the sum 12.
# With more layers, as with more dice, the numbers of ways approach a bell curve. Most of the
# field then lies in the flat ends of the bell. The part that really counts is called the
# **effective** receptive field.
#
# We measure it as the side of the smallest square in the middle that holds 90% of the gradient.
# First all weights are equal, as above. Then they are random, with eight channels in each layer.
# For these we add up the gradients of several networks, without their signs. (None of these
# networks has a ReLU, and none is trained.)


# %%
def middle_square(field, share=0.9):
    """The side of the smallest square in the middle with that share of the gradient."""
    for border in range((len(field) - 1) // 2, -1, -1):
        inside = field[border : len(field) - border, border : len(field) - border]
        if inside.sum() >= share * field.sum():
            return len(inside)


rng = np.random.default_rng(SEED)
bells = {}
for count, stride in ((2, 1), (5, 1), (10, 1), (31, 1), (5, 2)):
    layers = [(3, stride)] * count
    side = fields(layers)[-1][0]
    random = sum(abs(gradient(layers, side, 0, rng)) for _ in range(size(2, 10)))
    bells[f"stride {stride}, {count} layers"] = gradient(layers, side, 0), random
sides = [[len(equal), middle_square(equal), middle_square(r)] for equal, r in bells.values()]
header = ["kernels of 3 x 3", "field", "90% in the middle", "with random weights"]
table(header, [[name, *row] for name, row in zip(bells, sides, strict=True)])
draw.bells(dict(list(bells.items())[-2:]))  # both have the same field

# %% [markdown]
# The deeper a stack with stride 1, the smaller is the part of its field that counts. With stride
# 2 the field is used far more evenly. The last two rows of the table are the two rows of the
# figure. Both stacks have the same field of 63 x 63 pixels. With 31 layers of stride 1 only a
# small part of it counts. With 5 layers of stride 2 nearly all of it counts. (Stride 2 leaves a
# pattern of lines: every second pixel lies in two windows of a layer, and the others lie in one.)
#
# So the size from the two rules is a limit. Outside of it a number sees nothing, and near its
# border a deep network may see hardly anything. Shallow networks use their field better: two
# layers need all of their 5 x 5 pixels to hold 90%.
#
# ## How much must a number see?
#
# We put it to the test. In a picture of 16 x 16 pixels of noise stand a small hill and a line.
# Which of them is on top? Together they fill a square of 5 x 5 pixels. Two rows without either
# lie between them. So a number that sees 3 x 3 pixels sees a part of the hill or a part of the
# line, but never both.
#
# The networks learn from 300 such pictures. In all of them hill and line stand in the **left**
# half. We test twice: with new pictures where they stand in the left half, and with new pictures
# where they stand in the right half.


# %%
def pictures(count, where, rng):
    """-> pictures (count, 16, 16, 1); labels (count,): 0 if the hill is on top, 1 if the line is"""
    hill, gap, line = [[0, 0, 1, 0, 0], [0, 1, 1, 1, 0]], [[0] * 5] * 2, [[1] * 5]
    patterns = np.array([hill + gap + line, line + gap + hill])
    low, high = {"left": (0, 3), "right": (8, 11), "anywhere": (0, 11)}[where]
    x = rng.normal(0, NOISE, (count, 16, 16, 1)).astype(np.float32)
    labels = rng.integers(2, size=count)
    tops, lefts = rng.integers(12, size=count), rng.integers(low, high + 1, size=count)
    for picture, label, top, left in zip(x, labels, tops, lefts, strict=True):
        picture[top : top + 5, left : left + 5, 0] += patterns[label]
    return x, labels


rng = np.random.default_rng(SEED)
x, labels = pictures(TRAIN, WHERE, rng)
tests = [(x, labels), pictures(1000, "left", rng), pictures(1000, "right", rng)]
draw.examples(x[:6], labels[:6], *(both[:6] for both in tests[2]))

# %% [markdown]
# Four networks learn from these pictures. They begin with one or two convolutions, and differ in
# how much one number sees. What follows is the same in all of them. The numbers that one kernel
# gives at all places are called its **map**. Of each map only the largest number is kept, no
# matter where it is. From these largest numbers a dense layer computes the two answers. An answer
# that is guessed is right in about half of the pictures.


# %%
def compare(networks):
    """Train networks that begin so.  -> their shares of right answers in the three tests"""
    right = {}
    for name, layers in networks.items():
        layers = [*layers, tn.layers.Flatten(), tn.layers.Dense(2)]
        model = tn.Sequential(layers, (16, 16, 1), np.random.default_rng(SEED))
        batches = tn.data.batches(x, labels, size=32, rng=np.random.default_rng(SEED))
        fit(name, model, batches, "cross_entropy", tn.optim.Adam(model.parameters(), 0.02), EPOCHS)
        name += f" ({sum(p.size for p in model.parameters()):,} parameters)"
        right[name] = [accuracy(model, *test) for test in tests]
    rows = [[name, *(f"{share:.1%}" for share in shares)] for name, shares in right.items()]
    table(["right answers", "training pictures", "new, left", "new, right"], rows)
    return list(right.values())


conv = lambda filters, K: tn.layers.Conv2D(filters, K, activation="relu")
largest = tn.layers.MaxPooling2D  # with a window as large as the map
blind, *seeing = compare({
    "sees 3 x 3": [conv(32, 3), largest(14)],
    "sees 4 x 4": [conv(8, 4), largest(13)],
    "sees 5 x 5, two layers": [conv(8, 3), conv(8, 3), largest(12)],
    "sees 5 x 5, one layer": [conv(4, 5), largest(12)],
})  # fmt: skip

# %% [markdown]
# With a field of 3 x 3 the network guesses on new pictures, although it has more kernels than any
# other here: 32. Its largest numbers can tell that there is a hill, and that there is a line.
# They cannot tell where. (It gets many training pictures right. But what it has learned there is
# their noise, which helps with no other picture.)
#
# With a field of 4 x 4 nearly all answers are right. One number now sees the line together with
# the foot or the tip of the hill. So a field need not hold the whole thing. It must hold what
# tells the answers apart. A field of 5 x 5 holds everything. It makes no great difference whether
# it comes from one layer of 5 x 5 or from two of 3 x 3.
#
# ## Then why not see everything?
#
# A number of a **dense** (fully connected) layer sees all pixels, with a weight for each. No
# field is larger. But the slide says of it: "No spatial information!" and "many, many
# parameters!" We compare three first layers:
#
# - **local** (locally connected): four numbers at each of 12 x 12 places. Each sees its 5 x 5
#   pixels, with weights of its own. (Its first map has the first number of each place, and so
#   on.)
# - **shared**: the convolution, as above. Each number sees the same 5 x 5 pixels as in "local",
#   but all places **share** the same weights. The slide gives the reason: "features that matter
#   in one part of the input should matter elsewhere". Few weights are left. The "conv (180w +
#   5b)" of the slide "CNNs" are 180 weights and 5 biases, for a picture of any size.
# - **dense**: as many numbers, 576. Each sees all 16 x 16 pixels, with weights of its own.
#
# The convolution above may gain from two things: from its shared weights, and from the largest
# number of a map, which counts no matter where it is. To see which of them helps, we build the
# local and the shared network twice. Once only the **largest** number of each map goes on to the
# dense layer with the two answers, and once **all** numbers go on.
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


local, shared = Local(), conv(4, 5)
best, *others = compare({
    "shared, largest": [shared, largest(12)],
    "shared, all": [conv(4, 5)],
    "local, largest": [local, largest(12)],
    "local, all": [Local()],
    "dense": [tn.layers.Flatten(), tn.layers.Dense(576, activation="relu")],
})  # fmt: skip
nearest = [(nearest_picture(x, labels, asked) == answers).mean() for asked, answers in tests]
print("Nearest training picture:", ", ".join(f"{share:.1%}" for share in nearest))
draw.learned(shared, local)

# %% [markdown]
# The first row is the last network of the table before, once more. The line below the table is a
# method without a network: the answer of the training picture whose pixels differ least. All five
# networks know their training pictures. Only new pictures tell them apart. In the left half the
# nearest picture is better than four of the five.
#
# **The right half.** It takes both, shared weights and the largest number. In "shared, all" the
# convolution works in both halves alike. But the dense layer behind it has a weight for each
# place, and for the right half it has learned none that helps. In "local, largest" the dense
# layer does not ask where. But the kernels of the right half have never seen a hill or a line.
#
# **The left half.** Again it takes both. The largest number alone helps a little: compare the two
# rows that begin with "local". Sharing alone does not help: compare the two rows that end with
# "all". One reason may be that hill and line can stand at 48 places of the left half. So 300
# pictures are about six for each place, and a weight of one place learns from few pictures. In
# "shared, largest" no weight belongs to one place, and each learns from all 300. With ten times
# as many pictures the others come closer in the left half: see **Try**.
#
# In the figure each row is one of the four kernels. Red weights add, and blue ones subtract.
# Among the shared kernels there are some with a hill and a line, one above the other. The local
# kernels are those of four places in one row of the map. The ones in columns 8 and 11 have seen
# nothing but noise.
#
# So a small field is no weakness, if it is large enough to tell the answers apart. With a smaller
# one the network can only guess. A larger one need not help: "local, all" and "dense" are equally
# bad. What helps is that a small kernel can be shared, and that its largest number counts
# wherever it is. What a number has learned to see, it should see everywhere. (Not always,
# perhaps. In a passport photograph the eyes are always in the upper half. There, weights for each
# place may be better. This is not tested here.)
#
# ## Claims
#
# The program checks what this lesson says, each time that it runs.

# %%
claim("Rules and gradients agree for all networks", agree == len(NETWORKS), f"{agree} of 6")
part = max(a / b for a, b in zip(sides[-2][1:], sides[-1][1:], strict=True))
claim(
    "For 90% of the gradient, 31 layers need at most 0.6 of the width that 5 with stride 2 need",
    part <= 0.6,
    f"{part:.2f}",
)
most, least = max(blind[1:]), min(min(shares[1:]) for shares in seeing)
claim("With a field of 3 x 3 at most 62% of answers are right", most <= 0.62, f"{most:.1%}")
claim("With 4 x 4 or 5 x 5 at least 85% of answers are right", least >= 0.85, f"{least:.1%}")
_, left, right = np.max([*others, nearest], axis=0)  # the best of all others
claim(
    "In the left half, shared weights with the largest numbers lead by at least 8 points of 100",
    best[1] - left >= 0.08,
    f"{best[1]:.1%} and {left:.1%}",
)
claim(
    "In the right half, shared weights with the largest numbers get 85% right, all others guess",
    best[2] >= 0.85 and right < 0.6,
    f"{best[2]:.1%} and at most {right:.1%}",
)
