# %% [markdown]
# # Conditional GAN: digits as asked
#
# **Lecture.** *Machine Learning II* (TDDC17 AI, Linköping University): "Conditional GANs"
#
# **Question.** A GAN that has learned from digits draws some digit, and nobody can choose which.
# The slide asks: "What if we want to control the nature of the output, by conditioning on a
# label?" How can we ask for a 7 and get a 7?
#
# **You will see.** A label beside the noise, and a label beside the picture. Ten digits in one
# handwriting. What happens if only one of the two networks knows the label. Three cheats that
# pass two tests of three.
#
# **Try.** `python -m lessons conditional_gan --set LABEL=1`: the label is written with a smaller
# number, and the networks take longer to notice it. Variety comes first, and control later: see
# the rows of 200 and 600 steps in the table that this prints.

# %%
import numpy as np

import tinynet as tn
from lessons.shared import accuracy, claim, data, fit, size, table
from lessons.shared.draw import conditional_gan as draw
from tinynet import layers

SEED = 0  # of all random numbers
STEPS = size(36, 1800, 6000)  # of the training
SHORT = STEPS // 3  # of a second training, with shuffled labels
DIGITS = size(600, 5000)  # training digits
BATCH = 64  # real digits in a step, and as many fakes
RATE = 0.003  # the learning rate of both networks
NOISE = 32  # random numbers in z
LABEL = 4.0  # the number that marks the label

# %% [markdown]
# ## A label beside the noise, and beside the picture
#
# The lesson `gan` explains the contest of two networks. The **generator** $G$ turns random
# numbers $z$, the **noise**, into a picture, a **fake**. (Here $z$ has 32 numbers.) The
# **discriminator** $D$ gets a picture and says how probable it is that the picture is fake. $D$
# learns to tell fakes from **real** pictures. $G$ learns to make fakes that $D$ takes for real.
#
# **Conditioning** on a label $y$ means: both networks get $y$ as one more input. For $G$ the
# label is an order: "draw this digit". For $D$ it is a statement that comes with the picture:
# "this is that digit". The loss of the slides becomes
#
# $$\arg\max_D \, \left( \mathbb{E}_{z, y} [\log D(G(z, y), y)] + \mathbb{E}_{x, y} [\log (1 -
# D(x, y))] \right)$$
#
# $\mathbb{E}$ is a mean. The first one goes over fakes, made from random noise $z$ and a random
# label $y$. The second one goes over real pictures $x$ with their right labels $y$. As on the
# slides, $D$ is the probability of **fake**.
#
# Without labels $D$ asks: are the fakes distributed like the real pictures? Now it can ask this
# for each label by itself. So $G$ has to imitate ten sets of pictures, each when it is asked for.
#
# How does a network get a label? As ten numbers, one for each digit. All of them are 0, except
# the one in the label's place. This is called **one-hot**. The ten numbers stand beside the other
# inputs, in the same row. Usually the one number is 1. Here it is 4. A picture has 784 pixels,
# and a single 1 beside so many would be noticed late.


# %%
def beside(x, labels):
    """Rows x (N, K), and the labels (N,) beside them, one-hot -> (N, K + 10)"""
    return tn.concatenate([x, LABEL * tn.one_hot(labels, 10)], axis=1)


example = beside(tn.Tensor([[0.3, -1.2, 0.5]]), [2]).numpy()[0]
print("Three random numbers, and the label 2:", *(f"{number:g}" for number in example))

# %% [markdown]
# ## Two networks
#
# Both networks are made of dense layers. A picture is a row of 784 pixels between 0 (black) and
# 1 (white). $D$ ends with a number of any size, its **logit**. The sigmoid of the logit is the
# probability of fake.
#
# Three kinds of layers need a word. **LeakyReLU**, in both networks, keeps positive numbers and
# multiplies negative ones by 0.2. **Batch normalization**, in $G$ alone, subtracts from each
# neuron's outputs their mean over the batch and divides by their standard deviation. **Dropout**,
# in $D$ alone, sets 30% of the numbers to 0, at random, in training only. With it $D$ cannot
# easily learn the training digits by heart.


