# %% [markdown]
# # Diffusion of digits: noise becomes the digit that was asked for
#
# **Lecture.** *Machine Learning II* (TDDC17 AI, Linköping University): "Diffusion Models", "Deep
# Generative Modeling Summary"
#
# **Question.** Noise can become points of a spiral, step by step. Does the same method make
# pictures? And how does one ask for a certain picture, for example a 7?
#
# **You will see.** Ten digits that come out of noise. One network that can obey a label, ignore
# it or exaggerate it. Digits in 100 steps, in 25, and in a single one. A test whether the digits
# are copies.
#
# **Try.** `python -m lessons diffusion_digits --set "ASKED=[0, 4, 7, 1, 1, 9, 3, 8, 2, 0]"`: the
# network writes your telephone number.

# %%
import itertools

import numpy as np

import tinynet as tn
from lessons.shared import claim, data, fit, size, table
from lessons.shared.draw import diffusion_digits as draw
from tinynet.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D

ASKED = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3]  # ten digits to draw
GUIDANCE = 1.5  # how strongly the label counts
STEPS = 100  # of the chain, T
FEWER = 25  # steps of the usual way back
DIGITS = size(1000, 5000, 20_000)  # training digits
TRAINING = size(200, 2000, 20_000)  # training steps
NEURONS = size(128, 512)  # in a layer
SEED = 0

assert set(ASKED) <= set(range(10)), f"ASKED is {ASKED}. Give ten digits from 0 to 9."
assert STEPS >= 10, f"STEPS is {STEPS}. Give at least 10."
assert 1 <= FEWER <= STEPS, f"FEWER is {FEWER}. Give a number from 1 to {STEPS}."
assert 100 <= DIGITS <= 30_000, f"DIGITS is {DIGITS}. Give a number from 100 to 30,000."
assert TRAINING >= 100, f"TRAINING is {TRAINING}. Give at least 100."

# %% [markdown]
# ## Digits dissolve
#
# The lessons `noise` and `diffusion` have explained the two ways of a diffusion model. On the way
# into noise, a chain of small steps makes the data $x_0$ noisier and noisier. One formula jumps
# to any step $t$:
#
# $$x_t = \sqrt{\bar{a}_t}\,x_0 + \sqrt{1 - \bar{a}_t}\,e$$
#
# Here $x_0$ is a picture of a digit: 784 pixels between -1 (black) and 1 (white). The **noise**
# $e$ is as many numbers from the standard normal distribution. The number $\bar{a}_t$ falls from
# 1 (the digit) to nearly 0 (pure noise). The slide calls $x_1$ to $x_T$ latent variables "with
# the same dimensionality as $x_0$". So pure noise is a picture of 784 pixels, too.
#
# Our chain has $T = 100$ steps. For $\bar{a}_t$ we take the **cosine** schedule of Nichol and
# Dhariwal (2021), which the lesson `noise` compares with others. We do not let it fall below
# 0.0001.


# %%
def schedule(steps=STEPS):
    """abar_t for t = 0 ... steps; abar_0 = 1 stands for the data.  -> (steps + 1,)"""
    falling = np.cos((np.arange(steps + 1) / steps + 0.008) / 1.008 * np.pi / 2) ** 2
    return np.maximum(falling / falling[0], 1e-4).astype(np.float32)


def add_noise(x, left, e):
    """x_t from the data x_0.  left: abar_t.  (N, 784) -> (N, 784)"""
    return np.sqrt(left) * x + np.sqrt(1 - left) * e


abar = schedule()
digits = data.mnist(2 * DIGITS, 1000)
real, test = (2 * part.reshape(-1, 784) - 1 for part in (digits.train, digits.test))
real, unseen = real[:DIGITS], real[DIGITS:]  # the second half will be needed at the end
labels, test_labels = digits.train_labels[:DIGITS], digits.test_labels
print(f"{digits.source}: {len(real):,} training digits, {len(test):,} test digits")

