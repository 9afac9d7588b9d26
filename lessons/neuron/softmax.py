# %% [markdown]
# # Softmax: scores become probabilities
#
# **Lecture.** *Machine Learning II* (TDDC17 AI, Linköping University): "CNNs for Classification:
# Class Probabilities", and the code under "Binary Cross Entropy Loss"; *AutoEncoders and
# Convolutional Neural Networks (CNN)* (TIES4911, Lecture 3, University of Jyväskylä):
# "Training..."
#
# **Question.** A network has one output for each class. An output can be any number. How do these
# numbers become probabilities, and how is such a network trained?
#
# **You will see.** The slide's formula by hand. What makes it fail for large numbers, and how to
# mend it. The loss of a network that prefers no class: 2.302585 for ten classes. Why the code
# printed on a slide gives 0 for every network with one output. Three neurons that divide the
# plane among three classes.
#
# **Try.** `python -m lessons softmax --set "SCORES=[20, -10, 5]"`: all scores are ten times as
# large. The highest score then gets nearly all of the probability. `python -m lessons softmax
# --set SPREAD=1.2`: the three clouds of points overlap. In the figure the colors then fade over
# wider strips.

# %%
import numpy as np

import tinynet as tn
from lessons.shared import accuracy, claim, data, fit, least_squares, nearest_picture, size, table
from lessons.shared.draw import softmax as draw

CLASSES = ["cat", "dog", "car"]
SCORES = [2.0, -1.0, 0.5]  # of one picture, a score for each class
SPREAD = 0.7  # of each cloud of points: its standard deviation
EPOCHS = size(15, 30)  # an epoch is one pass through all the points

# %% [markdown]
# ## From scores to probabilities
#
# A network for several classes has one output for each class, its **score**. Another word for the
# score is **logit**. A higher score means that the class is more probable. But scores are no
# probabilities: they can be negative, and their sum can be anything. The slide's formula turns
# them into probabilities:
#
# $$\text{softmax}(y_i) = \frac{e^{y_i}}{\sum_j e^{y_j}}$$
#
# It has two steps. First, $e^{y}$ makes each score positive, and keeps their order ($e$ is
# 2.718...). Second, each of these numbers is divided by the sum of all. So the results are
# positive and their sum is 1. The slide has no numbers. We take three scores, as if a network had
# read a picture.


# %%
def by_hand(scores):
    """The slide's formula.  (K,) -> (K,)"""
    powers = np.exp(scores)
    return powers / powers.sum()


scores = np.array(SCORES, dtype=float)
powers, p = np.exp(scores), by_hand(scores)
rows = [[CLASSES[i], scores[i], f"{powers[i]:.4f}", f"{p[i]:.4f}"] for i in range(len(scores))]
table(
    ["class", "score y", "e^y", "softmax"],
    [*rows, ["sum", "", f"{powers.sum():.4f}", f"{p.sum():.4f}"]],
)

# %% [markdown]
# ## Temperature
#
# What happens if all scores are multiplied by the same number? They are often divided by a number
# $T$, called the **temperature**:
#
# $$p_i = \frac{e^{y_i / T}}{\sum_j e^{y_j / T}}$$
#
# The order of the classes stays. A small $T$ makes the differences between the scores larger.
# Then the highest score gets nearly everything. A large $T$ makes them smaller. Then all classes
# get nearly the same. A usual softmax has $T = 1$.

# %%
temperatures = {T: by_hand(scores / T) for T in (0.25, 1, 4)}
rows = [[f"{T:g}", *(f"{share:.4f}" for share in shares)] for T, shares in temperatures.items()]
table(["T", *CLASSES], rows)
draw.temperature(CLASSES, scores, temperatures)

# %% [markdown]
# ## Adding a number changes nothing
#
# Let us add the same number $c$ to all scores. Then each $e^y$ is multiplied by $e^c$, and so is
# their sum:
#
# $$\frac{e^{y_i + c}}{\sum_j e^{y_j + c}} = \frac{e^c \, e^{y_i}}{e^c \sum_j e^{y_j}}$$
#
# Here $e^c$ cancels, and softmax stays what it was. So only the differences between scores count.
# The scores 2, 1, 0 and the scores 1000, 999, 998 must give the same probabilities. But a
# computer's numbers end near $10^{308}$, and $e^{1000}$ is larger than that. It becomes
# "infinite", and infinite divided by infinite is "not a number" (nan).
#
# The remedy is to add a good $c$: minus the largest score. The largest score then becomes 0, and
# no $e^y$ is larger than 1. tinynet's softmax does this.

