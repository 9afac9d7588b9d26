# %% [markdown]
# # U-Net: a convolutional network removes noise, and skip connections keep the details
#
# **Lecture.** *Machine Learning II* (TDDC17 AI, Linköping University): "Diffusion Models"
#
# **Question.** The diffusion models of the earlier lessons use dense networks. Well-known
# programs that draw pictures use a U-Net. What is a U-Net? What are its skip connections for? And
# does it help with pictures as small as ours?
#
# **You will see.** A network in the shape of the letter U. The same network without its skip
# connections, and a dense network, beside it. What happens if the network is told a wrong time.
# Clothes that come out of noise, and who draws them best.
#
# **Try.** `python -m lessons unet --set "CHANNELS=[4, 8, 16]"`: a U-Net with 17,000 weights. The
# dense network has over 30 times as many, and still makes the larger error at t = 10.

# %%
from time import perf_counter as clock

import numpy as np

import tinynet as tn
from lessons import parts
from lessons.shared import accuracy, claim, data, fit, size, table
from lessons.shared.draw import unet as draw
from tinynet import layers

SIDE = size(16, 16, 32)  # of a picture, in pixels
CHANNELS = size([16, 24, 48], [16, 24, 48], [16, 32, 64])  # maps of the U-Net, level by level
TRAINING = size(40, 1000, 6000)  # training steps
GUIDANCE = 2.0  # how strongly the label counts
SEED = 0

# %% [markdown]
# ## Clothes in noise
#
# The lesson `diffusion_digits` explains how a network draws pictures out of noise. Here is what
# we need of it. A picture $x_0$ has pixels between -1 (black) and 1 (white). At time $t$ it has
# become a mix of the picture and noise $e$:
#
# $$x_t = \sqrt{\bar{a}_t}\,x_0 + \sqrt{1 - \bar{a}_t}\,e$$
#
# At $t = 0$ there is no noise. At $t = 100$ it is nearly pure noise. A network gets $x_t$,
# the time $t$ and the label of the picture, and guesses $x_0$. We take the functions `schedule`,
# `add_noise` and `distances` from that lesson.
#
# Our pictures are the clothes of Fashion-MNIST, with ten labels. A convolutional network takes
# more time than a dense one. So that nobody has to wait, we make the pictures smaller. A frame of
# two black pixels on each side makes 32 x 32 of 28 x 28. Then each square of 2 x 2 pixels becomes
# one pixel, their mean. This leaves 16 x 16. (`--full` does not make them smaller.)

# %%
assert SIDE in (8, 16, 32), f"SIDE is {SIDE}. Give 8, 16 or 32."
chain = parts("diffusion_digits")
abar = chain.schedule()  # abar_t for t = 0 ... 100
clothes = data.fashion_mnist(size(1000, 5000, 20_000), size(100, 500))


