# %% [markdown]
# # Pooling: keep the largest of four numbers, and a shift matters less
#
# **Lecture.** *Convolution NN* (handwritten notes, author not named): "Max Pooling" and
# "Flattening". *Machine Learning II* (TDDC17 AI, Linköping University): "Convolutional Neural
# Networks" and "CNNs for Classification: Feature Learning". *AutoEncoders and Convolutional
# Neural Networks (CNN)* (TIES4911, Lecture 3, University of Jyväskylä): "Pooling".
# *Classification of Machine Learning Problems* (slides without a course's name): "CNN Summary"
#
# **Question.** Why would a network throw away three numbers of four? The slides say: for
# "translation invariance". A translation is a shift, and invariant means unchanged. Is that so?
#
# **You will see.** The notes' two pooled maps, one of them with a wrong label. A photograph whose
# edges nearly all change when it is shifted by one pixel, while their maxima hardly change. Then
# networks that read shifted digits, with and without pooling. Last, where the gradient goes.
#
# **Try.** `python -m lessons pooling --set SHIFT=8`: the photograph is shifted by a whole window
# of 8 pixels. How many maxima stay equal now? Then try `python -m lessons pooling --set
# "SHIFTS=[0, -1, -2, -3, -4, -6]"`: the digits move to the left and not to the right. Which kind
# of pooling still helps?

# %%
import numpy as np

import tinynet as tn
from lessons.shared import accuracy, claim, data, fit, least_squares, nearest_picture, size, table
from lessons.shared.draw import pooling as draw
from tinynet import layers

SHIFT = 1  # pixels by which the photograph is shifted to the left
WINDOWS = [1, 2, 4, 8]  # sides of the pooling windows; 1 leaves a map as it is
SHIFTS = [0, 1, 2, 3, 4, 6]  # pixels by which the test digits are shifted to the right
DIGITS = size(400, 2000)  # to learn from
EPOCHS = size(5, 6)  # how many times a network sees all of them
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
# The window has $n$ rows and $n$ columns, and the **stride** $s$ says how far it moves. The notes
# work it out for a map of 4 x 4 numbers, with windows of 2 x 2.

# %%
MAP = [[1, 1, 2, 4], [5, 6, 7, 8], [3, 2, 1, 0], [1, 2, 3, 4]]
x = tn.Tensor(np.float32(MAP)[None, :, :, None])  # (1, 4, 4, 1): one map with one channel


def rows_of(y):
    return " / ".join(" ".join(f"{value:.4g}" for value in row) for row in y.numpy()[0, :, :, 0])


by_two, by_one = tn.max_pool2d(x, 2, stride=2), tn.max_pool2d(x, 2, stride=1)
print(f"stride 2: {rows_of(by_two)}")
print(f"stride 1: {rows_of(by_one)}")

# %% [markdown]
# The notes print both results, and write "stride=2" at both. The second one, 6 7 8 / 6 7 8 / 3 3
# 4, belongs to a stride of 1: the windows overlap, and there are $4 - 2 + 1 = 3$ in each
# direction.
#
# Pooling treats each channel alone. So a volume of 224 x 224 x 64 becomes 112 x 112 x 64, as a
# slide shows: a quarter of the numbers, and as many channels as before.

# %%
volume = tn.Tensor(np.zeros((1, 224, 224, 64), np.float32))
pooled_volume = tn.max_pool2d(volume, 2).shape[1:]
print("224 x 224 x 64 becomes", " x ".join(map(str, pooled_volume)))

# %% [markdown]
# ## A shift by one pixel
#
# What do we get for the three numbers that we throw away? We look for edges in a photograph. The
# filter "detect edges" multiplies a pixel by -4, adds its four neighbors, and we take the result
# without its sign. Then we shift the photograph by one pixel to the left. To us it looks the
# same. How much does the map $y$ change, compared with itself?
#
# $$\text{change} = \frac{\sum |y^{\text{shifted}} - y|}{\sum |y|}$$