# %%
def generator(rng):
    """Noise and label (N, NOISE + 10) -> fakes (N, 784)"""
    parts = []
    for _ in range(2):
        parts += [layers.Dense(256), layers.BatchNormalization(momentum=0.9), layers.LeakyReLU(0.2)]
    parts += [layers.Dense(784, activation="sigmoid")]
    return tn.Sequential(parts, input_shape=(NOISE + 10,), rng=rng)


def discriminator(rng):
    """Picture and label (N, 784 + 10) -> logits of fake (N, 1)"""
    parts = []
    for neurons in (256, 128):
        parts += [layers.Dense(neurons), layers.LeakyReLU(0.2), layers.Dropout(0.3)]
    return tn.Sequential([*parts, layers.Dense(1)], input_shape=(784 + 10,), rng=rng)


# %% [markdown]
# ## The contest
#
# One step of the training has two parts. First $D$ learns from a batch of fakes and a batch of
# real digits: it makes $-\log D$ of the fakes plus $-\log(1 - D)$ of the real digits small. Then
# $G$ learns from what the new $D$ says: it makes $-\log(1 - D)$ of the same fakes small. The
# function **softplus**, $\log(1 + e^s)$, helps to write this. If $s$ is the logit, $-\log D$ is
# the softplus of $-s$, and $-\log(1 - D)$ is the softplus of $s$.
#
# In a contest the weights do not come to rest: each network moves because the other one moves. So
# we also keep a running average of $G$'s weights, over about the last 200 steps. `tn.ema` does
# this (exponential moving average). The average takes no part in the training, but it draws the
# digits that we show.

# %%
assert STEPS >= 3, f"STEPS is {STEPS}. Give at least 3."
assert BATCH >= 2, f"BATCH is {BATCH}. Give at least 2: one digit has no standard deviation."
assert NOISE >= 1, f"NOISE is {NOISE}. Give at least 1."
assert DIGITS >= 100, f"DIGITS is {DIGITS}. Give at least 100, some of each label."
digits = data.mnist(DIGITS, 1000)
real, real_labels = digits.train.reshape(-1, 784), digits.train_labels
test, test_labels = digits.test.reshape(-1, 784), digits.test_labels


def contest(steps, rng, tell=lambda labels: labels):
    """Yields how many steps were made, from 0 on, G, and G with averaged weights."""
    # tell: changes the labels that D gets, in the experiment with shuffled labels further down
    G, D = generator(rng), discriminator(rng)
    G_optimizer, D_optimizer = (tn.optim.Adam(n.parameters(), RATE, beta_1=0.5) for n in (G, D))
    average = tn.ema(G, 0.995)
    for step in range(steps):
        yield step, G, average.model
        some = rng.integers(len(real), size=BATCH)
        asked = rng.integers(10, size=BATCH)
        told_fake, told_real = tell(asked), tell(real_labels[some])
        fake = G(beside(rng.standard_normal((BATCH, NOISE), np.float32), asked))

        D_optimizer.zero_grad()
        of_fake = D(beside(fake.detach(), told_fake))  # detach: leave G as it is
        of_real = D(beside(real[some], told_real))
        (tn.softplus(-of_fake).mean() + tn.softplus(of_real).mean()).backward()
        D_optimizer.step()

        G_optimizer.zero_grad()
        tn.softplus(D(beside(fake, told_fake))).mean().backward()
        G_optimizer.step()
        average.update()
    yield steps, G, average.model


# %% [markdown]
# ## A judge
#
# Does $G$ draw what it is asked for? To count this we need a reader who takes no part in the
# contest. We train a small convolutional network to read real digits, and call it the **judge**.
# It never sees a fake while it learns. Its accuracy on test digits, which nobody learns from,
# says how far we can trust it with real digits. It must give one of ten answers to a bad picture
# too, so it may accept a digit that you would not.