# %%
large = np.array([1000.0, 999, 998])
with np.errstate(over="ignore", invalid="ignore"):  # we know that it fails
    naive = by_hand(large)
safe = by_hand(large - large.max())
of_tinynet = tn.softmax(tn.Tensor(large)).numpy()
ways = {
    "the formula as it stands": naive,
    "largest score taken off first": safe,
    "tinynet's": of_tinynet,
}
rows = [[name, *(f"{share:.4f}" for share in shares)] for name, shares in ways.items()]
table(["softmax of 1000, 999, 998", "class 1", "class 2", "class 3"], rows)

# %% [markdown]
# ## Two classes: the sigmoid again
#
# Only differences count. So for two classes with the scores $a$ and $b$ only $a - b$ counts.
# Divide numerator and denominator by $e^a$:
#
# $$\frac{e^a}{e^a + e^b} = \frac{1}{1 + e^{-(a - b)}} = \text{sigmoid}(a - b)$$
#
# This is why a network for yes and no needs one output only (lesson `perceptron`). Its sum $z$
# stands for the difference of two scores.

# %%
pairs = [(2.0, -1.0), (3.0, 0.0), (0.5, 0.5)]
sigmoids = tn.sigmoid(tn.Tensor([a - b for a, b in pairs])).numpy()
rows = [
    [*ab, ab[0] - ab[1], f"{by_hand(ab)[0]:.4f}", f"{g:.4f}"]
    for ab, g in zip(pairs, sigmoids, strict=True)
]
table(["a", "b", "a - b", "softmax, first class", "sigmoid of a - b"], rows)

# %% [markdown]
# ## The loss: cross-entropy
#
# A picture has a **label**: its true class $k$. As a list of numbers it is written **one-hot**,
# as on the slide: a 1 at the place of the true class, 0 elsewhere. For the digit 7 of ten digits:
# 0 0 0 0 0 0 0 1 0 0. The loss is minus the logarithm of the probability that the network gives
# to the true class (lesson `loss`):
#
# $$L = -\sum_i t_i \log p_i = -\log p_k$$
#
# Here $t$ is the one-hot label. All terms but one are 0. This loss is called **cross-entropy**.
# In tinynet, `tn.cross_entropy` takes the scores and does the softmax itself, so that no number
# becomes infinite. So a model for it gets no softmax of its own.
#
# What does an untrained network have? The slide says that it prefers no class, and prints a list
# of thirteen times .1. The sum of thirteen is 1.3, and probabilities have the sum 1. Ten classes
# are meant. With 1/10 for each class the loss is $-\log \frac{1}{10} = \log 10$, whatever the
# label. We compare it with a real untrained network, whose weights are random, on 500 handwritten
# digits.

# %%
no_preference = tn.cross_entropy(tn.zeros((1, 10)), np.array([7])).item()
digits = data.mnist(1, 500)
untrained = tn.Sequential([tn.layers.Dense(10)], input_shape=(784,), rng=np.random.default_rng(0))
outputs = tn.predict(untrained, digits.test.reshape(-1, 784))
random_loss = tn.cross_entropy(tn.Tensor(outputs), digits.test_labels).item()
print(f"ten equal scores: loss {no_preference:.6f}, and log 10 = {np.log(10):.6f}")
print(f"an untrained network's mean loss: {random_loss:.4f}")

