# %% [markdown]
# # Diffusion: a network guesses the noise, and noise becomes a spiral
#
# **Lecture.** *Machine Learning II* (TDDC17 AI, Linköping University): "Diffusion Models", "The
# Diffusion Process"
#
# **Question.** Data dissolve into noise step by step, and nothing has to be learned for that. How
# can a network learn the way back, so that new data come out of pure noise?
#
# **You will see.** A training loop and a sampling loop of a few lines each. One step of the way
# back, beside what the walkers really did. A spiral that condenses out of noise, as a film. The
# same network with 50 steps and with 10.
#
# **Try.** `python -m lessons diffusion --set LAST_BETA=0.02`: the chain stops before the data
# have dissolved, but the way back still begins with pure noise. Nearly all new points lie on the
# spiral, and yet their energy distance is several times as large as before. Which part of the
# spiral gets too few of them?

# %%
import itertools

import numpy as np

import tinynet as tn
from lessons.shared import claim, size, table
from lessons.shared.draw import diffusion as draw

STEPS = 50  # of the chain, T
LAST_BETA = 0.2  # how noisy its last step is
POINTS = 5000  # of the spiral, to learn from
TRAINING = size(500, 6000, 20_000)  # training steps
SAMPLES = size(400, 3000, 5000)  # points to make
FEW = 10  # steps of a fast way back
SEED = 0

for name, value in {"POINTS": POINTS, "TRAINING": TRAINING, "SAMPLES": SAMPLES}.items():
    assert value >= 100, f"{name} is {value}. Give at least 100."

# %% [markdown]
# ## The way into noise
#
# The slides show two ways: from data to noise, and back. The first one is the topic of the lesson
# `noise`. Here is what we need of it. The data $x_0$ are points of a spiral. A **chain** of 50
# steps makes them noisier and noisier, $x_1, x_2, \ldots, x_{50}$. Step $t$ multiplies a point by
# $\sqrt{a_t}$, a bit less than 1, and adds normal noise of variance $1 - a_t$. With the product
# $\bar{a}_t = a_1 a_2 \cdots a_t$ we can jump to any $t$ in one step:
#
# $$x_t = \sqrt{\bar{a}_t}\,x_0 + \sqrt{1 - \bar{a}_t}\,e$$
#
# The noise $e$ is two numbers from the standard normal distribution, one for each coordinate. At
# the end nearly nothing is left of the data: $x_{50}$ is nearly pure noise, $N(0, I)$. The slides
# print no $a_t$. As in Ho, Jain and Abbeel (2020), $1 - a_t$ rises evenly, here from 0.0001 to
# 0.2.


# %%
def schedule(steps=STEPS, last=LAST_BETA, first=0.0001):
    """abar_t for t = 0 ... steps; abar_0 = 1 stands for the data.  -> (steps + 1,)"""
    assert steps >= 2, f"STEPS is {steps}. Give at least 2."
    assert first <= last < 1, f"LAST_BETA is {last}. Give at least {first}, and less than 1."
    return np.cumprod(1 - np.concatenate([[0], np.linspace(first, last, steps)]))


def add_noise(x, left, e):
    """x_t from the data x_0.  left: abar_t.  (N, 2) -> (N, 2)"""
    return np.sqrt(left) * x + np.sqrt(1 - left) * e


rng = np.random.default_rng(SEED)
data = tn.data.spiral(POINTS, rng)  # (POINTS, 2)
abar = schedule()
print(f"At the end: {abar[-1] ** 0.5:.3f} of the point, and noise of variance {1 - abar[-1]:.3f}")

# %% [markdown]
# ## A network that guesses the noise
#
# The lesson `noise` showed with five points: the best guess of the noise $e$ gives the best guess
# of $x_0$, and the arrow that leads back. So this is what the network learns. It gets a noisy
# point $x_t$ and the time $t$, and answers with a guess $\hat{e}$. Its loss is the mean squared
# error:
#
# $$L = \frac{1}{2}\,|\hat{e}(x_t, t) - e|^2, \quad \text{averaged over data, times and noise}$$
#
# (The 1/2 makes it a mean over the two coordinates.)
#
# The guess needs $t$: the same place means something else at another time. The network gets $t$
# as ten numbers, the sine and the cosine of $\pi t / T$ times 1, 2, 4, 8 and 16. These are slow
# waves, which tell early from late, and fast ones, which tell neighbors apart. With the two
# coordinates of $x_t$ there are 12 inputs. Three layers of 128 neurons follow, and two outputs.
#
# The **training loop** repeats four moves. Take 256 data points, each with a random time and a
# random noise. Make them noisy. Let the network guess the noise. Change its weights so that the
# loss falls.


