# %% [markdown]
# # Keras: one network built in three ways, and a graph that is no stack
#
# **Lecture.** *Convolution NN* (handwritten notes, author not named): "These are keras modules",
# "Sequential API", "3 layer model", "Complex model", "DAG ex."
#
# **Question.** Keras lets us build a network as a stack of layers, as a graph, or as a class.
# What is the difference, and when is a stack not enough?
#
# **You will see.** Three ways to the same network, equal to the last digit. A graph that looks at
# two pictures, reads both digits with the same weights, and says which one is larger. How good
# each of its three answers is.
#
# **Try.** `python -m lessons keras_api --set SHARED=False`: each picture gets layers of its own.
# The graph has nearly twice as many weights, and its first two accuracies are no longer equal.

# %%
import numpy as np

import tinynet as tn
from lessons.shared import accuracy, claim, data, fit, least_squares, nearest_picture, size, table
from lessons.shared.draw import keras_api as draw
from tinynet.layers import Concatenate, Dense

DIGITS = size(400, 3000, 12000)  # pictures to learn from
EPOCHS = size(1, 5)  # how often a network sees all its pictures, or pairs of pictures
SHARED = True  # whether both pictures of a pair go through the same layers
SEED = 0
STARTS = size([1], [1, 2, 3])  # other first weights and other pairs, for the last experiment

# %% [markdown]
# ## The modules of Keras
#
# Keras is a library for neural networks. It began in 2015 as a library of its own, became a part
# of TensorFlow, and today runs on JAX and PyTorch as well. The notes list its modules, some by
# older names. tinynet has most of them:
#
# | Keras | tinynet | what it holds |
# |---|---|---|
# | `keras.layers` | `tn.layers` | layers: `Dense`, `Flatten`, `Conv2D`, ... |
# | `keras.Sequential`, `keras.Model` | `tn.Sequential`, `tn.Model` | models: layers, connected |
# | `keras.activations` | `tn.relu`, `tn.tanh`, ... | what follows a layer's sums |
# | `keras.losses` | `tn.mse`, `tn.bce`, `tn.cross_entropy` | how wrong an answer is |
# | `keras.preprocessing` | `tn.data` | pictures to numbers, batches, changed pictures |
# | `keras.backend` | the functions of `tn` | what layers are made of |
#
# tinynet has no `Conv3D`, no `tf.signal` (for sound), no `tf.lite` (for telephones), and not the
# loss `CTC` (for speech).
#
# ## One network, three ways
#
# A **layer** computes numbers from numbers. A `Dense` layer has a **weight** for each pair of an
# input and an output, and a **bias** for each output. Each output is the sum of all inputs times
# their weights, plus its bias. We build a network of three layers. It gets
# the 784 pixels of a digit's picture (28 x 28) and gives ten numbers, one for each digit. The
# largest is its answer. Between the layers, `"relu"` replaces negative numbers by 0. The notes'
# "3 layer model" has 2, 3 and 4 outputs; ours has 64, 32 and 10.
#
# 1. **Sequential**: a list of layers. The output of each is the input of the next.
# 2. **Functional**: `tn.Input` is a placeholder. It has a shape and no numbers yet. Calling a
#    layer on a placeholder returns another placeholder. `tn.Model` gets the first placeholder and
#    the last one.
# 3. **A class**: its layers are attributes, and `forward` (in Keras: `call`) says in plain Python
#    how they follow each other.
#
# (The notes write `keras.layers.Layer3(layer2(layer1(x)))`. Keras has no `Layer3`. One calls the
# layers that one has made: `layer3(layer2(layer1(x)))`. Ours are called `one`, `two` and
# `three`.)


# %%
def three_layers():
    return [Dense(64, "relu", name="one"), Dense(32, "relu", name="two"), Dense(10, name="three")]


def sequential(rng):
    return tn.Sequential(three_layers(), (784,), rng)


def functional(rng):
    one, two, three = three_layers()
    x = tn.Input((784,))
    return tn.Model(x, three(two(one(x))), rng)


class Subclass(tn.Module):
    def __init__(self):
        self.one, self.two, self.three = three_layers()

    def forward(self, x):
        return self.three(self.two(self.one(x)))


