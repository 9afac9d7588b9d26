# %% [markdown]
# # Overcomplete: an autoencoder with too much room copies its input
#
# **Lecture.** *AutoEncoders and Convolutional Neural Networks (CNN)* (TIES4911, Lecture 3,
# University of Jyväskylä): "Autoencoders in Deep Learning", on overcomplete hidden layers
#
# **Question.** An autoencoder learns to return its own input. Why must something make this hard:
# a short code, noise, dropout or a penalty?
#
# **You will see.** A network with a long code. It returns digits almost perfectly, and also
# noise that no one ever drew. The pixels where it cannot copy. Four ways to hinder it: digits
# still come back, and much of the noise does not. What the four ways have in common.
#
# **Try.** `python -m lessons overcomplete --set NOISE=0.6`: with more noise in training, the
# denoising network lets less noise pass, and it also returns digits less well. Then try `python
# -m lessons overcomplete --set ACTIVATION=relu`: negative numbers in the code become 0, as in
# most autoencoders. The long code now loses some of the noise, but still far less than the
# others.

# %%
from functools import partial

import numpy as np

import tinynet as tn
from lessons.shared import claim, data, fit, size, table
from lessons.shared.draw import overcomplete as draw
from tinynet.layers import Dense, Dropout

SIDE = size(14, 14, 28)  # pixels of a picture from left to right: 28 or 14
WIDE = size(256, 256, 1024)  # numbers in the long code, more than there are pixels
NARROW = 32  # numbers in the short code
NOISE = 0.3  # standard deviation of the noise that is added to a picture
DROPPED = 0.5  # the share of the code that dropout sets to 0
ALPHA = 1e-4  # the factor of the penalty
ACTIVATION = "linear"  # of the code: "linear" means none
DIGITS = size(1500, 5000, 10000)  # to learn from
EPOCHS = size(10, 30, 30)  # how often a network sees each of them
SEED = 0

# %% [markdown]
# ## A code that is longer than the picture
#
# An **autoencoder** is a network that learns to return its own input. Its **encoder** turns a
# picture $x$ of $D$ pixels into a **code** $h$, a list of numbers. Its **decoder** turns the code
# into a picture $\hat{x}$. Here each of them is a single layer without an activation function,
# with weights $W_1$, $W_2$ and biases $b_1$, $b_2$:
#
# $$h = x W_1 + b_1, \qquad \hat{x} = h W_2 + b_2$$
#
# The loss says how different $\hat{x}$ and $x$ are. We take the mean over all pixels. (The slide
# takes half of the sum. This is another factor, and has the same minimum.)
#
# $$L = \frac{1}{D} \sum_{i=1}^{D} (\hat{x}_i - x_i)^2$$
#
# Usually the code is shorter than the picture. This is called a **bottleneck**. The slide also
# knows the opposite, **overcomplete** hidden layers: a layer "that is equal to the number of
# inputs nodes or greater". It warns: "it might bring a huge problem when trained and make it
# useless..."
#
# What is the problem? If the code has as many numbers as the picture has pixels, it can be the
# picture itself. $W_1$ copies each pixel into a number of its own, and $W_2$ copies the numbers
# back. Then each picture comes out as it went in. The loss is 0, whatever the picture shows. Such
# a network is a **copier**. It knows nothing about digits.
#
# Does training end there? We train an overcomplete network with digits. To save time we halve
# the width and the height of the pictures by taking means: 14 x 14 = 196 pixels, and a code of
# 256 numbers. (`--full` takes 28 x 28 = 784 pixels and a code of 1,024.)


# %%
def halved(pictures):
    """(N, 28, 28, 1) -> (N, SIDE * SIDE), each pixel the mean of a block of pixels"""
    k = 28 // SIDE
    return pictures.reshape(-1, SIDE, k, SIDE, k).mean(axis=(2, 4)).reshape(len(pictures), -1)


assert SIDE in (14, 28), f"SIDE is {SIDE}. Give 14 or 28."
assert DIGITS >= 100, f"DIGITS is {DIGITS}. Give at least 100."
assert NOISE > 0, f"NOISE is {NOISE:g}. Give a number above 0."
digits, clothes = data.mnist(DIGITS, 500), data.fashion_mnist(1, 500)
x, test = halved(digits.train), halved(digits.test)
D = SIDE * SIDE
mean = x.mean(axis=0)
ink = (x > 0).mean(axis=0)  # for each pixel the share of the digits that have ink there
inked = ink >= 0.01

rng = np.random.default_rng((SEED, 1))
dirt = NOISE * rng.standard_normal((500, D), dtype=np.float32)
inputs = {
    "digits": test,
    "noisy digits": test + dirt * inked,
    "clothes": halved(clothes.test),
    "noise": rng.random((500, D), dtype=np.float32) * inked,
}
shown = ("digits", "clothes", "noise")
wanted = inputs | {"noisy digits": test}  # what should come out


