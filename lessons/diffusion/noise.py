# %% [markdown]
# # Noise: data dissolve step by step, and arrows point the way back
#
# **Lecture.** *Machine Learning II* (TDDC17 AI, Linköping University): "The Diffusion Process",
# "Diffusion Models"
#
# **Question.** A diffusion model makes pictures out of noise. It learns this from pictures that
# dissolve into noise. How do they dissolve? What is left at the end? And what points the way
# back?
#
# **You will see.** A chain of 50 small steps, and one formula that jumps to any of them. A
# photograph that loses its details first and its large areas last. Arrows that lead from noise
# back to the data, computed without any network.
#
# **Try.** `python -m lessons noise --set LAST_BETA=0.02`: the steps are a tenth as noisy. The
# photograph does not dissolve, and the end of the chain still knows its start.

# %%
import numpy as np

import tinynet as tn
from lessons.shared import claim, data, table
from lessons.shared.draw import noise as draw

STEPS = 50  # of the chain, T
FIRST_BETA = 0.0001  # how noisy the first step is
LAST_BETA = 0.2  # how noisy the last step is
WALKERS = 20_000  # chains that run at once
POINTS = [[-1.6, 0.6], [-0.4, 1.3], [1.2, 0.9], [1.1, -1.1], [-0.3, -1.7]]  # a small data set
SEED = 0

# %% [markdown]
# ## A small step of noise
#
# The slides describe diffusion as a "fixed Markov chain" that "gradually adds noise to the data".
# In a **Markov chain** each member is made from the one before it, and from nothing else.
# **Fixed** means that nothing in it is learned.
#
# The chain begins with $x_0$: a number, a point or a picture. Each step makes $x$ a little
# smaller and adds a little noise:
#
# $$x_t = \sqrt{1 - \beta_t}\,x_{t-1} + \sqrt{\beta_t}\,e_t$$
#
# The noise $e_t$ has as many numbers as $x$. Each of them is drawn anew from the **standard
# normal distribution** $N(0, 1)$, the bell curve with mean 0 and variance 1. The number $\beta_t$
# (beta) lies between 0 and 1. It says how noisy step $t$ is. All members $x_1, \ldots, x_T$ have
# as many numbers as $x_0$. The slides call them latent variables, and write $q(x_{1:T} | x_0)$
# for the distribution of the whole chain.
#
# Why the square roots? If $x_{t-1}$ has the variance $v$, then $x_t$ has the variance
# $(1 - \beta_t)\,v + \beta_t$. For $v = 1$ this is 1 again. So data with variance 1 keep it: they
# get noisier and noisier, but not larger.
#
# A list of all $\beta_t$ is called a **schedule**. The slides print none. Ours has the form of
# Ho, Jain and Abbeel (2020): $\beta_t$ rises evenly. They take 1,000 steps, from 0.0001 to 0.02.
# We take 50 steps to save time, so each of them must be noisier: ours rise to 0.2.
#
# We let 20,000 **walkers** run. Each is a number that starts at $x_0 = 2$ and goes through the
# chain with noise of its own.


# %%
def schedule(steps=STEPS, first=FIRST_BETA, last=LAST_BETA):
    """beta_t for t = 0 ... steps; beta_0 = 0 stands for the data.  -> (steps + 1,)"""
    assert steps >= 2, f"STEPS is {steps}. Give at least 2."
    given = f"FIRST_BETA is {first:g} and LAST_BETA is {last:g}"
    assert 0 < first <= last < 1, f"{given}. Give 0 < FIRST_BETA <= LAST_BETA < 1."
    return np.concatenate([[0], np.linspace(first, last, steps)])


def chain(x, beta, rng):
    """All steps of the chain from x.  (...) -> (steps + 1, ...)"""
    walk = [x]
    for b in beta[1:]:
        walk.append(np.sqrt(1 - b) * walk[-1] + np.sqrt(b) * rng.standard_normal(x.shape))
    return np.array(walk)


assert WALKERS >= 3, f"WALKERS is {WALKERS}. Give at least 3."
rng = np.random.default_rng(SEED)
beta = schedule()
walks = chain(np.full(WALKERS, 2.0), beta, rng)
for number, walk in enumerate(walks[::5, :3].T, 1):
    print(f"Walker {number}, every 5 steps:", ", ".join(f"{x:.2f}" for x in walk))

