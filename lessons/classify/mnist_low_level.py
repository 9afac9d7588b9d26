# %% [markdown]
# # MNIST, low level: the same task with nothing but tensors
#
# **Lecture.** *AutoEncoders and Convolutional Neural Networks (CNN)* (TIES4911, Lecture 3,
# University of Jyväskylä): "Convolution NN on MNIST dataset" with TensorFlow, "The TensorFlow
# layers module"
#
# **Question.** What is a network made of when there are no layers, no model and no `fit`?
#
# **You will see.** A network that is a dictionary of numbers and eight lines of operations. It
# learns to read handwritten digits. The learning rate that the slide sets, and the one that it
# uses. What the network makes of a digit on the way.
#
# **Try.** `python -m lessons mnist_low_level --set DEVIATION=0.05`: the weights start half as
# large. The training starts with a far smaller loss.

# %%
import tempfile

import numpy as np

import tinynet as tn
from lessons.shared import claim, data, least_squares, nearest_picture, size, table
from lessons.shared.draw import mnist_low_level as draw

DEVIATION = 0.1  # standard deviation of the first weights
EPOCHS = size(1, 3, 5)  # how often the network sees all training digits
BATCH = size(8, 40, 1000)  # digits in one training step
SEED = 0

# %% [markdown]
# ## Weights: a dictionary of tensors
#
# A **tensor** is a table of numbers, with any number of axes. The slide's network has four steps
# with **weights** $W$, which are multiplied with something, and **biases** $b$, which are added.
# They are all that can be learnt. So we keep them in a dictionary. `requires_grad=True` says:
# find out how the loss changes with these numbers.
#
# - `conv1`: 32 filters of 5 x 5 pixels, for a grey picture (1 channel).
# - `conv2`: 64 filters of 5 x 5 pixels, for the 32 results of the first ones.
# - `fc1` ("fully connected"): from 3136 = 7 x 7 x 64 numbers to 1024.
# - `fc2`: from 1024 numbers to 10, one for each digit.
#
# As on the slide, each bias starts as 0.1, and each weight as a random number from a normal
# distribution with standard deviation 0.1. A number that is more than two deviations away from 0
# is drawn again (TensorFlow: `truncated_normal`).

# %%
SHAPES = {"conv1": (5, 5, 1, 32), "conv2": (5, 5, 32, 64), "fc1": (3136, 1024), "fc2": (1024, 10)}


def model(rng):
    """-> the first weights, by name"""
    weights = {}
    for layer, shape in SHAPES.items():
        w = rng.standard_normal(shape, dtype=np.float32)
        while (far := abs(w) > 2).any():
            w[far] = rng.standard_normal(far.sum(), dtype=np.float32)
        b = np.full(shape[-1], 0.1, np.float32)
        weights[f"W_{layer}"] = tn.Tensor(DEVIATION * w, requires_grad=True)
        weights[f"b_{layer}"] = tn.Tensor(b, requires_grad=True)
    return weights


start = model(np.random.default_rng(SEED))
sizes = {name: start[f"W_{name}"].size + start[f"b_{name}"].size for name in SHAPES}
total = sum(sizes.values())
rows = [[name, " x ".join(map(str, SHAPES[name])), f"{sizes[name]:,}"] for name in SHAPES]
table(["step", "weights", "numbers, with the biases"], [*rows, ["all", "", f"{total:,}"]])

# %% [markdown]
# ## The network: a function
#
# The network is a function of pictures and weights. It is written with single operations:
#
# - **Convolution** lays each filter on each place of the picture, multiplies and adds. Its result
#   has one **map** for each filter. `padding="same"` puts zeros around the picture, so that a map
#   is as large as the picture.
# - **relu** replaces negative numbers by 0.
# - **Max pooling** keeps the largest number of each 2 x 2. It halves width and height.
# - **`@`** is the matrix product: each output is a weighted sum of all inputs.
# - **Dropout** sets numbers to 0 at random. `keep` is the share that is kept, 0.5 in training.
#   These are divided by `keep`, so that sums of them stay as large on average. In use `keep` is
#   1: nothing is dropped.
#
# The ten numbers at the end are called **logits**. The largest one is the answer.
#
# The slide "The TensorFlow layers module" compares two ways to write this. A layer such as
# `Conv2D(32, 5, padding="same", activation="relu")` makes its weights, convolves, adds the bias
# and applies relu. Here each of these is a line of its own, or a part of one.


