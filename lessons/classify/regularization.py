# %% [markdown]
# # Regularization: too few pictures, and what keeps a network from learning them by heart
#
# **Lecture.** *Convolution NN* (handwritten notes, author not named): "L2 Regularization", "L1
# Regularization". *AutoEncoders and Convolutional Neural Networks (CNN)* (TIES4911, Lecture 3,
# University of Jyväskylä): "Model fitting", and the slide on overfitting and "data augmentation"
#
# **Question.** A network gets only 400 digits to learn from. What helps it to read digits that it
# has never seen, and by how much?
#
# **You will see.** A network that knows its 400 digits by heart. Four cures, each in several
# strengths and with three starts: L2, L1, dropout and augmentation. One of them helps clearly.
# What L1 does to the weights of pixels that are always black.
#
# **Try.** `python -m lessons regularization --set COUNT=100`: only 100 digits to learn from. How
# much does augmentation gain now, and how much the others?

# %%
import numpy as np

import tinynet as tn
from lessons.shared import accuracy, claim, data, fit, least_squares, nearest_picture, size, table
from lessons.shared.draw import regularization as draw
from tinynet.layers import Dense, Dropout, Flatten

COUNT = size(400, 400, 10000)  # digits to learn from; the slide calls 1,000 of each class very few
EPOCHS = size(8, 30, 10)  # how often each digit is seen
SEEDS = size([0], [0, 1, 2])  # starts: each has its own digits and its own first weights
RATE = 0.6  # the learning rate at the beginning; it falls to 0 along a cosine

# %% [markdown]
# ## A network that learns by heart
#
# The network is small: 64 neurons, then ten, one for each digit. The **loss** says how wrong its
# answers are (the cross-entropy; see the lesson `softmax`). Training changes the weights so that
# the loss on the **training digits** falls. The **test digits** are 2,000 others that it never
# learns from.
#
# One **epoch** is a pass through all training digits. After each one we measure the loss on both.
# The slide tells what to look for: the "training loss keeps going down but the validation loss
# starts increasing after certain epoch. It is a sign of *overfitting*."
#
# The function `train` does all trainings of this lesson. It has a switch for each cure, and they
# are explained below. `fit` is the usual loop: 50 digits at a time, and a step of gradient
# descent after each 50. The steps become smaller towards the end, so that the last ones do not
# throw the weights about.


# %%
def train(name, x, labels, seed, penalty=None, dropout=0.0, augment=None, **more):
    """-> the trained network, and its losses"""
    layers = [Flatten(), Dense(64, activation="relu", kernel_regularizer=penalty), Dropout(dropout)]
    layers += [Dense(10, kernel_regularizer=penalty)]
    network = tn.Sequential(layers, (28, 28, 1), np.random.default_rng(seed))
    rng = np.random.default_rng((seed, 1))
    batches = tn.data.batches(x, labels, size=50, rng=rng, augment=augment)
    rate = tn.schedules.Cosine(RATE, EPOCHS * len(batches))
    optimizer = tn.optim.SGD(network.parameters(), rate)
    return network, fit(name, network, batches, "cross_entropy", optimizer, EPOCHS, **more)


digits = data.mnist(len(SEEDS) * COUNT + 1000, 2000)
test = (digits.test, digits.test_labels)
judges = (digits.train[-1000:], digits.train_labels[-1000:])  # to choose a strength
firsts = range(0, len(SEEDS) * COUNT, COUNT)
known = [(digits.train[i : i + COUNT], digits.train_labels[i : i + COUNT]) for i in firsts]

plain, history = train("nothing", *known[0], SEEDS[0], validation=test)
falling, rising = history["loss"], history["validation loss"]
print(f"Training loss {falling[-1]:.4f}: {accuracy(plain, *known[0]):.1%} of the digits are right.")
print(f"Test loss {rising[-1]:.2f}, at its lowest {min(rising):.2f}: {accuracy(plain, *test):.1%}.")
draw.by_heart(falling, rising)