def lost(kind, answers):
    """The loss L, as a share of the loss if every answer is the mean digit."""
    loss, of_mean = (((answer - wanted[kind]) ** 2).mean() for answer in (answers, mean))
    return float(loss / of_mean)


def train(name, code, noise=0.0, dropped=0.0, alpha=0.0):
    """The trained network, and what it loses of each kind of pictures after each epoch."""

    def add(x, rng):  # fresh noise on each batch
        return x + noise * rng.standard_normal(x.shape, dtype=np.float32)

    penalty = tn.regularizers.L2(alpha)
    encoder = Dense(code, ACTIVATION, kernel_regularizer=penalty)
    decoder = Dense(D, kernel_regularizer=penalty)
    rng = np.random.default_rng(SEED)
    model = tn.Sequential([encoder, Dropout(dropped), decoder], input_shape=(D,), rng=rng)
    order = np.random.default_rng((SEED, 2))
    batches = tn.data.batches(x, x, size=64, rng=order, augment=add if noise else None)
    adam = tn.optim.Adam(model.parameters(), tn.schedules.Cosine(0.003, EPOCHS * len(batches)))
    seen = []

    def look(run):
        seen.append({kind: lost(kind, tn.predict(model, inputs[kind])) for kind in shown})

    fit(name, model, batches, "mse", adam, EPOCHS, callbacks=[look])
    return model, seen


copier, copied = train("overcomplete", WIDE)

# %% [markdown]
# ## Pictures that no one ever drew
#
# A small error on test digits could mean that the network has learned something about digits. It
# could also mean that it copies. To tell these apart we give it other pictures: clothes (of
# Fashion-MNIST), and **noise**, where each pixel is a random number between 0 and 1.
#
# The digits are white on black. We say that a digit has **ink** at a pixel if this pixel is not
# black. There is noise only at pixels where at least 1% of the digits have ink. The next section
# says why.
#
# We give every error as a share. 100% is the error of the **mean digit**: the answer that is
# always the mean of all training digits, whatever the input is. 0% is a perfect copy.

# %%
rows = [
    [epoch, *(f"{copied[epoch - 1][kind]:.2%}" for kind in shown)]
    for epoch in (1, 2, 5, 15, EPOCHS)
    if epoch <= EPOCHS
]
table(["epoch", *shown], rows)

# %% [markdown]
# The errors on digits and noise come down to almost 0. The network was trained with digits alone,
# and it returns noise too. (Clothes stop a little above. The next section shows why: they have
# light at pixels that are not copied.) **So its tiny error on digits does not show that it knows
# what a digit looks like.** It copies.
#
# The slide says that autoencoders "are typically only capable of reconstructing data similar to
# the class of observations of which the model observed during training". This one is capable of
# more, and that is its problem.
#
# The errors on clothes and noise fall more slowly than the error on digits. After the first epoch
# much of the noise is still lost. If we stopped there, we could take the network for a good one.
#
# ## Where it cannot copy
#
# Does it copy everything? We test each pixel alone. We take a black picture and set one pixel to
# 1. Then we see how much brighter the same pixel of the output becomes. If it becomes brighter by
# 1, this pixel is copied.

# %%
out = tn.predict(copier, np.eye(D, dtype=np.float32))  # (D, D): a row for each lit pixel
out -= tn.predict(copier, np.zeros((1, D), np.float32))
returned = np.diag(out)
with_ink, without = returned[inked].mean(), returned[ink == ink.min()].mean()
print("Of a pixel that is set to 1, this share comes back in the same place, on average:")
print(f"{with_ink:.2f} where at least 1% of the digits have ink, {without:.2f} where none has ink.")
draw.pixels(ink, returned, out)

# %% [markdown]
# Pixels where digits have ink are copied. The pixels in the corners are black in every training
# digit, and they are not copied. The reason: the gradient of a weight is multiplied by the
# weight's input. Where the input is always 0, the weights that lead to the code never change.
# They keep their random start. So a light in a corner comes out as a random pattern, as the right
# part of the figure shows.
#
# We must be fair, then. The copier has learned one thing about digits: where there can be ink.
# This is why our noise stays away from the corners. It tests what the network knows about the
# ink, beyond the places where it can be.
#
# ## Four ways to hinder it
#
# Now we make copying impossible, or costly, in four ways.
#
# - **Bottleneck.** The code has only 32 numbers.
# - **Denoising.** Random numbers with standard deviation $\sigma = 0.3$ are added to each input,
#   new ones each time, and the network must return the clean digit. The slide: "slightly
#   corrupting the input data but still maintaining the uncorrupted data as a target output". A
#   network that copies returns the noise too, and that costs.
# - **Dropout.** In training half of the code's numbers are set to 0 at random.
# - **Penalty.** We add the sum of all squared weights, times $\alpha = 0.0001$, to the loss. The
#   slide says that the loss "usually consists of two terms": the error of the output, and a
#   "regularizer" that "discourages memorization/overfitting".
#
# The last three keep the long code and have the same start. All four see the same digits in the
# same order.
#
# We also ask each network about **noisy digits**. These are test digits with noise of the same
# standard deviation, and the right answer is the clean digit. For comparison the table has three
# answers that need no training: the mean digit, the input itself, and **PCA** (principal
# component analysis), which is the best linear code of 32 numbers. The next section says what PCA
# does.

