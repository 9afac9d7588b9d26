# %% [markdown]
# # Pooling: keep the largest of four numbers, and a shift matters less
#
# **Lecture.** *Convolution NN* (handwritten notes, author not named): "Max Pooling" and
# "Flattening". *Machine Learning II* (TDDC17 AI, Linköping University): "Convolutional Neural
# Networks" and "CNNs for Classification: Feature Learning". *AutoEncoders and Convolutional
# Neural Networks (CNN)* (TIES4911, Lecture 3, University of Jyväskylä): "Pooling".
# *Classification of Machine Learning Problems* (slides without a course's name): "CNN Summary"
#
# **Question.** Why would a network throw away three numbers of four? One slide says: to "preserve
# spatial invariance". Another one names "translation invariance" as an advantage. A translation
# is a shift, and invariant means unchanged. Does pooling make a network invariant to shifts?
#
# **You will see.** The notes' two pooled maps, one of them with a wrong label. A photograph whose
# edges change when it is shifted by one pixel, while their maxima hardly change. Networks that
# read shifted digits, with and without pooling. Last, other kinds of pooling and their gradients.
#
# **Try.** `python -m lessons pooling --set SHIFT=4`: the photograph is shifted by 4 pixels. Guess
# first: how many of the 4 x 4 maxima stay equal, and how many of the 8 x 8 maxima? Then try
# `python -m lessons pooling --set EPOCHS=30`: the networks learn longer. Which one gains most?

# %%
import numpy as np

import tinynet as tn
from lessons.shared import accuracy, claim, data, fit, nearest_picture, size, table
from lessons.shared.draw import pooling as draw
from tinynet import layers

MAP = [[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]]  # the notes' feature map
SHIFT = 1  # pixels by which the photograph is shifted to the left, at most 8
WINDOWS = [1, 2, 4, 8]  # sides of the pooling windows; 1 leaves a map as it is
SHIFTS = [0, 1, 2, 3, 4, 6]  # pixels by which the test digits are shifted
DIGITS = size(400, 2000)  # to learn from
EPOCHS = size(5, 12)  # how many times a network sees all of them
SEED = 0

# %% [markdown]
# ## The largest of four
#
# A filter that slides over a picture makes a **feature map**, a table of numbers. A large number
# means: here is what the filter looks for. **Pooling** lays windows over the map and makes one
# number of each window. **Max pooling** keeps the largest:
#
# $$y_{ij} = \max_{0 \le u, v < n} \; x_{si + u, sj + v}$$
#
# Here $x$ is the map and $y$ the pooled map. The window has $n$ rows and $n$ columns. The
# **stride** $s$ says by how many places it moves. Rows and columns are counted from 0. The notes
# have a map of 4 x 4 numbers, windows of 2 x 2, and two pooled maps. Both pooled maps are labeled
# "stride=2".


# %%
def max_of(maps, n, stride=None):
    """The largest number of each window of n x n.  (N, H, W, C) -> (N, OH, OW, C)"""
    return tn.max_pool2d(tn.Tensor(maps), n, stride).numpy()


def rows(numbers):
    return " / ".join(" ".join(f"{value:g}" for value in row) for row in numbers)


x = np.float32(MAP)[None, :, :, None]  # (1, 4, 4, 1): one map with one channel
by_two, by_one = (max_of(x, 2, stride)[0, :, :, 0] for stride in (2, 1))
print(f"the map:  {rows(MAP)}")
print(f"stride 2: {rows(by_two)}")
print(f"stride 1: {rows(by_one)}")
draw.windows(np.array(MAP), by_two, by_one)