# %% [markdown]
# The network knows its digits by heart and misreads many new ones: one in five at the default
# size. Now the cures.
#
# ## Four cures
#
# - **L2** adds a price for large weights to the loss. The notes: "Regularized loss = original
#   loss + L2 Regularization term".
#
# $$\text{loss} + \lambda \sum_i w_i^2$$
#
# - **L1** takes the size in the place of the square. The notes: it "promotes sparsity", "less
#   important features are ignored". ($w$ stands for all weights, without the biases.)
#
# $$\text{loss} + \lambda \sum_i |w_i|$$
#
# - **Dropout** sets each output of the 64 neurons to 0 with a probability, the **dropout rate**,
#   anew in each step of training. (The lesson `dropout` has more.)
# - **Augmentation** turns, shifts and resizes each digit a little, anew each time. A 4 stays a 4.
#   So the network never sees the same picture twice.
#
# (Batch normalization, which the slides also count among the cures, has a lesson of its own,
# `batch_norm`.)
#
# How strong should a cure be? $\lambda$ and the dropout rate are **hyperparameters**: training
# does not find them. So we try several strengths. Each is trained from three starts, with other
# digits and other first weights. For each start we look at the **gain**: the test accuracy less
# that of the network without a cure, from the same start.


# %%
def moved(s):
    """Turn, shift and resize by a random amount; s = 0.06: up to 6 degrees, 6%, 6%"""
    affine = tn.data.augment.affine
    return lambda x, rng: affine(x, rng, rotate=100 * s, shift=s, zoom=s, fill="zeros")


CURES = {  # what it changes, in which strengths
    "nothing": (lambda s: {}, [0.0]),
    "L2": (lambda s: {"penalty": tn.regularizers.L2(s)}, size([0.01], [0.001, 0.003, 0.01, 0.03])),
    "L1": (lambda s: {"penalty": tn.regularizers.L1(s)}, size([0.001], [0.0003, 0.001, 0.003])),
    "dropout": (lambda s: {"dropout": s}, size([0.25], [0.25, 0.5, 0.75])),
    "augmentation": (lambda s: {"augment": moved(s)}, size([0.06], [0.03, 0.06])),
}


def kernels(network):
    """The weights of both layers, without the biases"""
    return [w.data for w in network.parameters() if w.ndim == 2]


networks, rows = {}, {}  # of each cure and strength; a row: three accuracies and the sum of w^2
for cure, (change, strengths) in CURES.items():
    for strength in strengths:
        name, row = f"{cure} {strength:g}", []
        for seed, own in zip(SEEDS, known, strict=True):
            network, _ = train(f"{name}, start {seed}", *own, seed, **change(strength))
            shares = [accuracy(network, *them) for them in (own, judges, test)]
            row.append([*shares, sum(float((w**2).sum()) for w in kernels(network))])
            networks.setdefault((cure, strength), network)
        rows[cure, strength] = np.array(row)  # (starts, 4)
gains = {key: 100 * (row - rows["nothing", 0.0])[:, 2] for key, row in rows.items()}
draw.gains(gains)

# %% [markdown]
# Each dot is one training. A cure helps if its dots lie above 0, and not only their mean.
#
# Which strength is the best? It would be cheating to take the one with the best test accuracy:
# the test digits would then have helped to build the network. So 1,000 more digits choose, the
# **validation digits**. The table has the chosen strength of each cure.

# %%
lines, gain, reads = [], {}, {}
for cure, (_, strengths) in CURES.items():
    best = max(strengths, key=lambda s, cure=cure: rows[cure, s][:, 1].mean())
    training, _, reads[cure], squares = rows[cure, best].mean(axis=0)
    gain[cure] = gains[cure, best]
    each = "  ".join(f"{g:+.1f}" for g in gain[cure])
    lines.append(
        [cure, f"{best:g}", f"{training:.1%}", f"{reads[cure]:.1%}", each, f"{squares:.0f}"]
    )
ways = {"nearest picture": nearest_picture, "least squares": least_squares}
ways["always the commonest"] = lambda x, labels, asked: np.bincount(labels).argmax()
for name, way in ways.items():
    reads[name] = np.mean([(way(*own, test[0]) == test[1]).mean() for own in known])
    lines.append([name, "", "", f"{reads[name]:.1%}", "", ""])
table(["cure", "strength", "training", "test", "gain of each start", "sum of w^2"], lines)

