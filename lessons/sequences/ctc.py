# %% [markdown]
# # CTC: reading a line of digits without knowing where each one stands
#
# **Lecture.** *Convolution NN* (handwritten notes, author not named): "Losses module of keras"
# names CTC among the classes of losses
#
# **Question.** A line of handwriting is labelled with its text, for example 3 5 1. Nobody has
# marked where the 3 ends and the 5 begins. How can a network learn from such labels?
#
# **You will see.** A rule that turns a class for each step into a short text. All 81 ways through
# a small example, listed and added. A recursion that adds them without listing them. A network
# that reads lines of handwritten digits, and finds their places although nobody told it.
#
# **Try.** `python -m lessons ctc --quick --set LABEL=aa`: only 5 of the 81 paths read as "aa",
# because a blank must stand between two equal letters. In the lattice no arrow skips this blank.

# %%
from collections import defaultdict
from itertools import product

import numpy as np

import tinynet as tn
from lessons.shared import claim, data, fit, nearest_picture, size, table
from lessons.shared.draw import ctc as draw
from tinynet.layers import GRU, Dense, Dropout

P = [[0.5, 0.4, 0.1], [0.3, 0.6, 0.1], [0.5, 0.1, 0.4], [0.4, 0.1, 0.5]]  # of -, a, b at each step
LABEL = "ab"  # of the small example
LINES = size(1000, 10_000, 30_000)  # of digits, to learn from
EPOCHS = size(5, 4, 8)  # how often each line is seen
SEED = 0

# %% [markdown]
# ## More steps than letters
#
# A network that reads a line goes over it in steps, from left to right. At each step it gives a
# probability to each class. Our lines will have 32 steps and 3 to 5 digits. So most steps have no
# digit of their own. Cross-entropy needs a class for each step, but the label does not say which
# step belongs to which digit.
#
# **CTC** (connectionist temporal classification; Graves and others, 2006) adds one more class,
# the **blank**, written "-". It means "nothing new". One class for each step, such as "-a-b", is
# called a **path**. A rule reads the path:
#
# 1. Where the same class stands several times in a row, keep it once.
# 2. Then leave out all blanks.
#
# So the path "aa-ab" reads as "aab". The blank in the middle says that there are two letters a.
# Without it they would be one.


# %%
def reads_as(path):
    return "".join(c for c, before in zip(path, "-" + path, strict=False) if c not in ("-", before))


for path in ("-a-b", "aabb", "ab--", "aa-a", "aaaa"):
    print(f'"{path}" reads as "{reads_as(path)}"')

# %% [markdown]
# ## All paths of a small example
#
# Our example has 4 steps and the classes "-", "a" and "b". The table `P`, printed below, has
# their probabilities, a row for each step. With 3 classes and 4 steps there are $3^4 = 81$ paths
# $\pi$. The probability of a path is the product over its steps $t$. Many paths read as the same
# label $y$. **The probability of the label is the sum over all of them:**
#
# $$p(y) = \sum_{\pi \text{ reads as } y} \, \prod_t p_t(\pi_t)$$
#
# The loss is $-\log p(y)$. It is small if the network gives much probability to the paths that
# read as the label. Which of these paths it takes does not matter. This is why nobody has to know
# the places.

# %%
told = f"P is {P}. Give rows of numbers above 0 whose sum is 1."
assert np.min(P) > 0 and np.allclose(np.sum(P, axis=1), 1), told
table(["step", "-", "a", "b"], [[t, *map(str, row)] for t, row in enumerate(P, 1)])
print()
paths = {}  # for each path its probability
for path in product("-ab", repeat=len(P)):
    paths["".join(path)] = np.prod([P[t]["-ab".index(c)] for t, c in enumerate(path)])
labels = defaultdict(list)  # for each label its paths
for path in paths:
    labels[reads_as(path)].append(path)
p_of = {label: sum(paths[path] for path in labels[label]) for label in labels}
told = f"LABEL is {LABEL!r}. Give a and b for {len(P)} steps. Equal neighbors need one more step."
assert LABEL and LABEL in labels, told

likely = sorted(p_of, key=p_of.get, reverse=True)
table(
    ["the 6 likeliest labels", "paths", "p"],
    [[f'"{y}"', len(labels[y]), f"{p_of[y]:.4f}"] for y in likely[:6]],
)
print(f"{len(labels)} labels and {len(paths)} paths, their probabilities add up to "
      f"{sum(p_of.values()):.4f}.")  # fmt: skip