# %% [markdown]
# ## One jump in the place of many steps
#
# We write $a_t = 1 - \beta_t$ and insert the first step into the second one:
#
# $$x_2 = \sqrt{a_2 a_1}\,x_0 + \sqrt{a_2 \beta_1}\,e_1 + \sqrt{\beta_2}\,e_2$$
#
# The last two terms are independent normal noise, so their variances add up:
# $a_2 \beta_1 + \beta_2 = a_2 (1 - a_1) + 1 - a_2 = 1 - a_1 a_2$. So one single noise $e$ can
# take their place. It goes on like this. With the product $\bar{a}_t = a_1 a_2 \cdots a_t$ we can
# jump from $x_0$ to any $x_t$:
#
# $$x_t = \sqrt{\bar{a}_t}\,x_0 + \sqrt{1 - \bar{a}_t}\,e$$
#
# (Papers write $\alpha$ for our $a$ and $\varepsilon$ for our $e$.) This is the **closed form**
# of the chain. It says: $x_t$ has the mean $\sqrt{\bar{a}_t}\,x_0$ and the variance $1 -
# \bar{a}_t$. The training of a diffusion model needs noisy pictures of all kinds of $t$. With the
# closed form each of them costs one step.
#
# The closed form does not say how two members of one chain belong together. For $s < t$ and a
# given start they rise and fall together: their **covariance** is $\sqrt{\bar{a}_t /
# \bar{a}_s}\,(1 - \bar{a}_s)$. Two separate jumps have the covariance 0.

# %%
abar = np.cumprod(1 - beta)  # abar[0] = 1: the data, without noise


def jump(x, left, rng):
    """x_t from the data x_0, in one step.  left: abar_t.  (...) -> (...)"""
    return np.sqrt(left) * x + np.sqrt(1 - left) * rng.standard_normal(x.shape)


means, variances = walks.mean(axis=1), walks.var(axis=1)  # of all walkers, at each t
shown = [0, *(max(1, round(share * STEPS)) for share in (0.1, 0.2, 0.4, 0.6, 0.8, 1))]
sides = np.stack([abar, means, 2 * np.sqrt(abar), variances, 1 - abar], axis=1)
table(
    ["t", "abar", "mean: chain", "closed form", "variance: chain", "closed form"],
    [[t, *(f"{number:.3f}" for number in sides[t])] for t in shown],
)
early, later = shown[2:4]
chained = np.cov(walks[early], walks[later])[0, 1]
formula = np.sqrt(abar[later] / abar[early]) * (1 - abar[early])
jumped = np.cov(*(jump(walks[0], abar[t], rng) for t in (early, later)))[0, 1]
covariances = f"{chained:.3f} in the chain, {formula:.3f} by the formula, {jumped:.3f} for jumps"
print(f"Covariance of x at {early} and {later}: {covariances}")
draw.walkers(walks, abar, shown)

# %% [markdown]
# In the figure, most walkers stay between the dashed lines, which are two standard deviations
# above and below the mean. The histograms on the right are the walkers, and the black curves are
# the closed form. At each of these three times the two agree.
#
# ## What the end still knows
#
# The slides say that the picture becomes "asymptotically" pure Gaussian noise. Asymptotically
# means: closer and closer, but never quite. The closed form shows how close. At the end only
# $\sqrt{\bar{a}_T}$ of the start is left, and the variance of the noise is nearly 1. So $x_T$ is
# nearly $N(0, 1)$, whatever the start was. For a picture one writes $N(0, I)$: each of its
# numbers is $N(0, 1)$, independent of all others.
#
# This matters. A generator begins with pure noise, drawn from $N(0, I)$. It can only be right if
# the real chain ends there as well. How much does the end still know? The test: half of the
# walkers start at 1, half at -1. We see only their ends, and guess that a walker above 0 came
# from 1. An end that knows nothing makes us right in 50% of the cases.
#
# We compare four schedules. The **cosine** schedule of Nichol and Dhariwal (2021) does not choose
# $\beta_t$ but $\bar{a}_t$: a squared cosine that falls from 1 to nearly 0. The last schedule is
# too weak: 50 steps, but only the small $\beta$ that Ho and others use for 1,000 steps.