# %% [markdown]
# ## A network that guesses the digit
#
# In the lesson `diffusion` a network guesses the noise $e$ in $x_t$. This one guesses the digit
# $x_0$. From one guess the other one follows, by the formula above:
#
# $$\hat{e} = \frac{x_t - \sqrt{\bar{a}_t}\,\hat{x}_0}{\sqrt{1 - \bar{a}_t}}$$
#
# Why do we change it? With this network it works far better. (We tried: when it learned to guess
# the noise, no digits came out.) One reason may be that noise is 784 numbers which have nothing
# to do with each other. A digit is much simpler. Most of its pixels can be told from their
# neighbors.
#
# The network gets $x_t$, the time $t$ as ten numbers, as in `diffusion`, and the label as ten
# more. They are **one-hot**: a 1 in the label's place, and nine zeros. Ten zeros mean "no label".
# Two layers of 512 neurons follow, and one of 784 pixels. The tanh at the end keeps the pixels
# between -1 and 1.


# %%
def inputs(x, t, told):
    """x (N, 784), t: a time or (N,), told: one-hot labels or zeros (N, 10) -> (N, 804)"""
    angle = np.pi * np.broadcast_to(t, len(x))[:, None] / STEPS * 2 ** np.arange(5)
    return np.concatenate([x, np.sin(angle), np.cos(angle), told], axis=1).astype(np.float32)


rng = np.random.default_rng(SEED)
layers = [*(Dense(NEURONS, activation="relu") for _ in range(2)), Dense(784, activation="tanh")]
network = tn.Sequential(layers, input_shape=(804,), rng=rng)

# %% [markdown]
# ## Training, sometimes without the label
#
# The training loop is that of `diffusion`, with four changes.
#
# - The target is the digit, and the loss is the mean squared error of a pixel.
# - The time $t$ is the later one of two random times. So times with much noise come more often.
#   The table below shows why they matter: the label has its influence there.
# - The network gets the label. But for a tenth of the digits, chosen at random, it gets ten zeros
#   in the place of the label. So one network learns to guess with a label and without one. The
#   idea is by Ho and Salimans (2022), and we shall need both.
# - We also keep a running average of the weights, over about the last 200 steps, with `tn.ema`.
#   It takes no part in the training. Afterwards it draws the digits.