# %% [markdown]
# The notes' first pooled map is the one of stride 2. Their second one, 6 7 8 / 6 7 8 / 3 3 4,
# belongs to stride 1. So its label is wrong. With stride 1 the windows overlap.
#
# A layer has one map for each filter. These maps are also called its **channels**. Pooling treats
# each of them alone. So the slide's 64 maps of 224 x 224 become 64 maps of 112 x 112, with
# windows of 2 x 2 and stride 2. From here on the stride is always as large as the window.
#
# ## What a shift changes
#
# What do we get for the three numbers that we throw away? We look for edges in a photograph. The
# filter "detect edges" multiplies a pixel by -4 and adds its four neighbors. We take the result
# without its sign. Then we shift the photograph by one pixel to the left. To us it looks the
# same. How much does the map of its edges change? We call the map $y$, pooled or not, and measure
#
# $$\text{change} = \frac{\sum |y^{\text{shifted}} - y|}{\sum |y|}$$
#
# We compare max pooling with a simpler way to keep as few numbers: every $n$-th number of every
# $n$-th row. Last, we shift the photograph further, by up to 8 pixels.


# %%
def edges_of(pictures):
    """(N, H, W, 1) -> (N, H - 2, W - 2, 1)"""
    kernel = np.float32([[0, 1, 0], [1, -4, 1], [0, 1, 0]])[:, :, None, None]
    return abs(tn.conv2d(tn.Tensor(pictures), tn.Tensor(kernel)).numpy())


def change(before, after):
    return abs(after - before).sum() / abs(before).sum()


grey = data.photograph() @ np.float32([0.299, 0.587, 0.114])  # (600, 512)
part = grey[None, 60:318, 100:366, None]  # (1, 258, 266, 1)
maps = [edges_of(part[:, :, s : s + 258]) for s in range(9)]  # (1, 256, 256, 1), shifted by s
pairs, changes = {}, {}
for n in WINDOWS:
    before, after = pairs[n] = max_of(maps[0], n), max_of(maps[SHIFT], n)
    thinned = change(maps[0][:, ::n, ::n], maps[SHIFT][:, ::n, ::n])
    changes[n] = change(before, after), thinned, (before == after).mean()
table(
    ["window", "maxima change by", "every n-th number", "maxima that stay equal"],
    [[f"{n} x {n}", *(f"{share:.1%}" for share in shares)] for n, shares in changes.items()],
)
draw.shifted(SHIFT, pairs, changes)
draw.changes({n: [change(max_of(maps[0], n), max_of(m, n)) for m in maps] for n in WINDOWS})

# %% [markdown]
# Edges are thin lines. Shifted by one pixel, a line lies beside its old place. So the map changes
# nearly everywhere, although it shows the same lines. (The lower row of the first figure has a
# darker scale, because maxima are larger.)
#
# The maxima of 8 x 8 numbers hardly change. A window has 64 numbers. After a shift by one pixel
# 56 of them are still in it. If the largest is one of these, and no larger one enters, the
# maximum is the same number as before. It does not matter where in the window it stands. Fewer
# numbers alone do not help: every 8th number changes nearly as much as all numbers.
#
# So pooling does not make a map invariant. It makes the map change more slowly: a shift that is
# small beside the window matters little. After a shift by $n$ pixels (the rings in the second
# figure) every number has left its window. Then the pooled map has moved by one place.
#
# ## Does it help to read?
#
# We test it with networks that read handwritten digits of 28 x 28 pixels. They learn from digits
# in the middle of the picture. The test digits are shifted by 0 to 6 pixels, each one once to the
# right and once to the left.
#
# Each network has two convolutions with filters of 3 x 3, each followed by **ReLU** (negative
# numbers become 0). The first has 8 filters, the second 16, so 16 maps come out. **Flattening**
# writes all their numbers in one line. A **dense layer** multiplies each of these numbers by a
# weight and adds them up, once for each of the ten digits. The largest of the ten sums is the
# answer. Three networks differ only in what makes the maps smaller:
#
# - **No pooling.** Each convolution has stride 2: it moves by two pixels.
# - **Mean** of 2 x 2 numbers after each convolution.
# - **Max** of 2 x 2 numbers after each convolution.
#
# All three end with 16 maps of 7 x 7, which are 784 numbers. So the dense layer has 7,840
# weights. It also has ten **biases**: each is a number that is added to one of the sums. With
# maps of 28 x 28 there would be 125,440 weights. This is why the slides say that pooling reduces
# the number of parameters (weights and biases).
#
# The fourth network is a different one:
#
# - **Max, whole map.** The second pooling keeps only the largest number of each whole map,
#   wherever it is. To make up for this, the second convolution has 32 filters in place of 16.
#   Flattening gives 32 numbers. So the dense layer has only 320 weights and ten biases.
#
# The **nearest picture** is a method without a network, to compare with: the answer is the digit
# of the training picture whose pixels differ least.