# %% [markdown]
# Random weights do prefer some classes a little. Where the true class gets less than 1/10, the
# loss rises by more than it falls where the true class gets more. So the loss of the untrained
# network is a little above $\log 10$. This number is useful. If the first loss of your own
# ten-class network is far above 2.3, look for a mistake: for instance, pictures with values from
# 0 to 255.
#
# ## The gradient: p - t
#
# **Training** changes the weights, and with them the scores, so that the loss falls. The
# **gradient** tells how: it has one number for each score, the slope of the loss along this
# score. For softmax with cross-entropy the gradient is very simple. It is the probability minus
# the one-hot label:
#
# $$\frac{\partial L}{\partial y_i} = p_i - t_i$$
#
# Why? The loss is $-\log p_k = -y_k + \log \sum_j e^{y_j}$. The slope of $\log \sum_j e^{y_j}$
# along $y_i$ is $e^{y_i} / \sum_j e^{y_j}$, which is $p_i$. The slope of $-y_k$ is -1 for $i =
# k$, and 0 for the others.
#
# A step against the gradient raises the score of the true class, and lowers each of the others in
# proportion to its probability. When $p$ equals the label, nothing changes any more. Lectures
# often write it as $p - y$, with $y$ for the label; here $y$ is the score. tinynet computes
# gradients by itself, with `backward()`. The table compares.

# %%
label = 2  # the picture shows a car
one_hot = np.eye(len(scores))[label]
leaf = tn.Tensor(scores, requires_grad=True)
tn.cross_entropy(leaf, np.array(label)).backward()
numbers = np.stack([p, one_hot, p - one_hot, leaf.grad], axis=1)  # (3, 4)
rows = [[name, *(f"{n:.4f}" for n in line)] for name, line in zip(CLASSES, numbers, strict=True)]
table(["class", "p", "label", "p - label", "tinynet's gradient"], rows)

# %% [markdown]
# ## What the slide's code computes
#
# Under "Binary Cross Entropy Loss" a slide prints this code:
#
# `loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(y, predicted))`
#
# It does not compute the formula above it. That formula is for **one** output per student, the
# probability to pass: 0.1, 0.8 and 0.6, with the labels 1, 0 and 1 (lesson `loss`). This code
# does a softmax over the last axis of its table, and wants scores.
#
# - **As a column**, one student in each row, there is one output in each row. The softmax of a
#   single number is $e^y / e^y = 1$, whatever the number is. So the loss is $-\log 1 = 0$ for
#   every network, and so is its gradient. Nothing can be learned.
# - **As a row**, the three students become three classes of one student.
# - **As two columns**, fail and pass, the code runs as it should. But it does a softmax of
#   probabilities. Even perfect predictions then do not get a loss of 0.
#
# The function that fits the formula is the one for sigmoids. It wants the logits too: the $z$
# whose sigmoid is 0.1, 0.8 and 0.6.


# %%
def printed_code(labels, predicted):
    """softmax_cross_entropy_with_logits, then the mean: the loss, and its gradient."""
    leaf = tn.Tensor(predicted, requires_grad=True)
    loss = -(tn.Tensor(labels) * tn.log_softmax(leaf)).sum(axis=-1).mean()
    loss.backward()
    return loss.item() + 0.0, leaf.grad  # + 0.0: not "-0"


f, y = np.array([0.1, 0.8, 0.6]), np.array([1.0, 0, 1])
perfect = np.stack([1 - y, y], axis=1)  # (3, 2): fail, pass
column, column_gradient = printed_code(y[:, None], f[:, None])
row, _ = printed_code(y, f)
two_columns, _ = printed_code(perfect, perfect)
right = tn.bce_with_logits(tn.Tensor(np.log(f / (1 - f))), tn.Tensor(y)).item()
computed = {
    "the slide's code, a column": column,
    "the slide's code, a row": row,
    "the slide's code, two columns, perfect predictions": two_columns,
    "the slide's formula: sigmoids of logits": right,
}
table(["what is computed", "loss"], [[name, f"{loss:.4f}"] for name, loss in computed.items()])
print(f"largest gradient of the column: {abs(column_gradient).max():g}")

# %% [markdown]
# ## Three neurons, three classes
#
# Now softmax is used. Points of the plane come from three clouds in a row. The network has one
# layer of three neurons, `Dense(3)`: a weighted sum for each class. (The layer is the topic of
# lesson `dense`.) It gets 600 points with their labels and lowers its cross-entropy in small
# steps. How such steps are found is the topic of lesson `gradient_descent`.
#
# For comparison there are three methods without a network. "Always one class" needs no points.
# "Nearest point" answers with the label of the nearest known point. **Least squares** also has
# three weighted sums, but it chooses them so that the sums themselves come near to the one-hot
# labels.