# %%
falling = np.cos((np.arange(STEPS + 1) / STEPS + 0.008) / 1.008 * np.pi / 2) ** 2
schedules = {
    "ours": abar,
    "Ho and others": np.cumprod(1 - schedule(1000, 0.0001, 0.02)),
    "cosine": np.maximum(falling / falling[0], 1e-9),
    "too weak": np.cumprod(1 - schedule(50, 0.0001, 0.02)),
}
starts = np.repeat([1.0, -1.0], WALKERS // 2)
knows = {}
for name, left in schedules.items():
    knows[name] = ((jump(starts, left[-1], rng) > 0) == (starts > 0)).mean()
table(
    ["schedule", "steps", "abar at the end", "start guessed right from the end"],
    [[n, len(left) - 1, f"{left[-1]:.5f}", f"{knows[n]:.1%}"] for n, left in schedules.items()],
)
draw.schedules(schedules, knows)

# %% [markdown]
# Our schedule leaves a trace: a little more than 50% are guessed right. This is good enough for
# what follows. With the weak schedule most starts can still be told from the ends. A generator
# that starts from $N(0, I)$ would start in places where no real chain ends.
#
# ## A photograph dissolves
#
# A picture is many numbers, and each goes through the chain with noise of its own. We take a
# photograph of 144 x 128 pixels, and shift and scale its numbers so that they have mean 0 and
# variance 1. Then the **correlation** of the noisy picture with the original, pixel by pixel, is
# $\sqrt{\bar{a}_t}$, up to chance. (A correlation of 1 means "the same picture", 0 means "nothing
# in common".)
#
# The lower row of the figure shows the same noisy pictures, but each square of 8 x 8 pixels is
# replaced by its average. Averaging removes noise: the average of 64 noises is only an eighth as
# large as one of them. So the large areas of a picture survive much longer than its details.

# %%
photo = data.photograph()[:576].reshape(144, 4, 128, 4, 3).mean(axis=(1, 3))
photo = (photo - photo.mean()) / photo.std()  # (144, 128, 3)
noisy = {t: jump(photo, abar[t], rng) for t in shown}


def averages(picture):  # of squares of 8 x 8 pixels: (144, 128, 3) -> (18, 16, 3)
    return picture.reshape(18, 8, 16, 8, 3).mean(axis=(1, 3))


def correlation(a, b):
    return np.corrcoef(a.ravel(), b.ravel())[0, 1]


same = {t: correlation(noisy[t], photo) for t in shown}  # pixel by pixel
same_large = {t: correlation(averages(noisy[t]), averages(photo)) for t in shown}
table(
    ["t", "root of abar", "correlation of pixels", "of averages"],
    [[t, f"{abar[t] ** 0.5:.3f}", f"{same[t]:.3f}", f"{same_large[t]:.3f}"] for t in shown],
)
draw.photograph(noisy, {t: averages(noisy[t]) for t in shown}, same, same_large)

# %% [markdown]
# Read the table from below, as a generator walks. First it has to decide about large areas, light
# or dark. The details come last.
#
# The last number of the table is a warning. At the end of the chain, the averages still have much
# in common with the picture. For pictures as large as this one our schedule is too weak. Then one
# takes a schedule that goes further down, as the cosine does.
#
# ## Which way leads back?
#
# Now the other direction. Somebody shows us a noisy $x_t$. Where did it come from? To see it on
# paper we take a small data set: five points in the plane. At time $t$ each of them has become a
# round cloud, with its middle at $\sqrt{\bar{a}_t}\,x_i$ and the variance $1 - \bar{a}_t$. The
# **density** $p_t(x)$ says how crowded the noisy data are at the place $x$. It is the average of
# the densities of the five clouds:
#
# $$p_t(x) = \frac{1}{5} \sum_{i=1}^{5} N(x;\ \sqrt{\bar{a}_t}\,x_i,\ (1 - \bar{a}_t)\,I)$$
#
# A walker at the place $x$ may come from any of the five points. The **weight** $w_i$ is the
# probability that it comes from point $i$: the share of cloud $i$ in the density at $x$. Let
# $d_i$ be the distance from $x$ to the middle of cloud $i$. Then the weights are a softmax:
#
# $$w_i = \frac{\exp(z_i)}{\sum_{j=1}^{5} \exp(z_j)}, \quad z_i = -\frac{d_i^2}{2\,(1 -
# \bar{a}_t)}$$
#
# The way back leads to where the noisy data are denser. This direction is called the **score**:
# the gradient of $\log p_t(x)$ with respect to $x$. (With the logarithm the arrows do not become
# too short far away from the data.) For our five points we know $p_t(x)$, so the program can
# compute its gradient.
#
# The figure shows the directions of these arrows. All are drawn with the same length. The table
# counts how many of them point to the middle of the data, and how many to the nearest data point,
# within 15 degrees. An arrow can count in both columns, or in neither.


# %%
def exponents(x, left):  # z for each place and data point, of arrays or tensors: (N, 2) -> (N, 5)
    squares = ((x[:, None] - np.sqrt(left) * np.array(POINTS)) ** 2).sum(axis=2)
    return -squares / (2 * (1 - left))


def weights(x, left):  # the softmax of z: (N, 2) -> (N, 5)
    return tn.softmax(tn.Tensor(exponents(x, left))).numpy()


def score(x, left):
    """The gradient of the log of the density.  left: abar_t.  (N, 2) -> (N, 2)"""
    x = tn.Tensor(x, requires_grad=True)
    z = exponents(x, left)
    # z_i minus its log_softmax is the log of the sum of exp(z): of the density, up to a constant
    (z - tn.log_softmax(z))[:, 0].sum().backward()
    return x.grad


def towards(goals, arrows):
    """The share of the arrows whose direction is within 15 degrees of that to their goals."""
    lengths = np.hypot(*(goals - grid).T) * np.hypot(*arrows.T) + 1e-9
    return (((goals - grid) * arrows).sum(axis=1) / lengths > np.cos(np.deg2rad(15))).mean()


side = np.linspace(-2.25, 2.25, 19)
grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)  # (361, 2)
points = np.array(POINTS)
near = points[((grid[:, None] - points) ** 2).sum(axis=2).argmin(axis=1)]  # for each place
times = [max(1, round(share * STEPS)) for share in (1, 0.4, 0.12)]
scores = {t: score(grid, abar[t]) for t in times}
largest = {t: weights(grid, abar[t]).max(axis=1).mean() for t in times}
to_middle = {t: towards(points.mean(axis=0), scores[t]) for t in times}
to_nearest = {t: towards(near, scores[t]) for t in times}
table(
    ["t", "largest of the five weights", "arrows to the middle", "to the nearest data point"],
    [[t, f"{largest[t]:.2f}", f"{to_middle[t]:.0%}", f"{to_nearest[t]:.0%}"] for t in times],
)
draw.arrows(grid, scores, points, abar)

