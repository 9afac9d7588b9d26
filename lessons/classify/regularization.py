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
# strengths and with three starts: L2, L1, dropout and augmentation. How a strength is chosen
# without the test digits. The one cure that helps clearly. What L1 does to the weights of pixels
# that are always black.
#
# **Try.** `python -m lessons regularization --set COUNT=100`: only 100 digits to learn from. How
# much does augmentation gain now, and how much the others? Then try
# `python -m lessons regularization --set EPOCHS=120`, which takes four times as long. What do the
# strengths 0.12 and 0.24 of augmentation gain if the training is longer?

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
# the loss falls. The digits are in three groups:
#
# - **Training digits.** The network learns from these 400.
# - **Validation digits.** The network does not learn from these 2,000. They show us how the
#   training goes, and with them we choose between networks.
# - **Test digits.** Nothing is learned from these 2,000, and nothing is chosen with them. They
#   tell how well the chosen networks read.
#
# One training may go well by chance. So we train from three **starts**. Each start has its own
# 400 training digits and its own first weights.
#
# One **epoch** is a pass through all training digits. After each epoch we measure the loss on the
# validation digits. The slide says what to look for: the "training loss keeps going down but the
# validation loss starts increasing after certain epoch. It is a sign of *overfitting*." A network
# **overfits** when it learns its training digits by heart and misreads many others.
#
# The function `train` does all trainings of this lesson. It has a switch for each cure, and the
# cures are explained below. `fit` is the usual loop: it takes 50 digits at a time, and makes a
# step of gradient descent after each 50. The steps become smaller towards the end.


# %%
def train(name, x, labels, seed, penalty=None, dropout=0.0, augment=None, **more):
    """-> the trained network, and its losses after each epoch"""
    layers = [Flatten(), Dense(64, activation="relu", kernel_regularizer=penalty), Dropout(dropout)]
    layers += [Dense(10, kernel_regularizer=penalty)]
    network = tn.Sequential(layers, (28, 28, 1), np.random.default_rng(seed))
    rng = np.random.default_rng((seed, 1))
    batches = tn.data.batches(x, labels, size=50, rng=rng, augment=augment)
    rate = tn.schedules.Cosine(RATE, EPOCHS * len(batches))
    optimizer = tn.optim.SGD(network.parameters(), rate)
    return network, fit(name, network, batches, "cross_entropy", optimizer, EPOCHS, **more)


digits = data.mnist(len(SEEDS) * COUNT + 2000, 2000)
test = (digits.test, digits.test_labels)
validation = (digits.train[-2000:], digits.train_labels[-2000:])
firsts = range(0, len(SEEDS) * COUNT, COUNT)
known = [(digits.train[i : i + COUNT], digits.train_labels[i : i + COUNT]) for i in firsts]
starts = list(zip(SEEDS, known, strict=True))

plain, losses, lines = [], [], []  # of each start, without a cure
for seed, own in starts:
    network, history = train(f"no cure, start {seed}", *own, seed, validation=validation)
    falling, rising = history["loss"], history["validation loss"]
    plain.append(network)
    losses.append((falling, rising))
    three = [f"{loss:.3f}" for loss in (falling[-1], min(rising), rising[-1])]
    two = [f"{accuracy(network, *group):.1%}" for group in (own, validation)]
    lines.append([seed, *three, *two])
header = ["start", "training loss", "validation loss: lowest", "last", "training accuracy"]
table([*header, "validation accuracy"], lines)
draw.by_heart(losses)

# %% [markdown]
# The losses jump in the first epochs, in which the steps are still large. Then the training loss
# falls nearly to 0, and the network reads all of its training digits. The validation loss reaches
# its lowest point early and rises a little afterwards. With the real digits, the network misreads
# more than one in ten of the validation digits. This is overfitting.
#
# ## Four cures
#
# What is done against overfitting is called **regularization**. We call it a cure. Each cure has
# a strength. Training does not find the strength, we choose it: it is a **hyperparameter**.
#
# - **L2** adds a price for large weights to the loss. The notes: "Regularized loss = original
#   loss + L2 Regularization term". ($w_i$ are all weights, without the biases.)
#
# $$\text{loss} + \lambda \sum_i w_i^2$$
#
# - **L1** adds another price, in which the size of the weight stands in the place of its square.
#   The notes: it "promotes sparsity", "less important features are ignored".
#
# $$\text{loss} + \lambda \sum_i |w_i|$$
#
# - **Dropout** sets each output of the 64 neurons to 0 with a probability, the **dropout rate**,
#   anew in each step of training. The lesson `dropout` has more.
# - **Augmentation** shifts, turns and resizes each training digit by random amounts, anew each
#   time. A 4 stays a 4. So the network hardly ever sees the same picture twice.
#
# The strength of L2 and of L1 is $\lambda$. A weight of size 1 costs $\lambda$ with both. A
# weight of 0.1 costs $0.01 \lambda$ with L2 and $0.1 \lambda$ with L1. So we try smaller
# $\lambda$ for L1. The strength of dropout is its rate.
#
# The strength $s$ of augmentation is the largest shift, as a share of the width. With $s = 0.06$
# a digit is shifted by up to 6% of the width, which is 1.7 pixels, to each side and up or down.
# It is also turned by up to 6 degrees and becomes up to 6% larger or smaller. With twice the $s$
# all three are twice as large. The figure shows one digit nine times in each strength.
#
# (The slides name batch normalization as a cure, too. It has a lesson of its own, `batch_norm`.)