# %%
rng = np.random.default_rng(SEED)
parts = [layers.Conv2D(16, 5, strides=2, activation="relu"), layers.MaxPooling2D(2)]
parts += [layers.Flatten(), layers.Dropout(0.3), layers.Dense(100, activation="relu")]
judge = tn.Sequential([*parts, layers.Dense(10)], input_shape=(28, 28, 1), rng=rng)
batches = tn.data.batches(digits.train, real_labels, size=50, rng=rng)
fit("judge", judge, batches, "cross_entropy", tn.optim.Adam(judge.parameters(), 0.003), 4)
judged = accuracy(judge, digits.test, test_labels)
print(f"{digits.source}: the judge reads {judged:.1%} of {len(test):,} test digits right.")

# %% [markdown]
# ## Three measures
#
# The judge alone is not enough. A generator that draws the same perfect 7 each time would please
# it. So we measure three things. The **distance** of two pictures is the root of the sum of their
# squared differences, pixel by pixel.
#
# - **Read as asked**: the share of the pictures that the judge reads as their label.
# - **Spread**: the mean distance of two pictures with the same label. To draw the same 7 each
#   time means a spread of 0.
# - **Nearest**: the mean distance to the nearest training digit. A copy has 0. Noise is far from
#   all of them (more than 200% at step 0 below). A blurred or faint picture can still be near, so
#   this measure alone is not enough either.
#
# What is a good spread? That of test digits, which are new digits in people's hands. So the
# spread and the distance to the nearest are given as percentages: 100% is what test digits have.


# %%
def distances(a, b):
    """From each picture of a to each of b.  (N, 784), (M, 784) -> (N, M)"""
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    return np.sqrt(squares.clip(0))  # rounding may leave a little less than 0


def read(pictures):
    """What the judge reads.  (N, 784) -> (N,)"""
    return tn.predict(judge, pictures.reshape(-1, 28, 28, 1)).argmax(axis=1)


def measures(pictures, labels):
    """Read as asked, spread, nearest.  (N, 784), (N,) -> (3,)"""
    groups = [pictures[labels == label] for label in range(10)]
    spread = np.mean([distances(g, g).sum() / (len(g) * (len(g) - 1)) for g in groups])
    nearest = distances(pictures, real).min(axis=1).mean()
    return np.array([(read(pictures) == labels).mean(), spread, nearest])


def report(title, sources):
    """A table of the measures.  {name: (pictures, labels)} -> {name: (3,)}"""
    found = {name: measures(*source) / unit for name, source in sources.items()}
    rows = [[name, *(f"{number:.0%}" for number in numbers)] for name, numbers in found.items()]
    table([title, "read as asked", "spread", "nearest"], rows)
    return found


unit = np.array([1, *measures(test, test_labels)[1:]])  # what 100% means
print(f"Test digits: the spread is {unit[1]:.2f}, the nearest training digit {unit[2]:.2f} away.")

# %% [markdown]
# ## Digits as asked
#
# Now the training. At some steps we stop and ask for 1,000 digits, 100 of each label. The same
# 100 rows of noise $z$ serve for every label. If the generator ignored the label, 10% would be
# read as asked.

# %%
asked = np.repeat(np.arange(10), 100)  # 100 zeros, 100 ones, ...
z = np.tile(np.random.default_rng((SEED, 1)).standard_normal((100, NOISE), np.float32), (10, 1))


def made_by(model):
    """1,000 digits as asked, made from z.  -> (1000, 784)"""
    return tn.predict(model, beside(z, asked).numpy())