# %% [markdown]
# (The weight is an average over all places of the figure.) With much noise, the five points are
# about equally likely everywhere, so no weight is much larger than 1/5. **All arrows point to the
# middle.** With little noise, the nearest point has nearly all the weight. **Nearly every arrow
# points to the nearest point.** The plane is divided among the five points.
#
# ## The best guess
#
# There is a second way to ask where a walker came from: what is the best guess of its $x_0$? The
# **squared error** of a guess is its squared distance from the true $x_0$. On average it is
# smallest for the **posterior mean**, the average of the data points with their probabilities as
# weights:
#
# $$\hat{x}_0 = \sum_{i=1}^{5} w_i\,x_i$$
#
# Guess and score say the same thing. Cloud $i$ alone has the score $(\sqrt{\bar{a}_t}\,x_i - x) /
# (1 - \bar{a}_t)$, a pull to its middle. Each cloud counts with its share of the density, $w_i$.
# So the score is the average of the five pulls with these weights:
#
# $$\nabla_x \log p_t(x) = \frac{\sqrt{\bar{a}_t}\,\hat{x}_0 - x}{1 - \bar{a}_t}$$
#
# So the arrow leads from $x$ to $\sqrt{\bar{a}_t}\,\hat{x}_0$. This is the guess, shrunk as the
# chain shrinks its data. And because $x_t = \sqrt{\bar{a}_t}\,x_0 + \sqrt{1 - \bar{a}_t}\,e$, the
# best guess of the noise $e$ is the score again, except for a factor:
#
# $$\hat{e} = \frac{x - \sqrt{\bar{a}_t}\,\hat{x}_0}{\sqrt{1 - \bar{a}_t}} = -\sqrt{1 -
# \bar{a}_t}\,\nabla_x \log p_t(x)$$
#
# **Whoever can guess the noise knows the score.** This is what the network of the next lesson,
# `diffusion`, learns: it gets $x_t$ and $t$, and guesses $e$.
#
# Is it really the best guess? We send 20,000 walkers from the five points to three times $t$, and
# let four rules guess where each began. One takes the data point with the largest weight. One
# undoes the shrinking: it divides $x$ by $\sqrt{\bar{a}_t}$. One does not look at $x$ at all and
# always answers with the middle of the data.

