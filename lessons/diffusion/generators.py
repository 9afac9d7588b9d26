# %% [markdown]
# # Generators: one shot or many small steps
#
# **Lecture.** *Machine Learning II* (TDDC17 AI, Linköping University): "Deep Generative Modeling
# Summary"
#
# **Question.** A VAE, a GAN and a diffusion model have learned to draw digits. Which of them does
# it best?
#
# **You will see.** Three ways to learn, in a few lines each. Their digits beside each other. One
# table that says who is best at what, and what it costs.
#
# **Try.** `python -m lessons generators --set BACK=1`: the diffusion model must draw in one shot,
# too. Look at its gray pixels and its spread.

# %%
import itertools
import time

import numpy as np

import tinynet as tn
from lessons import parts
from lessons.shared import claim, data, fit, size, table
from lessons.shared.draw import generators as draw
from tinynet.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D

TRAINING = size(60, 1200, 10_000)  # steps of each training
DIGITS = size(1000, 5000, 20_000)  # training digits
CODE = 8  # numbers in a code of the VAE
BACK = 25  # steps of the diffusion model's way back
GUIDANCE = 1.5  # how strongly its label counts
SEED = 0

# %% [markdown]
# ## Three kinds of generators
#
# The lecture's summary compares three kinds of **generators**, networks that draw new pictures.
#
# - A **VAE** (variational autoencoder, lesson `vae`) and a **GAN** (generative adversarial
#   network, lesson `gan`) draw "in one-shot directly from low-dimensional latent variables". The
#   latent variables are a few random numbers. They go into a network, and a picture comes out.
# - A **diffusion model** (lessons `diffusion` and `diffusion_digits`) draws "iteratively by
#   repeatedly refining and removing noise". It begins with a picture of pure noise, and its
#   network answers many times.
#
# We let them compete under similar conditions. All learn from the same 5,000 training digits.
# Each makes as many training steps as the others, with 64 digits in a step. All are made of dense
# layers, with 128 to 512 neurons in a hidden layer. All get the **label** of a digit beside their
# other inputs, as ten numbers, one of which marks the digit. So we can ask each of them for a 7.
# All pixels are between 0 (black) and 1 (white).
#
# The program imports the lessons `conditional_gan` and `diffusion_digits` as `cgan` and `chain`.

# %%
cgan, chain = parts("conditional_gan"), parts("diffusion_digits")
assert TRAINING >= 10, f"TRAINING is {TRAINING}. Give at least 10."
assert 100 <= DIGITS <= 60_000, f"DIGITS is {DIGITS}. Give a number from 100 to 60,000."
assert CODE >= 1, f"CODE is {CODE}. Give at least 1."
assert 1 <= BACK <= chain.STEPS, f"BACK is {BACK}. Give a number from 1 to {chain.STEPS}."
rng = np.random.default_rng(SEED)
digits = data.mnist(DIGITS, 1000)
real, test = (part.reshape(-1, 784) for part in (digits.train, digits.test))
labels, test_labels = digits.train_labels, digits.test_labels
seconds = {}  # of each training


def network(inputs, outputs, last=None):
    layers = [*(Dense(512, activation="relu") for _ in range(2)), Dense(outputs, activation=last)]
    return tn.Sequential(layers, input_shape=(inputs,), rng=rng)


def normal(*shape):
    return rng.standard_normal(shape, np.float32)