print(f'The {len(labels[LABEL])} paths of "{LABEL}":', *labels[LABEL])

z = tn.Tensor(np.log(P)[None])  # (1, T, 3): the logarithms of probabilities are logits
y = [["-ab".index(c) for c in LABEL]]
by_loss = np.exp(-tn.ctc_loss(z, y).item())
print(f"the sum: {p_of[LABEL]:.12f}, exp(-tn.ctc_loss): {by_loss:.12f}")
best = max(paths, key=paths.get)
print(f'The likeliest path, "{best}", has only {paths[best]:.4f} and reads as "{reads_as(best)}".')

# %% [markdown]
# `tn.ctc_loss` computes the same sum. It cannot list the paths: our lines will have 32 steps and
# 11 classes, and that makes $11^{32}$ paths.
#
# ## The sum without a list
#
# Paths that have come equally far in the label can be added at once. Write a blank before,
# between and after the letters of the label. For "ab" this gives five **positions**: - a - b -. A
# path that reads as the label goes through these positions from left to right. At each step it
# has three choices:
#
# - It stays at its position. The class is repeated.
# - It goes to the next position.
# - It skips a blank, if the letters on both sides of the blank differ. Between equal letters the
#   blank is needed.
#
# Let $\alpha_t(s)$ be the probability of all ways to position $s$ at step $t$. Each way comes
# from one of three positions at the step before. So three numbers are added, and the sum is
# multiplied by the probability of the position's class $c_s$:
#
# $$\alpha_t(s) = p_t(c_s) \, \big( \alpha_{t-1}(s) + \alpha_{t-1}(s-1) + \alpha_{t-1}(s-2) \big)$$
#
# (The third number only counts where the skip is allowed. Positions before the first count as 0.)
# A path begins at one of the first two positions. So $\alpha_1(1) = p_1(c_1)$ and $\alpha_1(2) =
# p_1(c_2)$, and all others are 0 at step 1. A path ends at one of the last two positions. So at
# most two additions for each position and step take the place of the list.


# %%
def ways_to(positions, p):
    """alpha.  positions: their classes; p: for each step the probability of each class -> (T, S)"""
    alpha = np.zeros((len(p), len(positions)))
    alpha[0, :2] = p[0, positions[:2]]
    for t in range(1, len(p)):
        for s, c in enumerate(positions):
            skip = s >= 2 and c not in (0, positions[s - 2])
            comes = alpha[t - 1, max(0, s - 1) : s + 1].sum() + skip * alpha[t - 1, s - 2]
            alpha[t, s] = p[t, c] * comes
    return alpha


positions = [0]
for c in LABEL:
    positions += ["-ab".index(c), 0]
alpha = ways_to(positions, np.array(P))
by_recursion = alpha[-1, -2:].sum()
print(f"The last two positions: {alpha[-1, -2]:.4f} + {alpha[-1, -1]:.4f} = {by_recursion:.4f}")
draw.lattice(alpha, ["-ab"[c] for c in positions])

# %% [markdown]
# Each circle of the figure is a position at a step, with its $\alpha$. Follow the arrows from
# left to right: every way from a circle at the left to a thick circle at the right is one of the
# paths in the list. The thin circles at the last step are ways that have not finished the label.
# They do not count.
#
# Backpropagation goes through the same sums. Among the paths that read as the label, training
# pushes most those that are already likely. So the network itself finds a step for each letter,
# though not always at its place.
#
# ## Lines of digits
#
# We shrink handwritten digits to 14 x 14 pixels and set 3 to 5 of them side by side. The
# distances are random, and so is the place where the line begins. Some digits touch or overlap.
# The label of a line is the list of its digits, without their places. The classes are 0 for blank
# and 1 to 10 for the digits. A shorter label is filled up with 0.


# %%
def lines(digits, digit_labels, count, rng):
    """Pictures (count, 14, 96), labels (count, 5), the left edges of the digits (count, 5)"""
    pictures = np.zeros((count, 14, 96), np.float32)
    labels, edges = np.zeros((count, 5), int), np.zeros((count, 5), int)
    for picture, label, edge in zip(pictures, labels, edges, strict=True):
        n = rng.integers(3, 6)
        label[:n], edge[1:n] = 1, rng.integers(9, 21, n - 1)
        edge[:n] = edge[:n].cumsum() + rng.integers(96 - 13 - edge[:n].sum())
        for j, k in enumerate(rng.integers(len(digits), size=n)):
            place = picture[:, edge[j] : edge[j] + 14]
            np.maximum(place, digits[k], out=place)
            label[j] = digit_labels[k] + 1
    return pictures, labels, edges


