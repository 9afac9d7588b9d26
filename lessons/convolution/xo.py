# %% [markdown]
# # X or O: comparing pixels fails, small features found anywhere do better
#
# **Lecture.** *AutoEncoders and Convolutional Neural Networks (CNN)* (TIES4911, Lecture 3,
# University of Jyväskylä): "CNN simple example", after Brandon Rohrer. *Machine Learning II*
# (TDDC17 AI, Linköping University): "X?", "Features of X", "Filters to Detect Features"
#
# **Question.** How can a machine tell an X from an O if the letter is shifted, shrunk, turned and
# bent?
#
# **You will see.** The slide's 48 numbers, computed again. An O that is closer to an X than a
# shifted X is. Then one table in which comparing pixels, features made by hand and a trained
# network answer for the same 1,000 pictures.
#
# **Try.** `python -m lessons xo --set SHEET=9`: the letter fills the sheet and cannot be shifted
# far. Which methods become good? Then try `python -m lessons xo --set TRAIN=4000`: who gains most
# from eight times as many training pictures?

# %%
import numpy as np

import tinynet as tn
from lessons.shared import accuracy, claim, least_squares, nearest_picture, size, table
from lessons.shared.draw import xo as draw

SHEET = 32  # pixels in each row and column of a picture; the letter in it has 9 x 9
TRAIN = 500  # pictures to learn from
NOISE = 0.2  # standard deviation of the noise in each pixel; paper is -1, ink is 1
EPOCHS = size(3, 10)  # how many times the network sees all training pictures
SEED = 0

# %% [markdown]
# ## Computers are literal
#
# The slide shows an X as a table of 9 x 9 numbers, its **pixels**: 1 is ink and -1 is paper. (The
# slide's text has the middle row twice, and one number too many in the first row. We leave those
# out: a program read the slides, and misread this.) The slides show an O too, but not its
# numbers. We draw one.
#
# Now we move the X by one pixel to the right. For us it is still an X. A computer that compares
# pixel by pixel counts in how many of the 81 pixels two pictures differ.

# %%
slide_x = np.full((9, 9), -1.0, np.float32)
inner = np.arange(1, 8)
slide_x[inner, inner] = slide_x[inner, 8 - inner] = 1  # its two diagonals
moved = np.roll(slide_x, 1, axis=1)  # by one pixel to the right
radius = np.hypot(*(np.mgrid[:9, :9] - 4))  # of each pixel, seen from the middle
drawn_o = np.where(abs(radius - 3) < 0.5, 1.0, -1.0).astype(np.float32)

to_moved, to_o = (slide_x != moved).sum(), (slide_x != drawn_o).sum()
print(f"The X and the moved X differ in {to_moved} pixels, the X and the O in {to_o}.")
draw.pixels(slide_x, {"the X, moved by one pixel": moved, "an O": drawn_o})

# %% [markdown]
# All 13 pixels of ink miss each other: 13 pixels lose their ink and 13 others get some. The O
# shares a few pixels with the X. So the pixels say that this O is closer to the X than the moved
# X is.
#
# ## Features
#
# What makes an X an X? It has a stroke that falls, a stroke that rises, and a place where they
# cross. The slide has a small table for each, a **feature**. (Other names for such a table are
# **kernel** and **filter**.)
#
# We lay a feature $w$ over a patch of the picture $x$, multiply each pixel with the number that
# lies on it, add the products, and divide by the number of pixels, 9:
#
# $$m_{ij} = \frac{1}{9} \sum_{a=0}^{2} \sum_{b=0}^{2} w_{ab} x_{i+a, j+b}$$
#
# This is the **match** of row $i$ and column $j$. It is 1 where all nine pixels agree with the
# feature and -1 where all disagree. Each pixel that does not agree costs 2/9. All matches of a
# feature together are its **map**. A feature of 3 x 3 fits into 9 x 9 pixels at 7 x 7 places.
#