# %%
def edges_of(pictures):
    """(N, H, W, 1) -> (N, H - 2, W - 2, 1)"""
    kernel = np.float32([[0, 1, 0], [1, -4, 1], [0, 1, 0]])[:, :, None, None]
    return abs(tn.conv2d(tn.Tensor(pictures), tn.Tensor(kernel)).numpy())


def max_of(maps, n):
    """The largest of each window of n x n."""
    return tn.max_pool2d(tn.Tensor(maps), n).numpy()


def every(maps, n):
    """As few numbers, but the first of each window and not the largest."""
    return maps[:, ::n, ::n]


def change(before, after):
    return abs(after - before).sum() / abs(before).sum()


grey = data.photograph() @ np.float32([0.299, 0.587, 0.114])  # (600, 512)
part = grey[None, 60:318, 100:366, None]  # (1, 258, 266, 1)
maps = [edges_of(part[:, :, s : s + 258]) for s in range(9)]  # (1, 256, 256, 1), shifted by s
still, shifted = maps[0], maps[SHIFT]
changes = {}
for n in WINDOWS:
    before, after = max_of(still, n), max_of(shifted, n)
    same = (before == after).mean()
    changes[n] = change(before, after), change(every(still, n), every(shifted, n)), same
table(
    ["window", "change of the maxima", "change of every n-th number", "maxima that stay equal"],
    [[f"{n} x {n}", f"{a:.1%}", f"{b:.1%}", f"{c:.1%}"] for n, (a, b, c) in changes.items()],
)
first, last = WINDOWS[0], WINDOWS[-1]
draw.shifted(SHIFT, {n: (max_of(still, n), max_of(shifted, n)) for n in (first, last)}, changes)

# %% [markdown]
# Most edges are lines one or two pixels wide. Shifted by one pixel, a line lies beside its old
# place. So the map changes nearly everywhere, although it shows the same lines. (In the figure
# the lower row has a darker scale, because maxima are larger.)
#
# A window of 8 x 8 has 64 numbers. When the photograph moves by one pixel, 56 of them stay in the
# window, 8 leave it and 8 new ones enter. If the largest is among those that stay, and no larger
# one enters, the maximum is the same number as before.
#
# Is it enough to have fewer numbers? No: if we keep every 8th number of every 8th row, the change
# is nearly as large as without pooling. What helps is that a maximum looks at all 64 numbers and
# does not care where the largest stands.
#
# ## How far?
#
# Now we shift further. After $n$ pixels every number has left its window.

# %%
by_shift = {n: [change(max_of(maps[0], n), max_of(m, n)) for m in maps] for n in WINDOWS}
whole = change(max_of(maps[0], 8)[:, :, 1:], max_of(maps[8], 8)[:, :, :-1])
print(f"Shift 8, each 8 x 8 window compared with the next one to its right: {whole:.0%}")
draw.changes(by_shift)

# %% [markdown]
# So pooling does not make a map **invariant**. It makes the map change more slowly: a shift that
# is small beside the window matters little. A shift by a whole window moves the pooled map by one
# place, as the last line shows: each window now has the numbers of the window to its right.
#
# ## Does it help to read?
#
# We test it with a network that reads handwritten digits of 28 x 28 pixels. The training digits
# stand in the middle. The test digits are shifted to the right by 0 to 6 pixels. There are four
# networks. Each has two convolutions with 3 x 3 filters, each followed by **ReLU** (negative
# numbers become 0). A **dense layer** follows: for each of the ten digits it adds all numbers of
# the last maps, each times a weight. The largest of the ten sums is the answer. The networks
# differ in what makes the maps smaller:
#
# - **No pooling**, but a stride of 2 in each convolution: it keeps every second number of every
#   second row. Its maps are as small as with pooling.
# - **Mean pooling** of 2 x 2 after each convolution: the mean of four numbers.
# - **Max pooling** of 2 x 2 after each convolution.
# - **Max pooling, then over the whole map** ("max, whole map"): after the second convolution only
#   the largest number of each map is kept, wherever it is.
#
# The first three have the same number of weights. Their last maps have 7 x 7 numbers, so 16 maps
# need 7,840 weights in the dense layer. With maps of 28 x 28 it would need 125,440. This is why
# the slides say that pooling reduces the number of parameters. Training changes the weights step
# by step, so that the sum for the right digit becomes the largest. Beside the networks stand two
# methods without one. **Nearest picture** answers with the digit of the training picture whose
# pixels differ least. **Least squares** gives each pixel a weight for each digit, and adds up.