# %%
def inputs(x, t):
    """The network's 12 numbers.  x (N, 2), t: a time or (N,) -> (N, 12)"""
    angle = np.pi * np.broadcast_to(t, len(x))[:, None] / STEPS * 2 ** np.arange(5)
    return np.concatenate([x, np.sin(angle), np.cos(angle)], axis=1).astype(np.float32)


layers = [*(tn.layers.Dense(128, activation="relu") for _ in range(3)), tn.layers.Dense(2)]
network = tn.Sequential(layers, input_shape=(12,), rng=rng)
optimizer = tn.optim.Adam(network.parameters(), tn.schedules.Cosine(0.003, TRAINING))
losses = []
for step in range(1, TRAINING + 1):
    x_0, t = data[rng.integers(POINTS, size=256)], rng.integers(1, STEPS + 1, size=256)
    e = rng.standard_normal((256, 2)).astype(np.float32)
    x_t = add_noise(x_0, abar[t, None], e)
    loss = tn.mse(network(inputs(x_t, t)), e)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
    if step % max(1, TRAINING // 4) == 0:
        print(f"step {step:,}: loss {np.mean(losses[-200:]):.3f} (mean of the last 200 steps)")

# %% [markdown]
# The loss does not fall to 0, and it cannot. Many pairs of a data point and a noise lead to the
# same $x_t$, and nobody can know which pair it was. Is the network good, then? We know the
# formula of the spiral. So we can compute the best possible guess, as in the lesson `noise`: an
# average over 1,000 places along the spiral, weighted with their probabilities. The network does
# not know this formula. It has only seen points. The table compares their mean squared errors on
# 5,000 new points.
#
# The table also has a simple guess, which is **linear** in $x_t$: $\sqrt{1 - \bar{a}_t}\,x_t$. It
# would be the best guess if the data were a normal cloud with mean 0 and variance 1. Our spiral
# has about this variance. But its middle lies 0.3 to the right of 0, and a cloud has no arms.
# (Always to say 0 would have an error of 1.)


# %%
def guess_noise(x, t):
    return tn.predict(network, inputs(x, t)).astype(np.float64)


def best_guess(x, left, arm, width=0.03):
    """Of the noise, from points on the spiral's arm.  width: of the spiral.  (N, 2) -> (N, 2)"""
    variance = left * width**2 + 1 - left
    arrows = np.sqrt(left) * arm - x[:, None]  # (N, len(arm), 2)
    weights = tn.softmax(tn.Tensor(-(arrows**2).sum(axis=2) / (2 * variance))).numpy()
    return -np.sqrt(1 - left) / variance * (weights[:, None] @ arrows)[:, 0]


angle = 1.5 * np.pi * np.linspace(1, 3, 1000)
arm = np.stack([angle * np.cos(angle), angle * np.sin(angle)], axis=1) / 7  # where the spiral is
new = tn.data.spiral(5000, rng)
times, errors = [max(1, round(share * STEPS)) for share in (0.1, 0.2, 0.5, 1)], {}
for t in times:
    e = rng.standard_normal(new.shape)
    x_t = add_noise(new, abar[t], e)
    guesses = (1 - abar[t]) ** 0.5 * x_t, guess_noise(x_t, t), best_guess(x_t, abar[t], arm)
    errors[t] = [((guess - e) ** 2).mean() for guess in guesses]
rows = [[t, *(f"{error:.3f}" for error in errors[t])] for t in times]
table(["t", "linear", "the network", "best possible"], rows)

# %% [markdown]
# Late in the chain, the linear guess is nearly as good as the best one. There the noise hides the
# spiral, and $x_t$ is nearly $e$ itself. Early in the chain the linear guess is poor, and the
# network is close to the best. **There it knows the spiral.** Why is even the best error large
# there? Noise across an arm can be seen, noise along it cannot.
#
# ## One step back
#
# Now the second way. "The goal of training a diffusion model is to learn the reverse process",
# say the slides, and write $p_\theta(x_{t-1} | x_t)$. Read: the probability of $x_{t-1}$ for
# somebody who sees $x_t$. The $\theta$ stands for the weights of a network.
#
# What is this distribution? First we look at what really happens. A crowd of walkers starts on
# the spiral and goes through the chain. We pick one place, and look at all walkers that are
# within 0.05 of it at $t = 15$. Where did they begin? And where were they one step before? (The
# figure below answers both questions, on its left and on its right.)
#
# Then we need a formula for the network. If somebody told us $x_0$, then $x_{t-1}$ would have a
# normal distribution, and its mean would be a mix of $x_0$ and $x_t$. We only have a guess of
# $x_0$. It comes from the guess of the noise:
#
# $$\hat{x}_0 = \frac{x_t - \sqrt{1 - \bar{a}_t}\,\hat{e}}{\sqrt{\bar{a}_t}}$$
#
# With this guess in the place of $x_0$, mean and variance become
#
# $$\mu_t = \frac{1}{\sqrt{a_t}} \Big( x_t - \frac{1 - a_t}{\sqrt{1 - \bar{a}_t}}\,\hat{e} \Big)$$
#
# $$s_t^2 = \frac{1 - \bar{a}_{t-1}}{1 - \bar{a}_t}\,(1 - a_t)$$
#
# So the network's guess gives the mean: **remove a little of the guessed noise**. The variance
# comes from the schedule alone.


# %%
def ddpm_step(x, e, now, before):
    """Mean and deviation of x_{t-1}.  e: the guessed noise; now, before: abar_t, abar_{t-1}"""
    a = now / before
    mean = (x - (1 - a) / np.sqrt(1 - now) * e) / np.sqrt(a)
    return mean, np.sqrt((1 - before) / (1 - now) * (1 - a))


t, place = max(2, round(0.3 * STEPS)), np.array([[1.6, 0.0]])
crowd = data[rng.integers(POINTS, size=size(400_000, 2_000_000))]
earlier = add_noise(crowd, abar[t - 1], rng.standard_normal(crowd.shape))
later = add_noise(earlier, abar[t] / abar[t - 1], rng.standard_normal(crowd.shape))  # one step
here = np.hypot(*(later - place).T) < 0.05
mean, deviation = ddpm_step(place, guess_noise(place, t), abar[t], abar[t - 1])
center, spread = earlier[here].mean(axis=0), earlier[here].std(axis=0).mean()
print(f"At t = {t} there are {here.sum():,} walkers at {place[0].tolist()}. One step before:")
print(f"walkers: mean {center.round(3).tolist()}, deviation {spread:.3f}")
print(f"network: mean {mean[0].round(3).tolist()}, schedule: deviation {deviation:.3f}")
draw.one_step(data, crowd[here], earlier[here], place[0], mean[0], deviation, t)

# %% [markdown]
# On the left of the figure, the walkers began in two pieces of the spiral. Nobody can name one
# place where they all came from. On the right, one step before, they were in a **round cloud**,
# and a normal distribution describes it well. This is why there are many small steps. One small
# step back is easy to describe: a mean and a variance. One large step back is not.
#
# The numbers above the figure are the means of the two coordinates, and a standard deviation. The
# network's mean is right. The deviation $s_t$ from the schedule is a little too small, because
# the formula takes the guess of $x_0$ as if it were certain.
#
# ## Out of noise
#
# The **sampling loop** begins with pure noise $x_T$ from $N(0, I)$. In each step the network
# guesses the noise. The guess gives the mean, and fresh noise $z$ of the right size is added:
#
# $$x_{t-1} = \mu_t + s_t\,z$$
#
# The last step adds nothing, because $\bar{a}_0 = 1$ makes $s_1 = 0$. The method is called
# **DDPM**, after the title of Ho, Jain and Abbeel: "Denoising Diffusion Probabilistic Models".


# %%
def walk_back(x, times, step, rng):
    """Where the points are after each step.  x: noise (N, 2) -> (len(times), N, 2)"""
    walk = [x]
    for now, before in itertools.pairwise(times):
        mean, deviation = step(walk[-1], guess_noise(walk[-1], now), abar[now], abar[before])
        walk.append(mean + deviation * rng.standard_normal(x.shape))
    return np.array(walk)


all_times = range(STEPS, -1, -1)  # 50, 49, ..., 1, 0
start = rng.standard_normal((SAMPLES, 2))
walk = walk_back(start, all_times, ddpm_step, rng)
e = rng.standard_normal(data.shape)
draw.there_and_back([add_noise(data, left, e) for left in abar], walk[::-1], guess_noise)
draw.condensing(walk, size(6, 30))

# %% [markdown]
# Compare the rows of the figure: at each $t$, the cloud below looks like the cloud above it. The
# arrows are the score that the network has learned. It is $-\hat{e}$, except for a factor. A long
# arrow means that much noise is guessed there. With much noise all arrows point to the middle.
# With little noise they point to the nearest arm of the spiral. At $t = 10$ the arms are still
# hidden. They appear in the last few steps.
#
# ## How good are the points?
#
# A few points lie beside the arms. We measure two things.
#
# - The **share near the data**: how many points have one of the 5,000 data points within 0.1.
# - The **energy distance** to new points of the spiral. For two crowds of points it compares the
#   distances between the crowds with those inside each crowd. It is 0 if both crowds are the
#   same. Two samples of one spiral give a small number, because they are not the same points.
#
# For comparison we take new data (points of the spiral), a **fitted Gaussian** (a normal
# distribution with the mean and the covariance of the data), and the noise that the way back
# started from.


# %%
def judge(x):
    """The share within 0.1 of a data point, and the energy distance to new data"""
    nearest = [((p[:, None] - data) ** 2).sum(axis=2).min(axis=1) for p in np.array_split(x, 40)]
    return (np.concatenate(nearest) < 0.1**2).mean(), tn.metrics.energy_distance(x, reference)


def show(made):
    """A table of how good points are.  -> what judge says of each"""
    judged = {name: judge(x) for name, x in made.items()}
    rows = [[name, f"{near:.1%}", f"{far:.4f}"] for name, (near, far) in judged.items()]
    table(["points", "share near the data", "energy distance"], rows)
    return judged


reference, new = (tn.data.spiral(SAMPLES, rng) for _ in range(2))
fitted = rng.multivariate_normal(data.mean(axis=0), np.cov(data.T), SAMPLES)
judged = show({"DDPM": walk[-1], "new data": new, "fitted Gaussian": fitted, "start noise": start})
of_data = np.mean([judge(tn.data.spiral(SAMPLES, rng))[1] for _ in range(5)])
print(f"Mean energy distance of five such samples of new data: {of_data:.4f}")

# %% [markdown]
# By the energy distance the network's points are about as good as new data, and far better than
# the fitted Gaussian. The share near the data sees what is wrong: a few in a hundred points are
# lost between the arms. (A longer training, as with `--full`, loses fewer.) No single number
# tells everything. **Try**, at the top, has the opposite case.
#
# ## Fewer steps: DDIM
#
# Fifty steps mean that the network must answer fifty times. Are fewer enough? Song, Meng and
# Ermon (2020) found another step, **DDIM** (denoising diffusion implicit models). It may jump
# from $t$ to any earlier time $u$:
#
# $$x_u = \sqrt{\bar{a}_u}\,\hat{x}_0 + \sqrt{1 - \bar{a}_u - s^2}\,\hat{e} + s\,z$$
#
# $$s = \eta\,\sqrt{\frac{1 - \bar{a}_u}{1 - \bar{a}_t}}\,\sqrt{1 -
# \frac{\bar{a}_t}{\bar{a}_u}}$$
#
# Read the first line: take the guess $\hat{x}_0$ of the data, and make it noisy again, as it
# should be at time $u$. The number $\eta$ (eta) says how much of this noise is fresh. The rest is
# the noise that the network has guessed. With $\eta = 0$ no noise is fresh. This is the usual
# DDIM: after the start nothing is left to chance. With $\eta = 1$ and $u = t - 1$, mean and
# variance are those of DDPM. (Insert $\hat{x}_0$ to see it. A test of tinynet checks it, too.)
#
# DDPM can make fewer steps as well. It then walks back along a shorter chain, for example over
# the times 50, 45, 40 and so on to 0. In its formulas $u$ takes the place of $t - 1$, and
# $\bar{a}_t / \bar{a}_u$ the place of $a_t$. With $\eta = 1$, DDIM is again the same.


# %%
def ddim_step(x, e, now, before, eta=0.0):
    """Mean and deviation of x_u.  e: the guessed noise; now, before: abar_t, abar_u"""
    guess = (x - np.sqrt(1 - now) * e) / np.sqrt(now)  # of x_0
    deviation = eta * np.sqrt((1 - before) / (1 - now) * (1 - now / before))
    return np.sqrt(before) * guess + np.sqrt(1 - before - deviation**2) * e, deviation


assert 0 < FEW < STEPS, f"FEW is {FEW}. Give a number from 1 to {STEPS - 1}."
few_times = np.unique(np.linspace(0, STEPS, FEW + 1).round().astype(int))[::-1]  # 50, 45, ..., 0
ways = {"DDPM": ddpm_step, "DDIM with eta = 1": lambda *x: ddim_step(*x, 1.0), "DDIM": ddim_step}
walks = {
    f"{name}, {len(times) - 1} steps": walk_back(start, times, step, rng)
    for times in (all_times, few_times)
    for name, step in ways.items()
}
by_steps = show({name: walk[-1] for name, walk in walks.items()})
ends, fresh_ends, ddim_ends, _, _, few_ends = (walk[-1] for walk in walks.values())
same, fresh = np.hypot(*(few_ends - ddim_ends).T).mean(), np.hypot(*(ends - fresh_ends).T).mean()
print(f"Mean distance between two ends of the same start: DDIM {same:.2f}, fresh noise {fresh:.2f}")
draw.paths(walks, data)

# %% [markdown]
# All rows are new runs, so DDPM differs a little from the table before. The first two rows are
# the same method in two forms, and so are the fourth and the fifth: they differ by chance. With
# 50 steps the energy distances of all three are about as small as those of new data. With 10
# steps the shares fall for all, to about the same. DDIM's energy distance is smaller than DDPM's
# there.
#
# One reason may be seen in the figure. The ways of DDPM are rough: each step adds noise, which
# the next steps have to remove. The ways of DDIM are smooth, and a smooth way can be followed
# with few large steps.
#
# DDIM without fresh noise is a map: **the same start has the same end**. The last line below the
# table says more: with ten steps it ends near to where it ends with fifty. DDPM and DDIM with
# $\eta = 1$, both with fifty steps, end far apart.
#
# ## Claims
#
# The program checks what this lesson says, each time that it runs.

# %%
linear, learned, best = errors[times[1]]
claim(
    f"At t = {times[1]} the network's error is within 10% of the best, the linear one's is not",
    learned < 1.1 * best < linear,
    f"{learned:.3f}, best {best:.3f}, linear {linear:.3f}",
)
off, ratio = abs(mean[0] - center).max(), deviation / spread
claim(
    "One step back, mean and deviation are those of the walkers, within 0.04 and 15%",
    off < 0.04 and 0.85 < ratio < 1.15,
    f"{off:.3f} and {abs(ratio - 1):.0%} off",
    quick=False,
)
(near, far), (near_fitted, far_fitted) = judged["DDPM"], judged["fitted Gaussian"]
claim(
    "At least 90% of DDPM's points are near the data, of the fitted Gaussian's at most 40%; DDPM's "
    "energy distance is at most a third of the Gaussian's",
    near >= 0.9 and near_fitted <= 0.4 and far < far_fitted / 3,
    f"{near:.1%} and {near_fitted:.1%}; {far:.4f} and {far_fitted:.4f}",
    quick=False,
)
both = tn.metrics.energy_distance(ends, fresh_ends)
claim(
    "DDPM and DDIM with eta = 1 differ at most three times as much as two samples of the data",
    both < 3 * of_data,
    f"energy distance {both:.4f} and {of_data:.4f}",
)
slow, _, fast = list(by_steps.values())[3:]
claim(
    f"With {FEW} steps, DDIM's energy distance is smaller than DDPM's",
    fast[1] < slow[1],
    f"{fast[1]:.4f} and {slow[1]:.4f}",
    quick=False,
)

# %% [markdown]
# ## Quiz
#
# 1. Which way has to be learned: from data to noise, or back? *The way back. The way into noise
#    is fixed.*
# 2. What does the network get, and what does it answer? *It gets a noisy point $x_t$ and the time
#    $t$. It answers with a guess of the noise in $x_t$.*
# 3. The training needs noisy points of time 37. Must each of them take 37 steps? *No. The closed
#    form jumps from $x_0$ to $x_{37}$ at once.*
# 4. Why can the loss not fall to 0? *Many pairs of a data point and a noise lead to the same
#    $x_t$. Nobody can know which pair it was.*
# 5. Let $\bar{a}_t = 0.64$, $x_t = 1$ and $\hat{e} = 0.5$. What is the guess of $x_0$? *$(1 - 0.6
#    \cdot 0.5) / 0.8 = 0.875$.*
# 6. What happens in one step of DDPM's sampling loop? *The network guesses the noise. A little of
#    it is removed, and a little fresh noise is added.*
# 7. Why does the last of these steps add nothing? *Because $\bar{a}_0 = 1$, and so $s_1 = 0$.*
# 8. Why are there many small steps? *One small step back is nearly a normal distribution. A large
#    one has the shape of pieces of the data.*
# 9. A generator makes points that lie exactly on the spiral, but all on its inner half. Which of
#    the two measures notices? *The energy distance. The share near the data is 100%.*
# 10. Two runs of DDIM without fresh noise begin with the same noise. Do they end at the same
#     point? *Yes. After the start nothing is left to chance.*