shown = sorted({0, STEPS // 18, STEPS // 9, SHORT, STEPS * 2 // 3, STEPS})
watched = {*shown, *(round(STEPS * (i / 30) ** 2) for i in range(0, 30, size(10, 1)))}
seen = {}
for step, G, averaged in contest(STEPS, rng):
    if step in watched:
        seen[step], last = made_by(averaged), made_by(G)
    if step and step % max(1, STEPS // 4) == 0:
        print(f"step {step:,} of {STEPS:,}", flush=True)

made = seen[STEPS]
sources = {f"{step:,}": (seen[step], asked) for step in shown}
report("step", sources | {"last weights": (last, asked)})
draw.growth({step: seen[step] for step in shown})
draw.training(seen)

# %% [markdown]
# Control comes, but not steadily: between 100 and 200 steps fewer digits are read as asked. Until
# then the spread is small: for one label $G$ draws nearly the same picture from each $z$. Variety
# comes later. At the end the judge reads most digits as asked, but not as many as of the test
# digits. Their spread is smaller, too. With `--full`, a longer training, both are about those of
# the test digits.
#
# The last row shows what the running average is good for. The last weights alone draw digits that
# are read as asked less often, and that are farther from the training digits. Their larger spread
# may come from speckle: wrong pixels count as a difference, too.
#
# ## One z, one hand
#
# The label says *which* digit. What is left for the noise? In the next figure each row has one
# $z$, and each column one label. They are the first eight of our 100 $z$, in the order of their
# slant. A red frame marks a digit that the judge reads otherwise, and says what it reads.

# %%
slants = draw.slant(made).reshape(10, 100)  # a row for each label, a column for each z
draw.hands(made, read(made), slants)

# %% [markdown]
# Look along a row: in most rows it looks as if one person had written the ten digits. Look down a
# column: it is mostly the same digit, written by eight hands. **The label decides the digit, and
# the noise decides the rest.** The **slant** says by how many pixels a digit leans to the right
# for each pixel upward. The number at each row is the mean over its ten digits.
#
# The 1 is an exception in some rows: it does not lean as the others do. So we do not trust our
# eyes and eight rows, and measure all 100. If one hand slants its 2 more than another hand, does
# it slant its 5 more, too? A **correlation** says whether two numbers grow together: 1 if they
# always do, 0 if they have nothing to do with each other. For each pair of labels we compute the
# correlation of their slants. The table shows the mean over all pairs. For comparison we also mix
# the $z$, so that the ten digits come from ten different ones. The **standard deviation** says
# how far the slants of one label lie from their mean.


# %%
def alike(slants):
    """The mean correlation of two labels' slants.  (10, 100) -> a number"""
    return np.corrcoef(slants)[np.triu_indices(10, 1)].mean()


mixed, before = rng.permuted(slants, axis=1), draw.slant(seen[0]).reshape(10, 100)
cases = {"one z": slants, "ten different z": mixed, "one z, untrained G": before}
rows = [[name, f"{alike(s):.2f}", f"{s.std(axis=1).mean():.3f}"] for name, s in cases.items()]
table(["ten digits from", "correlation of slants", "standard deviation"], rows)

# %% [markdown]
# With one $z$ the slants go together. With different ones they do not.
#
# The loss does not ask for this. The last row suggests a reason. In an untrained $G$ the slants
# hardly vary, but they go together already. Noise and label pass through the same layers, and so
# a change of $z$ moves all ten pictures alike. Perhaps the training just keeps this.
#
# ## Why both networks must know the label
#
# $G$ needs the label, of course. Without it, a $z$ would give the same picture, whatever we ask.
#
# Does $D$ need it too? Think of a $D$ without the label. We ask for a 3, and $G$ draws a perfect
# 7. For $D$ this is a perfect digit, and so it has no objection. Nothing ever tells $G$ that it
# should have been a 3. But a $D$ that knows the label sees a picture of a 7 with the label 3.
# There is no such pair among the real ones. So it says "fake".
#
# We test it. A second contest is the same as the first one, except that the labels of each batch,
# of fakes and of real digits, are **shuffled** before $D$ gets them. They now say nothing about
# the pictures. $G$ still gets the right order. This contest is shorter, so we compare it with the
# first one after equally many steps.

# %%
*_, at_the_end = contest(SHORT, rng, tell=rng.permutation)
careless = made_by(at_the_end[2])
told = report("labels for D", {"right": (seen[SHORT], asked), "shuffled": (careless, asked)})
draw.control(seen[SHORT], careless)

# %% [markdown]
# The control is lost. The pictures on the right of the figure look like digits, too, and they
# change with the label. But which digit a label means is an accident. So the share that is read
# as asked may be above or below 10%.
#
# ## Three cheats
#
# Is the first generator good? A single number cannot say so. Here are three cheats, which need no
# training at all.
#
# - **The mean picture.** Whatever $z$ is, the answer is the mean of all training digits with this
#   label.
# - **The mean with noise.** Random numbers are added to each pixel, so large that the spread is
#   85% of that of the test digits, about as large as the generator's.
# - **Copies.** The answer is one of the training digits.
#
# We let a measure pass if at least 78% are read as asked, and if spread and nearest are between
# 80% and 120% of those of the test digits.

# %%
noise = np.random.default_rng((SEED, 2)).standard_normal(made.shape, np.float32)
means = np.stack([real[real_labels == label].mean(axis=0) for label in range(10)])[asked]
noisy = means + 0.85 * unit[1] / np.sqrt(2 * 784) * noise
sources = {
    "test digits": (test, test_labels),
    "generator": (made, asked),
    "cheat: mean picture": (means, asked),
    "cheat: mean with noise": (noisy, asked),
    "cheat: copies": (real[:1000], real_labels[:1000]),
}
measured = report("pictures", sources)
draw.cheats(means, noisy, made, real, distances(made, real))

# %% [markdown]
# **Each cheat passes two measures and fails one.** The mean picture has the best share of all,
# better than the test digits. It is also near, for it lies in the middle of its digits. But it
# has no spread. With noise it has spread, but it is far from any digit. Copies are not new. Only
# the generator passes all three. (This is no proof. A copy that is moved by one pixel might pass,
# too.)
#
# The figure shows the first two cheats, with a column for each label from 0 to 9. Below them it
# shows one generated digit of each label: of all 100, the one that is nearest to a training digit
# of any label. The last row is this training digit. The two are alike, but they are not the same.
#
# ## Claims
#
# The program checks what this lesson says, each time that it runs.


# %%
def passes(share, spread, nearest):
    return [share >= 0.78, 0.8 <= spread <= 1.2, 0.8 <= nearest <= 1.2]


sentences = [
    "The judge reads at least 78% of the generated digits as asked",
    "The spread of the generated digits is 80% to 120% of that of the test digits",
    "Generated digits are 80% to 120% as far from the nearest training digit as test digits are",
]
passed = [int(sum(passes(*numbers))) for name, numbers in measured.items() if "cheat" in name]
least, ours = size(0.6, 0.93), measured["generator"]
claim(f"The judge reads at least {least:.0%} of the test digits", judged >= least, f"{judged:.1%}")
for sentence, holds, number in zip(sentences, passes(*ours), ours, strict=True):
    claim(sentence, holds, f"{number:.1%}", quick=False)
two = passed == [2, 2, 2]
claim("Each of the three cheats passes just two of these measures", two, passed, quick=False)
claim(
    "Digits from one z slant alike: two labels' slants have a correlation of at least 0.5, and "
    "vary at least 10 times as much as those of the untrained generator",
    alike(slants) >= 0.5 and slants.std() >= 10 * before.std(),
    f"{alike(slants):.2f}, and {slants.std() / before.std():.0f} times",
    quick=False,
)
claim(
    "At least 60% are read as asked with the right labels for D, at most 30% with shuffled ones",
    told["right"][0] >= 0.6 and told["shuffled"][0] <= 0.3,
    f"{told['right'][0]:.1%} and {told['shuffled'][0]:.1%} after {SHORT} steps",
    quick=False,
)