# %%
def network(kind):
    """(N, 28, 28, 1) -> sums (N, 10)"""
    whole, stride = kind == "max, whole map", 2 if kind == "no pooling" else 1
    pool = layers.AveragePooling2D if kind == "mean" else layers.MaxPooling2D
    stack = [
        layers.Conv2D(8, 3, strides=stride, padding="same", activation="relu"),
        pool(2 // stride),
        layers.Conv2D(32 if whole else 16, 3, strides=stride, padding="same", activation="relu"),
        pool(14 if whole else 2 // stride),
        layers.Flatten(),
        layers.Dense(10),
    ]
    return tn.Sequential(stack, (28, 28, 1), np.random.default_rng(SEED))


def moved(pictures, pixels):
    """To the right: columns leave there, and empty ones (0) enter at the left.  (N, H, W, 1)"""
    padded = np.pad(pictures, ((0, 0), (0, 0), (abs(pixels), abs(pixels)), (0, 0)))
    first = abs(pixels) - pixels
    return padded[:, :, first : first + pictures.shape[2]]


digits = data.mnist(DIGITS, size(300, 1000))
tests = [moved(digits.test, s) for s in SHIFTS] + [np.rot90(digits.test, axes=(1, 2))]
ink = tests[-2].sum() / digits.test.sum()
print(f"After {SHIFTS[-1]} pixels {ink:.1%} of the ink is still in the picture.")
right = {}
for name, method in (("nearest picture", nearest_picture), ("least squares", least_squares)):
    guesses = [method(digits.train, digits.train_labels, test) for test in tests]
    right[name] = [(guess == digits.test_labels).mean() for guess in guesses]
for kind in ("no pooling", "mean", "max", "max, whole map"):
    model = network(kind)
    rng = np.random.default_rng(SEED)
    batches = tn.data.batches(digits.train, digits.train_labels, size=32, rng=rng)
    fit(kind, model, batches, "cross_entropy", tn.optim.Adam(model.parameters(), 0.003), EPOCHS)
    right[kind] = [accuracy(model, test, digits.test_labels) for test in tests]
commonest = (digits.test_labels == np.bincount(digits.train_labels).argmax()).mean()
right["always the commonest digit"] = [commonest] * len(tests)
table(
    ["right, of digits shifted by", *map(str, SHIFTS), "turned"],
    [[name, *(f"{share:.1%}" for share in shares)] for name, shares in right.items()],
)
draw.reading(SHIFTS, {name: shares[: len(SHIFTS)] for name, shares in right.items()}, tests)

# %% [markdown]
# - The methods without a network fail quickly. To them a shifted digit is another picture.
# - Max pooling reads shifted digits better than no pooling. But the gain is worth about one
#   pixel: with max pooling, digits shifted by 3 or 4 pixels are read about as well as digits
#   shifted by 2 or 3 without pooling. The dense layer at the end has a weight of its own for each
#   place of the last maps. For it a stroke at another place is another stroke. (The notes say
#   that max "works better in practice". Here, too, it is better than the mean at every shift. The
#   second Try, with shifts to the left, shows a larger difference.)
# - The network that pools over the whole map reads shifted digits nearly as well as digits that
#   are not shifted. This is the invariance of which the slides speak. It has a price: the network
#   does not know where in the picture a stroke was found, and reads digits that are not shifted
#   worse than max pooling of 2 x 2 does.
# - The last column is for digits turned by 90 degrees. The slide says that pooling makes "the
#   detection of certain features in the input invariant to scale and orientation changes". For
#   such turns this is not so: every network is close to guessing. Probably a turned stroke does
#   not fit its filter. Smaller turns we have not tested. (We have not tested the scale.)
#
# ## Where the gradient goes
#
# In training the gradient flows back through the pooling. Say the loss has the gradient 10, 20,
# 30, 40 for the four numbers of the pooled map. How much of it does each of the 16 numbers get?
# For max pooling the winner gets all of it, because the others do not matter: if one of them
# rises a little, the maximum stays.
#
# The slides name other kinds of pooling: the smallest number of a window, the mean, the sum, and
# the **L2 norm**, $\sqrt{\sum x^2}$. Each has a way back of its own:
#
# - **Min**: the smallest gets all. (Among equals, the first one.)
# - **Mean**: each gets a quarter. **Sum**: each gets all.
# - **L2 norm**: each gets $x / y$ of it ($y$ is the norm), so large numbers get more and a 0 gets
#   nothing.

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
reached = {name: np.count_nonzero(back) for name, (_, back) in kinds.items()}
table(["pooling", "numbers of 16 that get a gradient"], [[k, v] for k, v in reached.items()])
draw.gradients(MAP, kinds)

# %% [markdown]
# With max pooling 12 of the 16 numbers learn nothing from this picture. That is no harm: with
# other pictures others win.
#
# ## Flattening
#
# A dense layer needs a vector. "Flattening" writes the pooled map 6 8 / 3 4 in one line. The
# notes show two ways, and say that it "depends on how we choose to do it": row by row, or column
# by column. tinynet goes row by row. A dense layer learns with either, because it has a weight
# for each number. But training and use must agree.

# %%
by_rows, by_columns = by_two.numpy().ravel(), by_two.numpy()[0, :, :, 0].T.ravel()
print("row by row:", *(f"{v:g}" for v in by_rows))
print("column by column:", *(f"{v:g}" for v in by_columns))

# %% [markdown]
# ## Claims
#
# The program checks what this lesson says, each time that it runs.

# %%
claim(
    "The notes' first map has stride 2, and their second map has stride 1, not 2",
    rows_of(by_two) == "6 8 / 3 4" and rows_of(by_one) == "6 7 8 / 6 7 8 / 3 3 4",
    f"{rows_of(by_two)} and {rows_of(by_one)}",
)
claim(
    "The slide's volume of 224 x 224 x 64 becomes 112 x 112 x 64",
    pooled_volume == (112, 112, 64),
    " x ".join(map(str, pooled_volume)),
)
kept, thinned, _ = changes[WINDOWS[-1]]
claim(
    "Shifted by one pixel, edges change by at least 60% of their size, 8 x 8 maxima by under 10%",
    changes[WINDOWS[0]][0] >= 0.6 and kept < 0.1,
    f"{changes[WINDOWS[0]][0]:.1%} and {kept:.1%}",
)
claim(
    "If we keep every 8th edge instead of the maximum, they change by at least 60% of their size",
    thinned >= 0.6,
    f"{thinned:.1%}",
)
near, middle, far = (right["max"][i] for i in (0, 2, -2))  # not shifted, by 2, by 6
others = [right[name][2] for name in ("no pooling", "nearest picture")]
claim(
    "Shifted by 2, max pooling reads at least 3 digits in 100 more than no pooling or the nearest",
    middle >= max(others) + 0.03,
    f"{middle:.1%}, {others[0]:.1%} and {others[1]:.1%}",
)
claim(
    "But max pooling is not invariant: shifted by 6 it reads less than half of what it read",
    far < near / 2,
    f"{far:.1%} and {near:.1%}",
)
start, end = (right["max, whole map"][i] for i in (0, -2))
claim(
    "Pooled over the whole map, a shift by 6 costs at most 8 digits in 100",
    start >= 0.6 and end >= start - 0.08,
    f"{start:.1%} and {end:.1%}",
    quick=False,
)
turned = max(shares[-1] for shares in right.values())
claim(
    "No method reads more than 30% of the digits that are turned by 90 degrees",
    turned < 0.3,
    f"at most {turned:.1%}",
)