# %%
def moved(s):
    """Shift, turn and resize by random amounts.  s = 0.06: up to 6% of the width, 6 degrees, 6%"""
    affine = tn.data.augment.affine
    return lambda x, rng: affine(x, rng, shift=s, rotate=100 * s, zoom=s, fill="zeros")


CURES = {  # the switch of `train`, and the strengths that we try
    "L2": (lambda s: {"penalty": tn.regularizers.L2(s)}, size([0.01], [0.001, 0.003, 0.01, 0.03])),
    "L1": (lambda s: {"penalty": tn.regularizers.L1(s)}, size([0.001], [0.0003, 0.001, 0.003])),
    "dropout": (lambda s: {"dropout": s}, size([0.25], [0.25, 0.5, 0.75])),
    "augmentation": (lambda s: {"augment": moved(s)}, size([0.06], [0.03, 0.06, 0.12, 0.24])),
}
nine = np.repeat(digits.train[:1], 9, axis=0)
draw.moved(nine[0], {s: moved(s)(nine, np.random.default_rng(0)) for s in CURES["augmentation"][1]})

# %% [markdown]
# ## The validation digits choose the strength
#
# We train with each strength, from all three starts. The **gain** is the accuracy with a cure
# minus the accuracy without one, from the same start. Accuracies are percentages, so their
# difference is in **percentage points**: from 80% to 84% is a gain of 4 percentage points.
#
# Which strength should we take? It would be cheating to take the one with the best accuracy on
# the test digits. The test digits would then have helped to build the network, and their accuracy
# would be too good. So we take the strength with the largest mean gain on the **validation**
# digits, even if this gain is below 0, as here for dropout. In this section the test digits are
# not used.

# %%
networks = {("no cure", 0.0): plain}  # of each cure and strength: a network for each start
for cure, (switch, strengths) in CURES.items():
    for s in strengths:
        name = f"{cure} {s:g}, start"
        networks[cure, s] = [train(f"{name} {k}", *own, k, **switch(s))[0] for k, own in starts]


def shares(trained, group=None):
    """The accuracy of each start's network on a group of digits; None: on its training digits"""
    groups = known if group is None else [group] * len(known)
    return np.array([accuracy(each, *own) for each, own in zip(trained, groups, strict=True)])


before = shares(plain, validation)
gains = {key: 100 * (shares(each, validation) - before) for key, each in networks.items()}
measures = {
    "L2": "lambda: the price of a weight of size 1",
    "L1": "lambda: the price of a weight of size 1",
    "dropout": "the probability that an output becomes 0",
    "augmentation": "the largest shift, as a share of the width",
}
chosen, lines, learned = {}, [], []
for cure, (_, strengths) in CURES.items():
    best = chosen[cure] = max(strengths, key=lambda s, cure=cure: gains[cure, s].mean())
    lines.append([cure, measures[cure], ", ".join(f"{s:g}" for s in strengths), f"{best:g}"])
    learned.append(f"{cure} {strengths[-1]:g}: {shares(networks[cure, strengths[-1]]).mean():.0%}")
table(["cure", "what its strength measures", "tried", "chosen"], lines)
print("Training digits read with the greatest strength:")
print(", ".join(learned))
draw.gains(gains, chosen)