assert LINES >= 25, f"LINES is {LINES}. Give at least 25."
assert EPOCHS >= 1, f"EPOCHS is {EPOCHS}. Give at least 1."
digits = data.mnist(size(4000, 20_000), 2000)
small, small_test = (
    pictures.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)) for pictures in (digits.train, digits.test)
)
rng = np.random.default_rng(SEED)
shown, shown_labels, _ = lines(small, digits.train_labels, LINES, rng)
asked, asked_labels, edges = lines(small_test, digits.test_labels, 500, rng)
answers = [[k for k in label if k] for label in asked_labels.tolist()]
print(f"{digits.source}: {LINES:,} lines to learn from, 500 lines of other digits to test")

# %% [markdown]
# ## A network that goes over the line
#
# The network sees the line through a window of 14 columns of pixels. At each of the 32 steps the
# window moves on by 3 columns. A dense layer looks into the window. A GRU carries what it has
# seen along the line, from left to right. At the end there are 11 logits at each step. (Dropout,
# random zeros against overfitting, is on in training only. The line is padded with 6 empty
# columns at each end. So the middle of the first window is at column 0.5.)
#
# After the training, we take the likeliest class at each step and read this path by the rule.
# This is what `tn.ctc_decode` does. It is a shortcut: the likeliest path need not read as the
# likeliest label.


# %%
def windows(pictures):
    """(N, 14, 96) -> (N, 32, 196): of each step the 14 x 14 pixels in the window"""
    wide = np.pad(pictures, ((0, 0), (0, 0), (6, 6)))
    seen = np.stack([wide[:, :, i : i + 14] for i in range(0, 96, 3)], axis=1)
    return seen.reshape(-1, 32, 14 * 14)


def loss(logits, labels):
    return tn.ctc_loss(logits, labels, label_lengths=(labels != 0).sum(axis=1))


gru = GRU(96, return_sequences=True)
layers = [Dense(128, activation="relu"), Dropout(0.1), gru, Dropout(0.1), Dense(11)]
reader = tn.Sequential(layers, input_shape=(32, 14 * 14), rng=np.random.default_rng(SEED))
order = np.random.default_rng((SEED, 1))
batches = tn.data.batches(windows(shown), shown_labels, size=25, rng=order)
falling = tn.schedules.Cosine(0.005, EPOCHS * len(batches))  # the learning rate
adam = tn.optim.Adam(reader.parameters(), falling, clip_norm=1.0)
fit("reader", reader, batches, loss, adam, EPOCHS)

logits = tn.predict(reader, windows(asked))  # (500, 32, 11)
read = tn.ctc_decode(logits)
right = np.array([a == b for a, b in zip(read, answers, strict=True)])
print(f"lines read without any mistake: {right.mean():.1%}")

# %% [markdown]
# ## Is it good?
#
# A line is read right if all its digits are right and none is missing or too many. We compare the
# network with three readers that first cut the line and then read each digit by itself.
#
# - **Equal parts.** Cut the line, from its first to its last column with ink, into equal parts,
#   one for each digit. (This reader is told how many digits there are.)
# - **Empty columns.** Cut the line where columns have no ink.
# - **True places.** Cut out the frame of 14 columns in which the digit was placed. (This reader
#   is told all places.)
#
# Each cut-out digit goes to the **nearest picture**: it gets the label of the training digit
# whose pixels differ least.


# %%
def read_at(places):
    """The share of lines read right.  places: for each line the left edges of its digits"""
    wide = np.pad(asked, ((0, 0), (0, 0), (14, 14)))
    frames = [line[:, x + 14 : x + 28] for line, row in zip(wide, places, strict=True) for x in row]
    found = nearest_picture(small, digits.train_labels, np.array(frames)) + 1
    found = np.split(found, np.cumsum([len(row) for row in places])[:-1])
    return np.mean([row.tolist() == answer for row, answer in zip(found, answers, strict=True)])