def improve(optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def train(name, learn):
    """Let a generator learn from batches of pictures (64, 784) and labels (64,)."""
    began = time.perf_counter()
    for _ in range(TRAINING):
        some = rng.integers(len(real), size=64)
        learn(real[some], labels[some])
    seconds[name] = time.perf_counter() - began
    print(f"{name}: {TRAINING:,} steps in {seconds[name]:.1f} s", flush=True)


# %% [markdown]
# ## The VAE: restore a picture from a short code
#
# A VAE has two networks. The **encoder** gets a picture $x$ and answers with the mean and the
# variance of a cloud of codes. A **code** $z$ is drawn from this cloud. Here it has 8 numbers.
# The **decoder** gets the code and must restore the picture. Both make a sum of two parts small:
#
# $$L = -\log p(x | z, y) + \text{KL}$$
#
# The first part says how badly the decoder restores the pixels. The second one, the KL divergence
# of the cloud from the standard normal distribution $N(0, I)$, says how far the cloud is from it.
# ($I$ is the identity matrix: the numbers are independent, each with the variance 1.) To draw a
# new digit, the decoder is enough: it gets a code from $N(0, I)$.
#
# Both networks get the label $y$, too. So the code need not say which digit it is. This is called
# a **conditional VAE**.

# %%
encoder, decoder = network(784 + 10, 2 * CODE), network(CODE + 10, 784)
of_both = [*encoder.parameters(), *decoder.parameters()]
vae_optimizer = tn.optim.Adam(of_both, tn.schedules.Cosine(0.003, TRAINING))


def learn_vae(x, y):
    cloud = encoder(cgan.beside(x, y))
    mean, log_variance = cloud[:, :CODE], cloud[:, CODE:]
    logits = decoder(cgan.beside(tn.sample_gaussian(mean, log_variance, rng), y))
    kl = tn.kl_standard_normal(mean, log_variance)
    improve(vae_optimizer, kl - tn.bernoulli_log_likelihood(logits, x))


def draw_vae(y):
    return tn.sigmoid(decoder(cgan.beside(normal(len(y), CODE), y))).numpy()


train("VAE", learn_vae)

# %% [markdown]
# ## The GAN: deceive a discriminator
#
# The **generator** $G$ of a GAN never sees a real digit. It turns 32 random numbers and a label
# into a picture, a **fake**. The **discriminator** $D$ gets fakes and real digits, each with its
# label, and learns to tell which are fake. $G$ learns to deceive it. $D$'s loss is small when it
# tells fakes from real digits, $G$'s when $D$ takes its fakes for real. In each step first $D$
# learns, and then $G$. A running average of $G$'s weights, `tn.ema`, draws the digits.

# %%
G, D = cgan.generator(rng), cgan.discriminator(rng)
G_optimizer = tn.optim.Adam(G.parameters(), cgan.RATE, beta_1=0.5)
D_optimizer = tn.optim.Adam(D.parameters(), cgan.RATE, beta_1=0.5)
G_average = tn.ema(G, 0.995)


def learn_gan(x, y):
    asked = rng.integers(10, size=len(x))
    fake = G(cgan.beside(normal(len(x), cgan.NOISE), asked))
    of_fake, of_real = D(cgan.beside(fake.detach(), asked)), D(cgan.beside(x, y))
    improve(D_optimizer, tn.softplus(-of_fake).mean() + tn.softplus(of_real).mean())
    improve(G_optimizer, tn.softplus(D(cgan.beside(fake, asked))).mean())
    G_average.update()


def draw_gan(y):
    return tn.predict(G_average.model, cgan.beside(normal(len(y), cgan.NOISE), y).numpy())


train("GAN", learn_gan)

# %% [markdown]
# ## The diffusion model: see a digit through noise
#
# The network of a diffusion model gets a digit with noise on it, and must guess the digit. Its
# loss is the mean squared error of the guessed pixels. It also gets the time $t$, which says how
# much noise there is, and in nine of ten cases the label.
#
# To draw, it begins with pure noise. It guesses the digit, puts a little less noise on the guess
# than before, and guesses again, 25 times (`BACK`). Each time it guesses with the label and
# without it, and **guidance** makes the difference 1.5 times as large. The lesson
# `diffusion_digits` explains all this. (In this network black is -1 and white is 1.)

# %%
abar, guesser = chain.schedule(), network(784 + 10 + 10, 784, "tanh")
optimizer = tn.optim.Adam(guesser.parameters(), tn.schedules.Cosine(0.003, TRAINING))
average = tn.ema(guesser, 0.995)


def learn_diffusion(x, y):
    t = rng.integers(1, len(abar), size=(2, len(x))).max(axis=0)
    x_t = chain.add_noise(2 * x - 1, abar[t, None], normal(*x.shape))
    told = tn.one_hot(y, 10).numpy() * (rng.random((len(y), 1)) > 0.1)
    improve(optimizer, tn.mse(guesser(chain.inputs(x_t, t, told)), 2 * x - 1))
    average.update()


def draw_diffusion(y):
    x, told = normal(len(y), 784), tn.one_hot(y, 10).numpy()
    for now, before in itertools.pairwise(np.linspace(len(abar) - 1, 0, BACK + 1).astype(int)):
        without = tn.predict(average.model, chain.inputs(x, now, 0 * told))
        with_label = tn.predict(average.model, chain.inputs(x, now, told))
        guess = (without + GUIDANCE * (with_label - without)).clip(-1, 1)
        e = (x - np.sqrt(abar[now]) * guess) / np.sqrt(1 - abar[now])
        x = chain.add_noise(guess, abar[before], e)
    return (x + 1) / 2


train("diffusion", learn_diffusion)

# %% [markdown]
# ## Their digits
#
# Each of the three draws 1,000 digits, 100 of each label. The figure shows the first five of each
# label, good and bad ones as they come, and test digits for comparison.

# %%
asked, made, took = np.repeat(np.arange(10), 100), {}, {}
for name, draw_digits in {"VAE": draw_vae, "GAN": draw_gan, "diffusion": draw_diffusion}.items():
    began = time.perf_counter()
    made[name] = draw_digits(asked)
    took[name] = time.perf_counter() - began
draw.digits(made, test, test_labels)

# %% [markdown]
# What do you see? The digits of the VAE are soft and blurred. Those of the GAN have bright spots
# and ragged edges, and many fall into pieces. Most digits of the diffusion model look as if a
# person had written them. A few are no digits, or not those that were asked for.
#
# ## One table
#
# Can we measure what we see? The lesson `conditional_gan` has three measures.
#
# - **As asked**: the share of the digits that a judge reads as their label. The **judge** is a
#   network that has learned to read real digits.
# - **Spread**: the mean distance of two digits with the same label. To draw the same 7 each time
#   means a spread of 0. 100% is the spread of test digits.
# - **Nearest**: the mean distance to the nearest training digit. A copy has 0. A picture that
#   does not look like a digit is far from all of them. 100% is what test digits have.
#
# We add two measures.
#
# - **Gray**: of all pixels that are not black (above 0.2), the share that is not white either
#   (below 0.8). Real strokes have gray edges, too. But where a picture is blurred, nearly all of
#   it is gray.
# - **One piece**: the share of the digits whose pixels above 0.5 form one connected piece.
#
# And there are the costs, in seconds: of the training, and of drawing 1,000 digits.
#
# For comparison the table also has the mean digit of each label, always the same picture. The
# last row says which generator is best: read as asked most often, and in the other measures, the
# value closest to that of test digits. (It names no winner for the costs, as there are near
# ties.)

# %%
layers = [Conv2D(16, 5, strides=2, activation="relu"), MaxPooling2D(2), Flatten(), Dropout(0.3)]
layers += [Dense(100, activation="relu"), Dense(10)]
judge = tn.Sequential(layers, input_shape=(28, 28, 1), rng=rng)
batches = tn.data.batches(digits.train, labels, size=50, rng=rng)
fit("judge", judge, batches, "cross_entropy", tn.optim.Adam(judge.parameters(), 0.003), 4)


def whole(x):
    """Whether the white pixels of a digit hang together, at least by corners.  (N, 784) -> (N,)"""
    white = np.pad(x.reshape(-1, 28, 28) > 0.5, ((0, 0), (1, 1), (1, 1)))
    marks, before = white * np.arange(1, 901).reshape(30, 30), None
    while not np.array_equal(marks, before):  # each pixel takes over the largest mark around it
        before = marks
        for axis in (1, 2):
            marks = np.max([np.roll(marks, way, axis) for way in (-1, 0, 1)], axis=0)
        marks = marks * white
    return np.array([len(np.unique(of_one)) == 2 for of_one in marks])  # one mark, and black


def measures(x, y):
    """Read as asked, spread, nearest, gray, in one piece.  (N, 784), (N,) -> (5,)"""
    read = tn.predict(judge, x.reshape(-1, 28, 28, 1)).argmax(axis=1)
    groups = [chain.distances(group, group) for group in (x[y == label] for label in range(10))]
    spread = np.mean([group.sum() / (len(group) * (len(group) - 1)) for group in groups])
    nearest = chain.distances(x, real).min(axis=1).mean()
    gray = ((x > 0.2) & (x < 0.8)).sum() / (x > 0.2).sum()
    return np.array([(read == y).mean(), spread, nearest, gray, whole(x).mean()])


of_test = measures(test, test_labels)
unit = [1, *of_test[1:3], 1, 1]  # what 100% means
means = np.stack([real[labels == label].mean(axis=0) for label in range(10)])[asked]
found = {name: measures(x, asked) / unit for name, x in {**made, "mean digit": means}.items()}
found["test digits"] = of_test / unit
rows = [[name, *(f"{number:.0%}" for number in numbers)] for name, numbers in found.items()]
costs = [[f"{seconds[name]:.1f}", f"{took[name]:.2f}"] for name in made] + [["", ""]] * 2
best = [max(made, key=lambda k: found[k][0])]
best += [min(made, key=lambda k, i=i: abs(found[k] - found["test digits"])[i]) for i in range(1, 5)]
header = ["digits", "as asked", "spread", "nearest", "gray", "one piece", "training", "drawing"]
table(header, [*(a + b for a, b in zip(rows, costs, strict=True)), ["best", *best, "", ""]])

# %% [markdown]
# **Nobody wins everything.**
#
# - **The VAE's** digits are read as asked most often, but they are the most blurred. The mean
#   digit shows where this leads: it is always read as asked, nearly all gray, and it has no
#   spread.
# - **The GAN** draws fast, as the VAE does, and by "nearest" it is the best. But most of its
#   digits are in several pieces. Ragged pixels add distance, so a value near 100% does not prove
#   good digits. The mean digit has 96%.
# - **The diffusion model** has the sharpest digits, the largest spread, and the most digits in
#   one piece. But fewer of its digits are read as asked than of the VAE's, about as many as of
#   the GAN's. (After 2,000 training steps, in `diffusion_digits`, 96% are.) And it draws slowly:
#   its network answers 50 times for a digit. **Try**, at the top, shows what one step would give.
#
# One reason may be what each of them makes small.
#
# - **VAE**: the error of each restored pixel, and the KL. Where the decoder cannot know whether a
#   pixel is black or white, gray costs least. So it blurs.
# - **GAN**: $D$ learns to make fewer mistakes, and $G$ learns to make $D$ fail. Blur would give a
#   fake away. But nothing compares a fake pixel by pixel with a real digit. This may be why its
#   digits break. $G$ may also make too little variety (lesson `mode_collapse`), although here its
#   spread is larger than the VAE's.
# - **Diffusion model**: the error of each pixel that it guesses through noise. Its first guesses
#   are blurred, too. But it guesses again after each step, when more of the digit is decided.
#
# The first three measures do not notice that the GAN's digits fall apart. **A measure sees only
# what it measures.** And "nearest" cannot tell copies from digits that have few odd details. (See
# "Copies?" in `diffusion_digits`.)
#
# Two things are not in the table. Only the VAE has an encoder, which finds the code of a given
# picture. The losses of VAE and diffusion model fall while they learn, but a GAN's losses say
# little. And remember that this is a contest of small dense networks with a short training. A
# longer one (`--full`) makes all three easier to read, and changes the winners of some columns.
#
# ## Claims
#
# The program checks what this lesson says, each time that it runs.

# %%
vae, adversary, diffusion, _, tests = found.values()
more = size(5, 5, 1)
claim(
    "For all three generators the nearest is 70% to 130% of that of test digits",
    all(0.7 <= found[name][2] <= 1.3 for name in made),
    f"{vae[2]:.0%}, {adversary[2]:.0%}, {diffusion[2]:.0%}",
)
claim(
    "At least 90% of the VAE's digits are read as asked, and at least 80% of those of the others",
    vae[0] >= 0.9 and min(adversary[0], diffusion[0]) >= 0.8,
    f"{vae[0]:.1%}, {adversary[0]:.1%}, {diffusion[0]:.1%}",
    quick=False,
)
claim(
    "The VAE's share of gray pixels is at least 1.4 times that of test digits, and the diffusion "
    "model's at most 1.1 times",
    vae[3] >= 1.4 * tests[3] and diffusion[3] <= 1.1 * tests[3],
    f"{vae[3]:.0%} and {diffusion[3]:.0%}, test digits {tests[3]:.0%}",
    quick=False,
)
claim(
    f"More digits of the diffusion model are in one piece, by at least {more} percentage points",
    diffusion[4] >= max(vae[4], adversary[4]) + more / 100,
    f"{diffusion[4]:.0%}, VAE {vae[4]:.0%}, GAN {adversary[4]:.0%}",
    quick=False,
)
claim(
    "The diffusion model's spread is larger than the VAE's, by at least 5 percentage points",
    diffusion[1] >= vae[1] + 0.05,
    f"{diffusion[1]:.0%} and {vae[1]:.0%}",
    quick=False,
)