# %%
networks = {
    "overcomplete": (copier, copied),
    "bottleneck": train("bottleneck", NARROW),
    "denoising": train("denoising", WIDE, noise=NOISE),
    "dropout": train("dropout", WIDE, dropped=DROPPED),
    "penalty": train("penalty", WIDE, alpha=ALPHA),
}
variances, directions = np.linalg.eigh(np.cov(x.T))
variances = variances[::-1].clip(0)  # the largest first
directions = directions[:, ::-1].T.astype(np.float32)  # (D, D): each row is a direction


def pca(pictures):
    """To a code of NARROW numbers and back."""
    first = directions[:NARROW]
    return mean + (pictures - mean) @ first.T @ first


ways = {"the mean digit": lambda v: mean, "the input itself": lambda v: v, "PCA": pca}
ways |= {name: partial(tn.predict, model) for name, (model, _) in networks.items()}
shares = {name: {k: lost(k, way(v)) for k, v in inputs.items()} for name, way in ways.items()}
table(
    ["answer", *inputs],
    [[name, *(f"{share:.1%}" for share in row.values())] for name, row in shares.items()],
)
draw.pictures(inputs, wanted, {name: ways[name] for name in networks}, mean)
draw.training({name: seen for name, (_, seen) in networks.items()})

# %% [markdown]
# Look at the table, row by row.
#
# - **The overcomplete network** loses nearly nothing of anything. Its row is nearly the row of
#   "the input itself". Of noisy digits it returns the noise as well.
# - **The four hindered networks** return digits with small errors. Of clothes and noise they lose
#   much more. They treat digits better than other pictures: they have learned something about
#   digits.
# - **Noisy digits** come out better than they went in, from all four. The best is the denoising
#   network, which was trained for this. (The input itself has more than 100%. The noise is larger
#   than the difference between a digit and the mean digit.)
# - **The bottleneck** loses as much as PCA. It cannot do better, because it is linear.
#
# In the figure with the pictures, look at the shoe. The bottleneck turns it into round strokes,
# as digits have them. In the figure with the curves, look at the right part. The lines of the
# hindered networks soon become flat. More training does not teach them to copy noise.
#
# A hindrance has a price: the digits come back less well than from the copier. If we compared
# the networks by their error on digits alone, we would choose the copier.
#
# ## Which directions pass?
#
# The four ways are different, and their effect is similar. With linear networks we can see why. A
# picture of 196 pixels is a point with 196 coordinates. PCA finds the **directions** in which
# digits differ. The first direction is the one along which the digits vary most. The second one
# is at a right angle to it. Among all such directions it is the one along which they vary most,
# and so on. The **variance** $\lambda_k$ says how much they vary along direction $k$. PCA's code
# of 32 numbers keeps the first 32 directions and drops the others.
#
# We move the mean digit by 1 along direction $k$, and measure which share $g_k$ of this step
# comes out. For three networks one can compute which shares make the loss smallest:
#
# $$\text{bottleneck:} \quad g_k = 1 \text{ for } k \le 32, \text{ and } 0 \text{ for the others}$$
#
# $$\text{denoising:} \quad g_k = \frac{\lambda_k}{\lambda_k + \sigma^2}$$
#
# $$\text{penalty:} \quad g_k = 1 - \frac{\alpha D}{\lambda_k}, \text{ but at least } 0$$
#
# The second formula is easy to derive. If the share $g$ passes, the share $1 - g$ of the digit is
# lost, and the share $g$ of the noise comes out. This costs $(1 - g)^2 \lambda_k + g^2 \sigma^2$.
# The derivative with respect to $g$ is 0 at the formula's $g_k$. The third formula follows in the
# same way: the lost part costs $(1 - g)^2 \lambda_k / D$, and the cheapest weights for a share
# $g$ cost $2 \alpha g$.


# %%
def passes(model):
    """The share of each direction that a network returns: (D,)"""
    change = tn.predict(model, mean + directions) - tn.predict(model, mean[None])
    return (change * directions).sum(axis=1)