# %%
def clouds(count, rng):
    """Points (N, 2) in turn from three clouds, and their classes (N,)"""
    centers = np.array([[-3.0, -1.0], [0.0, 0.0], [3.0, 1.0]])
    labels = np.arange(count) % 3
    points = centers[labels] + rng.normal(0, SPREAD, (count, 2))
    return points.astype(np.float32), labels


rng = np.random.default_rng(0)
x, labels = clouds(600, rng)
new_x, new_labels = clouds(1500, rng)
model = tn.Sequential([tn.layers.Dense(3)], input_shape=(2,), rng=rng)
batches = tn.data.batches(x, labels, size=60, rng=rng)
optimizer = tn.optim.Adam(model.parameters(), 0.2)
fit("three classes", model, batches, "cross_entropy", optimizer, EPOCHS)
by_network = accuracy(model, new_x, new_labels)
line = least_squares(x, labels, new_x)
by_line = (line == new_labels).mean()
near = (nearest_picture(x, labels, new_x) == new_labels).mean()
shares = {
    "always one class": 1 / 3,
    "least squares": by_line,
    "nearest point": near,
    "Dense(3)": by_network,
}
table(["1500 new points", "right answers"], [[name, f"{n:.1%}"] for name, n in shares.items()])
middle = (line[new_labels == 1] == 1).mean()
network_middle = accuracy(model, new_x[new_labels == 1], 1)
print(f"of the middle cloud: least squares {middle:.1%}, Dense(3) {network_middle:.1%}")
side = np.linspace(-6, 6, 161, dtype=np.float32)
grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
chances = tn.softmax(tn.Tensor(tn.predict(model, grid))).numpy()
draw.regions(
    grid, chances, least_squares(x, labels, grid), x[:300], labels[:300], (by_network, by_line)
)

# %% [markdown]
# Both methods divide the plane by straight lines. Least squares misses most of the middle cloud.
# Along the row of clouds, from left to right, its sum for class 0 falls from about 1 to about 0,
# and its sum for class 2 rises from about 0 to about 1. Its sum for class 1 should be high in the
# middle only. A weighted sum cannot do that: it rises, falls or stays along a straight way. So it
# stays near 1/3, and one of the others is nearly always higher.
#
# With softmax only the differences between the three sums must be right. So the sum for class 1
# can stay, and the other two can fall below it in the middle. Near the lines the colors fade into
# each other: there two classes have about the same probability.
#
# ## Claims
#
# The program checks what this lesson says, each time that it runs.

# %%
claim(
    "For scores near 1000 the formula as it stands gives nan, tinynet's softmax has sum 1",
    np.isnan(naive).all() and abs(of_tinynet.sum() - 1) < 1e-6,
    f"{naive} and {of_tinynet.sum():.6f}",
)
claim(
    "An untrained network's loss on ten classes is at most 0.3 from log 10 = 2.3026",
    abs(random_loss - np.log(10)) < 0.3,
    f"{random_loss:.4f}",
)
claim(
    "tinynet's gradient of softmax with cross-entropy is probability minus label",
    abs(leaf.grad - (p - one_hot)).max() < 1e-6,
    f"largest difference {abs(leaf.grad - (p - one_hot)).max():.0e}",
)
claim(
    "On a column the slide's code has loss 0 and gradient 0, and on a row the loss 2.5791",
    column == 0 and not column_gradient.any() and round(row, 4) == 2.5791,
    f"{column:g}, {abs(column_gradient).max():g}, {row:.4f}",
)
claim(
    "Dense(3) with softmax is right for 15 of 100 new points more than least squares",
    by_network >= by_line + 0.15,
    f"{by_network:.1%} against {by_line:.1%}",
)
claim(
    "Of the middle cloud Dense(3) finds at least 90%, least squares at most half",
    network_middle >= 0.9 and middle <= 0.5,
    f"{network_middle:.1%} against {middle:.1%}",
)