# %% [markdown]
# The first weights are random numbers. We give all three networks those of the first one. Then we
# train each of them with the same pictures in the same order. They come in **batches** of 32.
# That is what Keras takes if one does not say otherwise ("Default Batch Size in Keras = 32").
# After each batch the rule **Adam** changes all weights a little, so that the answers become
# better. One pass through all pictures is an **epoch**.

# %%
digits = data.mnist(DIGITS, size(300, 1000, 2000))
x, y = digits.train.reshape(-1, 784), digits.train_labels
unseen, truth = digits.test.reshape(-1, 784), digits.test_labels

print(f"{len(x):,} pictures to learn from, {len(unseen):,} unseen ones, {EPOCHS} epochs")
rng = np.random.default_rng(SEED)
ways = {"Sequential": sequential(rng), "functional": functional(rng)}
ways["class"] = Subclass().build((784,), rng)
start = ways["Sequential"].state_dict()  # a copy of all weights
trained, rows = [], []
for name, network in ways.items():
    network.load_state_dict(start)
    untrained = accuracy(network, unseen, truth)
    batches = tn.data.batches(x, y, size=32, rng=np.random.default_rng(SEED))
    fit(name, network, batches, "cross_entropy", tn.optim.Adam(network.parameters()), EPOCHS)
    trained.append(tn.predict(network, unseen))  # (N, 10)
    rows.append([name, f"{untrained:.1%}", f"{accuracy(network, unseen, truth):.1%}"])
table(["way", "unseen digits read, before training", "after training"], rows)
apart = max(abs(numbers - trained[0]).max() for numbers in trained)

# %% [markdown]
# The three accuracies are equal, and not by chance. For each unseen picture the three networks
# give the same ten numbers, to the last digit. The way of building is a way of writing. It
# changes nothing in what is computed. Yet there is a difference: a functional network is known
# before it runs, so it can be drawn and its shapes can be checked. A class can do what a graph
# cannot, with `if` and loops in `forward`, but nobody knows its layers' order before it runs.
#
# A list is shortest. It also works as a **stack**: `model.add(layer)` puts a layer on top, and
# `model.pop()` takes the last one off. `model.layers` is the list, and `layer.weights()` (in
# Keras `layer.weights`; the notes' `Layer.layers.weights` does not exist) gives a layer's
# numbers.
#
# ## A graph that no list can be
#
# A list has one input and one output. The notes name what it cannot do: "Shared layer", "multiple
# inputs or outputs". Every network here is a **directed acyclic graph** (DAG): layers are
# connected by arrows, and no way along the arrows leads back to where it began. A list is the
# simplest kind, a single chain. Of the notes' "DAG ex." only "784 dim. vector" is left. We make
# an example of our own.
#
# Two pictures go in. The layers `read` and `digit` are **shared**: both pictures go through the
# same layers, with the same weights. One more branch puts the 128 numbers that `read` makes of
# each picture side by side. A layer of 32, `compare`, follows, and `larger` says whether the
# first digit is larger than the second.


# %%
def graph(rng, shared=SHARED, third=True):
    """[(N, 784), (N, 784)] -> [(N, 10), (N, 10), (N, 1)]: digit, digit, is the first larger?"""
    first, second = tn.Input((784,), name="first"), tn.Input((784,), name="second")
    read, digit = Dense(128, "relu", name="read"), Dense(10, name="digit")
    read_2 = read if shared else Dense(128, "relu", name="read_2")
    digit_2 = digit if shared else Dense(10, name="digit_2")
    a, b = read(first), read_2(second)
    outputs = [digit(a), digit_2(b)]
    if third:
        both = Concatenate(name="both")([a, b])
        outputs.append(Dense(1, name="larger")(Dense(32, "relu", name="compare")(both)))
    return tn.Model([first, second], outputs, rng)


pairs = graph(np.random.default_rng(SEED))
print(f"The graph has {sum(w.size for w in pairs.parameters()):,} weights and biases.")
draw.graph(pairs)