passed = {name: passes(model) for name, (model, _) in networks.items()}
expected = {
    "bottleneck": (np.arange(D) < NARROW).astype(float),
    "denoising": variances / (variances + NOISE**2),
    "penalty": (1 - ALPHA * D / variances.clip(1e-9)).clip(0),
}
places = (1, 10, 20, 50, 100, 150)
table(
    ["share that passes", *(f"k = {k}" for k in places), "sum of all"],
    [[name, *(f"{g[k - 1]:.2f}" for k in places), f"{g.sum():.1f}"] for name, g in passed.items()],
)
along = {k: (((inputs[k] - mean) @ directions.T) ** 2).mean(axis=0).cumsum() for k in shown}
held = ", ".join(f"{a[NARROW - 1] / a[-1]:.0%} of {kind}" for kind, a in along.items())
print(f"The first {NARROW} directions hold {held}.")
draw.passing(passed, expected, along)

# %% [markdown]
# The left part of the figure says where the pictures lie. Of what makes a digit different from
# the mean digit, most lies in the first 32 directions. Of noise, not even a third does. (The rest
# is what PCA loses. Compare with the table above.)
#
# The right part says what passes.
#
# - **The copier** lets all directions pass, except the last ones, in which digits hardly vary.
# - **The others let the first directions pass and block the last ones.** So most of a digit
#   passes, and much of the noise is blocked. The bottleneck cuts sharply. The denoising network
#   and the one with the penalty cut softly, as the formulas say (gray bands). Dropout cuts softly
#   too. We have no formula for it.
#
# The last column of the table adds up the shares, and so says how many directions pass in all.
# **By default the denoising network has a code of 256 numbers, and it lets through about as much
# as the bottleneck of 32.** Of another way, the sparse autoencoder, the slide says that it is
# "introducing an information bottleneck without requiring a reduction in the number of nodes".
# This is true of our ways as well.
#
# Now we can answer the question. The loss asks for a copy, and copying needs no knowledge. **Only
# if not everything can pass must a network choose, and then it chooses what digits are made of.**
#
# A linear network learns the directions in which digits vary, and nothing else. The networks of
# `deep_autoencoder` and `denoising_autoencoder` have activation functions and can learn more. The
# lessons `sparse_autoencoder` and `contractive_autoencoder` show two other penalties.
#
# ## Claims
#
# The program checks what this lesson says, each time that it runs.

# %%
copy = shares["overcomplete"]
least, most = size((0.1, 0.45), (0.001, 0.3))
claim(
    f"The overcomplete network loses at most {least:.1%} of test digits (the mean digit: 100%)",
    copy["digits"] <= least,
    f"{copy['digits']:.3%}",
)
claim(
    "Trained with digits, the overcomplete network loses at most 1% of noise and 6% of clothes",
    copy["noise"] <= 0.01 and copy["clothes"] <= 0.06,
    f"{copy['noise']:.2%} and {copy['clothes']:.1%}",
    quick=False,
)
claim(
    "Of a lit pixel the copier returns 0.9 or more where digits have ink, 0.1 or less if none has",
    with_ink >= 0.9 and abs(without) <= 0.1,
    f"{with_ink:.2f} and {without:.2f}",
    quick=False,
)
both = [(shares[name]["digits"], shares[name]["noise"]) for name in list(networks)[1:]]
claim(
    f"Each of the four hindered networks loses at most {most:.0%} of digits, at least 25% of noise",
    all(digits_lost <= most and noise_lost >= 0.25 for digits_lost, noise_lost in both),
    ", ".join(f"{digits_lost:.0%} and {noise_lost:.0%}" for digits_lost, noise_lost in both),
)
before = shares["the input itself"]["noisy digits"]
left, best = (shares[name]["noisy digits"] / before for name in ("overcomplete", "denoising"))
claim(
    "Of the noisy input's error the copier leaves at least 90%, the denoising network at most 35%",
    left >= 0.9 and best <= 0.35,
    f"{left:.1%} and {best:.1%}",
    quick=False,
)
ratio = shares["bottleneck"]["digits"] / shares["PCA"]["digits"]
sentence = f"The bottleneck of {NARROW} loses as much of digits as PCA with {NARROW}, within 3%"
claim(sentence, abs(ratio - 1) <= 0.03, f"{ratio:.3f} times as much", quick=False)
off = [abs(passed[name] - expected[name]).max() for name in ("denoising", "penalty")]
claim(
    "With noise and with the penalty, each direction passes as the formula says, within 0.07",
    max(off) <= 0.07,
    f"at most {off[0]:.3f} and {off[1]:.3f} away",
    quick=False,
)