# %%
FALLING = [[1, -1, -1], [-1, 1, -1], [-1, -1, 1]]
CROSSING = [[1, -1, 1], [-1, 1, -1], [1, -1, 1]]
RISING = [[-1, -1, 1], [-1, 1, -1], [1, -1, -1]]
FEATURES = {"falling": FALLING, "crossing": CROSSING, "rising": RISING}


def match(pictures, block=1):
    """(N, H, W, 1) -> (N, H', W', 3): the maps of the three features

    block=2: each number of a feature becomes a block of 2 x 2 numbers, for larger letters
    """
    kernels = np.float32([*FEATURES.values()]).repeat(block, axis=1).repeat(block, axis=2)
    kernels = kernels.transpose(1, 2, 0)[:, :, None]  # (3, 3, 1, 3) for block 1
    return tn.conv2d(pictures, tn.Tensor(kernels)) / (9 * block**2)


def cut(numbers):
    """To two decimals, as the slide does: 7/9 becomes 0.77 and not 0.78."""
    return np.trunc(np.round(numbers * 100.0, 4)) / 100 + 0.0


matches = match(tn.Tensor(slide_x[None, :, :, None]))
falling = cut(matches.numpy()[0, :, :, 0])
print("The map of the feature 'falling':")
print("\n".join("  ".join(f"{number:5.2f}" for number in row) for row in falling))

# %% [markdown]
# The slide prints this map. Its numbers are cut after two decimals and not rounded. The first
# number is missing in the text. It must be 0.77, like the last one: the X and the feature look
# the same after half a turn.
#
# ## Match, ReLU, pool
#
# Two more steps follow on the slides.
#
# - **ReLU** replaces each negative number by 0. What speaks against a feature is forgotten, and
#   what speaks for it is kept.
# - **Max pooling** lays windows of 2 x 2 over the map and keeps the largest number of each. So
#   the map shrinks, from 7 x 7 to 4 x 4 numbers here (the last window of a row reaches over the
#   edge). Where in its window the feature fitted is forgotten. The slide: "it doesn't care so
#   much exactly where the feature fit".
#
# The three steps can be stacked "like Lego bricks". We pool a second time and get 2 x 2 numbers.

# %%
positive = tn.relu(matches)
pooled = tn.max_pool2d(positive, 2, ceil_mode=True)  # ceil: the last window reaches over the edge
again = tn.max_pool2d(pooled, 2)
steps = [cut(step.numpy()[0]) for step in (matches, positive, pooled, again)]
draw.by_hand(slide_x, FEATURES, steps)

# %% [markdown]
# In the figure red is positive and blue is negative. The falling stroke gives a falling line of
# ones, the rising stroke a rising one. The crossing has a single one, in the middle.
#
# ## Found anywhere
#
# If we pool over the whole map, one number is left for each feature: its **largest match**,
# wherever in the picture it is. When the letter moves, the map moves along and its largest number
# stays the same.


# %%
def largest(pictures, blocks=(1,)):
    """The largest match of each feature, in each block size.  (N, H, W, 1) -> (N, 3 * sizes)"""
    maps = [match(tn.Tensor(pictures), block).numpy() for block in blocks]
    return np.concatenate([m.max(axis=(1, 2)) for m in maps], axis=1)


three = np.stack([slide_x, moved, drawn_o])[..., None]  # (3, 9, 9, 1)
found = cut(largest(three))  # (3, 3)
names = ["the X", "the moved X", "the O"]
rows = [[name, *(f"{m:.2f}" for m in row)] for name, row in zip(names, found, strict=True)]
table(["largest match of", *FEATURES], rows)

# %% [markdown]
# The X and the moved X have the same three numbers. The O has strokes that fall and rise, too,
# but no crossing. These numbers do what the pixels could not do.
#
# ## Letters that vary
#
# The slide's demand is stronger: "We want to be able to classify an X as an X even if it's
# shifted, shrunk, rotated, deformed." So we draw letters of 9 x 9 pixels, each with its own size,
# slant, thickness and bend, put each at a random place of a larger sheet, and add noise.