# %% [markdown]
# In the figure `None` stands for the number of pairs, which the graph leaves open. `both` puts
# the numbers of the two pictures side by side. Gray boxes have no weights.
#
# ## A loss for each output
#
# A **loss** says how wrong an answer is. The notes name three for yes and no: BCE, MSE and hinge.
# (What reached us as "Hung." is probably "hinge".) Let the network's number be $s$, the right
# answer "yes", and $p = 1 / (1 + e^{-s})$ the probability of "yes" that it stands for:
#
# $$\text{BCE} = -\log p, \qquad \text{MSE} = (1 - p)^2, \qquad \text{hinge} = \max(0, 1 - s)$$

# %%
s, yes = tn.Tensor([-8.0, -4.0, 0.0, 1.0, 4.0]), tn.ones(5)
p = tn.sigmoid(s)
losses = [tn.bce_with_logits(s, yes, "none"), tn.mse(p, yes, "none"), tn.maximum(0, 1 - s)]
rows = zip(*(values.numpy() for values in (s, p, *losses)), strict=True)
table(["s", "p", "BCE", "MSE", "hinge"], [[f"{value:.2f}" for value in row] for row in rows])

# %% [markdown]
# None of the three rises as $s$ grows. BCE and MSE always fall, hinge only up to $s = 1$. BCE
# (binary cross-entropy) and hinge grow without an end where the network is wrong. MSE (mean
# squared error) never exceeds 1, so it hardly tells a bad mistake from a very bad one (the first
# two rows). Hinge is 0 from $s = 1$ on: then it asks for nothing more. If the right answer is
# "no", put $-s$ for $s$ and $1 - p$ for $p$.
#
# "First larger?" is a question of yes and no, and takes the BCE. The two digits have ten possible
# answers and take the **cross-entropy**, which is the BCE for more than two answers. **Softmax**
# makes probabilities of the ten numbers $s_k$, and the loss is $-\log$ of the right digit's
# probability: $-\log (e^{s_{right}} / \sum_k e^{s_k})$. The graph's loss is the sum of the three.
# So one training serves all outputs.
#
# The pairs are drawn at random: each picture comes first three times, and second three times.
# Equal digits count as "no".


# %%
def two_losses(outputs, labels):
    """labels (N, 3): first digit, second digit, 1 if the first is larger"""
    return tn.cross_entropy(outputs[0], labels[:, 0]) + tn.cross_entropy(outputs[1], labels[:, 1])


def three_losses(outputs, labels):
    return two_losses(outputs, labels) + tn.bce_with_logits(outputs[2], labels[:, 2:])


def paired(x, y, times, rng):
    """-> first pictures, second pictures, labels (N, 3)"""
    i, j = (np.concatenate([rng.permutation(len(x)) for _ in range(times)]) for _ in "ij")
    return x[i], x[j], np.stack([y[i], y[j], y[i] > y[j]], axis=1)


def train(name, network, losses, known):
    batches = tn.data.batches(*known, size=32, rng=np.random.default_rng(SEED))
    fit(name, network, batches, losses, tn.optim.Adam(network.parameters()), EPOCHS)


first, second, labels = paired(x, y, 3, rng)
train("graph", pairs, three_losses, (first, second, labels))

# %% [markdown]
# ## How good is each answer?
#
# The graph answers for pairs of unseen digits. Three simple methods answer, too. **Nearest
# picture** takes the answer of the training picture (or pair) whose pixels differ least. **Least
# squares** gives each pixel a weight for each possible answer and adds up. The third method
# always says what is commonest.

# %%
one, two, truths = paired(unseen, truth, 1, rng)
outputs = tn.predict(pairs, [one, two])
said = [outputs[0].argmax(axis=1), outputs[1].argmax(axis=1), outputs[2][:, 0] > 0]
known, asked = ([a, b, np.hstack([a, b])] for a, b in ((first, second), (one, two)))
right, names = np.zeros((3, 4)), ["first digit", "second digit", "first larger?"]
nearest = []  # the answers of the nearest picture
for k in range(3):
    others = [f(known[k], labels[:, k], asked[k]) for f in (nearest_picture, least_squares)]
    commonest = np.bincount(labels[:, k]).argmax()
    nearest.append(others[0])
    right[k] = [(answer == truths[:, k]).mean() for answer in (said[k], *others, commonest)]