def shrink(x):
    """Pictures from 0 to 1, as smaller ones from -1 to 1.  -> (N, SIDE, SIDE, 1)"""
    x = np.pad(2 * x[..., 0] - 1, ((0, 0), (2, 2), (2, 2)), constant_values=-1)
    return x.reshape(-1, SIDE, 32 // SIDE, SIDE, 32 // SIDE).mean(axis=(2, 4))[..., None]


real, test = shrink(clothes.train), shrink(clothes.test)
labels, test_labels = clothes.train_labels, clothes.test_labels
print(f"{clothes.source}: {len(real):,} training pictures of {SIDE} x {SIDE}, {len(test)} to test")

# %% [markdown]
# ## The dense network, and its limits
#
# First the network that we know. It has two dense layers of 512 neurons, and then a neuron for
# each pixel.
#
# The time and the label enter in a new way. An **embedding** is a table with a row of numbers for
# each possible input. Here a row has 64 numbers. One table has a row for each time from 0 to 100.
# Another one has a row for each label, and one more for "no label". The rows are weights: they
# start at random, and the training changes them. The row of the time plus the row of the label is
# all that a network is told about $x_t$. We call this sum the **note**. The dense network gets it
# as 64 more inputs.


# %%
class DenseNet(tn.Module):
    """x_t (N, side, side, 1), times (N,), labels (N,) -> the guess of x_0"""

    def __init__(self, side=SIDE):
        self.times, self.labels = layers.Embedding(len(abar), 64), layers.Embedding(11, 64)
        self.flat, last = layers.Flatten(), layers.Dense(side * side)
        hidden = [layers.Dense(512, activation="relu") for _ in range(2)]
        self.rest = tn.Sequential([*hidden, last, layers.Reshape((side, side, 1))])

    def forward(self, inputs):
        x, times, labels = inputs
        note = self.times(times) + self.labels(labels)
        return self.rest(tn.concatenate([self.flat(x), note], axis=1))


# %% [markdown]
# A dense layer has a weight for each pair of an input and an output. So the first and the last
# layer grow with the number of pixels. This is the first limit. And the second: what the network
# has learned at one place of a picture, it does not know at other places.
#
# ## A network in the shape of a U
#
# The **U-Net** was invented by Ronneberger, Fischer and Brox (2015), who looked for cells in
# pictures from microscopes. It is made of convolutions. A **convolution** moves a small kernel of
# weights over the picture. It uses the same weights at all places (lesson `volume`). Each kernel
# makes a **map**, a picture of numbers. The figure below shows the maps of our U-Net.
#
# - **Down**, on the left. Two convolutions have stride 2 (lesson `stride_padding`), so each
#   halves the width and the height of the maps. In exchange there are more maps. One number at
#   the bottom of the U depends on up to 17 x 17 pixels. In the middle, this is nearly the whole
#   picture. So the bottom can tell a shoe from a shirt. But it has only a few places, so details
#   are hard to keep.
# - **Up**, on the right. Each number of a map becomes a square of 2 x 2 equal numbers. This is
#   called **upsampling**. After two such steps, the maps have the size of the picture again.
# - **Skip connections**, from left to right. The maps from the way down are put beside the maps
#   of the same size on the way up (red in the figure). The next convolution sees both. In this
#   way the details on the left can reach the end without passing the bottom.
#
# The note must get into the maps, too. For each convolution but the last, a dense layer turns the
# 64 numbers of the note into one number for each map. This number is added at all places of the
# map, and then comes the relu. So the note can switch a map on or off.


# %%
class Block(tn.Module):
    """A convolution that is told the note.  x (N, H, W, C), note (N, 64) -> maps"""

    def __init__(self, maps, strides=1):
        self.convolution = layers.Conv2D(maps, 3, strides=strides, padding="same")
        self.shift = layers.Dense(maps)

    def forward(self, inputs):
        x, note = inputs
        return tn.relu(self.convolution(x) + self.shift(note)[:, None, None])


class UNet(tn.Module):
    """x_t (N, side, side, 1), times (N,), labels (N,) -> the guess of x_0"""

    def __init__(self, skip=1.0):
        large, middle, small = CHANNELS
        self.skip, self.double = skip, layers.UpSampling2D(2)
        self.times, self.labels = layers.Embedding(len(abar), 64), layers.Embedding(11, 64)
        self.first, self.bottom = Block(large), Block(small)
        self.down = [Block(middle, strides=2), Block(small, strides=2)]
        self.up, self.last = [Block(middle), Block(large)], layers.Conv2D(1, 3, padding="same")

    def forward(self, inputs):
        x, times, labels = inputs
        note = self.times(times) + self.labels(labels)
        a = self.first([x, note])  # as large as the picture
        b = self.down[0]([a, note])  # half as wide and high
        y = self.bottom([self.down[1]([b, note]), note])  # a quarter
        y = self.up[0]([tn.concatenate([self.skip * b, self.double(y)], axis=3), note])  # half
        y = self.up[1]([tn.concatenate([self.skip * a, self.double(y)], axis=3), note])
        return self.last(y)


rng, rows = np.random.default_rng(SEED), []
for side in (16, 32, 64, 128):
    both = [n.build([(side, side, 1), (), ()], rng=rng) for n in (DenseNet(side), UNet())]
    rows.append([f"{side} x {side}", *(f"{sum(w.size for w in n.parameters()):,}" for n in both)])
table(["pictures", "weights of the dense network", "weights of the U-Net"], rows)
draw.shape(SIDE, CHANNELS)

# %% [markdown]
# **The U-Net needs the same number of weights for pictures of all sizes.** (Those who draw large
# pictures still take more levels and more maps.)
#
# ## Training
#
# We train three networks with the same loop. Each picture of a batch gets a random time. A tenth
# of the pictures get the row "no label". The loss is the mean squared error of the guess. A
# running average of the weights, over about the last 100 steps, is used afterwards.
#
# - The **dense network**. Its steps are fast. So it gets 64 pictures in each step.
# - **Without skips**: a U-Net in which the maps that skip are multiplied by 0 (`skip=0.0`). All
#   else is as in the U-Net, including the number of weights. It gets 16 pictures in each step.
# - The **U-Net**, with 16 pictures in each step as well.


# %%
def train(name, network, batch):
    network.build([real.shape[1:], (), ()], rng=rng)
    optimizer = tn.optim.Adam(network.parameters(), tn.schedules.Cosine(0.003, TRAINING))
    average, losses, began = tn.ema(network, 0.99), [], clock()
    for step in range(1, TRAINING + 1):
        some = rng.integers(len(real), size=batch)
        told = np.where(rng.random(batch) < 0.1, 10, labels[some])
        t = rng.integers(1, len(abar), size=batch)
        e = rng.standard_normal((batch, SIDE, SIDE, 1), np.float32)
        x_t = chain.add_noise(real[some], abar[t, None, None, None], e)
        loss = tn.mse(network([x_t, t, told]), real[some])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        average.update()
        losses.append(loss.item())
        if step % max(1, TRAINING // 2) == 0:
            last = np.mean(losses[-200:])
            print(f"{name}, step {step:,}: loss {last:.3f}, {clock() - began:.1f} s", flush=True)
    return average.model


networks = {"dense network": train("dense network", DenseNet(), 64)}
networks["without skips"] = train("without skips", UNet(skip=0.0), 16)
unet = networks["U-Net"] = train("U-Net", UNet(), 16)

# %% [markdown]
# (A loss here is the mean of the last 200 steps.) The three losses are similar. But each is a
# mean over all times. Where do the networks differ?
#
# ## What the skip connections are for
#
# We put noise on test pictures, let the networks guess, and measure the mean squared error of a
# pixel, time by time. Three simple guesses stand beside them.
#
# - **$x_t$ itself**, noise and all.
# - **The label's mean**: the mean of all training pictures with the right label. It does not look
#   at $x_t$.
# - **The linear guess**: each pixel is a weighted sum of all pixels of $x_t$. A formula gives the
#   best weights. Here $m$ is the mean and $C$ the covariance matrix of the training pictures. The
#   matrix $I$ has 1 on its diagonal and 0 elsewhere.
#
# $$\hat{x}_0 = m + \sqrt{\bar{a}_t}\,C\,(\bar{a}_t C + (1 - \bar{a}_t)\,I)^{-1} (x_t -
# \sqrt{\bar{a}_t}\,m)$$


# %%
def guess(network, x, t, told):  # of x_0.  x (N, side, side, 1), t: a time, told: labels (N,)
    return tn.predict(network, [x, np.full(len(x), t), told])


def linear_guess(x, t):
    m, C, share = known.mean(axis=0), np.cov(known.T), abar[t]
    sums = np.linalg.solve(share * C + (1 - share) * np.eye(len(C)), np.sqrt(share) * C)
    return (m + (x.reshape(len(x), -1) - np.sqrt(share) * m) @ sums).reshape(x.shape)


def guesses(x, t):  # from test pictures x with noise on them.  -> {name: the guess of x_0}
    x_t = chain.add_noise(x, abar[t], rng.standard_normal(x.shape, np.float32))
    simple = {"x_t itself": x_t, "label's mean": means[test_labels], "linear": linear_guess(x_t, t)}
    return simple | {name: guess(n, x_t, t, test_labels) for name, n in networks.items()}


def error_table(title, found, x):  # errors of guesses of x.  found: {row: {name: guess}}
    errors = {row: {n: ((y - x) ** 2).mean() for n, y in of.items()} for row, of in found.items()}
    rows = [[row, *(f"{error:.4f}" for error in of.values())] for row, of in errors.items()]
    table([title, *next(iter(errors.values()))], rows)
    return errors


known = real.reshape(len(real), -1)  # each picture as a row
means = np.stack([real[labels == label].mean(axis=0) for label in range(10)])
guessed = {t: guesses(test, t) for t in (10, 25, 50, 75, 100)}
errors = error_table("t", guessed, test)
draw.guesses(test, test_labels, guessed[10])

# %% [markdown]
# **With little noise, the skip connections make the error much smaller.** Look at the row t = 10
# of the table, and at the figure. The dense network and the one without skips are even worse than
# $x_t$ itself. They lose the print on the pullover and the thin sandal, which the noise has
# hardly hidden. Without skips everything must pass the small maps at the bottom. They have enough
# numbers, but in this training the network has not learned to keep such details there. The U-Net
# keeps the sandal and part of the print, because the skip connections carry them past the bottom.
#
# **With much noise, the skip connections hardly matter.** At t = 75 and t = 100 there are no
# details in $x_t$ that one could carry. The guess must come from the label and from large areas.
# With skips or without, the error is nearly the same. The dense network is the best at t = 50 and
# t = 75. At t = 100 the label's mean is better than all three networks.
#
# The linear guess deserves a look. At t = 10 no network is better. To remove a little noise, mean
# and covariance of the clothes are enough. From t = 50 on all networks are better. (They are told
# the label, and the linear guess is not.)
#
# ## The network listens to the time
#
# Does the network listen to the time? Or does it see by itself how much noise there is? To find
# out, we lie to the U-Net. It gets pictures of three times, and for each we tell it three times.

# %%
lies = {}
for t in (25, 50, 75):
    x_t = guessed[t]["x_t itself"]
    lies[t] = {f"told t = {u}": guess(unet, x_t, u, test_labels) for u in (25, 50, 75)}
wrong = error_table("really t", lies, test)
draw.lies(test, test_labels, guessed[50]["x_t itself"], lies[50])

# %% [markdown]
# In each row the error is smallest where we tell the truth. The figure shows the middle row, with
# pictures that really are of t = 50.
#
# - **Told t = 25**, the network trusts $x_t$ too much. It takes noise for details.
# - **Told t = 75**, it trusts $x_t$ too little. It guesses smooth, ordinary clothes.
#
# So the network believes what we tell it. **How much to smooth depends on how much noise there
# is**, and the time says how much.
#
# ## Clothes at another place
#
# A convolution uses the same weights everywhere. So what it has learned about edges at one place,
# it should know at all places. The dense network must learn each place anew. We test this with
# clothes at a place where no network has seen any. We move the test pictures up by an eighth of
# their height. (What leaves at the top comes in again at the bottom. Most of it is black.)

# %%
up = np.roll(test, -SIDE // 8, axis=1)
moved = error_table("t", {t: guesses(up, t) for t in (10, 25, 50)}, up)

# %% [markdown]
# Compare with the table of the errors above. All networks have become worse, including the U-Net.
# It has learned where clothes usually are. And it can tell where it is: outside the picture its
# convolutions see 0, but black is -1. At t = 10 even $x_t$ itself is better. But look at t = 25:
# here the dense network has lost far more than the U-Net. **What the U-Net knows about details
# holds better at another place.** At t = 10 the linear guess, with a weight for each pair of
# pixels, has the largest factor: its error is over five times as large as before, that of each
# network less than four times.
#
# ## Clothes out of noise
#
# Now all three networks draw, as in `diffusion_digits`. They begin with pure noise, and go back
# from $t = 100$ to 0 in 20 steps. In each step they guess the picture twice, with the label and
# without it. **Guidance** doubles the difference between the two guesses. What leaves the range
# from -1 to 1 is put back to its ends. All three networks get the same labels and the same noise.


# %%
def walk_back(network, x, asked):
    """From noise to pictures with the labels asked for.  (N, side, side, 1) -> the same"""
    for now in range(len(abar) - 1, 0, -5):
        without = guess(network, x, now, np.full(len(x), 10))
        x_0 = (without + GUIDANCE * (guess(network, x, now, asked) - without)).clip(-1, 1)
        e = (x - np.sqrt(abar[now]) * x_0) / np.sqrt(1 - abar[now])
        x = chain.add_noise(x_0, abar[now - 5], e)
    return x


asked = np.repeat(np.arange(10), size(5, 30))  # so many of each label
noise = rng.standard_normal((len(asked), *real.shape[1:]), np.float32)
made = {name: walk_back(network, noise, asked) for name, network in networks.items()}
draw.clothes(made, test, test_labels)

# %% [markdown]
# Look at the figure first. The dense network draws whole, smooth clothes. The U-Net's clothes are
# blotchy, and some of them fall apart. Now we measure.
#
# - **Read as asked**: the share that a judge reads as their label. The **judge** is another small
#   network, which has learned to name real clothes.
# - **Spread**: how different the pictures of one label are. It is the standard deviation of a
#   pixel, its mean over all pixels and labels.
# - **Nearest**: the mean distance to the nearest training picture. Copies have 0. Pictures that
#   do not look like clothes are far from all of them. Test pictures show what is usual.

# %%
stack = [layers.Conv2D(32, 3, strides=2, activation="relu"), layers.Flatten(), layers.Dense(10)]
judge = tn.Sequential(stack, input_shape=real.shape[1:], rng=rng)
batches = tn.data.batches(real, labels, size=50, rng=rng)
fit("judge", judge, batches, "cross_entropy", tn.optim.Adam(judge.parameters(), 0.002), 4)


def measures(x, y):  # read as asked, spread and nearest, of pictures with the labels y
    spread = np.mean([x[y == label].std(axis=0) for label in range(10)])
    nearest = chain.distances(x.reshape(len(x), -1), known).min(axis=1).mean()
    return accuracy(judge, x, y), spread, nearest


made |= {"label's mean": means[asked], "test pictures": test}
numbers = {k: measures(x, test_labels if x is test else asked) for k, x in made.items()}
rows = [[k, f"{read:.0%}", f"{v:.2f}", f"{near:.2f}"] for k, (read, v, near) in numbers.items()]
table(["pictures", "read as asked", "spread", "nearest"], rows)
draw.copies(made["U-Net"], real)

# %% [markdown]
# **The dense network is read as asked most often.** (It has seen four times as many pictures, in
# less time.) But two other rows warn us. The label's mean is a single blurred picture for each
# label, and is always read as asked. The test pictures are real clothes, and are read as asked
# less often than the pictures of the networks. Real clothes are more varied, as their spread
# shows, and some are hard to name. So "read as asked" does not say whose clothes are the best.
#
# To the judge the skip connections make no clear difference. One reason may be that it looks at
# the shape. The shape is decided early on the way back, while there is much noise. And there the
# skip connections hardly matter, as we have seen.
#
# By "nearest", the U-Net's clothes are farther from the training pictures than the test pictures
# are. So on average they are no copies. (But some do not look like clothes.) The last figure
# checks the most similar ones: for each label, the U-Net's picture that is nearest to a training
# picture. The two are alike, but not the same. The dense network's clothes are nearer than test
# pictures. This alone does not mean copies: the blurred mean of a label is about as near.
#
# ## What is it good for, then?
#
# Who draws the clothes best? At this size, the **dense network**. A picture has only 256 pixels,
# and each neuron of the first layer sees them all. It also trains faster.
#
# The **U-Net** has about an eighth of the weights. It is better with little noise, and it suffers
# less at another place. For large pictures the first table of this lesson counts: the dense
# network grows with the picture, and the U-Net does not. The U-Nets of well-known programs have
# more levels and more maps, and train far longer. They also normalize the maps between the
# convolutions (`tn.layers.GroupNormalization`). We tried this. In a training as short as ours it
# made no difference.
#
# With `--full` the pictures have 32 x 32 pixels, and all this becomes clearer. At t = 10 the
# error of the dense network is then seven times that of the U-Net, and the U-Net is better than
# the linear guess, too. But still the dense network draws more clothes that are read as asked.
# One reason may be that 17 x 17 pixels are only a part of such a picture. A larger picture needs
# more levels, so that the bottom of the U sees all of it.
#
# ## Claims
#
# The program checks what this lesson says, each time that it runs.

# %%
most, least_read = size((0.4, 0.75), (0.15, 0.75), (0.15, 0.6))
share = errors[50]["U-Net"] / errors[50]["x_t itself"]
sentence = f"At t = 50 the U-Net's error is at most {most:.0%} of that of x_t itself"
claim(sentence, share <= most, f"{share:.0%}")
for name, least in {"without skips": 2, "dense network": 1.8}.items():
    ratio = errors[10][name] / errors[10]["U-Net"]
    sentence = f'At t = 10 the error of "{name}" is at least {least} times that of the U-Net'
    claim(sentence, ratio >= least, f"{ratio:.2f} times", quick=False)
ratio = moved[25]["dense network"] / moved[25]["U-Net"]
sentence = "At another place the dense network's error is at least 1.6 times the U-Net's, at t = 25"
claim(sentence, ratio >= 1.6, f"{ratio:.2f} times", quick=False)
right = all(min(of, key=of.get) == f"told t = {t}" for t, of in wrong.items())
claim("At each of three times the U-Net's error is smallest if told the truth", right, quick=False)
read, near = numbers["U-Net"][0], numbers["U-Net"][2] / numbers["test pictures"][2]
sentence = f"At least {least_read:.0%} of the U-Net's clothes are read as asked"
claim(sentence, read >= least_read, f"{read:.0%}", quick=False)
sentence = "The U-Net's mean distance to the nearest training picture is at least 80% of the test's"
claim(sentence, near >= 0.8, f"{near:.0%}", quick=False)