# %%
def pictures(count, sheet, rng):
    """-> pictures (count, sheet, sheet, 1); labels (count,), 0 for X and 1 for O"""
    letters, labels = tn.data.xo(count, rng, size=9, noise=0)
    sheets = NOISE * rng.standard_normal((count, sheet, sheet, 1), dtype=np.float32) - 1
    places = rng.integers(sheet - 9 + 1, size=(count, 2))  # of the upper left corner
    for picture, letter, (top, left) in zip(sheets, letters, places, strict=True):
        picture[top : top + 9, left : left + 9] += letter + 1
    return sheets, labels


def drawn_on(sheet):
    """Training pictures and their labels, then 1,000 unseen pictures and their labels"""
    rng = np.random.default_rng(SEED)
    return *pictures(TRAIN, sheet, rng), *pictures(1000, sheet, rng)


# %% [markdown]
# There are two ways to compare pixels:
#
# - **Nearest picture**: look for the training picture whose pixels differ least, and answer with
#   its letter.
# - **Least squares on pixels**: give each pixel a weight for "X" and one for "O", and add up. The
#   larger sum is the answer. The weights are those with the smallest squared error on the
#   training pictures.
#
# We try both on sheets of three sizes. On the smallest the letter fills the sheet, so there is
# one place for it. (Within its 9 x 9 pixels it still moves by about one pixel.) On the largest it
# can stand at 24 x 24 places. All else is the same.

# %%
shares = {}
for sheet in (9, 16, 32):
    known = drawn_on(sheet)
    shares[sheet] = [
        (compare(*known[:3]) == known[3]).mean() for compare in (nearest_picture, least_squares)
    ]
in_place, far = shares[9], shares[32]
table(
    ["sheet", "places", "nearest picture", "least squares on pixels"],
    [[f"{s} x {s}", (s - 8) ** 2, f"{a:.1%}", f"{b:.1%}"] for s, (a, b) in shares.items()],
)

x, labels, unseen, truth = drawn_on(SHEET)  # from here on
nearest = nearest_picture(x, np.arange(len(x)), unseen)  # which picture it is, for each unseen one
draw.nearest(unseen, x[nearest], truth, labels[nearest])

# %% [markdown]
# Guessing is right in about half of the cases. On the smallest sheet comparing pixels works well:
# 500 training pictures show the letters in every place that they can have. Where the letters
# move, least squares falls to guessing: at each single pixel an X has ink about as often as an O.
# The nearest picture is right if a training picture happens to have a similar letter at a similar
# place, and 500 pictures are few for so many places.
#
# ## Features made by hand, on the same pictures
#
# The slide's features fit lines of one pixel. Our letters are thinner or thicker, smaller or
# larger. So we lay each feature on in three sizes: 3 x 3, 6 x 6 and 9 x 9. That makes nine
# numbers for each picture: the largest match of three features in three sizes.
#
# Then come the **votes**. The slide: "Some values are much better than others at knowing when the
# image is an X". Each number gets a weight for "X" and one for "O". The slide's weights are not
# in the text, so least squares finds them, from the same training pictures as before. It is the
# same method as above. Only what it looks at has changed: nine numbers instead of all pixels.

# %%
numbers, numbers_unseen = largest(x, (1, 2, 3)), largest(unseen, (1, 2, 3))  # (N, 9)
by_hand = least_squares(numbers, labels, numbers_unseen)
print(
    f"Features made by hand are right for {(by_hand == truth).mean():.1%} of the unseen pictures."
)

# %% [markdown]
# ## Features that are learnt
#
# A person had to think of these features. A **convolutional network** takes the same three steps:
# match, ReLU and pool. But its features start as random numbers, and training changes them.
#
# 1. Six features of 3 x 3, ReLU, max pooling with windows of 2 x 2.
# 2. Twelve features of these maps, ReLU. Each lays 3 x 3 weights on each of the six maps, so it
#    has 54 weights. Through the pooling each of them sees 8 x 8 pixels of the picture: nearly a
#    whole letter.
# 3. Max pooling with a window as large as the map. So each of the twelve features is found
#    anywhere.
# 4. Votes: a sum for X and a sum for O, the **logits**. The larger one is the answer.
#
# The slide does step 3 differently. It makes one long list of all numbers of the maps: "Every
# value gets its own vote." So each place has votes of its own. We train that network, too. The
# only difference is the window of the second pooling: 2 x 2 in place of the whole map. The table
# shows the first network. Each feature and each vote has a bias, too.