# %%
def network(kind):
    """(N, 28, 28, 1) -> sums (N, 10)"""
    stride = 2 if kind == "no pooling" else 1
    filters, window = (32, 14) if kind == "max, whole map" else (16, 2)
    pool = layers.AveragePooling2D if kind == "mean" else layers.MaxPooling2D
    stack = [
        layers.Conv2D(8, 3, strides=stride, padding="same", activation="relu"),
        pool(2),
        layers.Conv2D(filters, 3, strides=stride, padding="same", activation="relu"),
        pool(window),
        layers.Flatten(),
        layers.Dense(10),
    ]
    if kind == "no pooling":
        stack = [layer for layer in stack if not isinstance(layer, pool)]
    return tn.Sequential(stack, (28, 28, 1), np.random.default_rng(SEED))


def moved(pictures, pixels):
    """To the right: columns leave there, and empty ones (0) enter at the left.  (N, H, W, 1)"""
    padded = np.pad(pictures, ((0, 0), (0, 0), (abs(pixels), abs(pixels)), (0, 0)))
    first = abs(pixels) - pixels
    return padded[:, :, first : first + pictures.shape[2]]


digits = data.mnist(DIGITS, size(300, 1000))
tests = [np.concatenate([moved(digits.test, s), moved(digits.test, -s)]) for s in SHIFTS]
labels = np.tile(digits.test_labels, 2)  # of the digits shifted to the right, and to the left
print(f"The largest shift leaves {tests[-1].sum() / tests[0].sum():.1%} of the ink in the picture.")
guesses = [nearest_picture(digits.train, digits.train_labels, test) for test in tests]
right = {"nearest picture": [(guess == labels).mean() for guess in guesses]}
parameters = {"nearest picture": "none"}
for kind in ("no pooling", "mean", "max", "max, whole map"):
    model = network(kind)
    parameters[kind] = f"{sum(p.size for p in model.parameters()):,}"
    rng = np.random.default_rng(SEED)
    batches = tn.data.batches(digits.train, digits.train_labels, size=32, rng=rng)
    fit(kind, model, batches, "cross_entropy", tn.optim.Adam(model.parameters(), 0.003), EPOCHS)
    right[kind] = [accuracy(model, test, labels) for test in tests]
table(
    ["right, of digits shifted by", *map(str, SHIFTS), "parameters"],
    [[name, *(f"{s:.1%}" for s in shares), parameters[name]] for name, shares in right.items()],
)
draw.reading(SHIFTS, right, tests)

# %% [markdown]
# With the real digits:
#
# - **Pooling of 2 x 2 helps with small shifts.** Without pooling, a shift by 2 pixels costs more
#   than 20 digits of 100. With pooling it costs fewer. The notes say that max "works better in
#   practice". Here max reads more digits than the mean where they are not shifted. Which of the
#   two reads more shifted digits depends on chance: try `python -m lessons pooling --set SEED=2`.
# - **Pooling of 2 x 2 does not make the network invariant.** Shifted by 3 pixels, about 4 of 10
#   digits are misread with max. One reason is the dense layer. It has a weight of its own for
#   each place of the last maps. So a stroke at another place meets other weights.
# - **Max over the whole map makes the network nearly invariant.** Its dense layer is not told
#   where in a map the largest number was. But this network reads fewer of the digits that are not
#   shifted. One reason may be that places matter for reading. Others may be that it has fewer
#   parameters and that it learns more slowly (the second **Try**). This comparison cannot tell
#   them apart.
#
# So the answer is: pooling makes the maps smaller, and a shift that is small beside its window
# matters less. That is not invariance. Only the window as large as the map comes close to it.
#
# (A slide says more: that pooling makes features "invariant to scale and orientation changes".
# This lesson tests shifts alone. `python -m lessons ledger D21b` shows a turned stroke: it no
# longer matches its filter.)
#
# ## Other kinds of pooling, and their gradients
#
# The slides name other kinds of pooling: the smallest number of a window (**min**), the **mean**,
# the **sum**, and the **L2 norm** $\sqrt{\sum x^2}$. They also differ in training. The **loss**
# measures how wrong the answers are. The **gradient** of a number says how much the loss grows
# when this number grows a little. Say the four pooled numbers have the gradients 10, 20, 30 and
# 40. Which gradients do the 16 numbers of the map get?
#
# - **Max** and **min**: the number that was chosen gets the whole gradient. The others get 0: if
#   one of them changes a little, the pooled number stays. Among equals the first one is chosen.
# - **Mean**: each number gets a quarter of the gradient. **Sum**: each gets the whole gradient.
# - **L2 norm**: each number $x$ gets the gradient times $x / y$, where $y$ is the norm.