equal, empty = [], []
for picture, answer in zip(asked, answers, strict=True):
    ink = np.flatnonzero(picture.max(axis=0) > 0.2)  # the columns with ink
    middles = np.linspace(ink[0], ink[-1], 2 * len(answer) + 1)[1::2]
    equal.append((middles - 6.5).round().astype(int))
    pieces = np.split(ink, np.flatnonzero(np.diff(ink) > 1) + 1)
    empty.append([round((piece[0] + piece[-1]) / 2 - 6.5) for piece in pieces])
true = [edge[: len(answer)] for edge, answer in zip(edges, answers, strict=True)]

shares = {"network with CTC": right.mean(), "equal parts": read_at(equal)}
shares |= {"empty columns": read_at(empty), "true places": read_at(true)}
table(["reader", "lines without a mistake"], [[k, f"{v:.1%}"] for k, v in shares.items()])

# %% [markdown]
# The equal parts fail, because the distances are random. The empty columns fail where digits
# touch, and where one digit has a gap. The network cuts nothing. Without any places it reads far
# more lines than both. It reads about as many as the reader that is told all places. (That one
# only compares pictures.)
#
# ## Where are the digits?
#
# The labels have no places. Has the network found them? We take the lines that it has read right.
# For each digit we look for the step at which it appears on the likeliest path, and for the
# column in the middle of that step's window. How far is this column from the middle of the
# digit's frame? For comparison we take the middles of the equal parts.
#
# The mean says whether the columns stand too far left (below 0) or right. The standard deviation
# says how much they scatter around this mean. It shows whether they follow the digits.

# %%
best = logits.argmax(axis=2)  # (500, 32)
appears = best != 0
appears[:, 1:] &= best[:, 1:] != best[:, :-1]
well = np.flatnonzero(right)  # the lines that it has read right
if len(well):  # an untrained network has none
    middle = np.concatenate([true[i] + 6.5 for i in well])
    found = np.concatenate([3 * np.flatnonzero(appears[i]) + 0.5 for i in well])
    parts = np.concatenate([equal[i] + 6.5 for i in well])
    off = {"network": found - middle, "equal parts": parts - middle}
    rows = [[name, f"{d.mean():.1f}", f"{d.std():.1f}"] for name, d in off.items()]
    table(["columns from the middle", "mean", "standard deviation"], rows)
draw.peaks(asked, tn.softmax(tn.Tensor(logits)).numpy(), read, answers)

# %% [markdown]
# The places follow the digits: they scatter by about one column. It could hardly be less: the
# steps are 3 columns apart, and rounding to them alone gives a scatter of $3 / \sqrt{12} = 0.87$.
# The figure shows a long and a short line that the network has read right, and one that it has
# misread. Nearly everywhere it says "blank". Each digit gets a narrow peak.
#
# CTC does not ask for places, so this need not be so. We tried a network with a narrow window and
# GRUs in both directions. With one of three seeds its peaks stood 13 columns left of the digits,
# on average, and yet it read more than 80% of the lines right. Ours reads only from left to
# right. So it cannot name a digit before it has seen at least a part of it.
#
# ## Claims
#
# The program checks what this lesson says, each time that it runs.

# %%
claim(
    "The listed paths, the recursion and tn.ctc_loss give the same p",
    max(abs(p_of[LABEL] - by_loss), abs(p_of[LABEL] - by_recursion)) < 1e-12,
    f"{p_of[LABEL]:.6f}",
)
claim(
    "All labels together have p = 1",
    abs(sum(p_of.values()) - 1) < 1e-12,
    f"{sum(p_of.values()):.6f}",
)
network, cut = right.mean(), max(shares["equal parts"], shares["empty columns"])
least = size(0.1, 0.72)
claim(f"The network reads at least {least:.0%} of new lines", network >= least, f"{network:.1%}")
claim(
    "It beats equal parts and empty columns by at least 15 percentage points of the lines",
    network - cut >= 0.15,
    f"{network:.1%} and {cut:.1%}",
    quick=False,
)
if len(well):
    scatter, scatter_parts = (columns.std() for columns in off.values())
    claim(
        "Its places scatter by at most 2 columns, those of equal parts by at least 2.5",
        scatter <= 2 and scatter_parts >= 2.5,
        f"{scatter:.1f} and {scatter_parts:.1f} columns",
        quick=False,
    )