# %% [markdown]
# Each dot is one training. One dot above 0 may be chance. So see whether all three dots of a
# strength lie above 0, and how far. The smaller strengths of L2, L1 and dropout hardly change
# anything. Which of them is chosen is nearly chance.
#
# The greatest strength of each cure does harm: its dots lie below 0. (Those of augmentation with
# strength 0.24 lie far below the figure.) With augmentation of strength 0.24 the last line of
# numbers says why: the network misreads about four in ten of its own training digits. To learn
# too little is called **underfitting**. Probably 30 epochs are too few for so many different
# pictures: **Try** gives it 120. And in the figure above some digits have lost a part at the
# edge. The other cures leave the network nearly all of its training digits, so this alone does
# not explain their harm.
#
# ## The test
#
# Now the four strengths are fixed, and the test digits come in. The table shows means over the
# three starts. Only the column of the gain has three numbers, one for each start: its gain on the
# test digits. The last column is the sum of the squares of all weights.
#
# For comparison there are two ways without a network. The **nearest picture** takes the label of
# the training digit whose pixels differ least. **Least squares** is the linear map from the
# pixels to the ten answers with the smallest squared error on the training digits. With 784
# weights for each answer and 400 digits many such maps exist. We take the one with the smallest
# weights. It knows the training digits by heart.


# %%
def kernels(network):
    """The weights of both layers, without the biases"""
    return [w.data for w in network.parameters() if w.ndim == 2]


squares = {key: np.mean([sum(float((w**2).sum()) for w in kernels(each)) for each in trained])
           for key, trained in networks.items()}  # fmt: skip
lines, gain, reads = [], {}, {}
for cure, s in {"no cure": 0.0, **chosen}.items():
    three = [shares(networks[cure, s], group) for group in (None, validation, test)]
    gain[cure] = 100 * (three[-1] - shares(plain, test))
    reads[cure] = three[-1].mean()
    each = "  ".join(f"{g:+.1f}" for g in gain[cure]) if s else ""
    percents = [f"{share.mean():.1%}" for share in three]
    lines.append([cure, f"{s:g}" if s else "", *percents, each, f"{squares[cure, s]:.0f}"])
for name, way in {"nearest picture": nearest_picture, "least squares": least_squares}.items():
    two = [np.mean([(way(*own, x) == y).mean() for own in known]) for x, y in (validation, test)]
    reads[name] = two[-1]
    lines.append([name, "", "", *(f"{share:.1%}" for share in two), "", ""])
header = ["cure", "strength", "training", "validation", "test", "gain (percentage points)"]
table([*header, "sum of w^2"], lines)

# %% [markdown]
# With the real digits only augmentation helps clearly: with every start, and by several
# percentage points. The mean gains of L2, L1 and dropout are smaller than half a percentage
# point, which is 10 of the 2,000 test digits. With other starts, by `--set "SEEDS=[3, 4, 5]"`,
# some of these small gains become losses. L2 and L1 do make the weights smaller: see the sum of
# $w^2$. The notes also promise "improved generalization performance" of L1, which means that new
# digits are read better. We hardly see it here.
#
# This agrees with the slide. It says of very few examples that "even use of dropout does not help
# us much", and: "On a small dataset we will overfit no matter which regularization technique is
# applied." Its way out is "data augmentation". Why does augmentation help more? One reason may be
# that the other cures only restrict the network. Augmentation tells it something new: a digit
# stays the same when it is moved a little. (This lesson does not test the reason.)
#
# The real test digits are harder than the validation digits. Even the nearest picture reads fewer
# of them, and nothing was chosen for it. One reason may be that MNIST's test digits come from
# other writers than its training digits, from which we took the validation digits.
#
# ## L1 makes zeros, if a step can stop at 0
#
# The notes say that L1 "promotes sparsity", which means that many weights are 0. And they say
# that "less important features are ignored". Is this so? Our features are the pixels. Each pixel
# has 64 weights in the first layer, one to each neuron.
#
# Some pixels at the edge are black in all training digits of a start. We call them the **black
# pixels**, and all others the **other pixels**. The gradient of the loss for a weight is its
# pixel times another number. A black pixel is 0, so this gradient is 0. Without a price, its
# weights keep the random values with which they began. With a price they should go to 0.
#
# But do they become exactly 0? The slope of $\lambda |w|$ is $\lambda$ or $-\lambda$, however
# small $w$ is. So the price alone moves each weight by $\eta \lambda$ in a step, where $\eta$ is
# the learning rate. Near 0 it jumps over 0, and the next step jumps back. The **soft threshold**
# is the same step, but it stops at 0:
#
# $$w \leftarrow \text{sign}(w) \cdot \max(|w| - \eta \lambda, \; 0)$$
#
# The soft threshold takes the place of the price in the loss. It follows each step of training.
# We take the first start and $\lambda = 0.001$. This is not the strength that was chosen. A
# larger one shows more clearly what L1 does.
#
# The table is about the 784 x 64 weights of the first layer. For the black pixels and for the
# other pixels it shows two shares of their weights: the share that is exactly 0, and the share
# with $|w|$ below 0.001.