# %%
def network(window):
    """Pictures (N, SHEET, SHEET, 1) -> logits (N, 2).  window: of the second pooling"""
    layers = [
        tn.layers.Conv2D(6, 3, padding="same", activation="relu"),
        tn.layers.MaxPooling2D(2),
        tn.layers.Conv2D(12, 3, padding="same", activation="relu"),
        tn.layers.MaxPooling2D(window),
        tn.layers.Flatten(),
        tn.layers.Dense(2),
    ]
    return tn.Sequential(layers, (SHEET, SHEET, 1), np.random.default_rng(SEED))


# %% [markdown]
# The training loop takes 32 pictures at a time, a **batch**. For each batch:
#
# - The network answers with its logits. **Softmax** turns them into probabilities $p$ that add up
#   to 1.
# - The **cross-entropy** says how wrong they are. It is the mean of $-\log p(\text{true
#   letter})$, so 0 would be perfect, and 0.69 is what an answer of 50% for both letters gets.
# - `backward()` computes how the loss changes with each weight.
# - The **optimizer** (here Adam) moves each weight a little so that the loss falls.
#
# One pass through all training pictures is an **epoch**. (`tn.fit` does the same in one call.)


# %%
def train(model, x, labels):
    """Change the model's weights.  -> the loss of each step"""
    batches = tn.data.batches(x, labels, size=32, rng=np.random.default_rng(SEED))
    optimizer = tn.optim.Adam(model.parameters(), lr=0.02)
    losses = []
    for _ in range(EPOCHS):
        for some, answers in batches:
            optimizer.zero_grad()
            loss = tn.cross_entropy(model(some), answers)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses


anywhere = network(SHEET // 2)  # the maps have SHEET // 2 rows and columns after the first pooling
each_place = network(2)
anywhere.summary()
print(f"Both networks learn from {len(x)} pictures, in {EPOCHS} epochs.")
for name, model in (("found anywhere", anywhere), ("votes for each place", each_place)):
    losses = train(model, x, labels)
    print(f"{name}: the loss falls from {losses[0]:.2f} to {losses[-1]:.4f} in {len(losses)} steps")

# %% [markdown]
# ## All on the same pictures
#
# Every method has learnt from the same training pictures. Every method answers for the same 1,000
# unseen pictures.

# %%
right = {
    "always the commonest letter": (truth == np.bincount(labels).argmax()).mean(),
    "nearest picture": (labels[nearest] == truth).mean(),
    "least squares on pixels": (least_squares(x, labels, unseen) == truth).mean(),
    "features made by hand, found anywhere": (by_hand == truth).mean(),
    "trained network, votes for each place": accuracy(each_place, unseen, truth),
    "trained network, features found anywhere": accuracy(anywhere, unseen, truth),
}
table(["method", "right"], [[name, f"{share:.1%}"] for name, share in right.items()])

# %% [markdown]
# Three thoughts:
#
# - Least squares on nine good numbers beats least squares on all pixels by far. It matters what a
#   method looks at.
# - The network finds better features than we did, and nobody told it what a stroke is.
# - The network with votes for each place has as many features. But a vote that it learns in one
#   corner says nothing about another corner. It needs training pictures with letters in all
#   places.
#
# ## What the network has found
#
# These are the six kernels of the first layer, and their maps of an X and of an O. A bright place
# in a map is a place where the kernel matches. Some kernels look for strokes of one direction,
# like "falling" and "rising" on the slide. Others look for an edge of a stroke. (A bright border
# of a map comes from `padding="same"`: outside of the picture are zeros, and paper is -1.)

# %%
kernels = anywhere[0].kernel.numpy()[:, :, 0].transpose(2, 0, 1)  # (6, 3, 3)
shown = unseen[[np.argmax(truth == 0), np.argmax(truth == 1)]]  # the first X and the first O
draw.kernels(kernels, shown, tn.predict(anywhere[:1], shown))

# %% [markdown]
# And the mistakes? The network gives each letter a probability. We sort the unseen pictures by
# the probability of the true letter. Those with less than 50% are mistakes.

# %%
p = tn.softmax(tn.Tensor(tn.predict(anywhere, unseen))).numpy()
draw.mistakes(unseen, truth, p[np.arange(len(truth)), truth])

# %% [markdown]
# ## Claims
#
# The program checks what this lesson says, each time that it runs.

# %%
printed = """      -0.11  0.11  0.33  0.55 -0.11  0.33  -0.11  1.00 -0.11  0.33 -0.11  0.11 -0.11
             0.11 -0.11  1.00 -0.33  0.11 -0.11  0.55   0.33  0.33 -0.33  0.55 -0.33  0.33  0.33
             0.55 -0.11  0.11 -0.33  1.00 -0.11  0.11  -0.11  0.11 -0.11  0.33 -0.11  1.00 -0.11
             0.33 -0.11  0.55  0.33  0.11 -0.11  0.77"""  # the slide's map, row after row
same = np.isclose(falling.ravel()[1:], [float(number) for number in printed.split()])
claim("The map of 'falling' has the slide's 48 numbers", same.all(), f"{same.sum()} of 48")
claim(
    "In pixels the O is closer to the X than the moved X is, in largest matches it is not",
    to_o < to_moved and np.array_equal(found[0], found[1]) and found[2, 1] < found[0, 1],
    f"{to_o} and {to_moved} pixels differ; crossing {found[2, 1]:.2f} and {found[1, 1]:.2f}",
)
claim(
    "Comparing pixels knows 90% of the letters in their place, but at most 80% of moved letters",
    min(in_place) >= 0.9 and max(far) <= 0.8,
    f"nearest {in_place[0]:.1%} and {far[0]:.1%}, least squares {in_place[1]:.1%} and {far[1]:.1%}",
)
_, nearest_share, _, hand_share, place_share, network_share = right.values()
claim(
    "Features made by hand know at least 8 letters in 100 more than the nearest picture",
    hand_share >= nearest_share + 0.08,
    f"{hand_share:.1%} and {nearest_share:.1%}",
)
claim(
    "The network that finds features anywhere knows 97%, and 3 in 100 more than those made by hand",
    network_share >= max(0.97, hand_share + 0.03),
    f"{network_share:.1%} and {hand_share:.1%}",
)
claim(
    "With votes for each place the network makes at least 3 times as many mistakes",
    1 - place_share >= 3 * max(1 - network_share, 0.001),
    f"{1 - place_share:.1%} and {1 - network_share:.1%} wrong",
    quick=False,
)

# %% [markdown]
# ## Quiz
#
# 1. Why do the X and the X moved by one pixel differ in 26 pixels? *Its 13 pixels of ink move to
#    13 other pixels. So 13 pixels lose their ink and 13 get some.*
# 2. What is the largest match that is possible, and when is it reached? *1: all nine pixels agree
#    with the feature.*
# 3. One of the nine pixels disagrees. What is the match? *(8 - 1) / 9 = 7/9, which the slide cuts
#    to 0.77.*
# 4. What does ReLU make of -0.11 and of 0.33? *0 and 0.33.*
# 5. How many numbers are left of a map of 7 x 7 after max pooling as above? *16, because 4 x 4
#    windows cover it.*
# 6. A letter moves to another place of the sheet. What happens to the largest match of a feature?
#    *Nothing: it is found at another place.*
# 7. Why does least squares on pixels only guess when letters move? *It has one weight for each
#    pixel, and each single pixel has ink about as often in an X as in an O.*
# 8. What would help the nearest picture? *More training pictures, so that each unseen letter has
#    one that is similar and stands at a similar place. Or letters that do not move.*
# 9. How many weights and biases does the first layer of the network have? *Six features of 9
#    weights and one bias each: 60. They are the same at all places.*
# 10. The network takes the same steps as the calculation by hand. What is different? *Its
#     features and its votes start as random numbers, and training finds them.*