# %%
origin = points[rng.integers(len(points), size=WALKERS)]
errors, off = {}, {}
for t in times:
    x = jump(origin, abar[t], rng)
    w = weights(x, abar[t])
    best = w @ points
    rules = {
        "the best guess": best,
        "the likeliest data point": points[w.argmax(axis=1)],
        "x, enlarged again": x / np.sqrt(abar[t]),
        "always the middle of the data": np.tile(points.mean(axis=0), (WALKERS, 1)),
    }
    errors[t] = {n: ((guess - origin) ** 2).sum(axis=1).mean() for n, guess in rules.items()}
    off[t] = ((best[:, None] - points) ** 2).sum(axis=2).min(axis=1).mean()
table(
    ["mean squared error of", *(f"t = {t}" for t in times)],
    [[name, *(f"{errors[t][name]:.4f}" for t in times)] for name in rules],
)
print("Mean squared distance between the best guess and the nearest data point:")
print(", ".join(f"{off[t]:.4f} at t = {t}" for t in times))

# %% [markdown]
# The best guess has the smallest error at each $t$. But look at the last line. With much noise
# the best guess lies far from all data points: it is about the middle of them all, and **the
# middle of the data is no data point**. The average of all photographs is no photograph either.
# So one cannot walk back in one large step. With little noise the best guess is good. This is why
# a diffusion model goes back in many small steps, and guesses anew after each one.
#
# ## Claims
#
# The program checks what this lesson says, each time that it runs.

# %%
off_by = max(abs(means - 2 * np.sqrt(abar)).max(), abs(variances - (1 - abar)).max())
claim(
    "At each t, chain and closed form agree within 0.05 in mean and variance",
    off_by < 0.05,
    f"at most {off_by:.3f} apart",
)
claim(
    f"In the chain, x at {early} and {later} have the covariance of the formula, within 0.02; two "
    "separate jumps have none",
    abs(chained - formula) < 0.02 and abs(jumped) < 0.02,
    covariances,
)
claim(
    "At most 55% of the starts are guessed right from the end of our schedule, but at least 85% "
    "from that of the weak one",
    knows["ours"] <= 0.55 and knows["too weak"] >= 0.85,
    f"{knows['ours']:.1%} and {knows['too weak']:.1%}",
)
late, first, last = shown[4], times[0], times[2]
claim(
    f"At t = {late} the correlation is below 0.5 for pixels, and above 0.9 for averages of 8 x 8",
    same[late] < 0.5 and same_large[late] > 0.9,
    f"{same[late]:.3f} and {same_large[late]:.3f}",
)
claim(
    f"At t = {first} at least 95% of the arrows point to the middle of the data, at t = {last} at "
    "least 85% to the nearest data point",
    to_middle[first] >= 0.95 and to_nearest[last] >= 0.85,
    f"{to_middle[first]:.0%} and {to_nearest[last]:.0%}",
)
claim(
    "The best guess has the smallest mean squared error of the four rules, at all three times",
    all(min(e, key=e.get) == "the best guess" for e in errors.values()),
    ", ".join(f"{min(e.values()):.4f} at t = {t}" for t, e in errors.items()),
)
