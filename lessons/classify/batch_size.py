# %% [markdown]
# # Batch size: how many pictures to look at before each step
#
# **Lecture.** *Machine Learning II* (TDDC17 AI, Linköping University): "Stochastic Gradient
# Descent", "Mini-Batches while Training". *Convolution NN* (handwritten notes, author not named):
# "Default Batch Size in Keras = 32"
#
# **Question.** Before each step, a network can look at 8 pictures or at 512. What does it gain
# from more of them, and what does it cost?
#
# **You will see.** How the noise of the gradient falls with the batch size. The slide's "Allows
# for larger learning rates", measured for four batch sizes and five rates. Four trainings with
# rates in proportion to the batch size, of which three learn the same from each epoch.
#
# **Try.** `python -m lessons batch_size --set RATE=0.02`: smaller rates in the last experiment.
# Now a batch of 512 learns nearly as much from each epoch as the others. With `--set RATE=0.2`
# its training fails.

# %%
import itertools
import time

import numpy as np

import tinynet as tn
from lessons.shared import accuracy, claim, data, least_squares, nearest_picture, size, table
from lessons.shared.draw import batch_size as draw
from tinynet.layers import Dense, Flatten

SIZES = [8, 32, 128, 512]  # digits in a batch
RATES = [0.03, 0.1, 0.3, 1.0, 3.0]  # learning rates to compare
RATE = 0.05  # of the last experiment, for batches of 32
DIGITS = size(1024, 3072, 58880)  # to learn from: a multiple of 512
STEPS = size(25, 100)  # in the comparison of the learning rates
EPOCHS = size(1, 3)  # in the last experiment
SEEDS = size([0], [0, 1])  # starts: each has its own first weights and its own batches

# %% [markdown]
# ## The slide's algorithm
#
# A network has to learn MNIST, pictures of handwritten digits. The **loss** $J_k$ says how wrong
# its answer for picture $k$ is. (Here it is the cross-entropy, see the lesson `softmax`.) The
# **gradient** is the list of all slopes of the loss: how fast it grows with each weight. Each
# step moves all weights against the gradient.
#
# One picture is quick to compute, but its gradient is "very noisy", says the slide. All pictures
# together give the true gradient $g$, but take long. The way between is a **batch** of $B$
# pictures, picked at random. Its gradient is a mean:
#
# $$g_B = \frac{1}{B} \sum_{k=1}^B \frac{\partial J_k}{\partial W} \qquad
# W \leftarrow W - \eta \, g_B$$
#
# $\eta$ (eta) is the **learning rate**. One **epoch** is a pass through all pictures: with $N$
# pictures it has $N / B$ steps.
#
# The slides call all of this stochastic gradient descent. Elsewhere the name is often kept for $B
# = 1$, and this is called mini-batch gradient descent.


# %%
def train(x, labels, B, rate, steps, seed, look=None):
    """The slide's algorithm, for a number of steps.  look: a function, called after each step"""
    rng = np.random.default_rng(seed)
    layers = [Flatten(), Dense(64, activation="relu"), Dense(10)]
    network = tn.Sequential(layers, (28, 28, 1), rng)
    optimizer = tn.optim.SGD(network.parameters(), rate)
    for step in range(1, steps + 1):
        k = rng.integers(len(x), size=B)  # pick a batch of B data points
        optimizer.zero_grad()
        tn.cross_entropy(network(tn.Tensor(x[k])), labels[k]).backward()  # compute its gradient
        optimizer.step()  # update the weights
        if look:
            look(network, step)
    return network


digits = data.mnist(DIGITS, 1000)
x, labels = digits.train, digits.train_labels
print(f"{digits.source}: {DIGITS:,} digits to learn from, 1,000 others to test with.")