# %% [markdown]
# Only augmentation helps clearly: with every start, and by more than the starts differ. The mean
# gains of L2 and L1 are below half a percentage point, which is ten of the 2,000 test digits, and
# dropout even loses on average. L1 gains a little with every start, and dropout loses with two of
# the three. Too strong a cure even harms: the network can then no longer learn what it could.
# (Least squares, without a cure of its own, fails with so few digits. It has more weights than
# there are digits.)
#
# The slide says the same of few examples: "even use of dropout does not help us much", and "On a
# small dataset we will overfit no matter which regularization technique is applied". Its way out
# is augmentation. Why that one? The other cures only restrict the network. Augmentation tells it
# something new: a digit stays the same when it is moved a little.
#
# ## L1 makes zeros, if the step can stop there
#
# L2 and L1 do change the weights. The sum of $w^2$ in the table is smaller with both. And
# "promotes sparsity" means: many weights are 0. Are they?
#
# The slope of $\lambda |w|$ is $\lambda$ or $-\lambda$, however small $w$ is. So a step of
# gradient descent jumps over 0 and back. The **soft threshold** does the same step, but stops at
# 0. With the learning rate $\eta$:
#
# $$w \leftarrow \text{sign}(w) \cdot \max(|w| - \eta \lambda, \; 0)$$
#
# It takes the place of the price in the loss, and follows each step of training.


# %%
def soft_threshold(w, step):
    return np.sign(w) * np.maximum(abs(w) - step, 0)


class SoftThreshold(tn.callbacks.Callback):
    def after_batch(self, run):
        for w in kernels(run.model):
            w[...] = soft_threshold(w, run.optimizer.lr * 0.001)


stopping, _ = train("soft threshold", *known[0], SEEDS[0], callbacks=[SoftThreshold()])
compared = {
    "no cure": networks["nothing", 0.0],
    "L2, lambda 0.01": networks["L2", 0.01],
    "L1, lambda 0.001": networks["L1", 0.001],
    "L1, soft threshold": stopping,
}
first = {name: abs(tn.Tensor(kernels(each)[0]).numpy()) for name, each in compared.items()}
zeros = {name: (w == 0).mean() for name, w in first.items()}
table(
    ["first start", "weights = 0", "|w| < 0.001", "test"],
    [[name, f"{zeros[name]:.1%}", f"{(w < 0.001).mean():.1%}",
      f"{accuracy(compared[name], *test):.1%}"] for name, w in first.items()],
)  # fmt: skip
draw.pixels({name: w.sum(axis=1).reshape(28, 28) for name, w in first.items()})

# %% [markdown]
# Each of the 28 x 28 places is a pixel. Its grey tells how large its 64 weights are together.
# Without a cure the weights of the edge stay as they began, though these pixels are black in
# nearly every digit and can say nothing. With L1 they go to 0: here are the notes' "less
# important features" that "are ignored". The network needs far fewer weights, and reads about as
# well.
#
# ## Claims
#
# The program checks what this lesson says, each time that it runs.

# %%
learnt, _, right, squares = rows["nothing", 0.0].mean(axis=0)
gap = size(0.08, 0.12, 0.02)
claim(
    f"With no cure the network knows its digits by heart, and {gap:.0%} fewer of the test digits",
    learnt >= size(0.85, 0.999, 0.99) and learnt - right >= gap,
    f"{learnt:.1%} and {right:.1%}",
)
small = max(gain[cure].mean() for cure in ("L2", "L1", "dropout"))
claim(
    "Augmentation gains with every start, in the mean at least twice as much as any other cure",
    gain["augmentation"].min() > 0
    and gain["augmentation"].mean() >= max(size(2, 2, 0.4), 2 * small),
    f"{gain['augmentation'].mean():.1f} percentage points, the best of the others {small:.1f}",
    quick=False,
)
shrunk = rows["L2", 0.01][:, 3].mean() / squares
claim("L2 with lambda 0.01 leaves at most 2/3 of the sum of w^2", shrunk <= 2 / 3, f"{shrunk:.0%}")
stopped, jumping = zeros["L1, soft threshold"], zeros["L1, lambda 0.001"]
claim(
    "The soft threshold makes 30% of the first layer's weights 0, L1 in the loss at most 1%",
    stopped >= 0.3 and jumping <= 0.01,
    f"{stopped:.1%} and {jumping:.1%}",
    quick=False,
)
claim(
    "With augmentation the network reads more test digits than the nearest picture, by 1 in 100",
    reads["augmentation"] >= reads["nearest picture"] + 0.01,
    f"{reads['augmentation']:.1%} and {reads['nearest picture']:.1%}",
    quick=False,
)