# %%
def network(x, w, keep=1.0, rng=None):
    """(N, 28, 28, 1) -> logits (N, 10), maps of conv2 (N, 14, 14, 64)"""
    conv1 = tn.relu(tn.conv2d(x, w["W_conv1"], padding="same") + w["b_conv1"])  # (N, 28, 28, 32)
    pool1 = tn.max_pool2d(conv1, 2)  # (N, 14, 14, 32)
    conv2 = tn.relu(tn.conv2d(pool1, w["W_conv2"], padding="same") + w["b_conv2"])
    pool2 = tn.max_pool2d(conv2, 2)  # (N, 7, 7, 64)
    fc1 = tn.relu(pool2.reshape(-1, 7 * 7 * 64) @ w["W_fc1"] + w["b_fc1"])  # (N, 1024)
    if keep < 1:
        fc1 = tn.dropout(fc1, 1 - keep, rng)
    return fc1 @ w["W_fc2"] + w["b_fc2"], conv2


def read(pictures, w):
    """-> logits (N, 10) as an array, without dropout and without gradients"""
    with tn.no_grad():
        parts = [network(x, w)[0].numpy() for (x,) in tn.data.batches(pictures, size=250)]
    return np.concatenate(parts)


# %% [markdown]
# ## Training: a loop
#
# One training **step** takes a **batch** of digits and changes all weights a little:
#
# - The **cross-entropy** $L$ says how wrong the network is (equation below).
# - `backward()` computes the **gradient**: how the loss changes with each of the weights.
# - The rule **Adam** moves each weight against its gradient. The **learning rate** is about how
#   far it moves in one step.

#
# The cross-entropy turns the logits $z_1, z_2, ...$ into probabilities $p_i$, and takes the one
# of the right digit $y$:
#
# $$p_i = \frac{e^{z_i}}{\sum_j e^{z_j}}, \qquad L = -\log p_y$$
#
# It is averaged over the batch. Who gives 10% to each digit has $L = -\log 0.1 = 2.3$. Our
# network starts far above that: its random weights of 0.1 give large logits, so it is sure of
# wrong answers.
#
# An **epoch** goes once through all digits. Like the slide, we do not shuffle them. (`tn.fit` is
# this loop, with a display of its progress.)
#
# The slide sets `learning_rate = 0.001` and never uses it: Adam gets `1e-4`, which is 0.0001. We
# train with both, from the same first weights. The slide has 60,000 digits, batches of 1000, and
# 5 epochs. So does `--full`. By default we take 1,000 digits, batches of 40, and 3 epochs.


# %%
def train(rate, x, labels):
    """-> trained weights, and the loss of each step"""
    rng = np.random.default_rng(SEED)
    w, losses = model(rng), []
    optimizer = tn.optim.Adam(w.values(), rate)
    batches = tn.data.batches(x, labels, size=BATCH)
    for epoch in range(1, EPOCHS + 1):
        for some, answers in batches:
            optimizer.zero_grad()
            loss = tn.cross_entropy(network(some, w, 0.5, rng)[0], answers)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        mean = np.mean(losses[-len(batches) :])
        print(f"Learning rate {rate:g}, epoch {epoch}: mean loss {mean:.2f}", flush=True)
    return w, losses


digits = data.mnist(size(160, 1000, None), size(100, 1000, None))
weights, losses = train(1e-3, digits.train, digits.train_labels)
slow_weights, slow_losses = train(1e-4, digits.train, digits.train_labels)
draw.rates({"0.001, which the slide sets": losses, "0.0001, which it uses": slow_losses})

# %% [markdown]
# ## Is it a good network?
#
# Three methods need no network. The **nearest picture** looks for the training digit whose pixels
# differ least, and gives its label. **Least squares** gives each pixel a weight for each digit
# and adds up. The last one always gives the commonest digit.