# %% [markdown]
# ## "More accurate estimation of gradient"
#
# How far is the gradient of a batch from the true one? We pick 40 batches of each size and
# measure the distance from $g$. Its mean (as a root of the mean square) is the **noise**:
#
# $$\text{noise}(B) = \sqrt{\text{mean of } |g_B - g|^2}$$
#
# Statistics predicts what a mean of $B$ independent numbers does: its noise falls as $1 /
# \sqrt{B}$. So a batch four times as large has half the noise, for four times the work.
#
# We use a network that has made 100 steps already.


# %%
def gradient(model, pictures, answers):
    """All slopes of the mean loss of these pictures, in one list"""
    for w in model.parameters():
        w.grad = None
    tn.cross_entropy(model(tn.Tensor(pictures)), answers).backward()
    return np.concatenate([w.grad.ravel() for w in model.parameters()])


def noise(model, x, labels, B, rng, draws=40):
    """The root of the mean of |g_B - g|^2"""
    g = gradient(model, x, labels)
    picked = rng.integers(len(x), size=(draws, B))
    return np.mean([((gradient(model, x[k], labels[k]) - g) ** 2).sum() for k in picked]) ** 0.5


begun = train(x, labels, 32, 0.1, 100, SEEDS[0])
length = np.linalg.norm(gradient(begun, x, labels))
rng = np.random.default_rng(2)
noises = {B: noise(begun, x, labels, B, rng) for B in SIZES}
table(
    ["B", "noise", "predicted from B = 8", "noise / length of g"],
    [[B, f"{n:.2f}", f"{noises[8] * (8 / B) ** 0.5:.2f}", f"{n / length:.1f}"]
     for B, n in noises.items()],
)  # fmt: skip
draw.noise(noises, length)

# %% [markdown]
# With 8 digits the noise is several times as long as $g$ itself: a single step goes nearly
# anywhere. Many such steps still lead downwards. The noise points each time in another direction,
# and $g$ does not.
#
# ## "Allows for larger learning rates"
#
# A step is the rate times the gradient, so a large rate makes the noise large, too. With a more
# accurate gradient, larger steps should be safe. We try it: each batch size with each of five
# rates, always for the same number of steps, each twice with different first weights. Then we
# measure the loss on the 1,000 test digits. An answer of 10% for each of the ten digits has a
# loss of $\log 10 = 2.30$.


# %%
def test_loss(model):
    return tn.evaluate(model, (digits.test, digits.test_labels), tn.cross_entropy)["loss"]


def losses_of(B):
    """The test loss at each rate (rows), from each start (columns)"""
    return np.array([[test_loss(train(x, labels, B, rate, STEPS, seed)) for seed in SEEDS]
                     for rate in RATES])  # fmt: skip


losses = {B: losses_of(B) for B in SIZES}
means = {B: each.mean(axis=1) for B, each in losses.items()}
best = {B: RATES[each.argmin()] for B, each in means.items()}
header = [f"loss after {STEPS} steps", *(f"rate {rate:g}" for rate in RATES), "best rate"]
table(header, [[f"B = {B}", *(f"{m:.2f}" for m in means[B]), f"{best[B]:g}"] for B in SIZES])
draw.rates(RATES, losses, STEPS)

# %% [markdown]
# At small rates the batch size matters little: the curves lie close together. There the steps are
# so short that the noise of many steps cancels. The curves part at larger rates. Small batches
# are thrown off first. The largest rate is too large for all. There it is not the noise that
# matters: even a step along the true gradient would go too far (see the lesson
# `gradient_descent`).
#
# ## Epochs and steps
#
# That comparison was unfair. In the same number of steps, a batch of 512 has seen 64 times as
# many digits as a batch of 8. What if each digit is seen equally often? Then large batches make
# few steps, and each must be longer.
#
# Think of four steps with batches of 32. If the weights hardly move in between, they add up to
# one step with a batch of 128 and a rate four times as large. So the usual rule is: **the rate in
# proportion to the batch size.** We start from 32, the default of Keras:
#
# $$\eta(B) = \eta(32) \cdot \frac{B}{32}$$
#
# We measure the test loss whenever a network has seen 512 more digits. The table also has the
# speed on this machine, in digits for each second of training.