# %%
def soft_threshold(w, step):
    return np.sign(w) * np.maximum(abs(w) - step, 0)


class SoftThreshold(tn.callbacks.Callback):
    def after_batch(self, run):
        for w in kernels(run.model):
            w[...] = soft_threshold(w, run.optimizer.lr * 0.001)


stopping, _ = train("soft threshold", *known[0], SEEDS[0], callbacks=[SoftThreshold()])
compared = {
    "no cure": plain[0],
    "L2, lambda 0.01": networks["L2", 0.01][0],
    "L1, lambda 0.001": networks["L1", 0.001][0],
    "L1, soft threshold": stopping,
}
black = (known[0][0] == 0).all(axis=0).ravel()  # (784,)
first = {name: abs(tn.Tensor(kernels(each)[0]).numpy()) for name, each in compared.items()}
zeros = {name: (w == 0).mean() for name, w in first.items()}
print(f"{black.sum()} of the 784 pixels are black in all {COUNT:,} training digits of this start.")
header = ["first start", "black pixels: w = 0", "|w| < 0.001", "other pixels: w = 0", "|w| < 0.001"]
lines = []
for name, each in first.items():
    parts = [s for w in (each[black], each[~black]) for s in ((w == 0).mean(), (w < 0.001).mean())]
    lines.append([name, *(f"{s:.1%}" for s in (*parts, accuracy(compared[name], *test)))])
table([*header, "test"], lines)
moves = 0.001 * RATE / 2 * EPOCHS * -(-COUNT // 50)  # RATE / 2: the mean of the learning rate
print(f"All steps of the soft threshold together move a weight by at most {moves:.3f}.")
print(f"At the beginning the largest |w| of a black pixel is {first['no cure'][black].max():.3f}.")
draw.pixels({name: w.sum(axis=1).reshape(28, 28) for name, w in first.items()}, black)

# %% [markdown]
# In the figure the gray of a pixel tells how large its 64 weights are together. Without a cure
# the weights of the black pixels stay as they began. L2 makes them smaller, but none of them 0:
# its step is a small share of the weight, so it never arrives. L1 in the loss brings most of them
# very near to 0, but not to 0. With the soft threshold most are exactly 0. The others began so
# far from 0 that all steps together are too short for them.
#
# So the notes are right that L1 "promotes sparsity", if the step can stop at 0. The pixels that
# never matter in training, the black ones, are nearly ignored. With the real digits many weights
# of the other pixels become 0, too, and the network still reads about as many test digits as
# without a cure. Whether these weights belong to the "less important features" we have not
# tested.
#
# ## Claims
#
# The program checks what this lesson says, each time that it runs.

# %%
gap = size(8, 12, 2)
learned = shares(plain).mean()
claim(
    "With no cure the network knows its training digits by heart, and reads at least "
    f"{gap} in 100 fewer of the test digits",
    learned >= size(0.85, 0.999, 0.99) and learned - reads["no cure"] >= gap / 100,
    f"{learned:.1%} and {reads['no cure']:.1%}",
)
others = [gain[cure].mean() for cure in ("L2", "L1", "dropout")]
best, least = gain["augmentation"], size(2, 2, 0.4)
claim(
    "On the test digits augmentation gains with every start, in the mean "
    f"{least} percentage points or more, and at least twice as much as L2, L1 or dropout",
    best.min() > 0 and best.mean() >= max(least, 2 * max(others)),
    f"{best.mean():.1f} percentage points, the best of the others {max(others):.1f}",
    quick=False,
)
claim(
    "L2, L1 and dropout change the test accuracy by at most 1.5 percentage points in the mean",
    max(map(abs, others)) <= 1.5,
    ", ".join(f"{each:+.2f}" for each in others),
    quick=False,
)
shrunk = squares["L2", 0.01] / squares["no cure", 0.0]
claim("L2 with lambda 0.01 leaves at most 2/3 of the sum of w^2", shrunk <= 2 / 3, f"{shrunk:.0%}")
stopped, jumping = zeros["L1, soft threshold"], zeros["L1, lambda 0.001"]
claim(
    "The soft threshold makes at least 30% of the first layer's weights 0, L1's price at most 1%",
    stopped >= 0.3 and jumping <= 0.01,
    f"{stopped:.1%} and {jumping:.1%}",
    quick=False,
)
claim(
    "With augmentation the network reads at least 2 in 100 more test digits than nearest picture",
    reads["augmentation"] >= reads["nearest picture"] + 0.02,
    f"{reads['augmentation']:.1%} and {reads['nearest picture']:.1%}",
    quick=False,
)