rows = [[names[k], *(f"{share:.1%}" for share in right[k])] for k in range(3)]
table(["output", "the graph", "nearest picture", "least squares", "always the commonest"], rows)

compared = said[0] > said[1]  # the two digits that the graph reads
computed = (compared == truths[:, 2]).mean()
print(f"Comparing the two digits that the graph reads is right for {computed:.1%} of the pairs.")
by_nearest = ((nearest[0] > nearest[1]) == truths[:, 2]).mean()
print(f"Comparing the two digits of the nearest pictures is right for {by_nearest:.1%}.")
against = (compared != said[2]).mean()
print(
    f"The comparison of the two digits contradicts the third output for {against:.1%} of the pairs."
)
draw.pairs(one, two, np.stack(said, axis=1), truths)

# %% [markdown]
# The first two accuracies are equal. Both pictures of a pair go through the same layers, and the
# same unseen pictures come first and second, in another order. They are a little above those of
# the three ways. One reason may be that `read` is wider, 128 and not 64, and sees each picture
# six times in an epoch.
#
# The third output is better than the three simple methods, if these look at whole pairs. But it
# is worse than comparing two digits that were read, even those of the nearest pictures. Probably
# its task is harder: its loss says only yes or no for each pair, and from that it has to find the
# order of the ten digits, which we know.
#
# Nothing makes the outputs agree, either. In the last row of the figure the third answer
# contradicts the two digits above it.
#
# ## What does the third output cost or gain?
#
# The layer `read` learns from all three losses. Perhaps the third loss helps it to read digits,
# perhaps it disturbs. We train the graph again, once with its three outputs and once with the
# first two only. And we do so from several starts, because one training may be lucky.

# %%
rows, behind = [], []
for start in STARTS:
    rng = np.random.default_rng(start)
    known, (one, two, truths) = paired(x, y, 3, rng), paired(unseen, truth, 1, rng)
    for outputs, losses in (("three", three_losses), ("two", two_losses)):
        network = graph(rng, third=outputs == "three")
        train(f"start {start}, {outputs} outputs", network, losses, known)
        a, b, *third = tn.predict(network, [one, two])
        digit_read = (a.argmax(axis=1) == truths[:, 0]).mean()
        compared = ((a.argmax(axis=1) > b.argmax(axis=1)) == truths[:, 2]).mean()
        rows.append([start, outputs, f"{digit_read:.1%}", f"{compared:.1%}", "-"])
        if third:
            said_larger = ((third[0][:, 0] > 0) == truths[:, 2]).mean()
            behind.append(100 * (compared - said_larger))
            rows[-1][-1] = f"{said_larger:.1%}"
table(
    ["start", "outputs", "first digit", "larger? by comparing", "larger? by the third output"], rows
)

# %% [markdown]
# From each start, comparing the two digits beats the third output. And the graph with two outputs
# reads the digits about as well as the graph with three: the differences are small and go both
# ways. So the third output gains nothing here. **What can be computed from other outputs was
# better computed.** (In other tasks a further output may help.)
#
# ## Claims
#
# The program checks what this lesson says, each time that it runs.

# %%
claim("Three ways to build a network give the same numbers", apart == 0, f"{apart:g} apart")
reads, larger = 100 * (right[0, 0] - right[0, 1:3]), 100 * (right[2, 0] - right[2, 1])
claim(
    "Of 100 digits the graph reads at least 8 more than least squares",
    reads[1] >= 8,
    f"{reads[1]:.1f} more",
)
claim(
    "Of 100 digits the graph reads at least 1 more than the nearest picture",
    reads[0] >= 1,
    f"{reads[0]:.1f} more",
    quick=False,
)
claim(
    "Of 100 pairs, the output 'first larger?' is right for at least 2 more than the nearest pair",
    larger >= 2,
    f"{larger:.1f} more",
    quick=False,
)
claim(
    "From each start comparing digits is right for at least 1 pair in 100 more than 'larger?'",
    min(behind) >= 1,
    ", ".join(f"{more:.1f}" for more in behind) + " more",
)