# %%
trained, curves, speeds = {}, {B: [] for B in SIZES}, {}
for B in SIZES:

    def look(network, step, B=B):
        if step * B % 512 == 0:
            curves[B].append(test_loss(network))

    trained[B] = train(x, labels, B, RATE * B / 32, EPOCHS * DIGITS // B, SEEDS[0], look)
    began = time.perf_counter()
    train(x, labels, B, RATE, 50, SEEDS[0])
    speeds[B] = 50 * B / (time.perf_counter() - began)
table(
    ["", "rate", "steps per epoch", "test loss at the end", "digits per second"],
    [[f"B = {B}", f"{RATE * B / 32:g}", DIGITS // B, f"{curves[B][-1]:.2f}", f"{speeds[B]:,.0f}"]
     for B in SIZES],
)  # fmt: skip
draw.epochs_and_steps(curves, DIGITS)

# %% [markdown]
# On the left we count epochs, and the smaller three batch sizes lie nearly on one curve. B = 128
# leaves it once: its rate of 0.2 is near the limit. On the right the same trainings are drawn
# against their steps: there a batch four times as large needs a quarter of the steps. **With the
# rule, and a rate that is not too large, what counts is how many digits a network has seen, not
# in how many steps.**
#
# The rule has an end. For batches of 512 it asks for a rate of 0.8. That is too large for the 18
# steps of this training, and the loss jumps up and down. (Above, batches of 512 had 100 steps.)
# With smaller rates all four nearly agree (see **Try**).
#
# What is a large batch good for, then? The last column tells: the computer is much faster with
# many digits at a time, and many processors can share them. That is the slide's "Mini-batches
# lead to fast training!" The smallest batches compute slowly, and with the largest the rule of
# the rates ends. A batch of 32 or 128 is a good start.
#
# Are these good networks? We compare one with three ways that need no network: the label of the
# training digit whose pixels differ least, the best linear map from pixels to digits, and always
# the commonest digit.

# %%
truth, known = digits.test_labels, (x, labels, digits.test)
right = accuracy(trained[32], digits.test, truth)
linear = (least_squares(*known) == truth).mean()
ways = {"network, batches of 32": right, "least squares on pixels": linear}
ways["nearest picture"] = (nearest_picture(*known) == truth).mean()
ways["always the commonest digit"] = (truth == np.bincount(labels).argmax()).mean()
table(["way to read a digit", "test accuracy"], [[k, f"{v:.1%}"] for k, v in ways.items()])

# %% [markdown]
# The network is better than a linear map. With few digits and few epochs it is not better than
# the nearest picture. This lesson compares ways to train, and a good reader needs more of both.
#
# ## Claims
#
# The program checks what this lesson says, each time that it runs.

# %%
halves = [noises[a] / noises[b] for a, b in itertools.pairwise(SIZES)]
claim(
    "A batch four times as large has half the noise (1/1.6 to 1/2.4)",
    min(halves) >= 1.6 and max(halves) <= 2.4,
    ", ".join(f"1/{ratio:.2f}" for ratio in halves),
)
at_1 = RATES.index(1.0)
worst, least = losses[512][at_1].max(), losses[8][at_1].min()
claim(
    "At learning rate 1 batches of 512 end below a loss of 0.6, and batches of 8 above 1.2",
    worst < 0.6 and least > 1.2,
    f"{worst:.2f} and {least:.2f}, the worse and the better start",
    quick=False,
)
seen = [curves[B][-1] for B in SIZES[:3]]
claim(
    "With rates in proportion, batches of 8, 32 and 128 end with the same loss within 15%",
    max(seen) <= 1.15 * min(seen) and max(seen) < size(2.1, 1.5),
    ", ".join(f"{loss:.2f}" for loss in seen),
)
claim(
    "The network with batches of 32 reads more digits than least squares, by 3 in 100 or more",
    right >= linear + 0.03,
    f"{right:.1%} and {linear:.1%}",
    quick=False,
)