# %%
truth = digits.test_labels
methods = {
    "network, learning rate 0.001": read(digits.test, weights).argmax(axis=1),
    "network, learning rate 0.0001": read(digits.test, slow_weights).argmax(axis=1),
    "nearest picture": nearest_picture(digits.train, digits.train_labels, digits.test),
    "least squares on pixels": least_squares(digits.train, digits.train_labels, digits.test),
    "always the commonest digit": np.bincount(digits.train_labels).argmax(),
}
right = {name: (answers == truth).mean() for name, answers in methods.items()}
table(["method", "test digits read"], [[name, f"{share:.1%}"] for name, share in right.items()])

# %% [markdown]
# The rate that the slide forgot is the better one here. With the smaller rate the loss is still
# falling when the training ends.
#
# ## On the way
#
# The slide looks at the 64 maps that `conv2` makes of test picture 47. Bright is a large number:
# the filter fits there. A map is black if its sums are negative everywhere, because relu makes
# them 0. Then the filter has found nothing in this digit. If it finds nothing in any digit, its
# gradient is 0 as well. It no longer learns, and is called **dead**.

# %%
with tn.no_grad():
    maps = network(tn.Tensor(digits.test[:100]), weights)[1].numpy()  # (100, 14, 14, 64)
found = maps.max(axis=(1, 2)) > 0  # (100, 64)
print(f"{(~found[47]).sum()} of the 64 maps of test picture 47 are black.")
print(f"{(~found.any(axis=0)).sum()} filters find nothing in any of 100 test digits.")
draw.maps(digits.test[47], truth[47], maps[47].transpose(2, 0, 1))

filters, first = (w["W_conv1"].numpy().ravel() for w in (weights, start))
print(f"Correlation of conv1's filters with their start: {np.corrcoef(filters, first)[0, 1]:.3f}")

# %% [markdown]
# The last number says why we do not draw the filters themselves: they would look like noise. A
# correlation of 1 means "the same numbers". After so few steps the filters still are nearly the
# random numbers with which they began. One step changes a weight by about 0.001, and the weights
# are about 0.1.
#
# ## Save and restore
#
# The weights are a dictionary, so a file can keep them. The slide does it with
# `tf.train.Saver()`. We write them, read them again, and compare the logits of all test digits.

# %%
with tempfile.TemporaryDirectory() as folder:
    restored = tn.load(tn.save(f"{folder}/model.npz", weights))
again = read(digits.test, {name: tn.Tensor(values) for name, values in restored.items()})
apart = abs(again - read(digits.test, weights)).max()
print(f"The logits of the restored weights differ by {apart:g} at most.")

# %% [markdown]
# ## More slips on the slide
#
# Besides the forgotten learning rate, its program has three more.
#
# - **`dropout(h_fc1, 1-keep_prob)`**: in TensorFlow 1 the second argument is the share to
#   **keep**. In training 1 - 0.5 = 0.5, so nobody sees the mistake. In use `keep_prob` is 1. Then
#   0 of the 1024 numbers are kept, they are divided by 0, and all logits are "not a number".
# - **`reshape(stimuli, [1,784], order='F')`** goes through a picture column by column. The
#   network has learnt from rows. A picture of 28 x 28 would be transposed: rows and columns
#   change places. (The slide's picture is a vector already, so nothing happens.) How well does
#   our network read transposed digits?
# - **`ceil(64 / 6) + 1`** rows of 6 maps are 12 rows. 11 are enough for 64 maps.

# %%
transposed = (read(digits.test.transpose(0, 2, 1, 3), weights).argmax(axis=1) == truth).mean()
print(f"Of the transposed test digits the network reads {transposed:.1%}.")

# %% [markdown]
# ## Claims
#
# The program checks what this lesson says, each time that it runs.

# %%
best, slow, nearest, *_ = right.values()
least, more = size(0.2, 0.85, 0.985), size(4, 4, 1)
claim("The slide's network has 3,274,634 weights and biases", total == 3274634, f"{total:,}")
claim(f"The network reads {least:.1%} of test digits", best >= least, f"{best:.1%}")
for name, share in (("the nearest picture", nearest), ("with the rate 0.0001", slow)):
    gain = 100 * (best - share)
    claim(f"The network reads {more}% more than {name}", gain >= more, f"{gain:.1f}%", quick=False)
claim("Restored weights give the same logits", apart == 0, f"{apart:g} apart")
claim("The network reads under 40% of transposed digits", transposed < 0.4, f"{transposed:.1%}")