# %%
KINDS = {
    "max": tn.max_pool2d,
    "min": tn.min_pool2d,
    "mean": tn.average_pool2d,
    "sum": tn.sum_pool2d,
    "L2 norm": tn.l2_pool2d,
}


def there_and_back(pool, numbers, gradient):
    """(4, 4), (2, 2) -> the pooled map (2, 2), and the gradient of the numbers (4, 4)"""
    x = tn.Tensor(np.float32(numbers)[None, :, :, None], requires_grad=True)
    y = pool(x, 2)
    y.backward(tn.Tensor(np.float32(gradient)[None, :, :, None]))
    return y.numpy()[0, :, :, 0], np.array(x.grad)[0, :, :, 0]


kinds = {name: there_and_back(pool, MAP, [[10, 20], [30, 40]]) for name, pool in KINDS.items()}
draw.gradients(MAP, kinds)

# %% [markdown]
# The numbers of a map are not weights, and training does not change them. But the gradients flow
# on to the filter that made the map, and they change its weights. With max pooling 12 of the 16
# numbers get a gradient of 0. So the filter learns from this picture at four places only. With
# another picture other places are chosen.
#
# ## Flattening
#
# The notes flatten their pooled map 6 8 / 3 4 in two ways: row by row to 6 8 3 4, and column by
# column to 6 3 8 4. It "depends on how we choose to do it". tinynet goes row by row. A dense
# layer can learn with either order, because it has a weight for each number. But the order must
# be the same in training and in use.
#
# ## Claims
#
# The program checks what this lesson says, each time that it runs.

# %%
claim(
    "The notes' first map has stride 2, and their second map has stride 1, not 2",
    rows(by_two) == "6 8 / 3 4" and rows(by_one) == "6 7 8 / 6 7 8 / 3 3 4",
    f"{rows(by_two)} and {rows(by_one)}",
)
(edges, *_), (kept, thinned, _) = changes[WINDOWS[0]], changes[WINDOWS[-1]]
claim(
    "Shifted by one pixel, edges and every 8th edge change by over 60%, 8 x 8 maxima by under 10%",
    min(edges, thinned) > 0.6 and kept < 0.1,
    f"{edges:.1%}, {thinned:.1%} and {kept:.1%}",
)
without, best, whole = (right[name] for name in ("no pooling", "max", "max, whole map"))
claim(
    "A shift by 2 pixels costs max pooling at least 3 digits in 100 fewer than no pooling",
    best[0] - best[2] <= without[0] - without[2] - 0.03,
    f"{100 * (best[0] - best[2]):.1f} and {100 * (without[0] - without[2]):.1f} in 100",
    quick=False,
)
claim(
    "Max pooling reads at least 70% of the digits, but less than half of that shifted by 6",
    best[0] >= 0.7 and best[-1] < best[0] / 2,
    f"{best[0]:.1%} and {best[-1]:.1%}",
)
claim(
    "Pooled over the whole map, over 60% are read, and a shift by 6 costs at most 8 digits in 100",
    whole[0] >= 0.6 and whole[-1] >= whole[0] - 0.08,
    f"{whole[0]:.1%} and {whole[-1]:.1%}",
    quick=False,
)