# %%
optimizer = tn.optim.Adam(network.parameters(), tn.schedules.Cosine(0.003, TRAINING))
average, losses = tn.ema(network, 0.995), []
for step in range(1, TRAINING + 1):
    some = rng.integers(len(real), size=64)
    told = tn.one_hot(labels[some], 10).numpy() * (rng.random((64, 1)) > 0.1)
    t = rng.integers(1, STEPS + 1, size=(2, 64)).max(axis=0)
    x_t = add_noise(real[some], abar[t, None], rng.standard_normal((64, 784), np.float32))
    loss = tn.mse(network(inputs(x_t, t, told)), real[some])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    average.update()
    losses.append(loss.item())
    if step % (TRAINING // 4) == 0:
        print(f"step {step:,}: loss {np.mean(losses[-200:]):.3f} (mean of the last 200 steps)")

# %% [markdown]
# When does the label help? We make test digits noisy and let the network guess them, without the
# label and with it. The table shows the mean squared error of a pixel. For comparison there are
# two guesses that do not look at $x_t$ at all: the mean of all training digits, and the mean of
# those with the right label.


# %%
def guess(x, t, told):
    """The network's guess of x_0.  (N, 784) -> (N, 784)"""
    return tn.predict(average.model, inputs(x, t, told))


told = tn.one_hot(test_labels, 10).numpy()
mean_digits = np.stack([real[labels == label].mean(axis=0) for label in range(10)])
guesses = {"mean digit": (real.mean(axis=0), mean_digits[test_labels])}
for t in (STEPS, STEPS * 3 // 4, STEPS // 2, STEPS // 4):
    x_t = add_noise(test, abar[t], rng.standard_normal(test.shape, np.float32))
    guesses[f"network, t = {t}"] = guess(x_t, t, 0 * told), guess(x_t, t, told)
errors = {name: [((x - test) ** 2).mean() for x in pair] for name, pair in guesses.items()}
rows = [[name, *(f"{error:.3f}" for error in pair)] for name, pair in errors.items()]
table(["guess", "without label", "with label"], rows)

# %% [markdown]
# At $t = 100$ nothing is left of the digit. There no guess can be better than the mean digit, and
# the network is a little worse. The label helps a lot. With less noise the network sees the digit
# better and better, and the label helps less and less. **So the label matters early on the way
# back**, while the picture still looks like pure noise.
#
# ## Guidance
#
# Now the way back, from noise to a digit. In each step the network guesses $\hat{x}_0$. It can do
# so in two ways: with the label $y$, or without it. The difference of the two guesses says what
# the label changes. **Guidance** multiplies this difference by a number $g$, the **scale**:
#
# $$\hat{x}_0^g = \hat{x}_0(x_t, t) + g \, (\hat{x}_0(x_t, t, y) - \hat{x}_0(x_t, t))$$
#
# - $g = 0$ is the guess without the label.
# - $g = 1$ is the guess with the label.
# - $g > 1$ exaggerates what the label changes.
#
# Pixels that leave the range from -1 to 1 are put back to its ends. Ho and Salimans call the
# method **classifier-free guidance**, because older methods needed a second network, a
# classifier. (They count the scale in another way. Their $w$ is our $g - 1$.)
#
# The steps are those of **DDIM**, from the lesson `diffusion`, without fresh noise. A step may
# jump from $t$ to any earlier time $u$. It takes the guess of the digit, and makes it noisy again
# as it should be at time $u$, with the $\hat{e}$ that belongs to this guess:
#
# $$x_u = \sqrt{\bar{a}_u}\,\hat{x}_0^g + \sqrt{1 - \bar{a}_u}\,\hat{e}$$
#
# We ask for 3, 1, 4, 1, 5, 9, 2, 6, 5 and 3, and go back in 25 steps: from $t = 100$ to 96, to
# 92, and so on to 0. The first figure shows eight of these times. Its left part is the picture
# $x_t$, its right part the guess of the digit. The second figure is a film of all steps.


# %%
def guided(x, t, told, scale):
    """The guess of x_0 with guidance.  (N, 784) -> (N, 784)"""
    without = guess(x, t, 0 * told)
    return (without + scale * (guess(x, t, told) - without)).clip(-1, 1)


def walk_back(x, asked, scale=GUIDANCE, steps=FEWER):
    """From noise (N, 784) to the digits asked for (N,).  -> {t: (x_t, the guess of x_0)}"""
    told = tn.one_hot(asked, 10).numpy()
    walk = {}
    for now, before in itertools.pairwise(np.linspace(STEPS, 0, steps + 1).round().astype(int)):
        guessed = guided(x, now, told, scale)
        walk[now] = x, guessed
        e = (x - np.sqrt(abar[now]) * guessed) / np.sqrt(1 - abar[now])
        x = add_noise(guessed, abar[before], e)
    return {**walk, 0: (x, x)}


walk = walk_back(rng.standard_normal((10, 784), np.float32), ASKED)
draw.out_of_noise(walk, ASKED)
draw.condensing(walk, size(5, 1))

# %% [markdown]
# Look at the right part. Most first guesses are blurred, about the mean digit of the label. Guess
# by guess they become certain digits, in a certain handwriting. **Most is decided from $t = 100$
# to 60**, while the left part is still mostly noise. The later steps refine the details. The
# lecture's summary calls this "repeatedly refining and removing noise".
#
# ## A judge, and three measures
#
# How good are the digits? We measure them as the lesson `conditional_gan` does. The **judge** is
# a small convolutional network that has learned to read real digits, and has never seen any
# others. The **distance** of two pictures is the root of the sum of their squared differences,
# pixel by pixel.
#
# - **Read as asked**: the share of the pictures that the judge reads as their label.
# - **Spread**: the mean distance of two pictures with the same label. To draw the same 7 each
#   time means a spread of 0.
# - **Nearest**: the mean distance to the nearest training digit. A copy has 0. A picture that
#   does not look like a digit is far from all of them.
#
# Spread and nearest are given as percentages. 100% is what test digits have.

# %%
layers = [Conv2D(16, 5, strides=2, activation="relu"), MaxPooling2D(2), Flatten(), Dropout(0.3)]
layers += [Dense(100, activation="relu"), Dense(10)]
judge = tn.Sequential(layers, input_shape=(28, 28, 1), rng=rng)
batches = tn.data.batches(digits.train[:DIGITS], labels, size=50, rng=rng)
fit("judge", judge, batches, "cross_entropy", tn.optim.Adam(judge.parameters(), 0.003), 4)


def distances(a, b):
    """From each picture of a to each of b.  (N, 784), (M, 784) -> (N, M)"""
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    return np.sqrt(squares.clip(0))  # rounding may leave a little less than 0


def measures(x, labels):
    """Read as asked, spread, nearest.  (N, 784), (N,) -> (3,)"""
    read = tn.predict(judge, (x.reshape(-1, 28, 28, 1) + 1) / 2).argmax(axis=1)
    groups = [x[labels == label] for label in range(10)]
    spread = np.mean([distances(g, g).sum() / (len(g) * (len(g) - 1)) for g in groups])
    return np.array([(read == labels).mean(), spread, distances(x, real).min(axis=1).mean()])


def report(title, sources):
    """A table of the measures.  {name: (pictures, labels)} -> {name: (3,)}"""
    found = {name: measures(*source) / unit for name, source in sources.items()}
    rows = [[name, *(f"{number:.0%}" for number in numbers)] for name, numbers in found.items()]
    table([title, "read as asked", "spread", "nearest"], rows)
    return found


unit = [1, *measures(test, test_labels)[1:]]  # what 100% means

# %% [markdown]
# ## The label ignored, obeyed, exaggerated
#
# We ask for 500 digits, 50 of each label, with five scales. The same 50 pictures of noise serve
# for all labels and all scales. The figure has three of the scales. Each row has one noise.

# %%
asked = np.repeat(np.arange(10), size(20, 50))  # so many digits of each label
noise = np.tile(rng.standard_normal((len(asked) // 10, 784), np.float32), (10, 1))
made = {scale: walk_back(noise, asked, scale)[0][0] for scale in sorted({0, 1, GUIDANCE, 2, 3})}
sources = {f"guidance {scale:g}": (x, asked) for scale, x in made.items()}
others = {"mean digit": (mean_digits[asked], asked), "test digits": (test, test_labels)}
numbers = report("digits", sources | others)
draw.guidance(made)

# %% [markdown]
# - **Guidance 0**: each row shows the same picture ten times, because the label has no influence.
#   The judge reads it as one of the ten labels. So it is as asked exactly once in ten.
# - **Guidance 1**: most digits are read as asked, but not all.
# - **Guidance 3**: at least 99% are read as asked. They are bold, and more like each other.
#
# **Guidance exchanges variety for obedience.** The larger the scale, the more digits are read as
# asked, and the smaller is their spread. The mean digit shows that "read as asked" is not enough:
# it is always read as asked, but its spread is 0. (Why is "nearest" below 100%? See
# "Copies?" below.) For the rest of the lesson we take the scale 1.5.
#
# ## Fewer steps
#
# Each step costs two answers of the network, with the label and without it. So 25 steps cost a
# quarter of the 100 steps of the chain. Are even fewer enough? The table has the same noise and
# the same labels with different numbers of steps.

# %%
of_steps = {n: walk_back(noise, asked, steps=n)[0][0] for n in (STEPS, FEWER, 10, 5, 1)}
numbers |= report("steps", {n: (x, asked) for n, x in of_steps.items()})
draw.steps(of_steps)

# %% [markdown]
# In the figure each column has one noise and one label. From 100 steps to 10 the digits hardly
# change, because DDIM follows about the same way with longer steps. **With one step nothing is
# refined.** The network guesses the digit from pure noise, and this can only be something like
# the mean digit. It is blurred, and the spread is small.
#
# ## Copies?
#
# A network that has seen 5,000 digits could know them by heart, and draw copies. The tables above
# make one suspicious. The nearest training digit is nearer to the generated digits than to test
# digits. Does the network remember?
#
# Here is a better test. We take as many **unseen** digits, the next ones of the same data set.
# The network has not learned from them. For each of the 500 digits of guidance 1.5 we look for
# the nearest training digit and for the nearest unseen digit. Which of the two is nearer? Without
# any memory it is the training digit in half of the cases. For copies it is always the training
# digit.

# %%
memory = {}
for name, x in {"test": test, "generated": made[GUIDANCE], "copies": real[:500]}.items():
    memory[name] = (distances(x, real).min(axis=1) < distances(x, unseen).min(axis=1)).mean()
table(["digits", "nearer to a training digit"], [[k, f"{v:.0%}"] for k, v in memory.items()])
draw.copies(made[GUIDANCE], real, labels)

# %% [markdown]
# The generated digits are no copies. But the network remembers something: the training digit is
# nearer in more than half of the cases.
#
# The figure shows the worst cases. For each label it has the generated digit that is nearest to a
# training digit of this label, and this training digit. They are alike, but not the same.
#
# ## Claims
#
# The program checks what this lesson says, each time that it runs.

# %%
(_, mean_digit), _, early, half, late = errors.values()
ignored, obeyed, exaggerated = (numbers[f"guidance {scale}"] for scale in (0, 1, 3))
share, variety, near = numbers[f"guidance {GUIDANCE:g}"]
least, most, more = size(0.85, 0.85, 0.93), size(0.9, 0.5), size(5, 5, 2)
claim(
    f"Halfway back the network's error is at most {most:.0%} of that of the label's mean digit",
    half[1] <= most * mean_digit,
    f"{half[1]:.3f} and {mean_digit:.3f}",
)
claim(
    "After 3/4 of the chain the label lowers the error at least 4 times as much as after 1/4",
    early[0] - early[1] >= 4 * abs(late[0] - late[1]),
    f"by {early[0] - early[1]:.4f} and {late[0] - late[1]:.4f}",
    quick=False,
)
claim(
    f"Guidance {GUIDANCE}: at least {least:.0%} as asked, spread at least 75%, nearest 70% to 120%",
    share >= least and variety >= 0.75 and 0.7 <= near <= 1.2,
    f"{share:.1%}, {variety:.0%}, {near:.0%}",
    quick=False,
)
claim(
    "With guidance 0 exactly a tenth is read as asked. From 1 to 3 this share rises and the spread "
    f"falls, both by at least {more} percentage points",
    abs(ignored[0] - 0.1) < 1e-9 and min((exaggerated - obeyed)[:2] * [1, -1]) >= more / 100,
    f"{obeyed[0]:.1%} to {exaggerated[0]:.1%}, {obeyed[1]:.1%} to {exaggerated[1]:.1%}",
    quick=False,
)
claim(
    f"With {FEWER} steps as many digits are read as asked as with {STEPS}, within 4 percentage "
    "points. With 1 step the spread is less than half as large",
    abs(numbers[FEWER][0] - numbers[STEPS][0]) <= 0.04 and numbers[1][1] < numbers[FEWER][1] / 2,
    f"{numbers[FEWER][0]:.1%} and {numbers[STEPS][0]:.1%}; spread after 1 step {numbers[1][1]:.0%}",
    quick=False,
)
claim(
    "At most 80% of the generated digits are nearer to a training digit than to an unseen one",
    memory["generated"] <= 0.8,
    f"{memory['generated']:.0%} (test digits {memory['test']:.0%})",
)
